//! Logs in trouble, as the loop sees them: its time goes by the test's word.

use super::*;
use crate::log_level::Level;
use crate::loggers::rotation::Rotation;
use crate::loggers::target::Target;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::sys::fd;
use crate::sys::poller::{Interest, Token};
use crate::sys::tests::handed_over;
use crate::tokens::{Channel, GroupId, LogId, ProcessId, Timer};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::rc::Rc;

const USER: LogUser<'_> = LogUser {
    process: "cat",
    channel: Channel::Stdout,
    syslog: None,
    counts: None,
};

struct Scene {
    directory: tempfile::TempDir,
    context: LoopContext,
}

impl Scene {
    fn new() -> Scene {
        let mut scene = Scene {
            directory: tempfile::tempdir().unwrap(),
            context: LoopContext::new(
                Logger::new(Level::Info, "supervisord"),
                ErrorPipe::new().unwrap(),
                time::now(),
            )
            .unwrap(),
        };
        let main = Target::open(&scene.path("main.log"), Rotation::NEVER);
        scene.context.log.file = Some(main.unwrap());
        scene
    }

    fn path(&self, name: &str) -> String {
        self.directory
            .path()
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn open(&mut self, path: &str) -> LogUse {
        self.context.open_log(USER, path, Rotation::NEVER).unwrap()
    }

    fn pass(&mut self, seconds: u64) {
        self.context.now.monotonic = self.context.now.monotonic + Duration::from_secs(seconds);
    }

    /// What the loop does before each wait.
    fn turn(&mut self) {
        self.context.complain_of_main_log();
        self.context.watch_main_log();
    }

    fn due(&mut self) -> Option<Timer> {
        self.context.timers.pop_due(self.context.now.monotonic)
    }

    fn is_ready(&mut self, token: Token) -> bool {
        let mut ready = Vec::new();
        let poller = &mut self.context.poller;
        poller.wait(Some(Duration::ZERO), &mut ready).unwrap();
        ready.iter().any(|ready| ready.token == token)
    }

    /// The lines of the main log, without their times.
    fn told(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("main.log")).unwrap();
        text.lines().map(|line| line[24..].to_owned()).collect()
    }
}

