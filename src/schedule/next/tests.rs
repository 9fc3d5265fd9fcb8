use super::super::calendar;
use super::*;
use crate::clock::Timestamp;
use crate::sys::time;
use std::collections::BTreeSet;

/// A zone: its first offset, and from which moments on it has which others, in seconds.
#[derive(Clone, Copy)]
struct Zone(i64, &'static [(i64, i64)]);

const HOUR: i64 = 3_600;

const UTC: Zone = Zone(0, &[]);
/// 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
const BERLIN: Zone = Zone(HOUR, &[(1_774_746_000, 2 * HOUR), (1_792_890_000, HOUR)]);
/// 2026-03-08 02:00 becomes 03:00, 2026-11-01 02:00 becomes 01:00.
const NEW_YORK: Zone = Zone(
    -5 * HOUR,
    &[(1_772_953_200, -4 * HOUR), (1_793_512_800, -5 * HOUR)],
);
/// 2026-04-05 02:00 becomes 01:30, 2026-10-04 02:00 becomes 02:30.
const LORD_HOWE: Zone = Zone(
    11 * HOUR,
    &[
        (1_775_314_800, 10 * HOUR + HOUR / 2),
        (1_791_041_400, 11 * HOUR),
    ],
);
/// 2026-03-29 00:00 becomes 01:00, 2026-10-25 00:00 becomes 23:00 of the day before.
const BEIRUT: Zone = Zone(
    2 * HOUR,
    &[(1_774_735_200, 3 * HOUR), (1_792_875_600, 2 * HOUR)],
);
/// The 2011-12-30 is left out.
const APIA: Zone = Zone(-10 * HOUR, &[(1_325_239_200, 14 * HOUR)]);

impl Zone {
    fn offset(self, moment: i64) -> i64 {
        let passed = self.1.iter().rev().find(|(change, _)| *change <= moment);
        passed.map_or(self.0, |(_, offset)| *offset)
    }
}

/// The moment that a text such as `2026-03-29 01:30 +1` names, of which the last part are hours
/// that local time is ahead.
fn moment(text: &str) -> i64 {
    let mut parts = text.split([' ', ':']);
    let date: Vec<&str> = parts.next().unwrap().split('-').collect();
    let (month, day) = (date[1].parse().unwrap(), date[2].parse().unwrap());
    let mut number = |missing: f64| parts.next().map_or(missing, |part| part.parse().unwrap());
    let (hour, minute, offset) = (number(0.0), number(0.0), number(0.0));
    let year: i64 = date[0].parse().unwrap();
    let about = (year - 1970) * 365 + (year - 1969).div_euclid(4) - 2;
    let days = (about - 3..).find(|number| {
        let then = time::utc(at(number * DAY));
        (then.year, then.month, then.day) == (year, month, day)
    });
    assert!(days.is_some_and(|day| calendar::month_and_day(day).0 == month));
    days.unwrap() * DAY + (hour * 3_600.0 + minute * 60.0 - offset * 3_600.0) as i64
}

fn at(seconds: i64) -> Timestamp {
    Timestamp {
        seconds,
        nanoseconds: 0,
    }
}

/// The same the other way round, with seconds where there are any.
fn shown(moment: i64, zone: Zone) -> String {
    let offset = zone.offset(moment);
    let then = time::utc(at(moment + offset));
    let seconds = match then.second {
        0 => String::new(),
        second => format!(":{second:02}"),
    };
    let hours = offset as f64 / 3_600.0;
    let (year, month, day, hour, minute) =
        (then.year, then.month, then.day, then.hour, then.minute);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}{seconds} {hours:+}")
}

/// So many times of a schedule, from a moment on.
fn times(zone: Zone, text: &str, from: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(text).unwrap();
    let mut after = moment(from);
    let mut found = Vec::new();
    for _ in 0..count {
        after = next(&schedule, after, &|moment| zone.offset(moment)).unwrap();
        found.push(shown(after, zone));
    }
    found
}

