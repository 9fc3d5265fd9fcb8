//! Result handlers that are commands: one is run for each result, as the
//! listener's user, with the event and the answer on its standard input. The
//! loop never waits for it; its exit status is the verdict, whatever becomes of
//! the listener meanwhile. No process has more than one handler at a time.

use std::time::Duration;

use crate::config::Process;
use crate::config::command::Command;
use crate::events::message::Message;
use crate::events::protocol::EventResult;
use crate::loop_context::LoopContext;
use crate::process::helper::{Helper, HelperEnd, Task};
use crate::process::subprocess::Subprocess;
use crate::process::{command, environment};
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::supervisor::results::Verdict;
use crate::sys::errno;
use crate::sys::poller::Token;
use crate::sys::spawn::Program;
use crate::termination::Termination;
use crate::tokens::{GroupId, ProcessId};
use crate::vec_map::VecMap;

/// The commands that run, by pid.
#[derive(Debug, Default)]
pub struct Handlers {
    running: VecMap<i32, RunningHandler>,
}

saved! { struct Handlers { running } }

#[derive(Debug)]
struct RunningHandler {
    /// The listener whose answer it judges.
    listener: ProcessId,
    name: String,
    /// The child of that listener; another one owes nothing to it.
    child: i32,
    /// The event, if the listener has ended or has broken the protocol since it answered.
    message: Option<Message>,
    helper: Helper,
}

saved! { struct RunningHandler { listener, name, child, message, helper } }

impl Handlers {
    /// Whether the answer of a process is being judged.
    pub fn is_judging(&self, id: ProcessId) -> bool {
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
    /// Runs the command for a result.
    pub fn start_handler(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        handler: &Command,
        result: &EventResult,
    ) -> Result<(), String> {
        if !result.is_whole() {
            return Err(format!("a result of {} bytes is too long", result.length));
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
        input.extend_from_slice(&result.bytes);
        let variables = [
            (
                "SUPERVISOR_EVENT_NAME",
                message.event.kind.name().to_owned(),
            ),
            ("SUPERVISOR_EVENT_SERIAL", message.serial.to_string()),
        ];
        let seconds = u64::try_from(pool.config.handler_timeout).unwrap_or(1);
        let time_limit = Duration::from_secs(seconds);
        let helper = self.run_helper(
            context,
            process,
            handler,
            &variables,
            (&input, 0),
            time_limit,
        )?;
        let handler = RunningHandler {
            listener: id,
            name: process.config().name.clone(),
            child: process.machine().pid(),
            message: None,
            helper,
        };
        self.handlers.running.insert(handler.helper.pid(), handler);
        Ok(())
    }

    /// Starts a command as a helper of a process, with its user, directory and variables and with
    /// more of these. It reads the input, and so much of its output is kept.
    pub(super) fn run_helper(
        &self,
        context: &mut LoopContext,
        process: &Subprocess,
        command: &Command,
        variables: &[(&str, String)],
        (input, output_limit): (&[u8], usize),
        time_limit: Duration,
    ) -> Result<Helper, String> {
        let settings = &self.child_settings;
        let config = Process {
            command: command.clone(),
            ..process.config().clone()
        };
        let path = environment::get(&settings.environment, "PATH");
        let executable = command::find(&config, path).map_err(|error| error.to_string())?;
        let url = settings.server_url.as_deref();
        let group = process.group_name();
        let account = environment::account(&config);
        let inherited = &settings.environment;
        let mut environment =
            environment::of_child(inherited, url, group, &config, account.as_ref());
        for (name, value) in variables {
            environment::set(&mut environment, name, value);
        }
        let task = Task {
            program: Program {
                path: &executable.path,
                file: None,
                arguments: &executable.arguments,
                environment: &environment,
            },
            steps: &settings.steps(&config),
            input,
            time_limit,
            output_limit,
        };
        Helper::start(context, task)
    }

    /// A pipe of a command is ready.
    pub fn handle_helper(&mut self, context: &mut LoopContext, pid: i32, token: Token) {
        if self.handle_processor(context, pid, token)
            || self.handle_hook(context, pid, token)
            || self.handle_trial(context, pid, token)
        {
            return;
        }
        if let Some(handler) = self.handlers.running.get_mut(&pid) {
            handler.helper.handle(context, token);
        } else {
            self.handle_checker(context, pid, token);
        }
    }

    /// A command has taken longer than it may.
    pub fn handler_due(&mut self, context: &mut LoopContext, pid: i32) {
        self.reap_child(context, pid);
        if self.processor_due(context, pid)
            || self.hook_due(context, pid)
            || self.trial_due(context, pid)
        {
            return;
        }
        let Some(handler) = self.handlers.running.get_mut(&pid) else {
            return self.checker_due(context, pid);
        };
        let name = &handler.name;
        context.log.warn(format_args!(
            "{name}: its result handler (pid {pid}) takes too long, killing it"
        ));
        if let Err(error) = handler.helper.expire() {
            context.log.error(format_args!(
                "{name}: its result handler (pid {pid}) cannot be killed: {}",
                errno::bracketed(error)
            ));
        }
    }

    /// A child has ended. If it was a result handler, its end is the verdict; `error` tells why
    /// it has not become its command. False if it was none.
    pub fn finish_handler(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        end: Termination,
        error: Option<String>,
    ) -> bool {
        let Some(handler) = self.handlers.running.remove(&pid) else {
            return self.finish_checker(context, pid, end, error);
        };
        let (id, name) = (handler.listener, handler.name);
        let (end, _) = handler.helper.finish(context, end, error);
        let trouble = match end {
            HelperEnd::Ended(Termination::Exited(0)) => None,
            HelperEnd::Ended(end) | HelperEnd::Overdue(end) => Some(format!("ended with {end}")),
            HelperEnd::NotStarted(error) => Some(format!("cannot be run: {error}")),
        };
        let verdict = match trouble {
            None => Verdict::Processed,
            Some(trouble) => {
                context.log.warn(format_args!(
                    "{name}: its result handler (pid {pid}) {trouble}"
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
        let killed = self.handlers.running.iter();
        let killed: Vec<_> = killed
            .filter_map(|(pid, handler)| Some((*pid, handler.helper.kill().err()?)))
            .collect();
        for (pid, error) in killed {
            // Nothing can be done about it, and nobody is to wait for it.
            if let Some(handler) = self.handlers.running.remove(&pid) {
                context.log.error(format_args!(
                    "{}: its result handler (pid {pid}) cannot be killed: {}",
                    handler.name,
                    errno::bracketed(error)
                ));
            }
        }
        self.handlers.running.is_empty() & self.end_checkers(context)
    }
}
