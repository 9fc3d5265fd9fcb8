//! Resource limits: raising them to the configured minimum, and setting those of a child. What
//! is said about it, in the log or on the terminal, is the caller's.

use std::io;

use libc::{RLIM_INFINITY, rlim_t};
use nix::errno::Errno;

use crate::snapshot::saved;

/// A limit of the system: `minfds` and `minprocs` are about two of them, and programs may be given all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `RLIMIT_NOFILE`, for `minfds`.
    OpenFiles,
    /// `RLIMIT_NPROC`, for `minprocs`.
    Processes,
    Core,
    ProcessorTime,
    AddressSpace,
    Data,
    FileSize,
    LockedMemory,
    Stack,
    Nice,
    RealTimePriority,
}

saved! {
    enum Limit {
        OpenFiles, Processes, Core, ProcessorTime, AddressSpace, Data, FileSize,
        LockedMemory, Stack, Nice, RealTimePriority,
    }
}

/// No limit has this number: the system says that there is none.
#[cfg(not(target_os = "linux"))]
const NONE: i32 = -1;

impl Limit {
    pub fn name(self) -> &'static str {
        match self {
            Limit::OpenFiles => "RLIMIT_NOFILE",
            Limit::Processes => "RLIMIT_NPROC",
            Limit::Core => "RLIMIT_CORE",
            Limit::ProcessorTime => "RLIMIT_CPU",
            Limit::AddressSpace => "RLIMIT_AS",
            Limit::Data => "RLIMIT_DATA",
            Limit::FileSize => "RLIMIT_FSIZE",
            Limit::LockedMemory => "RLIMIT_MEMLOCK",
            Limit::Stack => "RLIMIT_STACK",
            Limit::Nice => "RLIMIT_NICE",
            Limit::RealTimePriority => "RLIMIT_RTPRIO",
        }
    }

    /// The C libraries do not agree on the type of these numbers, and nix has not all of them everywhere.
    fn resource(self) -> i32 {
        match self {
            Limit::OpenFiles => libc::RLIMIT_NOFILE as i32,
            Limit::Processes => libc::RLIMIT_NPROC as i32,
            Limit::Core => libc::RLIMIT_CORE as i32,
            Limit::ProcessorTime => libc::RLIMIT_CPU as i32,
            Limit::AddressSpace => libc::RLIMIT_AS as i32,
            Limit::Data => libc::RLIMIT_DATA as i32,
            Limit::FileSize => libc::RLIMIT_FSIZE as i32,
            Limit::LockedMemory => libc::RLIMIT_MEMLOCK as i32,
            Limit::Stack => libc::RLIMIT_STACK as i32,
            #[cfg(target_os = "linux")]
            Limit::Nice => libc::RLIMIT_NICE as i32,
            #[cfg(target_os = "linux")]
            Limit::RealTimePriority => libc::RLIMIT_RTPRIO as i32,
            #[cfg(not(target_os = "linux"))]
            Limit::Nice | Limit::RealTimePriority => NONE,
        }
    }

    /// The soft and the hard limit.
    fn get(self) -> Result<(rlim_t, rlim_t), Errno> {
        let mut limits = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: getrlimit(2) writes to `limits`, which outlives the call.
        Errno::result(unsafe { libc::getrlimit(self.resource() as _, &mut limits) })?;
        Ok((limits.rlim_cur, limits.rlim_max))
    }

    /// Sets both limits of this process; `None` is no limit.
    pub fn set_both(self, soft: Option<u64>, hard: Option<u64>) -> io::Result<()> {
        let [soft, hard] = [soft, hard].map(|limit| limit.map_or(RLIM_INFINITY, of_number));
        Ok(self.set(soft, hard)?)
    }

    fn set(self, soft: rlim_t, hard: rlim_t) -> Result<(), Errno> {
        let limits = libc::rlimit {
            rlim_cur: soft,
            rlim_max: hard,
        };
        // SAFETY: setrlimit(2) reads `limits`, which outlives the call.
        Errno::result(unsafe { libc::setrlimit(self.resource() as _, &limits) }).map(drop)
    }
}

/// What came of a wish for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// The limit was high enough; nothing was changed.
    Enough,
    /// The soft limit is now this.
    To(u64),
    /// The system does not tell the limit, with this errno; it is what it is.
    Unknown(i32),
}

