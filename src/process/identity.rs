//! Who a child is to be.

use crate::config::Process;
use crate::sys::spawn::{Identity, SpawnCredentials};
use crate::sys::{process, user};

/// The user and groups of a process. Where that is the daemon's own user and no
/// other group is named, nothing is changed, the supplementary groups included.
pub fn of(config: &Process) -> Identity {
    let Some(uid) = config.uid else {
        return Identity::Inherited;
    };
    let is_own_group = config.gid.is_none_or(|gid| gid == process::gid());
    if uid == process::uid() && is_own_group {
        return Identity::Inherited;
    }
    let refused = |reason: &str| Identity::Refused {
        uid,
        reason: reason.to_owned(),
    };
    if process::uid() != 0 {
        return refused("Can't drop privilege as nonroot user");
    }
    let groups = user::groups_of(uid).unwrap_or_default();
    match config.gid.or(groups.first().copied()) {
        Some(gid) if !groups.is_empty() => {
            Identity::SwitchTo(SpawnCredentials { uid, gid, groups })
        }
        _ => refused(&format!("Can't find uid {uid}")),
    }
}
