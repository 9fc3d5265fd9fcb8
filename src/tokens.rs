//! Names for things that outlive a borrow: what a descriptor or a timer
//! belongs to. asyncore's back pointers become these values; the owner looks
//! the thing up and finds nothing when it has gone in the meantime.

use crate::clock::Period;
use crate::snapshot::saved;

/// A process group, by the serial of its creation; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

saved! { struct GroupId(_); }

/// A process: its group and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    pub group: GroupId,
    /// By the order in which they became members; never used again in that group. It is its
    /// place in the group's list until others come or go.
    pub index: u32,
}

saved! { struct ProcessId { group, index } }

/// How far the daemon has got with an answer that it makes piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The part that comes next.
    pub part: usize,
    /// The last process that this part has told of, if it has begun.
    pub after: Option<ProcessId>,
}

saved! { struct Mark { part, after } }

impl Mark {
    pub const BEGIN: Mark = Mark {
        part: 0,
        after: None,
    };
}

/// A client's connection, by the serial of its acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

saved! { struct ConnectionId(_); }

/// An open log: the main log, syslog, or one of children, by the serial of its opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub u64);

saved! { struct LogId(_); }

impl LogId {
    /// The main log, with its copy on stdout.
    pub const MAIN: LogId = LogId(0);
    /// The system's log.
    pub const SYSLOG: LogId = LogId(1);
    /// Those that are no child's.
    pub const OF_DAEMON: [LogId; 2] = [LogId::MAIN, LogId::SYSLOG];

    pub fn is_of_daemon(self) -> bool {
        LogId::OF_DAEMON.contains(&self)
    }
}

/// Which output of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Descriptor 1.
    Stdout,
    /// Descriptor 2.
    Stderr,
}

saved! { enum Channel { Stdout, Stderr } }

impl Channel {
    /// `stdout` or `stderr`, as keys, events and log lines spell it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Stdout => "stdout",
            Channel::Stderr => "stderr",
        }
    }
}

/// What a descriptor in the poll set belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FdOwner {
    /// The pipe into which the signal handler writes.
    Signals,
    /// A child's output pipe.
    Output(ProcessId, Channel),
    /// A child's stdin pipe.
    Input(ProcessId),
    /// The trigger of an event listener pool.
    Pool(GroupId),
    /// What tells of the health of a process: its socket for sd_notify, its pipe, its check.
    Health(ProcessId),
    /// The pipes of a helper process, by its pid.
    Helper(i32),
    /// What a log leads to, while its reader is slow.
    Log(LogId),
    /// A listening socket, by its place in the list of servers.
    ListeningSocket(u32),
    /// What the system tells of the files of listening sockets.
    SocketFiles,
    /// A client's connection.
    Connection(ConnectionId),
    /// The system's timer for schedules.
    Schedules,
}

saved! {
    enum FdOwner {
        Signals, Output(a, b), Input(a), Pool(a), Health(a), Helper(a), Log(a),
        ListeningSocket(a), SocketFiles, Connection(a), Schedules,
    }
}

/// What a timer is for; each has at most one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The next move of a process that time alone brings about.
    Process(ProcessId),
    /// An output has not come to the end of its line.
    Line(ProcessId, Channel),
    /// A log whose reader is slow and cannot be waited for: try to write again.
    LogRetry(LogId),
    /// A log that could not be written to: tell what it lost since it was told last.
    LogLosses(LogId),
    /// A day ends, or it is time to look at the clock: logs may have to roll over.
    Midnight,
    /// The next `waiting for ... to die` line.
    ShutdownReport,
    /// A shutdown has had its time: everything that is left is killed.
    ShutdownTimeout,
    /// At shutdown, listeners have had the time to take what waits.
    EventDrain,
    /// Processes of an earlier supervisord are being stopped: look whether they have gone.
    Leftovers,
    /// What ended children have left in their control groups is killed: look whether it has gone.
    Cgroups,
    /// Look at the memory of processes that have a `memory_check`.
    MemoryCheck,
    /// A pending action or a job wants to be asked again, though no process has changed its
    /// state: to write `waiting for ... to stop`, or to go on with its work.
    PendingActions,
    /// Requests have not had their turn: long bodies, and pages.
    WaitingRequests,
    /// A client's connection: idle too long, or time to look at a followed log.
    Connection(ConnectionId),
    /// The next tick of events.
    Tick(Period),
    /// The next query of a pool of monitors.
    MonitorQuery(GroupId),
    /// A pool that has lost events: tell how many.
    Overflow(GroupId),
    /// A listener that was sent an event and may have stayed BUSY with it for too long.
    Busy(ProcessId),
    /// A listener that has rejected an event again and again can be sent one again.
    Rest(ProcessId),
    /// A listener whose result handler could not be run has waited for its verdict.
    Verdict(ProcessId),
    /// The next check of a process, the end of the one under way, or its sign of life.
    Health(ProcessId),
    /// A helper process, by its pid, has had its time.
    Helper(i32),
    /// A hook, by its pid, has not come to the end of its line.
    HookLine(i32),
    /// A process waits for others: tell so once more, or wait no longer.
    Dependency(ProcessId),
    /// Clients that have taken all they were sent of long answers: go on with those.
    LongAnswers,
    /// Listening sockets that ran out of descriptors: accept again.
    AcceptRetry,
    /// The file of a listening socket is missing: try to make it again.
    SocketFiles,
    /// Schedules are to be looked at, where the system's timer does not tell.
    Schedules,
    /// Requests have had their time to come to an end before an upgrade.
    Upgrade,
    /// The service manager wants a sign of life, or has not taken what it was told.
    ServiceManager,
}

saved! {
    enum Timer {
        Process(a), Line(a, b), LogRetry(a), LogLosses(a), Midnight, ShutdownReport,
        ShutdownTimeout, EventDrain, Leftovers, Cgroups, MemoryCheck, PendingActions, Upgrade,
        WaitingRequests, Connection(a), Tick(a), MonitorQuery(a), Overflow(a), Busy(a),
        Rest(a), Verdict(a), Health(a), Helper(a), HookLine(a), Dependency(a),
        LongAnswers, AcceptRetry, SocketFiles, Schedules, ServiceManager,
    }
}
