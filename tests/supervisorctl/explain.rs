//! What is said on the standard error when no server can be reached, and the
//! included files that may tell which one it is.

use super::server::*;
use crate::support::{Ctl, DEADLINE, Dir, Finished, Kind, plain_environment, wait_until};
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

fn configured(sections: &str) -> Dir {
    let dir = Dir::new();
    dir.write("supervisord.conf", sections);
    dir
}

const USUAL: &str = "\
[unix_http_server]
file=%(here)s/s
[supervisord]
pidfile=%(here)s/pid
[supervisorctl]
serverurl=unix://%(here)s/s
";

fn run(dir: &Dir, words: &[&str]) -> Finished {
    Ctl::new(Kind::Ours, dir).run(words)
}

/// The lines of the standard error, with the directory taken out.
fn explanation(dir: &Dir, words: &[&str]) -> Vec<String> {
    let end = run(dir, words);
    let here = dir.path().display().to_string();
    end.stderr
        .replace(&here, "HERE")
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn it_is_told_which_server_is_meant_and_what_to_do() {
    let dir = configured(USUAL);
    let start = "  Start it with: supervisord -c HERE/supervisord.conf";
    let head = "supervisorctl: no supervisord can be reached at unix://HERE/s (serverurl in \
                HERE/supervisord.conf)";
    assert_eq!(
        explanation(&dir, &["status"]),
        [
            head,
            "  There is no socket HERE/s.",
            "  supervisord does not seem to run: there is no pid file HERE/pid.",
            start,
        ]
    );
    // Left over from one that was killed.
    drop(UnixListener::bind(dir.join("s")).unwrap());
    dir.write("pid", "2147483000\n");
    assert_eq!(
        explanation(&dir, &["avail"]),
        [
            head,
            "  The socket HERE/s is there, but nobody listens at it any more.",
            "  supervisord does not seem to run: HERE/pid names process 2147483000, which is none.",
            start,
        ]
    );
    // What scripts look at is as it was.
    let end = run(&dir, &["status"]);
    let url = format!("unix://{}/s", dir.path().display());
    assert_eq!(
        (end.stdout, end.status),
        (format!("{url} refused connection\n"), Some(4))
    );
    let end = run(&dir, &["shutdown"]);
    let expected = format!("ERROR: {url} refused connection (already shut down?)\n");
    assert_eq!((end.stdout, end.status), (expected, Some(1)));
    assert!(end.stderr.contains("nobody listens"), "{}", end.stderr);

    // A process with another name has the number now.
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    // In the midst of exec it has none.
    let words = format!("/proc/{}/cmdline", other.id());
    let has_name = || !fs::read(&words).unwrap().is_empty();
    assert!(wait_until(DEADLINE, has_name), "sleep has no name");
    dir.write("pid", format!("{}\n", other.id()));
    let told = explanation(&dir, &["pid"]);
    let _ = other.kill();
    other.wait().unwrap();
    assert!(told[2].ends_with("which is none."), "{told:?}");
    let by_hand = explanation(&dir, &["-s", "http://127.0.0.1:1", "pid"]);
    assert_eq!(
        by_hand[0],
        "supervisorctl: no supervisord can be reached at http://127.0.0.1:1 (from the option -s)"
    );
    assert_eq!(by_hand[1], "  Nobody listens at 127.0.0.1:1.");
}

#[test]
fn a_server_that_listens_elsewhere_is_found() {
    let dir = configured(
        "[inet_http_server]\nport=*:9876\n[supervisorctl]\nserverurl=unix://%(here)s/s\n",
    );
    assert_eq!(
        explanation(&dir, &["status"])[2],
        "  If it runs, supervisord is told to listen at http://localhost:9876: try -s http://localhost:9876"
    );
}

#[test]
fn a_socket_that_may_not_be_used_is_told_with_its_owner() {
    let dir = configured(USUAL);
    let _listener = UnixListener::bind(dir.join("s")).unwrap();
    fs::set_permissions(dir.join("s"), fs::Permissions::from_mode(0o600)).unwrap();
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(Ctl::new(Kind::Ours, &dir).program())
        .arg("-c")
        .arg(dir.join("supervisord.conf"))
        .arg("status");
    let end = crate::support::finish(command, "", DEADLINE);
    assert_eq!(
        end.stdout,
        "error: <class 'PermissionError'>, [Errno 13] Permission denied\n"
    );
    assert_eq!(end.status, Some(1));
    assert!(
        end.stderr
            .contains("belongs to root, group root, mode 0600; nobody may not use it."),
        "{}",
        end.stderr
    );
}

#[test]
fn the_shell_explains_once_until_something_changes() {
    let dir = configured(USUAL);
    let ctl = Ctl::new(Kind::Ours, &dir);
    let end = ctl.run_with_input(&[], "status\npid\navail\nopen http://127.0.0.1:1\nstatus\n");
    let heads = end.stderr.matches("no supervisord can be reached").count();
    assert_eq!(heads, 2, "{}", end.stderr);
    assert!(
        end.stderr.contains("(from the command open)"),
        "{}",
        end.stderr
    );
}

#[test]
fn included_files_may_say_which_server() {
    let server = Server::start(&[("getPID()", Answer::Value("<int>1</int>".to_owned()))]);
    let dir = configured(
        "[include]\nfiles=conf.d/*.ini nothing/*.ini\n[supervisorctl]\nserverurl=http://127.0.0.1:1\n",
    );
    dir.write(
        "conf.d/ctl.ini",
        format!("[supervisorctl]\nserverurl={}\n", server.url),
    );
    // Neither of these concerns this program.
    dir.write(
        "conf.d/broken.ini",
        "[program:x\ncommand=%(nope)s\nno section\n",
    );
    dir.write("conf.d/odd.ini", "[program:y]\ncommand=%(nope)s\n");
    let end = run(&dir, &["pid"]);
    assert_eq!(
        (end.stdout.as_str(), end.stderr.as_str(), end.status),
        ("1\n", "", Some(0))
    );

    // The whole section may stand there, and see its own directory.
    dir.write(
        "supervisord.conf",
        "[include]\nfiles=%(here)s/conf.d/*.ini\n",
    );
    dir.write(
        "conf.d/ctl.ini",
        "[supervisorctl]\nserverurl=unix://%(here)s/s\n",
    );
    let end = run(&dir, &["pid"]);
    let expected = format!("unix://{}/conf.d/s no such file\n", dir.path().display());
    assert_eq!((end.stdout, end.status), (expected, Some(7)));

    dir.write(
        "conf.d/ctl.ini",
        "[supervisorctl]\nserverurl=unix:///s\nno key\n",
    );
    let end = run(&dir, &["pid"]);
    assert_eq!(end.status, Some(2));
    assert!(
        end.stderr
            .contains("does not include supervisorctl section"),
        "{}",
        end.stderr
    );

    // The main file's directory is its own.
    dir.write(
        "supervisord.conf",
        "[include]\nfiles=conf.d/*.ini\n[supervisorctl]\nserverurl=unix://%(here)s/s\n",
    );
    dir.write("conf.d/ctl.ini", "[supervisorctl]\nprompt=other\n");
    let end = run(&dir, &["pid"]);
    let expected = format!("unix://{}/s no such file\n", dir.path().display());
    assert_eq!(end.stdout, expected);
}

/// A supervisorctl that waits, and what it has complained about so far.
struct Waiting {
    child: Child,
    complaints: Arc<Mutex<String>>,
}

impl Waiting {
    fn start(url: &str) -> (Waiting, Dir) {
        let dir = Dir::new();
        let mut command = Command::new(dir.bin().join("supervisorctl"));
        plain_environment(&mut command);
        let mut child = command
            .args(["-c", "", "-s", url, "pid"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let complaints = Arc::new(Mutex::new(String::new()));
        let (mut pipe, shared) = (child.stderr.take().unwrap(), Arc::clone(&complaints));
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let piece = String::from_utf8_lossy(&buffer[..length]).into_owned();
                shared.lock().unwrap().push_str(&piece);
            }
        });
        (Waiting { child, complaints }, dir)
    }

    fn wait_complaint(&self, text: &str) {
        let is_there = || self.complaints.lock().unwrap().contains(text);
        assert!(
            wait_until(DEADLINE, is_there),
            "{}",
            self.complaints.lock().unwrap()
        );
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_that_says_nothing_is_told_of() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (waiting, _dir) = Waiting::start(&url);
    waiting.wait_complaint(&format!(
        "{url} takes the connection and does not answer; still waiting"
    ));
}

#[test]
fn a_host_that_does_not_answer_is_told_of() {
    // Its queue is full, so that further attempts to connect are dropped.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        held.push(stream);
    }
    let (waiting, _dir) = Waiting::start(&format!("http://{address}"));
    waiting.wait_complaint(&format!(
        "{address} does not answer; still trying to connect"
    ));
}
