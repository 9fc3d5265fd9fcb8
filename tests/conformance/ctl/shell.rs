//! The shell: lines from a pipe, and typed on a terminal.

use super::cross;
use crate::conformance::run::Run;
use crate::support::pty::{CTRL_C, CTRL_D, ENTER, Pty};
use crate::support::{Ctl, DEADLINE, is_hint, usual_configuration, wait_until};
use std::process::Command;

const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
startsecs=0
[program:off]
command=/bin/cat
autostart=false
startsecs=0
[program:bad]
command=/no/such/file
autostart=false
[program:é]
command=/bin/cat
autostart=false
startsecs=0
[program:talks]
command=%(here)s/talks
startsecs=0
stdout_logfile=%(here)s/talks.out
stderr_logfile=%(here)s/talks.err
[program:m1]
command=/bin/cat
autostart=false
startsecs=0
[program:m2]
command=/bin/cat
autostart=false
startsecs=0
[group:g]
programs=m1,m2
";

/// One of each kind; what a one-shot command ends with does not end the shell.
const LINES: &[&str] = &[
    "",
    "   ",
    "status p off",
    "  status   off  ",
    "status nosuch g:*",
    "status é",
    "start off",
    "start off",
    "start nosuch bad",
    "start g:m1",
    "restart off",
    "signal CONT off nosuch",
    "signal NOSUCH p",
    "clear off nosuch",
    "stop off nosuch off",
    "stop g:*",
    "start é",
    "stop é",
    "pid off",
    "pid nosuch",
    "tail talks",
    "tail -3 talks stderr",
    "tail talks nosuch",
    "tail off nosuch",
    "tail -f nosuch",
    "maintail -1",
    "avail",
    "reread",
    "update",
    "update nosuch",
    "add p",
    "add nosuch",
    "remove p",
    "remove off nosuch",
    "version",
    "nosuch",
    "STATUS",
    "!ls",
    "#",
    "status;status",
    "?nosuch",
    "help nosuch",
    "help EOF",
    "open ftp://x",
    "status p",
    "restart nosuch",
];

/// What is answered with help, which is free in its words.
const HELPED: &[&str] = &[
    "tail",
    "maintail -f x",
    "avail x",
    "reread x",
    "version x",
    "start",
    "stop",
    "signal HUP",
    "clear",
    "help start",
];

fn start(run: &mut Run, options: &str) {
    run.script(
        "talks",
        "printf 'one\\ntwo\\n'; printf 'bad\\nworse\\n' >&2; exec cat",
    );
    run.config_with(options, PROGRAMS);
    run.start();
    run.wait_all(&["p", "talks"], "RUNNING");
    run.wait_text("talks.err", "worse");
}

#[test]
fn lines_from_a_pipe_are_answered_alike() {
    cross("lines from a pipe", |run| {
        start(run, "");
        run.ctl_with_input(&[], &[LINES, HELPED].concat().join("\n"));
        for input in [
            "quit\nversion\n",
            "exit x\nversion\n",
            "EOF\nversion\n",
            "version",
            "\n",
            "\t\n",
            "version\r\n",
            "shutdown\nversion\n",
            "shutdown\n\nreload\nno\nversion\n",
            "reload",
        ] {
            run.note(&format!("input {input:?}"));
            run.ctl_with_input(&[], input);
        }
        // The status tells that no server was there, in 4.3.0 it does not.
        let input = "open unix:///none/s\nversion\npid\nopen http://127.0.0.1:1\nversion\nopen x\n";
        let end = Ctl::new(run.ctl_kind, &run.dir).run_with_input(&[], input);
        run.note(&end.stdout);
        run.ctl_with_input(&["-i"], "version\n");
        run.ctl_with_input(&[], "shutdown\nyes\n");
        run.wait_end();
        let end = Ctl::new(run.ctl_kind, &run.dir).run_with_input(&[], "version\nstatus\navail\n");
        run.note(&end.stdout);
    });
}

/// A shell on a terminal that is high enough for all that it will show.
pub struct Terminal {
    pub pty: Pty,
    prompt: &'static str,
}

