//! Many one-shot runs of supervisorctl, each with its exit status. Python takes
//! long to begin, so 4.3.0's program is loaded once and forks for each run.

use crate::conformance::run::Run;
use crate::support::{DEADLINE, Finished, Kind, finish, original_home};
use std::process::Command;
use std::time::Duration;

/// Runs what its standard input asks for: a line for each run, its fields (the
/// directory, the input, the user, the words) divided by US, the lines of the input by RS.
/// For each it writes the exit status and the lengths of the two outputs, then these.
const FORKING: &str = r#"
import os, sys, tempfile
from supervisor.supervisorctl import main

runs = sys.stdin.read().split("\n")[:-1]
for run in runs:
    directory, given, user, *words = run.split("\x1f")
    files = [tempfile.TemporaryFile() for _ in range(3)]
    files[0].write(given.replace("\x1e", "\n").encode())
    files[0].seek(0)
    pid = os.fork()
    if pid == 0:
        os.chdir(directory)
        if user == "nobody":
            os.setgroups([])
            os.setuid(65534)
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.argv = [sys.argv[1]] + words
        main()
        sys.exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    outputs = []
    for file in files[1:]:
        file.seek(0)
        outputs.append(file.read())
    head = "%d %d %d\n" % (status, len(outputs[0]), len(outputs[1]))
    sys.stdout.buffer.write(head.encode() + outputs[0] + outputs[1])
    sys.stdout.flush()
"#;

/// One run: options and action, and what it finds on its standard input.
pub struct Shot {
    words: Vec<String>,
    input: String,
    directory: String,
    user: &'static str,
}

impl Shot {
    /// In the directory of the run, with nothing to read.
    pub fn new(run: &Run, words: &[&str]) -> Shot {
        Shot {
            words: words.iter().map(ToString::to_string).collect(),
            input: String::new(),
            directory: run.dir.path().display().to_string(),
            user: "",
        }
    }

    /// An action on the daemon of the run.
    pub fn action(run: &Run, line: &str) -> Shot {
        let configuration = run.path("supervisord.conf").display().to_string();
        let words = line.split_whitespace();
        let words: Vec<&str> = ["-c", &configuration].into_iter().chain(words).collect();
        Shot::new(run, &words)
    }

    /// With lines to read.
    pub fn input(mut self, input: &str) -> Shot {
        input.clone_into(&mut self.input);
        self
    }

    /// As a user who may do nothing, if the test runs as root.
    pub fn by_nobody(mut self) -> Shot {
        if nix::unistd::geteuid().is_root() {
            self.user = "nobody";
        }
        self
    }

    /// In a folder of the run's directory.
    pub fn within(mut self, folder: &str) -> Shot {
        self.directory = format!("{}/{folder}", self.directory);
        self
    }
}

/// Runs them all, one after the other. The program is started as `bin/supervisorctl` in
/// the directory of the run, whichever it is.
pub fn fire(run: &Run, shots: &[Shot]) -> Vec<Finished> {
    match run.ctl_kind {
        Kind::Ours => shots.iter().map(|shot| fire_ours(run, shot)).collect(),
        Kind::Original => fire_originals(run, shots),
    }
}

/// Runs each action and notes what it prints and its status.
pub fn note_actions(run: &mut Run, lines: &[impl AsRef<str>]) {
    let shots: Vec<Shot> = lines
        .iter()
        .map(|line| Shot::action(run, line.as_ref()))
        .collect();
    let ends = fire(run, &shots);
    note_ends(run, lines, &ends);
}

/// Notes what runs left behind, each with what was asked for.
pub fn note_ends(run: &mut Run, lines: &[impl AsRef<str>], ends: &[Finished]) {
    for (line, end) in lines.iter().zip(ends) {
        run.note(&format!("$ {}", line.as_ref()));
        note_end(run, end);
    }
}

/// Notes what a run left behind; a line that is a pid is noted as such.
pub fn note_end(run: &mut Run, end: &Finished) {
    let stdout: String = end
        .stdout
        .split_inclusive('\n')
        .map(|line| {
            let is_pid = line.len() > 2 && line.trim_end().bytes().all(|b| b.is_ascii_digit());
            if is_pid { "PID\n" } else { line }
        })
        .collect();
    run.note_finished(&Finished {
        stdout,
        stderr: end.stderr.clone(),
        status: end.status,
    });
}

fn program(run: &Run) -> std::path::PathBuf {
    run.dir.bin().join("supervisorctl")
}

fn fire_ours(run: &Run, shot: &Shot) -> Finished {
    let mut command = match shot.user {
        "" => Command::new(program(run)),
        user => {
            let mut command = Command::new("setpriv");
            command.args(["--clear-groups", &format!("--reuid={user}")]);
            command.arg(program(run));
            command
        }
    };
    command.args(&shot.words).current_dir(&shot.directory);
    finish(command, &shot.input, DEADLINE)
}

fn fire_originals(run: &Run, shots: &[Shot]) -> Vec<Finished> {
    let mut command = Command::new(original_home().join("bin/python"));
    command.args(["-c", FORKING]).arg(program(run));
    let asked: String = shots
        .iter()
        .map(|shot| {
            let input = shot.input.replace('\n', "\x1e");
            let fields = [shot.directory.clone(), input, shot.user.to_owned()];
            let fields: Vec<String> = fields.into_iter().chain(shot.words.clone()).collect();
            fields.join("\x1f") + "\n"
        })
        .collect();
    // Beside other tests each of them may take long.
    let runs = u32::try_from(shots.len()).unwrap();
    let answer = finish(command, &asked, DEADLINE + runs * Duration::from_secs(2));
    let mut rest = answer.stdout.as_str();
    let mut ends = Vec::new();
    while let Some((head, after)) = rest.split_once('\n') {
        let mut numbers = head.split(' ').map(|number| number.parse::<i32>().unwrap());
        let (status, out, err) = (numbers.next(), numbers.next(), numbers.next());
        let length = |number: Option<i32>| usize::try_from(number.unwrap()).unwrap();
        let (stdout, after) = after.split_at(length(out));
        let (stderr, after) = after.split_at(length(err));
        ends.push(Finished {
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            status,
        });
        rest = after;
    }
    assert_eq!(ends.len(), shots.len(), "{}", answer.stderr);
    ends
}
