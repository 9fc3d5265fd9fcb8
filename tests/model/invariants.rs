//! What must hold, whatever was done.

use super::ledger;
use super::world::World;
use crate::support::{Outcome, Value, children_of, is_alive, private_memory, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

/// How much memory the daemon may have of its own beyond what it had at first, in KiB: buffers for
/// the children's stdin and the events of listeners that hang.
const GROWTH: usize = 12 * 1024;

/// The states, and whether there is a process in each.
const STATES: &[(i64, &str, bool)] = &[
    (0, "STOPPED", false),
    (10, "STARTING", true),
    (20, "RUNNING", true),
    (30, "BACKOFF", false),
    (40, "STOPPING", true),
    (100, "EXITED", false),
    (200, "FATAL", false),
];

/// What is told of a process is one of the states, with a pid where there is a process.
pub fn states_are_legal(method: &str, value: &Value) -> Result<(), String> {
    match (method.trim_start_matches("supervisor."), value) {
        ("getProcessInfo", info) => is_legal(info),
        ("getAllProcessInfo", Value::Array(all)) => all.iter().try_for_each(is_legal),
        _ => Ok(()),
    }
}

fn is_legal(info: &Value) -> Result<(), String> {
    let (state, name, pid) = (
        info.int_of("state"),
        info.text_of("statename"),
        info.int_of("pid"),
    );
    match STATES
        .iter()
        .find(|(number, text, _)| *number == state && *text == name)
    {
        Some((_, _, has_process)) if *has_process == (pid > 0) => Ok(()),
        _ => Err(format!("an illegal state: {info}")),
    }
}

/// Waits until a condition holds, for what is under way.
pub fn soon(
    patience: Duration,
    mut condition: impl FnMut() -> Result<(), String>,
) -> Result<(), String> {
    let mut outcome = Ok(());
    wait_until(patience, || {
        outcome = condition();
        outcome.is_ok()
    });
    outcome
}

/// Every pid that is told is a child of the daemon.
pub fn pids_are_children(world: &mut World) -> Result<(), String> {
    soon(world.patience, || {
        let told = told(world)?;
        let children: BTreeSet<u32> = children_of(world.pid()).into_iter().collect();
        match told.difference(&children).next() {
            Some(pid) => Err(format!(
                "{pid} is told and is no child: {told:?}, {children:?}"
            )),
            None => Ok(()),
        }
    })
}

/// The pids that are told.
fn told(world: &mut World) -> Result<BTreeSet<u32>, String> {
    match world.control.call("supervisor.getAllProcessInfo", &[]) {
        Outcome::Answer(Value::Array(all)) => {
            all.iter().try_for_each(is_legal)?;
            let pids = all
                .iter()
                .filter_map(|info| u32::try_from(info.int_of("pid")).ok());
            Ok(pids.filter(|pid| *pid > 0).collect())
        }
        Outcome::Fault(6, _) if world.is_unsettled => Err("it starts anew".to_owned()),
        other => Err(format!("getAllProcessInfo: {other}")),
    }
}

/// Everything, at a moment when nothing is asked for.
pub fn at_rest(world: &mut World) -> Result<(), String> {
    let told = told(world)?;
    let children: BTreeSet<u32> = children_of(world.pid()).into_iter().collect();
    if told != children {
        return Err(format!("told are {told:?}, children are {children:?}"));
    }
    if let Some(zombie) = children.iter().find(|pid| !is_alive(**pid)) {
        return Err(format!("{zombie} is a zombie"));
    }
    no_descriptor_too_many(world, &children)?;
    ledger::lines(world)?;
    ledger::events(world)?;
    let memory = private_memory(world.pid());
    if world.first_memory == 0 {
        world.first_memory = memory;
    }
    if memory > world.first_memory + GROWTH {
        return Err(format!(
            "it has {memory} KiB, and had {} at first",
            world.first_memory
        ));
    }
    Ok(())
}

/// The descriptors of the daemon by sorts.
struct Descriptors {
    /// How often the daemon has each: both ends of those that are its own.
    pipes: BTreeMap<String, usize>,
    sockets: usize,
    others: usize,
    files: BTreeSet<String>,
}

fn descriptors(world: &World) -> Result<Descriptors, String> {
    let mut found = Descriptors {
        pipes: BTreeMap::new(),
        sockets: 0,
        others: 0,
        files: BTreeSet::new(),
    };
    let folder = world.dir.path().to_string_lossy().into_owned();
    let entries = fs::read_dir(format!("/proc/{}/fd", world.pid()));
    for entry in entries.map_err(|error| error.to_string())?.flatten() {
        let target = fs::read_link(entry.path()).unwrap_or_default();
        let target = target.to_string_lossy().into_owned();
        if target.starts_with("pipe:") {
            *found.pipes.entry(target).or_default() += 1;
        } else if target.starts_with("socket:") {
            found.sockets += 1;
        } else if !target.starts_with(&folder) || target.contains("/daemon.std") {
            found.others += 1;
        } else if !found.files.insert(target.clone()) {
            return Err(format!("{target} is open twice"));
        }
    }
    Ok(found)
}

/// There are descriptors for the children, the listeners, one client and the logs, and no more.
fn no_descriptor_too_many(world: &World, children: &BTreeSet<u32>) -> Result<(), String> {
    let found = descriptors(world)?;
    let mut of_children = BTreeSet::new();
    // What the test itself was left is inherited.
    let others = children
        .iter()
        .map(u32::to_string)
        .chain(["self".to_owned()]);
    for process in others {
        let entries = fs::read_dir(format!("/proc/{process}/fd"));
        for entry in entries.into_iter().flatten().flatten() {
            let target = fs::read_link(entry.path());
            of_children.extend(target.map(|path| path.to_string_lossy().into_owned()));
        }
    }
    let leaked = found
        .pipes
        .iter()
        .find(|(pipe, ends)| **ends == 1 && !of_children.contains(*pipe));
    if let Some((pipe, _)) = leaked {
        return Err(format!("{pipe} leads to no child: {:?}", found.pipes));
    }
    let own = found.pipes.values().filter(|ends| **ends == 2).count();
    // The HTTP socket, that of the FastCGI program and the client.
    if own > 4 || found.sockets > 3 || found.others > 10 || found.files.len() > 40 {
        return Err(format!(
            "{own} pipes of its own, {} sockets, {} others, {} files: {:?}",
            found.sockets,
            found.others,
            found.files.len(),
            found.files
        ));
    }
    Ok(())
}

/// The daemon ends in order, leaves no process and no file of its own, and all lines stand in the logs.
pub fn at_the_end(mut world: World) -> Result<(), String> {
    let known = children_of(world.pid());
    let status = world.daemon.stop();
    if status != Some(0) {
        return Err(format!(
            "at the end: {status:?}\n{}{}",
            world.log(),
            world.daemon.stderr()
        ));
    }
    if let Some(pid) = known
        .iter()
        .find(|pid| is_alive(**pid) && is_ours(&world, **pid))
    {
        return Err(format!("{pid} lives on"));
    }
    for file in ["s", "main.pid"] {
        if world.dir.join(file).exists() {
            return Err(format!("{file} is left"));
        }
    }
    ledger::lines(&world)
}

/// Whether a pid is still that of a process in the world's directory.
fn is_ours(world: &World, pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|path| path == world.dir.path())
}
