//! Questions: their answers are no commands.

use super::{PROGRAMS, at_prompt, keep_history, leave, scene, shell};
use crate::support::pty::{CTRL_C, CTRL_D, Pty, TAB, UP};
use crate::support::{DEADLINE, Scene, edits_lines, wait_until};
use std::net::TcpListener;

#[test]
fn a_yes_is_asked_for_and_is_no_command() {
    let scene = scene();
    keep_history(&scene, "%(here)s/history");
    let mut pty = at_prompt(&scene);
    pty.line("pid");
    pty.wait_text(&scene.daemon.pid().to_string());
    pty.line("shutdown");
    pty.wait_row("Really shut the remote supervisord process down y/N?");
    // Neither the history nor completion are there for an answer.
    if edits_lines() {
        pty.send(&format!("{UP}{TAB}{TAB}"));
    }
    pty.send("no, thanks");
    pty.wait_row("Really shut the remote supervisord process down y/N? no, thanks");
    pty.line("");
    pty.wait_row("supervisor>");
    if edits_lines() {
        pty.send(UP);
        pty.wait_row("supervisor> shutdown");
        pty.send(UP);
        pty.wait_row("supervisor> pid");
        pty.send(CTRL_C);
    }
    leave(&mut pty);
    let kept = edits_lines().then_some("pid\nshutdown\nquit\n");
    assert_eq!(scene.dir.read("history").as_deref(), kept);
}

#[test]
fn ctrl_c_and_ctrl_d_at_a_question_mean_no() {
    let scene = scene();
    let mut pty = at_prompt(&scene);
    pty.line("shutdown");
    pty.wait_row("Really shut the remote supervisord process down y/N?");
    pty.send(CTRL_C);
    pty.wait_row("supervisor>");
    pty.line("reload");
    pty.wait_row("Really restart the remote supervisord process y/N?");
    pty.send(CTRL_D);
    pty.wait_text("error: <class 'EOFError'>");
    pty.wait_row("supervisor>");
    pty.line("pid");
    pty.wait_text(&scene.daemon.pid().to_string());
}

/// A scene whose daemon wants a user name and a password, and a shell that has none.
fn locked() -> (Scene, Pty) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let scene = Scene::start(&format!(
        "{PROGRAMS}[inet_http_server]\nport={address}\nusername=bob\npassword=s3cret\n"
    ));
    keep_history(&scene, "%(here)s/history");
    let mut command = shell(&scene);
    command.args(["-s", &format!("http://{address}")]);
    let pty = Pty::start(&command, 80, 24);
    pty.wait_row("Username:");
    (scene, pty)
}

#[test]
fn a_password_is_asked_for_without_an_echo_and_never_kept() {
    let (scene, mut pty) = locked();
    for (round, password) in [(1, "wr0ng"), (2, "s3cret")] {
        pty.wait_screen("a question", |screen| {
            screen.matches("Username:").count() == round
        });
        pty.line("bob");
        pty.wait_screen("a question", |screen| {
            screen.matches("Password:").count() == round
        });
        assert!(wait_until(DEADLINE, || !pty.echoes()));
        pty.line(password);
    }
    pty.wait_row("supervisor>");
    pty.line("pid");
    pty.wait_text(&scene.daemon.pid().to_string());
    pty.wait_row("supervisor>");
    // What was found out is good for completion, too.
    if edits_lines() {
        pty.send(&format!("stop w{TAB}{TAB}"));
        pty.wait_screen("a second list", |screen| {
            screen.matches("worker:worker_0").count() == 2
        });
        pty.wait_row("supervisor> stop w");
        pty.send(CTRL_C);
    }
    leave(&mut pty);
    let written = pty.written();
    assert!(!written.contains("s3cret") && !written.contains("wr0ng"));
    let kept = edits_lines().then_some("pid\nquit\n");
    assert_eq!(scene.dir.read("history").as_deref(), kept);
}

#[test]
fn the_echo_comes_back_when_the_program_is_killed_at_a_password() {
    let (_scene, mut pty) = locked();
    pty.hold();
    pty.line("bob");
    pty.wait_row("Password:");
    assert!(wait_until(DEADLINE, || !pty.echoes()));
    pty.signal(libc::SIGTERM);
    assert_eq!(pty.wait(DEADLINE), Some(-libc::SIGTERM));
    assert!(pty.echoes() && pty.is_cooked());
}
