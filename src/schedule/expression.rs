//! The expressions of crontab(5): five fields, or six with seconds before them, or a name for
//! some. Each field becomes a set of numbers.

use super::calendar;
use crate::snapshot::{Reader, Save, Saved, Writer};

/// When something is to be done, as it is written and as sets of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    /// A bit for each number, in the order of [`FIELDS`].
    sets: [u64; 6],
    /// Which fields begin with `*`.
    stars: [bool; 6],
}

/// As it is written.
impl Save for Schedule {
    fn save(&self, to: &mut Writer) {
        to.text(&self.text);
    }
}

impl Saved for Schedule {
    fn restored(from: &mut Reader<'_>) -> Self {
        match Schedule::parse(&from.text()) {
            Ok(schedule) => schedule,
            Err(error) => from.fail(&error),
        }
    }
}

#[derive(Debug)]
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Of the numbers from `least` on.
    names: &'static str,
}

const fn field(name: &'static str, least: u32, most: u32, names: &'static str) -> Field {
    Field {
        name,
        least,
        most,
        names,
    }
}

const FIELDS: [Field; 6] = [
    field("second", 0, 59, ""),
    field("minute", 0, 59, ""),
    field("hour", 0, 23, ""),
    field("day", 1, 31, ""),
    field("month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"),
    field("weekday", 0, 6, "sunmontuewedthufrisat"),
];
const SECOND: usize = 0;
const MINUTE: usize = 1;
const HOUR: usize = 2;
const DAY: usize = 3;
const MONTH: usize = 4;
const WEEKDAY: usize = 5;

/// Sunday has two numbers.
const OTHER_SUNDAY: u32 = 7;

/// The names of expressions.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The names of crontab(5) and of other schedulers that say something else.
const OTHER_NICKNAMES: [(&str, &str); 2] = [
    (
        "@reboot",
        "write autostart=true for a start with supervisord, and no schedule",
    ),
    ("@every", "write such as */5 * * * * for every five minutes"),
];

/// In so many days from the first of 1970 every date has met every day of the week.
const ALL_DATES: i64 = 28 * 366;

impl Schedule {
    /// What an expression says; the error is what to write.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let lower = text.to_ascii_lowercase();
        let named = |names: &[(&str, &'static str)]| {
            let word = lower.split(' ').next();
            let mut names = names.iter();
            let found = names.find(|(name, _)| Some(*name) == word);
            found.map(|(_, meaning)| *meaning)
        };
        if let Some(advice) = named(&OTHER_NICKNAMES) {
            return Err(advice.to_owned());
        }
        let fields = match named(&NICKNAMES) {
            Some(fields) => fields,
            None if lower.starts_with('@') => {
                return Err("the names are @hourly, @daily, @weekly, @monthly and @yearly".into());
            }
            None => &lower,
        };
        let mut words: Vec<&str> = fields.split(' ').collect();
        if words.len() == FIELDS.len() - 1 {
            words.insert(SECOND, "0");
        }
        if words.len() != FIELDS.len() {
            return Err(
                "it is minute, hour, day, month and weekday such as 30 2 * * mon-fri, with seconds \
                 before them or without"
                    .into(),
            );
        }
        let mut schedule = Schedule {
            text,
            ..Schedule::default()
        };
        for (index, (field, word)) in FIELDS.iter().zip(words).enumerate() {
            // Who comes from other schedulers may have the one for the other.
            let word = match index {
                DAY | WEEKDAY if word == "?" => "*",
                _ => word,
            };
            schedule.stars[index] = word.starts_with('*');
            for part in word.split(',') {
                schedule.sets[index] |= field.part(part)?;
            }
        }
        match (0..ALL_DATES).any(|day| schedule.has_day(day)) {
            true => Ok(schedule),
            false => Err("there is no such day in any year".to_owned()),
        }
    }

    /// As it is written, with one blank between two words.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it comes every hour or more often, while it comes: these go by elapsed time
    /// where the clock is changed. As in cron, a minute of `*/20` is among them.
    pub fn is_frequent(&self) -> bool {
        const EVERY_HOUR: u64 = (1 << 24) - 1;
        self.stars[SECOND] || self.stars[MINUTE] || self.sets[HOUR] == EVERY_HOUR
    }

