//! The sockets of programs, on which supervisord listens: one for an address, whoever has it in
//! the configuration. It is open from the first start of a program on, whether that runs or not,
//! until nobody has it any more.
//!
//! What a program does to a socket it does to that of everybody who has it. So each start sees to
//! it that clients can still connect, and that it blocks where no other process is in its way.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::config::{self, Address, FastCgiSocket, NamedSocket};
use crate::loggers::logger::Logger;
use crate::process::fcgi::{self, Hosts, SocketError};
use crate::snapshot::saved;
use crate::sys::socket_file::{self, Occupant};
use crate::sys::{fd, socket};

/// What errors call them.
const KIND: &str = "socket";

#[derive(Debug, Default)]
pub struct Sockets {
    open: Vec<Open>,
}

saved! { struct Sockets { open } }

#[derive(Debug)]
struct Open {
    config: FastCgiSocket,
    descriptor: OwnedFd,
}

saved! { struct Open { config, descriptor } }

impl Open {
    /// Whether a program has ended it for all: nobody can connect any more.
    fn is_shut_down(&self) -> bool {
        fd::has_hung_up(self.descriptor.as_fd())
    }

    fn has_vanished(&self) -> bool {
        match &self.config.address {
            Address::Unix { path, .. } => socket_file::occupant(path) == Occupant::Nobody,
            Address::Inet { .. } => false,
        }
    }
}

/// Whether clients find both in the same place: a file has one mode and owner at a time.
fn is_same_place(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Unix { path: one, .. }, Address::Unix { path: other, .. }) => one == other,
        _ => one == other,
    }
}

impl Sockets {
    /// Lets supervisord listen on all sockets of a program that is about to start. They block,
    /// as long as no other process has them.
    pub fn open(
        &mut self,
        wanted: &config::Sockets,
        is_shared: bool,
        log: &mut Logger,
        hosts: &Hosts,
    ) -> Result<(), SocketError> {
        for NamedSocket { socket, .. } in &wanted.0 {
            self.listen(socket, log, hosts)?;
        }
        if !is_shared {
            // What cannot be set here was not changed by a program either.
            self.of(wanted).into_iter().for_each(|descriptor| {
                let _ = fd::set_blocking(descriptor);
            });
        }
        Ok(())
    }

    /// The sockets of a program, in its order.
    pub fn of(&self, wanted: &config::Sockets) -> Vec<BorrowedFd<'_>> {
        let wanted = wanted.0.iter();
        let found = wanted.filter_map(|named| {
            let address = &named.socket.address;
            let mut open = self.open.iter();
            open.find(|open| is_same_place(&open.config.address, address))
        });
        found.map(|open| open.descriptor.as_fd()).collect()
    }

    fn listen(
        &mut self,
        wanted: &FastCgiSocket,
        log: &mut Logger,
        hosts: &Hosts,
    ) -> Result<(), SocketError> {
        let is_it = |open: &Open| is_same_place(&open.config.address, &wanted.address);
        let place = self.open.iter().position(is_it);
        let mut known = place.and_then(|place| self.open.get_mut(place));
        if let Some(open) = &mut known
            && open.config.address == wanted.address
            && !open.is_shut_down()
        {
            if open.config.backlog != wanted.backlog {
                let _ = socket::listen(open.descriptor.as_fd(), fcgi::backlog(wanted));
                open.config.backlog = wanted.backlog;
            }
            if !open.has_vanished() {
                return Ok(());
            }
            // One without a name is better than none.
            if let Ok(descriptor) = fcgi::create(wanted, KIND, true, log, hosts) {
                open.descriptor = descriptor;
            }
            return Ok(());
        }
        let descriptor = fcgi::create(wanted, KIND, known.is_some(), log, hosts)?;
        let new = Open {
            config: wanted.clone(),
            descriptor,
        };
        match known {
            Some(open) => *open = new,
            None => self.open.push(new),
        }
        Ok(())
    }

    /// Closes those that nobody wants any more.
    pub fn close_others(&mut self, log: &mut Logger, wanted: &[&Address]) {
        self.open.retain(|open| {
            let address = &open.config.address;
            let is_wanted = wanted.iter().any(|other| is_same_place(other, address));
            if !is_wanted {
                log.info(format_args!("Closing socket {}", address.url()));
            }
            is_wanted
        });
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
