//! What a child says of itself before exec: its priority, how soon it is ended where memory ends,
//! what it gives up, and what it gets when its parent ends.

use std::io;

use nix::errno::Errno;

use crate::signal::Signal;

/// Sets the priority of this process.
pub fn set_priority(priority: i32) -> io::Result<()> {
    // SAFETY: three numbers. The C libraries do not agree on the type of the first.
    let outcome = unsafe { libc::setpriority(libc::PRIO_PROCESS as _, 0, priority) };
    Ok(Errno::result(outcome).map(drop)?)
}

/// How much sooner or later than others the system ends this process where memory ends.
#[cfg(target_os = "linux")]
pub fn set_oom_score_adj(score: i64) -> io::Result<()> {
    std::fs::write("/proc/self/oom_score_adj", score.to_string())
}

/// No program that this one becomes or starts has more rights than it.
#[cfg(target_os = "linux")]
pub fn set_no_new_privs() -> io::Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// What this process gets when its parent ends. A change of user takes it away.
#[cfg(target_os = "linux")]
pub fn set_death_signal(signal: Signal) -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, signal.number() as libc::c_ulong)
}

#[cfg(target_os = "linux")]
fn prctl(option: i32, value: libc::c_ulong) -> io::Result<()> {
    const NONE: libc::c_ulong = 0;
    // SAFETY: numbers; neither of the two options touches memory.
    let outcome = unsafe { libc::prctl(option, value, NONE, NONE, NONE) };
    Ok(Errno::result(outcome).map(drop)?)
}

#[cfg(not(target_os = "linux"))]
pub fn set_oom_score_adj(_: i64) -> io::Result<()> {
    Err(Errno::ENOSYS.into())
}

#[cfg(not(target_os = "linux"))]
pub fn set_no_new_privs() -> io::Result<()> {
    Err(Errno::ENOSYS.into())
}

#[cfg(not(target_os = "linux"))]
pub fn set_death_signal(_: Signal) -> io::Result<()> {
    Err(Errno::ENOSYS.into())
}
