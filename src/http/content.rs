//! A body that is not all in memory: text, and parts of logs that are read
//! piece by piece as the client takes them, decoded and escaped or as they are.
//!
//! What is escaped is gone through twice, each time in pieces: first to learn its length,
//! so that it can be told before it begins, as every old client wants it; then
//! to send it. Should a log have been shortened or written anew meanwhile, its
//! text ends where it ends, or where its room ends, and line feeds behind the
//! document make up the length: what arrives is well-formed in any case. A log
//! as it is has nothing that could be made up: then the connection is closed.

use std::collections::VecDeque;
use std::io;

use crate::http::outbox::Outbox;
use crate::loggers::window::{PIECE, Window, WindowPermit};
use crate::snapshot::saved;
use crate::text::decoder::Decoder;
use crate::xmlrpc::writer;

/// Texts up to this size are joined when one content is added to another, in bytes.
const JOINED: usize = 16 * 1024;

/// The body, or a piece of one while it is put together.
#[derive(Debug, Default)]
pub struct Content {
    parts: VecDeque<Part>,
    /// The text behind the parts.
    last: String,
    /// How many parts have been measured.
    measured: usize,
    /// The length of those.
    length: u64,
    /// How much of the length nothing is left to fill with.
    missing: u64,
}

saved! { struct Content { parts, last, measured, length, missing } }

#[derive(Debug)]
enum Part {
    Text(String),
    Log(Log),
    Raw {
        window: Window,
        _permit: WindowPermit,
    },
}

saved! { enum Part { Text(a), Log(a), Raw { window, _permit } } }

#[derive(Debug)]
struct Log {
    window: Window,
    /// That of the open file.
    _permit: WindowPermit,
    decoder: Decoder,
    /// The length of its escaped text: how much is known so far, then how much is left to send.
    room: u64,
}

saved! { struct Log { window, _permit, decoder, room } }

impl Content {
    /// The end of the text, to be written on.
    pub fn text(&mut self) -> &mut String {
        &mut self.last
    }

    /// Adds a part of a log, as escaped text.
    pub fn push_log(&mut self, window: Window, permit: WindowPermit) {
        self.close_text();
        self.parts.push_back(Part::Log(Log {
            window,
            _permit: permit,
            decoder: Decoder::default(),
            room: 0,
        }));
    }

    /// Adds a part of a log as it is.
    pub fn push_raw(&mut self, window: Window, permit: WindowPermit) {
        self.close_text();
        self.parts.push_back(Part::Raw {
            window,
            _permit: permit,
        });
    }

    /// Adds what another holds.
    pub fn append(&mut self, other: Content) {
        let last = Part::Text(other.last);
        for part in other.parts.into_iter().chain([last]) {
            match part {
                Part::Text(text) if text.len() <= JOINED => self.last.push_str(&text),
                Part::Text(text) => {
                    self.close_text();
                    self.last = text;
                }
                part => {
                    self.close_text();
                    self.parts.push_back(part);
                }
            }
        }
    }

    fn close_text(&mut self) {
        if !self.last.is_empty() {
            let text = std::mem::take(&mut self.last);
            self.parts.push_back(Part::Text(text));
        }
    }

    /// How many parts of logs it holds, each of which is an open file.
    pub fn logs(&self) -> usize {
        let parts = self.parts.iter();
        parts.filter(|part| !matches!(part, Part::Text(_))).count()
    }

