//! Health: checks of real servers and commands, signs of life, and what becomes of programs that
//! are not well.

use super::support::{DEADLINE, Dir, Scene, Value, finish, wait_until};

/// A server that answers each GET with the status in the file `status`; with `slow` in it, it
/// does not answer, with `drip` it sends a byte a second, with `reset` it hangs up hard. What it
/// is asked goes to the file `asked`. Its address is its argument.
const SERVER: &str = r#"
import os, socket, struct, sys, threading, time
here = os.path.dirname(os.path.abspath(__file__))
host, port = sys.argv[1].rsplit(':', 1)
family = socket.AF_INET6 if ':' in host else socket.AF_INET
server = socket.socket(family, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((host, int(port)))
server.listen(16)
open(os.path.join(here, 'port'), 'w').write(str(server.getsockname()[1]))
def serve(client):
    status = open(os.path.join(here, 'status')).read().strip()
    request = client.recv(65536).decode()
    with open(os.path.join(here, 'asked'), 'a') as asked:
        asked.write(request)
    if status == 'slow':
        time.sleep(1000)
    elif status == 'drip':
        for byte in b'HTTP/1.1 200 OK\r\n\r\n':
            client.send(bytes([byte]))
            time.sleep(1)
    elif status == 'reset':
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    elif status == 'endless':
        client.send(b'HTTP/1.1 200 OK\r\n\r\n')
        try:
            while True:
                client.send(b'x' * 65536)
        except OSError:
            open(os.path.join(here, 'closed'), 'w').close()
    else:
        body = b'x' * 1000
        head = 'HTTP/1.1 %s X\r\nLocation: /elsewhere\r\nContent-Length: 1000\r\n\r\n' % status
        client.sendall(head.encode() + body)
    client.close()
while True:
    client, _ = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
"#;

/// A directory with that server, which answers with that status.
fn directory(status: &str) -> Dir {
    let dir = Dir::new();
    dir.write("server.py", SERVER);
    dir.write("status", status);
    dir
}

/// A port that nobody has.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn is(scene: &Scene, member: &str, value: &str) -> bool {
    wait_until(DEADLINE, || scene.info("p").text_of(member) == value)
}

fn wait_member(scene: &Scene, member: &str, value: &str) {
    assert!(
        is(scene, member, value),
        "{member} is not {value}: {}\n{}",
        scene.info("p"),
        scene.log()
    );
}

/// A program with a server, and keys of its checks.
fn server(port: u16, keys: &str) -> String {
    format!(
        "[program:p]\ncommand=python3 %(here)s/server.py 127.0.0.1:{port}\nstartsecs=0\n{keys}\n"
    )
}

