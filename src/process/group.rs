//! A process group: what a section of the configuration became.

use std::rc::Rc;

use crate::config::scale::Scaled;
use crate::config::{self, GroupKind};
use crate::loggers::logger::Logger;
use crate::process::fcgi::{self, Socket};
use crate::process::scheduler::{self, Member};
use crate::process::subprocess::{LogPaths, Subprocess};
use crate::snapshot::saved;
use crate::tokens::{GroupId, ProcessId};

#[derive(Debug)]
pub struct Group {
    pub id: GroupId,
    /// What it was made from.
    pub config: Rc<config::Group>,
    /// That this is not all as configured, if it is not.
    pub scaled: Option<Box<Scaled>>,
    /// Its processes in the order of definition.
    pub processes: Vec<Subprocess>,
    /// The sockets that processes of it share as their descriptor 0.
    pub sockets: Vec<Socket>,
    /// The number of the next member.
    next_index: u32,
}

saved! { struct Group { id, config, scaled, processes, sockets, next_index } }

impl Group {
    /// A group whose processes were never started. `paths` tells where the
    /// output of each goes.
    pub fn new(
        id: GroupId,
        config: Rc<config::Group>,
        mut paths: impl FnMut(&config::Process) -> LogPaths,
    ) -> Group {
        let mut group = Group {
            id,
            processes: Vec::with_capacity(config.processes.len()),
            sockets: fcgi::sockets_of(&config),
            scaled: None,
            next_index: 0,
            config,
        };
        let name: Rc<str> = Rc::from(group.config.name.as_str());
        let config = Rc::clone(&group.config);
        for process in &config.processes {
            let member = group.member(&name, process, paths(process));
            group.processes.push(member);
        }
        group
    }

    /// A new member, which has its number and is not in the list yet.
    pub fn member(
        &mut self,
        group_name: &Rc<str>,
        process: &Rc<config::Process>,
        paths: LogPaths,
    ) -> Subprocess {
        let id = ProcessId {
            group: self.id,
            index: self.next_index,
        };
        self.next_index += 1;
        let is_pool = matches!(self.config.kind, GroupKind::Listeners(_));
        Subprocess::new(
            id,
            Rc::clone(group_name),
            Rc::clone(process),
            paths,
            is_pool,
        )
    }

    /// The group as configured, with the numbers of processes that the configuration has.
    pub fn configured(&self) -> &Rc<config::Group> {
        let scaled = self.scaled.as_ref();
        scaled.map_or(&self.config, |scaled| &scaled.configured)
    }

    /// The place in the list of the process of that number.
    pub fn place(&self, index: u32) -> Option<usize> {
        let is_it = |process: &Subprocess| process.id().index == index;
        let usual = index as usize;
        match self.processes.get(usual).is_some_and(is_it) {
            true => Some(usual),
            false => self.processes.iter().position(is_it),
        }
    }

    /// A process by its number, and the socket that it is to have.
    pub fn process_and_socket(
        &mut self,
        index: u32,
    ) -> Option<(&mut Subprocess, Option<&mut Socket>)> {
        let place = self.place(index)?;
        let process = self.processes.get_mut(place)?;
        let socket = match self.config.socket_of(process.config()) {
            None => None,
            Some(wanted) => {
                let mut sockets = self.sockets.iter_mut();
                sockets.find(|socket| socket.config() == wanted)
            }
        };
        Some((process, socket))
    }

    /// Whether a process other than that has a child with the same listening sockets.
    pub fn shares_sockets(&self, index: u32) -> bool {
        let own = self
            .place(index)
            .and_then(|place| self.processes.get(place));
        let sockets = own.and_then(|process| process.config().sockets.as_ref());
        sockets.is_some()
            && self.processes.iter().any(|other| {
                other.id().index != index
                    && other.machine().pid() != 0
                    && other.config().sockets.as_ref() == sockets
            })
    }

    /// Closes the sockets of which no process has a child any more.
    pub fn close_idle_sockets(&mut self, log: &mut Logger) {
        let Group {
            config,
            processes,
            sockets,
            ..
        } = self;
        for socket in sockets.iter_mut().filter(|socket| socket.is_open()) {
            let is_served = processes.iter().any(|process| {
                process.machine().pid() != 0
                    && config.socket_of(process.config()) == Some(socket.config())
            });
            if !is_served {
                socket.close(log);
            }
        }
    }

    /// Its processes as the scheduler sees them.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        let group = (self.config.priority, self.config.name.as_str());
        self.processes.iter().map(move |process| Member {
            id: process.id(),
            group,
            own: (process.config().priority, &process.config().name),
            rank: 0,
            state: process.machine().state(),
        })
    }

    /// Its processes in the order in which they start, by priority and then by
    /// name; they stop in the opposite one.
    pub fn by_priority(&self) -> Vec<ProcessId> {
        scheduler::starting_order(self.members())
    }

    /// Whether every process counts as stopped.
    pub fn is_stopped(&self) -> bool {
        self.processes
            .iter()
            .all(|process| process.machine().state().is_stopped())
    }
}

/// How a process is shown: `name` where it equals the group's, else `group:name`.
pub fn namespec(group: &str, process: &str) -> String {
    if group == process {
        process.to_owned()
    } else {
        format!("{group}:{process}")
    }
}
