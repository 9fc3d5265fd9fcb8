//! Processes that depend on others: what the plan of dependencies is told, and what is done of
//! what it says. There is a plan only where a process of an active group depends on
//! something.

use std::collections::VecDeque;

use crate::config;
use crate::config::dependencies::default_condition;
use crate::dependencies::condition::Observed;
use crate::dependencies::graph::Described;
use crate::dependencies::plan::missing::Missing;
use crate::dependencies::plan::{Cause, Plan, Step};
use crate::loop_context::LoopContext;
use crate::process::group::{Group, namespec};
use crate::process::health::Health;
use crate::process::machine::Input;
use crate::process::policy;
use crate::process::scheduler::Member;
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::supervisor::Supervisor;
use crate::tokens::{ProcessId, Timer};
use crate::vec_map::VecMap;

/// The plan, and what it is to be told.
#[derive(Debug, Default)]
pub struct Dependencies {
    plan: Plan,
    /// Groups came or went, or names mean something else.
    is_outdated: bool,
    /// Processes that have entered a state, and whether they were RUNNING before.
    entered: Vec<(ProcessId, bool)>,
    /// How those are to be stopped that others are to go before, where that is not as usual.
    inputs: VecMap<ProcessId, Input>,
}

saved! { struct Dependencies { plan, is_outdated, entered, inputs } }

/// What became of a start that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It was made.
    Started,
    Waits,
    /// It was refused, and why.
    Failed(String),
}

/// Whether the liveness check of a process has succeeded.
fn is_healthy(process: &Subprocess) -> bool {
    process.health() == Some(Health::Healthy)
}

fn described(group: &Group, process: &Subprocess) -> Described {
    Described {
        id: process.id(),
        name: namespec(process.group_name(), &process.config().name),
        priorities: (group.config.priority, process.config().priority),
        default_condition: default_condition(process.config()),
    }
}

fn depends(process: &config::Process) -> bool {
    let dependencies = process.dependencies.as_deref();
    dependencies.is_some_and(|dependencies| !dependencies.depends_on.is_empty())
}

impl Supervisor {
    fn observed(&self, process: &Subprocess) -> Observed {
        let (machine, config) = (process.machine(), process.config());
        Observed {
            state: machine.state(),
            has_child: machine.pid() != 0,
            comes_back: machine.waits_for_restart(),
            has_succeeded: config.exitcodes.contains(&machine.exit_status()),
            is_healthy: is_healthy(process),
            is_disabled: self.is_disabled(process),
        }
    }

    /// A process was disabled, or enabled: then it starts if others wait for it.
    pub(super) fn note_disabled(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        is_disabled: bool,
    ) {
        let mut steps = Vec::new();
        let Some(dependencies) = &mut self.dependencies else {
            return;
        };
        if is_disabled {
            dependencies.plan.disable(id, &mut steps);
        }
        dependencies.entered.push((id, false));
        self.take_steps(context, steps);
        if !is_disabled && self.plan().is_some_and(|plan| plan.is_waited_for(id)) {
            self.want(context, id, Cause::Autostart);
        }
    }

    /// A group came or went, or the configuration was read again.
    pub(super) fn note_group(&mut self, group: &config::Group) {
        let processes = &group.processes;
        if self.dependencies.is_none() && processes.iter().any(|process| depends(process)) {
            self.dependencies = Some(Box::default());
        }
        self.outdate_dependencies();
    }

    /// What names of dependencies stand for may have changed.
    pub fn outdate_dependencies(&mut self) {
        if let Some(dependencies) = &mut self.dependencies {
            dependencies.is_outdated = true;
        }
    }

    /// A process has entered a state, or has been given its child.
    pub(super) fn note_entered(&mut self, id: ProcessId, from: ProcessState) {
        if let Some(dependencies) = &mut self.dependencies {
            let was_running = from == ProcessState::Running;
            dependencies.entered.push((id, was_running));
        }
    }

    /// Something other than the state of a process is new, such as its health.
    pub(super) fn note_news(&mut self, id: ProcessId) {
        if let Some(dependencies) = &mut self.dependencies {
            dependencies.entered.push((id, false));
        }
    }

