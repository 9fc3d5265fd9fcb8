//! The environment of a child: what supervisord inherited, what tells the
//! child who supervises it, and what the configuration adds. Later wins.
//! Files are read by the child itself.

use crate::config::Process;
use crate::sys::spawn::Step;
use crate::sys::user::{self, Account};

/// Names and values as execve takes them: bytes, since what supervisord
/// inherited need not be text.
pub type Environment = Vec<(Vec<u8>, Vec<u8>)>;

pub fn get<'a>(environment: &'a Environment, name: &str) -> Option<&'a [u8]> {
    environment
        .iter()
        .find(|(known, _)| known.as_slice() == name.as_bytes())
        .map(|(_, value)| value.as_slice())
}

/// Whether nobody has refused colours, and a terminal has them.
pub fn may_colour(environment: &Environment) -> bool {
    get(environment, "NO_COLOR").is_none_or(<[u8]>::is_empty)
        && get(environment, "TERM") != Some(b"dumb")
}

/// The environment of a child until it is started: what it is made of lies elsewhere.
pub type Variables<'a> = Vec<(&'a [u8], &'a [u8])>;

/// How many are added at most, beside those of the configuration.
const OWN: usize = 8;

/// The child's environment; `server_url` is where supervisord itself can be reached, `account`
/// is that of its user, if it is to be told.
pub fn of_child<'a>(
    inherited: &'a Environment,
    server_url: Option<&'a str>,
    group: &'a str,
    process: &'a Process,
    account: Option<&'a Account>,
) -> Variables<'a> {
    let mut variables = Vec::with_capacity(inherited.len() + OWN + process.environment.len());
    let pairs = inherited.iter();
    variables.extend(pairs.map(|(name, value)| (name.as_slice(), value.as_slice())));
    set(&mut variables, "SUPERVISOR_ENABLED", "1");
    // An empty `serverurl=` leaves a value that supervisord inherited alone.
    let url = process
        .serverurl
        .as_deref()
        .or(server_url)
        .filter(|url| !url.is_empty());
    if let Some(url) = url {
        set(&mut variables, "SUPERVISOR_SERVER_URL", url);
    }
    set(&mut variables, "SUPERVISOR_PROCESS_NAME", &process.name);
    set(&mut variables, "SUPERVISOR_GROUP_NAME", group);
    for (name, value) in &process.environment {
        set(&mut variables, name, value);
    }
    for (name, value) in account.into_iter().flat_map(of_account) {
        if !is_own(process, name) {
            set(&mut variables, name, value);
        }
    }
    variables
}

fn of_account(account: &Account) -> [(&str, &str); 4] {
    [
        ("HOME", &account.home),
        ("USER", &account.name),
        ("LOGNAME", &account.name),
        ("SHELL", &account.shell),
    ]
}

/// Whether a program sets a variable itself, whatever other sources say.
fn is_own(process: &Process, name: &str) -> bool {
    let inherited = process.variables.as_ref().map(|more| &more.inherited);
    process.environment.iter().any(|(own, _)| own == name)
        && !inherited.is_some_and(|names| names.iter().any(|other| other == name))
}

/// The step that reads the files of a program; what it sets itself they do not change.
pub fn step(process: &Process) -> Option<Step<'_>> {
    let sources = &process.variables.as_ref()?.environment_file.0;
    let names = process.environment.iter().map(|(name, _)| name.as_str());
    (!sources.is_empty()).then(|| Step::EnvironmentFiles {
        sources,
        kept: names.filter(|name| is_own(process, name)).collect(),
    })
}

/// The account of the user that a process runs as, where it is to be told.
pub fn account(process: &Process) -> Option<Account> {
    let is_told = process.variables.as_ref()?.user_environment;
    user::account_of(process.uid.filter(|_| is_told)?)
}

/// Sets a variable, in the place of one of that name.
pub fn set<'a>(variables: &mut Variables<'a>, name: &'a str, value: &'a str) {
    let (name, value) = (name.as_bytes(), value.as_bytes());
    match variables.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => variables.push((name, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::machine::tests::process;

    fn of(
        inherited: &[(&str, &str)],
        server_url: Option<&str>,
        change: impl FnOnce(&mut Process),
    ) -> Vec<String> {
        let mut process = process();
        change(&mut process);
        let bytes = |text: &str| text.as_bytes().to_vec();
        let inherited = inherited
            .iter()
            .map(|(name, value)| (bytes(name), bytes(value)))
            .collect();
        let environment = of_child(&inherited, server_url, "g", &process, None);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        environment
            .iter()
            .map(|(name, value)| format!("{}={}", text(name), text(value)))
            .collect()
    }

    #[test]
    fn the_child_learns_who_supervises_it() {
        assert_eq!(
            of(&[("PATH", "/bin")], Some("unix:///s"), |_| ()),
            [
                "PATH=/bin",
                "SUPERVISOR_ENABLED=1",
                "SUPERVISOR_SERVER_URL=unix:///s",
                "SUPERVISOR_PROCESS_NAME=p",
                "SUPERVISOR_GROUP_NAME=g"
            ]
        );
    }

    #[test]
    fn the_configuration_wins_over_everything() {
        let environment = of(
            &[("A", "old"), ("SUPERVISOR_ENABLED", "0")],
            None,
            |process| {
                process.environment = [("A", "new"), ("SUPERVISOR_GROUP_NAME", "other")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into();
            },
        );
        assert_eq!(
            environment,
            [
                "A=new",
                "SUPERVISOR_ENABLED=1",
                "SUPERVISOR_PROCESS_NAME=p",
                "SUPERVISOR_GROUP_NAME=other"
            ]
        );
    }

    #[test]
    fn a_server_url_of_the_program_wins_and_an_empty_one_leaves_the_inherited() {
        let url = |server_url, own: Option<&str>| {
            of(
                &[("SUPERVISOR_SERVER_URL", "inherited")],
                server_url,
                |process| {
                    process.serverurl = own.map(str::to_owned);
                },
            )
            .into_iter()
            .find(|variable| variable.starts_with("SUPERVISOR_SERVER_URL="))
        };
        assert_eq!(
            url(Some("ours"), Some("its")).as_deref(),
            Some("SUPERVISOR_SERVER_URL=its")
        );
        assert_eq!(
            url(Some("ours"), None).as_deref(),
            Some("SUPERVISOR_SERVER_URL=ours")
        );
        assert_eq!(
            url(Some("ours"), Some("")).as_deref(),
            Some("SUPERVISOR_SERVER_URL=inherited")
        );
        assert_eq!(
            url(None, None).as_deref(),
            Some("SUPERVISOR_SERVER_URL=inherited")
        );
    }
}
