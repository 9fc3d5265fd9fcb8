//! Showing what comes of followed logs while the operator types: a thread
//! that ends when its value is dropped.

use std::io::{self, PipeWriter, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::socket::{Shutdown, shutdown};

use super::screen;
use super::streams::{News, Streams};
use crate::sys::terminal;

/// The line that is being typed, for whoever writes to the terminal meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Typing(Arc<Mutex<Option<Typed>>>);

#[derive(Clone, Debug, Default)]
struct Typed {
    prompt: String,
    /// What was typed, where that is known: a line editor tells.
    line: String,
    /// Where in it the cursor is, in bytes.
    cursor: usize,
}

impl Typing {
    /// Writes the prompt. From here on it stands on the screen.
    pub fn show_prompt(&self, prompt: &str) -> io::Result<()> {
        self.set_prompt(prompt);
        let mut output = io::stdout().lock();
        output.write_all(prompt.as_bytes())?;
        output.flush()
    }

    /// From here on the prompt stands on the screen, written by somebody else.
    pub fn set_prompt(&self, prompt: &str) {
        *self.typed() = Some(Typed {
            prompt: prompt.to_owned(),
            ..Typed::default()
        });
    }

    /// What stands behind the prompt now, with the cursor at a byte of it.
    pub fn set(&self, line: &str, cursor: usize) {
        if let Some(typed) = self.typed().as_mut() {
            line.clone_into(&mut typed.line);
            typed.cursor = cursor;
        }
    }

    /// The line has been typed.
    pub fn end(&self) {
        *self.typed() = None;
    }

    /// Writes to the standard output, above the prompt if there is one.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let typed = self.typed();
        let mut output = io::stdout().lock();
        let Some(typed) = typed.as_ref() else {
            output.write_all(bytes)?;
            return output.flush();
        };
        let mut shown = typed.erasure();
        shown.extend_from_slice(bytes);
        if !bytes.ends_with(b"\n") {
            shown.push(b'\n');
        }
        shown.extend(typed.drawing().bytes());
        output.write_all(&shown)?;
        output.flush()
    }

    fn typed(&self) -> MutexGuard<'_, Option<Typed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Typed {
    /// What takes the prompt and the line away, however many rows they fill.
    fn erasure(&self) -> Vec<u8> {
        if !screen::is_drawable() {
            let width: usize = self.prompt.chars().map(screen::columns).sum();
            return format!("\r{:width$}\r", "").into_bytes();
        }
        let (row, _) = self.cursor_position();
        format!("{}\r\x1b[J", moved(row, 'A')).into_bytes()
    }

    /// What brings them back, with the cursor where it was.
    fn drawing(&self) -> String {
        let text = format!("{}{}", self.prompt, self.line);
        if !screen::is_drawable() {
            return text;
        }
        let (last, column) = screen::position(&text, width());
        let (row, at) = self.cursor_position();
        // A terminal goes to the next row only with the next character.
        let wrap = if column == 0 && last > 0 { "\n" } else { "" };
        if (row, at) == (last, column) {
            return text + wrap;
        }
        let (up, right) = (moved(last.saturating_sub(row), 'A'), moved(at, 'C'));
        format!("{text}{wrap}\r{up}{right}")
    }

    /// Row and column of the cursor from the beginning of the prompt.
    fn cursor_position(&self) -> (usize, usize) {
        let before = self.line.get(..self.cursor).unwrap_or(&self.line);
        screen::position(&format!("{}{before}", self.prompt), width())
    }
}

fn width() -> usize {
    usize::from(terminal::size().unwrap_or((80, 24)).0)
}

/// The sequence that moves the cursor so far, which for nothing is none.
fn moved(distance: usize, direction: char) -> String {
    match distance {
        0 => String::new(),
        _ => format!("\x1b[{distance}{direction}"),
    }
}

/// The thread.
#[derive(Debug)]
pub struct Pump {
    thread: Option<JoinHandle<()>>,
    /// Closed when it is to end.
    stop: Option<PipeWriter>,
    /// The connections of the logs.
    connections: Vec<OwnedFd>,
}

/// How long an answer that is to be the last one may take.
const LAST_ANSWER: Duration = Duration::from_millis(500);
/// How often it is looked meanwhile whether anything can still come.
const LOOK: Duration = Duration::from_millis(10);

impl Pump {
    /// Hands everything that comes to `show`, with the number of its log, until
    /// that fails, no log is left, or the value is dropped.
    pub fn start(
        mut streams: Streams,
        mut show: impl FnMut(usize, &[u8]) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Pump> {
        let (told, stop) = io::pipe()?;
        let connections = streams.connections()?;
        let told = OwnedFd::from(told);
        let thread = thread::Builder::new().spawn(move || {
            while !streams.is_empty() {
                match streams.next(Some(&told), None) {
                    Ok(News::Output(number, bytes)) => {
                        if show(number, &bytes).is_err() {
                            return;
                        }
                    }
                    Ok(News::Ended(_)) => {}
                    Ok(News::Called | News::Quiet) | Err(_) => return,
                }
            }
        })?;
        Ok(Pump {
            thread: Some(thread),
            stop: Some(stop),
            connections,
        })
    }

    /// Whether all logs have ended that there were, as they do when the server
    /// restarts.
    pub fn is_over(&self) -> bool {
        let thread = self.thread.as_ref();
        !self.connections.is_empty() && thread.is_some_and(JoinHandle::is_finished)
    }

    /// Gives the answer to what was said last its time to be shown. It is waited for to the end:
    /// what comes meanwhile may be older, such as the end of the log that a stream begins with.
    pub fn wait_for_answer(&self) {
        let end = Instant::now() + LAST_ANSWER;
        while !self.connections.is_empty() && !self.is_over() && Instant::now() < end {
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It may be within a piece of which the rest never comes.
        for connection in &self.connections {
            let _ = shutdown(connection.as_raw_fd(), Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
