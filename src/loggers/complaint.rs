//! When a log that cannot be written to is complained of: at once, and then
//! once a minute with all that was lost in the meantime, so that neither a full
//! disk fills the main log nor a loss stays untold.

use std::fmt;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::loggers::failure::LogFailure;
use crate::snapshot::saved;

/// How often one log is complained of.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// What went wrong with a log and was not told yet, and when it was told last.
#[derive(Debug, Default)]
pub struct Complaint {
    last_told: Option<Monotonic>,
    untold: Losses,
}

saved! { struct Complaint { last_told, untold } }

/// What went wrong with a log. Displays as
/// `cannot write /l: No space left on device; 12 bytes of it are lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// The latest failure; without one the reader has not taken what is lost.
    pub failure: Option<LogFailure>,
    /// How many bytes were lost.
    pub lost: u64,
    /// How many lines were dropped, which count among the bytes.
    pub lines: u64,
}

saved! { struct Losses { failure, lost, lines } }

impl Complaint {
    pub fn note(&mut self, losses: Losses) {
        if losses.failure.is_some() {
            self.untold.failure = losses.failure;
        }
        self.untold.lost += losses.lost;
        self.untold.lines += losses.lines;
    }

    /// What is to be told now; nothing if it was told less than a minute ago.
    pub fn take_due(&mut self, now: Monotonic) -> Option<Losses> {
        if self.next().is_none_or(|next| next > now) {
            return None;
        }
        self.last_told = Some(now);
        self.take()
    }

    /// What was not told yet, for a log that is at its end.
    pub fn take(&mut self) -> Option<Losses> {
        let untold = std::mem::take(&mut self.untold);
        (!untold.is_empty()).then_some(untold)
    }

    /// When it has to be asked again; `None` with nothing to tell.
    pub fn next(&self) -> Option<Monotonic> {
        (!self.untold.is_empty()).then(|| self.remembered_until().unwrap_or_default())
    }

    /// Until when another complaint would come too soon.
    pub fn remembered_until(&self) -> Option<Monotonic> {
        self.last_told.map(|last| last + INTERVAL)
    }
}

impl Losses {
    pub fn is_empty(&self) -> bool {
        *self == Losses::default()
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.failure, self.lost) {
            (Some(failure), 0) => write!(f, "{failure}; nothing of it is lost"),
            (Some(failure), lost) => write!(f, "{failure}; {lost} bytes of it are lost"),
            (None, lost) if self.lines > 0 => write!(
                f,
                "{} lines of it ({lost} bytes) are dropped, for its reader is slow",
                self.lines
            ),
            (None, lost) => write!(
                f,
                "{lost} bytes of it are lost, for its reader has not taken them"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loggers::failure::LogOperation;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn full() -> Option<LogFailure> {
        let error = std::io::Error::from_raw_os_error(libc::ENOSPC);
        Some(LogFailure::new(LogOperation::Write, "/l", &error))
    }

    fn note(complaint: &mut Complaint, failure: Option<LogFailure>, lost: u64) {
        complaint.note(Losses {
            failure,
            lost,
            lines: 0,
        });
    }

    fn told(complaint: &mut Complaint, seconds: u64) -> Option<String> {
        let losses = complaint.take_due(at(seconds));
        losses.map(|losses| losses.to_string())
    }

    #[test]
    fn a_failure_is_told_at_once_and_then_once_a_minute_with_all_that_was_lost() {
        let mut complaint = Complaint::default();
        assert_eq!((told(&mut complaint, 1), complaint.next()), (None, None));
        note(&mut complaint, full(), 5);
        let text = "cannot write /l: No space left on device; 5 bytes of it are lost";
        assert_eq!(told(&mut complaint, 10).as_deref(), Some(text));
        assert_eq!(complaint.next(), None);
        note(&mut complaint, full(), 7);
        note(&mut complaint, None, 1);
        assert_eq!(complaint.next(), Some(at(70)));
        assert_eq!(told(&mut complaint, 69), None);
        let text = "cannot write /l: No space left on device; 8 bytes of it are lost";
        assert_eq!(told(&mut complaint, 70).as_deref(), Some(text));
        assert_eq!(told(&mut complaint, 500), None);
    }

    #[test]
    fn lines_that_were_dropped_are_counted() {
        let mut complaint = Complaint::default();
        for (lines, lost) in [(2, 30), (3, 40)] {
            complaint.note(Losses {
                failure: None,
                lost,
                lines,
            });
        }
        let text = "5 lines of it (70 bytes) are dropped, for its reader is slow";
        assert_eq!(told(&mut complaint, 1).as_deref(), Some(text));
        assert_eq!(complaint.next(), None);
    }

    #[test]
    fn what_is_untold_at_the_end_is_told_whatever_the_time() {
        let mut complaint = Complaint::default();
        note(&mut complaint, full(), 0);
        let text = "cannot write /l: No space left on device; nothing of it is lost";
        assert_eq!(told(&mut complaint, 1).as_deref(), Some(text));
        note(&mut complaint, None, 3);
        assert_eq!(told(&mut complaint, 2), None);
        let text = "3 bytes of it are lost, for its reader has not taken them";
        assert_eq!(complaint.take().unwrap().to_string(), text);
        assert_eq!(complaint.take(), None);
        assert_eq!(complaint.remembered_until(), Some(at(61)));
    }
}
