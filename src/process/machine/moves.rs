//! The moves of the machine: what changes in it, and which effects that has.

use std::time::Duration;

use super::{Desired, Effect, Hook, LastLife, Machine, Observed, StopStage};
use crate::clock::{Monotonic, Now};
use crate::config::{AutoRestart, Process};
use crate::log_level::Level;
use crate::process::policy;
use crate::signal::Signal;
use crate::states::ProcessState;
use crate::termination::Termination;

/// Why a start failed whose child did not live for `startsecs`.
pub(super) const TOO_QUICKLY: &str = "Exited too quickly (process log may have details)";

/// Why one failed whose child had to get ready.
pub(super) const NOT_READY: &str = "Exited before it was ready (process log may have details)";

const SECOND: Duration = Duration::from_secs(1);

impl Machine {
    /// Starts it, now or after its delay, with all its restarts before it.
    pub(super) fn start_on_request(
        &mut self,
        process: &Process,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        self.counted = None;
        let last_end = self.last_stop.map(|end| end.monotonic);
        let start = policy::delayed_start(process, last_end, now.monotonic);
        if start.is_none() && !self.waits_for_hook() {
            return self.start(process, now, effects);
        }
        self.exit_status = None;
        self.spawn_error.clear();
        self.deadline = start;
        self.enter(Desired::Up, Observed::Starting, effects);
    }

    /// Starts it again, unless that was done too often.
    pub(super) fn start_again(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        if let Some(reason) = self.refusal(process, now.monotonic) {
            self.give_up(effects);
            self.tell_of_giving_up(process, &reason, effects);
            self.spawn_error = reason;
            return;
        }
        if policy::is_limited(process) {
            let counted = self.counted.get_or_insert_default();
            counted.note(process, now.monotonic);
        }
        self.start(process, now, effects);
    }

    /// Why it may not be started again at that moment, if so.
    fn refusal(&self, process: &Process, at: Monotonic) -> Option<String> {
        self.counted.as_ref()?.refusal(process, at)
    }

    pub(super) fn start(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        self.exit_status = None;
        self.spawn_error.clear();
        self.is_old_error = false;
        self.deadline = None;
        self.last_start = Some(now);
        self.started_at = now.monotonic;
        // A delayed start has told of its state before.
        if self.observed != Observed::Starting {
            self.enter(Desired::Up, Observed::Starting, effects);
        }
        self.forget_last_end();
        if !self.run_hook(process, Hook::PreStart, effects) {
            effects.push(Effect::Spawn);
        }
    }

    /// Stops what has a delayed start before it.
    pub(super) fn drop_start(&mut self, process: &Process, effects: &mut Vec<Effect>) {
        self.deadline = None;
        self.enter(Desired::Down, Observed::Starting, effects);
        self.enter(Desired::Down, Observed::Stopped, effects);
        let text = format!("stopped: {} (its start was delayed)", process.name);
        effects.push(Effect::Log(Level::Info, text));
    }

    pub(super) fn succeed(&mut self, process: &Process, effects: &mut Vec<Effect>) {
        self.deadline = self.end_of_time(process);
        self.backoff = 0;
        self.enter(Desired::Up, Observed::Running, effects);
        let name = &process.name;
        let text = match policy::asks_for_readiness(process) {
            true => format!("success: {name} entered RUNNING state, process is ready"),
            false => format!(
                "success: {name} entered RUNNING state, process has stayed up for > than {} seconds (startsecs)",
                process.startsecs
            ),
        };
        effects.push(Effect::Log(Level::Info, text));
    }

    /// Its child is ready, and up if it has lived for long enough.
    pub(super) fn get_ready(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        self.is_ready = true;
        let up = self.started_at + policy::time_to_run(process);
        match up <= now.monotonic {
            true => self.succeed(process, effects),
            // It may have been late for a moment that is not due yet.
            false => self.deadline = Some(up),
        }
    }

    /// Its child has lived for long enough and is not ready: waits on, or gives that start up.
    pub(super) fn await_readiness(
        &mut self,
        process: &Process,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let time = policy::time_to_get_ready(process);
        self.deadline = time.map(|time| self.started_at + time);
        if let Some(time) = time
            && self.started_at + time <= now.monotonic
        {
            let reason = format!("not ready after {}", policy::in_words(time));
            self.fail_to_start(process, ("readiness_timeout", reason), now, effects);
        }
    }

