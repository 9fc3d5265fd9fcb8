//! A member of a struct in one look, where it is written as nearly all are: by
//! this program and by 4.3.0, with a short plain value.
//!
//! ```text
//! <member>
//! <name>pid</name>
//! <value><int>12448</int></value>
//! </member>
//! ```
//!
//! The table of a hundred processes has 1400 of them, each of 14 events for
//! the reader. What is written in another way is left to it, wrong or right.

use crate::xmlrpc::value::Value;

/// The elements of a member.
pub const ELEMENTS: usize = 4;
/// How deep they are nested.
pub const DEPTH: usize = 3;

/// A member and how many bytes it takes.
#[derive(Debug, PartialEq)]
pub struct Member<'a> {
    pub name: &'a str,
    pub value: Value,
    /// With the line end after it.
    pub length: usize,
}

/// The member that a text begins with. `is_plain` tells bytes that stand for
/// themselves; no part of it is longer than `limit` bytes.
pub fn read(text: &str, limit: usize, is_plain: impl Fn(u8) -> bool) -> Option<Member<'_>> {
    let plain = |text: &str| {
        let bytes = text.as_bytes().iter().take(limit);
        bytes.take_while(|byte| is_plain(**byte)).count()
    };
    let rest = text.strip_prefix("<member>\n<name>")?;
    let (name, rest) = rest.split_at_checked(plain(rest))?;
    let rest = rest.strip_prefix("</name>\n<value><")?;
    let (kind, rest) = Kind::of(rest)?;
    let (content, rest) = rest.split_at_checked(plain(rest))?;
    let rest = rest
        .strip_prefix(kind.end())?
        .strip_prefix("</value>\n</member>\n")?;
    Some(Member {
        name,
        value: kind.value(content)?,
        length: text.len() - rest.len(),
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Int,
    String,
    Boolean,
}

impl Kind {
    /// By what follows the `<` of its element.
    fn of(text: &str) -> Option<(Kind, &str)> {
        let after = |kind, begin| Some((kind, text.strip_prefix(begin)?));
        after(Kind::Int, "int>")
            .or_else(|| after(Kind::String, "string>"))
            .or_else(|| after(Kind::Boolean, "boolean>"))
    }

    fn end(self) -> &'static str {
        match self {
            Kind::Int => "</int>",
            Kind::String => "</string>",
            Kind::Boolean => "</boolean>",
        }
    }

    fn value(self, content: &str) -> Option<Value> {
        Some(match self {
            Kind::Int => Value::Int(content.parse().ok()?),
            Kind::String => Value::string(content),
            Kind::Boolean => Value::Bool(content == "1"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(text: &str) -> Option<Member<'_>> {
        read(text, 100, |byte| byte.is_ascii_alphanumeric())
    }

    #[test]
    fn a_member_is_read_as_it_is_written() {
        for (content, value) in [
            ("<int>12448</int>", Value::Int(12448)),
            ("<string></string>", Value::string("")),
            ("<string>RUNNING</string>", Value::string("RUNNING")),
            ("<boolean>1</boolean>", Value::Bool(true)),
            ("<boolean>0</boolean>", Value::Bool(false)),
        ] {
            let text = format!("<member>\n<name>n</name>\n<value>{content}</value>\n</member>\n");
            let followed = format!("{text}</struct>");
            let expected = Member {
                name: "n",
                value,
                length: text.len(),
            };
            assert_eq!(member(&followed), Some(expected));
        }
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_the_reader() {
        let long = format!("<string>{}</string>", "x".repeat(101));
        for content in [
            "<int>x</int>",
            "<int></int>",
            "<int>1</string>",
            "<double>1.0</double>",
            "<string>a b</string>",
            "text",
            "<int>1</int> ",
            long.as_str(),
        ] {
            let text = format!("<member>\n<name>n</name>\n<value>{content}</value>\n</member>\n");
            assert_eq!(member(&text), None, "{content}");
        }
        for text in [
            "",
            "<member>",
            "<member><name>n</name><value><int>1</int></value></member>",
        ] {
            assert_eq!(member(text), None, "{text}");
        }
    }
}
