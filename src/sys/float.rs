//! Floating point numbers to text and back, by the C library: it is linked in
//! any case, and the Rust library's own ways are 30 KB beside it. The system's
//! language is never set (`setlocale`), so that the point is a point.

use std::ffi::{CString, c_char, c_int};
use std::ptr;

/// A number in one of C's forms, `e`, `E`, `f`, `F`, `g` or `G`, with so many digits
/// (65,535 at most) as `precision` means there; `point` keeps a point that nothing follows.
pub fn written(value: f64, form: char, precision: usize, point: bool) -> String {
    let alternate = if point { "#" } else { "" };
    let form = match form {
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => form,
        _ => 'g',
    };
    let precision = u16::try_from(precision).unwrap_or(u16::MAX);
    let Ok(format) = CString::new(format!("%{alternate}.*{form}")) else {
        return String::new();
    };
    let print = |place: *mut c_char, room: usize| {
        // SAFETY: the format takes an int and a double; nothing is written beyond `room`.
        unsafe { libc::snprintf(place, room, format.as_ptr(), c_int::from(precision), value) }
    };
    let length = usize::try_from(print(ptr::null_mut(), 0)).unwrap_or(0);
    let mut bytes = vec![0; length + 1];
    print(bytes.as_mut_ptr().cast(), bytes.len());
    bytes.truncate(length);
    String::from_utf8(bytes).unwrap_or_default()
}

/// What Rust's `parse` takes: decimal digits with a point and an exponent, `inf`,
/// `infinity` and `nan`; nothing around it.
pub fn parse(text: &str) -> Option<f64> {
    let word = text.trim_start_matches(['+', '-']);
    let is_word = ["inf", "infinity", "nan"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    if text.is_empty() || !(is_word || text.as_bytes().iter().all(is_number)) {
        return None;
    }
    let bytes = CString::new(text).ok()?;
    let begin = bytes.as_ptr();
    let mut end = ptr::null_mut();
    // SAFETY: the text ends with a null byte, and `end` is a place for one pointer.
    let value = unsafe { libc::strtod(begin, &raw mut end) };
    let taken = end.addr().wrapping_sub(begin.addr());
    (taken == text.len()).then_some(value)
}

/// The shortest text that reads back as the same number, as Python prints it.
pub fn python_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    // 17 digits are enough for every number.
    let shortest = (0..17).find_map(|digits| {
        let nearest = written(value, 'e', digits, false);
        let next = next_up(&nearest);
        // Below a power of two numbers are closer than above it, so the nearest text may
        // be another number's where the next is not. None of those is written with `f`.
        let mut texts = [nearest, next].into_iter();
        let text = texts.find(|text| parse(text) == Some(value))?;
        Some((digits, text))
    });
    let (digits, text) = shortest.unwrap_or_else(|| (16, written(value, 'e', 16, false)));
    let exponent = text
        .split_once('e')
        .and_then(|(_, e)| e.parse::<i32>().ok());
    match exponent {
        Some(exponent @ -4..16) => {
            let places = (digits as i32 - exponent).max(1);
            written(value, 'f', places.unsigned_abs() as usize, false)
        }
        // Also infinity, which has no exponent.
        _ => text,
    }
}

/// The number in the form `e` with its last digit one up.
fn next_up(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mantissa = text.find('e').unwrap_or(0);
    for byte in bytes.iter_mut().take(mantissa).rev() {
        match byte {
            b'0'..=b'8' => {
                *byte += 1;
                break;
            }
            b'9' => *byte = b'0',
            _ => {}
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_rust_reads_it() {
        for text in [
            "0",
            "-0",
            "1",
            "+1",
            "1.",
            ".5",
            "-1.5e-7",
            "1E5",
            "1e+5",
            "inf",
            "-Infinity",
            "9e999",
            "5e-324",
            "0.1",
            "123456789012345678",
            "",
            ".",
            "e5",
            "1e",
            "1e+",
            "--1",
            "+-1",
            "0x10",
            " 1",
            "1 ",
            "1f",
            "nan(1)",
            "-inf1",
            "1.2.3",
            "é",
            "1\0",
            "infinit",
            "+",
            "1_0",
        ] {
            assert_eq!(parse(text), text.parse().ok(), "{text:?}");
        }
        assert!(parse("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.3333333333333333"),
            (100.0, "100.0"),
            (1e15, "1000000000000000.0"),
            (9007199254740993.0, "9007199254740992.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(python_repr(value), text);
        }
    }

    #[test]
    fn powers_of_two_were_written_with_a_digit_too_many() {
        assert_eq!(python_repr(2_f64.powi(-44)), "5.684341886080802e-14");
        assert_eq!(python_repr(-(2_f64.powi(-44))), "-5.684341886080802e-14");
    }

    #[test]
    fn what_is_written_reads_back_and_is_as_short_as_rust_s() {
        let mut bits = 1_u64;
        let anything = (0..2_000).map(|_| {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from_bits(bits)
        });
        for value in anything.chain((-1074..1024).map(|power| 2_f64.powi(power))) {
            if value.is_finite() {
                let text = python_repr(value);
                assert_eq!(text.parse(), Ok(value));
                let digits = |text: &str| {
                    let (mantissa, _) = text.split_once('e').unwrap_or((text, ""));
                    let digits = mantissa.replace(['.', '-'], "");
                    digits.trim_matches('0').len()
                };
                assert_eq!(digits(&text), digits(&format!("{value:e}")), "{text}");
            }
        }
    }

    #[test]
    fn forms_are_those_of_c() {
        for (value, form, precision, point, text) in [
            (7.0, 'f', 2, false, "7.00"),
            (7.0, 'f', 0, true, "7."),
            (7.0, 'e', 0, false, "7e+00"),
            (1e6, 'G', 3, false, "1E+06"),
            (7.0, 'g', 6, true, "7.00000"),
        ] {
            assert_eq!(written(value, form, precision, point), text);
        }
        assert_eq!(written(1.0, 'f', 70_000, false).len(), 65_537);
    }
}
