//! Opening, writing, clearing, closing and following the logs of children.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use crate::config::delivery::WhenSlow;
use crate::loggers::failure::LogFailure;
use crate::loggers::followed::{FollowedLog, Shared};
use crate::loggers::rotation::Rotation;
use crate::loggers::shared::{self, SharedLog};
use crate::loggers::sink::Sink;
use crate::loggers::stream::PENDING_LIMIT;
use crate::loggers::target::Target;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::tokens::LogId;

impl LoopContext {
    /// Opens a log of a child, or joins those who write to it already.
    pub fn open_log(
        &mut self,
        user: LogUser<'_>,
        path: &str,
        rotation: Rotation,
    ) -> Result<LogUse, LogFailure> {
        let mut opened = Target::open(path, rotation)?;
        let identity = shared::identity(path);
        let is_main_log = opened.is_regular()
            && self.log.path().map(shared::identity).as_ref() == Some(&identity);
        if is_main_log {
            opened.follows = true;
            if !std::mem::replace(&mut self.logs.told_of_main_log, true) {
                self.log.warn(format_args!(
                    "{user}: {path} is the main log; it holds both, and rolls over as the main log does"
                ));
            }
        }
        let followed = self.following.find(&identity);
        let id = match self.logs.find(&identity) {
            None => {
                if let Some(budget) = &mut self.budget {
                    budget.outdate();
                }
                self.logs.add(SharedLog::new(identity, opened, rotation))
            }
            Some(id) => {
                if let Some(log) = self.logs.get_mut(id) {
                    log.join(opened, rotation);
                }
                id
            }
        };
        if let (Some(followed), Some(log)) = (followed, self.logs.get_mut(id)) {
            log.target.announce_to(&followed);
        }
        self.settle_log(id, None);
        Ok(LogUse {
            id,
            rotation,
            counts: None,
        })
    }

    /// The same with an automatic log. It is locked from now on, so another supervisord that
    /// starts leaves it and its backups alone.
    pub fn hold_log(
        &mut self,
        user: LogUser<'_>,
        path: &str,
        rotation: Rotation,
    ) -> Result<LogUse, LogFailure> {
        let log = self.open_log(user, path, rotation)?;
        if let Some(open) = self.logs.get_mut(log.id) {
            open.target.hold();
        }
        Ok(log)
    }

    pub fn close_log(&mut self, log: LogUse) {
        let LogUse { id, rotation, .. } = log;
        if let Some(log) = self.logs.get_mut(id) {
            log.leave(rotation);
        }
        self.settle_log(id, None);
    }

    /// Writes. Failures are told in the main log once a minute, with what was lost.
    pub fn write_log(&mut self, log: &LogUse, user: LogUser<'_>, data: &[u8]) {
        if log.id == LogId::SYSLOG {
            let mark = user.mark();
            // A tag tells who it is.
            let name = mark.tag.is_none().then_some(user.process);
            return self.log.send_to_syslog(mark, name, data);
        }
        let Some(open) = self.logs.get_mut(log.id) else {
            return;
        };
        let is_file = open.target.is_regular();
        open.target.write(data);
        if open.target.follows
            && let Some(main) = &mut self.log.file
        {
            main.rotate_if_due();
        }
        self.note_rotated(log.id);
        if is_file {
            self.count_written(data.len());
        }
        self.settle_log(log.id, Some(user.counted(log)));
    }

    /// The same of so many whole lines, which are dropped where a slow reader has not taken
    /// what was written before.
    pub fn write_lines(
        &mut self,
        log: &LogUse,
        user: LogUser<'_>,
        data: &[u8],
        (lines, when_slow): (u64, WhenSlow),
    ) {
        if log.id == LogId::SYSLOG {
            return self.log.send_to_syslog(user.mark(), None, data);
        }
        if when_slow == WhenSlow::Drop
            && let Some(open) = self.logs.get_mut(log.id)
            && open.target.is_congested()
            && open.target.pending() + data.len() as u64 > PENDING_LIMIT as u64
        {
            open.target.drop_lines(lines, data.len() as u64);
            return self.settle_log(log.id, Some(user.counted(log)));
        }
        self.write_log(log, user, data);
    }

