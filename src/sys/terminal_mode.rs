//! The terminal as it was, brought back when a signal ends the program while
//! it is changed: without echo for a password, or raw for editing a line.

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::errno::Errno;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet};

/// What ends a program and may come while a terminal is changed.
const FATAL: [signal::Signal; 3] = [
    signal::Signal::SIGTERM,
    signal::Signal::SIGHUP,
    signal::Signal::SIGQUIT,
];

/// Turns off what editing a line turned on: the marks around pasted text.
const PLAIN: &[u8] = b"\x1b[?2004l\r\n";

/// Settings and whose they are. A handler has no arguments of ours.
struct Kept {
    settings: UnsafeCell<MaybeUninit<libc::termios>>,
    descriptor: AtomicI32,
    is_edited: AtomicBool,
    is_valid: AtomicBool,
}

// SAFETY: the settings are written only while `is_valid` is false, by the one
// thread that changes the terminal, and read only while it is true.
unsafe impl Sync for Kept {}

static KEPT: Kept = Kept {
    settings: UnsafeCell::new(MaybeUninit::uninit()),
    descriptor: AtomicI32::new(-1),
    is_edited: AtomicBool::new(false),
    is_valid: AtomicBool::new(false),
};

/// While it lives, a signal that ends the program brings the terminal's
/// settings back first.
#[derive(Debug)]
pub struct Keeper {
    previous: Vec<(signal::Signal, SigAction)>,
}

impl Keeper {
    /// Keeps the settings of a terminal that stays open meanwhile, on which
    /// lines will be edited or not. There is one keeper at a time: a second one
    /// is an error.
    pub fn keep(terminal: BorrowedFd<'_>, is_edited: bool) -> io::Result<Keeper> {
        if KEPT.is_valid.load(Ordering::SeqCst) {
            return Err(Errno::EBUSY.into());
        }
        // SAFETY: nobody reads the settings before they are valid; tcgetattr fills them or fails.
        let outcome = unsafe {
            let settings = (*KEPT.settings.get()).as_mut_ptr();
            libc::tcgetattr(terminal.as_raw_fd(), settings)
        };
        Errno::result(outcome)?;
        KEPT.descriptor
            .store(terminal.as_raw_fd(), Ordering::SeqCst);
        KEPT.is_edited.store(is_edited, Ordering::SeqCst);
        KEPT.is_valid.store(true, Ordering::SeqCst);
        let mut keeper = Keeper {
            previous: Vec::new(),
        };
        for signal in FATAL {
            let action = SigAction::new(
                SigHandler::Handler(restore),
                SaFlags::empty(),
                SigSet::all(),
            );
            let previous = handle(signal, &action)?;
            if matches!(previous.handler(), SigHandler::SigIgn) {
                handle(signal, &previous)?;
            } else {
                keeper.previous.push((signal, previous));
            }
        }
        Ok(keeper)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        for (signal, previous) in &self.previous {
            let _ = handle(*signal, previous);
        }
        KEPT.is_valid.store(false, Ordering::SeqCst);
    }
}

/// Handles a signal so, and returns how it was handled before.
fn handle(signal: signal::Signal, action: &SigAction) -> nix::Result<SigAction> {
    // SAFETY: the handler here makes only async-signal-safe calls; others were in force before.
    unsafe { signal::sigaction(signal, action) }
}

/// Restores the terminal unless it belongs to another program by now, and dies
/// of the signal. Every signal is blocked meanwhile, SIGTTOU among them.
extern "C" fn restore(number: libc::c_int) {
    if KEPT.is_valid.load(Ordering::SeqCst) {
        let terminal = KEPT.descriptor.load(Ordering::SeqCst);
        // SAFETY: async-signal-safe calls alone; the settings are valid.
        unsafe {
            if libc::tcgetpgrp(terminal) == libc::getpgrp() {
                let settings = (*KEPT.settings.get()).as_ptr();
                libc::tcsetattr(terminal, libc::TCSANOW, settings);
                if KEPT.is_edited.load(Ordering::SeqCst) {
                    libc::write(terminal, PLAIN.as_ptr().cast(), PLAIN.len());
                }
            }
        }
    }
    // SAFETY: async-signal-safe calls alone; the signal is delivered when the handler returns.
    unsafe {
        libc::signal(number, libc::SIG_DFL);
        libc::raise(number);
    }
}
