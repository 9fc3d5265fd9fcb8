//! The two clocks, and the calendar of the local time zone.

use std::mem::MaybeUninit;
use std::time::Duration;

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

pub fn now() -> Now {
    Now {
        monotonic: monotonic(),
        wall: wall(),
    }
}

/// The clock for deadlines.
pub fn monotonic() -> Monotonic {
    let time = read(libc::CLOCK_MONOTONIC);
    Monotonic(Duration::new(
        u64::try_from(time.seconds).unwrap_or(0),
        time.nanoseconds,
    ))
}

/// The clock for stamps.
pub fn wall() -> Timestamp {
    read(libc::CLOCK_REALTIME)
}

fn read(clock: libc::clockid_t) -> Timestamp {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the result. It cannot fail for these
    // two clocks where std works at all; zero would be left otherwise.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Timestamp {
        #[allow(clippy::unnecessary_cast)] // time_t has 32 bits on some platforms
        seconds: time.tv_sec as i64,
        nanoseconds: u32::try_from(time.tv_nsec).unwrap_or(0),
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
    let mut parts = MaybeUninit::zeroed();
    // SAFETY: all pointers are valid for the calls, which fill the parts in or leave them zero,
    // which is a valid value of each of them.
    let parts = unsafe {
        if convert(&seconds, parts.as_mut_ptr()).is_null() {
            convert(&0, parts.as_mut_ptr());
        }
        parts.assume_init()
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
}
