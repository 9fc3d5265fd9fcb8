//! Children for real, by way of the shell and a few standard programs.

mod descriptors;

use super::child::RESET;
use super::*;
use crate::signal::Signal;
use crate::sys::tests::isolated;
use crate::sys::{fd, process, signals};
use crate::termination::Termination;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;

/// How a child ended, what it wrote to stdout and stderr, and what it told the daemon.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    pid: i32,
    status: i32,
    stdout: String,
    stderr: String,
    error: Option<String>,
}

/// What every child does before it has its streams and nothing else, with these after it.
fn steps<'a>(more: &[Step<'a>]) -> Vec<Step<'a>> {
    let mut steps = vec![
        Step::ProcessGroup,
        Step::Signals(Mask::current().unwrap()),
        Step::Streams,
        Step::CloseOthers(1024),
    ];
    steps.extend_from_slice(more);
    steps
}

fn run(words: &[&str], environment: &[(&str, &str)], more: &[Step<'_>]) -> Outcome {
    run_program(words[0], words, environment, more)
}

fn run_program(
    path: &str,
    words: &[&str],
    environment: &[(&str, &str)],
    more: &[Step<'_>],
) -> Outcome {
    run_with(path, words, environment, &steps(more))
}

fn run_with(
    path: &str,
    words: &[&str],
    environment: &[(&str, &str)],
    steps: &[Step<'_>],
) -> Outcome {
    let arguments: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    let environment: Vec<(&[u8], &[u8])> = environment
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let program = Program {
        path,
        file: None,
        arguments: &arguments,
        environment: &environment,
    };
    let [stdin, stdout, stderr] = [(); 3].map(|()| fd::pipe().unwrap());
    let streams = Streams {
        stdin: stdin.read.as_fd(),
        stdout: stdout.write.as_fd(),
        stderr: stderr.write.as_fd(),
    };
    let mut errors = ErrorPipe::new().unwrap();
    let pid = start(program, streams, steps, &mut errors).unwrap();
    drop((stdin, stdout.write, stderr.write));
    let [stdout, stderr] = [stdout.read, stderr.read].map(|end| {
        let mut text = String::new();
        File::from(end).read_to_string(&mut text).unwrap();
        text
    });
    let WaitStatus::Exited(_, status) = waitpid(Pid::from_raw(pid), None).unwrap() else {
        panic!("not an exit");
    };
    Outcome {
        pid,
        status,
        stdout,
        stderr,
        error: errors.take(pid),
    }
}

fn shell(script: &str) -> Outcome {
    run(
        &["/bin/sh", "-c", script],
        &[("PATH", "/usr/bin:/bin")],
        &[],
    )
}

/// The child said this on its stderr, and told the daemon that, with more in brackets.
fn assert_failed(outcome: &Outcome, text: &str, more: &str) {
    let stderr = format!("supervisor: {text}\nsupervisor: child process was not spawned\n");
    let told = match more {
        "" => text.to_owned(),
        more => format!("{text} ({more})"),
    };
    assert_eq!((outcome.status, &outcome.stderr), (127, &stderr));
    assert_eq!(outcome.error.as_deref(), Some(told.as_str()));
    assert_eq!(outcome.stdout, "");
}

#[test]
fn the_environment_is_exactly_what_was_given() {
    let given = [("B", "2"), ("A", "x=y z"), ("=odd", ""), ("EMPTY", "")];
    let outcome = run(&["/usr/bin/env"], &given, &[]);
    assert_eq!(outcome.stdout, "B=2\nA=x=y z\n=odd=\nEMPTY=\n");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert_eq!(outcome.error, None);
}

#[test]
fn the_first_argument_is_the_word_as_written_and_not_the_path() {
    let words = ["my shell", "-c", "echo \"$0|$1\"", "zero", "one two"];
    let outcome = run_program("/bin/sh", &words, &[], &[]);
    assert_eq!(outcome.stdout, "zero|one two\n");
    let outcome = run_program("/bin/cat", &["tom", "/proc/self/cmdline"], &[], &[]);
    assert_eq!(outcome.stdout, "tom\0/proc/self/cmdline\0");
}

#[test]
fn a_child_has_three_descriptors_and_no_other() {
    // One that is inheritable and one of a high number must not get through either.
    let leak = File::open("/dev/null").unwrap();
    // SAFETY: numbers only.
    let high = unsafe { libc::fcntl(leak.as_raw_fd(), libc::F_DUPFD, 900) };
    assert!(high >= 900);
    let outcome = run(&["/bin/ls", "/proc/self/fd"], &[], &[]);
    // SAFETY: opened above.
    unsafe { libc::close(high) };
    // 3 is the directory that ls reads.
    assert_eq!(outcome.stdout, "0\n1\n2\n3\n");
}

#[test]
fn the_streams_are_the_given_ones_even_if_two_are_the_same() {
    let arguments = ["sh", "-c", "echo out; echo err >&2"].map(str::to_owned);
    let program = Program {
        path: "/bin/sh",
        file: None,
        arguments: &arguments,
        environment: &[],
    };
    let (stdin, output) = (fd::pipe().unwrap(), fd::pipe().unwrap());
    let streams = Streams {
        stdin: stdin.read.as_fd(),
        stdout: output.write.as_fd(),
        stderr: output.write.as_fd(),
    };
    let mut errors = ErrorPipe::new().unwrap();
    let pid = start(program, streams, &steps(&[]), &mut errors).unwrap();
    drop(output.write);
    let mut text = String::new();
    File::from(output.read).read_to_string(&mut text).unwrap();
    waitpid(Pid::from_raw(pid), None).unwrap();
    assert_eq!(text, "out\nerr\n");
}

#[test]
fn streams_that_lie_on_the_standard_descriptors_are_not_trodden_on() {
    if isolated(
        module_path!(),
        "streams_that_lie_on_the_standard_descriptors_are_not_trodden_on",
        &[],
    ) {
        return;
    }
    let (null, mut errors) = (File::open("/dev/null").unwrap(), ErrorPipe::new().unwrap());
    let saved = [0, 1, 2].map(|number| {
        // SAFETY: numbers only; the test has its process for itself.
        unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 100) }
    });
    // SAFETY: as above.
    unsafe { libc::close(0) };
    let output = fd::pipe().unwrap();
    let read = File::from(output.read);
    assert_eq!(read.as_raw_fd(), 0);
    let arguments = ["sh", "-c", "echo out; echo err >&2"].map(str::to_owned);
    // SAFETY: as above; 1 now is the pipe's other end.
    unsafe { libc::dup2(output.write.as_raw_fd(), 1) };
    // SAFETY: descriptors 1 and 2 stay open while they are borrowed.
    let (one, two) = unsafe { (BorrowedFd::borrow_raw(1), BorrowedFd::borrow_raw(2)) };
    let program = Program {
        path: "/bin/sh",
        file: None,
        arguments: &arguments,
        environment: &[],
    };
    // What is to be 2 lies on 1, and what is to be 1 lies on 2.
    let streams = Streams {
        stdin: null.as_fd(),
        stdout: two,
        stderr: one,
    };
    let pid = start(program, streams, &steps(&[]), &mut errors).unwrap();
    waitpid(Pid::from_raw(pid), None).unwrap();
    drop(output.write);
    // SAFETY: as above.
    unsafe { libc::dup2(saved[1], 1) };
    let mut text = String::new();
    (&read).read_to_string(&mut text).unwrap();
    assert_eq!(text, "err\n");
}

#[test]
fn a_child_leads_a_process_group_in_the_session_of_the_daemon() {
    let outcome = shell("read line < /proc/self/stat; echo $line; echo $$");
    let stat: Vec<&str> = outcome.stdout.split_whitespace().collect();
    assert_eq!(stat[4], outcome.pid.to_string());
    let session = unistd::getsid(None).unwrap();
    assert_eq!(stat[5], session.to_string());
}

#[test]
fn umask_and_directory_are_those_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let steps = [Step::Directory(path.to_str().unwrap()), Step::Umask(0o137)];
    let outcome = run(&["/bin/sh", "-c", "umask; pwd -P"], &[], &steps);
    assert_eq!(outcome.stdout, format!("0137\n{}\n", path.display()));
}

