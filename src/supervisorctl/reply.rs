//! What the server's methods return, as values of their own types.

use super::failure::{CallError, Failure};
use crate::states::ProcessState;
use crate::text::plain;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// An entry of `getAllProcessInfo`, or what `getProcessInfo` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    pub group: String,
    pub name: String,
    pub state: i64,
    pub statename: String,
    pub description: String,
    pub pid: i64,
}

impl ProcessInfo {
    /// How results name it.
    pub fn display_name(&self) -> String {
        super::names::display_name(&self.group, &self.name)
    }

    /// Its state, if it is one of the known ones.
    pub fn known_state(&self) -> Option<ProcessState> {
        use ProcessState as S;
        [
            S::Stopped,
            S::Starting,
            S::Running,
            S::Backoff,
            S::Stopping,
            S::Exited,
            S::Fatal,
            S::Unknown,
        ]
        .into_iter()
        .find(|state| i64::from(state.code()) == self.state)
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
pub struct Deed {
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
    pub group_prio: i64,
    pub process_prio: i64,
}

/// What `reloadConfig` returns: names of groups in the server's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

/// A value that a method returned.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The method, for the error text.
    pub method: &'a str,
    /// The value.
    pub value: &'a Value,
}

impl<'a> Reply<'a> {
    fn unexpected(&self) -> Failure {
        Failure::Call(CallError::UnexpectedValue {
            method: self.method.to_owned(),
        })
    }

    fn with(self, value: &'a Value) -> Reply<'a> {
        Reply { value, ..self }
    }

    /// The text as it is shown: names and descriptions act on no terminal.
    fn shown(self) -> Result<String, Failure> {
        Ok(plain::shown(&self.text()?).into_owned())
    }

    /// The text.
    pub fn text(self) -> Result<String, Failure> {
        let text = self.value.as_str().ok_or_else(|| self.unexpected())?;
        Ok(text.to_owned())
    }

    /// The number.
    pub fn number(self) -> Result<i64, Failure> {
        self.value.as_int().ok_or_else(|| self.unexpected())
    }

    fn flag(self) -> Result<bool, Failure> {
        match self.value {
            Value::Bool(flag) => Ok(*flag),
            Value::Int(number) => Ok(*number != 0),
            _ => Err(self.unexpected()),
        }
    }

    fn member(self, name: &str) -> Result<Reply<'a>, Failure> {
        let member = self.value.member(name);
        Ok(self.with(member.ok_or_else(|| self.unexpected())?))
    }

    fn items<T>(self, read: impl Fn(Reply<'a>) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
        let items = self.value.as_array().ok_or_else(|| self.unexpected())?;
        items.iter().map(|item| read(self.with(item))).collect()
    }

    /// One process.
    pub fn process(self) -> Result<ProcessInfo, Failure> {
        Ok(ProcessInfo {
            group: self.member("group")?.text()?,
            name: self.member("name")?.text()?,
            state: self.member("state")?.number()?,
            statename: self.member("statename")?.shown()?,
            description: self.member("description")?.shown()?,
            pid: self.member("pid")?.number()?,
        })
    }

    /// All processes.
    pub fn processes(self) -> Result<Vec<ProcessInfo>, Failure> {
        self.items(Reply::process)
    }

    /// What became of each process.
    pub fn results(self) -> Result<Vec<ProcessResult>, Failure> {
        self.items(Reply::result)
    }

    /// What was done, in order.
    pub fn deeds(self) -> Result<Vec<Deed>, Failure> {
        self.items(|item| {
            Ok(Deed {
                action: item.member("action")?.text()?,
                result: item.result()?,
            })
        })
    }

    fn result(self) -> Result<ProcessResult, Failure> {
        Ok(ProcessResult {
            group: self.member("group")?.text()?,
            name: self.member("name")?.text()?,
            status: self.member("status")?.number()?,
            description: self.member("description")?.shown()?,
        })
    }

    /// The configuration of each process.
    pub fn configurations(self) -> Result<Vec<ConfigInfo>, Failure> {
        self.items(|item| {
            Ok(ConfigInfo {
                group: item.member("group")?.text()?,
                name: item.member("name")?.text()?,
                inuse: item.member("inuse")?.flag()?,
                autostart: item.member("autostart")?.flag()?,
                group_prio: item.member("group_prio")?.number()?,
                process_prio: item.member("process_prio")?.number()?,
            })
        })
    }

    /// The three lists, which come as the only item of an array.
    pub fn changes(self) -> Result<Changes, Failure> {
        let lists = self.items(|item| item.items(|list| list.items(Reply::text)))?;
        let mut lists = lists.into_iter().next().unwrap_or_default().into_iter();
        match (lists.next(), lists.next(), lists.next()) {
            (Some(added), Some(changed), Some(removed)) => Ok(Changes {
                added,
                changed,
                removed,
            }),
            _ => Err(self.unexpected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(value: &Value) -> Reply<'_> {
        Reply { method: "m", value }
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
