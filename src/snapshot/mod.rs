//! The state of a daemon as text, which an upgrade hands to the next program (supervisor-upgrade
//! in ARCHITECTURE.md).
//!
//! It is JSON (RFC 8259): a struct is an object with its fields as members, an enum the name of
//! its variant or an object with that as its only member. A member that is missing leaves its
//! field as it is by default and one that nobody knows is skipped, so that older and newer
//! programs read each other's states. Descriptors are numbers. What several share
//! (`Rc`) is written at its first place, as an array of its number and its value, and is that
//! number at the others.
//!
//! [`saved!`](crate::snapshot::saved) makes a type known by the list of its fields, and does not
//! compile where one is missing.

mod reader;
mod shared;
mod values;
mod writer;

#[cfg(test)]
pub mod tests;

pub use reader::Reader;
pub use writer::Writer;

/// What can be written into a state.
pub trait Save {
    fn save(&self, to: &mut Writer);
}

/// What can be read from one as well. `None` after an error, which the reader keeps.
pub trait Saved: Save + Sized {
    fn restored(from: &mut Reader<'_>) -> Option<Self>;

    /// What holds where a state does not tell it, if that can be said of the type.
    fn missing() -> Option<Self> {
        None
    }
}

/// A place for what is read.
pub trait Place {
    fn fill(&mut self, from: &mut Reader<'_>);
}

impl<T: Saved> Place for T {
    fn fill(&mut self, from: &mut Reader<'_>) {
        if let Some(value) = T::restored(from) {
            *self = value;
        }
    }
}

/// Makes types known to states, by all their fields or variants:
///
/// - `struct Name { field, field }` for one with a default, `new` for the same where every field
///   has to be there, and `field = value` for a field that is not carried but begins so.
/// - `struct Name(part)`.
/// - `enum Name { Variant, Variant(part), Variant { field, field } }`.
macro_rules! saved {
    () => {};
    (struct $name:ident $(<$life:lifetime>)? { $($field:ident $(= $begin:expr)?),* $(,)? } $($rest:tt)*) => {
        impl $crate::snapshot::Save for $name $(<$life>)? {
            fn save(&self, to: &mut $crate::snapshot::Writer) {
                let $name { $($field),* } = self;
                $($crate::snapshot::saved!(@unused $field $(= $begin)?);)*
                to.members(&$crate::snapshot::saved!(@written [] $($field $(= $begin)?,)*));
            }
        }
        impl $crate::snapshot::Saved for $name $(<$life>)? {
            fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Option<Self> {
                let mut made = $name::default();
                let $name { $($field),* } = &mut made;
                $($crate::snapshot::saved!(@begin $field $(= $begin)?);)*
                from.members(&mut $crate::snapshot::saved!(@read [] $($field $(= $begin)?,)*))?;
                Some(made)
            }
        }
        $crate::snapshot::saved!($($rest)*);
    };
    (new struct $name:ident { $($field:ident $(= $begin:expr)?),* $(,)? } $($rest:tt)*) => {
        impl $crate::snapshot::Save for $name {
            fn save(&self, to: &mut $crate::snapshot::Writer) {
                let $name { $($field),* } = self;
                $($crate::snapshot::saved!(@unused $field $(= $begin)?);)*
                to.members(&$crate::snapshot::saved!(@written [] $($field $(= $begin)?,)*));
            }
        }
        impl $crate::snapshot::Saved for $name {
            fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Option<Self> {
                $(
                    #[allow(unused_mut)] // where it begins anew
                    let mut $field = $crate::snapshot::saved!(@first $($begin)?);
                )*
                from.members(&mut $crate::snapshot::saved!(@place [] $($field $(= $begin)?,)*))?;
                Some($name {
                    $($field: $crate::snapshot::saved!(@last from $field $(= $begin)?),)*
                })
            }
        }
        $crate::snapshot::saved!($($rest)*);
    };
    (struct $name:ident(_); $($rest:tt)*) => {
        impl $crate::snapshot::Save for $name {
            fn save(&self, to: &mut $crate::snapshot::Writer) {
                self.0.save(to);
            }
        }
        impl $crate::snapshot::Saved for $name {
            fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Option<Self> {
                $crate::snapshot::Saved::restored(from).map($name)
            }
        }
        $crate::snapshot::saved!($($rest)*);
    };
    (enum $name:ident {
        $($variant:ident
            $(($($part:ident),+))?
            $({ $($field:ident),* $(,)? })?
        ),* $(,)?
    } $($rest:tt)*) => {
        impl $crate::snapshot::Save for $name {
            fn save(&self, to: &mut $crate::snapshot::Writer) {
                match self {
                    $($name::$variant $(($($part),+))? $({ $($field),* })? =>
                        $crate::snapshot::saved!(@variant to $variant $(($($part),+))? $({ $($field),* })?),)*
                }
            }
        }
        impl $crate::snapshot::Saved for $name {
            fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Option<Self> {
                let name = from.variant()?;
                $(if name == stringify!($variant) {
                    return $crate::snapshot::saved!(@made from $name $variant $(($($part),+))? $({ $($field),* })?);
                })*
                from.unknown(&name)
            }
        }
        $crate::snapshot::saved!($($rest)*);
    };

    (@unused $field:ident) => {};
    (@unused $field:ident = $begin:expr) => { let _ = $field; };
    (@written [$($done:tt)*]) => { [$($done)*] };
    (@written [$($done:tt)*] $field:ident, $($rest:tt)*) => {
        $crate::snapshot::saved!(@written [$($done)* (stringify!($field), $field as &dyn $crate::snapshot::Save),] $($rest)*)
    };
    (@written [$($done:tt)*] $field:ident = $begin:expr, $($rest:tt)*) => {
        $crate::snapshot::saved!(@written [$($done)*] $($rest)*)
    };
    (@begin $field:ident) => {};
    (@begin $field:ident = $begin:expr) => { *$field = $begin; };
    (@read [$($done:tt)*]) => { [$($done)*] };
    (@read [$($done:tt)*] $field:ident, $($rest:tt)*) => {
        $crate::snapshot::saved!(@read [$($done)* (stringify!($field), $field as &mut dyn $crate::snapshot::Place),] $($rest)*)
    };
    (@read [$($done:tt)*] $field:ident = $begin:expr, $($rest:tt)*) => {
        $crate::snapshot::saved!(@read [$($done)*] $($rest)*)
    };
    (@first) => { $crate::snapshot::Missing::default() };
    (@first $begin:expr) => { () };
    (@place [$($done:tt)*]) => { [$($done)*] };
    (@place [$($done:tt)*] $field:ident, $($rest:tt)*) => {
        $crate::snapshot::saved!(@place [$($done)* (stringify!($field), &mut $field as &mut dyn $crate::snapshot::Place),] $($rest)*)
    };
    (@place [$($done:tt)*] $field:ident = $begin:expr, $($rest:tt)*) => {
        $crate::snapshot::saved!(@place [$($done)*] $($rest)*)
    };
    (@last $from:ident $field:ident) => { $field.found($from, stringify!($field))? };
    (@last $from:ident $field:ident = $begin:expr) => {{ let () = $field; $begin }};
    (@variant $to:ident $variant:ident) => { $to.text(stringify!($variant)) };
    (@variant $to:ident $variant:ident ($part:ident)) => {
        $to.variant(stringify!($variant), &[$part as &dyn $crate::snapshot::Save])
    };
    (@variant $to:ident $variant:ident ($($part:ident),+)) => {
        $to.variant(stringify!($variant), &[$($part as &dyn $crate::snapshot::Save),+])
    };
    (@variant $to:ident $variant:ident { $($field:ident),* }) => {
        $to.variant_members(stringify!($variant), &[$((stringify!($field), $field as &dyn $crate::snapshot::Save)),*])
    };
    (@made $from:ident $name:ident $variant:ident) => {{ $from.end_variant(false)?; Some($name::$variant) }};
    (@made $from:ident $name:ident $variant:ident ($($part:ident),+)) => {{
        $(let mut $part = $crate::snapshot::Missing::default();)+
        $from.parts(&mut [$(&mut $part as &mut dyn $crate::snapshot::Place),+])?;
        $from.end_variant(true)?;
        Some($name::$variant($($part.found($from, stringify!($variant))?),+))
    }};
    (@made $from:ident $name:ident $variant:ident { $($field:ident),* }) => {{
        $(let mut $field = $crate::snapshot::Missing::default();)*
        $from.members(&mut [$((stringify!($field), &mut $field as &mut dyn $crate::snapshot::Place)),*])?;
        $from.end_variant(true)?;
        Some($name::$variant { $($field: $field.found($from, stringify!($field))?),* })
    }};
}

pub(crate) use saved;

/// A field of what has no default, until it has been read.
#[derive(Debug)]
pub struct Missing<T>(Option<T>);

impl<T> Default for Missing<T> {
    fn default() -> Self {
        Missing(None)
    }
}

impl<T: Saved> Missing<T> {
    /// The value, or what stands for one that was not told.
    pub fn found(self, from: &mut Reader<'_>, name: &str) -> Option<T> {
        match self.0.or_else(T::missing) {
            Some(value) => Some(value),
            None => from.missing(name),
        }
    }
}

impl<T: Saved> Save for Missing<T> {
    fn save(&self, to: &mut Writer) {
        match &self.0 {
            Some(value) => value.save(to),
            None => to.null(),
        }
    }
}

impl<T: Saved> Saved for Missing<T> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        T::restored(from).map(|value| Missing(Some(value)))
    }
}
