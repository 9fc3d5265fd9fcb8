//! Small helpers in C, compiled by the test that uses them.

use super::Dir;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that sets the wall clock that another one sees, or has its system
/// calls fail.
const SHIM: &str = include_str!("shim.c");

/// A program that becomes another one, to which the kernel refuses system calls.
const REFUSE: &str = include_str!("refuse.c");

/// Compiles a program; its path.
pub fn program(dir: &Dir, name: &str, source: &str) -> PathBuf {
    let source = dir.write(&format!("{name}.c"), source);
    let target = dir.join(name);
    let output = Command::new("cc")
        .args(["-O1", "-Wall", "-Werror"])
        .arg("-o")
        .args([&target, &source])
        .output()
        .expect("cc is installed");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cc: {messages}");
    target
}

/// The words that come before a program and its arguments, so that the shim
/// stands between it and the kernel, and not between its children and the kernel.
/// It looks for its orders in the directory: a file `clock` with the seconds by
/// which the wall clock is off, and files `pipe2`, `fork`, `accept`, `kill`, `flock`, `inotify` and
/// `timerfd` with the number of the error with which these calls fail. With -1 a `kill` succeeds
/// and sends nothing. A file `write` is for writes to files of which the name ends
/// in `p.log`. An order that it cannot carry out fails the test when the daemon is dropped.
pub fn shim(dir: &Dir) -> [OsString; 2] {
    [
        program(dir, "shim", SHIM).into(),
        dir.path().as_os_str().to_owned(),
    ]
}

/// The program that [`refused`] needs.
pub fn refuse(dir: &Dir) -> PathBuf {
    program(dir, "refuse", REFUSE)
}

/// The words that come before a program and its arguments, to which, and to whose children, the
/// kernel refuses these calls, with an error of that number or, with `kill`, by a SIGSYS.
/// `pipe2:1` is refused where the argument of that number, from 0, is not 0. What this machine
/// does not have is left out.
pub fn refused(refuse: &Path, calls: &str, error: &str) -> Vec<String> {
    let numbers = calls.split_whitespace().filter_map(|call| {
        let (name, argument) = call.split_once(':').unwrap_or((call, ""));
        let number = number(name)?.to_string();
        Some(match argument {
            "" => number,
            argument => format!("{number}:{argument}"),
        })
    });
    let numbers: Vec<String> = numbers.collect();
    let numbers = numbers.join(",");
    vec![refuse.display().to_string(), numbers, error.to_owned()]
}

/// The number of a system call; `None` of an old one, where machines do not have it.
fn number(name: &str) -> Option<libc::c_long> {
    Some(match name {
        "accept" => libc::SYS_accept,
        "accept4" => libc::SYS_accept4,
        "bind" => libc::SYS_bind,
        "brk" => libc::SYS_brk,
        "chdir" => libc::SYS_chdir,
        "clone" => libc::SYS_clone,
        "clone3" => libc::SYS_clone3,
        "close_range" => libc::SYS_close_range,
        "connect" => libc::SYS_connect,
        "dup3" => libc::SYS_dup3,
        "epoll_create1" => libc::SYS_epoll_create1,
        "epoll_ctl" => libc::SYS_epoll_ctl,
        "epoll_pwait" => libc::SYS_epoll_pwait,
        "eventfd2" => libc::SYS_eventfd2,
        "execve" => libc::SYS_execve,
        "faccessat" => libc::SYS_faccessat,
        "faccessat2" => libc::SYS_faccessat2,
        "fcntl" => libc::SYS_fcntl,
        "fsync" => libc::SYS_fsync,
        "ftruncate" => libc::SYS_ftruncate,
        "getcwd" => libc::SYS_getcwd,
        "getdents64" => libc::SYS_getdents64,
        "getpeername" => libc::SYS_getpeername,
        "getrandom" => libc::SYS_getrandom,
        "inotify_add_watch" => libc::SYS_inotify_add_watch,
        "inotify_init1" => libc::SYS_inotify_init1,
        "ioctl" => libc::SYS_ioctl,
        "kill" => libc::SYS_kill,
        "linkat" => libc::SYS_linkat,
        "listen" => libc::SYS_listen,
        "lseek" => libc::SYS_lseek,
        "madvise" => libc::SYS_madvise,
        "membarrier" => libc::SYS_membarrier,
        "mremap" => libc::SYS_mremap,
        "munmap" => libc::SYS_munmap,
        "pipe2" => libc::SYS_pipe2,
        "ppoll" => libc::SYS_ppoll,
        "prctl" => libc::SYS_prctl,
        "prlimit64" => libc::SYS_prlimit64,
        "pwrite64" => libc::SYS_pwrite64,
        "readlinkat" => libc::SYS_readlinkat,
        "renameat" => libc::SYS_renameat,
        "renameat2" => libc::SYS_renameat2,
        "rseq" => libc::SYS_rseq,
        "sched_getaffinity" => libc::SYS_sched_getaffinity,
        "sendto" => libc::SYS_sendto,
        "set_robust_list" => libc::SYS_set_robust_list,
        "setgid" => libc::SYS_setgid,
        "setgroups" => libc::SYS_setgroups,
        "setpgid" => libc::SYS_setpgid,
        "setsid" => libc::SYS_setsid,
        "setsockopt" => libc::SYS_setsockopt,
        "setuid" => libc::SYS_setuid,
        "shutdown" => libc::SYS_shutdown,
        "sigaltstack" => libc::SYS_sigaltstack,
        "socket" => libc::SYS_socket,
        "statx" => libc::SYS_statx,
        "timerfd_create" => libc::SYS_timerfd_create,
        "umask" => libc::SYS_umask,
        "uname" => libc::SYS_uname,
        "wait4" => libc::SYS_wait4,
        "writev" => libc::SYS_writev,
        #[cfg(target_arch = "x86_64")]
        "access" => libc::SYS_access,
        #[cfg(target_arch = "x86_64")]
        "dup2" => libc::SYS_dup2,
        #[cfg(target_arch = "x86_64")]
        "epoll_wait" => libc::SYS_epoll_wait,
        #[cfg(target_arch = "x86_64")]
        "fork" => libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        "link" => libc::SYS_link,
        #[cfg(target_arch = "x86_64")]
        "readlink" => libc::SYS_readlink,
        #[cfg(target_arch = "x86_64")]
        "rename" => libc::SYS_rename,
        #[cfg(not(target_arch = "x86_64"))]
        "access" | "dup2" | "epoll_wait" | "fork" | "link" | "readlink" | "rename" => return None,
        _ => panic!("which number has {name}?"),
    })
}
