//! What a program may use and may do: the keys for limits of the system, priorities, groups and
//! what it gives up.

use super::accounts;
use super::amounts::is_infinity;
use super::datatypes::{self, ValueError};
use super::error::ConfigError;
use super::key::Fallback::{Nothing, Value};
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{self, Setting, settings};
use super::size::Size;
use super::wanted::{nearest, wanted};
use crate::signal::Signal;
use crate::snapshot::saved;
use crate::text::integer::Integer;
use crate::text::is_space;
use crate::text::json::Json;

/// Groups besides those of its user.
pub const SUPPLEMENTARY_GROUPS: Key = changed("supplementary_groups", "groups", Nothing).of_child();

settings! {
    /// What a program may use and may do. What is not given stays as supervisord has it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Rights {
        rlimit_nofile: Option<Bounds> = changed("number[:number]", Nothing).of_child(),
        rlimit_core: Option<Bounds> = changed("size[:size]", Nothing).of_child(),
        rlimit_cpu: Option<Bounds> = changed("duration[:duration]", Nothing).of_child(),
        rlimit_as: Option<Bounds> = changed("size[:size]", Nothing).of_child(),
        rlimit_data: Option<Bounds> = changed("size[:size]", Nothing).of_child(),
        rlimit_fsize: Option<Bounds> = changed("size[:size]", Nothing).of_child(),
        rlimit_memlock: Option<Bounds> = changed("size[:size]", Nothing).of_child(),
        rlimit_nproc: Option<Bounds> = changed("number[:number]", Nothing).of_child(),
        rlimit_stack: Option<Bounds> = changed("size[:size]", Nothing).of_child(),
        rlimit_nice: Option<Bounds> = changed("number[:number]", Nothing).of_child(),
        rlimit_rtprio: Option<Bounds> = changed("number[:number]", Nothing).of_child(),
        /// Its priority, whatever that of supervisord is.
        nice: Option<i64> = changed("integer", Nothing).within(-20, 19).of_child(),
        /// How soon the system ends it where memory ends.
        oom_score_adj: Option<i64> = changed("integer", Nothing).within(-1000, 1000).of_child(),
        /// No program that it starts has more rights.
        no_new_privs: bool = changed("boolean", Value("false")).of_child(),
        /// What it gets when supervisord ends.
        prsetpdeathsig: Option<Signal> = changed("signal", Nothing).of_child(),
    } and {
        supplementary_groups: Vec<u32>,
    }
}

impl Rights {
    /// Those of a section; hardly any has some.
    pub fn read(section: &Section<'_>) -> Result<Option<Box<Rights>>, ConfigError> {
        let mut rights = Rights::read_keys(section)?;
        let groups = section.converted(SUPPLEMENTARY_GROUPS.name, |text| {
            let names = datatypes::list(text).into_iter();
            let names = names.filter(|name| !name.is_empty());
            let groups = names.map(|name| accounts::group(&name, section.system));
            groups.collect::<Result<Vec<u32>, ValueError>>()
        })?;
        rights.supplementary_groups = groups.unwrap_or_default();
        Ok((rights != Rights::default()).then(|| Box::new(rights)))
    }

    /// All keys as a dump shows them.
    pub fn all_dumped(&self) -> Vec<(&'static str, Json)> {
        let groups = self.supplementary_groups.iter();
        let groups = groups.map(|gid| i64::from(*gid).into()).collect();
        let mut members = self.dumped();
        members.push((SUPPLEMENTARY_GROUPS.name, Json::Array(groups)));
        members
    }
}

/// The soft and the hard limit; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub soft: Option<u64>,
    pub hard: Option<u64>,
}

saved! { struct Bounds { soft, hard } }

impl Bounds {
    /// As it is written.
    pub fn text(self) -> String {
        let text = |bound: Option<u64>| bound.map_or("infinity".to_owned(), |it| it.to_string());
        match self.soft == self.hard {
            true => text(self.soft),
            false => format!("{}:{}", text(self.soft), text(self.hard)),
        }
    }
}

