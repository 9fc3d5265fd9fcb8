//! Writes a state.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use super::Save;

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

    pub fn members(&mut self, members: &[(&str, &dyn Save)]) {
        self.text.push(b'{');
        for (index, (name, value)) in members.iter().enumerate() {
            self.separate(index);
            self.text(name);
            self.text.push(b':');
            value.save(self);
        }
        self.text.push(b'}');
    }

    pub fn list<'a>(&mut self, items: impl Iterator<Item = &'a dyn Save>) {
        self.text.push(b'[');
        for (index, item) in items.enumerate() {
            self.separate(index);
            item.save(self);
        }
        self.text.push(b']');
    }

    /// A variant with what it holds: more than one thing is a list.
    pub fn variant(&mut self, name: &str, parts: &[&dyn Save]) {
        self.begin_variant(name);
        match parts {
            [part] => part.save(self),
            parts => self.list(parts.iter().copied()),
        }
        self.text.push(b'}');
    }

    pub fn variant_members(&mut self, name: &str, members: &[(&str, &dyn Save)]) {
        self.begin_variant(name);
        self.members(members);
        self.text.push(b'}');
    }

    fn begin_variant(&mut self, name: &str) {
        self.text.push(b'{');
        self.text(name);
        self.text.push(b':');
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            // Lines, so that the text can be looked at.
            self.raw(",\n");
        }
    }
}
