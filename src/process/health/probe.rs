//! A check that the daemon makes by itself: a connection that does not wait for anybody, over
//! TCP or a unix socket, and for HTTP a request and what is read of its answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::config::CheckTarget;
use crate::config::check_target::authority;
use crate::loop_context::LoopContext;
use crate::process::health::answer::{self, Answer};
use crate::snapshot::saved;
use crate::sys::poller::{Interest, Token};
use crate::sys::{errno, fd, socket};
use crate::tokens::FdOwner;

/// What a check has found: the error is why it has failed.
pub type Outcome = Result<(), String>;

/// A check that is under way.
#[derive(Debug)]
pub struct Probe {
    token: Token,
    /// What is to be written, of HTTP.
    request: Option<String>,
    answer: Answer,
    is_connected: bool,
}

saved! { struct Probe { token, request, answer, is_connected } }

/// How a check has begun.
#[derive(Debug)]
pub enum Begun {
    Finished(Outcome),
    UnderWay(Probe),
}

/// Begins a check of a target that is no command. `address` is that of its host, if it has one
/// that is known.
pub fn begin(
    context: &mut LoopContext,
    owner: FdOwner,
    target: &CheckTarget,
    address: Option<IpAddr>,
) -> Begun {
    match connect(target, address) {
        Err(reason) => Begun::Finished(Err(reason)),
        // Whoever listens on a unix socket is there at once.
        Ok(None) => Begun::Finished(Ok(())),
        Ok(Some(descriptor)) => {
            let registered = context.poller.register(descriptor, Interest::WRITE, owner);
            let request = match target {
                CheckTarget::Http { host, port, path } => Some(answer::request(host, *port, path)),
                _ => None,
            };
            match registered {
                Err(error) => Begun::Finished(Err(errno::reason(&error))),
                Ok(token) => Begun::UnderWay(Probe {
                    token,
                    request,
                    answer: Answer::default(),
                    is_connected: false,
                }),
            }
        }
    }
}

fn connect(target: &CheckTarget, address: Option<IpAddr>) -> Result<Option<OwnedFd>, String> {
    match target {
        CheckTarget::Http { host, port, .. } | CheckTarget::Tcp { host, port } => {
            let unknown = || format!("{host} is no address and not in /etc/hosts");
            let address = SocketAddr::new(address.ok_or_else(unknown)?, *port);
            let connected = socket::connect_tcp(address);
            connected.map(Some).map_err(|error| errno::reason(&error))
        }
        CheckTarget::Unix(path) => match socket::connect_unix(Path::new(path)) {
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err("its queue is full".to_owned())
            }
            Err(error) => Err(errno::reason(&error)),
        },
        CheckTarget::Command(_) => Err("it is a command".to_owned()),
    }
}

/// How reasons name a target. What is behind the `?` of a URL may be nobody's business.
pub fn name_of(target: &CheckTarget) -> String {
    match target {
        CheckTarget::Http { path, .. } => {
            let path = path.split('?').next().unwrap_or_default();
            format!("GET {path}")
        }
        CheckTarget::Tcp { host, port } => format!("tcp://{}", authority(host, *port)),
        CheckTarget::Unix(path) => format!("unix:{path}"),
        CheckTarget::Command(_) => "command".to_owned(),
    }
}

impl Probe {
    pub fn is(&self, token: Token) -> bool {
        self.token == token
    }

    /// Goes on now that its connection is ready; what it has found, if it is at its end.
    pub fn handle(&mut self, context: &mut LoopContext) -> Option<Outcome> {
        let descriptor = context.poller.descriptor(self.token)?;
        if !self.is_connected {
            if let Some(error) = socket::failure(descriptor) {
                return Some(Err(errno::reason(&error)));
            }
            self.is_connected = true;
            let Some(request) = &self.request else {
                return Some(Ok(()));
            };
            // A connection that was just made takes so little at once.
            return match fd::send(descriptor, request.as_bytes()) {
                Ok(count) if count == request.len() => {
                    let changed = context.poller.set_interest(self.token, Interest::READ);
                    changed.err().map(|error| Err(errno::reason(&error)))
                }
                Ok(_) => Some(Err("it does not take the request".to_owned())),
                Err(error) => Some(Err(errno::reason(&error))),
            };
        }
        match context.input.read(descriptor) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) if self.answer.is_judged() => Some(self.answer.outcome()),
            Err(error) => Some(Err(errno::reason(&error))),
            Ok([]) => Some(self.answer.outcome()),
            Ok(bytes) => {
                let is_finished = self.answer.feed(bytes);
                is_finished.then(|| self.answer.outcome())
            }
        }
    }

    /// What it has found when its time is over, if that is enough.
    pub fn found_so_far(&self) -> Option<Outcome> {
        self.answer.is_judged().then(|| self.answer.outcome())
    }

    /// Closes its connection.
    pub fn close(self, context: &mut LoopContext) {
        context.poller.close(self.token);
    }
}
