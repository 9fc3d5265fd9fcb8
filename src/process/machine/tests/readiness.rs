//! Readiness and health in the machine: when a process is up that has to say so, and what
//! becomes of one that is not well.

use super::*;
use crate::config::amounts::{Limit, Rate};
use crate::config::{Checks, Readiness};

fn asked(process: &mut Process) -> &mut Checks {
    let checks = process.checks.get_or_insert_default();
    checks.readiness = Some(Readiness::Notify);
    checks
}

fn unhealthy(reason: &str) -> Input {
    Input::Unhealthy {
        key: "liveness_check",
        reason: reason.to_owned(),
        restarts: true,
    }
}

const SUCCESS: &str = "INFO success: p entered RUNNING state, process is ready";

#[test]
fn running_is_the_later_of_ready_and_startsecs() {
    let mut life = Life::started(|process| {
        asked(process);
    });
    assert_eq!(life.feed(Input::Ready, 300), [""; 0]);
    assert_eq!(life.due_in(300), Some(700));
    assert_eq!(life.feed(Input::Ready, 400), [""; 0], "once is enough");
    assert_eq!(
        life.feed(Input::Due, 1_000),
        ["STARTING -> RUNNING", SUCCESS]
    );

    let mut life = Life::started(|process| {
        asked(process);
    });
    assert_eq!(life.feed(Input::Due, 1_000), [""; 0]);
    assert_eq!(life.machine.state(), Starting);
    assert_eq!(life.due_in(1_000), Some(59_000));
    assert_eq!(
        life.feed(Input::Ready, 5_000),
        ["STARTING -> RUNNING", SUCCESS]
    );
    assert_eq!(life.due_in(5_000), None);
    // The next child has to say it again.
    life.process.autorestart = AutoRestart::Always;
    life.feed(exited(0), 6_000);
    life.feed(Input::Due, 6_000);
    life.feed(Input::Spawned(78), 6_000);
    life.feed(Input::Due, 7_000);
    assert_eq!(life.machine.state(), Starting);
}

#[test]
fn one_that_is_not_ready_in_time_is_a_failed_start() {
    let mut life = Life::started(|process| {
        process.startretries = 1;
        asked(process).readiness_timeout = Limit::Of(Duration::from_millis(2_500));
    });
    for (pid, after) in [(78, "BACKOFF -> STARTING"), (79, "BACKOFF -> FATAL")] {
        life.feed(Input::Due, 1_000);
        assert_eq!(
            life.feed(Input::Due, 2_500),
            [
                "WARN failed: p, not ready after 2500 milliseconds".to_owned(),
                format!("DEBG killing p (pid {}) with signal SIGTERM", pid - 1),
                "STARTING -> STOPPING".to_owned(),
                "kill SIGTERM".to_owned(),
            ]
        );
        assert_eq!(
            life.machine.spawn_error(),
            "not ready after 2500 milliseconds"
        );
        let ended = life.feed(terminated(15), 3_000);
        assert_eq!(ended[0], "STOPPING -> BACKOFF");
        assert_eq!(life.feed(Input::Due, 3_000)[0], after);
        life.feed(Input::Spawned(pid), 0);
    }
    assert_eq!(
        life.machine.spawn_error(),
        "not ready after 2500 milliseconds"
    );
}

#[test]
fn readiness_may_take_as_long_as_it_takes() {
    let mut life = Life::started(|process| asked(process).readiness_timeout = Limit::Infinity);
    assert_eq!(life.feed(Input::Due, 1_000), [""; 0]);
    assert_eq!(life.due_in(1_000), None);
    // No time to get ready is shorter than startsecs.
    let mut life = Life::started(|process| {
        process.startsecs = 5;
        asked(process).readiness_timeout = Limit::Of(Duration::from_secs(1));
    });
    assert_eq!(life.due_in(0), Some(5_000));
    life.feed(Input::Ready, 4_000);
    life.feed(Input::Due, 5_000);
    assert_eq!(life.machine.state(), Running);
}

#[test]
fn an_end_before_it_is_ready_is_a_failed_start() {
    let mut life = Life::started(|process| {
        asked(process);
    });
    life.feed(Input::Due, 1_000);
    assert_eq!(
        life.feed(exited(0), 9_000),
        [
            "STARTING -> BACKOFF",
            "WARN exited: p (exit status 0; not expected)"
        ]
    );
    assert_eq!(
        life.machine.spawn_error(),
        "Exited before it was ready (process log may have details)"
    );
}

