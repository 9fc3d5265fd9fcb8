//! What a connection does, for those who watch over it: whose turn it is, since
//! when and until when, and what is kept for it. Nothing here changes it.

use std::time::Duration;

use super::{Connection, State};
use crate::clock::Monotonic;
use crate::http::tail::Tail;
use crate::loop_context::READ_SIZE;

/// How long a closing connection waits for the client to close.
pub const LINGER_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked at what others have done to a followed file. What the
/// daemon writes to it itself is sent at once.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Changes are told no more often than that, for a page that is told may ask for all of it.
const CHANGES_INTERVAL: Duration = Duration::from_millis(500);
/// How often a sign of life is sent where nothing changes.
const LIFE_INTERVAL: Duration = Duration::from_secs(30);
/// How long the answer to a wrong password is held back.
pub const HOLD: Duration = Duration::from_secs(1);

impl Connection {
    /// Whether the server has let a request of it in.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Whether it is in the middle of a request or of its answer.
    pub fn is_busy(&self) -> bool {
        match self.state {
            State::Reading => self.begun.is_some(),
            State::Lingering { .. } => false,
            _ => true,
        }
    }

    /// Since when it has been the client's turn to do something; `None` while
    /// it is the daemon's, or the client follows a log. An answer that may be long in
    /// coming holds no place against others if its client has gone, as far as can be
    /// seen, or has nothing to lose by asking again.
    pub fn waits_since(&self) -> Option<Monotonic> {
        match &self.state {
            State::Working(_) if self.only_looks || self.wire.ended => Some(self.since),
            State::Working(_) | State::Continuing(_) | State::Following { .. } => None,
            State::Responding(delivery) if delivery.is_measuring() => None,
            State::Responding(_) => Some(self.wire.progress),
            State::Reading | State::Body { .. } => Some(self.begun.unwrap_or(self.since)),
            State::Held(_) | State::Lingering { .. } => Some(self.since),
        }
    }

    /// Whether it waits for [`go_on`](Connection::go_on).
    pub fn has_next_piece(&self) -> bool {
        self.has_next_piece
    }

    /// How much waits in memory for the client, or for the rest of its request,
    /// in bytes.
    pub fn waiting(&self) -> usize {
        let kept = match &self.state {
            State::Responding(delivery) => delivery.keeps(),
            State::Body { body, .. } => body.bytes.len(),
            _ => 0,
        };
        self.wire.output.len() + kept
    }

    /// When the client last took something, if something waits for it; or when
    /// its request began, if a part of its body is here.
    pub fn stalled_since(&self) -> Option<Monotonic> {
        if self.is_receiving() {
            return self.begun;
        }
        (!self.wire.output.is_empty()).then_some(self.wire.progress)
    }

    /// Whether it follows a log.
    pub fn is_following(&self) -> bool {
        matches!(self.state, State::Following { .. })
    }

    /// Whether what it has asked for changes nothing.
    pub fn only_looks(&self) -> bool {
        self.only_looks
    }

    /// Whether it follows a log that has more for it, and it has taken the rest.
    pub fn has_news(&self) -> bool {
        match &self.state {
            State::Following { tail, .. } => self.wire.output.is_empty() && tail.has_news(),
            _ => false,
        }
    }

    /// Whether a part of a body is here and the rest is still to come.
    pub fn is_receiving(&self) -> bool {
        matches!(&self.state, State::Body { body, .. } if !body.bytes.is_empty())
    }

    /// Its name in the log.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Whether what the client sends is read now.
    pub fn wants_input(&self) -> bool {
        if self.wire.ended || self.rests() {
            return false;
        }
        match &self.state {
            State::Reading | State::Body { .. } => self.wire.output.is_empty(),
            // The next requests wait here, up to a bound.
            State::Working(_) | State::Continuing(_) => self.wire.input.len() < READ_SIZE,
            State::Held(_) => false,
            State::Responding(delivery) => {
                delivery.is_measuring() && self.wire.input.len() < READ_SIZE
            }
            State::Following { .. } | State::Lingering { .. } => true,
        }
    }

    /// Whether it is time for a look at what is followed: changes wait for theirs.
    pub(super) fn may_look(&self, now: Monotonic) -> bool {
        match &self.state {
            State::Following { tail, .. } if tail.is_of_changes() => {
                tail.is_fresh() || self.since + look_interval(tail) <= now
            }
            _ => true,
        }
    }

    /// Until when the present state may last, if its end is not the daemon's matter.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        if !self.wire.output.is_empty() {
            return Some(self.wire.progress + self.limits.request);
        }
        if self.rests() {
            return None;
        }
        let request = self.begun.map(|begun| begun + self.limits.request);
        match &self.state {
            State::Reading => request.or(Some(self.since + self.patience)),
            State::Body { .. } => request.or(Some(self.since + self.limits.request)),
            State::Working(_) | State::Continuing(_) => None,
            State::Held(_) => Some(self.since + HOLD),
            State::Responding(delivery) if delivery.is_measuring() => None,
            State::Responding(_) => Some(self.wire.progress + self.limits.request),
            State::Following { tail, .. } => Some(self.since + look_interval(tail)),
            State::Lingering { .. } => Some(self.since + LINGER_LIMIT),
        }
    }
}

/// How long after a look the next one comes, if nothing is written meanwhile.
fn look_interval(tail: &Tail) -> Duration {
    match tail.is_of_changes() {
        false => LOOK_INTERVAL,
        true if tail.has_news() => CHANGES_INTERVAL,
        true => LIFE_INTERVAL,
    }
}
