//! Where commands and answers come from: a line editor where there is a
//! terminal for it, else lines of standard input as they are.

use std::io::{self, IsTerminal, Write};
use std::os::fd::OwnedFd;

use super::client::Client;
#[cfg(feature = "line-editing")]
use super::editor::Editor;
use super::failure::Failure;
#[cfg(feature = "line-editing")]
use super::history::HistoryFile;
use super::input::{HiddenQuestion, Lines};
use super::pump::Typing;
use crate::sys::terminal;

/// The operator's keyboard, or what stands in for one.
#[derive(Debug, Default)]
pub struct Keyboard {
    lines: Lines,
    #[cfg(feature = "line-editing")]
    editor: Option<Editor>,
    #[cfg(feature = "line-editing")]
    history: Option<HistoryFile>,
}

impl Keyboard {
    /// From here on commands are edited, if the terminal is one to edit on,
    /// and kept in the history file, if there is one.
    #[cfg(feature = "line-editing")]
    pub fn edit(&mut self, history_file: Option<&str>) {
        if !Editor::is_possible() {
            return;
        }
        let mut entries = Vec::new();
        if let Some(path) = history_file {
            let opened = HistoryFile::open(path);
            warn(opened.warning);
            entries = opened.entries;
            self.history = Some(opened.file);
        }
        self.editor = Editor::open(entries);
    }

    /// Nothing is edited without a line editor.
    #[cfg(not(feature = "line-editing"))]
    pub fn edit(&mut self, _: Option<&str>) {}

    /// Whether lines are edited.
    #[cfg(feature = "line-editing")]
    pub fn is_editing(&self) -> bool {
        self.editor.is_some()
    }

    /// Nothing is edited without a line editor.
    #[cfg(not(feature = "line-editing"))]
    pub fn is_editing(&self) -> bool {
        false
    }

    /// Whether somebody sits at it.
    pub fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    /// Reads a command, with completion by the names that the server knows.
    pub fn command(
        &mut self,
        prompt: &str,
        server: &Client,
        interrupt: Option<&OwnedFd>,
    ) -> Result<String, Failure> {
        #[cfg(feature = "line-editing")]
        if let Some(editor) = &mut self.editor {
            let line = editor.command(prompt, server)?;
            if let Some(history) = &mut self.history
                && !line.trim().is_empty()
            {
                warn(history.add(&line));
            }
            return Ok(line);
        }
        let _ = server;
        self.line(prompt, interrupt)
    }

    /// From here on lines of a conversation are edited, if the terminal is one to
    /// edit on. Says whether it is.
    #[cfg(feature = "line-editing")]
    pub fn edit_conversation(&mut self) -> bool {
        if self.editor.is_none() && Editor::is_possible() {
            self.editor = Editor::open(Vec::new());
        }
        self.editor.is_some()
    }

    /// Nothing is edited without a line editor.
    #[cfg(not(feature = "line-editing"))]
    pub fn edit_conversation(&mut self) -> bool {
        false
    }

    /// Reads an edited line of a conversation; `None` without an editor.
    #[cfg(feature = "line-editing")]
    pub fn edited_line(
        &mut self,
        prompt: &str,
        typing: &Typing,
    ) -> Option<Result<String, Failure>> {
        Some(self.editor.as_mut()?.line(prompt, typing))
    }

    /// Nothing is edited without a line editor.
    #[cfg(not(feature = "line-editing"))]
    pub fn edited_line(&mut self, _: &str, _: &Typing) -> Option<Result<String, Failure>> {
        None
    }

    /// Reads the answer to a question.
    pub fn answer(
        &mut self,
        question: &str,
        interrupt: Option<&OwnedFd>,
    ) -> Result<String, Failure> {
        #[cfg(feature = "line-editing")]
        if let Some(editor) = &mut self.editor {
            return editor.answer(question);
        }
        self.line(question, interrupt)
    }

    /// Reads an answer that is not shown while it is typed. Without a terminal
    /// it is the next line of the input.
    pub fn hidden_answer(
        &mut self,
        question: &str,
        interrupt: Option<&OwnedFd>,
    ) -> Result<String, Failure> {
        match HiddenQuestion::open() {
            Ok(mut terminal) => terminal.ask(question, interrupt),
            Err(_) => {
                terminal::complain(question);
                self.lines.next(&mut Stdin(io::stdin()), interrupt)
            }
        }
    }

    /// Reads a line as the terminal gives it, with what the terminal itself
    /// knows of editing.
    pub fn line(&mut self, prompt: &str, interrupt: Option<&OwnedFd>) -> Result<String, Failure> {
        let mut output = io::stdout().lock();
        output
            .write_all(prompt.as_bytes())
            .and_then(|()| output.flush())
            .map_err(|_| Failure::OutputClosed)?;
        // Others may write while this waits.
        drop(output);
        self.lines.next(&mut Stdin(io::stdin()), interrupt)
    }

    /// Forgets what has been typed or pasted ahead.
    pub fn forget_pending(&mut self) {
        self.lines = Lines::default();
        #[cfg(feature = "line-editing")]
        if let Some(editor) = &mut self.editor {
            editor.forget_pending();
        }
    }
}

#[cfg(feature = "line-editing")]
fn warn(warning: Option<String>) {
    if let Some(warning) = warning {
        terminal::complain(&format!("{warning}\n"));
    }
}

/// Standard input without the library's buffer, which would hide from the
/// poll what has been read ahead.
struct Stdin(io::Stdin);

impl io::Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(&self.0, buffer)?)
    }
}

impl std::os::fd::AsFd for Stdin {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}
