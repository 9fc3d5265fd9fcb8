//! A small XML-RPC client, independent of the codec that it tests.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A port of the loopback interface.
    Port(u16),
}

/// A value of XML-RPC, as far as the supervisor uses them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `int`
    Int(i64),
    /// `boolean`
    Bool(bool),
    /// `string`
    Text(String),
    /// `double`, as written
    Double(String),
    /// `nil`
    Nil,
    /// `array`
    Array(Vec<Value>),
    /// `struct`, with its members in order
    Struct(Vec<(String, Value)>),
    /// A value in whatever spelling, to be sent as it is
    Raw(String),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A result.
    Answer(Value),
    /// A fault with its code and text.
    Fault(i64, String),
    /// An HTTP status other than 200.
    Status(u16),
    /// No usable answer: refused, closed, timed out, not XML-RPC.
    Failure(String),
}

/// A client; each call is a connection of its own.
#[derive(Clone, Debug)]
pub struct Rpc {
    address: Address,
    authorization: Option<String>,
}

impl Rpc {
    /// A client of the server at an address.
    pub fn new(address: Address) -> Rpc {
        Rpc {
            address,
            authorization: None,
        }
    }

    /// The same with a value for the `Authorization` header.
    pub fn with_authorization(mut self, value: &str) -> Rpc {
        self.authorization = Some(value.to_string());
        self
    }

    /// Whether the daemon answers at all.
    pub fn answers(&self) -> bool {
        !matches!(
            self.call("system.listMethods", &[]),
            Outcome::Failure(_) | Outcome::Status(404)
        )
    }

    /// Calls a method.
    pub fn call(&self, method: &str, parameters: &[Value]) -> Outcome {
        self.post(&Rpc::body(method, parameters))
    }

    /// The body of the request for a call.
    pub fn body(method: &str, parameters: &[Value]) -> String {
        let mut body = format!(
            "<?xml version='1.0'?>\n<methodCall><methodName>{}</methodName><params>",
            escape(method)
        );
        for parameter in parameters {
            body.push_str("<param>");
            write_value(&mut body, parameter);
            body.push_str("</param>");
        }
        body.push_str("</params></methodCall>\n");
        body
    }

    /// What the body of a response says.
    pub fn outcome(body: &str) -> Outcome {
        let mut reader = Reader { rest: body };
        let is_fault = body.contains("<fault>");
        reader.skip_to("<value>");
        let Some(value) = reader.value() else {
            return Outcome::Failure(format!("not a response: {body}"));
        };
        if is_fault {
            return Outcome::Fault(value.int_of("faultCode"), value.text_of("faultString"));
        }
        Outcome::Answer(value)
    }

    /// Posts a body as it is.
    pub fn post(&self, body: &str) -> Outcome {
        let authorization = self
            .authorization
            .as_ref()
            .map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        let request = format!(
            "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\n{authorization}Content-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        match self.exchange(request.as_bytes()) {
            Err(error) => Outcome::Failure(error.kind().to_string()),
            Ok(bytes) => read_response(&String::from_utf8_lossy(&bytes)),
        }
    }

    /// Sends raw bytes and reads until the server closes the connection.
    pub fn exchange(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let limit = Some(Duration::from_secs(20));
        let mut answer = Vec::new();
        match &self.address {
            Address::Unix(path) => {
                let mut stream = UnixStream::connect(path)?;
                stream.set_read_timeout(limit)?;
                stream.write_all(request)?;
                stream.read_to_end(&mut answer)?;
            }
            Address::Port(port) => {
                let mut stream = TcpStream::connect(("127.0.0.1", *port))?;
                stream.set_read_timeout(limit)?;
                stream.write_all(request)?;
                stream.read_to_end(&mut answer)?;
            }
        }
        Ok(answer)
    }
}

impl Outcome {
    /// The answer, for steps that must succeed.
    ///
    /// # Panics
    /// When there is none.
    pub fn answer(self) -> Value {
        match self {
            Outcome::Answer(value) => value,
            other => panic!("an answer was expected, not {other}"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Outcome::Answer(value) => write!(f, "{value}"),
            Outcome::Fault(code, text) => write!(f, "fault {code} {text}"),
            Outcome::Status(status) => write!(f, "HTTP status {status}"),
            Outcome::Failure(reason) => write!(f, "no answer: {reason}"),
        }
    }
}

impl Value {
    /// A string.
    pub fn text(text: &str) -> Value {
        Value::Text(text.to_string())
    }

