//! What stands for a name of an expansion. Behind the name may be what a shell has
//! there: `%(X:-text)s` and `%(X:+text)s` are its `"${X:-text}"` and `"${X:+text}"`.
//!
//! The text ends where a name would, at the parenthesis that closes it. A backslash
//! makes a parenthesis plain, and another backslash, as it does for the brace of a
//! shell. What it gives is one piece, as if the variable had been set to it.

use super::conversion::Replacement;
use super::expand::{Formatter, Problem, bad};
use super::expanded::Expanded;

/// So many texts in each other are no work of a person.
const MAX_DEPTH: usize = 32;

/// Whether a value has a text for a missing name, which 4.3.0 does not know.
pub fn has_text(value: &str) -> bool {
    let source = Expanded::from(value.to_owned());
    let mut formatter = Formatter::new(&source, &[]);
    while let Some(c) = formatter.next() {
        if c == '%' && formatter.next() == Some('(') {
            match formatter.end_of_name() {
                Ok(None) => {}
                Ok(Some(_)) => return true,
                Err(_) => return false,
            }
        }
    }
    false
}

/// What stands for a name.
pub(super) struct Found {
    pub(super) value: Replacement,
    /// Whether it came out of the environment.
    pub(super) is_hidden: bool,
}

impl<'a> Formatter<'a> {
    /// What stands for the name that goes up to its closing parenthesis.
    pub(super) fn named(&mut self) -> Result<Found, Problem> {
        let start = self.at;
        let operator = self.end_of_name()?;
        let end = self.at - 1;
        let source = self.source;
        let whole = source.between(start, end);
        // A variable of the whole name is what 4.3.0 would look for.
        if let Some(value) = self.value_of(whole) {
            return Ok(Found {
                value: value.clone(),
                is_hidden: whole.starts_with("ENV_"),
            });
        }
        let Some(operator) = operator else {
            return Err(Problem::UnknownName {
                name: source.shown_between(start, end).into_owned(),
                available: self.available(),
            });
        };
        let name = source.between(start, operator);
        let value = self.value_of(name);
        let value = value.filter(|value| **value != Replacement::Text(String::new()));
        let is_default = source.between(operator, operator + 2) == ":-";
        let text = self.text(operator + 2, end);
        if value.is_some() == is_default {
            // As in a shell, names in a text that is not used need not be there.
            if let Err(problem @ Problem::Format(_)) = text {
                return Err(problem);
            }
            let nothing = Replacement::Text(String::new());
            return Ok(Found {
                is_hidden: is_default && name.starts_with("ENV_"),
                value: value.filter(|_| is_default).cloned().unwrap_or(nothing),
            });
        }
        let text = text?;
        Ok(Found {
            is_hidden: text.hides(),
            value: Replacement::Text(text.text),
        })
    }