/// The system refused to raise a limit.
#[derive(Debug)]
pub struct NotRaised {
    /// The hard limit in force; `None` for unlimited.
    pub hard: Option<u64>,
    pub error: io::Error,
}

/// What the limit is now; the highest number where there is none.
pub fn soft(limit: Limit) -> u64 {
    let limits = limit.get();
    limits.map_or(u64::MAX, |(soft, _)| number(soft))
}

/// A limit as a number of one size: `rlim_t` is signed on some systems.
fn number(limit: impl TryInto<u64>) -> u64 {
    limit.try_into().unwrap_or(u64::MAX)
}

fn of_number(number: impl TryInto<rlim_t>) -> rlim_t {
    number.try_into().unwrap_or(RLIM_INFINITY)
}

/// Sees to it that at least `minimum` is allowed; a limit is never lowered.
pub fn raise(limit: Limit, minimum: i64) -> Result<Raised, NotRaised> {
    let minimum = rlim_t::try_from(minimum).unwrap_or(0);
    let (soft, hard) = match limit.get() {
        Ok(limits) => limits,
        Err(errno) => return Ok(Raised::Unknown(errno as i32)),
    };
    // RLIM_INFINITY is the highest number, so an unlimited soft limit is never below.
    if soft >= minimum {
        return Ok(Raised::Enough);
    }
    limit
        .set(minimum, hard.max(minimum))
        .map_err(|errno| NotRaised {
            hard: (hard != RLIM_INFINITY).then(|| number(hard)),
            error: errno.into(),
        })?;
    Ok(Raised::To(number(minimum)))
}

/// Sees to it that at least `wanted` is allowed, or as much as the system grants.
/// What the limit is then.
pub fn raise_as_far_as_possible(limit: Limit, wanted: u64) -> u64 {
    let wanted = of_number(wanted);
    if let Ok((soft, hard)) = limit.get()
        && soft < wanted
        && limit.set(wanted, hard.max(wanted)).is_err()
        && soft < hard
    {
        // Where this fails as well, the limit is what it was.
        let _ = limit.set(hard.min(wanted), hard);
    }
    soft(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::isolated;
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    #[test]
    fn a_limit_is_raised_to_the_minimum_and_never_lowered() {
        if isolated(
            module_path!(),
            "a_limit_is_raised_to_the_minimum_and_never_lowered",
            &[],
        ) {
            return;
        }
        setrlimit(Resource::RLIMIT_NOFILE, 64, 128).unwrap();
        for (minimum, expected, soft) in [
            (-1, Raised::Enough, 64),
            (63, Raised::Enough, 64),
            (64, Raised::Enough, 64),
            (100, Raised::To(100), 100),
            (70, Raised::Enough, 100),
        ] {
            assert_eq!(raise(Limit::OpenFiles, minimum).unwrap(), expected);
            assert_eq!(super::soft(Limit::OpenFiles), soft);
            assert_eq!(
                getrlimit(Resource::RLIMIT_NOFILE).unwrap(),
                (soft, 128),
                "{minimum}"
            );
        }
    }

    #[test]
    fn as_much_is_raised_as_the_system_grants() {
        if isolated(
            module_path!(),
            "as_much_is_raised_as_the_system_grants",
            &[],
        ) {
            return;
        }
        setrlimit(Resource::RLIMIT_NOFILE, 64, 128).unwrap();
        for (wanted, expected) in [(10, 64), (100, 100), (u64::MAX - 1, 128)] {
            assert_eq!(raise_as_far_as_possible(Limit::OpenFiles, wanted), expected);
        }
    }

    #[test]
    fn a_refusal_tells_the_real_hard_limit() {
        if isolated(module_path!(), "a_refusal_tells_the_real_hard_limit", &[]) {
            return;
        }
        setrlimit(Resource::RLIMIT_NOFILE, 64, 128).unwrap();
        // Even root may not exceed the system's own maximum.
        let refused = raise(Limit::OpenFiles, i64::MAX).unwrap_err();
        assert_eq!(refused.hard, Some(128));
        assert_eq!(refused.error.raw_os_error(), Some(libc::EPERM));
    }
}
