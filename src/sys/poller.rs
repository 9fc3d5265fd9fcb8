//! Readiness of descriptors, in level mode, over the `polling` crate.
//!
//! The poller owns the descriptors that it watches, so that none can be closed
//! while it is registered: [`Poller::close`] deletes first and closes second.
//! A descriptor without interest is taken out of the kernel's set, since a
//! hang-up is reported even for those. Keys carry a generation, so an event
//! that was already collected for a closed descriptor finds nobody.
//!
//! On Linux a wait is one call of `epoll_wait`; where a long time passes without
//! an event, `ppoll` for the end of it follows. That of `polling` sets a timer,
//! re-arms it and the pipe for waking from other threads, of which there are
//! none, and empties that pipe: five calls for each turn of the loop.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;
#[cfg(target_os = "linux")]
use std::time::Instant;

#[cfg(target_os = "linux")]
use nix::poll::{PollFd, PollFlags, ppoll};
#[cfg(target_os = "linux")]
use nix::sys::time::TimeSpec;
use polling::{Event, PollMode};

#[cfg(target_os = "linux")]
use crate::sys::errno;

const SLOT_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };
const SLOT_MASK: usize = (1 << SLOT_BITS) - 1;
/// The highest generation is left out: `usize::MAX` belongs to `polling`.
const GENERATIONS: usize = (1 << (usize::BITS - SLOT_BITS)) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(usize);

/// What is waited for on a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Data, end of file or an error to read.
    pub readable: bool,
    /// Room to write, or an error.
    pub writable: bool,
}

impl Interest {
    pub const NONE: Interest = Interest::new(false, false);
    pub const READ: Interest = Interest::new(true, false);
    pub const WRITE: Interest = Interest::new(false, true);

    const fn new(readable: bool, writable: bool) -> Interest {
        Interest { readable, writable }
    }
}

/// A descriptor that is ready, and what it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Ready<S> {
    pub token: Token,
    /// What was given at its registration.
    pub owner: S,
    /// It may be read (or has hung up).
    pub readable: bool,
    /// It may be written (or has hung up).
    pub writable: bool,
}

#[derive(Debug)]
struct Registration<S> {
    descriptor: OwnedFd,
    interest: Interest,
    owner: S,
}

#[derive(Debug)]
struct Slot<S> {
    generation: usize,
    registration: Option<Registration<S>>,
}

/// What the kernel tells: key, readable, writable.
type KernelEvent = (usize, bool, bool);

/// How many descriptors one wait tells of; the others have their turn at the next.
const BATCH: usize = 64;

/// The set of descriptors that the loop waits for; `S` says what each belongs to.
#[derive(Debug)]
pub struct Poller<S> {
    /// The first field, since it is dropped before the descriptors in it.
    inner: polling::Poller,
    events: Vec<KernelEvent>,
    slots: Vec<Slot<S>>,
    free: Vec<usize>,
}

impl<S: Copy> Poller<S> {
    /// An empty set. After a fork the child has to [`renew`](Poller::renew) it.
    pub fn new() -> io::Result<Poller<S>> {
        Ok(Poller {
            inner: new_set()?,
            events: Vec::with_capacity(BATCH),
            slots: Vec::new(),
            free: Vec::new(),
        })
    }

    /// Takes a pipe, socket or terminal into the set. Regular files are refused by the system.
    pub fn register(
        &mut self,
        descriptor: OwnedFd,
        interest: Interest,
        owner: S,
    ) -> io::Result<Token> {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                generation: 0,
                registration: None,
            });
            self.slots.len() - 1
        });
        let token = Token(slot | (self.slots[slot].generation << SLOT_BITS));
        if let Err(error) = self.watch(&descriptor, token, Interest::NONE, interest) {
            self.free.push(slot);
            return Err(error);
        }
        self.slots[slot].registration = Some(Registration {
            descriptor,
            interest,
            owner,
        });
        Ok(token)
    }

    /// Changes what is waited for. Does nothing for a closed token.
    pub fn set_interest(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        let Some(registration) = self.registration(token) else {
            return Ok(());
        };
        let old = registration.interest;
        if old == interest {
            return Ok(());
        }
        self.watch(&registration.descriptor, token, old, interest)?;
        let slot = &mut self.slots[token.0 & SLOT_MASK];
        if let Some(registration) = &mut slot.registration {
            registration.interest = interest;
        }
        Ok(())
    }

    /// The descriptor itself, to read or write; `None` once it is closed.
    pub fn descriptor(&self, token: Token) -> Option<BorrowedFd<'_>> {
        self.registration(token)
            .map(|registration| registration.descriptor.as_fd())
    }

    /// Takes the descriptor out of the set and closes it. Does nothing for a closed token.
    pub fn close(&mut self, token: Token) {
        drop(self.take(token));
    }

    /// Takes the descriptor out of the set and hands it back open.
    pub fn take(&mut self, token: Token) -> Option<OwnedFd> {
        let slot = token.0 & SLOT_MASK;
        self.registration(token)?;
        let registration = self.slots[slot].registration.take()?;
        if registration.interest != Interest::NONE {
            // It cannot fail for a registered descriptor, and there is nothing to do if it did.
            let _ = self.inner.delete(&registration.descriptor);
        }
        self.slots[slot].generation = (self.slots[slot].generation + 1) % GENERATIONS;
        self.free.push(slot);
        Some(registration.descriptor)
    }

    /// Waits until something is ready or the time is over (`None`: no limit)
    /// and fills `ready`. A signal that is handled through a self-pipe wakes it.
    pub fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready<S>>) -> io::Result<()> {
        ready.clear();
        self.events.clear();
        match collect(&self.inner, timeout, &mut self.events) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            outcome => outcome?,
        };
        for &(key, readable, writable) in &self.events {
            let token = Token(key);
            if let Some(registration) = self.registration(token) {
                ready.push(Ready {
                    token,
                    owner: registration.owner,
                    readable,
                    writable,
                });
            }
        }
        Ok(())
    }

    /// Closes every descriptor but those of that owner.
    pub fn close_all_but(&mut self, kept: S)
    where
        S: PartialEq,
    {
        for slot in 0..self.slots.len() {
            let state = &self.slots[slot];
            let token = Token(slot | (state.generation << SLOT_BITS));
            let registration = state.registration.as_ref();
            if registration.is_some_and(|registration| registration.owner != kept) {
                self.close(token);
            }
        }
    }

    /// Makes the kernel's set anew, for the child of a fork: a kqueue does not survive one.
    pub fn renew(&mut self) -> io::Result<()> {
        self.inner = new_set()?;
        for (slot, state) in self.slots.iter().enumerate() {
            if let Some(of) = &state.registration {
                let token = Token(slot | (state.generation << SLOT_BITS));
                self.watch(&of.descriptor, token, Interest::NONE, of.interest)?;
            }
        }
        Ok(())
    }

    fn watch(
        &self,
        descriptor: &OwnedFd,
        token: Token,
        old: Interest,
        new: Interest,
    ) -> io::Result<()> {
        let event = Event::new(token.0, new.readable, new.writable);
        match (old == Interest::NONE, new == Interest::NONE) {
            (true, true) => Ok(()),
            // SAFETY: the descriptor is owned by this poller's slot and deleted
            // from the set before it is closed (`take`), or the set is closed first.
            (true, false) => unsafe {
                self.inner
                    .add_with_mode(descriptor.as_raw_fd(), event, PollMode::Level)
            },
            (false, true) => self.inner.delete(descriptor),
            (false, false) => self
                .inner
                .modify_with_mode(descriptor, event, PollMode::Level),
        }
    }

    fn registration(&self, token: Token) -> Option<&Registration<S>> {
        let slot = self.slots.get(token.0 & SLOT_MASK)?;
        let registration = slot.registration.as_ref();
        registration.filter(|_| slot.generation == token.0 >> SLOT_BITS)
    }
}

