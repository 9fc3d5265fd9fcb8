//! What `supervisord --check` warns of: settings that are read otherwise than
//! they look, or not at all. The configuration itself is good; what is not is
//! an error of the start.

mod quotes;
mod servers;
mod shell;
mod targets;

use super::check_target;
use super::checks;
use super::document::{DEFAULT, Document, PROGRAM_DEFAULT};
use super::go;
use super::hooks;
use super::ini::{Location, Mark, Marked};
use super::keys::{self, KINDS, SectionKind};
use super::names;
use super::nearest::nearest;
use super::paths::{dirname, join};
use super::rpcinterface;
use super::server;
use super::stop_signals::StopSignals;
use super::supervisorctl;
use super::system::System;
use super::{Config, supervisord, written};
use crate::sort;
use crate::text::is_space;
use crate::vec_map::VecMap;

/// How keys of programs begin that the listener supervisord-dependent-startup
/// looks up in the file itself.
const READ_BY_A_LISTENER: &str = "dependent_startup";

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub location: Location,
    /// What it is, and what to do.
    pub text: String,
    /// Nothing is wrong with it, but 4.3.0 does not take it.
    pub is_note: bool,
}

/// All warnings, in the order of files and lines.
pub fn check(
    config: &Config,
    document: &Document,
    launch_directory: &str,
    system: &dyn System,
) -> Vec<Warning> {
    let mut checker = Checker {
        document,
        warnings: Vec::new(),
        sections: VecMap::new(),
    };
    for (file, marks) in document.marks() {
        checker.file(file, marks);
        checker.passwords(file, marks, launch_directory, system);
    }
    for line in &config.warnings {
        checker.noted(config, line);
    }
    for file in &config.exposed_files {
        checker.noted(config, &file.text);
    }
    for directory in &config.foreign_directories {
        checker.noted(config, &directory.text);
    }
    checker.log_directories(config, launch_directory, system);
    checker.values();
    let mut warnings = checker.warnings;
    warnings.extend(notes(config, document));
    warnings.extend(targets::notes(config, document));
    warnings.extend(servers::warnings(config, document, launch_directory));
    sorted(warnings, document)
}

/// In the order of files and lines.
pub fn sorted(mut warnings: Vec<Warning>, document: &Document) -> Vec<Warning> {
    let order: Vec<&str> = document.marks().map(|(file, _)| file).collect();
    let position = |file: &str| order.iter().position(|other| *other == file);
    let key = |warning: &Warning| (position(&warning.location.file), warning.location.line);
    sort::by(&mut warnings, |a, b| key(a).cmp(&key(b)));
    warnings
}

/// What works here and not with 4.3.0: nothing to mend, unless the file is for both.
fn notes(config: &Config, document: &Document) -> Vec<Warning> {
    let sections = document.sections();
    let is_server = |name: &&String| {
        let name = name.as_str();
        name.starts_with(server::UNIX) || name.starts_with(server::INET)
    };
    let is_readonly = |name: &String| {
        let mut servers = config.servers.iter();
        servers.any(|server| server.section == *name && server.readonly)
    };
    let mut servers = sections.iter().filter(is_server);
    let acting = servers.clone().find(|name| !is_readonly(name));
    // Nobody can be asked without one.
    let Some(server) = acting.or_else(|| servers.next()) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    let mut note = |section: &str, text: String| {
        let location = document.location_of(section);
        let location = location.or_else(|| document.location_of(server));
        notes.push(Warning {
            location: location.unwrap_or(Location {
                file: config.path.clone(),
                line: 1,
            }),
            text,
            is_note: true,
        });
    };
    if !rpcinterface::has_section(document) {
        let text = "no [rpcinterface:supervisor]: it is there all the same, but not in Supervisor \
                    4.3.0, which then answers no command";
        note(server, text.to_owned());
    }
    if document.get(supervisorctl::SECTION, "serverurl").is_none() {
        let text = format!(
            "no serverurl in [supervisorctl]: supervisorctl asks [{server}], but that of Supervisor \
             4.3.0 asks {}",
            supervisorctl::DEFAULT_SERVERURL
        );
        note(supervisorctl::SECTION, text);
    }
    notes
}

