//! Writes a state.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use super::Save;

/// What a member that is missing stands for, whatever its type.
const NOTHING: &[&[u8]] = &[b"null", b"false", b"[]"];

/// The text so far, and the descriptors in it.
#[derive(Debug, Default)]
pub struct Writer {
    text: Vec<u8>,
    descriptors: Vec<RawFd>,
    /// What is shared and was written, by its address.
    pub(super) shared: BTreeMap<usize, usize>,
}

impl Writer {
    /// The text, and the numbers of all descriptors that it tells of.
    pub fn finish(self) -> (Vec<u8>, Vec<RawFd>) {
        (self.text, self.descriptors)
    }

    pub fn null(&mut self) {
        self.raw("null");
    }

    /// A number, or another word of JSON.
    pub fn raw(&mut self, word: &str) {
        self.text.extend_from_slice(word.as_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.quoted(text.as_bytes(), false);
    }

    /// Bytes, as the characters of those numbers.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.quoted(bytes, true);
    }

    /// What needs no escape goes in whole pieces. Of a text, all of its bytes from 0x80 on do.
    fn quoted(&mut self, mut bytes: &[u8], are_characters: bool) {
        self.text.push(b'"');
        let is_special = |byte: &u8| match byte {
            b'"' | b'\\' | ..b' ' => true,
            byte => are_characters && !byte.is_ascii(),
        };
        while let Some(at) = bytes.iter().position(is_special) {
            let (plain, rest) = bytes.split_at(at);
            self.text.extend_from_slice(plain);
            let Some((byte, rest)) = rest.split_first() else {
                break;
            };
            bytes = rest;
            match *byte {
                b'"' => self.raw("\\\""),
                b'\\' => self.raw("\\\\"),
                b'\n' => self.raw("\\n"),
                byte if byte < b' ' => self.raw(&format!("\\u{byte:04x}")),
                byte => self.raw(char::from(byte).encode_utf8(&mut [0; 4])),
            }
        }
        self.text.extend_from_slice(bytes);
        self.text.push(b'"');
    }

    /// A descriptor, which the next program is to have.
    pub fn descriptor(&mut self, descriptor: BorrowedFd<'_>) {
        let number = descriptor.as_raw_fd();
        self.descriptors.push(number);
        self.raw(&number.to_string());
    }

    /// One of several names with spaces between them.
    pub fn word(&mut self, names: &str, place: usize) {
        self.text(names.split(' ').nth(place).unwrap_or_default());
    }

    /// An object. The names have spaces between them. What holds nothing is left out.
    pub fn members(&mut self, names: &str, values: &[&dyn Save]) {
        self.object(names, values, true);
    }

    /// The same with what holds nothing, where that is not what holds without it.
    pub fn all_members(&mut self, names: &str, values: &[&dyn Save]) {
        self.object(names, values, false);
    }

    fn object(&mut self, names: &str, values: &[&dyn Save], leaves_out: bool) {
        self.text.push(b'{');
        for (name, value) in names.as_bytes().split(|byte| *byte == b' ').zip(values) {
            let before = self.text.len();
            self.separate(b'{');
            // It is one of the language, without escapes.
            self.text.push(b'"');
            self.text.extend_from_slice(name);
            self.raw("\":");
            let at = self.text.len();
            value.save(self);
            let written = self.text.get(at..).unwrap_or_default();
            if leaves_out && NOTHING.contains(&written) {
                self.text.truncate(before);
            }
        }
        self.text.push(b'}');
    }

    pub fn begin_list(&mut self) {
        self.text.push(b'[');
    }

    pub fn item(&mut self, item: &dyn Save) {
        self.separate(b'[');
        item.save(self);
    }

    pub fn end_list(&mut self) {
        self.text.push(b']');
    }

    pub fn list(&mut self, items: &[&dyn Save]) {
        self.begin_list();
        for item in items {
            self.item(*item);
        }
        self.end_list();
    }

    /// A variant with what it holds.
    pub fn variant(&mut self, name: &str, part: &dyn Save) {
        self.begin_variant(name);
        part.save(self);
        self.text.push(b'}');
    }

    /// One that holds several things, which are a list.
    pub fn variant_parts(&mut self, name: &str, parts: &[&dyn Save]) {
        self.begin_variant(name);
        self.list(parts);
        self.text.push(b'}');
    }

    pub fn variant_members(&mut self, name: &str, names: &str, values: &[&dyn Save]) {
        self.begin_variant(name);
        self.members(names, values);
        self.text.push(b'}');
    }

    fn begin_variant(&mut self, name: &str) {
        self.text.push(b'{');
        self.text(name);
        self.text.push(b':');
    }

    /// Behind what was before in an object or list, which began so. In lines, so that the text can
    /// be looked at.
    fn separate(&mut self, begin: u8) {
        if self.text.last() != Some(&begin) {
            self.raw(",\n");
        }
    }
}
