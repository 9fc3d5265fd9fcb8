//! A pipe to oneself that makes the poll wake: raised by whoever has work to
//! leave, lowered by whoever does it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::snapshot::saved;
use crate::sys::fd;

/// The end that raises. The other end is in the poll set.
#[derive(Debug)]
pub struct Trigger {
    write: OwnedFd,
}

saved! { struct Trigger { write } }

impl Trigger {
    /// A trigger that is not raised, and the end for the poll set, which is
    /// readable while it is raised. Both are close-on-exec and never block.
    pub fn new() -> io::Result<(Trigger, OwnedFd)> {
        let pipe = fd::nonblocking_pipe()?;
        Ok((Trigger { write: pipe.write }, pipe.read))
    }

    /// Makes the other end readable.
    pub fn raise(&self) {
        // A pipe that is full is readable as well.
        let _ = fd::write(self.write.as_fd(), &[1]);
    }

    /// Takes back every raise so far.
    pub fn lower(read: BorrowedFd<'_>) {
        let mut bytes = [0; 512];
        while fd::read(read, &mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poller::{Interest, Poller};
    use std::time::Duration;

    #[test]
    fn a_raised_trigger_wakes_the_poll_until_it_is_lowered() {
        let (trigger, read) = Trigger::new().unwrap();
        let mut poller = Poller::new().unwrap();
        let token = poller.register(read, Interest::READ, ()).unwrap();
        let mut ready = Vec::new();
        let mut is_ready = |poller: &mut Poller<()>| {
            poller.wait(Some(Duration::ZERO), &mut ready).unwrap();
            !ready.is_empty()
        };
        assert!(!is_ready(&mut poller));
        // More often than a pipe has room for.
        for _ in 0..100_000 {
            trigger.raise();
        }
        assert!(is_ready(&mut poller));
        Trigger::lower(poller.descriptor(token).unwrap());
        assert!(!is_ready(&mut poller));
    }
}
