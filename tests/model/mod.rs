//! A player who is given a real daemon and does with it what a seed says: requests of every kind from
//! several clients, signals, kill -9 and SIGSTOP of programs, edited configurations, reloads, listeners
//! that die, hang and talk nonsense, a full disk, removed logs, refused system calls. After each step,
//! and when everything has come to rest, what must hold is looked at (`invariants`).
//!
//! `make model` plays for an hour. `MODEL_SEED` is the first seed (the next sequence has the next
//! one), `MODEL_SECONDS` how long it plays and `MODEL_OPERATIONS` how many steps a sequence has. What
//! fails is shrunk to a few steps and printed; in `regressions` such sequences are kept.

mod choice;
mod client;
mod invariants;
mod ledger;
mod nonsense;
mod player;
mod shrink;
mod steps;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use steps::{Sequence, Step};
use world::Workshop;

/// How long what must hold at rest may take to do so, on a busy machine and while a failure is shrunk.
const PATIENCE: [Duration; 2] = [Duration::from_secs(40), Duration::from_secs(8)];

/// How long a failing sequence is shrunk.
const SHRINKING: Duration = Duration::from_secs(120);

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap())
}

/// Plays; what failed.
fn failure(
    workshop: &Workshop,
    sequence: &Sequence,
    patience: Duration,
) -> Option<(usize, String)> {
    match catch_unwind(AssertUnwindSafe(|| {
        player::play(workshop, sequence, patience)
    })) {
        Ok(outcome) => outcome.err(),
        Err(_) => Some((sequence.steps.len(), "a panic".to_owned())),
    }
}

/// Tells of a failure and panics.
fn report(workshop: &Workshop, seed: u64, sequence: &Sequence, at: usize, why: &str) -> ! {
    println!(
        "seed {seed} fails at step {at} of {}: {why}",
        sequence.steps.len()
    );
    let mut until = sequence.clone();
    until.steps.truncate(at + 1);
    if until.steps.last() != Some(&Step::Rest) {
        until.steps.push(Step::Rest);
    }
    let few = shrink::shrink(&until, SHRINKING, |tried| {
        failure(workshop, tried, PATIENCE[1]).is_some()
    });
    let again =
        failure(workshop, &few, PATIENCE[1]).map_or("not every time".to_owned(), |(_, why)| why);
    panic!(
        "MODEL_SEED={seed} finds: {why}\n\nshrunk to {} steps:\n{few}\nwhich fails: {again}",
        few.steps.len()
    );
}

#[test]
fn a_player_who_does_everything_finds_nothing_wrong() {
    let workshop = Workshop::new();
    let time = Duration::from_secs(number("MODEL_SECONDS").unwrap_or(100));
    let length = number("MODEL_OPERATIONS").unwrap_or(2000) as usize;
    let fresh = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let given = number("MODEL_SEED");
    let begin = Instant::now();
    let mut operations = 0;
    let mut sequences = 0;
    while sequences == 0 || begin.elapsed() < time {
        // Without a seed: one that is the same in each run, then fresh ones.
        let seed = match given {
            Some(seed) => seed + sequences,
            None if sequences == 0 => 1,
            None => fresh + sequences,
        };
        let sequence = choice::sequence(seed, length);
        let started = Instant::now();
        if let Some((at, why)) = failure(&workshop, &sequence, PATIENCE[0]) {
            report(&workshop, seed, &sequence, at, &why);
        }
        operations += sequence.steps.len();
        sequences += 1;
        println!(
            "seed {seed}: {} steps in {:.1?}",
            sequence.steps.len(),
            started.elapsed()
        );
    }
    println!(
        "{operations} operations in {sequences} sequences and {:.0?}",
        begin.elapsed()
    );
}

#[test]
fn sequences_that_once_failed_hold() {
    let workshop = Workshop::new();
    for (name, text) in REGRESSIONS {
        let sequence = Sequence::parse(text).unwrap_or_else(|| panic!("{name} cannot be read"));
        if let Some((at, why)) = failure(&workshop, &sequence, PATIENCE[0]) {
            panic!("{name} fails at step {at}: {why}");
        }
    }
}

/// Sequences that once found something.
const REGRESSIONS: &[(&str, &str)] = &[];
