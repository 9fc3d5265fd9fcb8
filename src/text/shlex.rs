//! Python's `shlex` in the two guises that configurations meet.
//!
//! [`split_command`] cuts a command line into words by the shell's quoting
//! rules and nothing else of the shell. [`tokens`] is the older, odder lexer
//! that `environment=` goes through: quotes stay on the token, there are no
//! escapes, `#` starts a comment, and punctuation stands alone.

use std::fmt;
use std::iter::Peekable;

/// Why a text could not be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// A quote is opened and never closed.
    NoClosingQuotation,
    /// The text ends in a backslash.
    NoEscapedCharacter,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SplitError::NoClosingQuotation => "No closing quotation",
            SplitError::NoEscapedCharacter => "No escaped character",
        })
    }
}

impl std::error::Error for SplitError {}

/// The words of a command line: blanks separate, `'` quotes everything, `"`
/// everything but `\"` and `\\`, a backslash outside quotes the next character.
pub fn split_command(command: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = command.chars();
    while let Some(c) = characters.next() {
        match c {
            c if is_blank(c) => words.extend(word.take()),
            '\\' => {
                let escaped = characters.next().ok_or(SplitError::NoEscapedCharacter)?;
                word.get_or_insert_default().push(escaped);
            }
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                read_quoted(&mut characters, c, word)?;
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The word as [`split_command`] and shells read it: as it is where nothing in it means anything
/// to them, else in single quotes.
pub fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\"'\"'")),
    }
}

/// Appends to `word` what stands before the closing `quote`.
fn read_quoted(
    characters: &mut impl Iterator<Item = char>,
    quote: char,
    word: &mut String,
) -> Result<(), SplitError> {
    loop {
        match characters.next().ok_or(SplitError::NoClosingQuotation)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                let escaped = characters.next().ok_or(SplitError::NoEscapedCharacter)?;
                if escaped != '\\' && escaped != quote {
                    word.push('\\');
                }
                word.push(escaped);
            }
            c => word.push(c),
        }
    }
}

/// A part of a text that is cut into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text by the rules.
    Own(&'a str),
    /// Text that belongs to a word whatever is in it.
    Whole(&'a str),
}

/// A token of an `environment=` value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// All of it, quotes included.
    pub text: String,
    /// A part of it was whole.
    pub has_whole: bool,
    /// How many quotes it begins with, those in whole parts not counted.
    quotes_before: usize,
    /// How many it ends with.
    quotes_after: usize,
}

impl Token {
    fn push(&mut self, c: char) {
        self.quotes_after += 1;
        if !is_quote(c) {
            self.quotes_after = 0;
        } else if self.quotes_before == self.text.len() {
            self.quotes_before += 1;
        }
        self.text.push(c);
    }

    fn push_unit(&mut self, unit: Unit<'_>) {
        match unit {
            Unit::Character(c) => self.push(c),
            Unit::Whole(text) => {
                self.has_whole = true;
                self.quotes_after = 0;
                self.text.push_str(text);
            }
        }
    }

    /// Whether it is this character, and the text's own.
    pub fn is(&self, character: &str) -> bool {
        self.text == character && !self.has_whole
    }

    /// The token without the quotes around it, however many there are.
    pub fn unquoted(&self) -> &str {
        let end = self.text.len() - self.quotes_after;
        self.text.get(self.quotes_before..end).unwrap_or_default()
    }
}

#[derive(Clone, Copy)]
enum Unit<'a> {
    Character(char),
    Whole(&'a str),
}

impl<'a> Piece<'a> {
    fn units(self) -> impl Iterator<Item = Unit<'a>> {
        let (own, whole) = match self {
            Piece::Own(text) => (text, None),
            Piece::Whole(text) => ("", Some(Unit::Whole(text))),
        };
        own.chars().map(Unit::Character).chain(whole)
    }
}

/// The tokens of an `environment=` value.
pub fn tokens<'a>(pieces: impl IntoIterator<Item = Piece<'a>>) -> Result<Vec<Token>, SplitError> {
    let mut tokens = Vec::new();
    let mut units = pieces.into_iter().flat_map(Piece::units).peekable();
    while let Some(unit) = units.next() {
        let mut token = Token::default();
        token.push_unit(unit);
        match unit {
            Unit::Character(c) if is_blank(c) => {}
            Unit::Character('#') => skip_line(&mut units),
            Unit::Character(quote) if is_quote(quote) => {
                loop {
                    let next = units.next().ok_or(SplitError::NoClosingQuotation)?;
                    token.push_unit(next);
                    if matches!(next, Unit::Character(c) if c == quote) {
                        break;
                    }
                }
                tokens.push(token);
            }
            Unit::Character(c) if !is_word(c) => tokens.push(token),
            _ => {
                read_word(&mut units, &mut token);
                tokens.push(token);
                // What ends a word is a token by itself, even a character
                // that would otherwise start something.
                if let Some(&Unit::Character(next)) = units.peek()
                    && !is_blank(next)
                {
                    let mut token = Token::default();
                    token.push(next);
                    tokens.push(token);
                    units.next();
                }
            }
        }
    }
    Ok(tokens)
}

