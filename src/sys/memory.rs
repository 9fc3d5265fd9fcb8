//! What the allocator is told: how long the program will live, and to give memory
//! back. Of the C libraries only glibc can be told that.

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: crate::sys::region::Region<{ 4 << 20 }> = crate::sys::region::Region::closed();

/// At program start: blocks of 64 KiB and more come from the system and
/// return to it at once, and the heap keeps little in reserve.
pub fn tune() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt(3) takes numbers only; no other thread exists yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 64 * 1024);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 64 * 1024);
        libc::mallopt(libc::M_TOP_PAD, 16 * 1024);
    }
}

/// At the start of a program that ends soon: memory need not come back.
pub fn expect_a_short_life() {
    #[cfg(target_env = "musl")]
    ALLOCATOR.open();
}

/// After a peak (a reload, a large answer, a drained buffer): gives back what
/// is free but fragmented.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim(3) changes nothing that the program can see.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_stays_usable() {
        super::tune();
        let block = vec![1u8; 1 << 20];
        super::trim();
        assert!(block.iter().all(|byte| *byte == 1));
    }
}
