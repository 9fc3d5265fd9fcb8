//! The child's life before exec. It may run in the daemon's own memory and beside
//! the daemon: it writes to its own stack alone, allocates nothing, and calls
//! nothing but `calls`, not even the C library, whose errno is the daemon's.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sys::errno;
use crate::sys::signals::Mask;
use crate::sys::spawn::image::Image;
use crate::sys::spawn::{Change, Prepared, SpawnCredentials, calls};

const FAILURE_STATUS: i32 = 127;
const NOT_SPAWNED: &[u8] = b"supervisor: child process was not spawned\n";
/// What the daemon catches; children get the default back. SIGPIPE and SIGXFSZ stay ignored.
pub(super) const RESET: [i32; 6] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGCHLD,
    libc::SIGUSR2,
];

/// What a child is given.
#[derive(Debug)]
pub(super) struct Child {
    /// What was prepared.
    pub prepared: Prepared,
    /// What becomes its descriptors 0, 1 and 2.
    pub streams: [RawFd; 3],
    /// Where its table of descriptors is the daemon's own: how it leaves that.
    pub apart: Option<Apart>,
}

/// How a child leaves the table of descriptors that it shares with the daemon.
#[derive(Debug)]
pub(super) struct Apart {
    /// The descriptors from this one on it does not take along.
    pub first_left: RawFd,
    /// Set to 1 when the table is its own. Lies in memory that stays shared.
    pub has_left: *const AtomicU32,
}

/// All that a child does. It ends in another program, or with status 127.
pub(super) fn run(child: &Child) -> ! {
    if let Some(apart) = &child.apart {
        leave_table(apart);
    }
    let prepared = &child.prepared;
    calls::lead_process_group();
    reset_signals(&prepared.mask);
    place_streams(child.streams);
    // Nothing but 0, 1 and 2 is left (4.3.0 stops at `minfds`).
    calls::close_from(libc::STDERR_FILENO + 1, prepared.close_below);
    match &prepared.change {
        Change::None => {}
        Change::To(credentials, failures) => switch(credentials, failures),
        Change::Refused(failure) => fail(&[failure.as_slice()]),
    }
    if let Some(directory) = &prepared.directory
        && let Err(number) = calls::change_directory(&directory.path)
    {
        fail_with_errno(&directory.failure, number);
    }
    if let Some(umask) = prepared.umask {
        calls::set_umask(umask & 0o777);
    }
    match &prepared.image {
        Ok(image) => execute(image),
        Err(failure) => fail(&[failure.as_slice()]),
    }
}

fn leave_table(apart: &Apart) {
    if calls::leave_descriptors(apart.first_left).is_err() {
        // The daemon's own descriptors are not this child's to touch, not even to say so.
        calls::exit(FAILURE_STATUS);
    }
    // SAFETY: the page is not unmapped before (see places.rs).
    let has_left = unsafe { &*apart.has_left };
    has_left.store(1, Ordering::Release);
    calls::wake(has_left);
}

fn reset_signals(mask: &Mask) {
    RESET.into_iter().for_each(calls::reset_signal);
    calls::set_mask(mask);
}

/// Whatever lies on 0, 1 or 2 is moved away before anything is put there.
fn place_streams(streams: [RawFd; 3]) {
    let aside = streams.map(|stream| match stream {
        ..=libc::STDERR_FILENO => calls::duplicate_from(stream, libc::STDERR_FILENO + 1),
        _ => Ok(stream),
    });
    for (place, source) in (0..).zip(aside) {
        if let Err(number) = source.and_then(|source| calls::duplicate_to(source, place)) {
            fail_with_errno(b"supervisor: couldn't set up descriptors: ", number);
        }
    }
}

fn switch(credentials: &SpawnCredentials, failures: &[Vec<u8>; 3]) {
    let [groups_failed, group_failed, user_failed] = failures;
    if calls::set_groups(&credentials.groups).is_err() {
        fail(&[groups_failed.as_slice()]);
    }
    if calls::set_group(credentials.gid).is_err() {
        fail(&[group_failed.as_slice()]);
    }
    if calls::set_user(credentials.uid).is_err() {
        fail(&[user_failed.as_slice()]);
    }
}

fn execute(image: &Image) -> ! {
    let (arguments, environment) = (image.arguments.as_ptr(), image.environment.as_ptr());
    // SAFETY: a C string and two null-terminated arrays of C strings, all kept
    // alive by `image`.
    let number = unsafe { calls::execute(&image.path, arguments, environment) };
    fail_with_errno(&image.failure, number)
}

fn fail_with_errno(beginning: &[u8], number: i32) -> ! {
    let mut digits = [0; 11];
    let reason = match errno::symbol(number) {
        Some(symbol) => symbol.as_bytes(),
        None => decimal(number, &mut digits),
    };
    fail(&[beginning, reason, b"\n"])
}

/// The digits of a number that is not negative, written from the end of `digits`.
pub(super) fn decimal(mut number: i32, digits: &mut [u8]) -> &[u8] {
    let mut start = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10).unsigned_abs() as u8;
        number /= 10;
        start = place;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

/// Says why there will be no program, and ends the child. Should that fail, there
/// is nobody to tell.
fn fail(text: &[&[u8]]) -> ! {
    for piece in text.iter().copied().chain([NOT_SPAWNED]) {
        calls::write(libc::STDERR_FILENO, piece);
    }
    calls::exit(FAILURE_STATUS)
}
