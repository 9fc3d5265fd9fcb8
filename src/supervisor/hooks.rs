//! Running the hooks of processes: as helpers with the user, the directory and the variables of
//! the process, with what they write in its log, up to a limit. The state machine says when.

use std::time::Duration;

use crate::loop_context::LoopContext;
use crate::process::helper::{Helper, HelperEnd};
use crate::process::hook_output::HookOutput;
use crate::process::machine::{Hook, Input};
use crate::process::policy;
use crate::process::subprocess::Subprocess;
use crate::signal::Signal;
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::sys::poller::Token;
use crate::sys::{errno, kill};
use crate::termination::Termination;
use crate::text::plain;
use crate::tokens::{ProcessId, Timer};
use crate::vec_map::VecMap;

/// How much of what a hook writes goes to the log.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// The hooks that run, by pid.
#[derive(Debug, Default)]
pub struct Hooks {
    running: VecMap<i32, RunningHook>,
    /// Everything is being killed, and nobody waits for hooks any more.
    are_over: bool,
}

saved! { struct Hooks { running, are_over } }

#[derive(Debug)]
struct RunningHook {
    process: ProcessId,
    hook: Hook,
    /// Of the process.
    name: String,
    helper: Helper,
    output: HookOutput,
    /// It has written more than goes to the log.
    is_cut: bool,
}

saved! { struct RunningHook { process, hook, name, helper, output, is_cut } }

impl Hooks {
    pub fn has(&self, pid: i32) -> bool {
        self.running.get(&pid).is_some()
    }

    pub fn have_ended(&self) -> bool {
        self.running.is_empty()
    }

    fn of_process(&mut self, id: ProcessId) -> Option<&mut RunningHook> {
        self.running.values_mut().find(|hook| hook.process == id)
    }
}

impl RunningHook {
    /// Passes on what has been read.
    fn write(&mut self, context: &mut LoopContext, output: &[u8]) {
        if !output.is_empty() {
            self.output.write(context, output);
        }
        if self.helper.is_cut() && !std::mem::replace(&mut self.is_cut, true) {
            context.log.warn(format_args!(
                "{}: its {} writes more than {OUTPUT_LIMIT} bytes, the rest is not in the log",
                self.name,
                self.hook.key()
            ));
        }
    }

    /// Sets the time for a line without an end, if there is one.
    fn await_line(&self, context: &mut LoopContext) {
        let timer = Timer::HookLine(self.helper.pid());
        context.timers.set(timer, self.output.line_deadline());
    }

    /// Closes its logs; what it has written last is in them.
    fn close(self, context: &mut LoopContext) -> Helper {
        let timer = Timer::HookLine(self.helper.pid());
        context.timers.set(timer, None);
        self.output.close(context);
        self.helper
    }
}

impl Supervisor {
    /// Runs a hook; the error is why it does not.
    pub(super) fn start_hook(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        hook: Hook,
    ) -> Result<(), String> {
        let process = self
            .groups
            .process(id)
            .ok_or("cannot be run: its group has gone")?;
        let config = process.config();
        let command = hook.command(config).ok_or("is not configured")?;
        if self.hooks.are_over {
            return Err("is not run, for everything is being killed".to_owned());
        }
        let configured = config.hooks.as_ref().map(|hooks| hooks.hook_timeout);
        let time_limit = match hook {
            Hook::StopCommand => policy::stop_time(config).unwrap_or(Duration::MAX),
            _ => configured.unwrap_or_default(),
        };
        let name = config.name.clone();
        let mut output = process.hook_output(context, &self.child_settings);
        let output_limit = match output.is_kept() {
            true => OUTPUT_LIMIT,
            false => 0,
        };
        let variables = variables(process, hook);
        let started = self.run_helper(
            context,
            process,
            command,
            &variables,
            (&[], output_limit),
            time_limit,
        );
        let helper = match started {
            Ok(helper) => helper,
            Err(error) => {
                output.close(context);
                return Err(format!("cannot be run: {}", plain::shown(&error)));
            }
        };
        let pid = helper.pid();
        output.set_pid(pid);
        context.log.debug(format_args!(
            "{name}: its {} runs with pid {pid}",
            hook.key()
        ));
        let running = RunningHook {
            process: id,
            hook,
            name,
            helper,
            output,
            is_cut: false,
        };
        self.hooks.running.insert(pid, running);
        Ok(())
    }

