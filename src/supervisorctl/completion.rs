//! `completion bash|zsh|fish`: the scripts for those shells, and the question
//! that they ask: `completion words WORD...`, the words up to the cursor, the
//! last of them perhaps empty. The answer is one candidate a line. It comes
//! within 50 ms, without names if the daemon does not give them in that time.

use std::time::{Duration, Instant};

use super::client::Client;
use super::complete;
use super::live;
use super::options::{self, Arguments, Request, Settings};

/// How long the daemon may take for its part of an answer within 50 ms.
const LIMIT: Duration = Duration::from_millis(45);

/// The script for a shell.
pub fn script(shell: &str) -> Option<&'static str> {
    match shell {
        "bash" => Some(include_str!("../../conf/completions/supervisorctl.bash")),
        "zsh" => Some(include_str!("../../conf/completions/supervisorctl.zsh")),
        "fish" => Some(include_str!("../../conf/completions/supervisorctl.fish")),
        _ => None,
    }
}

/// The words of a question, if the words of the program's command line are one.
pub fn question(words: &[String]) -> Option<&[String]> {
    match words {
        [completion, kind, words @ ..] if completion == "completion" && kind == "words" => {
            Some(words)
        }
        _ => None,
    }
}

/// What a script wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The options before the cursor.
    pub arguments: Arguments,
    word: String,
    asked: Instant,
}

impl Question {
    /// Reads the words after `completion words`. None if nothing can be said:
    /// the last of them is the value of an option, or they are no command line.
    pub fn read(words: &[String]) -> Option<Question> {
        let (word, before) = words.split_last()?;
        match options::parse(before) {
            Ok(Request::Run(arguments)) => Some(Question {
                arguments,
                word: word.clone(),
                asked: Instant::now(),
            }),
            Ok(Request::Help) | Err(_) => None,
        }
    }

    /// The answer, a line for each candidate.
    pub fn answer(&self, settings: Settings) -> String {
        let line = match &self.arguments.action {
            None if self.word.starts_with('-') => return self.long_options(),
            None => self.word.clone(),
            Some(action) => format!("{action} {}", self.word),
        };
        let Settings {
            serverurl,
            username,
            password,
            ..
        } = settings;
        let client = Client::new(serverurl, username, password);
        let left = LIMIT.saturating_sub(self.asked.elapsed());
        let live = live::ask(client, complete::lists(&line, line.len()), left);
        let found = complete::complete(&line, line.len(), &live).words;
        lines(found.into_iter())
    }

    fn long_options(&self) -> String {
        let names = options::spellings().map(|(name, _)| name);
        let long = names.filter(|name| name.starts_with("--"));
        lines(long.filter(|name| name.starts_with(&self.word)))
    }
}

fn lines(words: impl Iterator<Item = String>) -> String {
    words.map(|word| word + "\n").collect()
}
