//! The allocator: the C library's, and before it for a client that ends soon a
//! region out of which memory is handed and into which it seldom comes back.
//!
//! The table of a hundred processes takes thousands of small pieces, which the
//! allocator of musl gets from the system and gives back again and again. What is
//! the last in the region may grow and comes back; the rest stays until the end.
//! When the region is full, the C library goes on.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much the region holds, in bytes. What is never touched is never there.
const SIZE: usize = 2 * 1024 * 1024;

#[repr(align(4096))]
struct Region(UnsafeCell<[u8; SIZE]>);

// SAFETY: each piece is handed out to one owner only, by an atomic exchange.
unsafe impl Sync for Region {}

static REGION: Region = Region(UnsafeCell::new([0; SIZE]));

/// How much of the region has been handed out; all of it while it is not used.
static USED: AtomicUsize = AtomicUsize::new(SIZE);

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// From now on memory comes out of the region: for programs that end soon.
pub fn hand_out_region() {
    let _ = USED.compare_exchange(SIZE, 0, Ordering::Relaxed, Ordering::Relaxed);
}

struct Allocator;

/// Where the region begins.
fn base() -> *mut u8 {
    REGION.0.get().cast()
}

/// Where in the region a piece begins; `None` for one from elsewhere.
fn place(piece: *mut u8) -> Option<usize> {
    let place = (piece as usize).wrapping_sub(base() as usize);
    (place < SIZE).then_some(place)
}

/// Moves the end of what has been handed out, if it is still there.
fn exchange(old: usize, new: usize) -> bool {
    let outcome = USED.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
    outcome.is_ok()
}

/// Hands out a piece; null when there is no room.
fn take(layout: Layout) -> *mut u8 {
    loop {
        let used = USED.load(Ordering::Relaxed);
        let start = used.next_multiple_of(layout.align());
        // What is asked for later may be smaller, and fit.
        let Some(end) = start.checked_add(layout.size()).filter(|end| *end < SIZE) else {
            return ptr::null_mut();
        };
        if exchange(used, end) {
            return base().wrapping_add(start);
        }
    }
}

// SAFETY: pieces of the region do not overlap, have the alignment that is asked for
// (the region's own is a page, and no more is given), and go back to nobody else.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= 4096 {
            let piece = take(layout);
            if !piece.is_null() {
                return piece;
            }
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if USED.load(Ordering::Relaxed) == SIZE {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as the caller promises; the piece is as long as was asked for.
        unsafe {
            let piece = self.alloc(layout);
            if !piece.is_null() {
                ptr::write_bytes(piece, 0, layout.size());
            }
            piece
        }
    }

    // SAFETY: as the trait promises; what is freed is handed out again only if it was the last piece.
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match place(piece) {
            Some(start) => {
                exchange(start + layout.size(), start);
            }
            // SAFETY: it came from there, as it is not of the region.
            None => unsafe { System.dealloc(piece, layout) },
        }
    }

    // SAFETY: as the trait promises.
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(start) = place(piece) else {
            // SAFETY: it came from there, as it is not of the region.
            return unsafe { System.realloc(piece, layout, size) };
        };
        let end = start.checked_add(size).filter(|end| *end < SIZE);
        if end.is_some_and(|end| exchange(start + layout.size(), end)) {
            return piece;
        }
        if size <= layout.size() {
            return piece;
        }
        // SAFETY: the caller promises that the size fits the alignment; both pieces
        // are at least as long as what is copied, and do not overlap.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(piece, new, layout.size());
                self.dealloc(piece, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::isolated;

    fn is_of_region(bytes: &[u8]) -> bool {
        place(bytes.as_ptr().cast_mut()).is_some()
    }

    #[test]
    fn memory_comes_out_of_the_region_when_that_is_wanted_and_until_it_is_full() {
        let name = "memory_comes_out_of_the_region_when_that_is_wanted_and_until_it_is_full";
        if isolated(module_path!(), name, &[]) {
            return;
        }
        let before = vec![1_u8; 100];
        assert!(!is_of_region(&before));
        hand_out_region();
        let mut text = Vec::with_capacity(10);
        text.extend_from_slice(b"0123456789");
        assert!(is_of_region(&text));
        let begin = text.as_ptr();
        text.extend_from_slice(&[b'x'; 1000]);
        assert_eq!(text.as_ptr(), begin, "the last piece grows where it is");
        let after = Box::new([0_u8; 50]);
        text.extend_from_slice(&[b'y'; 5000]);
        assert_ne!(text.as_ptr(), begin);
        assert!(text.starts_with(b"0123456789x") && text.ends_with(b"y"));
        assert!(after.iter().all(|byte| *byte == 0));
        text.truncate(3);
        text.shrink_to_fit();
        assert_eq!(text, b"012");
        // What was there when it was handed out goes back to where it came from.
        drop(before);
        let large = vec![7_u8; SIZE];
        assert!(!is_of_region(&large));
        let pieces: Vec<Vec<u8>> = (0..SIZE / 1000).map(|_| vec![9; 2000]).collect();
        assert!(pieces.iter().any(|piece| is_of_region(piece)));
        assert!(!pieces.iter().all(|piece| is_of_region(piece)));
        assert!(pieces.iter().flatten().all(|byte| *byte == 9));
        assert_eq!(text, b"012");
    }

    #[test]
    fn what_was_freed_last_is_handed_out_again_and_clean_where_that_is_asked_for() {
        let name = "what_was_freed_last_is_handed_out_again_and_clean_where_that_is_asked_for";
        if isolated(module_path!(), name, &[]) {
            return;
        }
        hand_out_region();
        let layout = Layout::from_size_align(64, 16).unwrap();
        // SAFETY: the layout is not empty, and each piece is freed once, with it.
        unsafe {
            let first = ALLOCATOR.alloc(layout);
            ptr::write_bytes(first, 0xff, 64);
            ALLOCATOR.dealloc(first, layout);
            let second = ALLOCATOR.alloc_zeroed(layout);
            assert_eq!(first, second);
            assert_eq!(second as usize % 16, 0);
            assert!((0..64).all(|place| *second.add(place) == 0));
            ALLOCATOR.dealloc(second, layout);
        }
    }
}
