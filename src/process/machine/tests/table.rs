//! Every state with every input. A cell says what the effects are, without the
//! texts of lines: `run` and `end` are of a hook, states
//! that are entered by their names.

use super::super::*;
use super::{at, exited, process, told};
use crate::config::{AutoRestart, Readiness};

/// The inputs in the order of the columns; the sixth comes while supervisord goes down.
fn inputs() -> [(Input, bool); 18] {
    [
        (Input::Start, true),
        (Input::Spawned(78), true),
        (Input::SpawnFailed("no".into()), true),
        (Input::Due, true),
        (Input::Due, false),
        (Input::Stop, true),
        (Input::GiveUp, true),
        (exited(0), true),
        (Input::StopFailed("EPERM".into()), true),
        (Input::SignalFailed("EPERM".into()), true),
        (Input::Condemn("useless".into()), true),
        (Input::NotSpawned("no exec".into()), true),
        (Input::StopWithin(Duration::from_secs(3)), true),
        (Input::Kill, true),
        (Input::HookEnded(Ok(())), true),
        (Input::HookEnded(Err("failed".into())), true),
        (Input::Ready, true),
        (
            Input::Unhealthy {
                key: "liveness_check",
                reason: "503".into(),
                restarts: true,
            },
            true,
        ),
    ]
}

/// `.` is nothing at all, `-` a line in the log and nothing else, `DEBG` stands
/// for every line, which has its own test. After `;` comes the deadline, in
/// seconds, or `never`.
const TABLE: &str = "
             Start    Spawned  Failed   Due      GoingDown Stop     GiveUp  Ended    StopFail SignalFail Condemn NotSpawned Within Kill HookOk HookBad Ready Unhealthy
stopped      spawn;never .;never .;never .;never .;never   -;never  .;never .;never  .;never  .;never .;never .;never -;never -;never .;never .;never .;never .;never
spawning     -;never  -;1      BACKOFF;1 .;never .;never   -;never  .;never .;never  .;never  .;never .;never .;never -;never -;never .;never .;never .;never .;never
delayed      -;5      .;5      .;5      spawn;never STOPPING+STOPPED;never STOPPING+STOPPED;never .;5 .;5 .;5 .;5 FATAL;never .;5 STOPPING+STOPPED;never STOPPING+STOPPED;never .;5 .;5 .;5 .;5
starting     -;1      .;1      .;1      RUNNING;never RUNNING;never STOPPING+kill;10 .;1 BACKOFF;1 UNKNOWN;never UNKNOWN;never STOPPING+kill;10 -;1 STOPPING+kill;3 STOPPING+kill;10 .;1 .;1 .;1 STOPPING+kill;10
aged         -;1      .;1      .;1      RUNNING;never RUNNING;never STOPPING+kill;10 .;1 RUNNING+EXITED;never UNKNOWN;never UNKNOWN;never STOPPING+kill;10 -;1 STOPPING+kill;3 STOPPING+kill;10 .;1 .;1 .;1 STOPPING+kill;10
running      -;never  .;never  .;never  .;never  .;never   STOPPING+kill;10 .;never EXITED;never UNKNOWN;never UNKNOWN;never STOPPING+kill;10 -;never STOPPING+kill;3 STOPPING+kill;10 .;never .;never .;never STOPPING+kill;10
backoff      spawn;never .;1   .;1      spawn;never .;never STOPPED;never FATAL;never .;1 .;1 .;1 FATAL;never .;1 STOPPED;never STOPPED;never .;1 .;1 .;1 .;1
exhausted    spawn;never .;0   .;0      FATAL;never FATAL;never STOPPED;never FATAL;never .;0 .;0 .;0 FATAL;never .;0 STOPPED;never STOPPED;never .;0 .;0 .;0 .;0
stopping     -;10     .;10     .;10     kill;10  kill;10   -;10     .;10    STOPPED;never UNKNOWN;never UNKNOWN;never .;10 -;10 .;3 kill;10 .;10 .;10 .;10 .;10
condemned    -;10     .;10     .;10     kill;10  kill;10   -;10     .;10    FATAL;never UNKNOWN;never UNKNOWN;never .;10 -;10 .;3 kill;10 .;10 .;10 .;10 .;10
exited       spawn;never .;never .;never .;never .;never   .;never  .;never .;never  .;never  .;never FATAL;never .;never .;never .;never .;never .;never .;never .;never
again        spawn;never .;0   .;0      spawn;never .;never .;never .;0     .;0      .;0      .;0 FATAL;never .;0 .;never .;never .;0 .;0 .;0 .;0
fatal        spawn;never .;never .;never .;never .;never   -;never  .;never .;never  .;never  .;never .;never .;never -;never -;never .;never .;never .;never .;never
unstoppable  -;never  .;never  .;never  .;never  .;never   -;never  .;never STOPPED;never .;never .;never .;never -;never -;never -;never .;never .;never .;never .;never
unknown      -;never  .;never  .;never  .;never  .;never   -;never  .;never EXITED;never .;never .;never .;never -;never -;never -;never .;never .;never .;never .;never
preparing    -;never  .;never  .;never  .;never  .;never   STOPPING+end;10 .;never .;never .;never .;never .;never .;never STOPPING+end;3 STOPPING+end;10 spawn;never BACKOFF;1 .;never .;never
unprepared   -;10     .;10     .;10     end;10   end;10    -;10     .;10    .;10    .;10   .;10  .;10  .;10 .;3 end;10 STOPPED;never STOPPED;never .;10 .;10
leaving      -;never  .;never  .;never  end+kill;10  end+kill;10   -;never  .;never STOPPED;never UNKNOWN;never UNKNOWN;never .;never -;never .;3 end+kill;10 run;10 run;10 .;never .;never
asked        -;10     .;10     .;10     end+kill;10  end+kill;10   -;10     .;10    STOPPED;never UNKNOWN;never UNKNOWN;never .;10 -;10 .;3 end+kill;10 .;10 kill;10 .;10 .;10
cleaning     STARTING;never .;never .;never .;never .;never .;never .;never .;never .;never .;never FATAL;never .;never .;never .;never .;0 -;0 .;never .;never
waiting      -;never  .;never  .;never  .;never  .;never   STOPPING+STOPPED;never .;never .;never .;never .;never FATAL;never .;never STOPPING+STOPPED;never STOPPING+STOPPED;never .;0 -;0 .;never .;never
unready      -;1 .;1 .;1 .;60 .;60 STOPPING+kill;10 .;1 BACKOFF;1 UNKNOWN;never UNKNOWN;never STOPPING+kill;10 -;1 STOPPING+kill;3 STOPPING+kill;10 .;1 .;1 .;1 STOPPING+kill;10
overdue      -;1 .;1 .;1 STOPPING+kill;10 STOPPING+kill;10 STOPPING+kill;10 .;1 BACKOFF;1 UNKNOWN;never UNKNOWN;never STOPPING+kill;10 -;1 STOPPING+kill;3 STOPPING+kill;10 .;1 .;1 RUNNING;never STOPPING+kill;10
retried      -;10 .;10 .;10 kill;10 kill;10 .;10 .;10 BACKOFF;1 UNKNOWN;never UNKNOWN;never .;10 -;10 .;3 kill;10 .;10 .;10 .;10 .;10
restarted    -;10 .;10 .;10 kill;10 kill;10 .;10 .;10 STOPPED;0 UNKNOWN;never UNKNOWN;never .;10 -;10 .;3 kill;10 .;10 .;10 .;10 .;10
returning    spawn;never .;0 .;0 spawn;never .;never .;never .;0 .;0 .;0 .;0 .;0 .;0 .;never .;never .;0 .;0 .;0 .;0
";

