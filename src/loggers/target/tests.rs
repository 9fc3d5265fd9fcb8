//! Log files in temporary directories, with faults.

use super::*;
use crate::clock::Timestamp;
use crate::config::keeping::FileKeeping;
use std::os::unix::fs::PermissionsExt;
use std::rc::Rc;
use tempfile::TempDir;

struct Scratch {
    directory: TempDir,
    path: String,
}

impl Scratch {
    fn new() -> Scratch {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.log").to_str().unwrap().to_owned();
        Scratch { directory, path }
    }

    fn open(&self, maxbytes: i64, backups: i64) -> Target {
        Target::open(&self.path, Rotation { maxbytes, backups }).unwrap()
    }

    /// Contents of the live log and its backups until the first that is missing.
    fn contents(&self) -> Vec<String> {
        (0..)
            .map_while(|number| fs::read_to_string(rotation::name(&self.path, number)).ok())
            .collect()
    }

    fn mode(&self, number: u32) -> u32 {
        let found = fs::metadata(rotation::name(&self.path, number)).unwrap();
        found.permissions().mode() & 0o777
    }

    fn put(&self, number: u32, text: &str) {
        fs::write(rotation::name(&self.path, number), text).unwrap();
    }
}

fn write(log: &mut Target, data: &[u8]) -> Result<(), LogFailure> {
    log.write(data);
    log.losses.failure.take().map_or(Ok(()), Err)
}

#[test]
fn writes_are_appended_at_once_and_byte_for_byte() {
    let scratch = Scratch::new();
    scratch.put(0, "old ");
    let mut log = scratch.open(0, 10);
    write(&mut log, b"new").unwrap();
    assert_eq!(scratch.contents(), ["old new"]);
    write(&mut log, b"\xff\0\n").unwrap();
    assert_eq!(fs::read(&scratch.path).unwrap(), b"old new\xff\0\n");
    assert_eq!(log.take_losses().lost, 0);
}

#[test]
fn a_log_rolls_over_after_the_write_that_reaches_the_limit() {
    let scratch = Scratch::new();
    let mut log = scratch.open(10, 2);
    for (data, expected) in [
        ("123456789", &["123456789"][..]),
        ("0", &["", "1234567890"]),
        ("a", &["a", "1234567890"]),
        (
            "a chunk is never split",
            &["", "aa chunk is never split", "1234567890"],
        ),
        (
            "and the third goes",
            &["", "and the third goes", "aa chunk is never split"],
        ),
    ] {
        write(&mut log, data.as_bytes()).unwrap();
        assert_eq!(scratch.contents(), expected);
    }
}

#[test]
fn without_backups_a_full_log_starts_empty() {
    let scratch = Scratch::new();
    let mut log = scratch.open(5, 0);
    for (data, expected) in [("1234", "1234"), ("5", ""), ("abc", "abc")] {
        write(&mut log, data.as_bytes()).unwrap();
        assert_eq!(scratch.contents(), [expected]);
    }
}

#[test]
fn each_file_that_was_moved_aside_is_told_to_its_processor_unless_it_has_gone() {
    let scratch = Scratch::new();
    let mut log = scratch.open(1, 2);
    let keeping = FileKeeping {
        processor: Some("gzip".into()),
        ..FileKeeping::default()
    };
    log.keep(&Rc::new(keeping), Timestamp::default(), false);
    for text in ["one", "two", "three"] {
        write(&mut log, text.as_bytes()).unwrap();
    }
    assert_eq!(scratch.contents(), ["", "three", "two"]);
    let inode = |number| {
        fs::metadata(rotation::name(&scratch.path, number))
            .unwrap()
            .ino()
    };
    for number in [2, 1] {
        assert_eq!(log.take_rotated().unwrap().0.1, inode(number));
    }
    assert!(log.take_rotated().is_none());
}

#[test]
fn an_oversized_file_is_rolled_after_the_first_write_and_not_at_open() {
    let scratch = Scratch::new();
    scratch.put(0, "much too long");
    let mut log = scratch.open(5, 1);
    assert_eq!(scratch.contents(), ["much too long"]);
    write(&mut log, b"!").unwrap();
    assert_eq!(scratch.contents(), ["", "much too long!"]);
}

#[test]
fn a_limit_of_zero_or_less_is_none() {
    for maxbytes in [0, -1, i64::MIN] {
        let scratch = Scratch::new();
        let mut log = scratch.open(maxbytes, 1);
        write(&mut log, &[b'x'; 100_000]).unwrap();
        assert_eq!(scratch.contents().len(), 1);
    }
}

