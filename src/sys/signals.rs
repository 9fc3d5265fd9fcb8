//! Signals to the daemon, by way of a pipe to itself.
//!
//! The handler writes a signal's number into the pipe, so that the poll wakes
//! and the numbers keep their order of arrival. A signal that waits already is
//! not written again, hence the pipe never fills.
//!
//! A handler has no arguments of ours, so its two values are the only global
//! state of the program: where to write, and which signals wait. What waits
//! while no pipe is there (during a reload) is carried over to the next one.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use nix::errno::Errno;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, SigmaskHow};

use crate::signal::Signal;
use crate::sys::fd;

const NOWHERE: i32 = -1;
static WRITE_END: AtomicI32 = AtomicI32::new(NOWHERE);
static WAITING: AtomicU64 = AtomicU64::new(0);

/// A set of blocked signals.
#[derive(Clone, Copy, Debug)]
pub struct Mask(SigSet);

impl Mask {
    /// What is blocked now. Taken at program start, it is what children get
    /// back, whatever the daemon does to its own.
    pub fn current() -> io::Result<Mask> {
        Ok(Mask(SigSet::thread_get_mask()?))
    }

    /// Blocks every signal and returns what was blocked before.
    pub(crate) fn block_all() -> io::Result<Mask> {
        Ok(Mask(
            SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?,
        ))
    }

    /// Blocks exactly these from here on. Safe between fork and exec.
    pub(crate) fn apply(&self) {
        // It fails only for an invalid `how`.
        let _ = self.0.thread_set_mask();
    }
}

/// The signals that are caught; dropping it leaves the handlers in place, with nowhere to write.
#[derive(Debug)]
pub struct Signals {
    write: OwnedFd,
}

impl Signals {
    /// Catches these signals from here on, unblocks them, and returns the pipe's
    /// read end, which is non-blocking and belongs into the poll set. A second
    /// call, after a reload, makes a new pipe and loses nothing.
    pub fn install(caught: &[Signal]) -> io::Result<(Signals, OwnedFd)> {
        let pipe = fd::pipe()?;
        fd::set_nonblocking(pipe.read.as_fd())?;
        fd::set_nonblocking(pipe.write.as_fd())?;
        let previous = Mask::block_all()?;
        WRITE_END.store(pipe.write.as_raw_fd(), Ordering::SeqCst);
        let waiting = WAITING.load(Ordering::SeqCst);
        for number in (1..64).filter(|number| waiting & bit(*number) != 0) {
            tell(pipe.write.as_raw_fd(), number);
        }
        let outcome = caught.iter().try_for_each(|signal| catch(*signal));
        previous.apply();
        unblock(caught);
        outcome?;
        Ok((Signals { write: pipe.write }, pipe.read))
    }

    /// The signals that have arrived since the last call, each once, in order of arrival.
    pub fn drain(read: BorrowedFd<'_>) -> Vec<Signal> {
        let mut numbers = Vec::new();
        // At most 64 can be in the pipe, so one read is all.
        if fd::read(read, &mut numbers, 256).is_err() {
            return Vec::new();
        }
        let mut signals = Vec::new();
        for number in numbers {
            // From here on the next of its kind is written again; one that came
            // a moment earlier is this one.
            WAITING.fetch_and(!bit(i32::from(number)), Ordering::SeqCst);
            signals.extend(
                Signal::from_number(i64::from(number)).filter(|signal| !signals.contains(signal)),
            );
        }
        signals
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // Unless a newer pipe has taken its place.
        let _ = WRITE_END.compare_exchange(
            self.write.as_raw_fd(),
            NOWHERE,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
    }
}

/// Ignores SIGPIPE and SIGXFSZ, so that writes fail with an error instead of
/// ending the daemon. Children inherit both as ignored; so do those of 4.3.0,
/// where it is Python's doing.
pub fn ignore_pipe_signals() -> io::Result<()> {
    for ignored in [signal::Signal::SIGPIPE, signal::Signal::SIGXFSZ] {
        // SAFETY: no handler function is involved.
        unsafe { signal::signal(ignored, SigHandler::SigIgn) }?;
    }
    Ok(())
}

fn catch(signal: Signal) -> io::Result<()> {
    let action = SigAction::new(
        SigHandler::Handler(handler),
        SaFlags::SA_RESTART | SaFlags::SA_NOCLDSTOP,
        SigSet::all(),
    );
    let signal = signal::Signal::try_from(signal.number())?;
    // SAFETY: the handler makes only async-signal-safe calls.
    unsafe { signal::sigaction(signal, &action) }?;
    Ok(())
}

/// Whoever started the daemon may have blocked what it lives by, SIGCHLD above all.
fn unblock(caught: &[Signal]) {
    let set: SigSet = caught
        .iter()
        .filter_map(|signal| signal::Signal::try_from(signal.number()).ok())
        .collect();
    // It fails only for an invalid `how`.
    let _ = set.thread_unblock();
}

extern "C" fn handler(number: libc::c_int) {
    let errno = Errno::last_raw();
    let bit = bit(number);
    if WAITING.fetch_or(bit, Ordering::SeqCst) & bit == 0 {
        tell(WRITE_END.load(Ordering::SeqCst), number);
    }
    Errno::set_raw(errno);
}

/// Async-signal-safe.
fn tell(descriptor: i32, number: i32) {
    let byte = number as u8;
    if descriptor != NOWHERE {
        // SAFETY: one byte of ours; the descriptor is open as long as WRITE_END names it.
        unsafe { libc::write(descriptor, (&raw const byte).cast(), 1) };
    }
}

fn bit(number: i32) -> u64 {
    // Signals are numbered 1 to 64.
    1 << ((number - 1) & 63)
}
