//! What the server's methods return, as values of their own types.

use super::failure::{CallError, Failure};
use crate::states::ProcessState;
use crate::text::json::Json;
use crate::text::plain;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// An entry of `getAllProcessInfo`, or what `getProcessInfo` returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessInfo {
    pub group: String,
    pub name: String,
    pub state: i64,
    pub statename: String,
    pub description: String,
    pub pid: i64,
    /// It is started by its name alone.
    pub is_disabled: bool,
    /// Its program has another number of processes than configured.
    pub is_scaled: bool,
}

impl ProcessInfo {
    /// How results name it.
    pub fn display_name(&self) -> String {
        super::names::display_name(&self.group, &self.name)
    }

    /// Its state, if it is one of the known ones.
    pub fn known_state(&self) -> Option<ProcessState> {
        ProcessState::from_code(self.state)
    }

    /// How the server is asked for it.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.group, self.name)
    }
}

/// An entry of what a method for a group or for all processes returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessResult {
    pub group: String,
    pub name: String,
    /// 80 for success, else a fault's code.
    pub status: i64,
    pub description: String,
}

impl ProcessResult {
    /// Whether it has that code.
    pub fn is(&self, code: FaultCode) -> bool {
        self.status == i64::from(code.code())
    }

    /// The same as the fault of a single call.
    pub fn fault(&self) -> Fault {
        Fault {
            code: i32::try_from(self.status).unwrap_or(FaultCode::Failed.code()),
            text: self.description.clone(),
        }
    }
}

/// An entry of what a method of several steps returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    /// Such as `stop`.
    pub action: String,
    /// What became of it; the name is empty for a group as a whole.
    pub result: ProcessResult,
}

/// An entry of `getAllConfigInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigInfo {
    pub group: String,
    pub name: String,
    pub inuse: bool,
    pub autostart: bool,
    pub is_disabled: bool,
    /// How many processes its program has, if that is not as configured.
    pub scaled: Option<i64>,
    pub group_prio: i64,
    pub process_prio: i64,
}

/// An entry of `getDependencies`: a process and what it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyInfo {
    pub group: String,
    pub name: String,
    pub statename: String,
    pub depends_on: Vec<NeedInfo>,
}

/// A process that another one depends on, or many of a group: `*`. One that there is not has
/// no group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedInfo {
    pub group: String,
    pub name: String,
    pub condition: String,
    pub is_optional: bool,
    pub is_met: bool,
}

impl NeedInfo {
    pub fn is_of(&self, group: &str, name: &str) -> bool {
        self.group == group && (self.name == name || self.is_for_many())
    }

    pub fn is_for_many(&self) -> bool {
        self.name == "*"
    }

    pub fn display_name(&self) -> String {
        match self.group.is_empty() {
            true => self.name.clone(),
            false => super::names::display_name(&self.group, &self.name),
        }
    }

    /// The name as a configuration has it; what is usual is left out.
    pub fn label(&self) -> String {
        let mark = if self.is_optional { "?" } else { "" };
        let condition = match self.condition.as_str() {
            "" | "running" => String::new(),
            condition => format!("({condition})"),
        };
        format!("{}{mark}{condition}", self.display_name())
    }
}

/// An entry of `getConfigDifference`: a key that has another value, or a process that comes or
/// goes.
#[derive(Clone, Debug, PartialEq)]
pub struct DifferenceInfo {
    pub group: String,
    /// Empty for the group itself.
    pub name: String,
    /// Empty for all of it.
    pub key: String,
    pub consequence: String,
    /// All of it.
    pub value: Value,
}

impl DifferenceInfo {
    /// The line for a key.
    pub fn text(&self) -> String {
        let value = |member: &str| match self.value.member(member) {
            Some(value) if *value != Value::Struct(Vec::new()) => in_one_line(value),
            _ => "(none)".to_owned(),
        };
        let (old, new) = (value("old"), value("new"));
        let file = text(&self.value, "file").unwrap_or_default();
        let line = number(&self.value, "line").unwrap_or_default();
        let name = file.rsplit('/').next().unwrap_or_default();
        let place = match name.is_empty() {
            true => String::new(),
            false => format!("  ({name}:{line})"),
        };
        format!("    {}: {old} -> {new}{place}", self.key)
    }
}

/// A value as JSON has it, but for variables, which stand as in a file.
fn in_one_line(value: &Value) -> String {
    match value {
        Value::String(text) => Json::string(text).to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(in_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Struct(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| format!("{name}={}", in_one_line(value)));
            let members: Vec<String> = members.collect();
            members.join(",")
        }
        Value::Double(_) | Value::DateTime(_) | Value::Nil => String::new(),
    }
}

/// What `reloadConfig` returns: names of groups in the server's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

/// What a method returned, to be read as a value of the type that it should have.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The method, for the error text.
    pub method: &'static str,
    pub value: Value,
}

impl Reply {
    fn read<T>(&self, read: impl Fn(&Value) -> Option<T>) -> Result<T, Failure> {
        read(&self.value).ok_or_else(|| self.unexpected())
    }

    fn unexpected(&self) -> Failure {
        let method = self.method.to_owned();
        CallError::UnexpectedValue { method }.into()
    }

    pub fn text(&self) -> Result<String, Failure> {
        self.read(|value| value.as_str().map(str::to_owned))
    }

    pub fn number(&self) -> Result<i64, Failure> {
        self.read(Value::as_int)
    }

    pub fn process(&self) -> Result<ProcessInfo, Failure> {
        self.read(process)
    }

