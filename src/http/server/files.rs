//! The files of unix sockets, which vanish where somebody cleans temporary files. A socket
//! without a name is of no use to anybody, so another one is made in its place.
//!
//! The system tells when a file loses its name, without a word of its neighbours, so an idle
//! daemon sleeps on. Where it cannot, the files are looked at when something else happens.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use super::accepting::is_waited_at;
use super::{Servers, Watched};
use crate::clock::Monotonic;
use crate::http::listener::{self, NameState, NotMade, SocketFile};
use crate::loop_context::LoopContext;
use crate::snapshot::saved;
use crate::sys::inotify::{self, Watch};
use crate::sys::poller::{Interest, Token};
use crate::tokens::{FdOwner, Timer};

/// When a file that is missing is made, and tried again if that cannot be done; twice that
/// the next time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How often files that are not watched are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often clients are accepted from a socket that has lost its name: as often as its queue
/// is long.
const LAST_ACCEPTS: u32 = 64;

/// How the files are looked after.
#[derive(Debug, Default)]
pub(super) struct FileWatcher {
    /// Where the system tells of them.
    inotify: Option<Token>,
    /// When those that are not watched are looked at again.
    next_look: Monotonic,
    /// How long to wait for the next try.
    pause: Duration,
}

saved! { struct FileWatcher { inotify, next_look, pause } }

/// What is known of one file.
#[derive(Debug, Default)]
pub(super) struct FileWatch {
    watch: Option<Watch>,
    is_missing: bool,
    /// The log knows why.
    is_told: bool,
}

saved! { struct FileWatch { watch, is_missing, is_told } }

impl Servers {
    /// Begins to watch the files.
    pub(super) fn watch_files(&mut self, context: &mut LoopContext) {
        if self
            .listeners
            .iter()
            .all(|listener| listener.file.is_none())
        {
            return;
        }
        self.file_watcher.inotify = inotify::open().ok().and_then(|descriptor| {
            let poller = &mut context.poller;
            let registered = poller.register(descriptor, Interest::READ, FdOwner::SocketFiles);
            registered.ok()
        });
        self.look_at_files(context);
    }

    /// Ends that.
    pub(super) fn unwatch_files(&mut self, context: &mut LoopContext) {
        if let Some(token) = self.file_watcher.inotify.take() {
            context.poller.close(token);
        }
        context.timers.set(Timer::SocketFiles, None);
    }

    /// The system has told of a file.
    pub(super) fn files_changed(&mut self, context: &mut LoopContext) {
        if let Some(inotify) = inotify_of(&self.file_watcher, context) {
            inotify::drain(inotify);
        }
        self.look_at_files(context);
    }

    /// Each turn of the loop: looks at files of which the system would not tell.
    pub fn look_at_unwatched_files(&mut self, context: &mut LoopContext) {
        let is_unwatched = |listener: &Watched| {
            listener.file.is_some()
                && listener.file_watch.watch.is_none()
                && !listener.file_watch.is_missing
        };
        if self.file_watcher.next_look <= context.now.monotonic
            && self.listeners.iter().any(is_unwatched)
        {
            self.look_at_files(context);
        }
    }

    /// Looks at all files, of which there are few, and makes again those that are missing.
    pub(super) fn look_at_files(&mut self, context: &mut LoopContext) {
        for place in 0..self.listeners.len() {
            self.look_at(context, place);
        }
        let now = context.now.monotonic;
        self.file_watcher.next_look = now + LOOK_EVERY;
        let is_missing = self.listeners.iter().any(|at| at.file_watch.is_missing);
        let pause = self.file_watcher.pause.max(FIRST_PAUSE);
        self.file_watcher.pause = match is_missing {
            true => (2 * pause).min(LONGEST_PAUSE),
            false => FIRST_PAUSE,
        };
        let retry = is_missing.then_some(now + pause);
        context.timers.set(Timer::SocketFiles, retry);
    }

