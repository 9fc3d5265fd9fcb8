//! Logs whose files are kept in a manner of their own: that they roll over at midnight,
//! whether anything is written or not.
//!
//! One timer is enough for all. It looks at the clock once a minute at least, since that may be
//! set, and a log goes by the day that its file is of. Without such a log there is no timer.

use std::rc::Rc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::keeping::{FileKeeping, Rotate};
use crate::loggers::day;
use crate::loggers::failure::LogFailure;
use crate::loggers::rotation::Rotation;
use crate::loggers::shared::{self, SharedLog};
use crate::loggers::target;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::tokens::{LogId, Timer};

/// The longest wait before the clock is looked at again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl LoopContext {
    /// Keeps the files of a log that was opened just now as is configured, if anything is.
    pub fn keep_log(&mut self, log: &LogUse, user: LogUser<'_>, keeping: Option<&Rc<FileKeeping>>) {
        let now = self.now.wall;
        let identity = self.logs.get(log.id).map(SharedLog::identity);
        let is_busy = identity.is_some_and(|identity| self.is_busy(identity));
        if let (Some(keeping), Some(open)) = (keeping, self.logs.get_mut(log.id)) {
            open.target.keep(keeping, now, is_busy);
            self.note_rotated(log.id);
            self.settle_log(log.id, Some(user));
            if keeping.rotate == Rotate::Daily && self.midnight.is_none() {
                self.await_midnight();
            }
        }
    }

    /// The same for a log whose users want something else now, if so many are all there are:
    /// what they wanted before counts no more.
    pub fn keep_anew(
        &mut self,
        log: &LogUse,
        user: LogUser<'_>,
        keeping: Option<&Rc<FileKeeping>>,
        users: usize,
    ) {
        let open = self.logs.get_mut(log.id);
        if let Some(open) = open.filter(|open| open.user_count() <= users) {
            open.target.forget_keeping();
        }
        self.keep_log(log, user, keeping);
    }

    /// Rolls an open log over, unless it is empty.
    pub fn rotate_log(&mut self, id: LogId) -> Result<(), LogFailure> {
        let open = self.logs.get_mut(id);
        let rotated = open.map_or(Ok(()), |open| open.target.rotate_now());
        self.note_rotated(id);
        self.settle_log(id, None);
        rotated
    }

    /// The same for the log at that path, which may not be open.
    pub fn rotate_path(
        &mut self,
        user: LogUser<'_>,
        path: &str,
        rotation: Rotation,
        keeping: Option<&Rc<FileKeeping>>,
    ) -> Result<(), LogFailure> {
        if let Some(id) = self.logs.find(&shared::identity(path)) {
            return self.rotate_log(id);
        }
        if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
            return Ok(());
        }
        let log = self.open_log(user, path, rotation)?;
        self.keep_log(&log, user, keeping);
        let rotated = self.rotate_log(log.id);
        self.close_log(log);
        rotated
    }

    /// Opens a log anew.
    pub fn reopen_log(&mut self, id: LogId) -> Result<(), LogFailure> {
        let open = self.logs.get_mut(id);
        let reopened = open.map_or(Ok(()), |open| open.target.reopen());
        self.settle_log(id, None);
        reopened
    }

    /// Sets the time for the next look at the clock, if any log rolls over at midnight.
    pub fn await_midnight(&mut self) {
        let mut targets = self.log.file.iter().chain(self.logs.targets_of_children());
        if !targets.any(target::Target::is_daily) {
            self.midnight = None;
            return self.timers.set(Timer::Midnight, None);
        }
        let Timestamp {
            seconds,
            nanoseconds,
        } = self.now.wall;
        let midnight = day::next(seconds, |seconds| {
            target::day_of(Timestamp {
                seconds,
                nanoseconds: 0,
            })
        });
        let left = u64::try_from(midnight - seconds).unwrap_or(0);
        let left =
            Duration::from_secs(left).saturating_sub(Duration::from_nanos(nanoseconds.into()));
        let wait = left.min(LONGEST_WAIT);
        self.midnight = Some(midnight);
        self.timers
            .set(Timer::Midnight, Some(self.now.monotonic + wait));
    }

    /// In each turn of the loop: whether midnight has passed that is waited for.
    pub fn is_past_midnight(&self) -> bool {
        self.midnight
            .is_some_and(|midnight| midnight <= self.now.wall.seconds)
    }

    /// A day may have passed, or the clock have been set: logs roll over whose file is of
    /// a day before this one.
    pub fn look_at_day(&mut self) {
        let today = target::day_of(self.now.wall);
        if let Some(main) = &mut self.log.file {
            main.turn_to(today);
        }
        for id in self.logs.ids() {
            if let Some(open) = self.logs.get_mut(id).filter(|open| open.target.is_daily()) {
                open.target.turn_to(today);
                self.note_rotated(id);
                self.settle_log(id, None);
            }
        }
        self.await_midnight();
    }
}
