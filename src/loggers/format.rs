//! The form of a record in the main log: `2026-11-23 08:15:00,123 INFO message`.

use std::fmt::{Display, Write};

use crate::log_level::Level;
use crate::sys::time::LocalTime;
use crate::text::plain;

/// Appends one record, with its newline, to `line`; milliseconds are cut, not rounded.
/// Whatever the message quotes, it stays one line: control characters in it are shown
/// by their numbers.
pub fn append_record(
    line: &mut String,
    time: LocalTime,
    nanoseconds: u32,
    level: Level,
    message: impl Display,
) {
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03} {} ",
        time.year,
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second,
        nanoseconds / 1_000_000,
        level.tag(),
    );
    let start = line.len();
    // A Display that fails leaves a short record.
    let _ = write!(line, "{message}");
    plain::make_plain(line, start);
    line.push('\n');
}

/// Adds to a record what a child wrote, in a line of its own, with the line feed at its
/// end that 4.3.0 leaves there too. One that begins with a digit is set off: a line
/// that begins with a time is never a child's.
pub fn append_text(record: &mut String, text: &str) {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        record.push_str("  ");
    }
    let (text, end) = match text.strip_suffix('\n') {
        Some(text) => (text, "\n\n"),
        None => (text, "\n"),
    };
    plain::push(record, text);
    record.push_str(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(nanoseconds: u32, message: &str) -> String {
        let time = LocalTime {
            year: 2026,
            month: 1,
            day: 2,
            hour: 3,
            minute: 4,
            second: 5,
            weekday: 5,
            utc_offset_seconds: 0,
        };
        let mut line = String::new();
        append_record(&mut line, time, nanoseconds, Level::Warn, message);
        line
    }

    #[test]
    fn a_record_has_date_time_level_and_message() {
        assert_eq!(record(0, "x"), "2026-01-02 03:04:05,000 WARN x\n");
    }

    #[test]
    fn milliseconds_are_cut() {
        assert_eq!(record(6_999_999, "x"), "2026-01-02 03:04:05,006 WARN x\n");
        assert_eq!(record(999_999_999, "x"), "2026-01-02 03:04:05,999 WARN x\n");
    }

    #[test]
    fn a_message_is_one_line_of_text() {
        assert_eq!(
            record(0, "a\nb %s \u{1b}[1m\u{9b}\r\n"),
            "2026-01-02 03:04:05,000 WARN a\\x0ab %s \\x1b[1m\\x9b\\x0d\\x0a\n"
        );
    }

    #[test]
    fn what_a_child_wrote_is_one_line_that_does_not_look_like_a_record() {
        for (text, expected) in [
            ("out", "out\n"),
            ("out\n", "out\n\n"),
            ("one\n2026\r\n\n", "one\\x0a2026\\x0d\\x0a\n\n"),
            ("2026-01-02", "  2026-01-02\n"),
            ("", "\n"),
        ] {
            let mut line = record(0, "output:");
            append_text(&mut line, text);
            let head = "2026-01-02 03:04:05,000 WARN output:\n";
            assert_eq!(line, format!("{head}{expected}"), "{text:?}");
        }
    }
}
