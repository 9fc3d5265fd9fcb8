//! What a program says of itself: a line on its pipe, and messages of sd_notify.

use std::io;
use std::time::Duration;

use super::{MESSAGES, News, Watch};
use crate::clock::Monotonic;
use crate::config::Readiness;
use crate::loop_context::LoopContext;
use crate::process::health::signs::Signs;
use crate::sys::notify_inbox::{self, LONGEST_MESSAGE};
use crate::sys::poller::Token;
use crate::sys::process;

/// The least time between two messages of trouble that are acted on.
const COMPLAINTS: Duration = Duration::from_secs(1);

impl Watch {
    pub(super) fn read_pipe(&mut self, context: &mut LoopContext, token: Token) -> Vec<News> {
        let Some(descriptor) = context.poller.descriptor(token) else {
            return Vec::new();
        };
        match context.input.read(descriptor) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Vec::new(),
            Err(_) | Ok([]) => {
                context.poller.close(token);
                self.pipe = None;
                Vec::new()
            }
            Ok(bytes) if bytes.contains(&b'\n') => vec![News::Ready],
            Ok(_) => Vec::new(),
        }
    }

    pub(super) fn read_messages(&mut self, context: &mut LoopContext, token: Token) -> Vec<News> {
        let mut news = Vec::new();
        let mut room = [0; LONGEST_MESSAGE];
        for _ in 0..MESSAGES {
            let Some(descriptor) = context.poller.descriptor(token) else {
                break;
            };
            let Ok(letter) = notify_inbox::receive(descriptor, &mut room) else {
                break;
            };
            let message = room.get(..letter.length).unwrap_or_default();
            if !letter.is_cut && letter.sender.is_none_or(|user| self.may_send(user)) {
                news.extend(self.heed(&Signs::read(message), context.now.monotonic));
            }
        }
        news
    }

    /// Whether that user may speak for this process.
    fn may_send(&self, user: u32) -> bool {
        user == 0 || user == process::effective_uid() || Some(user) == self.process.uid
    }

    /// Acts on a message.
    fn heed(&mut self, signs: &Signs, now: Monotonic) -> Vec<News> {
        let mut news = Vec::new();
        if let Some(status) = &signs.status {
            self.status.clone_from(status);
        } else if signs.is_reloading || signs.is_stopping {
            let word = if signs.is_stopping {
                "stopping"
            } else {
                "reloading"
            };
            self.status = word.to_owned();
        } else if signs.is_ready && self.status == "reloading" {
            self.status.clear();
        }
        if signs.is_ready && self.asks(&Readiness::Notify) {
            news.push(News::Ready);
        }
        if signs.is_in_trouble && self.is_up {
            // What follows from it is not done again and again for one that says so all the time.
            let last = self.complained.map(|last| now.since(last));
            if last.is_some_and(|since| since < COMPLAINTS) {
                return news;
            }
            self.complained = Some(now);
            self.is_silent = true;
            self.watchdog = None;
            self.reason = "WATCHDOG=trigger".to_owned();
            news.extend(self.judge());
        } else if signs.is_alive {
            let was_silent = std::mem::take(&mut self.is_silent);
            self.await_sign(now);
            if was_silent {
                self.reason.clear();
                news.extend(self.judge());
            }
        }
        news
    }

    pub(super) fn await_sign(&mut self, now: Monotonic) {
        let time = self
            .checks()
            .map_or(Duration::ZERO, |checks| checks.watchdog);
        self.watchdog = (self.is_up && !time.is_zero()).then_some(now + time);
    }
}
