//! Days by their number, counted from 1970-01-01.

/// The length of a day on a clock that nobody changes, in seconds.
pub const DAY: i64 = 86_400;

/// Month (1 to 12) and day of the month of a day. After Howard Hinnant's `civil_from_days`, which
/// lets years begin in March so that a leap day is the last one.
pub fn month_and_day(day: i64) -> (u32, u32) {
    let since_march_0 = day + 719_468;
    let of_era = since_march_0.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let number = |number: i64| u32::try_from(number).unwrap_or(0);
    (number(month), number(of_month))
}

/// The day of the week; 0 is Sunday.
pub fn weekday(day: i64) -> u32 {
    u32::try_from((day + 4).rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::sys::time;

    #[test]
    fn days_are_those_of_the_system() {
        for day in -200_000..200_000 {
            let then = time::utc(Timestamp {
                seconds: day * DAY,
                nanoseconds: 0,
            });
            assert_eq!(month_and_day(day), (then.month, then.day), "{day}");
            assert_eq!(weekday(day), then.weekday, "{day}");
        }
    }
}
