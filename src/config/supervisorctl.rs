//! `[supervisorctl]`: what the client is told. Where it names no server, the first server
//! of the file is taken. Included files are read for these sections alone; 4.3.0 does not
//! read them. What else the file tells of its supervisord is looked up only when that
//! cannot be reached.

use super::datatypes;
use super::document::Document;
use super::error::ConfigError;
use super::expand::{Layer, define};
use super::include::{read_main, read_wanted};
use super::key::Fallback::{Nothing, Required, Value};
use super::key::{Key, changed, key};
use super::line_format::LineFormat;
use super::paths::{dirname, normalized_path};
use super::program::part_after_colon;
use super::section::{Context, environment_layer};
use super::server;
use super::system::System;
use crate::sort;
use crate::text::is_space;

pub const SECTION: &str = "supervisorctl";
/// The server that is asked when nothing is configured.
pub const DEFAULT_SERVERURL: &str = "http://localhost:9001";
/// The word before `> ` when nothing is configured.
pub const DEFAULT_PROMPT: &str = "supervisor";

/// The keys of `[supervisorctl]`.
pub const KEYS: &[Key] = &[
    changed("serverurl", "url", Value(DEFAULT_SERVERURL)),
    key("username", "text", Nothing),
    key("password", "text", Nothing),
    key("prompt", "text", Value(DEFAULT_PROMPT)),
    key("history_file", "path", Nothing),
];

/// The keys of `[ctlplugin:x]`.
pub const PLUGIN_KEYS: &[Key] = &[changed(FACTORY, "name", Required)];

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
    /// The same for messages: what came out of the environment as the file writes it.
    pub shown_serverurl: String,
    /// The name to log in with.
    pub username: Option<String>,
    /// Its password, clear text.
    pub password: Option<String>,
    /// Shown as `PROMPT> `.
    pub prompt: String,
    /// Absolute.
    pub history_file: Option<String>,
    /// Who says which server.
    pub serverurl_origin: ServerurlOrigin,
    /// Plug-ins, all of which are left out.
    pub plugins: Vec<Plugin>,
    /// Lines for the user, such as about those.
    pub warnings: Vec<String>,
}

/// Where the URL of the server comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerurlOrigin {
    /// Nowhere: it is the usual one.
    #[default]
    Usual,
    /// The key of `[supervisorctl]`.
    Key,
    /// The first server of the file.
    Server,
}

/// A plug-in of `[ctlplugin:x]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// The part behind the colon.
    pub name: String,
    /// What Python would call to make it.
    pub factory: String,
}

