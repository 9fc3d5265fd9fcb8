//! Parts of logs, with characters that they cut.

use super::*;
use crate::loggers::ring::Ring;
use std::fs::OpenOptions;

fn text(path: &str, offset: i64, length: i64) -> Result<String, WindowError> {
    Ok(read(LogPlace::Path(path), offset, length)?.text()?)
}

fn tailed(path: &str, offset: i64, length: i64) -> (String, i64, bool) {
    let tail = tail(LogPlace::Path(path), offset, length);
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
    assert!(matches!(
        read(LogPlace::Path(&missing), 0, 0),
        Err(WindowError::NoFile)
    ));
    assert_eq!(tailed(&missing, 7, 1), (String::new(), 0, false));
    let path = directory.path().to_str().unwrap();
    assert!(matches!(
        read(LogPlace::Path(path), 0, 0),
        Err(WindowError::Unreadable(_))
    ));
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
    assert!(is_longer(LogPlace::Path(&path), 2) && !is_longer(LogPlace::Path(&path), 3));
}

#[test]
fn a_character_that_is_still_being_written_is_neither_told_nor_counted() {
    let (_directory, path) = file(b"caf\xc3");
    assert_eq!(text(&path, 0, 0).unwrap(), "caf");
    assert_eq!(text(&path, -2, 0).unwrap(), "af");
    assert_eq!(tailed(&path, 0, 10), ("caf".to_owned(), 3, false));
    assert_eq!(tailed(&path, 3, 10), (String::new(), 3, false));
    assert_eq!(whole(LogPlace::Path(&path)).unwrap().size(), 4);
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
fn a_part_is_open_for_as_long_as_its_permit_is_kept() {
    let limit = WindowLimit::default();
    let mut taken: Vec<WindowPermit> = std::iter::from_fn(|| limit.admit()).collect();
    assert_eq!(taken.len(), LIMIT);
    taken.truncate(LIMIT - 2);
    taken.extend(std::iter::from_fn(|| limit.admit()));
    assert_eq!(taken.len(), LIMIT);
}

#[test]
fn a_long_part_is_read_in_pieces_and_ends_where_the_file_ends_now() {
    let (_directory, path) = file(&vec![b'x'; PIECE + 10]);
    let mut window = read(LogPlace::Path(&path), 0, 0).unwrap();
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

/// A ring of that room to which this was written.
fn ring(room: u64, content: &[u8]) -> SharedRing {
    let ring = SharedRing::new(std::cell::RefCell::new(Ring::new(room, true)));
    ring.borrow_mut().push(content);
    ring
}

#[test]
fn a_ring_is_read_as_a_file_that_has_lost_its_beginning() {
    let kept = ring(6, b"0123456789");
    for (offset, length, expected) in [
        (0, 0, "456789"),
        (-3, 0, "789"),
        (-40, 0, "456789"),
        (0, 6, "45"),
        (0, 3, ""),
        (7, 0, "789"),
        (7, 2, "78"),
        (10, 0, ""),
        (50, 5, ""),
    ] {
        let window = read(LogPlace::Ring(&kept), offset, length).unwrap();
        assert_eq!(window.text().unwrap(), expected, "{offset}, {length}");
    }
    for (offset, length, text, overflow) in [
        (0, 5, "56789", true),
        (5, 5, "56789", false),
        (0, 100, "456789", false),
        (10, 5, "", false),
        (0, 0, "", true),
    ] {
        let tail = tail(LogPlace::Ring(&kept), offset, length);
        let found = tail.window.map(|window| window.text().unwrap());
        let found = (found.unwrap_or_default(), tail.offset, tail.overflow);
        assert_eq!(found, (text.to_owned(), 10, overflow), "{offset}, {length}");
    }
    assert_eq!(whole(LogPlace::Ring(&kept)).unwrap().size(), 6);
    assert!(is_longer(LogPlace::Ring(&kept), 5) && !is_longer(LogPlace::Ring(&kept), 6));
    assert!(matches!(
        read(LogPlace::Ring(&kept), -1, 1),
        Err(WindowError::BadArguments)
    ));
}

#[test]
fn a_character_of_a_ring_is_whole() {
    let kept = ring(10, "....é€é€".as_bytes());
    for (offset, expected) in [(-2, ""), (-3, "€"), (-5, "é€"), (-9, "€é€"), (0, "é€é€")]
    {
        let window = read(LogPlace::Ring(&kept), offset, 0).unwrap();
        assert_eq!(window.text().unwrap(), expected, "{offset}");
    }
    kept.borrow_mut().push(b"\xe2\x82");
    let tail = tail(LogPlace::Ring(&kept), 0, 4);
    assert_eq!(
        (tail.offset, tail.window.unwrap().text().unwrap()),
        (14, "€".to_owned())
    );
}

#[test]
fn what_a_ring_loses_while_it_is_read_is_missing() {
    let kept = ring(8, b"abcdefgh");
    let mut window = read(LogPlace::Ring(&kept), 0, 0).unwrap();
    kept.borrow_mut().push(b"ijkl");
    let mut buffer = Vec::new();
    window.read(&mut buffer).unwrap();
    assert!(buffer.is_empty() && !window.is_at_end());
}
