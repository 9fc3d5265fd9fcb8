//! Oneshots, and times that are over.

use super::*;
use crate::config::amounts::{Decimal, Limit, Rate};
use crate::config::job::{Job, Kind};

/// As the configuration makes a oneshot, with a time if that is not 0.
fn oneshot(seconds: u64) -> impl FnOnce(&mut Process) {
    move |process| {
        process.autorestart = AutoRestart::Never;
        process.startretries = 0;
        limited(seconds)(process);
        process.job.get_or_insert_default().kind = Kind::Oneshot;
    }
}

/// A service that may run only for so long.
fn limited(seconds: u64) -> impl FnOnce(&mut Process) {
    move |process| {
        if seconds > 0 {
            let job: &mut Job = process.job.get_or_insert_default();
            job.runtime_timeout = Limit::Of(Duration::from_secs(seconds));
        }
    }
}

const OVER: &str = "its runtime_timeout of 60 seconds is over";

#[test]
fn a_oneshot_is_starting_until_it_ends_as_expected() {
    for moment in [1, 50, 500_000] {
        let mut life = Life::started(oneshot(0));
        assert_eq!(life.due_in(0), None);
        // What a start that is asked for without waiting feeds where startsecs is 0.
        assert_eq!(life.feed(Input::Due, 0), [""; 0]);
        assert_eq!(
            life.feed(exited(0), moment),
            [
                "STARTING -> EXITED",
                "INFO exited: p (exit status 0; expected)"
            ]
        );
        assert_eq!(life.due_in(moment), None);
        assert_eq!(life.machine.spawn_error(), "");
        assert!(!life.machine.waits_for_restart());
    }
}

#[test]
fn a_oneshot_that_ends_otherwise_is_fatal_beyond_its_retries() {
    let mut life = Life::started(oneshot(0));
    life.process.startretries = 1;
    life.process.exitcodes = vec![0, 3];
    for (end, told) in [
        (exited(1), "exit status 1; not expected"),
        (terminated(9), "terminated by SIGKILL; not expected"),
    ] {
        assert_eq!(
            life.feed(end, 5_000),
            [
                "STARTING -> BACKOFF".to_owned(),
                format!("WARN exited: p ({told})")
            ]
        );
        assert_eq!(life.machine.spawn_error(), told);
        if told.starts_with("exit") {
            assert_eq!(life.machine.exit_status(), 1);
            life.feed(Input::Due, 6_000);
            life.feed(Input::Spawned(78), 6_000);
        }
    }
    assert_eq!(
        life.feed(Input::Due, 5_000),
        [
            "BACKOFF -> FATAL",
            "INFO gave up: p entered FATAL state, terminated by SIGKILL; not expected"
        ]
    );
    // Whoever starts it has all its attempts again.
    life.feed(Input::Start, 7_000);
    life.feed(Input::Spawned(79), 7_000);
    life.feed(exited(3), 7_000);
    assert_eq!(life.machine.state(), Exited);
}

#[test]
fn a_oneshot_is_done_again_where_autorestart_says_so() {
    for (autorestart, again) in [
        (AutoRestart::Never, false),
        (AutoRestart::Unexpected, false),
        (AutoRestart::Always, true),
    ] {
        let mut life = Life::started(oneshot(0));
        life.process.autorestart = autorestart;
        life.feed(exited(0), 5_000);
        assert_eq!(life.machine.state(), Exited);
        assert_eq!(life.due_in(5_000), again.then_some(0), "{autorestart:?}");
    }
}

#[test]
fn a_oneshot_is_stopped_like_every_process() {
    let mut life = Life::started(oneshot(60));
    life.feed(Input::Stop, 1_000);
    assert_eq!(life.machine.state(), Stopping);
    assert_eq!(life.due_in(1_000), Some(10_000));
    life.feed(exited(0), 2_000);
    assert_eq!(life.machine.state(), Stopped);
    assert_eq!(life.due_in(2_000), None);
}

#[test]
fn a_oneshot_that_takes_too_long_has_failed() {
    let mut life = Life::started(oneshot(60));
    assert_eq!(life.due_in(0), Some(60_000));
    assert_eq!(
        life.feed(Input::Due, 60_000),
        [
            format!("WARN stopping 'p' (77), {OVER}").as_str(),
            "DEBG killing p (pid 77) with signal SIGTERM",
            "STARTING -> STOPPING",
            "kill SIGTERM"
        ]
    );
    assert!(life.machine.is_out_of_time());
    // Whatever it ends with.
    assert_eq!(
        life.feed(exited(0), 61_000),
        ["STOPPING -> BACKOFF", "INFO stopped: p (exit status 0)"]
    );
    assert_eq!(life.machine.spawn_error(), OVER);
    assert_eq!(
        life.feed(Input::Due, 61_000),
        [
            "BACKOFF -> FATAL".to_owned(),
            format!("INFO gave up: p entered FATAL state, {OVER}")
        ]
    );
}

