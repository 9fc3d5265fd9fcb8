//! The types of values: text in, value out, and the original's words for what
//! is not of the type. Nothing here looks at the system; see
//! [`places`](super::places) and [`accounts`](super::accounts) for that.

use std::fmt;
use std::time::Duration;

use super::AutoRestart;
use crate::log_level::Level;
use crate::signal::Signal;
use crate::text::integer::Integer;
use crate::text::is_space;
use crate::text::pyrepr::repr;
use crate::text::shlex::SplitError;

/// A value that is not of its type. In a box, for every reader of a value returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError(Box<(Mismatch, String)>);

/// What it does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    Boolean,
    Integer,
    Duration,
    Octal,
    LogLevel,
    NotDirectory,
    NoDirectory,
    SignalName,
    SignalNumber,
    ExitCodes,
    AutoRestart,
    UserName,
    UserId,
    GroupName,
    GroupId,
    PortText,
    NoPort,
    PortBelow,
    PortAbove,
    /// The character that no name has.
    Name(char),
    Pairs,
    Split(SplitError),
    /// A setting that messages name; its key.
    Setting(&'static str),
    /// The range of a key: from the least to the most.
    Range(&'static str, i64, i64),
    /// A key, and what it takes.
    Wanted(&'static str, String),
    /// The words that a key has.
    Choice(&'static str, Vec<&'static str>),
}

impl Mismatch {
    pub fn of(self, text: impl Into<String>) -> ValueError {
        ValueError(Box::new((self, text.into())))
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Mismatch as M;
        let (mismatch, text) = &*self.0;
        let quoted = || repr(text);
        match mismatch {
            M::Boolean => write!(f, "not a valid boolean value: {}", quoted()),
            M::Integer => {
                // Python shows the first 200 characters of the quoted form.
                let shown: String = quoted().chars().take(200).collect();
                write!(f, "invalid literal for int() with base 10: {shown}")
            }
            M::Duration => write!(
                f,
                "not a valid duration: {}: seconds, or a number with ms, s, m, h or d after it",
                quoted()
            ),
            M::Octal => write!(f, "{text} can not be converted to an octal type"),
            M::LogLevel => write!(f, "bad logging level name {}", quoted()),
            M::NotDirectory => write!(f, "{text} is not an existing directory"),
            M::NoDirectory => write!(
                f,
                "The directory named as part of the path {text} does not exist"
            ),
            M::SignalName => write!(f, "value {} is not a valid signal name", quoted()),
            M::SignalNumber => write!(f, "value {} is not a valid signal number", quoted()),
            M::ExitCodes => write!(f, "not a valid list of exit codes: {}", quoted()),
            M::AutoRestart => write!(f, "invalid 'autorestart' value {}", quoted()),
            M::UserName => write!(f, "Invalid user name {text}"),
            M::UserId => write!(f, "Invalid user id {text}"),
            M::GroupName => write!(f, "Invalid group name {text}"),
            M::GroupId => write!(f, "Invalid group id {text}"),
            M::PortText => write!(f, "not a valid port number: {} ", quoted()),
            M::NoPort => f.write_str("no port number specified in ''"),
            M::PortBelow => write!(f, "{text} is below lower bound (1)"),
            M::PortAbove => write!(f, "{text} is above upper bound (65535)"),
            M::Name(character) => write!(
                f,
                "Invalid name: {} because of character: {}",
                quoted(),
                repr(&character.to_string())
            ),
            M::Pairs => write!(f, "Unexpected end of key/value pairs in value '{text}'"),
            M::Split(error) => error.fmt(f),
            M::Setting(key) => write!(f, "Invalid {key} value {text}"),
            M::Range(key, least, most) => write!(
                f,
                "Invalid {key} value {text}: it can be from {least} to {most}"
            ),
            M::Wanted(key, wanted) => write!(f, "Invalid {key} value {} ({wanted})", quoted()),
            M::Choice(key, words) => write!(
                f,
                "Invalid {key} value {}: it is one of {}",
                quoted(),
                words.join(", ")
            ),
        }
    }
}

impl std::error::Error for ValueError {}

impl ValueError {
    pub fn mismatch(&self) -> &Mismatch {
        &self.0.0
    }

    /// The value, or the part that is wrong.
    pub fn text(&self) -> &str {
        &self.0.1
    }

    /// The same with another text in the place of the value.
    pub fn showing(mut self, shown: &str) -> ValueError {
        self.0.1 = shown.to_owned();
        self
    }
}

/// `true` and its kin.
pub fn boolean(text: &str) -> Result<bool, ValueError> {
    truth(&text.to_lowercase()).ok_or_else(|| Mismatch::Boolean.of(text))
}

fn truth(lower: &str) -> Option<bool> {
    match lower {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A number with all its digits.
pub fn integer(text: &str) -> Result<Integer, ValueError> {
    Integer::decimal(text).ok_or_else(|| Mismatch::Integer.of(text))
}

/// A size in bytes: a number, perhaps with `KB`, `MB` or `GB`.
pub fn byte_size(text: &str) -> Result<i64, ValueError> {
    let lower = text.to_lowercase();
    let suffixes = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];
    let (number, factor) = suffixes
        .into_iter()
        .find_map(|(suffix, factor)| Some((lower.strip_suffix(suffix)?, factor)))
        .unwrap_or((&lower, 1));
    Ok(integer(number)?.saturated().saturating_mul(factor))
}

/// A duration: seconds, or a number with `ms`, `s`, `m`, `h` or `d` after it.
pub fn duration(text: &str) -> Result<Duration, ValueError> {
    let lower = text.to_lowercase();
    let units = [
        ("ms", 1),
        ("s", 1000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let (number, milliseconds) = units
        .into_iter()
        .find_map(|(unit, length)| Some((lower.strip_suffix(unit)?, length)))
        .unwrap_or((&lower, 1000));
    Integer::decimal(number)
        .and_then(|number| u64::try_from(number.saturated()).ok())
        .map(|number| Duration::from_millis(number.saturating_mul(milliseconds)))
        .ok_or_else(|| Mismatch::Duration.of(text))
}

/// Permission bits, octal.
pub fn octal(text: &str) -> Result<u32, ValueError> {
    let number = Integer::octal(text).ok_or_else(|| Mismatch::Octal.of(text))?;
    // What the system call would look at, for negative and huge ones too.
    Ok(u32::try_from(number.saturated() & 0o7777).unwrap_or(0))
}

pub fn log_level(text: &str) -> Result<Level, ValueError> {
    Level::from_name(text).ok_or_else(|| Mismatch::LogLevel.of(text))
}

/// A signal by number or name.
pub fn signal(text: &str) -> Result<Signal, ValueError> {
    match Integer::decimal(text) {
        Some(number) => {
            Signal::from_number(number.saturated()).ok_or_else(|| Mismatch::SignalNumber.of(text))
        }
        None => Signal::from_name(text).ok_or_else(|| Mismatch::SignalName.of(text)),
    }
}

/// Exit statuses from 0 to 255, separated by commas.
pub fn exit_codes(text: &str) -> Result<Vec<i32>, ValueError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let code = |item: &str| {
        let number = Integer::decimal(item)?.saturated();
        u8::try_from(number).ok().map(i32::from)
    };
    text.split(',')
        .map(|item| code(item).ok_or_else(|| Mismatch::ExitCodes.of(text)))
        .collect()
}

/// `true`, `false` or `unexpected`.
pub fn auto_restart(text: &str) -> Result<AutoRestart, ValueError> {
    let lower = text.to_lowercase();
    match truth(&lower) {
        Some(true) => Ok(AutoRestart::Always),
        Some(false) => Ok(AutoRestart::Never),
        None if lower == "unexpected" => Ok(AutoRestart::Unexpected),
        None => Err(Mismatch::AutoRestart.of(lower)),
    }
}

/// Names separated by commas; an empty item stays.
pub fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',')
        .map(|item| item.trim_matches(is_space).to_owned())
        .collect()
}

/// Host and port of `port`, `:port`, `*:port` or `host:port`; an empty host is
/// all interfaces.
pub fn inet_address(text: &str) -> Result<(String, u16), ValueError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((_, "")) => return Err(Mismatch::NoPort.of(text)),
        Some((host, port_text)) => (host.to_lowercase(), port(port_text)?),
        None => {
            let port = port(text).map_err(|_| Mismatch::PortText.of(text))?;
            (String::new(), port)
        }
    };
    Ok((if host == "*" { String::new() } else { host }, port))
}