    /// Whether a log is no file but has a reader, who may be slow.
    pub fn is_stream(&self, log: &LogUse) -> bool {
        let open = self.logs.get(log.id);
        open.is_some_and(|open| matches!(open.target.sink(), Sink::Stream(_)))
    }

    /// Counts bytes as lost that a child wrote for a log and nobody will read.
    pub fn lose(&mut self, log: &LogUse, user: LogUser<'_>, lost: u64) {
        if let Some(open) = self.logs.get_mut(log.id) {
            open.target.lose(lost);
        }
        self.settle_log(log.id, Some(user.counted(log)));
    }

    /// Whether the reader of a log is slow, so that a child should not be read. For
    /// syslog no child waits.
    pub fn is_congested(&self, log: &LogUse) -> bool {
        let open = self.logs.get(log.id);
        open.is_some_and(|open| open.target.is_congested())
    }

    /// Whether a log is a file of its own, from which it can be read.
    pub fn is_file(&self, log: &LogUse) -> bool {
        let open = self.logs.get(log.id);
        open.is_some_and(|open| open.target.is_regular())
    }

    /// The colour of a process's name in that log, where names have one: on a terminal.
    pub fn colour_in(&mut self, log: &LogUse, process: &str) -> Option<usize> {
        let open = self.logs.get(log.id)?;
        let is_terminal = open.target.sink().is_terminal();
        is_terminal.then(|| self.logs.colour_of(process))
    }

    /// Opens every log anew that somebody writes to.
    pub fn reopen_logs(&mut self) {
        for id in self.logs.ids() {
            if let Some(open) = self.logs.get_mut(id)
                && open.is_used()
                && let Err(failure) = open.target.reopen()
            {
                self.log
                    .error(format_args!("{failure}; it is written to as before"));
            }
            self.settle_log(id, None);
        }
    }

    pub fn clear_log(&mut self, log: &LogUse) -> Result<(), LogFailure> {
        let open = self.logs.get_mut(log.id);
        let outcome = open.map_or(Ok(()), |open| open.target.clear());
        self.settle_log(log.id, None);
        outcome
    }

    /// Closes the logs of that path which nobody writes to, and tells what is
    /// lost of them.
    pub fn give_up_log(&mut self, path: &str) {
        let identity = shared::identity(path);
        self.give_up(|log| !log.is_used() && log.identity() == identity);
    }

    /// Closes every log, and tells what is lost.
    pub fn give_up_logs(&mut self) {
        self.give_up(|_| true);
        self.tell_at_the_end(&LogId::OF_DAEMON);
    }

    fn give_up(&mut self, is_meant: impl Fn(&SharedLog) -> bool) {
        for id in self.logs.ids() {
            let open = self.logs.get_mut(id);
            if let Some(open) = open.filter(|open| is_meant(open)) {
                open.target.close();
                self.tell_at_the_end(&[id]);
                self.settle_log(id, None);
            }
        }
    }

    /// The log at that path, for one more follower. Those who write to it tell
    /// from now on what they write.
    pub fn follow_log(&mut self, path: &str) -> io::Result<Shared> {
        let mut identity = shared::identity(path);
        let open = self.logs.find(&identity);
        let open = open.or_else(|| self.logs.opened_by(path));
        let mut child = open.and_then(|id| self.logs.get_mut(id));
        if let Some(open) = &child {
            open.identity().clone_into(&mut identity);
        }
        if let Some(log) = self.following.find(&identity) {
            return Ok(log);
        }
        let mut main = self
            .log
            .file
            .as_mut()
            .filter(|main| main.path() == path || shared::identity(main.path()) == identity);
        let written = match (&main, &child) {
            (Some(main), _) => main.file(),
            (None, Some(open)) => open.target.file(),
            (None, None) => None,
        };
        let log = Rc::new(RefCell::new(FollowedLog::open(path, written)?));
        // The one whose file it began with comes last.
        if let Some(open) = &mut child {
            open.target.announce_to(&log);
        }
        if let Some(main) = &mut main {
            main.announce_to(&log);
        }
        self.following.add(identity, &log);
        Ok(log)
    }
}
