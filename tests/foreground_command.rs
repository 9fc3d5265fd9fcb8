//! `supervisord -- COMMAND`: the command has the streams and the terminal of supervisord, and its
//! end is the end.

use super::support::pty::{CTRL_C, Pty};
use super::support::{
    Address, DEADLINE, Dir, Finished, Kind, Rpc, finish, is_alive, kill, usual_configuration,
    wait_for, wait_until,
};
use std::process::Command;

const CTRL_Z: &str = "\x1a";

/// supervisord with these words, in a directory of its own.
fn supervisord(dir: &Dir, words: &[&str]) -> Command {
    let mut command = Command::new(Kind::Ours.program("supervisord", &dir.bin()));
    command.args(words).current_dir(dir.path());
    command
}

fn run(dir: &Dir, words: &[&str], input: &str) -> Finished {
    finish(supervisord(dir, words), input, DEADLINE)
}

/// The names in a directory.
fn names(dir: &Dir) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_command_alone_has_the_streams_and_leaves_its_status() {
    let dir = Dir::new();
    for (words, input, stdout, stderr, status) in [
        (&["--", "cat"][..], "in\n", "in\n", "", 0),
        (
            &["--", "sh", "-c", "echo out; echo err >&2; exit 3"],
            "",
            "out\n",
            "err\n",
            3,
        ),
        (&["--", "sh", "-c", "kill -KILL $$"], "", "", "", 137),
        (&["--", "sh", "-c", "kill -TERM $$"], "", "", "", 143),
        (
            &["--", "printf", "%s|", "a b", "", "it's", "100%", "$x"],
            "",
            "a b||it's|100%|$x|",
            "",
            0,
        ),
        (&["-n", "-s", "--", "/bin/true"], "", "", "", 0),
        (
            &["--", "nosuch"],
            "",
            "",
            "Error: cannot start nosuch: can't find command 'nosuch'\n",
            127,
        ),
    ] {
        let finished = run(&dir, words, input);
        assert_eq!(finished.stdout, stdout, "{words:?}");
        assert_eq!(finished.stderr, stderr, "{words:?}");
        assert_eq!(finished.status, Some(status), "{words:?}");
    }
    assert_eq!(names(&dir), ["bin"]);
}

#[test]
fn programs_of_the_file_run_beside_the_command_and_end_with_it() {
    let dir = Dir::new();
    let beside = "[program:beside]\ncommand=/bin/sh -c 'echo $$ >beside.pid; exec cat'\n";
    dir.write("supervisord.conf", usual_configuration(beside));
    let script =
        "while ! [ -s beside.pid ]; do sleep 0.01; done; echo $SUPERVISOR_PROCESS_NAME; exit 5";
    let finished = run(
        &dir,
        &["-c", "supervisord.conf", "--", "sh", "-c", script],
        "",
    );
    let log = dir.read("main.log").unwrap();
    assert_eq!(finished.status, Some(5), "{finished:?}{log}");
    // The log is in its file, and nowhere else.
    assert_eq!(
        (finished.stdout.as_str(), finished.stderr.as_str()),
        ("sh\n", "")
    );
    assert!(log.contains("stopped: beside"), "{log}");
    let pid = dir.read("beside.pid").unwrap().trim().parse().unwrap();
    assert!(!is_alive(pid));
    // The same where the file is found by the search; root is warned then.
    let found = run(&dir, &["--", "true"], "");
    assert_eq!(found.status, Some(0), "{found:?}");
    assert_eq!(
        dir.read("main.log")
            .unwrap()
            .matches("stopped: beside")
            .count(),
        2
    );
    // And nothing but the file without a command.
    let checked = run(&dir, &["--check", "--"], "");
    assert!(
        checked.stdout.contains("ok (1 group, 1 process)"),
        "{checked:?}"
    );
    let checked = run(
        &dir,
        &["-c", "supervisord.conf", "--check", "--", "cat"],
        "",
    );
    assert!(
        checked.stdout.contains("ok (2 groups, 2 processes)"),
        "{checked:?}"
    );
}

/// Types a line when the shell has given the terminal to its job. Before that it reads keys one by
/// one, and what is typed may not be a line when it is read.
fn type_to_cat(pty: &mut Pty, line: &str) {
    assert!(wait_until(DEADLINE, || pty.is_cooked()), "{}", pty.screen());
    pty.line(line);
}

