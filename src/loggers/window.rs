//! Reading a part of a log file for a client, by the rules of `readLog` and
//! `tailLog`: offsets and lengths are bytes, whatever the text's encoding. The
//! file is opened at once and read in pieces, or whole if the part is short.
//!
//! A character belongs whole to the part in which it begins, so that parts which
//! follow each other give all of the text once. One whose last bytes are not
//! written yet counts as not written at all.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

use nix::fcntl::OFlag;

use crate::sys::safe_path;
use crate::text::decoder::Decoder;
use crate::text::utf8;

/// The most that is read at a time, in bytes.
pub const PIECE: usize = 64 * 1024;

/// Why a part of a log could not be read.
#[derive(Debug)]
pub enum WindowError {
    /// The signs of offset and length make no sense together.
    BadArguments,
    /// There is no such file.
    NoFile,
    /// It cannot be opened or read, or it is not a regular file.
    Unreadable(io::Error),
}

impl From<io::Error> for WindowError {
    fn from(error: io::Error) -> WindowError {
        match error.kind() {
            io::ErrorKind::NotFound => WindowError::NoFile,
            _ => WindowError::Unreadable(error),
        }
    }
}

/// A part of an open file. What becomes of the file's name afterwards does not
/// matter, and what is written behind the part is not seen.
#[derive(Debug)]
pub struct Window {
    file: File,
    start: u64,
    end: u64,
    position: u64,
}

/// How many parts of logs may be open at a time.
const PLACES: usize = 128;

/// The places for parts of logs that stay open while clients take them, or
/// while a call that they belong to is not finished.
#[derive(Debug, Default)]
pub struct Places(Rc<()>);

/// One of them, taken for as long as this is kept.
#[derive(Debug)]
pub struct Place {
    _taken: Rc<()>,
}

impl Places {
    /// Takes a place; `None` if there is none left.
    pub fn take(&self) -> Option<Place> {
        // One is the reference of these places themselves.
        let has_room = Rc::strong_count(&self.0) <= PLACES;
        has_room.then(|| Place {
            _taken: Rc::clone(&self.0),
        })
    }
}

/// What the end of a log is told with.
#[derive(Debug, Default)]
pub struct Tail {
    /// Its last bytes, if there are any to read.
    pub window: Option<Window>,
    /// Where the text that is still to be written begins: the size of the file,
    /// or where a character begins that is not all there yet.
    pub offset: i64,
    /// Whether there is more than offset and length cover.
    pub overflow: bool,
}

/// Opens `length` bytes from `offset` (0: to the end), or with a negative
/// offset and a length of 0 the last bytes.
pub fn read(path: &str, offset: i64, length: i64) -> Result<Window, WindowError> {
    if (offset < 0 && length != 0) || length < 0 {
        return Err(WindowError::BadArguments);
    }
    let (file, size) = open(path)?;
    let size = text_end(&file, size)?;
    let (start, end) = match u64::try_from(offset) {
        Err(_) => (size.saturating_sub(offset.unsigned_abs()), size),
        Ok(start) if length == 0 => (start, size),
        Ok(start) => (start, size.min(start.saturating_add(length.unsigned_abs()))),
    };
    Ok(Window::of_text(file, start, end, size)?)
}

/// Opens all of a file, byte for byte.
pub fn whole(path: &str) -> Result<Window, WindowError> {
    let (file, size) = open(path)?;
    Ok(Window::new(file, 0, size))
}

/// Whether the file is longer than so many bytes.
pub fn is_longer(path: &str, length: u64) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > length)
}

/// Opens the last `length` bytes. Where there is nothing to read, there is no window.
pub fn tail(path: &str, offset: i64, length: i64) -> Tail {
    let nothing = |offset, overflow| Tail {
        window: None,
        offset,
        overflow,
    };
    let opened = open(path).and_then(|(file, size)| {
        let size = text_end(&file, size)?;
        Ok((file, size))
    });
    let (file, size) = match opened {
        Ok(opened) => opened,
        Err(WindowError::NoFile) => return nothing(0, false),
        Err(_) => return nothing(offset, false),
    };
    let end = i64::try_from(size).unwrap_or(i64::MAX);
    let overflow = end > offset.saturating_add(length);
    if length <= 0 || (offset >= end && !overflow) {
        return nothing(end, overflow);
    }
    let start = size.saturating_sub(length.unsigned_abs());
    match Window::of_text(file, start, size, size) {
        Ok(window) => Tail {
            window: Some(window),
            offset: end,
            overflow,
        },
        Err(_) => nothing(offset, false),
    }
}

