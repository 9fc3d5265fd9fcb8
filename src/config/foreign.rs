//! Directories that others may write to, with files that supervisord opens as root in them. One
//! is told of once, whatever is in it: who owns `/srv/app` owns all below it.

use std::rc::Rc;

use super::paths::{absolute, dirname};
use super::sockets;
use super::system::System;
use super::{Address, Group, MainLog, Origin, Server, Supervisord};
use crate::snapshot::saved;
use crate::vec_map::VecMap;

/// A directory and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignDirectory {
    pub path: String,
    /// Who may write to it, what is in it, and what to do.
    pub text: String,
}

saved! { struct ForeignDirectory { path, text } }

/// The directories of a configuration, in its order. `origins` made the groups.
pub fn directories(
    supervisord: &Supervisord,
    servers: &[Server],
    groups: &[Rc<Group>],
    origins: &[Origin],
    launch_directory: &str,
    system: &dyn System,
) -> Vec<ForeignDirectory> {
    let base = match &supervisord.directory {
        Some(directory) => absolute(directory, launch_directory),
        None => launch_directory.to_owned(),
    };
    let mut search = Search {
        base,
        system,
        known: VecMap::new(),
        found: Vec::new(),
    };
    if let MainLog::File(path) = &supervisord.logfile {
        search.file(path, "logfile", "supervisord");
    }
    if let Some(path) = &supervisord.pidfile {
        search.file(path, "pidfile", "supervisord");
    }
    if let Some(path) = &supervisord.statefile {
        search.file(path, "statefile", "supervisord");
    }
    search.directory(&supervisord.childlogdir, "childlogdir", "supervisord");
    for server in servers {
        if let Address::Unix { path, .. } = &server.address {
            search.file(path, "file", &server.section);
        }
    }
    for source in &supervisord.environment_file.0 {
        search.file(&source.path, "environment_file", "supervisord");
    }
    for (group, origin) in groups.iter().zip(origins) {
        for process in &group.processes {
            let section = origin.section_of(process);
            let variables = process.variables.iter();
            for source in variables.flat_map(|variables| &variables.environment_file.0) {
                search.file(&source.path, "environment_file", section);
            }
            for (key, path) in process.log_paths() {
                search.file(path, key, section);
            }
            if let Some(socket) = group.socket_of(process)
                && let Address::Unix { path, .. } = &socket.address
            {
                search.file(path, "socket", section);
            }
        }
        for (process, own) in sockets::of_group(group) {
            for named in &own.0 {
                if let Address::Unix { path, .. } = &named.socket.address {
                    search.file(path, "sockets", origin.section_of(process));
                }
            }
        }
    }
    search.found
}

struct Search<'a> {
    /// From where relative paths count.
    base: String,
    system: &'a dyn System,
    /// Directories that were looked at, and whether they, or one above them, were told of.
    known: VecMap<String, bool>,
    found: Vec<ForeignDirectory>,
}

impl Search<'_> {
    fn file(&mut self, path: &str, key: &str, section: &str) {
        let path = absolute(path, &self.base);
        self.look(dirname(&path), key, section);
    }

    fn directory(&mut self, path: &str, key: &str, section: &str) {
        let path = absolute(path, &self.base);
        self.look(&path, key, section);
    }

    /// Looks at a directory after those above it; whether one of them was told of.
    fn look(&mut self, directory: &str, key: &str, section: &str) -> bool {
        if let Some(is_told) = self.known.get(directory) {
            return *is_told;
        }
        let above = dirname(directory);
        let mut is_told = above != directory && self.look(above, key, section);
        if !is_told && let Some(who) = self.system.others_who_can_write(directory) {
            is_told = true;
            self.found.push(ForeignDirectory {
                path: directory.to_owned(),
                text: format!(
                    "{directory} {who}: who may write there can replace what supervisord opens \
                     as root, such as the {key} of [{section}]; give it to root if that is not meant"
                ),
            });
        }
        self.known.insert(directory.to_owned(), is_told);
        is_told
    }
}
