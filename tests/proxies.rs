//! Behind real proxies, under a path of another server, with the settings that supervisord(8)
//! shows and with those that people have who do not hand on `Host`: pages, styles, buttons,
//! followed logs, XML-RPC, passwords, supervisorctl.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::manual::page::{Display, displays, page};
use super::support::{
    Address, DEADLINE, Dir, Page, Rpc, Scene, finish, kill, wait_for, wait_until,
};

const FIREFOX: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko\r\n";
/// Of the user `operator` with the password `secret`.
const SECRET: &str = "Authorization: Basic b3BlcmF0b3I6c2VjcmV0\r\n";
const PROGRAMS: &str = "\
[program:talker]
command=/bin/sh -c 'echo first; exec sleep 10000'
stdout_logfile=%(here)s/talker.log
startsecs=0
";

/// What supervisord(8) shows, in order: of supervisord, nginx, Apache, Caddy, Traefik, and of
/// supervisord again.
pub fn displayed() -> [String; 6] {
    let displays = displays(&page("supervisord.8"));
    let shown: Vec<String> = displays
        .into_iter()
        .filter(|Display { section, .. }| section == "PROXIES")
        .map(|Display { text, .. }| text)
        .collect();
    <[String; 6]>::try_from(shown).unwrap()
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Programs of Debian that are not in every user's PATH.
fn program(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    let mut files = folders.map(|folder| Path::new(folder).join(name));
    files
        .find(|file| file.exists())
        .unwrap_or_else(|| panic!("{name} is missing: run `make test`, which installs it"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    Nginx,
    Apache,
}

/// A proxy of the system that runs unprivileged on a port of the loopback interface.
pub struct Proxy {
    child: Child,
    pub port: u16,
}

impl Proxy {
    /// With these settings in its server.
    pub fn start(software: Software, dir: &Dir, settings: &str) -> Proxy {
        let port = free_port();
        let mut command = match software {
            Software::Nginx => nginx(dir, port, settings),
            Software::Apache => apache(dir, port, settings),
        };
        let log = File::create(dir.join("proxy.log")).unwrap();
        let child = command
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let proxy = Proxy { child, port };
        let listens = wait_until(DEADLINE, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        assert!(
            listens,
            "{:?} {:?}",
            dir.read("proxy.log"),
            dir.read("error.log")
        );
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        kill(self.child.id(), libc::SIGTERM);
        let ended = wait_for(DEADLINE, || self.child.try_wait().unwrap());
        if ended.is_none() {
            let _ = self.child.kill();
        }
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn nginx(dir: &Dir, port: u16, settings: &str) -> Command {
    let user = if is_root() { "user root;\n" } else { "" };
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders: String = folders
        .map(|kind| format!("{kind}_temp_path {kind};\n"))
        .concat();
    dir.write(
        "nginx.conf",
        format!(
            "{user}daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log error.log;\n\
             events {{}}\nhttp {{\naccess_log off;\n{folders}\
             server {{\nlisten 127.0.0.1:{port};\n{settings}}}\n}}\n"
        ),
    );
    let mut command = Command::new(program("nginx"));
    command.arg("-e").arg(dir.join("error.log"));
    command.arg("-p").arg(dir.path()).args(["-c", "nginx.conf"]);
    command
}

fn apache(dir: &Dir, port: u16, settings: &str) -> Command {
    let here = dir.path().display();
    let user = if is_root() {
        "User nobody\nGroup nogroup\n"
    } else {
        ""
    };
    let modules = ["mpm_event", "authz_core", "alias", "proxy", "proxy_http"];
    let modules: String = modules
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .concat();
    dir.write(
        "apache.conf",
        format!(
            "ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {here}/apache.pid\n\
             ErrorLog {here}/error.log\nDefaultRuntimeDir {here}\n{modules}{user}{settings}"
        ),
    );
    let mut command = Command::new(program("apache2"));
    command.arg("-d").arg(dir.path()).arg("-DFOREGROUND");
    command.arg("-f").arg(dir.join("apache.conf"));
    command
}

/// The settings that the page shows, for a server on this port; without the line that hands on
/// `Host` unless that is wanted.
fn settings(software: Software, port: u16, hands_on_host: bool) -> String {
    let [_, nginx, apache, ..] = displayed();
    let (settings, line) = match software {
        Software::Nginx => (nginx, "proxy_set_header Host $http_host;"),
        Software::Apache => (apache, "ProxyPreserveHost On"),
    };
    assert!(settings.contains("127.0.0.1:9001") && settings.contains(line));
    let settings = settings.replace("127.0.0.1:9001", &format!("127.0.0.1:{port}"));
    match hands_on_host {
        true => settings,
        false => settings.replace(line, ""),
    }
}

/// supervisord with a section of the page.
fn supervisord(section: &str, port: u16) -> Scene {
    let section = section.replace("127.0.0.1:9001", &format!("127.0.0.1:{port}"));
    let scene = Scene::start(&format!("{section}{PROGRAMS}"));
    scene.wait("talker", "RUNNING");
    assert!(wait_until(DEADLINE, || {
        scene.dir.read("talker.log").as_deref() == Some("first\n")
    }));
    scene
}

/// A browser that has gone to `http://example.org/supervisor/`.
struct Reader {
    port: u16,
    secret: &'static str,
}

impl Reader {
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Page {
        let secret = self.secret;
        let length = match method {
            "POST" => format!("Content-Length: {}\r\n", body.len()),
            _ => String::new(),
        };
        let request = format!(
            "{method} /supervisor/{path} HTTP/1.1\r\nHost: example.org\r\n{FIREFOX}{secret}\
             {headers}{length}Connection: close\r\n\r\n{body}"
        );
        Rpc::new(Address::Port(self.port)).ask(&request)
    }

    fn get(&self, path: &str) -> Page {
        self.ask("GET", path, "Sec-Fetch-Site: same-origin\r\n", "")
    }

    fn submit(&self, path: &str, form: &str) -> Page {
        let headers = "Origin: http://example.org\r\nSec-Fetch-Site: same-origin\r\n\
                       Content-Type: application/x-www-form-urlencoded\r\n";
        self.ask("POST", path, headers, form)
    }
}

/// The page, what belongs to it, and its buttons.
fn pages_work(reader: &Reader, scene: &Scene) {
    let page = reader.get("");
    assert_eq!(page.status, 200, "{}", page.body);
    for (start, kind) in [("stylesheets/", "text/css"), ("images/", "image/svg+xml")] {
        // What is relative stays under the path.
        let (_, rest) = page.body.split_once(&format!("href=\"{start}")).unwrap();
        let file = reader.get(&format!("{start}{}", rest.split('"').next().unwrap()));
        assert_eq!(file.status, 200);
        assert!(
            file.header("Content-Type").starts_with(kind),
            "{}",
            file.head
        );
    }
    assert!(page.body.contains("<script>"));
    let token = page.token("value=\"talker\"");
    let before = scene.pid("talker");
    let form = format!("processname=talker&action=restart&token={token}");
    let answer = reader.submit("", &form);
    assert_eq!(answer.status, 303, "{}\n{}", answer.body, scene.log());
    assert_ne!(scene.pid("talker"), before);
    let place = answer.header("Location");
    let told = reader.get(place.rsplit_once("./").unwrap().1);
    assert_eq!(told.message(), "Process talker restarted");
    for path in [
        "tail.html?processname=talker",
        "mainlog.html",
        "log.txt?processname=talker",
    ] {
        assert_eq!(reader.get(path).status, 200, "{path}");
    }
}

/// A form of another site is refused, with the reason, which the proxy does not replace.
fn strangers_are_refused(reader: &Reader, scene: &Scene) {
    let before = scene.pid("talker");
    let headers = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n";
    let form = "processname=talker&action=restart&token=x";
    let answer = reader.ask("POST", "", headers, form);
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("&quot;https://evil.example&quot;"),
        "{}",
        answer.body
    );
    assert_eq!(scene.pid("talker"), before);
    assert!(scene.log().contains("the Origin \"https://evil.example\""));
}

/// What is new in a log comes while it is followed, though it is little.
fn logs_are_followed(reader: &Reader, scene: &Scene) {
    for (path, log) in [
        ("logtail/talker", "talker.log"),
        ("mainlogtail", "main.log"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", reader.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let secret = reader.secret;
        write!(
            stream,
            "GET /supervisor/{path} HTTP/1.1\r\nHost: example.org\r\n{FIREFOX}{secret}\
             Sec-Fetch-Site: same-origin\r\n\r\n"
        )
        .unwrap();
        let mut heard = String::new();
        let mut hear = |text: &str| {
            let mut piece = [0; 4096];
            while !heard.contains(text) {
                let count = match stream.read(&mut piece) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    count => count.unwrap(),
                };
                assert_ne!(count, 0, "{path} ended: {heard}");
                heard.push_str(&String::from_utf8_lossy(&piece[..count]));
            }
        };
        hear("HTTP/1.1 200 ");
        for number in 0..3 {
            let line = format!("followed {number}");
            let mut file = fs::OpenOptions::new()
                .append(true)
                .open(scene.dir.join(log))
                .unwrap();
            writeln!(file, "{line}").unwrap();
            hear(&line);
        }
    }
}

fn calls_work(reader: &Reader) {
    let call = "<methodCall><methodName>supervisor.getState</methodName></methodCall>";
    // Programs have no origin.
    let answer = reader.ask("POST", "RPC2", "Content-Type: text/xml\r\n", call);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("RUNNING"));
}

fn everything_works(software: Software, section: &str, secret: &'static str, hands_on_host: bool) {
    let port = free_port();
    let scene = supervisord(section, port);
    let dir = Dir::new();
    let proxy = Proxy::start(software, &dir, &settings(software, port, hands_on_host));
    let reader = Reader {
        port: proxy.port,
        secret,
    };
    pages_work(&reader, &scene);
    strangers_are_refused(&reader, &scene);
    logs_are_followed(&reader, &scene);
    calls_work(&reader);
    if !secret.is_empty() {
        for (secret, words) in [
            ("", "wants the username and the password"),
            (
                "Authorization: Basic eDp5\r\n",
                "is not that of this server",
            ),
        ] {
            let answer = Reader { secret, ..reader }.get("");
            assert_eq!(answer.status, 401, "{secret}");
            assert!(answer.header("WWW-Authenticate").starts_with("Basic"));
            assert!(answer.body.contains(words), "{}", answer.body);
        }
    }
    drop(proxy);
    scene.stop();
}

#[test]
fn nginx_serves_everything_with_a_password() {
    let [section, ..] = displayed();
    for hands_on_host in [true, false] {
        everything_works(Software::Nginx, &section, SECRET, hands_on_host);
    }
}

#[test]
fn nginx_serves_everything_without_a_password() {
    let [.., section] = displayed();
    for hands_on_host in [true, false] {
        everything_works(Software::Nginx, &section, "", hands_on_host);
    }
}

#[test]
fn apache_serves_everything_with_a_password() {
    let [section, ..] = displayed();
    for hands_on_host in [true, false] {
        everything_works(Software::Apache, &section, SECRET, hands_on_host);
    }
}

#[test]
fn apache_serves_everything_without_a_password() {
    let [.., section] = displayed();
    for hands_on_host in [true, false] {
        everything_works(Software::Apache, &section, "", hands_on_host);
    }
}

/// Without `allowed_hosts` it works only where `Host` is not handed on, and the page says so.
#[test]
fn a_name_that_is_not_known_is_told_with_its_cure() {
    for software in [Software::Nginx, Software::Apache] {
        let port = free_port();
        let scene = supervisord("[inet_http_server]\nport=127.0.0.1:9001\n", port);
        for hands_on_host in [true, false] {
            let dir = Dir::new();
            let proxy = Proxy::start(software, &dir, &settings(software, port, hands_on_host));
            let reader = Reader {
                port: proxy.port,
                secret: "",
            };
            if !hands_on_host {
                pages_work(&reader, &scene);
                continue;
            }
            let answer = reader.get("");
            assert_eq!(answer.status, 403);
            assert!(answer.body.contains("set allowed_hosts=example.org"));
            assert!(scene.log().contains("the Host \"example.org\""));
        }
        scene.stop();
    }
}

/// The address without the slash at its end leads to the one with it.
#[test]
fn the_slash_at_the_end_is_added() {
    for software in [Software::Nginx, Software::Apache] {
        let dir = Dir::new();
        let proxy = Proxy::start(software, &dir, &settings(software, free_port(), true));
        let rpc = Rpc::new(Address::Port(proxy.port));
        let request = "GET /supervisor HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n";
        let answer = rpc.ask(request);
        assert!([301, 302].contains(&answer.status), "{}", answer.head);
        assert!(
            answer.header("Location").ends_with("/supervisor/"),
            "{}",
            answer.head
        );
    }
}

#[test]
fn supervisorctl_works_through_a_proxy_for_a_whole_port() {
    let [section, ..] = displayed();
    for software in [Software::Nginx, Software::Apache] {
        let port = free_port();
        let scene = supervisord(&section, port);
        let dir = Dir::new();
        let whole = settings(software, port, false)
            .replace("RedirectMatch \"^/supervisor$\" \"/supervisor/\"\n", "")
            .replace("/supervisor/", "/");
        let proxy = Proxy::start(software, &dir, &whole);
        let ctl = |words: &[&str]| {
            let mut command = Command::new(scene.dir.bin().join("supervisorctl"));
            command
                .args(["-s", &format!("http://127.0.0.1:{}", proxy.port)])
                .args(["-u", "operator", "-p", "secret"])
                .args(words)
                .current_dir(dir.path());
            finish(command, "", DEADLINE)
        };
        for (words, told) in [
            (["status", "talker"], "RUNNING"),
            (["restart", "talker"], "talker: started"),
            (["tail", "talker"], "first"),
        ] {
            let end = ctl(&words);
            assert_eq!(end.status, Some(0), "{software:?} {words:?}: {end:?}");
            assert!(end.stdout.contains(told), "{software:?} {words:?}: {end:?}");
        }
        scene.stop();
    }
}
