//! supervisorctl as a shell, at a pseudo-terminal.

mod completion;
mod editing;
mod history;
mod interruption;
mod plain;
mod questions;
mod restart;

use super::support::pty::Pty;
use super::support::{Ctl, DEADLINE, Kind, Scene};
use std::process::Command;

/// Programs of both states, a group, and a name beyond ASCII.
const PROGRAMS: &str = "[program:web]\ncommand=/bin/sleep 600\n\
                        [program:idle]\ncommand=/bin/sleep 600\nautostart=false\n\
                        [program:café]\ncommand=/bin/sleep 600\n\
                        [program:worker]\ncommand=/bin/sleep 600\nnumprocs=2\n\
                        process_name=%(program_name)s_%(process_num)d\n";

/// A scene with those, all of which are up that should be.
fn scene() -> Scene {
    let scene = Scene::start(PROGRAMS);
    for name in ["web", "café", "worker:worker_0", "worker:worker_1"] {
        scene.wait(name, "RUNNING");
    }
    scene
}

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

/// Makes the shells of a scene keep their history in a file.
fn keep_history(scene: &Scene, file: &str) {
    let text = scene.dir.read("supervisord.conf").unwrap();
    let key = format!("[supervisorctl]\nhistory_file={file}\n");
    scene
        .dir
        .write("supervisord.conf", text.replace("[supervisorctl]\n", &key));
}

/// Leaves a shell.
fn leave(pty: &mut Pty) {
    pty.wait_row("supervisor>");
    pty.line("quit");
    assert_eq!(pty.wait(DEADLINE), Some(0));
}
