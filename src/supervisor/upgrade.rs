//! An upgrade of the running daemon, as far as it concerns the supervisor: who waits for it, how
//! far it is, and the trial of the new program, which is a helper like others. What is done to
//! this process stands in `supervisord::upgrade`.

use std::cell::OnceCell;
use std::fs::File;
use std::rc::Rc;

use crate::clock::Monotonic;
use crate::loop_context::LoopContext;
use crate::process::helper::{Helper, HelperEnd};
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::sys::errno;
use crate::sys::poller::Token;
use crate::termination::Termination;
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::value::Value;

/// What it came to, once it has: shared with the pending action that waits for it.
pub type Ending = Rc<OnceCell<Result<Value, Fault>>>;

#[derive(Debug)]
pub struct Upgrade {
    pub ending: Ending,
    /// Only the trial is asked for.
    pub is_trial: bool,
    pub stage: Stage,
    /// The new program, from the trial on. It is opened once: what is tried is what takes over.
    pub program: Option<File>,
}

saved! { struct Upgrade { ending, is_trial, stage, program } }

#[derive(Debug)]
pub enum Stage {
    Asked,
    /// The new program reads the state.
    Trying(Helper),
    /// It has ended so, and written this.
    Tried(HelperEnd, Vec<u8>),
    /// It will take over when nothing is being read or answered any more, if that is before a
    /// moment. Its version.
    Holding(String, Monotonic),
}

saved! { enum Stage { Asked, Trying(a), Tried(a, b), Holding(a, b) } }

impl Supervisor {
    /// Begins an upgrade, or its trial; `None` while there is one already.
    pub fn ask_for_upgrade(&mut self, is_trial: bool) -> Option<Ending> {
        if self.upgrade.is_some() {
            return None;
        }
        let ending = Ending::default();
        self.upgrade = Some(Box::new(Upgrade {
            ending: Rc::clone(&ending),
            is_trial,
            stage: Stage::Asked,
            program: None,
        }));
        Some(ending)
    }

    /// Everything goes down: kills the trial; true when no upgrade goes on any more.
    pub(super) fn end_upgrade_trial(&mut self) -> bool {
        let Some(upgrade) = &self.upgrade else {
            return true;
        };
        if let Stage::Trying(trial) = &upgrade.stage {
            // Its time limit ends it in any case.
            let _ = trial.kill();
        }
        false
    }

    fn trial(&mut self, pid: i32) -> Option<&mut Helper> {
        match &mut self.upgrade.as_mut()?.stage {
            Stage::Trying(helper) if helper.pid() == pid => Some(helper),
            _ => None,
        }
    }

    /// A pipe of the trial is ready. False if that is none of it.
    pub(super) fn handle_trial(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        token: Token,
    ) -> bool {
        let trial = self.trial(pid);
        trial.map(|trial| trial.handle(context, token)).is_some()
    }

    /// The trial has had its time. False if it is none.
    pub(super) fn trial_due(&mut self, context: &mut LoopContext, pid: i32) -> bool {
        let Some(trial) = self.trial(pid) else {
            return false;
        };
        if let Err(error) = trial.expire() {
            context.log.error(format_args!(
                "the trial of the new program (pid {pid}) cannot be killed: {}",
                errno::bracketed(error)
            ));
        }
        true
    }

    /// A child has ended; `error` tells why it has not become its program. False if it was not
    /// the trial.
    pub(super) fn finish_trial(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        end: Termination,
        error: Option<&String>,
    ) -> bool {
        if self.trial(pid).is_none() {
            return false;
        }
        let Some(upgrade) = &mut self.upgrade else {
            return false;
        };
        if let Stage::Trying(helper) = std::mem::replace(&mut upgrade.stage, Stage::Asked) {
            let (end, said) = helper.finish(context, end, error.cloned());
            upgrade.stage = Stage::Tried(end, said);
        }
        true
    }
}
