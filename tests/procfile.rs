//! `--run` and `--procfile`: commands without a configuration, in the foreground.

use super::support::pty::{CTRL_C, Pty};
use super::support::{
    Ctl, DEADLINE, Dir, Finished, Kind, finish, is_alive, usual_configuration, wait_for, wait_until,
};
use std::fs;
use std::path::Path;
use std::process::Command;

fn supervisord(dir: &Dir, words: &[&str]) -> Command {
    let mut command = Command::new(Kind::Ours.program("supervisord", &dir.bin()));
    command.args(words).current_dir(dir.path());
    command
}

fn run(dir: &Dir, words: &[&str]) -> Finished {
    finish(supervisord(dir, words), "", DEADLINE)
}

/// The lines of a command, which stand behind its name.
fn lines_of<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(" | "));
    let own = lines.filter(|(before, _)| before.trim_end() == name);
    own.map(|(_, line)| line).collect()
}

/// A pid that a command has written into a file.
fn pid_in(dir: &Dir, name: &str) -> u32 {
    let pid = wait_for(DEADLINE, || dir.read(name)?.trim().parse().ok());
    pid.unwrap_or_else(|| panic!("no pid in {name}"))
}

#[test]
fn the_first_command_that_ends_ends_all_with_its_status() {
    let dir = Dir::new();
    let stays = "--run=stays=echo $$ >pid; sleep 1000 & echo $! >pid.sleep; wait";
    let waits = "while ! [ -s pid.sleep ]; do sleep 0.01; done";
    for (end, status) in [("exit 0", 0), ("exit 7", 7), ("kill -INT $$", 130)] {
        let ends = format!("ends={waits}; echo last; printf words; echo ' of it' >&2; {end}");
        let finished = run(&dir, &[stays, "--run", &ends]);
        assert_eq!(finished.status, Some(status), "{finished:?}");
        assert_eq!(finished.stderr, "");
        let lines = lines_of(&finished.stdout, "ends");
        assert_eq!(lines, ["last", "words of it"], "{finished:?}");
        for name in ["pid", "pid.sleep"] {
            // The shell's own child is nobody's, and may be a moment longer.
            let pid = pid_in(&dir, name);
            let has_ended = wait_until(DEADLINE, || !is_alive(pid));
            assert!(has_ended, "{finished:?}");
            fs::remove_file(dir.join(name)).unwrap();
        }
    }
    // It has left nothing.
    let entries = fs::read_dir(dir.path()).unwrap();
    assert_eq!(entries.count(), 1);
}

#[test]
fn the_last_line_of_a_command_is_not_lost() {
    let dir = Dir::new();
    let many = "many=i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; printf end";
    let finished = run(&dir, &["--run", many]);
    assert_eq!(finished.status, Some(0), "{}", finished.stderr);
    let lines = lines_of(&finished.stdout, "many");
    assert_eq!(lines.len(), 20001);
    assert_eq!(lines.last(), Some(&"end"));
    assert!(!finished.stdout.contains('\x1b'));
}

#[test]
fn who_writes_into_the_same_file_next_begins_behind_the_last_line() {
    let dir = Dir::new();
    let program = Kind::Ours.program("supervisord", &dir.bin());
    let script = "{ echo before; \"$0\" --run 'a=echo here; exit 3'; echo after $?; } >out";
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .arg(program)
        .current_dir(dir.path());
    let finished = finish(command, "", DEADLINE);
    assert_eq!(finished.stderr, "");
    let text = dir.read("out").unwrap();
    assert!(
        text.starts_with("before\n") && text.ends_with("\nafter 3\n"),
        "{text}"
    );
    assert_eq!(lines_of(&text, "a"), ["here"], "{text}");
}