    /// The member of a struct.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let Value::Struct(members) = self else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// A member that is a string; empty when there is none.
    pub fn text_of(&self, name: &str) -> String {
        match self.get(name) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// A member that is a number; 0 when there is none.
    pub fn int_of(&self, name: &str) -> i64 {
        match self.get(name) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Int(number) => write!(f, "{number}"),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Double(text) => write!(f, "{text}"),
            Value::Nil => write!(f, "nil"),
            Value::Raw(xml) => f.write_str(xml),
            Value::Array(items) => {
                write!(f, "[")?;
                for (position, item) in items.iter().enumerate() {
                    let comma = if position > 0 { ", " } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                write!(f, "]")
            }
            Value::Struct(members) => {
                write!(f, "{{")?;
                for (position, (name, value)) in members.iter().enumerate() {
                    let comma = if position > 0 { ", " } else { "" };
                    write!(f, "{comma}{name}: {value}")?;
                }
                write!(f, "}}")
            }
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn write_value(out: &mut String, value: &Value) {
    out.push_str("<value>");
    match value {
        Value::Int(number) => out.push_str(&format!("<int>{number}</int>")),
        Value::Bool(truth) => {
            out.push_str(&format!("<boolean>{}</boolean>", i32::from(*truth)));
        }
        Value::Text(text) => out.push_str(&format!("<string>{}</string>", escape(text))),
        Value::Double(text) => out.push_str(&format!("<double>{text}</double>")),
        Value::Nil => out.push_str("<nil/>"),
        Value::Raw(xml) => out.push_str(xml),
        Value::Array(items) => {
            out.push_str("<array><data>");
            items.iter().for_each(|item| write_value(out, item));
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>");
            for (name, value) in members {
                out.push_str(&format!("<member><name>{}</name>", escape(name)));
                write_value(out, value);
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
}

fn read_response(text: &str) -> Outcome {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Outcome::Failure("no HTTP response".to_string());
    };
    let status: u16 = head
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    if status != 200 {
        return Outcome::Status(status);
    }
    Rpc::outcome(body)
}

/// Reads the one layout that both kinds write.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_to(&mut self, tag: &str) {
        if let Some(at) = self.rest.find(tag) {
            self.rest = &self.rest[at..];
        }
    }

    /// Takes a tag, with white space before it.
    fn take(&mut self, tag: &str) -> bool {
        let trimmed = self.rest.trim_start();
        match trimmed.strip_prefix(tag) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the text up to a closing tag, and the tag.
    fn text_to(&mut self, tag: &str) -> Option<String> {
        let at = self.rest.find(tag)?;
        let text = self.rest[..at]
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        self.rest = &self.rest[at + tag.len()..];
        Some(text)
    }

    fn value(&mut self) -> Option<Value> {
        if !self.take("<value>") {
            return None;
        }
        let value = if self.take("<int>") {
            Value::Int(self.text_to("</int>")?.parse().ok()?)
        } else if self.take("<boolean>") {
            Value::Bool(self.text_to("</boolean>")? == "1")
        } else if self.take("<string>") {
            Value::Text(self.text_to("</string>")?)
        } else if self.take("<double>") {
            Value::Double(self.text_to("</double>")?)
        } else if self.take("<nil/>") {
            Value::Nil
        } else if self.take("<array>") {
            self.take("<data>");
            let mut items = Vec::new();
            while let Some(item) = self.value() {
                items.push(item);
            }
            if !(self.take("</data>") && self.take("</array>")) {
                return None;
            }
            Value::Array(items)
        } else if self.take("<struct>") {
            let mut members = Vec::new();
            while self.take("<member>") {
                if !self.take("<name>") {
                    return None;
                }
                let name = self.text_to("</name>")?;
                members.push((name, self.value()?));
                self.take("</member>");
            }
            if !self.take("</struct>") {
                return None;
            }
            Value::Struct(members)
        } else {
            return None;
        };
        self.take("</value>").then_some(value)
    }
}
