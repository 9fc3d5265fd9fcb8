//! How much the logs of programs may take together, and how much they do.

use std::path::PathBuf;

use crate::snapshot::saved;
use crate::vec_map::VecMap;

#[derive(Debug)]
pub struct LogBudget {
    pub limit: u64,
    /// How many bytes there are at most.
    pub counted: u64,
    /// The logs by their paths, each with how many processes have it.
    pub logs: VecMap<String, u32>,
    /// The files that these paths lead to, once that is known. To follow the links of each takes
    /// longer than all the rest.
    pub places: Option<Vec<PathBuf>>,
}

saved! {
    struct LogBudget {
        limit, counted, logs,
        // They are looked for again when they are needed.
        places = None,
    }
}

impl LogBudget {
    pub fn new(limit: u64) -> LogBudget {
        LogBudget {
            limit,
            counted: 0,
            logs: VecMap::new(),
            places: None,
        }
    }

    /// There is another log, or one whose path may lead elsewhere: the next write measures it.
    pub fn outdate(&mut self) {
        self.places = None;
        self.counted = self.counted.max(self.limit);
    }
}
