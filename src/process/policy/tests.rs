//! The policy row by row. The first table is the one of supervisord.conf(5).

use super::*;
use crate::config::amounts::Rate;
use crate::config::policy::Policy;
use crate::config::testing;

fn process(startretries: i64, change: impl FnOnce(&mut Policy)) -> Process {
    let mut policy = Policy::default();
    change(&mut policy);
    Process {
        startretries,
        policy: Some(Box::new(policy)),
        ..testing::process("p")
    }
}

fn waits(process: &Process, count: i64) -> Vec<Option<u128>> {
    (1..=count)
        .map(|failures| Some(wait(process, failures, 7)?.as_millis()))
        .collect()
}

fn seconds_each(waits: &[u128]) -> Vec<Option<u128>> {
    waits.iter().map(|wait| Some(wait * 1000)).collect()
}

fn at(milliseconds: u64) -> Monotonic {
    Monotonic(Duration::from_millis(milliseconds))
}

const FIVE_MINUTES: Limit = Limit::Of(Duration::from_secs(300));

#[test]
fn the_defaults_wait_as_long_as_4_3_0_does() {
    let mut by_default = testing::process("p");
    assert_eq!(
        waits(&by_default, 4),
        [Some(1000), Some(2000), Some(3000), None]
    );
    // What is written out and is the default changes nothing.
    let written_out = process(by_default.startretries, |_| ());
    assert_eq!(waits(&written_out, 4), waits(&by_default, 4));
    by_default.startretries = 100;
    let as_before: Vec<Option<u128>> = (1..=100).map(|n| Some(n * 1000)).collect();
    assert_eq!(waits(&by_default, 100), as_before);
    for startretries in [0, -2, i64::MIN] {
        by_default.startretries = startretries;
        assert_eq!(wait(&by_default, 1, 0), None, "{startretries}");
    }
}

#[test]
fn without_end_a_wait_is_a_minute_at_most() {
    let mut endless = testing::process("p");
    endless.startretries = -1;
    assert_eq!(waits(&endless, 3), seconds_each(&[1, 2, 3]));
    for failures in [60, 61, 1_000_000, i64::MAX] {
        assert_eq!(
            wait(&endless, failures, 0),
            Some(Duration::from_secs(60)),
            "{failures}"
        );
        assert!(!is_last(&endless, failures));
    }
    let longer = process(-1, |policy| policy.maxbackoff = Some(FIVE_MINUTES));
    assert_eq!(wait(&longer, 1_000, 0), Some(Duration::from_secs(300)));
    let unlimited = process(-1, |policy| policy.maxbackoff = Some(Limit::Infinity));
    assert_eq!(wait(&unlimited, 1_000, 0), Some(Duration::from_secs(1_000)));
}

#[test]
fn the_table_of_the_manual_holds() {
    let doubling = |policy: &mut Policy| policy.backoff_factor = Decimal(2_000);
    type Change = fn(&mut Policy);
    let rows: [(Change, [u128; 8]); 5] = [
        (|_| (), [1, 2, 3, 4, 5, 6, 7, 8]),
        (
            |policy| policy.backoffincrement = Duration::from_secs(5),
            [5, 10, 15, 20, 25, 30, 35, 40],
        ),
        (
            |policy| policy.maxbackoff = Some(Limit::Of(Duration::from_secs(4))),
            [1, 2, 3, 4, 4, 4, 4, 4],
        ),
        (doubling, [1, 2, 4, 8, 16, 32, 64, 128]),
        (
            |policy| {
                policy.backoff_factor = Decimal(2_000);
                policy.maxbackoff = Some(Limit::Of(Duration::from_secs(30)));
                policy.restartpause = Duration::from_secs(3);
            },
            [3, 3, 4, 8, 16, 30, 30, 30],
        ),
    ];
    let page = include_str!("../../../man/supervisord.conf.5");
    let (_, section) = page.split_once(".Sh RESTARTS\n").unwrap();
    let mut told = section
        .lines()
        .filter_map(|line| line.strip_prefix(".It "))
        .skip(1);
    for (change, expected) in rows {
        let row = told.next().unwrap().split(" Ta ").skip(1);
        let row: Vec<u128> = row.map(|wait| wait.parse().unwrap()).collect();
        assert_eq!(row, expected);
        let process = process(100, change);
        assert_eq!(waits(&process, 8), seconds_each(&expected));
    }
}

#[test]
fn a_wait_never_overflows() {
    for failures in [1, 2, 1_000, i64::MAX] {
        for factor in [1_000, 1_001, 2_000, 1_000_000] {
            for increment in [Duration::ZERO, Duration::from_millis(u64::MAX)] {
                let process = process(-1, |policy| {
                    policy.backoffincrement = increment;
                    policy.backoff_factor = Decimal(factor);
                    policy.backoff_jitter = Decimal::ONE;
                    policy.maxbackoff = Some(Limit::Infinity);
                });
                assert!(wait(&process, failures, 3).is_some());
            }
        }
    }
}

