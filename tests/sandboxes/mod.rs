//! Sandboxes, emulators and older kernels refuse system calls: what supervisord does then
//! instead, or says.
//!
//! A filter of seccomp(2) refuses the calls to the daemon and to its children from their first
//! instruction on, whether the binary is linked statically or dynamically.

mod killed;
mod table;

use super::manual::page::{page, section};
use super::support::{
    Address, Background, DEADLINE, Daemon, Dir, Kind, Launch, Outcome, Rpc, Scene, Value, c,
    finish, usual_configuration, wait_until,
};
use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use table::{ERRORS, NEEDED, Needed, Phase, SPARED, Spared};

/// A program that does with few calls what the programs of a day have to do.
const PROGRAM: &str = r#"
#include <string.h>
#include <unistd.h>
int main(int count, char **words)
{
    static char room[65536];
    const char *work = count > 1 ? words[1] : "";
    int line;

    while (strcmp(work, "listen") == 0) {
        if (write(1, "READY\n", 6) != 6 || read(0, room, sizeof room) <= 0)
            return 0;
        if (write(1, "RESULT 2\nOK", 11) != 11)
            return 1;
    }
    for (line = 0; strcmp(work, "log") == 0 && line < 60; line++)
        if (write(1, "a line of the log\n", 18) != 18)
            return 1;
    if (write(1, "hello\n", 6) != 6)
        return 1;
    while (read(0, room, sizeof room) > 0)
        ;
    for (;;)
        pause();
}
"#;

fn is_root() -> bool {
    nix::unistd::getuid().is_root()
}

fn name(error: i32) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(error))
}

fn reason(error: i32) -> &'static str {
    nix::errno::Errno::from_raw(error).desc()
}

/// The helpers of all days.
struct Tools {
    _dir: Dir,
    refuse: PathBuf,
    program: PathBuf,
}

impl Tools {
    fn new() -> Tools {
        let dir = Dir::new();
        // Children of another user run the program too.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Tools {
            refuse: c::refuse(&dir),
            program: c::program(&dir, "program", PROGRAM),
            _dir: dir,
        }
    }

    /// Starts a daemon on that configuration to which these calls are refused.
    fn launch(&self, dir: &Dir, more: &str, calls: &str, error: &str) -> Daemon {
        dir.write("supervisord.conf", usual_configuration(more));
        let wrapper = c::refused(&self.refuse, calls, error);
        let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
        let notify = dir.join("notify").display().to_string();
        let mut launch = Launch::new(Kind::Ours, dir);
        launch.wrapper = &wrapper;
        let manager = [("NOTIFY_SOCKET", notify.as_str())];
        if dir.join("notify").exists() {
            launch.environment = &manager;
        }
        Daemon::launch(&launch)
    }

    /// The same, once it answers.
    fn scene(&self, dir: Dir, more: &str, calls: &str, error: &str) -> Scene {
        let mut daemon = self.launch(&dir, more, calls, error);
        let rpc = Rpc::new(Address::Unix(dir.join("s")));
        daemon.wait_until_it_answers(&rpc);
        Scene { daemon, rpc, dir }
    }

    /// The configuration of a day, in which everything happens that takes system calls.
    fn day(&self) -> String {
        let program = self.program.display();
        let user = if is_root() { "user=nobody\n" } else { "" };
        format!(
            "minfds=200\nlogfile_maxbytes=3000\n\
             [program:w]\ncommand={program} log\nstdout_logfile=%(here)s/w.log\n\
             stdout_logfile_maxbytes=200\nstderr_logfile=%(here)s/w.err\ndirectory=/\numask=027\n\
             {user}startsecs=0\nstartretries=0\nautorestart=false\nstopasgroup=true\n\
             [program:auto]\ncommand={program}\nstartsecs=0\nstartretries=0\n\
             [program:out]\ncommand={program}\nstartsecs=0\nstartretries=0\n\
             stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nredirect_stderr=true\n\
             [program:slow]\ncommand={program}\nstartsecs=1\nautostart=false\n\
             [fcgi-program:f]\ncommand={program}\nsocket=unix://%(here)s/f\nstartsecs=0\nstartretries=0\n\
             [eventlistener:l]\ncommand={program} listen\nevents=PROCESS_STATE\nstartsecs=0\nstartretries=0\n"
        )
    }
}