    /// Everything goes down: nothing waits for its start any more.
    pub(super) fn drop_wishes(&mut self) {
        if let Some(dependencies) = &mut self.dependencies {
            dependencies.plan.drop_all();
            // Who waits for such a start is told.
            self.changed = true;
        }
    }

    /// Takes the steps that have become possible.
    pub fn advance_dependencies(&mut self, context: &mut LoopContext) {
        self.take_steps(context, Vec::new());
    }

    /// Starts a process on request, or notes that it is to start when it can.
    pub fn ask_for_start(&mut self, context: &mut LoopContext, id: ProcessId) -> Asked {
        let state = self
            .groups
            .process(id)
            .map(|process| process.machine().state());
        if state == Some(ProcessState::Stopping) || !self.is_planned(context, id) {
            // Nothing is signalled, so nothing can fail.
            let _ = self.feed(context, id, Input::Start);
            return Asked::Started;
        }
        self.want(context, id, Cause::Request);
        if self.waits(id) {
            return Asked::Waits;
        }
        match self.start_failure(id) {
            Some(reason) => Asked::Failed(reason.to_owned()),
            None => Asked::Started,
        }
    }

    /// Starts a process that starts by itself, or notes that it is to.
    pub(super) fn start_by_itself(&mut self, context: &mut LoopContext, id: ProcessId) {
        match self.is_planned(context, id) {
            true => self.want(context, id, Cause::Autostart),
            false => drop(self.feed(context, id, Input::Start)),
        }
    }

    /// The time of a process comes that has waited since the last one: that run is given up.
    pub(super) fn give_up_wait(&mut self, context: &mut LoopContext, id: ProcessId) {
        let process = self.groups.process(id).filter(|_| self.waits(id));
        let Some((process, missing)) = process.and_then(|process| {
            let missing = self.waiting_for(process)?;
            Some((process, missing))
        }) else {
            return;
        };
        let name = namespec(process.group_name(), &process.config().name);
        context.log.warn(format_args!(
            "{name} has waited for {} until its next time: that run is given up",
            missing.text()
        ));
        let mut steps = Vec::new();
        if let Some(dependencies) = &mut self.dependencies {
            dependencies.plan.drop_wish(id, &mut steps);
        }
        self.take_steps(context, steps);
    }

    /// Whether the restart of a process whose time has come is not for its own state machine to
    /// make: what it depends on may be down.
    pub(super) fn takes_restart(&mut self, context: &mut LoopContext, id: ProcessId) -> bool {
        if self.dependencies.is_none() || self.state.is_going_down() {
            return false;
        }
        let restarts = self.groups.process(id).is_some_and(|process| {
            let machine = process.machine();
            let is_last = machine.state() == ProcessState::Backoff
                && policy::is_last(process.config(), machine.failed_starts());
            depends(process.config()) && machine.waits_for_restart() && !is_last
        });
        if restarts && self.is_planned(context, id) {
            self.want(context, id, Cause::Restart);
            return true;
        }
        false
    }

    /// Whether a process depends on others or is depended on.
    fn is_planned(&mut self, context: &mut LoopContext, id: ProcessId) -> bool {
        if self.dependencies.is_none() || self.state.is_going_down() {
            return false;
        }
        self.advance_dependencies(context);
        self.plan()
            .is_some_and(|plan| plan.graph().place(id).is_some())
    }

    pub fn plan(&self) -> Option<&Plan> {
        self.dependencies.as_deref().map(|own| &own.plan)
    }

    fn want(&mut self, context: &mut LoopContext, id: ProcessId, cause: Cause) {
        let mut steps = Vec::new();
        if let Some(dependencies) = &mut self.dependencies {
            let now = context.now.monotonic;
            dependencies.plan.want(id, cause, now, &mut steps);
        }
        self.take_steps(context, steps);
        // A request may have taken over what has waited by itself.
        if self.waits(id) {
            self.set_dependency_timer(context, id);
        }
    }

