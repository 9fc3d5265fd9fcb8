//! What the service manager that started this daemon is told, in the protocol
//! of sd_notify(3): `READY=1` when the servers listen and the programs' start
//! has begun, `RELOADING=1` and `STOPPING=1` at a restart and at the end, and
//! `WATCHDOG=1` at half of the interval that it asks for. Without such an
//! interval there is no timer, and an idle daemon sleeps on.
//!
//! Nothing is waited for. What a busy manager does not take is tried again.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::process::environment::{self, Environment};
use crate::snapshot::saved;
use crate::states::SupervisorState;
use crate::sys::notify::NotifySocket;

/// The name of the manager's socket.
const SOCKET: &str = "NOTIFY_SOCKET";
/// The interval in which it wants a sign of life, in microseconds.
const INTERVAL: &str = "WATCHDOG_USEC";
/// The process that it wants that from; absent for any.
const WATCHED_PID: &str = "WATCHDOG_PID";

/// How soon a manager that was busy is told again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The manager, and what it knows.
#[derive(Clone, Debug)]
pub struct ServiceManager {
    socket: NotifySocket,
    /// Half of what the manager allows.
    interval: Option<Duration>,
    told: Option<Said>,
    next_sign: Option<Monotonic>,
    retry: Option<Monotonic>,
}

saved! { struct ServiceManager { socket, interval, told, next_sign, retry } }

/// What it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Ready,
    Reloading,
    Stopping,
}

saved! { enum Said { Ready, Reloading, Stopping } }

impl ServiceManager {
    /// Tells it anew how things are, at the next time.
    pub fn forget(&mut self) {
        self.told = None;
    }
}

impl Said {
    /// FATAL is a state of the programs' affairs; the service is up.
    fn of(state: SupervisorState) -> Said {
        match state {
            SupervisorState::Running | SupervisorState::Fatal => Said::Ready,
            SupervisorState::Restarting => Said::Reloading,
            SupervisorState::Shutdown => Said::Stopping,
        }
    }

    fn message(self, now: Monotonic) -> String {
        match self {
            Said::Ready => "READY=1\n".to_owned(),
            Said::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={}\n", now.0.as_micros()),
            Said::Stopping => "STOPPING=1\n".to_owned(),
        }
    }
}

/// What is said of sockets that it has handed over: no program has these, and with the pid of
/// another process they would mean another one's.
const LISTENING: [&str; 4] = [
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
];

/// Whether a variable is between the manager and supervisord, and would make a
/// program speak in its name.
pub fn is_for_supervisord_alone(name: &[u8]) -> bool {
    [SOCKET, INTERVAL, WATCHED_PID]
        .iter()
        .chain(&LISTENING)
        .any(|own| own.as_bytes() == name)
}

impl ServiceManager {
    /// The manager that the environment names, if any; `pid` is this process's.
    pub fn of(environment: &Environment, pid: u32) -> Option<ServiceManager> {
        let name = environment::get(environment, SOCKET)?;
        let socket = NotifySocket::named(OsStr::from_bytes(name)).ok()?;
        let number = |name: &str| -> Option<u64> {
            let text = std::str::from_utf8(environment::get(environment, name)?).ok()?;
            text.parse().ok()
        };
        let is_watched = environment::get(environment, WATCHED_PID).is_none()
            || number(WATCHED_PID) == Some(u64::from(pid));
        let interval = number(INTERVAL)
            .filter(|microseconds| is_watched && *microseconds > 1)
            .map(|microseconds| Duration::from_micros(microseconds / 2));
        Some(ServiceManager {
            socket,
            interval,
            told: None,
            next_sign: None,
            retry: None,
        })
    }

    /// Tells the state if that is news, and gives the sign of life that is due.
    /// An error is told once: it is not tried again, but for a manager that is busy.
    pub fn tell(&mut self, state: SupervisorState, now: Monotonic) -> io::Result<()> {
        let said = Said::of(state);
        let is_due = self.next_sign.is_none_or(|next| next <= now);
        if let Some(interval) = self.interval.filter(|_| is_due) {
            self.next_sign = Some(now + interval);
            // One that is lost is followed by another before the manager acts.
            let _ = self.socket.send("WATCHDOG=1\n");
        }
        if self.told == Some(said) || self.retry.is_some_and(|retry| now < retry) {
            return Ok(());
        }
        let sent = self.socket.send(&said.message(now));
        let is_busy = matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        if is_busy {
            self.retry = Some(now + RETRY_DELAY);
            return Ok(());
        }
        self.retry = None;
        self.told = Some(said);
        sent
    }

    /// When there is something to tell though nothing happens; `None` for never.
    pub fn next(&self) -> Option<Monotonic> {
        [self.next_sign, self.retry].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
