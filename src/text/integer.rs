//! Numbers as Python's `int` reads them: blanks around, a sign, `_` between
//! digits, leading zeros, the decimal digits of any script, any size.
//!
//! Digits beyond what the daemon can use are kept for messages; the value
//! that it works with stops at the ends of `i64`.

use std::fmt;

/// A whole number of any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integer {
    negative: bool,
    /// ASCII, without leading zeros; empty for zero.
    digits: String,
    radix: u32,
}

impl Integer {
    /// Reads decimal text; `None` if it is not a number.
    pub fn decimal(text: &str) -> Option<Integer> {
        parse(text, 10)
    }

    /// Reads octal text, `0o` before it or not; `None` if it is not a number.
    pub fn octal(text: &str) -> Option<Integer> {
        parse(text, 8)
    }

    /// The value, or the nearest that fits.
    pub fn saturated(&self) -> i64 {
        let sign = if self.negative { -1 } else { 1 };
        self.digits
            .chars()
            .filter_map(|c| c.to_digit(self.radix))
            .fold(0_i64, |value, digit| {
                value
                    .saturating_mul(i64::from(self.radix))
                    .saturating_add(sign * i64::from(digit))
            })
    }
}

impl fmt::Display for Integer {
    /// As Python prints a decimal one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.digits.as_str(), self.negative) {
            ("", _) => f.write_str("0"),
            (digits, true) => write!(f, "-{digits}"),
            (digits, false) => f.write_str(digits),
        }
    }
}

fn parse(text: &str, radix: u32) -> Option<Integer> {
    let text = text.trim_matches(super::is_space);
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixed = (radix == 8)
        .then(|| text.strip_prefix("0o").or_else(|| text.strip_prefix("0O")))
        .flatten();
    // One underscore may stand after the prefix as after any digit.
    let text = match prefixed {
        Some(rest) => rest.strip_prefix('_').unwrap_or(rest),
        None => text,
    };
    let mut digits = String::new();
    let mut after_digit = false;
    for c in text.chars() {
        match digit_of(c).filter(|digit| *digit < radix) {
            Some(digit) => {
                if digit != 0 || !digits.is_empty() {
                    digits.extend(char::from_digit(digit, 10));
                }
                after_digit = true;
            }
            None if c == '_' && after_digit => after_digit = false,
            None => return None,
        }
    }
    after_digit.then_some(Integer {
        negative,
        digits,
        radix,
    })
}

fn digit_of(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let code = u32::from(c);
    let zero = match ZEROS.binary_search(&code) {
        Ok(_) => code,
        Err(0) => return None,
        Err(after) => *ZEROS.get(after - 1)?,
    };
    (code < zero + 10).then_some(code - zero)
}

/// The zero of each script's decimal digits beyond ASCII; the other nine follow it.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Option<i64> {
        Integer::decimal(text).map(|n| n.saturated())
    }

    #[test]
    fn decimal_numbers_are_read_as_python_does() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("-1", Some(-1)),
            ("+1_000", Some(1000)),
            (" 5\t", Some(5)),
            ("٤٢", Some(42)),
            ("9223372036854775808", Some(i64::MAX)),
            ("-9223372036854775809", Some(i64::MIN)),
            ("", None),
            ("-", None),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("0x1", None),
            ("1.5", None),
            ("- 1", None),
            ("²", None),
        ] {
            assert_eq!(decimal(text), expected, "{text:?}");
        }
    }

    #[test]
    fn octal_numbers_are_read_as_python_does() {
        for (text, expected) in [
            ("022", Some(0o22)),
            ("0o22", Some(0o22)),
            ("0O_22", Some(0o22)),
            ("-7", Some(-7)),
            ("8", None),
            ("0o", None),
            ("", None),
        ] {
            let value = Integer::octal(text).map(|n| n.saturated());
            assert_eq!(value, expected, "{text:?}");
        }
    }

    #[test]
    fn messages_show_every_digit() {
        let huge = Integer::decimal("-000123456789012345678901234567890").unwrap();
        assert_eq!(huge.to_string(), "-123456789012345678901234567890");
        assert_eq!(Integer::decimal("-0").unwrap().to_string(), "0");
    }
}
