//! What waits for processes, as the next program has it.

use std::collections::VecDeque;
use std::fs;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::scale::{Scaled, ScaledProgram};
use crate::config::{self, GroupKind};
use crate::http::access::Access;
use crate::http::content::Content;
use crate::http::outbox::Outbox;
use crate::loggers::window::{self, LogPlace, WindowLimit};
use crate::rpc::interface::push_log;
use crate::rpc::job::{Change, Job, JobAnswer, JobStep, JobTarget};
use crate::rpc::pending::{
    Awaited, AwaitedProcess, Condition, ConfigRow, Ending, Goal, Listing, Multicall, Pause,
    PendingAction, Rows, Slot,
};
use crate::snapshot::tests::carried;
use crate::supervisor::scale::Scaling;
use crate::sys::tests::handed_over;
use crate::tokens::{GroupId, ProcessId};
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

const NOW: Monotonic = Monotonic(Duration::new(1_000, 1));

fn id(index: u32) -> ProcessId {
    let group = GroupId(7);
    ProcessId { group, index }
}

fn stopping() -> AwaitedProcess {
    AwaitedProcess {
        id: id(1),
        name: "web:\"1\"".to_owned(),
        goal: Goal::Stopped {
            child: 4711,
            report_at: NOW,
        },
    }
}

fn starting() -> AwaitedProcess {
    AwaitedProcess {
        id: id(2),
        name: "web:2".to_owned(),
        goal: Goal::Started,
    }
}

fn several() -> PendingAction {
    let told = Value::Struct(vec![("status".to_owned(), Value::Int(80))]);
    let slots = [Slot::Finished(told), Slot::Awaited(starting())];
    PendingAction::Several(slots.into())
}

/// The same to whoever looks at it.
#[track_caller]
fn assert_same(a: &impl std::fmt::Debug, b: &impl std::fmt::Debug) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn what_waits_goes_over_as_it_is() {
    let awaited = Awaited {
        ids: vec![id(1), id(2)],
        name: "web".to_owned(),
        condition: Condition::Healthy,
        deadline: NOW,
    };
    let actions = vec![
        PendingAction::Process(stopping()),
        several(),
        PendingAction::Condition(Box::new(awaited)),
    ];
    assert_same(&carried(&actions), &actions);
    assert_eq!(carried(&actions)[0].next_poll(), Some(NOW));
}

#[test]
fn a_list_goes_over_with_the_rows_that_are_written() {
    let row = ConfigRow {
        group: 3,
        place: 4,
        active: Some(GroupId(7)),
        process: None,
    };
    let all = [
        Rows::State(vec![id(1), id(2)]),
        Rows::Figures(vec![id(2)]),
        Rows::Config {
            rows: vec![row],
            rereads: 2,
        },
    ];
    for rows in all {
        let mut content = Content::default();
        content.text().push_str("<array>&lt;");
        let listing = PendingAction::Listing(Box::new(Listing {
            rows,
            written: 1,
            content,
            turn: NOW,
        }));
        assert_same(&carried(&listing), &listing);
    }
}

#[test]
fn a_multicall_goes_over_half_done_with_an_open_log() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log").to_str().unwrap().to_owned();
    fs::write(&path, "a<b\n".repeat(100_000)).unwrap();
    let limit = WindowLimit::default();
    let log = |content: &mut Content| {
        let window = window::read(LogPlace::Path(&path), 0, 0).unwrap();
        push_log(content, window, limit.admit().unwrap());
    };
    let mut finished = Content::default();
    finished.text().push_str("<data>");
    log(&mut finished);
    finished.text().push_str("more");
    let mut expected = Content::default();
    expected.text().push_str("<data>");
    log(&mut expected);
    expected.text().push_str("more");
    let remaining = [
        Value::Double(-0.1),
        Value::Double(f64::INFINITY),
        Value::Struct(vec![("params".to_owned(), Value::Array(vec![Value::Nil]))]),
        Value::Bool(true),
        Value::DateTime("20261201T00:00:00".to_owned()),
    ];
    let multicall = PendingAction::Multicall(Box::new(Multicall {
        access: Access::Full,
        pause: Pause::Call(Box::new(PendingAction::Process(stopping()))),
        remaining: remaining.to_vec().into(),
        finished,
    }));
    let both = (limit, multicall);
    let (next_limit, next) = handed_over(&both);
    fs::remove_file(&path).unwrap();
    let PendingAction::Multicall(next) = next else {
        panic!("{next:?}");
    };
    assert_eq!(next.access, Access::Full);
    assert_eq!(Vec::from(next.remaining), remaining);
    match next.pause {
        Pause::Call(call) => assert_same(&call, &PendingAction::Process(stopping())),
        Pause::Turn(_) => panic!("it waits for its call"),
    }
    assert_eq!(next.finished.logs(), 1);
    // The open log is one of those that may be open.
    let admits = |limit: &WindowLimit| {
        let permits: Vec<_> = std::iter::from_fn(|| limit.admit()).collect();
        permits.len()
    };
    assert_eq!(admits(&next_limit), admits(&WindowLimit::default()) - 1);
    let (found, expected) = (sent(next.finished), sent(expected));
    assert!(found.len() > 400_000 && found == expected);
}

