//! The next time of a schedule. What local time is at a moment says a function from moments
//! (seconds of Unix time) to seconds east of Greenwich.

use super::calendar::DAY;
use super::expression::Schedule;

/// How far ahead is looked: a leap day that is to be a Sunday may be forty years away.
const HORIZON: i64 = 50 * 366;

/// The first moment after that one at which the schedule comes.
///
/// Where local time jumps ahead, what would have come in the hour that is left out comes right
/// after the jump. Where it is set back, what came in the hour that is repeated does not come
/// again. What comes every hour or more often goes by the clock on both sides.
pub fn next(schedule: &Schedule, after: i64, offset: &dyn Fn(i64) -> i64) -> Option<i64> {
    // A change of offset may lead back into the day before.
    let first = after.checked_add(offset(after))?.div_euclid(DAY) - 1;
    let mut days = (first..first.checked_add(HORIZON)?).filter(|day| schedule.has_day(*day));
    days.find_map(|day| on_day(schedule, day * DAY, after, offset))
}

/// The first moment after that one on the local day that begins so many seconds from the
/// beginning of 1970.
fn on_day(
    schedule: &Schedule,
    midnight: i64,
    after: i64,
    offset: &dyn Fn(i64) -> i64,
) -> Option<i64> {
    // Wherever on earth, the day lies between these moments.
    let (begin, end) = (midnight - DAY, midnight + 2 * DAY);
    let (before, behind) = (offset(begin), offset(end));
    let from = |moment: i64, offset: i64| {
        let time = schedule.time_from(moment + offset - midnight)?;
        Some(midnight + time - offset)
    };
    if before == behind {
        return from(after + 1, before);
    }
    let change = change(begin, end, offset);
    if schedule.is_frequent() {
        let is_before = |moment: &i64| *moment < change;
        return from(after + 1, before)
            .filter(is_before)
            .or_else(|| from(change.max(after + 1), behind));
    }
    let mut time = schedule.time_from(0);
    while let Some(second) = time {
        let first = midnight + second - before;
        let moment = match first < change {
            true => first,
            false => (midnight + second - behind).max(change),
        };
        if moment > after {
            return Some(moment);
        }
        time = schedule.time_from(second + 1);
    }
    None
}

/// The first moment with another offset than the first of these two, which the second has not.
fn change(mut before: i64, mut behind: i64, offset: &dyn Fn(i64) -> i64) -> i64 {
    let old = offset(before);
    while behind - before > 1 {
        let middle = before + (behind - before) / 2;
        match offset(middle) == old {
            true => before = middle,
            false => behind = middle,
        }
    }
    behind
}

#[cfg(test)]
mod tests;