#[test]
fn truncation_by_others_leaves_no_hole_even_after_a_rollover() {
    let scratch = Scratch::new();
    let mut log = scratch.open(10, 1);
    write(&mut log, b"0123456789").unwrap();
    write(&mut log, b"before").unwrap();
    scratch.put(0, "");
    write(&mut log, b"after").unwrap();
    assert_eq!(scratch.contents(), ["after", "0123456789"]);
}

#[test]
fn a_live_file_that_somebody_moved_leaves_no_first_backup() {
    let scratch = Scratch::new();
    scratch.put(1, "one");
    let mut log = scratch.open(3, 3);
    fs::rename(&scratch.path, format!("{}.moved", scratch.path)).unwrap();
    write(&mut log, b"gone").unwrap();
    assert_eq!(scratch.contents(), [""]);
    assert_eq!(
        fs::read_to_string(rotation::name(&scratch.path, 2)).unwrap(),
        "one"
    );
}

#[test]
fn a_directory_in_the_way_is_told_once_and_loses_nothing() {
    let scratch = Scratch::new();
    scratch.put(1, "one");
    fs::create_dir(rotation::name(&scratch.path, 2)).unwrap();
    let mut log = scratch.open(3, 2);
    let failure = write(&mut log, b"first ").unwrap_err();
    assert_eq!(failure.operation, LogOperation::Rotate);
    assert_eq!(failure.errno, libc::EISDIR);
    write(&mut log, b"second ").unwrap();
    assert_eq!(scratch.contents(), ["first second ", "one"]);
    fs::remove_dir(rotation::name(&scratch.path, 2)).unwrap();
    write(&mut log, b"third").unwrap();
    assert_eq!(scratch.contents(), ["", "first second third", "one"]);
    // Should it fail once more, it is told once more.
    fs::remove_file(rotation::name(&scratch.path, 2)).unwrap();
    fs::create_dir(rotation::name(&scratch.path, 2)).unwrap();
    assert!(write(&mut log, b"fourth").is_err());
    assert_eq!(log.take_losses().lost, 0);
}

#[test]
fn a_rollover_that_keeps_failing_puts_the_files_back() {
    if crate::sys::tests::isolated(
        module_path!(),
        "a_rollover_that_keeps_failing_puts_the_files_back",
        &[],
    ) {
        return;
    }
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let scratch = Scratch::new();
    for (number, text) in [(1, "one"), (2, "two"), (4, "four")] {
        scratch.put(number, text);
    }
    let mut log = scratch.open(3, 5);
    // No descriptor is left for the new file, after all the renames.
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 0, hard).unwrap();
    let failures: Vec<_> = (0..10)
        .filter_map(|_| write(&mut log, b"live ").err())
        .collect();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].errno, libc::EMFILE);
    let read = |number| fs::read_to_string(rotation::name(&scratch.path, number)).ok();
    assert_eq!(read(0), Some("live ".repeat(10)));
    assert_eq!(read(1).as_deref(), Some("one"));
    assert_eq!(read(2).as_deref(), Some("two"));
    assert_eq!(read(3), None);
    assert_eq!(read(4).as_deref(), Some("four"));
    assert_eq!(read(5), None);
    write(&mut log, b"again").unwrap();
    assert_eq!(read(5).as_deref(), Some("four"));
    assert_eq!(read(1), Some("live ".repeat(10) + "again"));
}

#[test]
fn a_log_whose_directory_was_removed_counts_what_is_lost_and_comes_back() {
    let scratch = Scratch::new();
    let mut log = scratch.open(3, 2);
    fs::remove_dir_all(scratch.directory.path()).unwrap();
    for text in ["into nowhere", "and on"] {
        let failure = write(&mut log, text.as_bytes()).unwrap_err();
        assert_eq!(
            (failure.operation, failure.errno),
            (LogOperation::Open, libc::ENOENT)
        );
        assert_eq!(log.take_losses().lost, text.len() as u64);
    }
    fs::create_dir(scratch.directory.path()).unwrap();
    write(&mut log, b"back").unwrap();
    write(&mut log, b"x").unwrap();
    assert_eq!(scratch.contents(), ["x", "back"]);
    assert_eq!(log.take_losses().lost, 0);
}

