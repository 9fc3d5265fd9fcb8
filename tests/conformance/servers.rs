//! The servers: authentication, addresses, sockets.

use super::compare;
use super::run::Run;
use crate::support::{Address, Ctl, Rpc, Value};
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

const REST: &str = "\
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
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

/// The first line of the answer to a raw request.
fn status_line(client: &Rpc, request: &str) -> String {
    match client.exchange(request.as_bytes()) {
        Ok(bytes) => String::from_utf8_lossy(&bytes)
            .lines()
            .next()
            .unwrap_or("(closed)")
            .to_string(),
        Err(error) => error.kind().to_string(),
    }
}

#[test]
fn credentials_are_checked_plain_or_hashed() {
    compare("authentication", |run| {
        // SHA-1 of "thepassword".
        let hashed = "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d";
        for password in ["thepassword", hashed, ""] {
            run.note(&format!("configured password {password:?}"));
            run.whole_config(&format!(
                "[unix_http_server]\nfile=%(here)s/s\nusername=chris\npassword={password}\n{REST}"
            ));
            run.start();
            run.rpc("getState", &[]);
            for value in [
                "Basic Y2hyaXM6dGhlcGFzc3dvcmQ=",
                "bAsIc Y2hyaXM6dGhlcGFzc3dvcmQ=",
                "Basic Y2hyaXM6d3Jvbmc=",
                "Basic Y2hyaXM6",
                "Basic Og==",
                "Basic Y2hyaXM",
                "Digest x",
                "Basic",
            ] {
                let client = run.rpc_client.clone().with_authorization(value);
                let outcome = client.call("supervisor.getState", &[]);
                run.note(&format!("Authorization: {value} -> {outcome}"));
            }
            run.stop();
        }
        run.log();
    });
}

#[test]
fn supervisorctl_sends_its_credentials() {
    compare("credentials of supervisorctl", |run| {
        run.whole_config(&format!(
            "[unix_http_server]\nfile=%(here)s/s\nusername=u\npassword=p%%w\n\
             [supervisorctl]\nserverurl=unix://%(here)s/s\nusername=u\npassword=p%%w\n{REST}"
        ));
        run.start();
        run.ctl("version");
        let url = format!("unix://{}", run.path("s").display());
        for words in [
            vec!["-s", &url, "version"],
            vec!["-s", &url, "-u", "u", "-p", "p%w", "version"],
            vec!["-s", &url, "-u", "u", "-p", "wrong", "status"],
            vec!["-s", &url, "-u", "u", "status"],
        ] {
            run.ctl_options(&words);
        }
        run.stop();
    });
}

#[test]
fn an_inet_server_serves_like_a_unix_one() {
    compare("inet server", |run| {
        let port = free_port();
        run.rename(&port.to_string(), "PORT");
        run.whole_config(&format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\nusername=u\npassword=p\n\
             [supervisorctl]\nserverurl=http://127.0.0.1:{port}\nusername=u\npassword=p\n{REST}"
        ));
        run.rpc_client = Rpc::new(Address::Port(port)).with_authorization("Basic dTpw");
        run.start();
        run.wait("p", "RUNNING");
        run.ctl("version");
        run.ctl("status");
        run.ctl("restart p");
        let client = run.rpc_client.clone();
        for request in [
            "GET /nosuch HTTP/1.0\r\n\r\n",
            "GET /nosuch HTTP/1.0\r\nAuthorization: Basic dTpw\r\n\r\n",
            "GET /RPC2 HTTP/1.0\r\nAuthorization: Basic dTpw\r\n\r\n",
            "POST /RPC2 HTTP/1.0\r\nAuthorization: Basic dTpw\r\n\r\n",
            "get / HTTP/1.0\r\nAuthorization: Basic dTpw\r\n\r\n",
        ] {
            let line = status_line(&client, request);
            run.note(&format!("{request:?} -> {line}"));
        }
        run.stop();
        run.log();
    });
}

