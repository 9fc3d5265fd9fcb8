//! Children in the daemon's memory, beside it, and out of it again.

use super::*;
use crate::sys::fd;
use crate::sys::kill::kill;
use crate::sys::spawn::tests::surroundings;
use crate::sys::spawn::{Identity, Program, SpawnCredentials, Streams, Surroundings};
use crate::sys::testing::{isolated, until};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

/// Starts a shell; its pid and the end of its output.
fn start(nursery: &mut Nursery, script: &str, surroundings: Surroundings) -> (i32, OwnedFd) {
    let arguments = ["sh", "-c", script].map(str::to_owned);
    let program = Program {
        path: "/bin/sh",
        arguments: &arguments,
        environment: &[(b"PATH", b"/usr/bin:/bin")],
    };
    let (null, output) = (File::open("/dev/null").unwrap(), fd::pipe().unwrap());
    let streams = Streams {
        stdin: null.as_fd(),
        stdout: output.write.as_fd(),
        stderr: output.write.as_fd(),
    };
    let spawn = Spawn::new(program, streams, surroundings);
    (nursery.spawn(spawn).unwrap(), output.read)
}

/// What a child wrote until its end.
fn text(nursery: &mut Nursery, pid: i32, output: OwnedFd) -> String {
    until("the child's end", || {
        let ended = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
        ended.unwrap() != WaitStatus::StillAlive
    });
    nursery.forget(pid);
    let mut text = String::new();
    File::from(output).read_to_string(&mut text).unwrap();
    text
}

/// Takes the low numbers, as many programs would.
fn many_descriptors() -> Vec<File> {
    let (_, limit) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, limit, limit).unwrap();
    (0..200).map(|_| File::open("/dev/null").unwrap()).collect()
}

#[test]
fn a_hundred_children_at_once_are_all_what_they_were_to_be() {
    let mut nursery = Nursery::default();
    let children: Vec<_> = (0..100)
        .map(|number| start(&mut nursery, &format!("echo {number}"), surroundings()))
        .collect();
    for (number, (pid, output)) in children.into_iter().enumerate() {
        assert_eq!(text(&mut nursery, pid, output), format!("{number}\n"));
    }
    until("all have left", || {
        nursery.tidy();
        nursery.cradles.iter().all(|cradle| cradle.child.is_none())
    });
    nursery.shrink();
    assert!(nursery.cradles.len() <= 1);
}

#[test]
fn a_child_beside_many_descriptors_has_its_three_and_the_daemon_keeps_its_own() {
    if isolated(
        module_path!(),
        "a_child_beside_many_descriptors_has_its_three_and_the_daemon_keeps_its_own",
        &[],
    ) {
        return;
    }
    let files = many_descriptors();
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let mut nursery = Nursery::default();
    let (pid, output) = start(&mut nursery, "ls /proc/self/fd", surroundings());
    // 3 is the directory that ls reads.
    assert_eq!(text(&mut nursery, pid, output), "0\n1\n2\n3\n");
    let before = open();
    let mut others = Vec::new();
    let mut identities = vec![Identity::Inherited];
    if process::effective_uid() == 0 {
        identities.push(Identity::SwitchTo(SpawnCredentials {
            uid: 65534,
            gid: 65534,
            groups: Vec::new(),
        }));
    }
    for number in 0..60 {
        let surroundings = Surroundings {
            identity: identities[number % identities.len()].clone(),
            ..surroundings()
        };
        let script = format!("echo {number}; ls /proc/self/fd");
        others.push(start(&mut nursery, &script, surroundings));
    }
    for (number, (pid, output)) in others.into_iter().enumerate() {
        assert_eq!(
            text(&mut nursery, pid, output),
            format!("{number}\n0\n1\n2\n3\n")
        );
    }
    until("all have left", || {
        nursery.tidy();
        open() == before
    });
    for file in &files {
        file.metadata().unwrap();
    }
    assert!(
        std::fs::read_dir("/proc/self/fd").unwrap().count() >= files.len(),
        "the daemon's own were closed"
    );
}