/// Waits until a text was written to the terminal so many times, be it on the screen still or not.
fn wait_written(pty: &Pty, text: &str, times: usize) {
    let is_written = || pty.written().matches(text).count() == times;
    assert!(
        wait_until(DEADLINE, is_written),
        "{text}: {:?}",
        pty.written()
    );
}

/// A terminal with an interactive shell below supervisord.
fn shell(dir: &Dir, words: &[&str]) -> Pty {
    let words = [words, &["--", "bash", "--norc", "-i"]].concat();
    let mut command = supervisord(dir, &words);
    command.env("PS1", "ready> ");
    let pty = Pty::start(&command, 80, 25);
    pty.wait_row("ready>");
    pty
}

#[test]
fn a_shell_has_job_control_and_the_size_of_the_terminal() {
    let dir = Dir::new();
    let mut pty = shell(&dir, &[]);
    pty.line("stty size");
    pty.wait_text("25 80");
    pty.resize(91, 30);
    pty.line("stty size; trap");
    pty.wait_text("30 91");
    pty.wait_row("ready>");
    pty.line("cat; echo ended $?");
    type_to_cat(&mut pty, "once");
    wait_written(&pty, "once", 2);
    // A key stops the job, and the shell goes on with it.
    pty.send(CTRL_Z);
    pty.wait_text("Stopped");
    pty.wait_row("ready>");
    pty.line("fg");
    type_to_cat(&mut pty, "twice");
    wait_written(&pty, "twice", 2);
    // Another one ends the job, and neither the shell nor supervisord.
    pty.send(CTRL_C);
    pty.wait_row("ready>");
    pty.send(CTRL_C);
    pty.wait_text("ready> ^C\nready>");
    pty.line("exit 7");
    assert_eq!(pty.wait(DEADLINE), Some(7), "{}", pty.screen());
    let written = pty.written();
    assert!(
        !written.contains("no job control") && !written.contains("INFO"),
        "{written}"
    );
}

#[test]
fn the_terminal_goes_back_to_whoever_has_started_supervisord() {
    let dir = Dir::new();
    let program = Kind::Ours.program("supervisord", &dir.bin());
    let mut command = Command::new("/bin/sh");
    let script = "\"$0\" -- sh -c 'read x; echo first $x'; read y; echo then $y";
    command
        .args(["-c", script])
        .arg(program)
        .current_dir(dir.path());
    let mut pty = Pty::start(&command, 80, 25);
    pty.line("one");
    pty.wait_text("first one");
    pty.line("two");
    pty.wait_text("then two");
    assert_eq!(pty.wait(DEADLINE), Some(0));
}

#[test]
fn a_command_that_a_key_stops_is_a_stopped_job_of_the_shell_above() {
    let dir = Dir::new();
    let program = Kind::Ours.program("supervisord", &dir.bin());
    let mut command = Command::new("bash");
    command
        .args(["--norc", "-i"])
        .env("PS1", "above> ")
        .current_dir(dir.path());
    let mut pty = Pty::start(&command, 80, 25);
    pty.wait_row("above>");
    pty.line(&format!("{} -- cat; echo ended $?", program.display()));
    type_to_cat(&mut pty, "once");
    wait_written(&pty, "once", 2);
    pty.send(CTRL_Z);
    wait_written(&pty, "Stopped", 1);
    pty.wait_row("above>");
    pty.line("fg; echo ended $?");
    type_to_cat(&mut pty, "twice");
    wait_written(&pty, "twice", 2);
    // In the background it stops as soon as it reads.
    pty.send(CTRL_Z);
    wait_written(&pty, "Stopped", 2);
    let stops = "until [ -n \"$(jobs -s)\" ]; do sleep 0.02; done";
    pty.wait_row("above>");
    pty.line(&format!("bg; {stops}; fg; echo ended $?"));
    type_to_cat(&mut pty, "thrice");
    wait_written(&pty, "thrice", 2);
    pty.send(CTRL_C);
    pty.wait_text("ended 130");
    pty.line("exit 4");
    assert_eq!(pty.wait(DEADLINE), Some(4), "{}", pty.screen());
}

