//! What is wanted beside what is observed, and what follows from both.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::amounts::Limit;
use crate::config::dependencies::Condition;
use crate::dependencies::condition::Observed;
use crate::dependencies::graph::Graph;
use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::tokens::ProcessId;

/// After so long it is told once more that a process waits.
pub const LONG: Duration = Duration::from_secs(60);

/// Why a process is to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// By itself, with supervisord or when its group is added.
    Autostart,
    /// Somebody has asked for it, and may be told that it failed.
    Request,
    /// It has ended and is started again.
    Restart,
    /// It was stopped with something that it depends on.
    Return,
}

saved! { enum Cause { Autostart, Request, Restart, Return } }

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start it; then tell what was observed of that.
    Start(ProcessId, Cause),
    /// It begins to wait.
    Wait(ProcessId),
    /// It has waited for long.
    StillWaits(ProcessId),
    /// It is not started, and not wanted any more.
    Fail(ProcessId),
    /// Stop it because of something that it depends on.
    Follow(ProcessId),
    /// Stop it, as was asked for.
    Stop(ProcessId),
}

/// That a process is to start.
#[derive(Clone, Debug)]
struct Wish {
    cause: Cause,
    since: Monotonic,
    /// When it is dropped.
    until: Option<Monotonic>,
    /// The step for it has been given.
    is_made: bool,
    was_told: bool,
}

saved! { struct Wish { cause, since, until, is_made, was_told } }

#[derive(Clone, Debug, Default)]
struct State {
    observed: Observed,
    wish: Option<Wish>,
    /// How many of its needs are not met.
    unmet: usize,
    /// Why it was not started when that was last asked for.
    failure: Option<String>,
    /// It is to stop, after those that depend on it.
    is_leaving: bool,
    /// It has been told so.
    is_told: bool,
    /// What it is stopped with, if it is to stop because of something that it depends on.
    follows: Option<Box<str>>,
    /// It is restarted, and nobody goes down with it until it is RUNNING again.
    rolls: bool,
}

saved! { struct State { observed, wish, unmet, failure, is_leaving, is_told, follows, rolls } }

/// How far a need is met.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// For each member whether it keeps the need from being met, and how many do.
    blocks: Vec<bool>,
    blocking: usize,
    /// How many that have the need are leaving.
    leaving: usize,
}

saved! { struct Progress { blocks, blocking, leaving } }

#[derive(Debug, Default)]
pub struct Plan {
    graph: Graph,
    states: Vec<State>,
    progress: Vec<Progress>,
}

saved! { struct Plan { graph, states, progress } }