/// Appends to `token` what belongs to the word that it begins.
fn read_word<'a>(units: &mut Peekable<impl Iterator<Item = Unit<'a>>>, token: &mut Token) {
    while let Some(&next) = units.peek() {
        match next {
            // The rest of the line goes, but the word goes on.
            Unit::Character('#') => {
                skip_line(units);
                continue;
            }
            Unit::Character(c) if !is_word(c) && !is_quote(c) => return,
            _ => token.push_unit(next),
        }
        units.next();
    }
}

fn skip_line<'a>(units: &mut impl Iterator<Item = Unit<'a>>) {
    units.find(|unit| matches!(unit, Unit::Character('\n')));
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '+' | '-' | '(' | ')' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_words_are_read_as_they_were() {
        for (word, expected) in [
            ("a/b-c.d", "a/b-c.d"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$HOME", "'$HOME'"),
            ("it's", "'it'\"'\"'s'"),
            ("a\n\\", "'a\n\\'"),
            ("é;#", "'é;#'"),
        ] {
            assert_eq!(quote(word), expected);
            assert_eq!(split_command(&quote(word)), Ok(vec![word.to_owned()]));
        }
    }

    #[test]
    fn command_lines_are_cut_by_the_shells_quoting() {
        for (command, expected) in [
            ("", vec![]),
            ("  \n ", vec![]),
            ("/bin/cat", vec!["/bin/cat"]),
            ("a\tb\nc\r\nd", vec!["a", "b", "c", "d"]),
            ("sh -c 'a \"b\" \\c'", vec!["sh", "-c", "a \"b\" \\c"]),
            (
                "sh -c \"a 'b' \\\"c\\\" \\\\ \\d $x\"",
                vec!["sh", "-c", "a 'b' \"c\" \\ \\d $x"],
            ),
            ("a\\ b c\\'d", vec!["a b", "c'd"]),
            ("a'b'\"c\"d", vec!["abcd"]),
            ("x '' \"\"", vec!["x", "", ""]),
            ("a # b; c | d *", vec!["a", "#", "b;", "c", "|", "d", "*"]),
            ("é 日本", vec!["é", "日本"]),
        ] {
            assert_eq!(split_command(command).unwrap(), expected, "{command}");
        }
    }

    #[test]
    fn command_lines_that_break_off_say_how() {
        for (command, error) in [
            ("a 'b", "No closing quotation"),
            ("a \"b", "No closing quotation"),
            ("a \\", "No escaped character"),
            ("a \"b\\", "No escaped character"),
        ] {
            assert_eq!(split_command(command).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn environment_tokens_follow_the_old_lexer() {
        for (text, expected) in [
            ("A=1,B=2", vec!["A", "=", "1", ",", "B", "=", "2"]),
            ("A=\"a b\"", vec!["A", "=", "\"a b\""]),
            ("A=a\"b c\"", vec!["A", "=", "a\"b", "c\""]),
            ("A=\"a\"b", vec!["A", "=", "\"a\"", "b"]),
            ("A=x#y\nz", vec!["A", "=", "xz"]),
            ("A=x #y\nz", vec!["A", "=", "x", "z"]),
            ("# all\nA=$HOME", vec!["A", "=", "$", "HOME"]),
            (
                "A=http://x/?q=1",
                vec!["A", "=", "http://x/", "?", "q", "=", "1"],
            ),
            ("A=éa", vec!["A", "=", "é", "a"]),
        ] {
            let tokens = tokens([Piece::Own(text)]).unwrap();
            let texts: Vec<String> = tokens.into_iter().map(|token| token.text).collect();
            assert_eq!(texts, expected, "{text}");
        }
        assert_eq!(
            tokens([Piece::Own("A='x")]),
            Err(SplitError::NoClosingQuotation)
        );
    }

    #[test]
    fn nothing_in_a_whole_part_ends_a_token() {
        use Piece::{Own, Whole};
        for (pieces, texts, unquoted) in [
            (
                &[Own("A=\""), Whole("'\",;#\n ="), Own("\",B")][..],
                &["A", "=", "\"'\",;#\n =\"", ",", "B"][..],
                "'\",;#\n =",
            ),
            (
                &[Own("A=x"), Whole(" \""), Own("y'")],
                &["A", "=", "x \"y'"],
                "x \"y",
            ),
            (
                &[Own("A='"), Whole("\""), Own("'")],
                &["A", "=", "'\"'"],
                "\"",
            ),
            (
                &[Own("A=\""), Whole(""), Own("\"")],
                &["A", "=", "\"\""],
                "",
            ),
            (&[Own("A="), Whole(""), Own(",")], &["A", "=", "", ","], ""),
            (
                &[Own("A=x # "), Whole("\n"), Own("y\nz")],
                &["A", "=", "x", "z"],
                "x",
            ),
        ] {
            let tokens = tokens(pieces.iter().copied()).unwrap();
            let found: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
            assert_eq!(found, texts);
            assert_eq!(tokens[2].unquoted(), unquoted);
        }
        assert_eq!(
            tokens([Own("A='"), Whole("x'")]),
            Err(SplitError::NoClosingQuotation)
        );
    }
}
