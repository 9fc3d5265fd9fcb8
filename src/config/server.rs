//! `[unix_http_server]` and `[inet_http_server]`, with or without `:name`.

use std::net::Ipv6Addr;

use super::accounts;
use super::datatypes;
use super::error::ConfigError;
use super::key::Fallback::{Nothing, Required, Value};
use super::key::{Key, changed};
use super::limits::Limits;
use super::monitoring::Monitoring;
use super::paths::{normalized_path, too_long};
use super::section::{Context, Section};
use super::settings;
use super::{Address, Credentials, Server};
use crate::text::is_space;

pub const INET: &str = "inet_http_server";
pub const UNIX: &str = "unix_http_server";

const REQUIRE_AUTHENTICATION: Key = changed("require_authentication", "boolean", Value("false"));
pub const READONLY: Key = changed("readonly", "boolean", Value("false"));
const WEB_GET_ACTIONS: Key = changed("web_get_actions", "boolean", Value("false"));
const CHMOD: Key = changed("chmod", "octal", Value("0700"));

/// The keys of both kinds of servers, beside the limits.
pub const KEYS: &[Key] = &[
    changed("username", "text", Nothing),
    changed("password", "text", Nothing),
    READONLY,
    changed("readonly_username", "text", Nothing),
    changed("readonly_password", "text", Nothing),
    REQUIRE_AUTHENTICATION,
    WEB_GET_ACTIONS,
];

/// The keys of `[unix_http_server]`, beside those of every server.
pub const UNIX_KEYS: &[Key] = &[
    changed("file", "path", Required),
    CHMOD,
    changed("chown", "user[:group]", Nothing),
];

/// The keys of `[inet_http_server]`, beside those of every server.
pub const INET_KEYS: &[Key] = &[
    changed("port", "[host:]port", Required),
    changed("allowed_hosts", "list", Nothing),
];

/// All servers: the inet ones first, each kind in file order.
pub fn read(context: &Context<'_>) -> Result<Vec<Server>, ConfigError> {
    let sections = context.document.sections();
    let mut servers = Vec::new();
    for name in sections.iter().filter(|name| name.starts_with(INET)) {
        servers.push(inet(&context.section(name, &[]))?);
    }
    for name in sections.iter().filter(|name| name.starts_with(UNIX)) {
        servers.push(unix(
            &context.section(name, &[]),
            &context.section(name, &[&context.here]),
        )?);
    }
    Ok(servers)
}

fn inet(section: &Section<'_>) -> Result<Server, ConfigError> {
    let credentials = credentials(section, USER)?;
    required(section, "port")?;
    let address = section.converted("port", datatypes::inet_address)?;
    let (host, port) = address.unwrap_or_default();
    server(section, Address::Inet { host, port }, credentials)
}

/// `file` alone sees the name `here`.
fn unix(section: &Section<'_>, with_here: &Section<'_>) -> Result<Server, ConfigError> {
    let system = section.system;
    let path = required(with_here, "file")?;
    let path = path.trim_matches(is_space);
    let path = normalized_path(path, section.launch_directory, system);
    if let Some(reason) = too_long(&path, || with_here.shown("file", path.clone())) {
        let name = section.name();
        let text =
            format!("Cannot open an HTTP server: socket.error reported {reason} in [{name}] file");
        return Err(with_here.fault_at("file", text));
    }
    let credentials = credentials(section, USER)?;
    let owner = section.setting("chown", |text| accounts::owner(text, system))?;
    let mode = section.setting(CHMOD.name, datatypes::octal)?;
    let mode = mode.unwrap_or_else(|| settings::fallback(&CHMOD));
    server(section, Address::Unix { path, mode, owner }, credentials)
}

fn server(
    section: &Section<'_>,
    address: Address,
    credentials: Option<Credentials>,
) -> Result<Server, ConfigError> {
    let readonly = section.read(&READONLY)?;
    let readonly_credentials = readonly_credentials(section, &credentials, readonly)?;
    let is_open = credentials.is_none() && readonly_credentials.is_none();
    Ok(Server {
        section: section.name().to_owned(),
        require_authentication: require_authentication(section, is_open)?,
        credentials,
        readonly_credentials,
        readonly,
        allowed_hosts: match address {
            Address::Inet { .. } => allowed_hosts(section)?,
            Address::Unix { .. } => Vec::new(),
        },
        address,
        limits: Limits::read_keys(section)?,
        web_get_actions: section.read(&WEB_GET_ACTIONS)?,
        monitoring: Monitoring::read_keys(section)?,
    })
}

