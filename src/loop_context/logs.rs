//! Opening, writing, clearing, closing and following the logs of children.

use std::cell::RefCell;
use std::fmt::Display;
use std::io;
use std::rc::Rc;

use crate::loggers::failure::LogFailure;
use crate::loggers::file::{LogWriter, Rotation};
use crate::loggers::followed::{FollowedLog, Shared};
use crate::loggers::shared::{self, SharedLog};
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, OpenLog};
use crate::loop_context::watch::Means;
use crate::sys::errno;
use crate::sys::poller::{Interest, Token};
use crate::tokens::{LogId, Source, Timer};

impl LoopContext {
    /// Opens a log of a child, or joins those who write to it already. `user`
    /// is for lines of the main log, such as `stdout of p`.
    pub fn open_log(
        &mut self,
        user: impl Display,
        path: &str,
        rotation: Rotation,
    ) -> Result<LogUse, LogFailure> {
        let mut opened = LogWriter::open(path, rotation)?;
        let identity = shared::identity(path);
        let is_main_log = opened.is_regular()
            && self.log.path().map(shared::identity).as_ref() == Some(&identity);
        if is_main_log {
            opened.follow();
            if !std::mem::replace(&mut self.logs.told_of_main_log, true) {
                self.log.warn(format_args!(
                    "{user}: {path} is the main log; it holds both, and rolls over as the main log does"
                ));
            }
        }
        let followed = self.following.find(&identity);
        let same = self.logs.find(&identity);
        let same = same.and_then(|id| Some((id, self.logs.logs.get_mut(&id)?)));
        let id = match same {
            Some((id, open)) => {
                open.log.join(opened, rotation);
                id
            }
            None => {
                let log = SharedLog::new(identity, opened, rotation);
                self.logs.add(OpenLog::new(log, user.to_string()))
            }
        };
        if let (Some(followed), Some(open)) = (followed, self.logs.logs.get_mut(&id)) {
            open.log.writer_mut().announce_to(&followed);
        }
        self.settle(id);
        Ok(LogUse { id, rotation })
    }

    /// Gives a log back.
    pub fn close_log(&mut self, log: LogUse) {
        let LogUse { id, rotation } = log;
        if let Some(open) = self.logs.logs.get_mut(&id) {
            open.log.leave(rotation);
        }
        self.settle(id);
    }

    /// Writes. Failures are told in the main log once a minute, with what was lost.
    pub fn write_log(&mut self, log: &LogUse, user: impl Display, data: &[u8]) {
        let Some(open) = self.logs.logs.get_mut(&log.id) else {
            return;
        };
        let writer = open.log.writer_mut();
        let outcome = writer.write(data);
        open.complaint.note(None, writer.take_lost());
        if let Err(failure) = outcome {
            open.complaint.note(Some(failure), 0);
        }
        if open.complaint.next().is_some() {
            open.complainant = user.to_string();
        }
        if open.log.writer().follows() {
            self.log.roll_over_if_due();
        }
        self.settle(log.id);
    }

    /// Counts bytes as lost that a child wrote for a log and nobody will read.
    pub fn lose(&mut self, log: &LogUse, user: impl Display, lost: u64) {
        if let Some(open) = self.logs.logs.get_mut(&log.id) {
            open.complaint.note(None, lost);
            open.complainant = user.to_string();
        }
        self.settle(log.id);
    }

    /// Whether the reader of a log is slow, so that a child should not be read.
    pub fn is_congested(&self, log: &LogUse) -> bool {
        let open = self.logs.logs.get(&log.id);
        open.is_some_and(|open| open.log.writer().is_congested())
    }

    /// Stops reading a child's pipe until its log takes more.
    pub fn pause_for_log(&mut self, log: &LogUse, pipe: Token) {
        let Some(open) = self.logs.logs.get_mut(&log.id) else {
            return;
        };
        open.paused
            .retain(|other| *other != pipe && self.poller.descriptor(*other).is_some());
        open.paused.push(pipe);
        if let Err(error) = self.poller.set_interest(pipe, Interest::NONE) {
            self.log.critical(format_args!(
                "cannot leave a pipe unwatched: {}",
                errno::reason(&error)
            ));
        }
        self.settle(log.id);
    }

    /// What a log leads to is ready to take more, or it is time to look.
    pub fn flush_log(&mut self, id: LogId) {
        let Some(open) = self.logs.logs.get_mut(&id) else {
            return;
        };
        let waiting = open.log.writer().pending();
        open.flush();
        if open.log.writer().pending() == waiting && waiting > 0 {
            let mut means = Means {
                poller: &mut self.poller,
                timers: &mut self.timers,
                now: self.now.monotonic,
                source: Source::Log(id),
                timer: Timer::LogRetry(id),
            };
            open.watch.pause(&mut means);
        }
        self.settle(id);
    }

    /// It is time to look again at a log whose reader cannot be waited for.
    pub fn retry_log(&mut self, id: LogId) {
        if let Some(open) = self.logs.logs.get_mut(&id) {
            open.watch.time_is_up();
        }
        self.flush_log(id);
    }

    /// It is time to tell what a log has lost.
    pub fn tell_losses(&mut self, id: LogId) {
        if let Some(open) = self.logs.logs.get_mut(&id) {
            open.telling_at = None;
        }
        self.settle(id);
    }

