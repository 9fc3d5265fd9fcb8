//! The main log in temporary directories, and on a stdout of its own.

use super::*;
use crate::sys::tests::isolated;
use std::fs;
use std::io::{self, Read};
use std::os::fd::AsFd;

fn settings(logfile: &str) -> Settings<'_> {
    Settings {
        level: Level::Info,
        file: Some(logfile),
        rotation: Rotation {
            maxbytes: 0,
            backups: 0,
        },
        keeping: None,
        format: &LineFormat::Raw,
        is_copied: false,
        may_colour: false,
    }
}

/// The records without their times.
fn messages(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| line.split_at_checked(24).map_or(line, |(_, rest)| rest))
        .collect()
}

#[test]
fn records_of_the_level_and_graver_are_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("main.log");
    let mut log = Logger::open(settings(path.to_str().unwrap()), "supervisord", false).unwrap();
    assert!(log.enabled(Level::Info) && !log.enabled(Level::Debug));
    log.critical("c");
    log.error("e");
    log.warn("w");
    log.info("i");
    log.debug("d");
    log.log(Level::Trace, "t");
    log.blather("b");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(messages(&text), ["CRIT c", "ERRO e", "WARN w", "INFO i"]);
    let year = time::local(time::wall()).year.to_string();
    assert!(text.starts_with(&year));
    assert_eq!(log.path(), path.to_str());
    log.close();
    log.critical("nowhere");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_logger_without_targets_writes_nothing_and_has_no_path() {
    let mut log = Logger::new(Level::Blather, "supervisord");
    log.critical("x");
    assert!(log.enabled(Level::Blather));
    assert_eq!(log.path(), None);
    log.reopen().unwrap();
    log.clear().unwrap();
}

#[test]
fn the_main_log_rolls_over_record_by_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("main.log");
    let mut settings = settings(path.to_str().unwrap());
    settings.rotation = Rotation {
        maxbytes: 50,
        backups: 1,
    };
    let mut log = Logger::open(settings, "supervisord", false).unwrap();
    log.info("one");
    log.info("two, which is past the limit");
    log.info("three");
    let rolled = fs::read_to_string(directory.path().join("main.log.1")).unwrap();
    assert_eq!(
        messages(&rolled),
        ["INFO one", "INFO two, which is past the limit"]
    );
    let live = fs::read_to_string(&path).unwrap();
    assert_eq!(messages(&live), ["INFO three"]);
}

#[test]
fn a_main_log_that_cannot_be_opened_says_which_and_why() {
    let failure = Logger::open(settings("/nowhere/main.log"), "supervisord", false).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "cannot open /nowhere/main.log: No such file or directory"
    );
}

#[test]
fn a_failure_to_write_is_kept_and_counted() {
    let mut log = Logger::open(settings("/dev/full"), "supervisord", false).unwrap();
    log.info("x");
    let mut losses = || log.file.as_mut().unwrap().take_losses();
    assert_eq!(
        losses().to_string(),
        "cannot write /dev/full: No space left on device; 31 bytes of it are lost"
    );
    assert!(losses().is_empty());
}

#[test]
fn a_foreground_copy_goes_to_stdout_and_clearing_announces_each_target_there() {
    if isolated(
        module_path!(),
        "a_foreground_copy_goes_to_stdout_and_clearing_announces_each_target_there",
        &[],
    ) {
        return;
    }
    let saved = io::stdout().as_fd().try_clone_to_owned().unwrap();
    let pipe = crate::sys::fd::pipe().unwrap();
    nix::unistd::dup2_stdout(&pipe.write).unwrap();
    drop(pipe.write);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("main.log");
    let mut settings = settings(path.to_str().unwrap());
    settings.is_copied = true;
    let mut log = Logger::open(settings, "supervisord", false).unwrap();
    log.info("before");
    log.clear().unwrap();
    log.info("after");
    settings.is_copied = false;
    Logger::open(settings, "supervisord", false)
        .unwrap()
        .info("silent");
    nix::unistd::dup2_stdout(&saved).unwrap();
    log.close();
    let mut text = String::new();
    fs::File::from(pipe.read).read_to_string(&mut text).unwrap();
    let reopening = "INFO reopening log file";
    assert_eq!(
        messages(&text),
        ["INFO before", reopening, reopening, "INFO after"]
    );
    let live = fs::read_to_string(&path).unwrap();
    assert_eq!(messages(&live), ["INFO after", "INFO silent"]);
}

#[test]
fn a_stdout_that_nobody_reads_keeps_nobody_waiting() {
    if isolated(
        module_path!(),
        "a_stdout_that_nobody_reads_keeps_nobody_waiting",
        &[],
    ) {
        return;
    }
    crate::sys::signals::ignore_pipe_signals().unwrap();
    let saved = io::stdout().as_fd().try_clone_to_owned().unwrap();
    let pipe = crate::sys::fd::pipe().unwrap();
    nix::unistd::dup2_stdout(&pipe.write).unwrap();
    drop(pipe.write);
    let mut settings = settings("/dev/null");
    settings.is_copied = true;
    let mut log = Logger::open(settings, "supervisord", false).unwrap();
    nix::unistd::dup2_stdout(&saved).unwrap();
    for _ in 0..10_000 {
        log.info("a line of a length that is nothing unusual");
    }
    let mut copy = log.stdout.unwrap();
    assert!(copy.is_congested());
    assert_eq!(copy.take_losses().failure, None);
    drop(pipe.read);
    copy.flush();
    assert_eq!(copy.take_losses().failure.unwrap().errno, libc::EPIPE);
    assert!(!copy.is_congested());
}
