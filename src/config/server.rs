//! `[unix_http_server]` and `[inet_http_server]`, with or without `:name`.

use super::accounts;
use super::datatypes;
use super::error::ConfigError;
use super::places::normalized_path;
use super::section::{Context, Section};
use super::system::System;
use super::{Address, Credentials, Server};

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
    let port = required(section, "port")?;
    let (host, port) = datatypes::inet_address(&port)?;
    Ok(Server {
        section: section.name().to_owned(),
        address: Address::Inet { host, port },
        credentials,
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
    let path = path.trim_matches(super::ini::is_space);
    let path = normalized_path(path, section.launch_directory, system);
    let credentials = credentials(section)?;
    let owner = match section.text("chown")? {
        None => None,
        Some(text) => Some(accounts::owner(&text, system).map_err(|_| invalid("sockchown", text))?),
    };
    let mode = match section.text("chmod")? {
        None => 0o700,
        Some(text) => datatypes::octal(&text).map_err(|_| invalid("chmod", text))?,
    };
    Ok(Server {
        section: section.name().to_owned(),
        address: Address::Unix { path, mode, owner },
        credentials,
        web_get_actions: section.boolean("web_get_actions", false)?,
    })
}

fn invalid(name: &'static str, value: String) -> ConfigError {
    ConfigError::Setting { name, value }
}

fn required<S: System>(section: &Section<'_, S>, key: &'static str) -> Result<String, ConfigError> {
    section
        .text(key)?
        .ok_or_else(|| ConfigError::NoServerValue {
            section: section.name().to_owned(),
            key,
        })
}

/// Both or neither; an empty name means that the server is open.
fn credentials<S: System>(section: &Section<'_, S>) -> Result<Option<Credentials>, ConfigError> {
    match (section.text("username")?, section.text("password")?) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => {
            Ok((!username.is_empty()).then_some(Credentials { username, password }))
        }
        _ => Err(ConfigError::IncompleteAuthentication(
            section.name().to_owned(),
        )),
    }
}
