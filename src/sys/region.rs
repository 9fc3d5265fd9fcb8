//! The allocator of builds with musl: the C library's, and before it a region for
//! programs that end soon.
//!
//! The table of a hundred processes takes thousands of small pieces of memory, which
//! musl hands out at twice the price of the rest of the command. In the region they lie one behind
//! the other, and none comes back. When it is full, the C library goes on.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Every piece begins at a multiple of it.
const UNIT: usize = 16;

/// What is larger comes from the C library, which gives it back to the system by itself.
const LARGE: usize = 128 * 1024;

/// A region of so many bytes, and the C library behind it. What is never touched is never
/// there, and all of it is zero at first, so that it takes no room in the binary.
#[repr(align(4096))]
pub struct Region<const SIZE: usize> {
    memory: UnsafeCell<[u8; SIZE]>,
    is_open: AtomicBool,
    /// Behind this nothing was handed out yet; bytes from the beginning.
    used: AtomicUsize,
}

// SAFETY: each byte of the memory belongs to the one piece that it was handed out with.
unsafe impl<const SIZE: usize> Sync for Region<SIZE> {}

impl<const SIZE: usize> Region<SIZE> {
    /// A region that hands out nothing yet.
    pub const fn closed() -> Region<SIZE> {
        Region {
            memory: UnsafeCell::new([0; SIZE]),
            is_open: AtomicBool::new(false),
            used: AtomicUsize::new(0),
        }
    }

    /// From now on memory comes out of the region.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    fn base(&self) -> *mut u8 {
        self.memory.get().cast()
    }

    /// A piece that nobody has had, all zero; `None` where the C library is to give one.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        if !self.is_open.load(Ordering::Relaxed) || layout.size() > LARGE || layout.align() > UNIT {
            return None;
        }
        let size = layout.size().next_multiple_of(UNIT);
        let add = |used: usize| used.checked_add(size).filter(|end| *end <= SIZE);
        let order = Ordering::Relaxed;
        let place = self.used.fetch_update(order, order, add).ok()?;
        Some(self.base().wrapping_add(place))
    }

    /// The place of a piece of the region.
    fn place(&self, piece: *mut u8) -> Option<usize> {
        Some(piece.addr().wrapping_sub(self.base().addr())).filter(|place| *place < SIZE)
    }

    /// Whether the piece at a place holds that many bytes, or does from now on as the last one.
    fn grow(&self, place: usize, old: usize, new: usize) -> bool {
        let (old, new) = (
            place + old.next_multiple_of(UNIT),
            place.saturating_add(new),
        );
        if new <= old {
            return true;
        }
        let end = new.saturating_add(UNIT - 1) / UNIT * UNIT;
        let order = Ordering::Relaxed;
        end <= SIZE && self.used.compare_exchange(old, end, order, order).is_ok()
    }
}

