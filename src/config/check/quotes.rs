//! Values of an `environment` that are read otherwise than they look: a quote counts at the
//! beginning of a value alone, all quotes at its ends go, and what follows a value is dropped.

use crate::text::shlex::{self, Piece, Token};

/// What is doubtful, each with the name of its variable; values may be secrets and are not shown.
/// `expansions` says how often percent signs are read.
pub fn doubts(text: &str, expansions: usize) -> Vec<String> {
    let pieces = pieces(text, expansions);
    let pieces = pieces.iter().map(|(text, is_whole)| match is_whole {
        true => Piece::Whole(text),
        false => Piece::Own(text),
    });
    // What cannot be read at all is an error.
    let Ok(tokens) = shlex::tokens(pieces) else {
        return Vec::new();
    };
    let tokens: Vec<&Token> = tokens
        .iter()
        .filter(|token| !token.text.is_empty())
        .collect();
    let mut doubts = Vec::new();
    let mut rest = tokens.as_slice();
    let mut last = "";
    while let Some((name, after)) = rest.split_first() {
        rest = match after {
            [equals, value, after @ ..] if equals.is("=") => {
                last = &name.text;
                if extends_itself(last, value, after) {
                    doubts.push(format!(
                        "{last} does not get its old value from ${last}, for no shell runs here: \
                         write %(ENV_{last})s, and the whole value in quotes"
                    ));
                    rest = next_pair(after);
                    continue;
                }
                if loses_quotes(value) {
                    doubts.push(format!(
                        "{last} loses a quote, for all quotes at the ends of a value are taken off: \
                         put a blank between two of them"
                    ));
                }
                match after.split_first() {
                    Some((separator, _)) if !separator.is(",") && !separator.is(";") => {
                        doubts.push(ends_early(last));
                    }
                    _ => {}
                }
                after.get(1..).unwrap_or_default()
            }
            // It came out of a name, and is pairs perhaps.
            _ => after,
        };
    }
    if has_comment(text) {
        doubts.push(format!(
            "{last} ends before a #, which begins a comment here: put the whole value in quotes"
        ));
    }
    doubts
}

/// Whether a value has a name for its own variable in it, as a shell would write that.
/// `after` are the tokens that come next, of which some belong to it without quotes.
fn extends_itself(name: &str, value: &Token, after: &[&Token]) -> bool {
    let pair = after.len() - next_pair(after).len();
    let rest = after.iter().take(pair);
    let texts: Vec<&str> = rest.map(|token| token.text.as_str()).collect();
    let text = format!("{}{}", value.text, texts.concat());
    let mut places = text.split('$').skip(1);
    places.any(|place| match place.strip_prefix('{') {
        Some(braced) => braced.split(['}', ':']).next() == Some(name),
        None => {
            let rest = place.strip_prefix(name);
            rest.is_some_and(|rest| {
                !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            })
        }
    })
}

/// The tokens from the next separator on.
fn next_pair<'t>(tokens: &'t [&'t Token]) -> &'t [&'t Token] {
    let separator = tokens
        .iter()
        .position(|token| token.is(",") || token.is(";"));
    separator.map_or(&[], |at| tokens.get(at + 1..).unwrap_or_default())
}

fn ends_early(name: &str) -> String {
    format!(
        "{name} ends sooner than it seems to, and what follows is dropped: put the whole value in \
         quotes, which count at its beginning alone"
    )
}

/// Whether other quotes go than one at the beginning and the same at the end.
fn loses_quotes(value: &Token) -> bool {
    let text = value.text.as_str();
    let within = ['"', '\''].iter().find_map(|quote| {
        let within = text.strip_prefix(*quote)?;
        within.strip_suffix(*quote)
    });
    within.unwrap_or(text) != value.unquoted()
}

/// The text with percent signs read, and in the place of each `%(name)s` something that is a
/// part of a word whatever it is (true).
fn pieces(text: &str, expansions: usize) -> Vec<(String, bool)> {
    let mut text = text.to_owned();
    for _ in 1..expansions {
        text = text.replace("%%", "%");
    }
    let mut pieces = vec![(String::new(), false)];
    let mut rest = text.as_str();
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        if let Some((own, _)) = pieces.last_mut() {
            own.push_str(before);
        }
        let name = after
            .strip_prefix("%(")
            .and_then(|name| name.split_once(')'));
        rest = match name {
            Some((_, end)) => {
                pieces.extend([("x".to_owned(), true), (String::new(), false)]);
                // The conversion: `s`, or such as `02d`.
                let conversion = end.find(|c: char| c.is_ascii_alphabetic());
                end.get(conversion.map_or(0, |at| at + 1)..)
                    .unwrap_or_default()
            }
            None => {
                if let Some((own, _)) = pieces.last_mut() {
                    own.push('%');
                }
                after.get(1..).unwrap_or_default().trim_start_matches('%')
            }
        };
    }
    if let Some((own, _)) = pieces.last_mut() {
        own.push_str(rest);
    }
    pieces
}

