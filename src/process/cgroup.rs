//! The control group of a process: made, limited as its program is, and what it tells.

use crate::config::Process;
use crate::config::kill_mode::KillMode;
use crate::config::resources::Resources;
use crate::sys::cgroup::{Group, Tree, name_of};
use crate::sys::errno;

/// The controllers of the limits, in their order, each with its file.
const CONTROLS: [(&str, &str); 3] = [
    ("memory", "memory.max"),
    ("cpu", "cpu.max"),
    ("pids", "pids.max"),
];

/// Without it memory that has a limit goes to the disk.
const SWAP: &str = "memory.swap.max";

/// The word of the system for no limit.
const NO_LIMIT: &str = "max";

/// What a process may take, if it has a control group.
pub fn asked(config: &Process) -> Option<&Resources> {
    let resources = config.resources.as_deref();
    resources.filter(|resources| resources.cgroup)
}

/// What cannot be had without a control group, if it is more than the group itself.
pub fn need(config: &Process) -> Option<&'static str> {
    let kills = (config.kill_mode == Some(KillMode::Cgroup)).then_some("kill_mode=cgroup");
    asked(config)?.limit().or(kills)
}

/// The control group of a process with its limits; the error names the key that cannot be set.
pub fn prepare(
    tree: &mut Tree,
    group_name: &str,
    config: &Process,
    resources: &Resources,
) -> Result<Group, String> {
    let group = tree.group(&name_of(group_name, &config.name))?;
    if let Err(error) = limit(tree, &group, resources) {
        group.remove();
        return Err(error);
    }
    Ok(group)
}

/// Sets the limits of a group, and takes those away that it had before.
pub fn limit(tree: &mut Tree, group: &Group, resources: &Resources) -> Result<(), String> {
    for ((key, value), (controller, file)) in resources.limits().into_iter().zip(CONTROLS) {
        let set = |file: &str, value: &str| {
            let set = group.set(file, value);
            set.map_err(|error| format!("couldn't set {key}: {}", errno::reason(&error)))
        };
        if value.is_some() {
            tree.give_out(controller)
                .map_err(|reason| format!("couldn't set {key}: {reason}"))?;
        } else if !group.has(file) {
            continue;
        }
        if file == CONTROLS[0].1 && group.has(SWAP) {
            set(SWAP, if value.is_some() { "0" } else { NO_LIMIT })?;
        }
        set(file, value.as_deref().unwrap_or(NO_LIMIT))?;
    }
    Ok(())
}

/// How many processes of a group were ended since its memory had come to its end.
pub fn ended_for_memory(group: &Group) -> u64 {
    group.number("memory.events", "oom_kill ").unwrap_or(0)
}

/// The most memory that a group has had, in bytes, where the system knows.
pub fn peak(group: &Group) -> Option<u64> {
    group.number("memory.peak", "")
}