// SAFETY: pieces of the region do not overlap and have the alignment that is asked for
// (their own is `UNIT`, and no more is given); all others are the C library's.
unsafe impl<const SIZE: usize> GlobalAlloc for Region<SIZE> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        self.take(layout)
            .unwrap_or_else(|| unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        self.take(layout)
            .unwrap_or_else(|| unsafe { System.alloc_zeroed(layout) })
    }

    // SAFETY: as the trait promises.
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        if self.place(piece).is_none() {
            // SAFETY: it came from there, as it is not of the region.
            unsafe { System.dealloc(piece, layout) };
        }
    }

    // SAFETY: as the trait promises.
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(place) = self.place(piece) else {
            // SAFETY: it came from there, as it is not of the region.
            return unsafe { System.realloc(piece, layout, size) };
        };
        if self.grow(place, layout.size(), size) {
            return piece;
        }
        // SAFETY: the caller promises that the size fits the alignment; both pieces
        // are at least as long as what is copied, and do not overlap.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(piece, new, layout.size());
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: usize = 64 * 1024;

    fn region() -> Box<Region<SMALL>> {
        let region = Box::new(Region::closed());
        region.open();
        region
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// Another piece with these bytes all over, and whether it is of the region.
    fn piece(region: &Region<SMALL>, layout: Layout, byte: u8) -> (*mut u8, bool) {
        // SAFETY: no layout here is empty, and the piece is as long as it says.
        unsafe {
            let piece = region.alloc(layout);
            assert!(!piece.is_null());
            assert_eq!(piece as usize % layout.align(), 0);
            ptr::write_bytes(piece, byte, layout.size());
            (piece, region.place(piece).is_some())
        }
    }

    fn free(region: &Region<SMALL>, piece: *mut u8, layout: Layout) {
        // SAFETY: each test frees a piece once, with its layout.
        unsafe { region.dealloc(piece, layout) };
    }

    fn holds(piece: *const u8, size: usize, byte: u8) -> bool {
        // SAFETY: each test asks of pieces that it has, and no more than their size.
        (0..size).all(|place| unsafe { *piece.add(place) } == byte)
    }

    #[test]
    fn memory_comes_out_of_the_region_once_it_is_open_and_until_it_is_full() {
        let region: Box<Region<SMALL>> = Box::new(Region::closed());
        let (before, is_of_region) = piece(&region, layout(100, 8), 1);
        assert!(!is_of_region);
        region.open();
        let mut pieces = vec![piece(&region, layout(100, 8), 2)];
        while pieces.last().unwrap().1 {
            pieces.push(piece(&region, layout(100, 1 << (pieces.len() % 5)), 2));
        }
        assert_eq!(pieces.len() - 1, SMALL / 112);
        assert!(pieces.iter().all(|(piece, _)| holds(*piece, 100, 2)));
        assert!(holds(before, 100, 1));
        free(&region, before, layout(100, 8));
        let last = pieces.len() - 1;
        for (number, (piece, _)) in pieces.iter().enumerate() {
            free(&region, *piece, layout(100, 1 << (number % 5)));
        }
        assert!(holds(pieces[last - 1].0, 100, 2));
    }

    #[test]
    fn what_is_large_or_aligned_to_more_is_the_c_library_s() {
        let region = region();
        for layout in [layout(LARGE + 1, 8), layout(10, 2 * UNIT)] {
            let (piece, is_of_region) = piece(&region, layout, 3);
            assert!(!is_of_region);
            free(&region, piece, layout);
        }
    }

    #[test]
    fn the_last_piece_grows_where_it_is_and_any_other_elsewhere() {
        let region = region();
        let (first, _) = piece(&region, layout(10, 1), 4);
        // SAFETY: the piece has this layout each time.
        unsafe {
            assert_eq!(region.realloc(first, layout(10, 1), 1000), first);
            ptr::write_bytes(first, 4, 1000);
            let (second, _) = piece(&region, layout(50, 1), 5);
            assert_eq!(region.realloc(first, layout(1000, 1), 1008), first);
            let moved = region.realloc(first, layout(1008, 1), 2000);
            assert_ne!(moved, first);
            assert!(holds(moved, 1000, 4) && holds(second, 50, 5));
            assert_eq!(region.realloc(moved, layout(2000, 1), 20), moved);
            // Too large for the region: it moves out of it.
            let outside = region.realloc(moved, layout(20, 1), 2 * SMALL);
            assert!(region.place(outside).is_none());
            assert!(holds(outside, 20, 4));
            region.dealloc(outside, layout(2 * SMALL, 1));
        }
    }

    #[test]
    fn memory_is_zero_where_that_is_asked_for() {
        let region = region();
        for size in [100, 2 * SMALL] {
            // SAFETY: the layout is not empty.
            let clean = unsafe { region.alloc_zeroed(layout(size, 8)) };
            assert!(holds(clean, size, 0));
            free(&region, clean, layout(size, 8));
        }
    }

    #[test]
    fn threads_do_not_share_pieces() {
        let region = region();
        let region = &*region;
        std::thread::scope(|scope| {
            for byte in 1..5 {
                scope.spawn(move || {
                    for size in (1..400).map(|turn| 1 + turn % 300) {
                        let (first, _) = piece(region, layout(size, 8), byte);
                        let (second, _) = piece(region, layout(size, 8), byte + 10);
                        assert!(holds(first, size, byte) && holds(second, size, byte + 10));
                        free(region, second, layout(size, 8));
                        free(region, first, layout(size, 8));
                    }
                });
            }
        });
    }
}
