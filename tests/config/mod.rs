//! The configuration: golden cases, the same files through Supervisor 4.3.0,
//! and where the two part on purpose.

mod cases;
mod defaults;
mod departures;
mod dump;
mod generator;
mod go;
mod leaks;
pub mod manual;
mod messages;
mod oracle;
mod roundtrip;
mod side_by_side;
mod system;
mod updates;
mod values;
