//! Following a log file for `/logtail` and `/mainlogtail`: its last 1024
//! bytes, then whatever is appended, across truncation and rotation.
//!
//! Better than 4.3.0: truncation is always told, and after a rotation the rest
//! of the old file comes before the new one. No piece ends in the middle of a
//! UTF-8 character, since old clients decode each piece by itself.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use crate::clock::Timestamp;

/// How much of what was written before is sent, in bytes.
const BACKLOG: u64 = 1024;
/// The most that one look takes from the file, in bytes.
const PIECE: u64 = 64 * 1024;
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

/// A followed file: where it is, and how far it was read.
#[derive(Debug)]
pub struct Tail {
    path: String,
    file: File,
    position: u64,
    /// The next read begins inside the file: characters may be cut in half there.
    cut: bool,
    /// The beginning of a character whose end was not there yet; at most three bytes.
    partial: Vec<u8>,
}

/// Whether a look left something in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// All has been read.
    CaughtUp,
    /// There is more: look again as soon as this has been sent.
    More,
}

impl Tail {
    /// Opens the file at `path`, and says when it was last written.
    pub fn open(path: &str) -> io::Result<(Tail, Timestamp)> {
        let mut file = open(path)?;
        let metadata = file.metadata()?;
        let position = readable_size(&metadata).saturating_sub(BACKLOG);
        if position > 0 {
            file.seek(SeekFrom::Start(position))?;
        }
        let modified = Timestamp {
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec().try_into().unwrap_or(0),
        };
        let tail = Tail {
            path: path.to_owned(),
            file,
            position,
            cut: position > 0,
            partial: Vec::new(),
        };
        Ok((tail, modified))
    }

    /// Adds what is new to `piece`, which should be empty and may stay so.
    /// `buffer` is used for reading and left empty.
    pub fn look(&mut self, buffer: &mut Vec<u8>, piece: &mut Vec<u8>) -> io::Result<Look> {
        let current = self.file.metadata()?;
        if readable_size(&current) < self.position {
            piece.append(&mut self.partial);
            piece.extend_from_slice(TRUNCATED);
            self.file.rewind()?;
            self.position = 0;
            self.cut = false;
        }
        if self.read(buffer, piece)? == Look::More {
            return Ok(Look::More);
        }
        match self.successor(&current) {
            Some(file) => {
                piece.append(&mut self.partial);
                self.file = file;
                self.position = 0;
                self.cut = false;
                Ok(Look::More)
            }
            None => Ok(Look::CaughtUp),
        }
    }

    /// The file that the path names now, if it is another one.
    fn successor(&self, current: &Metadata) -> Option<File> {
        let named = std::fs::metadata(&self.path).ok()?;
        if (named.dev(), named.ino()) == (current.dev(), current.ino()) {
            return None;
        }
        open(&self.path).ok()
    }

    fn read(&mut self, buffer: &mut Vec<u8>, piece: &mut Vec<u8>) -> io::Result<Look> {
        if readable_size(&self.file.metadata()?) <= self.position {
            return Ok(Look::CaughtUp);
        }
        buffer.clear();
        let outcome = (&self.file).take(PIECE).read_to_end(buffer);
        self.position += buffer.len() as u64;
        let mut fresh = buffer.as_slice();
        if self.cut {
            fresh = without_cut_character(fresh);
            self.cut = false;
        }
        piece.append(&mut self.partial);
        piece.extend_from_slice(fresh);
        let whole = piece.len() - incomplete_end(piece);
        self.partial = piece.split_off(whole);
        let full = buffer.len() as u64 == PIECE;
        buffer.clear();
        outcome?;
        Ok(if full { Look::More } else { Look::CaughtUp })
    }
}

/// Never waits for the other end of a FIFO and never takes a terminal over.
fn open(path: &str) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// Pipes and terminals have nothing to follow: reading would take it from others.
fn readable_size(metadata: &Metadata) -> u64 {
    if metadata.is_file() {
        metadata.len()
    } else {
        0
    }
}

fn without_cut_character(bytes: &[u8]) -> &[u8] {
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|byte| is_continuation(**byte))
        .count();
    bytes.get(cut..).unwrap_or_default()
}

/// How many bytes at the end begin a UTF-8 character that they do not finish.
fn incomplete_end(bytes: &[u8]) -> usize {
    for (place, &byte) in bytes.iter().rev().take(3).enumerate() {
        if is_continuation(byte) {
            continue;
        }
        let width = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        return if width > place + 1 { place + 1 } else { 0 };
    }
    0
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

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
            let (tail, _) = Tail::open(&path).unwrap();
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
    fn much_comes_in_pieces() {
        let mut log = Followed::with(b"");
        log.append(&vec![b'x'; 200_000]);
        let mut piece = Vec::new();
        assert_eq!(
            log.tail.look(&mut Vec::new(), &mut piece).unwrap(),
            Look::More
        );
        assert_eq!(piece.len() + log.all().len(), 200_000);
    }

    #[test]
    fn what_is_no_file_has_nothing_to_follow() {
        let (mut tail, _) = Tail::open("/dev/zero").unwrap();
        let mut piece = Vec::new();
        assert_eq!(
            tail.look(&mut Vec::new(), &mut piece).unwrap(),
            Look::CaughtUp
        );
        assert!(piece.is_empty() && Tail::open("/nonexistent/log").is_err());
    }
}
