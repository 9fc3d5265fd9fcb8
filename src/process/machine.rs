//! The life of a process as a state machine: one match on (state, input), with
//! the effects as values. No clock is read and nothing is done here; the
//! supervisor performs the effects and feeds back how they went.
//!
//! What is wanted of a process and what is so are two things. The states that the wire
//! knows are computed from both:
//!
//! | so is \\ wanted | up | down |
//! |---|---|---|
//! | never started, or stopped | STOPPED, waits for its restart | STOPPED |
//! | its child is young, or is being made, or its start is delayed | STARTING | STOPPING |
//! | its child is up | RUNNING | STOPPING |
//! | its start has failed | BACKOFF, waits for the next | BACKOFF |
//! | its child has ended by itself | EXITED, waits for its restart | EXITED |
//! | its child was stopped to be started again | STOPPED, waits for its restart | |
//! | given up | | FATAL |
//! | its child cannot be signalled | UNKNOWN | UNKNOWN |
//!
//! ```text
//! STOPPED, EXITED, FATAL --start--> STARTING --startsecs--> RUNNING --end--> EXITED
//!                     BACKOFF <--end too soon--'                |
//!                     BACKOFF --retries over--> FATAL           stop
//! STARTING, RUNNING --stop--> STOPPING --end--> STOPPED
//!
//! of a oneshot:
//! STARTING --expected end--> EXITED
//! STARTING --other end--> BACKOFF
//!
//! with a runtime_timeout:
//! RUNNING --time over--> STOPPING --end--> STOPPED, waits for its restart
//! STARTING of a oneshot --time over--> STOPPING --end--> BACKOFF
//! ```
//!
//! Effects keep the order of Supervisor 4.3.0: the state changes first, then
//! whoever waits for it is told, then the log line is written.

use std::time::Duration;

use crate::clock::{Monotonic, Now};
use crate::config::Process;
use crate::log_level::Level;
use crate::process::policy::{self, Restarts};
use crate::process::restarts::RestartBudget;
use crate::signal::Signal;
use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::termination::Termination;

use hooks::HookState;

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
    /// The same with so much time before SIGKILL, also for one that is being stopped.
    StopWithin(Duration),
    /// Stop it by SIGKILL, now.
    Kill,
    /// Stop it with something that it depends on, and tell this reason.
    Follow(String),
    /// Everything goes down: make no further attempt to start it.
    GiveUp,
    /// Its child, which has ended, had not become its program, or could not go on, and why.
    NotSpawned(String),
    /// Its child ended.
    Reaped(Termination),
    /// A stop signal could not be sent, for a reason other than that the child has gone.
    StopFailed(String),
    /// A signal could not be sent on request, for such a reason.
    SignalFailed(String),
    /// It is of no use: stop it, and make it FATAL for this reason.
    Condemn(String),
    /// The hook that runs has ended, or could not be run; the error is why it was no success.
    HookEnded(Result<(), String>),
    /// It is ready, where that is asked for.
    Ready,
    /// It is not well any more, by the check of that key, and why: stop it, and start it again if
    /// `restarts`.
    Unhealthy {
        key: &'static str,
        reason: String,
        restarts: bool,
    },
}

saved! {
    enum Input {
        Start, Spawned(a), SpawnFailed(a), Due, Stop, StopWithin(a), Kill, Follow(a),
        GiveUp, NotSpawned(a), Reaped(a), StopFailed(a), SignalFailed(a), Condemn(a),
        HookEnded(a), Ready, Unhealthy { key, reason, restarts },
    }
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Entered {
        from: ProcessState,
        to: ProcessState,
    },
    /// A line for the main log.
    Log(Level, String),
    /// Spawn a child, then feed [`Input::Spawned`] or [`Input::SpawnFailed`].
    Spawn,
    /// Send a signal to the child, or to the process group that it leads.
    Kill { signal: Signal, group: bool },
    /// Run the command, then feed [`Input::HookEnded`].
    RunHook(Hook),
    /// Send a signal to the process group of the hook that runs.
    EndHook(Signal),
}

/// What is wanted of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Desired {
    Up,
    #[default]
    Down,
    /// Down for good, to be FATAL for this reason.
    Condemned(String),
    /// Down since it has run for its time, which this tells: to be started again, or to be a
    /// failure.
    OutOfTime(String),
    /// Down since its start has failed by that key, to be tried again.
    Retried(&'static str),
    /// Down by that key, to be started again.
    Restarted(&'static str),
    /// Down by that key, and to stay so.
    Stopped(&'static str),
    /// Down with something that it depends on.
    Following,
}

saved! {
    enum Desired {
        Up, Down, Condemned(a), OutOfTime(a), Retried(a), Restarted(a), Stopped(a),
        Following,
    }
}

/// What is so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Observed {
    /// It was never started, or has been stopped.
    #[default]
    Stopped,
    /// Its start is delayed, or a spawn was asked for, or its child has not lived for
    /// `startsecs` yet.
    Starting,
    /// Its child has lived for `startsecs`.
    Running,
    /// The last start has failed.
    StartFailed,
    /// Its child has ended by itself.
    Exited,
    /// It was given up.
    Fatal,
    /// Its child lives and cannot be signalled.
    Unknown,
}

saved! { enum Observed { Stopped, Starting, Running, StartFailed, Exited, Fatal, Unknown } }

/// How far the stop of a child is.
#[derive(Clone, Copy, Debug, Default)]
struct StopStage {
    /// How many of its stop signals have been sent.
    sent: u32,
    /// SIGKILL comes next: somebody has said how long it may take, or it was sent already.
    is_last: bool,
    is_killed: bool,
}

saved! { struct StopStage { sent, is_last, is_killed } }

/// How the last child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastLife {
    pub end: Termination,
    /// From its start on.
    pub lived: Duration,
    /// Its stop signals did not end it, SIGKILL did.
    pub was_killed: bool,
}

