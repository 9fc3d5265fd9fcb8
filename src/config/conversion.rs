//! One conversion of a format, such as `%(process_num)02d`: what stands for it, as
//! Python writes it, down to the words of its errors.

use crate::sys::float;
use crate::text::pyrepr::{ascii, repr};

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Most names.
    Text(String),
    /// `process_num` and `numprocs`.
    Number(i64),
}

/// What the next conversion would take.
pub enum Argument {
    /// Nothing was named yet: the table of all names.
    Mapping,
    Named(Replacement),
    Used,
}

/// What stands between the percent sign and the letter.
#[derive(Default)]
pub struct Form {
    pub left: bool,
    pub plus: bool,
    pub blank: bool,
    pub alternate: bool,
    pub zero: bool,
    pub width: usize,
    pub precision: Option<usize>,
}

impl Form {
    /// The argument in this form, or why it has none; `None` for a letter that stands
    /// for no conversion.
    pub fn converted(&self, c: char, argument: &Argument) -> Option<Result<String, String>> {
        Some(match c {
            's' | 'r' | 'a' => {
                let text = match argument {
                    Argument::Named(Replacement::Text(text)) => match c {
                        's' => text.clone(),
                        'r' => repr(text),
                        _ => ascii(text),
                    },
                    Argument::Named(Replacement::Number(number)) => number.to_string(),
                    Argument::Mapping | Argument::Used => String::new(),
                };
                let length = self.precision.unwrap_or(usize::MAX);
                let text: String = text.chars().take(length).collect();
                Ok(self.padded("", &text, false))
            }
            'c' => character(argument).map(|text| self.padded("", &text, false)),
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
                whole(argument, c).map(|number| self.integer(c, number))
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => real(argument).map(|number| {
                let size = number.unsigned_abs() as f64;
                let precision = self.precision.unwrap_or(6);
                let digits = float::written(size, c, precision, self.alternate);
                self.padded(self.sign(number < 0), &digits, true)
            }),
            _ => return None,
        })
    }

    fn integer(&self, c: char, number: i64) -> String {
        let size = number.unsigned_abs();
        let (base, digits) = match c {
            'o' => ("0o", format!("{size:o}")),
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            _ => ("", size.to_string()),
        };
        let base = if self.alternate { base } else { "" };
        let digits = format!("{digits:0>width$}", width = self.precision.unwrap_or(1));
        self.padded(&format!("{}{base}", self.sign(number < 0)), &digits, true)
    }

    /// Filled up to the width. Zeros stand behind sign and base, before a number.
    pub fn padded(&self, prefix: &str, body: &str, is_number: bool) -> String {
        let length = prefix.chars().count() + body.chars().count();
        let fill = self.width.saturating_sub(length);
        let (blanks, zeros, after) = match (self.left, self.zero && is_number) {
            (true, _) => (0, 0, fill),
            (false, true) => (0, fill, 0),
            (false, false) => (fill, 0, 0),
        };
        let (blanks, zeros, after) = (" ".repeat(blanks), "0".repeat(zeros), " ".repeat(after));
        format!("{blanks}{prefix}{zeros}{body}{after}")
    }

    fn sign(&self, is_negative: bool) -> &'static str {
        match (is_negative, self.plus, self.blank) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }
}

/// Python's name of the argument's type.
fn kind(argument: &Argument) -> &'static str {
    match argument {
        Argument::Named(Replacement::Text(_)) => "str",
        Argument::Named(Replacement::Number(_)) => "int",
        Argument::Mapping | Argument::Used => "dict",
    }
}

fn real(argument: &Argument) -> Result<i64, String> {
    match argument {
        Argument::Named(Replacement::Number(number)) => Ok(*number),
        other => Err(format!("must be real number, not {}", kind(other))),
    }
}

fn whole(argument: &Argument, c: char) -> Result<i64, String> {
    let needed = match c {
        'o' | 'x' | 'X' => "an integer is required",
        _ => "a real number is required",
    };
    real(argument).map_err(|_| format!("%{c} format: {needed}, not {}", kind(argument)))
}

fn character(argument: &Argument) -> Result<String, String> {
    match argument {
        Argument::Named(Replacement::Text(text)) if text.chars().count() == 1 => Ok(text.clone()),
        Argument::Named(Replacement::Number(number)) => u32::try_from(*number)
            .ok()
            .and_then(char::from_u32)
            .map(String::from)
            .ok_or_else(|| "%c arg not in range(0x110000)".to_owned()),
        _ => Err("%c requires int or char".to_owned()),
    }
}
