//! What is wrong with a log, be it a child's, the main log or syslog: its reader
//! is slow, or bytes were lost. A log that is well costs nothing here.
//!
//! While something waits for a slow reader its outlet is in the poll set, so
//! nobody looks again and again, and the pipes of those children are not read
//! whose output goes there. What was lost is told in the main log.

use std::time::Duration;

use crate::loggers::complaint::Losses;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUser, Trouble};
use crate::sys::errno;
use crate::sys::poller::{Interest, Token};
use crate::tokens::{FdOwner, LogId, Timer};

/// How soon a reader is tried again that cannot be waited for.
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl LoopContext {
    /// After anything that happened to a child's log, by `user` if by anybody: tells what
    /// there is to tell, waits for its reader or ends that, and forgets a log that is done with.
    /// The main log and syslog have their time before each wait of the loop.
    pub fn settle_log(&mut self, id: LogId, user: Option<LogUser<'_>>) {
        if id.is_of_daemon() {
            return;
        }
        let is_done = self.logs.close_if_done(id);
        if let Some(mut trouble) = self.take_trouble(id) {
            if let Some(user) = user
                && (trouble.complainant.is_empty() || trouble.complaint.next().is_some())
            {
                trouble.complainant = user.to_string();
            }
            trouble.count(user);
            self.complain(id, &mut trouble, is_done);
            self.watch_outlets(id, &mut trouble);
            if self.keep_trouble(id, trouble) {
                return;
            }
        }
        if is_done {
            self.logs.remove(id);
        }
    }

    /// Tells of a main log or syslog that cannot be written to: on stdout in the
    /// foreground, and in the log itself when it takes lines again. What these
    /// lines themselves may lose is noted when something else happens, so that an
    /// idle daemon does not complain of its complaints.
    pub fn complain_of_main_log(&mut self) {
        let troubles = LogId::OF_DAEMON.map(|id| self.take_trouble(id));
        for (id, trouble) in LogId::OF_DAEMON.into_iter().zip(troubles) {
            if let Some(mut trouble) = trouble {
                self.complain(id, &mut trouble, false);
                self.keep_trouble(id, trouble);
            }
        }
    }

    /// Waits for slow readers of the main log and for a busy syslog for as long as there are any.
    pub fn watch_main_log(&mut self) {
        for id in LogId::OF_DAEMON {
            if let Some(mut trouble) = self.take_trouble(id) {
                self.watch_outlets(id, &mut trouble);
                self.keep_trouble(id, trouble);
            }
        }
    }

    /// What a log leads to is ready to take more.
    pub fn flush_log(&mut self, id: LogId) {
        let (mut before, mut after) = (0, 0);
        for target in self.logs.targets(&mut self.log, id) {
            before += target.pending();
            target.flush();
            after += target.pending();
        }
        if let Some(mut trouble) = self.take_trouble(id) {
            if after > 0 && after == before {
                // It is said to be ready and takes nothing: the daemon must not go round in circles.
                self.unwatch_outlets(id, &mut trouble);
                self.wait_for_time(id, &mut trouble);
            }
            self.logs.troubles.insert(id, trouble);
        }
        self.settle_log(id, None);
    }

    /// It is time to look again at a log whose reader cannot be waited for.
    pub fn retry_log(&mut self, id: LogId) {
        if let Some(trouble) = self.logs.troubles.get_mut(&id) {
            trouble.is_timed = false;
        }
        self.flush_log(id);
    }

    /// Whether logs hold what slow readers have not taken.
    pub fn has_congested_logs(&mut self) -> bool {
        let mut ids = LogId::OF_DAEMON.into_iter().chain(self.logs.ids());
        ids.any(|id| {
            let mut targets = self.logs.targets(&mut self.log, id);
            targets.any(|target| target.is_congested())
        })
    }

    /// Tries again to write all that waits for slow readers.
    pub fn flush_logs(&mut self) {
        for id in LogId::OF_DAEMON.into_iter().chain(self.logs.ids()) {
            let targets = self.logs.targets(&mut self.log, id);
            targets.for_each(|target| target.flush());
            self.settle_log(id, None);
        }
    }

    /// Stops reading a child's pipe until its log takes more.
    pub fn pause_pipe(&mut self, id: LogId, pipe: Token) {
        let mut trouble = self.take_trouble(id).unwrap_or_default();
        trouble
            .paused
            .retain(|other| *other != pipe && self.poller.descriptor(*other).is_some());
        trouble.paused.push(pipe);
        if let Err(error) = self.poller.set_interest(pipe, Interest::NONE) {
            self.log.critical(format_args!(
                "cannot leave a pipe unwatched: {}",
                errno::reason(&error)
            ));
        }
        self.logs.troubles.insert(id, trouble);
        self.settle_log(id, None);
    }

    /// Reads a pipe again, if it was not read, whose output goes elsewhere from now on.
    pub fn resume_pipe(&mut self, pipe: Token) {
        let mut was_paused = false;
        for trouble in self.logs.troubles.values_mut() {
            let before = trouble.paused.len();
            trouble.paused.retain(|other| *other != pipe);
            was_paused |= trouble.paused.len() != before;
        }
        if was_paused {
            self.watch_pipe(pipe);
        }
    }

    fn watch_pipe(&mut self, pipe: Token) {
        if let Err(error) = self.poller.set_interest(pipe, Interest::READ) {
            self.log.critical(format_args!(
                "cannot watch a pipe again: {}",
                errno::reason(&error)
            ));
        }
    }

    /// Tells what these logs have lost, whenever that was told last.
    pub fn tell_at_the_end(&mut self, ids: &[LogId]) {
        let troubles = ids.iter().map(|id| (*id, self.take_trouble(*id)));
        for (id, trouble) in troubles.collect::<Vec<_>>() {
            if let Some(mut trouble) = trouble {
                let losses = trouble.complaint.take();
                self.tell(id, &trouble, losses);
                self.logs.troubles.insert(id, trouble);
            }
        }
    }

    /// What is wrong with a log and with its targets since, to be worked on; `None` if nothing is.
    fn take_trouble(&mut self, id: LogId) -> Option<Trouble> {
        let mut trouble = self.logs.troubles.remove(&id);
        for target in self.logs.targets(&mut self.log, id) {
            let losses = target.take_losses();
            if target.is_congested() || !losses.is_empty() {
                let trouble = trouble.get_or_insert_default();
                trouble.uncounted += losses.lost;
                trouble.complaint.note(losses);
            }
        }
        trouble
    }

    /// Puts it back; says whether it is still to be remembered.
    fn keep_trouble(&mut self, id: LogId, trouble: Trouble) -> bool {
        let is_kept = !trouble.is_over(self.now.monotonic);
        if is_kept {
            self.logs.troubles.insert(id, trouble);
        }
        is_kept
    }

    /// Tells what was lost if it is time to, and sets the time for what is left.
    fn complain(&mut self, id: LogId, trouble: &mut Trouble, is_done: bool) {
        let now = self.now.monotonic;
        let losses = trouble.complaint.take_due(now);
        let deadline = match is_done {
            true => trouble
                .complaint
                .remembered_until()
                .filter(|end| *end > now),
            false => trouble.complaint.next(),
        };
        self.timers.set(Timer::LogLosses(id), deadline);
        self.tell(id, trouble, losses);
    }

    fn tell(&mut self, id: LogId, trouble: &Trouble, losses: Option<Losses>) {
        let name = match id {
            LogId::MAIN => "main log",
            LogId::SYSLOG => "syslog",
            _ => &trouble.complainant,
        };
        if let Some(losses) = losses {
            self.log.error(format_args!("{name}: {losses}"));
        }
    }

    /// Waits for slow readers, or ends that and lets children go on.
    fn watch_outlets(&mut self, id: LogId, trouble: &mut Trouble) {
        let targets = self.logs.targets(&mut self.log, id);
        let slow = targets.map(|target| target.is_congested().then(|| target.sink().serial()));
        let slow: Vec<_> = slow.collect();
        if trouble.slow != slow {
            self.unwatch_outlets(id, trouble);
            trouble.slow = slow;
        }
        if !trouble.is_watched() {
            let targets = self.logs.targets(&mut self.log, id);
            for target in targets.filter(|target| target.is_congested()) {
                let registered = target.sink().outlet().and_then(|outlet| {
                    self.poller
                        .register(outlet, Interest::WRITE, FdOwner::Log(id))
                });
                match registered {
                    Ok(token) => trouble.outlets.push(token),
                    Err(_) => trouble.is_timed = true,
                }
            }
            if trouble.is_timed {
                self.wait_for_time(id, trouble);
            }
        }
        if !trouble.is_watched() {
            for pipe in trouble.paused.drain(..) {
                self.watch_pipe(pipe);
            }
        }
    }

    fn unwatch_outlets(&mut self, id: LogId, trouble: &mut Trouble) {
        for token in trouble.outlets.drain(..) {
            self.poller.close(token);
        }
        if std::mem::take(&mut trouble.is_timed) {
            self.timers.set(Timer::LogRetry(id), None);
        }
    }

    fn wait_for_time(&mut self, id: LogId, trouble: &mut Trouble) {
        trouble.is_timed = true;
        let deadline = self.now.monotonic + RETRY_DELAY;
        self.timers.set(Timer::LogRetry(id), Some(deadline));
    }
}