#[test]
fn one_that_is_not_healthy_is_stopped_and_comes_back_with_the_reason() {
    let mut life = Life::running(|process| process.autorestart = AutoRestart::Always);
    assert_eq!(
        life.feed(unhealthy("GET /: 503"), 5_000),
        [
            "DEBG killing p (pid 77) with signal SIGTERM",
            "RUNNING -> STOPPING",
            "kill SIGTERM"
        ]
    );
    assert_eq!(life.machine.spawn_error(), "GET /: 503");
    assert_eq!(
        life.feed(exited(0), 5_100),
        ["STOPPING -> STOPPED", "INFO stopped: p (exit status 0)"]
    );
    assert!(life.machine.waits_for_restart());
    assert_eq!(life.due_in(5_100), Some(0));
    assert_eq!(
        life.feed(Input::Due, 5_100),
        ["STOPPED -> STARTING", "spawn"]
    );
    life.feed(Input::Spawned(78), 5_100);
    assert_eq!(life.machine.spawn_error(), "GET /: 503");
    // What its own child does is told in its place.
    life.feed(exited(1), 5_200);
    assert_eq!(life.machine.spawn_error(), TOO_QUICKLY);
}

#[test]
fn a_request_to_stop_takes_a_restart_for_health_back() {
    for (input, moment) in [
        (Input::Stop, 5_050),
        (Input::Stop, 5_150),
        (Input::Kill, 5_050),
    ] {
        let mut life = Life::running(|process| process.autorestart = AutoRestart::Always);
        life.feed(unhealthy("no"), 5_000);
        if moment < 5_100 {
            life.feed(input.clone(), moment);
        }
        life.feed(exited(0), 5_100);
        life.feed(input, moment);
        assert_eq!(life.machine.state(), Stopped);
        assert_eq!(life.due_in(5_200), None);
    }
}

#[test]
fn without_autorestart_or_for_a_stop_it_stays_stopped() {
    for (autorestart, restarts) in [(AutoRestart::Never, true), (AutoRestart::Always, false)] {
        let mut life = Life::running(|process| process.autorestart = autorestart);
        life.feed(
            Input::Unhealthy {
                key: "memory_check",
                reason: "no".into(),
                restarts,
            },
            5_000,
        );
        assert_eq!(life.machine.reason_of_stop(), "memory_check");
        life.feed(exited(0), 5_100);
        assert_eq!(life.machine.state(), Stopped);
        assert_eq!(life.machine.reason_of_stop(), "");
        assert_eq!(life.due_in(5_100), None);
        assert_eq!(life.machine.spawn_error(), "no");
    }
}

#[test]
fn the_key_by_which_it_is_stopped_is_told_until_it_has_ended() {
    let input = || Input::Unhealthy {
        key: "memory_check",
        reason: "much".into(),
        restarts: true,
    };
    for (mut life, state) in [
        (Life::running(|_| ()), Stopped),
        (Life::started(|_| ()), Backoff),
    ] {
        life.feed(input(), 500);
        assert_eq!(life.machine.reason_of_stop(), "memory_check");
        life.feed(exited(0), 600);
        assert_eq!(life.machine.state(), state);
        assert_eq!(life.machine.reason_of_stop(), "");
        assert_eq!(life.machine.spawn_error(), "much");
    }
}

#[test]
fn restarts_for_health_have_the_limit_of_all_restarts() {
    let mut life = Life::running(|process| {
        process.autorestart = AutoRestart::Always;
        let policy = process.policy.get_or_insert_default();
        policy.restart_limit = Rate(Some((2, Duration::from_secs(60))));
    });
    for moment in [5_000, 10_000, 15_000] {
        life.feed(unhealthy("GET /: 503"), moment);
        life.feed(exited(0), moment);
        let told = life.feed(Input::Due, moment);
        if moment < 15_000 {
            assert_eq!(told, ["STOPPED -> STARTING", "spawn"]);
            life.feed(Input::Spawned(78), moment);
            life.feed(Input::Due, moment + 1_000);
            continue;
        }
        assert_eq!(
            told,
            [
                "STOPPED -> FATAL",
                "INFO gave up: p entered FATAL state, 2 restarts in 60 seconds"
            ]
        );
    }
    assert_eq!(life.machine.spawn_error(), "2 restarts in 60 seconds");
}

#[test]
fn while_supervisord_goes_down_nothing_comes_back() {
    let mut life = Life::running(|process| process.autorestart = AutoRestart::Always);
    life.feed(unhealthy("no"), 5_000);
    life.feed(exited(0), 5_100);
    let told = life
        .machine
        .step(&life.process, Input::Due, at(5_100), false);
    assert!(told.is_empty());
    assert_eq!(life.machine.state(), Stopped);
    assert_eq!(life.due_in(5_100), None);
}