#[test]
fn a_reread_finds_the_commands_unchanged() {
    let dir = Dir::new();
    dir.write("Procfile", "web: echo up; exec cat\n");
    dir.write("supervisord.conf", usual_configuration(""));
    let words = ["--run", "a=exec cat", "--procfile", "Procfile", "--", "cat"];
    let pty = Pty::start(
        &supervisord(&dir, &[&["-c", "supervisord.conf"], &words[..]].concat()),
        80,
        25,
    );
    pty.wait_text("web | up");
    let ctl = Ctl::new(Kind::Ours, &dir);
    let running = || ctl.run(&["status"]).stdout.matches(" RUNNING ").count() == 3;
    assert!(wait_until(DEADLINE, running), "{:?}", ctl.run(&["status"]));
    assert_eq!(
        ctl.run(&["reread"]).stdout,
        "No config updates to processes\n"
    );
    // The Procfile is read again.
    dir.write("Procfile", "web: echo up again; exec cat\n");
    assert_eq!(
        ctl.run(&["update"]).stdout,
        "web: stopped\nweb: updated process group\n"
    );
    pty.wait_text("web | up again");
}

#[test]
fn a_procfile_is_run_in_its_directory_with_the_variables_beside_it() {
    let dir = Dir::new();
    dir.write(
        "app/Procfile",
        "# what there is\nweb: echo $PORT $A in $PWD, $PROC_DIR; : >web; sleep 1000\n\n\
         long_worker: echo $PORT \"$A\"; while ! [ -e web ]; do sleep 0.01; done; exit 3\n",
    );
    dir.write("app/.env", "A='a  b'\nexport PROC_DIR=\"x\\\"y\"\n");
    let finished = run(&dir, &["--procfile", "app/Procfile"]);
    assert_eq!(finished.status, Some(3), "{finished:?}");
    let app = dir.join("app");
    let web = format!("5000 a b in {}, x\"y", app.display());
    assert_eq!(lines_of(&finished.stdout, "web"), [web], "{finished:?}");
    assert_eq!(lines_of(&finished.stdout, "long_worker"), ["5100 a  b"]);
    // Names have one width.
    let bars = finished.stdout.lines().map(|line| line.find(" | "));
    let width = Some("long_worker".len());
    assert!(bars.into_iter().all(|bar| bar == width), "{finished:?}");
}

#[test]
fn commands_run_beside_the_programs_of_a_file() {
    let dir = Dir::new();
    let beside = "[program:beside]\ncommand=/bin/sh -c 'echo mine; : >up; exec cat'\n\
                  stdout_logfile=%(here)s/beside.log\n";
    dir.write("supervisord.conf", usual_configuration(beside));
    let waits = "ends=while ! [ -e up ]; do sleep 0.01; done; echo here; exit 4";
    let finished = run(&dir, &["-c", "supervisord.conf", "--run", waits]);
    assert_eq!(finished.status, Some(4), "{finished:?}");
    assert_eq!(lines_of(&finished.stdout, "ends"), ["here"], "{finished:?}");
    assert!(!finished.stdout.contains("mine"), "{finished:?}");
    assert_eq!(dir.read("beside.log").as_deref(), Some("mine\n"));
    let log = dir.read("main.log").unwrap();
    assert!(log.contains("stopped: beside"), "{log}");
    // A name stands for one program.
    let finished = run(&dir, &["-c", "supervisord.conf", "--run", "beside=cat"]);
    assert_eq!(finished.status, Some(2));
    let file = dir.read("supervisord.conf").unwrap();
    let mut lines = file.lines();
    let line = lines.position(|line| line == "[program:beside]").unwrap() + 1;
    let expected = format!(
        "Error: there are two programs or groups named beside\nFor help, use {} -h\n\
         command line:1: supervisord.conf:{line} is the other: give one of them another name\n",
        dir.join("bin/supervisord").display()
    );
    assert_eq!(finished.stderr, expected);
}

