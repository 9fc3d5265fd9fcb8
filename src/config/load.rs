//! Reading a configuration from the file system: the entry points and the order of evaluation.

mod real_system;

use std::rc::Rc;

use super::Config;
use super::accounts;
use super::addresses;
use super::commands;
use super::datatypes::Mismatch;
use super::document::Document;
use super::error::ConfigError;
use super::expand::{Layer, define};
use super::exposed;
use super::foreign;
use super::group;
use super::include::{self, Files};
use super::keys;
use super::line_format::LineFormat;
use super::nearest::nearest;
use super::needed;
use super::paths::{absolute, dirname, join, normalized_path};
use super::rpcinterface;
use super::section::{Context, environment_layer};
use super::server;
use super::supervisorctl::{self, ClientConfig, ClientRequest, Surroundings};
use super::supervisord::{self, Overrides};
use super::system::System;
use super::written;
use crate::snapshot::saved;
use crate::sys::user::Owner;

pub use real_system::RealSystem;

/// What supervisord's reader is to read.
#[derive(Clone, Debug, Default)]
pub struct LoadRequest {
    /// The file as given to `-c` or as found.
    pub path: String,
    pub overrides: Overrides,
    /// The environment at the start, with what `[supervisord] environment`
    /// added to it at earlier readings.
    pub environment: Vec<(String, String)>,
    /// The directory in which the program was started; absolute. Relative
    /// paths are seen from it, wherever the daemon has gone since.
    pub launch_directory: String,
    pub purpose: Purpose,
}

saved! { struct LoadRequest { path, overrides, environment, launch_directory, purpose } }

/// What a start reads, and every restart again.
#[derive(Clone, Debug, Default)]
pub struct StartRequest {
    /// The name by which the program was started, resolved if `PATH` was searched.
    pub program: String,
    /// `-c`; without it the file is searched for each time.
    pub configuration: Option<String>,
    pub overrides: Overrides,
    pub environment: Vec<(String, String)>,
    /// The directory in which the program was started; absolute.
    pub launch_directory: String,
}

saved! {
    struct StartRequest {
        program, configuration, overrides, environment, launch_directory,
    }
}

impl StartRequest {
    /// What to read: the file that was named, or the one that the search finds now.
    pub fn find(&self) -> Result<LoadRequest, ConfigError> {
        let mut overrides = self.overrides.clone();
        let path = match &self.configuration {
            Some(path) => path.clone(),
            None if overrides.commands.is_empty() => {
                find_required(&self.program, &self.launch_directory)?
            }
            None => {
                let found = self.found_beside_command();
                overrides.commands.stand_alone = found.is_none();
                found.unwrap_or_else(|| commands::PLACE.to_owned())
            }
        };
        Ok(LoadRequest {
            path,
            overrides,
            environment: self.environment.clone(),
            launch_directory: self.launch_directory.clone(),
            purpose: Purpose::Start,
        })
    }

    /// The file that the search finds for a command after `--`. Commands that are named one by
    /// one need none.
    fn found_beside_command(&self) -> Option<String> {
        match self.overrides.commands.has_others() {
            true => None,
            false => find(&self.program, &self.launch_directory),
        }
    }