    /// Opens every log anew that somebody writes to.
    pub fn reopen_logs(&mut self) {
        for id in self.log_ids() {
            let Some(open) = self.logs.logs.get_mut(&id) else {
                continue;
            };
            if open.log.is_used()
                && let Err(failure) = open.log.writer_mut().reopen()
            {
                self.log
                    .error(format_args!("{failure}; it is written to as before"));
            }
            self.settle(id);
        }
    }

    /// Empties a log.
    pub fn clear_log(&mut self, log: &LogUse) -> Result<(), LogFailure> {
        let Some(open) = self.logs.logs.get_mut(&log.id) else {
            return Ok(());
        };
        let outcome = open.log.writer_mut().clear();
        self.settle(log.id);
        outcome
    }

    /// Whether logs hold what slow readers have not taken.
    pub fn has_congested_logs(&self) -> bool {
        let mut all = self.logs.logs.values();
        all.any(|open| open.log.writer().is_congested())
    }

    /// Tries again to write all that waits for slow readers.
    pub fn flush_logs(&mut self) {
        for id in self.log_ids() {
            if let Some(open) = self.logs.logs.get_mut(&id) {
                open.flush();
            }
            self.settle(id);
        }
    }

    /// Closes the logs of that path which nobody writes to, and tells what is
    /// lost of them.
    pub fn give_up_log(&mut self, path: &str) {
        let identity = shared::identity(path);
        self.give_up(|open| !open.log.is_used() && open.log.identity() == identity);
    }

    /// Closes every log, and tells what is lost.
    pub fn give_up_logs(&mut self) {
        self.give_up(|_| true);
    }

    fn give_up(&mut self, is_meant: impl Fn(&OpenLog) -> bool) {
        for id in self.log_ids() {
            let Some(open) = self.logs.logs.get_mut(&id) else {
                continue;
            };
            if !is_meant(open) {
                continue;
            }
            open.close();
            if let Some(losses) = open.complaint.take() {
                self.log
                    .error(format_args!("{}: {losses}", open.complainant));
            }
            self.settle(id);
        }
    }

    fn log_ids(&self) -> Vec<LogId> {
        self.logs.logs.keys().copied().collect()
    }

    /// After anything that happened to a log: waits for its reader or ends
    /// that, tells what there is to tell, and forgets a log that is done with.
    fn settle(&mut self, id: LogId) {
        let Some(open) = self.logs.logs.get_mut(&id) else {
            return;
        };
        let mut means = Means {
            poller: &mut self.poller,
            timers: &mut self.timers,
            now: self.now.monotonic,
            source: Source::Log(id),
            timer: Timer::LogRetry(id),
        };
        let is_congested = open.log.writer().is_congested();
        if is_congested && !open.watch.is_on() {
            let outlets = open.log.writer().outlet().into_iter().collect();
            open.watch.begin(&mut means, outlets);
        }
        if !is_congested {
            open.watch.end(&mut means);
            for pipe in open.paused.drain(..) {
                if let Err(error) = means.poller.set_interest(pipe, Interest::READ) {
                    self.log.critical(format_args!(
                        "cannot watch a pipe again: {}",
                        errno::reason(&error)
                    ));
                }
            }
        }
        let is_done = !is_congested && !open.log.is_used();
        if is_done {
            open.close();
        }
        let now = self.now.monotonic;
        if let Some(losses) = open.complaint.take_due(now) {
            self.log
                .error(format_args!("{}: {losses}", open.complainant));
        }
        // A program that is started again and again on a full disk is one
        // trouble: the log is remembered until the next complaint may come.
        let deadline = match is_done {
            true => open.complaint.remembered_until().filter(|end| *end > now),
            false => open.complaint.next(),
        };
        if deadline != open.telling_at {
            open.telling_at = deadline;
            self.timers.set(Timer::LogLosses(id), deadline);
        }
        if is_done && deadline.is_none() {
            self.logs.remove(id);
        }
    }
}

impl LoopContext {
    /// The log at that path, for one more follower. Those who write to it tell
    /// from now on what they write.
    pub fn follow_log(&mut self, path: &str) -> io::Result<Shared> {
        let mut identity = shared::identity(path);
        let open = self.logs.find(&identity).or_else(|| self.removed_log(path));
        let mut child = open.and_then(|id| self.logs.logs.get_mut(&id));
        if let Some(open) = &child {
            open.log.identity().clone_into(&mut identity);
        }
        if let Some(log) = self.following.find(&identity) {
            return Ok(log);
        }
        let mut main = self
            .log
            .writer_mut()
            .filter(|main| main.path() == path || shared::identity(main.path()) == identity);
        let written = match (&main, &child) {
            (Some(main), _) => main.file(),
            (None, Some(open)) => open.log.writer().file(),
            (None, None) => None,
        };
        let log = Rc::new(RefCell::new(FollowedLog::open(path, written)?));
        // The one whose file it began with comes last.
        if let Some(open) = &mut child {
            open.log.writer_mut().announce_to(&log);
        }
        if let Some(main) = &mut main {
            main.announce_to(&log);
        }
        self.following.add(identity, &log);
        Ok(log)
    }

    /// A log whose file has no name any more, by the path that it was opened by.
    fn removed_log(&self, path: &str) -> Option<LogId> {
        let mut all = self.logs.logs.iter();
        all.find_map(|(id, open)| (open.log.writer().path() == path).then_some(*id))
    }
}
