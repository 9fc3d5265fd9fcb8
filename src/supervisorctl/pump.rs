//! Showing what comes of followed logs while the operator types: a thread
//! that ends when its value is dropped.

use std::io::{self, PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::screen;
use super::streams::{News, Streams};

/// The line that is being typed, for whoever writes to the terminal meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Typing(Arc<Mutex<Option<Typed>>>);

#[derive(Clone, Debug, Default)]
struct Typed {
    prompt: String,
    /// What was typed, where that is known: a line editor tells.
    line: String,
    /// How many characters of it are behind the cursor.
    behind: usize,
}

impl Typing {
    /// Writes the prompt. From here on it stands on the screen.
    pub fn begin(&self, prompt: &str) -> io::Result<()> {
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
            typed.behind = line.get(cursor..).unwrap_or_default().chars().count();
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
        if let Some(typed) = typed.as_ref() {
            let width = typed.prompt.chars().count();
            match screen::is_drawable() {
                true => output.write_all(b"\r\x1b[K")?,
                false => write!(output, "\r{:width$}\r", "")?,
            }
        }
        output.write_all(bytes)?;
        if let Some(Typed {
            prompt,
            line,
            behind,
        }) = typed.as_ref()
        {
            if !bytes.ends_with(b"\n") {
                output.write_all(b"\n")?;
            }
            write!(output, "{prompt}{line}")?;
            if *behind > 0 {
                write!(output, "\x1b[{behind}D")?;
            }
        }
        output.flush()
    }

    fn typed(&self) -> MutexGuard<'_, Option<Typed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread.
#[derive(Debug)]
pub struct Pump {
    thread: Option<JoinHandle<()>>,
    /// Closed when it is to end.
    stop: Option<PipeWriter>,
}

impl Pump {
    /// Hands everything that comes to `show`, with the number of its log, until
    /// that fails, no log is left, or the value is dropped.
    pub fn start(
        mut streams: Streams,
        mut show: impl FnMut(usize, &[u8]) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Pump> {
        let (told, stop) = io::pipe()?;
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
        })
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
