//! How far a start or stop of several processes has come, on one line of a
//! terminal that is drawn over and goes away. Nobody else sees any of it.
//!
//! The call that does the work answers at its end only, so the states are asked
//! for on another connection meanwhile.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::client::{Client, PendingCall};
use super::failure::{CallError, Failure};
use super::outcome::Verb;
use super::patterns::{self, Meant};
use super::ready;
use super::reply::{ProcessInfo, Reply};
use super::screen;
use super::session::Session;
use crate::order;
use crate::states::ProcessState;
use crate::sys::terminal;
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::value::Value;

/// What is over sooner than this is not worth a line.
const PATIENCE: Duration = Duration::from_millis(400);
/// How often the states are asked for.
const INTERVAL: Duration = Duration::from_millis(250);

/// The progress of one command. The line goes away with the value.
#[derive(Debug)]
pub struct Progress {
    verb: Verb,
    watcher: Client,
    /// `group:process` of all that the command is about, in order.
    targets: Vec<String>,
    begun: Instant,
    is_drawn: bool,
}

impl Progress {
    /// Looks at what the words mean. `None` if there is nothing to show, or
    /// nobody to see it.
    pub fn begin(
        session: &mut Session,
        verb: Verb,
        words: &[&str],
    ) -> Result<Option<Progress>, Failure> {
        if !matches!(verb, Verb::Start | Verb::Stop) || !screen::shows_progress() {
            return Ok(None);
        }
        let processes = match session.processes() {
            Ok(processes) => processes,
            // What is wrong will show when the work is begun.
            Err(Failure::Call(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let mut targets: Vec<String> = Vec::new();
        for (word, meant) in words.iter().zip(patterns::each(words, &processes)) {
            let is_meant = |row: &&ProcessInfo| *word == "all" || patterns::is_named(row, word);
            match meant {
                Meant::Several(rows) => targets.extend(rows.iter().map(|row| row.full_name())),
                Meant::Name | Meant::Nothing => {
                    let rows = processes.iter().filter(is_meant);
                    targets.extend(rows.map(ProcessInfo::full_name));
                }
            }
        }
        order::sort_by(&mut targets, Ord::cmp);
        targets.dedup();
        if targets.len() < 2 {
            return Ok(None);
        }
        session.delay_interrupts()?;
        let mut watcher = session.client.another();
        if let Some(interrupt) = session.interrupt()? {
            watcher.watch(interrupt);
        }
        Ok(Some(Progress {
            verb,
            watcher,
            targets,
            begun: Instant::now(),
            is_drawn: false,
        }))
    }

    /// Waits for the answer to a call and tells meanwhile how far it has come.
    pub fn wait(
        &mut self,
        session: &mut Session,
        call: PendingCall,
    ) -> Result<Result<Value, Fault>, Failure> {
        let interrupt = session.interrupt()?;
        loop {
            let mut sources = vec![call.as_fd()];
            sources.extend(interrupt.iter().map(AsFd::as_fd));
            let ready = ready::wait_readable(&sources, Some(INTERVAL));
            if !ready.map_err(CallError::System)?.is_empty() {
                break;
            }
            if self.begun.elapsed() >= PATIENCE {
                self.draw();
            }
        }
        self.erase();
        session.wait_for(call)
    }

    /// Takes the line away, for others to come.
    pub fn erase(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            terminal::complain("\r\x1b[K");
        }
    }

    fn draw(&mut self) {
        let method = "getAllProcessInfo";
        // Should the server not tell, the line stays as it is.
        let Ok(value) = self.watcher.call(method, &[]) else {
            return;
        };
        let reply = Reply {
            method,
            value: &value,
        };
        let Ok(mut rows) = reply.processes() else {
            return;
        };
        rows.retain(|row| self.targets.binary_search(&row.full_name()).is_ok());
        let (columns, _) = terminal::size().unwrap_or((80, 24));
        // A line that reached the last column could not be drawn over.
        let line = text(self.verb, self.targets.len(), &rows);
        let line = screen::clipped(&line, usize::from(columns).saturating_sub(1));
        terminal::complain(&format!("\r{line}\x1b[K"));
        self.is_drawn = true;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.erase();
    }
}

/// Such as `3 of 10 running, waiting for a, b, c and 2 more`.
fn text(verb: Verb, total: usize, rows: &[ProcessInfo]) -> String {
    const NAMED: usize = 3;
    let is_start = verb == Verb::Start;
    let is_done = |state: ProcessState| match is_start {
        true => state == ProcessState::Running,
        false => state.is_stopped(),
    };
    let is_awaited = |state: ProcessState| match is_start {
        true => matches!(state, ProcessState::Starting | ProcessState::Backoff),
        false => state == ProcessState::Stopping,
    };
    let states = || {
        rows.iter()
            .filter_map(|row| Some((row, row.known_state()?)))
    };
    // One that was removed meanwhile has been stopped.
    let gone = if is_start {
        0
    } else {
        total.saturating_sub(rows.len())
    };
    let done = states().filter(|(_, state)| is_done(*state)).count() + gone;
    let awaited: Vec<String> = states()
        .filter(|(_, state)| is_awaited(*state))
        .map(|(row, _)| row.display_name())
        .collect();
    let mut text = format!(
        "{done} of {total} {}",
        if is_start { "running" } else { "stopped" }
    );
    if !awaited.is_empty() {
        let named: Vec<&str> = awaited.iter().take(NAMED).map(String::as_str).collect();
        text.push_str(&format!(", waiting for {}", named.join(", ")));
    }
    if awaited.len() > NAMED {
        text.push_str(&format!(" and {} more", awaited.len() - NAMED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_many_and_which_are_waited_for() {
        let row = |name: &str, state: ProcessState| ProcessInfo {
            group: "g".to_owned(),
            name: name.to_owned(),
            state: i64::from(state.code()),
            statename: String::new(),
            description: String::new(),
            pid: 0,
        };
        use ProcessState::{Backoff, Running, Starting, Stopped, Stopping};
        let rows = [
            row("a", Running),
            row("b", Starting),
            row("c", Backoff),
            row("d", Starting),
            row("e", Starting),
            row("f", Stopped),
        ];
        assert_eq!(
            text(Verb::Start, 6, &rows),
            "1 of 6 running, waiting for g:b, g:c, g:d and 1 more"
        );
        let rows = [row("a", Running), row("b", Stopping), row("f", Stopped)];
        assert_eq!(
            text(Verb::Stop, 4, &rows),
            "2 of 4 stopped, waiting for g:b"
        );
        assert_eq!(text(Verb::Stop, 1, &rows[2..]), "1 of 1 stopped");
    }
}
