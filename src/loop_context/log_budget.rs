//! How much the logs of programs may take together, and how much they do.

use std::collections::BTreeMap;

#[derive(Debug)]
pub struct LogBudget {
    pub limit: u64,
    /// How many bytes there are at most.
    pub counted: u64,
    /// The logs by their paths, each with how many processes have it.
    pub logs: BTreeMap<String, u32>,
}

impl LogBudget {
    pub fn new(limit: u64) -> LogBudget {
        LogBudget {
            limit,
            counted: 0,
            logs: BTreeMap::new(),
        }
    }
}
