//! The copying and comparing of memory for builds with musl on x86-64. musl's own goes by
//! single bytes, or begins with an instruction that takes long to begin: a few bytes
//! cost as much as hundreds. Texts are put together from such pieces throughout.
//!
//! The compiler calls `memcpy` and `memmove` for every copy. Here it finds loads
//! and stores only, which it does not turn into such a call again. Both are
//! defined, as musl's memmove is linked with its memcpy.

use std::arch::asm;
use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_storeu_si128};
use std::ffi::c_int;

/// From so many bytes on the processor's own instruction is faster.
const LONG: usize = 512;
/// A register's width.
const WIDE: usize = size_of::<__m128i>();

// SAFETY: name, arguments and result are those of C's memcpy, which promises what is
// relied upon below: `count` readable bytes at `from`, `count` writable ones at `to`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: each piece is as long as the comparison before it says, and begins at the
    // first byte or ends at the last one.
    unsafe {
        if count >= LONG {
            asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _,
                options(nostack, preserves_flags));
        } else if count >= WIDE {
            let last = count - WIDE;
            let mut at = 0;
            while at < last {
                let piece = _mm_loadu_si128(from.add(at).cast());
                _mm_storeu_si128(to.add(at).cast(), piece);
                at += WIDE;
            }
            let piece = _mm_loadu_si128(from.add(last).cast());
            _mm_storeu_si128(to.add(last).cast(), piece);
        } else if count >= 8 {
            ends::<u64>(to, from, count);
        } else if count >= 4 {
            ends::<u32>(to, from, count);
        } else if count >= 2 {
            ends::<u16>(to, from, count);
        } else if count == 1 {
            *to = *from;
        }
    }
    to
}

// SAFETY: name, arguments and result are those of C's memmove: as memcpy, and the bytes may overlap.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // What is copied from the first byte on overwrites nothing that is still to be read, if
    // it goes to before `from` or behind the last byte; but the pieces of memcpy overlap.
    let distance = to.addr().wrapping_sub(from.addr());
    // SAFETY: all pieces are within the bytes, and each is read before it is overwritten.
    unsafe {
        if distance >= count && distance.wrapping_neg() >= count {
            return memcpy(to, from, count);
        }
        let mut left = count;
        if distance < count {
            while left >= WIDE {
                left -= WIDE;
                let piece = _mm_loadu_si128(from.add(left).cast());
                _mm_storeu_si128(to.add(left).cast(), piece);
            }
            while left > 0 {
                left -= 1;
                to.add(left).write_volatile(from.add(left).read_volatile());
            }
            return to;
        }
        while left >= WIDE {
            let at = count - left;
            let piece = _mm_loadu_si128(from.add(at).cast());
            _mm_storeu_si128(to.add(at).cast(), piece);
            left -= WIDE;
        }
        while left > 0 {
            let at = count - left;
            to.add(at).write_volatile(from.add(at).read_volatile());
            left -= 1;
        }
    }
    to
}

// SAFETY: name, arguments and result are those of C's memcmp: `count` readable bytes at each.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> c_int {
    let mut at = 0;
    // SAFETY: every piece ends at the last byte at the latest.
    unsafe {
        while count - at >= 8 {
            let a = one.add(at).cast::<u64>().read_unaligned();
            let b = other.add(at).cast::<u64>().read_unaligned();
            if a != b {
                // The first byte of memory decides.
                return if a.swap_bytes() < b.swap_bytes() {
                    -1
                } else {
                    1
                };
            }
            at += 8;
        }
        while at < count {
            let difference = c_int::from(*one.add(at)) - c_int::from(*other.add(at));
            if difference != 0 {
                return difference;
            }
            at += 1;
        }
    }
    0
}

/// Copies the first bytes and the last ones, which may be the same in part.
///
/// # Safety
///
/// `count` is between the size of `T` and twice that, and so many bytes may be read and written.
#[inline(always)]
unsafe fn ends<T>(to: *mut u8, from: *const u8, count: usize) {
    let last = count - size_of::<T>();
    // SAFETY: both pieces are within the bytes.
    unsafe {
        let begin = from.cast::<T>().read_unaligned();
        let end = from.add(last).cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(begin);
        to.add(last).cast::<T>().write_unaligned(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths around every limit.
    const LENGTHS: [usize; 14] = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 511, 700];

    fn bytes() -> Vec<u8> {
        (0..2000_u32).map(|number| (number % 251) as u8).collect()
    }

    #[test]
    fn bytes_are_copied_and_none_beside_them() {
        let from = bytes();
        for count in LENGTHS {
            for begin in 0..9 {
                let mut to = vec![255; 1000];
                let target = to[begin + 1..].as_mut_ptr();
                // SAFETY: both have room for the longest behind the last place.
                let result = unsafe { memcpy(target, from[begin..].as_ptr(), count) };
                assert_eq!(result, target);
                let (before, rest) = to.split_at(begin + 1);
                let (copied, behind) = rest.split_at(count);
                assert_eq!(copied, &from[begin..begin + count]);
                assert!(before.iter().chain(behind).all(|byte| *byte == 255));
            }
        }
    }

    #[test]
    fn the_first_byte_that_differs_decides() {
        let one = bytes();
        for count in LENGTHS {
            // SAFETY: the bytes are more than the longest.
            let compare = |a: &[u8], b: &[u8]| unsafe { memcmp(a.as_ptr(), b.as_ptr(), count) };
            assert_eq!(compare(&one, &one.clone()), 0);
            for place in 0..count {
                let mut other = one.clone();
                other[place] = other[place].wrapping_add(1);
                if let Some(next) = other.get_mut(place + 1) {
                    *next = next.wrapping_sub(1);
                }
                let order = one[..count].cmp(&other[..count]) as c_int;
                assert_eq!(compare(&one, &other).signum(), order, "{place} of {count}");
                assert_eq!(compare(&other, &one).signum(), -order, "{place} of {count}");
            }
        }
    }

    #[test]
    fn bytes_may_move_to_where_they_are_in_part() {
        for count in LENGTHS {
            for to in (600..650).chain([0, 1100, 1200, 1300]) {
                let from = 625;
                let mut expected = bytes();
                expected.copy_within(from..from + count, to);
                let mut moved = bytes();
                let start = moved.as_mut_ptr();
                // SAFETY: both places have room for the longest within the bytes.
                unsafe { memmove(start.add(to), start.add(from), count) };
                assert!(moved == expected, "{count} bytes to {to}");
            }
        }
    }
}
