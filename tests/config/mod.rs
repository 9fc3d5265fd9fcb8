//! The configuration: golden cases, and the same files through Supervisor 4.3.0.

mod cases;
mod dump;
mod generator;
mod oracle;
mod system;
