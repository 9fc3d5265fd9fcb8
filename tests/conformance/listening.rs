//! Event listeners of scenarios: `listener.py`, what it has received, and what
//! the main log at debug tells of it.

use super::super::support::{Kind, Value};
use super::normal::normalise;
use super::run::Run;

/// What stands behind each message in the record.
const END: &str = "\n=\n";

/// The section of a pool of recording listeners of that name.
pub fn pool(run: &Run, name: &str, options: &str) -> String {
    let script = run
        .dir
        .write("listener.py", include_str!("listener.py"))
        .display()
        .to_string();
    let python = Kind::Original.program("python", &run.dir.bin());
    format!(
        "[eventlistener:{name}]\ncommand={} -IS {script}\nstartsecs=0\nstderr_logfile=NONE\n\
         stdout_logfile=%(here)s/{name}.log\n{options}\n",
        python.display()
    )
}

/// What a listener does in its first life, one step a line.
pub fn steps(run: &Run, listener: &str, steps: &str) {
    run.dir.write(&format!("{listener}.steps"), steps);
}

/// Tells every pool that asks for it.
pub fn tell(run: &Run, kind: &str, data: &str) {
    run.quiet_rpc(
        "sendRemoteCommEvent",
        &[Value::text(kind), Value::text(data)],
    )
    .answer();
}

/// Waits until a listener has received so many messages in its lives.
pub fn wait_received(run: &Run, listener: &str, count: usize) {
    run.wait_times(&format!("{listener}.events"), END, count);
}

/// What a listener has received, with times and pids replaced and the lengths
/// that they change counted anew.
pub fn messages(run: &Run, listener: &str) -> Vec<String> {
    let record = run
        .dir
        .read(&format!("{listener}.events"))
        .unwrap_or_default();
    record
        .split_terminator(END)
        .map(|message| {
            let (header, payload) = message.split_once('\n').unwrap_or((message, ""));
            let payload = without_time(&normalise(payload, &[]));
            let header = header.rsplit_once(' ').map_or(header, |(rest, _)| rest);
            format!("{header} len:{} {payload:?}", payload.chars().count())
        })
        .collect()
}

/// Notes what a listener has received.
pub fn note_received(run: &mut Run, listener: &str) {
    let messages = messages(run, listener);
    run.note(&format!("{listener} has received:"));
    messages.iter().for_each(|message| run.note(message));
}

/// Notes what the main log tells of a listener and the pool of its name.
pub fn note_log(run: &mut Run, listener: &str) {
    run.note(&format!("main log of {listener}:"));
    let mut is_about_it = false;
    for line in run.lines_of_log() {
        if !line.starts_with("| ") {
            let mut words = line.split([' ', '\'', ':']);
            is_about_it = words.any(|word| word == listener) && !is_left_to_chance(&line);
        }
        if is_about_it {
            run.note(&line);
        }
    }
}

/// Whether a listener gets ready or RUNNING first, and whether a stop is waited
/// for, depends on how fast it is. Closed descriptors are told in other words.
fn is_left_to_chance(line: &str) -> bool {
    line.contains(" closed, ")
        || line.starts_with("INFO waiting for")
        || line.ends_with("> than 0 seconds (startsecs)")
}

/// `when:` of a tick, which is a multiple of five seconds.
fn without_time(payload: &str) -> String {
    match payload.strip_prefix("when:").map(str::parse::<u64>) {
        Some(Ok(when)) if when % 5 == 0 => "when:TIME".to_string(),
        _ => payload.to_string(),
    }
}
