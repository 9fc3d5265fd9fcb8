//! The C runtime's stack unwinder, replaced by one that finds no frames, in
//! builds that abort on a panic.
//!
//! Nothing unwinds there, and the binary is stripped, so that a backtrace
//! could name nothing. But for the sake of it the standard library brings a
//! reader of debugging information, a tenth of the binary. As the walk here
//! visits no frame, the compiler sees that nobody calls that reader and leaves
//! it out. A panic's message is not touched by this. Builds that unwind (for
//! tests and debugging) keep their backtraces.
//!
//! All that the standard library and the C library refer to is defined, so
//! that the C runtime's unwinder is not linked beside it.

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK` of the Itanium C++ ABI.
const END_OF_STACK: c_int = 5;

// SAFETY: name, arguments and result are the ABI's; a walk that ends before
// the first frame is among its outcomes.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(
    _visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
    _argument: *mut c_void,
) -> c_int {
    END_OF_STACK
}

// The rest serves the handling of an exception; nobody ever throws one.

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume(_exception: *mut c_void) -> ! {
    std::process::abort()
}

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetIPInfo(_context: *mut c_void, _before: *mut c_int) -> usize {
    0
}

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetLanguageSpecificData(_context: *mut c_void) -> usize {
    0
}

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetRegionStart(_context: *mut c_void) -> usize {
    0
}

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetTextRelBase(_context: *mut c_void) -> usize {
    0
}

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetDataRelBase(_context: *mut c_void) -> usize {
    0
}

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_SetGR(_context: *mut c_void, _register: c_int, _value: usize) {}

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_SetIP(_context: *mut c_void, _value: usize) {}

// What the C library refers to where there are threads: it ends one that is
// cancelled, or ends itself, so. Nobody does either.

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_ForcedUnwind(
    _exception: *mut c_void,
    _stop: *mut c_void,
    _argument: *mut c_void,
) -> c_int {
    END_OF_STACK
}

// SAFETY: name, arguments and result are the ABI's.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetCFA(_context: *mut c_void) -> usize {
    0
}
