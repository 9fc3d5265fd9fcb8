//! XML-RPC from the client's side: a call is written, a response is read.
//! Responses come from the server that the operator chose, so the reader asks
//! only for what XML-RPC is made of and takes no document types.

use std::fmt;

use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::value::Value;

/// How deep values may be nested.
const DEPTH_LIMIT: usize = 64;

/// Writes a call.
pub fn write_call(method: &str, parameters: &[Value]) -> String {
    let mut text = format!(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>{}</methodName>\n<params>\n",
        escaped(method)
    );
    for parameter in parameters {
        text.push_str("<param>\n");
        write_value(&mut text, parameter);
        text.push_str("</param>\n");
    }
    text.push_str("</params>\n</methodCall>\n");
    text
}

fn write_value(text: &mut String, value: &Value) {
    text.push_str("<value>");
    match value {
        Value::Int(number) => text.push_str(&format!("<int>{number}</int>")),
        Value::Bool(flag) => text.push_str(&format!("<boolean>{}</boolean>", i32::from(*flag))),
        Value::String(string) => text.push_str(&format!("<string>{}</string>", escaped(string))),
        Value::Double(number) => text.push_str(&format!("<double>{number}</double>")),
        Value::DateTime(stamp) => text.push_str(&format!(
            "<dateTime.iso8601>{}</dateTime.iso8601>",
            escaped(stamp)
        )),
        Value::Array(items) => {
            text.push_str("<array><data>\n");
            items.iter().for_each(|item| write_value(text, item));
            text.push_str("</data></array>");
        }
        Value::Struct(members) => {
            text.push_str("<struct>\n");
            for (name, member) in members {
                text.push_str(&format!("<member><name>{}</name>", escaped(name)));
                write_value(text, member);
                text.push_str("</member>\n");
            }
            text.push_str("</struct>");
        }
        Value::Nil => text.push_str("<nil/>"),
    }
    text.push_str("</value>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Why a text is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseError {
    /// What is wrong.
    reason: &'static str,
    /// Where, in bytes from the start.
    offset: usize,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.offset)
    }
}

/// Reads a response: a value or a fault. Bytes that are not UTF-8 are replaced.
pub fn read_response(bytes: &[u8]) -> Result<Result<Value, Fault>, ResponseError> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader {
        text: &text,
        offset: 0,
    };
    reader.expect("methodResponse")?;
    match reader.tag()? {
        Tag::Open("params") => {
            reader.expect("param")?;
            reader.expect("value")?;
            Ok(Ok(reader.value(0)?))
        }
        Tag::Open("fault") => {
            reader.expect("value")?;
            let value = reader.value(0)?;
            let code = value.member("faultCode").and_then(Value::as_int);
            let text = value.member("faultString").and_then(Value::as_str);
            match (code.and_then(|code| i32::try_from(code).ok()), text) {
                (Some(code), Some(text)) => Ok(Err(Fault {
                    code,
                    text: text.to_owned(),
                })),
                _ => Err(reader.error("a fault without code or text")),
            }
        }
        _ => Err(reader.error("neither params nor fault")),
    }
}

