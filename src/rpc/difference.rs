//! What an update would do: the configuration as the files have it now beside that which runs,
//! key by key.

use crate::config::diff::keys::{self, KeyChange};
use crate::config::diff::{self, by_name};
use crate::config::document::Document;
use crate::config::key::Applied;
use crate::config::load::{self, RealSystem};
use crate::config::{self, Origin, redact, supervisord};
use crate::http::access::Access;
use crate::process::group::Group;
use crate::rpc::interface::{Daemon, Outcome};
use crate::supervisor::Supervisor;
use crate::supervisor::update::Fate;
use crate::text::json::Json;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// Keys, and what may be written in their place.
const OTHER_NAMES: [(&str, &str); 11] = [
    ("schedule", "cron"),
    ("environment_file", "env_file"),
    ("environment_file", "envfile"),
    ("environment_file", "envfiles"),
    ("post_stop_hook", "post_stop_command"),
    ("liveness_check", "liveness_check_script"),
    ("liveness_check_delay", "liveness_check_initial_delay"),
    ("result_handler", "handler"),
    ("killasgroup", "stopasgroup"),
    ("killasgroup", "kill_mode"),
    ("stopasgroup", "kill_mode"),
];

/// `supervisor.getConfigDifference()`
pub fn difference(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let supervisor = &*daemon.supervisor;
    let mut variables = supervisor.request.environment.clone();
    variables.extend(supervisor.config.supervisord.environment.clone());
    let read = load::load_with_document(&supervisor.request, &RealSystem);
    let (config, document) = read.map_err(|error| {
        // An error shows the value that is wrong.
        let secrets = redact::all_secrets(variables.clone());
        let text = redact::hide(&error.to_string(), &secrets);
        Fault::with_lines(FaultCode::CantReread, text)
    })?;
    variables.extend(config.supervisord.environment.clone());
    let mut rows = Rows {
        variables,
        secrets: Vec::new(),
        names_only: daemon.access == Access::ReadOnly,
        document: &document,
        rows: Vec::new(),
    };
    for (fresh, origin) in config.groups.iter().zip(&config.origins) {
        match supervisor.groups.named(&fresh.name) {
            Some(group) if *group.config == **fresh => {}
            Some(group) => rows.compare(supervisor, group, fresh, origin),
            None => {
                for process in &fresh.processes {
                    let section = origin.section_of(process);
                    rows.add((&fresh.name, &process.name), "add", section);
                }
            }
        }
    }
    for group in supervisor.groups.iter() {
        let name = &group.config.name;
        if !config.groups.iter().any(|fresh| fresh.name == *name) {
            for process in &group.processes {
                rows.add((name, &process.config().name), "remove", "");
            }
        }
    }
    Ok(Value::Array(rows.rows).into())
}

/// The rows of the answer.
struct Rows<'a> {
    /// Of supervisord, as it is and as it would be.
    variables: Vec<(String, String)>,
    /// What no value of the present process is to show.
    secrets: Vec<String>,
    /// Of variables no values are shown: whoever may only look knows none of them otherwise.
    names_only: bool,
    document: &'a Document,
    rows: Vec<Value>,
}