    pub fn processes(&self) -> Result<Vec<ProcessInfo>, Failure> {
        self.read(|value| items(value, process))
    }

    /// What became of each process.
    pub fn results(&self) -> Result<Vec<ProcessResult>, Failure> {
        self.read(|value| items(value, result))
    }

    /// What was done, in order.
    pub fn action_results(&self) -> Result<Vec<ActionResult>, Failure> {
        self.read(|value| items(value, action_result))
    }

    pub fn dependencies(&self) -> Result<Vec<DependencyInfo>, Failure> {
        self.read(|value| items(value, dependency))
    }

    pub fn configurations(&self) -> Result<Vec<ConfigInfo>, Failure> {
        self.read(|value| items(value, configuration))
    }

    pub fn differences(&self) -> Result<Vec<DifferenceInfo>, Failure> {
        self.read(|value| items(value, difference))
    }

    pub fn changes(&self) -> Result<Changes, Failure> {
        self.read(changes)
    }
}

fn items<T>(value: &Value, read: fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    let mut items = Vec::new();
    for item in value.as_array()? {
        items.push(read(item)?);
    }
    Some(items)
}

fn text(value: &Value, member: &str) -> Option<String> {
    Some(value.member(member)?.as_str()?.to_owned())
}

/// The text as it is shown: names and descriptions act on no terminal.
fn shown(value: &Value, member: &str) -> Option<String> {
    Some(plain::shown(value.member(member)?.as_str()?).into_owned())
}

fn number(value: &Value, member: &str) -> Option<i64> {
    value.member(member)?.as_int()
}

/// A flag; some servers send numbers for them.
pub fn flag(value: &Value, member: &str) -> Option<bool> {
    match value.member(member)? {
        Value::Bool(flag) => Some(*flag),
        Value::Int(number) => Some(*number != 0),
        _ => None,
    }
}

fn process(value: &Value) -> Option<ProcessInfo> {
    Some(ProcessInfo {
        group: text(value, "group")?,
        name: text(value, "name")?,
        state: number(value, "state")?,
        statename: shown(value, "statename")?,
        description: shown(value, "description")?,
        pid: number(value, "pid")?,
        is_disabled: flag(value, "disabled").unwrap_or(false),
        is_scaled: value.member("scaled").is_some(),
    })
}

fn result(value: &Value) -> Option<ProcessResult> {
    Some(ProcessResult {
        group: text(value, "group")?,
        name: text(value, "name")?,
        status: number(value, "status")?,
        description: shown(value, "description")?,
    })
}

fn action_result(value: &Value) -> Option<ActionResult> {
    Some(ActionResult {
        action: text(value, "action")?,
        result: result(value)?,
    })
}

fn configuration(value: &Value) -> Option<ConfigInfo> {
    Some(ConfigInfo {
        group: text(value, "group")?,
        name: text(value, "name")?,
        inuse: flag(value, "inuse")?,
        autostart: flag(value, "autostart")?,
        is_disabled: flag(value, "disabled").unwrap_or(false),
        scaled: number(value, "scaled"),
        group_prio: number(value, "group_prio")?,
        process_prio: number(value, "process_prio")?,
    })
}

fn dependency(value: &Value) -> Option<DependencyInfo> {
    Some(DependencyInfo {
        group: text(value, "group")?,
        name: text(value, "name")?,
        statename: shown(value, "statename")?,
        depends_on: items(value.member("depends_on")?, need)?,
    })
}

fn need(value: &Value) -> Option<NeedInfo> {
    Some(NeedInfo {
        group: text(value, "group")?,
        name: text(value, "name")?,
        condition: shown(value, "condition")?,
        is_optional: flag(value, "optional")?,
        is_met: flag(value, "met").unwrap_or(false),
    })
}

fn difference(value: &Value) -> Option<DifferenceInfo> {
    Some(DifferenceInfo {
        group: text(value, "group")?,
        name: text(value, "name")?,
        key: text(value, "key")?,
        consequence: text(value, "consequence")?,
        value: value.clone(),
    })
}

fn names(value: &Value) -> Option<Vec<String>> {
    items(value, |name| name.as_str().map(str::to_owned))
}

/// The three lists, which come as the only item of an array.
fn changes(value: &Value) -> Option<Changes> {
    let lists = value.as_array()?.first()?;
    let mut lists = items(lists, names)?.into_iter();
    Some(Changes {
        added: lists.next()?,
        changed: lists.next()?,
        removed: lists.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(value: &Value) -> Reply {
        let (method, value) = ("m", value.clone());
        Reply { method, value }
    }

    #[test]
    fn the_three_lists_of_changes_are_told_apart() {
        let list = |name: &str| Value::Array(vec![Value::string(name)]);
        let value = Value::Array(vec![Value::Array(vec![list("a"), list("c"), list("r")])]);
        let changes = reply(&value).changes().unwrap();
        assert_eq!(
            (changes.added, changes.changed, changes.removed),
            (
                vec!["a".to_owned()],
                vec!["c".to_owned()],
                vec!["r".to_owned()]
            )
        );
    }

    #[test]
    fn a_value_of_another_shape_is_an_error() {
        for value in [Value::Nil, Value::Array(Vec::new()), Value::Int(1)] {
            assert!(reply(&value).changes().is_err(), "{value:?}");
            assert!(reply(&value).process().is_err(), "{value:?}");
            assert!(reply(&value).text().is_err(), "{value:?}");
        }
    }
}
