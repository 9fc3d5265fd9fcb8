//! Names of processes as typed: `process`, `group:process`, and `group:*` or
//! `group:` for all of a group.

/// A name taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespec<'a> {
    pub group: &'a str,
    /// The process's name; none for the whole group.
    pub process: Option<&'a str>,
}

impl<'a> Namespec<'a> {
    /// Splits at the first colon. A word without one names the process of a
    /// group that has the same name.
    pub fn parse(word: &'a str) -> Namespec<'a> {
        match word.split_once(':') {
            None => Namespec {
                group: word,
                process: Some(word),
            },
            Some((group, "" | "*")) => Namespec {
                group,
                process: None,
            },
            Some((group, process)) => Namespec {
                group,
                process: Some(process),
            },
        }
    }
}

/// How results name a process: without the group where both names are equal.
pub fn display_name(group: &str, process: &str) -> String {
    if group == process {
        process.to_owned()
    } else {
        format!("{group}:{process}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_splits_at_the_first_colon() {
        for (word, group, process) in [
            ("x", "x", Some("x")),
            ("g:p", "g", Some("p")),
            ("a:b:c", "a", Some("b:c")),
            ("g:*", "g", None),
            ("g:", "g", None),
            (":x", "", Some("x")),
            (":", "", None),
            ("*", "*", Some("*")),
        ] {
            assert_eq!(Namespec::parse(word), Namespec { group, process }, "{word}");
        }
    }

    #[test]
    fn equal_names_are_shown_once() {
        assert_eq!(display_name("cat", "cat"), "cat");
        assert_eq!(display_name("g", "cat"), "g:cat");
    }
}