#[test]
fn several_servers_serve_side_by_side() {
    compare("several servers", |run| {
        let (first, second) = (free_port(), free_port());
        run.rename(&first.to_string(), "FIRST");
        run.rename(&second.to_string(), "SECOND");
        run.whole_config(&format!(
            "[unix_http_server:b]\nfile=%(here)s/b\nchmod=0660\nchown=nobody:nogroup\nusername=u\npassword=p\n\
             [inet_http_server:x]\nport=127.0.0.1:{first}\n[inet_http_server]\nport=127.0.0.1:{second}\n\
             [unix_http_server]\nfile=%(here)s/s\n[supervisorctl]\nserverurl=unix://%(here)s/s\n{REST}\
             [program:env]\ncommand=/bin/sh -c \"env; exec cat\"\nstartsecs=0\npriority=1\nstdout_logfile=%(here)s/env.out\n"
        ));
        run.start();
        run.wait("p", "RUNNING");
        run.wait("env", "RUNNING");
        run.wait_text("env.out", "SUPERVISOR_SERVER_URL");
        for address in [
            Address::Port(first),
            Address::Port(second),
            Address::Unix(run.path("b")),
            Address::Unix(run.path("s")),
        ] {
            let outcome = Rpc::new(address).call("supervisor.getState", &[]);
            run.note(&outcome.to_string());
        }
        for name in ["b", "s"] {
            let meta = run.path(name).metadata().unwrap();
            run.note(&format!(
                "{name}: mode {:o}, owner {}:{}, socket {}",
                meta.permissions().mode() & 0o7777,
                meta.uid(),
                meta.gid(),
                meta.file_type().is_socket()
            ));
        }
        let environment = run.dir.read("env.out").unwrap();
        let url = environment
            .lines()
            .find(|line| line.starts_with("SUPERVISOR_SERVER_URL"))
            .unwrap_or("no server URL")
            .to_string();
        run.note(&url);
        run.stop();
        let left = [run.path("b").exists(), run.path("s").exists()];
        run.note(&format!("sockets are left: {left:?}"));
        run.log();
    });
}

#[test]
fn an_address_in_use_ends_the_start_and_a_stale_socket_does_not() {
    compare("addresses in use", |run| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        run.rename(&port.to_string(), "PORT");
        run.config(&format!("[inet_http_server]\nport=127.0.0.1:{port}\n"));
        run.failing_start(&[]);
        drop(listener);
        // A socket that nobody listens on any more.
        drop(std::os::unix::net::UnixListener::bind(run.path("s")).unwrap());
        run.config("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
        run.start();
        run.ctl("version");
        let stderr = run.daemon().stderr();
        run.note(&format!("standard error: {stderr}"));
        // A second daemon on the same socket.
        run.config_second();
        let second = run.path("second.conf").display().to_string();
        run.supervisord(&["-n", "-c", &second]);
        run.ctl("version");
        run.stop();
    });
}

impl Run {
    /// A second configuration with the socket of the first.
    fn config_second(&self) {
        self.dir.write(
            "second.conf",
            "[unix_http_server]\nfile=%(here)s/s\n[supervisord]\nlogfile=%(here)s/second.log\npidfile=%(here)s/second.pid\nchildlogdir=%(here)s\n",
        );
    }
}

#[test]
fn under_another_name_the_rpc_interface_is_not_found() {
    compare("another rpc interface", |run| {
        run.whole_config(
            "[rpcinterface:other]\nsupervisor.rpcinterface_factory=\
             supervisor.rpcinterface:make_main_rpcinterface\n[unix_http_server]\nfile=%(here)s/s\n[supervisorctl]\nserverurl=unix://%(here)s/s\n\
             [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\nchildlogdir=%(here)s\n",
        );
        run.start();
        run.rpc("getState", &[]);
        run.ctl("status");
        run.ctl("version");
        run.ctl("reread");
        run.stop();
        run.log();
    });
}

#[test]
fn without_servers_the_daemon_runs_all_the_same() {
    compare("no servers", |run| {
        run.whole_config(&format!(
            "{REST}stdout_logfile=%(here)s/p.out\n[supervisorctl]\nserverurl=unix://%(here)s/s\n"
        ));
        run.launch(&[], &[]);
        run.wait_log("success: p", 1);
        run.ctl("status");
        run.ctl("shutdown");
        let url = "http://127.0.0.1:1";
        for action in ["status", "reread", "shutdown", "pid", "open"] {
            run.ctl_options(&["-s", url, action]);
        }
        run.stop();
        run.log();
    });
}

#[test]
fn shutdown_and_reload_are_requests() {
    compare("shutdown request", |run| {
        run.config("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
        run.start();
        run.wait("p", "RUNNING");
        run.ctl("shutdown now");
        run.ctl("reload now");
        run.ctl("shutdown");
        run.wait_end();
        run.ctl("shutdown");
        run.ctl("status");
        run.log();
        let ctl = Ctl::new(run.ctl_kind, &run.dir).run(&["pid"]);
        run.note_finished(&ctl);
        run.rpc("getProcessInfo", &[Value::text("p")]);
    });
}
