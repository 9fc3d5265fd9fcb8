//! What an expansion gives: a text of which it is known what came out of names.
//! That is a value by itself: no quote, comma or percent sign in it means
//! anything, and messages show in its place what the file says.

use std::borrow::Cow;

use crate::text::shlex::Piece;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    pub text: String,
    /// What came out of names, in order.
    pub(super) inserted: Vec<Inserted>,
}

/// Text that came out of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inserted {
    /// Where it begins, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
    /// What the file says there, where the text came out of the environment.
    pub(super) written: Option<String>,
}

impl From<String> for Expanded {
    /// A text of the file's own.
    fn from(text: String) -> Expanded {
        Expanded {
            text,
            inserted: Vec::new(),
        }
    }
}

impl Expanded {
    /// Adds text that came out of a name.
    pub(super) fn insert(&mut self, text: &str, written: Option<String>) {
        let start = self.text.len();
        self.text.push_str(text);
        self.inserted.push(Inserted {
            start,
            end: self.text.len(),
            written,
        });
    }

    /// What stands there, as a value by itself.
    pub(super) fn part(&self, from: usize, to: usize) -> Expanded {
        let within = |part: &&Inserted| from <= part.start && part.end <= to;
        let inserted = self.inserted.iter().filter(within).map(|part| Inserted {
            start: part.start - from,
            end: part.end - from,
            written: part.written.clone(),
        });
        Expanded {
            inserted: inserted.collect(),
            text: self.between(from, to).to_owned(),
        }
    }

    pub(super) fn between(&self, from: usize, to: usize) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Whether anything in it came out of the environment.
    pub fn hides(&self) -> bool {
        self.inserted.iter().any(|part| part.written.is_some())
    }

    /// The text for a message: what came out of the environment may be a secret,
    /// and is shown as the file writes it.
    pub fn shown(&self) -> Cow<'_, str> {
        self.shown_between(0, self.text.len())
    }

    pub(super) fn shown_between(&self, from: usize, to: usize) -> Cow<'_, str> {
        if !self.hides() {
            return Cow::Borrowed(self.between(from, to));
        }
        let mut shown = String::new();
        let mut at = from;
        let within = |part: &&Inserted| from <= part.start && part.end <= to;
        for part in self.inserted.iter().filter(within) {
            if let Some(written) = &part.written {
                shown.push_str(self.between(at, part.start));
                shown.push_str(written);
                at = part.end;
            }
        }
        shown.push_str(self.between(at, to));
        Cow::Owned(shown)
    }

    /// The text in order, the file's own apart from what came out of names.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut at = 0;
        let parts = self.inserted.iter().flat_map(move |part| {
            let own = Piece::Own(self.between(at, part.start));
            at = part.end;
            [own, Piece::Whole(self.between(part.start, part.end))]
        });
        let last = self.inserted.last().map_or(0, |part| part.end);
        parts.chain([Piece::Own(self.between(last, self.text.len()))])
    }

    /// The words of a list with blanks between them. Text that came out of names
    /// is a list by itself where a word is nothing else.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut word = Word::default();
        for piece in self.pieces() {
            match piece {
                Piece::Whole(text) => word.text.push_str(text),
                Piece::Own(text) => {
                    for (index, own) in text.split(crate::text::is_space).enumerate() {
                        if index > 0 {
                            std::mem::take(&mut word).end(&mut words);
                        }
                        word.text.push_str(own);
                        word.has_own |= !own.is_empty();
                    }
                }
            }
        }
        word.end(&mut words);
        words
    }
}

#[derive(Default)]
struct Word {
    text: String,
    has_own: bool,
}

impl Word {
    fn end(self, words: &mut Vec<String>) {
        if self.has_own {
            words.push(self.text);
            return;
        }
        let split = self.text.split(crate::text::is_space);
        words.extend(split.filter(|word| !word.is_empty()).map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::expand::{Layer, define, expand, expand_again};

    fn names() -> Layer {
        let mut names = Layer::new();
        define(&mut names, "here", "/my files");
        define(&mut names, "ENV_WHICH", "WORD");
        define(&mut names, "ENV_WORD", "a %(here)s");
        define(&mut names, "ENV_LIST", "one  two");
        names
    }

    fn expanded(text: &str) -> Expanded {
        expand(text, &[&names()], "k").unwrap()
    }

    #[test]
    fn messages_show_what_the_file_says_for_what_came_out_of_the_environment() {
        for (text, whole, shown) in [
            ("x", "x", "x"),
            ("%(here)s/x", "/my files/x", "/my files/x"),
            (
                "%%%(here)s/%(ENV_WHICH).3s-%(ENV_LIST)10s",
                "%/my files/WOR-  one  two",
                "%/my files/%(ENV_WHICH).3s-%(ENV_LIST)10s",
            ),
        ] {
            let expanded = expanded(text);
            assert_eq!(expanded.text, whole);
            assert_eq!(expanded.shown(), shown);
        }
    }

    #[test]
    fn what_came_out_of_a_name_is_not_expanded_again() {
        let again = |text: &str| {
            let twice = expand_again(&expanded(text), &[&names()], "k");
            twice
                .map(|twice| (twice.text.clone(), twice.shown().into_owned()))
                .map_err(|error| error.to_string())
        };
        let good = |text: &str, shown: &str| Ok((text.to_owned(), shown.to_owned()));
        assert_eq!(
            again("%(ENV_WORD)s%%(here)s%%%%"),
            good("a %(here)s/my files%", "%(ENV_WORD)s/my files%")
        );
        assert_eq!(
            again("%%(ENV_%(ENV_WHICH)s)s"),
            good("a %(here)s", "%(ENV_%(ENV_WHICH)s)s")
        );
        for (text, message) in [
            (
                "%%(ENV_%(ENV_LIST)s)s",
                "Format string '%(ENV_%(ENV_LIST)s)s' for 'k' contains names \
                 ('ENV_%(ENV_LIST)s') which cannot be expanded. Available names: \
                 ENV_LIST, ENV_WHICH, ENV_WORD, here",
            ),
            (
                "%%%(ENV_WHICH)s",
                "Format string '%%(ENV_WHICH)s' for 'k' is badly formatted: incomplete format",
            ),
            (
                "%(ENV_WHICH)s%%z",
                "Format string '%(ENV_WHICH)s%z' for 'k' is badly formatted: unsupported \
                 format character 'z' (0x7a) at index 14",
            ),
        ] {
            assert_eq!(again(text).unwrap_err(), message);
        }
    }

    #[test]
    fn a_path_from_a_name_is_not_cut_at_its_blanks() {
        for (text, words) in [
            (" a\tb\n\nc ", vec!["a", "b", "c"]),
            ("%(here)s/*.ini x", vec!["/my files/*.ini", "x"]),
            ("%(ENV_LIST)s", vec!["one", "two"]),
            (
                "x%(ENV_LIST)s %(ENV_LIST)s",
                vec!["xone  two", "one", "two"],
            ),
            ("", vec![]),
        ] {
            assert_eq!(expanded(text).words(), words, "{text}");
        }
    }
}
