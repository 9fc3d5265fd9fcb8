//! The allocator: the C library's, and before it a region out of which one thread
//! takes its memory for a while.
//!
//! A client that ends soon does so from its start to its end: the table of a hundred
//! processes takes thousands of small pieces, which the allocator of musl gets from
//! the system and gives back again and again. A daemon does while it reads its
//! configuration. Little of all that stays, and would lie scattered over as much of the
//! heap: it is copied, and the region is given back whole.
//!
//! What was given back is handed out again by its size, and what is last in the region
//! may grow. When it is full, the C library goes on.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much the region holds, in bytes. What is never touched is never there.
const SIZE: usize = 8 * 1024 * 1024;

/// Every piece begins at a multiple of it, and none is smaller.
const UNIT: usize = 16;

/// Pieces up to this size are multiples of `UNIT`, larger ones powers of two.
const SMALL: usize = 512;

/// What is larger comes from the C library, which can give it back to the system by itself.
const LARGE: usize = 64 * 1024;

/// How many sizes of pieces there are, and a size 0.
const SIZES: usize = SMALL / UNIT + (LARGE / SMALL).ilog2() as usize + 1;

#[global_allocator]
static ALLOCATOR: Allocator<SIZE> = Allocator::closed();

/// From now on memory comes out of the region: for programs that end soon.
pub fn hand_out_region() {
    ALLOCATOR.open();
}

/// Has memory for what `work` does come out of the region. What is to stay of its outcome
/// is to be copied, and the rest dropped, for [`clear`] to find the region empty.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    let _use = ALLOCATOR.open().then(|| Use(&ALLOCATOR));
    work()
}

/// Gives the region back to the system if nothing is left in it.
pub fn clear() {
    if ALLOCATOR.open() {
        let _use = Use(&ALLOCATOR);
        ALLOCATOR.clear();
    }
}

/// The region is closed when this is dropped.
struct Use<'a, const SIZE: usize>(&'a Allocator<SIZE>);

impl<const SIZE: usize> Drop for Use<'_, SIZE> {
    fn drop(&mut self) {
        self.0.owner.store(0, Ordering::Release);
    }
}

#[repr(align(4096))]
struct Memory<const SIZE: usize>(UnsafeCell<[u8; SIZE]>);

/// Where there is room in the region. Places are bytes from its beginning.
struct Room {
    /// Behind this nothing was handed out yet.
    used: usize,
    /// Of each size the piece that came back last, in which the place of the one before it
    /// stands; 0 where there is none.
    free: [usize; SIZES],
}

/// A region, and the C library behind it.
struct Allocator<const SIZE: usize> {
    memory: Memory<SIZE>,
    /// The thread that memory is handed out to; 0 while the region is closed. All of the
    /// allocator is zero then, so that it takes no room in the binary.
    owner: AtomicUsize,
    /// How many pieces have not come back.
    pieces: AtomicUsize,
    /// The owner's alone.
    room: UnsafeCell<Room>,
}

// SAFETY: memory is handed out, and the room looked at, by the thread alone that has made
// itself the owner, after all that the owner before it did. Other threads that give a piece
// back only count, after all that they did to it, and no piece is handed out again for that
// before the owner has seen all of them counted.
unsafe impl<const SIZE: usize> Sync for Allocator<SIZE> {}

/// This thread; never 0.
fn this_thread() -> usize {
    // SAFETY: it has no conditions.
    (unsafe { libc::pthread_self() }) as usize
}

/// Which size of pieces holds so many bytes, and how many those have.
fn size_of_piece(bytes: usize) -> (usize, usize) {
    if bytes <= SMALL {
        let units = bytes.div_ceil(UNIT);
        (units, units * UNIT)
    } else {
        let size = bytes.next_power_of_two();
        (SMALL / UNIT + (size / SMALL).ilog2() as usize, size)
    }
}

impl<const SIZE: usize> Allocator<SIZE> {
    const fn closed() -> Allocator<SIZE> {
        Allocator {
            memory: Memory(UnsafeCell::new([0; SIZE])),
            owner: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
            room: UnsafeCell::new(Room {
                used: 0,
                free: [0; SIZES],
            }),
        }
    }

    /// Makes this thread the owner; false if there is one.
    fn open(&self) -> bool {
        let outcome =
            self.owner
                .compare_exchange(0, this_thread(), Ordering::Acquire, Ordering::Relaxed);
        outcome.is_ok()
    }

