//! The pairs of an `environment=` value.

use super::datatypes::{Mismatch, ValueError};
use super::expanded::Expanded;
use crate::text::is_space;
use crate::text::shlex::{self, Piece, SplitError};

/// The pairs of an `environment=` value; of a key given twice the last wins.
///
/// The file's own text says where names and values begin and end, and what came
/// out of a name is a part of them whatever is in it. Where it stands for a
/// whole pair, at the beginning or after a comma, it gives pairs by itself.
pub fn read(value: &Expanded) -> Result<Vec<(String, String)>, ValueError> {
    let mut pairs = Vec::new();
    read_pairs(value.pieces(), &mut pairs).map_err(|error| match error {
        PairsError::Split(error) => Mismatch::Split(error).of(""),
        PairsError::End => Mismatch::Pairs.of(&value.text),
    })?;
    Ok(pairs)
}

/// What is wrong with pairs.
enum PairsError {
    Split(SplitError),
    End,
}

fn read_pairs<'a>(
    pieces: impl IntoIterator<Item = Piece<'a>>,
    pairs: &mut Vec<(String, String)>,
) -> Result<(), PairsError> {
    let tokens = shlex::tokens(pieces).map_err(PairsError::Split)?;
    let mut rest = tokens.as_slice();
    let mut is_place_of_pair = true;
    while let Some((first, after)) = rest.split_first() {
        match after {
            [equals, value, after @ ..] if equals.is("=") => {
                if first.has_whole && (first.text.is_empty() || first.text.contains('=')) {
                    return Err(PairsError::End);
                }
                set(pairs, &first.text, value.unquoted());
                rest = after;
            }
            _ if first.has_whole && is_place_of_pair => {
                read_pairs([Piece::Own(&first.text)], pairs)?;
                rest = after;
                let is_nothing = first.text.trim_matches(is_space).is_empty();
                if is_nothing && !after.first().is_some_and(|token| token.is(",")) {
                    continue;
                }
            }
            _ => return Err(PairsError::End),
        }
        // Nothing is no separator.
        while let Some((empty, after)) = rest.split_first()
            && empty.text.is_empty()
        {
            rest = after;
        }
        // Between two pairs stands a comma, or whatever: it is not looked at.
        if let Some((separator, after)) = rest.split_first() {
            is_place_of_pair = separator.is(",");
            rest = after;
        }
    }
    Ok(())
}

fn set(pairs: &mut Vec<(String, String)>, key: &str, value: &str) {
    let value = value.to_owned();
    match pairs.iter_mut().find(|(known, _)| known == key) {
        Some(pair) => pair.1 = value,
        None => pairs.push((key.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(result: Result<Vec<(String, String)>, ValueError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn environments() {
        for (text, expected) in [
            ("", ""),
            (" A = 1 , B = 2 ", "A=1;B=2;"),
            ("A=\"a b\",B='c,d'", "A=a b;B=c,d;"),
            ("A=\"it's\"", "A=it's;"),
            ("A='\"x\"'", "A=x;"),
            ("A=\"\"", "A=;"),
            ("A='\"'", "A=;"),
            ("A=1,", "A=1;"),
            ("A=1;B=2", "A=1;B=2;"),
            ("A=1,B=2,A=3", "A=3;B=2;"),
            ("A=/usr/bin:/bin", "A=/usr/bin:/bin;"),
            ("A=http://x/?q=1", "A=http://x/;q=1;"),
            ("A=$HOME", "A=$;"),
            ("A=~/x", "A=~;"),
            ("A=éa", "A=é;"),
            ("A==1", "A==;"),
            ("A=a\"b c\"", "A=a\"b;"),
            ("A=\"a\"b", "A=a;"),
            ("A=\"a\" \"b\"", "A=a;"),
            ("A=\"x#y\"", "A=x#y;"),
            ("A=x#y", "A=x;"),
            ("\"A\"=1", "\"A\"=1;"),
        ] {
            let found: String = read(&Expanded::from(text.to_owned()))
                .unwrap()
                .into_iter()
                .map(|(key, value)| format!("{key}={value};"))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
        for text in [
            "A=,B=1", "A=", "A", "A=1,B", "A=1,,B=2", ",A=1", "A=1 B=2", "A=a@b", "A=b=c",
        ] {
            assert_eq!(
                told(read(&Expanded::from(text.to_owned()))),
                format!("Unexpected end of key/value pairs in value '{text}'")
            );
        }
        let nothing = [Piece::Whole("")];
        let mut found = Vec::new();
        assert!(read_pairs(nothing, &mut found).is_ok() && found.is_empty());
        let open = Expanded::from("A=\"x".to_owned());
        assert_eq!(told(read(&open)), "No closing quotation");
    }

    /// What is read where `|` stands around what came out of names.
    fn pairs_of(text: &str) -> Option<String> {
        let pieces = text.split('|').enumerate();
        let pieces = pieces.map(|(index, text)| match index % 2 {
            0 => Piece::Own(text),
            _ => Piece::Whole(text),
        });
        let mut pairs = Vec::new();
        read_pairs(pieces, &mut pairs).ok()?;
        let pairs = pairs.iter();
        Some(
            pairs
                .map(|(key, value)| format!("{key}={value};"))
                .collect(),
        )
    }

    #[test]
    fn a_value_that_came_out_of_a_name_was_parsed_again() {
        for (text, expected) in [
            (
                "A=\"|a\"b'c,d=e;f ;g#h\\\ni|\"",
                "A=a\"b'c,d=e;f ;g#h\\\ni;",
            ),
            (
                "A=\"|x\",LD_PRELOAD=\"/tmp/e.so|\",B=2",
                "A=x\",LD_PRELOAD=\"/tmp/e.so;B=2;",
            ),
            ("A=|x,B=1|,C=2", "A=x,B=1;C=2;"),
            ("A='pre-|'|-post'", "A=pre-'-post;"),
            ("A=pre-|\", |-post , B=2", "A=pre-\", -post;B=2;"),
            ("A=|x||,B=|", "A=x,B=;"),
            ("A=||,B=2", "A=;B=2;"),
            ("A=|'q'|", "A='q';"),
            ("A=\"|\"|\"", "A=\";"),
            ("K_|1|=\"v\"", "K_1=v;"),
            ("|K|_1=v", "K_1=v;"),
            ("|A=1,B=\"2 3\"|", "A=1;B=2 3;"),
            ("A=1,|B=2,C=3|,D=4", "A=1;B=2;C=3;D=4;"),
            ("|A=1||,B=2|", "A=1;B=2;"),
            ("||", ""),
            ("|| A=1", "A=1;"),
            ("||,A=1", "A=1;"),
            ("A=1,||", "A=1;"),
            ("A=1||,B=2", "A=1;B=2;"),
            ("|B=2,|,A=1", "B=2;A=1;"),
            ("|\n| A=1", "A=1;"),
            // Beside the value: where 4.3.0 does not look.
            ("A=\"1\"|,B=2|", "A=1;"),
            ("A=$|,B=2|", "A=$;"),
        ] {
            assert_eq!(pairs_of(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "K|=1,LD_PRELOAD|=1",
            "|A=1,B|=2",
            "||=1",
            "A=\"|\"",
            "A=|u|@|LD_PRELOAD=x|",
            "|A=\"|,B=\"1\"",
            "A=1,|B|",
            "A|=|1,|=|",
        ] {
            assert_eq!(pairs_of(text), None, "{text}");
        }
    }
}
