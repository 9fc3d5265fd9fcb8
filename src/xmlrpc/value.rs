//! The values that XML-RPC carries.

use crate::snapshot::saved;

/// A value of a call or of a response. Struct members keep their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `int`, `i4`: any magnitude is read, 32 bits are written.
    Int(i64),
    /// `boolean`
    Bool(bool),
    /// `string`, untyped text, `base64` that holds UTF-8
    String(String),
    Double(f64),
    /// `dateTime.iso8601`, as it was written
    DateTime(String),
    Array(Vec<Value>),
    Struct(Vec<(String, Value)>),
    Nil,
}

saved! {
    enum Value {
        Int(a), Bool(a), String(a), Double(a), DateTime(a), Array(a), Struct(a), Nil,
    }
}

impl Value {
    pub fn string(text: impl Into<String>) -> Value {
        Value::String(text.into())
    }

    /// The member of that name, if this is a struct that has it.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Struct(members) => members
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is an integer.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }
}
