//! Small helpers in C, compiled by the test that uses them.

use super::Dir;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// A program that sets the wall clock that another one sees, or has its system
/// calls fail.
const SHIM: &str = include_str!("shim.c");

/// Compiles a program; its path.
pub fn program(dir: &Dir, name: &str, source: &str) -> PathBuf {
    let source = dir.write(&format!("{name}.c"), source);
    let target = dir.join(name);
    let output = Command::new("cc")
        .args(["-O1", "-Wall", "-Werror"])
        .arg("-o")
        .args([&target, &source])
        .output()
        .expect("cc is installed");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cc: {messages}");
    target
}

/// The words that come before a program and its arguments, so that the shim
/// stands between it and the kernel, and not between its children and the kernel.
/// It looks for its orders in the directory: a file `clock` with the seconds by
/// which the wall clock is off, and files `pipe2`, `fork`, `accept`, `kill`, `flock` and `inotify` with
/// the number of the error with which these calls fail. With -1 a `kill` succeeds
/// and sends nothing. A file `write` is for writes to files of which the name ends
/// in `p.log`. An order that it cannot carry out fails the test when the daemon is dropped.
pub fn shim(dir: &Dir) -> [OsString; 2] {
    [
        program(dir, "shim", SHIM).into(),
        dir.path().as_os_str().to_owned(),
    ]
}
