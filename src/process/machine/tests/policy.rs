//! The restart policy in the machine: what is due when, and why it ends.

use super::*;
use crate::config::amounts::{Limit, Rate};
use crate::config::policy::Policy;

fn with(life: impl FnOnce(&mut Policy)) -> impl FnOnce(&mut Process) {
    move |process| {
        process.autorestart = AutoRestart::Always;
        life(process.policy.get_or_insert_default());
    }
}

#[test]
fn a_start_is_tried_again_without_end() {
    let mut life = Life::started(|p| p.startretries = -1);
    let mut now = 0;
    for failure in 1..=200 {
        life.feed(exited(1), now);
        assert_eq!(life.machine.state(), Backoff);
        let wait = life.due_in(now).unwrap();
        assert_eq!(wait, 1_000 * failure.min(60), "failure {failure}");
        now += wait;
        assert_eq!(life.feed(Input::Due, now), ["BACKOFF -> STARTING", "spawn"]);
        life.feed(Input::Spawned(77), now);
    }
}

#[test]
fn a_process_that_has_been_up_starts_from_the_beginning() {
    let mut life = Life::started(|p| p.startretries = -1);
    for _ in 0..3 {
        life.feed(exited(1), 0);
        life.feed(Input::Due, 0);
        life.feed(Input::Spawned(77), 0);
    }
    life.feed(Input::Due, 1_000);
    assert_eq!(life.machine.state(), Running);
    life.feed(exited(1), 2_000);
    life.feed(Input::Due, 2_000);
    life.feed(Input::Spawned(78), 2_000);
    life.feed(exited(1), 2_000);
    assert_eq!(life.due_in(2_000), Some(1_000), "the first wait");
}

#[test]
fn a_restart_and_a_start_keep_the_pause() {
    let pause = with(|policy| policy.restartpause = Duration::from_secs(5));
    let mut life = Life::running(pause);
    life.feed(exited(0), 2_000);
    assert_eq!(life.due_in(2_000), Some(5_000));
    // Somebody who asks for it has to wait for the rest of it.
    assert_eq!(life.feed(Input::Start, 4_000), ["EXITED -> STARTING"]);
    assert_eq!(life.due_in(4_000), Some(3_000));
    assert_eq!(life.feed(Input::Due, 7_000), ["spawn"]);
    life.feed(Input::Spawned(78), 7_000);
    // An end that is too soon.
    life.feed(exited(0), 7_100);
    assert_eq!(life.due_in(7_100), Some(5_000));
    life.feed(Input::Stop, 8_000);
    assert_eq!(
        life.feed(Input::Start, 20_000),
        ["STOPPED -> STARTING", "spawn"]
    );
}

#[test]
fn a_delayed_start_tells_its_state_once_and_can_be_stopped() {
    let delay = with(|policy| policy.startdelay = Duration::from_secs(5));
    let mut life = Life::new(delay);
    assert_eq!(life.feed(Input::Start, 0), ["STOPPED -> STARTING"]);
    assert_eq!(life.machine.last_start(), None, "nothing was started yet");
    assert_eq!(
        life.feed(Input::Stop, 1_000),
        [
            "STARTING -> STOPPING",
            "STOPPING -> STOPPED",
            "INFO stopped: p (its start was delayed)"
        ]
    );
    assert_eq!(life.due_in(1_000), None);
    life.feed(Input::Start, 2_000);
    assert_eq!(life.feed(Input::Due, 7_000), ["spawn"]);
    life.feed(Input::Spawned(77), 7_000);
    assert_eq!(life.due_in(7_000), Some(1_000));
    life.feed(Input::Due, 8_000);
    // A restart by itself has other keys for its pause.
    life.feed(exited(0), 9_000);
    assert_eq!(
        life.feed(Input::Due, 9_000),
        ["EXITED -> STARTING", "spawn"]
    );
}