#[test]
fn a_file_that_somebody_removed_is_made_anew_with_its_permissions() {
    let scratch = Scratch::new();
    let mut log = scratch.open(0, 0);
    fs::set_permissions(&scratch.path, fs::Permissions::from_mode(0o640)).unwrap();
    write(&mut log, b"old").unwrap();
    fs::remove_file(&scratch.path).unwrap();
    write(&mut log, b"new").unwrap();
    assert_eq!(scratch.contents(), ["new"]);
    assert_eq!(scratch.mode(0), 0o640);
    // What was moved is somewhere, and written on until the log is reopened.
    fs::rename(&scratch.path, rotation::name(&scratch.path, 7)).unwrap();
    write(&mut log, b" still").unwrap();
    assert!(!fs::exists(&scratch.path).unwrap());
}

#[test]
fn a_new_file_has_the_permissions_of_the_one_that_it_replaces() {
    for mode in [0o600, 0o666, 0o444] {
        let scratch = Scratch::new();
        let mut log = scratch.open(3, 2);
        fs::set_permissions(&scratch.path, fs::Permissions::from_mode(mode)).unwrap();
        write(&mut log, b"1234").unwrap();
        assert_eq!((scratch.mode(0), scratch.mode(1)), (mode, mode));
        log.clear().unwrap();
        assert_eq!(scratch.mode(0), mode);
        log.remove().unwrap();
        fs::create_dir(&scratch.path).unwrap();
        assert!(log.reopen().is_err());
        fs::remove_dir(&scratch.path).unwrap();
        write(&mut log, b"5").unwrap();
        assert_eq!(scratch.mode(0), mode, "after a while without a file");
    }
}

#[test]
fn a_rollover_that_fails_is_not_tried_with_each_write() {
    let scratch = Scratch::new();
    let mut log = scratch.open(160, 1);
    fs::create_dir(rotation::name(&scratch.path, 1)).unwrap();
    assert!(write(&mut log, &[b'x'; 160]).is_err());
    fs::remove_dir(rotation::name(&scratch.path, 1)).unwrap();
    write(&mut log, b"12345").unwrap();
    assert!(!fs::exists(rotation::name(&scratch.path, 1)).unwrap());
    write(&mut log, b"12345").unwrap();
    assert_eq!(scratch.contents()[0], "");
    assert_eq!(scratch.contents()[1].len(), 170);
}

#[test]
fn reopening_follows_the_name_and_survives_failure() {
    let scratch = Scratch::new();
    let mut log = scratch.open(0, 0);
    write(&mut log, b"one ").unwrap();
    fs::rename(&scratch.path, rotation::name(&scratch.path, 1)).unwrap();
    write(&mut log, b"two ").unwrap();
    assert_eq!(scratch.contents(), Vec::<String>::new());
    log.reopen().unwrap();
    write(&mut log, b"three").unwrap();
    assert_eq!(scratch.contents(), ["three", "one two "]);
    fs::rename(&scratch.path, rotation::name(&scratch.path, 7)).unwrap();
    fs::create_dir(&scratch.path).unwrap();
    let failure = log.reopen().unwrap_err();
    assert_eq!(
        (failure.operation, failure.errno),
        (LogOperation::Open, libc::EISDIR)
    );
    assert_eq!(failure.path, scratch.path);
    write(&mut log, b"still there").unwrap();
    assert_eq!(log.take_losses().lost, 0);
}

#[test]
fn clearing_removes_the_file_and_leaves_backups() {
    let scratch = Scratch::new();
    scratch.put(1, "backup");
    let mut log = scratch.open(0, 0);
    write(&mut log, b"old").unwrap();
    let inode = |path| MetadataExt::ino(&fs::metadata(path).unwrap());
    let held = File::open(&scratch.path).unwrap();
    let before = inode(&scratch.path);
    log.clear().unwrap();
    assert_ne!(before, inode(&scratch.path));
    drop(held);
    assert_eq!(scratch.contents(), ["", "backup"]);
    write(&mut log, b"new").unwrap();
    fs::remove_file(&scratch.path).unwrap();
    log.clear().unwrap();
    write(&mut log, b"again").unwrap();
    assert_eq!(scratch.contents(), ["again", "backup"]);
}

#[test]
fn a_cleared_log_that_cannot_be_made_anew_comes_back_by_itself() {
    let scratch = Scratch::new();
    let mut log = scratch.open(0, 0);
    log.remove().unwrap();
    // What stands between removing and reopening goes to the old file.
    write(&mut log, b"into the old one").unwrap();
    assert!(scratch.contents().is_empty());
    fs::create_dir(&scratch.path).unwrap();
    assert_eq!(log.reopen().unwrap_err().errno, libc::EISDIR);
    assert_eq!(
        write(&mut log, b"lost").unwrap_err().operation,
        LogOperation::Open
    );
    assert_eq!(log.take_losses().lost, 4);
    fs::remove_dir(&scratch.path).unwrap();
    write(&mut log, b"back").unwrap();
    assert_eq!(scratch.contents(), ["back"]);
}