    /// Whether what it reads is found by a search.
    pub fn searches(&self) -> bool {
        self.configuration.is_none()
            && (self.overrides.commands.is_empty() || self.found_beside_command().is_some())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// For a start: the user is looked up, the RPC interfaces must be makeable.
    #[default]
    Start,
    /// For `reread`, which looks at groups only.
    Reread,
}

saved! { enum Purpose { Start, Reread } }

/// Reads and evaluates the whole configuration for a daemon, which has no use for
/// [`Config::origins`].
pub fn load(request: &LoadRequest) -> Result<Config, ConfigError> {
    let config = load_with(request, &RealSystem)?;
    Ok(Config {
        origins: Vec::new(),
        ..config
    })
}

/// Reads the client's part of the configuration.
pub fn load_client(request: &ClientRequest) -> Result<ClientConfig, ConfigError> {
    supervisorctl::read(request, &RealSystem)
}

/// A path that an option names, read as the files' keys are: `~` is replaced, and
/// it is made absolute. An empty one stays, for it names nothing.
pub fn option_path(path: &str, launch_directory: &str) -> String {
    match path {
        "" => String::new(),
        path => normalized_path(path, launch_directory, &RealSystem),
    }
}

/// Looks up what the client's file tells of its supervisord.
pub fn surroundings(request: &ClientRequest) -> Surroundings {
    supervisorctl::surroundings(request, &RealSystem)
}

/// The whole configuration, on any system.
pub fn load_with(request: &LoadRequest, system: &dyn System) -> Result<Config, ConfigError> {
    load_with_document(request, system).map(|(config, _)| config)
}

/// The configuration with the text that it was made from.
pub fn load_with_document(
    request: &LoadRequest,
    system: &dyn System,
) -> Result<(Config, Document), ConfigError> {
    let Files {
        document,
        warnings,
        infos,
        errors,
    } = read_files(request, system)?;
    if let Some(error) = errors.into_iter().next() {
        return Err(error);
    }
    let config = evaluated(request, &document, system)?;
    let warnings = [warnings, config.warnings].concat();
    let config = Config {
        warnings,
        infos,
        ..config
    };
    Ok((config, document))
}

/// What the files say now, if they can be read; nothing is evaluated.
pub fn document(request: &LoadRequest) -> Option<Document> {
    let files = read_files(request, &RealSystem).ok()?;
    Some(files.document)
}

/// The main file and what it includes.
pub fn read_files(request: &LoadRequest, system: &dyn System) -> Result<Files, ConfigError> {
    let names = Names::of(request, system);
    let layers = [&names.environment, &names.here, &names.host];
    let commands = &request.overrides.commands;
    let mut files = match commands.stand_alone {
        true => Files::default(),
        false => include::read_all(&request.path, &request.launch_directory, &layers, system)?,
    };
    let added = commands.add_to(&mut files.document, &request.environment, system);
    files.errors.extend(added.err());
    Ok(files)
}

/// What the files say; their own warnings are not in it.
pub fn evaluated(
    request: &LoadRequest,
    document: &Document,
    system: &dyn System,
) -> Result<Config, ConfigError> {
    if !document.has_section(supervisord::SECTION) {
        return Err(no_supervisord(document));
    }
    let names = Names::of(request, system);
    let context = Context {
        system,
        document,
        path: &request.path,
        launch_directory: &request.launch_directory,
        environment: names.environment,
        childlog_format: LineFormat::default(),
        here: names.here,
        host: names.host,
    };
    evaluate(request, context).map_err(|error| located(error, document))
}

/// The error of a configuration without the daemon's section, with the place of one that
/// may have been meant.
fn no_supervisord(document: &Document) -> ConfigError {
    let error = ConfigError::no_section(supervisord::SECTION);
    let sections = document.sections();
    let mut unknown = sections.iter().filter(|name| keys::kind_of(name).is_none());
    let meant =
        unknown.find(|name| nearest(&name.to_lowercase(), [supervisord::SECTION]).is_some());
    match meant {
        Some(name) => error
            .advising("did you mean [supervisord]?")
            .at(document.location_of(name)),
        None => error
            .advising("add a line [supervisord]: nothing needs to stand below it")
            .at(sections.first().and_then(|name| document.location_of(name))),
    }
}

/// The names that all values see, and some of them.
struct Names {
    environment: Layer,
    here: Layer,
    host: Layer,
}

impl Names {
    fn of(request: &LoadRequest, system: &dyn System) -> Names {
        let (mut here, mut host) = (Layer::new(), Layer::new());
        let directory = absolute(dirname(&request.path), &request.launch_directory);
        define(&mut here, "here", &directory);
        define(&mut host, "host_node_name", &system.host_node_name());
        Names {
            environment: environment_layer(&request.environment),
            here,
            host,
        }
    }
}

/// The error with the place of the section, where no key has one. For a key that is
/// missing that is the place of one that may have been meant for it.
fn located(error: ConfigError, document: &Document) -> ConfigError {
    let Some(section) = error.section().map(str::to_owned) else {
        return error;
    };
    if let Some(missing) = error.key().filter(|_| error.location().is_none())
        && let Some(kind) = keys::kind_of(&section)
    {
        let known: Vec<&str> = kind.all_keys().map(|key| key.name).collect();
        let written = document.keys(&section);
        let meant = written.iter().find(|key| {
            !known.contains(&key.as_str()) && nearest(key, known.iter().copied()) == Some(missing)
        });
        if let Some(value) = meant.and_then(|key| document.get(&section, key)) {
            let advice = format!("did you mean \"{missing}\"?");
            return error.advising(&advice).at(Some(value.location));
        }
    }
    let written = error.key().filter(|_| error.location().is_some());
    if let Some(key) = written.map(str::to_owned)
        && let Some(value) = document.get(&section, &key)
        && let Some(advice) = written::advice(document, &key, &value)
    {
        return error.advising(&advice);
    }
    error.at(document.location_of(&section))
}

/// Evaluates in the original's order, for the first error is the one that is told.
fn evaluate(request: &LoadRequest, mut context: Context<'_>) -> Result<Config, ConfigError> {
    let mut warnings = Vec::new();
    let supervisord = supervisord::read(&mut context, &request.overrides)?;
    let interfaces = rpcinterface::read(&context, &mut warnings)?;
    rpcinterface::warn_of_client_plugins(context.document, &mut warnings);
    let found = group::read(&context, &supervisord, &mut warnings)?;
    let aliases = needed::check(&context, &found)?;
    let servers = server::read(&context)?;
    addresses::check(&context, &found, &servers)?;
    let mut user = None;
    if request.purpose == Purpose::Start {
        user = match &supervisord.user {
            None => None,
            Some(text) => Some(account(text, &context, &request.overrides)?),
        };
        // The original notices when it makes its first server.
        if let Some(error) = interfaces.unknown_key.filter(|_| !servers.is_empty()) {
            return Err(error);
        }
    }
    let found = found.into_iter();
    let (groups, origins): (Vec<_>, Vec<_>) = found
        .map(|(group, origin)| (Rc::new(group), origin))
        .unzip();
    let exposed_files = exposed::files(&supervisord, &groups, &origins, context.system);
    let stays_root = user.is_none_or(|user| user.uid.is_none_or(|uid| uid == 0));
    let foreign_directories = match stays_root {
        true => foreign::directories(
            &supervisord,
            &servers,
            &groups,
            &origins,
            &request.launch_directory,
            context.system,
        ),
        false => Vec::new(),
    };
    Ok(Config {
        path: request.path.clone(),
        supervisord,
        user,
        servers,
        rpcinterfaces: interfaces.names,
        has_rpcinterface: interfaces.has_section,
        wrap_multicall: interfaces.wrap_multicall,
        groups,
        origins,
        aliases,
        warnings,
        infos: Vec::new(),
        exposed_files,
        foreign_directories,
    })
}

/// The user that the daemon becomes, with the group. A group cannot be named
/// in 4.3.0, whose message for an unknown user tells no place; one that is
/// unknown is told with section and file.
fn account(text: &str, context: &Context<'_>, overrides: &Overrides) -> Result<Owner, ConfigError> {
    let owner = accounts::user_and_group(text, context.system).map_err(|error| {
        // Whoever has typed it needs no place and no advice.
        if overrides.user.is_some() {
            return ConfigError::new(error.to_string());
        }
        let is_of_group = matches!(error.mismatch(), Mismatch::GroupName | Mismatch::GroupId);
        let section = context.section(supervisord::SECTION, &[&context.here]);
        let error = match section.value("user") {
            Ok(Some(value)) => section.wrong("user", &value, error),
            _ => error.into(),
        };
        match is_of_group {
            true => context.in_section(supervisord::SECTION, error),
            false => error,
        }
    })?;
    let primary = owner.uid.and_then(|uid| context.system.gid_of_uid(uid));
    Ok(Owner {
        gid: owner.gid.or(primary),
        ..owner
    })
}

/// The default places of the file, in the order of the search. `program` is
/// the name by which the program was started, resolved if `PATH` was searched.
pub fn search_paths(program: &str) -> [String; 6] {
    let prefix = dirname(dirname(program));
    [
        join(prefix, "etc/supervisord.conf"),
        join(prefix, "supervisord.conf"),
        "supervisord.conf".to_owned(),
        "etc/supervisord.conf".to_owned(),
        "/etc/supervisord.conf".to_owned(),
        "/etc/supervisor/supervisord.conf".to_owned(),
    ]
}

/// The first default place where something is; for the client, which goes on
/// without a file.
pub fn find(program: &str, launch_directory: &str) -> Option<String> {
    search_paths(program)
        .into_iter()
        .find(|path| RealSystem.exists(&join(launch_directory, path)))
}

/// The first default place where something is; for the daemon, which needs a file.
pub fn find_required(program: &str, launch_directory: &str) -> Result<String, ConfigError> {
    find(program, launch_directory).ok_or_else(|| ConfigError::no_file(&search_paths(program)))
}

/// What root is told on standard error before a search.
pub const ROOT_SEARCH_WARNING: &str = "Supervisord is running as root and it is searching for its configuration file in default locations (including its current working directory); you probably want to specify a \"-c\" argument specifying an absolute path to a configuration file for improved security.";

/// This process's environment as text; bytes that are not UTF-8 are replaced.
pub fn captured_environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect()
}
