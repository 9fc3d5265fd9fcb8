//! Followers beside a writer, while the files are moved about.

use super::*;
use crate::loggers::rotation::Rotation;
use crate::loggers::target::Target;
use crate::sys::tests::handed_over;
use std::fs::OpenOptions;

struct Followed {
    directory: tempfile::TempDir,
    path: String,
    writer: Target,
    log: Shared,
}

struct Follower {
    position: Rc<Cell<Position>>,
    told: String,
}

impl Followed {
    fn new(maxbytes: i64, backups: i64) -> Followed {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.log").to_str().unwrap().to_owned();
        let mut writer = Target::open(&path, Rotation { maxbytes, backups }).unwrap();
        let log = FollowedLog::open(&path, writer.file()).unwrap();
        let log = Rc::new(RefCell::new(log));
        writer.announce_to(&log);
        Followed {
            directory,
            path,
            writer,
            log,
        }
    }

    fn follower(&self) -> Follower {
        let (position, _) = self.log.borrow_mut().follow(1024);
        Follower {
            position,
            told: String::new(),
        }
    }

    fn at(&self, name: &str) -> String {
        self.directory
            .path()
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    }
}

impl Follower {
    /// Takes all there is, in pieces of an odd size. Returns what it was told of beside it.
    fn take(&mut self, log: &Shared) -> Vec<Taken> {
        let (mut buffer, mut bytes, mut events) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match log
                .borrow_mut()
                .take(&self.position, &mut buffer, 7001)
                .unwrap()
            {
                Taken::Bytes => bytes.append(&mut buffer),
                Taken::NextFile => {}
                Taken::Nothing => break,
                event => events.push(event),
            }
        }
        self.told.push_str(&String::from_utf8(bytes).unwrap());
        events
    }
}

/// xorshift64
fn chance(state: &mut u64, limit: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % limit
}

#[test]
fn every_line_is_told_once_whatever_becomes_of_the_files() {
    for seed in 1..30u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let backups = chance(&mut state, 3) as i64;
        let mut followed = Followed::new(300, backups);
        let (mut quick, mut slow) = (followed.follower(), followed.follower());
        let (mut expected, mut moved) = (String::new(), 0);
        for number in 0..150 {
            let path = followed.path.clone();
            match chance(&mut state, 14) {
                0 => drop(fs::remove_file(&path)),
                1 => {
                    moved += 1;
                    drop(fs::rename(&path, followed.at(&format!("moved.{moved}"))));
                }
                2 => {
                    moved += 1;
                    drop(fs::rename(&path, followed.at(&format!("moved.{moved}"))));
                    fs::write(&path, "").unwrap();
                }
                3 | 4 => followed.writer.reopen().unwrap(),
                5 => {
                    drop(fs::copy(&path, followed.at("copy")));
                    if let Ok(file) = OpenOptions::new().write(true).open(&path) {
                        file.set_len(0).unwrap();
                    }
                }
                6 => followed.writer.clear().unwrap(),
                7 => drop(fs::rename(followed.at(&format!("moved.{moved}")), &path)),
                8 => followed.log.borrow_mut().look_around(),
                9 => drop(slow.take(&followed.log)),
                _ => {}
            }
            for part in 0..=chance(&mut state, 3) {
                let line = format!("line {number} {part} {}\n", "x".repeat(number % 50));
                followed.writer.write(line.as_bytes());
                expected.push_str(&line);
            }
            if chance(&mut state, 3) > 0 {
                quick.take(&followed.log);
                assert_eq!(quick.told, expected, "seed {seed}");
                assert!(followed.log.borrow().recent.len() <= RECENT);
            }
        }
        quick.take(&followed.log);
        slow.take(&followed.log);
        assert!(quick.told == expected, "seed {seed}");
        assert!(slow.told == expected, "seed {seed}");
        let log = followed.log.borrow();
        assert_eq!((log.stretches.len(), log.recent.len()), (1, 0));
    }
}

#[test]
fn a_follower_that_is_far_behind_gets_what_is_left_and_hears_of_the_gap() {
    let mut followed = Followed::new(100_000, 2);
    let mut follower = followed.follower();
    let mut lines = Vec::new();
    for number in 0..2 * FILES {
        let line = format!("{number} {}\n", "x".repeat(100_000));
        followed.writer.write(line.as_bytes());
        lines.push(line);
    }
    followed.writer.write(b"end\n");
    lines.push("end\n".to_owned());
    let told = follower.take(&followed.log);
    assert_eq!(told, [Taken::Skipped; FILES + 1]);
    // More than there are backups, for the files stay open.
    assert!(follower.told == lines[lines.len() - FILES..].concat());
}

#[test]
fn what_others_write_and_cut_off_is_found() {
    let mut followed = Followed::new(0, 0);
    followed.writer.write(b"one\n");
    let mut follower = followed.follower();
    follower.take(&followed.log);
    let mut other = OpenOptions::new()
        .append(true)
        .open(&followed.path)
        .unwrap();
    io::Write::write_all(&mut other, b"theirs\n").unwrap();
    followed.writer.write(b"two\n");
    assert_eq!(follower.take(&followed.log), []);
    assert_eq!(follower.told, "one\ntheirs\ntwo\n");
    io::Write::write_all(&mut other, b"more\n").unwrap();
    assert!(!followed.log.borrow().has_news(follower.position.get()));
    followed.log.borrow_mut().look_around();
    assert!(followed.log.borrow().has_news(follower.position.get()));
    follower.take(&followed.log);
    other.set_len(0).unwrap();
    followed.log.borrow_mut().look_around();
    assert_eq!(follower.take(&followed.log), [Taken::Cut]);
    // Cut and grown beyond what it was before anybody looked.
    followed.writer.write(b"three\n");
    follower.take(&followed.log);
    other.set_len(0).unwrap();
    followed.writer.write(b"longer than before\n");
    assert_eq!(follower.take(&followed.log), [Taken::Cut]);
    assert_eq!(
        follower.told,
        "one\ntheirs\ntwo\nmore\nthree\nlonger than before\n"
    );
}

