//! What most often goes wrong, what it means and what to do: tables of texts, of which the first
//! that fits is told. `{name}` in them stands for the process.

use super::Facts;

/// What an error holds, and what to say of it.
type Text = (&'static str, &'static str);

/// By the reason that supervisord gives.
const ERRORS: &[Text] = &[
    (
        "can't find command",
        "No file has this name, in no directory of PATH. Write its whole path in command, or \
         install the program; then: supervisorctl start {name}",
    ),
    (
        "can't parse command",
        "A quote or a backslash in command has no end. Correct it; then: supervisorctl update",
    ),
    (
        "is a directory",
        "command names a directory. Write the path of a program; then: supervisorctl update",
    ),
    (
        "is not executable",
        "The file may not be executed: chmod +x it; then: supervisorctl start {name}",
    ),
    (
        "no permission to run command",
        "The file, or a directory above it, is closed to the user of the program: look at their \
         modes and at user; then: supervisorctl start {name}",
    ),
    (
        "its interpreter",
        "The first line of the script, behind #!, names a program that is not there: install \
         that, or correct the line. One that ends in \\r was written on Windows.",
    ),
    (
        "dynamic loader",
        "The program was made for another system: install the one for this system.",
    ),
    (
        "ENOEXEC",
        "The file is no program of this machine, and no script that begins with #!: add that \
         line, or put the interpreter before it in command.",
    ),
    (
        "couldn't chdir",
        "Its directory is missing, or closed to its user: make it, open it, or correct \
         directory; then: supervisorctl start {name}",
    ),
    (
        "couldn't setuid",
        "supervisord cannot become the user of the program: it has to run as root for that, and \
         the user has to exist. Look at user.",
    ),
    (
        "The directory named as part of the path",
        "The directory of its log is missing: make it, or correct the path; then: supervisorctl \
         start {name}",
    ),
    (
        "making dispatchers",
        "Its log cannot be opened. Look at the path of stdout_logfile and stderr_logfile, at the \
         modes of the directories and at who may write there.",
    ),
    (
        "too many open files",
        "supervisord has no descriptors left: raise minfds in [supervisord], or the limit that it \
         is started with, and restart it.",
    ),
    (
        "Too many processes",
        "The system takes no more processes: see what runs, and the limits of the user.",
    ),
    (
        "rlimit_nproc",
        "Its user runs as many processes as it may: see what they are, or raise rlimit_nproc.",
    ),
    (
        "dependency ",
        "Something that it depends on is not up. Mend that first: supervisorctl explain it, and \
         supervisorctl graph {name} shows all.",
    ),
    (
        "as depends_restart says",
        "It went down with what it depends on, and comes back with it: supervisorctl graph {name}",
    ),
    (
        "_hook ",
        "A command that has to succeed before has failed. What it wrote is in the log of the \
         process; then: supervisorctl start {name}",
    ),
    (
        "environment file",
        "A file of environment_file cannot be read: make it, open it to supervisord, or write - \
         before its path if it may be missing.",
    ),
    (
        " restarts in ",
        "restart_limit allows no more restarts in that time. Find out why it ends; then: \
         supervisorctl start {name}",
    ),
    (
        " restart in ",
        "restart_limit allows no more restarts in that time. Find out why it ends; then: \
         supervisorctl start {name}",
    ),
    (
        "runtime_timeout",
        "It has run for as long as runtime_timeout allows, and was stopped.",
    ),
    (
        "not ready after",
        "It ran, and did not tell that it was ready within readiness_timeout. Look at its log, at \
         readiness and at readiness_check.",
    ),
    (
        "before it was ready",
        "It ended before it was ready: its own words tell why, see supervisorctl tail --both \
         {name}",
    ),
    (
        "FastCGI socket",
        "The socket of the program cannot be made: another server may have it, or its directory \
         is missing or closed.",
    ),
    (
        "of an earlier supervisord",
        "The process of a supervisord that was killed still runs and is being stopped first.",
    ),
    (
        "memory",
        "It took more memory than it may have. Find out what needs it, or raise the limit.",
    ),
];

/// By what it wrote last, in lower case.
const WORDS: &[Text] = &[
    (
        "address already in use",
        "Another process listens where it wants to: ss -ltnp shows which. It may be a copy of the \
         program that was started elsewhere, or one that a stop has left.",
    ),
    (
        "eaddrinuse",
        "Another process listens where it wants to: ss -ltnp shows which. It may be a copy of the \
         program that was started elsewhere, or one that a stop has left.",
    ),
    (
        "no space left on device",
        "A disk is full: df -h shows which.",
    ),
    (
        "cannot allocate memory",
        "There was no memory for it: free -m shows how much there is.",
    ),
    (
        "permission denied",
        "It may not read or write something that it needs; its own words below tell what. Look at \
         user, and at the owner and mode of that.",
    ),
    (
        "connection refused",
        "Something that it connects to is not up. If supervisord runs that, name it in depends_on.",
    ),
];

