//! What becomes of the health of processes: the state machine hears that one is ready, those
//! that are not healthy any more are restarted within their policy, and everybody is told.
//! Checks that are commands are run here, as helpers of the process that they look at.

use std::time::Duration;

use crate::config::FailureAction;
use crate::config::command::Command;
use crate::events::event::{Event, Subject};
use crate::loop_context::LoopContext;
use crate::process::group::namespec;
use crate::process::health::probe::Outcome;
use crate::process::health::signs;
use crate::process::health::watch::{News, Watch};
use crate::process::helper::{Helper, HelperEnd};
use crate::process::machine::Input;
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::supervisor::Supervisor;
use crate::sys::errno;
use crate::sys::poller::Token;
use crate::termination::Termination;
use crate::tokens::{ProcessId, Timer};
use crate::vec_map::VecMap;

/// What a check is called in the log.
const CHECK: &str = "check";

/// How much of the output of a check is kept, for its last line.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// What a command that follows a failure is called in the log.
const ACTION: &str = "liveness_check_failure_action";

/// How long it may take.
const ACTION_TIME: Duration = Duration::from_secs(30);

/// The commands that run, by pid.
#[derive(Debug, Default)]
pub struct Checkers {
    running: VecMap<i32, Checker>,
}

saved! { struct Checkers { running } }

#[derive(Debug)]
struct Checker {
    /// The process that it looks at.
    id: ProcessId,
    name: String,
    /// What it is called in the log.
    what: &'static str,
    /// Its answer is waited for.
    is_awaited: bool,
    helper: Helper,
}

saved! { struct Checker { id, name, what, is_awaited, helper } }

impl Supervisor {
    /// Something has come that tells of the health of a process.
    pub fn hear_of_health(&mut self, context: &mut LoopContext, id: ProcessId, token: Token) {
        let watch = self.watch(id);
        let news = watch.map_or_else(Vec::new, |watch| watch.handle(context, token));
        self.act_on(context, id, news);
    }

    /// A check of a process is to be made, or something has not come in time.
    pub fn health_due(&mut self, context: &mut LoopContext, id: ProcessId) {
        let watch = self.watch(id);
        let news = watch.map_or_else(Vec::new, |watch| watch.due(context));
        self.act_on(context, id, news);
    }

    /// A process has entered a state: which checks are made depends on that.
    pub(super) fn note_health(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        entered: ProcessState,
    ) {
        let now = context.now.monotonic;
        let Some(watch) = self.watch(id) else {
            return;
        };
        match entered {
            ProcessState::Running => {
                let news = watch.come_up(now);
                self.act_on(context, id, news);
            }
            ProcessState::Stopping | ProcessState::Unknown => {
                watch.pause(context);
                self.drop_checks(context, id);
                self.set_health_timer(context, id);
            }
            _ => self.drop_checks(context, id),
        }
    }

    fn watch(&mut self, id: ProcessId) -> Option<&mut Watch> {
        self.groups.process_mut(id)?.watch_mut()
    }

    fn set_health_timer(&self, context: &mut LoopContext, id: ProcessId) {
        let watch = self.groups.process(id).and_then(Subprocess::watch);
        let deadline = watch.and_then(Watch::deadline);
        context.timers.set(Timer::Health(id), deadline);
    }

    /// A process goes by other checks, and this has come of it.
    pub(super) fn note_other_checks(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        news: Vec<News>,
    ) {
        self.drop_checks(context, id);
        self.act_on(context, id, news);
    }

    fn act_on(&mut self, context: &mut LoopContext, id: ProcessId, news: Vec<News>) {
        for news in news {
            match news {
                News::Ready => {
                    let _ = self.feed(context, id, Input::Ready);
                }
                News::NotReady(reason) => {
                    let name = self.namespec_of(id);
                    context
                        .log
                        .info(format_args!("health: {name} is not ready yet, {reason}"));
                }
                News::Healthy => {
                    let name = self.namespec_of(id);
                    context.log.info(format_args!("health: {name} is healthy"));
                    self.tell_of_health(context, id, None);
                }
                News::Unhealthy(reason) => self.act_on_failure(context, id, reason),
                News::Run(command, time_limit) => {
                    self.start_check(context, id, &command, time_limit);
                }
            }
        }
        self.set_health_timer(context, id);
    }