impl Rows<'_> {
    /// A group that is active, as it is and as it would be.
    fn compare(
        &mut self,
        supervisor: &Supervisor,
        group: &Group,
        fresh: &config::Group,
        origin: &Origin,
    ) {
        let name = fresh.name.as_str();
        if !diff::is_of_one_kind(&group.config, fresh) {
            return self.add((name, ""), "replace", &origin.section);
        }
        for change in keys::of_group(&group.config, fresh) {
            self.add_key((name, ""), change, "apply", &[&origin.section]);
        }
        let names = by_name(fresh);
        for process in &group.processes {
            let config = process.config();
            let Some(new) = names.get(config.name.as_str()) else {
                self.add((name, &config.name), "remove", "");
                continue;
            };
            let Some(fate) = supervisor.fate_of(group, process, fresh, new) else {
                continue;
            };
            let (of_child, of_daemon) = match fate {
                Fate::Renewed => ("apply", "apply"),
                Fate::Started => ("start", "start"),
                Fate::Restarted => ("restart", "apply"),
                Fate::Stopped => ("stop", "apply"),
            };
            let mut variables = self.variables.clone();
            variables.extend([config, new].iter().flat_map(|one| one.environment.clone()));
            self.secrets = redact::all_secrets(variables);
            let section = origin.section_of(new);
            let mut is_told = of_child == of_daemon;
            for change in keys::of_process((&group.config, config), (fresh, new)) {
                let consequence = match change.key.applied {
                    Applied::Child => of_child,
                    Applied::Daemon | Applied::Nothing => of_daemon,
                };
                is_told |= consequence == of_child;
                let above = match change.key.name {
                    "depends_on" => &origin.section,
                    "environment" | "environment_file" => supervisord::SECTION,
                    _ => section,
                };
                self.add_key((name, &config.name), change, consequence, &[section, above]);
            }
            if !is_told {
                self.add((name, &config.name), of_child, section);
            }
        }
        let old = by_name(&group.config);
        for process in &fresh.processes {
            if !old.contains_key(process.name.as_str()) {
                self.add((name, &process.name), "add", origin.section_of(process));
            }
        }
    }

    /// A row for all of a process, or of a group.
    fn add(&mut self, name: (&str, &str), consequence: &str, section: &str) {
        self.push(
            name,
            "",
            consequence,
            self.place(&[section], ""),
            Vec::new(),
        );
    }

    /// A row for a key, which stands in the first of these sections that has it.
    fn add_key(
        &mut self,
        name: (&str, &str),
        mut change: KeyChange,
        consequence: &str,
        sections: &[&str],
    ) {
        let key = change.key.name;
        if self.names_only {
            redact::hide_values(&mut change.old);
            redact::hide_values(&mut change.new);
        }
        let mut pair = Json::Array(
            [change.old, change.new]
                .into_iter()
                .map(|value| Json::object([(key, value)]))
                .collect(),
        );
        redact::redact(&mut pair, &self.secrets);
        let mut members = Vec::new();
        if let Json::Array(pair) = pair {
            for (member, value) in ["old", "new"].into_iter().zip(pair) {
                if let Value::Struct(mut values) = value_of(value)
                    && let Some((_, value)) = values.pop()
                    && value != Value::Nil
                {
                    members.push((member.to_owned(), value));
                }
            }
        }
        let place = self.place(sections, key);
        self.push(name, key, consequence, place, members);
    }

    /// File and line of a key, or else of the first of the sections.
    fn place(&self, sections: &[&str], key: &str) -> (String, i64) {
        let others = OTHER_NAMES.iter().filter(|(name, _)| *name == key);
        let names: Vec<&str> = [key]
            .into_iter()
            .chain(others.map(|(_, other)| *other))
            .collect();
        let mut values = sections
            .iter()
            .flat_map(|section| names.iter().map(|name| self.document.get(section, name)));
        let value = values.find_map(|value| value).map(|value| value.location);
        let first = sections.first();
        let location = value.or_else(|| self.document.location_of(first?));
        location.map_or((String::new(), 0), |location| {
            (location.file, i64::try_from(location.line).unwrap_or(0))
        })
    }

    fn push(
        &mut self,
        (group, name): (&str, &str),
        key: &str,
        consequence: &str,
        (file, line): (String, i64),
        values: Vec<(String, Value)>,
    ) {
        let texts = [
            ("group", group),
            ("name", name),
            ("key", key),
            ("consequence", consequence),
            ("file", &file),
        ];
        let texts = texts.map(|(member, text)| (member.to_owned(), Value::string(text)));
        let mut members = Vec::from(texts);
        members.push(("line".to_owned(), Value::Int(line)));
        members.extend(values);
        self.rows.push(Value::Struct(members));
    }
}

/// The same for XML-RPC; what its numbers cannot hold is text.
fn value_of(json: Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Int(number) if i32::try_from(number).is_ok() => Value::Int(number),
        Json::Int(number) => Value::String(number.to_string()),
        Json::String(text) | Json::Number(text) => Value::String(text),
        Json::Array(items) => Value::Array(items.into_iter().map(value_of).collect()),
        Json::Object(members) => {
            let members = members.into_iter();
            let members = members.map(|(name, value)| (name, value_of(value)));
            Value::Struct(members.filter(|(_, value)| *value != Value::Nil).collect())
        }
    }
}
