//! Numbers, texts, lists and the other types of the standard library.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs::File;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use super::{Reader, Save, Saved, Writer};
use crate::vec_map::VecMap;

// Not u8: bytes come in texts.
macro_rules! numbers {
    ($($kind:ty)*) => {
        $(
            impl Save for $kind {
                fn save(&self, to: &mut Writer) {
                    to.raw(&self.to_string());
                }
            }

            impl Saved for $kind {
                fn restored(from: &mut Reader<'_>) -> Self {
                    from.number()
                }

                fn missing() -> Option<Self> {
                    Some(0)
                }
            }
        )*
    };
}

numbers!(i32 i64 u16 u32 u64 usize);

/// What has no value: null.
impl Save for () {
    fn save(&self, to: &mut Writer) {
        to.null();
    }
}

impl Saved for () {
    fn restored(from: &mut Reader<'_>) -> Self {
        if !from.is_null() {
            from.fail("not null");
        }
    }
}

/// As the number that its bits are, which is exact.
impl Save for f64 {
    fn save(&self, to: &mut Writer) {
        self.to_bits().save(to);
    }
}

impl Saved for f64 {
    fn restored(from: &mut Reader<'_>) -> Self {
        f64::from_bits(from.number())
    }
}

impl Save for bool {
    fn save(&self, to: &mut Writer) {
        to.raw(match self {
            true => "true",
            false => "false",
        });
    }
}

impl Saved for bool {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.boolean()
    }

    fn missing() -> Option<Self> {
        Some(false)
    }
}

impl Save for &str {
    fn save(&self, to: &mut Writer) {
        to.text(self);
    }
}

/// A name that is known when the program is made. The program that reads it may be another one,
/// so it is kept for as long as that runs: there are few, and they are read once.
impl Saved for &'static str {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.text().leak()
    }
}

impl Save for String {
    fn save(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl Saved for String {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.text()
    }

    fn missing() -> Option<Self> {
        Some(String::new())
    }
}

impl Save for Vec<u8> {
    fn save(&self, to: &mut Writer) {
        to.bytes(self);
    }
}

impl Saved for Vec<u8> {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.bytes()
    }

    fn missing() -> Option<Self> {
        Some(Vec::new())
    }
}

impl Save for VecDeque<u8> {
    fn save(&self, to: &mut Writer) {
        let (first, second) = self.as_slices();
        to.bytes(&[first, second].concat());
    }
}

impl Saved for VecDeque<u8> {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.bytes().into()
    }

    fn missing() -> Option<Self> {
        Some(VecDeque::new())
    }
}

impl Save for OsString {
    fn save(&self, to: &mut Writer) {
        to.bytes(self.as_bytes());
    }
}

impl Saved for OsString {
    fn restored(from: &mut Reader<'_>) -> Self {
        OsString::from_vec(from.bytes())
    }
}

impl Save for PathBuf {
    fn save(&self, to: &mut Writer) {
        to.bytes(self.as_os_str().as_bytes());
    }
}

impl Saved for PathBuf {
    fn restored(from: &mut Reader<'_>) -> Self {
        OsString::restored(from).into()
    }
}

impl Save for OwnedFd {
    fn save(&self, to: &mut Writer) {
        to.descriptor(self.as_fd());
    }
}

impl Saved for OwnedFd {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.descriptor()
    }
}

impl Save for File {
    fn save(&self, to: &mut Writer) {
        to.descriptor(self.as_fd());
    }
}

impl Saved for File {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.descriptor().into()
    }
}

/// In seconds, with all their nanoseconds.
impl Save for Duration {
    fn save(&self, to: &mut Writer) {
        to.raw(&format!("{}.{:09}", self.as_secs(), self.subsec_nanos()));
    }
}

impl Saved for Duration {
    fn restored(from: &mut Reader<'_>) -> Self {
        let word = from.number_text();
        let parts = word.split_once('.');
        let numbers = parts.and_then(|(seconds, nanoseconds)| {
            Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
        });
        match numbers {
            Some((seconds, nanoseconds)) if nanoseconds < 1_000_000_000 => {
                Duration::new(seconds, nanoseconds)
            }
            _ => from.fail("no duration"),
        }
    }

    fn missing() -> Option<Self> {
        Some(Duration::ZERO)
    }
}

impl Save for IpAddr {
    fn save(&self, to: &mut Writer) {
        to.text(&self.to_string());
    }
}

impl Saved for IpAddr {
    fn restored(from: &mut Reader<'_>) -> Self {
        match from.text().parse() {
            Ok(address) => address,
            Err(_) => from.fail("no address"),
        }
    }
}

