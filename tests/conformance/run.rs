//! One run of a scenario: its steps and its transcript.

mod waits;

use super::super::support::{
    Address, Ctl, DEADLINE, Daemon, Dir, Finished, Kind, Launch, Outcome, Rpc, Value, finish,
    is_hint, kill, usual_configuration,
};
use super::normal::normalise;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A scenario on one daemon with one supervisorctl.
pub struct Run {
    /// Which supervisord runs.
    pub daemon_kind: Kind,
    /// Which supervisorctl controls it.
    pub ctl_kind: Kind,
    /// The directory of the run.
    pub dir: Dir,
    /// The client of the unix socket.
    pub rpc_client: Rpc,
    daemon: Option<Daemon>,
    names: Vec<(String, &'static str)>,
    transcript: Vec<String>,
}

/// Whether the line tells in which file and line an error is.
pub fn is_of_place(line: &str) -> bool {
    let after = line.split_once(".conf:").map(|(_, after)| after);
    after.is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()))
}

impl Run {
    /// A run that has done nothing yet.
    pub fn new(daemon_kind: Kind, ctl_kind: Kind) -> Run {
        let dir = Dir::new();
        let mut names = Vec::new();
        for (kind, program, placeholder) in [
            (daemon_kind, "supervisord", "SUPERVISORD"),
            (ctl_kind, "supervisorctl", "SUPERVISORCTL"),
        ] {
            let path = kind.program(program, &dir.bin());
            names.push((path.display().to_string(), placeholder));
        }
        names.push((dir.path().display().to_string(), "DIR"));
        let rpc_client = Rpc::new(Address::Unix(dir.join("s")));
        Run {
            daemon_kind,
            ctl_kind,
            dir,
            rpc_client,
            daemon: None,
            names,
            transcript: Vec::new(),
        }
    }

    /// The transcript, one line an element.
    pub fn into_transcript(self) -> Vec<String> {
        self.transcript
    }

    /// Has `text` shown as `placeholder` from now on.
    pub fn rename(&mut self, text: &str, placeholder: &'static str) {
        self.names.insert(0, (text.to_string(), placeholder));
    }

    /// Adds lines to the transcript.
    pub fn note(&mut self, text: &str) {
        let text = normalise(text, &self.names);
        self.transcript
            .extend(text.split('\n').map(ToString::to_string));
    }

    /// What helps to see why a run broke off.
    pub fn diagnosis(&self) -> String {
        format!(
            "main log:\n{}\nstandard error:\n{}",
            self.dir.read("main.log").unwrap_or_default(),
            self.dir.read("daemon.stderr").unwrap_or_default()
        )
    }

    /// Writes the configuration: the common sections and these.
    pub fn config(&self, sections: &str) {
        self.dir
            .write("supervisord.conf", usual_configuration(sections));
    }

    /// The same with more options in `[supervisord]`.
    pub fn config_with(&self, options: &str, sections: &str) {
        self.config(&format!("{options}\n{sections}"));
    }

    /// Writes the whole configuration.
    pub fn whole_config(&self, text: &str) {
        self.dir.write("supervisord.conf", text);
    }

    /// Writes an executable shell script into the directory; its path.
    pub fn script(&self, name: &str, body: &str) -> String {
        self.dir.script(name, body).display().to_string()
    }

    /// Starts the daemon and waits until it answers.
    pub fn start(&mut self) {
        self.start_with(&[], &[]);
    }

    /// The same with options and variables.
    pub fn start_with(&mut self, options: &[&str], environment: &[(&str, &str)]) {
        let client = self.rpc_client.clone();
        self.launch(options, environment);
        self.daemon.as_mut().unwrap().wait_until_it_answers(&client);
    }

    /// The same in a process that a command has prepared, or with the shim.
    pub fn start_prepared(&mut self, wrapper: &[&str], shim: bool) {
        let client = self.rpc_client.clone();
        self.daemon = Some(Daemon::launch(&Launch {
            wrapper,
            shim,
            ..Launch::new(self.daemon_kind, &self.dir)
        }));
        self.daemon().wait_until_it_answers(&client);
    }

    /// Starts the daemon without waiting.
    pub fn launch(&mut self, options: &[&str], environment: &[(&str, &str)]) {
        self.daemon = Some(Daemon::launch(&Launch {
            options,
            environment,
            ..Launch::new(self.daemon_kind, &self.dir)
        }));
    }

