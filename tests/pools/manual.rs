//! The manual page of events and the code know the same types with the same
//! payloads, and the page's examples work.

use super::super::support::{DEADLINE, Dir, Scene, Value, wait_until};
use crate::manual::page as manual;
use pollvisor::clock::Period;
use pollvisor::events::event::{Event, Move, Subject};
use pollvisor::events::message::Message;
use pollvisor::events::message::PayloadLength;
use pollvisor::events::types;
use pollvisor::states::ProcessState::*;
use pollvisor::termination::Termination;
use pollvisor::tokens::Channel;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// What each example of the page has and no other has; all are run, here and in `monitor`.
pub const EXAMPLES: [&str; 7] = [
    "echo \"$payload\"",
    "/usr/local/bin/note-exits /var/log/unexpected\n",
    "import sys",
    "/usr/local/bin/note-exits.py /var/log/unexpected\n",
    "VmRSS",
    "supervisorctl restart",
    "[eventlistener:memory]",
];

fn page() -> String {
    manual::page("supervisor-events.7")
}

/// The types that the page has, each with what it says of it.
fn items(page: &str) -> Vec<(&str, &str)> {
    let types = page.split(".Ss The conversation").next().unwrap();
    types
        .split(".It Li ")
        .skip(1)
        .map(|item| item.split_once('\n').unwrap())
        .collect()
}

/// One event of each type, as the page has them.
fn samples() -> Vec<Event> {
    let subject = Subject {
        process: "web",
        group: "site",
    };
    let killed = Termination::Signaled {
        signal: libc::SIGTERM,
        core_dumped: false,
    };
    let moves = [
        (Stopped, Starting, 0, None),
        (Starting, Running, 0, None),
        (Starting, Backoff, 1, None),
        (Running, Stopping, 0, None),
        (Running, Exited, 0, Some((Termination::Exited(0), true))),
        (Running, Exited, 0, Some((Termination::Exited(3), false))),
        (Stopping, Stopped, 0, Some((killed, false))),
        (Backoff, Fatal, 4, None),
        (Stopping, Unknown, 0, None),
    ];
    let mut samples = vec![
        Event::remote_communication("the type", "the data"),
        Event::supervisor_running(),
        Event::supervisor_stopping(),
        Event::supervisor_fatal("cannot remove /var/log/web.log: Permission denied"),
        Event::tick(Period::Seconds, 1_795_372_285),
        Event::tick(Period::Minute, 1_795_372_260),
        Event::tick(Period::Hour, 1_795_370_400),
        Event::group_added("site"),
        Event::group_removed("site"),
        Event::health(subject, 4211, None),
        Event::health(subject, 4211, Some("GET /health: 503")),
        Event::monitor_query(&[2601, 2602, 2603]),
    ];
    for channel in [Channel::Stdout, Channel::Stderr] {
        samples.push(Event::log(subject, 4211, channel, b"the output"));
        samples.push(Event::communication(subject, 4211, channel, b"the message"));
    }
    for (from, to, tries, end) in moves {
        let pid = if to == Fatal { 0 } else { 4211 };
        let step = Move {
            from,
            to,
            pid,
            tries,
            end,
            reason: "",
            peak: None,
        };
        // The page shows an unexpected exit in the family of 4.3.0.
        if end != Some((Termination::Exited(0), true)) {
            samples.push(Event::process_state(subject, &step));
        }
        samples.extend(Event::state_change(subject, &step));
    }
    samples
}

#[test]
fn the_page_and_the_code_have_the_same_types() {
    let page = page();
    let told: Vec<&str> = items(&page).iter().map(|(name, _)| *name).collect();
    for name in types::names() {
        assert_eq!(
            told.iter().filter(|told| **told == name).count(),
            1,
            "{name}"
        );
    }
    assert_eq!(told.len(), types::names().count(), "{told:?}");
    // Nowhere else in it is there a type that is none.
    let families = [
        "PROCESS_STATE",
        "PROCESS_LOG",
        "PROCESS_COMM",
        "REMOTE_",
        "SUPERVISOR_STATE",
        "TICK",
        "PROCESS_GROUP_",
        "MONITOR_",
    ];
    let words = page.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    for word in words.filter(|word| families.iter().any(|family| word.starts_with(family))) {
        assert!(types::names().any(|name| name == word), "{word}");
    }
}

