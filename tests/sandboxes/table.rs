//! The system calls that supervisord may do without, and those that it may not: the tables of
//! SANDBOXES in supervisord(8).

/// How a refused call fails.
pub const ERRORS: &[i32] = &[libc::ENOSYS, libc::EPERM, libc::EINVAL];

/// When the calls of a row are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Start,
    Spawn,
    Loop,
    Stop,
}

/// A call, or several that are refused together, that supervisord may do without.
pub struct Spared {
    pub calls: &'static str,
    pub phase: Phase,
    /// What it does instead, as the manual tells.
    pub instead: &'static str,
    /// What the main log says then; nothing where nothing is lost.
    pub told: &'static str,
    /// Where not all of [`ERRORS`] are an answer.
    pub errors: &'static [i32],
}

const fn spared(
    calls: &'static str,
    phase: Phase,
    instead: &'static str,
    told: &'static str,
) -> Spared {
    Spared {
        calls,
        phase,
        instead,
        told,
        errors: ERRORS,
    }
}

/// All of them, in the order of the manual.
pub const SPARED: &[Spared] = &[
    spared(
        "getcwd",
        Phase::Start,
        "The link /proc/self/cwd is read.",
        "",
    ),
    spared(
        "prlimit64",
        Phase::Start,
        "The limits of descriptors and processes stay what they are.",
        "WARN cannot read the RLIMIT_NOFILE limit: ",
    ),
    spared(
        "setsockopt",
        Phase::Start,
        "A port opens only after the last connections of another program have ended.",
        "",
    ),
    spared(
        "link linkat",
        Phase::Start,
        "A server's socket is moved to its name.",
        "",
    ),
    spared(
        "getdents64",
        Phase::Start,
        "Automatic logs of an earlier run stay.",
        "WARN Could not clear childlog dir",
    ),
    spared(
        "ftruncate",
        Phase::Start,
        "A longer pid file keeps its end.",
        "CRIT could not write pidfile ",
    ),
    spared(
        "pwrite64",
        Phase::Start,
        "There is no pid file.",
        "CRIT could not write pidfile ",
    ),
    spared(
        "eventfd2 timerfd_create",
        Phase::Start,
        "A pipe serves, and no timer.",
        "",
    ),
    spared("uname", Phase::Start, "The host name is localhost.", ""),
    spared(
        "sendto",
        Phase::Start,
        "The service manager is not told.",
        "WARN cannot tell the service manager: ",
    ),
    Spared {
        calls: "getrandom",
        phase: Phase::Loop,
        instead: "Random numbers are read from /dev/urandom.",
        told: "",
        // With this error the kernel refuses its flags alone.
        errors: &[libc::ENOSYS, libc::EPERM],
    },
    spared(
        "access faccessat faccessat2",
        Phase::Spawn,
        "A command that may not be executed fails when it is executed.",
        "",
    ),
    spared(
        "pipe2:1",
        Phase::Spawn,
        "The flags of a pipe are set one by one.",
        "",
    ),
    spared(
        "fcntl",
        Phase::Spawn,
        "Flags of descriptors are set by ioctl, copies made by dup.",
        "",
    ),
    spared(
        "ioctl",
        Phase::Spawn,
        "Flags of descriptors are set by fcntl.",
        "",
    ),
    spared(
        "close_range",
        Phase::Spawn,
        "The descriptors that /proc/self/fd lists are closed one by one.",
        "",
    ),
    spared(
        "close_range getdents64",
        Phase::Spawn,
        "All descriptors below minfds are closed.",
        "WARN Could not clear childlog dir",
    ),
    spared(
        "setpgid",
        Phase::Spawn,
        "A program leads a session instead of a process group.",
        "",
    ),
    spared(
        "writev",
        Phase::Loop,
        "Data in pieces is written piece by piece.",
        "",
    ),
    spared(
        "ppoll",
        Phase::Loop,
        "Long times end up to a tenth of a second late.",
        "",
    ),
    spared(
        "getpeername",
        Phase::Loop,
        "The address of a client is not known.",
        "",
    ),
    spared(
        "shutdown",
        Phase::Loop,
        "A connection ends with its last answer, and waits for no client.",
        "",
    ),
    spared(
        "inotify_init1",
        Phase::Loop,
        "The files of sockets are looked at once a second while there is work.",
        "",
    ),
    spared(
        "inotify_add_watch",
        Phase::Loop,
        "The files of sockets are looked at once a second while there is work.",
        "",
    ),
    spared(
        "rename renameat renameat2",
        Phase::Loop,
        "Logs are not rotated; nothing of them is lost.",
        "ERRO stdout of w: cannot rotate ",
    ),
    spared(
        "brk clone3 madvise membarrier mremap munmap prctl readlink readlinkat rseq \
         sched_getaffinity set_robust_list sigaltstack statx",
        Phase::Stop,
        "Nothing is missed.",
        "",
    ),
];

