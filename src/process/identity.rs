//! Who a child is to be.

use crate::config::Process;
use crate::sys::spawn::Step;
use crate::sys::{process, user};

/// The step to the user and groups of a process. There is none where that is the daemon's
/// own user and no other group is named: the supplementary groups stay, too.
pub fn step(config: &Process) -> Option<Step<'static>> {
    let uid = config.uid?;
    let is_own_group = config.gid.is_none_or(|gid| gid == process::gid());
    if uid == process::uid() && is_own_group {
        return None;
    }
    let refused = |reason: String| Some(Step::RefusedUser { uid, reason });
    if process::uid() != 0 {
        return refused("Can't drop privilege as nonroot user".to_owned());
    }
    let groups = user::groups_of(uid).unwrap_or_default();
    match config.gid.or(groups.first().copied()) {
        Some(gid) if !groups.is_empty() => Some(Step::User { uid, gid, groups }),
        _ => refused(format!("Can't find uid {uid}")),
    }
}