    /// How many bytes of it are in memory.
    pub fn text_size(&self) -> usize {
        let sizes = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.len(),
            Part::Log(_) | Part::Raw { .. } => 0,
        });
        sizes.sum::<usize>() + self.last.len()
    }

    /// How many bytes it comes from, in memory and in logs.
    pub fn size(&self) -> u64 {
        let sizes = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.len() as u64,
            Part::Log(Log { window, .. }) | Part::Raw { window, .. } => window.size(),
        });
        sizes.sum::<u64>() + self.last.len() as u64
    }

    /// Goes on with measuring by one piece; the length when it is known.
    /// `buffer` is used for reading and left empty.
    pub fn measure(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<u64>> {
        self.close_text();
        while let Some(part) = self.parts.get_mut(self.measured) {
            let log = match part {
                Part::Text(text) => {
                    self.length += text.len() as u64;
                    self.measured += 1;
                    continue;
                }
                Part::Raw { window, .. } => {
                    self.length += window.size();
                    self.measured += 1;
                    continue;
                }
                Part::Log(log) => log,
            };
            if let Some(piece) = log.piece(buffer)? {
                log.room += piece.len() as u64;
                return Ok(None);
            }
            self.length += log.room;
            self.measured += 1;
            log.window.rewind();
            log.decoder = Decoder::default();
        }
        Ok(Some(self.length))
    }

    /// Puts the next piece into `output`; false if there was none. `buffer` is
    /// used for reading and left empty.
    pub fn produce(&mut self, buffer: &mut Vec<u8>, output: &mut Outbox) -> io::Result<bool> {
        self.close_text();
        while let Some(part) = self.parts.pop_front() {
            let mut log = match part {
                Part::Text(text) => {
                    output.give(text.into_bytes());
                    // What comes from a log next is a piece of its own.
                    if matches!(self.parts.front(), Some(Part::Text(_))) {
                        continue;
                    }
                    return Ok(true);
                }
                Part::Raw {
                    mut window,
                    _permit,
                } => {
                    if window.is_at_end() {
                        continue;
                    }
                    window.read(buffer)?;
                    if buffer.is_empty() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    output.give(std::mem::take(buffer));
                    self.parts.push_front(Part::Raw { window, _permit });
                    return Ok(true);
                }
                Part::Log(log) => log,
            };
            let Some(mut piece) = log.piece(buffer)? else {
                self.missing += log.room;
                continue;
            };
            let fits = whole_escapes(&piece, log.room);
            let is_full = fits < piece.len();
            piece.truncate(fits);
            log.room -= fits as u64;
            output.give(piece.into_bytes());
            if is_full {
                self.missing += log.room;
            } else {
                self.parts.push_front(Part::Log(log));
            }
            return Ok(true);
        }
        let filling = usize::try_from(self.missing).map_or(PIECE, |missing| missing.min(PIECE));
        self.missing -= filling as u64;
        output.give(vec![b'\n'; filling]);
        Ok(filling > 0)
    }
}

