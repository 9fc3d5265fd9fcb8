//! The last lines of a log, which the server gives by bytes.

use super::log_text::RemoteLog;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::session::Session;

/// A stream begins with the last 1024 bytes of the log, without half a character:
/// if there are so many, there may have been more.
const CUT: usize = 1021;

/// The last lines of a text of which the last so many bytes can be read.
pub fn last_lines(
    count: usize,
    mut read: impl FnMut(i64) -> Result<Option<Vec<u8>>, Failure>,
) -> Result<Option<Vec<u8>>, Failure> {
    const FIRST: i64 = 16 * 1024;
    const MOST: i64 = 1 << 30;
    let mut bytes = FIRST;
    let mut before = None;
    loop {
        let Some(text) = read(bytes)? else {
            return Ok(None);
        };
        // More was asked for and no more came: it is all there is.
        let is_all = before == Some(text.len()) || bytes >= MOST;
        if is_all || ends_within(&text) >= count {
            return Ok(Some(end_of(&text, count).to_vec()));
        }
        before = Some(text.len());
        bytes *= 4;
    }
}

/// The last lines of a log up to where its stream goes on. The stream has told
/// `past` of them, which may begin within a line; what was before that is read
/// apart, and should it not be found any more the cut line is left out.
pub fn lines_before(
    session: &mut Session,
    log: &RemoteLog,
    count: usize,
    past: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    if past.len() < CUT || ends_within(&past) >= count {
        return Ok(end_of(&past, count).to_vec());
    }
    let found = last_lines(count, |bytes| {
        let Ok(mut text) = log.try_read(session, bytes)? else {
            return Ok(None);
        };
        // What has come since then will come by the stream.
        let place = text.windows(past.len()).rposition(|part| part == past);
        let end = place.map(|place| place + past.len());
        Ok(end.map(|end| {
            text.truncate(end);
            text
        }))
    })?;
    let first_end = past.iter().position(|byte| *byte == b'\n');
    let uncut = first_end.map_or(&[] as &[u8], |end| past.get(end + 1..).unwrap_or_default());
    Ok(found.unwrap_or_else(|| end_of(uncut, count).to_vec()))
}

/// How many lines end before the last one does.
fn ends_within(text: &[u8]) -> usize {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    body.iter().filter(|byte| **byte == b'\n').count()
}

/// The last lines of a text. The last one may lack its end.
fn end_of(text: &[u8], count: usize) -> &[u8] {
    let Some(before) = count.checked_sub(1) else {
        return &[];
    };
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let ends = body.iter().enumerate().rev();
    let mut ends = ends.filter(|(_, byte)| **byte == b'\n');
    let begin = ends.nth(before).map_or(0, |(place, _)| place + 1);
    text.get(begin..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_found_however_long_they_are() {
        let log: String = (0..5000).map(|n| format!("line {n}\n")).collect();
        let read = |log: &str, bytes: i64| {
            let from = log.len().saturating_sub(usize::try_from(bytes).unwrap());
            Ok(Some(log.as_bytes()[from..].to_vec()))
        };
        for (log, count, expected) in [
            (log.as_str(), 2, "line 4998\nline 4999\n"),
            (log.as_str(), 0, ""),
            (log.as_str(), 9999, log.as_str()),
            ("a\nb", 1, "b"),
            ("a\n\n", 1, "\n"),
            ("", 3, ""),
        ] {
            let found = last_lines(count, |bytes| read(log, bytes)).unwrap();
            assert_eq!(found.as_deref(), Some(expected.as_bytes()), "{count}");
        }
        assert!(last_lines(1, |_| Ok(None)).unwrap().is_none());
    }
}
