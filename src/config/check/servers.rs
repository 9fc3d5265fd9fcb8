//! Whether supervisorctl will find a server that answers it.

use super::Warning;
use crate::config::document::{Document, Value};
use crate::config::ini::Location;
use crate::config::paths::{absolute, dirname};
use crate::config::{Address, Config, supervisord};

const CLIENT: &str = "supervisorctl";
const URL: &str = "serverurl";
const INTERFACE: &str = "supervisor";

/// A program that runs in the foreground, as in a container, needs no server: it is missed
/// there if a section that is for clients alone stands in the file.
pub fn warnings(config: &Config, document: &Document, launch_directory: &str) -> Vec<Warning> {
    let at = |section: &str, text: String| {
        let location = document.location_of(section);
        let location = location.unwrap_or(Location {
            file: config.path.clone(),
            line: 1,
        });
        Warning {
            location,
            text,
            is_note: false,
        }
    };
    let Some(first) = config.servers.first() else {
        // It may be in a file that is not there yet.
        let is_of_include = |warning: &String| warning.contains(" include ");
        if config.warnings.iter().any(is_of_include) {
            return Vec::new();
        }
        let is_client = |name: &&String| *name == CLIENT || name.starts_with("rpcinterface:");
        let sections = document.sections();
        let client = sections.iter().find(is_client);
        let section = match client {
            Some(client) => client.as_str(),
            None if config.supervisord.nodaemon => return Vec::new(),
            None => supervisord::SECTION,
        };
        let text = "there is no server, so supervisorctl cannot reach supervisord: add \
                    [unix_http_server] with file=PATH";
        return vec![at(section, text.to_owned())];
    };
    let mut warnings = Vec::new();
    if !config.namespaces().iter().any(|name| name == INTERFACE) {
        let text = format!(
            "nothing answers supervisorctl on this server: add [rpcinterface:{INTERFACE}] with \
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface"
        );
        warnings.push(at(&first.section, text));
    }
    if let Some(url) = document.get(CLIENT, URL)
        && !leads_to_one(&url, config, launch_directory)
    {
        let section = &first.section;
        warnings.push(Warning {
            text: format!("{URL} of [{CLIENT}] leads to no server of this file: see [{section}]"),
            location: url.location,
            is_note: false,
        });
    }
    warnings
}

/// Whether a URL of this machine leads to one of the servers. Others are not judged.
fn leads_to_one(url: &Value, config: &Config, launch_directory: &str) -> bool {
    let here = absolute(dirname(&config.path), launch_directory);
    let text = url.text.replace("%(here)s", &here);
    if text.contains("%(") {
        return true;
    }
    let addresses = || config.servers.iter().map(|server| &server.address);
    if let Some(path) = text.strip_prefix("unix://") {
        let path = usual(&absolute(path, launch_directory));
        let is_it = |address: &Address| matches!(address, Address::Unix { path: own, .. } if usual(own) == path);
        return addresses().any(is_it);
    }
    let url = text.strip_prefix("http://");
    let address = url.and_then(|rest| rest.trim_end_matches('/').rsplit_once(':'));
    let Some(("localhost" | "127.0.0.1", port)) = address else {
        return true;
    };
    let Ok(port) = port.parse::<u16>() else {
        return true;
    };
    let is_it =
        |address: &Address| matches!(address, Address::Inet { port: own, .. } if *own == port);
    addresses().any(is_it)
}

/// `/var/run` is a link to `/run` nearly everywhere.
fn usual(path: &str) -> String {
    match path.strip_prefix("/var/run/") {
        Some(rest) => format!("/run/{rest}"),
        None => path.to_owned(),
    }
}