/// All that a daemon does between its start and its end, under a filter.
fn live_through_a_day(tools: &Tools, row: &Spared, error: i32) {
    let what = format!("{} refused with {}", row.calls, name(error));
    let dir = Dir::new();
    let manager = UnixDatagram::bind(dir.join("notify")).unwrap();
    let of_tcp = ["setsockopt", "getpeername"].contains(&row.calls);
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let inet = format!("[inet_http_server]\nport=127.0.0.1:{port}\nusername=u\npassword=p\n");
    let day = tools.day() + if of_tcp { &inet } else { "" };
    let mut scene = tools.scene(dir, &day, row.calls, &error.to_string());
    let running = |scene: &Scene| {
        let is_up = wait_until(DEADLINE, || {
            let Outcome::Answer(Value::Array(all)) = scene.call("getAllProcessInfo", &[]) else {
                return false;
            };
            let states = all
                .iter()
                .filter(|info| info.text_of("name") != "slow")
                .map(|info| info.text_of("statename"));
            !all.is_empty() && states.into_iter().all(|state| state == "RUNNING")
        });
        assert!(is_up, "{what}: {:?}\n{}", scene.all(), scene.log());
    };
    running(&scene);
    let read = |name: &str| scene.dir.read(name).unwrap_or_default();
    let logged = || read("w.log").contains("hello") || read("w.log.1").contains("hello");
    assert!(wait_until(DEADLINE, logged), "{what}: nothing is logged");
    if !row.told.contains("cannot rotate") {
        let rotated = || scene.dir.join("w.log.1").exists();
        assert!(wait_until(DEADLINE, rotated), "{what}: no rotation");
    }
    let passed_on = || scene.daemon.stdout().contains("hello");
    assert!(wait_until(DEADLINE, passed_on), "{what}: nothing on stdout");
    if !row.told.contains("service manager") {
        let mut message = [0; 256];
        manager.set_read_timeout(Some(DEADLINE)).unwrap();
        let length = manager.recv(&mut message).unwrap_or(0);
        let message = String::from_utf8_lossy(&message[..length]);
        assert!(message.contains("READY=1"), "{what}: {message:?}");
    }
    if row.calls == "ppoll" {
        // It is up after a second in which nothing else happens.
        scene
            .call("startProcess", &[Value::text("slow"), Value::Bool(true)])
            .answer();
    }
    let w = Value::text("w");
    scene.call("stopProcess", std::slice::from_ref(&w)).answer();
    scene
        .call("startProcess", std::slice::from_ref(&w))
        .answer();
    let page = scene.rpc.get("/");
    assert_eq!(page.status, 200, "{what}");
    assert!(page.body.contains("</html>"), "{what}: {}", page.body);
    scene
        .call("readProcessStdoutLog", &[w, Value::Int(0), Value::Int(0)])
        .answer();
    if of_tcp {
        TcpStream::connect(("127.0.0.1", port)).unwrap();
    }
    let started = |scene: &Scene| {
        whole_log(&scene.dir)
            .matches("Server 'unix_http_server' running")
            .count()
    };
    assert_eq!(started(&scene), 1, "{what}");
    scene.rpc.call("supervisor.restart", &[]).answer();
    let again = wait_until(DEADLINE, || started(&scene) == 2 && scene.rpc.answers());
    assert!(again, "{what}: no restart\n{}", scene.log());
    running(&scene);
    let status = scene.daemon.stop();
    assert_eq!(status, Some(0), "{what}: {}", scene.log());

    let log = whole_log(&scene.dir);
    assert!(log.contains(row.told), "{what}: {log}");
    let usual = [
        "Supervisor is running as root",
        "running without any HTTP authentication",
        "received SIGTERM indicating exit request",
        "terminated by SIGTERM",
        "cannot tell the service manager",
    ];
    let of_limits = row.calls == "prlimit64";
    for line in log.lines() {
        let is_grave = [" WARN ", " ERRO ", " CRIT "]
            .iter()
            .any(|level| line.contains(level));
        let is_expected = usual.iter().any(|usual| line.contains(usual))
            || (!row.told.is_empty() && line.contains(row.told))
            || (of_limits && line.contains("cannot read the RLIMIT_"))
            || (row.told.contains("rotate") && line.contains("main log: cannot rotate"));
        assert!(!is_grave || is_expected, "{what}: {line}");
    }
}