    /// A process is not healthy any more.
    fn act_on_failure(&mut self, context: &mut LoopContext, id: ProcessId, reason: String) {
        // One that has ended is not unhealthy.
        self.reap_process(context, id);
        let process = self.groups.process(id);
        let Some(process) = process.filter(|process| process.watch().is_some()) else {
            return;
        };
        let name = namespec(process.group_name(), &process.config().name);
        let checks = process.config().checks.as_ref();
        let action = checks.map(|checks| checks.liveness_check_failure_action.clone());
        let action = action.unwrap_or_default();
        let what = match &action {
            FailureAction::Restart => ", restarting it",
            FailureAction::Stop => ", stopping it",
            FailureAction::None => "",
            FailureAction::Command(_) => ", running its liveness_check_failure_action",
        };
        context
            .log
            .warn(format_args!("health: {name} is unhealthy, {reason}{what}"));
        self.tell_of_health(context, id, Some(&reason));
        match action {
            FailureAction::None => {}
            FailureAction::Command(command) => {
                let mut checkers = self.checkers.running.values();
                let runs = checkers.any(|checker| checker.id == id && checker.what == ACTION);
                let variables = vec![("SUPERVISOR_REASON", reason)];
                let started = match runs {
                    true => Err("the last one is still running".to_owned()),
                    false => {
                        self.run_checker(context, id, ACTION, &command, variables, ACTION_TIME)
                    }
                };
                if let Err(reason) = started {
                    context
                        .log
                        .warn(format_args!("{name}: its {ACTION} cannot be run: {reason}"));
                }
            }
            FailureAction::Restart | FailureAction::Stop => {
                let restarts = action == FailureAction::Restart;
                // A signal that cannot be sent has been logged.
                let key = "liveness_check";
                let input = Input::Unhealthy {
                    key,
                    reason,
                    restarts,
                };
                let _ = self.feed(context, id, input);
            }
        }
    }

    fn tell_of_health(&mut self, context: &mut LoopContext, id: ProcessId, reason: Option<&str>) {
        let Some(process) = self.groups.process(id) else {
            return;
        };
        let (name, group) = process.names();
        let subject = Subject {
            process: &name,
            group: &group,
        };
        let event = Event::health(subject, process.machine().pid(), reason);
        // Who waits for its health is asked.
        self.changed = true;
        self.note_news(id);
        self.emit(context, &event);
    }

    fn namespec_of(&self, id: ProcessId) -> String {
        let process = self.groups.process(id);
        process.map_or_else(String::new, |process| {
            namespec(process.group_name(), &process.config().name)
        })
    }

    /// Makes a check by a command.
    fn start_check(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        command: &Command,
        time_limit: Duration,
    ) {
        let started = self.run_checker(context, id, CHECK, command, Vec::new(), time_limit);
        if let Err(reason) = started {
            self.take_answer(context, id, Err(format!("cannot be run: {reason}")));
        }
    }

    fn run_checker(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        what: &'static str,
        command: &Command,
        mut variables: Vec<(&str, String)>,
        time_limit: Duration,
    ) -> Result<(), String> {
        let process = self.groups.process(id);
        let process = process.ok_or("the process has gone")?;
        let pid = process.machine().pid().to_string();
        variables.push(("SUPERVISOR_PROCESS_PID", pid));
        let kept: (&[u8], usize) = (&[], OUTPUT_LIMIT);
        let helper = self.run_helper(context, process, command, &variables, kept, time_limit)?;
        let checker = Checker {
            id,
            name: namespec(process.group_name(), &process.config().name),
            what,
            is_awaited: what == CHECK,
            helper,
        };
        self.checkers.running.insert(checker.helper.pid(), checker);
        Ok(())
    }