#[test]
fn nobody_but_the_one_in_the_foreground_gets_the_terminal() {
    let dir = Dir::new();
    let program = Kind::Ours.program("supervisord", &dir.bin());
    let mut command = Command::new("bash");
    command
        .args(["--norc", "-i"])
        .env("PS1", "above> ")
        .current_dir(dir.path());
    let mut pty = Pty::start(&command, 80, 25);
    pty.wait_row("above>");
    let script = "echo $$ >pid; exec sleep 1000";
    pty.line(&format!("{} -- sh -c '{script}' &", program.display()));
    let pid = || dir.read("pid")?.trim().parse().ok();
    let pid = wait_for(DEADLINE, pid).expect("the command runs");
    pty.line("clear; echo it is $((1 + 1))");
    pty.wait_text("it is 2");
    kill(pid, libc::SIGKILL);
    pty.line("wait $!; echo ended $?");
    pty.wait_text("ended 137");
    pty.line("exit 0");
    assert_eq!(pty.wait(DEADLINE), Some(0), "{}", pty.screen());
}

#[test]
fn signals_to_supervisord_stop_the_command_and_everything_beside_it() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let dir = Dir::new();
        let beside = "[program:beside]\ncommand=/bin/cat\n";
        dir.write("supervisord.conf", usual_configuration(beside));
        let script = "trap 'echo stopped; exit 9' TERM; echo ready; while :; do sleep 0.02; done";
        let mut command = supervisord(&dir, &["-c", "supervisord.conf"]);
        command.args(["--", "sh", "-c", script]);
        let mut pty = Pty::start(&command, 80, 25);
        pty.wait_text("ready");
        pty.signal(signal);
        // It was asked to end, whatever the command says.
        assert_eq!(pty.wait(DEADLINE), Some(0), "{}", pty.screen());
        assert_eq!(pty.screen(), "ready\nstopped");
        let log = dir.read("main.log").unwrap();
        let command = log.find("stopped: sh").unwrap_or_else(|| panic!("{log}"));
        let beside = log
            .find("stopped: beside")
            .unwrap_or_else(|| panic!("{log}"));
        assert!(command < beside, "{log}");
    }
}

#[test]
fn a_reload_starts_the_command_again_with_the_terminal() {
    let dir = Dir::new();
    dir.write("supervisord.conf", usual_configuration(""));
    let mut pty = shell(&dir, &["-c", "supervisord.conf"]);
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    assert!(wait_until(DEADLINE, || rpc.answers()));
    // An interactive shell does not listen to SIGTERM.
    pty.line("trap 'exit 1' TERM; clear");
    pty.wait_row("ready>");
    rpc.call("supervisor.restart", &[]).answer();
    let log = || dir.read("main.log").unwrap();
    let again = || log().matches("supervisord started with pid").count() == 2;
    assert!(wait_until(DEADLINE, again), "{}", log());
    pty.line("clear; echo it is $((1 + 1))");
    pty.wait_text("it is 2");
    // It has no pipes, so nobody can send it input or read its output.
    let call = |method: &str| {
        let parameters = [
            super::support::Value::text("bash"),
            super::support::Value::text("x"),
        ];
        rpc.call(&format!("supervisor.{method}"), &parameters)
    };
    assert!(format!("{:?}", call("sendProcessStdin")).contains("NO_FILE"));
    pty.line("exit 6");
    assert_eq!(pty.wait(DEADLINE), Some(6), "{}", pty.screen());
}

#[test]
fn a_first_process_gives_its_terminal_to_the_command() {
    let dir = Dir::new();
    let is_root = nix::unistd::getuid().is_root();
    let mut command = Command::new("unshare");
    if !is_root {
        command.arg("--map-root-user");
    }
    let program = Kind::Ours.program("supervisord", &dir.bin());
    command
        .args(["--fork", "--kill-child", "--pid", "--mount-proc"])
        .args(["setsid", "--ctty", "--wait"])
        .arg(program)
        .args(["--", "cat"])
        .current_dir(dir.path());
    let mut pty = Pty::start(&command, 80, 25);
    pty.line("once");
    wait_written(&pty, "once", 2);
    // Nobody would go on with it.
    pty.send(CTRL_Z);
    pty.line("twice");
    wait_written(&pty, "twice", 2);
    pty.send(CTRL_C);
    assert_eq!(pty.wait(DEADLINE), Some(130), "{}", pty.screen());
}
