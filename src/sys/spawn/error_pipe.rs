//! How the daemon learns why a child has not become its program: one pipe for all
//! children, which each of them has until exec and none has after it.
//!
//! Nobody waits at it. A child that fails writes its pid and a text, in one piece, and
//! exits; the daemon reads when it collects a child that has exited so. A pipe that
//! is full makes a child wait, not the daemon: those that have filled it end, and
//! their ends make it read.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use crate::snapshot::saved;
use crate::sys::fd::{self, Pipe};

/// What a pipe takes in one piece or not at all.
const RECORD_SIZE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };
/// Before the text: the pid and the length of the text.
const HEADER_SIZE: usize = 8;

/// The pipe, and what has come out of it.
#[derive(Debug)]
pub struct ErrorPipe {
    pipe: Pipe,
    /// Of children that have not been collected yet.
    told: Vec<(i32, String)>,
}

saved! { struct ErrorPipe { pipe, told } }

impl ErrorPipe {
    /// A new pipe; the daemon's end never blocks.
    pub fn new() -> io::Result<ErrorPipe> {
        let pipe = fd::pipe()?;
        fd::set_nonblocking(pipe.read.as_fd())?;
        Ok(ErrorPipe {
            pipe,
            told: Vec::new(),
        })
    }

    /// Why that child, which has ended, has not become its program; `None` if it has,
    /// or could not say it.
    pub fn take(&mut self, pid: i32) -> Option<String> {
        self.read();
        let mut found = None;
        self.told.retain_mut(|(whose, text)| {
            let is_its = *whose == pid;
            if is_its {
                found = Some(std::mem::take(text));
            }
            !is_its
        });
        found
    }

    /// A child of that pid has begun: what another one of that pid has said before it was
    /// killed is not its.
    pub(super) fn forget(&mut self, pid: i32) {
        self.told.retain(|(whose, _)| *whose != pid);
    }

    /// The number of the end that children write to.
    pub(super) fn write_end(&self) -> RawFd {
        self.pipe.write.as_raw_fd()
    }

    /// Makes room for other descriptors of these numbers, in a child.
    pub(super) fn leave(&mut self, numbers: &[RawFd]) {
        if numbers.contains(&self.write_end())
            && let Some(highest) = numbers.iter().max()
            && let Ok(moved) = fd::duplicate_above(self.pipe.write.as_fd(), *highest)
        {
            self.pipe.write = moved;
        }
    }

    /// Says why there is no program; for a child. Of a text that is too long the
    /// middle is left out, since the reason stands at its end.
    pub(super) fn tell(&self, pid: i32, text: &str) {
        let bytes = text.as_bytes();
        let room = RECORD_SIZE - HEADER_SIZE;
        let (begin, end) = match bytes.len() > room {
            true => (&bytes[..room / 2], &bytes[bytes.len() - room / 2..]),
            false => (bytes, &[][..]),
        };
        let length = (begin.len() + end.len()) as u32;
        let record = [&pid.to_ne_bytes()[..], &length.to_ne_bytes(), begin, end].concat();
        // There is nobody left to tell of a failure.
        let _ = fd::write(self.pipe.write.as_fd(), &record);
    }

    fn read(&mut self) {
        let mut records = Vec::new();
        let mut room = [0; RECORD_SIZE];
        while let Ok(count @ 1..) = fd::read(self.pipe.read.as_fd(), &mut room) {
            records.extend_from_slice(room.get(..count).unwrap_or_default());
        }
        let mut rest = records.as_slice();
        while let Some((pid, text, more)) = split_record(rest) {
            self.told
                .push((pid, String::from_utf8_lossy(text).into_owned()));
            rest = more;
        }
    }
}

/// The first record, and what follows it.
fn split_record(bytes: &[u8]) -> Option<(i32, &[u8], &[u8])> {
    let (pid, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u32::from_ne_bytes(*length) as usize)?;
    Some((i32::from_ne_bytes(*pid), text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::handed_over;

    #[test]
    fn each_child_is_heard_by_its_pid_and_once() {
        let mut errors = ErrorPipe::new().unwrap();
        assert_eq!(errors.take(7), None);
        errors.tell(7, "no exec");
        errors.tell(8, "no directory: é");
        errors.tell(9, "");
        assert_eq!(errors.take(8).as_deref(), Some("no directory: é"));
        assert_eq!(errors.take(8), None);
        errors.tell(10, "no user");
        assert_eq!(errors.take(7).as_deref(), Some("no exec"));
        assert_eq!(errors.take(10).as_deref(), Some("no user"));
        assert_eq!(errors.take(9).as_deref(), Some(""));
        assert!(errors.told.is_empty());
    }

    #[test]
    fn what_a_killed_child_has_said_is_not_told_of_the_next_of_its_pid() {
        let mut errors = ErrorPipe::new().unwrap();
        errors.tell(7, "killed before it could exit");
        errors.tell(8, "no exec");
        assert_eq!(errors.take(8).as_deref(), Some("no exec"));
        errors.forget(7);
        assert_eq!(errors.take(7), None);
    }

    #[test]
    fn what_a_child_has_said_is_heard_by_the_next_program() {
        let mut errors = ErrorPipe::new().unwrap();
        errors.tell(7, "no exec");
        errors.tell(8, "no directory");
        assert_eq!(errors.take(9), None);
        // A child that was started before, and says it after.
        let mut next = handed_over(&errors);
        errors.tell(10, "no user");
        drop(errors);
        for (pid, expected) in [(10, "no user"), (7, "no exec"), (8, "no directory")] {
            assert_eq!(next.take(pid).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_text_that_is_too_long_keeps_its_end() {
        let mut errors = ErrorPipe::new().unwrap();
        errors.tell(
            7,
            &format!("couldn't exec {}: ENAMETOOLONG", "é".repeat(5000)),
        );
        let text = errors.take(7).unwrap();
        assert!(text.starts_with("couldn't exec éé"));
        assert!(text.ends_with("éé: ENAMETOOLONG"));
        assert!(text.len() < RECORD_SIZE + 16);
    }

    #[test]
    fn many_are_heard_at_once() {
        let mut errors = ErrorPipe::new().unwrap();
        for pid in 1..=500 {
            errors.tell(pid, "couldn't chdir to /srv/data: ENOENT");
        }
        let heard = (1..=500).filter(|pid| errors.take(*pid).is_some());
        assert_eq!(heard.count(), 500);
    }
}
