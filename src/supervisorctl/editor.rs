//! Line editing at a terminal, by rustyline: history, search, completion.
//!
//! Text that is pasted with line ends in it is as many lines, which are given
//! out one by one. Answers to questions are edited too, but neither kept nor
//! completed, and the history is out of reach meanwhile.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::{History, MemHistory};
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Helper};

use super::client::Client;
use super::complete;
use super::failure::Failure;
use super::history;
use super::live;
use super::pump::Typing;
use crate::sys::terminal_mode::Keeper;

/// How long a Tab may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Terminals that cannot move their cursor.
const DUMB: [&str; 4] = ["", "dumb", "cons25", "emacs"];

/// The editor of one session.
pub struct Editor {
    editor: rustyline::Editor<Names, MemHistory>,
    /// Lines that were pasted and not given out yet.
    pending: VecDeque<String>,
    /// What was said to processes, apart from the commands.
    said: MemHistory,
}

/// The server that names for completion come from, none in answers; and whoever is
/// told what is being typed.
struct Names(Option<Client>, Typing);

impl Editor {
    /// Whether input and output are a terminal that can be edited on.
    pub fn is_possible() -> bool {
        let name = std::env::var("TERM").unwrap_or_default();
        !DUMB.contains(&name.to_ascii_lowercase().as_str())
            && io::stdin().is_terminal()
            && io::stdout().is_terminal()
    }

    /// An editor with a history to begin with; none if the terminal refuses.
    pub fn open(entries: Vec<String>) -> Option<Editor> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(2 * history::LIMIT)
            .ok()?
            .build();
        let kept = MemHistory::with_config(&config);
        let mut editor = rustyline::Editor::with_history(config, kept).ok()?;
        editor.set_helper(Some(Names(None, Typing::default())));
        for entry in entries {
            editor.add_history_entry(entry).ok()?;
        }
        Some(Editor {
            editor,
            pending: VecDeque::new(),
            said: MemHistory::new(),
        })
    }

    /// Reads a command, with completion by the names that the server knows.
    pub fn command(&mut self, prompt: &str, server: &Client) -> Result<String, Failure> {
        let line = self.read(prompt, Some(server.another()))?;
        if !line.trim().is_empty() {
            // It is kept in memory, which does not fail.
            let _ = self.editor.add_history_entry(line.as_str());
        }
        Ok(line)
    }

    /// Reads an answer, which is no command.
    pub fn answer(&mut self, question: &str) -> Result<String, Failure> {
        let kept = std::mem::take(self.editor.history_mut());
        let answer = self.read(question, None);
        *self.editor.history_mut() = kept;
        answer
    }

    /// Reads a line for a process, and keeps `typing` informed of it. These have
    /// a history of their own, which ends with the session.
    pub fn line(&mut self, prompt: &str, typing: &Typing) -> Result<String, Failure> {
        if let Some(names) = self.editor.helper_mut() {
            names.1 = typing.clone();
        }
        std::mem::swap(self.editor.history_mut(), &mut self.said);
        typing.set_prompt(prompt);
        let line = self.read(prompt, None);
        typing.end();
        if let Ok(line) = &line
            && !line.trim().is_empty()
        {
            // It is kept in memory, which does not fail.
            let _ = self.editor.add_history_entry(line.as_str());
        }
        std::mem::swap(self.editor.history_mut(), &mut self.said);
        line
    }

    fn read(&mut self, prompt: &str, server: Option<Client>) -> Result<String, Failure> {
        if let Some(line) = self.pending.pop_front() {
            return self.show(prompt, line);
        }
        if let Some(names) = self.editor.helper_mut() {
            names.0 = server;
        }
        let line = loop {
            let kept = Keeper::keep(io::stdin().as_fd(), true);
            let outcome = self.editor.readline(prompt);
            drop(kept);
            match outcome {
                Ok(line) => break line,
                Err(ReadlineError::Interrupted) => return Err(Failure::Interrupted),
                // Bytes that are no text: the line is gone, the next one may be better.
                Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {}
                // The terminal has gone as well as Ctrl-D.
                Err(_) => return Err(Failure::EndOfInput),
            }
        };
        let mut lines = line.split('\n').map(str::to_owned);
        let first = lines.next().unwrap_or_default();
        self.pending.extend(lines);
        Ok(first)
    }

    /// A pasted line looks as if it had been typed.
    fn show(&mut self, prompt: &str, line: String) -> Result<String, Failure> {
        let mut output = io::stdout().lock();
        writeln!(output, "{prompt}{line}").map_err(|_| Failure::OutputClosed)?;
        Ok(line)
    }

    /// Forgets pasted lines that have not been given out.
    pub fn forget_pending(&mut self) {
        self.pending.clear();
    }
}

impl std::fmt::Debug for Editor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editor")
            .field("entries", &self.editor.history().len())
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let Some(server) = &self.0 else {
            return Ok((cursor, Vec::new()));
        };
        let lists = complete::lists(line, cursor);
        let live = live::ask(server.another(), lists, LIMIT);
        let found = complete::complete(line, cursor, &live);
        let end = if found.is_open { "" } else { " " };
        let pairs = found.words.into_iter().map(|word| Pair {
            replacement: format!("{word}{end}"),
            display: word,
        });
        Ok((found.start, pairs.collect()))
    }
}

impl Hinter for Names {
    type Hint = String;
}

/// Nothing is coloured; but this is where every change of the line is told.
impl Highlighter for Names {
    fn highlight<'l>(&self, line: &'l str, position: usize) -> Cow<'l, str> {
        self.1.set(line, position);
        Cow::Borrowed(line)
    }

    fn highlight_char(&self, line: &str, position: usize, _: CmdKind) -> bool {
        self.1.set(line, position);
        false
    }
}

impl Validator for Names {}
impl Helper for Names {}
