//! Signals to the daemon, by way of a pipe to itself.
//!
//! The handler writes a signal's number into the pipe, so that the poll wakes
//! and the numbers keep their order of arrival. A signal that waits already is
//! not written again, hence the pipe never fills.
//!
//! A handler has no arguments of ours, so its values are the only global state of
//! the program: where to write, and which signals wait. What waits while no pipe is
//! there (during a reload) is carried over to the next one.

use std::io;
use std::mem::MaybeUninit;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use nix::errno::Errno;
use nix::sys::signal::{self, SigSet, SigmaskHow};

use crate::signal::Signal;
use crate::snapshot::{Reader, Save, Saved, Writer, saved};
use crate::sys::fd;

/// All signals that there may be.
const NUMBERS: RangeInclusive<i32> = 1..=64;

const NOWHERE: i32 = -1;
static WRITE_END: AtomicI32 = AtomicI32::new(NOWHERE);
static PENDING: AtomicU64 = AtomicU64::new(0);

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

    fn has(&self, number: i32) -> bool {
        // SAFETY: a set that is filled in; a number that is no signal is not in it.
        unsafe { libc::sigismember(self.0.as_ref(), number) == 1 }
    }

    /// Blocks exactly these from here on. Safe between fork and exec.
    pub(crate) fn apply(&self) {
        // It fails only for an invalid `how`.
        let _ = self.0.thread_set_mask();
    }
}

/// As the numbers of the signals.
impl Save for Mask {
    fn save(&self, to: &mut Writer) {
        let numbers: Vec<i32> = NUMBERS.filter(|number| self.has(*number)).collect();
        numbers.save(to);
    }
}

impl Saved for Mask {
    fn restored(from: &mut Reader<'_>) -> Self {
        let numbers: Vec<i32> = Vec::restored(from);
        Mask(set_of(numbers.into_iter()))
    }

    fn missing() -> Option<Self> {
        Some(Mask(SigSet::empty()))
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
        let pipe = fd::nonblocking_pipe()?;
        let previous = Mask::block_all()?;
        WRITE_END.store(pipe.write.as_raw_fd(), Ordering::SeqCst);
        let pending = PENDING.load(Ordering::SeqCst);
        for number in (1..64).filter(|number| pending & bit(*number) != 0) {
            tell(pipe.write.as_raw_fd(), number);
        }
        let outcome = caught.iter().try_for_each(|signal| catch(*signal));
        previous.apply();
        // Whoever started the daemon may have blocked what it lives by, SIGCHLD above all.
        // It fails only for an invalid `how`.
        let _ = set(caught).thread_unblock();
        outcome?;
        Ok((Signals { write: pipe.write }, pipe.read))
    }

    /// Catches these signals as before, in the program that goes on with the pipe, blocks those of
    /// the mask and unblocks these. What has come meanwhile comes then.
    pub fn catch_again(&self, caught: &[Signal], mask: &Mask) -> io::Result<()> {
        let before = Mask::block_all()?;
        WRITE_END.store(self.write.as_raw_fd(), Ordering::SeqCst);
        if let Err(error) = caught.iter().try_for_each(|signal| catch(*signal)) {
            before.apply();
            return Err(error);
        }
        mask.apply();
        // It fails only for an invalid `how`.
        let _ = set(caught).thread_unblock();
        Ok(())
    }

    /// The signals that have arrived since the last call, each once, in order of arrival.
    pub fn drain(read: BorrowedFd<'_>) -> Vec<Signal> {
        // At most 64 can be in the pipe, so one read is all.
        let mut numbers = [0; 256];
        let count = fd::read(read, &mut numbers).unwrap_or(0);
        let mut signals = Vec::new();
        for number in numbers.into_iter().take(count) {
            // From here on the next of its kind is written again; one that came
            // a moment earlier is this one.
            PENDING.fetch_and(!bit(i32::from(number)), Ordering::SeqCst);
            let signal = Signal::delivered(i32::from(number));
            if !signals.contains(&signal) {
                signals.push(signal);
            }
        }
        signals
    }
}

// What is in the pipe stays there.
saved! { struct Signals { write } }

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

/// Catches these signals no more: each does again what it does by itself.
pub fn release(caught: &[Signal]) {
    for caught in caught {
        reset(caught.number());
    }
}

/// Signals that are held back for as long as the value lives: what comes meanwhile
/// comes then, with the effect that it has.
#[derive(Debug)]
pub struct Held {
    previous: Mask,
    signals: SigSet,
}

