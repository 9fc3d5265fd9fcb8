//! Types of values that Supervisor 4.3.0 does not have: durations without an end, decimal
//! fractions, so many in such a time. A wrong value is told with the nearest right one.

use std::time::Duration;

use super::datatypes::{self, ValueError};
use super::key::{Key, Range};
use super::settings::Setting;
use super::wanted::{limit_wanted, nearest, nearest_duration, thousandths, wanted};
use crate::snapshot::saved;
use crate::text::integer::Integer;
use crate::text::is_space;
use crate::text::json::Json;

/// The word for no limit.
pub(super) const INFINITY: &str = "infinity";

/// A duration, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    #[default]
    Infinity,
    Of(Duration),
}

saved! { enum Limit { Infinity, Of(a) } }

impl Setting for Limit {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        if is_infinity(text) {
            return Ok(Limit::Infinity);
        }
        datatypes::duration(text)
            .map(Limit::Of)
            .map_err(|_| limit_wanted(text, key))
    }

    fn dumped(&self) -> Json {
        match self {
            Limit::Infinity => INFINITY.into(),
            Limit::Of(duration) => duration.dumped(),
        }
    }
}

pub(super) fn is_infinity(text: &str) -> bool {
    text.trim_matches(is_space).eq_ignore_ascii_case(INFINITY)
}

/// A decimal fraction, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal(pub u32);

saved! { struct Decimal(_); }

impl Decimal {
    pub const ONE: Decimal = Decimal(1000);

    pub fn value(self) -> f64 {
        f64::from(self.0) / f64::from(Decimal::ONE.0)
    }

    /// As it is written.
    fn text(self) -> String {
        let (whole, rest) = (self.0 / Decimal::ONE.0, self.0 % Decimal::ONE.0);
        let text = format!("{whole}.{rest:03}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl Setting for Decimal {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let (least, most) = match key.range {
            Range::All => (0, i64::MAX),
            Range::AtLeast(least) => (least, i64::MAX),
            Range::Within(least, most) => (least, most),
        };
        let bound =
            |bound: i64| Decimal(u32::try_from(bound.saturating_mul(1000)).unwrap_or(u32::MAX));
        let (least, most) = (bound(least), bound(most));
        let trimmed = text.trim_matches(is_space);
        let positive = trimmed.strip_prefix('-');
        match (
            thousandths(positive.unwrap_or(trimmed)).map(Decimal),
            positive,
        ) {
            (Some(number), None) if number.0 >= least.0 && number.0 <= most.0 => Ok(number),
            (Some(number), None) if number.0 > most.0 => Err(nearest(key, text, &most.text())),
            (Some(_), _) => Err(nearest(key, text, &least.text())),
            (None, _) => Err(wanted(
                key,
                text,
                format!("it is a number such as {} or 1.5", least.text()),
            )),
        }
    }

    fn dumped(&self) -> Json {
        match self.0 % Decimal::ONE.0 {
            0 => (self.0 / Decimal::ONE.0).into(),
            _ => Json::String(self.text()),
        }
    }
}

/// So many in such a time, if there is a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate(pub Option<(u32, Duration)>);

saved! { struct Rate(_); }

/// The most that a rate counts, for each is remembered.
const MOST: i64 = 1000;