impl Plan {
    /// A plan for other groups. What was wanted before of processes that there are still is
    /// wanted on.
    pub fn new(graph: Graph, observe: impl Fn(ProcessId) -> Observed, before: &Plan) -> Plan {
        let states = graph.nodes.iter().map(|node| {
            let known = before.graph.place(node.id);
            let known = known.map(|place| before.states[place].clone());
            State {
                observed: observe(node.id),
                unmet: 0,
                ..known.unwrap_or_default()
            }
        });
        let states: Vec<State> = states.collect();
        let progress = graph.needs.iter().map(|need| Progress {
            blocks: vec![false; need.members.len()],
            blocking: 0,
            leaving: 0,
        });
        let mut plan = Plan {
            progress: progress.collect(),
            states,
            graph,
        };
        for need in 0..plan.graph.needs.len() {
            if plan.graph.needs[need].has_gone() {
                plan.count(need, true);
            }
        }
        for node in 0..plan.states.len() {
            if plan.states[node].is_leaving {
                for at in 0..plan.graph.nodes[node].needs.len() {
                    plan.progress[plan.graph.nodes[node].needs[at]].leaving += 1;
                }
            }
        }
        // Nobody is ready before all have been looked at.
        for node in 0..plan.states.len() {
            plan.look_at(node, &mut Vec::new());
        }
        plan
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The steps that a new plan makes possible.
    pub fn begin(&mut self, steps: &mut Vec<Step>) {
        for node in 0..self.states.len() {
            self.try_start(node, steps);
        }
    }

    /// Whether anything is wanted that has not come.
    pub fn is_idle(&self) -> bool {
        let is_idle = |state: &State| state.wish.is_none() && !state.is_leaving;
        self.states.iter().all(is_idle)
    }

    /// Whether a process is to start and has not been.
    pub fn waits(&self, id: ProcessId) -> bool {
        let place = self.graph.place(id);
        place.is_some_and(|place| self.waits_at(place))
    }

    /// All that are to start and have not been, each with its cause.
    pub fn waiting(&self) -> impl Iterator<Item = (ProcessId, Cause)> {
        let nodes = self.graph.nodes.iter().zip(&self.states).enumerate();
        nodes
            .filter(|(place, _)| self.waits_at(*place))
            .filter_map(|(_, (node, state))| {
                let wish = state.wish.as_ref()?;
                Some((node.id, wish.cause))
            })
    }

    fn waits_at(&self, node: usize) -> bool {
        let state = &self.states[node];
        let wish = state.wish.as_ref();
        wish.is_some_and(|wish| !wish.is_made) && !state.is_leaving
    }

    /// The name of what a process is stopped with, if it does not stop by request.
    pub fn followed(&self, id: ProcessId) -> Option<&str> {
        self.states[self.graph.place(id)?].follows.as_deref()
    }

    /// Why a start that was asked for came to nothing.
    pub fn failure(&self, id: ProcessId) -> Option<&str> {
        self.states[self.graph.place(id)?].failure.as_deref()
    }

    /// Whether a process is to stop, and others are to go before it.
    pub fn is_held(&self, id: ProcessId) -> bool {
        let place = self.graph.place(id);
        place.is_some_and(|place| self.states[place].is_leaving && !self.states[place].is_told)
    }

    /// When [`Plan::due`] is to be asked about a process that waits.
    pub fn next_look(&self, id: ProcessId) -> Option<Monotonic> {
        let wish = self.states[self.graph.place(id)?].wish.as_ref()?;
        let told = (!wish.was_told).then_some(wish.since + LONG);
        match (wish.until, told) {
            (Some(until), Some(told)) => Some(until.min(told)),
            (until, told) => until.or(told),
        }
    }

    /// A process is to start. What it needs and is down is to start, too, if that is asked for
    /// or happens by itself; a restart only waits.
    pub fn want(&mut self, id: ProcessId, cause: Cause, now: Monotonic, steps: &mut Vec<Step>) {
        let Some(first) = self.graph.place(id) else {
            return;
        };
        let pulls = matches!(cause, Cause::Autostart | Cause::Request);
        let mut is_seen = vec![false; self.states.len()];
        let mut open = vec![first];
        let mut wanted = Vec::new();
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut is_seen[node], true) {
                continue;
            }
            let is_new = self.wish(node, cause, now, node == first);
            if is_new {
                self.look_at(node, steps);
            }
            wanted.push((node, is_new));
            for at in 0..self.graph.nodes[node].needs.len() {
                let need = self.graph.nodes[node].needs[at];
                if !pulls || self.graph.needs[need].is_optional {
                    continue;
                }
                for (place, &(member, _)) in self.graph.needs[need].members.iter().enumerate() {
                    let state = &self.states[member];
                    let is_down = !state.observed.is_coming()
                        && !state.observed.is_disabled
                        && state.observed.state != ProcessState::Unknown;
                    if self.progress[need].blocks[place] && (is_down || state.wish.is_some()) {
                        open.push(member);
                    }
                }
            }
        }
        // Those that are needed come before those that need them.
        for (node, is_new) in wanted.into_iter().rev() {
            let is_starting = self.try_start(node, steps);
            if !is_starting && self.waits_at(node) {
                match self.hopeless(node) {
                    Some(reason) if cause == Cause::Request => self.fail(node, reason, steps),
                    _ if is_new => steps.push(Step::Wait(self.graph.nodes[node].id)),
                    _ => {}
                }
            }
        }
    }

    /// Notes that a process is to start; true if that is new. Who asks for a start takes over
    /// what has waited by itself.
    fn wish(&mut self, node: usize, cause: Cause, now: Monotonic, is_asked_for: bool) -> bool {
        let until = match self.graph.nodes[node].timeout {
            Limit::Of(time) if cause == Cause::Request => Some(now + time),
            _ => None,
        };
        let state = &mut self.states[node];
        match &mut state.wish {
            Some(wish) => {
                if is_asked_for && cause == Cause::Request && wish.cause != Cause::Request {
                    (wish.cause, wish.since, wish.until) = (cause, now, until);
                }
                false
            }
            None => {
                state.failure = None;
                state.wish = Some(Wish {
                    cause,
                    since: now,
                    until,
                    is_made: false,
                    was_told: false,
                });
                true
            }
        }
    }

    /// What keeps a process from starting: what it needs, or `None` for what has gone.
    fn blockers(&self, node: usize) -> impl Iterator<Item = (Option<usize>, Condition)> {
        let needs = self.graph.nodes[node].needs.iter();
        needs.flat_map(|&need| {
            let (graph, progress) = (&self.graph.needs[need], &self.progress[need]);
            let gone = graph.has_gone().then_some((None, Condition::Running));
            let members = graph.members.iter().zip(&progress.blocks);
            let members = members.filter(|(_, blocks)| **blocks);
            let members = members.map(|((member, condition), _)| (Some(*member), *condition));
            gone.into_iter().chain(members)
        })
    }

    /// A process is disabled: it does not start by itself any more.
    pub fn disable(&mut self, id: ProcessId, steps: &mut Vec<Step>) {
        let place = self.graph.place(id);
        let wish = place.and_then(|node| self.states[node].wish.as_ref());
        if wish.is_some_and(|wish| wish.cause == Cause::Autostart && !wish.is_made) {
            self.drop_wish(id, steps);
        }
    }

    /// Whether others wait for a process.
    pub fn is_waited_for(&self, id: ProcessId) -> bool {
        let Some(node) = self.graph.place(id) else {
            return false;
        };
        let mut needs = self.graph.nodes[node].part_of.iter();
        needs.any(|&(need, place)| {
            let graph = &self.graph.needs[need];
            let mut dependants = graph.dependants.iter();
            !graph.is_optional
                && self.progress[need].blocks[place]
                && dependants.any(|&dependant| self.waits_at(dependant))
        })
    }

    /// A process is not to start any more.
    pub fn drop_wish(&mut self, id: ProcessId, steps: &mut Vec<Step>) {
        if let Some(node) = self.graph.place(id)
            && self.states[node].wish.take().is_some()
        {
            self.look_at(node, steps);
        }
    }

    /// Nothing is to start or to be held any more: everything goes down.
    pub fn drop_all(&mut self) {
        for state in &mut self.states {
            state.wish = None;
            state.is_leaving = false;
        }
        for progress in &mut self.progress {
            progress.leaving = 0;
        }
    }

    /// Something was observed of a process. `has_left` tells that it was RUNNING and is not, or
    /// was not in between.
    pub fn observe(
        &mut self,
        id: ProcessId,
        observed: Observed,
        has_left: bool,
        now: Monotonic,
        steps: &mut Vec<Step>,
    ) {
        let Some(node) = self.graph.place(id) else {
            return;
        };
        let state = &mut self.states[node];
        state.observed = observed;
        state.rolls &= observed.state != ProcessState::Running;
        let is_made = state.wish.as_ref().is_some_and(|wish| wish.is_made);
        // Somebody may have started it who did not ask here.
        if is_made || (observed.is_up() && !state.is_leaving) {
            state.wish = None;
        }
        let ends = state.is_leaving && observed.has_ended();
        if ends {
            self.end_leaving(node, steps);
        }
        // Somebody else may have stopped it before its turn.
        self.try_stop(node, steps);
        if has_left {
            let followers = self.followers(&[node]);
            self.leave(&[], &followers, now, steps);
        }
        self.look_at(node, steps);
        let starts = self.try_start(node, steps);
        if ends && !starts && self.waits_at(node) {
            steps.push(Step::Wait(id));
        }
        if self.states[node].wish.is_none() {
            self.spread_failure(node, steps);
        }
    }

    /// The time of a process that waits may be over.
    pub fn due(&mut self, id: ProcessId, now: Monotonic, steps: &mut Vec<Step>) {
        let Some(node) = self.graph.place(id).filter(|node| self.waits_at(*node)) else {
            return;
        };
        let Some(wish) = &mut self.states[node].wish else {
            return;
        };
        if wish.until.is_some_and(|until| until <= now) {
            let seconds = now.since(wish.since).as_secs();
            let reason = match self.blockers(node).next() {
                Some((Some(member), _)) => self.blame(member),
                Some((None, _)) => "a dependency is not there".to_owned(),
                // It is being stopped, and was to start when it has.
                None => self.blame(node),
            };
            return self.fail(node, format!("{reason} after {seconds} seconds"), steps);
        }
        if wish.since + LONG <= now && !std::mem::replace(&mut wish.was_told, true) {
            steps.push(Step::StillWaits(id));
        }
    }

    /// Looks at what a process means to those that depend on it now. Those whose last need is
    /// met start.
    fn look_at(&mut self, node: usize, steps: &mut Vec<Step>) {
        for at in 0..self.graph.nodes[node].part_of.len() {
            let (need, place) = self.graph.nodes[node].part_of[at];
            let graph = &self.graph.needs[need];
            let state = &self.states[node];
            let is_met = state.observed.meets(graph.members[place].1) && !state.is_leaving;
            let is_waited_for =
                !graph.is_optional || state.observed.is_coming() || state.wish.is_some();
            let blocks = is_waited_for && !is_met;
            let progress = &mut self.progress[need];
            if std::mem::replace(&mut progress.blocks[place], blocks) == blocks {
                continue;
            }
            match blocks {
                true => progress.blocking += 1,
                false => progress.blocking -= 1,
            }
            match (blocks, progress.blocking) {
                (true, 1) => self.count(need, true),
                (false, 0) => {
                    self.count(need, false);
                    for at in 0..self.graph.needs[need].dependants.len() {
                        self.try_start(self.graph.needs[need].dependants[at], steps);
                    }
                }
                _ => {}
            }
        }
    }

    fn count(&mut self, need: usize, is_unmet: bool) {
        for &dependant in &self.graph.needs[need].dependants {
            let unmet = &mut self.states[dependant].unmet;
            match is_unmet {
                true => *unmet += 1,
                false => *unmet -= 1,
            }
        }
    }

    /// Starts a process if it is to and can.
    fn try_start(&mut self, node: usize, steps: &mut Vec<Step>) -> bool {
        let state = &mut self.states[node];
        let is_ready = state.unmet == 0 && !state.is_leaving && state.observed.is_startable();
        match &mut state.wish {
            Some(wish) if is_ready && !wish.is_made => {
                wish.is_made = true;
                steps.push(Step::Start(self.graph.nodes[node].id, wish.cause));
                true
            }
            _ => false,
        }
    }

    /// Whether a member of a need meets its condition.
    pub fn is_met(&self, member: usize, condition: Condition) -> bool {
        let state = self.states.get(member);
        state.is_some_and(|state| state.observed.meets(condition))
    }
}

mod failing;
pub mod missing;
mod stopping;

#[cfg(test)]
mod tests;
