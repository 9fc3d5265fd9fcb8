//! The command lines of supervisord and supervisorctl: options as Python's
//! getopt reads them, because operators have typed them so for years.
//!
//! The `getopts` crate takes the options and their values apart. What it lacks
//! is closed before the call: unique prefixes of long options (`--conf FILE`),
//! the order in which options were given and the spelling of each, for which
//! every option is given a word of its own (`-nc FILE` becomes `-n -c FILE`).
//! Errors are values with the original's exact text; the callers act on the
//! options from left to right, so an early `-h` beats a later conflict.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use getopts::{Fail, HasArg, Occur, Options, ParsingStyle};

/// One option that a program understands. `Key` is the program's own name of it.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec<Key> {
    /// What the program calls it; several specs may share one, such as `-h` and `-?`.
    pub key: Key,
    /// The letter after one dash.
    pub short: Option<char>,
    /// The word after two dashes, at least two characters.
    pub long: Option<&'static str>,
    pub takes_value: bool,
    /// Must be written in full, so that it takes no prefix away from an option
    /// of 4.3.0. If it takes no value it may have one, after a `=` only.
    pub in_full: bool,
}

impl<Key> OptionSpec<Key> {
    /// Its names as they are typed, and whether a value must follow.
    pub fn spellings(&self) -> impl Iterator<Item = (String, bool)> {
        let short = self.short.map(|letter| format!("-{letter}"));
        let long = self.long.map(|word| format!("--{word}"));
        let takes_value = self.takes_value;
        let names = short.into_iter().chain(long);
        names.map(move |name| (name, takes_value))
    }
}

/// An option that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<Key> {
    pub key: Key,
    /// Its value; always there if the option takes one, never if not, but for
    /// options that are written in full.
    pub value: Option<String>,
    /// As it was typed, prefixes completed: `-c` or `--configuration`.
    pub spelling: String,
    /// It was given before, perhaps in its other spelling.
    pub is_repeated: bool,
}

impl<Key> Given<Key> {
    /// The error of an option that may be given once and was given again.
    /// 4.3.0 sees it only when it comes to act on this option.
    pub fn refuse_repetition(&self) -> Result<(), UsageError> {
        if self.is_repeated {
            return Err(UsageError::Conflicting(self.spelling.clone()));
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine<Key> {
    /// The options in the order they were given.
    pub options: Vec<Given<Key>>,
    /// The first word that is no option, and all that follow.
    pub free: Vec<String>,
    /// `--` stands before them.
    pub is_ended: bool,
}

/// What is wrong with a command line. Displays as the text after `Error: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// No option has that name: with its dashes.
    NotRecognized(String),
    /// More than one option begins so: with its dashes.
    NotUnique(String),
    /// The value is missing: the option in full.
    RequiresArgument(String),
    /// `--flag=value`: the option in full.
    MustNotHaveArgument(String),
    /// Given twice: the second spelling.
    Conflicting(String),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::NotRecognized(option) => write!(f, "option {option} not recognized"),
            UsageError::NotUnique(option) => write!(f, "option {option} not a unique prefix"),
            UsageError::RequiresArgument(option) => write!(f, "option {option} requires argument"),
            UsageError::MustNotHaveArgument(option) => {
                write!(f, "option {option} must not have an argument")
            }
            UsageError::Conflicting(option) => {
                write!(f, "conflicting command line option '{option}'")
            }
        }
    }
}

impl std::error::Error for UsageError {}

/// What both programs print on stderr, before they exit with status 2.
/// `program` is argv\[0\] as the program was started.
pub fn usage_text(error: impl fmt::Display, program: &str) -> String {
    format!("Error: {error}\nFor help, use {program} -h\n")
}