#[test]
fn a_server_is_running_when_it_answers_and_healthy_while_it_does() {
    let port = free_port();
    let keys = format!(
        "readiness_check=tcp://127.0.0.1:{port}\nreadiness_check_period=50ms\n\
         liveness_check=http://localhost:{port}/health?token=x\nliveness_check_period=50ms\n\
         liveness_check_failure_threshold=2\nliveness_check_failure_action=none"
    );
    let scene = Scene::start_as(directory("200"), &server(port, &keys), |_| {});
    scene.wait("p", "RUNNING");
    wait_member(&scene, "health", "healthy");
    let info = scene.info("p");
    assert!(info.text_of("description").ends_with(", healthy"), "{info}");
    let asked = scene.dir.read("asked").unwrap();
    assert!(
        asked.contains("GET /health?token=x HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains(&format!("Host: localhost:{port}\r\n")),
        "{asked}"
    );
    scene.dir.write("status", "503");
    wait_member(&scene, "health", "unhealthy");
    let info = scene.info("p");
    assert_eq!(info.text_of("health_reason"), "GET /health: 503");
    assert!(
        info.text_of("description")
            .ends_with(", unhealthy (GET /health: 503)"),
        "{info}"
    );
    scene.wait_log("WARN health: p is unhealthy, GET /health: 503");
    // A redirect is a success that is not followed.
    scene.dir.write("status", "302");
    wait_member(&scene, "health", "healthy");
    assert_eq!(scene.info("p").text_of("health_reason"), "");
    assert!(!scene.dir.read("asked").unwrap().contains("elsewhere"));
    let log = scene.log();
    assert_eq!(log.matches("health: p is healthy").count(), 2, "{log}");
    assert!(!log.contains("token"), "{log}");
    scene.stop();
}

#[test]
fn servers_that_do_not_answer_properly_are_not_healthy() {
    for (status, reason) in [
        ("slow", "GET /: no answer within 300 milliseconds"),
        ("drip", "GET /: no answer within 300 milliseconds"),
        ("reset", "GET /: Connection reset by peer"),
        ("404", "GET /: 404"),
    ] {
        let port = free_port();
        let keys = format!(
            "readiness_check=tcp://127.0.0.1:{port}\nreadiness_check_period=50ms\n\
             liveness_check=http://127.0.0.1:{port}\nliveness_check_period=50ms\n\
             liveness_check_timeout=300ms\nliveness_check_failure_action=none"
        );
        let scene = Scene::start_as(directory(status), &server(port, &keys), |_| {});
        wait_member(&scene, "health", "unhealthy");
        assert_eq!(scene.info("p").text_of("health_reason"), reason);
        scene.stop();
    }
}

#[test]
fn an_answer_without_end_is_closed() {
    let port = free_port();
    // Its time does not end the check.
    let keys = format!("liveness_check=http://127.0.0.1:{port}\nliveness_check_timeout=1h");
    let scene = Scene::start_as(directory("endless"), &server(port, &keys), |_| {});
    assert!(wait_until(DEADLINE, || scene.dir.read("closed").is_some()));
    wait_member(&scene, "health", "healthy");
    scene.stop();
}

#[test]
fn checks_reach_ipv6_and_unix_sockets() {
    let listener = std::net::TcpListener::bind("[::1]:0");
    if let Ok(listener) = listener {
        let port = listener.local_addr().unwrap().port();
        let scene = Scene::start(&format!(
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\nliveness_check=tcp://[::1]:{port}\n"
        ));
        wait_member(&scene, "health", "healthy");
        scene.stop();
    }
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nliveness_check=unix:%(here)s/s\n",
    );
    wait_member(&scene, "health", "healthy");
    scene.stop();
}

#[test]
fn a_name_that_only_the_network_may_know_is_told() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nreadiness_check=tcp://db.invalid:5432\n\
         readiness_check_period=20ms\n",
    );
    scene.wait_log(
        "INFO health: p is not ready yet, tcp://db.invalid:5432: db.invalid is no address and not \
         in /etc/hosts",
    );
    let info = scene.info("p");
    assert!(
        info.text_of("description")
            .contains("not ready yet (tcp://db.invalid:5432: "),
        "{info}"
    );
    scene.stop();
}

#[test]
fn what_is_unhealthy_is_restarted_within_its_limit_with_the_reason() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=true\nrestart_limit=2/1h\n\
         liveness_check=sh -c 'echo first; echo replication is broken; echo; exit 3'\n\
         liveness_check_period=20ms\nliveness_check_failure_threshold=1\n",
    );
    scene.wait("p", "FATAL");
    let info = scene.info("p");
    assert_eq!(info.text_of("spawnerr"), "2 restarts in 3600 seconds");
    let log = scene.log();
    let told = "WARN health: p is unhealthy, replication is broken, restarting it";
    assert_eq!(log.matches(told).count(), 3, "{log}");
    assert_eq!(log.matches("spawned: 'p'").count(), 3, "{log}");
    assert_eq!(log.matches("stopped: p").count(), 3, "{log}");
}

