//! Event listeners and their pools. Ours only: tests/conformance holds what
//! 4.3.0 has as well against it.

mod handlers;
mod hostile;
mod languages;
mod lives;
pub mod manual;
mod outcomes;
mod regressions;
mod retries;
mod turns;
mod volume;

use super::support::{DEADLINE, Dir, Scene, Value, wait_until};
use std::time::Duration;

/// What the listeners of these tests import.
const MODULE: &str = r#"
import os, sys, time

def say(text):
    data = text if isinstance(text, bytes) else text.encode()
    while data:
        data = data[os.write(1, data):]

def answer(text):
    data = text.encode()
    say(b'RESULT %d\n%s' % (len(data), data))

# Payloads are read by characters, as `len` counts them.
EVENTS = open(0, encoding='utf-8', newline='\n', closefd=False)

# The header line, its tokens and the payload of the next event.
def hear():
    line = EVENTS.readline()
    if not line:
        sys.exit(0)
    tokens = dict(token.split(':', 1) for token in line.split())
    return line, tokens, EVENTS.read(int(tokens['len']))

# Adds a line to a file.
def note(name, text):
    with open(name, 'a') as file:
        file.write(text + '\n')

def wait(name):
    while not os.path.exists(name):
        time.sleep(0.01)
"#;

/// A listener that notes what it is told in the file `NAME.got`, and accepts it.
const RECORDER: &str = r#"
from listener import *
name = os.environ['SUPERVISOR_PROCESS_NAME'] + '.got'
while True:
    say('READY\n')
    _, tokens, payload = hear()
    note(name, '%s %s %s' % (tokens['serial'], tokens['eventname'], payload[:200].replace('\n', '|')))
    answer('OK')
"#;

/// A directory with the listeners' module, the recorder and a script in Python
/// for `bad.py`, if any.
pub fn workshop(script: &str) -> Dir {
    let dir = Dir::new();
    dir.write("listener.py", MODULE);
    dir.write("recorder.py", RECORDER);
    dir.write("bad.py", format!("from listener import *\n{script}"));
    dir
}

/// The section of a pool that runs a script of the workshop.
pub fn pool(name: &str, script: &str, events: &str, more: &str) -> String {
    format!(
        "[eventlistener:{name}]\ncommand=python3 -S %(here)s/{script}.py\ndirectory=%(here)s\nevents={events}\n\
         startsecs=0\nstdout_logfile=NONE\nstderr_logfile=%(here)s/{name}.err\n{more}\n"
    )
}

/// What a recorder has noted.
pub fn noted(scene: &Scene, name: &str) -> Vec<String> {
    let text = scene.dir.read(&format!("{name}.got")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until a recorder has noted so many events.
pub fn wait_noted(scene: &Scene, name: &str, count: usize) -> Vec<String> {
    let done = wait_until(DEADLINE, || noted(scene, name).len() >= count);
    let noted = noted(scene, name);
    assert!(done, "{name} has only {noted:?}\n{}", scene.log());
    noted
}

/// Waits until a file has that content.
pub fn wait_text(scene: &Scene, file: &str, content: &str) {
    let read = || scene.dir.read(file).unwrap_or_default();
    let done = wait_until(DEADLINE, || read() == content);
    assert!(
        done,
        "{file} is {:?}, not {content:?}\n{}",
        read(),
        scene.log()
    );
}

/// Emits a REMOTE_COMMUNICATION.
pub fn send(scene: &Scene, name: &str, data: &str) {
    let parameters = [Value::text(name), Value::text(data)];
    scene.call("sendRemoteCommEvent", &parameters).answer();
}

/// How many bytes of memory the daemon has resident.
pub fn resident(scene: &Scene) -> u64 {
    let path = format!("/proc/{}/status", scene.daemon.pid());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse::<u64>().unwrap() * 1024
}

/// How many descriptors the daemon has open: the fewest within a moment, for the
/// connection of a client ends a little after its answer.
pub fn descriptors(scene: &Scene) -> usize {
    let folder = format!("/proc/{}/fd", scene.daemon.pid());
    let mut fewest = usize::MAX;
    wait_until(Duration::from_millis(200), || {
        fewest = fewest.min(std::fs::read_dir(&folder).unwrap().count());
        false
    });
    fewest
}
