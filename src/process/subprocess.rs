//! A process as it is supervised: its configuration, its state machine, and
//! while it has a child the child's pipes and logs.

mod log_files;
mod making;
mod renewal;

use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use crate::clock::Now;
use crate::config::Process;
use crate::dispatchers::input::{InputDispatcher, InputError};
use crate::dispatchers::output::{OutputDispatcher, ReadStatus, Reported};
use crate::loggers::failure::LogFailure;
use crate::loggers::ring::SharedRing;
use crate::loggers::window::LogPlace;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::LogUse;
use crate::loop_context::tally::Counts;
use crate::process::child_settings::{self, ChildSettings};
use crate::process::command::{self, CommandError, Executable};
use crate::process::dispatcher_error::{self, DispatcherError};
use crate::process::environment;
use crate::process::health::Health;
use crate::process::health::watch::Watch;
use crate::process::listener::Listener;
use crate::process::machine::{Effect, Input, Machine};
use crate::process::output_logs;
use crate::process::rings::Rings;
use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::sys::poller::Token;
use crate::sys::spawn::{self, Program, Streams};
use crate::tokens::{Channel, ProcessId, Timer};

const CHANNELS: [Channel; 2] = [Channel::Stdout, Channel::Stderr];

/// Where the output of a process goes, with automatic names filled in.
#[derive(Debug, Default)]
pub struct LogPaths {
    pub stdout: Option<String>,
    pub stderr: Option<String>,
    /// The automatic ones, which stay open while there is no child.
    pub held: Vec<(Channel, LogUse)>,
    /// What is kept in memory, if anything is.
    pub rings: Option<Box<Rings>>,
    /// What is counted of the process, if anything is.
    pub counts: Option<Rc<Counts>>,
}

saved! { struct LogPaths { stdout, stderr, held, rings, counts } }

#[derive(Debug)]
pub struct Subprocess {
    id: ProcessId,
    group_name: Rc<str>,
    config: Rc<Process>,
    paths: LogPaths,
    machine: Machine,
    stdin: Option<InputDispatcher>,
    stdout: Option<Box<OutputDispatcher>>,
    stderr: Option<Box<OutputDispatcher>>,
    /// Pipes of a child that has ended, with what their logs cannot take yet: hardly ever any.
    kept_stdout: Option<Box<OutputDispatcher>>,
    kept_stderr: Option<Box<OutputDispatcher>>,
    /// Of a pool's member: the conversation with its child.
    listener: Option<Box<Listener>>,
    /// What is known of the health of its child, where that is asked for.
    watch: Option<Box<Watch>>,
    /// Monitors have been told of a failed start since it was last up or given up.
    backoff_told: bool,
    /// When the clock starts it next, in seconds of Unix time, if it does.
    next_run: Option<i64>,
    /// What the pipes have brought for others and nobody has taken yet.
    reported: Vec<Reported>,
}

saved! {
    struct Subprocess {
        id, group_name, config, paths, machine, stdin, stdout, stderr, kept_stdout,
        kept_stderr, listener, watch, backoff_told, next_run, reported,
    }
}

impl Subprocess {
    /// A process that was never started; a listener has a conversation with its child.
    pub fn new(
        id: ProcessId,
        group_name: Rc<str>,
        config: Rc<Process>,
        paths: LogPaths,
        is_listener: bool,
    ) -> Subprocess {
        Subprocess {
            id,
            group_name,
            config,
            paths,
            machine: Machine::default(),
            stdin: None,
            stdout: None,
            stderr: None,
            kept_stdout: None,
            kept_stderr: None,
            listener: is_listener.then(Box::default),
            watch: None,
            backoff_told: false,
            next_run: None,
            reported: Vec::new(),
        }
    }

    /// The conversation with an event listener; `None` for other processes.
    pub fn listener(&self) -> Option<&Listener> {
        self.listener.as_deref()
    }

    pub fn listener_mut(&mut self) -> Option<&mut Listener> {
        self.listener.as_deref_mut()
    }

