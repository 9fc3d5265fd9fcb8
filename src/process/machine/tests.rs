//! The transition table, row by row, without processes and without waiting.

mod hooks;
mod jobs;
mod model;
mod policy;
mod readiness;
mod stops;
mod table;

use super::moves::TOO_QUICKLY;
use super::*;
use crate::clock::Timestamp;
use crate::config::AutoRestart;
use ProcessState::*;

/// A program with the defaults of the configuration.
pub fn process() -> Process {
    crate::config::testing::process("p")
}

pub(super) fn at(milliseconds: u64) -> Now {
    Now {
        monotonic: Monotonic(Duration::from_millis(100_000 + milliseconds)),
        wall: Timestamp {
            seconds: 1_000,
            nanoseconds: 0,
        },
    }
}

/// What the effects amount to, in their order: states entered, tags and texts of lines, what is done.
pub(super) fn told(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|effect| match effect {
            Effect::Entered { from, to } => format!("{} -> {}", from.name(), to.name()),
            Effect::Log(level, text) => format!("{} {text}", level.tag()),
            Effect::Spawn => "spawn".to_owned(),
            Effect::Kill { signal, group } => {
                format!("kill {signal}{}", if *group { " group" } else { "" })
            }
            Effect::RunHook(hook) => format!("run {}", hook.key()),
            Effect::EndHook(signal) => format!("end hook {signal}"),
        })
        .collect()
}

struct Life {
    process: Process,
    machine: Machine,
}

impl Life {
    fn new(change: impl FnOnce(&mut Process)) -> Life {
        let mut process = process();
        change(&mut process);
        Life {
            process,
            machine: Machine::default(),
        }
    }

    fn feed(&mut self, input: Input, milliseconds: u64) -> Vec<String> {
        told(
            &self
                .machine
                .step(&self.process, input, at(milliseconds), true),
        )
    }

    fn started(change: impl FnOnce(&mut Process)) -> Life {
        let mut life = Life::new(change);
        life.feed(Input::Start, 0);
        life.feed(Input::Spawned(77), 0);
        life
    }

    fn running(change: impl FnOnce(&mut Process)) -> Life {
        let mut life = Life::started(change);
        life.feed(Input::Due, 1_000);
        assert_eq!(life.machine.state(), Running);
        life
    }

    fn due_in(&self, milliseconds: u64) -> Option<u64> {
        let now = at(milliseconds).monotonic;
        self.machine
            .deadline()
            .map(|deadline| deadline.since(now).as_millis() as u64)
    }
}

pub(super) fn exited(status: i32) -> Input {
    Input::Reaped(Termination::Exited(status))
}

fn terminated(signal: i32) -> Input {
    Input::Reaped(Termination::Signaled {
        signal,
        core_dumped: false,
    })
}

#[test]
fn a_start_spawns_and_success_is_told_after_startsecs() {
    let mut life = Life::new(|_| ());
    assert_eq!(life.feed(Input::Start, 0), ["STOPPED -> STARTING", "spawn"]);
    assert_eq!(
        life.feed(Input::Spawned(77), 0),
        ["INFO spawned: 'p' with pid 77"]
    );
    assert_eq!(life.due_in(0), Some(1_000));
    assert_eq!(
        life.feed(Input::Due, 1_000),
        [
            "STARTING -> RUNNING",
            "INFO success: p entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)"
        ]
    );
    assert_eq!(life.machine.deadline(), None);
}

#[test]
fn a_spawn_that_fails_backs_off_with_the_line_before_the_state() {
    let mut life = Life::new(|_| ());
    life.feed(Input::Start, 0);
    assert_eq!(
        life.feed(Input::SpawnFailed("can't find command 'x'".into()), 0),
        [
            "INFO spawnerr: can't find command 'x'",
            "STARTING -> BACKOFF"
        ]
    );
    assert_eq!(life.machine.spawn_error(), "can't find command 'x'");
    assert_eq!(life.due_in(0), Some(1_000));
}

#[test]
fn a_quick_exit_is_never_expected_and_backs_off_a_second_longer_each_time() {
    let mut life = Life::started(|p| p.startretries = 2);
    for (failure, wait) in [(1, 1_000), (2, 2_000), (3, 0)] {
        assert_eq!(
            life.feed(exited(0), 500),
            [
                "STARTING -> BACKOFF",
                "WARN exited: p (exit status 0; not expected)"
            ],
            "failure {failure}"
        );
        assert_eq!(life.machine.exit_status(), 0);
        assert_eq!(life.due_in(500), Some(wait));
        if wait > 0 {
            assert_eq!(life.feed(Input::Due, 500), ["BACKOFF -> STARTING", "spawn"]);
            life.feed(Input::Spawned(78), 0);
        }
    }
    assert_eq!(
        life.feed(Input::Due, 500),
        [
            "BACKOFF -> FATAL",
            "INFO gave up: p entered FATAL state, too many start retries too quickly"
        ]
    );
    assert_eq!(life.machine.spawn_error(), TOO_QUICKLY);
    assert_eq!(life.due_in(500), None);
}