struct Checker<'a> {
    document: &'a Document,
    warnings: Vec<Warning>,
    /// Where each section began.
    sections: VecMap<&'a str, Location>,
}

impl<'a> Checker<'a> {
    fn warn(&mut self, file: &str, line: usize, text: String) {
        let file = file.to_owned();
        self.warnings.push(Warning {
            location: Location { file, line },
            text,
            is_note: false,
        });
    }

    fn note(&mut self, file: &str, line: usize, text: String) {
        self.warn(file, line, text);
        if let Some(warning) = self.warnings.last_mut() {
            warning.is_note = true;
        }
    }

    /// Goes through one file from top to bottom.
    fn file(&mut self, file: &'a str, marks: &'a [Mark]) {
        let mut section = "";
        let mut key = "";
        let mut known: VecMap<&str, VecMap<&str, usize>> = VecMap::new();
        for mark in marks {
            match &mark.what {
                Marked::Header(name) => {
                    section = name;
                    if !known.contains_key(section) {
                        known.insert(section, VecMap::new());
                    }
                    self.header(file, mark.line, name);
                }
                Marked::Key(name, _) => {
                    key = name;
                    let keys = known.get_mut(section);
                    if let Some(first) = keys.and_then(|keys| keys.insert(key, mark.line)) {
                        self.warn(
                            file,
                            mark.line,
                            format!(
                                "{key} of [{section}] was set on line {first} already: this one counts"
                            ),
                        );
                    }
                    self.key(file, mark.line, section, key);
                }
                Marked::Cut { .. } => {
                    if let Some(text) = written::cut(key, &mark.what) {
                        self.warn(file, mark.line, text);
                    }
                }
            }
        }
    }

    fn header(&mut self, file: &'a str, line: usize, name: &'a str) {
        if let Some(first) = self.sections.get(name) {
            let text = format!("[{name}] is at {first} already: both are read as one section");
            self.warn(file, line, text);
            return;
        }
        let file_name = file.to_owned();
        self.sections.insert(
            name,
            Location {
                file: file_name,
                line,
            },
        );
        if name != DEFAULT && keys::kind_of(name).is_none() {
            let has_command = self.document.own(name, "command").is_some();
            let hint = section_hint(name, has_command);
            self.warn(file, line, format!("nothing reads [{name}]{hint}"));
        }
        if name == PROGRAM_DEFAULT {
            let text = format!(
                "Supervisor 4.3.0 does not read [{name}]: there each program needs these keys itself"
            );
            self.note(file, line, text);
        }
    }

    fn key(&mut self, file: &str, line: usize, section: &str, key: &str) {
        let is_read = self.is_read(section, key);
        if let Some(hint) = is_read.as_ref().err() {
            self.warn(file, line, format!("[{section}] has no key {key}{hint}"));
        }
        let Some(value) = self.document.get(section, key) else {
            return;
        };
        let file = file.to_owned();
        if value.location != (Location { file, line }) {
            return;
        }
        let (file, text) = (&value.location.file, &value.text);
        if is_path(key) && written::is_quoted(text) {
            let text = format!("remove the quotes of {key}: they are part of the path");
            self.warn(file, line, text);
        }
        if go::is_remote_syslog(key, text) {
            let syslog = key.replace("logfile", "syslog");
            let text = format!(
                "{key} is read as a path: no other host's syslog is reached, so set {syslog}=true and let the one of this host forward it"
            );
            self.warn(file, line, text);
        }
        let is_theirs = section == DEFAULT || keys::kind_of(section).is_some();
        let is_theirs = is_theirs && section != PROGRAM_DEFAULT && is_read.is_ok();
        let theirs = match key {
            "startretries" => "no retry",
            "stopwaitsecs" => "SIGKILL at once",
            _ => "",
        };
        if is_theirs && !theirs.is_empty() && text == "-1" {
            let text =
                format!("{key}=-1 of [{section}] is no limit: to Supervisor 4.3.0 it is {theirs}");
            self.note(file, line, text);
        }
        if is_theirs && key == "stopsignal" && StopSignals::are_several(text) {
            let text = format!(
                "stopsignal of [{section}] has several signals: Supervisor 4.3.0 takes one, and does not start with more"
            );
            self.note(file, line, text);
        }
        if is_theirs && names::has_text(text) {
            let text = format!(
                "{key} of [{section}] has a default in an expansion: Supervisor 4.3.0 does not start with that"
            );
            self.note(file, line, text);
        }
    }

