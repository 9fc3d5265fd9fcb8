//! The environment of a child: what supervisord inherited, what tells the
//! child who supervises it, and what the configuration adds. Later wins.

use crate::config::Process;

/// Names and values as execve takes them: bytes, since what supervisord
/// inherited need not be text.
pub type Environment = Vec<(Vec<u8>, Vec<u8>)>;

/// The value of a variable.
pub fn get<'a>(environment: &'a Environment, name: &str) -> Option<&'a [u8]> {
    environment
        .iter()
        .find(|(known, _)| known.as_slice() == name.as_bytes())
        .map(|(_, value)| value.as_slice())
}

/// The child's environment; `server_url` is where supervisord itself can be reached.
pub fn of_child(
    inherited: &Environment,
    server_url: Option<&str>,
    group: &str,
    process: &Process,
) -> Environment {
    let mut environment = inherited.clone();
    set(&mut environment, "SUPERVISOR_ENABLED", "1");
    // An empty `serverurl=` leaves a value that supervisord inherited alone.
    let url = process
        .serverurl
        .as_deref()
        .or(server_url)
        .filter(|url| !url.is_empty());
    if let Some(url) = url {
        set(&mut environment, "SUPERVISOR_SERVER_URL", url);
    }
    set(&mut environment, "SUPERVISOR_PROCESS_NAME", &process.name);
    set(&mut environment, "SUPERVISOR_GROUP_NAME", group);
    for (name, value) in &process.environment {
        set(&mut environment, name, value);
    }
    environment
}

fn set(environment: &mut Environment, name: &str, value: &str) {
    let value = value.as_bytes().to_vec();
    match environment
        .iter_mut()
        .find(|(known, _)| known.as_slice() == name.as_bytes())
    {
        Some((_, old)) => *old = value,
        None => environment.push((name.as_bytes().to_vec(), value)),
    }
}
