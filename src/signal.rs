//! Signals by number and name, as configurations, requests and log lines
//! spell them. Numbers are this platform's; the valid ones and the printed
//! names are those of the original on Linux.

use std::fmt;

use crate::snapshot::saved;

/// A signal that may be sent; 0 tests for existence only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(i32);

saved! { struct Signal(_); }

const NAMES: &[(i32, &str)] = &[
    (libc::SIGHUP, "HUP"),
    (libc::SIGINT, "INT"),
    (libc::SIGQUIT, "QUIT"),
    (libc::SIGILL, "ILL"),
    (libc::SIGTRAP, "TRAP"),
    (libc::SIGABRT, "ABRT"),
    (libc::SIGBUS, "BUS"),
    (libc::SIGFPE, "FPE"),
    (libc::SIGKILL, "KILL"),
    (libc::SIGUSR1, "USR1"),
    (libc::SIGSEGV, "SEGV"),
    (libc::SIGUSR2, "USR2"),
    (libc::SIGPIPE, "PIPE"),
    (libc::SIGALRM, "ALRM"),
    (libc::SIGTERM, "TERM"),
    (libc::SIGCHLD, "CHLD"),
    (libc::SIGCONT, "CONT"),
    (libc::SIGSTOP, "STOP"),
    (libc::SIGTSTP, "TSTP"),
    (libc::SIGTTIN, "TTIN"),
    (libc::SIGTTOU, "TTOU"),
    (libc::SIGURG, "URG"),
    (libc::SIGXCPU, "XCPU"),
    (libc::SIGXFSZ, "XFSZ"),
    (libc::SIGVTALRM, "VTALRM"),
    (libc::SIGPROF, "PROF"),
    (libc::SIGWINCH, "WINCH"),
    #[cfg(target_os = "linux")]
    (libc::SIGPOLL, "POLL"),
    #[cfg(target_os = "linux")]
    (libc::SIGPWR, "PWR"),
    (libc::SIGSYS, "SYS"),
    #[cfg(all(
        target_os = "linux",
        not(any(target_arch = "mips", target_arch = "mips64"))
    ))]
    (libc::SIGSTKFLT, "STKFLT"),
    #[cfg(target_os = "linux")]
    (34, "RTMIN"),
    #[cfg(target_os = "linux")]
    (64, "RTMAX"),
];

/// Names that are understood but never printed.
const OTHER_NAMES: &[(i32, &str)] = &[
    (libc::SIGABRT, "IOT"),
    (libc::SIGIO, "IO"),
    (libc::SIGCHLD, "CLD"),
];

impl Signal {
    /// SIGTERM, the default stop signal.
    pub const TERM: Signal = Signal(libc::SIGTERM);
    /// SIGKILL.
    pub const KILL: Signal = Signal(libc::SIGKILL);
    /// SIGHUP.
    pub const HUP: Signal = Signal(libc::SIGHUP);
    /// SIGINT.
    pub const INT: Signal = Signal(libc::SIGINT);
    /// SIGQUIT.
    pub const QUIT: Signal = Signal(libc::SIGQUIT);
    /// SIGUSR1.
    pub const USR1: Signal = Signal(libc::SIGUSR1);
    /// SIGUSR2.
    pub const USR2: Signal = Signal(libc::SIGUSR2);
    /// SIGCHLD.
    pub const CHLD: Signal = Signal(libc::SIGCHLD);
    /// SIGRTMIN+3 of glibc, by which systemd-nspawn and podman ask a container for its end.
    /// musl counts otherwise, and they send this number all the same.
    #[cfg(target_os = "linux")]
    pub const HALT: Signal = Signal(37);

    /// The signal of that number, if there is one (0 included; of the
    /// real-time signals only the first and the last, as in the original).
    pub fn from_number(number: i64) -> Option<Signal> {
        let number = i32::try_from(number).ok()?;
        let known = number == 0 || NAMES.iter().any(|(n, _)| *n == number);
        known.then_some(Signal(number))
    }

    /// The signal of a number that the kernel has told.
    pub const fn delivered(number: i32) -> Signal {
        Signal(number)
    }

    /// The signal of that name: any case, `SIG` optional, blanks around it ignored.
    pub fn from_name(name: &str) -> Option<Signal> {
        let upper = name.trim().to_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES
            .iter()
            .chain(OTHER_NAMES)
            .find(|(_, n)| *n == bare)
            .map(|(number, _)| Signal(*number))
    }

    /// The printed names of all of them, without `SIG`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }

    /// Its number on this platform.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The printed name without `SIG`, if it has one.
    pub fn short_name(self) -> Option<&'static str> {
        short_name(self.0)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&name_of(self.0))
    }
}

/// The printed name of any signal number, such as a child may die of:
/// `SIGTERM`, or `signal 35` for one without a name.
pub fn name_of(number: i32) -> String {
    match short_name(number) {
        Some(name) => format!("SIG{name}"),
        None => format!("signal {number}"),
    }
}

fn short_name(number: i32) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(n, _)| *n == number)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_with_or_without_sig() {
        for name in ["term", "TERM", "SIGTERM", "sigterm", " Term "] {
            assert_eq!(Signal::from_name(name), Some(Signal::TERM), "{name}");
        }
        assert_eq!(Signal::from_name("RTMIN+1"), None);
        assert_eq!(Signal::from_name(""), None);
    }

    #[test]
    fn numbers_are_those_of_the_platform_and_zero() {
        assert_eq!(Signal::from_number(15), Some(Signal::TERM));
        assert!(Signal::from_number(0).is_some());
        for number in [-1, 32, 33, 35, 63, 65, 1 << 40] {
            assert_eq!(Signal::from_number(number), None, "{number}");
        }
    }

    #[test]
    fn printed_names_are_those_of_the_original() {
        assert_eq!(name_of(libc::SIGABRT), "SIGABRT");
        assert_eq!(name_of(libc::SIGCHLD), "SIGCHLD");
        assert_eq!(name_of(29), "SIGPOLL");
        assert_eq!(name_of(34), "SIGRTMIN");
        assert_eq!(name_of(35), "signal 35");
        assert_eq!(
            Signal::from_number(0).map(|s| s.to_string()),
            Some("signal 0".to_owned())
        );
    }
}
