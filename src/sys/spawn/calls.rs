//! The system calls of a child before exec, in two kinds with the same faces. On
//! Linux with a processor that we know they go to the kernel directly: a child
//! that shares the daemon's memory must not touch the C library's errno.
//! Elsewhere they are the C library's, and children are forked.

#[cfg(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[path = "calls/direct.rs"]
mod kind;

#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "calls/library.rs"]
mod kind;

pub(super) use kind::*;

/// What a new child shares with the daemon until exec.
#[derive(Debug)]
pub(super) struct Shared {
    /// Its memory, with a stack of its own in it.
    pub memory: Option<OwnStack>,
    /// Its table of descriptors.
    pub descriptors: bool,
}

/// Where a child lives that shares memory.
#[derive(Debug)]
#[cfg_attr(not(target_pointer_width = "64"), allow(dead_code))]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) struct OwnStack {
    /// The end of its stack, which grows down from there.
    pub top: *mut u8,
    /// The kernel writes 0 there when the child has left the memory, by exec or by its end.
    pub inside: *mut u32,
}
