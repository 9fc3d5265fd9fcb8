//! `--dump-config` of the program itself against Supervisor 4.3.0, value by value:
//! configurations from the field, and setups as they are found there (the
//! folder `setups`). Once on the machine as it is, where most want users and
//! directories that it does not have, and once in a mount namespace with all of
//! that (conformance/furnish.py).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::oracle;
use crate::support::binary;

fn files() -> Vec<PathBuf> {
    let setups = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/setups");
    let mut files = oracle::files_in(&setups).unwrap();
    files.extend(oracle::corpus().unwrap_or_default());
    files
}

/// Runs the comparison, by way of `before` where there are words in it. How many
/// files there are, and how many of them are good.
fn compare(before: &[&str], files: &[PathBuf], directory: Option<&Path>) -> (usize, usize) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/dump_config.py");
    let python = oracle::python();
    let mut words = before.iter().map(Into::into).collect::<Vec<PathBuf>>();
    words.extend([python, "-X".into(), "utf8".into(), script]);
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .arg(binary())
        .args(directory)
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
    let writer = std::thread::spawn(move || stdin.write_all(names.as_bytes()));
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// The command that makes a mount namespace, as root or as anybody.
fn unshare() -> &'static [&'static str] {
    let ways: [&[&str]; 2] = [
        &["unshare", "--mount"],
        &["unshare", "--mount", "--map-root-user"],
    ];
    let mut told = String::new();
    for way in ways {
        match Command::new(way[0]).args(&way[1..]).arg("true").output() {
            Ok(done) if done.status.success() => return way,
            Ok(done) => told += &String::from_utf8_lossy(&done.stderr),
            Err(error) => told += &format!("unshare: {error}\n"),
        }
    }
    panic!(
        "this test needs a mount namespace: run it as root (in a container with \
         CAP_SYS_ADMIN), or where users may make namespaces\n{told}"
    );
}

#[test]
fn dumps_are_those_of_the_original_on_the_bare_machine() {
    let (count, good) = compare(&[], &files(), None);
    println!("{good} of {count} files are good here");
}

#[test]
fn dumps_are_those_of_the_original_where_users_and_directories_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let (count, good) = compare(unshare(), &files(), Some(&path));
    println!("{good} of {count} files are good where all that they want is there");
    assert!(good * 10 > count * 7, "only {good} of {count} can be read");
}
