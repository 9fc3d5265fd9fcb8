//! The history: kept at once, by any number of sessions, whatever its file is.

use super::{at_prompt, keep_history, leave, scene, shell};
use crate::support::pty::{CTRL_C, CTRL_D, CTRL_R, Pty, UP};
use crate::support::{DEADLINE, is_plain, wait_until};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_session_begins_with_the_lines_of_the_ones_before() {
    if is_plain() {
        return;
    }
    let scene = scene();
    keep_history(&scene, "~/history");
    let start = || {
        let mut command = shell(&scene);
        command.env("HOME", scene.dir.path());
        let pty = Pty::start(&command, 80, 24);
        pty.wait_row("supervisor>");
        pty
    };
    let mut first = start();
    first.line("pid");
    first.line("");
    first.line("   ");
    first.line("status café");
    first.line("status café");
    first.line("nonsense");
    first.wait_text("*** Unknown syntax: nonsense");
    first.wait_row("supervisor>");
    let expected = "pid\nstatus café\nnonsense\n";
    assert_eq!(scene.dir.read("history").unwrap(), expected);
    let mode = fs::metadata(scene.dir.join("history"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    // A second one beside it.
    let mut second = start();
    second.send(UP);
    second.wait_row("supervisor> nonsense");
    second.send(UP);
    second.wait_row("supervisor> status café");
    second.line("");
    let ends = |line: &str| {
        let end = format!("\n{line}\n");
        let kept = || scene.dir.read("history").unwrap();
        assert!(
            wait_until(DEADLINE, || kept().ends_with(&end)),
            "{}",
            kept()
        );
    };
    ends("nonsense\nstatus café");
    first.line("version");
    ends("version");
    first.wait_text("4.3.0");
    // However it ends, nothing is lost.
    first.hold();
    first.signal(libc::SIGHUP);
    assert_eq!(first.wait(DEADLINE), Some(-libc::SIGHUP));
    leave(&mut second);
    let expected = format!("{expected}status café\nversion\nquit\n");
    assert_eq!(scene.dir.read("history").unwrap(), expected);
}

#[test]
fn a_tilde_behind_an_equals_sign_was_a_folder_of_that_name() {
    if is_plain() {
        return;
    }
    let scene = scene();
    keep_history(&scene, "~/history");
    for (option, file) in [("--history-file=~/other", "other"), ("-r~/third", "third")] {
        let mut command = shell(&scene);
        command.env("HOME", scene.dir.path()).arg(option);
        let mut pty = Pty::start(&command, 80, 24);
        pty.wait_row("supervisor>");
        pty.line("pid");
        pty.wait_text(&scene.daemon.pid().to_string());
        leave(&mut pty);
        assert_eq!(scene.dir.read(file).unwrap(), "pid\nquit\n", "{option}");
    }
    // None at all, whatever the file says.
    let mut command = shell(&scene);
    command.env("HOME", scene.dir.path()).args(["-r", ""]);
    let mut pty = Pty::start(&command, 80, 24);
    leave(&mut pty);
    assert!(!pty.screen().contains("Warning"), "{}", pty.screen());
    assert_eq!(scene.dir.read("history"), None);
}

#[test]
fn ctrl_r_searches_it() {
    if is_plain() {
        return;
    }
    let scene = scene();
    keep_history(&scene, "%(here)s/history");
    scene
        .dir
        .write("history", "status web\nstop web\npid idle\nstatus\n");
    let mut pty = at_prompt(&scene);
    pty.send(&format!("{CTRL_R}web"));
    pty.wait_row("(reverse-i-search)`web': stop web");
    pty.send(CTRL_R);
    pty.wait_row("(reverse-i-search)`web': status web");
    pty.line("");
    pty.wait_text("web                              RUNNING");
    pty.wait_row("supervisor>");
    assert_eq!(scene.info("web").text_of("statename"), "RUNNING");
}

#[test]
fn without_a_file_it_lasts_for_the_session() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = at_prompt(&scene);
    pty.line("pid idle");
    pty.wait_text("supervisor> pid idle\n0\n");
    pty.send(UP);
    pty.wait_row("supervisor> pid idle");
    let names = fs::read_dir(scene.dir.path()).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !names.iter().any(|name| name.contains("history")),
        "{names:?}"
    );
}

