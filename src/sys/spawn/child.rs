//! What runs between fork and exec: a list of steps, each with what it is, what it does, and
//! what it is called when it fails. The child has a copy of the daemon, which has one thread,
//! so it may do what any program may. It ends as another program, or says why not and exits.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::{self, Pid};

use crate::signal::Signal;
use crate::sys::limits::Limit;
use crate::sys::signals::Mask;
use crate::sys::spawn::environment_files;
use crate::sys::spawn::error_pipe::ErrorPipe;
use crate::sys::spawn::failure::{Failure, Reason};
use crate::sys::spawn::image::Image;
use crate::sys::{cgroup, fd, foreground, privileges, process, rights, signals, terminal};
use crate::text::environment_file::{Pair, Source};

/// The exit status of a child that has not become its program.
pub const NOT_SPAWNED: i32 = 127;

const LAST_WORDS: &str = "supervisor: child process was not spawned";

/// What the daemon catches; children get the default back. SIGPIPE and SIGXFSZ stay ignored.
pub(super) const RESET: &[i32] = &[
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGCHLD,
    libc::SIGUSR2,
    #[cfg(target_os = "linux")]
    Signal::HALT.number(),
];

/// The child's descriptors 0, 1 and 2; two of them may be the same.
#[derive(Clone, Copy, Debug)]
pub struct Streams<'a> {
    pub stdin: BorrowedFd<'a>,
    pub stdout: BorrowedFd<'a>,
    pub stderr: BorrowedFd<'a>,
}

impl Streams<'static> {
    /// Those of the daemon itself.
    pub fn own() -> Streams<'static> {
        // SAFETY: the three are open for as long as the program runs; where one was not, Rust's
        // start has opened /dev/null.
        let [stdin, stdout, stderr] = [0, 1, 2].map(|own| unsafe { BorrowedFd::borrow_raw(own) });
        Streams {
            stdin,
            stdout,
            stderr,
        }
    }
}