/// Whether there is a `#` outside quotes; a quote counts where a word would begin.
fn has_comment(text: &str) -> bool {
    let mut quote = None;
    let mut is_in_word = false;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '#' => return true,
            None if matches!(c, '"' | '\'') && !is_in_word => quote = Some(c),
            None => is_in_word = !c.is_ascii_whitespace() && !matches!(c, ',' | '=' | ';'),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_read_otherwise_than_they_look() {
        for (text, name, word) in [
            ("OPTS=\"-a 'x,y'\"", "OPTS", "loses"),
            ("A=1,OPTS='\"x\" y'", "OPTS", "loses"),
            ("A='\"'", "A", "loses"),
            ("A=5\"", "A", "loses"),
            ("A=a\"b c\"", "A", "ends sooner"),
            ("A=\"a\"b,B=1", "A", "ends sooner"),
            ("A=\"a\" \"b\"", "A", "ends sooner"),
            ("A=\"say \\\"hi\\\" now\"", "A", "ends sooner"),
            ("B=1,A=$HOME", "A", "ends sooner"),
            ("A=~/x", "A", "ends sooner"),
            ("A=http://x/?q=1", "A", "ends sooner"),
            ("A=50%%", "A", "ends sooner"),
            ("A=\"a\"%(ENV_X)s", "A", "ends sooner"),
            ("B=1,A=x#y,C=2", "A", "before a #"),
            ("B=1,PATH=$PATH:/opt/bin,C=2", "PATH", "no shell"),
            ("PATH=${PATH}:/opt/bin", "PATH", "no shell"),
            ("PATH=\"/opt/bin:$PATH\"", "PATH", "no shell"),
            (
                "PATH='/opt/bin:${PATH:-/bin}',C=\"$C2\"",
                "PATH",
                "no shell",
            ),
        ] {
            let found = doubts(text, 1);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            let (told, rest) = found[0].split_once(' ').unwrap();
            assert_eq!(told, name, "{text}");
            assert!(
                rest.starts_with(word) || rest.contains(word),
                "{text}: {rest}"
            );
        }
    }

    #[test]
    fn values_that_are_read_as_they_look() {
        for text in [
            "",
            "A=1,B=2",
            " A = 1 ,\nB = 2 ,",
            "A=1;B=2",
            "A=\"a b\",B='c,d'",
            "A=\"it's\"",
            "A=\"-a 'x,y' -b\"",
            "A=\"-a 'x,y' \"",
            "A='',B=\"\"",
            "A=\"x#y\",B='#'",
            "A=/usr/bin:/bin",
            "A=%(here)s/x",
            "A=\"%(ENV_X)s's\"",
            "PATH=\"%(ENV_OPT)s/bin:%(ENV_PATH)s\"",
            "A=%(n)02d,B=1",
            "A=\"50%%\"",
            "%(ENV_MORE)s,A=1",
            "A=1,%(ENV_MORE)s",
            "A=\"$HOME\"",
            "A=\"$AB $ $1\"",
            "A=\"$B\",B=\"$A\"",
        ] {
            assert_eq!(doubts(text, 1), [""; 0], "{text}");
        }
        assert_eq!(doubts("A=\"50%%%%\",B=%(here)s", 2), [""; 0]);
    }
}
