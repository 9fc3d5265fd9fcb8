//! The configuration: golden cases, the same files through Supervisor 4.3.0,
//! and where the two part on purpose.

mod cases;
mod departures;
mod dump;
mod generator;
pub mod manual;
mod messages;
mod oracle;
mod roundtrip;
mod side_by_side;
mod system;
mod values;