    fn value_of(&self, name: &str) -> Option<&'a Replacement> {
        self.layers.iter().rev().find_map(|layer| layer.get(name))
    }

    /// Goes behind the parenthesis that closes a name; where its `:-` or `:+` stands.
    fn end_of_name(&mut self) -> Result<Option<usize>, Problem> {
        let mut operator = None;
        let mut is_colon_before = false;
        let mut depth = 1;
        loop {
            if self.inserted_here().is_some() {
                is_colon_before = false;
                continue;
            }
            let c = self.next().ok_or_else(|| bad("incomplete format key"))?;
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '-' | '+' if is_colon_before && depth == 1 && operator.is_none() => {
                    operator = Some(self.at - 2);
                }
                '\\' if operator.is_some() => {
                    self.made_plain();
                }
                _ => {}
            }
            if depth == 0 {
                return Ok(operator);
            }
            is_colon_before = c == ':';
        }
    }

    /// The text behind a `:-` or `:+`, expanded.
    fn text(&self, from: usize, to: usize) -> Result<Expanded, Problem> {
        if self.depth == MAX_DEPTH {
            let reason = format!("more than {MAX_DEPTH} texts for missing names in each other");
            return Err(Problem::Format(reason));
        }
        let before = self.source.shown_between(0, from);
        let source = self.source.part(from, to);
        let mut formatter = Formatter::new(&source, self.layers);
        formatter.depth = self.depth + 1;
        formatter.offset = self.offset + before.chars().count();
        formatter.formatted()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::expand::{Layer, define, expand, expand_again};
    use super::*;

    fn layer() -> Layer {
        let mut layer = Layer::new();
        for (name, text) in [
            ("ENV_SET", "value"),
            ("ENV_EMPTY", ""),
            ("ENV_OTHER", "other"),
            ("ENV_ODD", ":-)(%s\\"),
            ("here", "/etc"),
        ] {
            define(&mut layer, name, text);
        }
        layer.insert("process_num".to_owned(), Replacement::Number(0));
        layer
    }

    fn expanded(text: &str) -> Result<String, String> {
        match expand(text, &[&layer()], "k") {
            Ok(expanded) => Ok(expanded.text),
            Err(error) => Err(match error.problem {
                Problem::Format(reason) => reason,
                Problem::UnknownName { name, .. } => format!("no {name}"),
            }),
        }
    }

    /// What a shell with the same variables makes of a word.
    fn by_shell(word: &str) -> String {
        let mut command = Command::new("sh");
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command.envs([("SET", "value"), ("EMPTY", ""), ("OTHER", "other")]);
        command.env("ODD", ":-}(%s\\");
        let line = format!("printf %s \"{word}\"");
        let output = command.args(["-c", &line]).output().unwrap();
        assert!(output.status.success(), "{word}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn texts_for_missing_names_are_those_of_a_shell() {
        for (text, word) in [
            ("%(ENV_X:-text)s", "${X:-text}"),
            ("%(ENV_EMPTY:-text)s", "${EMPTY:-text}"),
            ("%(ENV_SET:-text)s", "${SET:-text}"),
            ("%(ENV_X:+text)s", "${X:+text}"),
            ("%(ENV_EMPTY:+text)s", "${EMPTY:+text}"),
            ("%(ENV_SET:+text)s", "${SET:+text}"),
            ("<%(ENV_X:-)s%(ENV_SET:+)s>", "<${X:-}${SET:+}>"),
            ("a%(ENV_X:- b c )sd", "a${X:- b c }d"),
            ("%(ENV_X:-a:-b:+c)s", "${X:-a:-b:+c}"),
            (
                "%(ENV_X:--)s%(ENV_X:-+)s%(ENV_SET:++)s",
                "${X:--}${X:-+}${SET:++}",
            ),
            ("%(ENV_X:-'a b', \"c\")s", "${X:-'a b', \\\"c\\\"}"),
            ("%(ENV_X:-é✓=;#)s", "${X:-é✓=;#}"),
            // Names in it.
            ("%(ENV_X:-%(ENV_SET)s)s", "${X:-${SET}}"),
            (
                "%(ENV_X:-<%(ENV_Y:-%(ENV_OTHER)s/%(ENV_SET)s)s>)s",
                "${X:-<${Y:-${OTHER}/${SET}}>}",
            ),
            ("%(ENV_SET:+-p %(ENV_SET)s)s", "${SET:+-p ${SET}}"),
            (
                "%(ENV_SET:+%(ENV_EMPTY:-%(ENV_OTHER)s)s)s",
                "${SET:+${EMPTY:-${OTHER}}}",
            ),
            (
                "%(ENV_SET:-%(ENV_NO)s)s%(ENV_X:+%(ENV_NO)s)s",
                "${SET:-${NO}}${X:+${NO}}",
            ),
            // What comes out of a variable is not looked at again.
            ("%(ENV_X:-%(ENV_ODD)s)s", "${X:-${ODD}}"),
            ("%(ENV_ODD:-x)s", "${ODD:-x}"),
            // The end of the text, and backslashes.
            ("%(ENV_X:-a\\)b)s", "${X:-a\\}b}"),
            ("%(ENV_X:-a\\\\)s)s", "${X:-a\\\\}}s"),
            ("%(ENV_X:-a\\nb\\\\n)s", "${X:-a\\nb\\\\n}"),
            ("%(ENV_X:-%(ENV_Y:-a\\)b)s\\)c)s", "${X:-${Y:-a\\}b}\\}c}"),
            ("%(ENV_SET:-a\\)b)s.", "${SET:-a\\}b}."),
            ("\\%(ENV_SET)s\\n", "\\\\${SET}\\n"),
        ] {
            // What a brace ends there ends at a parenthesis here.
            let expanded = expanded(text).map(|text| text.replace(')', "}"));
            assert_eq!(expanded, Ok(by_shell(word)), "{text} and {word}");
        }
    }

    #[test]
    fn what_a_shell_does_not_have_goes_by_the_format() {
        for (text, expected) in [
            // Pairs of parentheses need no backslash, and one of a pair does.
            ("%(ENV_X:-f(x))s", "f(x)"),
            ("%(ENV_X:-f\\(x)s", "f(x"),
            ("%(ENV_X:-(\\)))s", "())"),
            ("%(ENV_X:-100%%)s", "100%"),
            (
                "%(ENV_X:-abc)5s|%(ENV_X:-abc)-5s|%(ENV_X:-abc).2s",
                "  abc|abc  |ab",
            ),
            ("%(ENV_X:-it's)r", "\"it's\""),
            // Every name can have one. A number is never empty.
            (
                "%(here:-/srv)s %(nowhere:-/srv)s %(here:+set)s",
                "/etc /srv set",
            ),
            ("%(process_num:-7)02d %(process_num:+x)s", "00 x"),
            ("%(ENV_X:-%(process_num)03d)s", "000"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, reason) in [
            ("%(ENV_X)s", "no ENV_X"),
            // Only with a colon: other names stay what they were.
            ("%(ENV_X-text)s", "no ENV_X-text"),
            ("%(ENV_SET+text)s", "no ENV_SET+text"),
            ("%(ENV_X:=text)s", "no ENV_X:=text"),
            ("%(ENV_X(:-text))s", "no ENV_X(:-text)"),
            ("%(ENV_X:-%(ENV_Y)s)s", "no ENV_Y"),
            ("%(ENV_SET:+%(ENV_Y)s)s", "no ENV_Y"),
            ("%(ENV_X:-text", "incomplete format key"),
            ("%(ENV_X:-text)", "incomplete format"),
            ("%(ENV_X:-a(b)s", "incomplete format key"),
            ("%(ENV_X:-a\\)s", "incomplete format key"),
            (
                "%(ENV_X:-5)d",
                "%d format: a real number is required, not str",
            ),
            ("%(ENV_X:-%(here))s", "incomplete format"),
            ("%(ENV_X:-%s)s", "%s without a name"),
            // A format is wrong whether it is used or not.
            ("%(ENV_SET:-50%)s", "incomplete format"),
            (
                "é%(ENV_X:-é%z)s",
                "unsupported format character 'z' (0x7a) at index 12",
            ),
        ] {
            assert_eq!(expanded(text), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn values_with_texts_are_known() {
        for (text, expected) in [
            ("", false),
            ("100%", false),
            ("%(ENV_X)s:-%(here)s", false),
            ("%%(ENV_X:-a)s", false),
            ("%(a(:-b))s", false),
            ("%(ENV_X:-a", false),
            ("%%%(ENV_X:-a)s", true),
            ("%(here)s %(ENV_X:+a)s", true),
        ] {
            assert_eq!(has_text(text), expected, "{text}");
        }
    }

    #[test]
    fn texts_in_texts_end_somewhere() {
        let nested = |depth: usize| "%(X:-".repeat(depth) + "end" + &")s".repeat(depth);
        assert_eq!(expanded(&nested(32)).as_deref(), Ok("end"));
        for depth in [33, 100_000] {
            let error = expanded(&nested(depth)).unwrap_err();
            assert_eq!(error, "more than 32 texts for missing names in each other");
        }
    }

    #[test]
    fn a_variable_with_such_a_name_is_what_it_was() {
        let mut layer = layer();
        define(&mut layer, "ENV_X:-y", "found");
        let expanded = expand("%(ENV_X:-y)s", &[&layer], "k").unwrap();
        assert_eq!((&*expanded.text, expanded.hides()), ("found", true));
    }

    #[test]
    fn messages_show_a_text_of_the_file_and_hide_one_of_the_environment() {
        for (text, shown) in [
            ("<%(ENV_X:-text)s>", "<text>"),
            ("<%(ENV_SET:+text)s>", "<text>"),
            ("<%(ENV_X:+text)s>", "<>"),
            ("<%(ENV_SET:-text)s>", "<%(ENV_SET:-text)s>"),
            ("<%(ENV_X:-a %(ENV_SET)s)s>", "<%(ENV_X:-a %(ENV_SET)s)s>"),
            (
                "<%(no:-%(no:-%(ENV_SET)s)s)4s>",
                "<%(no:-%(no:-%(ENV_SET)s)s)4s>",
            ),
            ("<%(ENV_SET:+%(ENV_X:-text)s)s>", "<text>"),
        ] {
            assert_eq!(expand(text, &[&layer()], "k").unwrap().shown(), shown);
        }
    }

    #[test]
    fn a_value_that_is_expanded_twice_keeps_what_the_first_time_brought() {
        let layer = layer();
        let twice = |text: &str| {
            let once = expand(text, &[&layer], "k").unwrap();
            let twice = expand_again(&once, &[&layer], "k").unwrap();
            (twice.text.clone(), twice.shown().into_owned())
        };
        for (text, expected, shown) in [
            // The parenthesis and the backslash of a variable end nothing.
            (
                "%%(ENV_X:-<%(ENV_ODD)s>)s",
                "<:-)(%s\\>",
                "%(ENV_X:-<%(ENV_ODD)s>)s",
            ),
            ("%%(ENV_X%(ENV_ODD)s:-y)s", "y", "y"),
            ("%(ENV_X:-%%(here)s)s", "%(here)s", "%(here)s"),
            ("%%(ENV_X:-%%(here)s)s", "/etc", "/etc"),
        ] {
            assert_eq!(
                twice(text),
                (expected.to_owned(), shown.to_owned()),
                "{text}"
            );
        }
    }
}
