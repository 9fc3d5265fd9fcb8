//! From XML elements to values, for calls and for responses: the tolerant
//! reading of 4.3.0, which goes by element names and looks at little else.

use std::borrow::Cow;
use std::vec::Drain;

use crate::sort;
use crate::sys::float;
use crate::text::base64;
use crate::text::integer::Integer;
use crate::xmlrpc::reader::{DEPTH_LIMIT, Event, ParseError, Reader};
use crate::xmlrpc::value::Value;

/// What a document holds, wherever in it: the last of each counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The text of `methodName`; `None` if there is none or it is empty.
    pub method: Option<String>,
    pub params: Option<Vec<Value>>,
    pub fault: Option<Value>,
}

/// How much is read at a time, in bytes.
const SLICE: usize = 128 * 1024;

/// Reads a whole document, whose elements may be nested `depth` levels deep.
pub fn read(bytes: &[u8], depth: usize) -> Result<Document, ParseError> {
    Reading::new(Cow::Borrowed(bytes), depth)?.finish()
}

/// How many elements an answer may have: tens of thousands of processes have so many.
const ANSWER_ELEMENTS: usize = 1 << 21;

/// Reads an answer, which is longer than any question.
pub fn read_answer(bytes: &[u8]) -> Result<Document, ParseError> {
    let mut reading = Reading::new(Cow::Borrowed(bytes), DEPTH_LIMIT)?;
    reading.reader.allow(ANSWER_ELEMENTS);
    reading.finish()
}

/// A document that is being read, a slice at a time.
#[derive(Debug)]
pub struct Reading<'a> {
    reader: Reader<'a>,
    document: Document,
    open: Vec<Element>,
    /// What the closed elements in each open one came to, the innermost's last.
    values: Vec<Value>,
}

impl<'a> Reading<'a> {
    /// At the beginning.
    pub fn new(bytes: Cow<'a, [u8]>, depth: usize) -> Result<Reading<'a>, ParseError> {
        Ok(Reading {
            reader: Reader::new(bytes, depth)?,
            document: Document::default(),
            open: Vec::new(),
            values: Vec::new(),
        })
    }

    fn finish(mut self) -> Result<Document, ParseError> {
        loop {
            if let Some(document) = self.go_on()? {
                return Ok(document);
            }
        }
    }

    /// Reads a slice; gives the document at its end.
    pub fn go_on(&mut self) -> Result<Option<Document>, ParseError> {
        let end = self.reader.offset() + SLICE;
        while self.reader.offset() < end {
            if self.open.last().map(|element| element.kind) == Some(Kind::Struct)
                && let Some(member) = self.reader.plain_member()
            {
                self.values.push(Value::string(member.name));
                self.values.push(member.value);
                continue;
            }
            let Some(event) = self.reader.event()? else {
                return Ok(Some(std::mem::take(&mut self.document)));
            };
            match event {
                Event::Start(name) => {
                    let kind = Kind::of(name);
                    let is_member =
                        self.open.last().map(|parent| parent.kind) == Some(Kind::Struct);
                    self.open.push(Element {
                        kind,
                        text: String::new(),
                        has_text: kind.has_text() && !is_member,
                        first: self.values.len(),
                    });
                }
                Event::Text(text) => {
                    // Text after a nested element belongs to nobody.
                    if let Some(element) = self.open.last_mut()
                        && element.has_text
                        && element.first == self.values.len()
                    {
                        element.text.push_str(&text);
                    }
                }
                Event::End(_) => self.close()?,
            }
        }
        Ok(None)
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let Some(element) = self.open.pop() else {
            return Ok(());
        };
        let (document, values, first) = (&mut self.document, &mut self.values, element.first);
        match element.kind {
            Kind::MethodName => {
                document.method = Some(element.text.clone()).filter(|m| !m.is_empty());
            }
            Kind::Params => document.params = Some(values.split_off(first)),
            Kind::Fault => document.fault = values.split_off(first).into_iter().next(),
            _ => {}
        }
        let Some(parent) = self.open.last() else {
            return Ok(());
        };
        let malformed = ParseError {
            reason: "malformed value",
            offset: self.reader.offset(),
        };
        if parent.kind == Kind::Struct {
            // Members have exactly two children, whatever their names: these stay. In a
            // struct in place of a member they would be something else.
            return match values.len() - first {
                2 if element.kind != Kind::Struct => Ok(()),
                _ => Err(malformed),
            };
        }
        let value = element.into_value(values).ok_or(malformed)?;
        values.truncate(first);
        values.push(value);
        Ok(())
    }
}

/// An element whose end has not come yet.
#[derive(Debug)]
struct Element {
    kind: Kind,
    /// The text before the first child.
    text: String,
    /// Whether anybody asks for its text.
    has_text: bool,
    /// Where the values of its children begin.
    first: usize,
}

/// What an element is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    MethodName,
    Params,
    Fault,
    Int,
    Boolean,
    String,
    Double,
    DateTime,
    Base64,
    Array,
    Param,
    Data,
    Struct,
    Value,
    Unknown,
}