    /// Whether it comes on a day. Where both fields for days say something, one is enough.
    pub fn has_day(&self, day: i64) -> bool {
        let (month, of_month) = calendar::month_and_day(day);
        let has = |index: usize, number: u32| self.sets[index] >> number & 1 == 1;
        let is_day = has(DAY, of_month);
        let is_weekday = has(WEEKDAY, calendar::weekday(day));
        has(MONTH, month)
            && match self.stars[DAY] || self.stars[WEEKDAY] {
                true => is_day && is_weekday,
                false => is_day || is_weekday,
            }
    }

    /// The first second of a day at which it comes, from that one on.
    pub fn time_from(&self, second: i64) -> Option<i64> {
        let at = u32::try_from(second.max(0)).ok()?;
        let (hour, minute, second) = (at / 3_600, at / 60 % 60, at % 60);
        let first = |index: usize| next_in(self.sets[index], 0).unwrap_or(0);
        let time = |hour: u32, minute: u32, second: u32| {
            Some(i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second))
        };
        let is_hour = next_in(self.sets[HOUR], hour)? == hour;
        if is_hour && let Some(next) = next_in(self.sets[MINUTE], minute) {
            if next > minute {
                return time(hour, next, first(SECOND));
            }
            if let Some(next) = next_in(self.sets[SECOND], second) {
                return time(hour, minute, next);
            }
            if let Some(next) = next_in(self.sets[MINUTE], minute + 1) {
                return time(hour, next, first(SECOND));
            }
        }
        let next = next_in(self.sets[HOUR], if is_hour { hour + 1 } else { hour })?;
        time(next, first(MINUTE), first(SECOND))
    }
}

/// The first number of a set from that one on.
fn next_in(set: u64, from: u32) -> Option<u32> {
    let rest = set & u64::MAX.checked_shl(from)?;
    (rest != 0).then(|| rest.trailing_zeros())
}

impl Field {
    /// The numbers of one item of its list.
    fn part(&self, part: &str) -> Result<u64, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let by = match step {
            None => 1,
            Some(step) => match number(step) {
                Some(0) => return Err(self.told(format_args!("write {range}/1 for {part}"))),
                Some(step) => step,
                None => return Err(self.told(format_args!("{step} is no step"))),
            },
        };
        let (first, last) = if range == "*" {
            (self.least, self.most)
        } else if let Some((first, last)) = range.split_once('-') {
            let (first, mut last) = (self.value(first)?, self.value(last)?);
            if self.is_of_weekdays() && last == 0 && first > 0 {
                last = OTHER_SUNDAY;
            }
            if first > last {
                return Err(self.told(format_args!("write {last}-{first} for {range}")));
            }
            (first, last)
        } else {
            let first = self.value(range)?;
            let last = if step.is_some() { self.most } else { first };
            (first, last.max(first))
        };
        let numbers = (first..=last).step_by(by as usize);
        Ok(numbers.fold(0, |set, number| {
            let is_other = self.is_of_weekdays() && number == OTHER_SUNDAY;
            set | 1 << if is_other { 0 } else { number }
        }))
    }

    /// A number of the field, or a name for it.
    fn value(&self, text: &str) -> Result<u32, String> {
        let most = if self.is_of_weekdays() {
            OTHER_SUNDAY
        } else {
            self.most
        };
        if let Some(number) = number(text) {
            return match number.clamp(self.least, most) {
                near if near == number => Ok(number),
                near => Err(self.told(format_args!("write {near} for {text}"))),
            };
        }
        let names = self.names.as_bytes().chunks(3);
        let mut names = names.zip(self.least..);
        let found = names.find(|(name, _)| *name == text.as_bytes());
        found.map(|(_, number)| number).ok_or_else(|| {
            let names = match self.names {
                "" => String::new(),
                names => format!(" or a name such as {}", names.get(..3).unwrap_or_default()),
            };
            let (least, text) = (self.least, if text.is_empty() { "nothing" } else { text });
            self.told(format_args!(
                "it is a number from {least} to {most}{names}, and not {text}"
            ))
        })
    }

    fn is_of_weekdays(&self) -> bool {
        self.least == 0 && !self.names.is_empty()
    }

    fn told(&self, text: std::fmt::Arguments<'_>) -> String {
        format!("{}: {text}", self.name)
    }
}

/// Digits; more than there can be are many.
fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u32::from(u16::MAX)))
}

#[cfg(test)]
mod tests;
