//! What a server asks of its clients before it lets them in, and how much it
//! takes from each.

use crate::config::limits::Limits;
use crate::config::monitoring::Monitoring;
use crate::config::{Address, Credentials, Server};
use crate::http::access::Access;
use crate::http::auth;
use crate::http::guard::Guard;
use crate::http::refusal::{Refusal, Sender};
use crate::http::request::Head;
use crate::http::routes::Browsers;
use crate::snapshot::saved;

/// The rules of one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessPolicy {
    /// What clients must know, if anything.
    pub credentials: Option<Credentials>,
    /// The same for those that may only look.
    pub readonly_credentials: Option<Credentials>,
    /// Whether nobody may do more than look.
    pub readonly: bool,
    /// What is asked of browsers; nothing on a unix socket, which they do not reach.
    pub guard: Option<Guard>,
    /// What one client may ask for.
    pub limits: Limits,
    /// Whether the web interface acts on a GET.
    pub get_actions: bool,
    pub monitoring: Monitoring,
}

saved! {
    struct AccessPolicy {
        credentials, readonly_credentials, readonly, guard, limits, get_actions,
        monitoring,
    }
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
                let open = server.is_open();
                Some(Guard {
                    open,
                    names,
                    allowed: server.allowed_hosts.clone(),
                })
            }
        };
        AccessPolicy {
            credentials: server.credentials.clone(),
            readonly_credentials: server.readonly_credentials.clone(),
            readonly: server.readonly,
            guard,
            limits: server.limits,
            get_actions: server.web_get_actions,
            monitoring: server.monitoring,
        }
    }

    /// Whether a request for what asks that of browsers may come in, from its head alone, and
    /// what its client may do; with whose form it may be, if only its token can tell whether it
    /// is one of ours.
    pub fn admit(
        &self,
        head: &Head,
        browsers: Browsers,
    ) -> Result<(Access, Option<Box<Sender>>), Refusal> {
        let users = [&self.credentials, &self.readonly_credentials];
        let access = auth::check(users, head.header("Authorization"))?;
        let access = match self.readonly {
            true => Access::ReadOnly,
            false => access,
        };
        let sender = match &self.guard {
            Some(guard) => guard.judge(head, browsers)?,
            None => None,
        };
        Ok((access, sender))
    }
}
