//! Helpers for real, by way of the shell.

use super::*;
use crate::log_level::Level;
use crate::loggers::logger::Logger;
use crate::sys::signals::Mask;
use crate::sys::spawn::ErrorPipe;
use crate::sys::tests::until;
use crate::sys::{processes, time, wait};
use std::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

fn start(
    words: &[&str],
    input: &[u8],
    time_limit: Duration,
    output_limit: usize,
) -> (LoopContext, Helper) {
    let log = Logger::new(Level::Critical, "test");
    let mut context = LoopContext::new(log, ErrorPipe::new().unwrap(), time::now()).unwrap();
    let arguments: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    let task = Task {
        program: Program {
            path: words[0],
            file: None,
            arguments: &arguments,
            environment: &[(b"PATH", b"/usr/bin:/bin")],
        },
        steps: &[
            Step::ProcessGroup,
            Step::Signals(Mask::current().unwrap()),
            Step::Streams,
            Step::CloseOthers(1024),
        ],
        input,
        time_limit,
        output_limit,
    };
    let helper = Helper::start(&mut context, task).unwrap();
    (context, helper)
}

/// Runs a command as the loop does, until its end.
fn run(
    words: &[&str],
    input: &[u8],
    time_limit: Duration,
    output_limit: usize,
) -> (HelperEnd, String) {
    let (mut context, mut helper) = start(words, input, time_limit, output_limit);
    let pid = helper.pid();
    let begun = Instant::now();
    let mut ready = Vec::new();
    loop {
        assert!(begun.elapsed() < MINUTE, "it does not end");
        let pause = Some(Duration::from_millis(5));
        context.poller.wait(pause, &mut ready).unwrap();
        for event in &ready {
            assert_eq!(event.owner, FdOwner::Helper(pid));
            helper.handle(&mut context, event.token);
        }
        if context.timers.pop_due(time::monotonic()) == Some(Timer::Helper(pid)) {
            helper.expire().unwrap();
        }
        if let Some(termination) = wait::reap_child(pid).unwrap() {
            let error = context.error_pipe.take(pid);
            let (end, output) = helper.finish(&mut context, termination, error);
            assert!(!context.timers.is_set(Timer::Helper(pid)));
            return (end, String::from_utf8(output).unwrap());
        }
    }
}

fn shell(
    script: &str,
    input: &[u8],
    time_limit: Duration,
    output_limit: usize,
) -> (HelperEnd, String) {
    run(&["/bin/sh", "-c", script], input, time_limit, output_limit)
}

#[test]
fn a_helper_reads_its_input_and_its_output_is_kept_with_its_end() {
    let (end, output) = shell("cat; echo to stderr >&2; exit 3", b"a text\n", MINUTE, 100);
    assert_eq!(end, HelperEnd::Ended(Termination::Exited(3)));
    assert_eq!(output, "a text\nto stderr\n");
}

#[test]
fn input_that_no_pipe_holds_is_written_as_it_is_read() {
    let input = vec![b'x'; 1 << 20];
    let (end, output) = shell("sleep 0.1; wc -c", &input, MINUTE, 100);
    assert_eq!(end, HelperEnd::Ended(Termination::Exited(0)));
    assert_eq!(output.trim(), "1048576");
    // Nor does it matter that it is not read.
    let (end, _) = shell("exit 0", &input, MINUTE, 0);
    assert_eq!(end, HelperEnd::Ended(Termination::Exited(0)));
}

#[test]
fn output_beyond_the_limit_is_dropped_and_holds_nobody_up() {
    for limit in [0, 5] {
        let script = "echo 123456789; dd if=/dev/zero bs=64k count=16 2>/dev/null";
        let (end, output) = shell(script, b"", MINUTE, limit);
        assert_eq!(end, HelperEnd::Ended(Termination::Exited(0)));
        assert_eq!(output, &"12345"[..limit]);
    }
}

#[test]
fn what_was_written_before_the_end_is_kept_though_nobody_has_read_it_yet() {
    let (mut context, helper) = start(&["/bin/echo", "last words"], b"", MINUTE, 100);
    let mut ended = None;
    until("it ends", || {
        ended = wait::reap_child(helper.pid()).unwrap();
        ended.is_some()
    });
    let (_, output) = helper.finish(&mut context, ended.unwrap(), None);
    assert_eq!(output, b"last words\n");
}

#[test]
fn one_whose_time_is_over_is_killed_with_its_group() {
    // The second one has the pipe as well, so that its end is the end of the output.
    let (end, output) = shell(
        "trap '' TERM; sleep 600 & echo $!; wait",
        b"",
        Duration::from_secs(2),
        100,
    );
    let HelperEnd::Overdue(Termination::Signaled { signal, .. }) = end else {
        panic!("{end:?}");
    };
    assert_eq!(signal, libc::SIGKILL);
    let other: i32 = output.trim().parse().unwrap();
    until("the other one is killed", || {
        processes::stat(other).is_none_or(|stat| stat.is_zombie)
    });
}

#[test]
fn what_others_still_hold_open_is_not_waited_for() {
    let (end, output) = shell("sleep 600 >&2 & echo $!", b"", MINUTE, 100);
    assert_eq!(end, HelperEnd::Ended(Termination::Exited(0)));
    kill::kill(output.trim().parse().unwrap(), Signal::KILL).unwrap();
}

#[test]
fn one_that_cannot_be_run_says_why() {
    let (end, _) = run(&["/nowhere/at/all"], b"text", MINUTE, 0);
    let reason = "couldn't exec /nowhere/at/all: ENOENT (No such file or directory)";
    assert_eq!(end, HelperEnd::NotStarted(reason.to_owned()));
}
