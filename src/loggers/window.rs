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
const LIMIT: usize = 128;

/// Limits the parts of logs that stay open while clients take them, or
/// while a call that they belong to is not finished.
#[derive(Debug, Default)]
pub struct WindowLimit(Rc<()>);

/// One of them may be open for as long as this is kept.
#[derive(Debug)]
pub struct WindowPermit {
    _counted: Rc<()>,
}

impl WindowLimit {
    /// Admits one more; `None` if too many are open.
    pub fn admit(&self) -> Option<WindowPermit> {
        // One is the reference of the limit itself.
        let has_room = Rc::strong_count(&self.0) <= LIMIT;
        has_room.then(|| WindowPermit {
            _counted: Rc::clone(&self.0),
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
    /// The characters that begin between two offsets in a text of that size.
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

/// The offset itself, or the end of the character that it is within.
pub fn behind_character(file: &File, offset: u64, size: u64) -> io::Result<u64> {
    if offset == 0 || offset >= size {
        return Ok(offset);
    }
    let mut around = [0; 2 * utf8::LONGEST - 1];
    let start = offset.saturating_sub(utf8::LONGEST as u64 - 1);
    let around = read_at(file, &mut around, start, size)?;
    let middle = usize::try_from(offset - start).unwrap_or(usize::MAX);
    let (before, after) = around.split_at_checked(middle).unwrap_or_default();
    Ok(offset + utf8::cut(before, after) as u64)
}

/// Reads from an offset on, to the size at most. A file may be shorter by now.
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
mod tests;
