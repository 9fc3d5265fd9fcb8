//! The signals that stop a program, one after the other.

use super::datatypes::ValueError;
use super::key::Key;
use super::settings::Setting;
use super::wanted::nearest;
use crate::signal::Signal;
use crate::snapshot::{Reader, Save, Saved, Writer};
use crate::text::is_space;
use crate::text::json::Json;

/// One signal as in Supervisor 4.3.0, and those that follow it where it is not heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopSignals {
    pub first: Signal,
    others: Option<Box<[Signal]>>,
}

/// As a list.
impl Save for StopSignals {
    fn save(&self, to: &mut Writer) {
        let others = self.others.as_deref().unwrap_or_default();
        to.begin_list();
        for signal in std::iter::once(&self.first).chain(others) {
            to.item(signal);
        }
        to.end_list();
    }
}

impl Saved for StopSignals {
    fn restored(from: &mut Reader<'_>) -> Self {
        let signals: Vec<Signal> = Saved::restored(from);
        let Some((first, others)) = signals.split_first() else {
            from.fail("no signal");
        };
        StopSignals {
            first: *first,
            others: (!others.is_empty()).then(|| others.into()),
        }
    }
}

impl StopSignals {
    /// The one after so many others, if there is one.
    pub fn after(&self, sent: usize) -> Option<Signal> {
        match sent.checked_sub(1) {
            None => Some(self.first),
            Some(place) => self.others.as_ref()?.get(place).copied(),
        }
    }

    /// Whether a value has more than one, which Supervisor 4.3.0 does not take.
    pub fn are_several(text: &str) -> bool {
        words(text).nth(1).is_some()
    }
}

impl From<Signal> for StopSignals {
    fn from(first: Signal) -> StopSignals {
        StopSignals {
            first,
            others: None,
        }
    }
}

impl Setting for StopSignals {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let parts: Vec<&str> = text
            .split(',')
            .map(|part| part.trim_matches(is_space))
            .collect();
        if parts.len() > 1 && parts.iter().all(|part| Signal::parse(part, key).is_ok()) {
            return Err(nearest(key, text, &parts.join(" ")));
        }
        if !StopSignals::are_several(text) {
            return Signal::parse(text, key).map(StopSignals::from);
        }
        let mut signals = words(text).map(|word| Signal::parse(word, key));
        let first = signals.next().transpose()?.unwrap_or_default();
        let others: Result<Vec<Signal>, ValueError> = signals.collect();
        Ok(StopSignals {
            first,
            others: Some(others?.into()),
        })
    }

    fn dumped(&self) -> Json {
        let Some(others) = &self.others else {
            return self.first.dumped();
        };
        let signals = [self.first].into_iter().chain(others.iter().copied());
        let words: Vec<String> = signals
            .map(|signal| match signal.short_name() {
                Some(name) => name.to_owned(),
                None => signal.number().to_string(),
            })
            .collect();
        Json::String(words.join(" "))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::key::Fallback::Value;
    use super::super::key::changed;
    use super::*;

    const KEY: Key = changed("stopsignal", "signals", Value("TERM"));

    #[test]
    fn signals_stand_behind_each_other() {
        for (text, signals, dumped) in [
            ("TERM", &[Signal::TERM][..], "\"TERM\""),
            (" sigint ", &[Signal::INT], "\"INT\""),
            ("9", &[Signal::KILL], "\"KILL\""),
            (
                "TERM INT\n  3",
                &[Signal::TERM, Signal::INT, Signal::QUIT],
                "\"TERM INT QUIT\"",
            ),
        ] {
            let parsed = StopSignals::parse(text, &KEY).unwrap();
            let found: Vec<Signal> = (0..).map_while(|sent| parsed.after(sent)).collect();
            assert_eq!(found, signals, "{text}");
            assert_eq!(parsed.dumped().to_string().trim(), dumped, "{text}");
        }
    }

    #[test]
    fn a_wrong_one_is_told() {
        for (text, message) in [
            ("FOO", "value 'FOO' is not a valid signal name"),
            ("", "value '' is not a valid signal name"),
            ("TERM FOO", "value 'FOO' is not a valid signal name"),
            ("TERM 99", "value '99' is not a valid signal number"),
            (
                "TERM,INT",
                "Invalid stopsignal value 'TERM,INT' (write TERM INT)",
            ),
            ("TERM,FOO", "value 'TERM,FOO' is not a valid signal name"),
        ] {
            let error = StopSignals::parse(text, &KEY).unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
    }
}
