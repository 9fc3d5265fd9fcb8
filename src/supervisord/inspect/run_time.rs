//! What `--check` can see now of what will fail when programs are started: commands,
//! directories and files of variables that are not there, users that nobody may become, jobs that
//! look like services, sockets on which nobody can listen.

mod sockets;

use std::iter;

use crate::config::check::Warning;
use crate::config::check_target::CheckTarget;
use crate::config::checks;
use crate::config::command::Command;
use crate::config::document::Document;
use crate::config::hooks::POST_STOP_COMMAND;
use crate::config::ini::Location;
use crate::config::paths::{dirname, join};
use crate::config::system::System;
use crate::config::variables::OTHER_NAMES;
use crate::config::{
    Address, Config, Group, GroupKind, Origin, Process, ResultHandler, supervisord,
};
use crate::process::command::{self, CommandError};
use crate::process::machine::Hook;
use crate::text::shlex;

/// What one section's key has already been told of is not told again for its other processes.
struct Looker<'a> {
    config: &'a Config,
    document: &'a Document,
    system: &'a dyn System,
    /// What supervisord itself inherits as `PATH`.
    path: Option<&'a str>,
    /// Where supervisord will be.
    base: String,
    warnings: Vec<Warning>,
}

/// All of it. Relative paths are looked at from where supervisord will be, which this process
/// goes to.
pub fn warnings(
    config: &Config,
    document: &Document,
    environment: &[(String, String)],
    launch_directory: &str,
    system: &dyn System,
) -> Vec<Warning> {
    let settings = &config.supervisord;
    let base = match &settings.directory {
        Some(directory) if !settings.nodaemon => join(launch_directory, directory),
        _ => launch_directory.to_owned(),
    };
    // One that cannot be entered is not left by supervisord either.
    let _ = std::env::set_current_dir(&base);
    let path = environment.iter().find(|(name, _)| name == "PATH");
    let mut looker = Looker {
        config,
        document,
        system,
        path: path.map(|(_, value)| value.as_str()),
        base,
        warnings: Vec::new(),
    };
    looker.daemon_user();
    for (group, origin) in config.groups.iter().zip(&config.origins) {
        looker.group(group, origin);
    }
    looker.warnings
}

