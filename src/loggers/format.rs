//! The form of a record in the main log: `2026-11-23 08:15:00,123 INFO message`.

use std::fmt::Display;
use std::io::Write;

use crate::loggers::level::Level;
use crate::sys::time::LocalTime;

/// Appends one record, with its newline, to `line`. The message is taken as it
/// is, several lines included; milliseconds are cut, not rounded.
pub fn append_record(
    line: &mut Vec<u8>,
    time: LocalTime,
    nanoseconds: u32,
    level: Level,
    message: impl Display,
) {
    // Writing to a vector cannot fail; a Display that does leaves a short record.
    let _ = writeln!(
        line,
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03} {} {message}",
        time.year,
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second,
        nanoseconds / 1_000_000,
        level.tag(),
    );
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
        let mut line = Vec::new();
        append_record(&mut line, time, nanoseconds, Level::Warn, message);
        String::from_utf8(line).unwrap()
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
    fn a_message_is_not_escaped() {
        assert_eq!(
            record(0, "a\nb %s\n"),
            "2026-01-02 03:04:05,000 WARN a\nb %s\n\n"
        );
    }
}