#[test]
fn what_is_no_regular_file_is_never_rotated_or_removed() {
    let scratch = Scratch::new();
    nix::unistd::mkfifo(scratch.path.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut log = scratch.open(10, 2);
    write(&mut log, b"more than ten bytes").unwrap();
    assert!(!fs::exists(rotation::name(&scratch.path, 1)).unwrap());
    let is_fifo = || {
        let kind = fs::metadata(&scratch.path).unwrap().file_type();
        std::os::unix::fs::FileTypeExt::is_fifo(&kind)
    };
    log.clear().unwrap();
    log.reopen().unwrap();
    assert!(is_fifo());
    let mut log = Target::open(
        "/dev/null",
        Rotation {
            maxbytes: 1,
            backups: 1,
        },
    )
    .unwrap();
    write(&mut log, b"12345").unwrap();
    log.clear().unwrap();
    assert!(!fs::exists("/dev/null.1").unwrap());
    assert!(fs::exists("/dev/null").unwrap());
}

#[test]
fn a_device_without_space_is_told_and_counted() {
    let mut log = Target::open("/dev/full", Rotation::NEVER).unwrap();
    for _ in 0..2 {
        let failure = write(&mut log, b"12345").unwrap_err();
        assert_eq!(
            (failure.operation, failure.errno),
            (LogOperation::Write, libc::ENOSPC)
        );
    }
    assert_eq!(log.take_losses().lost, 10);
}

#[test]
fn a_file_that_may_grow_no_further_counts_what_it_lost_and_goes_on_later() {
    if crate::sys::tests::isolated(
        module_path!(),
        "a_file_that_may_grow_no_further_counts_what_it_lost_and_goes_on_later",
        &[],
    ) {
        return;
    }
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    crate::sys::signals::ignore_pipe_signals().unwrap();
    let scratch = Scratch::new();
    let mut log = scratch.open(0, 0);
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, 6, hard).unwrap();
    let failure = write(&mut log, b"123456789").unwrap_err();
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    assert_eq!(
        (failure.operation, failure.errno),
        (LogOperation::Write, libc::EFBIG)
    );
    assert_eq!(log.take_losses().lost, 3);
    write(&mut log, b"!").unwrap();
    assert_eq!(scratch.contents(), ["123456!"]);
}

#[test]
fn a_log_that_cannot_be_opened_says_which_and_why() {
    for (path, errno) in [
        ("/nowhere/x.log", libc::ENOENT),
        ("/etc", libc::EISDIR),
        ("a\0b", libc::EINVAL),
    ] {
        let failure = Target::open(path, Rotation::NEVER).unwrap_err();
        assert_eq!(
            (failure.operation, failure.path.as_str(), failure.errno),
            (LogOperation::Open, path, errno)
        );
    }
}

#[test]
fn a_new_log_has_the_permissions_that_the_umask_leaves() {
    if crate::sys::tests::isolated(
        module_path!(),
        "a_new_log_has_the_permissions_that_the_umask_leaves",
        &[],
    ) {
        return;
    }
    crate::sys::process::umask(0o027).unwrap();
    let scratch = Scratch::new();
    let mut log = scratch.open(3, 1);
    write(&mut log, b"1234").unwrap();
    for number in [0, 1] {
        let found = fs::metadata(rotation::name(&scratch.path, number)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o640);
    }
}

#[test]
fn a_closed_log_counts_what_it_is_given() {
    let scratch = Scratch::new();
    let mut log = scratch.open(0, 0);
    log.close();
    write(&mut log, b"123").unwrap();
    assert_eq!(log.take_losses().lost, 3);
    assert_eq!(scratch.contents(), [""]);
}

#[test]
fn a_fifo_put_in_the_scratch_of_a_log_hung_the_rollover() {
    let scratch = Scratch::new();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut log = scratch.open(4, 0);
        fs::rename(&scratch.path, rotation::name(&scratch.path, 7)).unwrap();
        nix::unistd::mkfifo(scratch.path.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let first = write(&mut log, b"12345");
        let second = write(&mut log, b"6");
        tell.send((first, second)).unwrap();
    });
    let outcome = told.recv_timeout(std::time::Duration::from_secs(10));
    let (first, second) = outcome.expect("nobody waits for a reader of the FIFO");
    assert!(first.is_err(), "the rollover failed and is told once");
    assert!(second.is_ok(), "{second:?}");
}
