//! Dates as HTTP and the access log write them, in UTC, and English names of days and
//! months, whatever the locale.

use std::fmt::Write as _;

use crate::clock::Timestamp;

pub const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
pub const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Sun, 22 Nov 2026 18:28:55 GMT` (RFC 1123).
pub fn rfc1123(time: Timestamp) -> String {
    let civil = Civil::of(time);
    let mut text = String::with_capacity(29);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        civil.weekday, civil.day, civil.month, civil.year, civil.hour, civil.minute, civil.second
    );
    text
}

/// `22/Nov/2026:18:28:54 +0000`. 4.3.0 prints the time in UTC beside the
/// local zone's offset; here both are UTC.
pub fn access_log(time: Timestamp) -> String {
    let civil = Civil::of(time);
    let mut text = String::with_capacity(26);
    let _ = write!(
        text,
        "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000",
        civil.day, civil.month, civil.year, civil.hour, civil.minute, civil.second
    );
    text
}

struct Civil {
    weekday: &'static str,
    day: i64,
    month: &'static str,
    year: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    fn of(time: Timestamp) -> Civil {
        let days = time.seconds.div_euclid(86_400);
        let second = time.seconds.rem_euclid(86_400);
        // Years are counted from 1 March of year 0, so that a leap day ends its
        // year; an era is 400 years of 146 097 days.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = (march_month + 2) % 12;
        Civil {
            // The first of January 1970 was a Thursday.
            weekday: DAYS[(days + 4).rem_euclid(7) as usize],
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            month: MONTHS[month as usize],
            year: year_of_era + era * 400 + i64::from(month < 2),
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, http, log) in [
            (
                0,
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "01/Jan/1970:00:00:00 +0000",
            ),
            (
                -1,
                "Wed, 31 Dec 1969 23:59:59 GMT",
                "31/Dec/1969:23:59:59 +0000",
            ),
            (
                951_782_400,
                "Tue, 29 Feb 2000 00:00:00 GMT",
                "29/Feb/2000:00:00:00 +0000",
            ),
            (
                951_868_800,
                "Wed, 01 Mar 2000 00:00:00 GMT",
                "01/Mar/2000:00:00:00 +0000",
            ),
            (
                1_795_372_135,
                "Sun, 22 Nov 2026 18:28:55 GMT",
                "22/Nov/2026:18:28:55 +0000",
            ),
            (
                4_107_542_399,
                "Sun, 28 Feb 2100 23:59:59 GMT",
                "28/Feb/2100:23:59:59 +0000",
            ),
            (
                4_107_542_400,
                "Mon, 01 Mar 2100 00:00:00 GMT",
                "01/Mar/2100:00:00:00 +0000",
            ),
        ] {
            let time = Timestamp {
                seconds,
                nanoseconds: 0,
            };
            assert_eq!(rfc1123(time), http);
            assert_eq!(access_log(time), log);
        }
    }

    #[test]
    fn clocks_far_off_do_not_panic() {
        for seconds in [-10_000_000_000, 100_000_000_000_000] {
            rfc1123(Timestamp {
                seconds,
                nanoseconds: 0,
            });
        }
    }
}
