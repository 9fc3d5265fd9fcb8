//! `/metrics`: figures in the text format of Prometheus. [`FAMILIES`] is the one table of them.
//! The text is made piece by piece, family by family and in each process by process, so that
//! it is never in memory as a whole, and the loop has its turns in between.

use std::fmt::Write as _;

use crate::clock::Now;
use crate::http::piece::Piece;
use crate::http::routes::Handler;
use crate::loop_context::tally::Counted;
use crate::process::health::Health;
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::Daemon;
use crate::sort;
use crate::states::ProcessState;
use crate::sys::processes;
use crate::tokens::{Mark, ProcessId};

/// From how many bytes on a piece is complete.
const PIECE: usize = 64 * 1024;

/// The format, by which Prometheus knows it.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Figures of one kind.
struct Family {
    name: &'static str,
    is_counter: bool,
    help: &'static str,
    source: Source,
}

/// Where figures come from.
enum Source {
    /// supervisord as a whole: it tells all of them at once.
    Daemon(fn(&Seen<'_>, &mut Lines<'_>)),
    /// Each process: what it has none of is left out.
    Process(fn(&Seen<'_>, &Subprocess) -> Option<i64>),
    /// The system, of each process that has a child; whether it counts in hundredths.
    System(fn(i32) -> Option<u64>, bool),
}

/// What is looked at.
struct Seen<'a> {
    daemon: &'a Daemon<'a>,
    started: Now,
}

const fn family(name: &'static str, help: &'static str, source: Source) -> Family {
    Family {
        name,
        is_counter: false,
        help,
        source,
    }
}

const fn counter(name: &'static str, help: &'static str, source: Source) -> Family {
    Family {
        is_counter: true,
        ..family(name, help, source)
    }
}

use Source::{Daemon as OfDaemon, Process, System};

static FAMILIES: &[Family] = &[
    family(
        "supervisord_build_info",
        "The version of this program and of the Supervisor that it behaves as; always 1.",
        OfDaemon(|_, lines| {
            let version = ("version", env!("CARGO_PKG_VERSION"));
            lines.push(&[version, ("supervisor", crate::SUPERVISOR_VERSION)], 1);
        }),
    ),
    family(
        "supervisord_state",
        "The state of supervisord by its code: 1 is RUNNING, 2 FATAL.",
        OfDaemon(|seen, lines| lines.push(&[], seen.daemon.supervisor.state().code().into())),
    ),
    family(
        "supervisord_start_time_seconds",
        "When supervisord was started, in seconds of Unix time.",
        OfDaemon(|seen, lines| lines.push(&[], seen.started.seen_at(seen.daemon.context.now))),
    ),
    family(
        "supervisord_resident_memory_bytes",
        "The memory that supervisord has.",
        OfDaemon(|seen, lines| {
            let own = i32::try_from(seen.daemon.pid).ok();
            let own = own.and_then(processes::stat);
            if let Some(own) = own {
                lines.push(&[], signed(own.resident));
            }
        }),
    ),
    counter(
        "supervisord_http_requests_total",
        "Requests that were let in, by the method of HTTP.",
        OfDaemon(|seen, lines| {
            let tally = seen.daemon.context.tally.as_ref();
            tally.inspect(|tally| lines.push_all("method", &tally.requests));
        }),
    ),
    counter(
        "supervisord_rpc_calls_total",
        "Calls by the method of XML-RPC, those in a multicall too.",
        OfDaemon(|seen, lines| {
            let tally = seen.daemon.context.tally.as_ref();
            tally.inspect(|tally| lines.push_all("method", &tally.calls));
        }),
    ),
    family(
        "supervisord_pool_events_buffered",
        "Events that wait for a listener of the pool.",
        OfDaemon(|seen, lines| {
            for pool in seen.daemon.supervisor.pools.all() {
                lines.push(&[("pool", &pool.name)], signed(pool.buffer.len() as u64));
            }
        }),
    ),
    counter(
        "supervisord_pool_events_dropped_total",
        "Events that the pool has lost since its buffer was full.",
        OfDaemon(|seen, lines| {
            let tally = seen.daemon.context.tally.as_ref();
            for pool in seen.daemon.supervisor.pools.all() {
                let dropped = tally.map_or(0, |tally| tally.dropped.of(&pool.name));
                lines.push(&[("pool", &pool.name)], signed(dropped));
            }
        }),
    ),
    family(
        "supervisord_process_up",
        "Whether the process is RUNNING.",
        Process(|_, process| {
            let is_up = process.machine().state() == ProcessState::Running;
            Some(is_up.into())
        }),
    ),
    family(
        "supervisord_process_state",
        "The state of the process by its code: 20 is RUNNING, 200 FATAL.",
        Process(|_, process| Some(process.machine().state().code().into())),
    ),
    family(
        "supervisord_process_ok",
        "Whether the process is as it should be; of those that start by themselves.",
        Process(|seen, process| Some(seen.daemon.supervisor.is_good(process)?.into())),
    ),
    family(
        "supervisord_process_start_time_seconds",
        "When the process was last started, in seconds of Unix time.",
        Process(|seen, process| {
            let started = process.machine().last_start()?;
            Some(started.seen_at(seen.daemon.context.now))
        }),
    ),
    counter(
        "supervisord_process_restarts_total",
        "Attempts to start the process after the first.",
        Process(|_, process| Some(signed(process.counts()?.starts.get().saturating_sub(1)))),
    ),
    family(
        "supervisord_process_exit_status",
        "What the last child that ended has exited with; -1 for a signal.",
        Process(|_, process| {
            process.machine().last_stop()?;
            Some(process.machine().exit_status().into())
        }),
    ),
    family(
        "supervisord_process_healthy",
        "Whether the process is healthy, once that is known; of those that have checks.",
        Process(|_, process| match process.health()? {
            Health::Starting => None,
            Health::Healthy => Some(1),
            Health::Unhealthy => Some(0),
        }),
    ),
    counter(
        "supervisord_process_log_bytes_total",
        "What the process has written for its logs.",
        Process(|_, process| Some(signed(process.counts()?.log_bytes.get()))),
    ),
    counter(
        "supervisord_process_log_lost_bytes_total",
        "How much of that its logs have lost.",
        Process(|_, process| Some(signed(process.counts()?.lost_bytes.get()))),
    ),
    counter(
        "supervisord_process_cpu_seconds_total",
        "The time on processors of the child that runs.",
        System(
            |pid| u64::try_from(processes::stat(pid)?.processor_time.as_millis() / 10).ok(),
            true,
        ),
    ),
    family(
        "supervisord_process_resident_memory_bytes",
        "The memory that the child has.",
        System(|pid| Some(processes::stat(pid)?.resident), false),
    ),
    family(
        "supervisord_process_open_fds",
        "How many files the child has open.",
        System(processes::open_files, false),
    ),
    family(
        "supervisord_process_threads",
        "How many threads the child has.",
        System(|pid| Some(processes::stat(pid)?.threads), false),
    ),
];

/// The piece at that mark, of figures that the system tells too if they are wanted.
pub fn piece(daemon: &Daemon<'_>, started: Now, mut mark: Mark, with_system: bool) -> Piece {
    let seen = Seen { daemon, started };
    let mut text = String::with_capacity(PIECE + 1024);
    let is_shown = |family: &Family| with_system || !matches!(family.source, System(..));
    while let Some(family) = FAMILIES.get(mark.part).filter(|family| is_shown(family)) {
        if mark.after.is_none() {
            push_head(&mut text, family);
        }
        let mut lines = Lines {
            text: &mut text,
            name: family.name,
            has_hundredths: matches!(family.source, System(_, true)),
        };
        if let OfDaemon(tell) = family.source {
            tell(&seen, &mut lines);
        } else if let Some(after) = push_processes(&seen, family, mark, &mut lines) {
            mark.after = Some(after);
            return to_piece(text, Some(mark));
        }
        mark = Mark {
            part: mark.part + 1,
            after: None,
        };
    }
    to_piece(text, None)
}

fn to_piece(text: String, next: Option<Mark>) -> Piece {
    Piece {
        content_type: CONTENT_TYPE,
        bytes: text.into_bytes(),
        next: next.map(Handler::Metrics),
    }
}

/// Tells of processes from the mark on, of one at least; the last one if the piece is complete.
fn push_processes(
    seen: &Seen<'_>,
    family: &Family,
    mark: Mark,
    lines: &mut Lines<'_>,
) -> Option<ProcessId> {
    let context = &*seen.daemon.context;
    for process in processes_after(seen, mark) {
        let (value, is_slow) = match family.source {
            Process(value) => (value(seen, process), false),
            System(value, _) => {
                let pid = Some(process.machine().pid()).filter(|pid| *pid > 0);
                (pid.and_then(value).map(signed), true)
            }
            OfDaemon(_) => return None,
        };
        if let Some(value) = value {
            let name = ("name", process.config().name.as_str());
            lines.push(&[name, ("group", process.group_name())], value);
        }
        if lines.text.len() >= PIECE || (is_slow && context.turn_is_over()) {
            return Some(process.id());
        }
    }
    None
}

/// In the order of their ids, for groups may change between two pieces.
fn processes_after<'a>(seen: &Seen<'a>, mark: Mark) -> Vec<&'a Subprocess> {
    let groups = seen.daemon.supervisor.groups.iter();
    let processes = groups.flat_map(|group| &group.processes);
    let processes = processes.filter(|process| Some(process.id()) > mark.after);
    let mut processes: Vec<&Subprocess> = processes.collect();
    sort::by_key(&mut processes, Subprocess::id);
    processes
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn push_head(text: &mut String, family: &Family) {
    let kind = match family.is_counter {
        true => "counter",
        false => "gauge",
    };
    let (name, help) = (family.name, family.help);
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// The lines of a family.
struct Lines<'a> {
    text: &'a mut String,
    name: &'static str,
    has_hundredths: bool,
}

