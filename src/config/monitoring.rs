//! What a server offers to programs that watch over this one. Of itself it offers nothing.

use super::error::ConfigError;
use super::key::Fallback::Value;
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{self, settings};
use crate::text::json::Json;

settings! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Monitoring {
        /// `/metrics`, for Prometheus.
        metrics: bool = changed("boolean", Value("false")),
        /// In it, what the system tells of each process.
        metrics_processes: bool = changed("boolean", Value("false")),
        /// `/healthz` and `/readyz`, which ask for no password.
        health_pages: bool = changed("boolean", Value("false")),
    }
}