/// Takes the words after the program's name apart. Options end at `--`, at
/// `-`, or at the first word that does not begin with a dash.
pub fn parse<Key: Copy + PartialEq>(
    specs: &[OptionSpec<Key>],
    words: &[String],
) -> Result<CommandLine<Key>, UsageError> {
    let separated = separate(specs, words);
    let matches = parser(specs)
        .parse(&separated.words)
        .map_err(|fail| in_pythons_words(&fail))?;
    if let Some(error) = separated.error {
        return Err(error);
    }

    let mut options: Vec<Given<Key>> = Vec::new();
    for (position, spelling) in separated.spellings.into_iter().enumerate() {
        let Some(spec) = specs.iter().find(|spec| spec.is_spelled(&spelling)) else {
            return Err(UsageError::NotRecognized(spelling));
        };
        let value = match spec.takes_value || spec.in_full {
            true => value_at(&matches, spec, position),
            false => None,
        };
        let is_repeated = options.iter().any(|earlier| earlier.key == spec.key);
        options.push(Given {
            key: spec.key,
            value,
            spelling,
            is_repeated,
        });
    }
    Ok(CommandLine {
        options,
        free: matches.free,
        is_ended: separated.is_ended,
    })
}

/// The program's path as `argv[0]` of an interpreted script would have it:
/// the kernel hands a script the path that the shell found in `PATH`, and
/// 4.3.0 looks for its configuration next to it. `is_program` says whether a
/// path is an executable file.
pub fn started_as(
    argv0: &OsStr,
    path: Option<&OsStr>,
    is_program: impl Fn(&Path) -> bool,
) -> OsString {
    if argv0.is_empty() || argv0.as_bytes().contains(&b'/') {
        return argv0.to_owned();
    }
    path.into_iter()
        .flat_map(std::env::split_paths)
        .filter(|directory| !directory.as_os_str().is_empty())
        .map(|directory| directory.join(argv0))
        .find(|candidate| is_program(candidate))
        .map_or_else(|| argv0.to_owned(), OsString::from)
}

impl<Key> OptionSpec<Key> {
    /// Whether this is the option written so, in full and with its dashes.
    fn is_spelled(&self, spelling: &str) -> bool {
        match spelling.strip_prefix("--") {
            Some(word) => self.long == Some(word),
            None => {
                let mut letters = spelling.chars().skip(1);
                self.short.is_some() && letters.next() == self.short && letters.next().is_none()
            }
        }
    }
}

/// A command line in which every option has a word of its own.
struct Separated {
    words: Vec<String>,
    /// The options in order, each as it was typed.
    spellings: Vec<String>,
    /// What was wrong with the word after the last one in `words`.
    error: Option<UsageError>,
    is_ended: bool,
}

fn separate<Key: Copy>(specs: &[OptionSpec<Key>], words: &[String]) -> Separated {
    let mut separated = Separated {
        words: Vec::new(),
        spellings: Vec::new(),
        error: None,
        is_ended: false,
    };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let value_follows = if !word.starts_with('-') || word == "-" || word == "--" {
            separated.words.push(word.clone());
            separated.is_ended = word == "--";
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            separated.push_long(specs, long)
        } else {
            separated.push_cluster(specs, word)
        };
        match value_follows {
            Ok(true) => separated.words.extend(rest.next().cloned()),
            Ok(false) => {}
            Err(error) => {
                separated.error = Some(error);
                return separated;
            }
        }
    }
    separated.words.extend(rest.cloned());
    separated
}

impl Separated {
    /// Adds a long option by its full name; true if the next word is its value.
    fn push_long<Key>(
        &mut self,
        specs: &[OptionSpec<Key>],
        word: &str,
    ) -> Result<bool, UsageError> {
        let (prefix, value) = match word.split_once('=') {
            Some((prefix, value)) => (prefix, Some(value)),
            None => (word, None),
        };
        let mut candidates: Vec<(&str, bool)> = specs
            .iter()
            .filter_map(|spec| spec.long.map(|long| (long, spec)))
            .filter(|(long, spec)| match spec.in_full {
                true => *long == prefix,
                false => long.starts_with(prefix),
            })
            .map(|(long, spec)| (long, spec.takes_value))
            .collect();
        if let Some(exact) = candidates.iter().find(|(long, _)| *long == prefix) {
            candidates = vec![*exact];
        }
        let (long, takes_value) = match candidates.as_slice() {
            [] => return Err(UsageError::NotRecognized(format!("--{prefix}"))),
            [only] => *only,
            _ => return Err(UsageError::NotUnique(format!("--{prefix}"))),
        };
        self.spellings.push(format!("--{long}"));
        self.words.push(match value {
            Some(value) => format!("--{long}={value}"),
            None => format!("--{long}"),
        });
        Ok(takes_value && value.is_none())
    }

