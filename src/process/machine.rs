//! The life of a process as a state machine: one match on (state, input), with
//! the effects as values. No clock is read and nothing is done here; the
//! supervisor performs the effects and feeds back how they went.
//!
//! ```text
//! STOPPED, EXITED, FATAL --start--> STARTING --startsecs--> RUNNING --end--> EXITED
//!                     BACKOFF <--end too soon--'                |
//!                     BACKOFF --retries over--> FATAL           stop
//! STARTING, RUNNING --stop--> STOPPING --end--> STOPPED
//! ```
//!
//! Effects keep the order of Supervisor 4.3.0: the state changes first, then
//! whoever waits for it is told, then the log line is written.

use std::time::Duration;

use crate::clock::{Monotonic, Now};
use crate::config::{AutoRestart, Process};
use crate::log_level::Level;
use crate::process::restarts::RestartBudget;
use crate::signal::Signal;
use crate::states::ProcessState;
use crate::termination::Termination;

/// With `startsecs` of 0 a process is RUNNING this long after its spawn, so
/// that one that ends at once is told as ended and not as a success.
const INSTANT: Duration = Duration::from_millis(10);

/// Why a start failed whose child did not live for `startsecs`.
const TOO_QUICKLY: &str = "Exited too quickly (process log may have details)";

/// What happened to a process, or is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Start it: on request, at autostart.
    Start,
    /// The spawn that was asked for gave a child with this pid.
    Spawned(i32),
    /// The spawn that was asked for failed, and why.
    SpawnFailed(String),
    /// The deadline of the machine has come.
    Due,
    /// Stop it: on request, at shutdown.
    Stop,
    /// Everything goes down: make no further attempt to start it.
    GiveUp,
    /// Its child, which has ended, had not become its program, and why.
    NotSpawned(String),
    /// Its child ended.
    Reaped(Termination),
    /// A stop signal could not be sent, for a reason other than that the child has gone.
    StopFailed(String),
    /// A signal could not be sent on request, for such a reason.
    SignalFailed(String),
    /// It is of no use: stop it, and make it FATAL for this reason.
    Condemn(String),
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The state has changed.
    Entered {
        /// The state before.
        from: ProcessState,
        /// The state now.
        to: ProcessState,
    },
    /// A line for the main log.
    Log(Level, String),
    /// Spawn a child, then feed [`Input::Spawned`] or [`Input::SpawnFailed`].
    Spawn,
    /// Send a signal to the child (or to its process group).
    Kill {
        /// Which signal.
        signal: Signal,
        /// To the process group that the child leads.
        group: bool,
    },
}

/// What is known of a process between inputs.
#[derive(Clone, Debug)]
pub struct Machine {
    state: ProcessState,
    /// The child's; 0 when there is none.
    pid: i32,
    /// The last attempt to spawn, if there was one.
    last_start: Option<Now>,
    started_at: Monotonic,
    /// When a child last ended.
    last_stop: Option<Now>,
    /// Starts that failed since the process was last up. Kept over a stop, as in 4.3.0.
    backoff: i64,
    /// When [`Input::Due`] is to come.
    deadline: Option<Monotonic>,
    /// A stop was asked for and its child has not ended.
    killing: bool,
    /// It is being stopped to be FATAL, and why.
    condemned: Option<String>,
    exit_status: Option<i32>,
    spawn_error: String,
    restarts: RestartBudget,
}

impl Default for Machine {
    fn default() -> Machine {
        Machine {
            state: ProcessState::Stopped,
            pid: 0,
            last_start: None,
            started_at: Monotonic::default(),
            last_stop: None,
            backoff: 0,
            deadline: None,
            killing: false,
            condemned: None,
            exit_status: None,
            spawn_error: String::new(),
            restarts: RestartBudget::default(),
        }
    }
}

impl Machine {
    /// The state.
    pub fn state(&self) -> ProcessState {
        self.state
    }

    /// The child's pid, 0 when there is none.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When [`Input::Due`] is to be fed, if ever.
    pub fn deadline(&self) -> Option<Monotonic> {
        self.deadline
    }

    /// How many starts have failed since the process was last up.
    pub fn failed_starts(&self) -> i64 {
        self.backoff
    }

    /// When a spawn was last attempted; `None` if never, which is what allows autostart.
    pub fn last_start(&self) -> Option<Now> {
        self.last_start
    }

    /// When a child last ended.
    pub fn last_stop(&self) -> Option<Now> {
        self.last_stop
    }

    /// Why the last start or run went wrong; empty if it did not.
    pub fn spawn_error(&self) -> &str {
        &self.spawn_error
    }

    /// The status of the last child; -1 for a signal, 0 when there is none to tell.
    pub fn exit_status(&self) -> i32 {
        self.exit_status.unwrap_or(0)
    }

    /// Whether a stop was asked for that has not come to its end. One whose
    /// signal could not be sent has, as far as others are concerned.
    pub fn is_killing(&self) -> bool {
        self.killing && self.state != ProcessState::Unknown
    }

