//! Hooks before, beside and after the life of a child.

use super::super::*;
use super::{Life, at, exited, terminated};
use crate::config::AutoRestart;
use crate::config::hooks::Hooks;
use ProcessState::*;

/// Every hook.
pub fn all() -> Hooks {
    let command = || Some("/bin/true".into());
    Hooks {
        pre_start_hook: command(),
        pre_stop_hook: command(),
        stopcommand: command(),
        post_stop_hook: command(),
        fatal_hook: command(),
        hook_timeout: Duration::from_secs(30),
    }
}

fn hooked(change: impl FnOnce(&mut Hooks)) -> Life {
    Life::new(|process| {
        let mut hooks = Hooks::default();
        change(&mut hooks);
        process.hooks = Some(Box::new(hooks));
    })
}

fn done() -> Input {
    Input::HookEnded(Ok(()))
}

fn failed() -> Input {
    Input::HookEnded(Err("failed (exit status 1)".into()))
}

fn run(life: &mut Life) {
    life.feed(Input::Start, 0);
    if life.machine.running_hook().is_some() {
        life.feed(done(), 0);
    }
    life.feed(Input::Spawned(77), 0);
    life.feed(Input::Due, 1_000);
    assert_eq!(life.machine.state(), Running);
}

#[test]
fn the_hook_before_a_start_comes_before_the_child() {
    let mut life = hooked(|hooks| hooks.pre_start_hook = all().pre_start_hook);
    assert_eq!(
        life.feed(Input::Start, 0),
        ["STOPPED -> STARTING", "run pre_start_hook"]
    );
    assert_eq!(life.due_in(0), None);
    assert_eq!(life.machine.pid(), 0);
    assert_eq!(life.feed(done(), 5_000), ["spawn"]);
    assert_eq!(life.machine.last_start(), Some(at(5_000)));
    life.feed(Input::Spawned(77), 5_000);
    assert_eq!(life.due_in(5_000), Some(1_000));
}

#[test]
fn a_hook_that_fails_before_a_start_is_a_failed_start() {
    let mut life = hooked(|hooks| {
        hooks.pre_start_hook = all().pre_start_hook;
        hooks.fatal_hook = all().fatal_hook;
    });
    life.process.startretries = 1;
    life.feed(Input::Start, 0);
    assert_eq!(
        life.feed(failed(), 0),
        [
            "WARN spawnerr: p: pre_start_hook failed (exit status 1)",
            "STARTING -> BACKOFF"
        ]
    );
    assert_eq!(
        life.machine.spawn_error(),
        "pre_start_hook failed (exit status 1)"
    );
    assert_eq!(life.due_in(0), Some(1_000));
    assert_eq!(
        life.feed(Input::Due, 1_000),
        ["BACKOFF -> STARTING", "run pre_start_hook"]
    );
    life.feed(failed(), 1_000);
    assert_eq!(
        life.feed(Input::Due, 1_000),
        [
            "BACKOFF -> FATAL",
            "INFO gave up: p entered FATAL state, too many start retries too quickly",
            "run fatal_hook"
        ]
    );
    assert_eq!(
        life.feed(failed(), 2_000),
        ["WARN p: its fatal_hook failed (exit status 1)"]
    );
}

#[test]
fn a_stop_ends_the_hook_before_a_start_and_kills_it_after_stopwaitsecs() {
    let mut life = hooked(|hooks| hooks.pre_start_hook = all().pre_start_hook);
    life.feed(Input::Start, 0);
    assert_eq!(
        life.feed(Input::Stop, 0),
        ["STARTING -> STOPPING", "end hook SIGTERM"]
    );
    for now in [10_000, 20_000] {
        assert_eq!(life.feed(Input::Due, now), ["end hook SIGKILL"]);
        assert_eq!(life.due_in(now), Some(10_000));
    }
    assert_eq!(
        life.feed(failed(), 20_000),
        [
            "STOPPING -> STOPPED",
            "INFO stopped: p (its pre_start_hook was ended)"
        ]
    );
    assert_eq!(life.machine.spawn_error(), "");
}

#[test]
fn the_child_is_told_to_stop_when_the_hook_before_that_has_ended() {
    for outcome in [done(), failed()] {
        let mut life = hooked(|hooks| hooks.pre_stop_hook = all().pre_stop_hook);
        run(&mut life);
        assert_eq!(
            life.feed(Input::Stop, 2_000),
            ["RUNNING -> STOPPING", "run pre_stop_hook"]
        );
        assert_eq!(life.due_in(2_000), None);
        let told = life.feed(outcome, 9_000);
        let told = told.iter().rev().take(2).rev().cloned();
        assert_eq!(
            told.collect::<Vec<String>>(),
            [
                "DEBG killing p (pid 77) with signal SIGTERM",
                "kill SIGTERM"
            ]
        );
        assert_eq!(life.due_in(9_000), Some(10_000));
    }
}

