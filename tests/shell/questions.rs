//! Questions: their answers are no commands.

use super::{PROGRAMS, at_prompt};
use crate::support::DEADLINE;
use crate::support::Scene;
use crate::support::pty::CTRL_D;

#[test]
fn a_yes_is_asked_for() {
    let scene = Scene::start(PROGRAMS);
    let mut pty = at_prompt(&scene);
    pty.line("shutdown");
    pty.wait_row("Really shut the remote supervisord process down y/N?");
    pty.line("n");
    pty.wait_row("supervisor>");
    pty.send(CTRL_D);
    assert_eq!(pty.wait(DEADLINE), Some(0));
}
