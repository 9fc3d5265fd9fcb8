//! What a process waits for, as it is told.

use super::Plan;
use crate::config::dependencies::Condition;
use crate::states::ProcessState;
use crate::tokens::ProcessId;

/// How many names a text has.
const NAMED: usize = 3;

/// How many names there are at most.
const LIMIT: usize = 100;

/// What a process waits for: names, each with how it is, and how many there are beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    pub names: Vec<(String, &'static str)>,
    more: usize,
}

impl Missing {
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The same in words.
    pub fn text(&self) -> String {
        let named = self.names.iter().take(NAMED);
        let named: Vec<String> = named
            .map(|(name, state)| format!("{name} ({state})"))
            .collect();
        let more = match self.more + self.names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more}", named.join(", "))
    }

    fn add(&mut self, name: &str, state: &'static str) {
        match self.names.len() < LIMIT {
            true => self.names.push((name.to_owned(), state)),
            false => self.more += 1,
        }
    }
}

impl Plan {
    /// What a process waits for; empty if it does not wait.
    pub fn missing(&self, id: ProcessId) -> Missing {
        let mut missing = Missing::default();
        let Some(node) = self.graph.place(id).filter(|node| self.waits_at(*node)) else {
            return missing;
        };
        for need in &self.graph.nodes[node].needs {
            let need = &self.graph.needs[*need];
            if need.has_gone() {
                missing.add(&need.name, "not there");
            }
        }
        for (member, condition) in self.blockers(node) {
            let Some(member) = member else {
                continue;
            };
            let leaves = self.states[member].is_leaving;
            let observed = self.states[member].observed;
            let state = observed.state;
            let state = match condition {
                // It may be held until others have gone before it.
                _ if leaves && state.is_running() => ProcessState::Stopping.name(),
                Condition::Healthy if state == ProcessState::Running => "not healthy",
                _ => observed.word(),
            };
            missing.add(&self.graph.nodes[member].name, state);
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_three_and_counts_all_others() {
        for (count, expected) in [
            (0, ""),
            (1, "p0 (FATAL)"),
            (3, "p0 (FATAL), p1 (FATAL), p2 (FATAL)"),
            (4, "p0 (FATAL), p1 (FATAL), p2 (FATAL) and 1 more"),
            (501, "p0 (FATAL), p1 (FATAL), p2 (FATAL) and 498 more"),
        ] {
            let mut missing = Missing::default();
            (0..count).for_each(|number| missing.add(&format!("p{number}"), "FATAL"));
            assert_eq!(missing.text(), expected);
            assert_eq!(missing.names.len(), count.min(LIMIT));
        }
    }
}
