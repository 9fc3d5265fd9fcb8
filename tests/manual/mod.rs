//! The manual beside the program. What the tables of the program have (options, commands, keys,
//! methods, types of events, faults, states) the pages have and nothing else; and each example
//! of the pages and of the README is run, or has its reason why it is not.
//!
//! The keys of the configuration are held to their page by `config::manual`, the methods by
//! `interface`, the events by `pools::manual`.

mod configurations;
mod control;
mod examples;
mod macros;
mod migration;
pub mod page;
mod readme;
mod readme_commands;
mod tables;