impl Window {
    /// The characters that begin between the two places of a text of that size.
    fn of_text(file: File, start: u64, end: u64, size: u64) -> io::Result<Window> {
        let start = behind_character(&file, start, size)?;
        let end = behind_character(&file, end, size)?;
        Ok(Window::new(file, start, end))
    }

    fn new(file: File, start: u64, end: u64) -> Window {
        Window {
            file,
            start,
            end: end.max(start),
            position: start,
        }
    }

    /// How many bytes it has, read or not.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Fills `buffer` with the next bytes, at most [`PIECE`]. It stays empty at
    /// the end, and where the file has become shorter.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        buffer.resize(left.min(PIECE), 0);
        let outcome = self.file.read_at(buffer, self.position);
        let count = *outcome.as_ref().unwrap_or(&0);
        buffer.truncate(count);
        self.position += count as u64;
        outcome.map(|_| ())
    }

    /// Whether all of it has been read.
    pub fn is_at_end(&self) -> bool {
        self.position == self.end
    }

    /// Begins again.
    pub fn rewind(&mut self) {
        self.position = self.start;
    }

    /// The whole as text: what is no UTF-8 becomes U+FFFD.
    pub fn text(mut self) -> io::Result<String> {
        let (mut text, mut decoder, mut buffer) = (String::new(), Decoder::default(), Vec::new());
        loop {
            self.read(&mut buffer)?;
            if buffer.is_empty() {
                text.extend(decoder.finish());
                return Ok(text);
            }
            decoder.push(&buffer, |part| text.push_str(part));
        }
    }
}

/// Where the text of a file ends that has so many bytes, without a character that
/// is still being written.
fn text_end(file: &File, size: u64) -> io::Result<u64> {
    let mut last = [0; utf8::LONGEST - 1];
    let start = size.saturating_sub(last.len() as u64);
    let last = read_at(file, &mut last, start, size)?;
    Ok(size - utf8::unfinished(last) as u64)
}

/// The place itself, or the end of the character that it is within.
pub fn behind_character(file: &File, place: u64, size: u64) -> io::Result<u64> {
    if place == 0 || place >= size {
        return Ok(place);
    }
    let mut around = [0; 2 * utf8::LONGEST - 1];
    let start = place.saturating_sub(utf8::LONGEST as u64 - 1);
    let around = read_at(file, &mut around, start, size)?;
    let middle = usize::try_from(place - start).unwrap_or(usize::MAX);
    let (before, after) = around.split_at_checked(middle).unwrap_or_default();
    Ok(place + utf8::cut(before, after) as u64)
}

/// Reads from a place on, to the size at most. A file may be shorter by now.
fn read_at<'b>(file: &File, buffer: &'b mut [u8], start: u64, size: u64) -> io::Result<&'b [u8]> {
    let most = usize::try_from(size.saturating_sub(start)).unwrap_or(usize::MAX);
    let most = most.min(buffer.len());
    let buffer = buffer.get_mut(..most).unwrap_or_default();
    let count = file.read_at(buffer, start)?;
    Ok(buffer.get(..count).unwrap_or_default())
}

