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

/// Where the first piece begins.
const BEGIN: usize = 16;

#[global_allocator]
static ALLOCATOR: Allocator<SIZE> = Allocator::closed();

/// From now on memory comes out of the region: for programs that end soon.
pub fn hand_out_region() {
    ALLOCATOR.open();
}

#[repr(align(4096))]
struct Memory<const SIZE: usize>(UnsafeCell<[u8; SIZE]>);

/// A region, and the C library behind it.
struct Allocator<const SIZE: usize> {
    memory: Memory<SIZE>,
    /// How much of the region has been handed out; 0 before it is opened. All of the
    /// allocator is zero then, so that it takes no room in the binary.
    used: AtomicUsize,
}

// SAFETY: a piece of the memory is handed out to one owner only, by an atomic exchange of
// `used`, after all that its last owner did to it: who gives it back releases that, and who
// is given it acquires it.
unsafe impl<const SIZE: usize> Sync for Allocator<SIZE> {}

impl<const SIZE: usize> Allocator<SIZE> {
    const fn closed() -> Allocator<SIZE> {
        Allocator {
            memory: Memory(UnsafeCell::new([0; SIZE])),
            used: AtomicUsize::new(0),
        }
    }

    fn open(&self) {
        self.exchange(0, BEGIN);
    }

    /// Where the region begins.
    fn base(&self) -> *mut u8 {
        self.memory.0.get().cast()
    }

    /// Where in the region a piece begins; `None` for one from elsewhere.
    fn place(&self, piece: *mut u8) -> Option<usize> {
        let place = (piece as usize).wrapping_sub(self.base() as usize);
        (place < SIZE).then_some(place)
    }

    /// Moves the end of what has been handed out, if it is still there.
    fn exchange(&self, old: usize, new: usize) -> bool {
        let outcome = self
            .used
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed);
        outcome.is_ok()
    }

    /// Hands out a piece; null when there is no room.
    fn take(&self, layout: Layout) -> *mut u8 {
        loop {
            let used = self.used.load(Ordering::Relaxed);
            if used == 0 {
                return ptr::null_mut();
            }
            let start = used.next_multiple_of(layout.align());
            // What is asked for later may be smaller, and fit.
            let Some(end) = start.checked_add(layout.size()).filter(|end| *end < SIZE) else {
                return ptr::null_mut();
            };
            if self.exchange(used, end) {
                return self.base().wrapping_add(start);
            }
        }
    }
}

// SAFETY: pieces of the region do not overlap, have the alignment that is asked for
// (the region's own is a page, and no more is given), and go back to nobody else.
unsafe impl<const SIZE: usize> GlobalAlloc for Allocator<SIZE> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= align_of::<Memory<SIZE>>() {
            let piece = self.take(layout);
            if !piece.is_null() {
                return piece;
            }
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.used.load(Ordering::Relaxed) == 0 {
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
        match self.place(piece) {
            Some(start) => {
                self.exchange(start + layout.size(), start);
            }
            // SAFETY: it came from there, as it is not of the region.
            None => unsafe { System.dealloc(piece, layout) },
        }
    }

