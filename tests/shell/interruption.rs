//! Ctrl-C, and signals that end the program.

use super::{at_prompt, leave, scene};
use crate::support::pty::CTRL_C;
use crate::support::{DEADLINE, Scene, edits_lines, wait_until};

#[test]
fn ctrl_c_at_the_prompt_gives_another_one() {
    let scene = scene();
    let mut pty = at_prompt(&scene);
    pty.send(&format!("stop web{CTRL_C}"));
    pty.wait_screen("two prompts", |screen| {
        screen.matches("supervisor>").count() == 2
    });
    pty.wait_row("supervisor>");
    pty.send(CTRL_C);
    pty.wait_screen("three prompts", |screen| {
        screen.matches("supervisor>").count() == 3
    });
    pty.wait_row("supervisor>");
    pty.line("pid web");
    pty.wait_text(&scene.pid("web").to_string());
    leave(&mut pty);
    assert_eq!(scene.info("web").text_of("statename"), "RUNNING");
}

#[test]
fn ctrl_c_ends_the_wait_for_a_command_and_the_daemon_goes_on() {
    let scene = Scene::start(
        "[program:stubborn]\ncommand=/bin/sh -c 'trap : TERM; echo up; while :; do sleep 0.1; done'\n\
         stopwaitsecs=600\n",
    );
    scene.wait("stubborn", "RUNNING");
    let log = || scene.dir.path().read_dir().unwrap();
    assert!(wait_until(DEADLINE, || log().any(|entry| {
        let path = entry.unwrap().path();
        path.to_string_lossy().contains("stubborn-stdout") && path.metadata().unwrap().len() > 0
    })));
    let mut pty = at_prompt(&scene);
    pty.line("stop stubborn");
    scene.wait("stubborn", "STOPPING");
    assert!(wait_until(DEADLINE, || pty.is_cooked()));
    pty.send(CTRL_C);
    pty.wait_row("supervisor>");
    pty.line("status");
    pty.wait_text("stubborn                         STOPPING");
    pty.wait_row("supervisor>");
    // And a log that is followed.
    pty.line("tail -f stubborn");
    pty.wait_text("==> Press Ctrl-C to exit <==");
    pty.send(CTRL_C);
    pty.wait_row("supervisor>");
    leave(&mut pty);
}

#[test]
fn a_killed_shell_leaves_the_terminal_as_it_was() {
    let scene = scene();
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        let mut pty = at_prompt(&scene);
        pty.hold();
        pty.send("sta");
        pty.wait_row("supervisor> sta");
        // The plain prompt leaves the terminal as it is from the start.
        assert_eq!(pty.is_cooked(), !edits_lines());
        pty.signal(signal);
        assert_eq!(pty.wait(DEADLINE), Some(-signal));
        assert!(pty.is_cooked() && pty.echoes());
        let asks_for_no_paste = || pty.written().trim_end().ends_with("\x1b[?2004l");
        assert!(!edits_lines() || wait_until(DEADLINE, asks_for_no_paste));
    }
}