#[test]
fn what_they_stand_for_is_checked_and_shown() {
    let dir = Dir::new();
    dir.write("Procfile", "web: exec cat $HOME\n");
    let words = ["--run", "a=cat && true", "--procfile", "Procfile"];
    let checked = run(&dir, &[&words[..], &["--check=strict"]].concat());
    assert_eq!(checked.stderr, "");
    assert_eq!(
        checked.stdout,
        "command line: configuration ok (2 groups, 2 processes)\n"
    );
    let shown = run(&dir, &[&words[..], &["--dump-config"]].concat());
    for expected in ["\"/bin/sh -c 'cat && true'\"", "\"PORT\":\"5100\""] {
        let text = shown.stdout.replace("\": \"", "\":\"");
        assert!(text.contains(expected), "{expected} {text}");
    }
    dir.write("Procfile", "web: cat\nworker\n");
    for inspection in [&["--check"][..], &["--dump-config"], &[]] {
        let refused = run(&dir, &[&["--procfile", "Procfile"], inspection].concat());
        assert_eq!(refused.status, Some(2), "{refused:?}");
        let place = format!("{}:2: write NAME: COMMAND", dir.join("Procfile").display());
        assert!(refused.stderr.contains(&place), "{refused:?}");
    }
    let refused = run(&dir, &["--run", "true"]);
    assert_eq!(refused.status, Some(2));
    assert!(
        refused.stderr.starts_with("Error: --run needs a name"),
        "{refused:?}"
    );
}

/// Commands on a terminal; both write their pid.
fn on_terminal(dir: &Dir, trap: &str) -> Pty {
    let script = |name: &str| {
        format!("{name}={trap} echo $$ >{name}; echo up; while :; do sleep 0.02; done")
    };
    let (a, b) = (script("a"), script("longer"));
    Pty::start(&supervisord(dir, &["--run", &a, "--run", &b]), 100, 25)
}

#[test]
fn a_key_stops_all_and_names_have_colours_on_a_terminal() {
    let dir = Dir::new();
    let mut pty = on_terminal(&dir, "trap 'echo bye; exit 3' TERM;");
    let pids = ["a", "longer"].map(|name| pid_in(&dir, name));
    pty.wait_screen("both are up", |screen| screen.matches(" | up").count() == 2);
    pty.send(CTRL_C);
    // They were asked to end.
    assert_eq!(pty.wait(DEADLINE), Some(0), "{}", pty.screen());
    // A shell may say what has ended its child.
    for name in ["a", "longer"] {
        let screen = pty.screen();
        let lines = lines_of(&screen, name);
        assert_eq!((lines[0], lines.last()), ("up", Some(&"bye")), "{screen}");
    }
    assert!(pty.written().contains("\x1b["), "{:?}", pty.written());
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn a_second_key_kills_what_does_not_stop() {
    let dir = Dir::new();
    let mut pty = on_terminal(&dir, "trap 'echo not yet' TERM;");
    pty.wait_screen("both are up", |screen| screen.matches(" | up").count() == 2);
    let pids = ["a", "longer"].map(|name| pid_in(&dir, name));
    pty.send(CTRL_C);
    pty.wait_text("not yet");
    pty.send(CTRL_C);
    assert_eq!(pty.wait(DEADLINE), Some(0), "{}", pty.screen());
    assert!(wait_until(DEADLINE, || pids
        .iter()
        .all(|pid| !is_alive(*pid))));
}

#[test]
fn the_readme_opens_with_a_command_that_is_good() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut typed = readme.lines().filter_map(|line| line.strip_prefix("    "));
    let line = typed.next().unwrap();
    assert!(line.starts_with("supervisord --run "), "{line}");
    let dir = Dir::new();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("PATH=$PWD/bin:$PATH; {line} --check=strict")])
        .current_dir(dir.path());
    let finished = finish(command, "", DEADLINE);
    let expected = "command line: configuration ok (1 group, 1 process)\n";
    assert_eq!(
        (finished.stdout.as_str(), finished.status),
        (expected, Some(0)),
        "{finished:?}"
    );
}
