//! What a command works with: the server, the operator's screen and keyboard,
//! and the exit status so far.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use super::client::{self, Client, PendingCall};
use super::complete::Lists;
use super::diagnosis::{self, Origin};
use super::explanation::{self, Facts};
use super::failure::{CallError, Failure};
use super::hints::Hints;
use super::interrupt::Interrupts;
use super::keyboard::Keyboard;
use super::live;
use super::pump::Typing;
use super::ready;
use super::reply::{ProcessInfo, Reply};
use super::screen;
use crate::config::supervisorctl::Plugin;
use crate::signal::Signal;
use crate::sys::signals::Held;
use crate::sys::terminal;
use crate::text::plain;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How long a server may take to restart when it has been asked to, until it is
/// told that it does not answer.
const RESTART: Duration = Duration::from_secs(5);
/// How often it is asked meanwhile.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a server may take to say what a hint needs.
const HINT_LIMIT: Duration = Duration::from_secs(5);

/// One run of the program.
#[derive(Debug, Default)]
pub struct Session {
    /// The server.
    pub client: Client,
    /// Whether questions may be asked.
    pub interactive: bool,
    pub origin: Origin,
    /// What the command could not do.
    pub hints: Hints,
    /// The plug-ins that are left out.
    pub plugins: Vec<Plugin>,
    /// See [`super::exit_status`].
    pub exit_status: u8,
    /// The exit status of the last command that no server would carry out.
    pub unserved: Option<u8>,
    /// Whether the server wanted credentials and nobody gave it the right ones.
    pub lacks_credentials: bool,
    keyboard: Keyboard,
    /// Whether failures are told on the standard error, because what is printed
    /// is for programs.
    pub is_quiet: bool,
    /// The line of a conversation that is being typed.
    pub typing: Typing,
    /// When the server was asked to restart.
    restart: Option<Instant>,
    /// Whether a command goes on though nobody reads what it prints.
    perseveres: bool,
    is_output_closed: bool,
    /// What was last said about a server that does not answer.
    explained: Option<String>,
    interrupts: Option<Interrupts>,
    /// Whether Ctrl-C is caught only to clear the screen before it ends the program.
    pub dies_of_interrupt: bool,
}

impl Session {
    /// A session that has talked to nobody yet.
    pub fn new(client: Client, interactive: bool) -> Session {
        Session {
            client,
            interactive,
            ..Session::default()
        }
    }

    /// Prints a line. Whatever it quotes is shown as text.
    pub fn print(&mut self, line: &str) -> Result<(), Failure> {
        self.write(format!("{}\n", plain::shown(line)).as_bytes())
    }

    /// Prints what may have several lines, such as an error of a configuration.
    pub fn print_lines(&mut self, lines: &str) -> Result<(), Failure> {
        self.write(format!("{}\n", plain::shown_lines(lines)).as_bytes())
    }