    /// Whether a key is read; what may help where it is not.
    fn is_read(&self, section: &str, key: &str) -> Result<(), String> {
        let Some(kind) = keys::kind_of(section).filter(|kind| !takes_other_keys(kind)) else {
            return Ok(());
        };
        let known: Vec<&str> = kind.all_keys().map(|key| key.name).collect();
        if known.contains(&key) || key.starts_with(READ_BY_A_LISTENER) {
            return Ok(());
        }
        let has_it = |kind: &&SectionKind| kind.name != PROGRAM_DEFAULT && has_key(kind, key);
        Err(match (go::advice(key), KINDS.iter().find(has_it)) {
            (Some(advice), _) => format!(": {advice}"),
            (None, Some(kind)) if section == PROGRAM_DEFAULT => {
                let other = kind.name.trim_end_matches(':');
                format!(": it is for programs, and {key} is of [{other}] sections")
            }
            _ => hint(nearest(key, known.iter().copied())),
        })
    }

    /// Tells of a password in a file that everybody may read; once for a file.
    fn passwords(
        &mut self,
        file: &str,
        marks: &[Mark],
        launch_directory: &str,
        system: &dyn System,
    ) {
        let is_password =
            |mark: &&Mark| matches!(&mark.what, Marked::Key(name, _) if name.ends_with("password"));
        if let Some(mark) = marks.iter().find(is_password)
            && system.others_can_read(&join(launch_directory, file))
        {
            let text = "there is a password here, and everybody can read the file: chmod o-r it";
            self.warn(file, mark.line, text.to_owned());
        }
    }

