//! What runs between fork and exec: a list of steps. The child has a copy of the
//! daemon, which has one thread, so it may do what any program may. It ends as another
//! program, or says why not and exits.

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd::{self, Pid};

use crate::sys::spawn::error_pipe::ErrorPipe;
use crate::sys::spawn::failure::Failure;
use crate::sys::spawn::image::Image;
use crate::sys::spawn::surroundings::{Identity, Streams, Surroundings};
use crate::sys::{errno, fd, privileges, process, signals};

/// The exit status of a child that has not become its program.
pub const NOT_SPAWNED: i32 = 127;

const LAST_WORDS: &str = "supervisor: child process was not spawned";

/// What the daemon catches; children get the default back. SIGPIPE and SIGXFSZ stay ignored.
pub(super) const RESET: [i32; 6] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGCHLD,
    libc::SIGUSR2,
];

/// All that a child does.
pub(super) fn run(
    image: &Result<Image, Failure>,
    streams: Streams<'_>,
    surroundings: &Surroundings<'_>,
    errors: &ErrorPipe,
) -> ! {
    let stderr = io::stderr();
    // Until the streams have their places, descriptor 2 is the daemon's.
    let (failure, stderr) = match begin(streams, surroundings) {
        Err(failure) => (failure, streams.stderr),
        Ok(()) => {
            let Err(failure) = become_program(image, surroundings, errors.write_end());
            (failure, stderr.as_fd())
        }
    };
    // The daemon is told first: descriptor 2 may be none.
    errors.tell(unistd::getpid().as_raw(), &failure.in_full());
    let text = format!("supervisor: {}\n{LAST_WORDS}\n", failure.text());
    let _ = fd::write(stderr, text.as_bytes());
    // SAFETY: a number. Nothing of the daemon's is run at this end.
    unsafe { libc::_exit(NOT_SPAWNED) }
}

/// The first steps, in the order of 4.3.0, until it has its streams.
fn begin(streams: Streams<'_>, surroundings: &Surroundings<'_>) -> Result<(), Failure> {
    lead_process_group()?;
    RESET.into_iter().for_each(signals::reset);
    surroundings.mask.apply();
    place_streams(streams)
}

/// The other steps.
fn become_program(
    image: &Result<Image, Failure>,
    surroundings: &Surroundings<'_>,
    errors: RawFd,
) -> Result<Infallible, Failure> {
    // Nothing but 0, 1 and 2 is left (4.3.0 stops at `minfds`), and the error pipe until exec.
    fd::close_others(
        libc::STDERR_FILENO + 1,
        Some(errors),
        surroundings.close_below,
    );
    become_user(&surroundings.identity)?;
    if let Some(directory) = surroundings.directory {
        enter(directory)?;
    }
    if let Some(umask) = surroundings.umask {
        process::umask(umask)
            .map_err(|error| Failure::of("couldn't set umask", errno::of(&error).unwrap_or(0)))?;
    }
    let image = image.as_ref().map_err(Failure::clone)?;
    Err(image.execute())
}

fn lead_process_group() -> Result<(), Failure> {
    let itself = Pid::from_raw(0);
    unistd::setpgid(itself, itself)
        // A session has a process group.
        .or_else(|errno| unistd::setsid().map(drop).map_err(|_| errno))
        .map_err(|errno| Failure::of("couldn't set process group", errno as i32))
}

fn place_streams(streams: Streams<'_>) -> Result<(), Failure> {
    let failed = |errno| Failure::of("couldn't set up descriptors", errno as i32);
    // Whatever lies on 0, 1 or 2 is moved away before anything is put there.
    let streams = [streams.stdin, streams.stdout, streams.stderr];
    let sources = streams.map(|stream| match stream.as_raw_fd() {
        ..=libc::STDERR_FILENO => fcntl(stream, FcntlArg::F_DUPFD(libc::STDERR_FILENO + 1)),
        number => Ok(number),
    });
    for (place, source) in (0..).zip(sources) {
        let source = source.map_err(failed)?;
        // SAFETY: two numbers; in the child nobody owns what is closed.
        Errno::result(unsafe { libc::dup2(source, place) }).map_err(failed)?;
    }
    Ok(())
}

fn become_user(identity: &Identity) -> Result<(), Failure> {
    let (uid, reason, more) = match identity {
        Identity::Inherited => return Ok(()),
        Identity::Refused { uid, reason } => (uid, reason.as_str(), String::new()),
        Identity::SwitchTo(credentials) => {
            let switched =
                privileges::switch_to(credentials.uid, credentials.gid, &credentials.groups);
            let Err(failure) = switched else {
                return Ok(());
            };
            (
                &credentials.uid,
                failure.step.text(),
                errno::reason(&failure.error),
            )
        }
    };
    Err(Failure::said(
        format!("couldn't setuid to {uid}: {reason}"),
        more,
    ))
}

fn enter(directory: &str) -> Result<(), Failure> {
    let operation = format!("couldn't chdir to {directory}");
    if directory.contains('\0') {
        return Err(Failure::said(
            format!("{operation}: embedded null byte"),
            String::new(),
        ));
    }
    unistd::chdir(directory).map_err(|errno| Failure::of(&operation, errno as i32))
}
