//! Showing what comes of followed logs while the operator types: a thread
//! that ends when its value is dropped.

use std::io::{self, PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::streams::{News, Streams};

/// The line that is being typed, for whoever writes to the terminal meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Typing(Arc<Mutex<Option<String>>>);

impl Typing {
    /// Writes the prompt. From here on it stands on the screen.
    pub fn begin(&self, prompt: &str) -> io::Result<()> {
        let mut shown = self.shown();
        *shown = Some(prompt.to_owned());
        let mut output = io::stdout().lock();
        output.write_all(prompt.as_bytes())?;
        output.flush()
    }

    /// The line has been typed.
    pub fn end(&self) {
        *self.shown() = None;
    }

    /// Writes to the standard output, above the prompt if there is one.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let prompt = self.shown();
        let mut output = io::stdout().lock();
        if let Some(prompt) = prompt.as_deref() {
            let width = prompt.chars().count();
            write!(output, "\r{:width$}\r", "")?;
        }
        output.write_all(bytes)?;
        if let Some(prompt) = prompt.as_deref() {
            if !bytes.ends_with(b"\n") {
                output.write_all(b"\n")?;
            }
            output.write_all(prompt.as_bytes())?;
        }
        output.flush()
    }

    fn shown(&self) -> MutexGuard<'_, Option<String>> {
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
