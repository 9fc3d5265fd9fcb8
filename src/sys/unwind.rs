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

/// The rest serves the handling of an exception, which nobody throws; the last two the end of
/// a thread that is cancelled, which nobody does.
macro_rules! never_called {
    ($($name:ident($($argument:ty),*) -> $answer:ty { $value:expr })*) => {$(
        // SAFETY: name, arguments and result are the ABI's.
        #[unsafe(no_mangle)]
        extern "C" fn $name($(_: $argument),*) -> $answer {
            $value
        }
    )*};
}

never_called! {
    _Unwind_Resume(*mut c_void) -> ! { std::process::abort() }
    _Unwind_GetIPInfo(*mut c_void, *mut c_int) -> usize { 0 }
    _Unwind_GetLanguageSpecificData(*mut c_void) -> usize { 0 }
    _Unwind_GetRegionStart(*mut c_void) -> usize { 0 }
    _Unwind_GetTextRelBase(*mut c_void) -> usize { 0 }
    _Unwind_GetDataRelBase(*mut c_void) -> usize { 0 }
    _Unwind_SetGR(*mut c_void, c_int, usize) -> () { () }
    _Unwind_SetIP(*mut c_void, usize) -> () { () }
    _Unwind_ForcedUnwind(*mut c_void, *mut c_void, *mut c_void) -> c_int { END_OF_STACK }
    _Unwind_GetCFA(*mut c_void) -> usize { 0 }
}
