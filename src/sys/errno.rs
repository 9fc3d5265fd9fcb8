//! The system's error numbers in symbols and words, as log lines spell them.
//!
//! The table is plain static data, so that a child between fork and exec may
//! look into it. Where a number has two names, it is the one that Python prints.

use std::io;

macro_rules! table {
    ($($name:ident)*) => { &[$((libc::$name, stringify!($name))),*] };
}

/// Known wherever POSIX is.
const POSIX: &[(i32, &str)] = table! {
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY
    EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK
    EPIPE EDOM ERANGE ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM EPROTO EBADMSG EOVERFLOW EILSEQ
    EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT ENOTSUP
    EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET
    ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY
    EINPROGRESS ESTALE EDQUOT ECANCELED EOPNOTSUPP
};

/// Linux has more, most of them from System V.
#[cfg(target_os = "linux")]
const SYSTEM: &[(i32, &str)] = table! {
    EDEADLOCK ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT
    EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EMULTIHOP EDOTDOT ENOTUNIQ
    EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC ERESTART ESTRPIPE EUCLEAN ENOTNAM ENAVAIL EISNAM
    EREMOTEIO ENOMEDIUM EMEDIUMTYPE ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE
    ERFKILL
};
#[cfg(not(target_os = "linux"))]
const SYSTEM: &[(i32, &str)] = table! { EDEADLK };

/// The symbol of an error number, where it has one. Safe between fork and exec.
pub fn symbol(errno: i32) -> Option<&'static str> {
    POSIX
        .iter()
        .chain(SYSTEM)
        .find(|(number, _)| *number == errno)
        .map(|(_, name)| *name)
}

/// The symbol of an error number, such as `ENOENT`; a number without one prints as digits.
pub fn name(errno: i32) -> String {
    symbol(errno).map_or_else(|| errno.to_string(), str::to_owned)
}

/// The system's number of an error, where it came from the system.
pub fn of(error: &io::Error) -> Option<i32> {
    error.raw_os_error()
}

/// The system's words, such as `No such file or directory`.
pub fn text(errno: i32) -> String {
    let words = io::Error::from_raw_os_error(errno).to_string();
    let suffix = format!(" (os error {errno})");
    words.strip_suffix(&suffix).unwrap_or(&words).to_owned()
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
    fn of_two_names_it_is_that_of_python() {
        assert_eq!(name(libc::EOPNOTSUPP), "ENOTSUP");
        assert_eq!(name(libc::EWOULDBLOCK), "EAGAIN");
        #[cfg(target_os = "linux")]
        assert_eq!(name(libc::EDEADLK), "EDEADLOCK");
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