    fn look_at(&mut self, context: &mut LoopContext, place: usize) {
        let Some(listener) = self.listeners.get_mut(place) else {
            return;
        };
        let Some(file) = &listener.file else {
            return;
        };
        match file.name_state() {
            NameState::InPlace => {
                listener.file_watch.is_missing = false;
                listener.file_watch.is_told = false;
                if listener.file_watch.watch.is_none() {
                    listener.file_watch.watch = start_watch(&self.file_watcher, context, file);
                    // It may have gone a moment before.
                    listener.file_watch.is_missing = file.name_state() != NameState::InPlace;
                }
            }
            NameState::Replaced => {
                listener.file_watch.is_missing = true;
                if !std::mem::replace(&mut listener.file_watch.is_told, true) {
                    let path = file.path();
                    context.log.warn(format_args!(
                        "the socket {path} has vanished; what is in its place is left alone, and \
                         nobody reaches supervisord there until that is removed"
                    ));
                }
            }
            // Not at once: somebody may be about to remove its directory, or to put
            // something else there.
            NameState::Gone if !listener.file_watch.is_missing => {
                listener.file_watch.is_missing = true
            }
            NameState::Gone => self.make_again(context, place),
        }
    }

    fn make_again(&mut self, context: &mut LoopContext, place: usize) {
        // Those in the queue have come to us, and would be sent away.
        let mut rounds = 0;
        while rounds < LAST_ACCEPTS && self.is_waited_for(context, place) {
            self.accept(context, place);
            rounds += 1;
        }
        let Some(listener) = self.listeners.get_mut(place) else {
            return;
        };
        let Some(file) = &mut listener.file else {
            return;
        };
        let made = listener::open_again(file).and_then(|(descriptor, new)| {
            let interest = match self.suspended || self.is_held {
                true => Interest::NONE,
                false => Interest::READ,
            };
            let owner = FdOwner::ListeningSocket(u32::try_from(place).unwrap_or(u32::MAX));
            let registered = context.poller.register(descriptor, interest, owner);
            registered.map(|token| (token, new)).map_err(NotMade::from)
        });
        match made {
            Ok((token, new)) => {
                let path = new.path();
                context.log.warn(format_args!(
                    "the socket {path} had vanished, and was made again"
                ));
                end_watch(
                    &self.file_watcher,
                    context,
                    listener.file_watch.watch.take(),
                );
                file.leave();
                *file = new;
                if let Some(old) = listener.token.replace(token) {
                    context.poller.close(old);
                }
                listener.file_watch.watch = start_watch(&self.file_watcher, context, file);
                listener.file_watch.is_missing = file.name_state() != NameState::InPlace;
                listener.file_watch.is_told = false;
            }
            // Looked at again soon.
            Err(NotMade::Occupied) => listener.file_watch.is_missing = true,
            Err(NotMade::Refused(reason)) => {
                listener.file_watch.is_missing = true;
                if !std::mem::replace(&mut listener.file_watch.is_told, true) {
                    let path = file.path();
                    context.log.warn(format_args!(
                        "the socket {path} has vanished and cannot be made again now: {reason}; \
                         this is tried until it can"
                    ));
                }
            }
        }
    }

    fn is_waited_for(&self, context: &LoopContext, place: usize) -> bool {
        let token = self
            .listeners
            .get(place)
            .and_then(|listener| listener.token);
        token.is_some_and(|token| is_waited_at(context, token))
    }
}

fn inotify_of<'a>(file_watcher: &FileWatcher, context: &'a LoopContext) -> Option<BorrowedFd<'a>> {
    context.poller.descriptor(file_watcher.inotify?)
}

fn start_watch(
    file_watcher: &FileWatcher,
    context: &LoopContext,
    file: &SocketFile,
) -> Option<Watch> {
    let inotify = inotify_of(file_watcher, context)?;
    // A socket keeps its name when a directory above it is moved.
    for directory in Path::new(file.path()).ancestors().skip(1) {
        let _ = inotify::watch_directory(inotify, directory.to_str().unwrap_or_default());
    }
    inotify::watch(inotify, file.path()).ok()
}

fn end_watch(file_watcher: &FileWatcher, context: &LoopContext, watch: Option<Watch>) {
    if let (Some(inotify), Some(watch)) = (inotify_of(file_watcher, context), watch) {
        inotify::unwatch(inotify, watch);
    }
}
