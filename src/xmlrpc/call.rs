//! Calls: reading one as the server does, and writing one byte for byte as
//! Python's `xmlrpc.client` does.

use std::fmt;

use crate::xmlrpc::document::{self, Document};
use crate::xmlrpc::reader::{DEPTH_LIMIT, ParseError};
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer;

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `namespace.method`, as sent, blanks included.
    pub method: String,
    pub params: Vec<Value>,
}

/// Why a body is no call. HTTP answers 400 to both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It is not XML, or has a value that is not what its type says.
    Unmarshallable(ParseError),
    /// No method, or an empty one.
    NoMethodName,
}

impl fmt::Display for CallError {
    /// As 4.3.0 logs it: `XML-RPC request data ... is invalid: ` and this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CallError::Unmarshallable(_) => "unmarshallable",
            CallError::NoMethodName => "no method name",
        })
    }
}

impl std::error::Error for CallError {}

impl Call {
    /// Reads a request's body.
    pub fn read(body: &[u8]) -> Result<Call, CallError> {
        let document = document::read(body, DEPTH_LIMIT).map_err(CallError::Unmarshallable)?;
        Call::from_document(document)
    }

    pub fn from_document(document: Document) -> Result<Call, CallError> {
        Ok(Call {
            method: document.method.ok_or(CallError::NoMethodName)?,
            params: document.params.unwrap_or_default(),
        })
    }

    /// Writes a request's body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::from("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
        writer::push_text(&mut text, &self.method);
        text.push_str("</methodName>\n<params>\n");
        for value in &self.params {
            text.push_str("<param>\n");
            writer::push_value(&mut text, value);
            text.push_str("</param>\n");
        }
        text.push_str("</params>\n</methodCall>\n");
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests;
