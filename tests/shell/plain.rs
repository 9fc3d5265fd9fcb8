//! The plain prompt, of a binary that edits no lines or on a terminal that is no good
//! for it: lines come as the terminal gives them, with what it knows of editing.

use super::{leave, scene, shell};
use crate::support::pty::{CTRL_C, CTRL_D, CTRL_U, Pty};
use crate::support::{Ctl, DEADLINE, Kind, Scene, edits_lines};
use std::fs;
use std::process::Command;

/// A command that gets the plain prompt of this binary.
fn plainly(mut command: Command) -> Command {
    if edits_lines() {
        command.env("TERM", "dumb");
    }
    command
}

fn at_plain_prompt(scene: &Scene, columns: u16) -> Pty {
    let pty = Pty::start(&plainly(shell(scene)), columns, 24);
    pty.wait_row("supervisor>");
    assert!(pty.is_cooked() && pty.echoes());
    pty
}

#[test]
fn the_terminal_edits_a_plain_line_and_the_status_comes_first() {
    let scene = scene();
    let mut pty = at_plain_prompt(&scene, 80);
    pty.wait_text("idle                             STOPPED");
    pty.send("status weX\x7f");
    pty.wait_row("supervisor> status we");
    pty.line("b");
    pty.wait_text("supervisor> status web\nweb                              RUNNING");
    pty.wait_row("supervisor>");
    pty.send(&format!("nonsense{CTRL_U}"));
    pty.wait_row("supervisor>");
    pty.line("stop café");
    pty.wait_text("café: stopped");
    pty.wait_row("supervisor>");
    // Bytes that are no text do no harm.
    pty.send_bytes(b"pi\xff\xfe\r");
    pty.wait_text("*** Unknown syntax: pi");
    pty.wait_row("supervisor>");
    // With text on the line Ctrl-D does not leave.
    pty.send(&format!("pi{CTRL_D}d\r"));
    pty.wait_text(&scene.daemon.pid().to_string());
    pty.wait_row("supervisor>");
    pty.send(CTRL_D);
    assert_eq!(pty.wait(DEADLINE), Some(0));
    assert!(!pty.written().contains("\x1b[?2004h"));
}

#[test]
fn plain_lines_that_are_pasted_or_typed_ahead_are_run_one_by_one() {
    let scene = scene();
    let mut pty = at_plain_prompt(&scene, 80);
    pty.send("stop web\nstart idle\rnonsense\r");
    pty.wait_text("web: stopped");
    pty.wait_text("idle: started");
    pty.wait_text("*** Unknown syntax: nonsense");
    leave(&mut pty);
    assert_eq!(scene.info("web").text_of("statename"), "STOPPED");
}

#[test]
fn a_plain_line_may_be_longer_than_a_row_and_the_window_may_change() {
    let scene = scene();
    let mut pty = at_plain_prompt(&scene, 20);
    pty.line("status worker:worker_1 web");
    pty.wait_text("supervisor> status w\norker:worker_1 web\n");
    pty.wait_row("supervisor>");
    pty.resize(80, 24);
    pty.line("status worker:worker_0");
    pty.wait_text("worker:worker_0                  RUNNING");
    leave(&mut pty);
    assert!(!pty.screen().contains("ERROR"));
}

#[test]
fn a_plain_prompt_keeps_no_history_and_complains_of_none() {
    let scene = scene();
    fs::create_dir(scene.dir.join("folder")).unwrap();
    for file in ["history", "folder", "no/such/file"] {
        let mut command = plainly(shell(&scene));
        command.arg("-r").arg(scene.dir.join(file));
        let mut pty = Pty::start(&command, 80, 24);
        pty.wait_row("supervisor>");
        pty.line("pid");
        pty.wait_text(&scene.daemon.pid().to_string());
        leave(&mut pty);
        assert!(!pty.written().contains("Warning"), "{}", pty.written());
    }
    assert_eq!(scene.dir.read("history"), None);
}

#[test]
fn a_plain_conversation_shows_every_answer() {
    let scene = Scene::start(
        "[program:cat]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/cat.log\n",
    );
    scene.wait("cat", "RUNNING");
    let mut pty = at_plain_prompt(&scene, 80);
    pty.line("debug cat");
    pty.wait_row("cat>");
    pty.line("hello");
    pty.wait_text("cat> hello\nhello\n");
    pty.wait_row("cat>");
    // An answer comes while a line is being typed, which counts all the same.
    pty.send("typed");
    pty.wait_row("cat> typed");
    let end = Ctl::new(Kind::Ours, &scene.dir).run(&["debug", "cat", "meanwhile"]);
    assert_eq!(end.status, Some(0));
    // On a dumb terminal what was typed is not taken away.
    pty.wait_text("meanwhile");
    pty.line("");
    pty.wait_screen("the answer to what was typed", |screen| {
        screen.lines().any(|row| row.trim_end() == "typed")
    });
    pty.wait_row("cat>");
    pty.send(CTRL_C);
    leave(&mut pty);
}