    fn is_mine(&self) -> bool {
        let owner = self.owner.load(Ordering::Relaxed);
        owner != 0 && owner == this_thread()
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

    /// The room, for its owner; `None` for any other thread.
    #[allow(clippy::mut_from_ref)]
    fn room(&self) -> Option<&mut Room> {
        // SAFETY: nobody but the owner looks at it, and none of the functions below calls
        // another while it does.
        self.is_mine().then(|| unsafe { &mut *self.room.get() })
    }

    /// Hands out a piece; null when there is no room, or for others than the owner.
    fn take(&self, layout: Layout) -> *mut u8 {
        let fits = layout.size() <= LARGE && layout.align() <= UNIT;
        let Some(room) = self.room().filter(|_| fits) else {
            return ptr::null_mut();
        };
        let (index, size) = size_of_piece(layout.size());
        let place = match room.free.get_mut(index) {
            Some(first) if *first != 0 => {
                let place = *first;
                // SAFETY: a piece that came back, in which `give_back` has written this.
                *first = unsafe { self.base().add(place).cast::<usize>().read() };
                place
            }
            _ => {
                // 0 is no place.
                let place = room.used.max(UNIT);
                if place + size > SIZE {
                    return ptr::null_mut();
                }
                room.used = place + size;
                place
            }
        };
        self.pieces.fetch_add(1, Ordering::Relaxed);
        self.base().wrapping_add(place)
    }

    /// Takes back the piece at a place, of at least that size.
    fn give_back(&self, place: usize, bytes: usize) {
        let (index, _) = size_of_piece(bytes);
        if let Some(room) = self.room()
            && let Some(first) = room.free.get_mut(index)
        {
            // SAFETY: in the region, aligned to `UNIT` and as long at least; nobody's now.
            unsafe { self.base().add(place).cast::<usize>().write(*first) };
            *first = place;
        }
        self.pieces.fetch_sub(1, Ordering::Release);
    }

    /// Whether the piece at a place holds other so many bytes as well, or does from now on.
    fn resize(&self, place: usize, old: usize, new: usize) -> bool {
        let ((_, old), (_, new)) = (size_of_piece(old), size_of_piece(new));
        if new <= old {
            return true;
        }
        let end = place + new;
        match self.room() {
            Some(room) if room.used == place + old && new <= LARGE && end <= SIZE => {
                room.used = end;
                true
            }
            _ => false,
        }
    }

    /// Gives all memory back to the system, for the owner, if no piece is in use.
    fn clear(&self) {
        if self.pieces.load(Ordering::Acquire) > 0 {
            return;
        }
        if let Some(room) = self.room()
            && std::mem::take(&mut room.used) > 0
        {
            room.free.fill(0);
            // SAFETY: nobody's memory, in pages of its own. Should the system not take it, it stays.
            unsafe { libc::madvise(self.base().cast(), SIZE, libc::MADV_DONTNEED) };
        }
    }
}

// SAFETY: pieces of the region do not overlap and have the alignment that is asked for (their
// own is `UNIT`, and no more is given).
unsafe impl<const SIZE: usize> GlobalAlloc for Allocator<SIZE> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let piece = self.take(layout);
        if !piece.is_null() {
            return piece;
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let piece = self.take(layout);
        if piece.is_null() {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the piece is as long as was asked for.
        unsafe { ptr::write_bytes(piece, 0, layout.size()) };
        piece
    }

    // SAFETY: as the trait promises; nobody uses the piece any more.
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match self.place(piece) {
            Some(place) => self.give_back(place, layout.size()),
            // SAFETY: it came from there, as it is not of the region.
            None => unsafe { System.dealloc(piece, layout) },
        }
    }