#[test]
fn no_retry_follows_while_supervisord_goes_down() {
    let mut life = Life::started(|_| ());
    life.feed(exited(1), 0);
    assert!(
        life.machine
            .step(&life.process, Input::Due, at(1_000), false)
            .is_empty()
    );
    assert_eq!(life.machine.state(), Backoff);
    assert_eq!(life.feed(Input::GiveUp, 1_000), ["BACKOFF -> FATAL"]);
}

#[test]
fn without_startsecs_an_instant_exit_is_running_and_exited_without_a_success_line() {
    let mut life = Life::started(|p| p.startsecs = 0);
    assert_eq!(life.due_in(0), Some(10));
    assert_eq!(
        life.feed(exited(0), 1),
        [
            "STARTING -> RUNNING",
            "RUNNING -> EXITED",
            "INFO exited: p (exit status 0; expected)"
        ]
    );
    assert_eq!(life.machine.deadline(), None);
}

#[test]
fn autorestart_decides_by_the_exit_status() {
    for (autorestart, input, again) in [
        (AutoRestart::Never, exited(9), false),
        (AutoRestart::Always, exited(0), true),
        (AutoRestart::Unexpected, exited(0), false),
        (AutoRestart::Unexpected, exited(9), true),
        (AutoRestart::Unexpected, terminated(libc::SIGKILL), true),
    ] {
        let mut life = Life::running(|p| p.autorestart = autorestart);
        life.feed(input.clone(), 5_000);
        assert_eq!(life.machine.state(), Exited);
        assert_eq!(
            life.due_in(5_000),
            again.then_some(0),
            "{autorestart:?} {input:?}"
        );
        if again {
            assert_eq!(
                life.feed(Input::Due, 5_000),
                ["EXITED -> STARTING", "spawn"]
            );
        }
    }
}

#[test]
fn an_unexpected_exit_leaves_its_code_as_spawn_error() {
    let mut life = Life::running(|_| ());
    assert_eq!(
        life.feed(terminated(libc::SIGSEGV), 5_000),
        [
            "RUNNING -> EXITED",
            "WARN exited: p (terminated by SIGSEGV; not expected)"
        ]
    );
    assert_eq!(life.machine.spawn_error(), "Bad exit code -1");
    assert_eq!(life.machine.exit_status(), -1);
    assert_eq!(life.machine.pid(), 0);
}

#[test]
fn what_a_child_says_that_was_not_spawned_is_the_error_until_the_next_start() {
    let reason = "couldn't chdir to /srv: ENOENT (No such file or directory)";
    let mut life = Life::started(|process| process.startretries = 0);
    assert_eq!(
        life.feed(Input::NotSpawned(reason.into()), 10),
        [format!("WARN spawnerr: p: {reason}")]
    );
    life.feed(exited(127), 10);
    assert_eq!(life.machine.spawn_error(), reason);
    life.feed(Input::Due, 10);
    assert_eq!(life.machine.state(), Fatal);
    assert_eq!(life.machine.spawn_error(), reason);
    life.feed(Input::Start, 20);
    assert_eq!(life.machine.spawn_error(), "");

    // Without startsecs it counts as an end.
    let mut life = Life::started(|process| process.startsecs = 0);
    life.feed(Input::NotSpawned(reason.into()), 10);
    life.feed(exited(127), 10);
    assert_eq!(life.machine.state(), Exited);
    assert_eq!(life.machine.spawn_error(), reason);
}

#[test]
fn a_child_that_was_not_spawned_was_never_up_however_late_its_end_is_seen() {
    for (startsecs, state) in [(1, Backoff), (0, Exited)] {
        let mut life = Life::started(|process| process.startsecs = startsecs);
        life.feed(Input::NotSpawned("no exec".into()), 5_000);
        life.feed(exited(127), 5_000);
        assert_eq!(life.machine.state(), state, "startsecs={startsecs}");
        assert_eq!(life.machine.spawn_error(), "no exec");
    }
}

#[test]
fn a_stop_signals_once_and_kills_after_stopwaitsecs_again_and_again() {
    let mut life = Life::running(|p| p.stopwaitsecs = 3);
    assert_eq!(
        life.feed(Input::Stop, 2_000),
        [
            "DEBG killing p (pid 77) with signal SIGTERM",
            "RUNNING -> STOPPING",
            "kill SIGTERM"
        ]
    );
    assert_eq!(life.due_in(2_000), Some(3_000));
    for _ in 0..2 {
        assert_eq!(
            life.feed(Input::Due, 5_000),
            [
                "WARN killing 'p' (77) with SIGKILL",
                "DEBG killing p (pid 77) with signal SIGKILL",
                "kill SIGKILL"
            ]
        );
        assert_eq!(life.due_in(5_000), Some(3_000));
    }
    assert_eq!(
        life.feed(terminated(libc::SIGKILL), 6_000),
        [
            "STOPPING -> STOPPED",
            "WARN stopped: p (terminated by SIGKILL)"
        ]
    );
    assert_eq!(life.machine.exit_status(), -1);
}