/// What a child does before exec. The list is filled before the fork.
#[derive(Clone, Debug)]
pub enum Step<'a> {
    /// It leads a process group of its own.
    ProcessGroup,
    /// Its group is in the foreground of this terminal.
    TakeTerminal(BorrowedFd<'a>),
    /// The signals that the daemon catches do what they do by default, and these are blocked.
    Signals(Mask),
    /// It is in the control group of this directory.
    ControlGroup(&'a str),
    /// The streams become the descriptors 0, 1 and 2.
    Streams,
    /// It has these descriptors besides, each under a number of its own.
    Descriptors(Vec<(BorrowedFd<'a>, RawFd)>),
    /// It has no other descriptors; where the system has no better way, none below this.
    CloseOthers(RawFd),
    /// The variables in these files are added, but for those of a name that is to be kept.
    EnvironmentFiles {
        sources: &'a [Source],
        kept: Vec<&'a str>,
    },
    /// It is told of the listening sockets that it has from descriptor 3 on, by their names: in
    /// the words of sd_listen_fds(3), with its own pid.
    TellSockets(Vec<&'a str>),
    /// The terminal that controls it, if one does, does so no longer. Who has that may type on it.
    LeaveTerminal,
    /// It becomes this user, with all of these groups.
    User {
        uid: u32,
        gid: u32,
        groups: Vec<u32>,
    },
    /// It should become a user and cannot, as is known beforehand: such as
    /// `Can't drop privilege as nonroot user`.
    RefusedUser {
        uid: u32,
        reason: String,
    },
    /// It enters a directory.
    Directory(&'a str),
    Umask(u32),
    /// Its priority is lower by this.
    Nice(i32),
    /// Its priority is this.
    Priority(i32),
    /// So much sooner or later than others it is ended where memory ends.
    OomScore(i64),
    /// A limit of the system; `None` is no limit.
    Limit {
        limit: Limit,
        soft: Option<u64>,
        hard: Option<u64>,
    },
    /// It has exactly these supplementary groups.
    Groups(Vec<u32>),
    /// It gets this signal when the daemon ends, whose pid is given.
    DeathSignal {
        signal: Signal,
        parent: u32,
    },
    /// No program that it starts has more rights than it.
    NoNewPrivs,
}

/// What could not be done, in the words of 4.3.0 where it has some.
impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::ProcessGroup => f.write_str("set process group"),
            Step::TakeTerminal(_) => f.write_str("take the terminal"),
            Step::Signals(_) => f.write_str("reset signals"),
            Step::ControlGroup(path) => write!(f, "join control group {path}"),
            Step::Streams => f.write_str("set up descriptors"),
            Step::Descriptors(all) => {
                let highest = all.iter().map(|(_, number)| *number).max();
                write!(f, "set up descriptor {}", highest.unwrap_or_default())
            }
            Step::CloseOthers(_) => f.write_str("close descriptors"),
            // The reason names the file.
            Step::EnvironmentFiles { .. } => f.write_str("read an environment file"),
            Step::TellSockets(_) => f.write_str("tell of sockets"),
            Step::LeaveTerminal => f.write_str("leave the terminal"),
            Step::User { uid, .. } | Step::RefusedUser { uid, .. } => write!(f, "setuid to {uid}"),
            Step::Directory(directory) => write!(f, "chdir to {directory}"),
            Step::Umask(_) => f.write_str("set umask"),
            Step::Nice(_) => f.write_str("lower the priority"),
            Step::Priority(priority) => write!(f, "set nice to {priority}"),
            Step::OomScore(score) => write!(f, "set oom_score_adj to {score}"),
            Step::Limit { limit, soft, hard } => {
                write!(f, "set {} to ", limit.name().to_lowercase())?;
                bound(*soft, f)?;
                f.write_str(":")?;
                bound(*hard, f)
            }
            Step::Groups(_) => f.write_str("set supplementary_groups"),
            Step::DeathSignal { .. } => f.write_str("set prsetpdeathsig"),
            Step::NoNewPrivs => f.write_str("set no_new_privs"),
        }
    }
}

fn bound(limit: Option<u64>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match limit {
        Some(limit) => write!(f, "{limit}"),
        None => f.write_str("infinity"),
    }
}

/// All that a child does.
pub(super) fn run(
    image: &Result<Image, Failure>,
    streams: Streams<'_>,
    steps: &[Step<'_>],
    errors: &mut ErrorPipe,
) -> ! {
    let own = steps.iter().flat_map(|step| match step {
        Step::Descriptors(all) => all.as_slice(),
        _ => &[],
    });
    let mut kept: Vec<RawFd> = own.map(|(_, number)| *number).collect();
    errors.leave(&kept);
    // Until exec.
    kept.push(errors.write_end());
    // Until the streams have their places, descriptor 2 is the daemon's.
    let (placed, mut stderr) = (io::stderr(), streams.stderr);
    let mut variables = Vec::new();
    let failed = steps.iter().find_map(|step| {
        let outcome = match step {
            Step::EnvironmentFiles { sources, kept } => {
                environment_files::read(sources, kept, &mut variables)
            }
            Step::TellSockets(names) => {
                variables.extend(told_of(names));
                Ok(())
            }
            _ => perform(step, streams, &kept),
        };
        if outcome.is_ok() && matches!(step, Step::Streams) {
            stderr = placed.as_fd();
        }
        outcome.err()
    });
    let failure = match (failed, image) {
        (Some(failure), _) => failure,
        (None, Ok(image)) => image.execute(&variables),
        (None, Err(failure)) => failure.clone(),
    };
    // The daemon is told first: descriptor 2 may be none.
    errors.tell(unistd::getpid().as_raw(), &failure.in_full());
    let text = format!("supervisor: {}\n{LAST_WORDS}\n", failure.text());
    let _ = fd::write(stderr, text.as_bytes());
    // SAFETY: a number. Nothing of the daemon's is run at this end.
    unsafe { libc::_exit(NOT_SPAWNED) }
}

/// How a program is told of its sockets.
fn told_of(names: &[&str]) -> [Pair; 3] {
    let pid = unistd::getpid().to_string();
    [
        ("LISTEN_PID", pid),
        ("LISTEN_FDS", names.len().to_string()),
        ("LISTEN_FDNAMES", names.join(":")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

/// Does a step, in the child. The descriptors that are `kept` stay open.
fn perform(step: &Step<'_>, streams: Streams<'_>, kept: &[RawFd]) -> Result<(), Failure> {
    let outcome = match step {
        Step::ProcessGroup => lead_process_group(),
        // Without it the program runs as well, in the background.
        Step::TakeTerminal(terminal) => {
            foreground::take(*terminal);
            Ok(())
        }
        Step::Signals(mask) => {
            RESET.iter().copied().for_each(signals::reset);
            mask.apply();
            Ok(())
        }
        Step::ControlGroup(path) => told(cgroup::join(path)),
        Step::Streams => place(streams),
        Step::Descriptors(all) => place_all(all),
        // 4.3.0 stops at `minfds`.
        Step::CloseOthers(limit) => {
            fd::close_others(libc::STDERR_FILENO + 1, kept, *limit);
            Ok(())
        }
        // Their outcome is more than a success.
        Step::EnvironmentFiles { .. } | Step::TellSockets(_) => Ok(()),
        Step::LeaveTerminal => {
            terminal::leave();
            Ok(())
        }
        Step::User { uid, gid, groups } => {
            privileges::switch_to(*uid, *gid, groups).map_err(|failed| Reason {
                words: failed.text.to_owned(),
                ..Reason::of(&failed.error)
            })
        }
        Step::RefusedUser { reason, .. } => Err(Reason::said(reason)),
        Step::Directory(directory) if directory.contains('\0') => {
            Err(Reason::said("embedded null byte"))
        }
        Step::Directory(directory) => unistd::chdir(*directory).map_err(Reason::from),
        Step::Umask(mask) => process::umask(*mask)
            .map(drop)
            .map_err(|error| Reason::of(&error)),
        Step::Nice(by) => told(process::lower_priority(*by)),
        Step::Priority(priority) => told(rights::set_priority(*priority)),
        Step::OomScore(score) => told(rights::set_oom_score_adj(*score)),
        Step::Limit { limit, soft, hard } => told(limit.set_both(*soft, *hard)),
        Step::Groups(groups) => told(privileges::set_supplementary_groups(groups)),
        Step::DeathSignal { signal, parent } => die_with(*signal, *parent),
        Step::NoNewPrivs => told(rights::set_no_new_privs()),
    };
    outcome.map_err(|reason| Failure::new(step, reason))
}

fn told(outcome: io::Result<()>) -> Result<(), Reason> {
    outcome.map_err(|error| Reason::of(&error))
}

/// A daemon that has ended before has sent nothing.
fn die_with(signal: Signal, parent: u32) -> Result<(), Reason> {
    told(rights::set_death_signal(signal))?;
    match unistd::getppid().as_raw().cast_unsigned() == parent {
        true => Ok(()),
        false => Err(Reason::said("supervisord has ended")),
    }
}

fn lead_process_group() -> Result<(), Reason> {
    let itself = Pid::from_raw(0);
    let led = unistd::setpgid(itself, itself);
    // A session has a process group.
    Ok(led.or_else(|errno| unistd::setsid().map(drop).map_err(|_| errno))?)
}

fn place_all(all: &[(BorrowedFd<'_>, RawFd)]) -> Result<(), Reason> {
    let numbers = || all.iter().map(|(_, number)| *number);
    let highest = numbers().max().unwrap_or_default();
    // What lies where another one is to be is moved away before anything is put there.
    let sources = all.iter().map(|(source, number)| {
        let lies_on = source.as_raw_fd();
        match lies_on != *number && numbers().any(|taken| taken == lies_on) {
            true => fcntl(*source, FcntlArg::F_DUPFD_CLOEXEC(highest + 1)),
            false => Ok(lies_on),
        }
    });
    let sources = sources.collect::<Result<Vec<RawFd>, Errno>>()?;
    for ((descriptor, number), source) in all.iter().zip(sources) {
        if source == *number {
            fcntl(*descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
            continue;
        }
        // SAFETY: two numbers; in the child nobody owns what is closed.
        Errno::result(unsafe { libc::dup2(source, *number) })?;
    }
    Ok(())
}

fn place(streams: Streams<'_>) -> Result<(), Reason> {
    // Whatever lies on 0, 1 or 2 is moved away before anything is put there.
    let streams = [streams.stdin, streams.stdout, streams.stderr];
    let sources = streams.map(|stream| match stream.as_raw_fd() {
        ..=libc::STDERR_FILENO => fcntl(stream, FcntlArg::F_DUPFD(libc::STDERR_FILENO + 1)),
        number => Ok(number),
    });
    for (number, source) in (0..).zip(sources) {
        // SAFETY: two numbers; in the child nobody owns what is closed.
        Errno::result(unsafe { libc::dup2(source?, number) })?;
    }
    Ok(())
}