    // SAFETY: as the trait promises.
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(place) = self.place(piece) else {
            // SAFETY: it came from there, as it is not of the region.
            return unsafe { System.realloc(piece, layout, size) };
        };
        if self.resize(place, layout.size(), size) {
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

    const SMALL_REGION: usize = 64 * 1024;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// Another piece with these bytes all over, and whether it is of the region.
    fn piece(allocator: &Allocator<SMALL_REGION>, layout: Layout, byte: u8) -> (*mut u8, bool) {
        // SAFETY: no layout here is empty, and the piece is as long as it says.
        unsafe {
            let piece = allocator.alloc(layout);
            assert!(!piece.is_null());
            assert_eq!(piece as usize % layout.align(), 0);
            ptr::write_bytes(piece, byte, layout.size());
            (piece, allocator.place(piece).is_some())
        }
    }

    fn free(allocator: &Allocator<SMALL_REGION>, piece: *mut u8, layout: Layout) {
        // SAFETY: each test frees a piece once, with its layout.
        unsafe { allocator.dealloc(piece, layout) };
    }

    fn holds(piece: *const u8, size: usize, byte: u8) -> bool {
        // SAFETY: each test asks of pieces that it has, and no more than their size.
        (0..size).all(|place| unsafe { *piece.add(place) } == byte)
    }

    #[test]
    fn memory_comes_out_of_the_region_when_that_is_wanted_and_until_it_is_full() {
        let allocator: Box<Allocator<SMALL_REGION>> = Box::new(Allocator::closed());
        let (before, is_of_region) = piece(&allocator, layout(100, 8), 1);
        assert!(!is_of_region);
        assert!(allocator.open());
        let mut pieces = vec![piece(&allocator, layout(100, 8), 2)];
        while pieces.last().unwrap().1 {
            pieces.push(piece(&allocator, layout(100, 1 << (pieces.len() % 5)), 2));
        }
        assert_eq!(pieces.len() - 1, (SMALL_REGION - UNIT) / 112);
        assert!(pieces.iter().all(|(piece, _)| holds(*piece, 100, 2)));
        assert!(holds(before, 100, 1));
        for layout in [layout(SMALL_REGION, 8), layout(10, 2 * UNIT)] {
            let (other, is_of_region) = piece(&allocator, layout, 3);
            assert!(!is_of_region);
            free(&allocator, other, layout);
        }
        free(&allocator, before, layout(100, 8));
        let last = pieces.len() - 1;
        free(&allocator, pieces[last].0, layout(100, 1 << (last % 5)));
    }

    #[test]
    fn the_last_piece_grows_where_it_is_and_any_other_elsewhere() {
        let allocator: Box<Allocator<SMALL_REGION>> = Box::new(Allocator::closed());
        allocator.open();
        let (first, _) = piece(&allocator, layout(10, 1), 4);
        // SAFETY: the piece has this layout each time.
        unsafe {
            assert_eq!(allocator.realloc(first, layout(10, 1), 1000), first);
            ptr::write_bytes(first, 4, 1000);
            let (second, _) = piece(&allocator, layout(50, 1), 5);
            assert_eq!(allocator.realloc(first, layout(1000, 1), 1024), first);
            let moved = allocator.realloc(first, layout(1024, 1), 2000);
            assert_ne!(moved, first);
            assert!(holds(moved, 1000, 4) && holds(second, 50, 5));
            assert_eq!(allocator.realloc(moved, layout(2000, 1), 20), moved);
            // Too large for the region: it moves out of it.
            let outside = allocator.realloc(moved, layout(20, 1), 2 * SMALL_REGION);
            assert!(allocator.place(outside).is_none());
            assert!(holds(outside, 20, 4));
            allocator.dealloc(outside, layout(2 * SMALL_REGION, 1));
        }
    }

    #[test]
    fn what_was_freed_is_handed_out_again_by_its_size_and_clean_where_that_is_asked_for() {
        let allocator: Box<Allocator<SMALL_REGION>> = Box::new(Allocator::closed());
        allocator.open();
        let sizes = [64, 8, 700, 600, 50];
        let pieces = sizes.map(|size| piece(&allocator, layout(size, 8), 0xff).0);
        for (piece, size) in pieces.iter().zip(sizes) {
            free(&allocator, *piece, layout(size, 8));
        }
        let again = |size| piece(&allocator, layout(size, 8), 1).0;
        assert_eq!(again(1024), pieces[3]);
        assert_eq!(again(513), pieces[2]);
        // SAFETY: the layout is not empty.
        let clean = unsafe { allocator.alloc_zeroed(layout(63, 8)) };
        assert_eq!(clean, pieces[4]);
        assert!(holds(clean, 63, 0));
        assert_eq!(again(49), pieces[0]);
        assert!(!pieces.contains(&again(64)));
    }

    #[test]
    fn a_region_is_given_back_when_all_of_it_was() {
        let allocator: Box<Allocator<SMALL_REGION>> = Box::new(Allocator::closed());
        let first = {
            assert!(allocator.open());
            let _use = Use(&allocator);
            assert!(!allocator.open());
            piece(&allocator, layout(5000, 8), 6).0
        };
        assert!(!piece(&allocator, layout(8, 8), 7).1);
        assert!(allocator.open());
        allocator.clear();
        assert!(holds(first, 5000, 6));
        free(&allocator, first, layout(5000, 8));
        allocator.clear();
        let (again, is_of_region) = piece(&allocator, layout(8, 8), 8);
        assert!(is_of_region);
        assert_eq!(again as usize, allocator.base() as usize + UNIT);
        #[cfg(target_os = "linux")]
        assert!(holds(first.wrapping_add(4000), 500, 0));
        assert_ne!(piece(&allocator, layout(5000, 8), 9).0, first);
        assert!(holds(again, 8, 8));
    }

    #[test]
    fn threads_do_not_share_pieces() {
        let allocator: Box<Allocator<SMALL_REGION>> = Box::new(Allocator::closed());
        let allocator = &allocator;
        std::thread::scope(|scope| {
            for byte in 1..5 {
                scope.spawn(move || {
                    for size in (1..2000).map(|turn| 1 + turn % 300) {
                        let _use = allocator.open().then(|| Use(allocator));
                        let layout = layout(size, 8);
                        let (first, _) = piece(allocator, layout, byte);
                        let (second, _) = piece(allocator, layout, byte + 10);
                        assert!(holds(first, size, byte) && holds(second, size, byte + 10));
                        drop(_use);
                        free(allocator, second, layout);
                        free(allocator, first, layout);
                        if allocator.open() {
                            let _use = Use(allocator);
                            allocator.clear();
                        }
                    }
                });
            }
        });
        assert_eq!(allocator.pieces.load(Ordering::Relaxed), 0);
    }
}