#[test]
fn what_others_write_right_behind_a_write_was_told_in_its_place() {
    let followed = Followed::new(0, 0);
    let mut follower = followed.follower();
    let append = || {
        OpenOptions::new()
            .append(true)
            .open(&followed.path)
            .unwrap()
    };
    let (mut ours, mut theirs) = (append(), append());
    io::Write::write_all(&mut ours, b"ours\n").unwrap();
    io::Write::write_all(&mut theirs, b"theirs\n").unwrap();
    Announcer::new(&followed.log).wrote(&ours, b"ours\n");
    follower.take(&followed.log);
    assert_eq!(follower.told, "ours\n");
    followed.log.borrow_mut().look_around();
    follower.take(&followed.log);
    assert_eq!(follower.told, "ours\ntheirs\n");
}

#[test]
fn without_a_writer_the_path_leads_on_and_a_writer_takes_over_there() {
    let mut followed = Followed::new(0, 0);
    let mut follower = followed.follower();
    followed.writer.write(b"one\n");
    followed.writer.close();
    fs::rename(&followed.path, followed.at("moved")).unwrap();
    fs::write(&followed.path, "two\n").unwrap();
    followed.log.borrow_mut().look_around();
    let rotation = Rotation {
        maxbytes: 0,
        backups: 0,
    };
    let mut writer = Target::open(&followed.path, rotation).unwrap();
    writer.announce_to(&followed.log);
    writer.write(b"three\n");
    // With one the path does not.
    fs::rename(&followed.path, followed.at("again")).unwrap();
    fs::write(&followed.path, "not yet\n").unwrap();
    followed.log.borrow_mut().look_around();
    writer.write(b"four\n");
    assert_eq!(follower.take(&followed.log), []);
    assert_eq!(follower.told, "one\ntwo\nthree\nfour\n");
    writer.reopen().unwrap();
    writer.write(b"five\n");
    follower.take(&followed.log);
    assert!(
        follower.told.ends_with("four\nnot yet\nfive\n"),
        "{}",
        follower.told
    );
}

#[test]
fn a_log_that_nobody_follows_any_more_is_forgotten() {
    let mut followed = Followed::new(0, 0);
    let follower = followed.follower();
    drop(follower);
    followed.writer.write(b"x\n");
    assert_eq!(followed.log.borrow().recent.len(), 0);
    let log = Rc::downgrade(&followed.log);
    followed.log = Rc::new(RefCell::new(
        FollowedLog::open(&followed.path, None).unwrap(),
    ));
    assert!(log.upgrade().is_none());
    followed.writer.write(b"y\n");
}

#[test]
fn the_next_program_goes_on_in_three_files_without_a_gap() {
    let mut log = Followed::new(100_000, 5);
    let mut near = log.follower();
    let mut far = log.follower();
    let written = RefCell::new(String::new());
    let write = |writer: &mut Target, lines: std::ops::Range<u32>| {
        for line in lines {
            let line = format!("line {line} {}\n", "x".repeat(90));
            writer.write(line.as_bytes());
            written.borrow_mut().push_str(&line);
        }
    };
    write(&mut log.writer, 0..1500);
    near.take(&log.log);
    write(&mut log.writer, 1500..2500);
    let stretches = |log: &Shared| log.borrow().stretches.len();
    let open = |log: &Shared| {
        let log = log.borrow();
        log.stretches.iter().filter(|it| it.file.is_some()).count()
    };
    let recent = log.log.borrow().recent.clone();
    assert_eq!((stretches(&log.log), open(&log.log)), (3, 3));
    assert!(!recent.is_empty());

    // The followers come first or last: what they share with the log is the same.
    let positions = (Rc::clone(&near.position), Rc::clone(&far.position));
    let (near_position, ((mut writer, shared), far_position)) = handed_over(&(
        positions.0,
        ((log.writer, Rc::clone(&log.log)), positions.1),
    ));
    (near.position, far.position) = (near_position, far_position);
    drop(log.log);
    assert_eq!((stretches(&shared), open(&shared)), (3, 3));
    assert_eq!(shared.borrow().recent, recent);
    assert_eq!(shared.borrow().positions.len(), 2);

    // A file that has lost its name since is read all the same.
    fs::remove_file(log.directory.path().join("x.log.2")).unwrap();
    write(&mut writer, 2500..2700);
    assert_eq!(far.take(&shared), []);
    assert_eq!(near.take(&shared), []);
    assert!(near.told == *written.borrow() && far.told == near.told);
    assert_eq!(stretches(&shared), 1, "nobody needs the others");
    write(&mut writer, 2700..2710);
    assert_eq!(far.take(&shared), []);
    assert!(far.told == *written.borrow());
    assert_eq!(shared.borrow().writers, 1);
    drop(writer);
    assert_eq!(shared.borrow().writers, 0);
}
