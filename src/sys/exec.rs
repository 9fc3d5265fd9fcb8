//! Becoming a program that is open already, so that it is the one that was looked at, whatever
//! has become of its path.

use std::ffi::{CString, OsStr, OsString, c_char};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use nix::errno::Errno;

/// Becomes the program in a descriptor, which may be closed on exec; comes back only with why
/// not. Safe between fork and exec.
///
/// # Safety
///
/// Both are null-terminated arrays of C strings.
pub unsafe fn execute(
    file: RawFd,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> Errno {
    // SAFETY: the caller's; a number that is not open only makes it fail.
    unsafe { execute_open(file, arguments, environment) };
    let errno = Errno::last();
    if !crate::sys::errno::is_refusal(errno as i32) {
        return errno;
    }
    let directory = match cfg!(target_os = "linux") {
        true => "/proc/self/fd",
        false => "/dev/fd",
    };
    let Ok(path) = CString::new(format!("{directory}/{file}")) else {
        return errno;
    };
    // SAFETY: a C string that lives, and the caller's.
    unsafe { libc::execve(path.as_ptr(), arguments, environment) };
    Errno::last()
}

/// The call itself, since not every C library makes it of fexecve(3).
///
/// # Safety
///
/// As for [`execute`].
#[cfg(target_os = "linux")]
unsafe fn execute_open(
    file: RawFd,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) {
    // SAFETY: an empty C string, which stands for the descriptor itself, and the caller's.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file,
            c"".as_ptr(),
            arguments,
            environment,
            libc::AT_EMPTY_PATH,
        );
    }
}

/// # Safety
///
/// As for [`execute`].
#[cfg(target_os = "freebsd")]
unsafe fn execute_open(
    file: RawFd,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) {
    // SAFETY: the caller's.
    unsafe { libc::fexecve(file, arguments, environment) };
}

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
// SAFETY: nothing is asked of the caller.
unsafe fn execute_open(_: RawFd, _: *const *const c_char, _: *const *const c_char) {
    Errno::set_raw(libc::ENOSYS);
}

/// Becomes the program in a descriptor; comes back only with why not.
pub fn become_program(
    file: RawFd,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
) -> io::Error {
    let arguments = arguments.iter().map(|text| string(&[text.as_os_str()]));
    let environment = environment.iter();
    let environment = environment.map(|(name, value)| string(&[name, "=".as_ref(), value]));
    let both: (Option<Vec<CString>>, Option<Vec<CString>>) =
        (arguments.collect(), environment.collect());
    let (Some(arguments), Some(environment)) = both else {
        return io::ErrorKind::InvalidInput.into();
    };
    let (arguments, environment) = (pointers(&arguments), pointers(&environment));
    // SAFETY: two null-terminated arrays of C strings, all of which live.
    unsafe { execute(file, arguments.as_ptr(), environment.as_ptr()) }.into()
}

fn string(parts: &[&OsStr]) -> Option<CString> {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    CString::new(parts.concat()).ok()
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr());
    pointers.chain([ptr::null()]).collect()
}

/// Gives this process the name in lists of processes that it would have if it had been started by
/// its path: of one that was started by a descriptor the kernel may only know the number.
pub fn set_name(arguments: &[OsString]) {
    #[cfg(target_os = "linux")]
    {
        let path = arguments.first().map(std::path::Path::new);
        let name = path.and_then(|path| string(&[path.file_name()?]));
        if let Some(name) = name {
            const NONE: libc::c_ulong = 0;
            // SAFETY: a C string that lives; the kernel takes as much of it as it has room for.
            unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr(), NONE, NONE, NONE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = arguments;
}

#[cfg(test)]
mod tests;
