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
use crate::sort;
use crate::states::ProcessState;
use crate::sys::terminal;
use crate::text::plain;
use crate::xmlrpc::fault::Fault;

/// What is over sooner than this is not worth a line.
const PATIENCE: Duration = Duration::from_millis(400);
/// How often the states are asked for.
const INTERVAL: Duration = Duration::from_millis(250);

/// What the command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    Start,
    Stop,
    Restart,
    /// Nothing that takes time.
    Other,
}

impl From<Verb> for Aim {
    fn from(verb: Verb) -> Aim {
        match verb {
            Verb::Start => Aim::Start,
            Verb::Stop => Aim::Stop,
            _ => Aim::Other,
        }
    }
}

/// The progress of one command. The line goes away with the value.
#[derive(Debug)]
pub struct Progress {
    aim: Aim,
    watcher: Client,
    /// `group:process` of all that the command is about, in order, each with the
    /// pid that it had.
    targets: Vec<(String, i64)>,
    started: Instant,
    is_drawn: bool,
}

impl Progress {
    /// Looks at what the words mean. `None` if there is nothing to show, or
    /// nobody to see it.
    pub fn watch(
        session: &mut Session,
        aim: Aim,
        words: &[&str],
    ) -> Result<Option<Progress>, Failure> {
        if aim == Aim::Other || !screen::shows_progress() {
            return Ok(None);
        }
        let processes = match session.processes() {
            Ok(processes) => processes,
            // What is wrong will show when the work is started.
            Err(Failure::Call(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let mut targets: Vec<(String, i64)> = Vec::new();
        let target = |row: &ProcessInfo| (row.full_name(), row.pid);
        for (word, meant) in words.iter().zip(patterns::each(words, &processes)) {
            let is_meant = |row: &&ProcessInfo| *word == "all" || patterns::is_named(row, word);
            match meant {
                Meant::Several(rows) => targets.extend(rows.iter().map(|row| target(row))),
                Meant::Name | Meant::Nothing => {
                    let rows = processes.iter().filter(is_meant);
                    targets.extend(rows.map(target));
                }
            }
        }
        sort::by(&mut targets, Ord::cmp);
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
            aim,
            watcher,
            targets,
            started: Instant::now(),
            is_drawn: false,
        }))
    }

    /// Waits for the answer to a call and tells meanwhile how far it has come.
    pub fn wait(
        &mut self,
        session: &mut Session,
        call: PendingCall,
    ) -> Result<Result<Reply, Fault>, Failure> {
        let interrupt = session.interrupt()?;
        loop {
            let mut sources = vec![call.as_fd()];
            sources.extend(interrupt.iter().map(AsFd::as_fd));
            let ready = ready::wait_readable(&sources, Some(INTERVAL));
            if !ready.map_err(CallError::System)?.is_empty() {
                break;
            }
            if self.started.elapsed() >= PATIENCE {
                self.draw();
            }
        }
        self.erase();
        session.wait_for(call)
    }

    /// Takes the line away, for others to come.
    pub fn erase(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            terminal::draw("\r\x1b[K");
        }
    }

    fn draw(&mut self) {
        let reply = self.watcher.call("getAllProcessInfo", &[]);
        // Should the server not tell, the line stays as it is.
        let Ok(mut rows) = reply
            .map_err(Failure::from)
            .and_then(|reply| reply.processes())
        else {
            return;
        };
        let target = |row: &ProcessInfo| {
            let name = row.full_name();
            let found = self.targets.binary_search_by(|(other, _)| other.cmp(&name));
            found.ok().and_then(|place| self.targets.get(place))
        };
        rows.retain(|row| target(row).is_some());
        let is_as_before = |row: &ProcessInfo| target(row).is_some_and(|(_, pid)| *pid == row.pid);
        let (columns, _) = terminal::size().unwrap_or((80, 24));
        // A line that reached the last column could not be drawn over.
        let line = text(self.aim, self.targets.len(), &rows, is_as_before);
        let line = screen::clipped(&plain::shown(&line), usize::from(columns).saturating_sub(1));
        terminal::draw(&format!("\r{line}\x1b[K"));
        self.is_drawn = true;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.erase();
    }
}

/// Such as `3 of 10 running, waiting for a, b, c and 2 more`.
fn text(
    aim: Aim,
    total: usize,
    rows: &[ProcessInfo],
    is_as_before: impl Fn(&ProcessInfo) -> bool,
) -> String {
    const NAMED: usize = 3;
    let is_up = aim != Aim::Stop;
    let is_done = |row: &ProcessInfo, state: ProcessState| match aim {
        Aim::Stop => state.is_stopped(),
        Aim::Restart => state == ProcessState::Running && !is_as_before(row),
        Aim::Start | Aim::Other => state == ProcessState::Running,
    };
    let is_awaited = |state: ProcessState| match state {
        ProcessState::Starting | ProcessState::Backoff => is_up,
        ProcessState::Stopping => aim != Aim::Start,
        _ => false,
    };
    let states = || {
        rows.iter()
            .filter_map(|row| Some((row, row.known_state()?)))
    };
    // One that was removed meanwhile has been stopped.
    let gone = match is_up {
        true => 0,
        false => total.saturating_sub(rows.len()),
    };
    let done = states().filter(|(row, state)| is_done(row, *state)).count() + gone;
    let awaited: Vec<String> = states()
        .filter(|(_, state)| is_awaited(*state))
        .map(|(row, _)| row.display_name())
        .collect();
    let word = match aim {
        Aim::Stop => "stopped",
        Aim::Restart => "restarted",
        Aim::Start | Aim::Other => "running",
    };
    let mut text = format!("{done} of {total} {word}");
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
            is_disabled: false,
            is_scaled: false,
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
            text(Aim::Start, 6, &rows, |_| false),
            "1 of 6 running, waiting for g:b, g:c, g:d and 1 more"
        );
        let rows = [row("a", Running), row("b", Stopping), row("f", Stopped)];
        assert_eq!(
            text(Aim::Stop, 4, &rows, |_| false),
            "2 of 4 stopped, waiting for g:b"
        );
        assert_eq!(text(Aim::Stop, 1, &rows[2..], |_| false), "1 of 1 stopped");
        let rows = [
            row("a", Running),
            row("b", Stopping),
            row("c", Starting),
            row("d", Running),
        ];
        let is_as_before = |row: &ProcessInfo| row.name == "a";
        assert_eq!(
            text(Aim::Restart, 4, &rows, is_as_before),
            "1 of 4 restarted, waiting for g:b, g:c"
        );
    }
}
