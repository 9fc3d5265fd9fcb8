//! What the daemon gives to every child, and where it puts their files.

use std::os::fd::{BorrowedFd, RawFd};
use std::rc::Rc;

use crate::config::Process;
use crate::loggers::form::Column;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::LogUse;
use crate::process::environment::{self, Environment};
use crate::process::fcgi::Hosts;
use crate::process::identity;
use crate::sys::foreground::Terminal;
use crate::sys::signals::Mask;
use crate::sys::spawn::Step;

/// Settings of `[supervisord]` that children depend on. A reread changes them at once.
#[derive(Clone, Debug)]
pub struct ChildSettings {
    /// The environment that supervisord was started with.
    pub environment: Environment,
    /// Where supervisord can be reached; `None` without a server.
    pub server_url: Option<String>,
    /// Names automatic log files.
    pub identifier: String,
    /// Holds automatic log files.
    pub childlogdir: String,
    /// Remove ANSI sequences from what children write.
    pub strip_ansi: bool,
    /// How much of the end of an output is in memory where no file has it, in bytes.
    pub childlog_ring: u64,
    /// The longest name of a process, for the column of names before lines.
    pub name_width: usize,
    /// Whether names before lines may be coloured on a terminal.
    pub is_coloured: bool,
    /// Descriptors below this are closed in children where the system has no better way.
    pub minfds: i32,
    /// Addresses of the hosts that sockets of FastCGI programs name.
    pub hosts: Hosts,
    /// Whether supervisord has become another user than the one who started it.
    pub is_other_user: bool,
    /// The blocked signals that supervisord was started with.
    pub mask: Mask,
    /// What a program with supervisord's own streams is lent.
    pub terminal: Option<Rc<Terminal>>,
}

/// Adds a descriptor that a child has besides, under a number of its own.
pub fn add_descriptor<'a>(steps: &mut Vec<Step<'a>>, descriptor: Option<(BorrowedFd<'a>, RawFd)>) {
    let place = steps
        .iter()
        .position(|step| matches!(step, Step::CloseOthers(_)));
    if let (Some(place), Some((source, number))) = (place, descriptor) {
        steps.insert(place, Step::Descriptor { source, number });
    }
}

impl ChildSettings {
    /// The column of names before the lines of a process in that log.
    pub fn column(&self, context: &mut LoopContext, log: &LogUse, process: &str) -> Column {
        let colour = self.is_coloured.then(|| context.colour_in(log, process));
        Column {
            width: self.name_width,
            colour: colour.flatten(),
        }
    }

    /// What a child does before exec, in the order of 4.3.0.
    pub fn steps<'a>(&'a self, process: &'a Process) -> Vec<Step<'a>> {
        let mut steps = vec![Step::ProcessGroup];
        if process.inherits_streams {
            let lent = self.terminal.as_ref().and_then(|terminal| terminal.lend());
            steps.extend(lent.map(Step::TakeTerminal));
        }
        let others = [
            Step::Signals(self.mask),
            Step::Streams,
            Step::CloseOthers(self.minfds),
        ];
        steps.extend(others);
        // What only root may read is read before it is another user.
        steps.extend(environment::step(process));
        let identity = identity::step(process);
        // The terminal belongs to who has started supervisord.
        if (identity.is_some() || self.is_other_user) && !process.inherits_streams {
            steps.push(Step::LeaveTerminal);
        }
        steps.extend(identity);
        steps.extend(process.directory.as_deref().map(Step::Directory));
        steps.extend(process.umask.map(Step::Umask));
        steps
    }
}
