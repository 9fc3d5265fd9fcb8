//! The life of a process: how children end ([`termination`]), the rules by
//! which it moves from state to state ([`machine`]), and the thing that has a
//! pid, pipes and logs.

pub mod termination;
