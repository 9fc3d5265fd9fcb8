//! The bench's pure parts: medians, targets, tables, what is written into the README. What it measures is
//! not measured here.

use std::fs;
use std::path::Path;
use std::process::Command;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench")
}

#[test]
fn the_figures_and_tables_of_the_bench_are_right() {
    let output = Command::new("python3")
        .args(["-B", "-m", "unittest"])
        .current_dir(folder())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Ran 0 tests"), "{said}");
}

#[test]
fn the_readme_has_the_place_for_the_figures() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = fs::read_to_string(readme).unwrap();
    for script in ["report.py", "../scorecard.py"] {
        let text = fs::read_to_string(folder().join(script)).unwrap();
        for name in ["BEGIN = ", "END = "] {
            let mut lines = text.lines();
            let line = lines.find_map(|line| line.strip_prefix(name)).unwrap();
            assert_eq!(page.matches(line.trim_matches('"')).count(), 1, "{line}");
        }
    }
}

#[test]
fn what_the_bench_lets_run_compiles_without_a_warning() {
    let place = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder().join("programs")).unwrap() {
        let source = entry.unwrap().path();
        let output = Command::new("cc")
            .args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(place.path().join("program"))
            .arg(&source)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", source.display());
    }
}