    /// Prints bytes as they are, at once.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.is_output_closed {
            return Ok(());
        }
        let mut output = io::stdout().lock();
        match output.write_all(bytes).and_then(|()| output.flush()) {
            Ok(()) => Ok(()),
            Err(_) if self.perseveres => {
                self.is_output_closed = true;
                Ok(())
            }
            Err(_) => Err(Failure::OutputClosed),
        }
    }

    /// Does something that is not to be left half done: these signals end the program
    /// when it is done, and that nobody reads what is printed is told then, too.
    pub fn persevere(
        &mut self,
        signals: &[Signal],
        work: impl FnOnce(&mut Session, &Held) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let held = Held::hold(signals).map_err(CallError::System)?;
        self.perseveres = true;
        let outcome = work(self, &held);
        self.perseveres = false;
        // One that is not caught ends the program here.
        drop(held);
        if std::mem::take(&mut self.is_output_closed) {
            return Err(Failure::OutputClosed);
        }
        // That is what Ctrl-C does in the shell.
        if signals.contains(&Signal::INT) && self.is_interrupted() {
            return Err(Failure::Interrupted);
        }
        outcome
    }

    /// Prints a line about a failure and keeps the exit status for it.
    pub fn fail(&mut self, exit_status: u8, line: &str) -> Result<(), Failure> {
        self.exit_status = exit_status;
        if self.is_quiet {
            screen::complain(line);
            return Ok(());
        }
        self.print(line)
    }

    /// The same for an error of a configuration, which may have several lines.
    pub fn refuse_lines(&mut self, lines: &str) -> Result<(), Failure> {
        self.exit_status = super::exit_status::GENERIC;
        self.print_lines(lines)
    }

    /// The same for a failure that has no exit status of its own.
    pub fn refuse(&mut self, line: &str) -> Result<(), Failure> {
        self.fail(super::exit_status::GENERIC, line)
    }

    /// Calls a method of the supervisor namespace; its fault is a value. A server
    /// that is restarting because it was asked to is waited for, where the method
    /// only asks.
    pub fn try_call(
        &mut self,
        method: &'static str,
        parameters: &[Value],
    ) -> Result<Result<Reply, Fault>, Failure> {
        loop {
            let outcome = self.client.call(method, parameters);
            let is_away = outcome.as_ref().is_err_and(|error| match error {
                CallError::Fault(fault) => fault.is(FaultCode::ShutdownState),
                error => error.is_refused() || error.is_missing(),
            });
            let is_restarting = || self.restart.is_some_and(|at| at.elapsed() < RESTART);
            if !(is_away && client::is_question(method) && is_restarting()) {
                return self.answer(outcome);
            }
            self.client.disconnect();
            self.pause(INTERVAL)?;
        }
    }

    /// Waits so long, or until Ctrl-C comes.
    pub fn pause(&mut self, time: Duration) -> Result<(), Failure> {
        let interrupt = self.interrupt()?;
        let sources: Vec<_> = interrupt.iter().map(AsFd::as_fd).collect();
        let ready = ready::wait_readable(&sources, Some(time));
        if ready.map_err(CallError::System)?.is_empty() {
            return Ok(());
        }
        self.is_interrupted();
        Err(Failure::Interrupted)
    }

    /// The server restarts now, as it was asked to.
    pub fn note_restart(&mut self) {
        self.restart = Some(Instant::now());
    }

    /// Sends a call on a connection of its own, and does not wait for the answer.
    pub fn send(
        &mut self,
        method: &'static str,
        parameters: &[Value],
    ) -> Result<PendingCall, Failure> {
        match self.client.send(method, parameters) {
            Ok(call) => Ok(call),
            Err(_) if self.is_interrupted() => Err(Failure::Interrupted),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the answer to a call that was sent.
    pub fn wait_for(&mut self, call: PendingCall) -> Result<Result<Reply, Fault>, Failure> {
        let outcome = call.answer();
        self.answer(outcome)
    }

    fn answer(
        &mut self,
        outcome: Result<Reply, CallError>,
    ) -> Result<Result<Reply, Fault>, Failure> {
        match outcome {
            Ok(reply) => {
                self.explained = None;
                Ok(Ok(reply))
            }
            // No command has words of its own for it: all others would be refused as well.
            Err(error) if error.is_readonly() => Err(error.into()),
            Err(CallError::Fault(fault)) => Ok(Err(fault)),
            Err(_) if self.is_interrupted() => Err(Failure::Interrupted),
            Err(error) => Err(error.into()),
        }
    }

    /// Calls a method whose faults this command has no words for.
    pub fn call(&mut self, method: &'static str, parameters: &[Value]) -> Result<Reply, Failure> {
        self.try_call(method, parameters)?.map_err(Failure::from)
    }

    /// Says on the standard error why the server cannot be reached, is none or refuses
    /// who asks, if it is that what went wrong; once for as long as nothing changes.
    pub fn explain(&mut self, error: &CallError) {
        let (origin, client) = (&self.origin, &self.client);
        let (url, shown) = (&client.url, &client.shown_url);
        let explanation = match error {
            CallError::System(error) => diagnosis::explain(origin, url, shown, error),
            CallError::UnknownProtocol(_) | CallError::Port(_) => {
                Some(diagnosis::explain_url(origin, url, shown))
            }
            error if error.is_unauthorized() => {
                let username = client.username.as_deref();
                Some(diagnosis::explain_refusal(origin, shown, username))
            }
            error if error.is_readonly() => Some(diagnosis::explain_readonly(origin, shown)),
            _ => None,
        };
        if let Some(explanation) = explanation
            && self.explained.as_ref() != Some(&explanation)
        {
            terminal::complain(&explanation);
            self.explained = Some(explanation);
        }
    }

    /// Explains what the command could not do, as far as the server can tell.
    pub fn tell_hints(&mut self) {
        let mut hints = std::mem::take(&mut self.hints);
        if screen::shows_progress() {
            for name in hints.take_failed() {
                if !self.tell_why(&name) {
                    hints.add_failed(&name);
                }
            }
        }
        if hints.is_empty() {
            return;
        }
        let live = live::ask(self.client.another(), Lists::Groups, HINT_LIMIT);
        for line in hints.lines(&live) {
            screen::complain(&line);
        }
    }

    /// Says why a process has not started, to a person; whether the server can tell.
    fn tell_why(&mut self, name: &str) -> bool {
        let outcome = self.client.call("explainProcess", &[Value::string(name)]);
        let Ok(reply) = outcome else {
            return false;
        };
        for line in explanation::first_lines(&Facts::read(&reply.value)) {
            screen::complain(&line);
        }
        screen::complain(&format!("To see more: supervisorctl explain {name}"));
        true
    }

    /// All processes, as the server lists them.
    pub fn processes(&mut self) -> Result<Vec<ProcessInfo>, Failure> {
        self.call("getAllProcessInfo", &[])?.processes()
    }

    /// From here on Ctrl-C ends what is waited for instead of the program.
    pub fn catch_interrupts(&mut self) -> Result<(), Failure> {
        if self.interrupts.is_some() {
            return Ok(());
        }
        let interrupts = Interrupts::catch().map_err(CallError::System)?;
        let for_client = interrupts.descriptor().map_err(CallError::System)?;
        self.client.watch(for_client);
        self.interrupts = Some(interrupts);
        Ok(())
    }

    /// The same where Ctrl-C is to end the program all the same, after the screen
    /// has been cleared. Where it is caught already nothing changes.
    pub fn delay_interrupts(&mut self) -> Result<(), Failure> {
        self.dies_of_interrupt |= self.interrupts.is_none();
        self.catch_interrupts()
    }

    /// Whether Ctrl-C has come since the last question.
    pub fn is_interrupted(&self) -> bool {
        self.interrupts.as_ref().is_some_and(Interrupts::take)
    }

    /// From here on commands are edited where the terminal allows it.
    pub fn edit_lines(&mut self, history_file: Option<&str>) {
        self.keyboard.edit(history_file);
    }

    /// Whether commands are edited: then a line ends on the screen however it
    /// ends.
    pub fn is_editing(&self) -> bool {
        self.keyboard.is_editing()
    }

    /// Whether somebody sits at a terminal.
    pub fn is_at_terminal(&self) -> bool {
        self.keyboard.is_terminal()
    }

    /// Prompts for a command.
    pub fn ask_for_command(&mut self, prompt: &str) -> Result<String, Failure> {
        let interrupt = self.interrupts.as_ref().map(Interrupts::readable);
        self.keyboard.command(prompt, &self.client, interrupt)
    }

    /// Forgets Ctrl-C, and what was typed ahead of it.
    pub fn forget_interrupt(&mut self) {
        let _ = self.is_interrupted();
        self.keyboard.forget_pending();
    }

    /// Readable while Ctrl-C waits to be taken note of, once it is caught.
    pub fn interrupt(&self) -> Result<Option<OwnedFd>, Failure> {
        let descriptor = self.interrupts.as_ref().map(Interrupts::descriptor);
        Ok(descriptor.transpose().map_err(CallError::System)?)
    }

    /// From here on lines of a conversation are edited where the terminal allows
    /// it. Says whether it does.
    pub fn edit_conversation(&mut self) -> bool {
        self.keyboard.edit_conversation()
    }

    /// Asks for a line of a conversation. Until it has come, what is written by
    /// way of [`Session::typing`] stands above the prompt.
    pub fn ask_line(&mut self, prompt: &str) -> Result<String, Failure> {
        if let Some(line) = self.keyboard.edited_line(prompt, &self.typing) {
            return line;
        }
        self.typing
            .show_prompt(prompt)
            .map_err(|_| Failure::OutputClosed)?;
        let line = self.ask_unedited();
        self.typing.end();
        line
    }

    /// Reads a line for a process, without a word.
    pub fn ask_process_line(&mut self) -> Result<String, Failure> {
        let line = self.ask_unedited();
        if matches!(line, Err(Failure::Interrupted)) {
            self.is_interrupted();
        }
        line
    }

    /// Reads a line while something else may write to the terminal.
    fn ask_unedited(&mut self) -> Result<String, Failure> {
        let interrupt = self.interrupts.as_ref().map(Interrupts::readable);
        self.keyboard.line("", interrupt)
    }

    /// Asks a question and reads a line.
    pub fn ask(&mut self, question: &str) -> Result<String, Failure> {
        let interrupt = self.interrupts.as_ref().map(Interrupts::readable);
        self.keyboard.answer(question, interrupt)
    }

    /// Asks a question whose answer is not shown while it is typed. Without a
    /// terminal the answer is the next line of the input.
    pub fn ask_hidden(&mut self, question: &str) -> Result<String, Failure> {
        // The echo must come back on even after Ctrl-C.
        self.catch_interrupts()?;
        let interrupt = self.interrupts.as_ref().map(Interrupts::readable);
        self.keyboard.hidden_answer(question, interrupt)
    }
}
