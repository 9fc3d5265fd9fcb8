//! The hooks of a process: commands that run before its start, before and in the place of its
//! stop signal, after its end and when it is given up. One runs at a time. What is to start waits
//! for those of the life before.

use std::collections::VecDeque;

use super::{Desired, Effect, Input, Machine, Observed, StopStage};
use crate::clock::Now;
use crate::config::Process;
use crate::config::command::Command;
use crate::config::hooks::Hooks;
use crate::log_level::Level;
use crate::signal::Signal;
use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::termination::Termination;

/// When a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Before the child is spawned; it can prevent that.
    PreStart,
    /// Before the child is told to stop.
    PreStop,
    /// In the place of the first stop signal.
    StopCommand,
    /// When the child has ended.
    PostStop,
    /// When the process has become FATAL.
    Fatal,
}

saved! { enum Hook { PreStart, PreStop, StopCommand, PostStop, Fatal } }

impl Hook {
    pub const ALL: [Hook; 5] = [
        Hook::PreStart,
        Hook::PreStop,
        Hook::StopCommand,
        Hook::PostStop,
        Hook::Fatal,
    ];

    /// The key that has the command.
    pub fn key(self) -> &'static str {
        match self {
            Hook::PreStart => "pre_start_hook",
            Hook::PreStop => "pre_stop_hook",
            Hook::StopCommand => "stopcommand",
            Hook::PostStop => "post_stop_hook",
            Hook::Fatal => "fatal_hook",
        }
    }

    pub fn command(self, process: &Process) -> Option<&Command> {
        let hooks = process.hooks.as_ref()?;
        let command = match self {
            Hook::PreStart => &hooks.pre_start_hook,
            Hook::PreStop => &hooks.pre_stop_hook,
            Hook::StopCommand => &hooks.stopcommand,
            Hook::PostStop => &hooks.post_stop_hook,
            Hook::Fatal => &hooks.fatal_hook,
        };
        command.as_ref()
    }
}

/// What is known of the hooks of a process that has some.
#[derive(Clone, Debug, Default)]
pub(super) struct HookState {
    running: Option<Hook>,
    /// Those that run after it.
    waiting: VecDeque<Hook>,
    /// The last child and how it ended.
    ended: Option<(i32, Termination)>,
}

saved! { struct HookState { running, waiting, ended } }

impl Machine {
    /// The hook that runs, if one does.
    pub fn running_hook(&self) -> Option<Hook> {
        self.hooks.as_ref()?.running
    }

    /// The last child of a process with hooks, if it has ended, and how.
    pub fn last_end(&self) -> Option<(i32, Termination)> {
        self.hooks.as_ref()?.ended
    }

    /// Whether it is down, and nothing of its last life is left.
    pub fn is_at_rest(&self) -> bool {
        self.state().is_stopped() && self.running_hook().is_none()
    }

    /// Whether it is to have a child as soon as its `pre_start_hook` has ended.
    pub(super) fn is_preparing(&self) -> bool {
        self.running_hook() == Some(Hook::PreStart)
    }

    /// Whether a hook of the life before keeps it from starting.
    pub(super) fn waits_for_hook(&self) -> bool {
        self.pid == 0 && self.running_hook().is_some() && !self.is_preparing()
    }

    /// Runs a hook, if the process has it and no other one runs; whether it does.
    pub(super) fn run_hook(
        &mut self,
        process: &Process,
        hook: Hook,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let runs = hook.command(process).is_some() && self.running_hook().is_none();
        if runs {
            self.hooks.get_or_insert_default().running = Some(hook);
            effects.push(Effect::RunHook(hook));
        }
        runs
    }

    /// Ends the hook that runs before or beside a stop, for the child is killed.
    pub(super) fn end_hook(&mut self, signal: Signal, effects: &mut Vec<Effect>) {
        if self.running_hook().is_some() {
            effects.push(Effect::EndHook(signal));
        }
    }

    /// Asks the child to end: by its command, or else by its first signal.
    pub(super) fn ask_to_stop(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        self.wait_after_signal(process, now);
        if !self.run_hook(process, Hook::StopCommand, effects) {
            self.signal(process, process.stopsignal.first, effects);
        }
    }

    /// Before a new life: nothing that its hooks are told is of the last one.
    pub(super) fn forget_last_end(&mut self) {
        if let Some(hooks) = &mut self.hooks {
            hooks.ended = None;
        }
    }

