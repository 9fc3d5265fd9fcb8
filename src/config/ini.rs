//! The line rules of the configuration file, as the original reads it: text goes
//! in, what stands on which line comes out.

use std::fmt;

use crate::snapshot::saved;
use crate::text::is_space;
use crate::text::pyrepr::repr;
use crate::text::scan::{self, has};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

saved! { struct Location { file, line } }

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Something that stands on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Counted from 1.
    pub line: usize,
    pub what: Marked,
}

/// What stands on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// A section's header; its name.
    Header(String),
    /// A key, lower case, and its value: the text as read, lines joined with a newline. A
    /// document keeps that elsewhere.
    Key(String, String),
    /// A comment behind a part of the value of the key before.
    Cut {
        /// The line's part of the value.
        kept: String,
        /// The blanks between the two.
        gap: String,
        /// From the `;` or `#` on.
        comment: String,
    },
}

/// Reads the text of the file that is called `name`: headers, keys and comments that
/// follow values, in order. What is wrong is told in Python's words.
pub fn read(text: &str, name: &str) -> Result<Vec<Mark>, String> {
    let mut reader = Reader::default();
    for (index, line) in physical_lines(text).enumerate() {
        reader.line(index + 1, line).map_err(|text| {
            format!(
                "File contains no section headers.\nfile: {}, line: {}\n{}",
                repr(name),
                index + 1,
                repr(&text)
            )
        })?;
    }
    reader.end_value();
    if reader.bad_lines.is_empty() {
        return Ok(reader.marks);
    }
    let mut error = format!("Source contains parsing errors: {}", repr(name));
    for (number, text) in reader.bad_lines {
        error.push_str(&format!("\n\t[line {number:2}]: {}", repr(&text)));
    }
    Err(error)
}

/// Lines without their ends; LF, CRLF and a lone CR end one. The flag says
/// whether it had an end.
fn physical_lines(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = |word| has(word, b'\n') | has(word, b'\r');
        let is_end = |byte| matches!(byte, b'\n' | b'\r');
        let Some(end) = scan::find(rest.as_bytes(), ends, is_end) else {
            return Some((std::mem::take(&mut rest), false));
        };
        let (line, ending) = rest.split_at(end);
        rest = ending
            .strip_prefix("\r\n")
            .or_else(|| ending.get(1..))
            .unwrap_or_default();
        Some((line, true))
    })
}

#[derive(Default)]
struct Reader {
    marks: Vec<Mark>,
    in_section: bool,
    /// The lines of a value that may go on, and the place of its key among the marks.
    value: Option<(usize, Vec<String>)>,
    base_indent: usize,
    bad_lines: Vec<(usize, String)>,
}

impl Reader {
    /// Takes one physical line; the error is the raw line that came before
    /// any header.
    fn line(&mut self, number: usize, (raw, ended): (&str, bool)) -> Result<(), String> {
        let raw_line = || format!("{raw}{}", if ended { "\n" } else { "" });
        let comment = comment_start(raw);
        let content = raw
            .get(..comment.unwrap_or(raw.len()))
            .unwrap_or_default()
            .trim_matches(is_space);
        if content.is_empty() {
            // A comment line leaves no trace; a blank one belongs to the value.
            if let (None, Some((_, lines))) = (comment, &mut self.value) {
                lines.push(String::new());
            }
            return Ok(());
        }
        let indent = raw.chars().take_while(|c| is_space(*c)).count();
        if let Some((_, lines)) = self.value.as_mut().filter(|_| indent > self.base_indent) {
            lines.push(content.to_owned());
            self.mark_cut(number, raw, content, comment);
            return Ok(());
        }
        self.base_indent = indent;
        if let Some(name) = header(content) {
            self.end_value();
            self.mark(number, Marked::Header(name.to_owned()));
            self.in_section = true;
        } else if !self.in_section {
            return Err(raw_line());
        } else {
            match content.split_once(['=', ':']) {
                Some((key, text)) if !key.is_empty() => {
                    self.end_value();
                    let key = key.trim_end_matches(is_space).to_lowercase();
                    let text = text.trim_start_matches(is_space);
                    self.value = Some((self.marks.len(), vec![text.to_owned()]));
                    self.mark(number, Marked::Key(key, String::new()));
                    self.mark_cut(number, raw, text, comment);
                }
                // An empty key ends the value before it, a line without
                // delimiter does not: that decides which lines are bad.
                Some(_) => {
                    self.end_value();
                    self.bad_lines.push((number, raw_line()));
                }
                None => self.bad_lines.push((number, raw_line())),
            }
        }
        Ok(())
    }

