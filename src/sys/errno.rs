//! The system's error numbers in symbols and words, as log lines spell them.
//!
//! The words are those of glibc, whatever library the binary is built with:
//! scripts match them, and musl has others for some. Numbers that few systems have
//! are told in the C library's words, and by their digits where a symbol is wanted.
//! Where a number has two names, it is the one that Python prints.

use std::io;

use crate::sys::refused::Refused;

/// A number, its symbol and its words.
type Entry = (i32, &'static str, &'static str);

macro_rules! table {
    ($($name:ident $words:literal)*) => { &[$((libc::$name, stringify!($name), $words)),*] };
}

/// What Linux, FreeBSD and macOS have in common.
const KNOWN: &[Entry] = table! {
    EPERM "Operation not permitted"
    ENOENT "No such file or directory"
    ESRCH "No such process"
    EINTR "Interrupted system call"
    EIO "Input/output error"
    ENXIO "No such device or address"
    E2BIG "Argument list too long"
    ENOEXEC "Exec format error"
    EBADF "Bad file descriptor"
    ECHILD "No child processes"
    EDEADLK "Resource deadlock avoided"
    EAGAIN "Resource temporarily unavailable"
    ENOMEM "Cannot allocate memory"
    EACCES "Permission denied"
    EFAULT "Bad address"
    ENOTBLK "Block device required"
    EBUSY "Device or resource busy"
    EEXIST "File exists"
    EXDEV "Invalid cross-device link"
    ENODEV "No such device"
    ENOTDIR "Not a directory"
    EISDIR "Is a directory"
    EINVAL "Invalid argument"
    ENFILE "Too many open files in system"
    EMFILE "Too many open files"
    ENOTTY "Inappropriate ioctl for device"
    ETXTBSY "Text file busy"
    EFBIG "File too large"
    ENOSPC "No space left on device"
    ESPIPE "Illegal seek"
    EROFS "Read-only file system"
    EMLINK "Too many links"
    EPIPE "Broken pipe"
    EDOM "Numerical argument out of domain"
    ERANGE "Numerical result out of range"
    ENAMETOOLONG "File name too long"
    ENOLCK "No locks available"
    ENOSYS "Function not implemented"
    ENOTEMPTY "Directory not empty"
    ELOOP "Too many levels of symbolic links"
    ENOMSG "No message of desired type"
    EIDRM "Identifier removed"
    EPROTO "Protocol error"
    EBADMSG "Bad message"
    EOVERFLOW "Value too large for defined data type"
    EILSEQ "Invalid or incomplete multibyte or wide character"
    EUSERS "Too many users"
    ENOTSOCK "Socket operation on non-socket"
    EDESTADDRREQ "Destination address required"
    EMSGSIZE "Message too long"
    EPROTOTYPE "Protocol wrong type for socket"
    ENOPROTOOPT "Protocol not available"
    EPROTONOSUPPORT "Protocol not supported"
    ESOCKTNOSUPPORT "Socket type not supported"
    ENOTSUP "Operation not supported"
    EPFNOSUPPORT "Protocol family not supported"
    EAFNOSUPPORT "Address family not supported by protocol"
    EADDRINUSE "Address already in use"
    EADDRNOTAVAIL "Cannot assign requested address"
    ENETDOWN "Network is down"
    ENETUNREACH "Network is unreachable"
    ENETRESET "Network dropped connection on reset"
    ECONNABORTED "Software caused connection abort"
    ECONNRESET "Connection reset by peer"
    ENOBUFS "No buffer space available"
    EISCONN "Transport endpoint is already connected"
    ENOTCONN "Transport endpoint is not connected"
    ESHUTDOWN "Cannot send after transport endpoint shutdown"
    ETOOMANYREFS "Too many references: cannot splice"
    ETIMEDOUT "Connection timed out"
    ECONNREFUSED "Connection refused"
    EHOSTDOWN "Host is down"
    EHOSTUNREACH "No route to host"
    EALREADY "Operation already in progress"
    EINPROGRESS "Operation now in progress"
    ESTALE "Stale file handle"
    EREMOTE "Object is remote"
    EMULTIHOP "Multihop attempted"
    ENOLINK "Link has been severed"
    EOWNERDEAD "Owner died"
    ENOTRECOVERABLE "State not recoverable"
    EDQUOT "Disk quota exceeded"
    ECANCELED "Operation canceled"
    EOPNOTSUPP "Operation not supported"
};