#[test]
fn months_end_when_they_end_and_leap_days_come_in_leap_years() {
    for (text, from, expected) in [
        (
            "0 0 31 * *",
            "2026-01-01",
            ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"],
        ),
        (
            "0 0 30 * *",
            "2026-01-15",
            ["2026-01-30", "2026-03-30", "2026-04-30", "2026-05-30"],
        ),
        (
            "0 0 29 2 *",
            "1995-03-01",
            ["1996-02-29", "2000-02-29", "2004-02-29", "2008-02-29"],
        ),
        (
            "0 0 29 2 *",
            "2092-03-01",
            ["2096-02-29", "2104-02-29", "2108-02-29", "2112-02-29"],
        ),
        (
            "0 0 29 2 */7",
            "2000-01-01",
            ["2004-02-29", "2032-02-29", "2060-02-29", "2088-02-29"],
        ),
        (
            "0 0 1 1 *",
            "2026-12-31",
            ["2027-01-01", "2028-01-01", "2029-01-01", "2030-01-01"],
        ),
        (
            "0 0 13 * fri",
            "2026-03-01",
            ["2026-03-06", "2026-03-13", "2026-03-20", "2026-03-27"],
        ),
        (
            "@weekly",
            "2026-02-25",
            ["2026-03-01", "2026-03-08", "2026-03-15", "2026-03-22"],
        ),
        (
            "@monthly",
            "2026-11-30",
            ["2026-12-01", "2027-01-01", "2027-02-01", "2027-03-01"],
        ),
    ] {
        let expected = expected.map(|date| format!("{date} 00:00 +0"));
        assert_eq!(times(UTC, text, from, 4), expected, "{text}");
    }
}

#[test]
fn a_time_comes_after_the_moment_and_never_at_it() {
    let expected = ["2026-01-01 00:00:20 +0", "2026-01-01 00:00:40 +0"];
    assert_eq!(times(UTC, "*/20 * * * * *", "2026-01-01", 2), expected);
    assert_eq!(
        times(UTC, "@daily", "2026-01-01", 1),
        ["2026-01-02 00:00 +0"]
    );
}

#[test]
fn what_is_left_out_in_spring_comes_right_after_the_change() {
    for (zone, text, from, expected) in [
        (
            BERLIN,
            "30 2 * * *",
            "2026-03-28 02:00 +1",
            [
                "2026-03-28 02:30 +1",
                "2026-03-29 03:00 +2",
                "2026-03-30 02:30 +2",
            ],
        ),
        // Several that are left out are one.
        (
            BERLIN,
            "0,15,30 2 * * *",
            "2026-03-28 12:00 +1",
            [
                "2026-03-29 03:00 +2",
                "2026-03-30 02:00 +2",
                "2026-03-30 02:15 +2",
            ],
        ),
        (
            BERLIN,
            "0 */2 * * *",
            "2026-03-29 00:00 +1",
            [
                "2026-03-29 03:00 +2",
                "2026-03-29 04:00 +2",
                "2026-03-29 06:00 +2",
            ],
        ),
        (
            NEW_YORK,
            "5 2 8 3 *",
            "2026-01-01 00:00 -5",
            [
                "2026-03-08 03:00 -4",
                "2027-03-08 02:05 -5",
                "2028-03-08 02:05 -5",
            ],
        ),
        (
            LORD_HOWE,
            "15 2 * * *",
            "2026-10-03 00:00 10.5",
            [
                "2026-10-03 02:15 +10.5",
                "2026-10-04 02:30 +11",
                "2026-10-05 02:15 +11",
            ],
        ),
        (
            BEIRUT,
            "@daily",
            "2026-03-27 12:00 +2",
            [
                "2026-03-28 00:00 +2",
                "2026-03-29 01:00 +3",
                "2026-03-30 00:00 +3",
            ],
        ),
        (
            APIA,
            "0 12 * * *",
            "2011-12-28 13:00 -10",
            [
                "2011-12-29 12:00 -10",
                "2011-12-31 00:00 +14",
                "2011-12-31 12:00 +14",
            ],
        ),
        // By elapsed time.
        (
            BERLIN,
            "30 * * * *",
            "2026-03-29 00:30 +1",
            [
                "2026-03-29 01:30 +1",
                "2026-03-29 03:30 +2",
                "2026-03-29 04:30 +2",
            ],
        ),
        (
            BERLIN,
            "*/20 2,3 * * *",
            "2026-03-28 04:00 +1",
            [
                "2026-03-29 03:00 +2",
                "2026-03-29 03:20 +2",
                "2026-03-29 03:40 +2",
            ],
        ),
        (
            LORD_HOWE,
            "*/20 * * * *",
            "2026-10-04 01:20 10.5",
            [
                "2026-10-04 01:40 +10.5",
                "2026-10-04 02:40 +11",
                "2026-10-04 03:00 +11",
            ],
        ),
    ] {
        assert_eq!(times(zone, text, from, 3), expected, "{text} from {from}");
    }
}