    /// Adds the letters of one word; true if the next word is the last one's value.
    fn push_cluster<Key>(
        &mut self,
        specs: &[OptionSpec<Key>],
        word: &str,
    ) -> Result<bool, UsageError> {
        for (index, letter) in word.char_indices().skip(1) {
            let spelling = format!("-{letter}");
            let Some(spec) = specs.iter().find(|spec| spec.short == Some(letter)) else {
                return Err(UsageError::NotRecognized(spelling));
            };
            self.spellings.push(spelling.clone());
            if spec.takes_value {
                let value = word.get(index + letter.len_utf8()..).unwrap_or_default();
                self.words.push(spelling + value);
                return Ok(value.is_empty());
            }
            self.words.push(spelling);
        }
        Ok(false)
    }
}

/// The crate's parser for these options. Each may repeat: it is for the
/// caller to refuse that when its turn comes.
fn parser<Key>(specs: &[OptionSpec<Key>]) -> Options {
    let mut options = Options::new();
    options.parsing_style(ParsingStyle::StopAtFirstFree);
    for spec in specs {
        let short = spec.short.map(String::from).unwrap_or_default();
        let long = spec.long.unwrap_or_default();
        if spec.in_full && !spec.takes_value {
            options.opt(&short, long, "", "", HasArg::Maybe, Occur::Multi);
        } else if spec.takes_value {
            options.optmulti(&short, long, "", "");
        } else {
            options.optflagmulti(&short, long, "");
        }
    }
    options
}

fn value_at<Key>(
    matches: &getopts::Matches,
    spec: &OptionSpec<Key>,
    position: usize,
) -> Option<String> {
    let name = match (spec.long, spec.short) {
        (Some(long), _) => long.to_owned(),
        (None, short) => short.map(String::from).unwrap_or_default(),
    };
    matches
        .opt_strs_pos(&name)
        .into_iter()
        .find(|(at, _)| *at == position)
        .map(|(_, value)| value)
}