    /// Takes one input. `restarts_allowed` is false while supervisord goes down.
    pub fn step(
        &mut self,
        process: &Process,
        input: Input,
        now: Now,
        restarts_allowed: bool,
    ) -> Vec<Effect> {
        use ProcessState::*;
        let mut effects = Vec::new();
        // Tidings of a child that is not there, or of a second one, change nothing.
        let has_child = self.pid != 0;
        match (self.state, input) {
            (Stopped | Exited | Fatal | Backoff, Input::Start) => self.start(now, &mut effects),
            (_, Input::Start) => {
                effects.push(Effect::Log(
                    Level::Warn,
                    format!("process '{}' already running", process.name),
                ));
            }

            (Starting, Input::Spawned(pid)) if !has_child => {
                self.pid = pid;
                self.started_at = now.monotonic;
                self.deadline = Some(self.started_at + start_time(process).max(INSTANT));
                effects.push(Effect::Log(
                    Level::Info,
                    format!("spawned: '{}' with pid {pid}", process.name),
                ));
            }
            (Starting, Input::SpawnFailed(error)) if !has_child => {
                effects.push(Effect::Log(Level::Info, format!("spawnerr: {error}")));
                self.spawn_error = error;
                self.back_off(process, now, &mut effects);
            }

            (Starting, Input::Due) if has_child => self.succeed(process, &mut effects),
            (Backoff, Input::Due) if self.backoff > process.startretries => {
                self.give_up(&mut effects);
                effects.push(Effect::Log(
                    Level::Info,
                    format!(
                        "gave up: {} entered FATAL state, too many start retries too quickly",
                        process.name
                    ),
                ));
            }
            (Backoff | Exited, Input::Due) if restarts_allowed && self.deadline.is_some() => {
                self.start(now, &mut effects)
            }
            (Stopping, Input::Due) => self.kill(process, now, &mut effects),
            (_, Input::Due) => self.deadline = None,

            (Starting | Running, Input::Stop) if has_child => self.stop(process, now, &mut effects),
            (Backoff, Input::Stop) => {
                effects.push(Effect::Log(
                    Level::Debug,
                    format!(
                        "Attempted to kill {}, which is in BACKOFF state.",
                        process.name
                    ),
                ));
                self.deadline = None;
                self.enter(Stopped, &mut effects);
            }
            // It ended and waits for its restart: who asks for a stop does not want that one.
            (Exited, Input::Stop) => self.deadline = None,
            (_, Input::Stop) => effects.push(Effect::Log(
                Level::Debug,
                format!(
                    "attempted to kill {} with sig {} but it wasn't running",
                    process.name, process.stopsignal
                ),
            )),

            (Backoff, Input::GiveUp) => self.give_up(&mut effects),

            (Starting | Running, Input::Condemn(reason)) if has_child => {
                self.condemned = Some(reason);
                self.stop(process, now, &mut effects);
            }
            (Exited | Backoff, Input::Condemn(reason)) => {
                self.spawn_error = reason;
                self.give_up(&mut effects);
            }

            (_, Input::NotSpawned(error)) if has_child => {
                effects.push(Effect::Log(
                    Level::Warn,
                    format!("spawnerr: {}: {error}", process.name),
                ));
                self.spawn_error = error;
            }
            (_, Input::Reaped(end)) if has_child => self.end(process, end, now, &mut effects),

            (Starting | Running | Stopping, Input::StopFailed(error)) if has_child => {
                effects.push(Effect::Log(
                    Level::Critical,
                    format!(
                        "unknown problem killing {} ({}):{error}",
                        process.name, self.pid
                    ),
                ));
                self.lose_control(&mut effects);
            }
            (Starting | Running | Stopping, Input::SignalFailed(error)) if has_child => {
                effects.push(Effect::Log(
                    Level::Critical,
                    format!(
                        "unknown problem sending sig {} ({}):{error}",
                        process.name, self.pid
                    ),
                ));
                self.lose_control(&mut effects);
            }

            (_, Input::Spawned(_) | Input::SpawnFailed(_)) => {}
            (_, Input::NotSpawned(_) | Input::Reaped(_)) => {}
            (_, Input::GiveUp | Input::StopFailed(_) | Input::SignalFailed(_)) => {}
            (_, Input::Condemn(_)) => {}
        }
        effects
    }

    fn start(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.killing = false;
        self.condemned = None;
        self.exit_status = None;
        self.spawn_error.clear();
        self.deadline = None;
        self.last_start = Some(now);
        self.started_at = now.monotonic;
        self.enter(ProcessState::Starting, effects);
        effects.push(Effect::Spawn);
    }

    fn succeed(&mut self, process: &Process, effects: &mut Vec<Effect>) {
        self.deadline = None;
        self.backoff = 0;
        self.enter(ProcessState::Running, effects);
        effects.push(Effect::Log(
            Level::Info,
            format!(
                "success: {} entered RUNNING state, process has stayed up for > than {} seconds (startsecs)",
                process.name, process.startsecs
            ),
        ));
    }