    fn mark(&mut self, line: usize, what: Marked) {
        self.marks.push(Mark { line, what });
    }

    fn mark_cut(&mut self, line: usize, raw: &str, kept: &str, comment: Option<usize>) {
        if let Some((before, comment)) = comment.and_then(|at| raw.split_at_checked(at)) {
            let gap = before.rsplit(|c| !is_space(c)).next().unwrap_or_default();
            let (kept, gap, comment) = (kept.to_owned(), gap.to_owned(), comment.to_owned());
            self.mark(line, Marked::Cut { kept, gap, comment });
        }
    }

    fn end_value(&mut self) {
        if let Some((place, lines)) = self.value.take()
            && let Some(Marked::Key(_, value)) = self.marks.get_mut(place).map(|m| &mut m.what)
        {
            lines
                .join("\n")
                .trim_end_matches(is_space)
                .clone_into(value);
        }
    }
}

/// Where the comment of a line starts, in bytes.
///
/// The n-th `;` and the n-th `#` are looked at together, and the first round
/// with a hit ends the search: `a;b;c ;d # e` is cut at the `#`.
fn comment_start(line: &str) -> Option<usize> {
    if line.trim_start_matches(is_space).starts_with(['#', ';']) {
        return Some(0);
    }
    let may_start = |word| has(word, b'#') | has(word, b';');
    scan::find(line.as_bytes(), may_start, |byte| {
        matches!(byte, b'#' | b';')
    })?;
    let starts_comment = |at: usize| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(is_space).then_some(at)
    };
    let mut semicolons = line.match_indices(';').map(|(at, _)| at);
    let mut hashes = line.match_indices('#').map(|(at, _)| at);
    loop {
        let (semicolon, hash) = (semicolons.next(), hashes.next());
        if semicolon.is_none() && hash.is_none() {
            return None;
        }
        let hits = [semicolon, hash]
            .into_iter()
            .flatten()
            .filter_map(starts_comment);
        if let Some(start) = hits.min() {
            return Some(start);
        }
    }
}

/// The name in a header: from `[` to the last `]`, at least one character.
fn header(content: &str) -> Option<&str> {
    let inner = content.strip_prefix('[')?;
    let (name, _) = inner.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers and keys, each with its line.
    fn shown(text: &str) -> String {
        let marks = read(text, "s.conf").unwrap().into_iter();
        let marks = marks.map(|Mark { line, what }| match what {
            Marked::Header(name) => format!("{line}[{name}] "),
            Marked::Key(key, value) => format!("{line}{key}={value:?} "),
            Marked::Cut { .. } => String::new(),
        });
        marks.collect()
    }

    #[test]
    fn comments_are_searched_in_rounds() {
        for (line, kept) in [
            ("k=v ; c", "k=v "),
            ("k=v\t#c", "k=v\t"),
            ("k=v;nc", "k=v;nc"),
            ("k=http://h/#f", "k=http://h/#f"),
            ("k=a;b;c d ; e # f", "k=a;b;c d ; e "),
            ("x=a#b #c ;d", "x=a#b #c "),
            ("k=v\u{a0};c", "k=v\u{a0}"),
            ("  # all", ""),
        ] {
            let end = comment_start(line).unwrap_or(line.len());
            assert_eq!(&line[..end], kept, "{line}");
        }
    }

    #[test]
    fn values_go_on_while_the_indent_is_deeper() {
        assert_eq!(
            shown("[a]\n  k=1\n l=2\n\n  [b]\n  ; c\n  m=3\n\n[c]\n"),
            "1[a] 2k=\"1\" 3l=\"2\\n\\n[b]\\nm=3\" 9[c] "
        );
    }

    #[test]
    fn every_kind_of_line_end_counts() {
        assert_eq!(
            shown("[a]\rk=1\r\nl=2\x0c3"),
            "1[a] 2k=\"1\" 3l=\"2\\u{c}3\" "
        );
    }

    #[test]
    fn bad_lines_are_reported_together() {
        let error = read("[a]\nfoo\n=x\nk=1\n[]", "s.conf").unwrap_err();
        assert_eq!(
            error,
            "Source contains parsing errors: 's.conf'\n\t[line  2]: 'foo\\n'\n\t[line  3]: '=x\\n'\n\t[line  5]: '[]'"
        );
    }

    #[test]
    fn text_before_a_header_is_an_error() {
        let error = read("\u{feff}[a]\r\n", "s.conf").unwrap_err();
        assert_eq!(
            error,
            "File contains no section headers.\nfile: 's.conf', line: 1\n'\\ufeff[a]\\n'"
        );
    }
}
