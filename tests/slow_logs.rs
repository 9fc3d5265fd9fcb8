//! Children that have ended while the reader of their log is slow: what they
//! wrote waits in their pipes.

use super::idle::comes_to_rest;
use super::pools::{noted, pool, send, wait_noted, workshop};
use super::support::{DEADLINE, Dir, Scene, Value, wait_until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

/// Fills the daemon's standard output by a line too long for the pipe.
const FULL: &str = "[program:full]\ncommand=/usr/bin/seq -s , 1 100000\npriority=1\nstartsecs=0\nautorestart=false\n\
    stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n";

/// A daemon in that directory whose standard output is a pipe, a second
/// descriptor of it, and the end from which nobody reads.
fn on_a_pipe(dir: Dir, configuration: &str) -> (Scene, OwnedFd, File) {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    let held = write.try_clone().unwrap();
    let scene = Scene::start_as(dir, configuration, |launch| {
        launch.options = &["-s"];
        launch.stdout = Some(write);
    });
    (scene, held, File::from(read))
}

/// Waits until the pipe is full and nothing moves any more.
fn wait_full(scene: &Scene, held: &OwnedFd) {
    let is_full = || {
        let mut polled = [PollFd::new(held.as_fd(), PollFlags::POLLOUT)];
        poll(&mut polled, PollTimeout::ZERO).unwrap() == 0
    };
    assert!(wait_until(DEADLINE, is_full));
    assert!(comes_to_rest(scene.daemon.pid()));
}

/// Reads in a thread to the end.
fn read_all(mut pipe: File) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

/// Does not wait: a short life may have ended before anybody could see it.
fn start(scene: &Scene, process: &str) {
    let at_once = [Value::text(process), Value::Bool(false)];
    scene.call("startProcess", &at_once).answer();
}

#[test]
fn output_that_is_read_late_is_told_with_the_pid_that_its_child_had() {
    let configuration = format!(
        "{FULL}[program:p]\ncommand=/bin/sh -c 'echo I am $$'\nstartsecs=0\nautostart=false\nautorestart=false\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\nstdout_events_enabled=true\n{}",
        pool(
            "listener",
            "recorder",
            "PROCESS_LOG,PROCESS_STATE_EXITED",
            ""
        )
    );
    let (scene, held, pipe) = on_a_pipe(workshop(""), &configuration);
    scene.wait("listener", "RUNNING");
    wait_full(&scene, &held);
    drop(held);
    start(&scene, "p");
    scene.wait("p", "EXITED");
    let told = wait_noted(&scene, "listener", 1);
    assert!(told[0].contains("PROCESS_STATE_EXITED"), "{told:?}");
    let reader = read_all(pipe);
    let is_told = || {
        noted(&scene, "listener")
            .iter()
            .any(|told| told.contains("PROCESS_LOG"))
    };
    assert!(wait_until(DEADLINE, is_told));
    let told = noted(&scene, "listener");
    let line = told
        .iter()
        .find(|told| told.contains("PROCESS_LOG"))
        .unwrap();
    let (_, rest) = line.split_once(" pid:").unwrap();
    let (pid, _) = rest.split_once(' ').unwrap();
    assert!(
        line.ends_with(&format!("channel:stdout|I am {pid}|")),
        "{line}"
    );
    scene.stop();
    assert!(reader.join().unwrap().contains(&format!("I am {pid}\n")));
}

#[test]
fn what_the_child_before_wrote_comes_before_what_the_next_one_writes() {
    let configuration = format!(
        "{FULL}[program:p]\ncommand=/bin/sh -c 'echo one of $$; exec cat'\nstartsecs=0\nautostart=false\nautorestart=false\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
    );
    let (scene, held, pipe) = on_a_pipe(Dir::new(), &configuration);
    wait_full(&scene, &held);
    drop(held);
    let mut expected = Vec::new();
    for _ in 0..2 {
        start(&scene, "p");
        let pid = scene.pid("p");
        // The line is in the pipe by the time that cat runs.
        let program = || std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        assert!(wait_until(DEADLINE, || program() == "cat\n"));
        expected.push(format!("one of {pid}\n"));
        if expected.len() < 2 {
            scene.call("stopProcess", &[Value::text("p")]).answer();
        }
    }
    let reader = read_all(pipe);
    scene.wait("full", "EXITED");
    scene.stop();
    let text = reader.join().unwrap();
    let places: Vec<_> = expected.iter().map(|line| text.find(line)).collect();
    assert!(places[0].is_some() && places[0] < places[1], "{places:?}");
}

#[test]
fn a_listener_that_ends_is_heard_to_its_last_word_whatever_its_log_takes() {
    // It answers and ends in one breath, while nobody reads its log.
    let script = "name = 'got'\nsay('READY\\n')\n_, tokens, payload = hear()\nnote(name, payload)\n\
        wait('go')\nanswer('OK')\n";
    let configuration = format!(
        "{FULL}autostart=false\n{}",
        pool(
            "listener",
            "bad",
            "REMOTE_COMMUNICATION",
            "autorestart=false"
        )
        .replace(
            "stdout_logfile=NONE",
            "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0"
        )
    );
    let (scene, held, pipe) = on_a_pipe(workshop(script), &configuration);
    scene.wait("listener", "RUNNING");
    send(&scene, "n", "data");
    assert!(wait_until(DEADLINE, || scene.dir.read("got").is_some()));
    start(&scene, "full");
    wait_full(&scene, &held);
    drop(held);
    scene.dir.write("go", "");
    scene.wait("listener", "EXITED");
    let reader = read_all(pipe);
    // The next one would be told of an event that was not accepted.
    start(&scene, "listener");
    send(&scene, "n", "more");
    let got = || scene.dir.read("got").unwrap_or_default();
    assert!(wait_until(DEADLINE, || got().lines().count() >= 4));
    assert_eq!(got(), "type:n\ndata\ntype:n\nmore\n");
    scene.wait("listener", "EXITED");
    scene.wait("full", "EXITED");
    scene.stop();
    // What the program wrote comes in between, for it may still be read.
    let log = reader.join().unwrap();
    assert_eq!(log.matches("READY\n").count(), 2);
    assert_eq!(log.matches("RESULT 2\nOK").count(), 2);
}

#[test]
fn what_several_children_wrote_before_their_end_waits_for_a_slow_reader() {
    // Each leaves more in its pipe than the daemon would hold for all of them.
    const CHILDREN: usize = 8;
    const SIZE: usize = 60_000;
    let dir = Dir::new();
    for number in 0..CHILDREN {
        let letter = b'a' + u8::try_from(number).unwrap();
        dir.write(&format!("data{number}"), vec![letter; SIZE]);
    }
    let configuration = format!(
        "[program:p]\ncommand=/bin/dd if=%(here)s/data%(process_num)d bs={SIZE} status=none\n\
         numprocs={CHILDREN}\nprocess_name=p%(process_num)d\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
    );
    let (scene, _, mut pipe) = on_a_pipe(dir, &configuration);
    scene.wait_all("EXITED");
    let reader = std::thread::spawn(move || {
        let mut all = vec![0; CHILDREN * SIZE];
        pipe.read_exact(&mut all).unwrap();
        all
    });
    assert!(wait_until(DEADLINE, || reader.is_finished()));
    let all = reader.join().unwrap();
    for number in 0..CHILDREN {
        let letter = b'a' + u8::try_from(number).unwrap();
        let count = all.iter().filter(|byte| **byte == letter).count();
        assert_eq!(count, SIZE, "p{number}");
    }
    scene.stop();
}

#[test]
fn a_descendant_that_goes_on_writing_to_a_slow_log_loses_nothing_of_it() {
    const COUNT: usize = 60_000;
    let dir = Dir::new();
    let status = dir.join("status");
    let script = dir.script(
        "leave",
        &format!(
            "(seq -f 'line %07g' 1 {COUNT}; echo $? > {}) &\nread -r word",
            status.display()
        ),
    );
    let configuration = format!(
        "[program:p]\ncommand={}\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n",
        script.display()
    );
    let (scene, held, pipe) = on_a_pipe(dir, &configuration);
    // It ends when the log is full and nobody reads; then somebody does.
    wait_full(&scene, &held);
    drop(held);
    scene
        .call(
            "sendProcessStdin",
            &[Value::text("p"), Value::text("end\n")],
        )
        .answer();
    scene.wait("p", "EXITED");
    let reader = read_all(pipe);
    let written = wait_until(DEADLINE, || {
        std::fs::read_to_string(&status).is_ok_and(|text| text.ends_with('\n'))
    });
    assert!(written, "it comes to its end");
    // 4.3.0 closes the pipe when the parent has ended; here that may come later.
    let is_whole = std::fs::read_to_string(&status).unwrap() == "0\n";
    assert!(!scene.log().contains("are lost"), "{}", scene.log());
    scene.stop();
    let text = reader.join().unwrap();
    let lines: String = (1..=COUNT)
        .map(|number| format!("line {number:07}\n"))
        .collect();
    assert!(lines.starts_with(&text), "{} bytes", text.len());
    assert!(!is_whole || text.len() == lines.len());
    assert!(text.len() > 64 * 1024, "{} bytes", text.len());
}

#[test]
fn a_silent_child_pushed_out_what_the_one_before_it_had_left() {
    let dir = Dir::new();
    // What the first life writes stays in its pipe, for the log takes nothing.
    let body = "if [ -e second ]; then : > silent; exit 0; fi\n: > second\n\
                head -c 60000 /dev/zero | tr '\\0' x";
    let script = dir.script("child", body);
    let configuration = format!(
        "{FULL}[program:p]\ncommand={}\ndirectory=%(here)s\nstartsecs=0\nautostart=false\nautorestart=false\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n",
        script.display()
    );
    let (mut scene, held, pipe) = on_a_pipe(dir, &configuration);
    wait_full(&scene, &held);
    for life in 1..=2 {
        start(&scene, "p");
        scene.wait("p", "EXITED");
        assert_eq!(scene.dir.join("silent").exists(), life == 2);
    }
    let text = read_all(pipe);
    drop(held);
    assert_eq!(scene.daemon.stop(), Some(0));
    assert_eq!(text.join().unwrap().matches('x').count(), 60_000);
    assert!(!scene.log().contains("lost"), "{}", scene.log());
}