    /// One more failed start: wait as many seconds as there were failures, or
    /// give up in the next turn of the loop.
    fn back_off(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        self.backoff = self.backoff.saturating_add(1);
        let wait = if self.backoff > process.startretries {
            0
        } else {
            self.backoff
        };
        self.deadline = Some(now.monotonic + seconds(wait));
        self.enter(ProcessState::Backoff, effects);
    }

    fn give_up(&mut self, effects: &mut Vec<Effect>) {
        self.deadline = None;
        self.backoff = 0;
        self.enter(ProcessState::Fatal, effects);
    }

    fn stop(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        effects.push(self.killing_line(process, process.stopsignal, process.stopasgroup));
        self.killing = true;
        self.deadline = Some(now.monotonic + seconds(process.stopwaitsecs));
        self.enter(ProcessState::Stopping, effects);
        effects.push(Effect::Kill {
            signal: process.stopsignal,
            group: process.stopasgroup,
        });
    }

    fn kill(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log(
            Level::Warn,
            format!("killing '{}' ({}) with SIGKILL", process.name, self.pid),
        ));
        effects.push(self.killing_line(process, Signal::KILL, process.killasgroup));
        // At least a second, or a stopwaitsecs of 0 would kill an unkillable process without end.
        self.deadline = Some(now.monotonic + seconds(process.stopwaitsecs.max(1)));
        effects.push(Effect::Kill {
            signal: Signal::KILL,
            group: process.killasgroup,
        });
    }

    fn killing_line(&self, process: &Process, signal: Signal, group: bool) -> Effect {
        let whom = if group { "process group " } else { "" };
        Effect::Log(
            Level::Debug,
            format!(
                "killing {} (pid {}) {whom}with signal {signal}",
                process.name, self.pid
            ),
        )
    }

    fn end(&mut self, process: &Process, end: Termination, now: Now, effects: &mut Vec<Effect>) {
        let expected = process.exitcodes.contains(&end.exit_status());
        let too_quickly = self.state == ProcessState::Starting
            && !self.killing
            && now.monotonic.since(self.started_at) < start_time(process);
        self.last_stop = Some(now);
        self.exit_status = Some(end.exit_status());
        self.pid = 0;
        self.deadline = None;

        if self.killing {
            self.killing = false;
            match self.condemned.take() {
                Some(reason) => {
                    self.spawn_error = reason;
                    self.give_up(effects);
                }
                None => self.enter(ProcessState::Stopped, effects),
            }
            let level = if expected { Level::Info } else { Level::Warn };
            effects.push(Effect::Log(
                level,
                format!("stopped: {} ({end})", process.name),
            ));
        } else if too_quickly {
            self.exit_status = None;
            self.blame(TOO_QUICKLY);
            self.back_off(process, now, effects);
            effects.push(Effect::Log(
                Level::Warn,
                format!("exited: {} ({end}; not expected)", process.name),
            ));
        } else {
            self.backoff = 0;
            if self.state == ProcessState::Starting {
                self.enter(ProcessState::Running, effects);
            }
            self.enter(ProcessState::Exited, effects);
            self.report_exit(process, end, expected, effects);
            self.deadline = self.restart_time(process, expected, now);
        }
    }

    fn report_exit(
        &mut self,
        process: &Process,
        end: Termination,
        expected: bool,
        effects: &mut Vec<Effect>,
    ) {
        if expected {
            effects.push(Effect::Log(
                Level::Info,
                format!("exited: {} ({end}; expected)", process.name),
            ));
        } else {
            self.blame(&format!("Bad exit code {}", end.exit_status()));
            effects.push(Effect::Log(
                Level::Warn,
                format!("exited: {} ({end}; not expected)", process.name),
            ));
        }
    }

    /// A reason that its child itself has given is a better one.
    fn blame(&mut self, error: &str) {
        if self.spawn_error.is_empty() {
            self.spawn_error = error.to_owned();
        }
    }

    fn restart_time(&mut self, process: &Process, expected: bool, now: Now) -> Option<Monotonic> {
        let again = match process.autorestart {
            AutoRestart::Never => false,
            AutoRestart::Always => true,
            AutoRestart::Unexpected => !expected,
        };
        again.then(|| self.restarts.take(now.monotonic))
    }

    fn lose_control(&mut self, effects: &mut Vec<Effect>) {
        self.deadline = None;
        self.enter(ProcessState::Unknown, effects);
    }

    fn enter(&mut self, to: ProcessState, effects: &mut Vec<Effect>) {
        let from = self.state;
        self.state = to;
        effects.push(Effect::Entered { from, to });
    }
}

fn start_time(process: &Process) -> Duration {
    seconds(process.startsecs)
}

fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod table;
#[cfg(test)]
pub(crate) mod tests;
