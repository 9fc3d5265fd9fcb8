//! Python's `shlex` in the two guises that configurations meet.
//!
//! [`split_command`] cuts a command line into words by the shell's quoting
//! rules and nothing else of the shell. [`tokens`] is the older, odder lexer
//! that `environment=` goes through: quotes stay on the token, there are no
//! escapes, `#` starts a comment, and punctuation stands alone.

use std::fmt;

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

/// The tokens of an `environment=` value.
pub fn tokens(text: &str) -> Result<Vec<String>, SplitError> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            c if is_blank(c) => {}
            '#' => skip_line(&mut characters),
            '\'' | '"' => {
                let mut token = String::from(c);
                loop {
                    let next = characters.next().ok_or(SplitError::NoClosingQuotation)?;
                    token.push(next);
                    if next == c {
                        break;
                    }
                }
                tokens.push(token);
            }
            c if is_word(c) => {
                let mut token = String::from(c);
                while let Some(&next) = characters.peek() {
                    if next == '#' {
                        // The rest of the line goes, but the word goes on.
                        skip_line(&mut characters);
                    } else if is_word(next) || matches!(next, '\'' | '"') {
                        token.push(next);
                        characters.next();
                    } else {
                        break;
                    }
                }
                tokens.push(token);
                // What ends a word is a token by itself, even a character
                // that would otherwise start something.
                if let Some(&next) = characters.peek()
                    && !is_blank(next)
                {
                    tokens.push(String::from(next));
                    characters.next();
                }
            }
            c => tokens.push(String::from(c)),
        }
    }
    Ok(tokens)
}

fn skip_line(characters: &mut impl Iterator<Item = char>) {
    characters.find(|c| *c == '\n');
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
            assert_eq!(tokens(text).unwrap(), expected, "{text}");
        }
        assert_eq!(tokens("A='x"), Err(SplitError::NoClosingQuotation));
    }
}
