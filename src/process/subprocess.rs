//! A process as it is supervised: its configuration, its state machine, and
//! while it has a child the child's pipes and logs.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crate::clock::Now;
use crate::config::{self, Process};
use crate::dispatchers::input::{InputDispatcher, WriteError};
use crate::dispatchers::output::{Destinations, OutputDispatcher};
use crate::loggers::failure::LogFailure;
use crate::loggers::file::Rotation;
use crate::process::command::{self, CommandError, Executable};
use crate::process::context::Context;
use crate::process::environment;
use crate::process::machine::{Effect, Input, Machine};
use crate::reactor::Reactor;
use crate::sys::fd::{self, Pipe};
use crate::sys::poller::{Interest, Token};
use crate::sys::spawn::{Identity, Program, Spawn, SpawnCredentials, Streams, Surroundings, spawn};
use crate::sys::syslog::Syslog;
use crate::sys::{errno, process, user};
use crate::tokens::{Channel, ProcessId, Source, Timer};

/// Where the output of a process goes, with automatic names filled in.
#[derive(Clone, Debug, Default)]
pub struct LogPaths {
    /// The stdout log.
    pub stdout: Option<String>,
    /// The stderr log.
    pub stderr: Option<String>,
}

/// Why a process cannot be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputError {
    /// It has no child, or is being stopped.
    NotRunning,
    /// Its child has closed its stdin.
    Closed,
    /// Its child has not read for too long.
    Full,
}

/// A supervised process.
#[derive(Debug)]
pub struct Subprocess {
    id: ProcessId,
    group_name: String,
    config: Process,
    paths: LogPaths,
    machine: Machine,
    stdin: Option<InputDispatcher>,
    stdout: Option<OutputDispatcher>,
    stderr: Option<OutputDispatcher>,
}

impl Subprocess {
    /// A process that was never started.
    pub fn new(id: ProcessId, group_name: String, config: Process, paths: LogPaths) -> Subprocess {
        Subprocess {
            id,
            group_name,
            config,
            paths,
            machine: Machine::default(),
            stdin: None,
            stdout: None,
            stderr: None,
        }
    }

    /// Its token.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// The name of its group.
    pub fn group_name(&self) -> &str {
        &self.group_name
    }

    /// What it was made from.
    pub fn config(&self) -> &Process {
        &self.config
    }