#[test]
fn a_restart_for_health_keeps_its_reason_and_is_told_to_listeners() {
    let dir = Dir::new();
    dir.write("alive", "");
    dir.write(
        "listener.sh",
        "while :; do echo READY; read head || exit; len=${head##*len:}; \
         read -r -N \"$len\" data; echo \"${head#*eventname:}\" \"$data\" >> \"$1\"; \
         printf 'RESULT 2\\nOK'; done\n",
    );
    let scene = Scene::start_as(
        dir,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=true\n\
         liveness_check=sh -c 'test -e %(here)s/alive || { echo gone; exit 1; }'\n\
         liveness_check_period=50ms\n\
         [eventlistener:l]\ncommand=bash %(here)s/listener.sh %(here)s/heard\n\
         events=PROCESS_HEALTH,PROCESS_STATE\nbuffer_size=100\npriority=1\n",
        |_| {},
    );
    wait_member(&scene, "health", "healthy");
    let before = scene.info("p").int_of("pid");
    std::fs::remove_file(scene.dir.join("alive")).unwrap();
    let is_another = || {
        let info = scene.info("p");
        info.int_of("pid") != before && info.text_of("statename") == "RUNNING"
    };
    assert!(wait_until(DEADLINE, is_another), "{}", scene.log());
    scene.dir.write("alive", "");
    wait_member(&scene, "health", "healthy");
    assert_eq!(scene.info("p").text_of("spawnerr"), "gone");
    let heard = || scene.dir.read("heard").unwrap_or_default();
    let in_order = || {
        let heard = heard();
        let unhealthy = format!(
            "PROCESS_HEALTH_UNHEALTHY len:{} processname:p groupname:p pid:{before}\ngone\n",
            format!("processname:p groupname:p pid:{before}\ngone").len()
        );
        let states = [
            "PROCESS_HEALTH_HEALTHY len:".to_owned(),
            unhealthy,
            "from_state:RUNNING".to_owned(),
            "from_state:STOPPING".to_owned(),
            "from_state:STOPPED".to_owned(),
        ];
        let mut at = 0;
        states
            .iter()
            .all(|state| match heard[at..].find(state.as_str()) {
                Some(place) => {
                    at += place;
                    true
                }
                None => false,
            })
    };
    assert!(wait_until(DEADLINE, in_order), "{}", heard());
    scene.stop();
}

#[test]
fn a_failure_may_stop_a_program_or_run_a_command() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=true\nliveness_check=false\n\
         liveness_check_period=20ms\nliveness_check_failure_action=stop\n",
    );
    scene.wait("p", "STOPPED");
    assert_eq!(
        scene.info("p").text_of("spawnerr"),
        "check ended with exit status 1"
    );
    scene.stop();

    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nliveness_check=false\n\
         liveness_check_period=20ms\nliveness_check_failure_action=sh -c 'echo \
         \"$SUPERVISOR_PROCESS_NAME $SUPERVISOR_PROCESS_PID $SUPERVISOR_REASON\" >> %(here)s/ran'\n",
    );
    let pid = scene.info("p").int_of("pid");
    let line = format!("p {pid} check ended with exit status 1\n");
    let ran = || scene.dir.read("ran").unwrap_or_default();
    assert!(wait_until(DEADLINE, || ran() == line), "{}", ran());
    assert_eq!(scene.info("p").int_of("pid"), pid);
    scene.stop();
}

#[test]
fn a_check_that_hangs_is_killed_with_its_group_and_no_two_run_at_a_time() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         liveness_check=sh -c 'echo $$ >> %(here)s/checks; sleep 1000 & sleep 1000'\n\
         liveness_check_period=100ms\nliveness_check_timeout=200ms\n\
         liveness_check_failure_action=none\n",
    );
    wait_member(&scene, "health_reason", "no answer within 200 milliseconds");
    let pids = || -> Vec<u32> {
        let text = scene.dir.read("checks").unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    assert!(wait_until(DEADLINE, || pids().len() >= 3));
    // All that are left are of the check that runs, if one does.
    let children = super::support::children_of(scene.daemon.pid());
    assert!(children.len() <= 2, "{children:?}");
    scene.call("stopProcess", &[Value::text("p")]).answer();
    let none_left = || super::support::children_of(scene.daemon.pid()).is_empty();
    assert!(wait_until(DEADLINE, none_left), "{}", scene.log());
    let checks = pids();
    let mut command = std::process::Command::new("pgrep");
    let groups: Vec<String> = checks.iter().map(u32::to_string).collect();
    // What nobody has collected yet does not run.
    command.args(["-r", "D,R,S,T", "-g", &groups.join(",")]);
    assert_eq!(
        finish(command, "", DEADLINE).stdout,
        "",
        "nothing of a group is left"
    );
    scene.stop();
}

#[test]
fn without_signs_of_life_a_program_is_restarted() {
    const ALIVE: &str = r#"
import os, socket, time
assert os.environ['WATCHDOG_USEC'] == '400000'
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
out.connect('\0' + os.environ['NOTIFY_SOCKET'][1:])
while not os.path.exists(os.environ['DEAD']):
    out.send(b'WATCHDOG=1')
    time.sleep(0.05)
os.unlink(os.environ['DEAD'])
time.sleep(1000)
"#;
    let dir = Dir::new();
    dir.write("alive.py", ALIVE);
    let section = "[program:p]\ncommand=python3 %(here)s/alive.py\nstartsecs=0\nautorestart=true\n\
                   environment=DEAD=\"%(here)s/dead\"\nwatchdog=400ms\n";
    let scene = Scene::start_as(dir, section, |_| {});
    wait_member(&scene, "health", "healthy");
    scene.dir.write("dead", "");
    scene.wait_log("health: p is unhealthy, no WATCHDOG=1 within 400 milliseconds, restarting it");
    wait_member(&scene, "spawnerr", "no WATCHDOG=1 within 400 milliseconds");
    scene.stop();
}

