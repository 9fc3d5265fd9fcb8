//! Whom a stop reaches: `kill_mode`, which says what `stopasgroup` and `killasgroup` say, and more.

use super::Process;
use super::error::ConfigError;
use super::key::Fallback::Derived;
use super::key::{Key, changed};
use super::section::Section;
use super::settings::Word;
use crate::snapshot::saved;

pub const KILL_MODE: Key = changed(
    "kill_mode",
    "process|group|mixed|cgroup",
    Derived("as stopasgroup and killasgroup say"),
);

/// Whom the stop signal and the SIGKILL after it reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KillMode {
    /// Both the program alone.
    #[default]
    Process,
    /// Both its process group.
    Group,
    /// The first the program, the second its process group, also when the program has ended.
    Mixed,
    /// Both the program; when it has ended, all that is left in its control group is killed.
    Cgroup,
}

saved! { enum KillMode { Process, Group, Mixed, Cgroup } }

impl Word for KillMode {
    const WORDS: &'static [(&'static str, KillMode)] = &[
        ("process", KillMode::Process),
        ("group", KillMode::Group),
        ("mixed", KillMode::Mixed),
        ("cgroup", KillMode::Cgroup),
    ];
}

impl KillMode {
    /// The mode of a section, if it says one; `settings` then says the same with the old keys.
    pub fn read(
        section: &Section<'_>,
        settings: &mut Process,
    ) -> Result<Option<KillMode>, ConfigError> {
        let Some(mode) = section.read::<Option<KillMode>>(&KILL_MODE)? else {
            return Ok(None);
        };
        let (stops_group, kills_group) = match mode {
            KillMode::Process | KillMode::Cgroup => (false, false),
            KillMode::Group => (true, true),
            KillMode::Mixed => (false, true),
        };
        for (key, set, meant) in [
            ("stopasgroup", &mut settings.stopasgroup, stops_group),
            ("killasgroup", &mut settings.killasgroup, kills_group),
        ] {
            if *set != meant && section.raw(key).is_some() {
                let word = section.text(KILL_MODE.name)?.unwrap_or_default();
                let text = format!("{key}={set} is against kill_mode={word}");
                let error = section.fault_at(key, text);
                return Err(error.advising("remove one of the two"));
            }
            *set = meant;
        }
        Ok(Some(mode))
    }
}
