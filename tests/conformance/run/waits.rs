//! What a run waits for. Nothing here is noted in its transcript.

use super::Run;
use crate::support::{DEADLINE, Outcome, Value, children_of, wait_until};
use std::time::Duration;

/// How long a stop waits for lines that are still to come.
const NOTICES_LIMIT: Duration = Duration::from_millis(1500);

impl Run {
    /// Waits until every child has become its program. A signal of 4.3.0 that
    /// comes earlier is lost, and a stop then lasts until the SIGKILL.
    pub(super) fn settle(&self) {
        let Some(daemon) = &self.daemon else {
            return;
        };
        // By its words too, for a child may be run by the Python that runs 4.3.0.
        let program = |pid: u32| {
            let file = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            Some((file, words))
        };
        let own = program(daemon.pid());
        wait_until(DEADLINE, || {
            children_of(daemon.pid())
                .into_iter()
                .all(|child| own.is_none() || program(child) != own)
        });
    }

    /// Waits until a process is in a state. Notes nothing.
    pub fn wait(&self, process: &str, state: &str) {
        let mut seen = String::new();
        let reached = wait_until(DEADLINE, || {
            seen = match self.quiet_rpc("getProcessInfo", &[Value::text(process)]) {
                Outcome::Answer(info) => info.text_of("statename"),
                other => other.to_string(),
            };
            seen == state
        });
        assert!(reached, "{process} is {seen}, not {state}");
    }

    /// Waits until each of the processes is in a state.
    pub fn wait_all(&self, processes: &[&str], state: &str) {
        processes
            .iter()
            .for_each(|process| self.wait(process, state));
    }

    /// Waits until the main log contains a text this many times.
    pub fn wait_log(&self, text: &str, times: usize) {
        self.wait_times("main.log", text, times);
    }

    /// Waits until a file contains a text this many times.
    pub fn wait_times(&self, name: &str, text: &str, times: usize) {
        self.wait_file(name, |content| content.matches(text).count() >= times, text);
    }

    /// Waits until a file contains a text.
    pub fn wait_text(&self, name: &str, text: &str) {
        self.wait_file(name, |content| content.contains(text), text);
    }

    fn wait_file(&self, name: &str, fits: impl Fn(&str) -> bool, wanted: &str) {
        let found = wait_until(DEADLINE, || {
            // A call wakes 4.3.0, which otherwise acts up to a second late.
            let _ = self.rpc_client.call("system.listMethods", &[]);
            self.dir.read(name).is_some_and(|content| fits(&content))
        });
        assert!(found, "{name} does not show {wanted:?}");
    }

    /// Waits until a condition on this run holds.
    pub fn wait_that(&self, what: &str, mut condition: impl FnMut(&Run) -> bool) {
        assert!(wait_until(DEADLINE, || condition(self)), "in time: {what}");
    }

    /// Lets the daemon tell of everything that it has spawned as up or ended: a
    /// stop that comes first takes these lines away. One that takes long on
    /// purpose is not waited for.
    pub(super) fn wait_for_notices(&self) {
        wait_until(NOTICES_LIMIT, || {
            let mut untold = std::collections::BTreeSet::new();
            for line in self.dir.read("main.log").unwrap_or_default().lines() {
                let mut words = line
                    .split(' ')
                    .skip_while(|word| !word.ends_with(':'))
                    .skip(1);
                let name = words
                    .next()
                    .unwrap_or_default()
                    .trim_matches('\'')
                    .to_owned();
                if line.contains(" spawned: ") {
                    untold.insert(name);
                } else {
                    untold.remove(&name);
                }
            }
            untold.is_empty()
        });
    }
}
