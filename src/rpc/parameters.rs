//! Taking parameters of the right type out of a call.

use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// The string at that place.
pub fn string(parameters: &[Value], place: usize) -> Result<&str, Fault> {
    match parameters.get(place) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Fault::new(FaultCode::IncorrectParameters)),
    }
}

/// The number at that place: an integer, a float cut to one, or its decimal string.
pub fn integer(parameters: &[Value], place: usize) -> Result<i64, Fault> {
    match parameters.get(place) {
        Some(Value::Int(number)) => Some(*number),
        Some(Value::Bool(flag)) => Some(i64::from(*flag)),
        Some(Value::Double(number)) if number.is_finite() => Some(*number as i64),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    }
    .ok_or_else(|| Fault::new(FaultCode::IncorrectParameters))
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
