//! Programs whose end is the end of supervisord: those with `exit_supervisord`, and those that
//! `exit_on` speaks of. An end is noted when a process enters the state, and judged when
//! everything else that this turn of the loop brings is done: what is started in the same turn
//! is not at its end.

use std::fmt;

use crate::config::ExitOn;
use crate::events::event::Move;
use crate::loop_context::LoopContext;
use crate::process::group::namespec;
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::states::{ProcessState, SupervisorState};
use crate::supervisor::Supervisor;
use crate::termination::Termination;
use crate::tokens::{ProcessId, Timer};

/// What a shell exits with for a command that a signal has ended: this and the signal's number.
const SIGNAL_BASE: i32 = 128;

/// And for one that it cannot start.
const CANNOT_START: i32 = 127;

/// How a process has ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// EXITED, and not to be started again.
    Exited(Termination),
    Fatal,
    /// The same of the command after `--`.
    NotStarted,
}

saved! { enum End { Exited(a), Fatal, NotStarted } }

impl End {
    /// What supervisord exits with for it.
    fn exit_status(self) -> u8 {
        let status = match self {
            End::Exited(Termination::Exited(status)) => status,
            End::Exited(Termination::Signaled { signal, .. }) => SIGNAL_BASE + signal,
            End::Exited(Termination::Unknown(_)) | End::Fatal => 1,
            End::NotStarted => CANNOT_START,
        };
        u8::try_from(status).unwrap_or(u8::MAX)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(termination) => write!(f, "has ended ({termination})"),
            End::Fatal | End::NotStarted => f.write_str("is FATAL"),
        }
    }
}

/// A process that has ended for good.
#[derive(Debug)]
pub struct Ended {
    namespec: String,
    /// It has `exit_supervisord`.
    is_essential: bool,
    is_listener: bool,
    /// It has done its work, or the clock starts it again: that ends nothing while something
    /// else is there.
    is_job: bool,
    end: End,
}

saved! { struct Ended { namespec, is_essential, is_listener, is_job, end } }

impl Ended {
    /// The setting by which supervisord ends with it, if one says so. `is_last` tells whether no
    /// program but listeners runs, waits for a start or is scheduled.
    fn ends_supervisord(&self, exit_on: ExitOn, is_last: bool) -> Option<&'static str> {
        if self.is_essential {
            return Some("exit_supervisord=true");
        }
        match exit_on {
            _ if self.is_listener => None,
            ExitOn::AnyFatal | ExitOn::AnyExited if self.is_job => None,
            ExitOn::AnyFatal if self.end == End::Fatal => Some("exit_on=any_fatal"),
            ExitOn::AnyExited => Some("exit_on=any_exited"),
            ExitOn::AllExited if is_last => Some("exit_on=all_exited"),
            ExitOn::Never | ExitOn::AnyFatal | ExitOn::AllExited => None,
        }
    }
}

impl Supervisor {
    /// What supervisord exits with: 0, unless a program has ended it.
    pub fn exit_status(&self) -> u8 {
        u8::try_from(self.exit_status).unwrap_or(1)
    }

    /// The command after `--` and why it could not be started, if that is what supervisord ends for.
    pub fn not_started(&self) -> Option<&str> {
        self.not_started.as_deref()
    }

    /// After a process has entered a state: notes its end, if that is for good and may be the
    /// end of supervisord. What is stopped on request has not ended by itself, but what has run
    /// for its time has; and once everything goes down nothing more is asked.
    pub(super) fn note_end(&mut self, id: ProcessId, entered: ProcessState, before: &Move) {
        if self.state.is_going_down() {
            return;
        }
        let exit_on = self.config.supervisord.exit_on;
        let process = self.groups.process(id);
        let concerned =
            |process: &&Subprocess| exit_on != ExitOn::Never || process.config().exit_supervisord;
        let Some(process) = process.filter(concerned) else {
            return;
        };
        let machine = process.machine();
        let is_by_itself = match entered {
            ProcessState::Stopped => !before.reason.is_empty(),
            entered => entered == ProcessState::Exited,
        };
        let end = match (entered, before.end) {
            (ProcessState::Fatal, _) if process.config().inherits_streams => {
                let (name, error) = (&process.config().name, machine.spawn_error());
                self.not_started = Some(format!("{name}: {error}"));
                End::NotStarted
            }
            (ProcessState::Fatal, _) => End::Fatal,
            (_, Some((termination, _))) if is_by_itself && !machine.is_wanted_up() => {
                End::Exited(termination)
            }
            _ => return,
        };
        let config = process.config();
        let has_succeeded = config.is_oneshot() && matches!(end, End::Exited(_));
        self.ended.push(Ended {
            namespec: namespec(process.group_name(), &config.name),
            is_essential: config.exit_supervisord,
            is_listener: process.listener().is_some(),
            is_job: has_succeeded || config.schedule().is_some(),
            end,
        });
    }

