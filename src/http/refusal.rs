//! Why a request is refused: a sentence for whoever reads the page, and the same
//! for the log where the client alone is not to blame.
//!
//! What a client sends is shown with its control characters as text, and cut
//! where it is long, so that it fits into one line.

use std::fmt;

use crate::http::request::{Head, Method};
use crate::text::plain;

/// How many characters of a header or of a request line are shown.
const SHOWN: usize = 120;

/// Why there is no answer but a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What came is not HTTP.
    Malformed,
    /// The credentials cannot be decoded.
    BadCredentials,
    /// The address is asked for by these methods only.
    Method(&'static [Method]),
    /// The length of the body is no number, or two.
    BadLength,
    /// A body where none is read.
    UnwantedBody,
    /// The body is no XML-RPC call.
    BadCall,
    /// A form or a link that asks for nothing that there is.
    BadForm,
    /// No credentials were sent where some are asked for.
    NoCredentials,
    /// Others were sent.
    WrongCredentials,
    /// A client that may only look asks for a change.
    ReadOnly,
    /// A page of another origin than the host may have sent it.
    Origin(Box<Sender>),
    /// The browser says that another site has sent it.
    CrossSite(Box<Sender>),
    /// No name of this server, which has no password.
    UnknownHost(Box<Sender>),
    /// A form without a token of its own that is good now; from another origin
    /// than the host if there is a sender.
    OldForm(Option<Box<Sender>>),
    /// Nothing has this address.
    NotFound,
    /// There is no such log.
    NoLog,
    /// A link that would change something.
    OnlyALink,
    /// A body without a length.
    NoLength,
    /// A body in an encoding for the transfer.
    Encoded,
    /// A body of more than that many bytes.
    LongBody(u64),
    /// A form of more than that many bytes.
    LongForm(u64),
    /// A header of more than that many bytes.
    LongHeader(usize),
    /// A log that the answer holds could not be read.
    UnreadableLog,
    /// Too much of other calls waits to be read.
    ManyBodies,
    /// Too much was written for calls that are not finished.
    ManyAnswers,
    /// Too many calls and actions wait for processes.
    ManyActions,
    /// Too many clients follow logs.
    ManyFollowers,
    /// Too many logs are being read.
    ManyReaders,
    /// The descriptors left are for programs.
    NoDescriptors,
    /// The kernel has no random numbers for tokens.
    NoTokens,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Malformed
            | Refusal::BadCredentials
            | Refusal::Method(_)
            | Refusal::BadLength
            | Refusal::UnwantedBody
            | Refusal::BadCall
            | Refusal::BadForm => 400,
            Refusal::NoCredentials | Refusal::WrongCredentials => 401,
            Refusal::ReadOnly
            | Refusal::Origin(_)
            | Refusal::CrossSite(_)
            | Refusal::UnknownHost(_)
            | Refusal::OldForm(_) => 403,
            Refusal::NotFound | Refusal::NoLog => 404,
            Refusal::OnlyALink => 405,
            Refusal::NoLength | Refusal::Encoded => 411,
            Refusal::LongBody(_) | Refusal::LongForm(_) => 413,
            Refusal::LongHeader(_) => 431,
            Refusal::UnreadableLog => 500,
            Refusal::ManyBodies
            | Refusal::ManyAnswers
            | Refusal::ManyActions
            | Refusal::ManyFollowers
            | Refusal::ManyReaders
            | Refusal::NoDescriptors
            | Refusal::NoTokens => 503,
        }
    }

    /// Under which name it is told in the log, where others of that name are counted;
    /// `None` for what is plainly a mistake of the client, or told there already.
    pub fn told_as(&self) -> Option<&'static str> {
        Some(match self {
            Refusal::WrongCredentials => "credentials",
            Refusal::ReadOnly => "access",
            Refusal::Origin(_) => "origin",
            Refusal::CrossSite(_) => "site",
            Refusal::UnknownHost(_) => "host",
            Refusal::OldForm(_) => "form",
            Refusal::OnlyALink => "link",
            Refusal::Encoded => "encoding",
            Refusal::LongBody(_) => "body",
            Refusal::LongHeader(_) => "header",
            Refusal::ManyBodies => "bodies",
            Refusal::ManyAnswers => "answers",
            Refusal::ManyActions => "actions",
            Refusal::ManyFollowers => "followers",
            Refusal::ManyReaders => "readers",
            Refusal::NoDescriptors => "descriptors",
            _ => return None,
        })
    }

    /// The sentence; `{}` stands for what the refusal holds.
    fn text(&self) -> &'static str {
        match self {
            Refusal::Malformed => "This is no HTTP request that can be read here.",
            Refusal::BadCredentials => {
                "The header Authorization holds no user name and password in Base64."
            }
            Refusal::Method(_) => "This address takes {} only.",
            Refusal::BadLength => {
                "Content-Length is not one number that says how long the body is."
            }
            Refusal::UnwantedBody => "A request for this address has no body.",
            Refusal::BadCall => "The body is no XML-RPC call that can be read here.",
            Refusal::BadForm => "What is asked for by action is not known, or is not for a name.",
            Refusal::NoCredentials => {
                "This server wants the username and the password of its section in the \
                 configuration of supervisord."
            }
            Refusal::WrongCredentials => {
                "The user name or the password is not that of this server's section in the \
                 configuration of supervisord."
            }
            Refusal::ReadOnly => {
                "This access is for looking only: to change something, use a server without \
                 readonly=true, or its username instead of its readonly_username."
            }
            Refusal::Origin(_) => "{}",
            Refusal::CrossSite(_) => {
                "The browser says that another site has sent this request, with {}: act on the \
                 pages of this server, or name that site in allowed_hosts in its section if it \
                 may act here."
            }
            Refusal::UnknownHost(_) => "{}",
            Refusal::OldForm(_) => {
                "The form does not come from this supervisord as it runs now, or is older than a \
                 day: open the page again and repeat what you wanted.{}"
            }
            Refusal::NotFound => "There is nothing at this address.",
            Refusal::NoLog => "There is no such process, or it has no such log.",
            Refusal::OnlyALink => {
                "A link changes nothing here: use the buttons of the page, or, where scripts need \
                 the links of Supervisor 4.3.0, set web_get_actions=true in the section of this \
                 server."
            }
            Refusal::NoLength => "A request with a body needs a Content-Length.",
            Refusal::Encoded => {
                "The body has a Transfer-Encoding, which is not read here: send it with a \
                 Content-Length; a proxy in between must buffer requests (in nginx: \
                 proxy_request_buffering on)."
            }
            Refusal::LongBody(_) => {
                "The body is longer than {} bytes: body_maxbytes in the section of this server \
                 says how long it may be."
            }
            Refusal::LongForm(_) => "The form is longer than {} bytes.",
            Refusal::LongHeader(_) => {
                "The header is longer than {} bytes: header_maxbytes in the section of this \
                 server says how long it may be."
            }
            Refusal::UnreadableLog => "A log that belongs to the answer cannot be read.",
            Refusal::ManyBodies => {
                "Too many large calls wait to be read: try again when some have been answered."
            }
            Refusal::ManyAnswers => {
                "The results of multicalls that are not finished fill the memory that there is \
                 for them: ask for less at a time."
            }
            Refusal::ManyActions => {
                "Too many calls and actions wait for processes: try again when some have ended."
            }
            Refusal::ManyFollowers => {
                "Half of the connections of this server follow logs already: end some, or raise \
                 max_connections in its section."
            }
            Refusal::ManyReaders => {
                "As many logs are being read as can be: try again when some have been sent."
            }
            Refusal::NoDescriptors => {
                "The descriptors left are for programs: raise minfds in the section supervisord."
            }
            Refusal::NoTokens => {
                "There are no random numbers for the forms of the page: the log of supervisord \
                 says why."
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let (before, after) = text.split_once("{}").unwrap_or((text, ""));
        f.write_str(before)?;
        match self {
            Refusal::Method(methods) => write_methods(f, methods)?,
            Refusal::Origin(sender) => write_foreign(f, sender)?,
            Refusal::CrossSite(sender) => write!(f, "{sender}")?,
            Refusal::UnknownHost(sender) => write_unknown(f, sender)?,
            Refusal::OldForm(Some(sender)) => {
                f.write_str(" ")?;
                write_foreign(f, sender)?;
            }
            Refusal::LongBody(limit) | Refusal::LongForm(limit) => write!(f, "{limit}")?,
            Refusal::LongHeader(limit) => write!(f, "{limit}")?,
            _ => {}
        }
        f.write_str(after)
    }
}

