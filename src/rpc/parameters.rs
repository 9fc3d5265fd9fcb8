//! Taking parameters of the right type out of a call.

use std::time::Duration;

use crate::sys::float;
use crate::text::integer::Integer;
use crate::text::pyrepr::repr;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// The string at that place.
pub fn string(parameters: &[Value], place: usize) -> Result<&str, Fault> {
    match parameters.get(place) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Fault::new(FaultCode::IncorrectParameters)),
    }
}

/// The text at that place, for which the fault shows what was given instead.
pub fn characters(parameters: &[Value], place: usize) -> Result<&str, Fault> {
    match parameters.get(place) {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Nil) => Err(Fault::new(FaultCode::IncorrectParameters)),
        Some(other) => Err(Fault::with(
            FaultCode::IncorrectParameters,
            in_pythons_notation(other),
        )),
    }
}

/// The text at that place; what is none is written in Python's notation.
pub fn written(parameters: &[Value], place: usize) -> Result<String, Fault> {
    match parameters.get(place) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(in_pythons_notation(other)),
        None => Err(Fault::new(FaultCode::IncorrectParameters)),
    }
}

/// The number at that place: an integer, a float cut to one, or its decimal string.
pub fn integer(parameters: &[Value], place: usize) -> Result<i64, Fault> {
    match parameters.get(place) {
        Some(Value::Int(number)) => Some(*number),
        Some(Value::Bool(flag)) => Some(i64::from(*flag)),
        Some(Value::Double(number)) if number.is_finite() => Some(*number as i64),
        Some(Value::String(text)) => Integer::decimal(text).map(|number| number.saturated()),
        _ => None,
    }
    .ok_or_else(|| Fault::new(FaultCode::IncorrectParameters))
}

/// The duration at that place, in seconds.
pub fn duration(parameters: &[Value], place: usize) -> Result<Duration, Fault> {
    let seconds = match parameters.get(place) {
        Some(Value::Double(seconds)) => Duration::try_from_secs_f64(*seconds).ok(),
        _ => u64::try_from(integer(parameters, place)?)
            .ok()
            .map(Duration::from_secs),
    };
    seconds.ok_or_else(|| Fault::new(FaultCode::BadArguments))
}

/// `wait`: true where it is left out, else tested for truth as Python does.
pub fn wait(parameters: &[Value], place: usize) -> bool {
    match parameters.get(place) {
        None => true,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Int(number)) => *number != 0,
        Some(Value::Double(number)) => *number != 0.0,
        Some(Value::String(text) | Value::DateTime(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Struct(members)) => !members.is_empty(),
        Some(Value::Nil) => false,
    }
}

/// A value as Python shows it.
pub fn in_pythons_notation(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Double(number) => float::python_repr(*number),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Nil => "None".to_owned(),
        Value::String(text) | Value::DateTime(text) => repr(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(in_pythons_notation).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Struct(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{}: {}", repr(name), in_pythons_notation(value)));
            format!("{{{}}}", members.collect::<Vec<String>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_from_what_python_makes_an_int_of() {
        for (value, expected) in [
            (Value::Int(-7), Some(-7)),
            (Value::Bool(true), Some(1)),
            (Value::Double(2.9), Some(2)),
            (Value::string(" 12 "), Some(12)),
            (Value::string("1_2"), Some(12)),
            (Value::string("\u{663}"), Some(3)),
            (Value::string("99999999999999999999"), Some(i64::MAX)),
            (Value::string("-99999999999999999999"), Some(i64::MIN)),
            (Value::string("x"), None),
            (Value::Double(f64::NAN), None),
            (Value::Nil, None),
        ] {
            assert_eq!(
                integer(std::slice::from_ref(&value), 0).ok(),
                expected,
                "{value:?}"
            );
        }
        assert!(integer(&[], 0).is_err());
    }

    #[test]
    fn a_duration_is_a_number_of_seconds_from_zero_on() {
        for (value, expected) in [
            (Value::Int(0), Ok(Duration::ZERO)),
            (Value::Int(90), Ok(Duration::from_secs(90))),
            (Value::Double(0.25), Ok(Duration::from_millis(250))),
            (Value::string("7"), Ok(Duration::from_secs(7))),
            (Value::Int(-1), Err(FaultCode::BadArguments)),
            (Value::Double(-0.5), Err(FaultCode::BadArguments)),
            (Value::Double(f64::NAN), Err(FaultCode::BadArguments)),
            (Value::Double(f64::MAX), Err(FaultCode::BadArguments)),
            (Value::Nil, Err(FaultCode::IncorrectParameters)),
        ] {
            let found = duration(std::slice::from_ref(&value), 0);
            let expected = expected.map_err(Fault::new);
            assert_eq!(found, expected, "{value:?}");
        }
    }

    #[test]
    fn a_text_that_is_none_is_shown_in_the_fault() {
        let value = Value::Array(vec![
            Value::Struct(vec![("k".to_owned(), Value::Bool(true))]),
            Value::string("it's"),
            Value::Double(1.0),
        ]);
        let fault = characters(&[value], 0).unwrap_err();
        assert_eq!(
            fault.text,
            "INCORRECT_PARAMETERS: [{'k': True}, \"it's\", 1.0]"
        );
        assert_eq!(
            characters(&[Value::Nil], 0).unwrap_err().text,
            "INCORRECT_PARAMETERS"
        );
    }

    #[test]
    fn wait_is_true_unless_something_false_is_given() {
        assert!(wait(&[], 0));
        assert!(wait(&[Value::string("0")], 0));
        for value in [
            Value::Bool(false),
            Value::Int(0),
            Value::string(""),
            Value::Nil,
        ] {
            assert!(!wait(std::slice::from_ref(&value), 0), "{value:?}");
        }
    }
}
