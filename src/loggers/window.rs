//! Reading a part of a log file for a client, by the rules of `readLog` and
//! `tailLog`: offsets and lengths are bytes, whatever the text's encoding.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

/// No answer holds more of a file than this (the last, or the first, bytes).
const MOST: u64 = 16 * 1024 * 1024;

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

/// Reads `length` bytes from `offset` (0: to the end), or with a negative
/// offset and a length of 0 the last bytes.
pub fn read(path: &str, offset: i64, length: i64) -> Result<String, WindowError> {
    if (offset < 0 && length != 0) || length < 0 {
        return Err(WindowError::BadArguments);
    }
    let (mut file, size) = open(path)?;
    let (start, end) = match u64::try_from(offset) {
        Err(_) => (size.saturating_sub(offset.unsigned_abs()), size),
        Ok(start) if length == 0 => (start, size),
        Ok(start) => (start, size.min(start.saturating_add(length.unsigned_abs()))),
    };
    let most = if offset < 0 {
        end.saturating_sub(MOST)
    } else {
        0
    };
    Ok(text(&bytes(&mut file, start.max(most), end)?))
}

/// The whole file as it is, or its end if it is longer than an answer may be.
pub fn raw(path: &str) -> Result<Vec<u8>, WindowError> {
    let (mut file, size) = open(path)?;
    Ok(bytes(&mut file, size.saturating_sub(MOST), size)?)
}

/// Whether the file is longer than so many bytes.
pub fn is_longer(path: &str, length: u64) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > length)
}

/// The last `length` bytes, the size of the file and whether there was more
/// than offset and length cover. Where there is nothing to read, the text is empty.
pub fn tail(path: &str, offset: i64, length: i64) -> (String, i64, bool) {
    let (mut file, size) = match open(path) {
        Ok(opened) => opened,
        Err(WindowError::NoFile) => return (String::new(), 0, false),
        Err(_) => return (String::new(), offset, false),
    };
    let end = i64::try_from(size).unwrap_or(i64::MAX);
    let overflow = end > offset.saturating_add(length);
    if length <= 0 || (offset >= end && !overflow) {
        return (String::new(), end, overflow);
    }
    match bytes(
        &mut file,
        size.saturating_sub(length.unsigned_abs().min(MOST)),
        size,
    ) {
        Ok(read) => (text(&read), end, overflow),
        Err(_) => (String::new(), offset, false),
    }
}

/// Opens a regular file without ever waiting, as opening a FIFO would.
fn open(path: &str) -> Result<(File, u64), WindowError> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(WindowError::Unreadable(io::Error::from(
            io::ErrorKind::InvalidInput,
        )));
    }
    Ok((file, metadata.len()))
}

fn bytes(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if start < end {
        file.seek(SeekFrom::Start(start))?;
        file.take((end - start).min(MOST)).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Text out of bytes: a character that the edge of the window has cut is left
/// out, what is no UTF-8 within becomes U+FFFD.
fn text(bytes: &[u8]) -> String {
    let cut_at_start = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000)
        .count();
    let bytes = &bytes[cut_at_start..];
    let end = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            match (read(&path, offset, length), expected) {
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
                tail(&path, offset, length),
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
        assert_eq!(tail(&missing, 7, 1), (String::new(), 0, false));
        let path = directory.path().to_str().unwrap();
        assert!(matches!(read(path, 0, 0), Err(WindowError::Unreadable(_))));
        assert_eq!(tail(path, 7, 1), (String::new(), 7, false));
    }

    #[test]
    fn characters_cut_by_the_window_are_left_out_and_other_bytes_replaced() {
        let (_directory, path) = file("aéb\u{20ac}".as_bytes());
        assert_eq!(read(&path, 0, 2).unwrap(), "a");
        assert_eq!(read(&path, 2, 2).unwrap(), "b");
        assert_eq!(read(&path, -2, 0).unwrap(), "");
        assert_eq!(read(&path, -3, 0).unwrap(), "\u{20ac}");
        let (_directory, path) = file(b"a\xffb");
        assert_eq!(read(&path, 0, 0).unwrap(), "a\u{fffd}b");
        assert_eq!(raw(&path).unwrap(), b"a\xffb");
        assert!(is_longer(&path, 2) && !is_longer(&path, 3));
    }
}
