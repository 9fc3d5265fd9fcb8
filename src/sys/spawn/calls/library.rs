//! Calls by way of the C library, for a child that was forked. Numbers of errors are returned.

use std::ffi::{CStr, c_char};
use std::os::fd::RawFd;
use std::sync::atomic::AtomicU32;

use nix::errno::Errno;

use crate::sys::fd;
use crate::sys::signals::Mask;
use crate::sys::spawn::calls::Shared;
use crate::sys::spawn::child::{self, Child};

/// Whether a child can share memory and descriptors here.
pub(in crate::sys::spawn) const CAN_SHARE: bool = false;

/// Whether the kernel lets a child leave a table of descriptors for a smaller one.
pub(in crate::sys::spawn) fn can_leave_descriptors() -> bool {
    false
}

/// Forks a child, which runs [`child::run`]; returns its pid or the number of the error.
///
/// # Safety
/// All signals are blocked. `child` is valid; nothing is shared.
pub(in crate::sys::spawn) unsafe fn begin(
    child: *const Child,
    shared: &Shared,
) -> Result<i32, i32> {
    debug_assert!(shared.memory.is_none() && !shared.descriptors);
    // SAFETY: the child calls nothing but async-signal-safe functions until it
    // has become another program or has ended.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: the condition of this function.
        child::run(unsafe { &*child });
    }
    outcome(pid)
}

/// Cannot be done here.
pub(in crate::sys::spawn) fn leave_descriptors(_first: RawFd) -> Result<(), i32> {
    Err(libc::ENOSYS)
}

/// Nobody waits for words here.
pub(in crate::sys::spawn) fn wake(_word: &AtomicU32) {}

/// setpgid(2) of the child itself, which only fails where it leads one already.
pub(in crate::sys::spawn) fn lead_process_group() {
    // SAFETY: two numbers.
    unsafe { libc::setpgid(0, 0) };
}

/// The signal's default action; it fails only for no signal.
pub(in crate::sys::spawn) fn reset_signal(number: i32) {
    // SAFETY: no handler function is involved.
    unsafe { libc::signal(number, libc::SIG_DFL) };
}

/// Blocks exactly these; it fails only for what is no mask.
pub(in crate::sys::spawn) fn set_mask(mask: &Mask) {
    mask.apply();
}

/// A copy of a descriptor, at that number or above and kept across exec.
pub(in crate::sys::spawn) fn duplicate_from(source: RawFd, lowest: RawFd) -> Result<RawFd, i32> {
    // SAFETY: numbers only.
    outcome(unsafe { libc::fcntl(source, libc::F_DUPFD, lowest) })
}

/// A copy of a descriptor at that number, another one, kept across exec.
pub(in crate::sys::spawn) fn duplicate_to(source: RawFd, place: RawFd) -> Result<(), i32> {
    // SAFETY: two numbers; in the child nobody owns what is closed.
    outcome(unsafe { libc::dup2(source, place) }).map(drop)
}

/// Closes every descriptor from `first` on; where the kernel cannot close all at
/// once, up to but not including `limit`.
pub(in crate::sys::spawn) fn close_from(first: RawFd, limit: RawFd) {
    fd::close_from(first, limit);
}

/// setgroups(2)
pub(in crate::sys::spawn) fn set_groups(groups: &[u32]) -> Result<(), i32> {
    // SAFETY: the array is valid for reads of the length given with it.
    outcome(unsafe { libc::setgroups(groups.len() as _, groups.as_ptr()) }).map(drop)
}

/// setgid(2)
pub(in crate::sys::spawn) fn set_group(gid: u32) -> Result<(), i32> {
    // SAFETY: a number.
    outcome(unsafe { libc::setgid(gid) }).map(drop)
}

/// setuid(2)
pub(in crate::sys::spawn) fn set_user(uid: u32) -> Result<(), i32> {
    // SAFETY: a number.
    outcome(unsafe { libc::setuid(uid) }).map(drop)
}

/// chdir(2)
pub(in crate::sys::spawn) fn change_directory(path: &CStr) -> Result<(), i32> {
    // SAFETY: a C string.
    outcome(unsafe { libc::chdir(path.as_ptr()) }).map(drop)
}

/// umask(2)
pub(in crate::sys::spawn) fn set_umask(umask: u32) {
    // SAFETY: a number.
    unsafe { libc::umask(umask as libc::mode_t) };
}

/// execve(2); comes back only with the number of an error.
///
/// # Safety
/// Both arrays end with a null pointer and hold pointers to C strings before it.
pub(in crate::sys::spawn) unsafe fn execute(
    path: &CStr,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> i32 {
    // SAFETY: a C string, and the condition of this function.
    unsafe { libc::execve(path.as_ptr(), arguments, environment) };
    Errno::last_raw()
}

/// write(2), once; whether it was taken is not told.
pub(in crate::sys::spawn) fn write(descriptor: RawFd, data: &[u8]) {
    // SAFETY: `data` is valid for reads of its length.
    unsafe { libc::write(descriptor, data.as_ptr().cast(), data.len()) };
}

/// Ends the process without running anything of the daemon's.
pub(in crate::sys::spawn) fn exit(status: i32) -> ! {
    // SAFETY: a number.
    unsafe { libc::_exit(status) }
}

fn outcome(result: libc::c_int) -> Result<i32, i32> {
    if result < 0 {
        Err(Errno::last_raw())
    } else {
        Ok(result)
    }
}
