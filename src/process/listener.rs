//! The conversation with one event listener: what it says, and the event that
//! it has been sent and not answered yet.

use crate::events::message::Message;
use crate::events::protocol::Protocol;

/// One listener, from a spawn to the end of its child.
#[derive(Debug, Default)]
pub struct Listener {
    /// What it says.
    pub protocol: Protocol,
    /// What it was sent and has not answered.
    pub message: Option<Message>,
}
