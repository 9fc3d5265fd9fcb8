//! Logs that the next program of a daemon goes on with.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;

use crate::log_level::Level;
use crate::loggers::logger::Logger;
use crate::loggers::rotation::Rotation;
use crate::loggers::sink::Sink;
use crate::loggers::target::Target;
use crate::sys::lock;
use crate::sys::syslog::{Mark, Syslog};
use crate::sys::tests::{handed_over, until};

fn path_in(directory: &tempfile::TempDir, name: &str) -> String {
    directory.path().join(name).to_str().unwrap().to_owned()
}

/// Reads all that is in a FIFO.
fn drain(reader: &mut File, into: &mut Vec<u8>) {
    let error = reader.read_to_end(into).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[test]
fn what_a_slow_reader_has_not_taken_goes_to_it_from_the_next_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = path_in(&directory, "fifo");
    nix::unistd::mkfifo(path.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut target = Target::open(&path, Rotation::NEVER).unwrap();
    let mut options = File::options();
    let options = options.read(true).custom_flags(libc::O_NONBLOCK);
    let mut reader = options.open(&path).unwrap();
    let mut written = Vec::new();
    let mut line = 0;
    while target.pending() < 50_000 {
        let text = format!("line {line} \u{e9}\n");
        target.write(text.as_bytes());
        written.extend_from_slice(text.as_bytes());
        line += 1;
    }
    target.drop_lines(2, 30);
    let pending = target.pending();

    let mut next = handed_over(&target);
    drop(target);
    assert_eq!(next.pending(), pending);
    let mut told = Vec::new();
    while next.is_congested() {
        drain(&mut reader, &mut told);
        next.flush();
    }
    drain(&mut reader, &mut told);
    assert!(told == written);
    let losses = next.take_losses();
    assert_eq!((losses.lines, losses.lost), (2, 30));
}

#[test]
fn the_next_program_has_the_file_that_was_written_to_and_its_lock() {
    let directory = tempfile::tempdir().unwrap();
    let path = path_in(&directory, "x.log");
    let rotation = Rotation {
        maxbytes: 100,
        backups: 1,
    };
    let mut target = Target::open(&path, rotation).unwrap();
    target.hold();
    target.write(b"one\n");
    fs::rename(&path, path_in(&directory, "moved")).unwrap();

    let mut next = handed_over(&target);
    drop(target);
    next.write(b"two\n");
    let moved = File::open(path_in(&directory, "moved")).unwrap();
    assert_eq!(
        fs::read(path_in(&directory, "moved")).unwrap(),
        b"one\ntwo\n"
    );
    assert!(!lock::try_lock_alone(moved.as_fd()).unwrap());
    next.reopen().unwrap();
    next.write(&[b'x'; 100]);
    assert_eq!(fs::metadata(&path).unwrap().len(), 0, "it has rolled over");
    drop(next);
    until("the lock is free", || {
        lock::try_lock_alone(moved.as_fd()).unwrap()
    });
}

#[test]
fn a_log_that_was_removed_is_made_anew_by_the_next_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = path_in(&directory, "x.log");
    let mut target = Target::open(&path, Rotation::NEVER).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    target.remove().unwrap();
    let mut next = handed_over(&target);
    next.write(b"to the old one");
    assert!(fs::metadata(&path).is_err());
    next.reopen().unwrap();
    next.write(b"new");
    assert_eq!(fs::read(&path).unwrap(), b"new");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);

    // One whose directory is not there yet is opened when that is.
    let path = path_in(&directory, "later/x.log");
    let mut next = handed_over(&Target::missing(&path, Rotation::NEVER));
    next.write(b"lost");
    assert_eq!(next.take_losses().lost, 4);
    fs::create_dir(directory.path().join("later")).unwrap();
    next.write(b"there");
    assert_eq!(fs::read(&path).unwrap(), b"there");
}

#[test]
fn what_the_systems_log_has_not_taken_goes_to_it_from_the_next_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = path_in(&directory, "log");
    let log = UnixDatagram::bind(&path).unwrap();
    log.set_nonblocking(true).unwrap();
    let mut syslog = Syslog::at(&path, "supervisord");
    let mut sent = 0;
    while syslog.pending() < 5000 {
        let text = format!("record {sent}.");
        syslog.send(Mark::default(), text.as_bytes()).unwrap();
        sent += 1;
    }
    let Sink::Syslog(mut next) = handed_over(&Sink::Syslog(Box::new(syslog))) else {
        panic!("it is the system's log");
    };
    assert_eq!(next.serial(), 1);
    next.send(Mark::default(), b"the last").unwrap();
    let mut room = [0; 200];
    for record in 0..=sent {
        let count = log.recv(&mut room).unwrap();
        let text = String::from_utf8_lossy(&room[..count]).into_owned();
        let expected = match record == sent {
            true => ": the last".to_owned(),
            false => format!(": record {record}."),
        };
        assert!(text.ends_with(&expected), "{text}");
        next.flush().unwrap();
    }
    assert_eq!((next.pending(), next.serial()), (0, 1));
}

#[test]
fn the_main_log_goes_on_with_its_copy() {
    let directory = tempfile::tempdir().unwrap();
    let target = |name: &str| Target::open(&path_in(&directory, name), Rotation::NEVER).unwrap();
    let mut log = Logger::new(Level::Warn, "supervisord");
    log.file = Some(target("main.log"));
    let terminal = path_in(&directory, "fifo");
    nix::unistd::mkfifo(terminal.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    log.stdout = Some(target("fifo"));
    log.warn("one");
    let mut next = handed_over(&log);
    drop(log);
    next.info("left out");
    next.warn("two");
    let text = fs::read_to_string(path_in(&directory, "main.log")).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| &line[24..]).collect();
    assert_eq!(lines, ["WARN one", "WARN two"]);
    let mut copied = Vec::new();
    let mut options = File::options();
    let options = options.read(true).custom_flags(libc::O_NONBLOCK);
    drain(&mut options.open(&terminal).unwrap(), &mut copied);
    assert_eq!(String::from_utf8(copied).unwrap(), text);
}
