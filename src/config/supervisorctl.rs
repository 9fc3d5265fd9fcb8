//! `[supervisorctl]`: what the client is told. No other section is evaluated,
//! and includes are not followed.

use super::error::ConfigError;
use super::expand::{Layer, define};
use super::include::read_main;
use super::paths::dirname;
use super::places::normalized_path;
use super::program::part_after_colon;
use super::section::{Context, environment_layer};
use super::system::System;

/// The section's name.
pub const SECTION: &str = "supervisorctl";
/// The server that is asked when nothing is configured.
pub const DEFAULT_SERVERURL: &str = "http://localhost:9001";
/// The word before `> ` when nothing is configured.
pub const DEFAULT_PROMPT: &str = "supervisor";

const PLUGIN: &str = "ctlplugin:";
const FACTORY: &str = "supervisor.ctl_factory";

/// What the client's reader is to read.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    /// The file as given or found; `None` or empty for no file at all.
    pub path: Option<String>,
    /// The environment at the start.
    pub environment: Vec<(String, String)>,
    /// What relative paths are seen from; absolute.
    pub launch_directory: String,
}

/// The client's settings from the file; the command line goes over them.
#[derive(Clone, PartialEq)]
pub struct ClientConfig {
    /// A path of a `unix://` URL is absolute; anything else is as written.
    pub serverurl: String,
    /// The name to log in with.
    pub username: Option<String>,
    /// Its password, clear text.
    pub password: Option<String>,
    /// Shown as `PROMPT> `.
    pub prompt: String,
    /// Absolute.
    pub history_file: Option<String>,
    /// Lines for the user, such as plug-ins that are left out.
    pub warnings: Vec<String>,
}

impl Default for ClientConfig {
    fn default() -> ClientConfig {
        ClientConfig {
            serverurl: DEFAULT_SERVERURL.to_owned(),
            username: None,
            password: None,
            prompt: DEFAULT_PROMPT.to_owned(),
            history_file: None,
            warnings: Vec::new(),
        }
    }
}

impl std::fmt::Debug for ClientConfig {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientConfig")
            .field("serverurl", &self.serverurl)
            .field("username", &self.username)
            .field("prompt", &self.prompt)
            .field("history_file", &self.history_file)
            .finish_non_exhaustive()
    }
}

/// Reads the client's settings.
pub fn read(request: &ClientRequest, system: &impl System) -> Result<ClientConfig, ConfigError> {
    let Some(path) = request.path.as_deref().filter(|path| !path.is_empty()) else {
        return Ok(ClientConfig::default());
    };
    let launch = &request.launch_directory;
    let document = read_main(path, launch, system)?;
    if !document.has_section(SECTION) {
        return Err(ConfigError::NoSection(SECTION));
    }
    let mut here = Layer::new();
    define(
        &mut here,
        "here",
        dirname(&normalized_path(path, launch, system)),
    );
    let context = Context {
        system,
        document: &document,
        path,
        launch_directory: launch,
        environment: environment_layer(&request.environment),
        here,
        host: Layer::new(),
    };
    let plain = context.section(SECTION, &[]);
    let with_here = context.section(SECTION, &[&context.here]);

    let serverurl = match with_here.text("serverurl")? {
        None => DEFAULT_SERVERURL.to_owned(),
        Some(url) => match url.strip_prefix("unix://") {
            Some(path) => format!("unix://{}", normalized_path(path, launch, system)),
            None => url,
        },
    };
    let prompt = plain.text("prompt")?;
    let username = plain.text("username")?;
    let password = plain.text("password")?;
    let history_file = with_here
        .text("history_file")?
        .filter(|path| !path.is_empty())
        .map(|path| normalized_path(&path, launch, system));
    Ok(ClientConfig {
        serverurl,
        username,
        password,
        prompt: prompt.unwrap_or_else(|| DEFAULT_PROMPT.to_owned()),
        history_file,
        warnings: plugins(&context)?,
    })
}

/// Plug-ins are written in Python and left out, each with a warning.
fn plugins<S: System>(context: &Context<'_, S>) -> Result<Vec<String>, ConfigError> {
    let mut warnings = Vec::new();
    let sections = context.document.sections();
    for name in sections.iter().filter(|name| name.starts_with(PLUGIN)) {
        let section = context.section(name, &[]);
        let factory = section
            .text(FACTORY)?
            .ok_or_else(|| ConfigError::NoFactory {
                section: name.clone(),
                key: FACTORY,
            })?;
        for key in context.document.keys(name) {
            section.text(&key)?;
        }
        warnings.push(format!(
            "[ctlplugin:{}] is left out: {factory} cannot be loaded, for Python plug-ins are not available",
            part_after_colon(name)
        ));
    }
    Ok(warnings)
}