fn required(section: &Section<'_>, key: &'static str) -> Result<String, ConfigError> {
    let name = section.name();
    let missing = || section.fault_at(key, format!("section [{name}] has no {key} value"));
    section.text(key)?.ok_or_else(missing)
}

/// The keys of a user name and of its password.
type UserKeys = [&'static str; 2];

const USER: UserKeys = ["username", "password"];
const READONLY_USER: UserKeys = ["readonly_username", "readonly_password"];

/// Both or neither, where 4.3.0 takes an empty name beside a password for
/// neither: a variable that is not set would let everybody in.
fn credentials(
    section: &Section<'_>,
    [user_key, password_key]: UserKeys,
) -> Result<Option<Credentials>, ConfigError> {
    let name = section.name();
    let (username, password) = match (section.text(user_key)?, section.text(password_key)?) {
        (None, None) => return Ok(None),
        (Some(username), Some(password)) => (username, password),
        (username, _) => {
            let given = username.map_or(password_key, |_| user_key);
            let text = format!(
                "Section [{name}] contains incomplete authentication: If a {user_key} or a {password_key} is specified, both the {user_key} and {password_key} must be specified"
            );
            return Err(section.fault_at(given, text));
        }
    };
    if username.is_empty() {
        if password.is_empty() {
            return Ok(None);
        }
        let text = format!(
            "Section [{name}] has a {password_key} and an empty {user_key}: set both, or neither for a server without authentication"
        );
        return Err(section.fault_at(user_key, text));
    }
    let digest = password.strip_prefix("{SHA256}");
    if digest.is_some_and(|digits| !is_sha256(digits)) {
        let text = format!(
            "Section [{name}] has a {password_key} that begins with {{SHA256}}: the 64 hexadecimal digits of a SHA-256 must follow"
        );
        return Err(section.fault_at(password_key, text));
    }
    Ok(Some(Credentials { username, password }))
}

/// Those of clients that may only look. They stand beside others: where everybody may act,
/// nobody need be let in to look.
fn readonly_credentials(
    section: &Section<'_>,
    full: &Option<Credentials>,
    readonly: bool,
) -> Result<Option<Credentials>, ConfigError> {
    let [user_key, _] = READONLY_USER;
    let Some(own) = credentials(section, READONLY_USER)? else {
        return Ok(None);
    };
    let name = section.name();
    let text = match full {
        None if !readonly => format!(
            "Section [{name}] has a {user_key} and no username, which gives everybody all rights: set username and password too, or readonly=true"
        ),
        Some(full) if full.username == own.username => format!(
            "Section [{name}] has one name as username and as {user_key}: give those who may only look another one"
        ),
        _ => return Ok(Some(own)),
    };
    Err(section.fault_at(user_key, text))
}

fn is_sha256(digits: &str) -> bool {
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn require_authentication(section: &Section<'_>, is_open: bool) -> Result<bool, ConfigError> {
    let key = &REQUIRE_AUTHENTICATION;
    let required = section.read(key)?;
    if required && is_open {
        let name = section.name();
        let text =
            format!("Section [{name}] requires authentication and has no username and password");
        return Err(section.fault_at(key.name, text));
    }
    Ok(required)
}

/// Host names with commas between them, as browsers send them: without a port.
fn allowed_hosts(section: &Section<'_>) -> Result<Vec<String>, ConfigError> {
    const KEY: &str = "allowed_hosts";
    let text = section.text(KEY)?.unwrap_or_default();
    let names = text.split(',').map(|name| name.trim_matches(is_space));
    let names = names.filter(|name| !name.is_empty());
    names
        .map(|name| match is_host_name(name) {
            true => Ok(name.trim_end_matches('.').to_ascii_lowercase()),
            false => {
                let name = section.shown(KEY, name.to_owned());
                Err(section.fault_at(KEY, format!("Invalid {KEY} value {name}")))
            }
        })
        .collect()
}

/// Addresses of version 6 have brackets, as in an address of a browser.
fn is_host_name(name: &str) -> bool {
    match name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.chars().all(is_of_host_name),
    }
}

fn is_of_host_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}