    // SAFETY: as the trait promises.
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(start) = self.place(piece) else {
            // SAFETY: it came from there, as it is not of the region.
            return unsafe { System.realloc(piece, layout, size) };
        };
        let end = start.checked_add(size).filter(|end| *end < SIZE);
        if end.is_some_and(|end| self.exchange(start + layout.size(), end)) {
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

    const SMALL: usize = 64 * 1024;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// Another piece with these bytes all over, and whether it is of the region.
    fn piece(allocator: &Allocator<SMALL>, layout: Layout, byte: u8) -> (*mut u8, bool) {
        // SAFETY: no layout here is empty, and the piece is as long as it says.
        unsafe {
            let piece = allocator.alloc(layout);
            assert!(!piece.is_null());
            assert_eq!(piece as usize % layout.align(), 0);
            ptr::write_bytes(piece, byte, layout.size());
            (piece, allocator.place(piece).is_some())
        }
    }

    fn free(allocator: &Allocator<SMALL>, piece: *mut u8, layout: Layout) {
        // SAFETY: each test frees a piece once, with its layout.
        unsafe { allocator.dealloc(piece, layout) };
    }

    fn holds(piece: *const u8, size: usize, byte: u8) -> bool {
        // SAFETY: each test asks of pieces that it has, and no more than their size.
        (0..size).all(|place| unsafe { *piece.add(place) } == byte)
    }

    #[test]
    fn memory_comes_out_of_the_region_when_that_is_wanted_and_until_it_is_full() {
        let allocator: Box<Allocator<SMALL>> = Box::new(Allocator::closed());
        let (before, is_of_region) = piece(&allocator, layout(100, 8), 1);
        assert!(!is_of_region);
        allocator.open();
        let mut pieces = vec![piece(&allocator, layout(100, 8), 2)];
        while pieces.last().unwrap().1 {
            let align = 1 << (pieces.len() % 8);
            pieces.push(piece(&allocator, layout(100, align), 2));
        }
        let number = pieces
            .iter()
            .filter(|(_, is_of_region)| *is_of_region)
            .count();
        assert!((300..700).contains(&number), "{number}");
        assert!(pieces.iter().all(|(piece, _)| holds(*piece, 100, 2)));
        assert!(holds(before, 100, 1));
        let (large, is_of_region) = piece(&allocator, layout(SMALL, 8), 3);
        assert!(!is_of_region);
        free(&allocator, large, layout(SMALL, 8));
        free(&allocator, before, layout(100, 8));
        let last = pieces.len() - 1;
        free(&allocator, pieces[last].0, layout(100, 1 << (last % 8)));
    }

    #[test]
    fn the_last_piece_grows_where_it_is_and_any_other_elsewhere() {
        let allocator: Box<Allocator<SMALL>> = Box::new(Allocator::closed());
        allocator.open();
        let (first, _) = piece(&allocator, layout(10, 1), 4);
        // SAFETY: the piece has this layout each time.
        unsafe {
            assert_eq!(allocator.realloc(first, layout(10, 1), 1000), first);
            ptr::write_bytes(first, 4, 1000);
            let (second, _) = piece(&allocator, layout(50, 1), 5);
            let moved = allocator.realloc(first, layout(1000, 1), 2000);
            assert_ne!(moved, first);
            assert!(holds(moved, 1000, 4) && holds(second, 50, 5));
            assert_eq!(allocator.realloc(moved, layout(2000, 1), 20), moved);
            // Too large for the region: it moves out of it.
            let outside = allocator.realloc(moved, layout(20, 1), 2 * SMALL);
            assert!(allocator.place(outside).is_none());
            assert!(holds(outside, 20, 4));
            allocator.dealloc(outside, layout(2 * SMALL, 1));
        }
    }

    #[test]
    fn what_was_freed_last_is_handed_out_again_and_clean_where_that_is_asked_for() {
        let allocator: Box<Allocator<SMALL>> = Box::new(Allocator::closed());
        allocator.open();
        let (first, _) = piece(&allocator, layout(64, 16), 0xff);
        free(&allocator, first, layout(64, 16));
        // SAFETY: the layout is not empty.
        let second = unsafe { allocator.alloc_zeroed(layout(64, 16)) };
        assert_eq!(first, second);
        assert!(holds(second, 64, 0));
    }

    #[test]
    fn threads_do_not_share_pieces() {
        let allocator: Box<Allocator<SMALL>> = Box::new(Allocator::closed());
        allocator.open();
        std::thread::scope(|scope| {
            for byte in 1..5 {
                let allocator = &allocator;
                scope.spawn(move || {
                    for size in (1..2000).map(|turn| 1 + turn % 300) {
                        let layout = layout(size, 8);
                        let (first, _) = piece(allocator, layout, byte);
                        let (second, _) = piece(allocator, layout, byte + 10);
                        assert!(holds(first, size, byte) && holds(second, size, byte + 10));
                        free(allocator, second, layout);
                        free(allocator, first, layout);
                    }
                });
            }
        });
    }
}