#[test]
fn what_is_repeated_in_autumn_comes_once() {
    for (zone, text, from, expected) in [
        (
            BERLIN,
            "30 2 * * *",
            "2026-10-24 12:00 +2",
            [
                "2026-10-25 02:30 +2",
                "2026-10-26 02:30 +1",
                "2026-10-27 02:30 +1",
            ],
        ),
        // Started within the hour that is repeated, after it and before it.
        (
            BERLIN,
            "30 2 * * *",
            "2026-10-25 02:45 +2",
            [
                "2026-10-26 02:30 +1",
                "2026-10-27 02:30 +1",
                "2026-10-28 02:30 +1",
            ],
        ),
        (
            BERLIN,
            "30 2 * * *",
            "2026-10-25 02:10 +1",
            [
                "2026-10-26 02:30 +1",
                "2026-10-27 02:30 +1",
                "2026-10-28 02:30 +1",
            ],
        ),
        (
            NEW_YORK,
            "0,59 1 * * *",
            "2026-11-01 00:00 -4",
            [
                "2026-11-01 01:00 -4",
                "2026-11-01 01:59 -4",
                "2026-11-02 01:00 -5",
            ],
        ),
        (
            LORD_HOWE,
            "45 1 * * *",
            "2026-04-05 00:00 11",
            [
                "2026-04-05 01:45 +11",
                "2026-04-06 01:45 +10.5",
                "2026-04-07 01:45 +10.5",
            ],
        ),
        (
            BEIRUT,
            "30 23 * * *",
            "2026-10-24 12:00 +3",
            [
                "2026-10-24 23:30 +3",
                "2026-10-25 23:30 +2",
                "2026-10-26 23:30 +2",
            ],
        ),
        (
            BEIRUT,
            "@daily",
            "2026-10-23 12:00 +3",
            [
                "2026-10-24 00:00 +3",
                "2026-10-25 00:00 +2",
                "2026-10-26 00:00 +2",
            ],
        ),
        // By elapsed time.
        (
            BERLIN,
            "30 * * * *",
            "2026-10-25 02:00 +2",
            [
                "2026-10-25 02:30 +2",
                "2026-10-25 02:30 +1",
                "2026-10-25 03:30 +1",
            ],
        ),
        (
            BEIRUT,
            "*/30 23 * * *",
            "2026-10-24 23:10 +3",
            [
                "2026-10-24 23:30 +3",
                "2026-10-24 23:00 +2",
                "2026-10-24 23:30 +2",
            ],
        ),
        (
            LORD_HOWE,
            "0 * * * *",
            "2026-04-05 00:30 11",
            [
                "2026-04-05 01:00 +11",
                "2026-04-05 02:00 +10.5",
                "2026-04-05 03:00 +10.5",
            ],
        ),
    ] {
        assert_eq!(times(zone, text, from, 3), expected, "{text} from {from}");
    }
}

/// splitmix64
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn field(&mut self, end: u64) -> String {
        match self.below(4) {
            0 => "*".to_owned(),
            1 => format!("*/{}", self.below(end) + 1),
            2 => format!("{}-{}", self.below(end / 2), end / 2 + self.below(end / 2)),
            _ => format!("{},{}", self.below(end), self.below(end)),
        }
    }
}

/// Every minute around a change, one after the other, with the sentences of the manual.
#[test]
fn random_schedules_agree_with_a_slow_count_around_changes() {
    let mut random = Random(26);
    for zone in [BERLIN, NEW_YORK, LORD_HOWE, BEIRUT, APIA] {
        for (change, _) in zone.1 {
            for _ in 0..40 {
                let text = format!("{} {} * * *", random.field(60), random.field(24));
                let schedule = Schedule::parse(&text).unwrap();
                let (begin, end) = (change - 30 * HOUR, change + 30 * HOUR);
                let local = |moment: i64| moment + zone.offset(moment);
                let comes = |local: i64| {
                    let of_day = local.rem_euclid(DAY);
                    schedule.time_from(of_day) == Some(of_day)
                };
                let minutes = || (begin + 60..end).step_by(60);
                let mut seen = BTreeSet::new();
                let mut is_first = |moment: i64| seen.insert(local(moment));
                let left_out = (local(change - 60) + 60..local(*change)).step_by(60);
                let is_left_out = left_out.into_iter().any(comes);
                let expected: Vec<i64> = minutes()
                    .filter(|moment| match schedule.is_frequent() {
                        true => comes(local(*moment)),
                        false => {
                            (is_first(*moment) && comes(local(*moment)))
                                || (*moment == *change && is_left_out)
                        }
                    })
                    .collect();
                let mut found = Vec::new();
                let mut after = begin;
                while let Some(moment) = next(&schedule, after, &|moment| zone.offset(moment))
                    && moment < end
                {
                    found.push(moment);
                    after = moment;
                }
                let shown = |moments: &[i64]| -> Vec<String> {
                    moments.iter().map(|moment| shown(*moment, zone)).collect()
                };
                assert_eq!(shown(&found), shown(&expected), "{text}");
            }
        }
    }
}
