//! A dumped configuration, written as a configuration again, gives the same dump.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{cases, oracle};
use crate::support::binary;

/// Sends the files on the round; how many could be read at all.
fn round(files: &[PathBuf]) -> usize {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/roundtrip.py");
    let mut child = Command::new(oracle::python())
        .args(["-X", "utf8"])
        .arg(script)
        .arg(binary())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let names: String = files
        .iter()
        .map(|file| format!("{}\n", file.display()))
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(names.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}{text}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.trim().parse().unwrap()
}

#[test]
fn the_cases_come_back_from_their_dump() {
    let files = oracle::files_in(&cases::directory()).unwrap();
    let count = round(&files);
    assert!(count > 30, "only {count} can be dumped");
}

#[test]
fn configurations_from_the_field_come_back_from_their_dump() {
    if let Some(files) = oracle::corpus() {
        println!("{} of {} made the round", round(&files), files.len());
    }
}
