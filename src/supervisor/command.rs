//! The command after `--`, which has the standard streams of supervisord, and its terminal.

use crate::process::subprocess::Subprocess;
use crate::supervisor::Supervisor;
use crate::tokens::ProcessId;

impl Supervisor {
    /// Whether the command line names commands, which end with the terminal they were typed on.
    pub fn runs_commands(&self) -> bool {
        !self.request.overrides.commands.is_empty()
    }

    /// After a child has ended: it needs no terminal any more.
    pub(super) fn take_terminal_back(&self, id: ProcessId) {
        let process = self.groups.process(id);
        if let Some(terminal) = &self.child_settings.terminal
            && process.is_some_and(|process| process.config().inherits_streams)
        {
            terminal.take_back();
        }
    }

    /// If the command was stopped: passes that on, and goes on when everything does.
    pub fn go_on_with_stopped_command(&self) {
        let Some(terminal) = &self.child_settings.terminal else {
            return;
        };
        let processes = self.groups.iter().flat_map(|group| &group.processes);
        let mut commands = processes.filter(|process| process.config().inherits_streams);
        let pid = commands
            .next()
            .map(Subprocess::machine)
            .map(|machine| machine.pid());
        if let Some(pid) = pid.filter(|pid| *pid > 0) {
            terminal.pass_stop_on(pid);
        }
    }
}