#[test]
fn a_child_is_read_again_when_a_reader_that_could_not_be_waited_for_takes_all() {
    let mut scene = Scene::new();
    let path = scene.path("fifo");
    nix::unistd::mkfifo(path.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let log = scene.open(&path);
    let pipe = fd::pipe().unwrap();
    fd::write(pipe.write.as_fd(), b"more").unwrap();
    let id = ProcessId {
        group: GroupId(1),
        index: 0,
    };
    let owner = FdOwner::Output(id, Channel::Stdout);
    let poller = &mut scene.context.poller;
    let token = poller.register(pipe.read, Interest::READ, owner).unwrap();
    while !scene.context.is_congested(&log) {
        scene.context.write_log(&log, USER, &[b'x'; 1000]);
    }
    scene.context.pause_pipe(log.id, token);
    assert!(!scene.is_ready(token));
    // The outlet is said to be ready, and takes nothing.
    scene.context.flush_log(log.id);
    assert!(scene.context.timers.is_set(Timer::LogRetry(log.id)));
    let mut options = File::options();
    let options = options.read(true).custom_flags(libc::O_NONBLOCK);
    let mut reader = options.open(&path).unwrap();
    let rest = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(rest.kind(), ErrorKind::WouldBlock);
    scene.pass(1);
    assert_eq!(scene.due(), Some(Timer::LogRetry(log.id)));
    scene.context.retry_log(log.id);
    assert!(!scene.context.is_congested(&log));
    assert!(scene.is_ready(token));
    assert!(scene.context.logs.troubles.is_empty());
}

#[test]
fn losses_of_a_childs_log_are_told_once_a_minute_and_the_log_is_forgotten_after_that() {
    let mut scene = Scene::new();
    let log = scene.open("/dev/full");
    let id = log.id;
    for _ in 0..2 {
        scene.context.write_log(&log, USER, b"12345");
    }
    let told = |lost| {
        format!(
            "ERRO stdout of cat: cannot write /dev/full: No space left on device; {lost} bytes of it are lost"
        )
    };
    assert_eq!(scene.told(), [told(5)]);
    scene.context.close_log(log);
    scene.pass(30);
    let log = scene.open("/dev/full");
    assert_eq!(log.id, id);
    scene.context.write_log(&log, USER, b"67");
    scene.context.close_log(log);
    assert_eq!(scene.told(), [told(5)]);
    for expected in [vec![told(5), told(7)], vec![told(5), told(7)]] {
        assert!(scene.context.logs.find("/dev/full".as_ref()).is_some());
        scene.pass(60);
        assert_eq!(scene.due(), Some(Timer::LogLosses(id)));
        scene.context.settle_log(id, None);
        assert_eq!(scene.told(), expected);
    }
    assert!(scene.context.logs.find("/dev/full".as_ref()).is_none());
    assert_eq!(scene.due(), None);
}

#[test]
fn an_idle_daemon_does_not_complain_of_its_complaints() {
    let mut scene = Scene::new();
    let full = Target::open("/dev/full", Rotation::NEVER).unwrap();
    scene.context.log.stdout = Some(full);
    scene.context.log.info("one");
    scene.turn();
    // Something else happens: what the complaint itself has lost is to be told.
    scene.turn();
    scene.pass(60);
    assert_eq!(scene.due(), Some(Timer::LogLosses(LogId::MAIN)));
    scene.context.settle_log(LogId::MAIN, None);
    scene.turn();
    scene.pass(3600);
    assert_eq!(scene.due(), None);
    let complaint = "main log: cannot write /dev/full: No space left on device";
    assert_eq!(
        scene.told(),
        [
            "INFO one".to_owned(),
            format!("ERRO {complaint}; 33 bytes of it are lost"),
            format!("ERRO {complaint}; 112 bytes of it are lost"),
        ]
    );
}

#[test]
fn the_next_program_waits_for_the_same_reader_and_reads_the_child_again() {
    let mut scene = Scene::new();
    let path = scene.path("fifo");
    nix::unistd::mkfifo(path.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    scene.context.tally = Some(Box::default());
    let counts = scene.context.tally.as_mut().unwrap().of_process("g", "cat");
    let mut log = scene.open(&path);
    log.counts = Some(Rc::clone(&counts));
    let pipe = fd::pipe().unwrap();
    fd::write(pipe.write.as_fd(), b"more").unwrap();
    let id = ProcessId {
        group: GroupId(1),
        index: 0,
    };
    let owner = FdOwner::Output(id, Channel::Stdout);
    let poller = &mut scene.context.poller;
    let token = poller.register(pipe.read, Interest::READ, owner).unwrap();
    while !scene.context.is_congested(&log) {
        scene.context.write_log(&log, USER, &[b'x'; 1000]);
    }
    scene.context.pause_pipe(log.id, token);
    // The first is told at once, the second not before a minute is over.
    scene.context.lose(&log, USER, 7);
    scene.context.lose(&log, USER, 8);
    let followed = scene.path("main.log");
    let follower = scene.context.follow_log(&followed).unwrap();
    let (position, _) = follower.borrow_mut().follow(0);

    let all = ((scene.context, log), (follower, (position, token)));
    let ((context, log), (follower, (position, token))) = handed_over(&all);
    let ((before, _), _) = all;
    assert_eq!(before.now, context.now);
    drop(before);
    scene.context = context;

    // Who waits for the reader: nobody reads the child meanwhile.
    let trouble = scene.context.logs.troubles.get(&log.id).unwrap();
    assert_eq!((&trouble.paused, trouble.outlets.len()), (&vec![token], 1));
    assert!(!scene.is_ready(token));
    let mut options = File::options();
    let options = options.read(true).custom_flags(libc::O_NONBLOCK);
    let mut reader = options.open(&path).unwrap();
    let outlet = scene.context.logs.troubles.get(&log.id).unwrap().outlets[0];
    assert!(!scene.is_ready(outlet));
    let mut taken = Vec::new();
    let _ = reader.read_to_end(&mut taken).unwrap_err();
    assert!(scene.is_ready(outlet));
    scene.context.flush_log(log.id);
    assert!(!scene.context.is_congested(&log));
    assert!(scene.is_ready(token));

    // The same log for the same path, counters for the same name, followers of the same file.
    let again = scene.open(&path);
    assert_eq!(again.id, log.id);
    let tally = scene.context.tally.as_mut().unwrap();
    let counts = tally.of_process("g", "cat");
    assert!(Rc::ptr_eq(&counts, log.counts.as_ref().unwrap()));
    assert_eq!(counts.lost_bytes.get(), 15);
    let shared = scene.context.follow_log(&followed).unwrap();
    assert!(Rc::ptr_eq(&shared, &follower));
    scene.context.log.info("told");
    let mut buffer = Vec::new();
    shared
        .borrow_mut()
        .take(&position, &mut buffer, 1000)
        .unwrap();
    assert!(String::from_utf8(buffer).unwrap().ends_with("INFO told\n"));
    scene.pass(60);
    assert_eq!(scene.due(), Some(Timer::LogLosses(log.id)));
}
