//! Which binary is tested: that of `SUPERVISORD`, a whole path, or the one that was built with
//! the tests. So a static one, or the smallest, goes through the same tests.

use std::process::Command;
use std::sync::OnceLock;

/// The path of the binary.
pub fn binary() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let chosen = std::env::var("SUPERVISORD").ok();
        chosen.unwrap_or_else(|| env!("CARGO_BIN_EXE_supervisord").to_owned())
    })
}

/// Whether the shell of that binary edits lines, as it says of itself. Without, it has a plain prompt.
pub fn edits_lines() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let output = Command::new(binary()).arg("--version-full").output();
        let text = String::from_utf8(output.expect("the binary runs").stdout).unwrap();
        let features = text
            .lines()
            .find_map(|line| line.strip_prefix("features: "));
        features
            .unwrap_or_else(|| panic!("no features in {text:?}"))
            .split(' ')
            .any(|feature| feature == "line-editing")
    })
}

/// The same for a test of editing, which is left out without it; `shell::plain` tests the plain prompt.
pub fn is_plain() -> bool {
    let is_plain = !edits_lines();
    if is_plain {
        println!("left out: this binary does not edit lines");
    }
    is_plain
}
