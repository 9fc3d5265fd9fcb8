//! What a program may take of the machine, with all that it starts: the control group that each of
//! its processes has for itself, with limits, and the memory at which it is started again.

use super::amounts::{INFINITY, is_infinity};
use super::datatypes::ValueError;
use super::error::ConfigError;
use super::key::Fallback::Value;
use super::key::{Key, changed};
use super::kill_mode::KillMode;
use super::section::Section;
use super::settings::{self, Setting, settings};
use super::size::SizeLimit;
use super::wanted::{nearest, thousandths, wanted};
use crate::snapshot::saved;
use crate::text::integer::Integer;
use crate::text::is_space;
use crate::text::json::Json;

settings! {
    /// What a program may take.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Resources {
        /// Each process has a control group.
        cgroup: bool = changed("boolean", Value("false")).of_child(),
        memory_max: SizeLimit = changed("size|infinity", Value("infinity")),
        cpu_max: Share = changed("percent|infinity", Value("infinity")) => read_share,
        pids_max: Count = changed("number|infinity", Value("infinity")),
        /// With more resident memory than this it is started again.
        memory_check: SizeLimit = changed("size|infinity", Value("infinity")),
    }
}

impl Resources {
    /// Those of a section; hardly any has some. A limit and `kill_mode=cgroup` ask for a group.
    pub fn read(
        section: &Section<'_>,
        kill_mode: Option<KillMode>,
    ) -> Result<Option<Box<Resources>>, ConfigError> {
        let mut resources = Resources::read_keys(section)?;
        let kills = (kill_mode == Some(KillMode::Cgroup)).then_some("kill_mode=cgroup");
        let asks = resources.limit().or(kills);
        if let Some(asks) = asks {
            let [cgroup, ..] = &Resources::KEYS;
            if !resources.cgroup && section.raw(cgroup.name).is_some() {
                let text = format!("cgroup=false is against {asks}");
                let error = section.fault_at(cgroup.name, text);
                return Err(error.advising("remove one of the two"));
            }
            resources.cgroup = true;
        }
        Ok((resources != Resources::default()).then(|| Box::new(resources)))
    }

    /// The keys of the limits of its group, each with what the system is told if it is set.
    pub fn limits(&self) -> [(&'static str, Option<String>); 3] {
        let [_, memory, share, count, _] = &Resources::KEYS;
        [
            (memory.name, self.memory_max.0.map(|it| it.to_string())),
            (share.name, self.cpu_max.quota()),
            (count.name, self.pids_max.0.map(|it| it.to_string())),
        ]
    }

    /// The key of a limit that is set, if one is.
    pub fn limit(&self) -> Option<&'static str> {
        let limits = self.limits().into_iter();
        limits
            .filter(|(_, value)| value.is_some())
            .map(|(key, _)| key)
            .next()
    }
}

/// How much of a processor, in thousandths of a percent; more than 100 % is more than one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share(pub Option<u32>);

saved! { struct Share(_); }

/// The least that the system gives, and more than a machine has.
const LEAST_SHARE: u32 = 1000;
const MOST_SHARE: u32 = 100_000_000;

impl Share {
    /// Microseconds of processor time in each tenth of a second.
    fn quota(self) -> Option<String> {
        Some(format!("{} 100000", self.0?))
    }

    /// As it is written.
    fn text(thousandths: u32) -> String {
        let (whole, rest) = (thousandths / 1000, thousandths % 1000);
        let text = format!("{whole}.{rest:03}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        format!("{text}%")
    }
}

/// A `%` stands as it is there.
fn read_share(section: &Section<'_>, key: &Key) -> Result<Share, ConfigError> {
    Ok(section.read_unexpanded(key)?.unwrap_or_default())
}

impl Setting for Share {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        if is_infinity(text) {
            return Ok(Share(None));
        }
        let percent = text.trim_matches(is_space);
        let number = percent.trim_end_matches('%');
        let Some(share) = thousandths(number.trim_matches(is_space)) else {
            let form = "it is a share of a processor such as 50% or 150%, or infinity";
            return Err(wanted(key, text, form.to_owned()));
        };
        let near = share.clamp(LEAST_SHARE, MOST_SHARE);
        match percent.strip_prefix(number) {
            Some("%") if near == share => Ok(Share(Some(share))),
            _ if share == 0 => Err(nearest(key, text, "infinity for no limit")),
            _ => Err(nearest(key, text, &Share::text(near))),
        }
    }

