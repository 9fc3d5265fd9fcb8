//! Days of the local calendar, and when the next one begins.

use crate::snapshot::saved;

/// The longest that a day is with its change of time, and a whole day that a country leaves out,
/// in seconds.
const LONGEST: i64 = 50 * 3600;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

saved! { struct Day { year, month, day } }

/// The first second after `now` that has a later day, by what the calendar says of each second.
/// It is midnight, or the first second after a gap that midnight falls into.
pub fn next(now: i64, day_at: impl Fn(i64) -> Day) -> i64 {
    let today = day_at(now);
    let (mut before, mut after) = (now, now.saturating_add(LONGEST));
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        match day_at(middle) > today {
            true => after = middle,
            false => before = middle,
        }
    }
    after
}

/// What a log does at a time of a day, by the day that its file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The file is of this day.
    Stay,
    /// Its day is over.
    RollOver,
    /// The clock was set back before its day: it goes on, as of this day.
    Adopt,
}

pub fn turn(of_file: Day, today: Day) -> Turn {
    match of_file.cmp(&today) {
        std::cmp::Ordering::Less => Turn::RollOver,
        std::cmp::Ordering::Equal => Turn::Stay,
        std::cmp::Ordering::Greater => Turn::Adopt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01 00:00 UTC.
    const NEW_YEAR: i64 = 1_767_225_600;
    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;

    /// The day of a local time in seconds, counted in days since 1970 and put into `day`.
    fn plain(local: i64) -> Day {
        Day {
            year: 0,
            month: 0,
            day: u32::try_from(local.div_euclid(DAY)).unwrap(),
        }
    }

    /// A zone that is `before` seconds east until a moment, and `after` from there on.
    fn zone(moment: i64, before: i64, after: i64) -> impl Fn(i64) -> Day {
        move |time| plain(time + if time < moment { before } else { after })
    }

    #[test]
    fn the_next_day_begins_at_local_midnight() {
        for (now, east, expected) in [
            (NEW_YEAR, 0, NEW_YEAR + DAY),
            (NEW_YEAR - 1, 0, NEW_YEAR),
            (NEW_YEAR + 1, 0, NEW_YEAR + DAY),
            (NEW_YEAR + 22 * HOUR, HOUR, NEW_YEAR + 23 * HOUR),
            (NEW_YEAR + 23 * HOUR, HOUR, NEW_YEAR + 47 * HOUR),
            (NEW_YEAR, -5 * HOUR, NEW_YEAR + 5 * HOUR),
            (NEW_YEAR, 20_700, NEW_YEAR + DAY - 20_700),
            (NEW_YEAR, 14 * HOUR, NEW_YEAR + 10 * HOUR),
        ] {
            assert_eq!(
                next(now, |time| plain(time + east)),
                expected,
                "{now} {east}"
            );
        }
    }

    #[test]
    fn days_of_summer_time_have_23_and_25_hours() {
        // Local midnight of the day of the change, an hour east of Greenwich.
        let midnight = NEW_YEAR - HOUR;
        let change = midnight + 2 * HOUR;
        let spring = zone(change, HOUR, 2 * HOUR);
        assert_eq!(next(midnight, spring), midnight + 23 * HOUR);
        let autumn = zone(change, HOUR, 0);
        assert_eq!(next(midnight, autumn), midnight + 25 * HOUR);
    }

    #[test]
    fn a_change_at_midnight_itself_makes_one_next_day() {
        // 00:00 becomes 01:00: the day begins with the change.
        let forward = zone(NEW_YEAR, 0, HOUR);
        assert_eq!(next(NEW_YEAR - HOUR, forward), NEW_YEAR);
        // 00:00 becomes 23:00: the day before has an hour more.
        let back = zone(NEW_YEAR, 0, -HOUR);
        assert_eq!(next(NEW_YEAR - HOUR, back), NEW_YEAR + HOUR);
        // A country leaves a day out.
        let left_out = zone(NEW_YEAR, -10 * HOUR, 14 * HOUR);
        assert_eq!(next(NEW_YEAR - HOUR, left_out), NEW_YEAR);
    }

    #[test]
    fn months_and_years_end() {
        let day = |year, month, day| Day { year, month, day };
        assert!(day(2026, 1, 31) < day(2026, 2, 1));
        assert!(day(2026, 12, 31) < day(2027, 1, 1));
    }

    #[test]
    fn a_file_of_a_day_that_is_over_rolls_over() {
        let day = |day| Day {
            year: 2026,
            month: 5,
            day,
        };
        for (file, today, expected) in [
            (4, 5, Turn::RollOver),
            (5, 5, Turn::Stay),
            (6, 5, Turn::Adopt),
        ] {
            assert_eq!(turn(day(file), day(today)), expected);
        }
    }
}
