//! The manual page of the configuration file and the code know the same keys,
//! with the same types and defaults, and its examples work.

use crate::manual::page::{page, section, shown};
use std::collections::BTreeSet;
use std::path::Path;

use pollvisor::config::document::PROGRAM_DEFAULT;
use pollvisor::config::dump::dump;
use pollvisor::config::key::{Fallback, Key};
use pollvisor::config::keys::{KINDS, SectionKind};
use pollvisor::config::load::load_client;
use pollvisor::config::supervisorctl::ClientRequest;

use super::system::TestSystem;

/// Begins a line on what 4.3.0 does not have or does otherwise.
const NEW: &str = "(new)";

/// Where the page tells the keys that both kinds of servers have.
const OF_EVERY_SERVER: &str = "Keys of every server";

/// The part of the page under a heading.
pub fn part<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page
        .find(&format!(".Ss {heading}\n"))
        .unwrap_or_else(|| panic!("no part on {heading}"));
    let rest = &page[start + 4..];
    let ends = ["\n.Sh ", "\n.Ss "].map(|title| rest.find(title));
    let end = ends.into_iter().flatten().min();
    &rest[..end.unwrap_or(rest.len())]
}

pub fn heading(kind: &SectionKind) -> String {
    match kind.name.strip_suffix(':') {
        Some(name) => format!("[{name}:x]"),
        None => format!("[{}]", kind.name),
    }
}

/// What the page says of a key.
pub struct Item<'a> {
    /// The names that it is about, two for the keys of both outputs.
    pub names: Vec<&'a str>,
    /// What follows the names.
    value: &'a str,
    text: &'a str,
}

pub fn items(part: &str) -> Vec<Item<'_>> {
    part.split(".It Cm ")
        .skip(1)
        .map(|item| {
            let (head, text) = item.split_once('\n').unwrap();
            let (names, value) = head.split_once(" No = ").unwrap();
            Item {
                names: names.split(" , Cm ").collect(),
                value,
                text: text.split("\n.El").next().unwrap(),
            }
        })
        .collect()
}

/// The part of the item's head that tells of type and default.
fn value(key: &Key) -> String {
    let grammar = key.grammar;
    match key.fallback {
        Fallback::Nothing => format!("Ar {grammar}"),
        Fallback::Required => format!("Ar {grammar} Pq required"),
        Fallback::SameAs(other) => format!("Ar {grammar} Pq as {other}"),
        Fallback::Value(text) | Fallback::Derived(text) => format!("Ar {grammar} Pq {text}"),
    }
}

/// The line of the file that an item shows as its example.
pub fn example<'a>(item: &Item<'a>) -> &'a str {
    let mut lines = item.text.lines().filter_map(|l| l.strip_prefix(".Dl "));
    let line = lines.next().unwrap_or_else(|| panic!("{:?}", item.names));
    assert_eq!(lines.next(), None, "{:?}", item.names);
    line
}

/// Keys that the page tells under one heading.
struct Table {
    heading: String,
    kind: &'static SectionKind,
    keys: Vec<&'static Key>,
}

/// All kinds with the keys that the page tells under their headings: those of
/// a program are told once for the kinds that have them besides their own. Those
/// of every server are here once for each kind of servers, under one heading.
fn tables() -> impl Iterator<Item = Table> {
    KINDS.iter().flat_map(|kind| {
        let own = Table {
            heading: heading(kind),
            kind,
            keys: kind.own_keys().collect(),
        };
        let shared = |heading| Table {
            heading,
            kind,
            keys: kind.shared_keys().collect(),
        };
        match kind.name {
            "unix_http_server" | "inet_http_server" => {
                vec![own, shared(OF_EVERY_SERVER.to_owned())]
            }
            "program:" => vec![shared(heading(kind))],
            // It has those of the two that it is for.
            PROGRAM_DEFAULT => Vec::new(),
            _ => vec![own],
        }
    })
}

#[test]
fn the_page_and_the_code_have_the_same_keys_types_and_defaults() {
    let page = page("supervisord.conf.5");
    for Table { heading, keys, .. } in tables() {
        let items = items(part(&page, &heading));
        let told: Vec<&str> = items.iter().flat_map(|item| item.names.clone()).collect();
        for key in &keys {
            let named = items.iter().find(|item| item.names.contains(&key.name));
            let item = named.unwrap_or_else(|| panic!("{} of {heading}", key.name));
            assert_eq!(item.value, value(key), "{} of {heading}", key.name);
            let says_so = item.text.lines().any(|line| line.starts_with(NEW));
            assert_eq!(says_so, key.changed, "{} of {heading}", key.name);
        }
        assert_eq!(told.len(), keys.len(), "{heading} has {told:?}");
    }
}