fn entry(errno: i32) -> Option<&'static Entry> {
    KNOWN.iter().find(|(number, _, _)| *number == errno)
}

/// The symbol of an error number, such as `ENOENT`; a number without one prints as digits.
pub fn name(errno: i32) -> String {
    entry(errno).map_or_else(|| errno.to_string(), |(_, symbol, _)| (*symbol).to_owned())
}

/// The system's number of an error, where it came from the system or could have.
pub fn of(error: &io::Error) -> Option<i32> {
    let refused = || Refused::of(error).map(|refused| refused.errno);
    error.raw_os_error().or_else(refused)
}

/// Whether a sandbox, an emulator or an older kernel answers so about a call, or a flag of one,
/// that it does not know or does not allow.
pub fn is_refusal(errno: i32) -> bool {
    matches!(errno, libc::EPERM | libc::ENOSYS | libc::EINVAL)
}

/// The words for a number, such as `No such file or directory`.
pub fn text(errno: i32) -> String {
    match entry(errno) {
        Some((_, _, words)) => (*words).to_owned(),
        None => {
            let text = io::Error::from_raw_os_error(errno).to_string();
            let number = format!(" (os error {errno})");
            text.strip_suffix(&number).unwrap_or(&text).to_owned()
        }
    }
}

/// Why something failed, in words without a number. What is not the system's
/// has words of its own.
pub fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), text)
}

/// Number and words as Python prints an OSError: `[Errno 2] No such file or directory`.
pub fn bracketed(errno: i32) -> String {
    format!("[Errno {errno}] {}", text(errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_symbols_and_words() {
        for (errno, symbol, words) in [
            (libc::ENOENT, "ENOENT", "No such file or directory"),
            (libc::EACCES, "EACCES", "Permission denied"),
            (libc::EMFILE, "EMFILE", "Too many open files"),
            (libc::EAGAIN, "EAGAIN", "Resource temporarily unavailable"),
            (libc::ENOEXEC, "ENOEXEC", "Exec format error"),
        ] {
            assert_eq!(name(errno), symbol);
            assert_eq!(text(errno), words);
        }
        assert_eq!(bracketed(2), "[Errno 2] No such file or directory");
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn the_words_are_those_of_glibc_for_every_number() {
        for errno in 1..200 {
            let words = io::Error::from_raw_os_error(errno).to_string();
            assert_eq!(format!("{} (os error {errno})", text(errno)), words);
        }
    }

    #[test]
    fn a_reason_is_in_words_without_a_number() {
        let refused = io::Error::from_raw_os_error(libc::EADDRINUSE);
        assert_eq!(reason(&refused), "Address already in use");
        assert_eq!(reason(&io::Error::other("made up")), "made up");
    }

    #[test]
    fn of_two_names_it_is_that_of_python() {
        assert_eq!(name(libc::EOPNOTSUPP), "ENOTSUP");
        assert_eq!(name(libc::EWOULDBLOCK), "EAGAIN");
    }

    #[test]
    fn a_number_without_symbol_prints_as_digits() {
        assert_eq!(name(4242), "4242");
        assert_eq!(name(-1), "-1");
    }

    #[test]
    fn errors_of_the_system_have_a_number_and_others_none() {
        assert_eq!(of(&io::Error::from_raw_os_error(5)), Some(5));
        assert_eq!(of(&io::Error::other("made up")), None);
    }
}
