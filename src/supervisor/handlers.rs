//! Result handlers that are commands: one is run for each answer, as the
//! listener's user, with the event and the answer on its standard input. The
//! loop never waits for it; its exit status is the verdict, whatever becomes of
//! the listener meanwhile. No process has more than one handler at a time.

use std::fs::OpenOptions;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use crate::config::Process;
use crate::config::command::Command;
use crate::dispatchers::input::InputDispatcher;
use crate::events::message::Message;
use crate::events::protocol::Answer;
use crate::loop_context::LoopContext;
use crate::process::subprocess::Subprocess;
use crate::process::{command, environment};
use crate::signal::Signal;
use crate::supervisor::Supervisor;
use crate::supervisor::results::Verdict;
use crate::sys::poller::Interest;
use crate::sys::spawn::{self, Program, Streams};
use crate::sys::{errno, fd, kill};
use crate::termination::Termination;
use crate::tokens::{GroupId, ProcessId, Source, Timer};
use crate::vec_map::VecMap;

/// The commands that run, by pid.
#[derive(Debug, Default)]
pub struct Handlers {
    running: VecMap<i32, Handler>,
}

/// One command.
#[derive(Debug)]
struct Handler {
    /// The listener whose answer it judges.
    listener: ProcessId,
    /// The listener's name.
    name: String,
    /// The child of that listener; another one owes nothing to it.
    child: i32,
    /// The event, if the listener has ended or has broken the protocol since it answered.
    message: Option<Message>,
    input: InputDispatcher,
}

impl Handlers {
    /// Whether the answer of a process is being judged.
    pub fn judge(&self, id: ProcessId) -> bool {
        self.running.values().any(|handler| handler.listener == id)
    }

    /// The events of listeners that have gone, which are being judged for the pool of that group.
    pub fn messages(&self, group: GroupId) -> impl Iterator<Item = &Message> {
        let handlers = self.running.values();
        handlers
            .filter(move |handler| handler.listener.group == group)
            .filter_map(|handler| handler.message.as_ref())
    }

    /// Leaves an event to the handler that judges the answer to it; hands it back if there is none.
    pub fn take_over(&mut self, id: ProcessId, message: Message) -> Result<(), Message> {
        let mut handlers = self.running.values_mut();
        match handlers.find(|handler| handler.listener == id) {
            Some(handler) => {
                handler.message = Some(message);
                Ok(())
            }
            None => Err(message),
        }
    }
}

impl Supervisor {
    /// Runs the command for an answer.
    pub fn start_handler(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        handler: &Command,
        answer: &Answer,
    ) -> Result<(), String> {
        if !answer.is_whole() {
            return Err(format!("a result of {} bytes is too long", answer.length));
        }
        let (process, pool) = match (self.groups.process(id), self.pools.get(id.group)) {
            (Some(process), Some(pool)) => (process, pool),
            _ => return Err("the listener has gone".to_owned()),
        };
        let message = process
            .listener()
            .and_then(|listener| listener.message.as_ref())
            .ok_or("there is no event to judge")?;
        let identifier = &self.child_settings.identifier;
        let mut input = message.bytes(identifier, &pool.name, pool.config.payload_length);
        input.extend_from_slice(&answer.bytes);
        let variables = [
            (
                "SUPERVISOR_EVENT_NAME",
                message.event.kind.name().to_owned(),
            ),
            ("SUPERVISOR_EVENT_SERIAL", message.serial.to_string()),
        ];
        let timeout = Duration::from_secs(u64::try_from(pool.config.handler_timeout).unwrap_or(1));
        let (pid, stdin) = self.spawn_handler(context, process, handler, &variables)?;
        let (name, child) = (process.config().name.clone(), process.machine().pid());
        let source = Source::Handler(pid);
        let token = fd::set_nonblocking(stdin.as_fd())
            .and_then(|()| context.poller.register(stdin, Interest::NONE, source));
        let mut dispatcher = match token {
            Ok(token) => InputDispatcher::new(token),
            Err(error) => {
                // It reads the end of its input and is collected as nobody's.
                let _ = kill_handler(pid);
                return Err(errno::reason(&error));
            }
        };
        // A command that does not read its input judges without it.
        let _ = dispatcher.write(context, &input);
        dispatcher.close_when_written(context);
        context
            .timers
            .set(Timer::Handler(pid), Some(context.now.monotonic + timeout));
        let handler = Handler {
            listener: id,
            name,
            child,
            message: None,
            input: dispatcher,
        };
        self.handlers.running.insert(pid, handler);
        Ok(())
    }

