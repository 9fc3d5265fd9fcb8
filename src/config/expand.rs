//! Expansion of `%(name)s` in values: printf-style formatting with named
//! arguments, as Python does it, down to the words of its errors.
//!
//! Names are served in layers, the later over the earlier. Text that comes out
//! of a name is not looked at again, even where a value is expanded twice or
//! taken apart afterwards: an [`Expanded`] knows which text that is. Deliberately
//! different: a bare `%s`, which inserts a dump of all names in the original, is
//! an error, and so is a width or precision that could fill the memory.

use std::borrow::Cow;
use std::fmt;

use super::conversion::{Argument, Form, Replacement};
use super::expanded::{Expanded, Inserted};
use crate::sort;
use crate::text::pyrepr::repr;
use crate::vec_map::VecMap;

/// No value needs padding beyond this many characters.
const MAX_WIDTH: usize = 1 << 12;

/// Some names and what they stand for.
pub type Layer = VecMap<String, Replacement>;

/// Adds a name that stands for text.
pub fn define(layer: &mut Layer, name: &str, text: &str) {
    layer.insert(name.to_owned(), Replacement::Text(text.to_owned()));
}

/// Why a value cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpansionError {
    pub text: String,
    /// The key as the message names it, such as `program:x.command`.
    pub key: String,
    pub problem: Problem,
}

/// What is wrong with a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A name that is not there, and all that are.
    UnknownName {
        name: String,
        /// What could have stood there, sorted.
        available: Vec<String>,
    },
    /// Anything else, in Python's words.
    Format(String),
}

impl fmt::Display for ExpansionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Format string {} for {} ",
            repr(&self.text),
            repr(&self.key)
        )?;
        match &self.problem {
            Problem::UnknownName { name, available } => write!(
                f,
                "contains names ({}) which cannot be expanded. Available names: {}",
                repr(name),
                available.join(", ")
            ),
            Problem::Format(reason) => write!(f, "is badly formatted: {reason}"),
        }
    }
}

impl std::error::Error for ExpansionError {}

/// Expands `text`, the value of `key`.
pub fn expand(text: &str, layers: &[&Layer], key: &str) -> Result<Expanded, ExpansionError> {
    expand_again(&Expanded::from(text.to_owned()), layers, key)
}

/// Expands what was expanded once; what came out of a name then stays as it is.
pub fn expand_again(
    source: &Expanded,
    layers: &[&Layer],
    key: &str,
) -> Result<Expanded, ExpansionError> {
    if !source.text.contains('%') {
        return Ok(source.clone());
    }
    let formatter = Formatter::new(source, layers);
    formatter.formatted().map_err(|problem| ExpansionError {
        text: source.shown().into_owned(),
        key: key.to_owned(),
        problem,
    })
}

/// Goes through a value from left to right.
pub(super) struct Formatter<'a> {
    pub(super) source: &'a Expanded,
    /// In bytes.
    pub(super) at: usize,
    /// What an earlier expansion inserted from here on.
    before: &'a [Inserted],
    pub(super) layers: &'a [&'a Layer],
    argument: Argument,
    /// A bare `%s`: told if nothing else is wrong.
    nameless: Option<Problem>,
    out: Expanded,
    /// In how many texts for missing names this one stands.
    pub(super) depth: usize,
    /// How many characters of the whole value stand before it.
    pub(super) offset: usize,
}

/// An error in Python's words, or ours where Python knows none.
pub(super) fn bad(reason: &str) -> Problem {
    Problem::Format(reason.to_owned())
}