impl Kind {
    fn of(name: &str) -> Kind {
        // Of bytes each is looked at once.
        match name.as_bytes() {
            b"methodName" => Kind::MethodName,
            b"params" => Kind::Params,
            b"fault" => Kind::Fault,
            b"int" | b"i4" => Kind::Int,
            b"boolean" => Kind::Boolean,
            b"string" => Kind::String,
            b"double" => Kind::Double,
            b"dateTime.iso8601" => Kind::DateTime,
            b"base64" => Kind::Base64,
            b"array" => Kind::Array,
            b"param" => Kind::Param,
            b"data" => Kind::Data,
            b"struct" => Kind::Struct,
            b"value" => Kind::Value,
            _ => Kind::Unknown,
        }
    }

    /// Whether its text means something, and not its children alone.
    fn has_text(self) -> bool {
        !matches!(self, Kind::Array | Kind::Param | Kind::Data | Kind::Struct)
    }
}

impl Element {
    /// `None` when it cannot be what its name says. Takes what is used of the values
    /// of its children, the last ones of all.
    fn into_value(self, values: &mut Vec<Value>) -> Option<Value> {
        let mut children = values.drain(self.first..);
        Some(match self.kind {
            Kind::Int => Value::Int(integer(&self.text)?),
            Kind::Boolean => Value::Bool(self.text == "1"),
            Kind::String => Value::String(self.text),
            Kind::Double => Value::Double(double(&self.text)?),
            Kind::DateTime => Value::DateTime(date_time(self.text)?),
            Kind::Base64 => Value::String(String::from_utf8(base64::decode(&self.text)?).ok()?),
            Kind::Array | Kind::Param => children.next()?,
            Kind::Data => Value::Array(children.collect()),
            Kind::Struct => members(children)?,
            Kind::Value => children.next().unwrap_or(Value::String(self.text)),
            // Unknown names are not converted, and what is empty is null.
            Kind::MethodName | Kind::Params | Kind::Fault | Kind::Unknown
                if self.text.is_empty() =>
            {
                Value::Nil
            }
            Kind::MethodName | Kind::Params | Kind::Fault | Kind::Unknown => {
                Value::String(self.text)
            }
        })
    }
}

/// From names and values in turn. Of members with the same name the last value wins, in the place of the first.
fn members(mut children: Drain<'_, Value>) -> Option<Value> {
    let mut members: Vec<(String, Value)> = Vec::with_capacity(children.len() / 2);
    while let (Some(name), Some(value)) = (children.next(), children.next()) {
        members.push((key(name)?, value));
    }
    Some(Value::Struct(without_doubles(members)))
}

/// Of members of one name the last value, in the place of the first: they stand side by side
/// when they are sorted.
fn without_doubles(members: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut members: Vec<_> = members.into_iter().enumerate().collect();
    sort::by(&mut members, |(_, (a, _)), (_, (b, _))| a.cmp(b));
    members.dedup_by(|(_, later), (_, first)| {
        let is_double = later.0 == first.0;
        if is_double {
            std::mem::swap(&mut first.1, &mut later.1);
        }
        is_double
    });
    sort::by(&mut members, |(a, _), (b, _)| a.cmp(b));
    members.into_iter().map(|(_, member)| member).collect()
}

fn key(value: Value) -> Option<String> {
    match value {
        Value::String(text) | Value::DateTime(text) => Some(text),
        Value::Nil => Some(String::new()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// As Python's `int`. Beyond 64 bits the nearest number that fits is taken.
fn integer(text: &str) -> Option<i64> {
    // Nearly every number is a few digits, perhaps with a sign, which Rust reads alike.
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    Integer::decimal(text).map(|number| number.saturated())
}

/// As Python's `float`, which takes what Rust takes and underscores.
fn double(text: &str) -> Option<f64> {
    float::parse(&without_underscores(text.trim())?)
}

/// Underscores stand between two digits or nowhere.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let fits = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_digit);
    for (place, byte) in bytes.iter().enumerate() {
        if *byte == b'_' && !(place > 0 && fits(place - 1) && fits(place + 1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// Exactly `YYYYMMDDTHH:MM:SS`, with numbers that a calendar and a clock have.
fn date_time(text: String) -> Option<String> {
    let bytes = text.as_bytes();
    let fits = bytes.len() == 17
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            8 => *byte == b'T',
            11 | 14 => *byte == b':',
            _ => byte.is_ascii_digit(),
        });
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let year = number(0, 4).filter(|year| fits && *year > 0)?;
    let month = number(4, 6)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    let day = number(6, 8)?;
    let in_range = (1..=days).contains(&day)
        && number(9, 11)? < 24
        && number(12, 14)? < 60
        && number(15, 17)? < 60;
    in_range.then_some(text)
}