    /// What is known of its life.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The log of a channel, if it has one.
    pub fn log_path(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Stdout => self.paths.stdout.as_deref(),
            Channel::Stderr => self.paths.stderr.as_deref(),
        }
    }

    /// Feeds its state machine.
    pub fn step(&mut self, input: Input, now: Now, restarts_allowed: bool) -> Vec<Effect> {
        self.machine
            .step(&self.config, input, now, restarts_allowed)
    }

    /// What its command stands for now.
    pub fn find_command(&self, context: &Context) -> Result<Executable, CommandError> {
        command::find(&self.config, environment::get(&context.environment, "PATH"))
    }

    /// Spawns a child and returns its pid; the error is the text for `spawnerr`.
    pub fn spawn(&mut self, reactor: &mut Reactor, context: &Context) -> Result<i32, String> {
        let executable = self
            .find_command(context)
            .map_err(|error| error.to_string())?;
        let ends = self
            .make_dispatchers(reactor, context)
            .map_err(|obstacle| {
                self.close(reactor);
                obstacle.text(&self.config.name)
            })?;
        let environment = environment::of_child(
            &context.environment,
            context.server_url.as_deref(),
            &self.group_name,
            &self.config,
        );
        let program = Program {
            path: &executable.path,
            arguments: &executable.arguments,
            environment: &environment,
        };
        let streams = Streams {
            stdin: ends.stdin.as_fd(),
            stdout: ends.stdout.as_fd(),
            stderr: ends.stderr.as_ref().unwrap_or(&ends.stdout).as_fd(),
        };
        let surroundings = Surroundings {
            identity: identity(&self.config),
            directory: self.config.directory.clone(),
            umask: self.config.umask,
            close_below: context.minfds,
            mask: context.mask,
        };
        spawn(&Spawn::new(program, streams, &surroundings)).map_err(|errno| {
            self.close(reactor);
            match errno {
                libc::EAGAIN => format!(
                    "Too many processes in process table to spawn '{}'",
                    self.config.name
                ),
                _ => format!(
                    "unknown error during fork for '{}': {}",
                    self.config.name,
                    errno::name(errno)
                ),
            }
        })
    }

    /// Reads once what the child wrote.
    pub fn read_output(&mut self, reactor: &mut Reactor, channel: Channel) {
        if let Some(output) = self.output_mut(channel) {
            output.read(reactor);
        }
    }

    /// Writes what waits for the child's stdin.
    pub fn flush_input(&mut self, reactor: &mut Reactor) {
        if let Some(stdin) = &mut self.stdin {
            stdin.flush(reactor);
        }
    }

    /// Writes to the child's stdin, or keeps it until the child reads.
    pub fn send_input(&mut self, reactor: &mut Reactor, data: &[u8]) -> Result<(), InputError> {
        if self.machine.pid() == 0 || self.machine.is_killing() {
            return Err(InputError::NotRunning);
        }
        let stdin = self.stdin.as_mut().ok_or(InputError::Closed)?;
        stdin.write(reactor, data).map_err(|error| match error {
            WriteError::Closed => InputError::Closed,
            WriteError::Full => InputError::Full,
        })
    }

    /// Reads what a child that has ended wrote last.
    pub fn drain(&mut self, reactor: &mut Reactor) {
        for output in [&mut self.stdout, &mut self.stderr].into_iter().flatten() {
            output.drain(reactor);
        }
    }

    /// Closes the pipes and logs of a child that has ended.
    pub fn close(&mut self, reactor: &mut Reactor) {
        if let Some(mut stdin) = self.stdin.take() {
            stdin.close(reactor);
        }
        let outputs = [self.stdout.take(), self.stderr.take()];
        for mut output in outputs.into_iter().flatten() {
            output.close(reactor);
        }
    }

    /// Lets go of everything that outside of it knows this process: its group is removed.
    pub fn forget(&mut self, reactor: &mut Reactor) {
        self.close(reactor);
        reactor.timers.set(Timer::Process(self.id), None);
        for path in [&self.paths.stdout, &self.paths.stderr]
            .into_iter()
            .flatten()
        {
            reactor.give_up_log(path);
        }
    }

    /// Empties the logs of a living child; without one there is nothing to do, as in 4.3.0.
    pub fn clear_logs(&mut self, reactor: &mut Reactor) -> Result<(), LogFailure> {
        let outputs = [&mut self.stdout, &mut self.stderr].into_iter().flatten();
        outputs
            .map(|output| output.clear(reactor))
            .fold(Ok(()), Result::and)
    }

    /// Makes the pipes, opens the logs, and puts the daemon's ends into the poll
    /// set; returns the child's ends.
    fn make_dispatchers(
        &mut self,
        reactor: &mut Reactor,
        context: &Context,
    ) -> Result<ChildEnds, Obstacle> {
        let stdin = pipe()?;
        let stdout = pipe()?;
        let stderr = if self.config.redirect_stderr {
            None
        } else {
            Some(pipe()?)
        };
        let stderr = match stderr {
            Some(pipe) => {
                self.stderr = Some(self.output(reactor, context, Channel::Stderr, pipe.read)?);
                Some(pipe.write)
            }
            None => None,
        };
        self.stdout = Some(self.output(reactor, context, Channel::Stdout, stdout.read)?);
        let token = register(reactor, stdin.write, Interest::NONE, Source::Input(self.id))?;
        self.stdin = Some(InputDispatcher::new(token));
        Ok(ChildEnds {
            stdin: stdin.read,
            stdout: stdout.write,
            stderr,
        })
    }

    /// Opens the log of a channel and puts the reading end of its pipe into the poll set.
    fn output(
        &self,
        reactor: &mut Reactor,
        context: &Context,
        channel: Channel,
        pipe: OwnedFd,
    ) -> Result<OutputDispatcher, Obstacle> {
        let output: &config::Output = match channel {
            Channel::Stdout => &self.config.stdout,
            Channel::Stderr => &self.config.stderr,
        };
        let rotation = Rotation {
            maxbytes: output.logfile_maxbytes,
            backups: output.logfile_backups,
        };
        let name = &self.config.name;
        let token = register(
            reactor,
            pipe,
            Interest::READ,
            Source::Output(self.id, channel),
        )?;
        let log = match self.log_path(channel) {
            Some(path) => {
                let user = format_args!("{} of {name}", channel.name());
                let opened = reactor.open_log(user, path, rotation);
                Some(opened.map_err(|failure| {
                    reactor.poller.close(token);
                    Obstacle::of_log(path, failure.errno)
                })?)
            }
            None => None,
        };
        let destinations = Destinations {
            log,
            syslog: output.syslog.then(|| Syslog::new(&context.program)),
            strip_ansi: context.strip_ansi,
            capture_maxbytes: usize::try_from(output.capture_maxbytes).unwrap_or(0),
        };
        Ok(OutputDispatcher::new(name, channel, token, destinations))
    }

    fn output_mut(&mut self, channel: Channel) -> Option<&mut OutputDispatcher> {
        match channel {
            Channel::Stdout => self.stdout.as_mut(),
            Channel::Stderr => self.stderr.as_mut(),
        }
    }
}

