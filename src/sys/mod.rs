//! The system layer: what the operating system offers, behind types that
//! cannot be misused. The only part of the crate with `unsafe` code.
#![allow(unsafe_code)]

pub mod poller;
pub mod socket;
