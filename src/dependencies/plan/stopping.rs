//! Stopping: what depends goes before what it needs, and what follows goes down and comes back
//! with it.

use super::{Cause, Plan, Step, Wish};
use crate::clock::Monotonic;
use crate::config::dependencies::Condition;
use crate::states::ProcessState;
use crate::tokens::ProcessId;
use crate::vec_map::VecMap;

impl Plan {
    /// These are to stop by one request: each after those of them that depend on it. What
    /// goes down with them goes before them. Those that can be stopped at once are
    /// in the steps, in their order, unless they are not up.
    pub fn stop(&mut self, ids: &[ProcessId], now: Monotonic, steps: &mut Vec<Step>) {
        let nodes = ids.iter().filter_map(|id| self.graph.place(*id));
        let nodes: Vec<usize> = nodes.collect();
        // None of them is to start because another one is not waited for any more.
        let mut unwanted = nodes.clone();
        unwanted.retain(|node| self.states[*node].wish.take().is_some());
        for node in unwanted {
            self.look_at(node, steps);
        }
        for node in &nodes {
            // Who asks for its stop does not want it back.
            self.states[*node].follows = None;
        }
        let followers = self.followers(&nodes);
        let followers: Vec<(usize, usize)> = followers
            .into_iter()
            .filter(|(node, _)| !nodes.contains(node))
            .collect();
        self.leave(&nodes, &followers, now, steps);
    }

    /// These are about to be restarted, which is not leaving to those that depend on them.
    pub fn roll(&mut self, ids: &[ProcessId]) {
        for node in ids.iter().filter_map(|id| self.graph.place(*id)) {
            self.states[node].rolls = true;
        }
    }

    /// Those that are up and go down with these, and with each other; each with what it
    /// follows.
    pub(super) fn followers(&self, nodes: &[usize]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut seen: VecMap<usize, ()> = VecMap::new();
        let open = nodes.iter().copied();
        let mut open: Vec<usize> = open.filter(|node| !self.states[*node].rolls).collect();
        while let Some(node) = open.pop() {
            for (need, place) in &self.graph.nodes[node].part_of {
                let need = &self.graph.needs[*need];
                if need.members[*place].1 == Condition::Exited {
                    continue;
                }
                for &dependant in &need.dependants {
                    let is_new = self.graph.nodes[dependant].follows
                        && self.states[dependant].observed.is_up()
                        && seen.insert(dependant, ()).is_none();
                    if is_new {
                        found.push((dependant, node));
                        open.push(dependant);
                    }
                }
            }
        }
        found
    }

    /// These leave by request, and those follow and are to come back.
    pub(super) fn leave(
        &mut self,
        nodes: &[usize],
        followers: &[(usize, usize)],
        now: Monotonic,
        steps: &mut Vec<Step>,
    ) {
        let mut leaving = Vec::new();
        let followers = followers.iter().map(|(node, what)| (*node, Some(*what)));
        for (node, what) in followers.chain(nodes.iter().map(|node| (*node, None))) {
            let follows = what.map(|what| self.graph.nodes[what].name.clone());
            let state = &mut self.states[node];
            if state.is_leaving || state.observed.has_ended() {
                continue;
            }
            state.is_leaving = true;
            state.is_told = false;
            let comes_back = follows.is_some();
            state.follows = follows;
            if comes_back {
                state.wish = Some(Wish {
                    cause: Cause::Return,
                    since: now,
                    until: None,
                    is_made: false,
                    was_told: false,
                });
            }
            for at in 0..self.graph.nodes[node].needs.len() {
                self.progress[self.graph.nodes[node].needs[at]].leaving += 1;
            }
            leaving.push(node);
        }
        for node in &leaving {
            self.look_at(*node, steps);
        }
        for node in leaving {
            self.try_stop(node, steps);
        }
    }

    /// Stops what is leaving if nobody has to go before it.
    pub(super) fn try_stop(&mut self, node: usize, steps: &mut Vec<Step>) {
        let state = &self.states[node];
        let is_free = !(self.graph.nodes[node].part_of.iter())
            .any(|(need, _)| self.progress[*need].leaving > 0);
        // Who is going down already cannot be held.
        let is_going = state.observed.state == ProcessState::Stopping;
        if state.is_leaving && !state.is_told && (is_free || is_going) {
            let id = self.graph.nodes[node].id;
            steps.push(match state.follows {
                Some(_) => Step::Follow(id),
                None => Step::Stop(id),
            });
            self.states[node].is_told = true;
        }
    }

    pub(super) fn end_leaving(&mut self, node: usize, steps: &mut Vec<Step>) {
        let state = &mut self.states[node];
        state.is_leaving = false;
        // It has ended by itself before its turn and is not to be started again.
        if state.observed.comes_back {
            steps.push(Step::Stop(self.graph.nodes[node].id));
        }
        for at in 0..self.graph.nodes[node].needs.len() {
            let need = self.graph.nodes[node].needs[at];
            self.progress[need].leaving -= 1;
            if self.progress[need].leaving == 0 {
                for place in 0..self.graph.needs[need].members.len() {
                    self.try_stop(self.graph.needs[need].members[place].0, steps);
                }
            }
        }
    }

    /// Those that are up or wait for their start and depend on one of these, all the way.
    pub fn wanted_dependants(&self, ids: &[ProcessId]) -> Vec<ProcessId> {
        let mut found = Vec::new();
        let mut is_seen = vec![false; self.states.len()];
        let mut is_followed = vec![false; self.graph.needs.len()];
        let nodes = ids.iter().filter_map(|id| self.graph.place(*id));
        let mut open: Vec<usize> = nodes.collect();
        while let Some(node) = open.pop() {
            for (need, _) in &self.graph.nodes[node].part_of {
                // All members of a need have the same dependants.
                if std::mem::replace(&mut is_followed[*need], true) {
                    continue;
                }
                for &dependant in &self.graph.needs[*need].dependants {
                    if std::mem::replace(&mut is_seen[dependant], true) {
                        continue;
                    }
                    let is_up = !self.states[dependant].observed.has_ended();
                    if is_up || self.waits_at(dependant) {
                        found.push(self.graph.nodes[dependant].id);
                    }
                    open.push(dependant);
                }
            }
        }
        found
    }
}