/// A folder with an executable file of that text in it, and the path of the file.
fn script(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("script");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn failures_of_exec_are_told_by_the_child_which_exits_with_127() {
    let (_folder, plain) = script("echo no interpreter line\n");
    for (path, word, reason, more) in [
        ("/nowhere", "word", "ENOENT", "No such file or directory"),
        ("/etc", "etc", "EACCES", "Permission denied"),
        ("/etc/passwd/x", "x", "ENOTDIR", "Not a directory"),
        (&plain, "./plain", "ENOEXEC", "Exec format error"),
    ] {
        let outcome = run_program(path, &[word], &[], &[]);
        assert_failed(&outcome, &format!("couldn't exec {word}: {reason}"), more);
    }
    let null = "embedded null byte";
    let name = "illegal environment variable name";
    for (words, environment, reason) in [
        (&["echo", "a\0b"][..], &[][..], null),
        (&["echo"], &[("A", "\0")], null),
        (&["echo"], &[("A=B", "c")], name),
        (&["echo"], &[("", "c")], name),
    ] {
        let outcome = run_program("/bin/echo", words, environment, &[]);
        assert_failed(&outcome, &format!("couldn't exec /bin/echo: {reason}"), "");
    }
    let long = "x".repeat(4 << 20);
    let outcome = run(&["/bin/echo", &long], &[], &[]);
    let text = "couldn't exec /bin/echo: E2BIG";
    assert_failed(&outcome, text, "Argument list too long");
}

#[test]
fn a_file_that_is_there_and_is_not_found_lacks_its_interpreter() {
    for (text, more) in [
        (
            "#!/no/such/interpreter -x\n",
            "its interpreter /no/such/interpreter is missing",
        ),
        (
            "#! /no/such/interpreter",
            "its interpreter /no/such/interpreter is missing",
        ),
        (
            "#!/bin/sh\r\nexit 0\r\n",
            "its interpreter /bin/sh\\r is missing",
        ),
    ] {
        let (_folder, path) = script(text);
        let outcome = run(&[&path], &[], &[]);
        assert_failed(&outcome, &format!("couldn't exec {path}: ENOENT"), more);
    }
    let (_folder, lacking) = script("#!/no/such/interpreter\n");
    let (_other, path) = script(&format!("#!{lacking}\n"));
    let outcome = run(&[&path], &[], &[]);
    let more =
        format!("its interpreter {lacking}: its interpreter /no/such/interpreter is missing");
    assert_failed(&outcome, &format!("couldn't exec {path}: ENOENT"), &more);
    // A program that wants a loader which this system has not.
    let mut program = std::fs::read("/bin/true").unwrap();
    let loader = program.windows(5).position(|bytes| bytes == b"/lib6");
    if let Some(at) = loader {
        program[at + 1..at + 4].copy_from_slice(b"non");
        let (_folder, path) = script("");
        std::fs::write(&path, program).unwrap();
        let outcome = run(&[&path], &[], &[]);
        let lacking = "the file is there, its dynamic loader is not";
        assert_failed(&outcome, &format!("couldn't exec {path}: ENOENT"), lacking);
        let (_other, word) = script(&format!("#!{path}\n"));
        let outcome = run(&[&word], &[], &[]);
        let more = format!("its interpreter {path}: {lacking}");
        assert_failed(&outcome, &format!("couldn't exec {word}: ENOENT"), &more);
    }
}

#[test]
fn a_directory_that_cannot_be_entered_is_a_failure() {
    for (directory, reason, more) in [
        ("/nowhere at all", "ENOENT", "No such file or directory"),
        ("/etc/passwd", "ENOTDIR", "Not a directory"),
        ("a\0b", "embedded null byte", ""),
    ] {
        let outcome = run(&["/bin/true"], &[], &[Step::Directory(directory)]);
        let text = format!("couldn't chdir to {directory}: {reason}");
        assert_failed(&outcome, &text, more);
    }
}

#[test]
fn a_child_whose_stderr_takes_nothing_is_heard_all_the_same() {
    let arguments = ["x".to_owned()];
    let program = Program {
        path: "/nowhere",
        file: None,
        arguments: &arguments,
        environment: &[],
    };
    let (null, pipe) = (File::open("/dev/null").unwrap(), fd::pipe().unwrap());
    let streams = Streams {
        stdin: null.as_fd(),
        stdout: null.as_fd(),
        // This end cannot be written to.
        stderr: pipe.read.as_fd(),
    };
    let mut errors = ErrorPipe::new().unwrap();
    let pid = start(program, streams, &steps(&[]), &mut errors).unwrap();
    let ended = waitpid(Pid::from_raw(pid), None).unwrap();
    assert_eq!(ended, WaitStatus::Exited(Pid::from_raw(pid), NOT_SPAWNED));
    let text = "couldn't exec x: ENOENT (No such file or directory)";
    assert_eq!(errors.take(pid).as_deref(), Some(text));
}

#[test]
fn the_first_step_that_fails_is_told_and_those_after_it_are_not_done() {
    let user = Step::RefusedUser {
        uid: 4711,
        reason: "Can't drop privilege as nonroot user".to_owned(),
    };
    let outcome = run(&["/bin/true"], &[], &[user, Step::Directory("/nowhere")]);
    let text = "couldn't setuid to 4711: Can't drop privilege as nonroot user";
    assert_failed(&outcome, text, "");
}

#[test]
fn what_fails_before_the_streams_have_their_places_is_told_on_the_child_s_own() {
    let mut steps = steps(&[]);
    steps.insert(2, Step::Directory("/nowhere"));
    let outcome = run_with("/bin/true", &["true"], &[], &steps);
    let text = "couldn't chdir to /nowhere: ENOENT";
    assert_failed(&outcome, text, "No such file or directory");
}

#[test]
fn a_child_becomes_the_user_or_says_that_it_cannot() {
    let user = Step::User {
        uid: 65534,
        gid: 65533,
        groups: vec![65533, 7],
    };
    let words = ["/bin/sh", "-c", "id -u; id -g; id -G"];
    let outcome = run(&words, &[("PATH", "/usr/bin:/bin")], &[user]);
    if process::effective_uid() == 0 {
        assert_eq!(outcome.stdout, "65534\n65533\n65533 7\n");
    } else {
        let text = "couldn't setuid to 65534: Could not set groups of effective user";
        assert_failed(&outcome, text, "Operation not permitted");
    }
}

#[test]
fn caught_signals_are_default_again_and_pipe_signals_stay_ignored() {
    if isolated(
        module_path!(),
        "caught_signals_are_default_again_and_pipe_signals_stay_ignored",
        &[],
    ) {
        return;
    }
    signals::ignore_pipe_signals().unwrap();
    let steps = steps(&[]);
    let caught = [Signal::TERM, Signal::CHLD, Signal::HUP];
    let (_signals, _read) = signals::Signals::install(&caught).unwrap();
    // As nohup leaves it.
    // SAFETY: no handler function is involved.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    // Whatever the daemon blocks for itself is nothing to its children.
    Mask::block_all().unwrap();
    let outcome = run_with("/bin/cat", &["cat", "/proc/self/status"], &[], &steps);
    let mask = |key: &str| {
        let line = outcome.stdout.lines().find(|line| line.starts_with(key));
        let (_, digits) = line.unwrap().split_once('\t').unwrap();
        u64::from_str_radix(digits, 16).unwrap()
    };
    assert_eq!(mask("SigBlk:"), 0);
    assert_eq!(mask("SigCgt:"), 0);
    // Whoever runs the test may have ignored others.
    let reset = RESET
        .iter()
        .fold(0_u64, |set, number| set | 1 << (number - 1));
    assert_eq!(mask("SigIgn:") & (0x0100_1000 | reset), 0x0100_1000);
}

#[test]
fn a_fork_that_fails_tells_its_number_and_leaves_the_mask() {
    if isolated(
        module_path!(),
        "a_fork_that_fails_tells_its_number_and_leaves_the_mask",
        &[],
    ) {
        return;
    }
    if process::effective_uid() == 0 {
        // The limit does not count for root.
        crate::sys::privileges::switch_to(65534, 65534, &[]).unwrap();
    }
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NPROC, 0, 0).unwrap();
    let null = File::open("/dev/null").unwrap();
    let streams = Streams {
        stdin: null.as_fd(),
        stdout: null.as_fd(),
        stderr: null.as_fd(),
    };
    let program = Program {
        path: "/bin/true",
        file: None,
        arguments: &[],
        environment: &[],
    };
    let blocked = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("SigBlk:"));
        line.unwrap().to_owned()
    };
    let before = blocked();
    let mut errors = ErrorPipe::new().unwrap();
    let outcome = start(program, streams, &steps(&[]), &mut errors);
    assert_eq!(outcome, Err(libc::EAGAIN));
    assert_eq!(blocked(), before);
    assert_eq!(
        crate::sys::wait::reap().unwrap(),
        None::<(i32, Termination)>
    );
}
