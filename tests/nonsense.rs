//! Listeners that answer with nonsense: each is told of as text and once, keeps its event from
//! being counted as handled, and nobody else is kept from anything.

use super::support::{DEADLINE, Dir, Scene, Value, is_plain_text, wait_until};

/// What a listener says before it is sent an event, and what instead of a result; then it stays.
const NONSENSE: [(&str, &str, &str); 14] = [
    // (its name, before the event, instead of a result)
    ("token", "ready\\n", ""),
    ("nul-token", "REA\\000DY\\n", ""),
    ("early", "READY\\nRESULT 2\\nOK", ""),
    ("banner", "\\033[2JWelcome!\\nREADY\\n", ""),
    ("crlf", "READY\\r\\n", ""),
    ("word", "READY\\n", "RESULT two\\nOK"),
    ("minus", "READY\\n", "RESULT -2\\nOK"),
    ("nothing", "READY\\n", "\\n\\n\\n"),
    ("nul", "READY\\n", "RESULT \\0002\\nOK"),
    ("fraction", "READY\\n", "RESULT 2.0\\nOK"),
    ("terminal", "READY\\n", "\\033]0;t\\007\\302\\2332J\\n"),
    ("bytes", "READY\\n", "\\377\\376\\200\\n"),
    ("late", "READY\\n", "OKRESULT 2\\n"),
    ("ready", "READY\\n", "READY\\nREADY\\n"),
];

/// These say what may still become something: nothing is told of them.
const UNFINISHED: [(&str, &str, &str); 4] = [
    ("half", "REA", ""),
    ("half-line", "READY\\n", "RESULT 2"),
    ("half-result", "READY\\n", "RESULT 2\\nO"),
    (
        "endless",
        "READY\\n",
        "RESULT 99999999999999999999999999\\nOK",
    ),
];

const GOOD: &str = "while :; do echo READY; read header; : > handled; printf 'RESULT 2\\nOK'; done";

#[test]
fn nonsense_of_listeners_is_told_as_text_and_keeps_nobody_from_anything() {
    let dir = Dir::new();
    let mut sections = String::from("loglevel=trace\n");
    for (name, before, instead) in NONSENSE.iter().chain(&UNFINISHED) {
        let script = format!(
            "printf '{before}'; read header; printf '{instead}'; : > {name}.asked; exec sleep 3600"
        );
        let path = dir.script(name, &script);
        sections.push_str(&section(name, &path.display().to_string()));
    }
    // A line without an end is none after 64 KiB.
    let path = dir.script(
        "huge",
        "echo READY; read header; head -c 300000 /dev/zero | tr '\\0' '\\033'; exec sleep 3600",
    );
    sections.push_str(&section("huge", &path.display().to_string()));
    let path = dir.script("good", GOOD);
    sections.push_str(&section("good", &path.display().to_string()));
    let scene = Scene::start_as(dir, &sections, |_| {});
    let event = [Value::text("e"), Value::text("x")];
    scene.wait_log("good: ACKNOWLEDGED -> READY");
    scene.call("sendRemoteCommEvent", &event).answer();
    for (name, ..) in NONSENSE.iter().chain(&[("huge", "", "")]) {
        scene.wait_log(&format!("{name}: has entered the UNKNOWN state"));
    }
    for (name, before, _) in UNFINISHED {
        let is_asked = before.starts_with("READY");
        let asked = || scene.dir.join(&format!("{name}.asked")).exists();
        assert!(!is_asked || wait_until(DEADLINE, asked), "{name}");
    }
    let log = scene.log();
    assert!(is_plain_text(&log.replace('\n', "")), "{log}");
    assert!(log.len() < 2 << 20, "{} bytes", log.len());
    for (name, ..) in UNFINISHED {
        assert!(
            !log.contains(&format!("{name}: has entered the UNKNOWN")),
            "{name}"
        );
    }
    for (name, ..) in NONSENSE.iter().chain(&UNFINISHED) {
        let handled = format!("{name}: event was processed");
        assert!(!log.contains(&handled), "{name}");
    }
    assert!(wait_until(DEADLINE, || scene.dir.join("handled").exists()));
    // Those that broke off are processes as before, and all go when they are told.
    scene.wait_all("RUNNING");
    scene.stop();
}

fn section(name: &str, command: &str) -> String {
    format!(
        "[eventlistener:{name}]\ncommand={command}\nevents=REMOTE_COMMUNICATION\nstartsecs=0\n\
         directory=%(here)s\nautorestart=false\n"
    )
}
