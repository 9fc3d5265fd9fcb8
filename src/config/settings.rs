//! The types that values have, and the table of a section's keys: a line for a
//! key tells its field, its type and what [`Key`](super::key::Key) says of it, and from
//! that it is read, known to checks and manual, and dumped.

use std::time::Duration;

use super::AutoRestart;
use super::datatypes::{self, Mismatch, ValueError};
use super::key::{Fallback, Key};
use super::wanted::duration_wanted;
use crate::log_level::Level;
use crate::signal::Signal;
use crate::sort;
use crate::text::is_space;
use crate::text::json::Json;

pub trait Setting: Sized + Default {
    /// What a text says, which is expanded already.
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError>;

    /// As a dump shows it.
    fn dumped(&self) -> Json;
}

/// The field of a key, of whatever type: what reads and dumps it is there once for all.
pub trait Field {
    fn set(&mut self, text: &str, key: &Key) -> Result<(), ValueError>;

    fn shown(&self) -> Json;
}

impl<T: Setting> Field for T {
    fn set(&mut self, text: &str, key: &Key) -> Result<(), ValueError> {
        *self = T::parse(text, key)?;
        Ok(())
    }

    fn shown(&self) -> Json {
        self.dumped()
    }
}

/// What holds where the key is missing, if the table has a value for that.
pub fn fallback<T: Setting>(key: &Key) -> T {
    let mut value = T::default();
    fall_back(key, &mut value);
    value
}

/// Sets a field to that; one for which the table has no value stays as it is.
pub fn fall_back(key: &Key, field: &mut dyn Field) {
    if let Fallback::Value(text) = key.fallback {
        // A value of the table's own can be read.
        let _ = field.set(text, key);
    }
}

/// Keys and what they hold as a dump shows them.
pub fn shown(keys: &[Key], fields: &[&dyn Field]) -> Vec<(&'static str, Json)> {
    let names = keys.iter().map(|key| key.name);
    names
        .zip(fields.iter().map(|field| field.shown()))
        .collect()
}

/// A struct with a field for each line of a table, and perhaps others that are filled
/// elsewhere. A line is `field: type = key(grammar, fallback)`, or `changed(...)` for a
/// key that is not as in 4.3.0; `field as "name"` where the key has another name, and
/// `=> reader` where more is looked at than the text of the value.
///
/// It is known to states by all of its fields.
///
/// The lines are in the order of reading, for the first error is the one that is told.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])* $field:ident $(as $written:literal)?: $type:ty =
                $how:ident($grammar:literal, $fallback:expr)
                $(.$range:ident($($bound:expr),*))* $(=> $reader:expr)?,)*
        }
        $(and {
            $($(#[$other_doc:meta])* $other:ident: $other_type:ty,)*
        })?
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
            $($($(#[$other_doc])* pub $other: $other_type,)*)?
        }

        impl $name {
            pub const KEYS: [Key; [$(stringify!($field)),*].len()] = [
                $($how(settings!(@name $field $($written)?), $grammar, $fallback)
                    $(.$range($($bound),*))*,)*
            ];

            /// Reads the keys of the table; the other fields have their defaults.
            pub fn read_keys(section: &Section<'_>) -> Result<$name, ConfigError> {
                let [$($field),*] = &$name::KEYS;
                let mut read = $name::empty();
                $(settings!(@read read section $field $($reader)?);)*
                Ok(read)
            }

            /// The keys of the table as a dump shows them.
            pub fn dumped(&self) -> Vec<(&'static str, Json)> {
                settings::shown(&$name::KEYS, &[$(&self.$field),*])
            }

            /// The same of what is there only where one of its keys is.
            pub fn dumped_or_default(given: Option<&$name>) -> Vec<(&'static str, Json)> {
                match given {
                    Some(given) => given.dumped(),
                    None => $name::default().dumped(),
                }
            }

            fn empty() -> $name {
                $name {
                    $($field: Default::default(),)*
                    $($($other: Default::default(),)*)?
                }
            }
        }

        $crate::snapshot::saved! { default struct $name { $($field,)* $($($other),*)? } }

        impl Default for $name {
            fn default() -> $name {
                let [$($field),*] = &$name::KEYS;
                let mut value = $name::empty();
                $(settings::fall_back($field, &mut value.$field);)*
                value
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $written:literal) => { $written };
    (@read $read:ident $section:ident $key:ident) => {
        $section.fill($key, &mut $read.$key)?
    };
    (@read $read:ident $section:ident $key:ident $reader:expr) => {
        $read.$key = $reader($section, $key)?
    };
}

pub(super) use settings;

impl<T: Setting> Setting for Option<T> {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        T::parse(text, key).map(Some)
    }

    fn dumped(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::dumped)
    }
}

impl Setting for String {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        Ok(text.to_owned())
    }

    fn dumped(&self) -> Json {
        self.into()
    }
}

/// Names with commas between them.
impl Setting for Vec<String> {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        Ok(datatypes::list(text))
    }

    fn dumped(&self) -> Json {
        Json::Array(self.iter().map(Json::from).collect())
    }
}