impl Setting for Bounds {
    /// One value is both limits.
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let (soft, hard) = text.split_once(':').unwrap_or((text, text));
        let [soft, hard] = [soft, hard].map(|part| part.trim_matches(is_space));
        let [low, high] = [soft, hard].map(|part| bound(part, key));
        let (Some(low), Some(high)) = (low, high) else {
            let word = soft.to_lowercase();
            return Err(match ["-1", "unlimited", "inf"].contains(&word.as_str()) {
                true => nearest(key, text, "infinity for no limit"),
                false => wanted(key, text, form(key).to_owned()),
            });
        };
        if low.unwrap_or(u64::MAX) > high.unwrap_or(u64::MAX) {
            return Err(nearest(key, text, &format!("{hard}:{hard}")));
        }
        Ok(Bounds {
            soft: low,
            hard: high,
        })
    }

    fn dumped(&self) -> Json {
        Json::String(self.text())
    }
}

/// What a value looks like.
fn form(key: &Key) -> &'static str {
    match key.grammar {
        "size[:size]" => "it is a size such as 64MB, two such as 64MB:1GB, or infinity",
        "duration[:duration]" => {
            "it is a time in seconds such as 60, two such as 60:2h, or infinity"
        }
        _ => "it is a number such as 1024, two such as 1024:4096, or infinity",
    }
}

/// One of the two; the inner `None` is no limit.
fn bound(text: &str, key: &Key) -> Option<Option<u64>> {
    if is_infinity(text) {
        return Some(None);
    }
    let number = match key.grammar {
        "size[:size]" => Size::parse(text, key).ok()?.0,
        "duration[:duration]" => {
            let duration = datatypes::duration(text).ok()?;
            (duration.subsec_millis() == 0).then_some(duration.as_secs())?
        }
        _ => u64::try_from(Integer::decimal(text)?.saturated()).ok()?,
    };
    Some(Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_one_value_or_a_soft_and_a_hard_one() {
        for (grammar, text, dumped) in [
            ("number[:number]", "1024", "\"1024\""),
            ("number[:number]", " 1024 : 4096 ", "\"1024:4096\""),
            ("number[:number]", "0:Infinity", "\"0:infinity\""),
            ("size[:size]", "64MB:1g", "\"67108864:1073741824\""),
            ("size[:size]", "infinity", "\"infinity\""),
            ("duration[:duration]", "60:2h", "\"60:7200\""),
        ] {
            let bounds = Bounds::parse(text, &changed("k", grammar, Nothing));
            assert_eq!(
                bounds.unwrap().dumped().to_string().trim(),
                dumped,
                "{text}"
            );
        }
    }

    #[test]
    fn a_wrong_limit_is_told_with_what_to_write() {
        let number = "it is a number such as 1024, two such as 1024:4096, or infinity";
        let time = "it is a time in seconds such as 60, two such as 60:2h, or infinity";
        let size = "it is a size such as 64MB, two such as 64MB:1GB, or infinity";
        for (grammar, text, advice) in [
            ("number[:number]", "many", number),
            ("number[:number]", "", number),
            ("number[:number]", "1:2:3", number),
            ("number[:number]", "-5", number),
            ("number[:number]", "-1", "write infinity for no limit"),
            ("size[:size]", "unlimited", "write infinity for no limit"),
            ("number[:number]", "4096:1024", "write 1024:1024"),
            ("number[:number]", "infinity:7", "write 7:7"),
            ("size[:size]", "5 apples", size),
            ("duration[:duration]", "500ms", time),
        ] {
            let error = Bounds::parse(text, &changed("k", grammar, Nothing)).unwrap_err();
            let message = format!("Invalid k value '{text}' ({advice})");
            assert_eq!(error.to_string(), message);
        }
    }
}
