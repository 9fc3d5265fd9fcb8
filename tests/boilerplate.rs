//! Control without boilerplate: a file with a server and nothing about clients.

use super::support::{Address, Ctl, DEADLINE, Daemon, Dir, Kind, Outcome, Rpc, wait_until};
use std::net::TcpListener;

/// `[supervisord]` and a program, to stand behind a server.
const REST: &str = "\
[supervisord]
logfile=%(here)s/main.log
pidfile=%(here)s/main.pid
childlogdir=%(here)s
[program:p]
command=/bin/cat
startsecs=0
";

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts supervisord and waits until it has a log line of its program.
fn start(dir: &Dir, configuration: &str) -> Daemon {
    dir.write("supervisord.conf", configuration);
    let mut daemon = Daemon::start(Kind::Ours, dir);
    let runs = wait_until(DEADLINE, || {
        let log = dir.read("main.log").unwrap_or_default();
        log.contains("success: p entered RUNNING state")
            || daemon.wait(Default::default()).is_some()
    });
    assert!(runs, "{}", daemon.stderr());
    daemon
}

/// `supervisorctl status` finds the daemon by the file alone.
fn reaches(dir: &Dir, configuration: &str) {
    let mut daemon = start(dir, configuration);
    let end = Ctl::new(Kind::Ours, dir).run(&["status"]);
    assert_eq!(end.status, Some(0), "{configuration}\n{end:?}");
    assert!(end.stdout.starts_with("p  "), "{configuration}\n{end:?}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_server_is_all_that_supervisorctl_needs() {
    let dir = Dir::new();
    reaches(
        &dir,
        &format!("[unix_http_server]\nfile=%(here)s/s\n{REST}"),
    );
    let log = dir.read("main.log").unwrap();
    assert!(
        log.contains("INFO RPC interface 'supervisor' initialized\n"),
        "{log}"
    );
    let prompt = "[supervisorctl]\nprompt=other\n";
    reaches(
        &Dir::new(),
        &format!("[unix_http_server:x]\nfile=s2\n{prompt}{REST}"),
    );
    for port in ["", "127.0.0.1:", "*:", "0.0.0.0:"] {
        let port = format!("{port}{}", free_port());
        let server = format!("[inet_http_server]\nport={port}\n");
        reaches(&Dir::new(), &format!("{REST}{server}"));
    }
}

#[test]
fn the_credentials_of_the_server_come_along() {
    let server = "[unix_http_server]\nfile=%(here)s/s\nusername=u\npassword=p\n";
    reaches(&Dir::new(), &format!("{server}{REST}"));
    // Somebody has said who he is.
    let dir = Dir::new();
    let _daemon = start(
        &dir,
        &format!("{server}[supervisorctl]\nusername=x\npassword=p\n{REST}"),
    );
    let refused = Ctl::new(Kind::Ours, &dir).run(&["status"]);
    assert!(
        refused
            .stdout
            .starts_with("Server requires authentication\n"),
        "{refused:?}"
    );
    assert!(
        refused.stderr.contains("(the first server in "),
        "{refused:?}"
    );
    let path = dir.join("supervisord.conf").display().to_string();
    let options = ["-c", &path, "-u", "u"];
    let end = Ctl::with_options(Kind::Ours, &dir, &options).run(&["status"]);
    assert_eq!(end.status, Some(0), "{end:?}");
}

#[test]
fn a_digest_is_no_password() {
    let dir = Dir::new();
    // SHA-1 of "thepassword".
    let hashed = "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d";
    let server = format!("[unix_http_server]\nfile=%(here)s/s\nusername=u\npassword={hashed}\n");
    let _daemon = start(&dir, &format!("{server}{REST}"));
    let path = dir.join("supervisord.conf").display().to_string();
    let status = |options: &[&str]| {
        let options = [&["-c", path.as_str()], options].concat();
        Ctl::with_options(Kind::Ours, &dir, &options).run(&["status"])
    };
    let refused = status(&[]);
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.stderr.contains("wants a password for the user u"),
        "{refused:?}"
    );
    assert_eq!(status(&["-p", "thepassword"]).status, Some(0));
}

#[test]
fn the_first_server_of_the_file_is_taken_and_serverurl_goes_over_it() {
    let dir = Dir::new();
    let servers = format!(
        "[unix_http_server:b]\nfile=%(here)s/b\n[inet_http_server]\nport=127.0.0.1:{}\n\
         [unix_http_server:a]\nfile=%(here)s/a\n",
        free_port()
    );
    let mut daemon = start(&dir, &format!("{servers}{REST}"));
    let shown = |more: &str| {
        dir.write("ctl.conf", format!("{servers}{more}"));
        let path = dir.join("ctl.conf").display().to_string();
        let ctl = Ctl::with_options(Kind::Ours, &dir, &["-c", &path]);
        ctl.run(&["status"]).stdout
    };
    assert!(shown("").starts_with("p  "));
    assert_eq!(daemon.stop(), Some(0));
    let refused = |name: &str| format!("unix://{} no such file\n", dir.join(name).display());
    assert_eq!(shown(""), refused("b"));
    assert_eq!(
        shown("[supervisorctl]\nserverurl=unix://%(here)s/a\n"),
        refused("a")
    );
}

#[test]
fn a_server_in_an_included_file_will_do() {
    let dir = Dir::new();
    dir.write("server.inc", "[unix_http_server]\nfile=%(here)s/s\n");
    reaches(&dir, &format!("{REST}[include]\nfiles=*.inc\n"));
}

#[test]
fn without_a_server_the_section_of_supervisorctl_is_missed() {
    let dir = Dir::new();
    dir.write("supervisord.conf", REST);
    let end = Ctl::new(Kind::Ours, &dir).run(&["status"]);
    assert_eq!(end.status, Some(2), "{end:?}");
    assert!(
        end.stderr
            .contains("does not include supervisorctl section"),
        "{end:?}"
    );
}

#[test]
fn an_interface_that_is_left_out_is_not_replaced() {
    let dir = Dir::new();
    let _daemon = start(
        &dir,
        &format!(
            "[unix_http_server]\nfile=%(here)s/s\n{REST}\
             [rpcinterface:x]\nsupervisor.rpcinterface_factory=my:plugin\n"
        ),
    );
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    let answer = rpc.call("supervisor.getState", &[]);
    assert!(
        matches!(answer, Outcome::Fault { .. }),
        "the method is there"
    );
}