/// By the signal that ended it.
const SIGNALS: &[Text] = &[
    (
        "SIGKILL",
        "It was killed, and not by supervisord: mostly the kernel does that, for want of memory. \
         dmesg | grep -i kill tells.",
    ),
    (
        "SIGSEGV",
        "It crashed: a defect of the program or of a library. A core file, rlimit_core and its \
         log may tell more.",
    ),
    (
        "SIGBUS",
        "It crashed: a defect of the program, or a file that it had mapped was cut short.",
    ),
    (
        "SIGABRT",
        "It gave up by itself (abort): its last words mostly tell why.",
    ),
    (
        "SIGILL",
        "It was made for another processor than this machine has.",
    ),
    (
        "SIGXCPU",
        "It took more processor time than it may: raise rlimit_cpu, or find out what needs it.",
    ),
    (
        "SIGXFSZ",
        "It wrote a larger file than it may: raise rlimit_fsize, or find out what it writes.",
    ),
    ("SIGSYS", "It made a system call that a sandbox forbids."),
    (
        "SIG",
        "Somebody else than supervisord has sent this signal: a person, a script, or the program \
         itself.",
    ),
];

const DAEMON: &str = "It ended with success before it had been up for startsecs. A server that goes into the \
     background must be told to stay in front (such as -n, --foreground, daemon off); a command \
     that does its work and ends is type=oneshot.";

/// By its exit status.
fn of_status(status: i64) -> &'static str {
    match status {
        126 => {
            "126 is what a shell says of a command that it may not execute: chmod +x it, or look \
             at the user of the program."
        }
        127 => {
            "127 is what a shell says of a command that it cannot find: write its whole path, or \
             set PATH in environment."
        }
        137 => {
            "137 is what a shell says of a command that SIGKILL has ended: mostly the kernel does \
             that, for want of memory. dmesg | grep -i kill tells."
        }
        139 => "139 is what a shell says of a command that has crashed (SIGSEGV).",
        143 => "143 is what a shell says of a command that SIGTERM has ended.",
        _ => {
            "The program says with this status that it has failed: its own words tell why, see \
             supervisorctl tail --both {name}"
        }
    }
}

/// What it comes from, and what to do.
pub fn of(facts: &Facts) -> Option<String> {
    let text = find(facts)?;
    Some(
        text.replace("{name}", &facts.name)
            .replace("{waiting_for}", &facts.waiting_for)
            .replace("{stopwaitsecs}", &facts.stopwaitsecs.to_string()),
    )
}

fn find(facts: &Facts) -> Option<&'static str> {
    if !facts.waiting_for.is_empty() {
        return Some(
            "It is to run, and waits for {waiting_for}. Start or mend that: supervisorctl explain \
             it, and supervisorctl graph {name} shows all.",
        );
    }
    if facts.is_disabled && facts.is(&["STOPPED", "EXITED"]) {
        return Some(
            "It is disabled: only its own name starts it. supervisorctl enable {name} ends that.",
        );
    }
    if !facts.hook.is_empty() {
        return Some("It goes on when its hook has ended, or hook_timeout is over.");
    }
    if facts.busy.is_some() {
        return Some(
            "It has had an event for long and has not answered: other events wait. It may hang; \
             its log may tell in what. supervisorctl restart {name} gives the event to it again.",
        );
    }
    if facts.health == "unhealthy" {
        return Some(
            "It runs, and its check fails: do by hand what the check does, and look at its log.",
        );
    }
    let by_error = ERRORS.iter().find(|(part, _)| facts.error.contains(part));
    if let Some((_, text)) = by_error {
        return Some(text);
    }
    match facts.state.as_str() {
        "STOPPED" => of_stopped(facts),
        "BACKOFF" | "FATAL" | "EXITED" => of_end(facts),
        "UNKNOWN" => Some(
            "supervisord may not send it signals, so it cannot be stopped here: a program that \
             has changed its user is stopped as root.",
        ),
        _ => None,
    }
}

fn of_stopped(facts: &Facts) -> Option<&'static str> {
    Some(match &facts.last_end {
        Some(end) if end.was_killed => {
            "It did not end when it was told to, and was killed after \
             stopwaitsecs={stopwaitsecs}. If it needs longer, raise that; if it ignores the signal, \
             set stopsignal. supervisorctl start {name} starts it."
        }
        _ if facts.next_start.is_some() => return None,
        _ if facts.is_scheduled => "The clock starts it, as its schedule says.",
        None if !facts.autostart => {
            "It was never started: autostart=false. supervisorctl start {name} starts it."
        }
        _ => "It was stopped by request. supervisorctl start {name} starts it.",
    })
}

fn of_end(facts: &Facts) -> Option<&'static str> {
    let end = facts.last_end.as_ref()?;
    let has_failed = facts.is(&["BACKOFF", "FATAL"]);
    if end.status == 0 && !facts.is_oneshot && has_failed {
        return Some(DAEMON);
    }
    if end.status == 0 {
        return Some(match facts.is_scheduled {
            true => "It has done its work. The clock starts it again, as its schedule says.",
            false => "It has ended by itself, with success.",
        });
    }
    let by_words = WORDS.iter().find(|(part, _)| {
        let mut lines = facts.last_lines.iter();
        lines.any(|line| line.to_lowercase().contains(part))
    });
    if let Some((_, text)) = by_words {
        return Some(text);
    }
    let mut signals = SIGNALS.iter();
    match end.signal.as_str() {
        "" => Some(of_status(end.status)),
        signal => signals
            .find(|(part, _)| signal.starts_with(part))
            .map(|(_, text)| *text),
    }
}