#[test]
fn a_file_that_is_no_history_is_one_line_and_no_obstacle() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let dir = scene.dir.path().display().to_string();
    fs::create_dir(scene.dir.join("folder")).unwrap();
    let status = std::process::Command::new("mkfifo")
        .arg(scene.dir.join("fifo"))
        .status();
    assert!(status.unwrap().success());
    scene.dir.write("binary", b"\x00\x01\x02");
    let text = scene.dir.read("supervisord.conf").unwrap();
    for (file, expected) in [
        ("folder", "is not a regular file"),
        ("fifo", "is not a regular file"),
        ("binary", "holds no text"),
        ("no/such/file", "No such file or directory"),
    ] {
        scene.dir.write("supervisord.conf", &text);
        keep_history(&scene, &format!("{dir}/{file}"));
        let mut pty = Pty::start(&shell(&scene), 200, 24);
        pty.wait_row("supervisor>");
        let warning = format!("Warning: the history file {dir}/{file} ");
        let screen = pty.screen();
        let lines: Vec<&str> = screen
            .lines()
            .filter(|line| line.contains("Warning"))
            .collect();
        assert_eq!(lines.len(), 1, "{screen}");
        assert!(
            lines[0].starts_with(&warning) && lines[0].contains(expected),
            "{screen}"
        );
        // It works for the session, and that is the end of it.
        pty.line("pid idle");
        pty.wait_text("pid idle\n0\n");
        pty.send(UP);
        pty.wait_row("supervisor> pid idle");
        pty.send(CTRL_C);
        leave(&mut pty);
        assert_eq!(pty.screen().matches("Warning").count(), 1);
    }
    assert_eq!(fs::read(scene.dir.join("binary")).unwrap(), b"\x00\x01\x02");
}

#[test]
fn a_disk_that_fills_up_under_the_history_is_told_once() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let disk = scene.dir.join("full");
    // As good as a full disk: it may be opened, and nothing fits.
    std::os::unix::fs::symlink("/dev/full", &disk).unwrap();
    keep_history(&scene, "%(here)s/kept/history");
    fs::create_dir(scene.dir.join("kept")).unwrap();
    let mut pty = Pty::start(&shell(&scene), 200, 24);
    pty.wait_row("supervisor>");
    pty.line("pid idle");
    pty.wait_text("pid idle\n0\n");
    fs::remove_dir_all(scene.dir.join("kept")).unwrap();
    pty.line("pid web");
    pty.wait_text("cannot be written to: No such file or directory");
    pty.line("pid idle");
    pty.line("pid café");
    let web = scene.pid("café").to_string();
    pty.wait_text(&web);
    assert_eq!(pty.screen().matches("Warning").count(), 1);
    assert!(wait_until(DEADLINE, || pty.cursor_row() == "supervisor>"));
}

#[test]
fn a_history_that_was_being_shortened_was_lost() {
    if is_plain() {
        return;
    }
    let scene = scene();
    keep_history(&scene, &scene.dir.join("history").display().to_string());
    let lines: Vec<String> = (0..2000).map(|n| format!("status job-{n:04}")).collect();
    scene.dir.write("history", lines.join("\n") + "\n");
    // Nothing can be written beyond the first kilobyte of a file.
    let shell = shell(&scene);
    let words: Vec<_> = shell
        .get_args()
        .map(|word| word.to_string_lossy())
        .collect();
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec '{}' '{}'",
        shell.get_program().to_string_lossy(),
        words.join("' '")
    );
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &script]).current_dir(scene.dir.path());
    let mut pty = Pty::start(&command, 80, 24);
    pty.wait_row("supervisor>");
    pty.line("pid");
    pty.wait_text("cannot be written to");
    pty.wait_row("supervisor>");
    pty.send(CTRL_D);
    pty.wait(DEADLINE);
    let left = scene.dir.read("history").unwrap();
    let kept: Vec<&str> = left.lines().collect();
    assert!(
        lines[1000..]
            .iter()
            .all(|line| kept.contains(&line.as_str()))
    );
}
