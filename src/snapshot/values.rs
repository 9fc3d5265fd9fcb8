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
                fn restored(from: &mut Reader<'_>) -> Option<Self> {
                    from.number()
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
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        match from.is_null() {
            true => Some(()),
            false => from.fail("not null"),
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
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.number().map(f64::from_bits)
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
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
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
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.text().map(|text| &*text.leak())
    }
}

impl Save for String {
    fn save(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl Saved for String {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.text()
    }
}

impl Save for Vec<u8> {
    fn save(&self, to: &mut Writer) {
        to.bytes(self);
    }
}

impl Saved for Vec<u8> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.bytes()
    }
}

impl Save for VecDeque<u8> {
    fn save(&self, to: &mut Writer) {
        let (first, second) = self.as_slices();
        to.bytes(&[first, second].concat());
    }
}

impl Saved for VecDeque<u8> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.bytes().map(VecDeque::from)
    }
}

impl Save for OsString {
    fn save(&self, to: &mut Writer) {
        to.bytes(self.as_bytes());
    }
}

impl Saved for OsString {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.bytes().map(OsString::from_vec)
    }
}

impl Save for PathBuf {
    fn save(&self, to: &mut Writer) {
        to.bytes(self.as_os_str().as_bytes());
    }
}

impl Saved for PathBuf {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        OsString::restored(from).map(PathBuf::from)
    }
}

impl Save for OwnedFd {
    fn save(&self, to: &mut Writer) {
        to.descriptor(self.as_fd());
    }
}

impl Saved for OwnedFd {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.descriptor()
    }
}

impl Save for File {
    fn save(&self, to: &mut Writer) {
        to.descriptor(self.as_fd());
    }
}

impl Saved for File {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.descriptor().map(File::from)
    }
}

/// In seconds, with all their nanoseconds.
impl Save for Duration {
    fn save(&self, to: &mut Writer) {
        to.raw(&format!("{}.{:09}", self.as_secs(), self.subsec_nanos()));
    }
}

impl Saved for Duration {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let word = from.number_text()?;
        let parts = word.split_once('.');
        let numbers = parts.and_then(|(seconds, nanoseconds)| {
            Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
        });
        match numbers {
            Some((seconds, nanoseconds)) if nanoseconds < 1_000_000_000 => {
                Some(Duration::new(seconds, nanoseconds))
            }
            _ => from.fail("no duration"),
        }
    }
}

impl Save for IpAddr {
    fn save(&self, to: &mut Writer) {
        to.text(&self.to_string());
    }
}

impl Saved for IpAddr {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        match from.text()?.parse() {
            Ok(address) => Some(address),
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
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        match from.is_null() {
            true => Some(None),
            false => T::restored(from).map(Some),
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
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        T::restored(from).map(Box::new)
    }
}

impl Save for Box<str> {
    fn save(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl Saved for Box<str> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        from.text().map(Box::from)
    }
}

fn items<'a, T: Save + 'a>(items: impl Iterator<Item = &'a T>, to: &mut Writer) {
    to.list(items.map(|item| item as &dyn Save));
}

fn each<T: Saved>(from: &mut Reader<'_>, put: &mut dyn FnMut(T)) -> Option<()> {
    from.list(&mut |from| {
        if let Some(item) = T::restored(from) {
            put(item);
        }
    })
}

impl<T: Save> Save for Vec<T> {
    fn save(&self, to: &mut Writer) {
        items(self.iter(), to);
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let mut list = Vec::new();
        each(from, &mut |item| list.push(item))?;
        Some(list)
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
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        Vec::restored(from).map(VecDeque::from)
    }
}

impl<T: Save> Save for BTreeSet<T> {
    fn save(&self, to: &mut Writer) {
        items(self.iter(), to);
    }
}

impl<T: Saved + Ord> Saved for BTreeSet<T> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        Vec::restored(from).map(|list| list.into_iter().collect())
    }
}

impl<A: Save, B: Save> Save for (A, B) {
    fn save(&self, to: &mut Writer) {
        to.list([&self.0 as &dyn Save, &self.1].into_iter());
    }
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let (mut a, mut b) = (super::Missing::default(), super::Missing::default());
        from.parts(&mut [&mut a, &mut b])?;
        Some((a.found(from, "the first")?, b.found(from, "the second")?))
    }
}

impl<A: Save, B: Save, C: Save> Save for (A, B, C) {
    fn save(&self, to: &mut Writer) {
        to.list([&self.0 as &dyn Save, &self.1, &self.2].into_iter());
    }
}

impl<A: Saved, B: Saved, C: Saved> Saved for (A, B, C) {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let (mut a, mut b) = (super::Missing::default(), super::Missing::default());
        let mut c = super::Missing::default();
        from.parts(&mut [&mut a, &mut b, &mut c])?;
        Some((
            a.found(from, "the first")?,
            b.found(from, "the second")?,
            c.found(from, "the third")?,
        ))
    }
}

/// Keys with their values, as pairs.
impl<K: Save, V: Save> Save for VecMap<K, V> {
    fn save(&self, to: &mut Writer) {
        let pairs = self.iter().map(Pair);
        let pairs: Vec<Pair<'_, K, V>> = pairs.collect();
        items(pairs.iter(), to);
    }
}

impl<K: Saved + Ord, V: Saved> Saved for VecMap<K, V> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let mut map = VecMap::new();
        each(from, &mut |(key, value)| {
            map.insert(key, value);
        })?;
        Some(map)
    }
}

impl<K: Save, V: Save> Save for BTreeMap<K, V> {
    fn save(&self, to: &mut Writer) {
        let pairs: Vec<Pair<'_, K, V>> = self.iter().map(Pair).collect();
        items(pairs.iter(), to);
    }
}

impl<K: Saved + Ord, V: Saved> Saved for BTreeMap<K, V> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        Vec::restored(from).map(|list| list.into_iter().collect())
    }
}

struct Pair<'a, K, V>((&'a K, &'a V));

impl<K: Save, V: Save> Save for Pair<'_, K, V> {
    fn save(&self, to: &mut Writer) {
        let (key, value) = self.0;
        to.list([key as &dyn Save, value].into_iter());
    }
}

impl<T: Save, E: Save> Save for Result<T, E> {
    fn save(&self, to: &mut Writer) {
        match self {
            Ok(value) => to.variant("Ok", &[value]),
            Err(error) => to.variant("Err", &[error]),
        }
    }
}

impl<T: Saved, E: Saved> Saved for Result<T, E> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let name = from.variant()?;
        let result = match name.as_str() {
            "Ok" => T::restored(from).map(Ok)?,
            "Err" => E::restored(from).map(Err)?,
            _ => return from.unknown(&name),
        };
        from.end_variant(true)?;
        Some(result)
    }
}
