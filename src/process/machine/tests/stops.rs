//! Ways to stop: several signals, one after the other.

use super::super::*;
use super::{Life, exited};
use crate::config::key::Fallback::Nothing;
use crate::config::key::changed;
use crate::config::settings::Setting;
use crate::config::stop_signals::StopSignals;
use ProcessState::*;

/// A process that three signals are to stop.
fn stubborn(stopwaitsecs: i64) -> Life {
    Life::running(|process| {
        let key = changed("stopsignal", "signals", Nothing);
        process.stopsignal = StopSignals::parse("TERM INT QUIT", &key).unwrap();
        process.stopwaitsecs = stopwaitsecs;
    })
}

fn signal(name: &str) -> [String; 2] {
    [
        format!("DEBG killing p (pid 77) with signal {name}"),
        format!("kill {name}"),
    ]
}

#[test]
fn one_signal_follows_the_other_and_sigkill_the_last() {
    let mut life = stubborn(3);
    assert_eq!(
        life.feed(Input::Stop, 2_000),
        [
            "DEBG killing p (pid 77) with signal SIGTERM",
            "RUNNING -> STOPPING",
            "kill SIGTERM"
        ]
    );
    for (now, name) in [(5_000, "SIGINT"), (8_000, "SIGQUIT")] {
        assert_eq!(life.feed(Input::Due, now), signal(name));
        assert_eq!(life.due_in(now), Some(3_000));
    }
    for now in [11_000, 14_000] {
        let told = life.feed(Input::Due, now);
        assert_eq!(told[0], "WARN killing 'p' (77) with SIGKILL");
        assert_eq!(life.due_in(now), Some(3_000));
    }
    life.feed(exited(0), 15_000);
    assert_eq!(life.machine.state(), Stopped);
    // The next stop begins with the first again.
    life.feed(Input::Start, 16_000);
    life.feed(Input::Spawned(77), 16_000);
    assert!(
        life.feed(Input::Stop, 16_000)
            .contains(&"kill SIGTERM".to_owned())
    );
}

#[test]
fn who_gives_the_time_until_sigkill_gets_no_other_signal_after_it() {
    for begun in [false, true] {
        let mut life = stubborn(3);
        if begun {
            life.feed(Input::Stop, 2_000);
        }
        life.feed(Input::StopWithin(Duration::from_secs(1)), 2_000);
        assert_eq!(life.due_in(2_000), Some(1_000));
        let told = life.feed(Input::Due, 3_000);
        assert!(told.contains(&"kill SIGKILL".to_owned()), "{told:?}");
    }
    let mut life = stubborn(3);
    life.feed(Input::Stop, 2_000);
    life.feed(Input::Kill, 2_500);
    let told = life.feed(Input::Due, 6_000);
    assert!(told.contains(&"kill SIGKILL".to_owned()), "{told:?}");
}

#[test]
fn without_an_end_of_the_wait_the_first_signal_is_the_only_one() {
    let mut life = stubborn(-1);
    life.feed(Input::Stop, 2_000);
    assert_eq!(life.due_in(2_000), None);
}
