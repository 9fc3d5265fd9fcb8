//! What to write in the place of a wrong value: the nearest right one.

use super::datatypes::{Mismatch, ValueError};
use super::key::Key;
use crate::text::integer::Integer;
use crate::text::is_space;

/// What a duration looks like.
const DURATIONS: &str = "30, 500ms, 90s, 5m, 2h or 1d";

/// The error of a value, with what the key takes.
pub fn wanted(key: &Key, text: &str, wanted: String) -> ValueError {
    Mismatch::Wanted(key.name, wanted).of(text)
}

/// The error of a value, with what to write.
pub fn nearest(key: &Key, text: &str, near: &str) -> ValueError {
    wanted(key, text, format!("write {near}"))
}

/// What is wrong with a duration.
pub fn duration_wanted(text: &str, key: &Key) -> ValueError {
    match nearest_duration(text) {
        Some(near) => nearest(key, text, &near),
        None => wanted(key, text, format!("it is a duration such as {DURATIONS}")),
    }
}

/// What is wrong with a duration that may be without end.
pub fn limit_wanted(text: &str, key: &Key) -> ValueError {
    let word = text.trim_matches(is_space).to_lowercase();
    if word == "-1" || word == "unlimited" || word.starts_with("inf") {
        return nearest(key, text, "infinity for no limit");
    }
    match nearest_duration(text) {
        Some(near) => nearest(key, text, &near),
        None => wanted(
            key,
            text,
            format!("it is a duration such as {DURATIONS}, or infinity"),
        ),
    }
}

/// The duration that was probably meant by a number with a fraction, a minus, or a unit
/// that is written out.
pub fn nearest_duration(text: &str) -> Option<String> {
    let lower = text.trim_matches(is_space).to_lowercase();
    let (is_negative, lower) = match lower.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, lower.as_str()),
    };
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = lower.split_at(end.unwrap_or(lower.len()));
    let thousandths = u64::from(thousandths(number)?);
    let unit = unit.trim_matches(is_space);
    let milliseconds = match unit.as_bytes() {
        [b'm', b's', ..] | [b'm', b'i', b'l', ..] => 1,
        [] | [b's', ..] => 1000,
        [b'm', ..] => 60_000,
        [b'h', ..] => 3_600_000,
        [b'd', ..] => 86_400_000,
        [b'w', ..] => 7 * 86_400_000,
        _ => return None,
    };
    if is_negative {
        return Some("0".to_owned());
    }
    let total = thousandths.saturating_mul(milliseconds) / 1000;
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ];
    let exact = units
        .iter()
        .find(|(length, _)| total > 0 && total % length == 0);
    let (length, unit) = exact.unwrap_or(&(1, "ms"));
    Some(format!("{}{unit}", total / length))
}

/// A decimal fraction in thousandths: digits with a point in or before them, if any; more than
/// three behind it are cut.
pub fn thousandths(text: &str) -> Option<u32> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && rest.is_empty()) || !digits(whole) || !digits(rest) {
        return None;
    }
    let number = |text: &str| match text {
        "" => Some(0),
        text => u32::try_from(Integer::decimal(text)?.saturated()).ok(),
    };
    let rest: String = rest.chars().chain("000".chars()).take(3).collect();
    let whole = number(whole).unwrap_or(u32::MAX);
    Some(whole.saturating_mul(1000).saturating_add(number(&rest)?))
}