#[test]
fn the_end_of_a_pipe_that_a_child_was_lent_is_let_go() {
    if isolated(
        module_path!(),
        "the_end_of_a_pipe_that_a_child_was_lent_is_let_go",
        &[],
    ) {
        return;
    }
    let _files = many_descriptors();
    let mut nursery = Nursery::default();
    let (pid, output) = start(&mut nursery, "exec >&- 2>&- sleep 600", surroundings());
    let first = nursery.next_look();
    assert_eq!(nursery.next_look(), None, "only once");
    nursery.look();
    let second = nursery.next_look();
    // It may have left before that was asked.
    assert!(second.is_none() || second > first, "less and less often");
    until("the child's closing is seen", || {
        nursery.tidy();
        fd::has_hung_up(output.as_fd())
    });
    kill(pid, crate::signal::Signal::KILL).unwrap();
    waitpid(Pid::from_raw(pid), None).unwrap();
}

#[test]
fn children_that_hang_on_the_disk_of_their_program_stop_nobody() {
    if isolated(
        module_path!(),
        "children_that_hang_on_the_disk_of_their_program_stop_nobody",
        &[],
    ) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("program");
    std::fs::copy("/bin/true", &path).unwrap();
    // exec waits until the lease is given up.
    let lease = File::open(&path).unwrap();
    // SAFETY: numbers only, and no handler function.
    unsafe {
        libc::signal(libc::SIGIO, libc::SIG_IGN);
        let taken = libc::fcntl(lease.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK);
        assert_eq!(taken, 0, "{}", std::io::Error::last_os_error());
    }
    let mut nursery = Nursery::default();
    let script = format!("exec {}", path.display());
    let program = Program {
        path: path.to_str().unwrap(),
        arguments: &[script],
        environment: &[],
    };
    let null = File::open("/dev/null").unwrap();
    let streams = Streams {
        stdin: null.as_fd(),
        stdout: null.as_fd(),
        stderr: null.as_fd(),
    };
    // More than there is room for: the last ones are forked.
    let hanging: Vec<i32> = (0..CRADLES + 3)
        .map(|_| {
            nursery
                .spawn(Spawn::new(program, streams, surroundings()))
                .unwrap()
        })
        .collect();
    // Where memory is not shared there are none, and nobody is held up either.
    assert!(nursery.cradles.iter().all(|cradle| cradle.child.is_some()));
    assert_eq!(nursery.is_refused, nursery.cradles.is_empty());
    let (pid, output) = start(&mut nursery, "echo another", surroundings());
    assert_eq!(text(&mut nursery, pid, output), "another\n");
    // One that is killed there leaves its place to others.
    kill(hanging[0], crate::signal::Signal::KILL).unwrap();
    until("a place is free", || {
        nursery.tidy();
        let mut cradles = nursery.cradles.iter();
        nursery.is_refused || cradles.any(|cradle| cradle.child.is_none())
    });
    drop(lease);
    for pid in hanging {
        waitpid(Pid::from_raw(pid), None).unwrap();
    }
}

#[test]
fn a_child_that_has_ended_is_not_waited_for() {
    let mut nursery = Nursery::default();
    let (pid, output) = start(&mut nursery, "exit 0", surroundings());
    text(&mut nursery, pid, output);
    // As a kernel leaves it that does not tell of a child that was killed.
    if let Some(cradle) = nursery.cradles.first_mut() {
        cradle.inside.store(1, Ordering::Release);
    }
    nursery.forget(pid);
    nursery.tidy();
    assert!(nursery.cradles.iter().all(|cradle| cradle.child.is_none()));
}

#[test]
fn what_children_live_in_outlives_the_nursery() {
    let mut nursery = Nursery::default();
    let children: Vec<_> = (0..8)
        .map(|_| start(&mut nursery, "echo alive", surroundings()))
        .collect();
    drop(nursery);
    for (pid, output) in children {
        assert_eq!(text(&mut Nursery::default(), pid, output), "alive\n");
    }
}
