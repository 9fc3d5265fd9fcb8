//! The same scenario on Supervisor 4.3.0 and on this program, with equal
//! transcripts.
//!
//! A scenario is a function that writes a configuration and runs steps: actions
//! of supervisorctl, XML-RPC calls, signals, waiting for a state or a log line.
//! What they show goes into a transcript, with pids, times, paths and ports
//! replaced. [`compare`] runs it on both, at the same time, each with its own
//! supervisorctl; [`cross`] pairs every daemon with every supervisorctl.
//! Where 4.3.0 leaves the order or the moment to chance, the scenario waits for
//! conditions and compares the lines of each process by itself.
//!
//! Where this program differs on purpose, [`known`] says so line by line, and
//! [`recorded`] for what many generated lines share.
//! `CONFORMANCE=self` compares 4.3.0 with itself: transcripts must be stable.
//! `CONFORMANCE=daemon` runs our supervisord with the supervisorctl of 4.3.0 only.
//! `SHOW_TRANSCRIPTS=1` prints them (with `--nocapture`).

mod client;
mod command_line;
mod connections;
mod corrected;
mod ctl;
mod events;
mod every_state;
mod fcgi;
mod groups;
mod habits;
mod known;
mod listeners;
mod listening;
mod log_options;
mod logs;
mod multicalls;
mod normal;
mod original_client;
mod pages;
mod recorded;
mod requests;
mod reread;
mod rpc;
mod run;
mod servers;
mod signals;
mod spawning;
mod spellings;
mod startup;
mod states;
mod stopping;
mod unknown;
mod xml;

use super::support::{Kind, subject, subject_ctl};
use run::Run;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

/// The steps of a scenario.
type Steps = fn(&mut Run);

/// Which supervisord and which supervisorctl run.
type Pair = (Kind, Kind);

/// The pair that everything is held against.
const ORIGINAL: Pair = (Kind::Original, Kind::Original);

/// Runs the steps on 4.3.0 and on the subject; the transcripts must be equal.
fn compare(name: &str, steps: Steps) {
    expect_equal_transcripts(name, steps, &[(subject(), subject_ctl())]);
}

/// Runs the steps on each daemon with each supervisorctl; all transcripts must
/// be equal to that of 4.3.0 alone.
fn cross(name: &str, steps: Steps) {
    let pairs = [
        (subject(), subject_ctl()),
        (Kind::Original, subject_ctl()),
        (subject(), Kind::Original),
    ];
    expect_equal_transcripts(name, steps, &pairs);
}

fn expect_equal_transcripts(name: &str, steps: Steps, pairs: &[Pair]) {
    let transcripts = run_all(steps, &[&[ORIGINAL], pairs].concat());
    let (original, others) = transcripts.split_first().unwrap();
    for (pair, transcript) in pairs.iter().zip(others) {
        expect_equal(name, *pair, original, transcript);
    }
}

/// Runs the steps once for each pair of daemon and supervisorctl, side by side.
fn run_all(steps: Steps, pairs: &[Pair]) -> Vec<Vec<String>> {
    let runs: Vec<_> = pairs
        .iter()
        .map(|&(daemon, ctl)| {
            thread::spawn(move || {
                let mut run = Run::new(daemon, ctl);
                let end = catch_unwind(AssertUnwindSafe(|| steps(&mut run)));
                if let Err(reason) = end {
                    run.note(&format!("the scenario broke off: {}", words_of(&*reason)));
                    run.note(&run.diagnosis());
                }
                run.into_transcript()
            })
        })
        .collect();
    runs.into_iter()
        .map(|run| run.join().unwrap_or_else(|reason| resume_unwind(reason)))
        .collect()
}

fn words_of(reason: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = reason.downcast_ref::<String>() {
        return text.clone();
    }
    reason
        .downcast_ref::<&str>()
        .map_or_else(String::new, ToString::to_string)
}

fn expect_equal(name: &str, (daemon, ctl): Pair, original: &[String], other: &[String]) {
    let mut expected = original.to_vec();
    known::apply(name, daemon, ctl, &mut expected);
    if daemon != Kind::Original {
        corrected::apply(name, &mut expected);
        recorded::apply(name, &mut expected, other);
    }
    if std::env::var_os("SHOW_TRANSCRIPTS").is_some() {
        println!("{name}:\n{}\n", expected.join("\n"));
    }
    let broken = |lines: &[String]| {
        lines
            .iter()
            .any(|line| line.starts_with("the scenario broke off"))
    };
    if expected == other && !broken(original) {
        return;
    }
    panic!(
        "{name}: the transcripts differ (- 4.3.0, + {daemon:?} supervisord and {ctl:?} supervisorctl)\n{}",
        difference(&expected, other)
    );
}

/// A line by line difference, by the longest common subsequence.
fn difference(left: &[String], right: &[String]) -> String {
    let mut length = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            length[i][j] = if left[i] == right[j] {
                length[i + 1][j + 1] + 1
            } else {
                length[i + 1][j].max(length[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = String::new();
    while i < left.len() || j < right.len() {
        let (mark, line) = if i < left.len() && j < right.len() && left[i] == right[j] {
            (i, j) = (i + 1, j + 1);
            (' ', &left[i - 1])
        } else if j == right.len() || (i < left.len() && length[i + 1][j] >= length[i][j + 1]) {
            i += 1;
            ('-', &left[i - 1])
        } else {
            j += 1;
            ('+', &right[j - 1])
        };
        out.push_str(&format!("{mark} {line}\n"));
    }
    out
}