#[test]
fn every_type_that_a_key_has_is_explained() {
    let page = page("supervisord.conf.5");
    let start = page.find(".Sh TYPES\n").unwrap();
    let types = &page[start..start + page[start..].find(".Sh SECTIONS\n").unwrap()];
    let explained: Vec<&str> = types
        .lines()
        .filter_map(|line| line.strip_prefix(".It Ar "))
        .flat_map(|line| line.split(" , "))
        .collect();
    for key in tables().flat_map(|table| table.keys) {
        assert!(explained.contains(&key.grammar), "{}", key.grammar);
    }
}

#[test]
fn every_pair_that_is_shown_with_quotes_gives_the_value_beside_it() {
    let page = page("supervisord.conf.5");
    let lines = section(&page, "QUOTES").into_iter();
    let rows = lines.filter_map(|line| line.strip_prefix(".It ")?.split_once(" Ta "));
    let rows: Vec<(String, String)> = rows
        .filter(|(pair, _)| pair.starts_with("A="))
        .map(|(pair, value)| (shown(pair), shown(value)))
        .collect();
    assert!(rows.len() > 8, "{rows:?}");
    let kind = KINDS.iter().find(|kind| kind.name == "program:").unwrap();
    for (pair, value) in rows {
        let read = reading(kind, &with(kind, &format!("environment={pair}"))).unwrap();
        let written = value.replace('\\', "\\\\").replace('"', "\\\"");
        let expected = format!("\"A\": \"{written}\"");
        assert!(read.contains(&expected), "{pair} is not {value}: {read}");
    }
}

#[test]
fn every_default_that_is_shown_gives_the_line_beside_it() {
    let page = page("supervisord.conf.5");
    let lines = section(&page, "Defaults in expansions").into_iter();
    let rows = lines.filter_map(|line| line.strip_prefix(".It ")?.split_once(" Ta "));
    let rows: Vec<(String, String)> = rows
        .filter(|(written, _)| written.contains('='))
        .map(|(written, line)| (shown(written), shown(line)))
        .collect();
    assert!(rows.len() > 2, "{rows:?}");
    let kind = KINDS.iter().find(|kind| kind.name == "program:").unwrap();
    for (written, line) in rows {
        // The page's file is in /etc.
        let line = line.replace("/etc/", "%(here)s/");
        let read = |line: &str| reading(kind, &with(kind, line)).unwrap();
        assert_eq!(read(&written), read(&line), "{written}");
    }
}

/// A configuration in which the kind of section has the line.
pub fn with(kind: &SectionKind, line: &str) -> String {
    let given = line.split_once('=').map_or("", |(key, _)| key);
    let required: String = kind
        .all_keys()
        .filter(|key| key.fallback == Fallback::Required && key.name != given)
        .map(|key| format!("{}={}\n", key.name, needed(kind, key)))
        .collect();
    let section = match kind.name {
        "program:" | "eventlistener:" | "fcgi-program:" | "group:" | "ctlplugin:" => {
            format!("{}mailer", kind.name)
        }
        "rpcinterface:" => "rpcinterface:supervisor".to_owned(),
        name => name.to_owned(),
    };
    let besides = match given {
        "username" => "password=secret\n",
        "password" => "username=operator\n",
        "readonly_username" => "username=operator\npassword=secret\nreadonly_password=look\n",
        "readonly_password" => "username=operator\npassword=secret\nreadonly_username=look\n",
        "require_authentication" => "username=operator\npassword=secret\n",
        // A number needs a name with the number in it.
        "numprocs" | "numprocs_start" => "process_name=%(process_num)d\n",
        // They are read for sockets alone.
        "socket_backlog" | "socket_owner" | "socket_mode" => "sockets=s=unix:/run/s\n",
        _ => "",
    };
    let around = match kind.name {
        "supervisord" => "",
        "ctlplugin:" => "[supervisorctl]\n",
        "group:" => "[supervisord]\n[program:mailer]\ncommand=a\n[program:sweeper]\ncommand=a\n",
        _ => "[supervisord]\n",
    };
    // Names need somebody who has them.
    let others = match given {
        "depends_on" => {
            ["db", "cache", "migrate"].map(|name| format!("[program:{name}]\ncommand=a\n"))
        }
        _ => Default::default(),
    };
    let others = others.concat();
    format!("{around}{others}[{section}]\n{required}{besides}{line}\n")
}

/// A value for a key that cannot be left out.
fn needed(kind: &SectionKind, key: &Key) -> &'static str {
    match (kind.name, key.name) {
        ("fcgi-program:", "socket") => "unix:///run/socket",
        (_, "port") => "9001",
        (_, "events") => "TICK_5",
        ("rpcinterface:", _) => "supervisor.rpcinterface:make_main_rpcinterface",
        ("group:", _) => "mailer",
        _ => "text",
    }
}

