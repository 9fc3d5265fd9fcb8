//! The pages as they are written: their sections, and what they display to be typed, put into a
//! file or read.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the project.
pub fn project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The source of a page.
pub fn page(name: &str) -> String {
    fs::read_to_string(project("man").join(name)).unwrap()
}

/// The names of all pages.
pub fn pages() -> Vec<String> {
    let entries = fs::read_dir(project("man")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn is_title(line: &str) -> bool {
    line.starts_with(".Sh ") || line.starts_with(".Ss ")
}

/// The lines of a section, of whichever level.
pub fn section<'a>(page: &'a str, title: &str) -> Vec<&'a str> {
    let lines: Vec<&str> = page
        .lines()
        .skip_while(|line| line.get(4..) != Some(title) || !is_title(line))
        .skip(1)
        .take_while(|line| !is_title(line))
        .collect();
    assert!(!lines.is_empty(), "there is no section {title}");
    lines
}

/// Something that a page displays apart from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Display {
    /// The title of the section that it stands in.
    pub section: String,
    /// As a reader sees it; a block has a newline at its end, a line has none.
    pub text: String,
}

/// All displays of a page, in order.
pub fn displays(page: &str) -> Vec<Display> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        if let Some(text) = &mut block {
            if line == ".Ed" {
                let text = block.take().unwrap_or_default();
                let section = section.clone();
                found.push(Display { section, text });
            } else {
                assert!(!line.starts_with('.'), "a macro in a display: {line}");
                *text += &(shown(line) + "\n");
            }
            continue;
        }
        if is_title(line) {
            section = line[4..].to_owned();
        }
        // A table or text that is set otherwise is no example.
        if line.starts_with(".Bd") {
            assert!(line.starts_with(".Bd -literal"), "{line}");
            block = Some(String::new());
        }
        assert!(!line.starts_with(".D1"), "no example is written so: {line}");
        if let Some(text) = line.strip_prefix(".Dl ") {
            let (section, text) = (section.clone(), shown(text));
            found.push(Display { section, text });
        }
    }
    assert_eq!(block, None, "a display has no end");
    found
}

/// A line as a reader sees it.
pub fn shown(line: &str) -> String {
    let text = line
        .replace("\\(aq", "'")
        .replace("\\(dq", "\"")
        .replace("\\&", "")
        .replace("\\-", "-");
    let backslashes = text.replace("\\e", "\u{0}");
    assert!(!backslashes.contains('\\'), "not understood: {line}");
    backslashes.replace('\u{0}', "\\")
}