    /// How it is: `None` where its configuration asks for nothing that tells. Without a child it
    /// is starting.
    pub fn health(&self) -> Option<Health> {
        self.config.checks.as_ref()?;
        Some(self.watch().map_or(Health::Starting, Watch::health))
    }

    /// What is known of the health of its child.
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_deref()
    }

    pub fn watch_mut(&mut self) -> Option<&mut Watch> {
        self.watch.as_deref_mut()
    }

    /// What the child has written for others than its logs, since the last call.
    pub fn take_reported(&mut self) -> Vec<Reported> {
        std::mem::take(&mut self.reported)
    }

    /// Whether monitors are to be told of a move to that state: of failed starts
    /// in a row they are told once.
    pub fn is_told_to_monitors(&mut self, state: ProcessState) -> bool {
        match state {
            ProcessState::Backoff => !std::mem::replace(&mut self.backoff_told, true),
            ProcessState::Running | ProcessState::Stopped | ProcessState::Fatal => {
                self.backoff_told = false;
                true
            }
            _ => true,
        }
    }

    pub fn id(&self) -> ProcessId {
        self.id
    }

    pub fn group_name(&self) -> &str {
        &self.group_name
    }

    /// Its own name and that of its group, to outlive it.
    pub fn names(&self) -> (String, String) {
        (self.config.name.clone(), self.group_name.to_string())
    }

    pub fn config(&self) -> &Process {
        &self.config
    }

    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// When the clock starts it next, in seconds of Unix time.
    pub fn next_run(&self) -> Option<i64> {
        self.next_run
    }

    pub fn set_next_run(&mut self, next: Option<i64>) {
        self.next_run = next;
    }

    pub fn log_path(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Stdout => self.paths.stdout.as_deref(),
            Channel::Stderr => self.paths.stderr.as_deref(),
        }
    }

    /// The ring that has the output of a channel where no file has it.
    pub fn ring(&self, channel: Channel) -> Option<&SharedRing> {
        self.paths.rings.as_ref()?.read(channel)
    }

    /// Where the output of a channel can be read.
    pub fn log_place(&self, channel: Channel) -> Option<LogPlace<'_>> {
        match self.ring(channel) {
            Some(ring) => Some(LogPlace::Ring(ring)),
            None => self.log_path(channel).map(LogPlace::Path),
        }
    }

    /// What is counted of it, if anything is.
    pub fn counts(&self) -> Option<&Counts> {
        self.paths.counts.as_deref()
    }

    pub fn step(&mut self, input: Input, now: Now, restarts_allowed: bool) -> Vec<Effect> {
        self.machine
            .step(&self.config, input, now, restarts_allowed)
    }

    /// What its command stands for now.
    pub fn find_command(&self, child_settings: &ChildSettings) -> Result<Executable, CommandError> {
        command::find(
            &self.config,
            environment::get(&child_settings.environment, "PATH"),
        )
    }

    /// Spawns a child and returns its pid; the error is the text for `spawnerr`.
    /// A `socket` stands in the place of the pipe to its stdin; `sockets` are those that it has
    /// besides. It joins the control group of a directory, if one is given.
    pub fn spawn(
        &mut self,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
        socket: Option<BorrowedFd<'_>>,
        sockets: &[BorrowedFd<'_>],
        control_group: Option<&str>,
    ) -> Result<i32, String> {
        let executable = self
            .find_command(child_settings)
            .map_err(|error| error.to_string())?;
        // A new child begins a new conversation.
        self.listener = self.listener.take().map(|_| Box::default());
        let ends = match self.config.inherits_streams {
            true => None,
            false => {
                let made = self.make_dispatchers(context, child_settings, socket);
                Some(made.map_err(|error| {
                    self.close(context);
                    error.text(&self.config.name)
                })?)
            }
        };
        let watched = Watch::prepare(context, self.id, &self.config).map_err(|error| {
            self.close(context);
            DispatcherError::of(&error).text(&self.config.name)
        })?;
        let (watch, given) = watched.unzip();
        self.watch = watch;
        let given = given.unwrap_or_default();
        let account = environment::account(&self.config);
        let mut environment = environment::of_child(
            &child_settings.environment,
            child_settings.server_url.as_deref(),
            &self.group_name,
            &self.config,
            account.as_ref(),
        );
        for (name, value) in &given.variables {
            environment::set(&mut environment, name, value);
        }
        let program = Program {
            path: &executable.path,
            file: None,
            arguments: &executable.arguments,
            environment: &environment,
        };
        let streams = ends.as_ref().map_or(Streams::own(), |ends| Streams {
            stdin: ends.stdin.descriptor(),
            stdout: ends.stdout.as_fd(),
            stderr: ends.stderr.as_ref().unwrap_or(&ends.stdout).as_fd(),
        });
        let mut steps = child_settings.steps(&self.config);
        child_settings::add_control_group(&mut steps, control_group);
        child_settings::add_descriptors(&mut steps, &self.config, sockets, given.descriptor());
        let spawned = spawn::start(program, streams, &steps, &mut context.error_pipe);
        let pid = spawned.map_err(|errno| {
            self.close(context);
            dispatcher_error::fork_text(&self.config.name, errno)
        })?;
        let outputs = [&mut self.stdout, &mut self.stderr];
        let outputs = outputs.into_iter().flatten();
        outputs.for_each(|output| output.set_pid(pid));
        if let Some(watch) = &mut self.watch {
            watch.begin(context.now.monotonic);
            context.timers.set(Timer::Health(self.id), watch.deadline());
        }
        Ok(pid)
    }

    /// Reads once what a child wrote, to the pipe of that token. What the child
    /// before it wrote comes first.
    pub fn read_output(&mut self, context: &mut LoopContext, channel: Channel, token: Token) {
        self.drain_kept(context, channel);
        let output = self.output(channel).as_mut();
        if let Some(output) = output.filter(|output| output.is(token)) {
            output.read(context);
            let reported = output.take_reported();
            self.reported.extend(reported);
        }
        self.await_line(context, channel);
    }

    /// Sets the time for a line without an end, if there is one and it has none.
    fn await_line(&mut self, context: &mut LoopContext, channel: Channel) {
        let timer = Timer::Line(self.id, channel);
        let deadline = |output: &mut Option<Box<OutputDispatcher>>| {
            output.as_ref().and_then(|output| output.line_deadline())
        };
        let deadline = deadline(self.kept(channel)).or_else(|| deadline(self.output(channel)));
        if deadline.is_some() && !context.timers.is_set(timer) {
            context.timers.set(timer, deadline);
        }
    }

    /// Writes a line that has waited for its end for long enough.
    pub fn line_due(&mut self, context: &mut LoopContext, channel: Channel) {
        self.drain_kept(context, channel);
        if let Some(output) = self.output(channel) {
            output.line_due(context);
        }
        self.await_line(context, channel);
    }

    /// Reads on in the pipes of a child that has ended, for as long as its logs
    /// take that.
    pub fn drain_kept_output(&mut self, context: &mut LoopContext) {
        for channel in CHANNELS {
            self.drain_kept(context, channel);
        }
    }

    pub fn has_kept_output(&self) -> bool {
        self.kept_stdout.is_some() || self.kept_stderr.is_some()
    }

    /// Closes such pipes; what is in them is told as lost.
    pub fn give_up_kept_output(&mut self, context: &mut LoopContext) {
        for channel in CHANNELS {
            if let Some(mut kept) = self.kept(channel).take() {
                kept.give_up(context);
            }
        }
    }

    fn drain_kept(&mut self, context: &mut LoopContext, channel: Channel) {
        let Some(mut kept) = self.kept(channel).take() else {
            return;
        };
        let is_left = kept.drain(context) == ReadStatus::Congested;
        if !is_left {
            kept.close(context);
        }
        self.reported.extend(kept.take_reported());
        if is_left {
            *self.kept(channel) = Some(kept);
        }
    }

    /// Writes what waits for the child's stdin.
    pub fn flush_input(&mut self, context: &mut LoopContext) {
        if let Some(stdin) = &mut self.stdin {
            stdin.flush(context);
        }
    }

    /// Whether something waits for the child to read its stdin.
    pub fn has_unread_input(&self) -> bool {
        self.stdin.as_ref().is_some_and(|stdin| !stdin.is_empty())
    }

    /// How much of what was written to the child's stdin it has not read.
    pub fn unread_input(&self, context: &LoopContext) -> usize {
        self.stdin.as_ref().map_or(0, |stdin| stdin.unread(context))
    }

    /// Writes to the child's stdin, or keeps it until the child reads.
    pub fn send_input(&mut self, context: &mut LoopContext, data: &[u8]) -> Result<(), InputError> {
        if self.machine.pid() == 0 || self.machine.is_going_down() {
            return Err(InputError::NotRunning);
        }
        let stdin = self.stdin.as_mut().ok_or(InputError::Closed)?;
        stdin.write(context, data)
    }

    /// Reads what a child that has ended wrote last, as far as its logs take that.
    pub fn drain(&mut self, context: &mut LoopContext) {
        for channel in CHANNELS {
            self.drain_kept(context, channel);
            if let Some(output) = self.output(channel) {
                output.drain(context);
                let reported = output.take_reported();
                self.reported.extend(reported);
            }
        }
    }

    /// Closes the pipes and logs of a child that has ended. A pipe that holds
    /// what its log cannot take yet is kept until it can: one for each channel,
    /// so a child that has left one before loses what is in that.
    pub fn close(&mut self, context: &mut LoopContext) {
        if let Some(mut stdin) = self.stdin.take() {
            stdin.close(context);
        }
        if let Some(mut watch) = self.watch.take() {
            watch.close(context);
            context.timers.set(Timer::Health(self.id), None);
        }
        for channel in CHANNELS {
            let Some(mut output) = self.output(channel).take() else {
                continue;
            };
            let is_left = output.drain(context) == ReadStatus::Congested;
            if !is_left {
                output.close(context);
            }
            self.reported.extend(output.take_reported());
            if is_left {
                if let Some(mut before) = self.kept(channel).replace(output) {
                    before.give_up(context);
                }
                self.await_line(context, channel);
            }
        }
    }

    /// Lets go of everything that outside of it knows this process: its group is removed.
    pub fn forget(&mut self, context: &mut LoopContext) {
        self.close(context);
        self.give_up_kept_output(context);
        for timer in [
            Timer::Line(self.id, Channel::Stdout),
            Timer::Line(self.id, Channel::Stderr),
            Timer::Process(self.id),
            Timer::Busy(self.id),
            Timer::Rest(self.id),
            Timer::Dependency(self.id),
            Timer::Health(self.id),
        ] {
            context.timers.set(timer, None);
        }
        for (_, log) in std::mem::take(&mut self.paths.held) {
            context.close_log(log);
        }
        for path in [&self.paths.stdout, &self.paths.stderr]
            .into_iter()
            .flatten()
        {
            context.give_up_log(path);
            context.uncount_log(path);
        }
        for channel in CHANNELS {
            let others = output_logs::other_paths(&self.config, channel);
            others.for_each(|path| context.uncount_log(path));
        }
    }

    /// Empties the logs of a living child; without one there is nothing to do, as in 4.3.0.
    pub fn clear_logs(&mut self, context: &mut LoopContext) -> Result<(), LogFailure> {
        let cleared = CHANNELS.map(|channel| self.clear_log(context, channel));
        cleared.into_iter().fold(Ok(()), Result::and)
    }

    pub fn clear_log(
        &mut self,
        context: &mut LoopContext,
        channel: Channel,
    ) -> Result<(), LogFailure> {
        let output = self.output(channel).as_mut();
        output.map_or(Ok(()), |output| output.clear(context))
    }

    fn kept(&mut self, channel: Channel) -> &mut Option<Box<OutputDispatcher>> {
        match channel {
            Channel::Stdout => &mut self.kept_stdout,
            Channel::Stderr => &mut self.kept_stderr,
        }
    }

    fn output(&mut self, channel: Channel) -> &mut Option<Box<OutputDispatcher>> {
        match channel {
            Channel::Stdout => &mut self.stdout,
            Channel::Stderr => &mut self.stderr,
        }
    }
}
