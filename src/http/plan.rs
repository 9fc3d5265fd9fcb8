//! What to do about a request, from its head alone: who may ask, what body
//! will come, and where the path leads.

use crate::http::access::Access;
use crate::http::exchange::Request;
use crate::http::policy::AccessPolicy;
use crate::http::refusal::Refusal;
use crate::http::request::{Head, Length, Method, Version};
use crate::http::routes::{self, Browsers, Handler, Route};

/// The longest body of a form, in bytes.
const FORM_LIMIT: u64 = 64 * 1024;

/// What to do about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Read the body, and hand the request up.
    Read {
        /// What is asked for, without the body.
        request: Request,
        /// The body's length in bytes.
        length: u64,
        /// Whether the client waits for `100 Continue` first.
        announce: bool,
    },
    /// Read and drop the body, then refuse.
    Refuse {
        /// Why.
        why: Refusal,
        /// The body's length in bytes.
        discard: u64,
    },
    /// Refuse at once and close: what follows is not wanted, or nobody knows
    /// where it ends.
    RefuseAndClose(Refusal),
}

impl Plan {
    /// Whether the client has shown that it may come in.
    pub fn lets_in(&self) -> bool {
        match self {
            Plan::Read { request, .. } => !request.handler.is_public(),
            Plan::Refuse { .. } => true,
            Plan::RefuseAndClose(_) => false,
        }
    }
}

/// The plan for a request to a server with these rules.
pub fn of(head: &Head, policy: &AccessPolicy) -> Plan {
    let route = Route::at(&head.path);
    let route = route.filter(|route| route.handler.is_offered(policy.monitoring));
    let browsers = route.map_or(Browsers::Usual, |route| route.browsers);
    let is_public = route.is_some_and(|route| route.handler.is_public());
    let admitted = match is_public {
        true => Ok((Access::ReadOnly, None)),
        false => policy.admit(head, browsers),
    };
    let (access, sender) = match admitted {
        Ok(admitted) => admitted,
        Err(why) => return Plan::RefuseAndClose(why),
    };
    let length = match head.length() {
        Length::Missing => None,
        Length::Bytes(length) if length <= policy.limits.body => Some(length),
        Length::Bytes(_) => return Plan::RefuseAndClose(Refusal::LongBody(policy.limits.body)),
        Length::Encoded => return Plan::RefuseAndClose(Refusal::Encoded),
        Length::Invalid => return Plan::RefuseAndClose(Refusal::BadLength),
    };
    let (handler, method) = match asked(route, head, access) {
        Ok(asked) => asked,
        Err(why) => {
            let discard = length.unwrap_or(0);
            let is_long = discard > policy.limits.unauthenticated_body;
            if is_public || is_long || head.expects_continue() {
                return Plan::RefuseAndClose(why);
            }
            return Plan::Refuse { why, discard };
        }
    };
    match (method, length) {
        (Method::Post, None) => return Plan::RefuseAndClose(Refusal::NoLength),
        (Method::Post, Some(length)) if browsers == Browsers::Forms && length > FORM_LIMIT => {
            return Plan::RefuseAndClose(Refusal::LongForm(FORM_LIMIT));
        }
        // A body that nobody reads would be taken for the next request.
        (Method::Get | Method::Head, Some(1..)) => {
            return Plan::RefuseAndClose(Refusal::UnwantedBody);
        }
        _ => {}
    }
    let length = length.unwrap_or(0);
    Plan::Read {
        request: Request {
            handler,
            method,
            path: head.path.clone(),
            query: head.query.clone().unwrap_or_default(),
            body: Vec::new(),
            access,
            sender,
        },
        length,
        announce: length > 0 && head.version == Version::Http11 && head.expects_continue(),
    }
}

fn asked(route: Option<&Route>, head: &Head, access: Access) -> Result<(Handler, Method), Refusal> {
    let route = route.ok_or_else(|| routes::nowhere(head))?;
    let method = route.method(head)?;
    if access < route.access {
        return Err(Refusal::ReadOnly);
    }
    match route.handler {
        Handler::FollowProcessLog if routes::followed(&head.path).is_none() => Err(Refusal::NoLog),
        handler => Ok((handler, method)),
    }
}

#[cfg(test)]
mod tests;
