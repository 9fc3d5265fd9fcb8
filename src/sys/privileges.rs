//! Giving up root: groups, group, user, in this order.

use std::fmt;
use std::io;

use nix::unistd::{self, Gid, Uid};

/// Which part of the change failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// setgroups(2)
    Groups,
    /// setgid(2)
    Group,
    /// setuid(2)
    User,
}

impl Step {
    /// The sentence for it; the first two are those of 4.3.0, which has none for the third.
    pub fn text(self) -> &'static str {
        match self {
            Step::Groups => "Could not set groups of effective user",
            Step::Group => "Could not set group id of effective user",
            Step::User => "Could not set user id of effective user",
        }
    }
}

/// Why the process is still who it was.
#[derive(Debug)]
pub struct SwitchError {
    /// Where it failed; earlier steps stay done.
    pub step: Step,
    /// The system's reason.
    pub error: io::Error,
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.step.text())
    }
}

impl std::error::Error for SwitchError {}

/// Becomes the user `uid` with the primary group `gid` and exactly these
/// supplementary groups, for good. Needs root.
pub fn switch_to(uid: u32, gid: u32, groups: &[u32]) -> Result<(), SwitchError> {
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    let failed = |step| {
        move |errno: nix::errno::Errno| SwitchError {
            step,
            error: errno.into(),
        }
    };
    unistd::setgroups(&groups).map_err(failed(Step::Groups))?;
    unistd::setgid(Gid::from_raw(gid)).map_err(failed(Step::Group))?;
    unistd::setuid(Uid::from_raw(uid)).map_err(failed(Step::User))
}
