//! The state of a daemon as text, which an upgrade hands to the next program (supervisor-upgrade
//! in ARCHITECTURE.md).
//!
//! It is JSON (RFC 8259): a struct is an object with its fields as members, an enum the name of
//! its variant or an object with that as its only member. Members come in the order of the fields.
//! One that is missing stands for nothing, zero or an empty list, and one that nobody knows is
//! skipped, so that older and newer programs read each other's states. Descriptors are numbers. What several share
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

/// What can be read from one as well. A state that is wrong ends it: the reader does not come back
/// from an error.
pub trait Saved: Save + Sized {
    fn restored(from: &mut Reader<'_>) -> Self;

    /// What holds where a state does not tell it, if that can be said of the type: it has to be
    /// of one that may be written as null, false or an empty list, which are left out.
    fn missing() -> Option<Self> {
        None
    }
}

/// Makes types known to states, by all their fields or variants:
///
/// - `struct Name { field, field }`, and `field = value` for a field that is not carried but
///   begins so; `default struct` where a field that a state does not tell is as by default.
/// - `struct Name(part)`.
/// - `enum Name { Variant, Variant(part), Variant { field, field } }`.
macro_rules! saved {
    () => {};
    (default struct $name:ident { $($field:ident),* $(,)? } $($rest:tt)*) => {
        const _: () = {
            const NAMES: &str = $crate::snapshot::saved!(@names [] $($field,)*);
            $crate::snapshot::saved!(@save all_members $name { $($field,)* });
            impl $crate::snapshot::Saved for $name {
                fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Self {
                    let mut made = $name::default();
                    let mut names = from.begin_members(NAMES);
                    $(from.refill(&mut names, &mut made.$field);)*
                    from.end_members();
                    made
                }
            }
        };
        $crate::snapshot::saved!($($rest)*);
    };
    (struct $name:ident { $($field:ident $(= $begin:expr)?),* $(,)? } $($rest:tt)*) => {
        const _: () = {
            const NAMES: &str = $crate::snapshot::saved!(@names [] $($field $(= $begin)?,)*);
            $crate::snapshot::saved!(@save members $name { $($field $(= $begin)?,)* });
            impl $crate::snapshot::Saved for $name {
                fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Self {
                    #[allow(unused_mut, unused_variables)] // where all begins anew
                    let mut names = from.begin_members(NAMES);
                    let made = $name {
                        $($field: $crate::snapshot::saved!(@read from names $field $(= $begin)?),)*
                    };
                    from.end_members();
                    made
                }
            }
        };
        $crate::snapshot::saved!($($rest)*);
    };
    (struct $name:ident(_); $($rest:tt)*) => {
        impl $crate::snapshot::Save for $name {
            fn save(&self, to: &mut $crate::snapshot::Writer) {
                self.0.save(to);
            }
        }
        impl $crate::snapshot::Saved for $name {
            fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Self {
                $name($crate::snapshot::Saved::restored(from))
            }
            fn missing() -> Option<Self> {
                $crate::snapshot::Saved::missing().map($name)
            }
        }
        $crate::snapshot::saved!($($rest)*);
    };
    (enum $name:ident { $($variant:ident),* $(,)? } $($rest:tt)*) => {
        const _: () = {
            const NAMES: &str = concat!($(stringify!($variant), " "),*);
            enum Place { $($variant),* }
            impl $crate::snapshot::Save for $name {
                fn save(&self, to: &mut $crate::snapshot::Writer) {
                    to.word(NAMES, match self { $($name::$variant => Place::$variant as usize),* });
                }
            }
            impl $crate::snapshot::Saved for $name {
                fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Self {
                    let place = from.variant(NAMES);
                    $(if place == Place::$variant as usize { return $name::$variant; })*
                    from.unknown()
                }
            }
        };
        $crate::snapshot::saved!($($rest)*);
    };
    (enum $name:ident {
        $($variant:ident
            $(($($part:ident),+))?
            $({ $($field:ident),* $(,)? })?
        ),* $(,)?
    } $($rest:tt)*) => {
        const _: () = {
            const NAMES: &str = concat!($(stringify!($variant), " "),*);
            enum Place { $($variant),* }
            impl $crate::snapshot::Save for $name {
                fn save(&self, to: &mut $crate::snapshot::Writer) {
                    match self {
                        $($name::$variant $(($($part),+))? $({ $($field),* })? =>
                            $crate::snapshot::saved!(@variant to $variant $(($($part),+))? $({ $($field),* })?),)*
                    }
                }
            }
            impl $crate::snapshot::Saved for $name {
                fn restored(from: &mut $crate::snapshot::Reader<'_>) -> Self {
                    let place = from.variant(NAMES);
                    $(if place == Place::$variant as usize {
                        return $crate::snapshot::saved!(@made from $name $variant $(($($part),+))? $({ $($field),* })?);
                    })*
                    from.unknown()
                }
            }
        };
        $crate::snapshot::saved!($($rest)*);
    };

    (@save $members:ident $name:ident { $($field:ident $(= $begin:expr)?,)* }) => {
        impl $crate::snapshot::Save for $name {
            fn save(&self, to: &mut $crate::snapshot::Writer) {
                let $name { $($field),* } = self;
                $($crate::snapshot::saved!(@unused $field $(= $begin)?);)*
                to.$members(NAMES, &$crate::snapshot::saved!(@written [] $($field $(= $begin)?,)*));
            }
        }
    };
    (@unused $field:ident) => {};
    (@unused $field:ident = $begin:expr) => { let _ = $field; };
    (@names [$($done:tt)*]) => { concat!($($done)*) };
    (@names [$($done:tt)*] $field:ident, $($rest:tt)*) => {
        $crate::snapshot::saved!(@names [$($done)* stringify!($field), " ",] $($rest)*)
    };
    (@names [$($done:tt)*] $field:ident = $begin:expr, $($rest:tt)*) => {
        $crate::snapshot::saved!(@names [$($done)*] $($rest)*)
    };
    (@written [$($done:tt)*]) => { [$($done)*] };
    (@written [$($done:tt)*] $field:ident, $($rest:tt)*) => {
        $crate::snapshot::saved!(@written [$($done)* $field as &dyn $crate::snapshot::Save,] $($rest)*)
    };
    (@written [$($done:tt)*] $field:ident = $begin:expr, $($rest:tt)*) => {
        $crate::snapshot::saved!(@written [$($done)*] $($rest)*)
    };
    (@read $from:ident $names:ident $field:ident) => { $from.member(&mut $names) };
    (@read $from:ident $names:ident $field:ident = $begin:expr) => { $begin };
    (@variant $to:ident $variant:ident) => { $to.text(stringify!($variant)) };
    (@variant $to:ident $variant:ident ($part:ident)) => {
        $to.variant(stringify!($variant), $part)
    };
    (@variant $to:ident $variant:ident ($($part:ident),+)) => {
        $to.variant_parts(stringify!($variant), &[$($part as &dyn $crate::snapshot::Save),+])
    };
    (@variant $to:ident $variant:ident { $($field:ident),* }) => {
        $to.variant_members(
            stringify!($variant),
            concat!($(stringify!($field), " "),*),
            &[$($field as &dyn $crate::snapshot::Save),*],
        )
    };
    (@made $from:ident $name:ident $variant:ident) => { $name::$variant };
    (@made $from:ident $name:ident $variant:ident ($part:ident)) => {{
        let $part = $crate::snapshot::Saved::restored($from);
        $from.end_variant();
        $name::$variant($part)
    }};
    (@made $from:ident $name:ident $variant:ident ($($part:ident),+)) => {{
        $from.begin_list();
        $(let $part = $from.item();)+
        $from.end_list();
        $from.end_variant();
        $name::$variant($($part),+)
    }};
    (@made $from:ident $name:ident $variant:ident { $($field:ident),* }) => {{
        let mut names = $from.begin_members(concat!($(stringify!($field), " "),*));
        $(let $field = $from.member(&mut names);)*
        $from.end_members();
        $from.end_variant();
        $name::$variant { $($field),* }
    }};
}

pub(crate) use saved;