impl Looker<'_> {
    fn group(&mut self, group: &Group, origin: &Origin) {
        for process in &group.processes {
            let own = origin.section_of(process);
            self.command(process, own);
            self.directory(process, own);
            self.environment_files(process, own);
            self.user(process, own);
            self.schedule(process, own);
        }
        self.sockets(group, origin);
        let section = origin.section.as_str();
        let socket = match &group.kind {
            GroupKind::FastCgi(socket) => Some(socket),
            GroupKind::Programs | GroupKind::Listeners(_) => None,
        };
        if let Some(Address::Unix { path, .. }) = socket.map(|socket| &socket.address)
            && !self.system.is_directory(&join(&self.base, dirname(path)))
        {
            let path = self.shown(section, "socket");
            let text = format!(
                "there is no directory for the socket {path}: supervisord cannot start before it is there"
            );
            self.warn(section, "socket", text);
        }
        if let GroupKind::Listeners(pool) = &group.kind
            && let ResultHandler::Exec(handler) = &pool.result_handler
            && let Some(process) = group.processes.first()
        {
            let key = match self.document.get(section, "handler") {
                Some(_) => "handler",
                None => "result_handler",
            };
            self.command_beside(
                process,
                section,
                (key, handler),
                "its answers cannot be judged",
            );
        }
    }

    fn command(&mut self, process: &Process, section: &str) {
        self.command_of(process, section, "command", "it cannot start");
        for hook in Hook::ALL {
            let Some(command) = hook.command(process) else {
                continue;
            };
            let key = match (hook, self.document.get(section, hook.key())) {
                (Hook::PostStop, None) => POST_STOP_COMMAND.name,
                _ => hook.key(),
            };
            let so = match hook {
                Hook::PreStart => "it cannot start",
                _ => "it fails each time",
            };
            self.command_beside(process, section, (key, command), so);
        }
        let Some(checks) = &process.checks else {
            return;
        };
        let script = checks::GO_KEYS[0].name;
        let liveness = match self.document.get(section, "liveness_check") {
            None => script,
            Some(_) => "liveness_check",
        };
        let readiness = checks.readiness_check.as_ref();
        for (key, command, so) in [
            (
                "readiness_check",
                readiness.and_then(CheckTarget::command),
                "it never gets ready",
            ),
            (
                liveness,
                checks
                    .liveness_check
                    .as_ref()
                    .and_then(CheckTarget::command),
                "it is never healthy",
            ),
            (
                "liveness_check_failure_action",
                checks.liveness_check_failure_action.command(),
                "it fails each time",
            ),
        ] {
            if let Some(command) = command {
                self.command_beside(process, section, (key, command), so);
            }
        }
    }

    /// A command that runs beside a program, with its variables.
    fn command_beside(
        &mut self,
        process: &Process,
        section: &str,
        (key, command): (&str, &Command),
        so: &str,
    ) {
        let beside = Process {
            command: command.clone(),
            ..process.clone()
        };
        self.command_of(&beside, section, key, so);
    }

    fn command_of(&mut self, process: &Process, section: &str, key: &str, so: &str) {
        let path = self.path.map(str::as_bytes);
        let Err(error) = command::find(process, path) else {
            return;
        };
        let words = shlex::split_command(&process.command);
        if words.is_err() && self.is_cut(section, key) {
            return;
        }
        let mut text = format!("{error}, so {so}");
        if let CommandError::NotFound(_) = error {
            let words = words.unwrap_or_default();
            let program = words.first().map_or("", String::as_str);
            if !program.contains('/') {
                let own = process.environment.iter().find(|(name, _)| name == "PATH");
                let path = match own {
                    Some((_, path)) => {
                        Some(path.as_str()).filter(|path| self.has_pair(section, path))
                    }
                    None => self.path,
                };
                if let Some(path) = path.filter(|path| !path.is_empty()) {
                    text.push_str(&format!(": its PATH is {path}"));
                }
            } else if !program.starts_with('/') {
                // The child is in `directory` only later.
                let base = match self.document.get(supervisord::SECTION, "directory") {
                    Some(written)
                        if written.text.contains('%') && !self.config.supervisord.nodaemon =>
                    {
                        written.text
                    }
                    _ => self.base.clone(),
                };
                text.push_str(&format!(": it is looked for from {base}"));
            }
        }
        self.warn(section, key, text);
    }

    /// Whether a comment ends a value, which is told of already.
    fn is_cut(&self, section: &str, key: &str) -> bool {
        let value = self.document.get(section, key);
        value.is_some_and(|value| self.document.cuts(&value.location).next().is_some())
    }

    fn directory(&mut self, process: &Process, section: &str) {
        let Some(directory) = &process.directory else {
            return;
        };
        if std::path::Path::new(directory).is_dir() {
            return;
        }
        let mut text = match self.system.exists(&join(&self.base, directory)) {
            true => "this is no directory, so it cannot start: ",
            false => "there is no such directory, so it cannot start: ",
        }
        .to_owned();
        text.push_str(&self.shown(section, "directory"));
        if directory.starts_with('~') {
            text.push_str(" (~ is not replaced here)");
        }
        self.warn(section, "directory", text);
    }

    /// Files of variables that each start wants to read.
    fn environment_files(&mut self, process: &Process, section: &str) {
        let Some(variables) = &process.variables else {
            return;
        };
        let names = OTHER_NAMES.iter().map(|key| key.name);
        let names = || iter::once("environment_file").chain(names.clone());
        let of_daemon = &self.config.supervisord.environment_file.0;
        for source in &variables.environment_file.0 {
            if source.is_optional || self.system.exists(&join(&self.base, &source.path)) {
                continue;
            }
            let section = match of_daemon.contains(source) {
                true => supervisord::SECTION,
                false => section,
            };
            let key = names().find(|name| self.document.get(section, name).is_some());
            let key = key.unwrap_or("environment_file");
            // What came out of the environment may be a secret.
            let written = self.document.get(section, key);
            let is_hidden = written.is_some_and(|written| written.text.contains("%("));
            let path = match is_hidden {
                true => self.shown(section, key),
                false => source.path.clone(),
            };
            let text = format!(
                "there is no environment file {path}, so it cannot start: write - before a path that need not be there"
            );
            self.warn(section, key, text);
        }
    }

    /// The user that supervisord itself is to become.
    fn daemon_user(&mut self) {
        let wanted = self.config.user.and_then(|user| user.uid);
        let (uid, section) = (self.system.uid(), "supervisord");
        if wanted.is_some_and(|wanted| wanted != uid && uid != 0) {
            let user = self.shown(section, "user");
            let text = format!("supervisord cannot become user {user} unless root starts it");
            self.warn(section, "user", text);
        }
    }

    fn user(&mut self, process: &Process, section: &str) {
        let daemon = self.config.user.and_then(|user| user.uid);
        let uid = daemon.unwrap_or_else(|| self.system.uid());
        if process.uid.is_none_or(|wanted| wanted == uid || uid == 0) {
            return;
        }
        let user = self.shown(section, "user");
        let why = match daemon {
            Some(_) => "supervisord becomes another user itself, and is not root then",
            None => "supervisord changes users only if root starts it",
        };
        let text = format!("it cannot become user {user}, so it cannot start: {why}");
        self.warn(section, "user", text);
    }

    /// A short job would be taken for a service that does not stay up.
    fn schedule(&mut self, process: &Process, section: &str) {
        if process.schedule().is_none() || process.is_oneshot() || process.startsecs <= 0 {
            return;
        }
        let key = match self.document.get(section, "schedule") {
            Some(_) => "schedule",
            None => "cron",
        };
        let text = format!(
            "an end within startsecs={} is a failed start: write type=oneshot for a job that ends \
             by itself",
            process.startsecs
        );
        self.warn(section, key, text);
    }

    /// A value as the file has it: what came out of the environment may be a secret.
    fn shown(&self, section: &str, key: &str) -> String {
        let written = self.document.get(section, key);
        written.map_or_else(|| format!("its {key}"), |written| written.text)
    }

    /// Whether a value of `environment` stands in the file as it is.
    fn has_pair(&self, section: &str, value: &str) -> bool {
        let sections = [section, supervisord::SECTION].into_iter();
        let mut written = sections.filter_map(|section| self.document.get(section, "environment"));
        written.any(|written| written.text.contains(value))
    }

    fn warn(&mut self, section: &str, key: &str, text: String) {
        let value = self.document.get(section, key);
        let place = value.map(|value| value.location);
        let place = place.or_else(|| self.document.location_of(section));
        let location = place.unwrap_or(Location {
            file: self.config.path.clone(),
            line: 1,
        });
        let begin = format!("[{section}] ");
        let is_told = |told: &Warning| {
            let is_of_key = told.text.starts_with(&begin);
            is_of_key && told.location == location
        };
        if !self.warnings.iter().any(is_told) {
            let text = format!("{begin}{text}");
            self.warnings.push(Warning {
                location,
                text,
                is_note: false,
            });
        }
    }
}
