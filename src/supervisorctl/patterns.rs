//! Words that stand for several processes: `group:*`, and patterns of the
//! shell, which 4.3.0 does not know. A word that it does know keeps its meaning.

use super::names::Namespec;
use super::reply::ProcessInfo;
use crate::sys::glob::matches_pattern;

/// The processes that a word names where it is a pattern of the shell (`*`, `?`,
/// `[ab]`, `[!ab]`), or all of a group. `None` for a word that is neither, or
/// that is the very name of a process. A pattern is held against the name that
/// results show and against `group:process`; its stars do not stop at colons.
pub fn matching<'p>(word: &str, processes: &'p [ProcessInfo]) -> Option<Vec<&'p ProcessInfo>> {
    let name = Namespec::parse(word);
    let is_named = |row: &&ProcessInfo| {
        row.group == name.group && name.process.is_none_or(|process| row.name == process)
    };
    if name.process.is_none() {
        let members: Vec<&ProcessInfo> = processes.iter().filter(is_named).collect();
        if !members.is_empty() || !is_pattern(name.group) {
            return Some(members);
        }
    }
    if !is_pattern(word) || processes.iter().any(|row| is_named(&row)) {
        return None;
    }
    let is_match = |row: &&ProcessInfo| {
        matches_pattern(&row.display_name(), word) || matches_pattern(&row.full_name(), word)
    };
    Some(processes.iter().filter(is_match).collect())
}

/// Whether a word may stand for several processes.
pub fn is_plural(word: &str) -> bool {
    is_pattern(word) || Namespec::parse(word).process.is_none()
}

/// Whether a word has a character of patterns, beside the star of `group:*`.
pub fn is_pattern(word: &str) -> bool {
    let word = word.strip_suffix(":*").unwrap_or(word);
    word.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &str, name: &str) -> ProcessInfo {
        ProcessInfo {
            group: group.to_owned(),
            name: name.to_owned(),
            state: 20,
            statename: "RUNNING".to_owned(),
            description: String::new(),
            pid: 1,
        }
    }

    #[test]
    fn patterns_match_names_as_they_are_shown_and_in_full() {
        let rows = [
            row("a", "a"),
            row("b", "b"),
            row("g", "web_00"),
            row("g", "web_01"),
            row("g", "job_10"),
            row("odd", "odd*"),
            row("web-1", "web-1"),
        ];
        for (word, expected) in [
            ("[ab]", Some("a b")),
            ("[!ab]", Some("")),
            ("?", Some("a b")),
            ("web-*", Some("web-1")),
            ("g:*_0?", Some("g:web_00 g:web_01")),
            ("g:*", Some("g:web_00 g:web_01 g:job_10")),
            ("g:", Some("g:web_00 g:web_01 g:job_10")),
            ("*:job*", Some("g:job_10")),
            ("*job*", Some("g:job_10")),
            ("[g]:*", Some("g:web_00 g:web_01 g:job_10")),
            ("a:*", Some("a")),
            ("a:?", Some("a")),
            ("x*", Some("")),
            ("x:*", Some("")),
            ("odd:odd*", None),
            ("a", None),
            ("nosuch", None),
            ("g", None),
        ] {
            let found = matching(word, &rows).map(|found| {
                let names: Vec<String> = found.iter().map(|row| row.display_name()).collect();
                names.join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{word}");
        }
    }
}
