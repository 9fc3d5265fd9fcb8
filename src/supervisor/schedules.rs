//! Programs that the clock starts: when each is due is computed when its group is added, after
//! each of its times, and when the wall clock is set. The system's timer tells of both; it is
//! there while a program has a schedule.

use std::time::Duration;

use crate::clock::{Now, Timestamp};
use crate::loop_context::LoopContext;
use crate::process::group::{Group, namespec};
use crate::process::scheduler;
use crate::schedule::due::{self, Verdict};
use crate::schedule::expression::Schedule;
use crate::schedule::next;
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::sys::poller::{Interest, Token};
use crate::sys::time;
use crate::sys::wall_timer::{self, Armed};
use crate::tokens::{FdOwner, GroupId, ProcessId, Timer};

/// How often the clock is looked at where the system does not tell that it was set.
const LOOK: Duration = Duration::from_secs(60);

/// The programs, and what tells of their times.
#[derive(Debug, Default)]
pub struct Schedules {
    programs: Vec<ProcessId>,
    /// When their times were last looked at.
    looked_at: Now,
    timer: Option<Token>,
}

saved! { struct Schedules { programs, looked_at, timer } }

impl Supervisor {
    /// Computes the times of those of a group's programs that are meant.
    pub(super) fn add_schedules(
        &mut self,
        context: &mut LoopContext,
        id: GroupId,
        is_meant: impl Fn(ProcessId) -> bool,
    ) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let now = time::now();
        let is_first = self.schedules.programs.is_empty();
        for process in &mut group.processes {
            if let Some(schedule) = process.config().schedule()
                && is_meant(process.id())
            {
                let next = next_time(schedule, now);
                process.set_next_run(next);
                self.schedules.programs.push(process.id());
            }
        }
        if self.schedules.programs.is_empty() {
            return;
        }
        if is_first {
            self.schedules.looked_at = now;
        }
        self.await_schedules(context);
    }

    pub(super) fn remove_schedules(
        &mut self,
        context: &mut LoopContext,
        is_meant: impl Fn(ProcessId) -> bool,
    ) {
        let programs = &mut self.schedules.programs;
        let before = programs.len();
        programs.retain(|program| !is_meant(*program));
        if programs.len() != before {
            self.await_schedules(context);
        }
    }

    /// A time has come, or the clock was set: starts what is due.
    pub fn schedules_due(&mut self, context: &mut LoopContext) {
        let timer = self.schedules.timer;
        if let Some(timer) = timer.and_then(|timer| context.poller.descriptor(timer)) {
            wall_timer::drain(timer);
        }
        // What goes down starts nothing any more.
        if self.state.is_going_down() {
            return;
        }
        let now = context.now;
        let jump = due::jump(self.schedules.looked_at, now);
        self.schedules.looked_at = now;
        let mut due = Vec::new();
        for id in &self.schedules.programs {
            let Some(process) = self.groups.process_mut(*id) else {
                continue;
            };
            let (Some(schedule), Some(next)) = (process.config().schedule(), process.next_run())
            else {
                continue;
            };
            let verdict = due::verdict(schedule, next, now.wall.seconds, jump);
            if verdict != Verdict::Waits {
                let next = next_time(schedule, now);
                process.set_next_run(next);
            }
            if verdict == Verdict::Due {
                due.push(*id);
            }
        }
        let members = self.groups.iter().flat_map(Group::members);
        for id in scheduler::starting_order(members.filter(|member| due.contains(&member.id))) {
            self.start_scheduled(context, id);
        }
        self.await_schedules(context);
    }

    /// Where a schedule that is due becomes a start.
    fn start_scheduled(&mut self, context: &mut LoopContext, id: ProcessId) {
        let Some(process) = self.groups.process(id) else {
            return;
        };
        if self.is_disabled(process) {
            return;
        }
        let state = process.machine().state();
        let is_under_way = !state.is_stopped() || process.machine().pid() != 0;
        if is_under_way {
            let name = namespec(process.group_name(), &process.config().name);
            context.log.warn(format_args!(
                "{name} is {} when its schedule comes: it is not started a second time",
                state.name()
            ));
            return;
        }
        self.give_up_wait(context, id);
        self.start_by_itself(context, id);
    }

    /// Has the earliest of all times told, and the next setting of the clock.
    fn await_schedules(&mut self, context: &mut LoopContext) {
        let programs = self.schedules.programs.iter();
        let times = programs.filter_map(|id| self.groups.process(*id)?.next_run());
        let earliest = times.min();
        let Some(earliest) = earliest else {
            if let Some(timer) = self.schedules.timer.take() {
                context.poller.close(timer);
            }
            context.timers.set(Timer::Schedules, None);
            return;
        };
        let timer = self.schedules.timer.or_else(|| open(context));
        self.schedules.timer = timer;
        let descriptor = timer.and_then(|timer| context.poller.descriptor(timer));
        let armed = descriptor.and_then(|timer| wall_timer::arm(timer, earliest).ok());
        let now = context.now;
        let look = match armed {
            Some(Armed::Armed) => None,
            Some(Armed::ClockWasSet) => Some(Duration::ZERO),
            None => Some(until(earliest, now.wall).min(LOOK)),
        };
        // Never in this turn of the loop, for which the time stands still.
        let look = look.map(|wait| (now.monotonic + wait).just_after());
        context.timers.set(Timer::Schedules, look);
    }
}

/// The system's timer, in the poll set, if there is one to be had.
fn open(context: &mut LoopContext) -> Option<Token> {
    let timer = wall_timer::open().ok()?;
    let registered = context
        .poller
        .register(timer, Interest::READ, FdOwner::Schedules);
    registered.ok()
}

/// When a schedule comes next by local time.
fn next_time(schedule: &Schedule, now: Now) -> Option<i64> {
    next::next(schedule, now.wall.seconds, &|seconds| {
        let moment = Timestamp {
            seconds,
            nanoseconds: 0,
        };
        time::local(moment).utc_offset_seconds
    })
}

/// How long it is from now to that second.
fn until(second: i64, now: Timestamp) -> Duration {
    let seconds = u64::try_from(second.saturating_sub(now.seconds)).unwrap_or(0);
    let whole = Duration::from_secs(seconds);
    whole.saturating_sub(Duration::from_nanos(u64::from(now.nanoseconds)))
}