#[test]
fn a_service_that_has_run_for_its_time_is_started_again_whatever_its_status() {
    for (autorestart, again) in [
        (AutoRestart::Never, false),
        (AutoRestart::Unexpected, true),
        (AutoRestart::Always, true),
    ] {
        let mut life = Life::running(limited(60));
        life.process.autorestart = autorestart;
        assert_eq!(life.due_in(1_000), Some(59_000));
        assert_eq!(
            life.feed(Input::Due, 60_000),
            [
                format!("INFO stopping 'p' (77), {OVER}").as_str(),
                "DEBG killing p (pid 77) with signal SIGTERM",
                "RUNNING -> STOPPING",
                "kill SIGTERM"
            ]
        );
        assert_eq!(life.machine.spawn_error(), OVER);
        assert_eq!(
            life.feed(exited(0), 61_000),
            ["STOPPING -> STOPPED", "INFO stopped: p (exit status 0)"]
        );
        assert_eq!(life.machine.waits_for_restart(), again, "{autorestart:?}");
        assert_eq!(life.due_in(61_000), again.then_some(0));
        assert_eq!(life.machine.spawn_error(), OVER);
        if again {
            assert_eq!(
                life.feed(Input::Due, 61_000),
                ["STOPPED -> STARTING", "spawn"]
            );
            assert_eq!(life.machine.spawn_error(), "");
        }
    }
}

#[test]
fn who_stops_what_is_out_of_time_wants_no_restart() {
    let seconds = Duration::from_secs;
    // While it stops.
    for input in [Input::Stop, Input::StopWithin(seconds(3)), Input::Kill] {
        let mut life = Life::running(limited(60));
        life.feed(Input::Due, 60_000);
        life.feed(input.clone(), 60_500);
        assert!(!life.machine.is_out_of_time(), "{input:?}");
        life.feed(exited(0), 61_000);
        assert_eq!(life.machine.state(), Stopped);
        assert!(!life.machine.waits_for_restart(), "{input:?}");
    }
    // Between its stop and its restart.
    let pause = |process: &mut Process| {
        limited(60)(process);
        process.policy.get_or_insert_default().restartpause = seconds(5);
    };
    for input in [Input::Stop, Input::StopWithin(seconds(3)), Input::Kill] {
        let mut life = Life::running(pause);
        life.feed(Input::Due, 60_000);
        life.feed(exited(0), 61_000);
        assert_eq!(life.due_in(61_000), Some(5_000));
        assert_eq!(life.feed(input, 62_000), [""; 0]);
        assert_eq!(life.due_in(62_000), None);
        assert!(!life.machine.waits_for_restart());
    }
    // Everything goes down.
    let mut life = Life::running(limited(60));
    life.feed(Input::Due, 60_000);
    life.feed(exited(0), 61_000);
    let effects = life
        .machine
        .step(&life.process, Input::Due, at(61_000), false);
    assert_eq!(told(&effects), [""; 0]);
    assert!(!life.machine.waits_for_restart());
}

#[test]
fn a_restart_after_its_time_counts_for_the_limit() {
    let mut life = Life::running(limited(60));
    life.process.policy.get_or_insert_default().restart_limit =
        Rate(Some((1, Duration::from_secs(3_600))));
    for moment in [60_000, 130_000] {
        life.feed(Input::Due, moment);
        life.feed(exited(0), moment);
        life.feed(Input::Due, moment);
        life.feed(Input::Spawned(78), moment);
        life.feed(Input::Due, moment + 1_000);
    }
    assert_eq!(life.machine.state(), Fatal);
    assert_eq!(life.machine.spawn_error(), "1 restart in 3600 seconds");
}

#[test]
fn chance_makes_times_shorter_and_none_longer() {
    let mut times: Vec<u64> = (0..20)
        .map(|number| {
            let life = Life::running(|process| {
                process.name = format!("p{number}");
                limited(100)(process);
                process.job.get_or_insert_default().runtime_jitter = Decimal(250);
            });
            life.due_in(0).unwrap()
        })
        .collect();
    times.sort_unstable();
    assert!(times[0] >= 75_000 && times[19] <= 100_000, "{times:?}");
    assert!(times[19] - times[0] > 10_000, "{times:?}");
}

#[test]
fn a_time_that_is_shorter_than_startsecs_is_over_when_the_child_is_up() {
    let mut life = Life::started(|process| {
        process.startsecs = 5;
        limited(2)(process);
    });
    assert_eq!(life.due_in(0), Some(5_000));
    life.feed(Input::Due, 5_000);
    assert_eq!(life.machine.state(), Running);
    assert!(life.machine.deadline().unwrap() <= at(5_000).monotonic);
    life.feed(Input::Due, 5_000);
    assert!(life.machine.is_out_of_time());
}
