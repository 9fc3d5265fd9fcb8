//! What the daemon gives to every child, and where it puts their files.

use crate::config::Process;
use crate::process::environment::Environment;
use crate::process::fcgi::Hosts;
use crate::process::identity;
use crate::sys::signals::Mask;
use crate::sys::spawn::Surroundings;

/// Settings of `[supervisord]` that children depend on. A reread changes them at once.
#[derive(Clone, Debug)]
pub struct ChildSettings {
    /// The environment that supervisord was started with.
    pub environment: Environment,
    /// Where supervisord can be reached; `None` without a server.
    pub server_url: Option<String>,
    /// Names automatic log files.
    pub identifier: String,
    /// Holds automatic log files.
    pub childlogdir: String,
    /// Remove ANSI sequences from what children write.
    pub strip_ansi: bool,
    /// Descriptors below this are closed in children where the system has no better way.
    pub minfds: i32,
    /// Addresses of the hosts that sockets of FastCGI programs name.
    pub hosts: Hosts,
    /// The blocked signals that supervisord was started with.
    pub mask: Mask,
}

impl ChildSettings {
    /// What a child finds around it when it begins.
    pub fn surroundings<'a>(&self, process: &'a Process) -> Surroundings<'a> {
        Surroundings {
            identity: identity::of(process),
            directory: process.directory.as_deref(),
            umask: process.umask,
            close_below: self.minfds,
            mask: self.mask,
        }
    }
}
