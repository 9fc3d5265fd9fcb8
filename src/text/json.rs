//! A writer of JSON (RFC 8259) for values that are built in memory. Objects
//! keep the order of their members, and the text is indented for people.

use std::fmt;

use super::plain;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// Any other number, as it is written.
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn string(text: impl Into<String>) -> Json {
        Json::String(text.into())
    }

    /// An object with these members.
    pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Json)>) -> Json {
        let members = members.into_iter();
        Json::Object(
            members
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }
}

/// `None` is null.
impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Json {
        value.map_or(Json::Null, Into::into)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Json {
        Json::Int(value)
    }
}

impl From<u32> for Json {
    fn from(value: u32) -> Json {
        Json::Int(i64::from(value))
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::string(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Json {
        Json::string(text)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self, 0, f)
    }
}

fn write(value: &Json, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Json::Null => f.write_str("null"),
        Json::Bool(value) => write!(f, "{value}"),
        Json::Int(value) => write!(f, "{value}"),
        Json::Number(text) => f.write_str(text),
        Json::String(text) => quoted(text, f),
        Json::Array(items) => {
            let items = items.iter().map(|item| (None, item));
            list(('[', ']'), items, depth, f)
        }
        Json::Object(members) => {
            let members = members.iter().map(|(key, value)| (Some(key), value));
            list(('{', '}'), members, depth, f)
        }
    }
}

fn list<'a>(
    (open, close): (char, char),
    items: impl ExactSizeIterator<Item = (Option<&'a String>, &'a Json)>,
    depth: usize,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let count = items.len();
    write!(f, "{open}")?;
    for (index, (key, value)) in items.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma}\n{:width$}", "", width = 2 * (depth + 1))?;
        if let Some(key) = key {
            quoted(key, f)?;
            f.write_str(": ")?;
        }
        write(value, depth + 1, f)?;
    }
    if count > 0 {
        write!(f, "\n{:width$}", "", width = 2 * depth)?;
    }
    write!(f, "{close}")
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            // DEL and others beyond are allowed, but a terminal would rather not see them.
            c if plain::is_control(c) => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_json() {
        let value = Json::object([
            ("a", Json::Array(vec![1_i64.into(), true.into()])),
            ("b", Json::from(None::<i64>)),
            ("c", Json::object([])),
        ]);
        let text = "{\n  \"a\": [\n    1,\n    true\n  ],\n  \"b\": null,\n  \"c\": {}\n}";
        assert_eq!(value.to_string(), text);
    }

    #[test]
    fn strings_are_escaped() {
        let value = Json::string("\"\\\n\r\t\u{0}\u{1b}\u{7f}é\u{2028}");
        assert_eq!(
            value.to_string(),
            "\"\\\"\\\\\\n\\r\\t\\u0000\\u001b\\u007fé\\u2028\""
        );
    }
}
