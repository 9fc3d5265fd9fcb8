//! The words that this process was started with, as `ps` shows them to everybody.
//!
//! On Linux /proc tells where they lie in memory, for whichever C library, and
//! /proc/self/mem reaches them. Where that is not so they stay as they are.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;

/// How many bytes of words the kernel takes at most, and a little more.
const LIMIT: u64 = 8 << 20;

/// What stands there instead.
const BLANK: u8 = b'*';

/// Blanks a value in every word that is it, or an option that ends in it.
pub fn blank(value: &str) {
    if !value.is_empty() {
        // Without /proc nobody sees the words either.
        let _ = blank_in_memory(value.as_bytes());
    }
}

fn blank_in_memory(value: &[u8]) -> Option<()> {
    let (begin, end) = place(&fs::read_to_string("/proc/self/stat").ok()?)?;
    let length = end.checked_sub(begin).filter(|length| *length <= LIMIT)?;
    let memory = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/proc/self/mem")
        .ok()?;
    let words = read(&memory, begin, length)?;
    // What the kernel shows is what is overwritten, and nothing else.
    if fs::read("/proc/self/cmdline").ok()? != words {
        return None;
    }
    for (offset, length) in found(&words, value) {
        let place = begin.checked_add(u64::try_from(offset).ok()?)?;
        memory.write_all_at(&vec![BLANK; length], place).ok()?;
    }
    Some(())
}

fn read(memory: &File, begin: u64, length: u64) -> Option<Vec<u8>> {
    let mut words = vec![0; usize::try_from(length).ok()?];
    memory.read_exact_at(&mut words, begin).ok()?;
    Some(words)
}

/// Fields 48 and 49, see proc_pid_stat(5). The second is the command in brackets, which may hold anything.
fn place(stat: &str) -> Option<(u64, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    // The first of them is the third field of the line.
    let begin = fields.nth(48 - 3)?.parse().ok()?;
    Some((begin, fields.next()?.parse().ok()?))
}

/// Offset and length of each place where the value stands.
fn found(words: &[u8], value: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut offset = 0;
    for word in words.split(|byte| *byte == 0) {
        let is_option = word.starts_with(b"-") && word.ends_with(value);
        if word == value || is_option {
            found.push((offset + word.len() - value.len(), value.len()));
        }
        offset += word.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_alone_or_at_the_end_of_an_option() {
        let words = b"ctl\0-p\0pw\0-ppw\0--password=pw\0-u\0pwx\0pw\0";
        assert_eq!(found(words, b"pw"), [(7, 2), (12, 2), (26, 2), (36, 2)]);
        assert_eq!(found(b"", b"pw"), []);
    }

    #[test]
    fn the_place_is_read_whatever_the_command_is_called() {
        let fields: Vec<String> = (3..=52).map(|number| number.to_string()).collect();
        let stat = format!("1 (a) b (c) {}", fields.join(" "));
        assert_eq!(place(&stat), Some((48, 49)));
        assert_eq!(place("1 (a) S 1 2"), None);
        assert_eq!(place(""), None);
    }
}
