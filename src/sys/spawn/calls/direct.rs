//! Calls straight to the kernel of Linux. Numbers of errors are returned.

use std::arch::asm;
use std::ffi::{CStr, c_char, c_long};
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::AtomicU32;

use crate::sys::signals::Mask;
use crate::sys::spawn::calls::Shared;
use crate::sys::spawn::child::{self, Child};

/// The size of the kernel's set of signals, and of its `sigaction` at most.
const SIGNAL_SET: usize = 8;
const SIGNAL_ACTION: usize = 32;

/// Whether a child can share memory and descriptors here.
pub(in crate::sys::spawn) const CAN_SHARE: bool = true;

/// Whether the kernel lets a child leave a table of descriptors for a smaller one (Linux 5.9).
pub(in crate::sys::spawn) fn can_leave_descriptors() -> bool {
    // It has had the flag from its beginning; with it, a thread would leave others here.
    // SAFETY: numbers only, and no descriptor has that one.
    unsafe {
        call(
            libc::SYS_close_range,
            [RawFd::MAX as usize, RawFd::MAX as usize, 0, 0],
        )
    }
    .is_ok()
}

/// Makes a child, which runs [`child::run`]; returns its pid or the number of the error.
///
/// # Safety
/// All signals are blocked. `child` stays where it is and as it is until the child
/// has left the memory that it shares; a stack is the child's alone until then.
pub(in crate::sys::spawn) unsafe fn begin(
    child: *const Child,
    shared: &Shared,
) -> Result<i32, i32> {
    let mut flags = libc::SIGCHLD;
    if shared.descriptors {
        flags |= libc::CLONE_FILES;
    }
    let (stack, inside) = match &shared.memory {
        None => (ptr::null_mut(), ptr::null_mut()),
        Some(own) => {
            flags |= libc::CLONE_VM | libc::CLONE_CHILD_CLEARTID;
            (own.top, own.inside)
        }
    };
    let result: isize;
    // SAFETY: in the daemon this is one system call, which changes its result's
    // register and what the kernel always does. The child begins after it with the
    // same registers, on its own stack or on its own copy of this one, and never
    // comes out of the block.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "and rsp, -16",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone as isize => result,
            in("rdi") flags as usize,
            in("rsi") stack,
            in("rdx") ptr::null_mut::<u32>(),
            in("r10") inside,
            in("r8") 0usize,
            in("r12") child,
            in("r13") run as extern "C" fn(*const Child) -> !,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x10",
            "blr x11",
            "brk 1",
            "2:",
            in("x8") libc::SYS_clone,
            inlateout("x0") flags as usize => result,
            in("x1") stack,
            in("x2") ptr::null_mut::<u32>(),
            in("x3") 0usize,
            in("x4") inside,
            in("x10") child,
            in("x11") run as extern "C" fn(*const Child) -> !,
        );
    }
    outcome(result).map(|pid| pid as i32)
}

extern "C" fn run(child: *const Child) -> ! {
    // SAFETY: what `begin` was promised.
    child::run(unsafe { &*child })
}

/// close_range(2) from `first` on, in a table of its own from then on.
pub(in crate::sys::spawn) fn leave_descriptors(first: RawFd) -> Result<(), i32> {
    const UNSHARE: usize = 1 << 1;
    let arguments = [first as usize, RawFd::MAX as usize, UNSHARE, 0];
    // SAFETY: numbers only; nobody in the child owns what is closed.
    unsafe { call(libc::SYS_close_range, arguments) }.map(drop)
}

/// Wakes whoever waits for a word to change.
pub(in crate::sys::spawn) fn wake(word: &AtomicU32) {
    let arguments = [word.as_ptr().addr(), libc::FUTEX_WAKE as usize, 1, 0];
    // SAFETY: the kernel only looks for who waits at that address.
    let _ = unsafe { call(libc::SYS_futex, arguments) };
}

/// setpgid(2) of the child itself, which only fails where it leads one already.
pub(in crate::sys::spawn) fn lead_process_group() {
    // SAFETY: numbers only.
    let _ = unsafe { call(libc::SYS_setpgid, [0; 4]) };
}

/// The signal's default action; it fails only for no signal.
pub(in crate::sys::spawn) fn reset_signal(number: i32) {
    let default = [0u8; SIGNAL_ACTION];
    let arguments = [number as usize, default.as_ptr().addr(), 0, SIGNAL_SET];
    // SAFETY: the kernel reads a sigaction, which is not longer and all zero for SIG_DFL.
    let _ = unsafe { call(libc::SYS_rt_sigaction, arguments) };
}