fn in_pythons_words(fail: &Fail) -> UsageError {
    let dashed = |name: &String| match name.chars().count() {
        1 => format!("-{name}"),
        _ => format!("--{name}"),
    };
    match fail {
        Fail::ArgumentMissing(name) | Fail::OptionMissing(name) => {
            UsageError::RequiresArgument(dashed(name))
        }
        Fail::UnrecognizedOption(name) => UsageError::NotRecognized(dashed(name)),
        Fail::OptionDuplicated(name) => UsageError::Conflicting(dashed(name)),
        Fail::UnexpectedArgument(name) => UsageError::MustNotHaveArgument(dashed(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Key {
        Configuration,
        Nodaemon,
        Nocleanup,
        Help,
        Minprocs,
    }

    const SPECS: &[OptionSpec<Key>] = &[
        spec(Key::Configuration, Some('c'), Some("configuration"), true),
        spec(Key::Nodaemon, Some('n'), Some("nodaemon"), false),
        spec(Key::Nocleanup, Some('k'), Some("nocleanup"), false),
        spec(Key::Help, Some('h'), Some("help"), false),
        spec(Key::Help, Some('?'), None, false),
        spec(Key::Minprocs, None, Some("minprocs"), true),
    ];

    const fn spec(
        key: Key,
        short: Option<char>,
        long: Option<&'static str>,
        takes_value: bool,
    ) -> OptionSpec<Key> {
        OptionSpec {
            key,
            short,
            long,
            takes_value,
            in_full: false,
        }
    }

    /// The options as `spelling` or `spelling=value`, and the free words after `|`.
    fn read(line: &str) -> Result<String, String> {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('_', "")).collect();
        let words = if line.is_empty() { Vec::new() } else { words };
        let parsed = parse(SPECS, &words).map_err(|error| error.to_string())?;
        let mut shown: Vec<String> = Vec::new();
        for given in parsed.options {
            given
                .refuse_repetition()
                .map_err(|error| error.to_string())?;
            shown.push(match given.value {
                Some(value) => format!("{}={value}", given.spelling),
                None => given.spelling,
            });
        }
        shown.push("|".to_owned());
        shown.extend(parsed.free);
        Ok(shown.join(" "))
    }

    #[test]
    fn options_are_read_as_pythons_getopt_reads_them() {
        for (line, expected) in [
            ("", "|"),
            ("-n", "-n |"),
            ("-nc x", "-n -c=x |"),
            ("-cx -n", "-c=x -n |"),
            ("-cn", "-c=n |"),
            ("-c -n", "-c=-n |"),
            ("-c -- -n", "-c=-- -n |"),
            ("-c _", "-c= |"),
            ("-c=x", "-c==x |"),
            ("--configuration=x", "--configuration=x |"),
            ("--configuration= x", "--configuration= | x"),
            ("--conf x y -n", "--configuration=x | y -n"),
            ("--min 3", "--minprocs=3 |"),
            ("--nod -- -n", "--nodaemon | -n"),
            ("-n - -k", "-n | - -k"),
            ("-n _ -k", "-n |  -k"),
            ("-?", "-? |"),
            ("status -c foo", "| status -c foo"),
            ("-- pid", "| pid"),
            ("-c a --minprocs 1 -kn", "-c=a --minprocs=1 -k -n |"),
            ("-c é", "-c=é |"),
        ] {
            assert_eq!(read(line), Ok(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn two_dashes_end_the_options_where_they_are_no_value() {
        for (line, expected) in [
            ("-- a", true),
            ("-n -- -c", true),
            ("--", true),
            ("-c -- a", false),
            ("a -- b", false),
            ("- -- b", false),
            ("-n", false),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(parse(SPECS, &words).unwrap().is_ended, expected, "{line}");
        }
    }

    #[test]
    fn errors_have_the_texts_that_scripts_have_seen() {
        for (line, expected) in [
            ("-z", "option -z not recognized"),
            ("-nz", "option -z not recognized"),
            ("-:", "option -: not recognized"),
            ("-é", "option -é not recognized"),
            ("--nosuch", "option --nosuch not recognized"),
            ("--z", "option --z not recognized"),
            ("--nosuch=1", "option --nosuch not recognized"),
            ("--no", "option --no not a unique prefix"),
            ("--n", "option --n not a unique prefix"),
            ("--=x", "option -- not a unique prefix"),
            ("-c", "option -c requires argument"),
            ("-nc", "option -c requires argument"),
            ("--conf", "option --configuration requires argument"),
            (
                "--nodaemon=1",
                "option --nodaemon must not have an argument",
            ),
            ("--nod=", "option --nodaemon must not have an argument"),
            ("-c a -c b", "conflicting command line option '-c'"),
            (
                "-c a --conf b",
                "conflicting command line option '--configuration'",
            ),
            ("-nn", "conflicting command line option '-n'"),
            (
                "--nodaemon=1 --no",
                "option --nodaemon must not have an argument",
            ),
            ("-n -n --bogus", "option --bogus not recognized"),
        ] {
            assert_eq!(read(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_bare_name_becomes_the_path_that_the_shell_found() {
        let there = |path: &Path| path == Path::new("/b/supervisord");
        for (argv0, path, expected) in [
            ("supervisord", Some("/a:/b"), "/b/supervisord"),
            ("supervisord", Some("/a::"), "supervisord"),
            ("supervisord", None, "supervisord"),
            ("./supervisord", Some("/b"), "./supervisord"),
            ("", Some("/b"), ""),
        ] {
            let found = started_as(OsStr::new(argv0), path.map(OsStr::new), there);
            assert_eq!(found, OsStr::new(expected), "{argv0} {path:?}");
        }
    }
}
