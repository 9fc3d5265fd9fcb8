//! Reading a part of a log, a file or a [`ring`](super::ring), for a client, by the rules of `readLog` and
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

use crate::loggers::ring::SharedRing;
use crate::snapshot::saved;
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

/// Where a log can be read.
#[derive(Clone, Copy, Debug)]
pub enum LogPlace<'a> {
    /// The file at this path.
    Path(&'a str),
    Ring(&'a SharedRing),
}

/// What a part of a log is read from.
#[derive(Debug)]
enum Source {
    File(File),
    Ring(SharedRing),
}

saved! { enum Source { File(a), Ring(a) } }

/// What can be read from any offset on.
pub trait ReadAt {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The first offset that there is something to read at.
    fn start(&self) -> u64 {
        0
    }
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

impl ReadAt for SharedRing {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(self.borrow().read_at(buffer, offset))
    }

    fn start(&self) -> u64 {
        self.borrow().start()
    }
}

impl Source {
    fn reader(&self) -> &dyn ReadAt {
        match self {
            Source::File(file) => file,
            Source::Ring(ring) => ring,
        }
    }
}

/// A part of an open file or of a ring. What becomes of a file's name afterwards does not
/// matter, and what is written behind the part is not seen. What a ring loses meanwhile is
/// as the rest of a file that was cut short.
#[derive(Debug)]
pub struct Window {
    source: Source,
    start: u64,
    end: u64,
    position: u64,
}

saved! { struct Window { source, start, end, position } }

/// How many parts of logs may be open at a time.
const LIMIT: usize = 128;

/// Limits the parts of logs that stay open while clients take them, or
/// while a call that they belong to is not finished.
#[derive(Debug, Default)]
pub struct WindowLimit(Rc<()>);

saved! { struct WindowLimit(_); }

/// One of them may be open for as long as this is kept.
#[derive(Debug)]
pub struct WindowPermit {
    counted: Rc<()>,
}

saved! { struct WindowPermit { counted } }

impl WindowLimit {
    /// Admits one more; `None` if too many are open.
    pub fn admit(&self) -> Option<WindowPermit> {
        // One is the reference of the limit itself.
        let has_room = Rc::strong_count(&self.0) <= LIMIT;
        has_room.then(|| WindowPermit {
            counted: Rc::clone(&self.0),
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
pub fn read(place: LogPlace<'_>, offset: i64, length: i64) -> Result<Window, WindowError> {
    if (offset < 0 && length != 0) || length < 0 {
        return Err(WindowError::BadArguments);
    }
    let (source, size) = open(place)?;
    let size = text_end(source.reader(), size)?;
    let (start, end) = match u64::try_from(offset) {
        Err(_) => (size.saturating_sub(offset.unsigned_abs()), size),
        Ok(start) if length == 0 => (start, size),
        Ok(start) => (start, size.min(start.saturating_add(length.unsigned_abs()))),
    };
    Ok(Window::of_text(source, start, end, size)?)
}

/// Opens all that is there, byte for byte.
pub fn whole(place: LogPlace<'_>) -> Result<Window, WindowError> {
    let (source, size) = open(place)?;
    Ok(Window::new(source, 0, size))
}

/// Whether there are more than so many bytes.
pub fn is_longer(place: LogPlace<'_>, length: u64) -> bool {
    match place {
        LogPlace::Path(path) => {
            std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > length)
        }
        LogPlace::Ring(ring) => {
            let ring = ring.borrow();
            ring.end() - ring.start() > length
        }
    }
}

/// Opens the last `length` bytes. Where there is nothing to read, there is no window.
pub fn tail(place: LogPlace<'_>, offset: i64, length: i64) -> Tail {
    let nothing = |offset, overflow| Tail {
        window: None,
        offset,
        overflow,
    };
    let opened = open(place).and_then(|(source, size)| {
        let size = text_end(source.reader(), size)?;
        Ok((source, size))
    });
    let (source, size) = match opened {
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
    match Window::of_text(source, start, size, size) {
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
    fn of_text(source: Source, start: u64, end: u64, size: u64) -> io::Result<Window> {
        let start = behind_character(source.reader(), start, size)?;
        let end = behind_character(source.reader(), end, size)?;
        Ok(Window::new(source, start, end))
    }

    fn new(source: Source, start: u64, end: u64) -> Window {
        // What is not there any more is left out.
        let start = start.max(source.reader().start());
        Window {
            source,
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
        let outcome = self.source.reader().read_at(buffer, self.position);
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
fn text_end(source: &dyn ReadAt, size: u64) -> io::Result<u64> {
    let mut last = [0; utf8::LONGEST - 1];
    let start = size.saturating_sub(last.len() as u64).max(source.start());
    let last = read_at(source, &mut last, start, size)?;
    Ok(size - utf8::unfinished(last) as u64)
}

/// The offset itself, or the end of the character that it is within.
pub fn behind_character(source: &dyn ReadAt, offset: u64, size: u64) -> io::Result<u64> {
    let first = source.start();
    if offset <= first || offset >= size {
        return Ok(offset);
    }
    let mut around = [0; 2 * utf8::LONGEST - 1];
    let start = offset.saturating_sub(utf8::LONGEST as u64 - 1).max(first);
    let around = read_at(source, &mut around, start, size)?;
    let middle = usize::try_from(offset - start).unwrap_or(usize::MAX);
    let (before, after) = around.split_at_checked(middle).unwrap_or_default();
    Ok(offset + utf8::cut(before, after) as u64)
}

/// Reads from an offset on, to the size at most. A file may be shorter by now.
fn read_at<'b>(
    source: &dyn ReadAt,
    buffer: &'b mut [u8],
    start: u64,
    size: u64,
) -> io::Result<&'b [u8]> {
    let most = usize::try_from(size.saturating_sub(start)).unwrap_or(usize::MAX);
    let most = most.min(buffer.len());
    let buffer = buffer.get_mut(..most).unwrap_or_default();
    let count = source.read_at(buffer, start)?;
    Ok(buffer.get(..count).unwrap_or_default())
}

/// Opens a regular file without ever waiting, as opening a FIFO would.
fn open(place: LogPlace<'_>) -> Result<(Source, u64), WindowError> {
    let path = match place {
        LogPlace::Path(path) => path,
        LogPlace::Ring(ring) => {
            let size = ring.borrow().end();
            return Ok((Source::Ring(SharedRing::clone(ring)), size));
        }
    };
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = safe_path::open(Path::new(path), flags, 0)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(WindowError::Unreadable(io::Error::from(
            io::ErrorKind::InvalidInput,
        )));
    }
    Ok((Source::File(file), metadata.len()))
}

#[cfg(test)]
mod tests;
