//! Words that stand for several processes: `group:*`, and patterns of the
//! shell, which 4.3.0 does not know. A word that it does know keeps its meaning.

use std::ptr;

use super::names::Namespec;
use super::reply::ProcessInfo;
use crate::sys::glob::matches_pattern;
use crate::vec_map::VecMap;

/// What a word stands for, beside the words before it.
#[derive(Debug, PartialEq, Eq)]
pub enum Meant<'p> {
    /// One name as it was typed; whether there is such a process is not said.
    Name,
    /// These processes. None are left if all have been named already.
    Several(Vec<&'p ProcessInfo>),
    /// Nothing: no process matches, or there is no such group.
    Nothing,
}

/// What a word names by itself.
enum Reading<'p> {
    Name,
    Group(Vec<&'p ProcessInfo>),
    Pattern(Vec<&'p ProcessInfo>),
}

/// What each of the words stands for. What a pattern matches is left out where it
/// has been named already, and what names it again afterwards; names and groups
/// that are repeated among themselves stay, as 4.3.0 has them.
pub fn each<'p>(words: &[&str], processes: &'p [ProcessInfo]) -> Vec<Meant<'p>> {
    // By where they stand in the list, for names would have to be compared.
    let (mut named, mut matched) = (VecMap::new(), VecMap::new());
    let meant = words.iter().map(|word| {
        let (rows, done) = match read(word, processes) {
            Reading::Pattern(rows) => {
                let before = named.clone();
                matched.extend(rows.iter().map(|row| (ptr::from_ref(*row), ())));
                (rows, before)
            }
            Reading::Group(rows) => (rows, matched.clone()),
            Reading::Name => {
                let row = processes.iter().find(|row| is_named(row, word));
                named.extend(row.map(|row| (ptr::from_ref(row), ())));
                return match row.is_some_and(|row| matched.contains_key(&ptr::from_ref(row))) {
                    true => Meant::Several(Vec::new()),
                    false => Meant::Name,
                };
            }
        };
        if rows.is_empty() {
            return Meant::Nothing;
        }
        named.extend(rows.iter().map(|row| (ptr::from_ref(*row), ())));
        let is_new = |row: &&ProcessInfo| !done.contains_key(&ptr::from_ref(*row));
        Meant::Several(rows.into_iter().filter(is_new).collect())
    });
    meant.collect()
}

/// A pattern of the shell (`*`, `?`, `[ab]`, `[!ab]`) is held against the name
/// that results show and against `group:process`; its stars do not stop at
/// colons. What is the very name of a process or of a group is no pattern.
fn read<'p>(word: &str, processes: &'p [ProcessInfo]) -> Reading<'p> {
    let name = Namespec::parse(word);
    if name.process.is_none() {
        let rows = processes.iter().filter(|row| row.group == name.group);
        let members: Vec<&ProcessInfo> = rows.collect();
        if !members.is_empty() || !is_pattern(name.group) {
            return Reading::Group(members);
        }
    }
    if !is_pattern(word) || processes.iter().any(|row| is_named(row, word)) {
        return Reading::Name;
    }
    let is_match = |row: &&ProcessInfo| {
        matches_pattern(&row.display_name(), word) || matches_pattern(&row.full_name(), word)
    };
    Reading::Pattern(processes.iter().filter(is_match).collect())
}

/// Whether a word is the name of that process.
pub fn is_named(row: &ProcessInfo, word: &str) -> bool {
    let name = Namespec::parse(word);
    row.group == name.group && name.process == Some(row.name.as_str())
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
            is_disabled: false,
            is_scaled: false,
        }
    }

    fn names(rows: &[&ProcessInfo]) -> String {
        let names: Vec<String> = rows.iter().map(|row| row.display_name()).collect();
        names.join(" ")
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
            let found = match each(&[word], &rows).pop().unwrap() {
                Meant::Name => None,
                Meant::Several(found) => Some(names(&found)),
                Meant::Nothing => Some(String::new()),
            };
            assert_eq!(found.as_deref(), expected, "{word}");
        }
    }

    #[test]
    fn what_a_pattern_matches_counts_once() {
        let rows = [
            row("cat", "cat"),
            row("g", "a"),
            row("g", "b"),
            row("cron", "cron"),
        ];
        for (words, expected) in [
            ("cat c*", "name, cron"),
            ("c* cat", "cat cron, "),
            ("c* ca* cat cat", "cat cron, , , "),
            ("g:a g:?", "name, g:b"),
            ("g:? g:*", "g:a g:b, "),
            ("g:* g:?", "g:a g:b, "),
            ("g:[a] g:", "g:a, g:b"),
            ("x* y* g:", "nothing, nothing, g:a g:b"),
            // As 4.3.0 has them.
            ("cat cat g:a", "name, name, name"),
            ("g:* g:a g:*", "g:a g:b, name, g:a g:b"),
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            let found = each(&words, &rows).into_iter().map(|meant| match meant {
                Meant::Name => "name".to_owned(),
                Meant::Several(found) => names(&found),
                Meant::Nothing => "nothing".to_owned(),
            });
            assert_eq!(found.collect::<Vec<_>>().join(", "), expected, "{words:?}");
        }
    }
}