/// The rows of a process that has every hook.
const HOOKED: [&str; 6] = [
    "preparing",
    "unprepared",
    "leaving",
    "asked",
    "cleaning",
    "waiting",
];

/// A process in the state of a row.
fn machine(row: &str, process: &mut Process) -> Machine {
    let mut machine = Machine::default();
    let spawned = || Input::Spawned(77);
    if HOOKED.contains(&row) {
        process.hooks = Some(Box::new(super::hooks::all()));
    }
    let unhealthy = || Input::Unhealthy {
        key: "liveness_check",
        reason: "503".into(),
        restarts: true,
    };
    let path = match row {
        "stopped" => vec![],
        "spawning" => vec![Input::Start],
        "delayed" => {
            let policy = process.policy.get_or_insert_default();
            policy.startdelay = Duration::from_secs(5);
            vec![Input::Start]
        }
        "starting" | "aged" => vec![Input::Start, spawned()],
        "running" => vec![Input::Start, spawned(), Input::Due],
        "backoff" => vec![Input::Start, spawned(), exited(0)],
        "exhausted" => {
            process.startretries = 0;
            vec![Input::Start, spawned(), exited(0)]
        }
        "stopping" => vec![Input::Start, spawned(), Input::Stop],
        "condemned" => vec![Input::Start, spawned(), Input::Condemn("useless".into())],
        "exited" => vec![Input::Start, spawned(), Input::Due, exited(0)],
        "again" => {
            process.autorestart = AutoRestart::Always;
            vec![Input::Start, spawned(), Input::Due, exited(0)]
        }
        "fatal" => vec![Input::Start, spawned(), exited(0), Input::GiveUp],
        "unstoppable" => vec![
            Input::Start,
            spawned(),
            Input::Stop,
            Input::StopFailed("EPERM".into()),
        ],
        "unready" | "overdue" => {
            process.checks.get_or_insert_default().readiness = Some(Readiness::Notify);
            vec![Input::Start, spawned()]
        }
        "retried" => vec![Input::Start, spawned(), unhealthy()],
        "restarted" | "returning" => {
            process.autorestart = AutoRestart::Always;
            let mut path = vec![Input::Start, spawned(), Input::Due, unhealthy()];
            path.extend((row == "returning").then(|| exited(0)));
            path
        }
        "unknown" => vec![Input::Start, spawned(), Input::SignalFailed("EPERM".into())],
        // Its pre_start_hook runs, or has been told to end.
        "preparing" => vec![Input::Start],
        "unprepared" => vec![Input::Start, Input::Stop],
        // Its pre_stop_hook runs, or then its stopcommand.
        "leaving" => vec![
            Input::Start,
            Input::HookEnded(Ok(())),
            spawned(),
            Input::Stop,
        ],
        "asked" => vec![
            Input::Start,
            Input::HookEnded(Ok(())),
            spawned(),
            Input::Stop,
            Input::HookEnded(Ok(())),
        ],
        // Its post_stop_hook runs; then a start waits for that.
        "cleaning" | "waiting" => {
            process.autorestart = AutoRestart::Always;
            let mut path = vec![
                Input::Start,
                Input::HookEnded(Ok(())),
                spawned(),
                Input::Due,
                exited(0),
                Input::Due,
            ];
            if row == "waiting" {
                path.push(Input::Start);
            }
            path
        }
        other => panic!("no row {other}"),
    };
    for input in path {
        machine.step(process, input, at(0), true);
    }
    machine
}