#[test]
fn jitter_shortens_a_wait_by_its_part_at_most_and_the_seed_says_by_how_much() {
    for (jitter, shortest) in [(250, 7_500), (1_000, 0)] {
        let process = process(100, |policy| {
            policy.backoffincrement = Duration::from_secs(10);
            policy.backoff_jitter = Decimal(jitter);
        });
        let waits = |seed| wait(&process, 1, seed).unwrap().as_millis();
        let all: Vec<u128> = (0..1_000).map(waits).collect();
        assert!(all.iter().all(|wait| (shortest..=10_000).contains(wait)));
        // They are spread over the whole of it.
        let middle = (shortest + 10_000) / 2;
        let late = all.iter().filter(|wait| **wait > middle).count();
        assert!((400..600).contains(&late), "{late}");
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }
}

#[test]
fn those_that_fail_together_have_seeds_of_their_own() {
    let now = at(5_000);
    assert_ne!(seed("web_00", now), seed("web_01", now));
    assert_ne!(seed("web_00", now), seed("web_00", at(5_001)));
    assert_eq!(seed("web_00", now), seed("web_00", now));
}

#[test]
fn a_start_by_request_waits_for_its_delay_and_for_the_pause() {
    let plain = testing::process("p");
    assert_eq!(delayed_start(&plain, Some(at(0)), at(0)), None);
    for (pause, delay, last_end, expected) in [
        (0, 0, Some(1_000), None),
        (5_000, 0, None, None),
        (5_000, 0, Some(1_000), Some(6_000)),
        (1_000, 0, Some(1_000), None),
        (0, 700, None, Some(2_700)),
        (5_000, 700, Some(1_000), Some(6_000)),
        (1_200, 700, Some(1_000), Some(2_700)),
    ] {
        let process = process(3, |policy| {
            policy.restartpause = Duration::from_millis(pause);
            policy.startdelay = Duration::from_millis(delay);
        });
        let start = delayed_start(&process, last_end.map(at), at(2_000));
        assert_eq!(start, expected.map(at), "{pause} {delay} {last_end:?}");
    }
}

#[test]
fn so_many_restarts_in_such_a_time_are_enough() {
    let process = process(3, |policy| {
        policy.restart_limit = Rate(Some((3, Duration::from_secs(60))));
    });
    let mut restarts = Restarts::default();
    for moment in [0, 10_000, 20_000] {
        assert_eq!(restarts.refusal(&process, at(moment)), None);
        restarts.note(&process, at(moment));
    }
    let refusal = Some("3 restarts in 60 seconds".to_owned());
    assert_eq!(restarts.refusal(&process, at(20_000)), refusal);
    assert_eq!(restarts.refusal(&process, at(59_999)), refusal);
    assert_eq!(restarts.refusal(&process, at(60_000)), None);
    restarts.note(&process, at(60_000));
    assert_eq!(restarts.refusal(&process, at(69_999)), refusal);
    assert_eq!(restarts.0.len(), 3, "no more than that counts is kept");
    // Nobody has a limit by default.
    assert_eq!(restarts.refusal(&testing::process("p"), at(60_000)), None);
}

#[test]
fn a_hundred_thousand_restarts_take_the_room_of_those_that_count() {
    // 1000 are the most that a limit may have.
    for count in [1, 5, 1000] {
        let within = Duration::from_secs(60);
        let process = process(3, |policy| {
            policy.restart_limit = Rate(Some((count, within)))
        });
        let mut restarts = Restarts::default();
        for number in 0..100_000 {
            restarts.note(&process, at(number));
        }
        assert_eq!(restarts.0.len(), count as usize);
        assert!(restarts.0.capacity() <= 2048, "{count}");
    }
}

#[test]
fn a_refusal_says_what_was_too_much() {
    for (count, milliseconds, expected) in [
        (1, 1_000, "1 restart in 1 second"),
        (2, 500, "2 restarts in 500 milliseconds"),
        (5, 3_600_000, "5 restarts in 3600 seconds"),
    ] {
        let process = process(3, |policy| {
            policy.restart_limit = Rate(Some((count, Duration::from_millis(milliseconds))));
        });
        let mut restarts = Restarts::default();
        for _ in 0..count {
            restarts.note(&process, at(0));
        }
        let refusal = restarts.refusal(&process, at(1));
        assert_eq!(refusal.as_deref(), Some(expected));
    }
}

#[test]
fn a_stop_takes_its_time_or_has_no_end() {
    for (stopwaitsecs, expected) in [(10, Some(10)), (0, Some(0)), (-5, Some(0)), (ENDLESS, None)] {
        let process = Process {
            stopwaitsecs,
            ..testing::process("p")
        };
        assert_eq!(stop_time(&process), expected.map(Duration::from_secs));
    }
}