    fn dumped(&self) -> Json {
        self.0
            .map_or(INFINITY.into(), |share| Json::String(Share::text(share)))
    }
}

/// So many at most, but at least one, or no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub Option<i64>);

saved! { struct Count(_); }

impl Setting for Count {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        if is_infinity(text) {
            return Ok(Count(None));
        }
        match Integer::decimal(text).map(|count| count.saturated()) {
            Some(count) if count > 0 => Ok(Count(Some(count))),
            Some(_) => Err(nearest(key, text, "infinity for no limit")),
            None => Err(wanted(
                key,
                text,
                "it is a number such as 200, or infinity".to_owned(),
            )),
        }
    }

    fn dumped(&self) -> Json {
        self.0.map_or(INFINITY.into(), |count| count.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Fallback::Nothing;
    use super::*;

    const KEY: Key = changed("k", "", Nothing);

    #[test]
    fn a_share_is_a_percentage_of_one_processor() {
        for (text, quota, dumped) in [
            ("50%", "50000 100000", "\"50%\""),
            (" 150 % ", "150000 100000", "\"150%\""),
            ("12.5%", "12500 100000", "\"12.5%\""),
            ("1%", "1000 100000", "\"1%\""),
        ] {
            let share = Share::parse(text, &KEY).unwrap();
            assert_eq!(share.quota().unwrap(), quota);
            assert_eq!(share.dumped().to_string().trim(), dumped);
        }
        assert_eq!(Share::parse("Infinity", &KEY), Ok(Share(None)));
        let form = "it is a share of a processor such as 50% or 150%, or infinity";
        for (text, near) in [
            ("50", "write 50%"),
            ("50%%", "write 50%"),
            ("0.5%", "write 1%"),
            ("0%", "write infinity for no limit"),
            ("99999999%", "write 100000%"),
            ("-5%", form),
            ("half", form),
            ("%", form),
            ("", form),
        ] {
            let error = Share::parse(text, &KEY).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("Invalid k value '{text}' ({near})")
            );
        }
    }

    #[test]
    fn a_count_is_a_number_above_none() {
        assert_eq!(Count::parse(" 200 ", &KEY), Ok(Count(Some(200))));
        assert_eq!(Count::parse("infinity", &KEY), Ok(Count(None)));
        for (text, near) in [
            ("0", "write infinity for no limit"),
            ("-1", "write infinity for no limit"),
            ("many", "it is a number such as 200, or infinity"),
        ] {
            let error = Count::parse(text, &KEY).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("Invalid k value '{text}' ({near})")
            );
        }
    }

    #[test]
    fn limits_are_told_in_the_words_of_the_system() {
        let none = Resources::default();
        assert_eq!(none.limit(), None);
        assert_eq!(none.limits().map(|(_, value)| value), [None, None, None]);
        let all = Resources {
            memory_max: SizeLimit(Some(20 << 20)),
            cpu_max: Share(Some(50_000)),
            pids_max: Count(Some(7)),
            ..Resources::default()
        };
        let told = |text: &str| Some(text.to_owned());
        assert_eq!(
            all.limits(),
            [
                ("memory_max", told("20971520")),
                ("cpu_max", told("50000 100000")),
                ("pids_max", told("7")),
            ]
        );
        assert_eq!(all.limit(), Some("memory_max"));
    }
}