/// What a cell says of these effects and of the machine after them.
fn cell(effects: &[Effect], machine: &Machine, now: Now) -> String {
    let told = told(effects);
    let done: Vec<&str> = told
        .iter()
        .filter_map(|effect| match effect.split_once(" -> ") {
            // A spawn tells the state by itself.
            Some((_, "STARTING")) if told.iter().any(|effect| effect == "spawn") => None,
            Some((_, state)) => Some(state),
            None => ["spawn", "kill", "run", "end"]
                .into_iter()
                .find(|word| effect.split(' ').next() == Some(word)),
        })
        .collect();
    let summary = match (done.is_empty(), told.is_empty()) {
        (false, _) => done.join("+"),
        (true, false) => "-".to_owned(),
        (true, true) => ".".to_owned(),
    };
    let deadline = match machine.deadline() {
        Some(deadline) => deadline.since(now.monotonic).as_secs().to_string(),
        None => "never".to_owned(),
    };
    format!("{summary};{deadline}")
}

#[test]
fn every_state_has_an_answer_to_every_input() {
    let mut rows = TABLE.lines().filter(|line| !line.is_empty());
    let columns: Vec<&str> = rows.next().unwrap().split_whitespace().collect();
    assert_eq!(columns.len(), inputs().len());
    let mut states = std::collections::BTreeSet::new();
    for row in rows {
        let mut expected = row.split_whitespace();
        let name = expected.next().unwrap();
        for (index, (input, restarts_allowed)) in inputs().into_iter().enumerate() {
            let mut process = process();
            process.autorestart = AutoRestart::Never;
            let mut machine = machine(name, &mut process);
            states.insert(machine.state().name());
            let now = at(match name {
                "aged" => 1_000,
                "overdue" => 60_000,
                _ => 0,
            });
            let before = machine.clone();
            let effects = machine.step(&process, input.clone(), now, restarts_allowed);
            let wanted = expected.next().unwrap_or("no cell");
            // The deadline of a process that is left alone is told from where it was set.
            let left_alone = machine.deadline() == before.deadline();
            let seen_from = if left_alone { at(0) } else { now };
            assert_eq!(
                cell(&effects, &machine, seen_from),
                wanted,
                "{name} and {} ({input:?})",
                columns[index]
            );
        }
        assert_eq!(expected.next(), None, "{name} has too many cells");
    }
    assert_eq!(states.len(), 8, "the table has every state: {states:?}");
}

#[test]
fn what_follows_is_stopped_as_by_request_and_tells_why() {
    let rows = TABLE
        .lines()
        .filter_map(|row| row.split_whitespace().next());
    for name in rows.skip(1) {
        let (mut left, mut right) = (process(), process());
        let mut follower = machine(name, &mut left);
        let mut other = machine(name, &mut right);
        let was_up = other.state().is_running() && other.state() != ProcessState::Backoff;
        // What is being stopped for another reason keeps that.
        if !other.reason_of_stop().is_empty() {
            let reason = other.reason_of_stop();
            follower.step(&left, Input::Follow("with db".into()), at(0), true);
            assert_eq!(follower.reason_of_stop(), reason, "{name}");
            continue;
        }
        let told = follower.step(&left, Input::Follow("with db".into()), at(0), true);
        assert_eq!(told, other.step(&right, Input::Stop, at(0), true), "{name}");
        assert_eq!(follower.state(), other.state(), "{name}");
        if !told
            .iter()
            .any(|effect| matches!(effect, Effect::Entered { .. }))
        {
            assert_eq!(follower.reason_of_stop(), "", "{name}");
            continue;
        }
        assert_eq!(follower.spawn_error(), "with db", "{name}");
        if follower.state() == ProcessState::Stopping {
            assert!(was_up);
            assert_eq!(follower.reason_of_stop(), "depends_restart", "{name}");
            // Who asks for its stop meanwhile wants it down for his own reason.
            follower.step(&left, Input::Stop, at(0), true);
            assert_eq!(follower.reason_of_stop(), "", "{name}");
            assert_eq!(follower.spawn_error(), "", "{name}");
            assert_eq!(follower.state(), ProcessState::Stopping, "{name}");
        }
    }
}