impl Setting for bool {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        datatypes::boolean(text)
    }

    fn dumped(&self) -> Json {
        (*self).into()
    }
}

/// A number or a size in bytes; those too big for the daemon are cut to what it can hold.
impl Setting for i64 {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        key.checked(match key.grammar {
            "bytes" => datatypes::byte_size(text)?,
            _ => datatypes::integer(text)?.saturated(),
        })
    }

    fn dumped(&self) -> Json {
        (*self).into()
    }
}

impl Setting for u64 {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        i64::parse(text, key).map(i64::unsigned_abs)
    }

    fn dumped(&self) -> Json {
        i64::try_from(*self).unwrap_or(i64::MAX).into()
    }
}

impl Setting for usize {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        u64::parse(text, key).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    fn dumped(&self) -> Json {
        (*self as u64).dumped()
    }
}

/// Permission bits.
impl Setting for u32 {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        datatypes::octal(text)
    }

    fn dumped(&self) -> Json {
        Json::String(format!("{self:03o}"))
    }
}

/// Seconds in old keys, a duration with a unit in new ones.
impl Setting for Duration {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        match key.grammar {
            "duration" => datatypes::duration(text).map_err(|_| duration_wanted(text, key)),
            _ => u64::parse(text, key).map(Duration::from_secs),
        }
    }

    fn dumped(&self) -> Json {
        match self.subsec_millis() {
            0 => self.as_secs().dumped(),
            _ => Json::String(format!("{}ms", self.as_millis())),
        }
    }
}

impl Setting for Level {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        datatypes::log_level(text)
    }

    fn dumped(&self) -> Json {
        self.name().into()
    }
}

impl Setting for Signal {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        datatypes::signal(text)
    }

    fn dumped(&self) -> Json {
        match self.short_name() {
            Some(name) => name.into(),
            None => i64::from(self.number()).into(),
        }
    }
}

impl Setting for AutoRestart {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        datatypes::auto_restart(text)
    }

    fn dumped(&self) -> Json {
        match self {
            AutoRestart::Never => false.into(),
            AutoRestart::Always => true.into(),
            AutoRestart::Unexpected => "unexpected".into(),
        }
    }
}

/// Exit statuses.
impl Setting for Vec<i32> {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        datatypes::exit_codes(text)
    }

    fn dumped(&self) -> Json {
        let mut codes = self.clone();
        sort::by(&mut codes, Ord::cmp);
        Json::Array(
            codes
                .into_iter()
                .map(|code| i64::from(code).into())
                .collect(),
        )
    }
}

/// A type whose values are words, read without regard to case.
pub trait Word: Copy + Default + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Word> Setting for T {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let word = text.trim_matches(is_space);
        let mut words = T::WORDS.iter();
        let found = words.find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words = T::WORDS.iter().map(|(name, _)| *name).collect();
            Mismatch::Choice(key.name, words).of(text)
        })
    }

    fn dumped(&self) -> Json {
        let word = T::WORDS.iter().find(|(_, value)| value == self);
        word.map(|(name, _)| *name).into()
    }
}