    /// Begins to go down if a process has ended that ends supervisord.
    pub fn judge_ends(&mut self, context: &mut LoopContext) {
        let ended = std::mem::take(&mut self.ended);
        // A shutdown that was asked for in the meantime is what it was asked to be.
        if ended.is_empty() || self.state.is_going_down() {
            return;
        }
        let exit_on = self.config.supervisord.exit_on;
        let is_last = exit_on == ExitOn::AllExited && !self.has_living_programs();
        let judged = ended.iter().find_map(|ended| {
            let setting = ended.ends_supervisord(exit_on, is_last)?;
            Some((ended, setting))
        });
        let Some((ended, setting)) = judged else {
            return;
        };
        self.exit_status = u32::from(ended.end.exit_status());
        context.log.info(format_args!(
            "{} {}, and {setting}: supervisord stops everything and exits with status {}",
            ended.namespec, ended.end, self.exit_status
        ));
        self.go_down(SupervisorState::Shutdown);
        // The loop is not to wait for anything else before it takes the first step.
        let now = context.now.monotonic;
        context.timers.set(Timer::ShutdownReport, Some(now));
    }

    /// Whether a program that is no listener runs, waits for a start or is scheduled.
    fn has_living_programs(&self) -> bool {
        let processes = self.groups.iter().flat_map(|group| &group.processes);
        let mut programs = processes.filter(|process| process.listener().is_none());
        !self.waiting_for_autostart.is_empty()
            || programs.any(|program| {
                let machine = program.machine();
                let state = machine.state();
                // One that cannot be signalled lives.
                !state.is_stopped()
                    || state == ProcessState::Unknown
                    || machine.waits_for_restart()
                    || program.next_run().is_some()
                    || self.waits(program.id())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: fn(i32) -> End = |status| End::Exited(Termination::Exited(status));

    fn killed(signal: i32) -> End {
        End::Exited(Termination::Signaled {
            signal,
            core_dumped: false,
        })
    }

    #[test]
    fn supervisord_exits_with_the_status_of_the_program_that_ends_it() {
        for (end, expected) in [
            (STATUS(0), 0),
            (STATUS(3), 3),
            (STATUS(255), 255),
            (killed(9), 137),
            (killed(64), 192),
            (End::Exited(Termination::Unknown(0x7f)), 1),
            (End::Fatal, 1),
            (End::NotStarted, 127),
        ] {
            assert_eq!(end.exit_status(), expected, "{end}");
        }
    }

    #[test]
    fn settings_say_which_ends_are_the_end_of_supervisord() {
        use ExitOn::{AllExited, AnyExited, AnyFatal, Never};
        const PROGRAM: [bool; 3] = [false, false, false];
        const ESSENTIAL: [bool; 3] = [true, false, false];
        const LISTENER: [bool; 3] = [false, true, false];
        const ESSENTIAL_LISTENER: [bool; 3] = [true, true, false];
        const JOB: [bool; 3] = [false, false, true];
        const ESSENTIAL_JOB: [bool; 3] = [true, false, true];
        for (exit_on, [is_essential, is_listener, is_job], end, is_last, expected) in [
            (Never, PROGRAM, STATUS(0), true, None),
            (Never, PROGRAM, End::Fatal, true, None),
            (
                Never,
                ESSENTIAL,
                STATUS(0),
                false,
                Some("exit_supervisord=true"),
            ),
            (
                Never,
                ESSENTIAL,
                End::Fatal,
                false,
                Some("exit_supervisord=true"),
            ),
            (
                Never,
                ESSENTIAL_LISTENER,
                killed(9),
                false,
                Some("exit_supervisord=true"),
            ),
            (AnyFatal, PROGRAM, STATUS(1), true, None),
            (
                AnyFatal,
                PROGRAM,
                End::Fatal,
                false,
                Some("exit_on=any_fatal"),
            ),
            (AnyFatal, LISTENER, End::Fatal, true, None),
            (
                AnyFatal,
                ESSENTIAL,
                STATUS(1),
                false,
                Some("exit_supervisord=true"),
            ),
            (
                AnyExited,
                PROGRAM,
                STATUS(0),
                false,
                Some("exit_on=any_exited"),
            ),
            (
                AnyExited,
                PROGRAM,
                killed(15),
                false,
                Some("exit_on=any_exited"),
            ),
            (
                AnyExited,
                PROGRAM,
                End::Fatal,
                false,
                Some("exit_on=any_exited"),
            ),
            (AnyExited, LISTENER, STATUS(0), true, None),
            (AllExited, PROGRAM, STATUS(0), false, None),
            (
                AllExited,
                PROGRAM,
                STATUS(0),
                true,
                Some("exit_on=all_exited"),
            ),
            (
                AllExited,
                PROGRAM,
                End::Fatal,
                true,
                Some("exit_on=all_exited"),
            ),
            (AllExited, LISTENER, STATUS(0), true, None),
            (AnyFatal, JOB, End::Fatal, true, None),
            (AnyExited, JOB, STATUS(0), true, None),
            (AnyExited, JOB, STATUS(3), true, None),
            (AllExited, JOB, STATUS(0), false, None),
            (AllExited, JOB, STATUS(0), true, Some("exit_on=all_exited")),
            (
                AnyExited,
                ESSENTIAL_JOB,
                STATUS(0),
                false,
                Some("exit_supervisord=true"),
            ),
            (
                AllExited,
                ESSENTIAL,
                STATUS(0),
                false,
                Some("exit_supervisord=true"),
            ),
        ] {
            let ended = Ended {
                namespec: "p".to_owned(),
                is_essential,
                is_listener,
                is_job,
                end,
            };
            let found = ended.ends_supervisord(exit_on, is_last);
            assert_eq!(found, expected, "{exit_on:?} {ended:?} {is_last}");
        }
    }
}