    /// Stops a child whose start has failed, by a key and for a reason.
    pub(super) fn fail_to_start(
        &mut self,
        process: &Process,
        (key, reason): (&'static str, String),
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let text = format!("failed: {}, {reason}", process.name);
        effects.push(Effect::Log(Level::Warn, text));
        self.stop(process, Desired::Retried(key), now, effects);
        self.spawn_error = reason;
    }

    /// Starts it again that was stopped for that. Why it was not healthy stays to be read until
    /// there is something else to tell.
    pub(super) fn come_back(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        let reason = self.is_old_error.then(|| self.spawn_error.clone());
        self.start_again(process, now, effects);
        if let Some(reason) = reason
            && self.observed == Observed::Starting
        {
            self.spawn_error = reason;
            self.is_old_error = true;
        }
    }

    /// One more failed start: wait, or give up in the next turn of the loop.
    pub(super) fn back_off(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        self.backoff = self.backoff.saturating_add(1);
        let now = now.monotonic;
        let seed = policy::seed(&process.name, now);
        self.deadline = Some(match policy::wait(process, self.backoff, seed) {
            None => now,
            Some(wait) if process.policy.is_none() => now + wait,
            // Waits may be short here, and the brake holds.
            Some(wait) => {
                let restart = self.restarts.take(now).max(now + wait);
                self.unless_refused(process, now, restart)
            }
        });
        self.enter(Desired::Up, Observed::StartFailed, effects);
    }

    /// When a process that has ended by itself is started again.
    pub(super) fn next_restart(&mut self, process: &Process, now: Monotonic) -> Monotonic {
        let restart = self.restarts.take(now);
        let pause = policy::pause_over(process, Some(now)).unwrap_or(now);
        self.unless_refused(process, now, restart.max(pause))
    }

    /// The moment of a restart; `now` for one that will be refused then, which is no use to
    /// wait for.
    fn unless_refused(&self, process: &Process, now: Monotonic, restart: Monotonic) -> Monotonic {
        match self.refusal(process, restart) {
            None => restart,
            Some(_) => now,
        }
    }

    pub(super) fn tell_of_giving_up(
        &self,
        process: &Process,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) {
        let name = &process.name;
        let text = format!("gave up: {name} entered FATAL state, {reason}");
        effects.push(Effect::Log(Level::Info, text));
    }

    pub(super) fn give_up(&mut self, effects: &mut Vec<Effect>) {
        self.deadline = None;
        self.backoff = 0;
        self.enter(Desired::Down, Observed::Fatal, effects);
    }

    pub(super) fn want_no_restart(&mut self) {
        self.deadline = None;
        self.desired = Desired::Down;
    }

    pub(super) fn stop(
        &mut self,
        process: &Process,
        desired: Desired,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        self.stop = StopStage::default();
        if process.hooks.is_some() {
            self.enter(desired, self.observed, effects);
            match self.run_hook(process, Hook::PreStop, effects) {
                true => self.deadline = None,
                false => self.ask_to_stop(process, now, effects),
            }
            return;
        }
        let (signal, group) = (process.stopsignal.first, process.stopasgroup);
        effects.push(self.killing_line(process, signal, group));
        self.wait_after_signal(process, now);
        self.enter(desired, self.observed, effects);
        effects.push(Effect::Kill { signal, group });
    }

    /// Whether it is being stopped without anybody's request.
    pub(super) fn stops_by_itself(&self) -> bool {
        !self.reason_of_stop().is_empty()
    }

    /// A stop on request is one for good.
    pub(super) fn forget_reason(&mut self) {
        if self.stops_by_itself() {
            self.spawn_error.clear();
            self.desired = Desired::Down;
        }
    }

    /// It has been told to stop with something that it depends on.
    pub(super) fn follow(&mut self, reason: String, effects: &[Effect]) {
        let was_up = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Entered { .. }));
        if was_up {
            self.spawn_error = reason;
            self.is_old_error = false;
        }
        if was_up && self.state() == ProcessState::Stopping {
            self.desired = Desired::Following;
        }
    }

    /// Counts a stop signal, or what stands in its place, and waits for what it does; not longer
    /// than somebody has said.
    pub(super) fn wait_after_signal(&mut self, process: &Process, now: Now) {
        self.stop.sent = self.stop.sent.saturating_add(1);
        if !self.stop.is_last {
            self.deadline = policy::stop_time(process).map(|time| now.monotonic + time);
        }
    }

    /// Sends a stop signal, with its line before it.
    pub(super) fn signal(&self, process: &Process, signal: Signal, effects: &mut Vec<Effect>) {
        let group = process.stopasgroup;
        effects.push(self.killing_line(process, signal, group));
        effects.push(Effect::Kill { signal, group });
    }

    /// The time after a stop signal is over: the next one follows, or SIGKILL after the last.
    pub(super) fn stop_harder(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        let next = process.stopsignal.after(self.stop.sent as usize);
        let is_next = self.stop.sent > 0 && !self.stop.is_last && self.pid != 0;
        match next.filter(|_| is_next) {
            None => self.kill(process, now, effects),
            Some(signal) => {
                self.wait_after_signal(process, now);
                self.signal(process, signal, effects);
            }
        }
    }

    /// The time until SIGKILL is this, from now on, whatever is configured.
    pub(super) fn kill_within(&mut self, time: Duration, now: Now) {
        self.stop.is_last = true;
        self.deadline = Some(now.monotonic + time);
    }

    pub(super) fn kill(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        self.stop.is_last = true;
        self.stop.is_killed = true;
        // At least a second, or a stopwaitsecs of 0 would kill an unkillable process without end.
        self.deadline = policy::stop_time(process).map(|time| now.monotonic + time.max(SECOND));
        self.end_hook(Signal::KILL, effects);
        if self.pid == 0 {
            return;
        }
        let (signal, group) = (Signal::KILL, process.killasgroup);
        let text = format!("killing '{}' ({}) with SIGKILL", process.name, self.pid);
        effects.push(Effect::Log(Level::Warn, text));
        effects.push(self.killing_line(process, signal, group));
        effects.push(Effect::Kill { signal, group });
    }

    fn killing_line(&self, process: &Process, signal: Signal, group: bool) -> Effect {
        let whom = if group { "process group " } else { "" };
        let (name, pid) = (&process.name, self.pid);
        let text = format!("killing {name} (pid {pid}) {whom}with signal {signal}");
        Effect::Log(Level::Debug, text)
    }

    pub(super) fn end(
        &mut self,
        process: &Process,
        end: Termination,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let name = &process.name;
        let expected = process.exitcodes.contains(&end.exit_status());
        let level = if expected { Level::Info } else { Level::Warn };
        let not_ready = self.state() == ProcessState::Starting && self.awaits_readiness(process);
        let startsecs = policy::start_time(process);
        // However late that is seen: a child that has not become its program was never up.
        let has_failed = !startsecs.is_zero() && !self.spawn_error.is_empty() && !self.is_old_error;
        let too_quickly = self.state() == ProcessState::Starting
            && (has_failed || now.monotonic.since(self.started_at) < startsecs);
        self.last_life = Some(Box::new(LastLife {
            end,
            lived: now.monotonic.since(self.started_at),
            was_killed: !self.is_wanted_up() && self.stop.is_killed && self.stop.sent > 0,
        }));
        self.last_stop = Some(now);
        self.exit_status = Some(end.exit_status());
        self.pid = 0;
        self.deadline = None;

        if !self.is_wanted_up() {
            match std::mem::take(&mut self.desired) {
                Desired::Condemned(reason) => {
                    self.spawn_error = reason;
                    self.give_up(effects);
                }
                Desired::OutOfTime(reason) => self.end_in_time(process, reason, now, effects),
                Desired::Retried(_) => self.back_off(process, now, effects),
                Desired::Restarted(_) if process.autorestart != AutoRestart::Never => {
                    self.backoff = 0;
                    self.is_old_error = true;
                    self.enter(Desired::Up, Observed::Stopped, effects);
                    self.deadline = Some(self.next_restart(process, now.monotonic));
                }
                _ => self.enter(Desired::Down, Observed::Stopped, effects),
            }
            effects.push(Effect::Log(level, format!("stopped: {name} ({end})")));
        } else if process.is_oneshot() {
            self.end_oneshot(process, end, now, effects);
        } else if too_quickly || not_ready {
            self.exit_status = None;
            self.blame(match too_quickly {
                true => TOO_QUICKLY,
                false => NOT_READY,
            });
            self.back_off(process, now, effects);
            let text = format!("exited: {name} ({end}; not expected)");
            effects.push(Effect::Log(Level::Warn, text));
        } else {
            self.backoff = 0;
            if self.observed == Observed::Starting {
                self.enter(Desired::Up, Observed::Running, effects);
            }
            let is_restarted = match process.autorestart {
                AutoRestart::Never => false,
                AutoRestart::Always => true,
                AutoRestart::Unexpected => !expected,
            };
            let desired = match is_restarted {
                true => Desired::Up,
                false => Desired::Down,
            };
            self.enter(desired, Observed::Exited, effects);
            self.deadline = is_restarted.then(|| self.next_restart(process, now.monotonic));
            let how = match expected {
                true => "expected",
                false => "not expected",
            };
            effects.push(Effect::Log(level, format!("exited: {name} ({end}; {how})")));
            if !expected {
                self.blame(&format!("Bad exit code {}", end.exit_status()));
            }
        }
    }

    /// A reason that its child itself has given is a better one.
    pub(super) fn blame(&mut self, error: &str) {
        if self.spawn_error.is_empty() || std::mem::take(&mut self.is_old_error) {
            self.spawn_error = error.to_owned();
        }
    }

    pub(super) fn lose_control(&mut self, text: String, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log(Level::Critical, text));
        self.deadline = None;
        self.enter(self.desired.clone(), Observed::Unknown, effects);
    }

    pub(super) fn enter(
        &mut self,
        desired: Desired,
        observed: Observed,
        effects: &mut Vec<Effect>,
    ) {
        let from = self.state();
        (self.desired, self.observed) = (desired, observed);
        let to = self.state();
        effects.push(Effect::Entered { from, to });
    }
}
