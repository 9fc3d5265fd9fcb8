//! How many files may be open: enough for all processes, as far as the system
//! allows. 4.3.0 stays at `minfds`, and the programs beyond it do not start.

use std::rc::Rc;

use crate::config;
use crate::loop_context::LoopContext;
use crate::supervisor::Supervisor;
use crate::sys::limits::{self, Limit};

/// What one process may need: three pipes and two logs.
const OF_PROCESS: u64 = 5;
/// What is open beside them: clients, sockets, the main log.
const OF_ALL: u64 = 256;
/// The limit is raised in steps, so that not each added group raises it again.
const STEP: u64 = 1024;

impl Supervisor {
    /// Raises the limit where the processes of all groups together, and of those that are
    /// added next, may need more. That it does not suffice is told once.
    pub fn allow_descriptors(&mut self, context: &mut LoopContext, added: &[Rc<config::Group>]) {
        let sizes = self.groups.iter().map(|group| group.processes.len());
        let sizes = sizes.chain(added.iter().map(|group| group.processes.len()));
        let processes = sizes.sum::<usize>() as u64;
        let active = self.groups.iter().map(|group| &*group.config);
        let programs = active.chain(added.iter().map(Rc::as_ref));
        let programs = programs.flat_map(config::sockets::of_group);
        let sockets = programs.map(|(_, own)| own.0.len()).sum::<usize>() as u64;
        let wanted = processes * OF_PROCESS + sockets + OF_ALL;
        let before = limits::soft(Limit::OpenFiles);
        if before >= wanted {
            self.lacks_descriptors = false;
            return;
        }
        let step = wanted.next_multiple_of(STEP);
        let now = limits::raise_as_far_as_possible(Limit::OpenFiles, step);
        if now > before {
            context.log.info(format_args!(
                "Increased {} limit to {now}: {processes} processes may need {wanted}",
                Limit::OpenFiles.name()
            ));
        }
        let lacked = std::mem::replace(&mut self.lacks_descriptors, now < wanted);
        if self.lacks_descriptors && !lacked {
            context.log.warn(format_args!(
                "{processes} processes may need {wanted} open files, and the system allows {now}: where they do not \
                 suffice, programs fail to start; raise the limit that supervisord is started with"
            ));
        }
    }
}