    /// The running daemon.
    pub fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().expect("a daemon was started")
    }

    /// Runs supervisord to its end; notes exit status and output.
    pub fn supervisord(&mut self, words: &[&str]) {
        let mut command = Command::new(self.daemon_kind.program("supervisord", &self.dir.bin()));
        command.args(words).current_dir(self.dir.path());
        let mut end = finish(command, "", DEADLINE);
        end.stdout = end
            .stdout
            .split_inclusive('\n')
            .map(|line| without_stamp(line).unwrap_or(line))
            .collect();
        self.note(&format!("$ supervisord {}", words.join(" ")));
        self.note_finished(&end);
    }

    /// Runs supervisord on the configuration as it is, which must fail.
    pub fn failing_start(&mut self, options: &[&str]) {
        let configuration = self.dir.join("supervisord.conf").display().to_string();
        let words = [&["-n", "-c", &configuration], options].concat();
        self.supervisord(&words);
    }

    /// Runs an action of supervisorctl; notes its output and status.
    pub fn ctl(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.ctl_words(&words);
    }

    /// The same, given word by word.
    pub fn ctl_words(&mut self, words: &[&str]) {
        self.ctl_with_input(words, "");
    }

    /// The same with lines on standard input.
    pub fn ctl_with_input(&mut self, words: &[&str], input: &str) {
        self.settle();
        let end = Ctl::new(self.ctl_kind, &self.dir).run_with_input(words, input);
        self.note(&format!("$ supervisorctl {}", words.join(" ")));
        self.note_finished(&end);
    }

    /// Runs supervisorctl with options instead of the configuration file.
    pub fn ctl_options(&mut self, words: &[&str]) {
        let end = Ctl::with_options(self.ctl_kind, &self.dir, &[]).run(words);
        self.note(&format!("$ supervisorctl {}", words.join(" ")));
        self.note_finished(&end);
    }

    /// Runs an action without noting anything, for order or words that are left
    /// to chance; the caller notes what it wants of it.
    pub fn quiet_ctl(&self, line: &str) -> Finished {
        self.settle();
        let words: Vec<&str> = line.split_whitespace().collect();
        Ctl::new(self.ctl_kind, &self.dir).run(&words)
    }

    /// Notes what a program left behind.
    pub fn note_finished(&mut self, end: &Finished) {
        if !end.stdout.is_empty() {
            let shown = without_prose(&end.stdout);
            self.note(shown.strip_suffix('\n').unwrap_or(&shown));
            if !end.stdout.ends_with('\n') {
                self.note("(no newline at the end)");
            }
        }
        let is_addition = |line: &&str| is_hint(line) || is_of_place(line);
        for line in end.stderr.lines().filter(|line| !is_addition(line)) {
            self.note(&format!("stderr: {line}"));
        }
        let status = end
            .status
            .map_or_else(|| "no end in time".to_string(), |status| status.to_string());
        self.note(&format!("status {status}"));
    }

    /// Calls a method (of `supervisor.` unless it has a dot); notes the outcome.
    pub fn rpc(&mut self, method: &str, parameters: &[Value]) {
        let outcome = self.quiet_rpc(method, parameters);
        let parameters: Vec<String> = parameters.iter().map(ToString::to_string).collect();
        self.note(&format!("> {method}({})", parameters.join(", ")));
        match outcome {
            Outcome::Answer(value) => self.note_value(&value),
            other => self.note(&other.to_string()),
        }
    }

    /// Notes a value: the items of an array on lines of their own.
    pub fn note_value(&mut self, value: &Value) {
        let value = without_times(value.clone());
        match &value {
            Value::Array(items) if items.iter().any(|item| matches!(item, Value::Struct(_))) => {
                for item in items {
                    self.note(&format!("- {item}"));
                }
            }
            other => self.note(&other.to_string()),
        }
    }

    /// Calls a method without noting anything.
    pub fn quiet_rpc(&self, method: &str, parameters: &[Value]) -> Outcome {
        self.settle();
        let method = if method.contains('.') {
            method.to_string()
        } else {
            format!("supervisor.{method}")
        };
        self.rpc_client.call(&method, parameters)
    }

    /// The process information of one process.
    pub fn info(&self, process: &str) -> Value {
        self.quiet_rpc("getProcessInfo", &[Value::text(process)])
            .answer()
    }

    /// Sends a signal to the daemon.
    pub fn signal(&mut self, signal: i32) {
        self.settle();
        self.daemon().signal(signal);
    }

    /// Sends a signal to the child of a process.
    pub fn signal_child(&self, process: &str, signal: i32) {
        let pid = self.info(process).int_of("pid");
        assert!(pid > 0, "{process} has a child");
        kill(u32::try_from(pid).unwrap(), signal);
    }

    /// Waits for the end of the daemon and notes its exit status.
    pub fn wait_end(&mut self) {
        let status = self.daemon().wait(DEADLINE);
        self.note(&format!("supervisord ended with status {status:?}"));
    }

    /// Asks the daemon to end, waits for it, notes its exit status.
    pub fn stop(&mut self) {
        self.wait_for_notices();
        self.signal(libc::SIGTERM);
        self.wait_end();
    }

    /// All lines of the main log, without time stamps; one that goes on with the
    /// line before begins with a bar.
    pub fn lines_of_log(&self) -> Vec<String> {
        let log = self.dir.read("main.log").unwrap_or_default();
        let log = normalise(&log, &self.names);
        log.lines()
            .map(|line| match without_stamp(line) {
                Some(line) => line.to_string(),
                None => format!("| {line}"),
            })
            .collect()
    }

    /// The lines of the main log from INFO up; of the DEBG lines only those about
    /// signals to children.
    pub fn log_lines(&self) -> Vec<String> {
        let mut waiting_told = false;
        let mut kills: Vec<String> = Vec::new();
        self.lines_of_log()
            .into_iter()
            .filter(|line| {
                if line.starts_with("| ") {
                    return true;
                }
                let is_detail = ["DEBG", "TRAC", "BLAT"]
                    .iter()
                    .any(|level| line.starts_with(level));
                let is_signal = ["DEBG killing", "DEBG sending", "DEBG Attempted"]
                    .iter()
                    .any(|lead| line.starts_with(lead));
                // Whether a stop is waited for, and how often a shutdown tells whom
                // it waits for, depends on how fast children end.
                let is_waiting = line.starts_with("INFO waiting for");
                let is_chance = is_waiting && (waiting_told || line.ends_with(" to stop"));
                waiting_told |= is_waiting && line.ends_with(" to die");
                waiting_told &= !line.contains("supervisord started");
                // A loop that runs late kills a second time.
                let is_kill = line.starts_with("WARN killing") || line.ends_with(" SIGKILL");
                let is_repeat = is_kill && kills.contains(line);
                if is_kill {
                    kills.push(line.clone());
                } else if line.starts_with("INFO spawned") {
                    kills.clear();
                }
                // 4.3.0 tells of none; `refusals` holds these lines.
                let is_refusal = line.starts_with("WARN answered 4");
                // Nor of what its clean-up removes; `auto_logs` holds these.
                let is_clean_up = line.starts_with("INFO removed automatic logs");
                (!is_detail || is_signal) && !(is_chance || is_repeat || is_refusal || is_clean_up)
            })
            .collect()
    }

    /// Notes the main log.
    pub fn log(&mut self) {
        self.note("main log:");
        for line in self.log_lines() {
            self.note(&line);
        }
    }

    /// Notes the lines of the main log process by process, because the order
    /// between processes is left to chance.
    pub fn log_of(&mut self, processes: &[&str]) {
        let lines = self.log_lines();
        for process in processes {
            self.note(&format!("main log of {process}:"));
            for line in &lines {
                let mut words = line.split([' ', '\'', ',']);
                if words.any(|word| word == *process) {
                    self.note(line);
                }
            }
        }
    }

    /// Notes the content of a file.
    pub fn file(&mut self, name: &str) {
        match self.dir.read(name) {
            None => self.note(&format!("{name}: not there")),
            Some(content) => {
                self.note(&format!("{name}: {} bytes", content.len()));
                self.note(&format!("{content:?}"));
            }
        }
    }

    /// The path of a file in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A generous limit for steps of their own.
    pub fn deadline(&self) -> Duration {
        DEADLINE
    }
}

