//! `[unix_http_server]` and `[inet_http_server]`, with or without `:name`.

use std::net::Ipv6Addr;

use super::accounts;
use super::datatypes;
use super::error::{ConfigError, PathTooLong};
use super::limits::Limits;
use super::places::normalized_path;
use super::section::{Context, Section};
use super::system::System;
use super::{Address, Credentials, Server};
use crate::text::is_space;

/// How the names of TCP servers' sections begin.
pub const INET: &str = "inet_http_server";
/// How the names of unix servers' sections begin.
pub const UNIX: &str = "unix_http_server";

/// All servers: the inet ones first, each kind in file order.
pub fn read<S: System>(context: &Context<'_, S>) -> Result<Vec<Server>, ConfigError> {
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

fn inet<S: System>(section: &Section<'_, S>) -> Result<Server, ConfigError> {
    let credentials = credentials(section)?;
    required(section, "port")?;
    let address = section.converted("port", datatypes::inet_address)?;
    let (host, port) = address.unwrap_or_default();
    Ok(Server {
        section: section.name().to_owned(),
        address: Address::Inet { host, port },
        require_authentication: require_authentication(section, &credentials)?,
        credentials,
        allowed_hosts: allowed_hosts(section)?,
        limits: Limits::read(section)?,
        web_get_actions: section.boolean("web_get_actions", false)?,
    })
}

/// `file` alone sees the name `here`.
fn unix<S: System>(
    section: &Section<'_, S>,
    with_here: &Section<'_, S>,
) -> Result<Server, ConfigError> {
    let system = section.system;
    let path = required(with_here, "file")?;
    let path = path.trim_matches(is_space);
    let path = normalized_path(path, section.launch_directory, system);
    PathTooLong::check(&path).map_err(|error| {
        let path = with_here.shown("file", path.clone());
        let section = section.name().to_owned();
        let error = PathTooLong { path, ..error };
        with_here.at("file", ConfigError::SocketPath { section, error })
    })?;
    let credentials = credentials(section)?;
    let owner = match section.text("chown")? {
        None => None,
        Some(text) => {
            Some(accounts::owner(&text, system).map_err(|_| section.invalid("chown", text))?)
        }
    };
    let mode = match section.text("chmod")? {
        None => 0o700,
        Some(text) => datatypes::octal(&text).map_err(|_| section.invalid("chmod", text))?,
    };
    Ok(Server {
        section: section.name().to_owned(),
        address: Address::Unix { path, mode, owner },
        require_authentication: require_authentication(section, &credentials)?,
        credentials,
        allowed_hosts: Vec::new(),
        limits: Limits::read(section)?,
        web_get_actions: section.boolean("web_get_actions", false)?,
    })
}

fn required<S: System>(section: &Section<'_, S>, key: &'static str) -> Result<String, ConfigError> {
    section
        .text(key)?
        .ok_or_else(|| ConfigError::NoServerValue {
            section: section.name().to_owned(),
            key,
        })
}

/// Both or neither, where 4.3.0 takes an empty name beside a password for
/// neither: a variable that is not set would open the door.
fn credentials<S: System>(section: &Section<'_, S>) -> Result<Option<Credentials>, ConfigError> {
    let name = || section.name().to_owned();
    let (username, password) = match (section.text("username")?, section.text("password")?) {
        (None, None) => return Ok(None),
        (Some(username), Some(password)) => (username, password),
        _ => return Err(ConfigError::IncompleteAuthentication(name())),
    };
    if username.is_empty() {
        return match password.is_empty() {
            true => Ok(None),
            false => Err(section.at("username", ConfigError::EmptyUsername(name()))),
        };
    }
    let digest = password.strip_prefix("{SHA256}");
    if digest.is_some_and(|digits| !is_sha256(digits)) {
        return Err(section.at("password", ConfigError::Digest(name())));
    }
    Ok(Some(Credentials { username, password }))
}

fn is_sha256(digits: &str) -> bool {
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn require_authentication<S: System>(
    section: &Section<'_, S>,
    credentials: &Option<Credentials>,
) -> Result<bool, ConfigError> {
    const KEY: &str = "require_authentication";
    let required = section.boolean(KEY, false)?;
    if required && credentials.is_none() {
        let error = ConfigError::AuthenticationRequired(section.name().to_owned());
        return Err(section.at(KEY, error));
    }
    Ok(required)
}

/// Host names with commas between them, as browsers send them: without a port.
fn allowed_hosts<S: System>(section: &Section<'_, S>) -> Result<Vec<String>, ConfigError> {
    const KEY: &str = "allowed_hosts";
    let text = section.text(KEY)?.unwrap_or_default();
    let names = text.split(',').map(|name| name.trim_matches(is_space));
    let names = names.filter(|name| !name.is_empty());
    names
        .map(|name| match is_host_name(name) {
            true => Ok(name.trim_end_matches('.').to_ascii_lowercase()),
            false => Err(section.invalid(KEY, name.to_owned())),
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
