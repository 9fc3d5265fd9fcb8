//! Sizes in keys that Supervisor 4.3.0 does not have: bytes, or a number with a unit.

use super::amounts::INFINITY;
use super::datatypes::ValueError;
use super::key::{Key, Range};
use super::settings::Setting;
use super::wanted::{nearest, thousandths, wanted};
use crate::snapshot::saved;
use crate::text::integer::Integer;
use crate::text::is_space;
use crate::text::json::Json;

/// The most that is kept of the output of one channel, in bytes.
pub const MOST_OF_RING: i64 = 64 << 20;

const UNITS: [(u64, &str); 4] = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"), (1, "")];

/// So many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size(pub u64);

saved! { struct Size(_); }

impl Size {
    /// As it is written shortest.
    fn text(self) -> String {
        let mut units = UNITS.iter();
        let exact = units.find(|(length, _)| self.0 > 0 && self.0.is_multiple_of(*length));
        let (length, unit) = exact.unwrap_or(&(1, ""));
        format!("{}{unit}", self.0 / length)
    }
}

impl Setting for Size {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let most = match key.range {
            Range::Within(_, most) => most.unsigned_abs(),
            Range::All | Range::AtLeast(_) => u64::MAX,
        };
        let trimmed = text.trim_matches(is_space);
        let positive = trimmed.strip_prefix('-');
        match (Amount::of(positive.unwrap_or(trimmed)), positive) {
            (Some(amount), None) if amount.bytes > most => {
                Err(nearest(key, text, &Size(most).text()))
            }
            (Some(amount), None) if amount.is_exact => Ok(Size(amount.bytes)),
            (Some(amount), None) => Err(nearest(key, text, &Size(amount.bytes).text())),
            (Some(_), Some(_)) => Err(nearest(key, text, "0")),
            (None, _) => {
                let form = "it is a size such as 65536, 64K, 64KB or 1MB";
                Err(wanted(key, text, form.to_owned()))
            }
        }
    }

    fn dumped(&self) -> Json {
        i64::try_from(self.0).unwrap_or(i64::MAX).into()
    }
}

/// About so many bytes, as people read them, such as `104.8MB`.
pub fn rounded(bytes: u64) -> String {
    let mut units = UNITS.iter();
    let (length, unit) = units
        .find(|(length, _)| bytes >= *length)
        .unwrap_or(&(1, ""));
    let tenths = bytes.saturating_mul(10) / length;
    match tenths % 10 {
        0 => format!("{}{unit}", tenths / 10),
        rest => format!("{}.{rest}{unit}", tenths / 10),
    }
}

/// The least limit, in bytes.
const LEAST: u64 = 1024;

/// So many bytes at most, or no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeLimit(pub Option<u64>);

saved! { struct SizeLimit(_); }

impl Setting for SizeLimit {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let word = text.trim_matches(is_space).to_lowercase();
        match word.as_str() {
            INFINITY => Ok(SizeLimit(None)),
            "-1" | "none" | "unlimited" => Err(nearest(key, text, "infinity for no limit")),
            _ => match Size::parse(text, key)?.0 {
                0 => Err(nearest(key, text, "infinity for no limit")),
                // Nobody means bytes by so few: the unit was forgotten.
                few @ ..LEAST => Err(nearest(key, text, &format!("{few}MB"))),
                bytes => Ok(SizeLimit(Some(bytes))),
            },
        }
    }

    fn dumped(&self) -> Json {
        self.0.map_or(INFINITY.into(), |size| Size(size).dumped())
    }
}

/// A number and a unit, in bytes.
struct Amount {
    bytes: u64,
    /// It is written as a size is.
    is_exact: bool,
}

impl Amount {
    fn of(text: &str) -> Option<Amount> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let unit = unit.trim_matches(is_space).to_lowercase();
        let (factor, is_unit) = match unit.as_str() {
            "" => (1, true),
            "k" | "kb" => (1 << 10, true),
            "m" | "mb" => (1 << 20, true),
            "g" | "gb" => (1 << 30, true),
            "b" | "byte" | "bytes" => (1, false),
            "kib" => (1 << 10, false),
            "mib" => (1 << 20, false),
            "gib" => (1 << 30, false),
            _ => return None,
        };
        if let Some(whole) = Integer::decimal(number) {
            let whole = whole.saturated().unsigned_abs();
            let bytes = whole.saturating_mul(factor);
            return Some(Amount {
                bytes,
                is_exact: is_unit,
            });
        }
        let thousandths = u64::from(thousandths(number)?);
        Some(Amount {
            bytes: thousandths.saturating_mul(factor) / 1000,
            is_exact: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Fallback::Nothing;
    use super::super::key::changed;
    use super::*;

    const KEY: Key = changed("k", "size", Nothing);

    #[test]
    fn a_size_is_a_number_with_a_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("64K", 65_536),
            (" 64 kb ", 65_536),
            ("64KB", 65_536),
            ("1m", 1 << 20),
            ("50MB", 50 << 20),
            ("2G", 2 << 30),
            ("1gb", 1 << 30),
            ("99999999999999999999GB", u64::MAX),
        ] {
            assert_eq!(Size::parse(text, &KEY), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn a_limit_of_a_size_may_be_none() {
        let limit = |text| SizeLimit::parse(text, &KEY);
        assert_eq!(limit("50MB"), Ok(SizeLimit(Some(50 << 20))));
        assert_eq!(limit(" Infinity "), Ok(SizeLimit(None)));
        assert_eq!(limit("1024"), Ok(SizeLimit(Some(1024))));
        for (text, near) in [
            ("0", "infinity for no limit"),
            ("-1", "infinity for no limit"),
            ("0MB", "infinity for no limit"),
            ("1", "1MB"),
            (" 1023", "1023MB"),
        ] {
            let error = limit(text).unwrap_err();
            let message = format!("Invalid k value '{text}' (write {near})");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_wrong_size_is_told_with_the_nearest_right_one() {
        let form = "it is a size such as 65536, 64K, 64KB or 1MB";
        for (text, near) in [
            ("-1", "write 0"),
            ("-5MB", "write 0"),
            ("1.5MB", "write 1536KB"),
            ("64KiB", "write 64KB"),
            ("100 bytes", "write 100"),
            ("2GB", "write 1GB"),
            ("1TB", form),
            ("", form),
            ("much", form),
            ("infinity", form),
        ] {
            let error = Size::parse(text, &KEY.within(0, 1 << 30)).unwrap_err();
            let message = format!("Invalid k value '{text}' ({near})");
            assert_eq!(error.to_string(), message);
        }
    }
}
