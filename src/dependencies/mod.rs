//! Which processes may start, and which stop first, by what they depend on: a pure function of
//! the graph, of what is wanted, of what is observed and of the time.
//!
//! A [`graph`] is made from the configuration of all groups. A [`plan`] keeps what is wanted
//! beside what was observed last, and is told when a process enters a state. It answers with
//! steps: start this, stop that, this one waits. What it costs is what the affected
//! processes cost: for each need it counts what keeps it from being met, and for each process its
//! needs that are not. A configuration without dependencies has no plan.

pub mod condition;
pub mod graph;
pub mod plan;