/// The text of a response and how far it has been read.
struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag<'a> {
    Open(&'a str),
    Close(&'a str),
    Empty(&'a str),
}

impl<'a> Reader<'a> {
    fn error(&self, reason: &'static str) -> ResponseError {
        ResponseError {
            reason,
            offset: self.offset,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    /// The text up to the next tag, with its references resolved.
    fn characters(&mut self) -> Result<String, ResponseError> {
        let length = self
            .rest()
            .find('<')
            .ok_or_else(|| self.error("the response ends early"))?;
        let raw = self.rest().get(..length).unwrap_or_default();
        let text = resolved(raw).ok_or_else(|| self.error("an unknown reference"))?;
        self.offset += length;
        Ok(text)
    }

    /// The next tag; what stands before it, and what is no element, is skipped.
    fn tag(&mut self) -> Result<Tag<'a>, ResponseError> {
        loop {
            self.characters()?;
            let rest = self.rest();
            let (end, skipped) = match rest.strip_prefix("<!--") {
                Some(_) => ("-->", true),
                None => (">", rest.starts_with("<?") || rest.starts_with("<!")),
            };
            let length = rest
                .find(end)
                .ok_or_else(|| self.error("an unclosed tag"))?;
            let inner = rest.get(1..length).unwrap_or_default();
            self.offset += length + end.len();
            if skipped {
                continue;
            }
            let name = inner.trim_matches('/').split_whitespace().next();
            let name = name.unwrap_or_default();
            return Ok(if inner.starts_with('/') {
                Tag::Close(name)
            } else if inner.ends_with('/') {
                Tag::Empty(name)
            } else {
                Tag::Open(name)
            });
        }
    }

    fn expect(&mut self, name: &'static str) -> Result<(), ResponseError> {
        match self.tag()? {
            Tag::Open(found) if found == name => Ok(()),
            _ => Err(self.error("an unexpected element")),
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ResponseError> {
        match self.tag()? {
            Tag::Close(found) if found == name => Ok(()),
            _ => Err(self.error("a mismatched tag")),
        }
    }

    /// What stands between `<value>` and `</value>`, the latter included.
    fn value(&mut self, depth: usize) -> Result<Value, ResponseError> {
        if depth > DEPTH_LIMIT {
            return Err(self.error("values nested too deep"));
        }
        let untyped = self.characters()?;
        let kind = match self.tag()? {
            Tag::Close("value") => return Ok(Value::String(untyped)),
            Tag::Empty(kind) => {
                let value = self.scalar(kind, String::new())?;
                self.close("value")?;
                return Ok(value);
            }
            Tag::Open(kind) => kind,
            Tag::Close(_) => return Err(self.error("a mismatched tag")),
        };
        let value = match kind {
            "array" => {
                let items = self.items(depth)?;
                self.close("array")?;
                Value::Array(items)
            }
            "struct" => Value::Struct(self.members(depth)?),
            _ => {
                let text = self.characters()?;
                self.close(kind)?;
                self.scalar(kind, text)?
            }
        };
        self.close("value")?;
        Ok(value)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Value>, ResponseError> {
        let mut items = Vec::new();
        match self.tag()? {
            Tag::Empty("data") => return Ok(items),
            Tag::Open("data") => {}
            _ => return Err(self.error("an array without data")),
        }
        loop {
            match self.tag()? {
                Tag::Open("value") => items.push(self.value(depth + 1)?),
                Tag::Empty("value") => items.push(Value::string("")),
                Tag::Close("data") => return Ok(items),
                _ => return Err(self.error("an unexpected element in an array")),
            }
        }
    }

    fn members(&mut self, depth: usize) -> Result<Vec<(String, Value)>, ResponseError> {
        let mut members = Vec::new();
        loop {
            match self.tag()? {
                Tag::Open("member") => {}
                Tag::Close("struct") => return Ok(members),
                _ => return Err(self.error("an unexpected element in a struct")),
            }
            self.expect("name")?;
            let name = self.characters()?;
            self.close("name")?;
            let value = match self.tag()? {
                Tag::Open("value") => self.value(depth + 1)?,
                Tag::Empty("value") => Value::string(""),
                _ => return Err(self.error("a member without value")),
            };
            self.close("member")?;
            members.push((name, value));
        }
    }

    fn scalar(&self, kind: &str, text: String) -> Result<Value, ResponseError> {
        let trimmed = text.trim();
        match kind {
            "int" | "i4" | "i8" => trimmed
                .parse()
                .map(Value::Int)
                .map_err(|_| self.error("a bad integer")),
            "boolean" => Ok(Value::Bool(trimmed == "1")),
            "double" => trimmed
                .parse()
                .map(Value::Double)
                .map_err(|_| self.error("a bad double")),
            "dateTime.iso8601" => Ok(Value::DateTime(text)),
            "nil" => Ok(Value::Nil),
            "string" => Ok(Value::String(text)),
            _ => Err(self.error("an unknown type")),
        }
    }
}

/// Text with `&lt;` and its like resolved, line ends made `\n`; `None` if a
/// reference is unknown.
fn resolved(raw: &str) -> Option<String> {
    let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
    let mut parts = raw.split('&');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (reference, rest) = part.split_once(';')?;
        text.push(match reference {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = reference.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        text.push_str(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inner: &str) -> Result<Result<Value, Fault>, ResponseError> {
        let text = format!("<?xml version='1.0'?>\n<methodResponse>\n{inner}</methodResponse>\n");
        read_response(text.as_bytes())
    }

    #[test]
    fn values_of_every_type_are_read() {
        let list = Value::Array(vec![Value::Int(1), Value::Bool(true), Value::string("")]);
        for (value, expected) in [
            ("<int>-5</int>", Value::Int(-5)),
            (
                "<string>a &lt;b&gt; &amp;&#233;\r\n</string>",
                Value::string("a <b> &é\n"),
            ),
            (" x ", Value::string(" x ")),
            ("<string/>", Value::string("")),
            (
                "<array><data>\n<value><int>1</int></value>\n\
                 <value><boolean>1</boolean></value>\n<value/></data></array>",
                list,
            ),
            (
                "<struct>\n<member>\n<name>a</name>\n<value><int>1</int></value>\n</member>\n</struct>",
                Value::Struct(vec![("a".to_owned(), Value::Int(1))]),
            ),
        ] {
            let inner = format!("<params>\n<param>\n<value>{value}</value>\n</param>\n</params>\n");
            assert_eq!(read(&inner), Ok(Ok(expected)), "{value}");
        }
    }

    #[test]
    fn faults_are_values_and_other_texts_are_errors() {
        let fault = "<fault><value><struct>\
                     <member><name>faultCode</name><value><int>10</int></value></member>\
                     <member><name>faultString</name><value><string>BAD_NAME: x</string></value></member>\
                     </struct></value></fault>";
        let expected = Fault {
            code: 10,
            text: "BAD_NAME: x".to_owned(),
        };
        assert_eq!(read(fault), Ok(Err(expected)));
        let deep = "<array><data><value>".repeat(1000);
        for inner in [
            "",
            "<html></html>",
            "<fault><value>x</value></fault>",
            "<params><param><value><int>x</int></value></param></params>",
            "<params><param><value>&nosuch;</value></param></params>",
            "<params><param><value><struct><member></struct></value></param></params>",
            &format!("<params><param><value>{deep}"),
        ] {
            assert!(read(inner).is_err(), "{inner:.80}");
        }
        assert!(read_response(b"not xml").is_err());
    }

    #[test]
    fn calls_escape_what_xml_needs_escaped() {
        let call = write_call("m", &[Value::string("<&>"), Value::Int(-1)]);
        assert!(call.contains("<string>&lt;&amp;&gt;</string>"), "{call}");
        assert!(call.contains("<int>-1</int>"), "{call}");
        assert!(write_call("m", &[]).contains("<params>\n</params>"));
    }
}
