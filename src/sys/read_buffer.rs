//! Room for what is read from a descriptor, at the beginning of a page: the kernel
//! copies whole pages there faster.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::slice;

use nix::errno::Errno;

use crate::sys::fd;

/// How much is read at a time.
pub const SIZE: usize = 64 * 1024;

#[derive(Debug)]
#[repr(align(4096))]
struct Pages([u8; SIZE]);

/// The room; there is none before the first read, and what is never touched takes no memory.
#[derive(Debug, Default)]
pub struct ReadBuffer(Option<Box<MaybeUninit<Pages>>>);

impl ReadBuffer {
    /// Reads once, [`SIZE`] bytes at most. No bytes are the end.
    pub fn read(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<&[u8]> {
        let room = self.0.get_or_insert_with(Box::new_uninit);
        // SAFETY: the room is as long as is read at most, and nobody else has it; as many
        // bytes as the kernel says have been filled.
        unsafe {
            let start = (&raw mut (*room.as_mut_ptr()).0).cast::<u8>();
            let read = || Errno::result(libc::read(descriptor.as_raw_fd(), start.cast(), SIZE));
            let count = fd::retry(read)?;
            Ok(slice::from_raw_parts(
                start,
                usize::try_from(count).unwrap_or(0),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn reading_goes_to_the_beginning_of_a_page_and_tells_the_end() {
        let pipe = fd::pipe().unwrap();
        fd::set_nonblocking(pipe.read.as_fd()).unwrap();
        fd::set_nonblocking(pipe.write.as_fd()).unwrap();
        let mut buffer = ReadBuffer::default();
        let empty = buffer.read(pipe.read.as_fd()).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        for sent in ["first and long", "second"] {
            fd::write(pipe.write.as_fd(), sent.as_bytes()).unwrap();
            let read = buffer.read(pipe.read.as_fd()).unwrap();
            assert_eq!(read, sent.as_bytes());
            assert_eq!(read.as_ptr().addr() % 4096, 0);
        }
        let large = vec![7; SIZE];
        assert_eq!(fd::write(pipe.write.as_fd(), &large).unwrap(), SIZE);
        assert_eq!(buffer.read(pipe.read.as_fd()).unwrap(), large);
        drop(pipe.write);
        crate::sys::tests::until("the end is told", || {
            matches!(buffer.read(pipe.read.as_fd()), Ok([]))
        });
    }
}
