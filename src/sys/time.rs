//! The two clocks, and the calendar of the local time zone.

use std::mem::MaybeUninit;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::{Monotonic, Now, Timestamp};

/// A moment by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Such as 2026.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
    /// 0 is Sunday.
    pub weekday: u32,
    /// Seconds east of Greenwich.
    pub utc_offset_seconds: i64,
}

/// Both clocks.
pub fn now() -> Now {
    Now {
        monotonic: monotonic(),
        wall: wall(),
    }
}

/// The clock for deadlines.
pub fn monotonic() -> Monotonic {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the result. CLOCK_MONOTONIC cannot
    // fail where std works at all; zero would be left otherwise.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    Monotonic(Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    ))
}

/// The clock for stamps.
pub fn wall() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: since.subsec_nanos(),
        },
        Err(before) => timestamp_before_epoch(before.duration()),
    }
}

/// A moment that lies `distance` before 1970, with a fraction that still counts forward.
fn timestamp_before_epoch(distance: Duration) -> Timestamp {
    let seconds = i64::try_from(distance.as_secs()).map_or(i64::MIN, |seconds| -seconds);
    match distance.subsec_nanos() {
        0 => Timestamp {
            seconds,
            nanoseconds: 0,
        },
        part => Timestamp {
            seconds: seconds.saturating_sub(1),
            nanoseconds: 1_000_000_000 - part,
        },
    }
}

/// The calendar here, as `TZ` or the system's setting has it.
pub fn local(time: Timestamp) -> LocalTime {
    broken_down(time, libc::localtime_r)
}

/// The calendar at Greenwich.
pub fn utc(time: Timestamp) -> LocalTime {
    broken_down(time, libc::gmtime_r)
}

/// What the system counts seconds in. On musl the `libc` crate warns that it will be wider one day.
#[allow(deprecated)]
type Seconds = libc::time_t;

/// `convert` fails only for years that do not fit an int; such a moment reads as the epoch.
fn broken_down(
    time: Timestamp,
    convert: unsafe extern "C" fn(*const Seconds, *mut libc::tm) -> *mut libc::tm,
) -> LocalTime {
    #[allow(clippy::useless_conversion)] // time_t has 32 bits on some platforms
    let seconds = Seconds::try_from(time.seconds).unwrap_or(0);
    let mut parts = MaybeUninit::uninit();
    // SAFETY: both pointers are valid for the call, and what comes back is the second one or null.
    let Some(parts) = (unsafe { convert(&seconds, parts.as_mut_ptr()).as_ref() }) else {
        return LocalTime {
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            weekday: 4,
            utc_offset_seconds: 0,
        };
    };
    let positive = |number: libc::c_int| u32::try_from(number).unwrap_or(0);
    LocalTime {
        year: i64::from(parts.tm_year) + 1900,
        month: positive(parts.tm_mon) + 1,
        day: positive(parts.tm_mday),
        hour: positive(parts.tm_hour),
        minute: positive(parts.tm_min),
        second: positive(parts.tm_sec),
        weekday: positive(parts.tm_wday),
        #[allow(clippy::unnecessary_cast)] // c_long has 32 bits on some platforms
        utc_offset_seconds: parts.tm_gmtoff as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::isolated;
    use std::process::Command;

    fn at(seconds: i64) -> Timestamp {
        Timestamp {
            seconds,
            nanoseconds: 0,
        }
    }

    fn printed(time: LocalTime) -> String {
        format!(
            "{}-{:02}-{:02} {:02}:{:02}:{:02} {} {}",
            time.year,
            time.month,
            time.day,
            time.hour,
            time.minute,
            time.second,
            time.weekday,
            time.utc_offset_seconds
        )
    }

    #[test]
    fn moments_have_a_date_at_greenwich() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 4 0"),
            (-1, "1969-12-31 23:59:59 3 0"),
            (951_782_400, "2000-02-29 00:00:00 2 0"),
            (1_795_424_523, "2026-11-23 09:02:03 1 0"),
            (i64::MAX, "1970-01-01 00:00:00 4 0"),
        ] {
            assert_eq!(printed(utc(at(seconds))), expected);
        }
    }

    #[test]
    fn the_local_date_is_that_of_the_system() {
        for seconds in [0, 1_751_371_200, 1_795_424_523] {
            let output = Command::new("date")
                .args(["-d", &format!("@{seconds}"), "+%Y-%m-%d %H:%M:%S %w"])
                .output()
                .unwrap();
            let expected = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            assert!(printed(local(at(seconds))).starts_with(&expected));
        }
    }

    #[test]
    fn tz_is_honoured() {
        let zone = [("TZ", "XST-5:30XDT,M3.5.0,M10.5.0")];
        if isolated(module_path!(), "tz_is_honoured", &zone) {
            return;
        }
        assert_eq!(
            printed(local(at(1_795_424_523))),
            "2026-11-23 14:32:03 1 19800"
        );
        assert_eq!(
            printed(local(at(1_751_371_200))),
            "2025-07-01 18:30:00 2 23400"
        );
    }

    #[test]
    fn clocks_go_forward() {
        let (first, second) = (now(), now());
        assert!(second.monotonic >= first.monotonic);
        assert!(first.wall.seconds > 1_700_000_000);
    }

    #[test]
    fn a_moment_before_1970_counts_its_fraction_forward() {
        let moment = |seconds, nanoseconds| Timestamp {
            seconds,
            nanoseconds,
        };
        for (distance, expected) in [
            (Duration::new(5, 0), moment(-5, 0)),
            (Duration::new(5, 250_000_000), moment(-6, 750_000_000)),
            (Duration::new(0, 1), moment(-1, 999_999_999)),
        ] {
            assert_eq!(timestamp_before_epoch(distance), expected);
        }
    }
}
