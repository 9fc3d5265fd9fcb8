//! Values as XML, in the fixed layout of Python's `xmlrpc.client`, which
//! 4.3.0 writes.
//!
//! Two things that 4.3.0 answers with HTTP 500 or with broken XML are written
//! soundly here: an integer beyond 32 bits becomes the nearest one that fits,
//! and a character that XML cannot carry becomes U+FFFD.

use std::fmt::Write as _;

use crate::sys::float;
use crate::text::scan::{self, has, has_below};
use crate::xmlrpc::characters;
use crate::xmlrpc::value::Value;

/// Adds `value` with its `value` element and a line feed. Writing to a String cannot fail.
pub fn push_value(text: &mut String, value: &Value) {
    match value {
        Value::Int(number) => push_int(text, *number),
        Value::Bool(truth) => push_bool(text, *truth),
        Value::String(string) => push_string(text, string),
        Value::Double(number) => push_scalar(text, "double", &float::python_repr(*number)),
        Value::DateTime(moment) => push_scalar(text, "dateTime.iso8601", moment),
        Value::Array(items) => {
            text.push_str(BEGIN_ARRAY);
            for item in items {
                push_value(text, item);
            }
            text.push_str(END_ARRAY);
        }
        Value::Struct(members) => {
            let mut writer = StructWriter::begin(text);
            for (name, member) in members {
                writer.member(name, |text| push_value(text, member));
            }
            writer.end();
        }
        Value::Nil => text.push_str("<value><nil/></value>\n"),
    }
}

/// What stands before the items of an array.
pub const BEGIN_ARRAY: &str = "<value><array><data>\n";
/// What stands after them.
pub const END_ARRAY: &str = "</data></array></value>\n";
/// What stands before the text of a string.
pub const BEGIN_STRING: &str = "<value><string>";
/// What stands after it.
pub const END_STRING: &str = "</string></value>\n";

/// Adds an integer: the nearest that 32 bits hold.
pub fn push_int(text: &mut String, number: i64) {
    let _ = writeln!(text, "<value><int>{}</int></value>", nearest(number));
}

fn nearest(number: i64) -> i64 {
    number.clamp(i32::MIN.into(), i32::MAX.into())
}

pub fn push_bool(text: &mut String, truth: bool) {
    text.push_str(match truth {
        true => "<value><boolean>1</boolean></value>\n",
        false => "<value><boolean>0</boolean></value>\n",
    });
}

pub fn push_string(text: &mut String, raw: &str) {
    text.push_str(BEGIN_STRING);
    push_text(text, raw);
    text.push_str(END_STRING);
}

/// The beginning of a member of a known name that is an integer, in one piece: lists have
/// many, and each copy of a few bytes costs as much as one of hundreds.
macro_rules! int_member {
    ($name:literal) => {
        concat!("<member>\n<name>", $name, "</name>\n<value><int>")
    };
}
pub(crate) use int_member;

/// The beginning of one that is a string.
macro_rules! string_member {
    ($name:literal) => {
        concat!("<member>\n<name>", $name, "</name>\n<value><string>")
    };
}
pub(crate) use string_member;

/// Writes a struct member by member, without a [`Value`] in between.
#[derive(Debug)]
pub struct StructWriter<'a> {
    text: &'a mut String,
}

impl StructWriter<'_> {
    /// Begins a struct behind `text`.
    pub fn begin(text: &mut String) -> StructWriter<'_> {
        text.push_str("<value><struct>\n");
        StructWriter { text }
    }

    /// Adds a member that is an integer. Names that are known need no escapes.
    pub fn int(&mut self, name: &'static str, number: i64) {
        self.known(name, |text| push_int(text, number));
    }

    pub fn bool(&mut self, name: &'static str, truth: bool) {
        self.known(name, |text| push_bool(text, truth));
    }

    pub fn string(&mut self, name: &'static str, raw: &str) {
        self.known(name, |text| push_string(text, raw));
    }

    /// Adds a member that is an integer; `begin` is of [`int_member`].
    pub fn int_after(&mut self, begin: &'static str, number: i64) {
        self.text.push_str(begin);
        let _ = write!(self.text, "{}", nearest(number));
        self.text.push_str("</int></value>\n</member>\n");
    }

    /// Adds a member that is a string; `begin` is of [`string_member`].
    pub fn string_after(&mut self, begin: &'static str, raw: &str) {
        self.text.push_str(begin);
        push_text(self.text, raw);
        self.text.push_str("</string></value>\n</member>\n");
    }

    fn known(&mut self, name: &'static str, value: impl FnOnce(&mut String)) {
        self.text.push_str("<member>\n<name>");
        self.text.push_str(name);
        self.text.push_str("</name>\n");
        value(self.text);
        self.text.push_str("</member>\n");
    }

    /// Adds a member; `value` adds its value.
    pub fn member(&mut self, name: &str, value: impl FnOnce(&mut String)) {
        self.text.push_str("<member>\n<name>");
        push_text(self.text, name);
        self.text.push_str("</name>\n");
        value(self.text);
        self.text.push_str("</member>\n");
    }

    pub fn end(self) {
        self.text.push_str("</struct></value>\n");
    }
}

/// Adds escaped text. Quotes need no escape between tags. What needs none goes
/// over in one piece.
pub fn push_text(text: &mut String, raw: &str) {
    scan::push_escaped(text, raw, special_at, |text, character| match character {
        '&' => text.push_str("&amp;"),
        '<' => text.push_str("&lt;"),
        '>' => text.push_str("&gt;"),
        _ if characters::is_xml(character) => text.push(character),
        _ => text.push(char::REPLACEMENT_CHARACTER),
    });
}

/// Where the first character is that needs an escape or that XML may not carry.
fn special_at(bytes: &[u8]) -> Option<usize> {
    let may_be = |word| {
        has_below(word, b' ')
            | has(word, b'&')
            | has(word, b'<')
            | has(word, b'>')
            | has(word, 0xef)
    };
    scan::find(bytes, may_be, |byte| match byte {
        b'\t' | b'\n' | b'\r' => false,
        // 0xEF begins U+FFFE and U+FFFF, among many others.
        0..b' ' | b'&' | b'<' | b'>' | 0xef => true,
        _ => false,
    })
}

fn push_scalar(text: &mut String, name: &str, raw: &str) {
    let _ = write!(text, "<value><{name}>");
    push_text(text, raw);
    let _ = writeln!(text, "</{name}></value>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_carry_is_replaced_and_nothing_else() {
        for (raw, expected) in [
            ("", ""),
            ("plain \t\r\n\"'é€😀\u{7f}", "plain \t\r\n\"'é€😀\u{7f}"),
            ("<a>&amp;", "&lt;a&gt;&amp;amp;"),
            (
                "\0x\u{1b}[1m\u{fffd}\u{fffe}\u{ffff}\u{f000}",
                "\u{fffd}x\u{fffd}[1m\u{fffd}\u{fffd}\u{fffd}\u{f000}",
            ),
        ] {
            let mut text = String::new();
            push_text(&mut text, raw);
            assert_eq!(text, expected);
        }
        for character in (0..=0x1_0ffff).filter_map(char::from_u32) {
            let mut text = String::new();
            push_text(&mut text, character.encode_utf8(&mut [0; 4]));
            let kept = characters::is_xml(character) && !matches!(character, '&' | '<' | '>');
            assert_eq!(
                text.starts_with(character),
                kept || character == '&' || character == '\u{fffd}'
            );
        }
    }
}
