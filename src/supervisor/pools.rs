//! Event listener pools: where events are taken, numbered and kept until a
//! listener is ready.
//!
//! Each pool has a trigger in the poll set. Taking an event raises it, so that
//! the loop wakes and [`dispatch`](super::dispatch) hands the event on at once.

use std::io;
use std::time::Duration;

use crate::clock::{Monotonic, Timestamp};
use crate::config;
use crate::events::buffer::Buffer;
use crate::events::event::Event;
use crate::events::message::{Message, Serials};
use crate::events::types::EventType;
use crate::loop_context::LoopContext;
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::sys::poller::{Interest, Token};
use crate::sys::trigger::Trigger;
use crate::tokens::{FdOwner, GroupId, Timer};
use crate::vec_map::VecMap;

/// How often it is told that a buffer overflows.
const OVERFLOW_INTERVAL: Duration = Duration::from_secs(60);

/// All pools, and the number of the next event.
#[derive(Debug, Default)]
pub struct Pools {
    pools: VecMap<GroupId, Pool>,
    /// The same event has the same number in every pool.
    pub serials: Serials,
}

saved! { struct Pools { pools, serials } }

/// The listeners of one group, as one receiver of events.
#[derive(Debug)]
pub struct Pool {
    pub name: String,
    /// What it asks for.
    pub config: config::Pool,
    /// What waits for a listener.
    pub buffer: Buffer,
    /// What a listener answered last that the `store` handler accepted.
    pub latest: Option<StoredResult>,
    trigger: Trigger,
    token: Token,
    overflow: Overflow,
}

saved! { struct Pool { name, config, buffer, latest, trigger, token, overflow } }

/// A result that the `store` handler has kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResult {
    /// The answer, up to its limit.
    pub data: Vec<u8>,
    pub time: Timestamp,
    /// The type of the event that it answers.
    pub event: EventType,
    /// The event's number.
    pub serial: u64,
    pub process: String,
}

saved! { struct StoredResult { data, time, event, serial, process } }

/// Events that a pool has lost, told once a minute.
#[derive(Debug, Default)]
struct Overflow {
    last_told: Option<Monotonic>,
    untold: u64,
}

saved! { struct Overflow { last_told, untold } }

impl Pools {
    pub fn get(&self, group: GroupId) -> Option<&Pool> {
        self.pools.get(&group)
    }

    pub fn get_mut(&mut self, group: GroupId) -> Option<&mut Pool> {
        self.pools.get_mut(&group)
    }

    pub fn all(&self) -> impl Iterator<Item = &Pool> {
        self.pools.values()
    }

    /// The groups that are pools.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.pools.keys().copied()
    }

    /// Whether any pool asks for that type.
    pub fn ask_for(&self, kind: EventType) -> bool {
        self.pools
            .values()
            .any(|pool| pool.subscriptions_to(kind) > 0)
    }

    /// Makes the pool of a group.
    pub fn add(
        &mut self,
        context: &mut LoopContext,
        group: GroupId,
        name: &str,
        config: &config::Pool,
    ) -> io::Result<()> {
        let (trigger, read) = Trigger::new()?;
        let token = context
            .poller
            .register(read, Interest::READ, FdOwner::Pool(group))?;
        let pool = Pool {
            name: name.to_owned(),
            config: config.clone(),
            buffer: Buffer::new(
                usize::try_from(config.buffer_size).unwrap_or(usize::MAX),
                config.is_limited.0,
            ),
            latest: None,
            trigger,
            token,
            overflow: Overflow::default(),
        };
        self.pools.insert(group, pool);
        Ok(())
    }

    /// Goes by another configuration of the pool of a group; what waits in it stays.
    pub fn renew(&mut self, group: GroupId, config: &config::Pool) {
        if let Some(pool) = self.pools.get_mut(&group) {
            let size = usize::try_from(config.buffer_size).unwrap_or(usize::MAX);
            pool.buffer.resize(size, config.is_limited.0);
            pool.config = config.clone();
            pool.raise();
        }
    }

    /// Forgets the pool of a group and what waits in it.
    pub fn remove(&mut self, context: &mut LoopContext, group: GroupId) {
        if let Some(mut pool) = self.pools.remove(&group) {
            pool.tell_of_losses(context);
            context.poller.close(pool.token);
            context.timers.set(Timer::Overflow(group), None);
            context.timers.set(Timer::MonitorQuery(group), None);
        }
    }
}

