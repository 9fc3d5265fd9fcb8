//! The web interface: a status page, pages with the end of a log, and actions.
//!
//! Pages are pure functions: [`gather`] makes a plain [`view`] of the daemon's
//! state, [`status`] and [`tail`] write it as HTML within the [`frame`] that all
//! pages share. Every change is a form with a [`token`]; [`command`] says what it
//! means and in which words it is told, [`action`] does it with the functions of
//! XML-RPC, and [`interface`] is what the loop calls.
//!
//! Addresses are relative throughout, so that a proxy may put the pages under
//! any path. 4.3.0 does everything by GET without a token.

pub mod action;
pub mod ask;
pub mod assets;
pub mod command;
pub mod controls;
pub mod form;
pub mod frame;
pub mod gather;
pub mod interface;
pub mod metrics;
pub mod probe;
pub mod status;
pub mod tail;
pub mod token;
pub mod view;
