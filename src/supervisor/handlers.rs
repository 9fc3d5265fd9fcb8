//! Result handlers that are commands: one is run for each answer, as the
//! listener's user, with the event and the answer on its standard input. The
//! loop never waits for it; its exit status is the verdict.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use crate::config::Process;
use crate::dispatchers::input::InputDispatcher;
use crate::events::protocol::Answer;
use crate::process::subprocess::Subprocess;
use crate::process::{command, environment, identity};
use crate::reactor::Reactor;
use crate::signal::Signal;
use crate::supervisor::Supervisor;
use crate::supervisor::results::Verdict;
use crate::sys::poller::Interest;
use crate::sys::spawn::{Program, Spawn, Streams, Surroundings, spawn};
use crate::sys::{errno, fd, kill};
use crate::termination::Termination;
use crate::tokens::{ProcessId, Source, Timer};

/// The commands that run, by pid.
#[derive(Debug, Default)]
pub struct Handlers {
    running: BTreeMap<i32, Handler>,
}

/// One command.
#[derive(Debug)]
struct Handler {
    /// The listener whose answer it judges.
    listener: ProcessId,
    /// The child of that listener; another one owes nothing to it.
    child: i32,
    input: InputDispatcher,
}

impl Supervisor {
    /// Runs the command for an answer.
    pub fn start_handler(
        &mut self,
        reactor: &mut Reactor,
        id: ProcessId,
        handler: &str,
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
        let mut input = message.bytes(&self.context.identifier, &pool.name);
        input.extend_from_slice(&answer.bytes);
        let variables = [
            (
                "SUPERVISOR_EVENT_NAME",
                message.event.kind.name().to_owned(),
            ),
            ("SUPERVISOR_EVENT_SERIAL", message.serial.to_string()),
        ];
        let timeout = Duration::from_secs(u64::try_from(pool.config.handler_timeout).unwrap_or(1));
        let (pid, stdin) = self.spawn_handler(process, handler, &variables)?;
        let child = process.machine().pid();
        let source = Source::Handler(pid);
        let token = fd::set_nonblocking(stdin.as_fd())
            .and_then(|()| reactor.poller.register(stdin, Interest::NONE, source));
        let mut dispatcher = match token {
            Ok(token) => InputDispatcher::new(token),
            Err(error) => {
                // It reads the end of its input and is collected as nobody's.
                let _ = kill::kill_group(pid, Signal::KILL);
                return Err(error.to_string());
            }
        };
        // A command that does not read its input judges without it.
        let _ = dispatcher.write(reactor, &input);
        dispatcher.close_when_written(reactor);
        reactor
            .timers
            .set(Timer::Handler(pid), Some(reactor.now.monotonic + timeout));
        let handler = Handler {
            listener: id,
            child,
            input: dispatcher,
        };
        self.handlers.running.insert(pid, handler);
        Ok(())
    }

    /// Starts the command; its pid and the pipe to its standard input. What it
    /// writes goes nowhere.
    fn spawn_handler(
        &self,
        listener: &Subprocess,
        handler: &str,
        variables: &[(&str, String)],
    ) -> Result<(i32, OwnedFd), String> {
        let config = Process {
            command: handler.to_owned(),
            ..listener.config().clone()
        };
        let path = environment::get(&self.context.environment, "PATH");
        let executable = command::find(&config, path).map_err(|error| error.to_string())?;
        let mut environment = environment::of_child(
            &self.context.environment,
            self.context.server_url.as_deref(),
            listener.group_name(),
            &config,
        );
        for (name, value) in variables {
            environment::set(&mut environment, name, value);
        }
        let null = OpenOptions::new()
            .write(true)
            .open("/dev/null")
            .map_err(|error| format!("/dev/null: {error}"))?;
        let pipe = fd::pipe().map_err(|error| error.to_string())?;
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
        let surroundings = Surroundings {
            identity: identity::of(&config),
            directory: config.directory.clone(),
            umask: config.umask,
            close_below: self.context.minfds,
            mask: self.context.mask,
        };
        let pid = spawn(&Spawn::new(program, streams, &surroundings)).map_err(errno::bracketed)?;
        Ok((pid, pipe.write))
    }

    /// Writes on to a command that did not take everything at once.
    pub fn feed_handler(&mut self, reactor: &mut Reactor, pid: i32) {
        if let Some(handler) = self.handlers.running.get_mut(&pid) {
            handler.input.flush(reactor);
            handler.input.close_when_written(reactor);
        }
    }

    /// A command has taken longer than it may.
    pub fn handler_due(&mut self, reactor: &mut Reactor, pid: i32) {
        let Some(handler) = self.handlers.running.get(&pid) else {
            return;
        };
        reactor.log.warn(format_args!(
            "{}: its result handler (pid {pid}) takes too long, killing it",
            self.name_of(handler.listener)
        ));
        // One that has just ended is collected all the same.
        let _ = kill::kill_group(pid, Signal::KILL);
    }

    /// At the end: nobody waits for their verdicts any more.
    pub fn kill_handlers(&self) {
        for pid in self.handlers.running.keys() {
            // One that has just ended is of no concern either.
            let _ = kill::kill_group(*pid, Signal::KILL);
        }
    }

    /// A command has ended; false if the child was none.
    pub fn finish_handler(&mut self, reactor: &mut Reactor, pid: i32, end: Termination) -> bool {
        let Some(mut handler) = self.handlers.running.remove(&pid) else {
            return false;
        };
        handler.input.close(reactor);
        reactor.timers.set(Timer::Handler(pid), None);
        let id = handler.listener;
        let is_owed = self
            .groups
            .process(id)
            .is_some_and(|process| process.machine().pid() == handler.child);
        if !is_owed {
            return true;
        }
        let verdict = match end {
            Termination::Exited(0) => Verdict::Processed,
            _ => {
                reactor.log.warn(format_args!(
                    "{}: its result handler (pid {pid}) ended with {end}",
                    self.name_of(id)
                ));
                Verdict::Rejected
            }
        };
        self.conclude(reactor, id, verdict);
        self.converse(reactor, id);
        true
    }
}
