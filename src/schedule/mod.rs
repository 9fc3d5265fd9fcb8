//! When a line of a crontab comes due: functions of the expression, of the wall clock and of
//! the offsets that local time has had, which whoever asks knows.

pub mod calendar;
pub mod due;
pub mod expression;
pub mod next;
