//! The time of lines as text. The calendar is asked once a second; in between the
//! fraction is put in.

use crate::clock::Timestamp;
use crate::snapshot::saved;
use crate::sys::time::LocalTime;

/// The two forms of one moment.
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    /// The second that the texts are of, if they are of any.
    second: Option<i64>,
    plain: Vec<u8>,
    rfc3339: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StampForm {
    /// `2026-11-23 08:15:00,123`, as in the main log.
    Plain,
    /// `2026-11-23T08:15:00.123456+01:00`
    Rfc3339,
}

saved! { enum StampForm { Plain, Rfc3339 } }

/// How long the zone is at the end of the second form.
const ZONE: usize = "+01:00".len();

impl Stamp {
    /// Becomes that moment, by the calendar here.
    pub fn set(&mut self, now: Timestamp, local: impl Fn(Timestamp) -> LocalTime) {
        if self.second != Some(now.seconds) {
            self.second = Some(now.seconds);
            let time = local(now);
            let (year, month, day) = (time.year, time.month, time.day);
            let (hour, minute, second) = (time.hour, time.minute, time.second);
            self.plain =
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},000")
                    .into_bytes();
            let sign = if time.utc_offset_seconds < 0 {
                '-'
            } else {
                '+'
            };
            let offset = time.utc_offset_seconds.abs() / 60;
            self.rfc3339 = self.plain.clone();
            self.rfc3339.truncate(self.plain.len() - ",000".len());
            if let Some(blank) = self.rfc3339.iter_mut().find(|byte| **byte == b' ') {
                *blank = b'T';
            }
            let zone = format!(".000000{sign}{:02}:{:02}", offset / 60, offset % 60);
            self.rfc3339.extend_from_slice(zone.as_bytes());
        }
        put_number(&mut self.plain, 0, 3, now.nanoseconds / 1_000_000);
        put_number(&mut self.rfc3339, ZONE, 6, now.nanoseconds / 1000);
    }

    pub fn text(&self, form: StampForm) -> &[u8] {
        match form {
            StampForm::Plain => &self.plain,
            StampForm::Rfc3339 => &self.rfc3339,
        }
    }
}

/// Writes so many digits before the last bytes of a text.
fn put_number(text: &mut [u8], after: usize, digits: usize, mut number: u32) {
    let places = text.iter_mut().rev().skip(after).take(digits);
    for place in places {
        *place = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::time;
    use std::cell::Cell;

    fn texts(stamp: &Stamp) -> [String; 2] {
        let text = |form| String::from_utf8(stamp.text(form).to_vec()).unwrap();
        [text(StampForm::Plain), text(StampForm::Rfc3339)]
    }

    fn at(seconds: i64, nanoseconds: u32) -> Timestamp {
        Timestamp {
            seconds,
            nanoseconds,
        }
    }

    #[test]
    fn a_moment_has_two_forms_and_its_fraction_is_cut() {
        for (nanoseconds, offset, expected) in [
            (
                0,
                0,
                [
                    "2026-11-23 09:02:03,000",
                    "2026-11-23T09:02:03.000000+00:00",
                ],
            ),
            (
                6_999_999,
                3600,
                [
                    "2026-11-23 09:02:03,006",
                    "2026-11-23T09:02:03.006999+01:00",
                ],
            ),
            (
                999_999_999,
                -12_600,
                [
                    "2026-11-23 09:02:03,999",
                    "2026-11-23T09:02:03.999999-03:30",
                ],
            ),
        ] {
            let mut stamp = Stamp::default();
            stamp.set(at(1_795_424_523, nanoseconds), |now| LocalTime {
                utc_offset_seconds: offset,
                ..time::utc(now)
            });
            assert_eq!(texts(&stamp), expected);
        }
    }

    #[test]
    fn the_calendar_is_asked_once_a_second() {
        let asked = Cell::new(0);
        let mut stamp = Stamp::default();
        let mut set = |seconds, nanoseconds| {
            stamp.set(at(seconds, nanoseconds), |now| {
                asked.set(asked.get() + 1);
                time::utc(now)
            });
            texts(&stamp)[1].clone()
        };
        assert_eq!(set(59, 5000), "1970-01-01T00:00:59.000005+00:00");
        assert_eq!(set(59, 999_999_000), "1970-01-01T00:00:59.999999+00:00");
        assert_eq!(set(59, 0), "1970-01-01T00:00:59.000000+00:00");
        assert_eq!(asked.get(), 1);
        assert_eq!(set(60, 0), "1970-01-01T00:01:00.000000+00:00");
        // Set back.
        assert_eq!(set(59, 1000), "1970-01-01T00:00:59.000001+00:00");
        assert_eq!(asked.get(), 3);
    }
}