#[test]
fn too_many_restarts_are_fatal_however_long_each_life_was() {
    let limit = with(|policy| policy.restart_limit = Rate(Some((2, Duration::from_secs(60)))));
    let mut life = Life::running(limit);
    for moment in [10_000, 30_000] {
        life.feed(exited(0), moment);
        assert_eq!(
            life.feed(Input::Due, moment),
            ["EXITED -> STARTING", "spawn"]
        );
        life.feed(Input::Spawned(77), moment);
        life.feed(Input::Due, moment + 1_000);
    }
    life.feed(exited(0), 50_000);
    assert_eq!(life.due_in(50_000), Some(0));
    assert_eq!(
        life.feed(Input::Due, 50_000),
        [
            "EXITED -> FATAL",
            "INFO gave up: p entered FATAL state, 2 restarts in 60 seconds"
        ]
    );
    assert_eq!(life.machine.spawn_error(), "2 restarts in 60 seconds");
    // Who starts it has all its restarts again.
    life.feed(Input::Start, 51_000);
    life.feed(Input::Spawned(77), 51_000);
    life.feed(exited(0), 51_000);
    assert_eq!(life.machine.state(), Backoff);
    assert_eq!(
        life.feed(Input::Due, 52_000),
        ["BACKOFF -> STARTING", "spawn"]
    );
}

#[test]
fn restarts_that_are_far_apart_have_no_limit() {
    let limit = with(|policy| policy.restart_limit = Rate(Some((2, Duration::from_secs(60)))));
    let mut life = Life::running(limit);
    for moment in (1..50).map(|n| n * 30_000) {
        life.feed(exited(0), moment);
        assert_eq!(
            life.feed(Input::Due, moment),
            ["EXITED -> STARTING", "spawn"]
        );
        life.feed(Input::Spawned(77), moment);
        life.feed(Input::Due, moment + 1_000);
    }
}

#[test]
fn failed_starts_count_as_restarts_and_a_refused_one_is_not_waited_for() {
    let mut life = Life::started(|process| {
        process.startretries = -1;
        let policy = process.policy.get_or_insert_default();
        policy.restart_limit = Rate(Some((2, Duration::from_secs(60))));
    });
    for (failure, wait) in [(1, 1_000), (2, 2_000), (3, 0)] {
        life.feed(exited(1), 0);
        assert_eq!(life.due_in(0), Some(wait), "failure {failure}");
        life.feed(Input::Due, 0);
        life.feed(Input::Spawned(77), 0);
    }
    assert_eq!(life.machine.state(), Fatal);
    assert_eq!(life.machine.spawn_error(), "2 restarts in 60 seconds");
}

#[test]
fn a_wait_of_nothing_is_braked() {
    let mut life = Life::started(|process| {
        process.startretries = -1;
        let policy = process.policy.get_or_insert_default();
        policy.backoffincrement = Duration::ZERO;
        policy.maxbackoff = Some(Limit::Infinity);
    });
    let mut now = 0;
    for _ in 0..200 {
        life.feed(exited(1), now);
        now += life.due_in(now).unwrap();
        life.feed(Input::Due, now);
        life.feed(Input::Spawned(77), now);
    }
    assert!(now >= 70_000, "200 restarts in {now} ms");
}

#[test]
fn a_stop_without_end_is_never_a_kill_unless_somebody_asks_for_it() {
    let mut life = Life::running(|p| p.stopwaitsecs = -1);
    life.feed(Input::Stop, 2_000);
    assert_eq!(life.machine.state(), Stopping);
    assert_eq!(life.due_in(2_000), None);
    assert_eq!(
        life.feed(Input::Kill, 3_000),
        [
            "WARN killing 'p' (77) with SIGKILL",
            "DEBG killing p (pid 77) with signal SIGKILL",
            "kill SIGKILL"
        ]
    );
    assert_eq!(life.due_in(3_000), None);
}

#[test]
fn a_kill_sends_no_other_signal_before() {
    let mut life = Life::running(|p| p.killasgroup = true);
    assert_eq!(
        life.feed(Input::Kill, 2_000),
        [
            "RUNNING -> STOPPING",
            "WARN killing 'p' (77) with SIGKILL",
            "DEBG killing p (pid 77) process group with signal SIGKILL",
            "kill SIGKILL group"
        ]
    );
}

#[test]
fn the_time_to_stop_can_be_given_and_changed() {
    let mut life = Life::running(|p| p.stopwaitsecs = -1);
    assert_eq!(
        life.feed(Input::StopWithin(Duration::from_secs(30)), 2_000),
        [
            "DEBG killing p (pid 77) with signal SIGTERM",
            "RUNNING -> STOPPING",
            "kill SIGTERM"
        ]
    );
    assert_eq!(life.due_in(2_000), Some(30_000));
    life.feed(Input::StopWithin(Duration::from_secs(1)), 3_000);
    assert_eq!(life.due_in(3_000), Some(1_000));
}
