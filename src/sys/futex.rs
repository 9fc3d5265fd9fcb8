//! Waiting for a word in memory to change, with a deadline. Elsewhere than on
//! Linux nobody has such words.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while `word` is `value`, at most for `longest` (below a second), and
/// perhaps for less: the caller looks at the word again. Whoever changes it
/// wakes the sleeper, as the kernel does where it is told to write a word.
#[cfg(target_os = "linux")]
pub fn wait_while(word: &AtomicU32, value: u32, longest: Duration) {
    let timeout = libc::timespec {
        tv_sec: 0,
        tv_nsec: longest.subsec_nanos() as _,
    };
    // SAFETY: `word` and `timeout` outlive the call, and the kernel writes to neither.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            value,
            &raw const timeout,
        )
    };
}

/// Has nobody to wake it, and sleeps to the end.
#[cfg(not(target_os = "linux"))]
pub fn wait_while(_word: &AtomicU32, _value: u32, longest: Duration) {
    std::thread::sleep(longest);
}
