//! Files of variables, in the syntax of systemd's `EnvironmentFile`: a line `NAME=value`, where
//! the value may be quoted and may go on in the next line. Nothing in it is expanded.

use crate::snapshot::saved;

/// A file that is read where it is there; unless it is optional it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub path: String,
    pub is_optional: bool,
}

saved! { struct Source { path, is_optional } }

/// A name and a value.
pub type Pair = (String, String);

/// Why a file is not one, with the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub reason: &'static str,
}

const NOT_TEXT: &str = "is not UTF-8";
const NUL: &str = "has a null byte";

/// Where the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    BeforeName,
    Name,
    BeforeValue,
    Value,
    ValueEscape,
    SingleQuotes,
    DoubleQuotes,
    DoubleQuotesEscape,
    Comment,
    CommentEscape,
}

/// The assignments of a file in their order. As with systemd a line without `=` says nothing,
/// and neither does one whose name is none.
pub fn parse(text: &[u8]) -> Result<Vec<Pair>, Fault> {
    let mut reader = Reader {
        place: Place::BeforeName,
        line: 1,
        begun: 1,
        name: Vec::new(),
        value: Vec::new(),
        kept: 0,
        pairs: Vec::new(),
    };
    for byte in text {
        reader.take(*byte)?;
    }
    match reader.place {
        Place::BeforeName | Place::Name | Place::Comment | Place::CommentEscape => {}
        _ => reader.end_assignment()?,
    }
    Ok(reader.pairs)
}

struct Reader {
    place: Place,
    line: usize,
    /// The line in which the assignment begins.
    begun: usize,
    name: Vec<u8>,
    value: Vec<u8>,
    /// How much of the value stays whatever blanks end it.
    kept: usize,
    pairs: Vec<Pair>,
}

impl Reader {
    fn take(&mut self, byte: u8) -> Result<(), Fault> {
        if byte == 0 {
            return Err(Fault {
                line: self.line,
                reason: NUL,
            });
        }
        let is_end = matches!(byte, b'\n' | b'\r');
        match self.place {
            Place::BeforeName if matches!(byte, b'#' | b';') => self.place = Place::Comment,
            Place::BeforeName if is_blank(byte) => {}
            Place::BeforeName => {
                self.begun = self.line;
                self.name.push(byte);
                self.place = Place::Name;
            }
            Place::Name if is_end => {
                self.name.clear();
                self.place = Place::BeforeName;
            }
            Place::Name if byte == b'=' => self.place = Place::BeforeValue,
            Place::Name => self.name.push(byte),

            Place::BeforeValue | Place::Value if is_end => self.end_assignment()?,
            Place::BeforeValue if byte == b'\'' => self.place = Place::SingleQuotes,
            Place::BeforeValue if byte == b'"' => self.place = Place::DoubleQuotes,
            Place::BeforeValue | Place::Value if byte == b'\\' => {
                self.place = Place::ValueEscape;
                // An escape keeps the blanks before it.
                self.kept = self.value.len();
            }
            Place::BeforeValue if is_blank(byte) => {}
            Place::BeforeValue => {
                self.place = Place::Value;
                self.keep(byte);
            }
            Place::Value if is_blank(byte) => self.value.push(byte),
            Place::Value => self.keep(byte),
            Place::ValueEscape => {
                self.place = Place::Value;
                if !is_end {
                    self.keep(byte);
                }
            }

            Place::SingleQuotes if byte == b'\'' => self.place = Place::BeforeValue,
            Place::DoubleQuotes if byte == b'"' => self.place = Place::BeforeValue,
            Place::DoubleQuotes if byte == b'\\' => self.place = Place::DoubleQuotesEscape,
            Place::SingleQuotes | Place::DoubleQuotes => self.keep(byte),
            Place::DoubleQuotesEscape => {
                self.place = Place::DoubleQuotes;
                match byte {
                    b'\n' => {}
                    b'"' | b'\\' | b'`' | b'$' => self.keep(byte),
                    _ => {
                        self.keep(b'\\');
                        self.keep(byte);
                    }
                }
            }

            Place::Comment if byte == b'\\' => self.place = Place::CommentEscape,
            Place::Comment | Place::CommentEscape if is_end => self.place = Place::BeforeName,
            Place::Comment | Place::CommentEscape => self.place = Place::Comment,
        }
        if byte == b'\n' {
            self.line += 1;
        }
        Ok(())
    }

    fn keep(&mut self, byte: u8) {
        self.value.push(byte);
        self.kept = self.value.len();
    }