/// A port from 1 to 65535.
pub fn port(text: &str) -> Result<u16, ValueError> {
    port_of(&integer(text)?)
}

pub fn port_of(number: &Integer) -> Result<u16, ValueError> {
    match number.saturated() {
        value if value < 1 => Err(Mismatch::PortBelow.of(number.to_string())),
        value => u16::try_from(value).map_err(|_| Mismatch::PortAbove.of(number.to_string())),
    }
}

/// The name of a process or group, stripped.
pub fn name(text: &str) -> Result<String, ValueError> {
    let stripped = text.trim_matches(is_space);
    match [' ', ':', '/'].into_iter().find(|c| stripped.contains(*c)) {
        None => Ok(stripped.to_owned()),
        Some(character) => Err(Mismatch::Name(character).of(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T: fmt::Debug>(result: Result<T, ValueError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn booleans() {
        for text in ["yes", "TRUE", "On", "1"] {
            assert_eq!(boolean(text), Ok(true));
        }
        for text in ["no", "False", "OFF", "0"] {
            assert_eq!(boolean(text), Ok(false));
        }
        assert_eq!(told(boolean("Maybe")), "not a valid boolean value: 'Maybe'");
        assert_eq!(told(boolean("")), "not a valid boolean value: ''");
    }

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("0", 0),
            ("30", 30_000),
            ("500ms", 500),
            ("90s", 90_000),
            ("5M", 300_000),
            (" 2 H ", 7_200_000),
            ("1d", 86_400_000),
            ("99999999999999999999d", u64::MAX),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(duration(text.trim()), Ok(expected), "{text}");
        }
        for text in ["", "s", "-1", "-5m", "1.5s", "1w", "five", "1 m s"] {
            let shown = format!(
                "not a valid duration: '{text}': seconds, or a number with ms, s, m, h or d after it"
            );
            assert_eq!(told(duration(text)), shown);
        }
    }

    #[test]
    fn byte_sizes() {
        for (text, expected) in [
            ("1", 1),
            ("1KB", 1024),
            ("1 mb", 1 << 20),
            ("-2Gb", -(2 << 30)),
            ("99999999999999999999GB", i64::MAX),
        ] {
            assert_eq!(byte_size(text), Ok(expected), "{text}");
        }
        for (text, shown) in [("1.5MB", "1.5"), ("1TB", "1tb"), ("MB", ""), ("1B", "1b")] {
            assert_eq!(
                told(byte_size(text)),
                format!("invalid literal for int() with base 10: '{shown}'")
            );
        }
    }

    #[test]
    fn octal_numbers() {
        assert_eq!(octal("0700"), Ok(0o700));
        assert_eq!(octal("-1"), Ok(0o7777));
        assert_eq!(told(octal("9")), "9 can not be converted to an octal type");
        assert_eq!(told(octal("")), " can not be converted to an octal type");
    }

    #[test]
    fn signals() {
        assert_eq!(signal("sigterm"), Ok(Signal::TERM));
        assert_eq!(signal(" 15"), Ok(Signal::TERM));
        assert_eq!(
            told(signal("FOO")),
            "value 'FOO' is not a valid signal name"
        );
        assert_eq!(
            told(signal("99")),
            "value '99' is not a valid signal number"
        );
    }

    #[test]
    fn exit_code_lists() {
        assert_eq!(exit_codes("0, 2,255"), Ok(vec![0, 2, 255]));
        assert_eq!(exit_codes(""), Ok(vec![]));
        for text in ["0,", "256", "-1", "a", "0 1"] {
            assert_eq!(
                told(exit_codes(text)),
                format!("not a valid list of exit codes: '{text}'")
            );
        }
    }

    #[test]
    fn restart_policies() {
        assert_eq!(auto_restart("Unexpected"), Ok(AutoRestart::Unexpected));
        assert_eq!(auto_restart("on"), Ok(AutoRestart::Always));
        assert_eq!(auto_restart("0"), Ok(AutoRestart::Never));
        assert_eq!(
            told(auto_restart("Foo")),
            "invalid 'autorestart' value 'foo'"
        );
    }

    #[test]
    fn addresses() {
        for (text, host, port) in [
            ("9001", "", 9001),
            (":9001", "", 9001),
            ("*:9001", "", 9001),
            ("LocalHost:1", "localhost", 1),
            ("::1:65535", "::1", 65535),
        ] {
            assert_eq!(inet_address(text), Ok((host.to_owned(), port)), "{text}");
        }
        for (text, message) in [
            ("abc", "not a valid port number: 'abc' "),
            ("0", "not a valid port number: '0' "),
            ("h:0", "0 is below lower bound (1)"),
            ("h:70000", "70000 is above upper bound (65535)"),
            (
                "h:99999999999999999999",
                "99999999999999999999 is above upper bound (65535)",
            ),
            ("h:abc", "invalid literal for int() with base 10: 'abc'"),
            ("h:", "no port number specified in ''"),
        ] {
            assert_eq!(told(inet_address(text)), message);
        }
    }

    #[test]
    fn names() {
        assert_eq!(name(" é,*]\t% ").as_deref(), Ok("é,*]\t%"));
        assert_eq!(
            told(name("a/b:c")),
            "Invalid name: 'a/b:c' because of character: ':'"
        );
        assert_eq!(
            told(name(" a b ")),
            "Invalid name: ' a b ' because of character: ' '"
        );
    }
}
