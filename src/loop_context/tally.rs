//! What is counted for `/metrics`, where a server offers that. It goes by names, so that
//! counters go on when a group is replaced or supervisord starts again; a process has a
//! handle of its own, for what it writes is counted often.

use std::cell::Cell;
use std::rc::Rc;

use crate::snapshot::saved;
use crate::vec_map::VecMap;

/// From so many processes on those are forgotten now and then that are gone.
const MANY: usize = 10_000;

#[derive(Debug, Default)]
pub struct Tally {
    /// By `group:name`.
    processes: VecMap<String, Rc<Counts>>,
    /// With how many of them it is looked for those that are gone.
    limit: usize,
    /// Events that pools have lost.
    pub dropped: Counted,
    /// Requests by the method of HTTP.
    pub requests: Counted,
    /// Calls by the method of XML-RPC.
    pub calls: Counted,
}

saved! { struct Tally { processes, limit, dropped, requests, calls } }

/// Numbers by their names, which are few.
#[derive(Debug, Default)]
pub struct Counted(Vec<(String, u64)>);

saved! { struct Counted(_); }

/// What is counted of a process.
#[derive(Debug, Default)]
pub struct Counts {
    pub starts: Counter,
    /// What it has written for its logs, in bytes.
    pub log_bytes: Counter,
    /// How much of that its logs have lost.
    pub lost_bytes: Counter,
}

saved! { struct Counts { starts, log_bytes, lost_bytes } }

#[derive(Debug, Default)]
pub struct Counter(Cell<u64>);

saved! { struct Counter(_); }

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.set(self.0.get().saturating_add(more));
    }

    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

impl Tally {
    /// The counters of a process, whether it is new or comes back.
    pub fn of_process(&mut self, group: &str, name: &str) -> Rc<Counts> {
        let key = format!("{group}:{name}");
        if let Some(counts) = self.processes.get(&key) {
            return Rc::clone(counts);
        }
        if self.processes.len() >= self.limit.max(MANY) {
            self.forget_gone();
        }
        let counts = Rc::default();
        self.processes.insert(key, Rc::clone(&counts));
        counts
    }

    fn forget_gone(&mut self) {
        let known = std::mem::take(&mut self.processes);
        let left = known
            .into_iter()
            .filter(|(_, counts)| Rc::strong_count(counts) > 1);
        self.processes.extend(left);
        self.limit = 2 * self.processes.len();
    }
}

impl Counted {
    pub fn count(&mut self, name: &str) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, number)) => *number += 1,
            None => self.0.push((name.to_owned(), 1)),
        }
    }

    pub fn of(&self, name: &str) -> u64 {
        let mut all = self.iter();
        all.find(|(known, _)| *known == name)
            .map_or(0, |(_, number)| number)
    }

    /// All of them, in the order in which they were first counted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, number)| (name.as_str(), *number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_comes_back_goes_on_counting() {
        let mut tally = Tally::default();
        tally.of_process("g", "p").starts.add(3);
        let again = tally.of_process("g", "p");
        again.starts.add(1);
        assert_eq!(again.starts.get(), 4);
        assert_eq!(tally.of_process("g", "q").starts.get(), 0);
    }

    #[test]
    fn names_that_come_and_go_take_no_more_and_more_memory() {
        let mut tally = Tally::default();
        let kept = tally.of_process("g", "kept");
        kept.starts.add(7);
        for number in 0..2 * MANY {
            tally.of_process("g", &number.to_string());
        }
        assert!(tally.processes.len() <= MANY);
        assert_eq!(tally.of_process("g", "kept").starts.get(), 7);
    }

    #[test]
    fn what_has_a_name_is_counted_by_it() {
        let mut counted = Counted::default();
        for name in ["getState", "getPID", "getState"] {
            counted.count(name);
        }
        assert_eq!((counted.of("getState"), counted.of("x")), (2, 0));
        let all: Vec<(&str, u64)> = counted.iter().collect();
        assert_eq!(all, [("getState", 2), ("getPID", 1)]);
    }
}
