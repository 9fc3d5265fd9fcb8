//! The life of a process: the rules by which it moves from state to state
//! ([`machine`]), how children end ([`termination`]), and the thing that has a
//! pid, pipes and logs ([`subprocess`]), in its [`group`].

pub mod machine;
pub mod restarts;
pub mod termination;
