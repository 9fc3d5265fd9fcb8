//! The same files through Supervisor 4.3.0's own parser, which must say the
//! same: the corpus of configurations from the field, the golden cases, and
//! generated ones.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::original_home;

use super::dump;
use super::generator;
use super::system::{ENVIRONMENT, TestSystem};

/// The line with which the oracle counts that 4.3.0 refuses the missing
/// directory of a program's log, where this starts.
const MISSING: &str = "missing log directory\n";

/// The Python that has Supervisor 4.3.0.
pub fn python() -> PathBuf {
    original_home().join("bin/python")
}

/// The dump of each file by 4.3.0, in one run of Python.
pub fn ask(mode: &str, files: &[PathBuf]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(python())
        .args(["-X", "utf8"])
        .arg(root.join("tests/conformance/oracle_config.py"))
        .arg(mode)
        .env_clear()
        .envs(ENVIRONMENT.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let jobs: String = files
        .iter()
        .map(|file| format!("{}\n", file.display()))
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(jobs.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let dumps: Vec<String> = text
        .split_terminator("\n\u{c}\n")
        .map(str::to_owned)
        .collect();
    assert_eq!(dumps.len(), files.len());
    dumps
}

fn parts(file: &Path) -> (&str, &str) {
    (
        file.parent().unwrap().to_str().unwrap(),
        file.file_name().unwrap().to_str().unwrap(),
    )
}

fn ours(mode: &str, file: &Path) -> String {
    let (directory, name) = parts(file);
    match mode {
        "lines" => dump::lines(&std::fs::read(file).unwrap(), name),
        "lenient" => dump::evaluated(TestSystem::Lenient.load(directory, name)),
        _ => dump::evaluated(TestSystem::Strict.load(directory, name)),
    }
}

/// Compares both readings of all files; returns how often 4.3.0 refused a
/// missing log directory.
fn compare(mode: &str, files: &[PathBuf]) -> usize {
    let mut missing = 0;
    let mut differences = Vec::new();
    for (file, expected) in files.iter().zip(ask(mode, files)) {
        let expected = match expected.strip_prefix(MISSING) {
            Some(rest) => {
                missing += 1;
                rest.to_owned()
            }
            None => expected,
        };
        let (ours, expected) = (comparable(ours(mode, file)), comparable(expected));
        if ours != expected {
            differences.push(format!(
                "{mode} of {}\n{}",
                file.display(),
                first_difference(&ours, &expected)
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} files differ:\n{}",
        differences.len(),
        files.len(),
        differences.join("\n")
    );
    missing
}

/// An error without what came out of the environment, which 4.3.0 prints and this
/// does not, without what this adds, and with the keys' own names.
pub fn comparable(dump: String) -> String {
    if !dump.starts_with("Error: ") {
        return dump;
    }
    let dump = dump
        .replace("%(ENV_WORD)s", "WORD")
        .replace("from the environment", "WORD")
        .replace("other", "WORD")
        .replace("%(ENV_PERCENT)s", "100%")
        .replace("Invalid sockchown", "Invalid chown")
        .replace(
            " (this value is expanded twice: write %%%% for a percent sign)",
            "",
        );
    match dump.split_once(" in section '") {
        Some((message, _)) if dump.starts_with("Error: Invalid name: ") => message.to_owned(),
        _ => dump,
    }
}

fn first_difference(ours: &str, expected: &str) -> String {
    let mut pairs = ours.lines().zip(expected.lines());
    match pairs.find(|(ours, expected)| ours != expected) {
        Some((ours, expected)) => format!("  ours:  {ours}\n  4.3.0: {expected}"),
        None => format!(
            "  one goes on: {} and {} lines",
            ours.lines().count(),
            expected.lines().count()
        ),
    }
}

pub fn files_in(directory: &Path) -> Option<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .ok()?
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "conf")
        })
        .collect();
    files.sort();
    Some(files)
}

/// The configurations from the field; without them one line says so.
pub fn corpus() -> Option<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus =
        std::env::var_os("CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let files = corpus.canonicalize().ok().and_then(|path| files_in(&path));
    if files.is_none() {
        println!("no corpus at {}: nothing to compare", corpus.display());
    }
    files
}

#[test]
fn configurations_from_the_field_are_read_as_the_original_reads_them() {
    let Some(files) = corpus() else {
        return;
    };
    compare("lines", &files);
    compare("lenient", &files);
    let missing = compare("start", &files);
    println!(
        "{} files; {missing} name a log directory that is missing here",
        files.len()
    );
}

#[test]
fn the_cases_are_read_as_the_original_reads_them() {
    let files = files_in(&super::cases::directory()).unwrap();
    compare("lines", &files);
    compare("lenient", &files);
    compare("start", &files);
}

#[test]
fn generated_lines_are_read_as_the_original_reads_them() {
    let directory = tempfile::tempdir().unwrap();
    let files = generator::write(directory.path(), generator::lines);
    compare("lines", &files);
}

#[test]
fn generated_programs_are_evaluated_as_the_original_evaluates_them() {
    let directory = tempfile::tempdir().unwrap();
    let files = generator::write(directory.path(), generator::program);
    compare("lenient", &files);
}

#[test]
fn generated_configurations_with_includes_are_evaluated_as_the_original_evaluates_them() {
    let directory = tempfile::tempdir().unwrap();
    let files = generator::write(directory.path(), generator::whole);
    compare("lenient", &files);
    let good = files
        .iter()
        .filter(|file| !ours("lenient", file).starts_with("Error: "))
        .count();
    assert!(good * 10 > files.len(), "only {good} are good");
}