/// Why pipes and logs could not be made ready.
enum Obstacle {
    /// A system call failed with this errno.
    System(i32),
    /// The log of this path would be in a directory that does not exist.
    NoLogDirectory(String),
}

impl Obstacle {
    fn of_log(path: &str, errno: i32) -> Obstacle {
        let directory = std::path::Path::new(path).parent();
        match directory {
            Some(directory)
                if errno == libc::ENOENT
                    && !directory.as_os_str().is_empty()
                    && !directory.is_dir() =>
            {
                Obstacle::NoLogDirectory(path.to_owned())
            }
            _ => Obstacle::System(errno),
        }
    }

    /// The text for `spawnerr`.
    fn text(&self, process: &str) -> String {
        match self {
            Obstacle::System(libc::EMFILE) => format!("too many open files to spawn '{process}'"),
            Obstacle::System(errno) => {
                format!(
                    "unknown error making dispatchers for '{process}': {}",
                    errno::name(*errno)
                )
            }
            Obstacle::NoLogDirectory(path) => {
                format!("The directory named as part of the path {path} does not exist")
            }
        }
    }
}

/// The ends of the pipes that become the child's descriptors.
struct ChildEnds {
    stdin: OwnedFd,
    stdout: OwnedFd,
    /// `None` where stderr goes the way of stdout.
    stderr: Option<OwnedFd>,
}

fn pipe() -> Result<Pipe, Obstacle> {
    fd::pipe().map_err(system_obstacle)
}

fn system_obstacle(error: io::Error) -> Obstacle {
    Obstacle::System(errno::of(&error).unwrap_or(libc::EIO))
}

fn register(
    reactor: &mut Reactor,
    descriptor: OwnedFd,
    interest: Interest,
    source: Source,
) -> Result<Token, Obstacle> {
    fd::set_nonblocking(descriptor.as_fd())
        .and_then(|()| reactor.poller.register(descriptor, interest, source))
        .map_err(system_obstacle)
}

/// Who the child is to be. Where that is the daemon's own user and no other
/// group is named, nothing is changed, the supplementary groups included.
fn identity(config: &Process) -> Identity {
    let Some(uid) = config.uid else {
        return Identity::Inherited;
    };
    let is_own_group = config.gid.is_none_or(|gid| gid == process::gid());
    if uid == process::uid() && is_own_group {
        return Identity::Inherited;
    }
    let refused = |reason: &str| Identity::Refused {
        uid,
        reason: reason.to_owned(),
    };
    if process::uid() != 0 {
        return refused("Can't drop privilege as nonroot user");
    }
    let groups = user::groups_of(uid).unwrap_or_default();
    match config.gid.or(groups.first().copied()) {
        Some(gid) if !groups.is_empty() => {
            Identity::SwitchTo(SpawnCredentials { uid, gid, groups })
        }
        _ => refused(&format!("Can't find uid {uid}")),
    }
}