    /// Starts the command; its pid and the pipe to its standard input. What it
    /// writes goes nowhere.
    fn spawn_handler(
        &self,
        context: &mut LoopContext,
        listener: &Subprocess,
        handler: &Command,
        variables: &[(&str, String)],
    ) -> Result<(i32, OwnedFd), String> {
        let config = Process {
            command: handler.clone(),
            ..listener.config().clone()
        };
        let path = environment::get(&self.child_settings.environment, "PATH");
        let executable = command::find(&config, path).map_err(|error| error.to_string())?;
        let mut environment = environment::of_child(
            &self.child_settings.environment,
            self.child_settings.server_url.as_deref(),
            listener.group_name(),
            &config,
        );
        for (name, value) in variables {
            environment::set(&mut environment, name, value);
        }
        let null = OpenOptions::new()
            .write(true)
            .open("/dev/null")
            .map_err(|error| format!("/dev/null: {}", errno::reason(&error)))?;
        let pipe = fd::pipe().map_err(|error| errno::reason(&error))?;
        let program = Program {
            path: &executable.path,
            arguments: &executable.arguments,
            environment: &environment,
        };
        let streams = Streams {
            stdin: pipe.read.as_fd(),
            stdout: null.as_fd(),
            stderr: null.as_fd(),
        };
        let steps = self.child_settings.steps(&config);
        let pid = spawn::start(program, streams, &steps, &mut context.error_pipe)
            .map_err(errno::bracketed)?;
        Ok((pid, pipe.write))
    }

    /// Writes on to a command that did not take everything at once.
    pub fn feed_handler(&mut self, context: &mut LoopContext, pid: i32) {
        if let Some(handler) = self.handlers.running.get_mut(&pid) {
            handler.input.flush(context);
            handler.input.close_when_written(context);
        }
    }

    /// A command has taken longer than it may.
    pub fn handler_due(&mut self, context: &mut LoopContext, pid: i32) {
        self.reap_child(context, pid);
        let Some(handler) = self.handlers.running.get(&pid) else {
            return;
        };
        let name = &handler.name;
        context.log.warn(format_args!(
            "{name}: its result handler (pid {pid}) takes too long, killing it"
        ));
        if let Err(error) = kill_handler(pid) {
            context.log.error(format_args!(
                "{name}: its result handler (pid {pid}) cannot be killed: {}",
                errno::bracketed(error)
            ));
        }
    }

    /// A command has ended, perhaps before it began, for that reason; false if the child
    /// was none.
    pub fn finish_handler(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        end: Termination,
        error: Option<String>,
    ) -> bool {
        let Some(mut handler) = self.handlers.running.remove(&pid) else {
            return false;
        };
        handler.input.close(context);
        context.timers.set(Timer::Handler(pid), None);
        let (id, name) = (handler.listener, handler.name);
        let verdict = match (end, error) {
            (Termination::Exited(0), _) => Verdict::Processed,
            (_, Some(error)) => {
                context.log.warn(format_args!(
                    "{name}: its result handler (pid {pid}) cannot be run: {error}"
                ));
                Verdict::Rejected
            }
            (_, None) => {
                context.log.warn(format_args!(
                    "{name}: its result handler (pid {pid}) ended with {end}"
                ));
                Verdict::Rejected
            }
        };
        let is_owed = self
            .groups
            .process(id)
            .is_some_and(|process| process.machine().pid() == handler.child);
        match handler.message {
            Some(message) => self.settle(context, id, &name, message, verdict),
            None if is_owed => {
                self.conclude(context, id, verdict);
                self.converse(context, id);
            }
            None => {}
        }
        if let Some(pool) = self.pools.get(id.group) {
            // The process can be sent events again.
            pool.raise();
        }
        true
    }

    /// When every process is stopped: kills the commands that still run. False
    /// while there are some to be collected.
    pub fn end_handlers(&mut self, context: &mut LoopContext) -> bool {
        let pids: Vec<i32> = self.handlers.running.keys().copied().collect();
        for pid in pids {
            if let Err(error) = kill_handler(pid)
                && let Some(handler) = self.handlers.running.remove(&pid)
            {
                // Nothing can be done about it, and nobody is to wait for it.
                context.log.error(format_args!(
                    "{}: its result handler (pid {pid}) cannot be killed: {}",
                    handler.name,
                    errno::bracketed(error)
                ));
            }
        }
        self.handlers.running.is_empty()
    }
}

/// Kills a command and what it has started; the error is why it lives on.
fn kill_handler(pid: i32) -> Result<(), i32> {
    let _ = kill::kill_group(pid, Signal::KILL);
    // It may have left the group that it was made the leader of.
    match kill::kill(pid, Signal::KILL) {
        // One that has just ended is collected all the same.
        Ok(()) | Err(libc::ESRCH) => Ok(()),
        Err(error) => Err(error),
    }
}
