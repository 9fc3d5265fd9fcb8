//! Logs that clients follow: one stream for each, whoever follows and writes it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use crate::loggers::followed::{FollowedLog, Shared};
use crate::snapshot::saved;

/// The logs that somebody follows, by what makes paths one log.
#[derive(Debug, Default)]
pub struct Following(Vec<(PathBuf, Weak<RefCell<FollowedLog>>)>);

saved! { struct Following(_); }

impl Following {
    /// The one of that identity, if somebody follows it.
    pub fn find(&self, identity: &Path) -> Option<Shared> {
        let mut all = self.0.iter();
        all.find_map(|(known, log)| (known == identity).then(|| log.upgrade()).flatten())
    }

    pub fn add(&mut self, identity: PathBuf, log: &Shared) {
        self.0.retain(|(_, log)| log.strong_count() > 0);
        self.0.push((identity, Rc::downgrade(log)));
    }
}
