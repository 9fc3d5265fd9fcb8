//! Starts that were asked for and cannot come.

use super::{Cause, Plan, Step};

impl Plan {
    /// What a process needs that cannot come, if that is so from the beginning.
    pub(super) fn hopeless(&self, node: usize) -> Option<String> {
        self.blockers(node).find_map(|(member, condition)| {
            let member = member?;
            let state = &self.states[member];
            let is_lost = state.wish.is_none() && state.observed.has_failed(condition);
            is_lost.then(|| self.blame(member))
        })
    }

    pub(super) fn blame(&self, member: usize) -> String {
        let (name, state) = (&self.graph.nodes[member].name, &self.states[member]);
        format!("dependency {name} is {}", state.observed.word())
    }

    /// Those that wait for a process by request have failed if it has.
    pub(super) fn spread_failure(&mut self, node: usize, steps: &mut Vec<Step>) {
        let observed = self.states[node].observed;
        let graph = &self.graph;
        let parts = graph.nodes[node].part_of.iter().filter(|(need, place)| {
            let need = &graph.needs[*need];
            !need.is_optional && observed.has_failed(need.members[*place].1)
        });
        let failed: Vec<usize> = parts
            .flat_map(|(need, _)| graph.needs[*need].dependants.iter().copied())
            .collect();
        if !failed.is_empty() {
            let reason = self.blame(node);
            self.fail_all(failed, &reason, steps);
        }
    }

    pub(super) fn fail(&mut self, node: usize, reason: String, steps: &mut Vec<Step>) {
        self.fail_all(vec![node], &reason, steps);
    }

    /// Drops what was asked for, and what was asked for that waits for it.
    fn fail_all(&mut self, mut open: Vec<usize>, reason: &str, steps: &mut Vec<Step>) {
        let mut is_seen = vec![false; self.states.len()];
        while let Some(node) = open.pop() {
            if !self.waits_at(node) || std::mem::replace(&mut is_seen[node], true) {
                continue;
            }
            let state = &mut self.states[node];
            if state
                .wish
                .as_ref()
                .is_some_and(|wish| wish.cause == Cause::Request)
            {
                state.wish = None;
                state.failure = Some(reason.to_owned());
                steps.push(Step::Fail(self.graph.nodes[node].id));
                self.look_at(node, steps);
            }
            for (need, place) in &self.graph.nodes[node].part_of {
                let graph = &self.graph.needs[*need];
                if !graph.is_optional && self.progress[*need].blocks[*place] {
                    open.extend_from_slice(&graph.dependants);
                }
            }
        }
    }
}
