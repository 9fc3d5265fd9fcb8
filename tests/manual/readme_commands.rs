//! The commands of the README and of the guides for developers can be typed.

use super::page::{page, project};
use super::readme::{all, quoted, read, readme};
use crate::support::{DEADLINE, Dir, finish};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// The goals of the Makefile.
fn goals() -> BTreeSet<String> {
    let text = read("Makefile") + &read("conf/ship.mk");
    let heads = text.lines().filter_map(|line| line.split_once(':'));
    let words = heads.map(|(goals, _)| goals.to_owned());
    words
        .filter(|goal| goal.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        .collect()
}

#[test]
fn every_indented_line_can_be_typed() {
    let (before, _, after) = first_steps();
    let text = before + &after + &read("CONTRIBUTING.md");
    let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
    for line in lines.filter(|line| *line != "make          # the release binary") {
        let command = line.split("  #").next().unwrap().trim_end();
        match command.strip_prefix("make ") {
            // What they do is the test of the demonstration, and this one.
            Some(goal) => assert!(goals().contains(goal), "{command}"),
            // The tests of such commands read it here.
            None if command.starts_with("supervisord --run ") => {}
            None => {
                assert_eq!(
                    command, "supervisord -c /etc/supervisor/supervisord.conf --check",
                    "nobody runs it"
                );
                // supervisor-migration(7) has the same command, and runs it.
                assert!(
                    page("supervisor-migration.7").contains(&format!("new/usr/bin/{command}\n"))
                );
            }
        }
    }
}

/// The README before, in and after the section of the first steps.
fn first_steps() -> (String, String, String) {
    let text = readme();
    let (before, rest) = text.split_once("## First steps\n").unwrap();
    let (steps, after) = rest.split_once("\n## ").unwrap();
    (before.to_owned(), steps.to_owned(), after.to_owned())
}

#[test]
fn the_first_steps_can_be_typed_as_they_stand() {
    let (_, steps, _) = first_steps();
    let lines = steps.lines().filter_map(|line| match line.trim() {
        "" => Some(""),
        _ => line.strip_prefix("    "),
    });
    let (commands, file): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with("supervisor"));
    assert_eq!(commands.len(), 7);
    let dir = Dir::new();
    dir.write("supervisord.conf", file.join("\n"));
    let script = format!(
        "trap 'test $? = 0 || supervisorctl -c supervisord.conf shutdown' EXIT\n\
         PATH=$PWD/bin:$PATH TMPDIR=$PWD\nexport PATH TMPDIR\nset -e\n{}\n",
        commands.join("\n")
    );
    let mut command = Command::new("/bin/sh");
    command.current_dir(dir.path()).args(["-c", &script]);
    let found = finish(command, "", DEADLINE);
    assert_eq!(found.status, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(!found.stderr.contains("warning: "), "{}", found.stderr);
    for told in [
        "supervisord.conf: configuration ok (1 group, 1 process)\n",
        "\nclock: started\n",
        "\nShut down\n",
    ] {
        assert!(found.stdout.contains(told), "{told}: {}", found.stdout);
    }
}

#[test]
fn every_goal_and_variable_of_make_that_they_name_is_there() {
    let text = all();
    let rules = read("Makefile") + &read("conf/ship.mk");
    let goals = goals();
    let commands = quoted(&text)
        .into_iter()
        .flat_map(|quoted| quoted.split(" && "))
        .filter_map(|command| command.strip_prefix("make "));
    let mut count = 0;
    for word in commands.flat_map(|command| command.split(' ')) {
        count += 1;
        match word.split_once('=') {
            Some((name, _)) => {
                let is_set = [format!("\n{name} ="), format!("\n{name} ?=")];
                assert!(is_set.iter().any(|set| rules.contains(set)), "{word}");
            }
            None => assert!(goals.contains(word), "make {word}"),
        }
    }
    assert!(count > 10, "{count}");
    let (_, list) = text.split_once("`make help` lists the rest: ").unwrap();
    for goal in quoted(list.split(" and so on").next().unwrap()) {
        assert!(goals.contains(goal), "{goal}");
    }
    let services = text.split("SERVICES=\"").nth(1).unwrap();
    for service in services.split('"').next().unwrap().split(' ') {
        assert!(rules.contains(&format!("SERVICE_{service} =")), "{service}");
    }
}

#[test]
fn what_it_has_others_do_is_held_by_a_test_of_its_own() {
    // What is typed, the file that runs it, and how that begins.
    let known = [
        (
            "apt-get install ./target/pollvisor_*.deb",
            "tests/package/inside.sh",
            "apt-get install -q -y /opt/pollvisor-1.deb",
        ),
        (
            "docker build -t pollvisor -f conf/container/Containerfile .",
            "tests/image.rs",
            "Image::build(dir, \"Containerfile\", \"scratch\")",
        ),
    ];
    let text = readme();
    let of_others = [
        "apt-get",
        "docker",
        "podman",
        "systemctl",
        "curl",
        "pip",
        "rustup",
    ];
    for command in quoted(&text) {
        let first = command.split(' ').next().unwrap();
        if of_others.contains(&first) {
            let (_, file, line) = known.iter().find(|(known, ..)| *known == command).unwrap();
            assert!(read(file).contains(line), "{file} has no {line}");
        }
    }
    let managers = fs::read_dir(project("conf/service")).unwrap().count();
    assert_eq!(managers, 7);
    assert!(text.contains("files for seven service managers"));
}

#[test]
fn every_setting_of_the_tests_is_one() {
    let text = read("CONTRIBUTING.md");
    let (_, table) = text.split_once("| Setting | Effect |").unwrap();
    let mut sources = String::new();
    let mut folders = vec![project("tests"), project("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                None if path.is_dir() => folders.push(path),
                Some("rs" | "py") => sources += &fs::read_to_string(path).unwrap(),
                _ => {}
            }
        }
    }
    let is_read = |name: &str| {
        let spellings = [format!("\"{name}\""), format!("'{name}'")];
        spellings.iter().any(|spelling| sources.contains(spelling))
    };
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    for row in rows {
        let name = quoted(row)[0].split('=').next().unwrap();
        assert!(is_read(name), "{name}");
    }
}