#[test]
fn the_page_shows_the_payload_of_every_type() {
    let page = page();
    let samples = samples();
    let is_inner = |name: &str| !samples.iter().any(|sample| sample.kind.name() == name);
    for (name, text) in items(&page) {
        let shown: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix(".Dl "))
            .collect();
        if is_inner(name) {
            assert_eq!(shown, [""; 0], "{name}");
        }
        for sample in samples.iter().filter(|sample| sample.kind.name() == name) {
            let payload = std::str::from_utf8(&sample.payload).unwrap();
            assert_eq!(shown, payload.lines().collect::<Vec<&str>>(), "{name}");
        }
    }
    let leaves = types::names().filter(|name| !is_inner(name)).count();
    assert_eq!(leaves, 30);
}

/// The payloads that the page shows; each is compared in the test above.
pub fn payloads() -> Vec<String> {
    let page = page();
    let texts = items(&page).into_iter().map(|(_, text)| text);
    let lines = texts.flat_map(str::lines);
    lines
        .filter_map(|line| line.strip_prefix(".Dl ").map(manual::shown))
        .collect()
}

/// The message that the page shows.
pub fn message() -> String {
    let message = Message {
        event: Event::tick(Period::Minute, 1_795_372_260),
        serial: 21,
        poolserial: 10,
        rejections: 0,
    };
    let bytes = message.bytes("supervisor", "memory", PayloadLength::Characters);
    String::from_utf8(bytes).unwrap() + "\n"
}

/// The example in the page that has a word in it, as it is to be typed.
pub fn example(word: &str) -> String {
    assert!(EXAMPLES.contains(&word), "{word}");
    let displays = manual::displays(&page()).into_iter();
    let mut texts = displays
        .filter(|display| display.section == "EXAMPLES" && display.text.contains(word))
        .map(|display| display.text);
    let text = texts
        .next()
        .unwrap_or_else(|| panic!("no example with {word}"));
    assert_eq!(texts.next(), None, "{word}");
    text
}

/// An example as an executable file.
pub fn executable(dir: &Dir, name: &str, word: &str) -> PathBuf {
    let path = dir.write(name, example(word));
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn the_listeners_of_the_page_work() {
    for (script, word, word_of_section) in [
        ("note-exits", EXAMPLES[0], EXAMPLES[1]),
        ("note-exits.py", EXAMPLES[2], EXAMPLES[3]),
    ] {
        let dir = Dir::new();
        let path = executable(&dir, script, word);
        let installed = format!("/usr/local/bin/{script} /var/log/unexpected");
        let section = example(word_of_section).replace(
            &installed,
            &format!("{} %(here)s/unexpected", path.display()),
        );
        let sections = format!(
            "{section}startsecs=0\n\
             [program:good]\ncommand=/bin/sh -c 'read line; exit 0'\nstartsecs=0\nautorestart=false\n\
             [program:bad]\ncommand=/bin/sh -c 'read line; exit 9'\nstartsecs=0\nautorestart=false\n"
        );
        let scene = Scene::start_as(dir, &sections, |_| {});
        scene.wait_all("RUNNING");
        for name in ["good", "bad", "bad"] {
            let line = [Value::text(name), Value::text("go\n")];
            scene.call("sendProcessStdin", &line).answer();
            scene.wait(name, "EXITED");
            scene.call("startProcess", &[Value::text(name)]).answer();
        }
        let noted = || scene.dir.read("unexpected").unwrap_or_default();
        assert!(
            wait_until(DEADLINE, || noted().lines().count() == 2),
            "{}\n{}",
            noted(),
            scene.log()
        );
        for line in noted().lines() {
            assert!(
                line.starts_with("processname:bad groupname:bad from_state:RUNNING "),
                "{line}"
            );
        }
        assert!(!scene.log().contains("UNKNOWN"), "{}", scene.log());
        scene.stop();
    }
}
