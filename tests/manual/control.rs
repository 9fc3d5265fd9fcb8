//! The examples of supervisorctl(8), typed at a scene that has what they name. An example that has
//! no line in the table here fails, and so does a line that no example has.

use super::configurations::{shell, succeed, typed};
use super::page::Display;
use crate::support::{DEADLINE, Dir, Finished, Scene, Value, plain_environment, wait_until};
use std::fs::{self, File};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

/// What an example is run with.
enum Way {
    /// As it stands, to its end.
    Plain,
    /// The same, and it shows what is expected and nothing else.
    Exact,
    /// Until it shows it: what a program writes comes when it comes.
    Again,
    /// Once the program `web` is ready: until then SIGHUP would end it.
    Ready,
    /// After another line, which brings about what it wants to change.
    After(&'static str),
    /// With this typed after it.
    Answered(&'static str),
    /// Until it has shown what is expected, and then Ctrl-C.
    Followed,
}
use Way::{After, Again, Answered, Exact, Followed, Plain, Ready};

/// An example, how it is run, and what it shows; a `#` is the process id of `web`.
const LINES: &[(&str, Way, &str)] = &[
    (
        "$ supervisorctl restart 'workers:mail_0?'",
        Plain,
        "workers:mail_00: started\nworkers:mail_01: started\n",
    ),
    (
        "$ source <(supervisorctl completion bash)",
        Answered("complete -p supervisorctl"),
        " supervisorctl\n",
    ),
    ("$ supervisorctl debug calculator '6*7'", Plain, "42\n"),
    (
        "$ supervisorctl debug -w 3 slow status",
        Plain,
        "status is good\n",
    ),
    (
        "$ echo stats | supervisorctl debug cache",
        Plain,
        "stats: 7 hits\n",
    ),
    (
        "$ supervisorctl tail -f web 'workers:*' --both",
        Followed,
        "web stderr",
    ),
    ("$ supervisorctl tail -n 20 web", Again, "web is ready\n"),
    (
        "$ supervisorctl status 'workers:*'",
        Plain,
        "workers:sweeper ",
    ),
    ("$ supervisorctl status -w", Followed, "workers:mail_00 "),
    (
        "$ supervisorctl status --json",
        Plain,
        "\"statename\": \"RUNNING\"",
    ),
    ("$ supervisorctl status --figures", Plain, " thread"),
    ("$ supervisorctl healthcheck web", Exact, ""),
    (
        "$ supervisorctl restart --rolling 'workers:*'",
        Plain,
        "workers:mail_00: stopped\nworkers:mail_00: started\nworkers:mail_01: stopped\n",
    ),
    (
        "$ supervisorctl restart --rolling --max-unavailable 2 'workers:*'",
        Plain,
        "workers:mail_00: started\nworkers:mail_01: started\n",
    ),
    (
        "$ supervisorctl scale workers:mail 3",
        Plain,
        "workers:mail_02: added\nworkers:mail_02: started\n",
    ),
    (
        "$ supervisorctl scale workers:mail 2",
        Plain,
        "workers:mail_02: removed\n",
    ),
    ("$ supervisorctl disable web", Exact, "web: disabled\n"),
    ("$ supervisorctl enable web", Exact, "web: enabled\n"),
    (
        "$ supervisorctl explain web",
        Plain,
        "web is RUNNING: pid #, uptime 0:",
    ),
    ("$ supervisorctl graph web", Exact, "web  RUNNING\n"),
    (
        "$ supervisorctl stop --with-dependents workers:mail_00",
        Plain,
        "workers:mail_00: stopped\n",
    ),
    (
        "$ supervisorctl wait web --for healthy --timeout 1m",
        Exact,
        "",
    ),
    (
        "$ supervisorctl start web cron",
        After("supervisorctl stop web cron"),
        "web: started\ncron: started\n",
    ),
    (
        "$ supervisorctl stop workers:mail_01",
        Plain,
        "workers:mail_01: stopped\n",
    ),
    (
        "$ supervisorctl restart web",
        Plain,
        "web: stopped\nweb: started\n",
    ),
    ("$ supervisorctl signal HUP web", Ready, "web: signalled\n"),
    ("$ supervisorctl pid web", Exact, "#\n"),
    (
        "$ supervisorctl tail -f web stderr",
        Followed,
        "web is careful\n",
    ),
    (
        "$ supervisorctl tail -f --both web cron",
        Followed,
        "cron is ready",
    ),
    ("$ supervisorctl tail --stdout web", Again, "web is ready\n"),
    (
        "$ supervisorctl tail --stderr web",
        Again,
        "web is careful\n",
    ),
    ("$ supervisorctl clear web", Plain, "web: cleared\n"),
    ("$ supervisorctl rotate web", Plain, "web: rotated\n"),
    ("$ supervisorctl reopen", Plain, "all logs: reopened\n"),
    ("$ supervisorctl fg calculator", Answered("17*3\n"), "51\n"),
    ("$ supervisorctl debug -w 3 calculator '6*7'", Plain, "42\n"),
    ("$ supervisorctl maintail -100", Plain, " INFO "),
    ("$ supervisorctl maintail -f", Followed, " INFO "),
    ("$ supervisorctl maintail -n 20", Plain, " INFO "),
    (
        "$ supervisorctl reread",
        Plain,
        "No config updates to processes\n",
    ),
    ("$ supervisorctl update", Exact, ""),
    (
        "$ supervisorctl update --dry-run",
        Exact,
        "No config updates to processes\n",
    ),
    ("$ supervisorctl update --dry-run --json web", Exact, "[]\n"),
    ("$ supervisorctl avail", Plain, "web "),
    (
        "$ supervisorctl add web",
        After("supervisorctl stop web && supervisorctl remove web"),
        "web: added process group\n",
    ),
    (
        "$ supervisorctl remove web",
        After("supervisorctl stop web"),
        "web: removed process group\n",
    ),
    ("$ supervisorctl version", Exact, "4.3.0\n"),
    ("$ supervisorctl result pool", Plain, "17 files\n"),
    ("$ supervisorctl clearfatal", Plain, "FATAL"),
    (
        "$ supervisorctl upgrade --check",
        Plain,
        "can be upgraded: ",
    ),
    ("$ supervisorctl completion bash", Plain, "complete "),
    ("$ supervisorctl help start", Plain, "start "),
    (
        "$ supervisorctl -i reload",
        Answered("y\n"),
        "Restarted supervisord\n",
    ),
    ("$ supervisorctl -h", Plain, "Usage: "),
    (
        "$ supervisorctl -c /etc/other.conf -r ~/.history",
        Answered("version\n"),
        "other> 4.3.0\n",
    ),
    (
        "$ supervisorctl -s unix:///run/supervisor.sock -u chris -p 123 shutdown",
        Plain,
        "Shut down\n",
    ),
    ("supervisor> open http://other:9001", Plain, "cron "),
    ("supervisor> exit", Plain, "workers:mail_00 "),
    ("supervisor> quit", Plain, "workers:mail_00 "),
    ("supervisor> EOF", Plain, "workers:mail_00 "),
];

/// Says that it is ready, and that it is careful, and becomes `cat`.
const TALKER: &str = "trap '' HUP; echo \"$1 is ready\"; echo \"$1 is careful\" >&2; exec cat";

const GAUGE: &str = "printf 'READY\\n'\nwhile read -r header; do\n\
    dd bs=1 count=\"${header##*len:}\" of=/dev/null 2>/dev/null\n\
    printf 'RESULT 8\\n17 filesREADY\\n'\ndone";

/// The credentials of the examples, as the client of the tests sends them.
const CHRIS: &str = "Basic Y2hyaXM6MTIz";

fn scene(port: u16) -> Scene {
    let dir = Dir::new();
    dir.script("talker", TALKER);
    dir.script("gauge", GAUGE);
    dir.script(
        "slow",
        "while read line; do sleep 1; echo \"$line is good\"; done",
    );
    dir.script("cache", "while read line; do echo \"$line: 7 hits\"; done");
    let program = |name: &str, command: &str, more: &str| {
        format!("[program:{name}]\ncommand={command}\nstartsecs=0\n{more}\n")
    };
    let user = "username=chris\npassword=123\n";
    let sections = [
        "statefile=%(here)s/state\n".to_owned(),
        format!("[unix_http_server]\n{user}[supervisorctl]\n{user}"),
        format!("[inet_http_server]\nport=127.0.0.1:{port}\n{user}"),
        program("web", "%(here)s/talker web", ""),
        program("cron", "%(here)s/talker cron", ""),
        program("calculator", "bc -q", ""),
        program("slow", "%(here)s/slow", ""),
        program("cache", "%(here)s/cache", ""),
        "[group:workers]\nprograms=mail,sweeper\n".to_owned(),
        program(
            "mail",
            "%(here)s/talker mail",
            "numprocs=2\nprocess_name=%(program_name)s_%(process_num)02d",
        ),
        program("sweeper", "%(here)s/talker sweeper", ""),
        "[eventlistener:pool]\ncommand=%(here)s/gauge\nstartsecs=0\nevents=EVENT\n\
         result_handler=store\n"
            .to_owned(),
    ];
    let mut scene = Scene::start_as(dir, &sections.concat(), |_| {});
    scene.rpc = scene.rpc.with_authorization(CHRIS);
    let other = scene.dir.read("supervisord.conf").unwrap();
    let other = other.replace("[supervisorctl]\n", "[supervisorctl]\nprompt=other\n");
    scene.dir.write("other.conf", other);
    comes_up(&scene);
    scene
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn comes_up(scene: &Scene) {
    let is_up = wait_until(DEADLINE, || {
        let result = scene.call("getEventResult", &[Value::text("pool")]);
        matches!(result, crate::support::Outcome::Answer(result) if result.text_of("data") == "17 files")
    });
    assert!(is_up, "{}", scene.log());
    scene.wait_all("RUNNING");
}

/// Waits until the talker `web` has set itself up, which is after it is RUNNING.
fn is_ready(scene: &Scene) {
    let name = || fs::read_to_string(format!("/proc/{}/comm", scene.pid("web"))).ok();
    let is_ready = wait_until(DEADLINE, || name().as_deref() == Some("cat\n"));
    assert!(is_ready, "{}", scene.log());
}

/// Runs an example until it has shown something, then ends it as Ctrl-C would.
fn follow(dir: &Dir, line: &str, expected: &str) {
    let mut command = typed(dir, &format!("exec {line}"));
    plain_environment(&mut command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(File::create(dir.join("shown")).unwrap())
        .spawn()
        .unwrap();
    let shown = || dir.read("shown").unwrap();
    let is_shown = wait_until(DEADLINE, || shown().contains(expected));
    crate::support::kill(child.id(), libc::SIGINT);
    let ends = wait_until(DEADLINE, || child.try_wait().unwrap().is_some());
    if !ends {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(is_shown, "{line} shows\n{}", shown());
    assert!(ends, "{line} does not end");
}

/// Runs an example to its end.
fn run_one(dir: &Dir, example: &str, way: &Way) -> Finished {
    if let Some(line) = example.strip_prefix("supervisor> ") {
        // What follows is not reached where the line leaves.
        let input = format!("{line}\nversion\n");
        let finished = shell(dir, "supervisorctl", &input);
        let leaves = !line.starts_with("open ");
        assert_eq!(finished.stdout.contains("4.3.0"), !leaves, "{finished:?}");
        return finished;
    }
    let line = example.strip_prefix("$ ").unwrap();
    match way {
        Answered(command) if line.starts_with("source ") => {
            let quoted = format!("{line}\n{command}").replace('\'', "'\\''");
            shell(dir, &format!("exec bash -c '{quoted}'"), "")
        }
        Answered(input) => shell(dir, line, input),
        After(before) => {
            succeed(dir, before);
            shell(dir, line, "")
        }
        Plain | Exact | Again | Ready | Followed => shell(dir, line, ""),
    }
}

/// supervisorctl(8).
pub fn run(displays: Vec<Display>) {
    let port = free_port();
    let mut scene = scene(port);
    let replaced = |example: &str| {
        let file = |name| scene.dir.join(name).display().to_string();
        example
            .replace("/run/supervisor.sock", &file("s"))
            .replace("/etc/other.conf", &file("other.conf"))
            .replace("~/.history", &file(".history"))
            .replace("http://other:9001", &format!("http://127.0.0.1:{port}"))
    };
    let texts: String = displays
        .into_iter()
        .map(|display| display.text.trim_end().to_owned() + "\n")
        .collect();
    // The daemon is needed until all others are done.
    let (last, first): (Vec<&str>, Vec<&str>) =
        texts.lines().partition(|line| line.ends_with(" shutdown"));
    let mut used = Vec::new();
    for example in first.into_iter().chain(last) {
        let known = LINES.iter().find(|(line, ..)| *line == example);
        let (line, way, expected) = known.unwrap_or_else(|| panic!("nobody runs {example}"));
        used.push(*line);
        let example = replaced(example);
        if matches!(way, Followed) {
            follow(&scene.dir, example.strip_prefix("$ ").unwrap(), expected);
            continue;
        }
        if matches!(way, Ready) {
            is_ready(&scene);
        }
        let expected = &match expected.contains('#') {
            true => expected.replace('#', &scene.pid("web").to_string()),
            false => (*expected).to_owned(),
        };
        // A process is waited for only so long, which a busy machine may need.
        let talks = [" fg ", " debug "].iter().any(|word| line.contains(word));
        let limit = match talks || matches!(way, Again) {
            true => DEADLINE,
            false => Duration::ZERO,
        };
        let mut finished = None;
        let shows = wait_until(limit, || {
            let shown = &finished.insert(run_one(&scene.dir, &example, way)).stdout;
            match way {
                Exact => shown == expected,
                _ => shown.contains(expected),
            }
        });
        let finished = finished.unwrap();
        assert!(shows, "{line}: {finished:?}");
        let is_failure = !matches!(finished.status, Some(0));
        let may_fail = line.ends_with(" clearfatal");
        assert!(!is_failure || may_fail, "{line}: {finished:?}");
        if line.ends_with(" reload") {
            comes_up(&scene);
        }
    }
    let unused = LINES.iter().map(|(line, ..)| *line);
    let unused: Vec<&str> = unused.filter(|line| !used.contains(line)).collect();
    assert!(unused.is_empty(), "no example has {unused:#?}");
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
}