impl Held {
    /// Holds these back.
    pub fn hold(signals: &[Signal]) -> io::Result<Held> {
        let signals = set(signals);
        let previous = Mask(signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)?);
        Ok(Held { previous, signals })
    }

    /// Whether one of them has come and waits.
    pub fn is_waiting(&self) -> bool {
        let mut pending = MaybeUninit::uninit();
        // SAFETY: room for a set.
        if unsafe { libc::sigpending(pending.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: the call has filled it in.
        let pending = unsafe { SigSet::from_sigset_t_unchecked(pending.assume_init()) };
        self.signals.iter().any(|signal| pending.contains(signal))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.previous.apply();
    }
}

/// Ignores SIGPIPE and SIGXFSZ, so that writes fail with an error instead of
/// ending the daemon. Children inherit both as ignored; so do those of 4.3.0,
/// where it is Python's doing.
pub fn ignore_pipe_signals() -> io::Result<()> {
    let mut ignored = [libc::SIGPIPE, libc::SIGXFSZ].into_iter();
    ignored.try_for_each(|number| handle(number, libc::SIG_IGN, 0))
}

/// Ends the program by a signal, as if it had not been caught.
pub fn die_of(signal: Signal) -> io::Result<()> {
    reset(signal.number());
    Ok(signal::raise(signal::Signal::try_from(signal.number())?)?)
}

/// Catches SIGCHLD for children that are stopped, too.
pub fn hear_of_stops() -> io::Result<()> {
    handle(
        libc::SIGCHLD,
        handler as *const () as libc::sighandler_t,
        libc::SA_RESTART,
    )
}

/// Gives a signal its default action back, for this process; it fails only for what is no signal.
pub(crate) fn reset(number: i32) {
    let _ = handle(number, libc::SIG_DFL, 0);
}

fn catch(signal: Signal) -> io::Result<()> {
    let handler = handler as *const () as libc::sighandler_t;
    handle(
        signal.number(),
        handler,
        libc::SA_RESTART | libc::SA_NOCLDSTOP,
    )
}

/// By number, for nix knows no real-time signals.
fn handle(number: i32, handler: libc::sighandler_t, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: all zeros are a valid value, and every field that counts is set below.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    action.sa_mask = *SigSet::all().as_ref();
    // SAFETY: the one handler of this module makes only async-signal-safe calls.
    match unsafe { libc::sigaction(number, &action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn set(signals: &[Signal]) -> SigSet {
    set_of(signals.iter().map(|signal| signal.number()))
}

fn set_of(numbers: impl Iterator<Item = i32>) -> SigSet {
    let mut set = *SigSet::empty().as_ref();
    for number in numbers {
        // SAFETY: a set that is filled in; a number that is no signal changes nothing.
        unsafe { libc::sigaddset(&mut set, number) };
    }
    // SAFETY: it was empty, and signals were added to it.
    unsafe { SigSet::from_sigset_t_unchecked(set) }
}

extern "C" fn handler(number: libc::c_int) {
    let errno = Errno::last_raw();
    let bit = bit(number);
    if PENDING.fetch_or(bit, Ordering::SeqCst) & bit == 0 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poller::{Interest, Poller};
    use crate::sys::tests::{handed_over, isolated};
    use std::os::fd::AsFd;
    use std::process::Command;
    use std::time::{Duration, Instant};

    const ALL: [Signal; 4] = [Signal::TERM, Signal::HUP, Signal::USR2, Signal::CHLD];

    fn raise(signal: Signal) {
        signal::raise(signal::Signal::try_from(signal.number()).unwrap()).unwrap();
    }

    #[test]
    fn signals_come_in_order_of_arrival_and_each_once() {
        if isolated(
            module_path!(),
            "signals_come_in_order_of_arrival_and_each_once",
            &[],
        ) {
            return;
        }
        let (_signals, read) = Signals::install(&ALL).unwrap();
        assert_eq!(Signals::drain(read.as_fd()), []);
        for signal in [Signal::TERM, Signal::HUP, Signal::TERM, Signal::TERM] {
            raise(signal);
        }
        assert_eq!(Signals::drain(read.as_fd()), [Signal::TERM, Signal::HUP]);
        assert_eq!(Signals::drain(read.as_fd()), []);
        for _ in 0..200_000 {
            raise(Signal::USR2);
        }
        raise(Signal::TERM);
        assert_eq!(Signals::drain(read.as_fd()), [Signal::USR2, Signal::TERM]);
    }

    #[test]
    fn a_signal_between_two_lives_is_not_lost() {
        if isolated(
            module_path!(),
            "a_signal_between_two_lives_is_not_lost",
            &[],
        ) {
            return;
        }
        let (signals, read) = Signals::install(&ALL).unwrap();
        raise(Signal::HUP);
        drop((signals, read));
        raise(Signal::TERM);
        let (signals, read) = Signals::install(&ALL).unwrap();
        assert_eq!(Signals::drain(read.as_fd()), [Signal::HUP, Signal::TERM]);
        // The new pipe may be made before the old one goes.
        let (_newer, newer_read) = Signals::install(&ALL).unwrap();
        drop((signals, read));
        raise(Signal::TERM);
        assert_eq!(Signals::drain(newer_read.as_fd()), [Signal::TERM]);
    }

    #[test]
    fn what_was_blocked_at_the_start_is_caught_all_the_same() {
        if isolated(
            module_path!(),
            "what_was_blocked_at_the_start_is_caught_all_the_same",
            &[],
        ) {
            return;
        }
        Mask::block_all().unwrap();
        let (_signals, read) = Signals::install(&ALL).unwrap();
        raise(Signal::CHLD);
        assert_eq!(Signals::drain(read.as_fd()), [Signal::CHLD]);
        let mask = Mask::current().unwrap();
        assert!(mask.0.contains(signal::Signal::SIGUSR1));
        assert!(!mask.0.contains(signal::Signal::SIGCHLD));
    }

    #[test]
    fn the_next_program_goes_on_with_the_pipe_and_what_is_in_it() {
        if isolated(
            module_path!(),
            "the_next_program_goes_on_with_the_pipe_and_what_is_in_it",
            &[],
        ) {
            return;
        }
        let (signals, read) = Signals::install(&ALL).unwrap();
        raise(Signal::HUP);
        // What a program that is new in the process has.
        Mask::block_all().unwrap();
        let next = handed_over(&signals);
        drop(signals);
        PENDING.store(0, Ordering::SeqCst);
        release(&ALL);
        raise(Signal::TERM);
        let mut mask = SigSet::empty();
        mask.add(signal::Signal::SIGUSR1);
        mask.add(signal::Signal::SIGTERM);
        let mask = handed_over(&Mask(mask));
        next.catch_again(&ALL, &mask).unwrap();
        assert_eq!(Signals::drain(read.as_fd()), [Signal::HUP, Signal::TERM]);
        let blocked = Mask::current().unwrap();
        assert!(blocked.has(libc::SIGUSR1));
        assert!(!blocked.has(libc::SIGTERM) && !blocked.has(libc::SIGUSR2));
    }

    #[test]
    fn what_is_held_back_comes_when_it_is_let_go() {
        if isolated(
            module_path!(),
            "what_is_held_back_comes_when_it_is_let_go",
            &[],
        ) {
            return;
        }
        let (_signals, read) = Signals::install(&ALL).unwrap();
        let held = Held::hold(&[Signal::HUP, Signal::TERM]).unwrap();
        raise(Signal::USR2);
        assert_eq!(Signals::drain(read.as_fd()), [Signal::USR2]);
        assert!(!held.is_waiting());
        raise(Signal::HUP);
        assert!(held.is_waiting());
        assert_eq!(Signals::drain(read.as_fd()), []);
        drop(held);
        assert_eq!(Signals::drain(read.as_fd()), [Signal::HUP]);
    }

    #[test]
    fn the_handler_leaves_errno_alone() {
        if isolated(module_path!(), "the_handler_leaves_errno_alone", &[]) {
            return;
        }
        // A pipe whose reader has gone makes the handler's own write fail.
        ignore_pipe_signals().unwrap();
        let (_signals, read) = Signals::install(&ALL).unwrap();
        drop(read);
        Errno::set_raw(libc::ENOSPC);
        handler(libc::SIGTERM);
        assert_eq!(Errno::last_raw(), libc::ENOSPC);
    }

    #[test]
    fn a_signal_wakes_the_poller() {
        if isolated(module_path!(), "a_signal_wakes_the_poller", &[]) {
            return;
        }
        let (_signals, read) = Signals::install(&ALL).unwrap();
        let mut poller = Poller::new().unwrap();
        let token = poller.register(read, Interest::READ, 's').unwrap();
        let start = Instant::now();
        let mut child = Command::new("/bin/sh")
            .args(["-c", "exec kill -USR2 $PPID"])
            .spawn()
            .unwrap();
        let mut seen = Vec::new();
        let mut ready = Vec::new();
        while seen.len() < 2 {
            assert!(start.elapsed() < Duration::from_secs(10));
            poller
                .wait(Some(Duration::from_secs(10)), &mut ready)
                .unwrap();
            assert!(ready.iter().all(|event| event.owner == 's'));
            seen.extend(Signals::drain(poller.descriptor(token).unwrap()));
        }
        child.wait().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, [Signal::USR2, Signal::CHLD]);
    }
}
