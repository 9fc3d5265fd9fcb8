//! Values as XML, in the fixed layout of Python's `xmlrpc.client`, which
//! 4.3.0 writes.
//!
//! Two things that 4.3.0 answers with HTTP 500 or with broken XML are written
//! soundly here: an integer beyond 32 bits becomes the nearest one that fits,
//! and a character that XML cannot carry becomes U+FFFD.

use std::fmt::Write as _;

use crate::xmlrpc::reader;
use crate::xmlrpc::value::Value;

/// Adds `value` with its `value` element and a line feed. Writing to a String cannot fail.
pub fn push_value(text: &mut String, value: &Value) {
    text.push_str("<value>");
    match value {
        Value::Int(number) => {
            let number = (*number).clamp(i32::MIN.into(), i32::MAX.into());
            let _ = write!(text, "<int>{number}</int>");
        }
        Value::Bool(truth) => {
            let _ = write!(text, "<boolean>{}</boolean>", u8::from(*truth));
        }
        Value::String(string) => push_element(text, "string", string),
        Value::Double(number) => push_element(text, "double", &python_repr(*number)),
        Value::DateTime(moment) => push_element(text, "dateTime.iso8601", moment),
        Value::Array(items) => {
            text.push_str("<array><data>\n");
            for item in items {
                push_value(text, item);
            }
            text.push_str("</data></array>");
        }
        Value::Struct(members) => {
            text.push_str("<struct>\n");
            for (name, member) in members {
                text.push_str("<member>\n");
                push_element(text, "name", name);
                text.push('\n');
                push_value(text, member);
                text.push_str("</member>\n");
            }
            text.push_str("</struct>");
        }
        Value::Nil => text.push_str("<nil/>"),
    }
    text.push_str("</value>\n");
}

/// Adds escaped text. Quotes need no escape between tags.
pub fn push_text(text: &mut String, raw: &str) {
    for character in raw.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            _ if reader::is_xml(character) => text.push(character),
            _ => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

fn push_element(text: &mut String, name: &str, raw: &str) {
    let _ = write!(text, "<{name}>");
    push_text(text, raw);
    let _ = write!(text, "</{name}>");
}

/// The shortest text that reads back as the same number, as Python prints it:
/// exponents have a sign and at least two digits.
pub fn python_repr(number: f64) -> String {
    let text = format!("{number:?}");
    if number.is_nan() {
        return "nan".to_owned();
    }
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    // Python writes 1e+16 where Rust writes 1e16 or 1.0e16.
    let mantissa = mantissa.strip_suffix(".0").unwrap_or(mantissa);
    format!("{mantissa}e{sign}{digits:0>2}")
}
