//! The steps to what a program may use and may do. A program that configures none of it has none.

use crate::config::Process;
use crate::config::rights::{Bounds, Rights};
use crate::sys::limits::Limit;
use crate::sys::spawn::Step;

/// What is done before the descriptors of the child are set up.
pub fn first(config: &Process) -> impl Iterator<Item = Step<'_>> {
    let rights = config.rights.as_deref();
    let score = rights.and_then(|rights| rights.oom_score_adj);
    let priority = rights.and_then(|rights| rights.nice);
    let score = score.map(Step::OomScore);
    // The configuration has checked the range.
    let priority = priority.and_then(|priority| i32::try_from(priority).ok());
    score.into_iter().chain(priority.map(Step::Priority))
}

/// The limits of the system.
pub fn limits(config: &Process) -> impl Iterator<Item = Step<'_>> {
    let all = config.rights.as_deref().map(table);
    let given = all.into_iter().flatten();
    given.filter_map(|(limit, bounds)| {
        let bounds = bounds?;
        Some(Step::Limit {
            limit,
            soft: bounds.soft,
            hard: bounds.hard,
        })
    })
}

fn table(rights: &Rights) -> [(Limit, Option<Bounds>); 11] {
    [
        (Limit::OpenFiles, rights.rlimit_nofile),
        (Limit::Core, rights.rlimit_core),
        (Limit::ProcessorTime, rights.rlimit_cpu),
        (Limit::AddressSpace, rights.rlimit_as),
        (Limit::Data, rights.rlimit_data),
        (Limit::FileSize, rights.rlimit_fsize),
        (Limit::LockedMemory, rights.rlimit_memlock),
        (Limit::Processes, rights.rlimit_nproc),
        (Limit::Stack, rights.rlimit_stack),
        (Limit::Nice, rights.rlimit_nice),
        (Limit::RealTimePriority, rights.rlimit_rtprio),
    ]
}

/// What is done last: a change of user would take the death signal away.
pub fn last(config: &Process) -> impl Iterator<Item = Step<'_>> {
    let rights = config.rights.as_deref();
    let signal = rights.and_then(|rights| rights.prsetpdeathsig);
    let gives_up = rights.is_some_and(|rights| rights.no_new_privs);
    let signal = signal.map(|signal| Step::DeathSignal {
        signal,
        parent: std::process::id(),
    });
    signal
        .into_iter()
        .chain(gives_up.then_some(Step::NoNewPrivs))
}
