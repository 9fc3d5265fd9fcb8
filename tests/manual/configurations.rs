//! The configurations that the pages show, run by the daemon, and what can be tried beside them.

use super::page::{Display, project};
use crate::support::{
    Address, DEADLINE, Daemon, Dir, Finished, Kind, Launch, Rpc, Scene, Value, finish, is_alive,
    wait_for, wait_until,
};
use std::fs;
use std::process::Command;

/// The only display of a page.
fn only(displays: Vec<Display>) -> String {
    let [Display { text, .. }] = <[Display; 1]>::try_from(displays).unwrap();
    text
}

/// A line of a shell in the directory, with our programs before all others.
pub fn typed(dir: &Dir, line: &str) -> Command {
    let path = format!("PATH={}:$PATH; export PATH", dir.bin().display());
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{path}\n{line}"));
    command.current_dir(dir.path());
    command
}

/// Runs such a line with this for its standard input.
pub fn shell(dir: &Dir, line: &str, input: &str) -> Finished {
    finish(typed(dir, line), input, DEADLINE)
}

/// The same for a line that must succeed; its output.
pub fn succeed(dir: &Dir, line: &str) -> String {
    let finished = shell(dir, line, "");
    assert_eq!(finished.status, Some(0), "{line}: {finished:?}");
    finished.stdout
}

/// echo_supervisord_conf(1).
pub fn sample(displays: Vec<Display>) {
    let dir = Dir::new();
    let line = only(displays);
    succeed(&dir, line.strip_prefix("$ ").unwrap());
    let written = dir.read("supervisord.conf").unwrap();
    let sample = fs::read_to_string(project("conf/supervisord.conf")).unwrap();
    let expected = sample.replace("nodaemon=false", "nodaemon=true");
    assert_ne!(expected, sample);
    assert_eq!(written, expected);
    // As it stands, as the page says; and arguments are ignored.
    for command in [
        "supervisord -c supervisord.conf --check=strict",
        "echo_supervisord_conf --help > plain.conf; supervisord -c plain.conf --check=strict",
    ] {
        succeed(&dir, command);
    }
    assert_eq!(dir.read("plain.conf").unwrap(), sample);
}

/// pidproxy(1): the real process gets the signal, not the one that was started.
pub fn proxy(displays: Vec<Display>) {
    let dir = Dir::new();
    let safe = dir.script(
        "mysqld_safe",
        "sleep 1000 & echo $! > mysqld.pid; wait; exit 0",
    );
    let section = only(displays)
        .replace(
            "/usr/bin/pidproxy",
            &dir.bin().join("pidproxy").display().to_string(),
        )
        .replace(
            "/run/mysqld.pid",
            &dir.join("mysqld.pid").display().to_string(),
        )
        .replace("/usr/sbin/mysqld_safe", &safe.display().to_string());
    let section = format!("{section}startsecs=0\nautorestart=false\ndirectory=%(here)s\n");
    let scene = Scene::start_as(dir, &section, |_| {});
    let real = wait_for(DEADLINE, || {
        scene.dir.read("mysqld.pid")?.trim().parse::<u32>().ok()
    });
    let real = real.unwrap();
    assert!(is_alive(real));
    scene.wait("mysql", "RUNNING");
    scene.call("stopProcess", &[Value::text("mysql")]).answer();
    assert!(wait_until(DEADLINE, || !is_alive(real)));
    scene.stop();
}

/// supervisor-rpc(7): curl gets an answer.
pub fn call(displays: Vec<Display>) {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    scene.wait_all("RUNNING");
    let socket = scene.dir.join("s").display().to_string();
    let line = only(displays).replace("/run/supervisor.sock", &socket);
    let answer = succeed(&scene.dir, &line);
    assert!(answer.contains("<methodResponse>"), "{answer}");
    assert!(answer.contains("<string>RUNNING</string>"), "{answer}");
    scene.stop();
}

