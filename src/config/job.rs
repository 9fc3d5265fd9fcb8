//! The keys of programs that end by themselves, that are started by the clock, or that may run
//! only for so long.

use std::time::Duration;

use super::amounts::{Decimal, Limit};
use super::datatypes::ValueError;
use super::error::ConfigError;
use super::key::Fallback::{Nothing, SameAs, Value};
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{self, Setting, Word, settings};
use super::wanted::{nearest, wanted};
use super::{AutoRestart, Process};
use crate::schedule::expression::Schedule;
use crate::snapshot::saved;
use crate::text::json::Json;

/// As the supervisord that is written in Go calls the schedule.
pub const CRON: Key = changed("cron", "schedule", Nothing);

settings! {
    /// What makes a program a job.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Job {
        kind as "type": Kind = changed("service|oneshot", Value("service")),
        /// When it is started.
        schedule: Option<Schedule> = changed("schedule", SameAs("cron")),
        /// How long it may run.
        runtime_timeout: Limit =
            changed("duration|infinity", Value("infinity")) => read_time,
        /// By how much of itself that may be shorter.
        runtime_jitter: Decimal = changed("decimal", Value("0")).within(0, 1),
    }
}

/// What the end of a program means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// It is to run.
    #[default]
    Service,
    /// It is to do something and to end.
    Oneshot,
}

saved! { enum Kind { Service, Oneshot } }

impl Word for Kind {
    const WORDS: &'static [(&'static str, Kind)] =
        &[("service", Kind::Service), ("oneshot", Kind::Oneshot)];
}

impl Setting for Schedule {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        Schedule::parse(text).map_err(|advice| wanted(key, text, advice))
    }

    fn dumped(&self) -> Json {
        self.text().into()
    }
}

/// A time that is no time would be over at once.
fn read_time(section: &Section<'_>, key: &Key) -> Result<Limit, ConfigError> {
    let time = section.converted(key.name, |text| match Limit::parse(text, key)? {
        Limit::Of(Duration::ZERO) => Err(nearest(key, text, "infinity for no limit")),
        time => Ok(time),
    })?;
    Ok(time.unwrap_or_default())
}

impl Job {
    /// The keys of a section; hardly any has them. `settings` are those of its other keys, some
    /// of which have other defaults in a job.
    pub fn read(
        section: &Section<'_>,
        settings: &mut Process,
    ) -> Result<Option<Box<Job>>, ConfigError> {
        let job = Job::read_keys(section)?;
        let is_unset = |key: &str| section.raw(key).is_none();
        let (is_oneshot, is_scheduled) = (job.kind == Kind::Oneshot, job.schedule.is_some());
        if is_scheduled && is_unset("autostart") {
            settings.autostart = false;
        }
        if (is_scheduled || is_oneshot) && is_unset("autorestart") {
            settings.autorestart = AutoRestart::Never;
        }
        if is_oneshot && is_unset("startretries") {
            settings.startretries = 0;
        }
        Ok((job != Job::default()).then(|| Box::new(job)))
    }
}

impl Process {
    /// Whether it is a success that it ends.
    pub fn is_oneshot(&self) -> bool {
        let job = self.job.as_ref();
        job.is_some_and(|job| job.kind == Kind::Oneshot)
    }

    /// When it is started, if the clock does that.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.job.as_ref()?.schedule.as_ref()
    }

    /// How long it may run, if there is an end.
    pub fn runtime_timeout(&self) -> Option<Duration> {
        match self.job.as_ref()?.runtime_timeout {
            Limit::Infinity => None,
            Limit::Of(time) => Some(time),
        }
    }
}