impl Pool {
    /// How many of the pool's subscriptions cover a type: so often an event of it is taken.
    fn subscriptions_to(&self, kind: EventType) -> usize {
        let names = self.config.events.iter();
        names.filter(|name| kind.is_told_by(name)).count()
    }

    /// Whether the pool is a monitor's.
    pub fn is_asked_to_monitor(&self) -> bool {
        self.subscriptions_to(EventType::MonitorQuery) > 0
    }

    /// Makes the loop look after the pool in its next turn.
    pub fn raise(&self) {
        self.trigger.raise();
    }

    /// The pool is being looked after.
    pub fn lower(&self, context: &LoopContext) {
        if let Some(read) = context.poller.descriptor(self.token) {
            Trigger::lower(read);
        }
    }
}

impl Supervisor {
    /// Tells every pool that asks for it of something that happened. An event
    /// that nobody asks for has no number.
    pub fn emit(&mut self, context: &mut LoopContext, event: &Event) {
        let mut serial = None;
        let Pools { pools, serials } = &mut self.pools;
        for (group, pool) in pools.iter_mut() {
            for _ in 0..pool.subscriptions_to(event.kind) {
                let serial = *serial.get_or_insert_with(|| serials.take());
                pool.accept(context, *group, event.clone(), serial);
            }
        }
    }

    /// Tells one pool.
    pub fn emit_to(&mut self, context: &mut LoopContext, group: GroupId, event: Event) {
        let Pools { pools, serials } = &mut self.pools;
        if let Some(pool) = pools.get_mut(&group) {
            let serial = serials.take();
            pool.accept(context, group, event, serial);
        }
    }

    /// A minute after the last complaint of an overflow.
    pub fn overflow_due(&mut self, context: &mut LoopContext, group: GroupId) {
        let Some(pool) = self.pools.get_mut(group) else {
            return;
        };
        if pool.tell_of_losses(context) {
            pool.overflow.last_told = Some(context.now.monotonic);
        }
    }

    /// At the end: what has been lost and not been told yet.
    pub fn tell_of_losses(&mut self, context: &mut LoopContext) {
        for pool in self.pools.pools.values_mut() {
            pool.tell_of_losses(context);
        }
    }
}

impl Pool {
    fn accept(&mut self, context: &mut LoopContext, group: GroupId, event: Event, serial: u64) {
        let discarded = self.buffer.accept(event, serial);
        self.lose(context, group, discarded);
        self.raise();
    }

    /// Takes an event back that a listener has not processed.
    pub fn put_back(&mut self, context: &mut LoopContext, group: GroupId, message: Message) {
        self.tell_of_rebuffering(context, message.serial);
        let discarded = self.buffer.put_back(message);
        self.lose(context, group, discarded);
        self.raise();
    }

    /// The log line for an event that goes back to the buffer.
    pub fn tell_of_rebuffering(&self, context: &mut LoopContext, serial: u64) {
        context.log.debug(format_args!(
            "rebuffering event {serial} for pool {} (buf size={}, max={})",
            self.name,
            self.buffer.len(),
            self.buffer.size()
        ));
    }

    /// Tells how many events were discarded since that was last told; false for none.
    fn tell_of_losses(&mut self, context: &mut LoopContext) -> bool {
        let untold = std::mem::take(&mut self.overflow.untold);
        if untold > 0 {
            context.log.error(format_args!(
                "pool {} event buffer overflowed, {untold} more events discarded within a minute",
                self.name
            ));
        }
        untold > 0
    }

    /// Tells of a discarded event: of the first at once, of others when a minute is over.
    fn lose(&mut self, context: &mut LoopContext, group: GroupId, discarded: Vec<Message>) {
        let now = context.now.monotonic;
        for message in discarded {
            if let Some(tally) = &mut context.tally {
                tally.dropped.count(&self.name);
            }
            let told = self.overflow.last_told;
            if let Some(last) = told.filter(|last| now.since(*last) < OVERFLOW_INTERVAL) {
                self.overflow.untold += 1;
                let end = Some(last + OVERFLOW_INTERVAL);
                context.timers.set(Timer::Overflow(group), end);
                continue;
            }
            self.overflow.last_told = Some(now);
            context.log.error(format_args!(
                "pool {} event buffer overflowed, discarding event {}",
                self.name, message.serial
            ));
        }
    }
}
