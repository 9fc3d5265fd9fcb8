//! Handing files that were moved aside to their processors.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config::keeping::FileKeeping;
use crate::loggers::shared;
use crate::loggers::target::Inode;
use crate::loop_context::LoopContext;
use crate::loop_context::rotated::{LIMIT, RotatedFile};
use crate::tokens::LogId;

impl LoopContext {
    /// Takes note of the files of that log that were moved aside.
    pub(super) fn note_rotated(&mut self, id: LogId) {
        while let Some(open) = self.logs.get_mut(id)
            && let Some((inode, keeping)) = open.target.take_rotated()
        {
            let log = open.identity().to_owned();
            self.add_rotated(log, inode, keeping);
        }
    }

    fn add_rotated(&mut self, log: PathBuf, inode: Inode, keeping: Rc<FileKeeping>) {
        if self.rotated.waiting.len() >= LIMIT {
            let log = log.display();
            let text = format_args!(
                "too many rotated logs wait for their processors: one of {log} is left as it is"
            );
            return self.warn_seldom("processors", text);
        }
        self.rotated.waiting.push_back(RotatedFile {
            log,
            inode,
            keeping,
        });
    }

    /// The next file that waits; its log does not roll over until the processor has ended.
    pub fn take_rotated(&mut self) -> Option<RotatedFile> {
        while let Some(main) = &mut self.log.file
            && let Some((inode, keeping)) = main.take_rotated()
        {
            let log = shared::identity(main.path());
            self.add_rotated(log, inode, keeping);
        }
        let next = self.rotated.waiting.pop_front()?;
        self.set_busy(&next.log, true);
        self.rotated.busy = Some(next.log.clone());
        Some(next)
    }

    /// No processor works any more.
    pub fn end_processing(&mut self) {
        if let Some(log) = self.rotated.busy.take() {
            self.set_busy(&log, false);
        }
        // What it has made was not counted.
        self.keep_to_budget();
    }

    pub(super) fn is_busy(&self, log: &Path) -> bool {
        self.rotated.busy.as_deref() == Some(log)
    }

    fn set_busy(&mut self, log: &Path, is_busy: bool) {
        if let Some(main) = &mut self.log.file
            && shared::identity(main.path()) == log
        {
            main.set_busy(is_busy);
        }
        let open = self.logs.find(log);
        if let Some(open) = open.and_then(|id| self.logs.get_mut(id)) {
            open.target.set_busy(is_busy);
        }
    }
}