    /// Whether a process is to start and waits for others.
    pub fn waits(&self, id: ProcessId) -> bool {
        self.plan().is_some_and(|plan| plan.waits(id))
    }

    /// What a process waits for, each as it is.
    pub fn waiting_for(&self, process: &Subprocess) -> Option<Missing> {
        let missing = self.plan()?.missing(process.id());
        let waits = !missing.is_empty() && self.observed(process).has_ended();
        waits.then_some(missing)
    }

    /// Why a start that was asked for came to nothing.
    pub fn start_failure(&self, id: ProcessId) -> Option<&str> {
        self.plan()?.failure(id)
    }

    /// These are to stop by one request. What goes down with them is stopped, and what is to
    /// stop after others is held until they have: all else is for the caller to stop.
    pub fn begin_stop(&mut self, context: &mut LoopContext, ids: &[ProcessId]) {
        if self.dependencies.is_none() || self.state.is_going_down() {
            return;
        }
        self.advance_dependencies(context);
        let mut steps = Vec::new();
        if let Some(dependencies) = &mut self.dependencies {
            let now = context.now.monotonic;
            dependencies.plan.stop(ids, now, &mut steps);
            for id in ids {
                context.timers.set(Timer::Dependency(*id), None);
            }
        }
        // Who waits for their start is told.
        self.changed = true;
        steps.retain(|step| !matches!(step, Step::Stop(id) if ids.contains(id)));
        self.take_steps(context, steps);
    }

    /// These are restarted one after the other: nothing goes down with them.
    pub fn begin_roll(&mut self, ids: &[ProcessId]) {
        if let Some(dependencies) = &mut self.dependencies {
            dependencies.plan.roll(ids);
        }
    }

    /// Keeps how a process is to be stopped that others are to go before; false if it can be
    /// stopped now.
    pub fn holds_stop(&mut self, id: ProcessId, input: Input) -> bool {
        let Some(dependencies) = self.dependencies.as_mut() else {
            return false;
        };
        let is_held = dependencies.plan.is_held(id);
        if is_held {
            dependencies.inputs.insert(id, input);
        }
        is_held
    }

    /// Those that are up or wait for their start and depend on one of these, all the way.
    pub fn wanted_dependants(
        &mut self,
        context: &mut LoopContext,
        ids: &[ProcessId],
    ) -> Vec<ProcessId> {
        self.advance_dependencies(context);
        let plan = self.plan();
        plan.map_or_else(Vec::new, |plan| plan.wanted_dependants(ids))
    }

    /// The time of a process that waits may be over.
    pub fn dependency_due(&mut self, context: &mut LoopContext, id: ProcessId) {
        let mut steps = Vec::new();
        if let Some(dependencies) = &mut self.dependencies {
            dependencies.plan.due(id, context.now.monotonic, &mut steps);
        }
        self.take_steps(context, steps);
        self.set_dependency_timer(context, id);
    }

    fn set_dependency_timer(&self, context: &mut LoopContext, id: ProcessId) {
        let next = self.plan().and_then(|plan| plan.next_look(id));
        context.timers.set(Timer::Dependency(id), next);
    }

    /// Takes steps, and those that they lead to.
    fn take_steps(&mut self, context: &mut LoopContext, mut steps: Vec<Step>) {
        if self.dependencies.is_none() {
            return;
        }
        self.renew_plan(&mut steps);
        let mut queue = VecDeque::from(steps);
        loop {
            while let Some(step) = queue.pop_front() {
                let mut next = Vec::new();
                self.take_step(context, step, &mut next);
                queue.extend(next);
            }
            let Some(dependencies) = &mut self.dependencies else {
                return;
            };
            let entered = std::mem::take(&mut dependencies.entered);
            if entered.is_empty() || self.state.is_going_down() {
                return;
            }
            let mut next = Vec::new();
            for (id, was_running) in entered {
                self.observe(context, id, was_running, &mut next);
            }
            queue.extend(next);
        }
    }

