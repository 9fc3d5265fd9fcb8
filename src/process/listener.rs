//! The conversation with one event listener: what it says, and the event that
//! it has been sent and not answered yet.

use crate::clock::Monotonic;
use crate::events::message::Message;
use crate::events::protocol::Protocol;
use crate::snapshot::saved;

/// One listener, from a spawn to the end of its child.
#[derive(Debug, Default)]
pub struct Listener {
    pub protocol: Protocol,
    /// What it was sent and has not answered.
    pub message: Option<Message>,
    pub sent_at: Monotonic,
    /// It owes the answer for so long that this has been told.
    pub is_overdue: bool,
    /// It has rejected an event so often that it is sent none for a while.
    pub is_resting: bool,
}

saved! { struct Listener { protocol, message, sent_at, is_overdue, is_resting } }
