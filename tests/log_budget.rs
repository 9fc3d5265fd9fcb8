//! The bound of all logs of programs together with their backups.

use super::support::{DEADLINE, Dir, Scene, Value, wait_until};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

fn cat(name: &str, keys: &str) -> String {
    format!(
        "[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nredirect_stderr=true\n\
         stdout_logfile=%(here)s/logs/{name}.log\n{keys}\n"
    )
}

fn prepared() -> Dir {
    let dir = Dir::new();
    fs::create_dir(dir.join("logs")).unwrap();
    dir
}

fn say(scene: &Scene, name: &str, text: &str) {
    let said = scene.call("sendProcessStdin", &[Value::text(name), Value::text(text)]);
    assert_eq!(said.answer(), Value::Bool(true));
}

/// How much all files take. One that is renamed meanwhile counts once.
fn total(scene: &Scene) -> u64 {
    let mut sizes = BTreeMap::new();
    for entry in fs::read_dir(scene.dir.join("logs")).unwrap() {
        if let Ok(found) = fs::metadata(entry.unwrap().path()) {
            sizes.insert(found.ino(), found.len());
        }
    }
    sizes.values().sum()
}

fn wait_last(scene: &Scene, name: &str, line: &str) {
    let names = [format!("logs/{name}.log"), format!("logs/{name}.log.1")];
    let has = |name: &String| {
        scene
            .dir
            .read(name)
            .is_some_and(|text| text.ends_with(line))
    };
    let came = wait_until(DEADLINE, || names.iter().any(has));
    assert!(came, "{line} is not there");
}

#[test]
fn all_logs_together_never_take_more_than_the_bound() {
    let keys = "stdout_logfile_maxbytes=1000\nstdout_logfile_backups=50";
    let programs = ["a", "b", "c"].map(|name| cat(name, keys)).concat();
    let more = format!("childlogs_maxbytes=10KB\n{programs}");
    let scene = Scene::start_as(prepared(), &more, |_| {});
    scene.wait_all("RUNNING");
    let line = |number: usize| format!("line {number:05} {}\n", "x".repeat(120));
    let longest = line(0).len() as u64;
    for number in 0..120 {
        for name in ["a", "b", "c"] {
            say(&scene, name, &line(number));
            wait_last(&scene, name, &line(number));
            let found = total(&scene);
            assert!(found <= 10 * 1024 + longest, "{number}: {found}");
        }
    }
    assert!(total(&scene) > 8 * 1024);
    scene.wait_log(
        "was removed: the logs of programs take more than childlogs_maxbytes, 10240 bytes",
    );
    // What is left is the end, without a gap.
    let mut text = String::new();
    for number in (0..50).rev() {
        let name = if number == 0 {
            "logs/a.log".to_owned()
        } else {
            format!("logs/a.log.{number}")
        };
        text += &scene.dir.read(&name).unwrap_or_default();
    }
    let first: usize = text.get(5..10).unwrap().parse().unwrap();
    let expected: String = (first..120).map(line).collect();
    assert!(first > 0 && text == expected, "{text}");
    scene.stop();
}

#[test]
fn the_oldest_backup_of_all_goes_first_and_the_largest_log_last() {
    let dir = prepared();
    for (name, size, age) in [
        ("a.log", 1000, 50),
        ("a.log.1", 1000, 300),
        ("a.log.2.gz", 1000, 500),
        ("off.log", 1000, 900),
        ("off.log.1", 1000, 400),
        ("other.log.1", 1000, 999),
    ] {
        let path = dir.write(&format!("logs/{name}"), "x".repeat(size));
        let time = SystemTime::now() - Duration::from_secs(age);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
    let off = cat("off", "autostart=false");
    let keys = "stdout_logfile_maxbytes=0";
    let more = format!("childlogs_maxbytes=4100\n{}{off}", cat("a", keys));
    let scene = Scene::start_as(dir, &more, |_| {});
    scene.wait("a", "RUNNING");
    let files = || {
        let names = fs::read_dir(scene.dir.join("logs")).unwrap();
        let mut names: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names.join(" ")
    };
    // At the start there is too much.
    assert_eq!(files(), "a.log a.log.1 off.log off.log.1 other.log.1");
    let write = |size: usize| {
        let line = format!("{}\n", "y".repeat(size - 1));
        say(&scene, "a", &line);
        line
    };
    let line = write(500);
    wait_last(&scene, "a", &line);
    // It goes after the line was written.
    assert!(wait_until(DEADLINE, || {
        files() == "a.log a.log.1 off.log other.log.1"
    }));
    let line = write(600);
    wait_last(&scene, "a", &line);
    assert_eq!(files(), "a.log a.log.1 off.log other.log.1");
    write(500);
    assert!(wait_until(DEADLINE, || files() == "a.log off.log other.log.1"));
    // The largest begins anew; that of a program that does not run counts like any other.
    write(600);
    assert!(wait_until(DEADLINE, || {
        scene.dir.read("logs/a.log").as_deref() == Some("")
    }));
    assert_eq!(files(), "a.log off.log other.log.1");
    assert_eq!(scene.dir.read("logs/off.log").unwrap().len(), 1000);
    say(&scene, "a", "goes on\n");
    wait_last(&scene, "a", "goes on\n");
    scene.stop();
}

#[test]
fn a_log_that_several_write_to_counts_once_and_each_of_several_targets_counts() {
    let dir = prepared();
    for name in ["one.log.1", "two.log.1"] {
        dir.write(&format!("logs/{name}"), "x".repeat(1000));
    }
    let both = "stdout_logfile=%(here)s/logs/one.log, %(here)s/logs/two.log";
    let shared = cat("a", both).replace("stdout_logfile=%(here)s/logs/a.log\n", "");
    let other = shared.replace("program:a", "program:b");
    let more = format!("childlogs_maxbytes=3000\n{shared}{other}");
    let scene = Scene::start_as(dir, &more, |_| {});
    scene.wait_all("RUNNING");
    let exists = |name: &str| scene.dir.join(&format!("logs/{name}")).exists();
    // 2 x 200 and 2000 are within the bound, were the log counted twice they would not be.
    for name in ["a", "b"] {
        let line = format!("{name}{}\n", "y".repeat(98));
        say(&scene, name, &line);
        wait_last(&scene, "one", &line);
        wait_last(&scene, "two", &line);
    }
    assert!(exists("one.log.1") && exists("two.log.1"));
    assert_eq!(total(&scene), 2400);
    let line = format!("{}\n", "z".repeat(399));
    say(&scene, "a", &line);
    wait_last(&scene, "two", &line);
    // What is being written may be seen before room is made for it.
    let is_bounded = wait_until(DEADLINE, || total(&scene) <= 3000);
    assert!(is_bounded, "{}", total(&scene));
    scene.stop();
}
