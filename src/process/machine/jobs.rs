//! The moves of programs that end by themselves, and of those that may run only for so long.

use super::{Desired, Effect, Machine, Observed};
use crate::clock::{Monotonic, Now};
use crate::config::{AutoRestart, Process};
use crate::log_level::Level;
use crate::process::policy;
use crate::termination::Termination;

impl Machine {
    /// Whether its child has been told to end since it has run for its time.
    pub fn is_out_of_time(&self) -> bool {
        matches!(self.desired, Desired::OutOfTime(_))
    }

    /// Until when a new child is STARTING: a service until it has stayed up, a oneshot until it
    /// ends, or has run for its time.
    pub(super) fn first_deadline(&self, process: &Process) -> Option<Monotonic> {
        match process.is_oneshot() {
            true => self.end_of_time(process),
            false => Some(self.started_at + policy::time_to_run(process)),
        }
    }

    /// When the child has run for its time, if it has one.
    pub(super) fn end_of_time(&self, process: &Process) -> Option<Monotonic> {
        let seed = policy::seed(&process.name, self.started_at);
        let time = policy::run_time(process, seed)?;
        Some(self.started_at + time)
    }

    /// Stops a child that has run for its time.
    pub(super) fn look_at_time(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        let end = self.end_of_time(process);
        self.deadline = end;
        if end.is_none_or(|end| end > now.monotonic) {
            return;
        }
        let ran = policy::in_words(process.runtime_timeout().unwrap_or_default());
        let reason = format!("its runtime_timeout of {ran} is over");
        let (name, pid) = (&process.name, self.pid);
        let level = match process.is_oneshot() {
            true => Level::Warn,
            false => Level::Info,
        };
        let text = format!("stopping '{name}' ({pid}), {reason}");
        effects.push(Effect::Log(level, text));
        self.spawn_error = reason.clone();
        self.stop(process, Desired::OutOfTime(reason), now, effects);
    }

    /// The end of a child that had run for its time: a service is started again, whatever the
    /// status, and a oneshot has failed.
    pub(super) fn end_in_time(
        &mut self,
        process: &Process,
        reason: String,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        self.spawn_error = reason;
        if process.is_oneshot() {
            return self.back_off(process, now, effects);
        }
        self.backoff = 0;
        self.enter(Desired::Down, Observed::Stopped, effects);
        if process.autorestart != AutoRestart::Never {
            self.desired = Desired::Up;
            self.deadline = Some(self.next_restart(process, now.monotonic));
        }
    }

    /// The end of a oneshot by itself.
    pub(super) fn end_oneshot(
        &mut self,
        process: &Process,
        end: Termination,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let (name, expected) = (
            &process.name,
            process.exitcodes.contains(&end.exit_status()),
        );
        if !expected {
            let text = format!("{end}; not expected");
            self.blame(&text);
            self.back_off(process, now, effects);
            let line = format!("exited: {name} ({text})");
            return effects.push(Effect::Log(Level::Warn, line));
        }
        self.backoff = 0;
        let is_restarted = process.autorestart == AutoRestart::Always;
        let desired = match is_restarted {
            true => Desired::Up,
            false => Desired::Down,
        };
        self.enter(desired, Observed::Exited, effects);
        self.deadline = is_restarted.then(|| self.next_restart(process, now.monotonic));
        let line = format!("exited: {name} ({end}; expected)");
        effects.push(Effect::Log(Level::Info, line));
    }

    /// Why it is given up that has used all its attempts.
    pub(super) fn reason_of_giving_up(&self, process: &Process) -> String {
        match process.is_oneshot() {
            true => self.spawn_error.clone(),
            false => "too many start retries too quickly".to_owned(),
        }
    }
}