/// The main log with its backups.
fn whole_log(dir: &Dir) -> String {
    let backups = (1..10).rev().map(|number| format!("main.log.{number}"));
    let names = backups.chain(["main.log".to_owned()]);
    names.filter_map(|name| dir.read(&name)).collect()
}

fn days(phase: Phase) {
    let tools = Tools::new();
    for row in SPARED.iter().filter(|row| row.phase == phase) {
        for error in row.errors {
            live_through_a_day(&tools, row, *error);
        }
    }
}

#[test]
fn a_refused_call_at_the_start_is_done_without() {
    days(Phase::Start);
}

#[test]
fn a_refused_call_at_a_spawn_is_done_without() {
    days(Phase::Spawn);
}

#[test]
fn a_refused_call_in_the_loop_is_done_without() {
    days(Phase::Loop);
}

#[test]
fn a_refused_call_that_nobody_needs_is_not_missed() {
    days(Phase::Stop);
}

/// What is said, with the words for this error and this day.
fn expected(row: &Needed, tools: &Tools, error: i32) -> String {
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    row.told
        .replace("REASON", reason(error))
        .replace("NAME", &name(error))
        .replace("NUMBER", &error.to_string())
        .replace("UID", &nobody.uid.to_string())
        .replace("DIRECTORY", "/")
        .replace("COMMAND", &tools.program.display().to_string())
}

#[test]
fn a_start_that_a_refused_call_ends_says_which_and_why() {
    let tools = Tools::new();
    for row in NEEDED.iter().filter(|row| row.phase == Phase::Start) {
        for error in ERRORS {
            let dir = Dir::new();
            let mut daemon = tools.launch(&dir, &tools.day(), row.calls, &error.to_string());
            let status = daemon.wait(DEADLINE);
            let expected = expected(row, &tools, *error);
            let said = daemon.stderr();
            assert!(matches!(status, Some(1 | 2)), "{}: {status:?}", row.calls);
            assert!(said.contains(&expected), "{}: {said}", row.calls);
        }
    }
}

#[test]
fn a_step_before_exec_that_is_refused_is_told_to_everybody() {
    let tools = Tools::new();
    let of_root = ["setgroups", "setgid", "setuid"];
    let odd = [libc::ENOSYS, libc::EPERM, libc::EINVAL, libc::ENOSPC];
    for row in NEEDED.iter().filter(|row| row.phase == Phase::Spawn) {
        if of_root.contains(&row.calls) && !is_root() {
            continue;
        }
        for error in odd {
            let scene = tools.scene(Dir::new(), &tools.day(), row.calls, &error.to_string());
            let reason = expected(row, &tools, error);
            let told = wait_until(DEADLINE, || scene.info("w").text_of("spawnerr") == reason);
            assert!(told, "{reason}: {}\n{}", scene.info("w"), scene.log());
            scene.wait_log(&reason);
            if row.calls != "clone fork" {
                let text = reason
                    .strip_suffix(')')
                    .map_or(reason.as_str(), |text| text.rsplit_once(" (").unwrap().0);
                let words =
                    format!("supervisor: {text}\nsupervisor: child process was not spawned\n");
                let heard = wait_until(DEADLINE, || scene.dir.read("w.err").unwrap() == words);
                assert!(heard, "{words}: {:?}", scene.dir.read("w.err"));
            }
            scene.stop();
        }
    }
}

