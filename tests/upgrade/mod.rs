//! The upgrade of the running daemon: `bin/supervisord` in the directory of the scene is a link
//! that the tests change, so that something else stands where it was started from.

mod failures;
mod hosts;
mod kept;
mod meetings;
mod states;
mod streams;
mod trials;
mod way_back;

use super::support::{Dir, Launch, Outcome, Scene, Value};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the daemon was started from.
pub fn place(scene: &Scene) -> PathBuf {
    scene.dir.bin().join("supervisord")
}

/// Starts a scene from a copy of the binary, which nobody else runs.
pub fn start_copy(more: &str, change: impl FnOnce(&mut Launch)) -> Scene {
    let dir = Dir::new();
    let place = dir.bin().join("supervisord");
    copy(&place);
    Scene::start_as(dir, more, change)
}

/// Puts a copy of the binary somewhere, in one step. It is written by another process, so that no
/// other test's child has it open for writing when it is to be run.
pub fn copy(place: &Path) {
    let new = place.with_extension("new");
    run(Command::new("cp").arg(super::support::binary()).arg(&new));
    fs::rename(new, place).unwrap();
}

/// Runs a command, which has to succeed.
pub fn run(command: &mut Command) {
    let status = command.status();
    assert!(status.unwrap().success(), "{command:?}");
}

/// Has another program stand where the daemon was started from.
pub fn replace(scene: &Scene, program: &Path) {
    let place = place(scene);
    let _ = fs::remove_file(&place).or_else(|_| fs::remove_dir(&place));
    symlink(program, place).unwrap();
}

/// Has the binary under test stand there again.
pub fn put_back(scene: &Scene) {
    replace(scene, Path::new(super::support::binary()));
}

/// Asks for the upgrade.
pub fn upgrade(scene: &Scene) -> Outcome {
    scene.call("upgrade", &[])
}

/// Upgrades, which has to succeed; how many programs were kept.
pub fn upgrades(scene: &Scene) -> usize {
    let told = match upgrade(scene) {
        Outcome::Answer(Value::Text(told)) => told,
        other => panic!("{other}\n{}", scene.log()),
    };
    let own = env!("CARGO_PKG_VERSION");
    let count = told
        .strip_prefix(&format!("upgraded: {own} to {own}, "))
        .and_then(|rest| rest.strip_suffix(" kept"))
        .and_then(|rest| rest.split_once(" program"));
    let count = count.map(|(count, _)| count);
    count.unwrap_or_else(|| panic!("{told}")).parse().unwrap()
}

/// Why an upgrade, which has to fail, did not succeed.
pub fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Fault(30, text) => text
            .strip_prefix("FAILED: cannot upgrade: ")
            .unwrap_or(text)
            .to_owned(),
        other => panic!("a fault was expected, not {other}"),
    }
}

/// The names of all processes with their pids.
pub fn pids(scene: &Scene) -> Vec<(String, i64)> {
    let all = scene.all();
    let all = all.iter();
    all.map(|info| (info.text_of("name"), info.int_of("pid")))
        .collect()
}
