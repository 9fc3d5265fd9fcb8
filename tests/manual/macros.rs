//! Macros of the pages that would take more words than they are meant for, or fewer: `mandoc`
//! finds nothing wrong with them, and a reader sees "group:mean".

use super::page::{page, pages};

/// Punctuation that a macro sets apart from its words where it stands alone.
const DELIMITERS: [&str; 10] = ["(", "[", ".", ",", ":", ";", ")", "]", "?", "!"];

/// What would be shown otherwise than it is written.
fn accident(line: &str) -> Option<&'static str> {
    let words: Vec<&str> = line.split(' ').collect();
    if words.last() == Some(&"Ns") {
        return Some("the next line is glued to it");
    }
    if ![".Ql", ".Dq", ".Sq"].contains(&words[0]) {
        return None;
    }
    // Those behind the last word are outside of the quotes, as they should be.
    let end = words
        .iter()
        .rposition(|word| !DELIMITERS.contains(word))
        .unwrap_or_default();
    let is_within = words[1..=end].iter().any(|word| DELIMITERS.contains(word));
    is_within.then_some("punctuation loses its blank, or one pair of quotes is around several")
}

#[test]
fn no_macro_changes_the_text_beside_it() {
    for name in pages() {
        for line in page(&name).lines().filter(|line| line.starts_with('.')) {
            assert_eq!(accident(line), None, "{name}: {line}");
        }
    }
    for line in [
        ".Ar group : Ns",
        ".Ql command=sh -c 'a ; b'",
        ".Ql stop , start ,",
        ".Ql ESC [ ... m",
    ] {
        assert!(accident(line).is_some(), "{line}");
    }
    for line in [
        ".Ql \\&;",
        ".Ql READY .",
        ".Ql pid 12, uptime ,",
        ".Ar a : Ns Ar b",
    ] {
        assert_eq!(accident(line), None, "{line}");
    }
}