#[test]
fn a_call_that_the_loop_cannot_do_without_is_told_in_the_log() {
    let tools = Tools::new();
    let rows = NEEDED
        .iter()
        .filter(|row| matches!(row.phase, Phase::Loop | Phase::Stop));
    for row in rows {
        for error in ERRORS {
            let dir = Dir::new();
            let daemon = tools.launch(&dir, &tools.day(), row.calls, &error.to_string());
            let log = || dir.read("main.log").unwrap_or_default();
            let is_up = || log().contains("entered RUNNING state") || log().contains("success: w");
            assert!(wait_until(DEADLINE, is_up), "{}: {}", row.calls, log());
            let rpc = Rpc::new(Address::Unix(dir.join("s")));
            if row.calls == "accept accept4" {
                // It is left waiting.
                let _waiting = std::os::unix::net::UnixStream::connect(dir.join("s")).unwrap();
                let told = || log().contains(&expected(row, &tools, *error));
                assert!(wait_until(DEADLINE, told), "{}: {}", row.calls, log());
                continue;
            }
            assert!(wait_until(DEADLINE, || rpc.answers()));
            let without_waiting = [Value::text("w"), Value::Bool(false)];
            let _ = rpc.call("supervisor.stopProcess", &without_waiting);
            let told = || log().contains(&expected(row, &tools, *error));
            assert!(wait_until(DEADLINE, told), "{}: {}", row.calls, log());
            drop(daemon);
        }
    }
}

/// A start in the background under a filter; its status, what it said, and the main log.
fn in_background(tools: &Tools, calls: &str, error: i32) -> (Option<i32>, String, Dir) {
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        usual_configuration("umask=077\n[program:p]\ncommand=/bin/cat\nstartsecs=0\n"),
    );
    let wrapper = c::refused(&tools.refuse, calls, &error.to_string());
    let mut command = Command::new(&wrapper[0]);
    command
        .args(&wrapper[1..])
        .arg(Kind::Ours.program("supervisord", &dir.bin()))
        .arg("-c")
        .arg(dir.join("supervisord.conf"))
        .current_dir(dir.path());
    let end = finish(command, "", DEADLINE);
    (end.status, end.stderr, dir)
}

#[test]
fn a_daemon_in_the_background_goes_on_without_session_and_umask() {
    let tools = Tools::new();
    for error in ERRORS {
        for (call, told) in [
            ("setsid", "WARN cannot begin a session: "),
            ("umask", "WARN cannot set the umask: "),
        ] {
            let (status, said, dir) = in_background(&tools, call, *error);
            let mut daemon = Background::new(&dir);
            assert_eq!(status, Some(0), "{said}");
            let log = || dir.read("main.log").unwrap();
            let line = format!("{told}{}; going on without\n", reason(*error));
            assert!(log().contains(&line), "{}", log());
            let rpc = Rpc::new(Address::Unix(dir.join("s")));
            assert!(wait_until(DEADLINE, || rpc.answers()));
            nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(daemon.pid() as i32),
                nix::sys::signal::Signal::SIGTERM,
            )
            .unwrap();
            let gone = || !dir.join("main.pid").exists();
            assert!(wait_until(DEADLINE, gone), "{}", log());
        }
        let (status, said, _dir) = in_background(&tools, "clone fork", *error);
        assert_eq!(status, Some(1));
        assert!(
            said.contains(&format!("Error: cannot fork: {}", reason(*error))),
            "{said}"
        );
    }
}

#[test]
fn the_manual_has_these_calls_and_no_others() {
    let page = page("supervisord.8");
    let lines = section(&page, "SANDBOXES");
    let names = |text: &str| -> Vec<String> {
        let words = text.split_whitespace().filter(|word| *word != ",");
        words
            .map(|word| word.split(':').next().unwrap().to_owned())
            .collect()
    };
    let items: Vec<(Vec<String>, String)> = lines
        .iter()
        .zip(lines.iter().skip(1))
        .filter_map(|(line, text)| Some((names(line.strip_prefix(".It ")?), text.to_string())))
        .collect();
    let rows: Vec<(Vec<String>, String)> = SPARED
        .iter()
        .map(|row| (names(row.calls), row.instead.to_owned()))
        .collect();
    assert_eq!(items, rows);

    let listed = lines.iter().skip_while(|line| **line != "says so:");
    let listed: BTreeSet<String> = listed
        .skip(1)
        .flat_map(|line| names(line.trim_end_matches(['.', ','])))
        .collect();
    let needed: BTreeSet<String> = NEEDED.iter().flat_map(|row| names(row.calls)).collect();
    assert_eq!(listed, needed);
}