/// A call that supervisord cannot do without.
pub struct Needed {
    pub calls: &'static str,
    pub phase: Phase,
    /// What is said then, where `REASON` and `NAME` are the error in words and by name.
    pub told: &'static str,
}

const fn needed(calls: &'static str, phase: Phase, told: &'static str) -> Needed {
    Needed { calls, phase, told }
}

/// All of them.
pub const NEEDED: &[Needed] = &[
    needed(
        "epoll_create1",
        Phase::Start,
        "Error: cannot make a poll set: REASON",
    ),
    needed(
        "epoll_ctl",
        Phase::Start,
        "Error: cannot make a poll set: REASON",
    ),
    needed(
        "epoll_wait epoll_pwait",
        Phase::Start,
        "Error: cannot make a poll set: REASON",
    ),
    needed("pipe2", Phase::Start, "Error: cannot make a pipe: REASON"),
    needed(
        "socket",
        Phase::Start,
        "Error: Cannot open an HTTP server: socket.error reported errno.NAME",
    ),
    needed(
        "bind",
        Phase::Start,
        "Error: Cannot open an HTTP server: socket.error reported errno.NAME",
    ),
    needed(
        "listen",
        Phase::Start,
        "Error: Cannot open an HTTP server: socket.error reported errno.NAME",
    ),
    needed(
        "clone fork",
        Phase::Spawn,
        "unknown error during fork for 'w': NAME",
    ),
    needed(
        "setpgid setsid",
        Phase::Spawn,
        "couldn't set process group: NAME (REASON)",
    ),
    needed(
        "dup2 dup3",
        Phase::Spawn,
        "couldn't set up descriptors: NAME (REASON)",
    ),
    needed(
        "setgroups",
        Phase::Spawn,
        "couldn't setuid to UID: Could not set groups of effective user (REASON)",
    ),
    needed(
        "setgid",
        Phase::Spawn,
        "couldn't setuid to UID: Could not set group id of effective user (REASON)",
    ),
    needed(
        "setuid",
        Phase::Spawn,
        "couldn't setuid to UID: Could not set user id of effective user (REASON)",
    ),
    needed(
        "chdir",
        Phase::Spawn,
        "couldn't chdir to DIRECTORY: NAME (REASON)",
    ),
    needed("umask", Phase::Spawn, "couldn't set umask: NAME (REASON)"),
    needed(
        "execve",
        Phase::Spawn,
        "couldn't exec COMMAND: NAME (REASON)",
    ),
    needed(
        "accept accept4",
        Phase::Loop,
        "WARN cannot accept a connection: REASON",
    ),
    needed(
        "wait4",
        Phase::Loop,
        "CRIT waitpid error NUMBER; a process may not be cleaned up properly: REASON",
    ),
    needed(
        "kill",
        Phase::Stop,
        "CRIT supervisord is in FATAL state: cannot send SIGTERM to w (pid ",
    ),
];
