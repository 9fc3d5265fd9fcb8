//! Helper processes: commands that run beside the programs, such as the handlers of event
//! results. A helper has a text on its standard input, a time limit, output of which so much
//! is kept, and an end that is a value; nothing waits for it.
//!
//! Who starts one keeps it, brings it what the poll set tells of [`FdOwner::Helper`], kills it
//! when [`Timer::Helper`] is due, and finishes it when its pid has been collected.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use crate::dispatchers::input::InputDispatcher;
use crate::loop_context::LoopContext;
use crate::signal::Signal;
use crate::snapshot::saved;
use crate::sys::poller::{Interest, Token};
use crate::sys::spawn::{self, Program, Step, Streams};
use crate::sys::{errno, fd, kill};
use crate::termination::Termination;
use crate::tokens::{FdOwner, Timer};

#[derive(Debug)]
pub struct Task<'a> {
    pub program: Program<'a>,
    /// What it does before exec, which says as whom it runs, and where.
    pub steps: &'a [Step<'a>],
    /// What it reads on its standard input, and then the end.
    pub input: &'a [u8],
    /// After this it is killed with its group.
    pub time_limit: Duration,
    /// How many bytes of what it writes are kept; the rest is read and dropped. With 0
    /// its output goes to `/dev/null`.
    pub output_limit: usize,
}

#[derive(Debug)]
pub struct Helper {
    pid: i32,
    input: InputDispatcher,
    /// Its standard output and error; `None` once that has ended.
    output: Option<Token>,
    kept: Vec<u8>,
    /// How much more is kept.
    room: usize,
    /// Some of its output was dropped.
    is_cut: bool,
    is_overdue: bool,
}

saved! { struct Helper { pid, input, output, kept, room, is_cut, is_overdue } }

/// How one has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelperEnd {
    /// It ended by itself, or by somebody's signal.
    Ended(Termination),
    /// It was killed since its time was over.
    Overdue(Termination),
    /// It has not become its program, for this reason.
    NotStarted(String),
}

saved! { enum HelperEnd { Ended(a), Overdue(a), NotStarted(a) } }

impl Helper {
    /// Starts one; the error is why there is none.
    pub fn start(context: &mut LoopContext, task: Task<'_>) -> Result<Helper, String> {
        let reason = |error: io::Error| errno::reason(&error);
        let stdin = fd::pipe().map_err(reason)?;
        let (output, read) = match task.output_limit {
            0 => (null()?, None),
            _ => {
                let pipe = fd::pipe().map_err(reason)?;
                (pipe.write, Some(pipe.read))
            }
        };
        let streams = Streams {
            stdin: stdin.read.as_fd(),
            stdout: output.as_fd(),
            stderr: output.as_fd(),
        };
        let started = spawn::start(task.program, streams, task.steps, &mut context.error_pipe);
        let pid = started.map_err(errno::bracketed)?;
        let (input, output) = register(context, pid, stdin.write, read).map_err(|error| {
            // It is collected as nobody's.
            let _ = kill(pid);
            errno::reason(&error)
        })?;
        let deadline = context.now.monotonic + task.time_limit;
        context.timers.set(Timer::Helper(pid), Some(deadline));
        let mut helper = Helper {
            pid,
            input: InputDispatcher::new(input),
            output,
            kept: Vec::new(),
            room: task.output_limit,
            is_cut: false,
            is_overdue: false,
        };
        // That it does not read its input is its own affair.
        let _ = helper.input.write(context, task.input);
        helper.input.close_when_written(context);
        Ok(helper)
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Does what one of its descriptors is ready for.
    pub fn handle(&mut self, context: &mut LoopContext, token: Token) {
        if self.output == Some(token) {
            self.read(context);
        } else {
            self.input.flush(context);
            self.input.close_when_written(context);
        }
    }

    /// Kills it since its time is over; the error is why it lives on.
    pub fn expire(&mut self) -> Result<(), i32> {
        self.is_overdue = true;
        self.kill()
    }

    /// Kills it and what it has started; the error is why it lives on.
    pub fn kill(&self) -> Result<(), i32> {
        kill(self.pid)
    }

    /// Its pid has been collected: its end, and what is kept of its output. What others
    /// still write into its pipes is not waited for.
    pub fn finish(
        mut self,
        context: &mut LoopContext,
        termination: Termination,
        error: Option<String>,
    ) -> (HelperEnd, Vec<u8>) {
        let kept = self.drain(context);
        self.close_output(context);
        self.input.close(context);
        context.timers.set(Timer::Helper(self.pid), None);
        let is_killed = termination.signal_number() == Signal::KILL.number();
        let end = match error {
            Some(reason) => HelperEnd::NotStarted(reason),
            None if self.is_overdue && is_killed => HelperEnd::Overdue(termination),
            None => HelperEnd::Ended(termination),
        };
        (end, kept)
    }

    /// What it has written since the last call, as far as there is room for it and it was read.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }

    /// The same, with what is still in the pipe.
    pub fn drain(&mut self, context: &mut LoopContext) -> Vec<u8> {
        while self.room > 0 && self.read(context) {}
        self.take_output()
    }

    /// Whether it has written more than there was room for.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Reads its output once; whether there was any.
    fn read(&mut self, context: &mut LoopContext) -> bool {
        let token = self.output;
        let Some(descriptor) = token.and_then(|token| context.poller.descriptor(token)) else {
            return false;
        };
        let count = match context.input.read(descriptor) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(_) => 0,
            Ok(bytes) => {
                let (kept, dropped) = bytes.split_at(self.room.min(bytes.len()));
                self.kept.extend_from_slice(kept);
                self.room -= kept.len();
                self.is_cut |= !dropped.is_empty();
                bytes.len()
            }
        };
        if count == 0 {
            self.close_output(context);
        }
        count > 0
    }

    fn close_output(&mut self, context: &mut LoopContext) {
        if let Some(token) = self.output.take() {
            context.poller.close(token);
        }
    }
}

fn null() -> Result<OwnedFd, String> {
    let opened = OpenOptions::new().write(true).open("/dev/null");
    opened
        .map(OwnedFd::from)
        .map_err(|error| format!("/dev/null: {}", errno::reason(&error)))
}

/// Puts the daemon's ends of the pipes into the poll set.
fn register(
    context: &mut LoopContext,
    pid: i32,
    input: OwnedFd,
    output: Option<OwnedFd>,
) -> io::Result<(Token, Option<Token>)> {
    let owner = FdOwner::Helper(pid);
    fd::set_nonblocking(input.as_fd())?;
    let input = context.poller.register(input, Interest::NONE, owner)?;
    let output = output.map(|output| {
        fd::set_nonblocking(output.as_fd())?;
        context.poller.register(output, Interest::READ, owner)
    });
    match output.transpose() {
        Ok(output) => Ok((input, output)),
        Err(error) => {
            context.poller.close(input);
            Err(error)
        }
    }
}

/// Kills a helper and what it has started; the error is why it lives on.
fn kill(pid: i32) -> Result<(), i32> {
    let _ = kill::kill_group(pid, Signal::KILL);
    // It may have left the group that it was made the leader of.
    match kill::kill(pid, Signal::KILL) {
        // One that has just ended is collected all the same.
        Ok(()) | Err(libc::ESRCH) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