saved! { struct LastLife { end, lived, was_killed } }

/// What is known of a process between inputs.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    desired: Desired,
    observed: Observed,
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
    exit_status: Option<i32>,
    spawn_error: String,
    /// The child has said that it is ready.
    is_ready: bool,
    /// The error is that of the child before, which was stopped for it.
    is_old_error: bool,
    restarts: RestartBudget,
    /// Of a process that has a `restart_limit`.
    counted: Option<Box<Restarts>>,
    stop: StopStage,
    /// Of a process that has had a child which has ended.
    last_life: Option<Box<LastLife>>,
    /// Of a process that has hooks.
    hooks: Option<Box<HookState>>,
}

saved! {
    struct Machine {
        desired, observed, pid, last_start, started_at, last_stop, backoff, deadline,
        exit_status, spawn_error, is_ready, is_old_error, restarts, counted, stop,
        last_life, hooks,
    }
}

impl Machine {
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
        // A notice of a child that is not there, or of a second one, changes nothing.
        let has_child = self.pid != 0;
        let waits_for_hook = self.waits_for_hook();
        let is_delayed = self.delayed_until().is_some() || waits_for_hook;
        let is_preparing = self.is_preparing();
        let is_spawning = !has_child && !is_delayed && !is_preparing;
        let (end, gives_up) = (hooks::end_of(&input), input == Input::GiveUp);
        let (input, reason) = match input {
            Input::Follow(reason) => (Input::Stop, Some(reason)),
            input => (input, None),
        };
        let (name, pid) = (&process.name, self.pid);
        match (self.state(), input) {
            (Stopped | Exited | Fatal | Backoff, Input::Start) => {
                self.start_on_request(process, now, &mut effects);
            }
            (_, Input::Start) => {
                let text = format!("process '{name}' already running");
                effects.push(Effect::Log(Level::Warn, text));
            }

            (Starting, Input::Spawned(pid)) if is_spawning => {
                self.pid = pid;
                self.is_ready = false;
                self.started_at = now.monotonic;
                self.deadline = self.first_deadline(process);
                let text = format!("spawned: '{name}' with pid {pid}");
                effects.push(Effect::Log(Level::Info, text));
            }
            (Starting, Input::SpawnFailed(error)) if is_spawning => {
                effects.push(Effect::Log(Level::Info, format!("spawnerr: {error}")));
                self.spawn_error = error;
                self.back_off(process, now, &mut effects);
            }

            // It comes again when that has ended.
            (Starting | Backoff | Exited | Stopped, Input::Due) if waits_for_hook => {
                self.deadline = None;
            }
            (Starting, Input::Due) if has_child && self.awaits_readiness(process) => {
                self.await_readiness(process, now, &mut effects);
            }
            (Starting, Input::Due) if has_child && !process.is_oneshot() => {
                self.succeed(process, &mut effects);
            }
            (Starting | Running, Input::Due) if has_child => {
                self.look_at_time(process, now, &mut effects);
            }
            (Starting, Input::Ready) if has_child && self.awaits_readiness(process) => {
                self.get_ready(process, now, &mut effects);
            }
            (Starting, Input::Due) if is_delayed && restarts_allowed => {
                self.start(process, now, &mut effects);
            }
            (Starting, Input::Due) if is_delayed => self.drop_start(process, &mut effects),
            (Backoff, Input::Due) if policy::is_last(process, self.backoff) => {
                self.give_up(&mut effects);
                let reason = self.reason_of_giving_up(process);
                self.tell_of_giving_up(process, &reason, &mut effects);
            }
            (Stopped, Input::Due) if restarts_allowed && self.is_wanted_up() => {
                self.come_back(process, now, &mut effects);
            }
            (Backoff | Exited, Input::Due) if restarts_allowed && self.is_wanted_up() => {
                self.start_again(process, now, &mut effects);
            }
            (Backoff | Exited | Stopped, Input::Due) => self.want_no_restart(),
            (Stopping, Input::Due) => self.stop_harder(process, now, &mut effects),
            (_, Input::Due) => self.deadline = None,

            (Starting | Running, Input::Stop) if has_child => {
                self.stop(process, Desired::Down, now, &mut effects);
            }
            (Starting | Running, Input::StopWithin(time)) if has_child => {
                self.stop(process, Desired::Down, now, &mut effects);
                self.kill_within(time, now);
            }
            (Stopping, Input::StopWithin(time)) => {
                self.forget_reason();
                self.kill_within(time, now);
            }
            (Starting | Running, Input::Kill) if has_child => {
                self.enter(Desired::Down, self.observed, &mut effects);
                self.kill(process, now, &mut effects);
            }
            (Stopping, Input::Kill) => {
                self.forget_reason();
                self.kill(process, now, &mut effects);
            }
            (Stopping, Input::Stop) if reason.is_none() && self.stops_by_itself() => {
                self.forget_reason();
            }
            (Starting, Input::Stop) if is_preparing => {
                self.stop_preparing(process, now, &mut effects);
            }
            (Starting, Input::StopWithin(time)) if is_preparing => {
                self.stop_preparing(process, now, &mut effects);
                self.kill_within(time, now);
            }
            (Starting, Input::Kill) if is_preparing => {
                self.enter(Desired::Down, self.observed, &mut effects);
                self.kill(process, now, &mut effects);
            }
            (Starting, Input::Stop | Input::StopWithin(_) | Input::Kill) if is_delayed => {
                self.drop_start(process, &mut effects);
            }
            (Backoff, Input::Stop | Input::StopWithin(_) | Input::Kill) => {
                let text = format!("Attempted to kill {name}, which is in BACKOFF state.");
                effects.push(Effect::Log(Level::Debug, text));
                self.deadline = None;
                self.enter(Desired::Down, Observed::Stopped, &mut effects);
            }
            // Who asks for a stop does not want the restart that it waits for.
            (Exited, Input::Stop | Input::StopWithin(_) | Input::Kill) => self.want_no_restart(),
            (Stopped, Input::Stop | Input::StopWithin(_) | Input::Kill) if self.is_wanted_up() => {
                self.want_no_restart();
            }
            (_, Input::Stop | Input::StopWithin(_) | Input::Kill) => {
                let signal = process.stopsignal.first;
                let text =
                    format!("attempted to kill {name} with sig {signal} but it wasn't running");
                effects.push(Effect::Log(Level::Debug, text));
            }

            (Backoff, Input::GiveUp) => self.give_up(&mut effects),

            (Starting | Running, Input::Condemn(reason)) if has_child => {
                self.stop(process, Desired::Condemned(reason), now, &mut effects);
            }
            (Exited | Backoff, Input::Condemn(reason)) => {
                self.spawn_error = reason;
                self.give_up(&mut effects);
            }
            (Starting, Input::Condemn(reason)) if is_delayed => {
                self.spawn_error = reason;
                self.give_up(&mut effects);
            }

            (_, Input::HookEnded(outcome)) => {
                self.hook_ended(process, outcome, now, &mut effects);
            }
            (Starting, Input::Unhealthy { key, reason, .. }) if has_child => {
                self.fail_to_start(process, (key, reason), now, &mut effects);
            }
            (
                Running,
                Input::Unhealthy {
                    key,
                    reason,
                    restarts,
                },
            ) => {
                let desired = match restarts {
                    true => Desired::Restarted(key),
                    false => Desired::Stopped(key),
                };
                self.stop(process, desired, now, &mut effects);
                self.spawn_error = reason;
            }

            (_, Input::NotSpawned(error)) if has_child => {
                let text = format!("spawnerr: {name}: {error}");
                effects.push(Effect::Log(Level::Warn, text));
                self.spawn_error = error;
                self.is_old_error = false;
            }
            (_, Input::Reaped(end)) if has_child => self.end(process, end, now, &mut effects),

            (Starting | Running | Stopping, Input::StopFailed(error)) if has_child => {
                let text = format!("unknown problem killing {name} ({pid}):{error}");
                self.lose_control(text, &mut effects);
            }
            (Starting | Running | Stopping, Input::SignalFailed(error)) if has_child => {
                let signal = format!("unknown problem sending sig {name} ({pid}):{error}");
                self.lose_control(signal, &mut effects);
            }

            (_, Input::Spawned(_) | Input::SpawnFailed(_)) => {}
            (_, Input::NotSpawned(_) | Input::Reaped(_)) => {}
            (_, Input::GiveUp | Input::StopFailed(_) | Input::SignalFailed(_)) => {}
            (_, Input::Condemn(_) | Input::Ready | Input::Unhealthy { .. }) => {}
            (_, Input::Follow(_)) => {}
        }
        if let Some(reason) = reason {
            self.follow(reason, &effects);
        }
        if let Some(hooks) = &process.hooks {
            let child = end.map(|end| (pid, end)).filter(|_| has_child);
            self.follow_up(process, hooks, child, gives_up, &mut effects);
        }
        effects
    }
}

mod hooks;
mod jobs;
mod moves;
mod views;

pub use hooks::Hook;

#[cfg(test)]
pub(crate) mod tests;
