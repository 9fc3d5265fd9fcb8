//! Memory straight from the system, of which the allocator knows nothing.

use std::ptr::{self, NonNull};

/// A piece of memory that is all zero at first, given back when dropped.
#[derive(Debug)]
pub struct Pages {
    start: NonNull<u8>,
    size: usize,
}

impl Pages {
    /// Memory that a fork copies, as all other; `None` where the system has none.
    pub fn private(size: usize) -> Option<Pages> {
        Pages::map(size, libc::MAP_PRIVATE)
    }

    /// Memory that the child of a fork has in common with its parent.
    pub fn shared(size: usize) -> Option<Pages> {
        Pages::map(size, libc::MAP_SHARED)
    }

    fn map(size: usize, sharing: libc::c_int) -> Option<Pages> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = sharing | libc::MAP_ANON;
        // SAFETY: new memory, which nobody knows yet.
        let start = unsafe { libc::mmap(ptr::null_mut(), size, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let start = NonNull::new(start.cast())?;
        Some(Pages { start, size })
    }

    /// Its first byte, aligned to a page.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// The end of it, aligned as the size is.
    pub fn end(&self) -> *mut u8 {
        self.start.as_ptr().wrapping_add(self.size)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with that size. Whoever lends it to another process
        // keeps it for as long as that may use it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zero_and_can_be_written_to_their_end() {
        for pages in [Pages::private(100_000), Pages::shared(8)] {
            let pages = pages.unwrap();
            let size = pages.end().addr() - pages.start().addr().get();
            // SAFETY: the test's own memory, of that size.
            let bytes = unsafe { std::slice::from_raw_parts_mut(pages.start().as_ptr(), size) };
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(7);
            assert_eq!(bytes.last(), Some(&7));
        }
    }
}
