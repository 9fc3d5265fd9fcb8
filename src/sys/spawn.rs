//! Starting a child: a fork, a list of steps, and exec.
//!
//! [`start`] makes ready what exec is given and forks; [`child`] is all that happens
//! between fork and exec. A child that does not come to exec says why on its
//! descriptor 2, hence in its own log, in the words of 4.3.0, then to the daemon by
//! way of the [`ErrorPipe`], and exits with [`NOT_SPAWNED`]. The daemon waits for
//! none of it: a program may be on a disk that does not answer.

mod child;
pub mod environment_files;
mod error_pipe;
mod failure;
mod image;

use nix::unistd::{self, Pid};

use crate::sys::errno;
use crate::sys::signals::Mask;
use crate::sys::spawn::image::Image;

pub use crate::sys::spawn::child::{NOT_SPAWNED, Step, Streams};
pub use crate::sys::spawn::error_pipe::ErrorPipe;
pub use crate::sys::spawn::image::Program;

/// Starts a child, which does these steps in their order and becomes the program, and
/// returns its pid; it leads a process group of its own. The error is fork's errno. What
/// cannot be handed to exec at all (a NUL in an argument, a `=` in a variable's name) is
/// not an error here: the child says so.
///
/// All signals are blocked meanwhile: one that reached the child before its handlers
/// are reset would be written into the daemon's own signal pipe.
pub fn start(
    program: Program<'_>,
    streams: Streams<'_>,
    steps: &[Step<'_>],
    errors: &mut ErrorPipe,
) -> Result<i32, i32> {
    let image = Image::new(program);
    let previous = Mask::block_all().map_err(|error| errno::of(&error).unwrap_or(libc::EAGAIN))?;
    // SAFETY: the daemon has one thread, so what the child finds in its copy of the
    // memory is whole. It never returns from here.
    let forked = unsafe { unistd::fork() };
    let started = match forked {
        Ok(unistd::ForkResult::Child) => child::run(&image, streams, steps, errors),
        Ok(unistd::ForkResult::Parent { child }) => {
            // The child does this too; whichever comes first, the group exists before
            // anybody signals it. It fails once the child has called exec.
            let _ = unistd::setpgid(child, Pid::from_raw(0));
            errors.forget(child.as_raw());
            Ok(child.as_raw())
        }
        Err(errno) => Err(errno as i32),
    };
    previous.apply();
    started
}

#[cfg(test)]
mod tests;
