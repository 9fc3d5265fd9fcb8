//! Following a log for `/logtail` and `/mainlogtail`: its last 1024 bytes, then
//! whatever is written to it, from one file to the next.
//!
//! Better than 4.3.0: truncation is always told, and after a rotation the rest
//! of the old file comes before the new one. No piece ends in the middle of a
//! UTF-8 character, since old clients decode each piece by itself.

use std::cell::Cell;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::rc::Rc;

use crate::clock::Timestamp;
use crate::loggers::followed::{Position, Shared, Taken};
use crate::loggers::ring::SharedRing;
use crate::loggers::window;
use crate::snapshot::saved;
use crate::text::utf8;

/// How much of what was written before is sent, in bytes.
const BACKLOG: u64 = 1024;
/// The most that one look takes from the log, in bytes.
const PIECE: usize = 64 * 1024;
const TRUNCATED: &[u8] = b"==> File truncated <==\n";
const SKIPPED: &[u8] = b"==> Lines left out <==\n";

/// A followed log.
#[derive(Debug)]
pub struct Tail {
    source: Source,
    /// The beginning of a character whose end was not there yet; at most three bytes.
    partial: Vec<u8>,
}

saved! { struct Tail { source, partial } }

/// What is followed, and how far it was read.
#[derive(Debug)]
enum Source {
    Log(Shared, Rc<Cell<Position>>),
    Ring(SharedRing, u64),
    /// How often something has changed, and how often when that was last told.
    Changes(Rc<Cell<u64>>, Option<u64>),
}

saved! { enum Source { Log(a, b), Ring(a, b), Changes(a, b) } }

/// Whether a look left something in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// All has been read.
    CaughtUp,
    /// There is more: look again as soon as this has been sent.
    More,
}

impl Tail {
    /// Follows a log, and says when it was last written.
    pub fn new(log: Shared) -> (Tail, Timestamp) {
        log.borrow_mut().look_around();
        let (position, found) = log.borrow_mut().follow(BACKLOG);
        let tail = Tail {
            source: Source::Log(log, position),
            partial: Vec::new(),
        };
        (tail, modified(found.as_ref()))
    }

    /// Follows what is in memory. When that was written is not known.
    pub fn of_ring(ring: SharedRing) -> (Tail, Timestamp) {
        let end = ring.borrow().end();
        let begin = end.saturating_sub(BACKLOG).max(ring.borrow().start());
        // A ring can be read.
        let begin = window::behind_character(&ring, begin, end).unwrap_or(begin);
        let tail = Tail {
            source: Source::Ring(ring, begin),
            partial: Vec::new(),
        };
        (tail, modified(None))
    }

    /// Follows changes, of which the first look always tells.
    pub fn of_changes(count: Rc<Cell<u64>>) -> Tail {
        Tail {
            source: Source::Changes(count, None),
            partial: Vec::new(),
        }
    }

    /// Whether it tells of changes: then nobody but the daemon makes news.
    pub fn is_of_changes(&self) -> bool {
        matches!(self.source, Source::Changes(..))
    }

    /// Whether it tells of changes and has told of none yet.
    pub fn is_fresh(&self) -> bool {
        matches!(self.source, Source::Changes(_, None))
    }

    /// Whether the next look will find something.
    pub fn has_news(&self) -> bool {
        match &self.source {
            Source::Log(log, position) => log.borrow().has_news(position.get()),
            Source::Ring(ring, at) => *at < ring.borrow().end(),
            Source::Changes(count, told) => *told != Some(count.get()),
        }
    }

    /// Finds what others than the log's writer have done to it.
    pub fn look_around(&self) {
        if let Source::Log(log, _) = &self.source {
            log.borrow_mut().look_around();
        }
    }

    /// Adds what is new to `piece`, which should be empty and may stay so.
    /// `buffer` is used for reading and left empty.
    pub fn look(&mut self, buffer: &mut Vec<u8>, piece: &mut Vec<u8>) -> io::Result<Look> {
        piece.append(&mut self.partial);
        let look = loop {
            if piece.len() >= PIECE {
                break Look::More;
            }
            let most = PIECE - piece.len();
            let taken = self.source.take(buffer, most)?;
            match taken {
                Taken::Bytes => piece.append(buffer),
                Taken::NextFile => {}
                Taken::Cut => piece.extend_from_slice(TRUNCATED),
                // Once for all that is left out in one place.
                Taken::Skipped if piece.ends_with(SKIPPED) => {}
                Taken::Skipped => piece.extend_from_slice(SKIPPED),
                Taken::Nothing => break Look::CaughtUp,
            }
        };
        let whole = piece.len() - utf8::unfinished(piece);
        self.partial = piece.split_off(whole);
        Ok(look)
    }
}

