//! A player who is given a real daemon and does with it what a seed says: requests of every kind from
//! several clients, signals, kill -9 and SIGSTOP of programs, edited configurations, reloads, listeners
//! that die, hang and talk nonsense, a full disk, removed logs, refused system calls. After each step,
//! and when everything has come to rest, what must hold is looked at (`invariants`).
//!
//! `make model` plays for an hour. `MODEL_SEED` is the first seed (the next sequence has the next
//! one), `MODEL_SECONDS` how long it plays, `MODEL_OPERATIONS` how many steps a sequence has and
//! `MODEL_PLAYERS` how many play at once, each with a daemon of its own. What fails is shrunk to a few
//! steps and printed; such sequences are kept in `regressions`.

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
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
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

/// What the players of one run share.
struct Game {
    workshop: Workshop,
    /// The first seed, if it was given; else the fresh ones begin here.
    given: Option<u64>,
    fresh: u64,
    length: usize,
    begin: Instant,
    time: Duration,
    sequences: AtomicU64,
    operations: AtomicUsize,
    /// The first that failed.
    failed: Mutex<Option<(u64, Sequence, usize, String)>>,
}

impl Game {
    /// Plays one sequence after the other until the time is over or one has failed.
    fn play(&self) {
        loop {
            let number = self.sequences.fetch_add(1, Ordering::Relaxed);
            let is_over = number > 0 && self.begin.elapsed() >= self.time;
            if is_over || self.failed.lock().unwrap().is_some() {
                return;
            }
            // Without a seed: one that is the same in each run, then fresh ones.
            let seed = match self.given {
                Some(seed) => seed + number,
                None if number == 0 => 1,
                None => self.fresh + number,
            };
            let sequence = choice::sequence(seed, self.length);
            let started = Instant::now();
            if let Some((at, why)) = failure(&self.workshop, &sequence, PATIENCE[0]) {
                let mut failed = self.failed.lock().unwrap();
                failed.get_or_insert((seed, sequence, at, why));
                return;
            }
            let steps = sequence.steps.len();
            let all = steps + self.operations.fetch_add(steps, Ordering::Relaxed);
            println!(
                "seed {seed}: {steps} operations in {:.1?}, {all} so far",
                started.elapsed()
            );
        }
    }
}

#[test]
fn a_player_who_does_everything_finds_nothing_wrong() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let game = Game {
        workshop: Workshop::new(),
        given: number("MODEL_SEED"),
        fresh: now.as_secs(),
        length: number("MODEL_OPERATIONS").unwrap_or(2000) as usize,
        begin: Instant::now(),
        time: Duration::from_secs(number("MODEL_SECONDS").unwrap_or(100)),
        sequences: AtomicU64::new(0),
        operations: AtomicUsize::new(0),
        failed: Mutex::new(None),
    };
    // Most of the time something is waited for.
    thread::scope(|scope| {
        for _ in 0..number("MODEL_PLAYERS").unwrap_or(2) {
            scope.spawn(|| game.play());
        }
    });
    if let Some((seed, sequence, at, why)) = game.failed.into_inner().unwrap() {
        report(&game.workshop, seed, &sequence, at, &why);
    }
    println!(
        "{} operations in {:.0?}",
        game.operations.into_inner(),
        game.begin.elapsed()
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
const REGRESSIONS: &[(&str, &str)] = &[
    (
        "stop-and-restart",
        include_str!("regressions/stop-and-restart.txt"),
    ),
    (
        "refused-before-the-first-request",
        include_str!("regressions/refused-before-the-first-request.txt"),
    ),
];