fn sent(mut content: Content) -> Vec<u8> {
    let (mut buffer, mut output) = (Vec::new(), Outbox::default());
    while content.measure(&mut buffer).unwrap().is_none() {}
    while content.produce(&mut buffer, &mut output).unwrap() {}
    let mut bytes = Vec::new();
    while !output.is_empty() {
        let (slices, size) = output.offer();
        let slices = slices.iter().flat_map(|slice| slice.iter());
        bytes.extend(slices.copied());
        output.consume(size);
    }
    bytes
}

#[test]
fn a_job_goes_over_with_each_kind_of_step_and_with_who_waits_for_it() {
    let group = |priority| {
        Rc::new(config::Group {
            name: "web".to_owned(),
            priority,
            kind: GroupKind::Programs,
            processes: Vec::new(),
        })
    };
    let configured = group(1);
    let scaled = Scaled {
        configured: Rc::clone(&configured),
        programs: vec![ScaledProgram {
            section: "program:web".to_owned(),
            member: 2,
            number: 4,
        }],
    };
    let steps = [
        JobStep::Stop(JobTarget::All),
        JobStep::Stop(JobTarget::Name("web:*".to_owned())),
        JobStep::Start(JobTarget::Together(vec!["a".to_owned(), "b".to_owned()])),
        JobStep::StopGroup("web".to_owned()),
        JobStep::Replace("web".to_owned()),
        JobStep::Update("web".to_owned()),
        JobStep::Renew("web".to_owned(), vec![id(1)]),
        JobStep::Leave(vec!["web:1".to_owned()]),
        JobStep::Scale(Box::new(Scaling {
            group: GroupId(7),
            configured: Rc::clone(&configured),
            config: group(2),
            scaled: Some(Box::new(scaled)),
        })),
    ];
    let mut job = Job::new(VecDeque::from(steps), JobAnswer::Several, true);
    for change in [
        Change::Stop,
        Change::Start,
        Change::Remove,
        Change::Update,
        Change::Add,
        Change::Scale,
        Change::Skip,
    ] {
        let fault = Fault::with(FaultCode::Failed, "no");
        job.note(change, "web:1", Err(fault));
    }
    job.under_way = Some((Change::Stop, "web:1".to_owned(), several()));
    job.have_run.push(id(2));
    job.is_rolling = true;
    job.turn = Some(NOW);
    let caller = PendingAction::Job(Rc::clone(&job.ending));
    let both = (vec![job], vec![caller]);
    let (mut jobs, callers) = carried(&both);
    assert_same(&(&jobs, &callers), &both);
    let step = jobs[0].steps.back();
    let Some(JobStep::Scale(scaling)) = step else {
        panic!("{step:?}");
    };
    let scaled = scaling.scaled.as_ref().unwrap();
    assert!(Rc::ptr_eq(&scaled.configured, &scaling.configured));
    // What it comes to there reaches its caller.
    jobs[0].finish();
    let PendingAction::Job(ending) = &callers[0] else {
        panic!("{callers:?}");
    };
    assert!(matches!(ending.get(), Some(Ok(Value::Array(entries))) if entries.len() == 7));
}

#[test]
fn what_a_job_came_to_goes_over_to_who_has_not_asked_yet() {
    for result in [
        Ok(Value::Bool(true)),
        Err(Fault::with(FaultCode::Failed, "é\u{1b}")),
    ] {
        let ending = Ending::default();
        ending.set(result).unwrap();
        let action = PendingAction::Job(ending);
        assert_same(&carried(&action), &action);
    }
}