impl Lines<'_> {
    fn push(&mut self, labels: &[(&str, &str)], value: i64) {
        self.text.push_str(self.name);
        let mut before = '{';
        for (label, text) in labels {
            self.text.push(before);
            self.text.push_str(label);
            self.text.push_str("=\"");
            push_escaped(self.text, text);
            self.text.push('"');
            before = ',';
        }
        if before == ',' {
            self.text.push('}');
        }
        let _ = match self.has_hundredths {
            true => writeln!(self.text, " {}.{:02}", value / 100, value % 100),
            false => writeln!(self.text, " {value}"),
        };
    }

    fn push_all(&mut self, label: &str, counted: &Counted) {
        for (name, number) in counted.iter() {
            self.push(&[(label, name)], signed(number));
        }
    }
}

/// The value of a label.
fn push_escaped(text: &mut String, raw: &str) {
    for piece in raw.split_inclusive(['\\', '"', '\n']) {
        let plain = piece.strip_suffix(['\\', '"', '\n']);
        text.push_str(plain.unwrap_or(piece));
        if plain.is_some() {
            text.push('\\');
            text.push(match piece.as_bytes().last() {
                Some(b'\n') => 'n',
                Some(b'"') => '"',
                _ => '\\',
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(has_hundredths: bool, labels: &[(&str, &str)], value: i64) -> String {
        let mut text = String::new();
        let mut lines = Lines {
            text: &mut text,
            name: "n",
            has_hundredths,
        };
        lines.push(labels, value);
        text
    }

    #[test]
    fn labels_are_escaped() {
        for (raw, expected) in [
            ("web", "web"),
            ("", ""),
            ("a\\b", "a\\\\b"),
            ("\"", "\\\""),
            ("one\ntwo\n", "one\\ntwo\\n"),
            ("é{}=,\u{1b}", "é{}=,\u{1b}"),
            ("\\\"\n", "\\\\\\\"\\n"),
        ] {
            let text = lines(false, &[("a", raw)], 1);
            assert_eq!(text, format!("n{{a=\"{expected}\"}} 1\n"), "{raw:?}");
        }
    }

    #[test]
    fn lines_have_labels_and_a_number() {
        assert_eq!(lines(false, &[], -1), "n -1\n");
        let labels = [("a", "x"), ("b", "y")];
        assert_eq!(lines(false, &labels, 0), "n{a=\"x\",b=\"y\"} 0\n");
        for (value, text) in [
            (0, "0.00"),
            (5, "0.05"),
            (120, "1.20"),
            (123_456, "1234.56"),
        ] {
            assert_eq!(lines(true, &[], value), format!("n {text}\n"));
        }
    }

    #[test]
    fn families_are_named_as_prometheus_wants_them() {
        for (place, family) in FAMILIES.iter().enumerate() {
            let name = family.name;
            assert!(name.starts_with("supervisord_"), "{name}");
            assert_eq!(family.is_counter, name.ends_with("_total"), "{name}");
            assert!(family.help.ends_with('.'), "{name}");
            let others = FAMILIES.iter().take(place);
            assert!(
                !others.into_iter().any(|other| other.name == name),
                "{name}"
            );
        }
        // What may be left out comes last.
        let is_system = |family: &Family| matches!(family.source, System(..));
        assert!(
            FAMILIES
                .iter()
                .skip_while(|family| !is_system(family))
                .all(is_system)
        );
    }
}
