//! Events: what happens to processes and to supervisord, told to event
//! listeners.
//!
//! [`types`] has the tree of names that listeners subscribe to, [`event`] what
//! an event says, [`message`] how it reaches a listener, [`protocol`] what a
//! listener answers, [`buffer`] where events wait. All of it is pure; the
//! supervisor owns the pools and does what they ask for.

pub mod buffer;
pub mod event;
pub mod message;
pub mod protocol;
pub mod types;
