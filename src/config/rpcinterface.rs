//! `[rpcinterface:x]`: the namespaces of the XML-RPC interface. Only the
//! standard factory can be had; one written in Python is left out with a warning.
//! Without any such section the usual namespace is there.

use super::document::Document;
use super::error::ConfigError;
use super::key::Fallback::{Required, Value};
use super::key::{Key, changed};
use super::program::part_after_colon;
use super::section::Context;

/// How the sections' names begin.
pub const PREFIX: &str = "rpcinterface:";
/// How the names of the sections of the client's plug-ins begin.
const CLIENT_PREFIX: &str = "ctlplugin:";
/// The namespace that is there where no section names one; 4.3.0 then serves no method.
pub const USUAL: &str = "supervisor";
/// The key that names the factory.
pub const FACTORY: &str = "supervisor.rpcinterface_factory";
/// The only factory that can be had.
pub const STANDARD: &str = "supervisor.rpcinterface:make_main_rpcinterface";
/// The key that wraps the results of a multicall.
const WRAP_MULTICALL: Key = changed("wrap_multicall", "boolean", Value("false"));

pub const KEYS: &[Key] = &[changed(FACTORY, "name", Required), WRAP_MULTICALL];

#[derive(Debug, Default)]
pub struct Interfaces {
    /// The `x` of each section with the standard factory.
    pub names: Vec<String>,
    /// There is a section, if only one that is left out.
    pub has_section: bool,
    /// One of them wraps the results of `system.multicall`.
    pub wrap_multicall: bool,
    /// The first of them that has a key which the standard factory does not take, as
    /// an error.
    pub unknown_key: Option<ConfigError>,
}

/// Evaluates the sections; warns of factories that are not the standard one.
pub fn read(context: &Context<'_>, warnings: &mut Vec<String>) -> Result<Interfaces, ConfigError> {
    let mut interfaces = Interfaces::default();
    let sections = context.document.sections();
    for name in sections.iter().filter(|name| name.starts_with(PREFIX)) {
        let section = context.section(name, &[]);
        let factory = section.factory(FACTORY)?;
        let mut other = None;
        for key in context.document.keys(name) {
            if key != FACTORY {
                section.text(&key)?;
                if key != WRAP_MULTICALL.name && other.is_none() {
                    other = Some(key);
                }
            }
        }
        let namespace = part_after_colon(name).to_owned();
        if !is_standard(&factory) {
            let factory = section.shown(FACTORY, factory);
            warnings.push(format!(
                "[{name}] is left out: {factory} cannot be loaded, for Python plug-ins are not available"
            ));
            continue;
        }
        if let Some(key) = other.filter(|_| interfaces.unknown_key.is_none()) {
            let text = format!("Could not make {namespace} rpc interface");
            let error = section.fault_at(&key, text);
            let advice = format!("the standard factory does not take the key {key}");
            interfaces.unknown_key = Some(error.advising(&advice));
        }
        interfaces.wrap_multicall |= section.read::<bool>(&WRAP_MULTICALL)?;
        interfaces.names.push(namespace);
    }
    interfaces.has_section = has_section(context.document);
    Ok(interfaces)
}

/// Whether the file has such a section, be it one that is left out.
pub fn has_section(document: &Document) -> bool {
    let sections = document.sections();
    sections.iter().any(|name| name.starts_with(PREFIX))
}

/// The sections of plug-ins of the client, which the daemon does not need: a
/// warning for each says that the client will not have them.
pub fn warn_of_client_plugins(document: &Document, warnings: &mut Vec<String>) {
    for name in document.sections() {
        if name.starts_with(CLIENT_PREFIX) {
            warnings.push(format!(
                "[{name}] is left out: Python plug-ins are not available, supervisorctl does without it"
            ));
        }
    }
}

fn is_standard(factory: &str) -> bool {
    let parts = factory.splitn(2, ':').map(str::trim);
    parts.eq(STANDARD.splitn(2, ':'))
}