impl<'a> Formatter<'a> {
    pub(super) fn new(source: &'a Expanded, layers: &'a [&'a Layer]) -> Formatter<'a> {
        Formatter {
            source,
            at: 0,
            before: &source.inserted,
            layers,
            argument: Argument::Mapping,
            nameless: None,
            out: Expanded::from(String::with_capacity(source.text.len())),
            depth: 0,
            offset: 0,
        }
    }

    pub(super) fn formatted(mut self) -> Result<Expanded, Problem> {
        self.run()?;
        self.nameless.map_or(Ok(self.out), Err)
    }

    fn run(&mut self) -> Result<(), Problem> {
        loop {
            if let Some(part) = self.inserted_here() {
                let text = self.source.between(part.start, part.end);
                self.out.insert(text, part.written.clone());
                continue;
            }
            match self.next() {
                None => return Ok(()),
                Some('%') => self.conversion()?,
                Some('\\') if self.depth > 0 => {
                    let plain = self.made_plain().unwrap_or('\\');
                    self.out.text.push(plain);
                }
                Some(c) => self.out.text.push(c),
            }
        }
    }

    /// What an earlier expansion put at this place; it is passed over.
    pub(super) fn inserted_here(&mut self) -> Option<&'a Inserted> {
        let (first, after) = self.before.split_first()?;
        if first.start != self.at {
            return None;
        }
        self.before = after;
        self.at = first.end;
        Some(first)
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.source.text.get(self.at..)?.chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// The character behind a backslash, if that makes it plain.
    pub(super) fn made_plain(&mut self) -> Option<char> {
        let is_own = self.before.first().is_none_or(|part| part.start != self.at);
        let c = self.source.text.get(self.at..)?.chars().next()?;
        let is_special = matches!(c, '(' | ')' | '\\');
        (is_own && is_special).then(|| self.next()).flatten()
    }

    /// The next character of a conversion, which is the file's own.
    fn needed(&mut self) -> Result<char, Problem> {
        let next = match self.inserted_here() {
            Some(_) => None,
            None => self.next(),
        };
        next.ok_or_else(|| bad("incomplete format"))
    }

    fn conversion(&mut self) -> Result<(), Problem> {
        let start = self.at - 1;
        let mut is_hidden = false;
        let mut c = self.needed()?;
        if c == '%' {
            self.out.text.push('%');
            return Ok(());
        }
        if c == '(' {
            let found = self.named()?;
            is_hidden = found.is_hidden;
            self.argument = Argument::Named(found.value);
            c = self.needed()?;
        }
        let mut form = Form::default();
        loop {
            match c {
                '-' => form.left = true,
                '+' => form.plus = true,
                ' ' => form.blank = true,
                '#' => form.alternate = true,
                '0' => form.zero = true,
                _ => break,
            }
            c = self.needed()?;
        }
        form.width = self.number(&mut c, "width too big")?.unwrap_or(0);
        if c == '.' {
            c = self.needed()?;
            let precision = self.number(&mut c, "precision too big")?;
            form.precision = Some(precision.unwrap_or(0));
        }
        if matches!(c, 'h' | 'l' | 'L') {
            c = self.needed()?;
        }
        let text = self.converted(c, &form)?;
        let written = is_hidden.then(|| self.source.shown_between(start, self.at));
        self.out.insert(&text, written.map(Cow::into_owned));
        Ok(())
    }

    pub(super) fn available(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        names.extend(self.layers.iter().flat_map(|layer| layer.keys().cloned()));
        sort::by(&mut names, Ord::cmp);
        names.dedup();
        names
    }

    /// Digits, or a `*` that takes an argument; leaves what follows in `c`.
    fn number(&mut self, c: &mut char, too_big: &str) -> Result<Option<usize>, Problem> {
        if *c == '*' {
            return match std::mem::replace(&mut self.argument, Argument::Used) {
                Argument::Used => Err(bad("not enough arguments for format string")),
                Argument::Mapping | Argument::Named(Replacement::Text(_)) => {
                    Err(bad("* wants int"))
                }
                // The number is used up, so the conversion has none left.
                Argument::Named(Replacement::Number(_)) => {
                    *c = self.needed()?;
                    Ok(None)
                }
            };
        }
        let mut number = None;
        while let Some(digit) = c.to_digit(10) {
            let value = number.unwrap_or(0) * 10 + digit as usize;
            if value > MAX_WIDTH {
                return Err(bad(too_big));
            }
            number = Some(value);
            *c = self.needed()?;
        }
        Ok(number)
    }

    fn converted(&mut self, c: char, form: &Form) -> Result<String, Problem> {
        let argument = std::mem::replace(&mut self.argument, Argument::Used);
        match (c, argument) {
            ('s' | 'r' | 'a', Argument::Mapping) => {
                self.nameless = Some(Problem::Format(format!("%{c} without a name")));
                Ok(form.padded("", "", false))
            }
            (_, Argument::Used) => Err(bad("not enough arguments for format string")),
            (_, argument) => match form.converted(c, &argument) {
                Some(text) => text.map_err(Problem::Format),
                None => Err(self.unsupported(c)),
            },
        }
    }

    fn unsupported(&self, c: char) -> Problem {
        let shown = if ('\x1f'..'~').contains(&c) { c } else { '?' };
        let before = self.source.shown_between(0, self.at - c.len_utf8());
        Problem::Format(format!(
            "unsupported format character '{shown}' (0x{:x}) at index {}",
            u32::from(c),
            self.offset + before.chars().count()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let mut below = Layer::new();
        define(&mut below, "program_name", "below");
        define(&mut below, "here", "/etc");
        let mut above = Layer::new();
        define(&mut above, "program_name", "p");
        define(&mut above, "a(b)", "nested");
        above.insert("process_num".to_owned(), Replacement::Number(7));
        let expanded = expand(text, &[&below, &above], "k");
        expanded
            .map(|expanded| expanded.text)
            .map_err(|error| match error.problem {
                Problem::Format(reason) => reason,
                Problem::UnknownName { .. } => error.to_string(),
            })
    }

    #[test]
    fn conversions_are_pythons() {
        for (text, expected) in [
            ("", ""),
            ("100%%", "100%"),
            ("%(here)s/%(program_name)s", "/etc/p"),
            ("%(a(b))s", "nested"),
            (
                "%(process_num)d %(process_num)i %(process_num)u %(process_num)s",
                "7 7 7 7",
            ),
            (
                "%(process_num)02d %(process_num)03d %(process_num).3d",
                "07 007 007",
            ),
            (
                "%(process_num)5d|%(process_num)-5d|%(process_num)-05d|",
                "    7|7    |7    |",
            ),
            (
                "%(process_num)+03d|%(process_num) d|%(process_num) 05d",
                "+07| 7| 0007",
            ),
            (
                "%(process_num)x %(process_num)02X %(process_num)#x %(process_num)o",
                "7 07 0x7 7",
            ),
            (
                "%(process_num)#06x %(process_num)#.3x %(process_num)05.3d",
                "0x0007 0x007 00007",
            ),
            (
                "%(process_num)f %(process_num)e %(process_num)G",
                "7.000000 7.000000e+00 7",
            ),
            (
                "%(process_num)#g %(process_num).0f %(process_num)010.2e",
                "7.00000 7 007.00e+00",
            ),
            ("%(process_num)c", "\u{7}"),
            (
                "%(process_num)02s|%(program_name)3s|%(program_name)-3s|",
                " 7|  p|p  |",
            ),
            (
                "%(here).1s %(program_name)r %(program_name)a %(process_num)ld",
                "/ 'p' 'p' 7",
            ),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn reasons_are_pythons() {
        for (text, reason) in [
            ("50%", "incomplete format"),
            ("%(here)", "incomplete format"),
            ("%(here)-5.2l", "incomplete format"),
            ("%(here", "incomplete format key"),
            (
                "%(here)z",
                "unsupported format character 'z' (0x7a) at index 7",
            ),
            (
                "%(here)%",
                "unsupported format character '%' (0x25) at index 7",
            ),
            ("%é", "unsupported format character '?' (0xe9) at index 1"),
            (
                "%(program_name)d",
                "%d format: a real number is required, not str",
            ),
            ("%(program_name)f", "must be real number, not str"),
            ("50% off", "%o format: an integer is required, not dict"),
            ("%d", "%d format: a real number is required, not dict"),
            ("%(here)s %s", "not enough arguments for format string"),
            ("%(process_num)*d", "not enough arguments for format string"),
            ("%(here)*d", "* wants int"),
            ("%(here)99999999999s", "width too big"),
            ("%(here).99999999999s", "precision too big"),
            ("%(here)c", "%c requires int or char"),
            ("%s", "%s without a name"),
        ] {
            assert_eq!(expanded(text).unwrap_err(), reason, "{text}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_all_known_ones() {
        assert_eq!(
            expanded("x%(nope)s").unwrap_err(),
            "Format string 'x%(nope)s' for 'k' contains names ('nope') which cannot be expanded. \
             Available names: a(b), here, process_num, program_name"
        );
    }
}