/// A set that can be waited for: where that is refused, it is known at the start.
fn new_set() -> io::Result<polling::Poller> {
    let set = polling::Poller::new()?;
    collect(&set, Some(Duration::ZERO), &mut Vec::new())?;
    Ok(set)
}

/// From here on the kernel's leave to be late is worth a second wait.
#[cfg(target_os = "linux")]
const LONG: Duration = Duration::from_millis(250);

/// Waits in the kernel. A time between two milliseconds becomes the later one; the
/// end of a long time is met to the point.
#[cfg(target_os = "linux")]
fn collect(
    poller: &polling::Poller,
    timeout: Option<Duration>,
    events: &mut Vec<KernelEvent>,
) -> io::Result<()> {
    let Some(long) = timeout.filter(|timeout| *timeout >= LONG) else {
        let milliseconds = timeout.map(|timeout| timeout.as_nanos().div_ceil(1_000_000));
        return collect_within(poller, milliseconds, events);
    };
    let begin = Instant::now();
    collect_within(poller, Some(first_part(long).as_millis()), events)?;
    if events.is_empty() {
        let rest = long.saturating_sub(begin.elapsed());
        let mut itself = [PollFd::new(poller.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut itself, Some(TimeSpec::from(rest)), None) {
            Err(errno) if errno::is_refusal(errno as i32) => {
                let rest = rest.as_nanos().div_ceil(1_000_000);
                return collect_within(poller, Some(rest), events);
            }
            ready if ready? > 0 => return collect_within(poller, Some(0), events),
            _ => {}
        }
    }
    Ok(())
}

/// How much of a long time is waited for at first. The kernel may end a wait later by a
/// thousandth of it, by five for a process that is nice, and a tenth of a second at most.
#[cfg(target_os = "linux")]
fn first_part(long: Duration) -> Duration {
    long - (long / 100).min(Duration::from_millis(200))
}

#[cfg(target_os = "linux")]
#[inline]
fn collect_within(
    poller: &polling::Poller,
    milliseconds: Option<u128>,
    events: &mut Vec<KernelEvent>,
) -> io::Result<()> {
    let timeout = milliseconds.map_or(-1, |milliseconds| {
        libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX)
    });
    let mut told = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
    // SAFETY: the kernel writes at most BATCH events to the array, which is that long.
    let count = unsafe {
        libc::epoll_wait(
            poller.as_raw_fd(),
            told.as_mut_ptr(),
            BATCH as libc::c_int,
            timeout,
        )
    };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    let either = (libc::EPOLLHUP | libc::EPOLLERR) as u32;
    let input = (libc::EPOLLIN | libc::EPOLLPRI) as u32 | either;
    let output = libc::EPOLLOUT as u32 | either;
    for event in told.iter().take(count) {
        let flags = event.events;
        events.push((event.u64 as usize, flags & input != 0, flags & output != 0));
    }
    Ok(())
}

/// Waits in the kernel.
#[cfg(not(target_os = "linux"))]
fn collect(
    poller: &polling::Poller,
    timeout: Option<Duration>,
    events: &mut Vec<KernelEvent>,
) -> io::Result<()> {
    let capacity = std::num::NonZeroUsize::new(BATCH).unwrap_or(std::num::NonZeroUsize::MIN);
    let mut told = polling::Events::with_capacity(capacity);
    poller.wait(&mut told, timeout)?;
    let told = told.iter();
    events.extend(told.map(|event| (event.key, event.readable, event.writable)));
    Ok(())
}

mod saved;

#[cfg(test)]
mod tests;
