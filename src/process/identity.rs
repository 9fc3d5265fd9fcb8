//! Who a child is to be.

use crate::config::Process;
use crate::sys::spawn::Step;
use crate::sys::{process, user};

/// The step to the user and groups of a process. There is none where that is the daemon's
/// own user and no other group is named: the supplementary groups stay, too.
pub fn step(config: &Process) -> Option<Step<'static>> {
    let is_own_group = config.gid.is_none_or(|gid| gid == process::gid());
    let uid = match config.uid {
        Some(uid) if uid != process::uid() || !is_own_group => uid,
        _ => return more_groups(config),
    };
    let refused = |reason: String| Some(Step::RefusedUser { uid, reason });
    if process::uid() != 0 {
        return refused("Can't drop privilege as nonroot user".to_owned());
    }
    let groups = user::groups_of(uid).unwrap_or_default();
    match config.gid.or(groups.first().copied()) {
        Some(gid) if !groups.is_empty() => {
            let groups = with(groups, wanted(config));
            Some(Step::User { uid, gid, groups })
        }
        _ => refused(format!("Can't find uid {uid}")),
    }
}

/// The step to the groups that a process has besides those of supervisord, whose user it has. There
/// is none if it has them all.
fn more_groups(config: &Process) -> Option<Step<'static>> {
    let wanted = wanted(config);
    if wanted.is_empty() {
        return None;
    }
    let own = user::own_groups();
    let is_held = |gid: &u32| own.contains(gid) || *gid == process::effective_gid();
    (!wanted.iter().all(is_held)).then(|| Step::Groups(with(own, wanted)))
}

fn wanted(config: &Process) -> &[u32] {
    let rights = config.rights.as_deref();
    rights.map_or(&[], |rights| &rights.supplementary_groups)
}

fn with(mut groups: Vec<u32>, more: &[u32]) -> Vec<u32> {
    for gid in more {
        if !groups.contains(gid) {
            groups.push(*gid);
        }
    }
    groups
}