/// `GET, HEAD and POST`.
fn write_methods(f: &mut fmt::Formatter<'_>, methods: &[Method]) -> fmt::Result {
    for (place, method) in methods.iter().enumerate() {
        f.write_str(match place {
            0 => "",
            _ if place + 1 == methods.len() => " and ",
            _ => ", ",
        })?;
        f.write_str(method.name())?;
    }
    Ok(())
}

/// What a browser said of where its request comes from and where it goes, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    origin: Option<String>,
    host: Option<String>,
    /// What `allowed_hosts` would have to hold for the origin, and for the host.
    origin_name: Option<String>,
    host_name: Option<String>,
}

impl Sender {
    /// What the headers say; the names are those in them, if they can be told.
    pub fn of(head: &Head, origin_name: Option<&str>, host_name: Option<&str>) -> Sender {
        let all = |name: &str| {
            let values: Vec<&str> = head.headers(name).collect();
            (!values.is_empty()).then(|| shown(&values.join(", ")))
        };
        Sender {
            origin: all("Origin"),
            host: all("Host"),
            origin_name: origin_name.map(shown),
            host_name: host_name.map(shown),
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "the Origin \"{origin}\" and ")?,
            None => f.write_str("no Origin and ")?,
        }
        match &self.host {
            Some(host) => write!(f, "the Host \"{host}\""),
            None => f.write_str("no Host"),
        }
    }
}

/// The sentence about an origin that is not the host.
fn write_foreign(f: &mut fmt::Formatter<'_>, sender: &Sender) -> fmt::Result {
    let allowed = allowed_hosts(sender.origin_name.as_deref());
    write!(
        f,
        "The request came with {sender}, which do not agree: a proxy in between must hand on Host \
         as the browser sent it (in nginx: proxy_set_header Host $http_host), or {allowed} in the \
         section of this server must name who may act here; without a proxy, another site has \
         sent it."
    )
}

/// The sentence about a host that is not known.
fn write_unknown(f: &mut fmt::Formatter<'_>, sender: &Sender) -> fmt::Result {
    let allowed = allowed_hosts(sender.host_name.as_deref());
    write!(
        f,
        "The request came with {sender}, and this server, which has no password, is not known to \
         browsers by that name: ask for it by its address, or set {allowed}, or a username and a \
         password, in its section."
    )
}

fn allowed_hosts(name: Option<&str>) -> String {
    name.map_or_else(
        || "allowed_hosts".to_owned(),
        |name| format!("allowed_hosts={name}"),
    )
}

/// What a client has sent, as ASCII in one line of bounded length.
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(SHOWN) {
        match character {
            '"' | '\\' => shown.extend(['\\', character]),
            character if character.is_ascii() => plain::push_character(&mut shown, character),
            character => shown.extend(character.escape_unicode()),
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests;