impl<T: Save> Save for Option<T> {
    fn save(&self, to: &mut Writer) {
        match self {
            Some(value) => value.save(to),
            None => to.null(),
        }
    }
}

impl<T: Saved> Saved for Option<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        match from.is_null() {
            true => None,
            false => Some(T::restored(from)),
        }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Save> Save for Box<T> {
    fn save(&self, to: &mut Writer) {
        (**self).save(to);
    }
}

impl<T: Saved> Saved for Box<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        Box::new(T::restored(from))
    }

    fn missing() -> Option<Self> {
        T::missing().map(Box::new)
    }
}

impl Save for Box<str> {
    fn save(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl Saved for Box<str> {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.text().into()
    }
}

fn items<'a, T: Save + 'a>(items: impl Iterator<Item = &'a T>, to: &mut Writer) {
    to.begin_list();
    for item in items {
        to.item(item);
    }
    to.end_list();
}

impl<T: Save> Save for Vec<T> {
    fn save(&self, to: &mut Writer) {
        items(self.iter(), to);
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        let mut list = Vec::new();
        from.begin_list();
        while from.has_item() {
            list.push(T::restored(from));
        }
        list
    }

    fn missing() -> Option<Self> {
        Some(Vec::new())
    }
}

impl<T: Save> Save for VecDeque<T> {
    fn save(&self, to: &mut Writer) {
        items(self.iter(), to);
    }
}

impl<T: Saved> Saved for VecDeque<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        Vec::restored(from).into()
    }

    fn missing() -> Option<Self> {
        Some(VecDeque::new())
    }
}

impl<T: Save> Save for BTreeSet<T> {
    fn save(&self, to: &mut Writer) {
        items(self.iter(), to);
    }
}

impl<T: Saved + Ord> Saved for BTreeSet<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        Vec::restored(from).into_iter().collect()
    }

    fn missing() -> Option<Self> {
        Some(BTreeSet::new())
    }
}

impl<A: Save, B: Save> Save for (A, B) {
    fn save(&self, to: &mut Writer) {
        to.list(&[&self.0, &self.1]);
    }
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.begin_list();
        let both = (from.item(), from.item());
        from.end_list();
        both
    }
}

impl<A: Save, B: Save, C: Save> Save for (A, B, C) {
    fn save(&self, to: &mut Writer) {
        to.list(&[&self.0, &self.1, &self.2]);
    }
}

impl<A: Saved, B: Saved, C: Saved> Saved for (A, B, C) {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.begin_list();
        let all = (from.item(), from.item(), from.item());
        from.end_list();
        all
    }
}

/// Keys with their values, as pairs.
impl<K: Save, V: Save> Save for VecMap<K, V> {
    fn save(&self, to: &mut Writer) {
        to.begin_list();
        for (key, value) in self.iter() {
            to.item(&Pair(key, value));
        }
        to.end_list();
    }
}

impl<K: Saved + Ord, V: Saved> Saved for VecMap<K, V> {
    fn restored(from: &mut Reader<'_>) -> Self {
        let mut map = VecMap::new();
        from.begin_list();
        while from.has_item() {
            let (key, value) = Saved::restored(from);
            map.insert(key, value);
        }
        map
    }

    fn missing() -> Option<Self> {
        Some(VecMap::new())
    }
}

impl<K: Save, V: Save> Save for BTreeMap<K, V> {
    fn save(&self, to: &mut Writer) {
        to.begin_list();
        for (key, value) in self {
            to.item(&Pair(key, value));
        }
        to.end_list();
    }
}

impl<K: Saved + Ord, V: Saved> Saved for BTreeMap<K, V> {
    fn restored(from: &mut Reader<'_>) -> Self {
        Vec::restored(from).into_iter().collect()
    }

    fn missing() -> Option<Self> {
        Some(BTreeMap::new())
    }
}

struct Pair<'a>(&'a dyn Save, &'a dyn Save);

impl Save for Pair<'_> {
    fn save(&self, to: &mut Writer) {
        to.list(&[self.0, self.1]);
    }
}

impl<T: Save, E: Save> Save for Result<T, E> {
    fn save(&self, to: &mut Writer) {
        match self {
            Ok(value) => to.variant("Ok", value),
            Err(error) => to.variant("Err", error),
        }
    }
}

impl<T: Saved, E: Saved> Saved for Result<T, E> {
    fn restored(from: &mut Reader<'_>) -> Self {
        let result = match from.variant("Ok Err") {
            0 => Ok(T::restored(from)),
            _ => Err(E::restored(from)),
        };
        from.end_variant();
        result
    }
}