/// supervisord(8): nothing is written but to its standard output, and the socket.
pub fn container(examples: &[String]) {
    let dir = Dir::new();
    let [configuration] = examples else {
        panic!("nobody runs one of {examples:#?}");
    };
    let socket = dir.join("s").display().to_string();
    let configuration = configuration.replace("/run/supervisor.sock", &socket);
    let program = "[program:p]\ncommand=/bin/echo from the program\nstdout_logfile=/dev/stdout\n\
                   stdout_logfile_maxbytes=0\nstartsecs=0\nautorestart=false\n";
    dir.write("supervisord.conf", format!("{configuration}{program}"));
    let mut launch = Launch::new(Kind::Ours, &dir);
    // A TMPDIR of its own, so that the logs of other daemons are not cleaned up.
    let temporary = format!("TMPDIR={}", dir.bin().display());
    let wrapper = ["env", "-i", &temporary];
    launch.wrapper = &wrapper;
    let mut daemon = Daemon::launch(&launch);
    // Stopped before it has ended by itself it would be told of at WARN.
    let texts = [
        "INFO supervisord started with pid",
        "from the program\n",
        "INFO exited: p",
    ];
    for text in texts {
        let is_shown = wait_until(DEADLINE, || daemon.stdout().contains(text));
        assert!(is_shown, "{text}: {}{}", daemon.stdout(), daemon.stderr());
    }
    assert_eq!(
        succeed(&dir, "supervisorctl pid"),
        format!("{}\n", daemon.pid())
    );
    assert_eq!(daemon.stop(), Some(0));
    let mut files: Vec<String> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        ["bin", "daemon.stderr", "daemon.stdout", "supervisord.conf"]
    );
}

/// supervisord(8): the words of what an image starts are options, and what follows them a command.
pub fn main_command(examples: &[String]) {
    let [commands, entry] = examples else {
        panic!("nobody runs one of {examples:#?}");
    };
    let dir = Dir::new();
    dir.script(
        "bin/app",
        "test \"$*\" = '--port 8000' && echo from the command",
    );
    dir.write("s.conf", "[supervisord]\nlogfile=/dev/null\npidfile=none\n");
    let commands: Vec<String> = commands
        .lines()
        .map(|line| line.replace("/etc/supervisord.conf", "s.conf"))
        .collect();
    let [beside, alone] = commands.as_slice() else {
        panic!("nobody runs one of {commands:#?}");
    };
    assert_eq!(succeed(&dir, beside), "from the command\n");
    let alone = shell(&dir, alone, "echo from the shell; exit 0\n");
    assert_eq!(
        (alone.stdout.as_str(), alone.status),
        ("from the shell\n", Some(0))
    );
    let words = entry.trim().strip_prefix("ENTRYPOINT [").unwrap();
    let words = words.trim_end_matches(']').replace(['"', ','], "");
    let words = words.replace("/etc/supervisord.conf", "s.conf");
    assert_eq!(
        succeed(&dir, &format!("{words} bin/app --port 8000")),
        "from the command\n"
    );
}

/// supervisord(8): they serve for ever, so they are looked at and run with others in their place.
pub fn several_commands(examples: &[String]) {
    let [commands] = examples else {
        panic!("nobody runs one of {examples:#?}");
    };
    let dir = Dir::new();
    dir.write("Procfile", "web: cat\nworker: cat\n");
    let counts = ["2 groups, 2 processes"; 2];
    assert_eq!(commands.lines().count(), counts.len());
    for (line, count) in commands.lines().zip(counts) {
        let told = succeed(&dir, &format!("{line} --check=strict"));
        assert_eq!(told, format!("command line: configuration ok ({count})\n"));
    }
}

/// supervisord.conf(5): a whole configuration.
/// The programs need not be there.
pub fn dependencies(examples: &[String]) {
    let [programs] = examples else {
        panic!("nobody reads one of {examples:#?}");
    };
    let dir = Dir::new();
    dir.write("supervisord.conf", format!("[supervisord]\n{programs}"));
    let check = shell(&dir, "supervisord -c supervisord.conf --check", "");
    assert_eq!(check.status, Some(0), "{check:?}");
}

pub fn workers(examples: &[String]) {
    let [configuration] = examples else {
        panic!("nobody runs one of {examples:#?}");
    };
    let dir = Dir::new();
    let worker = dir.script("worker", "echo \"$QUEUE $LANG $*\"; exec cat");
    let configuration =
        configuration.replace("/usr/local/bin/worker", &worker.display().to_string());
    dir.write("supervisord.conf", &configuration);
    // Another daemon of the same name would clean up its automatic logs.
    let logs = dir.path().display().to_string();
    let mut launch = Launch::new(Kind::Ours, &dir);
    let options = ["-q", &logs];
    launch.options = &options;
    let mut daemon = Daemon::launch(&launch);
    daemon.wait_until_it_answers(&Rpc::new(Address::Unix(dir.join("supervisor.sock"))));
    for number in 0..4 {
        let command = format!("supervisorctl tail worker:worker_{number:02}");
        let expected = format!("mail C.UTF-8 --number {number}\n");
        let is_shown = wait_until(DEADLINE, || {
            shell(&dir, &command, "").stdout.starts_with(&expected)
        });
        assert!(is_shown, "{:?}", shell(&dir, &command, ""));
    }
    assert_eq!(daemon.stop(), Some(0));
    assert!(dir.read("supervisord.log").is_some());
}