/// Blocks exactly these; it fails only for what is no mask.
pub(in crate::sys::spawn) fn set_mask(mask: &Mask) {
    let arguments = [
        libc::SIG_SETMASK as usize,
        mask.as_ptr().addr(),
        0,
        SIGNAL_SET,
    ];
    // SAFETY: a set of the C library begins with the kernel's.
    let _ = unsafe { call(libc::SYS_rt_sigprocmask, arguments) };
}

/// A copy of a descriptor, at that number or above and kept across exec.
pub(in crate::sys::spawn) fn duplicate_from(source: RawFd, lowest: RawFd) -> Result<RawFd, i32> {
    let arguments = [source as usize, libc::F_DUPFD as usize, lowest as usize, 0];
    // SAFETY: numbers only.
    unsafe { call(libc::SYS_fcntl, arguments) }.map(|copy| copy as RawFd)
}

/// A copy of a descriptor at that number, another one, kept across exec.
pub(in crate::sys::spawn) fn duplicate_to(source: RawFd, place: RawFd) -> Result<(), i32> {
    // SAFETY: numbers only; in the child nobody owns what is closed.
    unsafe { call(libc::SYS_dup3, [source as usize, place as usize, 0, 0]) }.map(drop)
}

/// Closes every descriptor from `first` on; where the kernel cannot close all at
/// once, up to but not including `limit`.
pub(in crate::sys::spawn) fn close_from(first: RawFd, limit: RawFd) {
    let all = [first as usize, RawFd::MAX as usize, 0, 0];
    // SAFETY: numbers only; in the child nobody owns what is closed.
    if unsafe { call(libc::SYS_close_range, all) }.is_ok() {
        return;
    }
    for descriptor in first..limit {
        // SAFETY: as above.
        let _ = unsafe { call(libc::SYS_close, [descriptor as usize, 0, 0, 0]) };
    }
}

/// setgroups(2)
pub(in crate::sys::spawn) fn set_groups(groups: &[u32]) -> Result<(), i32> {
    let arguments = [groups.len(), groups.as_ptr().addr(), 0, 0];
    // SAFETY: the array is valid for reads of the length given with it.
    unsafe { call(libc::SYS_setgroups, arguments) }.map(drop)
}

/// setgid(2)
pub(in crate::sys::spawn) fn set_group(gid: u32) -> Result<(), i32> {
    // SAFETY: numbers only.
    unsafe { call(libc::SYS_setgid, [gid as usize, 0, 0, 0]) }.map(drop)
}

/// setuid(2)
pub(in crate::sys::spawn) fn set_user(uid: u32) -> Result<(), i32> {
    // SAFETY: numbers only.
    unsafe { call(libc::SYS_setuid, [uid as usize, 0, 0, 0]) }.map(drop)
}

/// chdir(2)
pub(in crate::sys::spawn) fn change_directory(path: &CStr) -> Result<(), i32> {
    // SAFETY: a C string.
    unsafe { call(libc::SYS_chdir, [path.as_ptr().addr(), 0, 0, 0]) }.map(drop)
}

/// umask(2)
pub(in crate::sys::spawn) fn set_umask(umask: u32) {
    // SAFETY: numbers only; it cannot fail.
    let _ = unsafe { call(libc::SYS_umask, [umask as usize, 0, 0, 0]) };
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
    let arguments = [
        path.as_ptr().addr(),
        arguments.addr(),
        environment.addr(),
        0,
    ];
    // SAFETY: a C string, and the condition of this function.
    unsafe { call(libc::SYS_execve, arguments) }.map_or_else(|number| number, |_| 0)
}

/// write(2), once; whether it was taken is not told.
pub(in crate::sys::spawn) fn write(descriptor: RawFd, data: &[u8]) {
    let arguments = [descriptor as usize, data.as_ptr().addr(), data.len(), 0];
    // SAFETY: `data` is valid for reads of its length.
    let _ = unsafe { call(libc::SYS_write, arguments) };
}

/// Ends the process without running anything of the daemon's.
pub(in crate::sys::spawn) fn exit(status: i32) -> ! {
    loop {
        // SAFETY: a number. It does not come back.
        let _ = unsafe { call(libc::SYS_exit_group, [status as usize, 0, 0, 0]) };
    }
}

/// A system call.
///
/// # Safety
/// What the call asks of its arguments. Memory that it is told by an address is
/// only read.
unsafe fn call(number: c_long, [first, second, third, fourth]: [usize; 4]) -> Result<usize, i32> {
    let result: isize;
    // SAFETY: the caller's promise; the registers are those that the kernel uses.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") first => result,
            in("x1") second,
            in("x2") third,
            in("x3") fourth,
            options(nostack),
        );
    }
    outcome(result)
}

/// The kernel's results from -4095 to -1 are errors.
fn outcome(result: isize) -> Result<usize, i32> {
    match result {
        -4095..=-1 => Err(-result as i32),
        _ => Ok(result.cast_unsigned()),
    }
}