    /// A check by a command has come to its end.
    fn take_answer(&mut self, context: &mut LoopContext, id: ProcessId, outcome: Outcome) {
        let now = context.now.monotonic;
        let watch = self.watch(id);
        let news = watch.map_or_else(Vec::new, |watch| watch.finish_check(outcome, now));
        self.act_on(context, id, news);
    }

    /// Ends the checks of a process whose child is being stopped or has ended.
    fn drop_checks(&mut self, context: &mut LoopContext, id: ProcessId) {
        for checker in self.checkers.running.values_mut() {
            if checker.id == id && std::mem::take(&mut checker.is_awaited) {
                tell_unkillable(context, checker, checker.helper.kill());
            }
        }
    }

    /// A pipe of a command is ready.
    pub(super) fn handle_checker(&mut self, context: &mut LoopContext, pid: i32, token: Token) {
        if let Some(checker) = self.checkers.running.get_mut(&pid) {
            checker.helper.handle(context, token);
        }
    }

    /// A command has had its time.
    pub(super) fn checker_due(&mut self, context: &mut LoopContext, pid: i32) {
        if let Some(checker) = self.checkers.running.get_mut(&pid) {
            let killed = checker.helper.expire();
            tell_unkillable(context, checker, killed);
        }
    }

    /// A child has ended. If it was a check, its end is the answer; false if it was none.
    pub(super) fn finish_checker(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        end: Termination,
        error: Option<String>,
    ) -> bool {
        let Some(checker) = self.checkers.running.remove(&pid) else {
            return false;
        };
        let (end, output) = checker.helper.finish(context, end, error);
        let outcome = match end {
            HelperEnd::Ended(Termination::Exited(0)) => Ok(()),
            HelperEnd::Ended(end) => Err(match last_line(&output) {
                line if line.is_empty() => format!("check ended with {end}"),
                line => line,
            }),
            HelperEnd::Overdue(_) => {
                let watch = self.watch(checker.id);
                Err(watch.map_or_else(String::new, |watch| watch.too_late()))
            }
            HelperEnd::NotStarted(error) => Err(format!("cannot be run: {error}")),
        };
        match (outcome, checker.is_awaited) {
            (outcome, true) => self.take_answer(context, checker.id, outcome),
            (Err(reason), false) if checker.what != CHECK => {
                let (name, what) = (checker.name, checker.what);
                context.log.warn(format_args!(
                    "{name}: its {what} (pid {pid}) has failed: {reason}"
                ));
            }
            (_, false) => {}
        }
        true
    }

    /// When every process is stopped: kills the commands that still run. False while there are
    /// some to be collected.
    pub(super) fn end_checkers(&mut self, context: &mut LoopContext) -> bool {
        let killed = self.checkers.running.iter();
        let unkillable: Vec<_> = killed
            .filter_map(|(pid, checker)| {
                let killed = checker.helper.kill();
                killed.is_err().then(|| {
                    tell_unkillable(context, checker, killed);
                    *pid
                })
            })
            .collect();
        // Nobody is to wait for those.
        for pid in unkillable {
            self.checkers.running.remove(&pid);
        }
        self.checkers.running.is_empty()
    }
}

fn tell_unkillable(context: &mut LoopContext, checker: &Checker, killed: Result<(), i32>) {
    if let Err(error) = killed {
        let (name, what, pid) = (&checker.name, checker.what, checker.helper.pid());
        context.log.error(format_args!(
            "{name}: its {what} (pid {pid}) cannot be killed: {}",
            errno::bracketed(error)
        ));
    }
}

/// The last line of an output that says something.
fn last_line(output: &[u8]) -> String {
    let mut lines = output.rsplit(|byte| *byte == b'\n');
    let line = lines.find(|line| !line.trim_ascii().is_empty());
    signs::shown(line.unwrap_or_default())
}
