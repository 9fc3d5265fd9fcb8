//! Editing: keys, paste, other terminals than the usual one.

use super::{at_prompt, leave, scene, shell};
use crate::support::pty::{CTRL_A, CTRL_C, CTRL_D, LEFT, Pty};
use crate::support::{DEADLINE, finish, is_plain, wait_until};
use std::time::Duration;

#[test]
fn a_line_is_edited_and_the_status_comes_first() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = at_prompt(&scene);
    assert!(
        pty.screen()
            .contains("idle                             STOPPED")
    );
    assert!(!pty.is_cooked());
    pty.send(&format!("tatus weX{LEFT}"));
    pty.wait_row("supervisor> tatus weX");
    pty.send("b\x1b[3~");
    pty.wait_row("supervisor> tatus web");
    pty.send(&format!("{CTRL_A}s"));
    pty.wait_row("supervisor> status web");
    pty.line("");
    pty.wait_text("web                              RUNNING");
    pty.wait_row("supervisor>");
    // With text on the line Ctrl-D does not leave.
    pty.send(&format!("x{CTRL_D}y"));
    pty.wait_row("supervisor> xy");
    pty.send(CTRL_C);
    leave(&mut pty);
    assert!(!pty.written().contains("Unknown syntax"));
}

#[test]
fn pasted_lines_are_run_one_by_one() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = at_prompt(&scene);
    // A terminal marks what is pasted, when it was asked to.
    assert!(pty.written().contains("\x1b[?2004h"));
    pty.send("\x1b[200~stop web\nstart idle\nsta\ttus\x1b[201~");
    pty.wait_text("start idle");
    assert!(!pty.screen().contains("stopped"));
    pty.line("");
    pty.wait_text("*** Unknown syntax: sta");
    pty.wait_text("supervisor> stop web");
    pty.wait_text("web: stopped");
    pty.wait_text("supervisor> start idle");
    pty.wait_text("idle: started");
    pty.wait_row("supervisor>");
    leave(&mut pty);
    // And told to stop it in the end.
    assert!(pty.written().trim_end().ends_with("\x1b[?2004l"));
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let scene = scene();
    let mut pty = at_prompt(&scene);
    pty.send("stop web\rstart web\rstop idle\r");
    pty.wait_text("web: stopped");
    pty.wait_text("web: started");
    pty.wait_text("idle: ERROR (not running)");
    pty.wait_row("supervisor>");
}

#[test]
fn names_beyond_ascii_are_edited_by_characters() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = at_prompt(&scene);
    pty.send("stop cafééx");
    pty.wait_row("supervisor> stop cafééx");
    pty.send("\x7f\x7f");
    pty.wait_row("supervisor> stop café");
    assert_eq!(pty.cursor().1, 21);
    pty.line("");
    pty.wait_text("café: stopped");
    // A wide character takes two columns.
    pty.wait_row("supervisor>");
    pty.send("漢");
    pty.wait_row("supervisor> 漢");
    assert_eq!(pty.cursor().1, 14);
    pty.send(CTRL_C);
    // Bytes that are no text do no harm.
    pty.send_bytes(b"pi\xff\xfe");
    pty.send(CTRL_C);
    pty.wait_row("supervisor>");
    pty.line("pid");
    pty.wait_text(&scene.daemon.pid().to_string());
}

#[test]
fn a_terminal_of_20_columns_is_wide_enough() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = Pty::start(&shell(&scene), 20, 24);
    pty.wait_row("supervisor>");
    pty.send("status worker:worker_1");
    pty.wait_text("supervisor> status w\norker:worker_1");
    pty.send(&format!("{CTRL_A}\x1b[3~S"));
    pty.wait_text("supervisor> Status w\norker:worker_1");
    pty.send("\x7fs\x05 web");
    pty.wait_text("supervisor> status w\norker:worker_1 web");
    pty.line("");
    pty.wait_row("supervisor>");
    assert!(!pty.screen().contains("ERROR"));
}

#[test]
fn a_line_is_drawn_again_when_the_window_changes() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = at_prompt(&scene);
    pty.send("status worker:worker_1 web");
    pty.wait_row("supervisor> status worker:worker_1 web");
    pty.resize(25, 24);
    pty.wait_text("supervisor> status worker\n:worker_1 web");
    pty.resize(80, 24);
    pty.send("\x0c");
    pty.wait_row("supervisor> status worker:worker_1 web");
    pty.line("");
    pty.wait_text("web                              RUNNING");
    pty.wait_row("supervisor>");
    // A change while a command runs is seen at the next prompt.
    pty.line("tail -f web");
    pty.wait_text("==> Press Ctrl-C to exit <==");
    pty.resize(20, 24);
    pty.send(CTRL_C);
    pty.wait_row("supervisor>");
    pty.send("status worker:worker_1");
    pty.wait_text("supervisor> status w\norker:worker_1");
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let scene = scene();
    for name in ["dumb", ""] {
        let mut command = shell(&scene);
        command.env("TERM", name);
        let mut pty = Pty::start(&command, 80, 24);
        pty.wait_row("supervisor>");
        assert!(pty.is_cooked());
        pty.line("pid");
        pty.wait_text(&scene.daemon.pid().to_string());
        pty.wait_row("supervisor>");
        pty.send("nonsense");
        pty.wait_row("supervisor> nonsense");
        pty.send(CTRL_C);
        pty.wait_row("supervisor>");
        pty.line("stop web");
        pty.wait_text("web: ");
        pty.wait_row("supervisor>");
        leave(&mut pty);
        assert!(!pty.written().contains('\x1b'), "{:?}", pty.written());
        assert!(!pty.written().contains("Unknown"));
    }
}

#[test]
fn output_that_is_no_terminal_gets_plain_lines() {
    let scene = scene();
    let output = scene.dir.join("output");
    let mut command = std::process::Command::new("/bin/sh");
    command
        .args(["-c", "exec \"$@\" >output", "sh"])
        .arg(shell(&scene).get_program())
        .args(shell(&scene).get_args())
        .current_dir(scene.dir.path());
    let mut pty = Pty::start(&command, 80, 24);
    let written = || std::fs::read_to_string(&output).unwrap_or_default();
    assert!(wait_until(DEADLINE, || written().ends_with("supervisor> ")));
    pty.line("pid");
    let expected = format!("supervisor> {}\nsupervisor> ", scene.daemon.pid());
    assert!(wait_until(DEADLINE, || written().ends_with(&expected)));
    pty.send(CTRL_D);
    assert_eq!(pty.wait(DEADLINE), Some(0));
    assert!(!written().contains('\x1b'));
}

#[test]
fn lines_from_a_pipe_are_neither_edited_nor_kept() {
    let scene = scene();
    super::keep_history(&scene, "%(here)s/history");
    let mut command = shell(&scene);
    command.env("TERM", "xterm");
    let finished = finish(command, "pid\n\tpid", Duration::from_secs(20));
    let pid = scene.daemon.pid();
    assert!(
        finished.stdout.ends_with(&format!(
            "supervisor> {pid}\nsupervisor> {pid}\nsupervisor> \n"
        )),
        "{finished:?}"
    );
    assert_eq!((finished.stderr.as_str(), finished.status), ("", Some(0)));
    assert_eq!(scene.dir.read("history"), None);
}
