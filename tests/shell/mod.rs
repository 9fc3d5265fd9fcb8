//! supervisorctl as a shell, at a pseudo-terminal.

mod questions;

use super::support::pty::Pty;
use super::support::{Ctl, Kind, Scene};
use std::process::Command;

/// Two programs, of which one runs.
const PROGRAMS: &str = "[program:web]\ncommand=/bin/sleep 600\n\
                        [program:idle]\ncommand=/bin/sleep 600\nautostart=false\n";

/// A shell of ours in a scene's directory.
fn shell(scene: &Scene) -> Command {
    let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
    command
        .arg("-c")
        .arg(scene.dir.join("supervisord.conf"))
        .current_dir(scene.dir.path());
    command
}

/// The same at its first prompt, on a usual terminal.
fn at_prompt(scene: &Scene) -> Pty {
    let pty = Pty::start(&shell(scene), 80, 24);
    pty.wait_row("supervisor>");
    pty
}
