//! Lines of several logs in one output: each stands whole, behind the name of
//! its log.

use super::screen;
use crate::vec_map::VecMap;

/// The longest line that is waited for, in bytes; a longer one is cut.
const LONGEST_LINE: usize = 64 * 1024;

/// The names of the logs, and the lines that have no end yet.
#[derive(Debug)]
pub struct Labels {
    names: Vec<String>,
    width: usize,
    partial: VecMap<usize, Vec<u8>>,
}

impl Labels {
    /// A log for each name; its place is its number. One log alone needs no
    /// label, its bytes pass as they are.
    pub fn new(names: Vec<String>) -> Labels {
        let width = names.iter().map(|name| name.chars().count()).max();
        Labels {
            names,
            width: width.unwrap_or(0).min(screen::WIDEST),
            partial: VecMap::new(),
        }
    }

    /// The whole lines that a piece of a log completes.
    pub fn take(&mut self, number: usize, bytes: &[u8]) -> Vec<u8> {
        if self.names.len() < 2 {
            return bytes.to_vec();
        }
        let mut pending = self.partial.remove(&number).unwrap_or_default();
        pending.extend_from_slice(bytes);
        let mut lines = Vec::new();
        let mut rest = pending.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end + 1);
            self.add(number, line, &mut lines);
            rest = after;
        }
        if rest.len() > LONGEST_LINE {
            self.add(number, rest, &mut lines);
        } else if !rest.is_empty() {
            self.partial.insert(number, rest.to_vec());
        }
        lines
    }

    /// What is left of a log that has ended.
    pub fn finish(&mut self, number: usize) -> Vec<u8> {
        let mut line = Vec::new();
        if let Some(rest) = self.partial.remove(&number) {
            self.add(number, &rest, &mut line);
        }
        line
    }

    fn add(&self, number: usize, line: &[u8], lines: &mut Vec<u8>) {
        let name = self.names.get(number).map_or("", String::as_str);
        let width = self.width;
        lines.extend_from_slice(format!("{name:<width$} | ").as_bytes());
        lines.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            lines.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_whole_behind_their_names() {
        let mut labels = Labels::new(vec!["a".to_owned(), "g:b".to_owned()]);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(text(labels.take(0, b"one\ntw")), "a   | one\n");
        assert_eq!(text(labels.take(1, b"x\n\n")), "g:b | x\ng:b | \n");
        assert_eq!(text(labels.take(0, b"o\nthree")), "a   | two\n");
        assert_eq!(text(labels.take(1, b"y")), "");
        assert_eq!(text(labels.finish(0)), "a   | three\n");
        assert_eq!(text(labels.finish(1)), "g:b | y\n");
        assert_eq!(text(labels.finish(1)), "");
        let long = vec![b'x'; LONGEST_LINE + 1];
        assert_eq!(labels.take(0, &long).len(), long.len() + 7);
    }

    #[test]
    fn one_log_alone_passes_as_it_is() {
        let mut labels = Labels::new(vec!["a".to_owned()]);
        assert_eq!(labels.take(0, b"x\ny"), b"x\ny");
        assert_eq!(labels.finish(0), b"");
    }
}
