//! Giving up root: groups, group, user, in this order.

use std::io;

use nix::errno::Errno;
use nix::unistd::{self, Gid, Uid};

/// Why the process is still who it was, or is so in part.
#[derive(Debug)]
pub struct SwitchError {
    /// What failed: of the first two in the words of 4.3.0, which has none for the third.
    pub text: &'static str,
    pub error: io::Error,
}

/// Becomes the user `uid` with the primary group `gid` and exactly these
/// supplementary groups, for good. Needs root.
pub fn switch_to(uid: u32, gid: u32, groups: &[u32]) -> Result<(), SwitchError> {
    let failed = |text| {
        move |errno: Errno| SwitchError {
            text,
            error: errno.into(),
        }
    };
    set_groups(groups).map_err(failed("Could not set groups of effective user"))?;
    unistd::setgid(Gid::from_raw(gid))
        .map_err(failed("Could not set group id of effective user"))?;
    unistd::setuid(Uid::from_raw(uid)).map_err(failed("Could not set user id of effective user"))
}

/// Gives this process these supplementary groups and no others. Needs root.
pub fn set_supplementary_groups(groups: &[u32]) -> io::Result<()> {
    Ok(set_groups(groups)?)
}

/// setgroups(2), which nix leaves out on macOS: there it is told an `int`, elsewhere a `size_t`.
fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: `groups` is valid for reads of so many group ids, each of which is a u32.
    Errno::result(unsafe { libc::setgroups(groups.len() as _, groups.as_ptr()) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process;
    use crate::sys::tests::isolated;

    #[test]
    fn root_becomes_somebody_and_nobody_else_can() {
        if isolated(
            module_path!(),
            "root_becomes_somebody_and_nobody_else_can",
            &[],
        ) {
            return;
        }
        if process::effective_uid() == 0 {
            switch_to(65534, 65533, &[65533, 7]).unwrap();
            assert_eq!((process::uid(), process::effective_uid()), (65534, 65534));
            assert_eq!(process::gid(), 65533);
            let mut groups = unistd::getgroups().unwrap();
            groups.sort_unstable_by_key(|group| group.as_raw());
            assert_eq!(groups, [Gid::from_raw(7), Gid::from_raw(65533)]);
        }
        let error = switch_to(0, 0, &[]).unwrap_err();
        assert_eq!(error.text, "Could not set groups of effective user");
        assert_eq!(error.error.raw_os_error(), Some(libc::EPERM));
    }
}
