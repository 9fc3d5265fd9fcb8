//! Responses: writing one byte for byte as 4.3.0 does, and reading one as the
//! client does.

use std::fmt;

use crate::xmlrpc::document;
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::reader::ParseError;
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer::{self, StructWriter};

/// Why a body is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// It is not XML, or has a value that is not what its type says.
    Unmarshallable(ParseError),
    /// Neither one result nor a fault with a code and a text.
    Shapeless,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResponseError::Unmarshallable(error) => {
                write!(f, "{} at byte {}", error.reason, error.offset)
            }
            ResponseError::Shapeless => f.write_str("neither a result nor a fault"),
        }
    }
}

impl std::error::Error for ResponseError {}

/// What stands before the result in a response.
pub const BEGIN: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n";
/// What stands after it.
pub const END: &str = "</param>\n</params>\n</methodResponse>\n";

pub fn write(outcome: Result<&Value, &Fault>) -> Vec<u8> {
    let mut text = String::new();
    match outcome {
        Ok(value) => {
            text.push_str(BEGIN);
            writer::push_value(&mut text, value);
            text.push_str(END);
        }
        Err(fault) => push_fault_response(&mut text, fault),
    }
    text.into_bytes()
}

/// Adds the body of a response that tells a fault.
pub fn push_fault_response(text: &mut String, fault: &Fault) {
    text.push_str("<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
    push_fault(text, fault);
    text.push_str("</fault>\n</methodResponse>\n");
}

/// Adds a fault as a value, as it stands in a response and among the results of
/// `system.multicall`.
pub fn push_fault(text: &mut String, fault: &Fault) {
    let mut members = StructWriter::begin(text);
    members.int("faultCode", fault.code.into());
    members.string("faultString", &fault.text);
    members.end();
}

pub fn read(body: &[u8]) -> Result<Result<Value, Fault>, ResponseError> {
    let document = document::read_answer(body).map_err(ResponseError::Unmarshallable)?;
    if let Some(fault) = document.fault {
        let code = fault.member("faultCode").and_then(Value::as_int);
        let text = fault.member("faultString").and_then(Value::as_str);
        return match (code.and_then(|code| i32::try_from(code).ok()), text) {
            (Some(code), Some(text)) => Ok(Err(Fault {
                code,
                text: text.to_owned(),
            })),
            _ => Err(ResponseError::Shapeless),
        };
    }
    let mut params = document.params.unwrap_or_default().into_iter();
    match (params.next(), params.next()) {
        (Some(value), None) => Ok(Ok(value)),
        _ => Err(ResponseError::Shapeless),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmlrpc::fault::FaultCode;

    fn written(value: &Value) -> String {
        let text = String::from_utf8(write(Ok(value))).unwrap();
        let head = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n";
        let foot = "</param>\n</params>\n</methodResponse>\n";
        let text = text.strip_prefix(head).unwrap();
        text.strip_suffix(foot).unwrap().to_owned()
    }

    #[test]
    fn values_have_the_fixed_layout() {
        for (value, expected) in [
            (Value::Int(12448), "<value><int>12448</int></value>\n"),
            (
                Value::Int(1 << 40),
                "<value><int>2147483647</int></value>\n",
            ),
            (
                Value::Int(-(1 << 40)),
                "<value><int>-2147483648</int></value>\n",
            ),
            (Value::Bool(false), "<value><boolean>0</boolean></value>\n"),
            (
                Value::string("a<b>&\"'\u{1b}[1m\u{fffe}\r\né"),
                "<value><string>a&lt;b&gt;&amp;\"'\u{fffd}[1m\u{fffd}\r\né</string></value>\n",
            ),
            (Value::Double(1.0), "<value><double>1.0</double></value>\n"),
            (
                Value::Double(1e16),
                "<value><double>1e+16</double></value>\n",
            ),
            (
                Value::Double(1.5e-7),
                "<value><double>1.5e-07</double></value>\n",
            ),
            (
                Value::Double(1e300),
                "<value><double>1e+300</double></value>\n",
            ),
            (
                Value::Double(f64::NAN),
                "<value><double>nan</double></value>\n",
            ),
            (Value::Nil, "<value><nil/></value>\n"),
            (
                Value::Array(vec![Value::Int(1), Value::string("")]),
                "<value><array><data>\n<value><int>1</int></value>\n\
                 <value><string></string></value>\n</data></array></value>\n",
            ),
            (
                Value::Struct(vec![("a".to_owned(), Value::Bool(true))]),
                "<value><struct>\n<member>\n<name>a</name>\n\
                 <value><boolean>1</boolean></value>\n</member>\n</struct></value>\n",
            ),
        ] {
            assert_eq!(written(&value), expected);
        }
    }

    #[test]
    fn a_fault_has_the_fixed_layout_and_comes_back() {
        let fault = Fault::with(FaultCode::BadName, "nope");
        let body = write(Err(&fault));
        assert_eq!(
            String::from_utf8_lossy(&body),
            "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n\
             <member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n\
             <member>\n<name>faultString</name>\n<value><string>BAD_NAME: nope</string></value>\n\
             </member>\n</struct></value>\n</fault>\n</methodResponse>\n"
        );
        assert_eq!(read(&body), Ok(Err(fault)));
    }

    #[test]
    fn results_come_back() {
        for value in [
            Value::Int(-5),
            Value::string(" a\n<b> "),
            Value::Array(vec![Value::Bool(true), Value::Array(vec![])]),
            Value::Struct(vec![
                ("b".to_owned(), Value::Int(1)),
                ("a".to_owned(), Value::Struct(vec![])),
            ]),
            Value::Nil,
        ] {
            assert_eq!(read(&write(Ok(&value))), Ok(Ok(value)));
        }
    }

    #[test]
    fn members_in_one_look_are_those_of_the_reader() {
        let member = |name: &str, value| (name.to_owned(), value);
        let value = Value::Array(vec![
            Value::Struct(vec![
                member("", Value::Int(-1)),
                member("a", Value::string("x < y & z")),
                member("b", Value::Struct(vec![member("c", Value::Bool(true))])),
                member("d", Value::string(" \n\ttext ")),
                member("a]", Value::Double(0.5)),
                member("e", Value::Array(vec![Value::Int(5)])),
            ]),
            Value::Struct(vec![]),
        ]);
        let written = String::from_utf8(write(Ok(&value))).unwrap();
        let otherwise = written.replace("<member>\n", "<member>");
        assert_ne!(written, otherwise);
        assert_eq!(read(written.as_bytes()), read(otherwise.as_bytes()));
        assert_eq!(read(written.as_bytes()), Ok(Ok(value)));
        // The last of two members of one name counts, and what is wrong stays wrong.
        let twice = written.replace("<name>d<", "<name>a<");
        let twice_otherwise = twice.replace("<member>\n", "<member>");
        assert_eq!(read(twice.as_bytes()), read(twice_otherwise.as_bytes()));
        let wrong = written.replace("<int>-1<", "<int>-<");
        assert!(read(wrong.as_bytes()).is_err());
    }

    #[test]
    fn limits_hold_for_members_in_one_look() {
        let nested = |depth: usize| {
            let (begin, end) = (
                "<value><struct>\n<member>\n<name>n</name>\n",
                "</member>\n</struct></value>\n",
            );
            let inner = "<value><int>1</int></value>\n";
            format!(
                "<params><param>\n{}{inner}{}</param></params>",
                begin.repeat(depth),
                end.repeat(depth)
            )
        };
        // params, param and each value, struct, member; then value and int.
        assert!(document::read(nested(3).as_bytes(), 13).is_ok());
        let error = document::read(nested(3).as_bytes(), 12).unwrap_err();
        assert_eq!(error.reason, "nested too deeply");
        let member = "<member>\n<name>n</name>\n<value><int>1</int></value>\n</member>\n";
        let many = |count: usize| {
            format!(
                "<params><struct>\n{}</struct></params>",
                member.repeat(count)
            )
        };
        let most = (crate::xmlrpc::reader::ELEMENT_LIMIT - 2) / 4;
        assert!(document::read(many(most).as_bytes(), 10).is_ok());
        let error = document::read(many(most + 1).as_bytes(), 10).unwrap_err();
        assert_eq!(error.reason, "too many elements");
    }

    #[test]
    fn the_table_of_five_thousand_processes_was_too_long_to_read() {
        let member = "<member>\n<name>n</name>\n<value><int>1</int></value>\n</member>\n";
        let row = format!("<value><struct>\n{}</struct></value>\n", member.repeat(14));
        let body = format!(
            "<methodResponse>\n<params>\n<param>\n<value><array><data>\n{}</data></array></value>\n\
             </param>\n</params>\n</methodResponse>\n",
            row.repeat(5000)
        );
        let value = read(body.as_bytes()).unwrap().unwrap();
        assert_eq!(value.as_array().map(<[Value]>::len), Some(5000));
    }

    #[test]
    fn other_documents_are_no_responses() {
        for body in [
            "<methodResponse/>",
            "<methodResponse><params><param><int>1</int></param><param><int>1</int></param>\
             </params></methodResponse>",
            "<methodResponse><fault><value>x</value></fault></methodResponse>",
        ] {
            assert_eq!(
                read(body.as_bytes()),
                Err(ResponseError::Shapeless),
                "{body}"
            );
        }
        assert!(matches!(
            read(b"<html>"),
            Err(ResponseError::Unmarshallable(_))
        ));
    }
}
