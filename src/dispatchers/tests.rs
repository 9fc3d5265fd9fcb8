//! Pipes of a child that the next program of the daemon goes on with, in the midst of what the
//! child says.

use std::cell::RefCell;
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use crate::config::delivery::WhenSlow;
use crate::config::line_format::LineFormat;
use crate::config::{Output, Process, testing};
use crate::dispatchers::input::InputDispatcher;
use crate::dispatchers::line_logs::LineLogs;
use crate::dispatchers::output::{Logs, NextLogs, OutputDispatcher, Report, ReportedKind};
use crate::log_level::Level;
use crate::loggers::form::Column;
use crate::loggers::logger::Logger;
use crate::loggers::ring::Ring;
use crate::loggers::rotation::Rotation;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::sys::fd::{self, Pipe};
use crate::sys::poller::Interest;
use crate::sys::spawn::ErrorPipe;
use crate::sys::tests::handed_over;
use crate::sys::time;
use crate::tokens::{Channel, FdOwner, GroupId, ProcessId};

const ID: ProcessId = ProcessId {
    group: GroupId(1),
    index: 0,
};

fn context() -> LoopContext {
    let logger = Logger::new(Level::Info, "supervisord");
    LoopContext::new(logger, ErrorPipe::new().unwrap(), time::now()).unwrap()
}

fn open(context: &mut LoopContext, path: &str) -> LogUse {
    let user = LogUser {
        process: "cat",
        channel: Channel::Stdout,
        syslog: None,
        counts: None,
    };
    context.open_log(user, path, Rotation::NEVER).unwrap()
}

#[test]
fn output_that_was_cut_anywhere_goes_on_in_the_next_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let mut context = context();
    let process = Process {
        stdout: Output {
            capture_maxbytes: 100,
            ..testing::process("cat").stdout
        },
        ..testing::process("cat")
    };
    let process = Rc::new(process);
    let mut lines = LineLogs::new(Rc::from("g"), WhenSlow::Wait);
    let formatted = open(&mut context, &path("lines.log"));
    lines.add(formatted, LineFormat::Prefix, Column::default());
    let logs = Logs {
        raw: vec![open(&mut context, &path("raw.log"))],
        lines: Some(Box::new(lines)),
        counts: None,
    };
    let Pipe { read, write } = fd::nonblocking_pipe().unwrap();
    let owner = FdOwner::Output(ID, Channel::Stdout);
    let token = context
        .poller
        .register(read, Interest::READ, owner)
        .unwrap();
    let mut output = OutputDispatcher::new(
        Rc::clone(&process),
        Channel::Stdout,
        token,
        logs,
        Report::Messages,
        true,
    );
    output.set_pid(17);
    output.await_text("ready now");
    let ring = Rc::new(RefCell::new(Ring::new(1000, true)));
    output.keep_in(Some(Rc::clone(&ring)));
    // Each piece is the last that one program reads: half a line, half a sequence of a terminal,
    // half a text that is waited for, half a token, half a message.
    let mut ring = ring;
    let mut told = Vec::new();
    for piece in [
        "one \x1b",
        "[1",
        "mtwo\nis rea",
        "dy now\n<!--XSUPER",
        "VISOR:BEGIN-->message",
        " and more<!--XSUPERVISOR:END",
        "-->three\n",
    ] {
        fd::write(write.as_fd(), piece.as_bytes()).unwrap();
        output.read(&mut context);
        told.extend(output.take_reported());
        let all = (context, (ring, output));
        let (next, (next_ring, next_output)) = handed_over(&all);
        drop(all);
        (context, ring, output) = (next, next_ring, next_output);
    }
    assert!(output.is(token));
    let raw = fs::read_to_string(path("raw.log")).unwrap();
    assert_eq!(raw, "one two\nis ready now\nthree\n");
    let lines = fs::read_to_string(path("lines.log")).unwrap();
    assert_eq!(lines, "cat | one two\ncat | is ready now\ncat | three\n");
    let mut kept = vec![0; raw.len()];
    assert_eq!(ring.borrow().read_at(&mut kept, 0), raw.len());
    assert_eq!(String::from_utf8(kept).unwrap(), raw);
    let kinds: Vec<ReportedKind> = told.iter().map(|told| told.kind).collect();
    assert_eq!(kinds, [ReportedKind::Ready, ReportedKind::Message]);
    assert_eq!(told[1].bytes, b"message and more");
    assert!(told.iter().all(|told| told.pid == 17));
}

#[test]
fn output_whose_logs_change_at_the_end_of_a_line_changes_them_in_the_next_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let mut context = context();
    let process = Rc::new(testing::process("cat"));
    let Pipe { read, write } = fd::nonblocking_pipe().unwrap();
    let owner = FdOwner::Output(ID, Channel::Stdout);
    let token = context
        .poller
        .register(read, Interest::READ, owner)
        .unwrap();
    let logs = |log| Logs {
        raw: vec![log],
        ..Logs::default()
    };
    let before = logs(open(&mut context, &path("before.log")));
    let report = Report::Messages;
    let mut output = OutputDispatcher::new(process, Channel::Stdout, token, before, report, false);
    fd::write(write.as_fd(), b"half a ").unwrap();
    output.read(&mut context);
    let after = logs(open(&mut context, &path("after.log")));
    let next = NextLogs {
        logs: after,
        ring: None,
        own_users: 1,
    };
    output.change_logs(&mut context, next);
    let deadline = output.line_deadline();
    assert!(deadline.is_some());

    let (mut context, mut output) = handed_over(&(context, output));
    assert_eq!(output.line_deadline(), deadline);
    fd::write(write.as_fd(), b"line\nnew\n").unwrap();
    output.read(&mut context);
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    assert_eq!(read("before.log"), "half a line\n");
    assert_eq!(read("after.log"), "new\n");
    assert_eq!(output.line_deadline(), None);
}

#[test]
fn what_a_child_has_not_read_is_written_by_the_next_program() {
    let mut context = context();
    let Pipe { read, write } = fd::nonblocking_pipe().unwrap();
    let owner = FdOwner::Input(ID);
    let token = context
        .poller
        .register(write, Interest::NONE, owner)
        .unwrap();
    let mut input = InputDispatcher::new(token);
    let data: Vec<u8> = (0..400_000_u32).map(|n| (n % 251) as u8).collect();
    input.write(&mut context, &data).unwrap();
    let mut taken = vec![0; 10_000];
    fs::File::from(read.try_clone().unwrap())
        .read_exact(&mut taken)
        .unwrap();
    input.flush(&mut context);
    let unread = input.unread(&context);
    assert_eq!(unread, data.len() - taken.len());

    let (mut next, mut input) = handed_over(&(context, input));
    assert_eq!(input.unread(&next), unread);
    let mut read = fs::File::from(read);
    let mut room = vec![0; 100_000];
    let mut ready = Vec::new();
    while taken.len() < data.len() {
        let count = read.read(&mut room).unwrap();
        taken.extend_from_slice(&room[..count]);
        next.poller.wait(Some(Duration::ZERO), &mut ready).unwrap();
        for event in ready.drain(..) {
            assert_eq!((event.owner, event.writable), (owner, true));
            input.flush(&mut next);
        }
    }
    assert!(taken == data);
    assert!(input.is_empty());
}
