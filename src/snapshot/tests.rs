use std::convert::Infallible;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::time::Duration;

use super::{Reader, Save, Saved, Writer, saved};
use crate::vec_map::VecMap;

#[derive(Clone, Debug, Default, PartialEq)]
struct Plain {
    number: i64,
    name: String,
    list: Vec<Option<u32>>,
    bytes: Vec<u8>,
    forgotten: bool,
}

saved! { struct Plain { number, name, list, bytes, forgotten = false } }

#[derive(Clone, Debug, PartialEq)]
struct Strict {
    kind: Kind,
    shared: Rc<Plain>,
    pair: (u64, Duration),
}

saved! { struct Strict { kind, shared, pair } }

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Nothing,
    One(i32),
    Two(i32, String),
    Named { a: bool, b: Option<String> },
}

saved! { enum Kind { Nothing, One(a), Two(a, b), Named { a, b } } }

#[derive(Clone, Debug, PartialEq)]
struct Wrapped(u32);

saved! { struct Wrapped(_); }

pub fn written(value: &dyn Save) -> String {
    let mut writer = Writer::default();
    value.save(&mut writer);
    String::from_utf8(writer.finish().0).unwrap()
}

pub fn read<T: Saved>(text: &str) -> Result<T, String> {
    read_bytes(text.as_bytes())
}

fn read_bytes<T: Saved>(text: &[u8]) -> Result<T, String> {
    caught(|| T::restored(&mut Reader::new(text, VecMap::new(), thrown)))
}

/// What is done with an error in tests, so that [`caught`] has it.
pub fn thrown(error: &str) -> Infallible {
    panic::resume_unwind(Box::new(error.to_owned()))
}

/// What is read, or the error.
pub fn caught<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(read));
    outcome.map_err(|error| *error.downcast().expect("an error of the reader"))
}

/// A value as the next program has it, which writes it in the same way.
#[track_caller]
pub fn carried<T: Saved>(value: &T) -> T {
    let text = written(value);
    let again: T = read(&text).unwrap();
    assert_eq!(written(&again), text);
    again
}

#[track_caller]
fn goes_both_ways<T: Saved + PartialEq + std::fmt::Debug>(value: &T) -> String {
    let text = written(value);
    assert_eq!(&read::<T>(&text).unwrap(), value, "{text}");
    text
}

#[test]
fn values_go_both_ways() {
    let plain = Plain {
        number: i64::MIN,
        name: "a \"b\" \\ \n \u{1} é \u{10ffff}".to_owned(),
        list: vec![None, Some(7), Some(u32::MAX)],
        bytes: (0..=255).collect(),
        forgotten: false,
    };
    goes_both_ways(&plain);
    goes_both_ways(&vec![Kind::Nothing, Kind::One(-3)]);
    goes_both_ways(&Kind::Two(1, "x".to_owned()));
    goes_both_ways(&Kind::Named {
        a: true,
        b: Some(String::new()),
    });
    goes_both_ways(&Wrapped(9));
    goes_both_ways(&Some(Duration::new(u64::MAX, 999_999_999)));
    goes_both_ways(&(1_u64, (-2_i64, "three".to_owned())));
    let mut map = VecMap::new();
    map.extend([(3_u32, vec![plain]), (1, Vec::new())]);
    goes_both_ways(&map);
}

#[test]
fn what_is_shared_is_written_once_and_shared_again() {
    let plain = Rc::new(Plain {
        name: "once".to_owned(),
        ..Plain::default()
    });
    let strict = |number| Strict {
        kind: Kind::One(number),
        shared: Rc::clone(&plain),
        pair: (5, Duration::ZERO),
    };
    let text = goes_both_ways(&vec![strict(1), strict(2)]);
    assert_eq!(text.matches("once").count(), 1);
    let again: Vec<Strict> = read(&text).unwrap();
    assert!(Rc::ptr_eq(&again[0].shared, &again[1].shared));
}

#[test]
fn members_may_be_missing_or_unknown() {
    let text = r#" { "more" : [1, {"x": "}]"}, null] , "name":"n", "yet more":{} } "#;
    let plain: Plain = read(text).unwrap();
    assert_eq!(plain.name, "n");
    assert_eq!(plain.number, 0);
}

#[test]
fn errors_tell_where() {
    for (text, expected) in [
        (r#"{"number": "x"}"#, "number: no number"),
        (r#"{"list": [1, true]}"#, "list: no number"),
        (r#"{"name": "x"#, "name: a text without an end"),
        (r#"{"list": [99999999999]}"#, "is not a number of its kind"),
        (r#"{"bytes": "€"}"#, "stands for no byte"),
        (r#"{"name": "\q"}"#, "escape"),
        (r#"{"name": "\u12"#, "no character"),
        (r#"{"number" 1}"#, "there is no :"),
        (r#"{"a": [{]"#, "too soon"),
        ("", "there is no {"),
        ("[", "there is no {"),
    ] {
        let error = read::<Plain>(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let error = read::<Kind>(r#""Other""#).unwrap_err();
    assert!(error.contains("Other is not known"), "{error}");
    let error = read::<Strict>(r#"{"kind":"Nothing"}"#).unwrap_err();
    assert!(error.contains("shared: it is missing"), "{error}");
    let error = read::<Rc<Plain>>("4").unwrap_err();
    assert!(error.contains("not told before"), "{error}");
}

#[test]
fn no_text_makes_it_panic() {
    let strict = Strict {
        kind: Kind::Two(1, "\u{7f}\"".to_owned()),
        shared: Rc::new(Plain::default()),
        pair: (5, Duration::ZERO),
    };
    let text = written(&vec![strict]);
    for end in 0..text.len() {
        let _ = read::<Vec<Strict>>(&text[..end]).unwrap_err();
    }
    let mut number = 7_u32;
    for _ in 0..20_000 {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut bytes = text.clone().into_bytes();
        let at = (number >> 8) as usize % bytes.len();
        bytes[at] = b"{}[],:\"\\0-nu x"[(number >> 4) as usize % 14];
        let _ = read_bytes::<Vec<Strict>>(&bytes);
    }
}