/// `2026-11-22 06:28:00,123 INFO text` without the time; `None` for a line that
/// continues the one before.
fn without_stamp(line: &str) -> Option<&str> {
    let (stamp, rest) = line.split_at_checked(24)?;
    let digits = stamp.bytes().filter(u8::is_ascii_digit).count();
    (digits == 17 && stamp.ends_with(' ')).then_some(rest)
}

/// Help on an action: only the forms before the tabs are more than prose. The examples that
/// 4.3.0 does not have stand behind a tab.
fn without_prose(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| {
            let is_prose = line.starts_with('\t') || line.starts_with("Note: ");
            !(is_prose || ["Ex:\n", "For example:\n"].contains(line))
        })
        .map(|line| match line.split_once('\t') {
            Some((form, _)) => format!("{}\n", form.trim_end()),
            None => line.to_string(),
        })
        .collect()
}

/// Times and pids in process information, unless 0.
pub fn without_times(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(without_times).collect()),
        Value::Struct(members) => Value::Struct(
            members
                .into_iter()
                .map(|(name, value)| {
                    let value = match (name.as_str(), value) {
                        ("start" | "stop" | "now", Value::Int(1..)) => Value::text("TIME"),
                        ("pid", Value::Int(1..)) => Value::text("PID"),
                        (_, other) => without_times(other),
                    };
                    (name, value)
                })
                .collect(),
        ),
        other => other,
    }
}

/// Keeps a daemon awake while it lives: the loop of 4.3.0 looks at calls that
/// wait only when something happens, or once a second.
pub struct Awake {
    over: Arc<AtomicBool>,
    caller: Option<JoinHandle<()>>,
}

impl Awake {
    /// Calls a method again and again.
    pub fn new(client: &Rpc) -> Awake {
        let (over, client) = (Arc::new(AtomicBool::new(false)), client.clone());
        let told = Arc::clone(&over);
        let caller = thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let _ = client.call("supervisor.getAPIVersion", &[]);
                thread::sleep(Duration::from_millis(5));
            }
        });
        Awake {
            over,
            caller: Some(caller),
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(caller) = self.caller.take() {
            let _ = caller.join();
        }
    }
}