    /// Stops what has not been spawned yet.
    pub(super) fn stop_preparing(
        &mut self,
        process: &Process,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        self.stop = StopStage::default();
        self.wait_after_signal(process, now);
        self.enter(Desired::Down, self.observed, effects);
        self.end_hook(Signal::TERM, effects);
    }

    /// After every input: the hooks for what it has led to, a child that has `ended` and a process
    /// that is FATAL. One that was only waiting for its next attempt when everything went down has
    /// not failed.
    pub(super) fn follow_up(
        &mut self,
        process: &Process,
        hooks: &Hooks,
        ended: Option<(i32, Termination)>,
        gives_up: bool,
        effects: &mut Vec<Effect>,
    ) {
        if ended.is_some() {
            self.hooks.get_or_insert_default().ended = ended;
            if hooks.post_stop_hook.is_some() {
                self.run_later(process, Hook::PostStop, effects);
            }
        }
        let is_fatal = !gives_up
            && effects.iter().any(|effect| {
                let to = ProcessState::Fatal;
                matches!(effect, Effect::Entered { to: entered, .. } if *entered == to)
            });
        if is_fatal && hooks.fatal_hook.is_some() {
            self.run_later(process, Hook::Fatal, effects);
        }
    }

    /// Runs a hook now, or when the one that runs has ended.
    fn run_later(&mut self, process: &Process, hook: Hook, effects: &mut Vec<Effect>) {
        if !self.run_hook(process, hook, effects) {
            let waiting = &mut self.hooks.get_or_insert_default().waiting;
            waiting.push_back(hook);
        }
    }

    /// A hook has ended; the error is why it was no success.
    pub(super) fn hook_ended(
        &mut self,
        process: &Process,
        outcome: Result<(), String>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(hook) = self.hooks.as_mut().and_then(|hooks| hooks.running.take()) else {
            return;
        };
        let name = &process.name;
        let has_failed = outcome.is_err();
        let is_stopped = self.state() == ProcessState::Stopping && self.pid == 0;
        if let Err(reason) = outcome
            && !(hook == Hook::PreStart && is_stopped)
        {
            let text = format!("{} {reason}", hook.key());
            if hook == Hook::PreStart {
                effects.push(Effect::Log(
                    Level::Warn,
                    format!("spawnerr: {name}: {text}"),
                ));
                self.spawn_error = text;
            } else {
                effects.push(Effect::Log(Level::Warn, format!("{name}: its {text}")));
            }
        }
        let is_asked =
            self.state() == ProcessState::Stopping && self.pid != 0 && !self.stop.is_killed;
        match hook {
            Hook::PreStart if is_stopped => {
                self.deadline = None;
                self.enter(Desired::Down, Observed::Stopped, effects);
                let text = format!("stopped: {name} (its pre_start_hook was ended)");
                effects.push(Effect::Log(Level::Info, text));
            }
            Hook::PreStart if has_failed => self.back_off(process, now, effects),
            Hook::PreStart => {
                self.last_start = Some(now);
                effects.push(Effect::Spawn);
            }
            Hook::PreStop if is_asked => {
                self.ask_to_stop(process, now, effects);
            }
            Hook::StopCommand if is_asked && has_failed && self.stop.sent == 1 => {
                self.signal(process, process.stopsignal.first, effects);
            }
            _ => {}
        }
        self.run_next(process, now, effects);
    }

    /// Runs the hook that waits, or lets the process start that has waited for the last one.
    fn run_next(&mut self, process: &Process, now: Now, effects: &mut Vec<Effect>) {
        let Some(hooks) = &mut self.hooks else {
            return;
        };
        if hooks.running.is_some() {
            return;
        }
        if let Some(next) = hooks.waiting.pop_front() {
            self.run_hook(process, next, effects);
            return;
        }
        let may_start = matches!(
            self.state(),
            ProcessState::Starting
                | ProcessState::Backoff
                | ProcessState::Exited
                | ProcessState::Stopped
        );
        let is_spawned = effects.contains(&Effect::Spawn);
        if may_start && !is_spawned && self.pid == 0 && self.is_wanted_up() {
            self.deadline = self.deadline.or(Some(now.monotonic));
        }
    }
}

/// How the child ended whose end is fed.
pub(super) fn end_of(input: &Input) -> Option<Termination> {
    match input {
        Input::Reaped(end) => Some(*end),
        _ => None,
    }
}