#[test]
fn the_names_of_go_are_read_with_the_defaults_of_go() {
    let dump = |keys: &str| {
        let dir = Dir::new();
        let text = format!("[program:p]\ncommand=/bin/cat\n{keys}\n");
        dir.write(
            "supervisord.conf",
            super::support::usual_configuration(&text),
        );
        let mut command = std::process::Command::new(super::support::binary());
        command.args(["-c", "supervisord.conf", "--dump-config"]);
        command.current_dir(dir.path());
        let done = finish(command, "", DEADLINE);
        assert_eq!(done.status, Some(0), "{}", done.stderr);
        let lines = done.stdout.lines().map(str::trim);
        let lines = lines.filter(|line| line.starts_with("\"liveness_check"));
        let mut values = lines.map(|line| line.split_once(": ").unwrap().1.trim_end_matches(','));
        let mut next = || values.next().unwrap().to_owned();
        [next(), next(), next(), next()].join(" ")
    };
    for (keys, expected) in [
        ("liveness_check=true", "\"true\" 0 10 5"),
        ("liveness_check_script=true -x", "\"true -x\" 60 60 30"),
        (
            "liveness_check_script=true\nliveness_check_initial_delay=7\nliveness_check_period=2",
            "\"true\" 7 2 30",
        ),
        (
            "liveness_check=false\nliveness_check_script=true",
            "\"false\" 0 10 5",
        ),
        (
            "liveness_check=true\nliveness_check_delay=1\nliveness_check_initial_delay=2",
            "\"true\" 1 10 5",
        ),
    ] {
        assert_eq!(dump(keys), expected, "{keys}");
    }
}

#[test]
fn every_process_has_checks_of_its_own() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nprocess_name=%(process_num)d\nnumprocs=3\nstartsecs=0\n\
         liveness_check=test -e %(here)s/%(process_num)d\nliveness_check_period=50ms\n\
         liveness_check_failure_action=none\n",
    );
    scene.dir.write("1", "");
    let healths = || -> Vec<String> {
        scene
            .all()
            .iter()
            .map(|info| info.text_of("health"))
            .collect()
    };
    let expected = ["unhealthy", "healthy", "unhealthy"];
    assert!(
        wait_until(DEADLINE, || healths() == expected),
        "{:?}",
        healths()
    );
    scene.stop();
}

#[test]
fn a_program_that_told_of_trouble_without_end_had_a_command_run_each_time() {
    const TROUBLED: &str = r#"
import os, socket, time
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
out.connect('\0' + os.environ['NOTIFY_SOCKET'][1:])
while not os.path.exists('go'):
    time.sleep(0.01)
for _ in range(100):
    out.send(b'WATCHDOG=trigger')
    out.send(b'WATCHDOG=1')
out.send(b'STATUS=all is said')
time.sleep(1000)
"#;
    let dir = Dir::new();
    dir.write("troubled.py", TROUBLED);
    let section = "[program:p]\ncommand=python3 troubled.py\ndirectory=%(here)s\nstartsecs=0\n\
                   watchdog=1h\nliveness_check_failure_action=sh -c 'echo x >> ran; sleep 1000'\n";
    let scene = Scene::start_as(dir, section, |_| {});
    wait_member(&scene, "health", "healthy");
    scene.dir.write("go", "");
    let said = || {
        scene
            .info("p")
            .text_of("description")
            .contains("all is said")
    };
    assert!(wait_until(DEADLINE, said), "{}", scene.info("p"));
    let ran = || scene.dir.read("ran").unwrap_or_default();
    assert!(
        wait_until(DEADLINE, || !ran().is_empty()),
        "{}",
        scene.log()
    );
    assert_eq!(ran(), "x\n");
    let told = scene.log().matches("WATCHDOG=trigger").count();
    assert!(told < 20, "{told} lines\n{}", scene.log());
    scene.stop();
}