impl Terminal {
    /// A shell that has just been started.
    pub fn open(run: &Run) -> Terminal {
        let mut command = Command::new(Ctl::new(run.ctl_kind, &run.dir).program());
        command
            .arg("-c")
            .arg(run.path("supervisord.conf"))
            .current_dir(run.dir.path());
        Terminal {
            pty: Pty::start(&command, 120, 300),
            prompt: "supervisor>",
        }
    }

    /// Waits for a prompt in a row below that one.
    pub fn wait_prompt_below(&self, row: Option<u16>) {
        // The row first: the echo of what is typed may come between the two looks.
        let is_ready = wait_until(DEADLINE, || {
            row.is_none_or(|row| self.pty.cursor().0 > row) && self.pty.cursor_row() == self.prompt
        });
        assert!(is_ready, "no prompt:\n{}", self.pty.screen());
    }

    /// Types a line and waits for the next prompt.
    pub fn line(&mut self, line: &str) {
        let row = self.pty.cursor().0;
        self.pty.line(line);
        self.wait_prompt_below(Some(row));
    }

    /// Types something that asks back.
    fn ask(&mut self, line: &str, question: &str) {
        self.pty.line(line);
        self.pty.wait_row(question);
    }

    /// The end of the program; all that it showed goes into the transcript.
    pub fn note(mut self, run: &mut Run) {
        let status = self.pty.wait(DEADLINE);
        let screen = self.pty.screen();
        let lines = screen.trim_end().lines().filter(|line| !is_hint(line));
        run.note(&lines.collect::<Vec<_>>().join("\n"));
        run.note(&format!("status {status:?}"));
    }
}

#[test]
fn lines_typed_on_a_terminal_are_answered_alike() {
    cross("lines on a terminal", |run| {
        start(run, "");
        let mut terminal = Terminal::open(run);
        terminal.wait_prompt_below(None);
        for line in LINES {
            terminal.line(line);
        }
        terminal.ask(
            "shutdown",
            "Really shut the remote supervisord process down y/N?",
        );
        terminal.line("n");
        terminal.ask(
            "reload",
            "Really restart the remote supervisord process y/N?",
        );
        terminal.line("");
        for log in ["tail -f talks", "tail -f talks stderr"] {
            terminal.pty.line(log);
            let last = if log.ends_with('r') { "worse" } else { "two" };
            terminal.pty.wait_screen("the log is shown", |screen| {
                screen.trim_end().ends_with(last)
            });
            let row = terminal.pty.cursor().0;
            terminal.pty.send(CTRL_C);
            terminal.wait_prompt_below(Some(row));
        }
        terminal.pty.line("quit");
        terminal.note(run);

        for end in [CTRL_D, "exit\r", "EOF\r"] {
            let mut terminal = Terminal::open(run);
            terminal.wait_prompt_below(None);
            terminal.line("version");
            terminal.pty.send(end);
            terminal.note(run);
        }
    });
}

#[test]
fn credentials_are_asked_for_on_a_terminal_alike() {
    cross("credentials on a terminal", |run| {
        let open = usual_configuration(PROGRAMS);
        let guarded = "file=%(here)s/s\nusername=u\npassword=p\n";
        run.whole_config(&open.replace("file=%(here)s/s\n", guarded));
        run.script("talks", "exec cat");
        run.rpc_client = run.rpc_client.clone().with_authorization("Basic dTpw");
        run.start();
        run.wait_all(&["p", "talks"], "RUNNING");
        let mut terminal = Terminal::open(run);
        let asked = |terminal: &Terminal, question: &str, times: usize| {
            terminal.pty.wait_screen(question, |screen| {
                screen.matches(question).count() == times && screen.trim_end().ends_with(question)
            });
        };
        let attempts = [("u", "wrong"), ("", ""), ("u", "p")];
        for (number, (name, password)) in (1..).zip(attempts) {
            asked(&terminal, "Username:", number);
            terminal.pty.line(name);
            asked(&terminal, "Password:", number);
            let hidden = wait_until(DEADLINE, || !terminal.pty.echoes());
            assert!(hidden, "the password is not shown");
            terminal.pty.send(&format!("{password}{ENTER}"));
        }
        terminal.wait_prompt_below(None);
        terminal.line("version");
        terminal.line("start off");
        terminal.pty.line("quit");
        terminal.note(run);
    });
}