impl Setting for Rate {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        if is_infinity(text) {
            return Ok(Rate(None));
        }
        let unlike = || {
            let text_of_form = "it is a number and a duration such as 5/60 or 5/1m, or infinity";
            wanted(key, text, text_of_form.to_owned())
        };
        let (count, within) = text.split_once('/').ok_or_else(unlike)?;
        let within = within.trim_matches(is_space);
        let count = Integer::decimal(count).ok_or_else(unlike)?.saturated();
        let clamped = count.clamp(1, MOST);
        match datatypes::duration(within) {
            Ok(duration) if duration.is_zero() => Err(nearest(key, text, &format!("{clamped}/1"))),
            Ok(_) if clamped != count => Err(nearest(key, text, &format!("{clamped}/{within}"))),
            Ok(duration) => Ok(Rate(Some((u32::try_from(clamped).unwrap_or(1), duration)))),
            Err(_) => Err(match nearest_duration(within) {
                Some(near) if near == "0" => nearest(key, text, &format!("{clamped}/1")),
                Some(near) => nearest(key, text, &format!("{clamped}/{near}")),
                None => unlike(),
            }),
        }
    }

    fn dumped(&self) -> Json {
        let Some((count, within)) = self.0 else {
            return INFINITY.into();
        };
        let within = match within.subsec_millis() {
            0 => within.as_secs().to_string(),
            _ => format!("{}ms", within.as_millis()),
        };
        Json::String(format!("{count}/{within}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Fallback::Nothing;
    use super::super::key::changed;
    use super::*;

    const KEY: Key = changed("k", "", Nothing);

    fn told<T: std::fmt::Debug>(result: Result<T, ValueError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_limit_is_a_duration_or_infinity() {
        for (text, limit, dumped) in [
            ("infinity", Limit::Infinity, "\"infinity\""),
            (" Infinity ", Limit::Infinity, "\"infinity\""),
            ("0", Limit::Of(Duration::ZERO), "0"),
            ("5m", Limit::Of(Duration::from_secs(300)), "300"),
            ("500ms", Limit::Of(Duration::from_millis(500)), "\"500ms\""),
        ] {
            assert_eq!(Limit::parse(text, &KEY), Ok(limit), "{text}");
            assert_eq!(limit.dumped().to_string().trim(), dumped, "{text}");
        }
    }

    #[test]
    fn a_wrong_duration_is_told_with_the_nearest_right_one() {
        for (text, near) in [
            ("-1", "write infinity for no limit"),
            ("infinite", "write infinity for no limit"),
            ("-5m", "write 0"),
            ("1.5s", "write 1500ms"),
            ("1.5", "write 1500ms"),
            ("90 sec", "write 90s"),
            ("60sec", "write 1m"),
            ("5 minutes", "write 5m"),
            ("0.5h", "write 30m"),
            ("250 msec", "write 250ms"),
            ("1w", "write 7d"),
            (
                "soon",
                "it is a duration such as 30, 500ms, 90s, 5m, 2h or 1d, or infinity",
            ),
            (
                "",
                "it is a duration such as 30, 500ms, 90s, 5m, 2h or 1d, or infinity",
            ),
        ] {
            let message = format!("Invalid k value '{text}' ({near})");
            assert_eq!(told(Limit::parse(text, &KEY)), message);
        }
        let pause = |text| told(Duration::parse(text, &changed("k", "duration", Nothing)));
        assert_eq!(pause("-1"), "Invalid k value '-1' (write 0)");
        assert_eq!(pause("2 hours"), "Invalid k value '2 hours' (write 2h)");
        let form = "it is a duration such as 30, 500ms, 90s, 5m, 2h or 1d";
        assert_eq!(
            pause("infinity"),
            format!("Invalid k value 'infinity' ({form})")
        );
    }

    #[test]
    fn fractions_have_a_point_and_stay_in_their_range() {
        for (text, thousandths, dumped) in [
            ("0", 0, "0"),
            ("1", 1000, "1"),
            (" 0.25 ", 250, "\"0.25\""),
            (".5", 500, "\"0.5\""),
            ("1.", 1000, "1"),
            ("0.12345", 123, "\"0.123\""),
            ("1000", 1_000_000, "1000"),
        ] {
            let number = Decimal(thousandths);
            assert_eq!(Decimal::parse(text, &KEY), Ok(number), "{text}");
            assert_eq!(number.dumped().to_string().trim(), dumped, "{text}");
        }
        let key = KEY.within(1, 3);
        for (text, near) in [
            ("0.5", "write 1"),
            ("-2", "write 1"),
            ("3.001", "write 3"),
            ("99999999999999999999", "write 3"),
            ("two", "it is a number such as 1 or 1.5"),
            ("", "it is a number such as 1 or 1.5"),
            ("1e3", "it is a number such as 1 or 1.5"),
            (".", "it is a number such as 1 or 1.5"),
        ] {
            let message = format!("Invalid k value '{text}' ({near})");
            assert_eq!(told(Decimal::parse(text, &key)), message);
        }
    }

    #[test]
    fn a_rate_is_a_number_in_a_duration() {
        let rate = |count, seconds| Rate(Some((count, Duration::from_secs(seconds))));
        for (text, expected, dumped) in [
            ("5/60", rate(5, 60), "\"5/60\""),
            (" 5 / 1m ", rate(5, 60), "\"5/60\""),
            ("1000/1d", rate(1000, 86_400), "\"1000/86400\""),
            ("INFINITY", Rate(None), "\"infinity\""),
        ] {
            assert_eq!(Rate::parse(text, &KEY), Ok(expected), "{text}");
            assert_eq!(expected.dumped().to_string().trim(), dumped, "{text}");
        }
        let form = "it is a number and a duration such as 5/60 or 5/1m, or infinity";
        for (text, near) in [
            ("5", form),
            ("", form),
            ("a/60", form),
            ("5/soon", form),
            ("0/60", "write 1/60"),
            ("-1/60", "write 1/60"),
            ("5000/1h", "write 1000/1h"),
            ("5/0", "write 5/1"),
            ("5/-60", "write 5/1"),
            ("5/1 min", "write 5/1m"),
        ] {
            let message = format!("Invalid k value '{text}' ({near})");
            assert_eq!(told(Rate::parse(text, &KEY)), message);
        }
    }
}
