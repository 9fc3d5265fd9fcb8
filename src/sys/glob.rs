//! File names by shell pattern, as Python's `glob` finds them: `*`, `?`, `[a-c]`
//! and `[!a]` within one component, hidden names only for a pattern that
//! itself begins with a dot, no `~`, no braces, `**` the same as `*`.

use std::fs;
use std::path::Path;

/// The paths that match, in any order; spelled as the pattern spells them.
pub fn glob(pattern: &str) -> Vec<String> {
    let (directory, name) = split(pattern);
    if !has_magic(pattern) {
        let is_found = is_there(pattern, directory, name);
        return is_found.then(|| pattern.to_owned()).into_iter().collect();
    }
    let directories = match directory != pattern && has_magic(directory) {
        true => glob(directory),
        false => vec![directory.to_owned()],
    };
    let mut matches = Vec::new();
    for directory in directories {
        if !has_magic(name) {
            let path = joined(&directory, name);
            matches.extend(is_there(&path, &directory, name).then_some(path));
            continue;
        }
        let mut names = names_in(&directory);
        let is_hidden = |entry: &str| entry.starts_with('.') && !name.starts_with('.');
        names.retain(|entry| !is_hidden(entry) && matches_pattern(entry, name));
        matches.extend(names.iter().map(|entry| joined(&directory, entry)));
    }
    matches
}

/// Whether a name matches a pattern of one component.
pub fn matches_pattern(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pattern = parse(pattern);
    // The usual walk with one step back: the last star takes one more.
    let (mut at, mut part) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&c) = name.get(at) {
        match pattern.get(part) {
            Some(Part::Star) => {
                back = Some((part + 1, at));
                part += 1;
            }
            Some(one) if one.takes(c) => {
                part += 1;
                at += 1;
            }
            _ => match back {
                None => return false,
                Some((after_star, from)) => {
                    back = Some((after_star, from + 1));
                    part = after_star;
                    at = from + 1;
                }
            },
        }
    }
    let rest = pattern.get(part..).unwrap_or_default();
    rest.iter().all(|part| matches!(part, Part::Star))
}

/// A pattern cut into what it is made of.
enum Part {
    Star,
    Any,
    One(char),
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Part::Star => false,
            Part::Any => true,
            Part::One(expected) => *expected == c,
            Part::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn parse(pattern: &str) -> Vec<Part> {
    let characters: Vec<char> = pattern.chars().collect();
    let mut parts = Vec::new();
    let mut rest = characters.as_slice();
    while let [first, after @ ..] = rest {
        rest = after;
        parts.push(match first {
            '*' => Part::Star,
            '?' => Part::Any,
            '[' => match set(after) {
                Some((part, remaining)) => {
                    rest = remaining;
                    part
                }
                None => Part::One('['),
            },
            c => Part::One(*c),
        });
    }
    parts
}

/// A set without its opening bracket, and what follows it; `None` if it is
/// not closed. A `]` right at its start is a member.
fn set(characters: &[char]) -> Option<(Part, &[char])> {
    let (negated, body) = match characters {
        ['!', body @ ..] => (true, body),
        body => (false, body),
    };
    let close = body.iter().skip(1).position(|c| *c == ']')? + 1;
    let mut members = body.get(..close)?;
    let mut ranges = Vec::new();
    while let [low, after @ ..] = members {
        match after {
            ['-', high, after @ ..] => {
                ranges.push((*low, *high));
                members = after;
            }
            _ => {
                ranges.push((*low, *low));
                members = after;
            }
        }
    }
    Some((Part::Set { negated, ranges }, body.get(close + 1..)?))
}

fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The directory part without the slashes that end it, and the last component.
fn split(path: &str) -> (&str, &str) {
    let at = path.rfind('/').map_or(0, |at| at + 1);
    let (directory, name) = path.split_at(at);
    match directory.trim_end_matches('/') {
        "" => (directory, name),
        trimmed => (trimmed, name),
    }
}

fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() || directory.ends_with('/') {
        format!("{directory}{name}")
    } else {
        format!("{directory}/{name}")
    }
}

/// Symbolic links that lead nowhere are there, too, but for a path that ends in a slash.
fn is_there(path: &str, directory: &str, name: &str) -> bool {
    match name {
        "" => Path::new(directory).is_dir(),
        _ => fs::symlink_metadata(path).is_ok(),
    }
}

fn names_in(directory: &str) -> Vec<String> {
    let directory = if directory.is_empty() { "." } else { directory };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_pythons_do() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("[]x]", "]", true),
            ("[a-]", "-", true),
            ("[abc", "[abc", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxa", false),
            ("**", "any", true),
            ("é?", "éü", true),
        ] {
            assert_eq!(matches_pattern(name, pattern), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_are_found_in_every_component() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().to_str().unwrap();
        for directory in ["a", "b", ".h"] {
            fs::create_dir(root.path().join(directory)).unwrap();
            fs::write(root.path().join(directory).join("x.conf"), "").unwrap();
            fs::write(root.path().join(directory).join(".y.conf"), "").unwrap();
        }
        std::os::unix::fs::symlink("nowhere", root.path().join("a/z.conf")).unwrap();
        let found = |pattern: &str| {
            let mut found = glob(&format!("{base}/{pattern}"));
            found.sort();
            found
                .iter()
                .map(|path| path.strip_prefix(base).unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("*/*.conf"), ["/a/x.conf", "/a/z.conf", "/b/x.conf"]);
        assert_eq!(found("./a//x*"), ["/./a/x.conf"]);
        assert_eq!(found("a/.*"), ["/a/.y.conf"]);
        assert_eq!(found("*/x.conf"), ["/a/x.conf", "/b/x.conf"]);
        assert_eq!(found("a/z.conf"), ["/a/z.conf"]);
        assert_eq!(found("[ab]/"), ["/a/", "/b/"]);
        assert_eq!(found("none/*"), [""; 0]);
        assert_eq!(found("none"), [""; 0]);
    }
}
