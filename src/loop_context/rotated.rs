//! Files that were moved aside and wait for their processor, from the first on.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;

use crate::config::keeping::FileKeeping;
use crate::loggers::target::Inode;
use crate::snapshot::saved;

/// How many files may wait; more are left as they are.
pub const LIMIT: usize = 1024;

#[derive(Debug, Default)]
pub struct RotatedFiles {
    pub waiting: VecDeque<RotatedFile>,
    /// The log on one of whose backups a processor works.
    pub busy: Option<PathBuf>,
}

saved! { struct RotatedFiles { waiting, busy } }

#[derive(Debug)]
pub struct RotatedFile {
    /// The log, without links on the way.
    pub log: PathBuf,
    pub inode: Inode,
    pub keeping: Rc<FileKeeping>,
}

saved! { struct RotatedFile { log, inode, keeping } }
