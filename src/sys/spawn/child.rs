//! What runs between fork and exec. The child has a copy of the daemon, which has one
//! thread, so it may do what any program may. It ends as another program, or says why
//! not and exits.

use std::io;
use std::os::fd::AsFd;

use nix::unistd;

use crate::sys::fd;
use crate::sys::spawn::error_pipe::ErrorPipe;
use crate::sys::spawn::failure::Failure;
use crate::sys::spawn::image::Image;
use crate::sys::spawn::step::{self, Step, Streams};

/// The exit status of a child that has not become its program.
pub const NOT_SPAWNED: i32 = 127;

const LAST_WORDS: &str = "supervisor: child process was not spawned";

/// All that a child does.
pub(super) fn run(
    image: &Result<Image, Failure>,
    streams: Streams<'_>,
    steps: &[Step<'_>],
    errors: &ErrorPipe,
) -> ! {
    // Until the streams have their places, descriptor 2 is the daemon's.
    let (placed, mut stderr) = (io::stderr(), streams.stderr);
    let failed = steps.iter().find_map(|step| {
        let outcome = step::perform(step, streams, errors.write_end());
        if outcome.is_ok() && matches!(step, Step::Streams) {
            stderr = placed.as_fd();
        }
        outcome.err()
    });
    let failure = match (failed, image) {
        (Some(failure), _) => failure,
        (None, Ok(image)) => image.execute(),
        (None, Err(failure)) => failure.clone(),
    };
    // The daemon is told first: descriptor 2 may be none.
    errors.tell(unistd::getpid().as_raw(), &failure.in_full());
    let text = format!("supervisor: {}\n{LAST_WORDS}\n", failure.text());
    let _ = fd::write(stderr, text.as_bytes());
    // SAFETY: a number. Nothing of the daemon's is run at this end.
    unsafe { libc::_exit(NOT_SPAWNED) }
}