/// What a reading of the text gives, as text; the client's where it is hers.
fn reading(kind: &SectionKind, text: &str) -> Result<String, String> {
    let directory = tempfile::tempdir().unwrap();
    let name = "supervisord.conf";
    std::fs::write(directory.path().join(name), text).unwrap();
    let launch_directory = directory.path().to_str().unwrap().to_owned();
    if !["supervisorctl", "ctlplugin:"].contains(&kind.name) {
        let config = TestSystem::Lenient.load(&launch_directory, name);
        return config
            .map(|config| dump(&config, &TestSystem::Lenient).to_string())
            .map(|text| text.replace(&launch_directory, "DIR"))
            .map_err(|error| error.to_string());
    }
    let request = ClientRequest {
        path: Some(name.to_owned()),
        environment: Vec::new(),
        launch_directory,
    };
    load_client(&request)
        .map(|config| format!("{config:?}"))
        .map_err(|error| error.to_string())
}

/// The examples of all keys; each is read in the test below.
pub fn examples() -> Vec<String> {
    let page = page("supervisord.conf.5");
    let headings: BTreeSet<String> = tables().map(|table| table.heading).collect();
    let mut examples = Vec::new();
    for heading in headings {
        let items = items(part(&page, &heading));
        examples.extend(items.iter().map(|item| shown(example(item))));
    }
    examples
}

#[test]
fn the_examples_of_the_page_are_read_without_an_error() {
    let page = page("supervisord.conf.5");
    for Table { heading, kind, .. } in tables() {
        let without = reading(kind, &with(kind, "")).unwrap();
        for item in items(part(&page, &heading)) {
            let line = shown(example(&item));
            let key = line.split_once('=').unwrap().0;
            assert!(item.names.contains(&key), "{line}");
            let read = reading(kind, &with(kind, &line)).unwrap_or_else(|e| panic!("{line}: {e}"));
            // Plug-ins, listeners' plain keys and files that are not there change nothing.
            let shows = !["include", "ctlplugin:", "rpcinterface:"].contains(&kind.name)
                && !matches!(key, "password" | "readonly_password" | "numprocs");
            assert!(!shows || read != without, "{line} is as nothing");
        }
    }
}

#[test]
fn the_defaults_of_the_table_are_what_holds_without_the_key() {
    for Table { kind, keys, .. } in tables() {
        for key in keys {
            let Fallback::Value(value) = key.fallback else {
                continue;
            };
            // The daemon's own files are told by their absolute paths.
            let value = match key.name {
                "logfile" | "pidfile" => format!("%(here)s/{value}"),
                _ => value.to_owned(),
            };
            let line = format!("{}={value}", key.name);
            let without = with(kind, &line).replace(&format!("{line}\n"), "");
            assert_eq!(
                reading(kind, &with(kind, &line)),
                reading(kind, &without),
                "{line} in {}",
                kind.name
            );
        }
    }
}

#[test]
fn values_that_are_not_of_the_type_are_refused() {
    for Table { kind, keys, .. } in tables() {
        for key in keys {
            let free = [
                "text",
                "name",
                "path",
                "path|AUTO|NONE",
                "paths",
                "patterns",
                "pairs",
                // Its words are split when it is run.
                "command",
                "check",
                "restart|stop|none|command",
            ];
            if free.contains(&key.grammar) || kind.name == "supervisorctl" {
                continue;
            }
            let wrong = match key.grammar {
                "user[:group]" | "groups" => "99999999999",
                _ => "no such value",
            };
            let text = with(kind, &format!("{}={wrong}", key.name));
            assert!(reading(kind, &text).is_err(), "{} takes {wrong}", key.name);
        }
    }
}

#[test]
fn a_key_that_is_required_is_missed() {
    for Table { kind, keys, .. } in tables() {
        let required = keys.iter().filter(|k| k.fallback == Fallback::Required);
        for key in required {
            let line = format!("{}={}", key.name, needed(kind, key));
            let text = with(kind, &line).replace(&format!("{line}\n"), "");
            assert!(reading(kind, &text).is_err(), "{text}");
        }
    }
}

#[test]
fn the_sample_configuration_names_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/supervisord.conf");
    let sample = std::fs::read_to_string(path).unwrap();
    for Table { kind, keys, .. } in tables() {
        let header = match kind.name.strip_suffix(':') {
            Some(name) => format!("[{name}:"),
            None => format!("[{}]", kind.name),
        };
        if ["ctlplugin:", "fcgi-program:"].contains(&kind.name) {
            continue;
        }
        let start = sample.find(&header).unwrap_or_else(|| panic!("{header}"));
        let rest = &sample[start + 1..];
        let section = &rest[..rest.find("\n[").or(rest.find("\n;[")).unwrap_or(rest.len())];
        for key in keys.iter().filter(|key| key.name != "numprocs_start") {
            let named = section.lines().any(|line| {
                line.trim_start_matches(';')
                    .replace(' ', "")
                    .starts_with(&format!("{}=", key.name))
            });
            assert!(named, "{} of {header}", key.name);
        }
    }
}