    fn end_assignment(&mut self) -> Result<(), Fault> {
        self.place = Place::BeforeName;
        self.value.truncate(self.kept);
        self.kept = 0;
        let fault = Fault {
            line: self.begun,
            reason: NOT_TEXT,
        };
        let text = |bytes: &mut Vec<u8>| {
            let bytes = std::mem::take(bytes);
            String::from_utf8(bytes).map_err(|_| fault)
        };
        let (name, value) = (text(&mut self.name)?, text(&mut self.value)?);
        let name = name.trim_end_matches([' ', '\t']);
        if is_name(name) {
            self.pairs.push((name.to_owned(), value));
        }
        Ok(())
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a shell can have a variable of that name.
fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    name.bytes().all(is_part)
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Pair> {
        parse(text.as_bytes()).unwrap()
    }

    fn value(text: &str) -> String {
        let mut pairs = read(&format!("A={text}\n"));
        assert_eq!(pairs.len(), 1, "{text:?}: {pairs:?}");
        pairs.remove(0).1
    }

    #[test]
    fn values_have_the_syntax_of_systemd() {
        for (text, expected) in [
            ("", ""),
            ("x", "x"),
            ("  x y\t", "x y"),
            ("x\r", "x"),
            ("a  b\\ \\  ", "a  b  "),
            ("x\\\\", "x\\"),
            ("x\\n", "xn"),
            ("a\\\nb", "ab"),
            ("a \\\n  b", "a   b"),
            ("$HOME ${X} `id`", "$HOME ${X} `id`"),
            ("x # y ; z", "x # y ; z"),
            ("it's", "it's"),
            ("x \"y\"", "x \"y\""),
            ("'single \\n $x \"q\" '", "single \\n $x \"q\" "),
            ("'two\nlines'", "two\nlines"),
            ("\"two\nlines\"", "two\nlines"),
            ("\"a\\\nb\"", "ab"),
            ("\"\\\"\\\\\\$\\`\\x\\n\"", "\"\\$`\\x\\n"),
            ("\"  kept  \"  ", "  kept  "),
            ("'one' \"two\"", "onetwo"),
            ("'one'two ", "onetwo"),
            ("'one'\\ two", "one two"),
            ("''", ""),
            ("a=b=c", "a=b=c"),
            ("'it'\\''s'", "it''s'"),
            ("\u{7}\u{e9}", "\u{7}\u{e9}"),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_that_say_nothing_are_passed_over() {
        for text in [
            "",
            "\n\n \t\n",
            "# A=1\n; B=2\n  # C=3\n",
            "no assignment\n",
            "export A=1\n",
            "1A=1\n",
            "=x\n",
            "A-B=1\nA.B=1\n\u{e9}=1\n",
            "\u{feff}A=1\n",
            "# goes on \\\n",
            "A",
        ] {
            assert_eq!(read(text), [], "{text:?}");
        }
    }

    #[test]
    fn assignments_come_in_their_order_and_the_last_line_needs_no_end() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<Pair> {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            pairs.collect()
        };
        for (text, expected) in [
            (
                "B=1\nA=2\nB=3",
                pairs(&[("B", "1"), ("A", "2"), ("B", "3")]),
            ),
            (" A \t= 1 \n", pairs(&[("A", "1")])),
            ("A=1\rB=2\r\n", pairs(&[("A", "1"), ("B", "2")])),
            ("A='open", pairs(&[("A", "open")])),
            ("A=\"open\\", pairs(&[("A", "open")])),
            ("A=x  ", pairs(&[("A", "x")])),
            ("A=x\\", pairs(&[("A", "x")])),
            ("A=", pairs(&[("A", "")])),
            ("# x \\\nA=1\n", pairs(&[("A", "1")])),
            ("# x \\y\nA=1\n", pairs(&[("A", "1")])),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_told_with_its_line() {
        for (text, line, reason) in [
            (&b"A=1\nB=\xff\n"[..], 2, NOT_TEXT),
            (b"A=1\n\n\xff=1\n", 3, NOT_TEXT),
            (b"A='\n\n\xff'\n", 1, NOT_TEXT),
            (b"A=1\n# \0\n", 2, NUL),
        ] {
            assert_eq!(parse(text), Err(Fault { line, reason }), "{text:?}");
        }
        // Nobody sees what a comment says.
        assert_eq!(parse(b"# \xff\nA=1\n"), Ok(vec![("A".into(), "1".into())]));
    }
}