#[test]
fn stopped_is_told_at_info_only_with_an_expected_status() {
    let mut life = Life::running(|p| p.exitcodes = vec![0, 3]);
    life.feed(Input::Stop, 2_000);
    assert_eq!(
        life.feed(exited(3), 2_100),
        ["STOPPING -> STOPPED", "INFO stopped: p (exit status 3)"]
    );
}

#[test]
fn groups_are_signalled_as_configured() {
    let mut life = Life::running(|p| {
        p.stopasgroup = true;
        p.killasgroup = true;
    });
    assert_eq!(
        life.feed(Input::Stop, 2_000),
        [
            "DEBG killing p (pid 77) process group with signal SIGTERM",
            "RUNNING -> STOPPING",
            "kill SIGTERM group"
        ]
    );
    assert_eq!(
        life.feed(Input::Due, 12_000).last().map(String::as_str),
        Some("kill SIGKILL group")
    );
}

#[test]
fn a_stop_in_backoff_needs_no_signal_and_keeps_the_count_of_failures() {
    let mut life = Life::started(|_| ());
    life.feed(exited(1), 0);
    assert_eq!(
        life.feed(Input::Stop, 100),
        [
            "DEBG Attempted to kill p, which is in BACKOFF state.",
            "BACKOFF -> STOPPED"
        ]
    );
    assert_eq!(life.machine.deadline(), None);
    life.feed(Input::Start, 200);
    life.feed(Input::Spawned(78), 200);
    life.feed(exited(1), 300);
    assert_eq!(life.due_in(300), Some(2_000), "the second failure in a row");
}

#[test]
fn a_quick_end_of_a_stopped_child_is_a_stop() {
    let mut life = Life::started(|_| ());
    life.feed(Input::Stop, 100);
    assert_eq!(
        life.feed(terminated(libc::SIGTERM), 150),
        [
            "STOPPING -> STOPPED",
            "WARN stopped: p (terminated by SIGTERM)"
        ]
    );
}

#[test]
fn a_second_start_or_stop_does_nothing() {
    let mut life = Life::running(|_| ());
    assert_eq!(
        life.feed(Input::Start, 2_000),
        ["WARN process 'p' already running"]
    );
    life.feed(Input::Stop, 2_000);
    assert_eq!(
        life.feed(Input::Stop, 2_000),
        ["DEBG attempted to kill p with sig SIGTERM but it wasn't running"]
    );
    assert_eq!(
        life.feed(Input::Start, 2_000),
        ["WARN process 'p' already running"]
    );
    assert_eq!(life.machine.state(), Stopping);
}

#[test]
fn a_stop_between_exit_and_restart_takes_the_restart_back() {
    let mut life = Life::running(|p| p.autorestart = AutoRestart::Always);
    life.feed(exited(0), 5_000);
    assert_eq!(life.due_in(5_000), Some(0));
    life.feed(Input::Stop, 5_000);
    assert_eq!(life.machine.deadline(), None);
}

#[test]
fn a_signal_that_cannot_be_sent_ends_in_unknown_until_the_child_ends() {
    let mut life = Life::running(|p| p.autorestart = AutoRestart::Never);
    life.feed(Input::Stop, 2_000);
    assert_eq!(
        life.feed(Input::StopFailed("EPERM".into()), 2_000),
        [
            "CRIT unknown problem killing p (77):EPERM",
            "STOPPING -> UNKNOWN"
        ]
    );
    assert_eq!(
        life.feed(exited(0), 9_000),
        ["UNKNOWN -> STOPPED", "INFO stopped: p (exit status 0)"]
    );

    let mut life = Life::running(|p| p.autorestart = AutoRestart::Never);
    assert_eq!(
        life.feed(Input::SignalFailed("EPERM".into()), 2_000),
        [
            "CRIT unknown problem sending sig p (77):EPERM",
            "RUNNING -> UNKNOWN"
        ]
    );
    assert_eq!(
        life.feed(exited(0), 9_000),
        [
            "UNKNOWN -> EXITED",
            "INFO exited: p (exit status 0; expected)"
        ]
    );
}

#[test]
fn startsecs_count_from_the_spawn_and_not_from_the_turn_in_which_it_was_asked_for() {
    let mut life = Life::new(|_| ());
    life.feed(Input::Start, 0);
    life.feed(Input::Spawned(77), 300);
    assert_eq!(life.due_in(300), Some(1_000));
    assert_eq!(
        life.feed(exited(0), 1_200),
        [
            "STARTING -> BACKOFF",
            "WARN exited: p (exit status 0; not expected)"
        ]
    );
}