impl Source {
    /// Takes at most so many of the next bytes; `buffer` is empty if there are none.
    fn take(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<Taken> {
        buffer.clear();
        let (ring, at) = match self {
            Source::Log(log, position) => return log.borrow_mut().take(position, buffer, most),
            Source::Ring(ring, at) => (ring.borrow(), at),
            Source::Changes(count, told) if *told == Some(count.get()) => {
                return Ok(Taken::Nothing);
            }
            Source::Changes(count, told) => {
                *told = Some(count.get());
                let event = format!("event: changed\ndata: {}\n\n", count.get());
                buffer.extend_from_slice(event.as_bytes());
                return Ok(Taken::Bytes);
            }
        };
        if *at < ring.start() {
            *at = ring.start();
            return Ok(Taken::Skipped);
        }
        buffer.resize(most, 0);
        let count = ring.read_at(buffer, *at);
        buffer.truncate(count);
        *at += count as u64;
        Ok(match count {
            0 => Taken::Nothing,
            _ => Taken::Bytes,
        })
    }
}

fn modified(found: Option<&Metadata>) -> Timestamp {
    Timestamp {
        seconds: found.map_or(0, MetadataExt::mtime),
        nanoseconds: found.map_or(0, |found| found.mtime_nsec().try_into().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loggers::followed::FollowedLog;
    use crate::loggers::ring::Ring;
    use std::cell::RefCell;
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    fn follow(path: &str) -> Tail {
        let log = FollowedLog::open(path, None).unwrap();
        Tail::new(Rc::new(RefCell::new(log))).0
    }

    struct Followed {
        directory: tempfile::TempDir,
        path: String,
        tail: Tail,
    }

    impl Followed {
        fn with(content: &[u8]) -> Followed {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("log").to_str().unwrap().to_owned();
            fs::write(&path, content).unwrap();
            let tail = follow(&path);
            Followed {
                directory,
                path,
                tail,
            }
        }

        fn append(&self, content: &[u8]) {
            let mut file = OpenOptions::new().append(true).open(&self.path).unwrap();
            file.write_all(content).unwrap();
        }

        fn all(&mut self) -> Vec<u8> {
            let mut all = Vec::new();
            self.tail.look_around();
            loop {
                let mut piece = Vec::new();
                let look = self.tail.look(&mut Vec::new(), &mut piece).unwrap();
                all.extend_from_slice(&piece);
                if look == Look::CaughtUp {
                    return all;
                }
            }
        }

        fn text(&mut self) -> String {
            String::from_utf8(self.all()).unwrap()
        }
    }

    #[test]
    fn it_begins_with_the_last_1024_bytes() {
        let mut short = Followed::with(&[b'a'; 1023]);
        assert_eq!(short.all().len(), 1023);
        let mut long = Followed::with(&[[b'a'; 500], [b'b'; 500], [b'c'; 500]].concat());
        let all = long.all();
        assert_eq!((all.len(), all[0], all[1023]), (1024, b'a', b'c'));
        assert_eq!(all[24], b'b');
        assert_eq!(long.text(), "");
        long.append(b"more");
        assert_eq!(long.text(), "more");
    }

    #[test]
    fn the_beginning_is_not_half_a_character() {
        let mut content = "€".repeat(600).into_bytes();
        content.push(b'x');
        let text = Followed::with(&content).text();
        assert!(text.len() > 1020 && text.starts_with('€') && text.ends_with("€x"));
    }

    #[test]
    fn a_character_waits_for_its_end() {
        let mut log = Followed::with(b"a\xe2\x82");
        assert_eq!(log.text(), "a");
        log.append(b"\xac");
        assert_eq!(log.text(), "€");
        log.append(b"\xf0\x9f");
        assert_eq!(log.text(), "");
        log.append(b"no");
        assert_eq!(log.all(), b"\xf0\x9fno");
    }

    #[test]
    fn truncation_is_told_and_followed() {
        let mut log = Followed::with(b"old text");
        assert_eq!(log.text(), "old text");
        fs::write(&log.path, b"new").unwrap();
        assert_eq!(log.text(), "==> File truncated <==\nnew");
        log.append(b" more");
        assert_eq!(log.text(), " more");
    }

    #[test]
    fn after_a_rotation_the_rest_of_the_old_file_comes_first() {
        let mut log = Followed::with(b"one ");
        assert_eq!(log.text(), "one ");
        log.append(b"two ");
        fs::rename(&log.path, log.directory.path().join("log.1")).unwrap();
        assert_eq!(log.text(), "two ");
        fs::write(&log.path, b"three").unwrap();
        assert_eq!(log.text(), "three");
        fs::remove_file(&log.path).unwrap();
        assert_eq!(log.text(), "");
    }

    #[test]
    fn a_ring_is_followed_from_its_end_on() {
        let ring = SharedRing::new(RefCell::new(Ring::new(2000, true)));
        ring.borrow_mut().push(&[b'a'; 500]);
        ring.borrow_mut().push("€".repeat(400).as_bytes());
        let (mut tail, _) = Tail::of_ring(Rc::clone(&ring));
        let mut text = || {
            let mut piece = Vec::new();
            let look = tail.look(&mut Vec::new(), &mut piece).unwrap();
            assert!(look == Look::CaughtUp && !tail.has_news());
            String::from_utf8(piece).unwrap()
        };
        assert_eq!(text(), "€".repeat(341));
        ring.borrow_mut().push(b"more\xe2");
        assert_eq!(text(), "more");
        ring.borrow_mut().push(b"\x82\xac");
        assert_eq!(text(), "€");
        ring.borrow_mut().clear();
        assert_eq!(text(), "");
        for _ in 0..3 {
            ring.borrow_mut().push(&[b'x'; 1500]);
        }
        assert_eq!(
            text(),
            format!("==> Lines left out <==\n{}", "x".repeat(2000))
        );
    }

    #[test]
    fn much_comes_in_pieces() {
        let mut log = Followed::with(b"");
        log.append(&vec![b'x'; 200_000]);
        log.tail.look_around();
        let mut piece = Vec::new();
        assert_eq!(
            log.tail.look(&mut Vec::new(), &mut piece).unwrap(),
            Look::More
        );
        assert_eq!(piece.len() + log.all().len(), 200_000);
    }

    #[test]
    fn what_is_no_file_has_nothing_to_follow() {
        let mut tail = follow("/dev/zero");
        tail.look_around();
        let mut piece = Vec::new();
        assert_eq!(
            tail.look(&mut Vec::new(), &mut piece).unwrap(),
            Look::CaughtUp
        );
        assert!(piece.is_empty() && FollowedLog::open("/nonexistent/log", None).is_err());
    }
}