    /// What the start would log. The section that a line names is its place.
    fn noted(&mut self, config: &Config, line: &str) {
        let include = || {
            let files = self.document.get("include", "files")?;
            let is_of_include = line.starts_with("No file matches")
                || line.contains(" matches an include and is left out");
            is_of_include.then_some(files.location)
        };
        let section = || {
            let (_, rest) = line.split_once('[')?;
            let ends = rest.match_indices(']').map(|(at, _)| at);
            ends.filter_map(|end| rest.get(..end))
                .find_map(|name| self.document.location_of(name))
        };
        let location = include().or_else(section).unwrap_or(Location {
            file: config.path.clone(),
            line: 1,
        });
        let text = line.to_owned();
        let warning = Warning {
            location,
            text,
            is_note: false,
        };
        // A section with many processes would say it once for each.
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// A missing directory fails one program when it is started, and nothing else.
    fn log_directories(&mut self, config: &Config, launch_directory: &str, system: &dyn System) {
        for (group, origin) in config.groups.iter().zip(&config.origins) {
            for process in &group.processes {
                let section = origin.section_of(process);
                for (key, path) in process.log_paths() {
                    let directory = dirname(path);
                    if directory.is_empty()
                        || system.is_directory(&join(launch_directory, directory))
                    {
                        continue;
                    }
                    let value = self.document.get(section, key);
                    // What came out of the environment is shown as the file writes it.
                    let directory = match &value {
                        Some(value) if !value.text.contains("%(ENV_") => directory,
                        Some(value) => dirname(&value.text),
                        None => "",
                    };
                    let blank = if directory.is_empty() { "" } else { " " };
                    let location = value.as_ref().map(|value| value.location.clone());
                    let location = location.or_else(|| self.document.location_of(section));
                    let warning = Warning {
                        location: location.unwrap_or(Location {
                            file: String::new(),
                            line: 0,
                        }),
                        text: format!(
                            "the directory{blank}{directory} for {key} is missing: [{section}] cannot start before it is there"
                        ),
                        is_note: false,
                    };
                    if !self.warnings.contains(&warning) {
                        self.warnings.push(warning);
                    }
                }
            }
        }
    }

    /// Commands and environments that are read otherwise than they look.
    fn values(&mut self) {
        for section in self.document.sections() {
            let value = |key: &str| self.document.get(&section, key);
            let is_supervisord = section == supervisord::SECTION;
            let is_of_program = keys::kind_of(&section)
                .is_some_and(|kind| kind.all_keys().any(|key| key.name == "command"));
            let mut found = Vec::new();
            if let Some(pairs) = value("environment").filter(|_| is_supervisord || is_of_program) {
                let doubts = quotes::doubts(&pairs.text, if is_supervisord { 2 } else { 1 });
                found.extend(doubts.into_iter().map(|doubt| {
                    let text = format!("in environment, {doubt}");
                    (pairs.location.clone(), text)
                }));
            }
            let commands = ["command", "result_handler", "handler"];
            let commands = commands.into_iter().chain(hooks::COMMANDS);
            for key in commands.chain(checks::COMMANDS) {
                let Some(value) = value(key).filter(|_| is_of_program) else {
                    continue;
                };
                let command = match value.text.strip_prefix("exec:") {
                    Some(command) => command,
                    None if key.ends_with("handler") => continue,
                    None if check_target::has_scheme(&value.text) => continue,
                    None => &value.text,
                };
                if let Some(word) = shell::shell_word(command) {
                    let text =
                        format!("{key} has {word}, and no shell runs it: {}", instead(&word));
                    found.push((value.location, text));
                }
            }
            let found = found.into_iter();
            let found = found.map(|(location, text)| Warning {
                location,
                text,
                is_note: false,
            });
            // A key of [DEFAULT] is every section's.
            for warning in found {
                if !self.warnings.contains(&warning) {
                    self.warnings.push(warning);
                }
            }
        }
    }
}

fn has_key(kind: &SectionKind, key: &str) -> bool {
    kind.all_keys().any(|known| known.name == key)
}

/// What to write where a shell is missing.
fn instead(word: &str) -> String {
    let shell = "/bin/sh -c 'COMMAND'";
    if word.ends_with('=') {
        return format!("set it in environment, or write {shell}");
    }
    let name = word.trim_start_matches(['$', '{']).trim_end_matches('}');
    match word.starts_with('$') && !name.starts_with('(') {
        true => format!("write %(ENV_{name})s, or {shell}"),
        false => format!("write {shell}"),
    }
}

/// Plug-ins take keys of their own.
fn takes_other_keys(kind: &SectionKind) -> bool {
    matches!(kind.name, "rpcinterface:" | "ctlplugin:")
}

/// What the name of a section that nothing reads was meant to be. One that has a command
/// is a program without more words.
fn section_hint(name: &str, has_command: bool) -> String {
    let separator = |c: char| c == ':' || is_space(c);
    let (kind, rest) = match name.split_once(separator) {
        Some((kind, rest)) => (format!("{kind}:"), rest),
        None => (name.to_owned(), ""),
    };
    let lower = kind.to_lowercase();
    let names = KINDS.iter().map(|kind| kind.name);
    match nearest(&lower, names) {
        Some(kind) if kind.ends_with(':') && rest.is_empty() => {
            format!(", did you mean \"{kind}NAME\"?")
        }
        Some(kind) if kind.ends_with(':') => format!(", did you mean \"{kind}{rest}\"?"),
        Some(kind) => format!(", did you mean \"{kind}\"?"),
        None if has_command && rest.is_empty() => {
            format!(", did you mean \"program:{name}\"?")
        }
        None if has_command => format!(", did you mean \"program:{rest}\"?"),
        None => hint(part_of_kind(&lower)),
    }
}

/// The kind of server that the word is a part of, as `unix_http` or `http_server` is; of
/// both that on a port.
fn part_of_kind(word: &str) -> Option<&'static str> {
    let names = KINDS.iter().map(|kind| kind.name);
    let mut servers = names.filter(|name| word.contains("http") && name.contains(word));
    servers.next_back()
}

fn hint(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(", did you mean \"{name}\"?"))
}

fn is_path(key: &str) -> bool {
    matches!(
        key,
        "file"
            | "files"
            | "logfile"
            | "pidfile"
            | "directory"
            | "childlogdir"
            | "stdout_logfile"
            | "stderr_logfile"
            | "history_file"
            | "socket"
    )
}