    /// Sends a signal to what a hook has started, and to itself.
    pub(super) fn signal_hook(&mut self, id: ProcessId, signal: Signal) {
        let Some(running) = self.hooks.of_process(id) else {
            return;
        };
        // One that cannot be signalled has its time limit.
        let _ = match signal {
            Signal::KILL => running.helper.kill(),
            signal => kill::kill_group(running.helper.pid(), signal),
        };
    }

    /// A pipe of a hook is ready. False if there is none of that pid.
    pub(super) fn handle_hook(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        token: Token,
    ) -> bool {
        let Some(running) = self.hooks.running.get_mut(&pid) else {
            return false;
        };
        running.helper.handle(context, token);
        let output = running.helper.take_output();
        running.write(context, &output);
        running.await_line(context);
        true
    }

    /// A line of a hook has waited for its end for long enough.
    pub fn hook_line_due(&mut self, context: &mut LoopContext, pid: i32) {
        if let Some(running) = self.hooks.running.get_mut(&pid) {
            running.output.line_due(context);
            running.await_line(context);
        }
    }

    /// A hook has had its time. False if there is none of that pid.
    pub(super) fn hook_due(&mut self, context: &mut LoopContext, pid: i32) -> bool {
        let Some(running) = self.hooks.running.get_mut(&pid) else {
            return false;
        };
        let (name, key) = (&running.name, running.hook.key());
        context.log.warn(format_args!(
            "{name}: its {key} (pid {pid}) takes too long, killing it"
        ));
        let Err(error) = running.helper.expire() else {
            return true;
        };
        // Nothing can be done about it, and the process is not to wait for it.
        let reason = format!("cannot be killed: {}", errno::text(error));
        if let Some(running) = self.hooks.running.remove(&pid) {
            let id = running.process;
            let helper = running.close(context);
            helper.finish(context, Termination::Unknown(0), None);
            let _ = self.feed(context, id, Input::HookEnded(Err(reason)));
        }
        true
    }

    /// A hook has ended; `error` tells why it has not become its command.
    pub(super) fn finish_hook(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        end: Termination,
        error: Option<String>,
    ) {
        let Some(mut running) = self.hooks.running.remove(&pid) else {
            return;
        };
        let output = running.helper.drain(context);
        running.write(context, &output);
        let id = running.process;
        let (end, _) = running.close(context).finish(context, end, error);
        let outcome = match end {
            HelperEnd::Ended(Termination::Exited(0)) => Ok(()),
            HelperEnd::Ended(end) => Err(format!("failed ({end})")),
            HelperEnd::Overdue(_) => Err("failed (it took too long and was killed)".to_owned()),
            HelperEnd::NotStarted(error) => Err(format!("cannot be run: {}", plain::shown(&error))),
        };
        let _ = self.feed(context, id, Input::HookEnded(outcome));
        // Who waits for the process may have waited for this.
        self.changed = true;
    }

    /// Kills the hooks that run, and lets no other begin.
    pub(super) fn kill_hooks(&mut self) {
        self.hooks.are_over = true;
        for running in self.hooks.running.values() {
            // One that cannot be killed has its time limit.
            let _ = running.helper.kill();
        }
    }
}

/// What a hook is told of its process, beside the variables of that.
fn variables(process: &Subprocess, hook: Hook) -> Vec<(&'static str, String)> {
    let machine = process.machine();
    let end = machine.last_end();
    let pid = match machine.pid() {
        0 => end.map(|(pid, _)| pid),
        pid => Some(pid),
    };
    let mut variables = Vec::new();
    if let Some(pid) = pid {
        variables.push(("SUPERVISOR_PROCESS_PID", pid.to_string()));
    }
    if !matches!(hook, Hook::PostStop | Hook::Fatal) {
        return variables;
    }
    let (mut status, mut signal, mut reason) = (String::new(), String::new(), String::new());
    if let Some((_, end)) = end {
        match end {
            Termination::Exited(number) => status = number.to_string(),
            Termination::Signaled { signal: number, .. } => {
                signal = Signal::delivered(number).to_string();
            }
            Termination::Unknown(_) => {}
        }
        reason = end.to_string();
    }
    let error = machine.spawn_error();
    if !error.is_empty() {
        reason = error.to_owned();
    }
    variables.extend([
        ("SUPERVISOR_EXIT_STATUS", status),
        ("SUPERVISOR_EXIT_SIGNAL", signal),
        ("SUPERVISOR_REASON", reason),
    ]);
    variables
}
