//! What a server asks of its clients before it lets them in, and how much it
//! takes from each.

use crate::config::limits::Limits;
use crate::config::monitoring::Monitoring;
use crate::config::{Address, Credentials, Server};
use crate::http::auth;
use crate::http::guard::Guard;
use crate::http::refusal::{Refusal, Sender};
use crate::http::request::Head;
use crate::http::routes::Browsers;

/// The rules of one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessPolicy {
    /// What clients must know, if anything.
    pub credentials: Option<Credentials>,
    /// What is asked of browsers; nothing on a unix socket, which they do not reach.
    pub guard: Option<Guard>,
    /// What one client may ask for.
    pub limits: Limits,
    /// Whether the web interface acts on a GET.
    pub get_actions: bool,
    pub monitoring: Monitoring,
}

impl AccessPolicy {
    /// The rules of a configured server; `own_names` are those of this machine.
    pub fn of(server: &Server, own_names: &[String]) -> AccessPolicy {
        let guard = match &server.address {
            Address::Unix { .. } => None,
            Address::Inet { host, .. } => {
                let mut names = own_names.to_vec();
                // Whoever configures a name means this machine by it.
                names.push(host.trim_end_matches('.').to_owned());
                let open = server.credentials.is_none();
                Some(Guard {
                    open,
                    names,
                    allowed: server.allowed_hosts.clone(),
                })
            }
        };
        AccessPolicy {
            credentials: server.credentials.clone(),
            guard,
            limits: server.limits,
            get_actions: server.web_get_actions,
            monitoring: server.monitoring,
        }
    }

    /// Whether a request for what asks that of browsers may come in, from its head alone;
    /// with whose form it may be, if only its token can tell whether it is one of ours.
    pub fn admit(&self, head: &Head, browsers: Browsers) -> Result<Option<Box<Sender>>, Refusal> {
        auth::check(self.credentials.as_ref(), head.header("Authorization"))?;
        match &self.guard {
            Some(guard) => guard.judge(head, browsers),
            None => Ok(None),
        }
    }
}