#[test]
fn the_time_of_a_stop_holds_while_its_hook_runs() {
    let mut life = hooked(|hooks| *hooks = all());
    run(&mut life);
    life.feed(Input::StopWithin(Duration::from_secs(5)), 2_000);
    assert_eq!(life.due_in(2_000), Some(5_000));
    assert_eq!(life.feed(done(), 3_000), ["run stopcommand"]);
    assert_eq!(life.due_in(3_000), Some(4_000));
    assert_eq!(
        life.feed(Input::Due, 7_000),
        [
            "end hook SIGKILL",
            "WARN killing 'p' (77) with SIGKILL",
            "DEBG killing p (pid 77) with signal SIGKILL",
            "kill SIGKILL"
        ]
    );
    // It has failed, for it was killed, and no signal follows.
    assert_eq!(
        life.feed(failed(), 7_000),
        ["WARN p: its stopcommand failed (exit status 1)"]
    );
}

#[test]
fn a_command_stops_the_child_and_its_failure_sends_the_signal() {
    let mut life = hooked(|hooks| hooks.stopcommand = all().stopcommand);
    run(&mut life);
    assert_eq!(
        life.feed(Input::Stop, 2_000),
        ["RUNNING -> STOPPING", "run stopcommand"]
    );
    assert_eq!(life.due_in(2_000), Some(10_000));
    assert_eq!(life.feed(done(), 3_000), [""; 0]);
    let told = life.feed(Input::Due, 12_000);
    assert!(told.contains(&"kill SIGKILL".to_owned()), "{told:?}");

    let mut life = hooked(|hooks| hooks.stopcommand = all().stopcommand);
    run(&mut life);
    life.feed(Input::Stop, 2_000);
    assert_eq!(
        life.feed(failed(), 3_000),
        [
            "WARN p: its stopcommand failed (exit status 1)",
            "DEBG killing p (pid 77) with signal SIGTERM",
            "kill SIGTERM"
        ]
    );
    assert_eq!(life.due_in(3_000), Some(9_000));
}

#[test]
fn the_next_start_waits_for_the_hook_after_an_end() {
    let mut life = hooked(|hooks| hooks.post_stop_hook = all().post_stop_hook);
    life.process.autorestart = AutoRestart::Always;
    run(&mut life);
    assert_eq!(
        life.feed(terminated(libc::SIGSEGV), 5_000),
        [
            "RUNNING -> EXITED",
            "WARN exited: p (terminated by SIGSEGV; not expected)",
            "run post_stop_hook"
        ]
    );
    assert!(!life.machine.is_at_rest());
    let end = Termination::Signaled {
        signal: libc::SIGSEGV,
        core_dumped: false,
    };
    assert_eq!(life.machine.last_end(), Some((77, end)));
    assert_eq!(life.feed(Input::Due, 5_000), [""; 0]);
    assert_eq!(life.due_in(5_000), None);
    assert!(life.machine.waits_for_restart());
    assert_eq!(
        life.feed(failed(), 8_000),
        ["WARN p: its post_stop_hook failed (exit status 1)"]
    );
    assert_eq!(life.due_in(8_000), Some(0));
    assert_eq!(
        life.feed(Input::Due, 8_000),
        ["EXITED -> STARTING", "spawn"]
    );
    assert_eq!(life.machine.last_end(), None);
}

#[test]
fn a_start_by_request_waits_for_it_too_and_can_be_taken_back() {
    for taken_back in [false, true] {
        let mut life = hooked(|hooks| hooks.post_stop_hook = all().post_stop_hook);
        run(&mut life);
        life.feed(Input::Stop, 2_000);
        life.feed(exited(0), 2_000);
        assert_eq!(life.feed(Input::Start, 3_000), ["STOPPED -> STARTING"]);
        if taken_back {
            life.feed(Input::Stop, 3_500);
            assert_eq!(life.machine.state(), Stopped);
            life.feed(done(), 4_000);
            assert_eq!(life.due_in(4_000), None);
        } else {
            life.feed(done(), 4_000);
            assert_eq!(life.feed(Input::Due, 4_000), ["spawn"]);
        }
    }
}

#[test]
fn hooks_follow_each_other() {
    let mut life = hooked(|hooks| *hooks = all());
    run(&mut life);
    life.feed(Input::Condemn("useless".into()), 2_000);
    // The child ends before the hook that runs.
    let told = life.feed(exited(0), 3_000);
    assert_eq!(life.machine.state(), Fatal);
    assert!(
        !told.iter().any(|effect| effect.starts_with("run")),
        "{told:?}"
    );
    assert_eq!(life.feed(done(), 4_000), ["run post_stop_hook"]);
    assert_eq!(life.feed(done(), 5_000), ["run fatal_hook"]);
    assert_eq!(life.feed(done(), 6_000), [""; 0]);
    assert!(life.machine.is_at_rest());
}

#[test]
fn what_only_waited_for_its_next_attempt_has_not_failed_when_everything_goes_down() {
    let mut life = hooked(|hooks| hooks.fatal_hook = all().fatal_hook);
    life.feed(Input::Start, 0);
    life.feed(Input::SpawnFailed("no".into()), 0);
    assert_eq!(life.feed(Input::GiveUp, 0), ["BACKOFF -> FATAL"]);
}