/// Opens a regular file without ever waiting, as opening a FIFO would.
fn open(path: &str) -> Result<(File, u64), WindowError> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = safe_path::open(Path::new(path), flags, 0)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(WindowError::Unreadable(io::Error::from(
            io::ErrorKind::InvalidInput,
        )));
    }
    Ok((file, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    fn text(path: &str, offset: i64, length: i64) -> Result<String, WindowError> {
        Ok(read(path, offset, length)?.text()?)
    }

    fn tailed(path: &str, offset: i64, length: i64) -> (String, i64, bool) {
        let tail = tail(path, offset, length);
        let text = tail.window.map(|window| window.text().unwrap());
        (text.unwrap_or_default(), tail.offset, tail.overflow)
    }

    fn file(content: &[u8]) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log").to_str().unwrap().to_owned();
        std::fs::write(&path, content).unwrap();
        (directory, path)
    }

    #[test]
    fn read_takes_the_window_that_the_signs_say() {
        let (_directory, path) = file(b"0123456789");
        for (offset, length, expected) in [
            (0, 0, Some("0123456789")),
            (-4, 0, Some("6789")),
            (-40, 0, Some("0123456789")),
            (3, 0, Some("3456789")),
            (3, 2, Some("34")),
            (8, 100, Some("89")),
            (50, 0, Some("")),
            (50, 5, Some("")),
            (-4, 2, None),
            (0, -1, None),
            (-1, -1, None),
            (i64::MAX, i64::MAX, Some("")),
            (i64::MIN, 0, Some("0123456789")),
        ] {
            match (text(&path, offset, length), expected) {
                (Ok(text), Some(expected)) => assert_eq!(text, expected, "{offset}, {length}"),
                (Err(WindowError::BadArguments), None) => {}
                (outcome, _) => panic!("{offset}, {length}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn tail_gives_the_last_bytes_whatever_the_offset() {
        let (_directory, path) = file(b"0123456789");
        for (offset, length, text, overflow) in [
            (0, 5, "56789", true),
            (5, 5, "56789", false),
            (9, 5, "56789", false),
            (5, 6, "456789", false),
            (2, 1, "9", true),
            (0, 100, "0123456789", false),
            (10, 5, "", false),
            (-1, 5, "56789", true),
            (0, 0, "", true),
        ] {
            assert_eq!(
                tailed(&path, offset, length),
                (text.to_owned(), 10, overflow),
                "{offset}, {length}"
            );
        }
    }

    #[test]
    fn a_missing_file_and_a_directory_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory
            .path()
            .join("missing")
            .to_str()
            .unwrap()
            .to_owned();
        assert!(matches!(read(&missing, 0, 0), Err(WindowError::NoFile)));
        assert_eq!(tailed(&missing, 7, 1), (String::new(), 0, false));
        let path = directory.path().to_str().unwrap();
        assert!(matches!(read(path, 0, 0), Err(WindowError::Unreadable(_))));
        assert_eq!(tailed(path, 7, 1), (String::new(), 7, false));
    }

    #[test]
    fn a_character_that_a_window_cuts_belongs_to_the_one_in_which_it_begins() {
        let (_directory, path) = file("aéb\u{20ac}".as_bytes());
        for (offset, length, expected) in [
            (0, 2, "aé"),
            (2, 2, "b"),
            (2, 1, ""),
            (2, 3, "b\u{20ac}"),
            (5, 100, ""),
            (-2, 0, ""),
            (-3, 0, "\u{20ac}"),
        ] {
            assert_eq!(
                text(&path, offset, length).unwrap(),
                expected,
                "{offset}, {length}"
            );
        }
        for (length, expected) in [(2, ""), (3, "\u{20ac}"), (5, "b\u{20ac}")] {
            assert_eq!(
                tailed(&path, 0, length),
                (expected.to_owned(), 7, true),
                "{length}"
            );
        }
        let (_directory, path) = file(b"a\xffb");
        assert_eq!(text(&path, 0, 0).unwrap(), "a\u{fffd}b");
        assert!(is_longer(&path, 2) && !is_longer(&path, 3));
    }

    #[test]
    fn a_character_that_is_still_being_written_is_neither_told_nor_counted() {
        let (_directory, path) = file(b"caf\xc3");
        assert_eq!(text(&path, 0, 0).unwrap(), "caf");
        assert_eq!(text(&path, -2, 0).unwrap(), "af");
        assert_eq!(tailed(&path, 0, 10), ("caf".to_owned(), 3, false));
        assert_eq!(tailed(&path, 3, 10), (String::new(), 3, false));
        assert_eq!(whole(&path).unwrap().size(), 4);
        std::fs::write(&path, "café").unwrap();
        assert_eq!(text(&path, 3, 0).unwrap(), "é");
        assert_eq!(tailed(&path, 3, 10), ("café".to_owned(), 5, false));
    }

    #[test]
    fn bytes_without_a_character_stay_at_the_edges_of_windows() {
        let (_directory, path) = file(b"\x80\x80ab\xff\x80\xe2\x82x");
        assert_eq!(text(&path, 0, 4).unwrap(), "\u{fffd}\u{fffd}ab");
        assert_eq!(text(&path, 4, 4).unwrap(), "\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(text(&path, 5, 2).unwrap(), "\u{fffd}\u{fffd}");
        assert_eq!(text(&path, -2, 0).unwrap(), "x");
    }

    /// What characters and other bytes a log may hold, with what becomes of them.
    const PIECES: [(&[u8], &str); 12] = [
        (b"a", "a"),
        (b"\n", "\n"),
        ("é".as_bytes(), "é"),
        ("\u{20ac}".as_bytes(), "\u{20ac}"),
        ("\u{1f600}".as_bytes(), "\u{1f600}"),
        ("\u{feff}".as_bytes(), "\u{feff}"),
        (b"\xff", "\u{fffd}"),
        (b"\xc0\x80", "\u{fffd}\u{fffd}"),
        (b"\xe2\x82!", "\u{fffd}!"),
        (b"\xf0\x9f\x98 ", "\u{fffd} "),
        (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        (b"\xc3\xc3\xa9", "\u{fffd}é"),
    ];

    /// xorshift64
    fn chance(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn windows_that_follow_each_other_give_the_whole_text_whatever_their_size() {
        let mut state = 0x5eed_0001;
        for round in 0..300 {
            let (mut bytes, mut expected) = (Vec::new(), String::new());
            while bytes.len() < 40 {
                let place = chance(&mut state) as usize % PIECES.len();
                bytes.extend_from_slice(PIECES[place].0);
                expected.push_str(PIECES[place].1);
            }
            if round % 3 == 0 {
                // Bytes that nobody has thought of, without a character begun at the end.
                bytes = (0..40).map(|_| (chance(&mut state) >> 32) as u8).collect();
                bytes.push(b'.');
                expected = String::from_utf8_lossy(&bytes).into_owned();
            }
            let (_directory, path) = file(&bytes);
            for size in 1..=bytes.len() {
                let mut all = String::new();
                for offset in (0..bytes.len()).step_by(size) {
                    let part = text(&path, offset as i64, size as i64).unwrap();
                    assert!(size < 4 || offset + size > bytes.len() || !part.is_empty());
                    all.push_str(&part);
                }
                assert_eq!(all, expected, "{bytes:?} by {size}");
            }
            for length in 0..bytes.len() as i64 {
                let end = text(&path, -length, 0).unwrap();
                assert!(
                    length == 0 || expected.ends_with(&end),
                    "{bytes:?} last {length}"
                );
                assert!(length < 4 || !end.is_empty());
            }
        }
    }

    #[test]
    fn a_client_that_goes_on_where_it_was_told_copies_a_log_that_grows_byte_by_byte() {
        let content = b"caf\xc3\xa9 \xe2\x82\xac\xf0\x9f\x98\x80 \xe2\x82! \xff\x80.\n";
        let (_directory, path) = file(b"");
        let (mut copy, mut offset) = (String::new(), 0);
        for end in 1..=content.len() {
            std::fs::write(&path, &content[..end]).unwrap();
            let (_, next, _) = tailed(&path, offset, 0);
            copy.push_str(&text(&path, offset, next - offset).unwrap_or_default());
            offset = next;
        }
        assert_eq!(copy, String::from_utf8_lossy(content));
        assert_eq!(offset, content.len() as i64);
    }

    #[test]
    fn a_place_is_taken_for_as_long_as_it_is_kept() {
        let places = Places::default();
        let mut taken: Vec<Place> = std::iter::from_fn(|| places.take()).collect();
        assert_eq!(taken.len(), PLACES);
        taken.truncate(PLACES - 2);
        taken.extend(std::iter::from_fn(|| places.take()));
        assert_eq!(taken.len(), PLACES);
    }

    #[test]
    fn a_long_part_is_read_in_pieces_and_ends_where_the_file_ends_now() {
        let (_directory, path) = file(&vec![b'x'; PIECE + 10]);
        let mut window = read(&path, 0, 0).unwrap();
        let mut buffer = Vec::new();
        let sizes = |window: &mut Window, buffer: &mut Vec<u8>| {
            std::iter::from_fn(|| {
                window.read(buffer).unwrap();
                Some(buffer.len()).filter(|size| *size > 0)
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(window.size(), PIECE as u64 + 10);
        assert_eq!(sizes(&mut window, &mut buffer), [PIECE, 10]);
        assert!(window.is_at_end());
        window.rewind();
        let writer = OpenOptions::new().append(true).open(&path).unwrap();
        writer.set_len(5).unwrap();
        assert_eq!(sizes(&mut window, &mut buffer), [5]);
        assert!(!window.is_at_end());
    }
}