impl Log {
    /// The escaped text of the next piece; `None` at the end.
    fn piece(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<String>> {
        buffer.clear();
        self.window.read(buffer)?;
        if buffer.is_empty() {
            return Ok(self.decoder.finish().map(str::to_owned));
        }
        let mut text = String::with_capacity(buffer.len() + buffer.len() / 16);
        self.decoder
            .push(buffer, |part| writer::push_text(&mut text, part));
        buffer.clear();
        Ok(Some(text))
    }
}

/// How much of escaped text fits into `room` bytes without a cut through a
/// character or through an escape.
fn whole_escapes(text: &str, room: u64) -> usize {
    let room = match usize::try_from(room) {
        Ok(room) if room < text.len() => room,
        _ => return text.len(),
    };
    let mut end = room;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).unwrap_or_default();
    match head.rfind('&') {
        Some(escape) if !head.get(escape..).unwrap_or_default().contains(';') => escape,
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loggers::window::{self, LogPlace};
    use std::fs;

    /// The length that is told, then all that is sent, of a log between two
    /// brackets; `meanwhile` is done between the two.
    fn sent(before: &[u8], meanwhile: impl FnOnce(&str)) -> (u64, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log").to_str().unwrap().to_owned();
        fs::write(&path, before).unwrap();
        let mut content = Content::default();
        content.text().push('[');
        let permit = window::WindowLimit::default().admit().unwrap();
        content.push_log(window::read(LogPlace::Path(&path), 0, 0).unwrap(), permit);
        content.text().push(']');
        let mut buffer = Vec::new();
        let length = loop {
            if let Some(length) = content.measure(&mut buffer).unwrap() {
                break length;
            }
        };
        meanwhile(&path);
        let (mut bytes, mut output) = (Vec::new(), Outbox::default());
        while content.produce(&mut buffer, &mut output).unwrap() {
            assert!(output.len() <= PIECE * 5, "no more than a piece at a time");
            while !output.is_empty() {
                let (slices, size) = output.offer();
                slices
                    .iter()
                    .for_each(|slice| bytes.extend_from_slice(slice));
                output.consume(size);
            }
        }
        (length, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_log_comes_as_it_would_come_whole() {
        let mut log = Vec::new();
        while log.len() < 3 * PIECE {
            log.extend_from_slice("a<b> & é€😀 \u{1b}[1m".as_bytes());
            log.extend_from_slice(b"\xff\n");
        }
        let mut expected = String::from("[");
        writer::push_text(&mut expected, &String::from_utf8_lossy(&log));
        expected.push(']');
        let (length, text) = sent(&log, |_| {});
        assert_eq!(length, text.len() as u64);
        assert!(text == expected);
        assert_eq!(sent(b"", |_| {}), (2, "[]".to_owned()));
    }

    #[test]
    fn a_log_that_shrinks_leaves_a_well_formed_body_of_the_told_length() {
        for (now, expected) in [
            (b"short".as_slice(), "[short]"),
            (b"", "[]"),
            // As long as before, and longer when escaped.
            (&[b'&'; PIECE * 2], "[&amp;&amp;"),
            (
                "\u{1f600}".repeat(PIECE / 2).as_bytes(),
                "[\u{1f600}\u{1f600}",
            ),
        ] {
            let before = vec![b'x'; PIECE * 2 - 1];
            let (length, text) = sent(&before, |path| fs::write(path, now).unwrap());
            assert_eq!((length, text.len()), (PIECE as u64 * 2 + 1, PIECE * 2 + 1));
            assert!(text.starts_with(expected));
            let document = text.trim_end_matches('\n');
            assert!(document.ends_with(']'));
            let escapes = document.replace("&amp;", "");
            assert!(!escapes.contains('&'));
        }
    }

    #[test]
    fn a_raw_log_comes_byte_by_byte_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log").to_str().unwrap().to_owned();
        let log: Vec<u8> = (0..=255u8).cycle().take(PIECE * 2 + 10).collect();
        for shortened in [false, true] {
            fs::write(&path, &log).unwrap();
            let mut content = Content::default();
            let permit = window::WindowLimit::default().admit().unwrap();
            content.push_raw(window::read(LogPlace::Path(&path), 0, 0).unwrap(), permit);
            assert_eq!((content.size(), content.logs()), (log.len() as u64, 1));
            let (mut buffer, mut output) = (Vec::new(), Outbox::default());
            assert!(content.produce(&mut buffer, &mut output).unwrap());
            assert_eq!(output.len(), PIECE);
            if shortened {
                fs::write(&path, "").unwrap();
                assert!(content.produce(&mut buffer, &mut output).is_err());
                continue;
            }
            while content.produce(&mut buffer, &mut output).unwrap() {}
            assert_eq!(output.len(), log.len());
            let bytes: Vec<u8> = output.offer().0.iter().flat_map(|s| s.to_vec()).collect();
            assert!(bytes == log);
        }
    }

    #[test]
    fn the_name_of_the_file_does_not_matter_once_it_is_open() {
        let before = vec![b'x'; PIECE * 2];
        let (length, text) = sent(&before, |path| {
            fs::rename(path, format!("{path}.1")).unwrap();
            fs::write(path, "new").unwrap();
        });
        assert_eq!((length, text.len()), (PIECE as u64 * 2 + 2, PIECE * 2 + 2));
        assert!(text.ends_with("xx]"));
    }

    #[test]
    fn contents_are_joined_in_order_and_large_texts_are_not_copied() {
        let mut content = Content::default();
        content.text().push('a');
        let mut other = Content::default();
        other.text().push_str(&"b".repeat(JOINED + 1));
        let address = other.text().as_ptr();
        content.append(other);
        assert_eq!(content.text().as_ptr(), address);
        let mut small = Content::default();
        small.text().push('c');
        content.append(small);
        assert_eq!(content.text_size(), JOINED + 3);
        assert_eq!((content.size(), content.logs()), (JOINED as u64 + 3, 0));
        assert!(content.text().ends_with("bc"));
    }
}