impl Default for ClientConfig {
    fn default() -> ClientConfig {
        ClientConfig {
            serverurl: DEFAULT_SERVERURL.to_owned(),
            shown_serverurl: DEFAULT_SERVERURL.to_owned(),
            username: None,
            password: None,
            prompt: DEFAULT_PROMPT.to_owned(),
            history_file: None,
            serverurl_origin: ServerurlOrigin::Usual,
            plugins: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl std::fmt::Debug for ClientConfig {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientConfig")
            .field("serverurl", &self.shown_serverurl)
            .field("username", &self.username)
            .field("prompt", &self.prompt)
            .field("history_file", &self.history_file)
            .finish_non_exhaustive()
    }
}

pub fn read(request: &ClientRequest, system: &dyn System) -> Result<ClientConfig, ConfigError> {
    let Some(path) = request.path.as_deref().filter(|path| !path.is_empty()) else {
        return Ok(ClientConfig::default());
    };
    let launch = &request.launch_directory;
    let mut document = read_main(path, launch, system)?;
    let layers = Layers::new(request, path, system);
    let unread = layers.include(&mut document, request, path, system, &|text: &str| {
        ["[supervisorctl]", "[ctlplugin:", "_http_server"]
            .iter()
            .any(|section| text.contains(section))
    });
    let context = layers.context(&document, request, path, system);
    let mut found = servers(&context);
    // One where something can be changed is the better one.
    sort::by(&mut found, |one, other| {
        one.is_readonly.cmp(&other.is_readonly)
    });
    let server = found.into_iter().next();
    if !document.has_section(SECTION) && server.is_none() {
        return Err(ConfigError::no_section(SECTION));
    }
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
    let plugins = plugins(&context)?;
    let left_out = |Plugin { name, factory }: &Plugin| {
        format!(
            "[ctlplugin:{name}] is left out: {factory} cannot be loaded, for Python plug-ins are not available"
        )
    };
    let mut warnings: Vec<String> = plugins.iter().map(left_out).collect();
    warnings.extend(unread.iter().map(|file| {
        format!("{file} is included and left out: it cannot be read as a configuration file")
    }));
    let mut read = ClientConfig {
        shown_serverurl: with_here.shown("serverurl", serverurl.clone()),
        serverurl,
        username,
        password,
        prompt: prompt.unwrap_or_else(|| DEFAULT_PROMPT.to_owned()),
        history_file,
        serverurl_origin: match with_here.raw("serverurl") {
            Some(_) => ServerurlOrigin::Key,
            None => ServerurlOrigin::Usual,
        },
        plugins,
        warnings,
    };
    if let Some(server) = server.filter(|_| read.serverurl_origin == ServerurlOrigin::Usual) {
        read.take(server);
    }
    Ok(read)
}

impl ClientConfig {
    /// Goes to a server of the file, with its credentials where there are no others.
    fn take(&mut self, server: FoundServer) {
        self.serverurl_origin = ServerurlOrigin::Server;
        self.serverurl = server.url;
        self.shown_serverurl = server.shown_url;
        if self.username.is_none() && self.password.is_none() {
            self.username = server.username;
            self.password = server.password;
        }
    }
}

/// A server of the file, as a client reaches it.
struct FoundServer {
    url: String,
    /// The same for messages.
    shown_url: String,
    username: Option<String>,
    /// None where the file has its digest alone.
    password: Option<String>,
    /// Whether clients can change nothing there.
    is_readonly: bool,
}

/// The servers of the file in its order, but for those that have no address.
fn servers(context: &Context<'_>) -> Vec<FoundServer> {
    let sections = context.document.sections();
    let found = sections.iter().filter_map(|name| {
        let plain = context.section(name, &[]);
        let with_here = context.section(name, &[&context.here]);
        let (url, shown_url) = if name.starts_with(server::UNIX) {
            let file = with_here.text("file").ok()??;
            let path = normalized_path(
                file.trim_matches(is_space),
                context.launch_directory,
                context.system,
            );
            let shown = with_here.shown("file", path.clone());
            (format!("unix://{path}"), format!("unix://{shown}"))
        } else if name.starts_with(server::INET) {
            let address = plain.converted("port", datatypes::inet_address);
            let (host, port) = address.ok()??;
            let host = match host.as_str() {
                "" | "0.0.0.0" => "localhost",
                host => host,
            };
            let url = format!("http://{host}:{port}");
            (url.clone(), url)
        } else {
            return None;
        };
        let text = |key| plain.text(key).ok().flatten();
        Some(FoundServer {
            url,
            shown_url,
            username: text("username").filter(|name| !name.is_empty()),
            password: text("password").filter(|word| !word.starts_with("{SHA")),
            is_readonly: plain.read(&server::READONLY).unwrap_or(false),
        })
    });
    found.collect()
}

/// What a configuration file tells of the supervisord that reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Its pid file, absolute; none if the file does not say.
    pub pidfile: Option<String>,
    /// The URLs at which it is told to listen.
    pub urls: Vec<String>,
}

/// Looks up what the file tells of its supervisord, as far as it can be read.
pub fn surroundings(request: &ClientRequest, system: &dyn System) -> Surroundings {
    let Some(path) = request.path.as_deref().filter(|path| !path.is_empty()) else {
        return Surroundings::default();
    };
    let launch = &request.launch_directory;
    let Ok(mut document) = read_main(path, launch, system) else {
        return Surroundings::default();
    };
    let layers = Layers::new(request, path, system);
    layers.include(&mut document, request, path, system, &|text: &str| {
        text.contains("_http_server") || text.contains("[supervisord]")
    });
    let context = layers.context(&document, request, path, system);
    let value = |section: &str, key: &str| {
        let section = context.section(section, &[&context.here, &context.host]);
        section.text(key).ok().flatten()
    };
    let urls = servers(&context).into_iter().map(|server| server.url);
    let urls = urls.collect();
    let pidfile = value("supervisord", "pidfile")
        .filter(|path| !path.eq_ignore_ascii_case("none"))
        .map(|path| normalized_path(&path, launch, system));
    Surroundings { pidfile, urls }
}

/// The names that values see.
struct Layers {
    environment: Layer,
    here: Layer,
    host: Layer,
}

impl Layers {
    fn new(request: &ClientRequest, path: &str, system: &dyn System) -> Layers {
        let launch = &request.launch_directory;
        let (mut here, mut host) = (Layer::new(), Layer::new());
        let directory = normalized_path(path, launch, system);
        define(&mut here, "here", dirname(&directory));
        define(&mut host, "host_node_name", &system.host_node_name());
        Layers {
            environment: environment_layer(&request.environment),
            here,
            host,
        }
    }

    fn include(
        &self,
        document: &mut Document,
        request: &ClientRequest,
        path: &str,
        system: &dyn System,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Vec<String> {
        let layers = [&self.environment, &self.here, &self.host];
        let launch = &request.launch_directory;
        read_wanted(document, path, launch, &layers, system, wanted)
    }

    fn context<'a>(
        self,
        document: &'a Document,
        request: &'a ClientRequest,
        path: &'a str,
        system: &'a dyn System,
    ) -> Context<'a> {
        Context {
            system,
            document,
            path,
            launch_directory: &request.launch_directory,
            environment: self.environment,
            childlog_format: LineFormat::default(),
            here: self.here,
            host: self.host,
        }
    }
}

/// Plug-ins are written in Python and left out.
fn plugins(context: &Context<'_>) -> Result<Vec<Plugin>, ConfigError> {
    let mut plugins = Vec::new();
    let sections = context.document.sections();
    for name in sections.iter().filter(|name| name.starts_with(PLUGIN)) {
        let section = context.section(name, &[]);
        let factory = section.factory(FACTORY)?;
        for key in context.document.keys(name) {
            section.text(&key)?;
        }
        plugins.push(Plugin {
            name: part_after_colon(name).to_owned(),
            factory: section.shown(FACTORY, factory),
        });
    }
    Ok(plugins)
}