    fn observe(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        was_running: bool,
        steps: &mut Vec<Step>,
    ) {
        let observed = self
            .groups
            .process(id)
            .map(|process| self.observed(process));
        if let Some((dependencies, observed)) = self.dependencies.as_mut().zip(observed) {
            let now = context.now.monotonic;
            let plan = &mut dependencies.plan;
            plan.observe(id, observed, was_running, now, steps);
            if plan.next_look(id).is_none() && context.timers.is_set(Timer::Dependency(id)) {
                context.timers.set(Timer::Dependency(id), None);
            }
        }
    }

    fn take_step(&mut self, context: &mut LoopContext, step: Step, next: &mut Vec<Step>) {
        let (Step::Start(id, _)
        | Step::Wait(id)
        | Step::StillWaits(id)
        | Step::Fail(id)
        | Step::Follow(id)
        | Step::Stop(id)) = step;
        let Some(process) = self.groups.process(id) else {
            return;
        };
        let waits_for_restart = process.machine().waits_for_restart();
        let name = namespec(process.group_name(), &process.config().name);
        let missing = || {
            let missing = self.plan().map(|plan| plan.missing(id));
            missing.unwrap_or_default().text()
        };
        match step {
            Step::Start(_, cause) => {
                context.timers.set(Timer::Dependency(id), None);
                let input = match cause {
                    Cause::Restart if waits_for_restart => Input::Due,
                    _ => Input::Start,
                };
                // Nothing is signalled, so nothing can fail.
                let _ = self.feed(context, id, input);
                self.observe(context, id, false, next);
            }
            Step::Wait(_) => {
                context
                    .log
                    .info(format_args!("{name} waits for {}", missing()));
                self.set_dependency_timer(context, id);
            }
            Step::StillWaits(_) => {
                let missing = missing();
                context
                    .log
                    .warn(format_args!("{name} waits for {missing} since a minute"));
            }
            Step::Fail(_) => {
                context.timers.set(Timer::Dependency(id), None);
                let reason = self.start_failure(id).unwrap_or_default();
                context
                    .log
                    .warn(format_args!("{name} is not started: {reason}"));
                // Who waits for it is told.
                self.changed = true;
            }
            Step::Follow(_) => {
                let what = self.plan().and_then(|plan| plan.followed(id));
                let reason = format!(
                    "stopped with {}, as depends_restart says",
                    what.unwrap_or_default()
                );
                context.log.info(format_args!("{name} is {reason}"));
                let _ = self.feed(context, id, Input::Follow(reason));
                self.set_dependency_timer(context, id);
            }
            Step::Stop(_) => {
                let dependencies = self.dependencies.as_mut();
                let input = dependencies.and_then(|own| own.inputs.remove(&id));
                // A signal that cannot be sent has been logged.
                let _ = self.feed(context, id, input.unwrap_or(Input::Stop));
            }
        }
    }

    /// A process as the scheduler is to see it: what is needed counts with the lowest priority
    /// of those that need it.
    pub(super) fn weighed<'a>(&self, member: Member<'a>) -> Member<'a> {
        let Some(graph) = self.plan().map(Plan::graph) else {
            return member;
        };
        let Some(node) = graph.place(member.id).and_then(|at| graph.nodes.get(at)) else {
            return member;
        };
        Member {
            group: (node.priorities.0, member.group.1),
            own: (node.priorities.1, member.own.1),
            rank: node.rank,
            ..member
        }
    }

    /// Whether a process is to be stopped after others that depend on it and have not ended.
    pub(super) fn has_living_dependants(&self, id: ProcessId, listeners: bool) -> bool {
        let Some(graph) = self.plan().map(Plan::graph) else {
            return false;
        };
        let nodes = graph.place(id).into_iter();
        let mut dependants = nodes.flat_map(|node| graph.dependants(node));
        dependants.any(|node| {
            let process = graph
                .nodes
                .get(node)
                .and_then(|node| self.groups.process(node.id));
            process.is_some_and(|process| {
                process.listener().is_some() == listeners && !process.machine().state().is_stopped()
            })
        })
    }
}

mod renewal;
