//! A timer of the wall clock, timerfd_create(2): readable when the clock shows a moment, and when
//! somebody sets the clock. Where the system has none, whoever wants one has to look at the clock.

pub use system::{Armed, arm, drain, open};

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

    use nix::errno::Errno;

    use crate::sys::fd;

    /// What setting a timer has come to.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Armed {
        Armed,
        /// It is set, but the clock was, too, since the timer was last looked at.
        ClockWasSet,
    }

    /// A timer that is not set. It is close-on-exec and never blocks.
    pub fn open() -> io::Result<OwnedFd> {
        let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
        // SAFETY: two numbers; the result is checked.
        let made = unsafe { libc::timerfd_create(libc::CLOCK_REALTIME, flags) };
        let descriptor = Errno::result(made)?;
        // SAFETY: the call has made it, and nobody else knows of it.
        Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
    }

    /// Sets it to a moment, in seconds of Unix time.
    pub fn arm(timer: BorrowedFd<'_>, moment: i64) -> io::Result<Armed> {
        // SAFETY: zero is a value of each of its parts.
        let mut setting: libc::itimerspec = unsafe { std::mem::zeroed() };
        #[allow(clippy::useless_conversion)] // time_t has 32 bits on some platforms
        let seconds = moment
            .try_into()
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        setting.it_value.tv_sec = seconds;
        let flags = libc::TFD_TIMER_ABSTIME | libc::TFD_TIMER_CANCEL_ON_SET;
        // SAFETY: the setting outlives the call, and nothing is asked back.
        let set = unsafe {
            libc::timerfd_settime(timer.as_raw_fd(), flags, &setting, std::ptr::null_mut())
        };
        match Errno::result(set) {
            Ok(_) => Ok(Armed::Armed),
            Err(Errno::ECANCELED) => Ok(Armed::ClockWasSet),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Takes what it tells. Whether the clock was set is seen by the clock.
    pub fn drain(timer: BorrowedFd<'_>) {
        let mut expirations = [0; 8];
        // An error tells of a clock that was set, or of a timer that tells nothing.
        let _ = fd::read(timer, &mut expirations);
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::os::fd::{BorrowedFd, OwnedFd};

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Armed {
        Armed,
        ClockWasSet,
    }

    pub fn open() -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn arm(_timer: BorrowedFd<'_>, _moment: i64) -> io::Result<Armed> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn drain(_timer: BorrowedFd<'_>) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::sys::poller::{Interest, Poller};
    use crate::sys::time;
    use std::time::Duration;

    #[test]
    fn a_timer_is_readable_when_its_moment_has_come() {
        let mut poller = Poller::new().unwrap();
        let token = poller
            .register(open().unwrap(), Interest::READ, ())
            .unwrap();
        let mut ready = Vec::new();
        let mut is_ready = |poller: &mut Poller<()>, within: Duration| {
            poller.wait(Some(within), &mut ready).unwrap();
            !ready.is_empty()
        };
        let now = time::wall().seconds;
        let arm_at = |poller: &Poller<()>, moment| {
            let armed = arm(poller.descriptor(token).unwrap(), moment).unwrap();
            assert_eq!(armed, Armed::Armed);
        };
        arm_at(&poller, now + 3_600);
        assert!(!is_ready(&mut poller, Duration::ZERO));
        for moment in [now + 1, now, now - 3_600] {
            arm_at(&poller, moment);
            assert!(is_ready(&mut poller, Duration::from_secs(10)), "{moment}");
            assert!(time::wall().seconds >= moment);
            drain(poller.descriptor(token).unwrap());
            assert!(!is_ready(&mut poller, Duration::ZERO));
        }
    }
}
