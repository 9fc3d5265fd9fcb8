//! Small helpers in C, compiled by the test that uses them.

use super::Dir;
use std::path::PathBuf;
use std::process::Command;

/// A library to be preloaded, by which a test sets the wall clock that a
/// program sees, or has system calls fail.
const SHIM: &str = include_str!("shim.c");

/// Compiles a program; its path.
pub fn program(dir: &Dir, name: &str, source: &str) -> PathBuf {
    compile(dir, name, source, &[])
}

/// The variables that load the shim into a program. It looks for its orders in
/// the directory: a file `clock` with the seconds by which the wall clock is
/// off, and files `pipe2`, `fork`, `accept` and `kill` with the number of the
/// error with which these calls fail. With -1 a `kill` succeeds and sends nothing.
/// A file `write` is for writes to files of which the name ends in `p.log`.
pub fn shim(dir: &Dir) -> [(String, String); 2] {
    let library = compile(dir, "shim.so", SHIM, &["-shared", "-fPIC"]);
    [
        ("LD_PRELOAD".to_owned(), library.display().to_string()),
        ("SHIM".to_owned(), dir.path().display().to_string()),
    ]
}

fn compile(dir: &Dir, name: &str, source: &str, options: &[&str]) -> PathBuf {
    let source = dir.write(&format!("{name}.c"), source);
    let target = dir.join(name);
    let output = Command::new("cc")
        .args(["-O1", "-Wall", "-Werror"])
        .args(options)
        .arg("-o")
        .args([&target, &source])
        .output()
        .expect("cc is installed");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cc: {messages}");
    target
}
