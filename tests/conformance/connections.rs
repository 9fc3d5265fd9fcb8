//! HTTP itself: methods, paths, versions, headers, credentials, spellings of
//! requests and of XML, byte for byte, but for the pages of the web interface. One
//! line of the transcript is one request.
//!
//! Nothing is waited for by time: when the server has served two other clients
//! from beginning to end, whatever it had to say to the first one has been said.

use super::compare;
use super::run::Run;
use crate::support::{Address, DEADLINE, Rpc, wait_until};
use pollvisor::http::response::reason;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
startsecs=0
stdout_logfile=%(here)s/p.log
stderr_logfile=NONE
";

/// What was heard on a connection.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    ended: bool,
}

/// A connection that is never waited for.
struct Raw {
    stream: UnixStream,
    bystander: Rpc,
}

impl Raw {
    fn new(run: &Run) -> Raw {
        let Address::Unix(path) = Address::Unix(run.path("s")) else {
            unreachable!()
        };
        let stream = UnixStream::connect(path).unwrap();
        stream.set_nonblocking(true).unwrap();
        Raw {
            stream,
            bystander: run.rpc_client.clone(),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        // One that has been closed is found out about when it is read.
        let _ = self.stream.write_all(bytes);
    }

    /// What has been said by the time that two others have been served.
    fn hear(&mut self) -> Heard {
        let mut heard = Heard::default();
        // What goes on is heard until nothing more comes meanwhile.
        loop {
            for _ in 0..2 {
                let _ = self.bystander.call("system.listMethods", &[]);
            }
            let mut piece = [0; 65536];
            let before = heard.bytes.len();
            loop {
                match self.stream.read(&mut piece) {
                    Ok(0) => heard.ended = true,
                    Ok(count) => {
                        heard.bytes.extend_from_slice(&piece[..count]);
                        continue;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => heard.ended = true,
                }
                break;
            }
            if heard.ended || heard.bytes.len() == before {
                return heard;
            }
        }
    }
}

/// The page with which 4.3.0 refuses a request.
fn page_of_4_3_0(status: u16) -> String {
    format!(
        "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
         <h1>Error response</h1>\r\n<p>Error code {status}.\r\n<p>Message: {}.\r\n</body>\r\n",
        reason(status)
    )
}

/// Answers without the one line in which pages of refusals say why, and with the length
/// that they have without it.
fn without_reasons(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((head, after)) = rest.split_once("\r\n\r\n") {
        let header = |name: &str| {
            let mut lines = head.split("\r\n");
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let length = header("Content-Length").and_then(|length| length.parse::<usize>().ok());
        let (Some(status), Some(length)) = (status, length) else {
            break;
        };
        // The answer to HEAD has no body here.
        let is_bare = after.is_empty() || after.starts_with("HTTP/");
        let Some((body, after)) = after.split_at_checked(if is_bare { 0 } else { length }) else {
            break;
        };
        let page = page_of_4_3_0(status);
        let is_page = header("Content-Type") == Some("text/html")
            && (is_bare || body == page || is_page_with_reason(body, &page));
        match is_page {
            true => {
                let told = format!("Content-Length: {length}");
                shown.push_str(&head.replace(&told, &format!("Content-Length: {}", page.len())));
                shown.push_str("\r\n\r\n");
                if !is_bare {
                    shown.push_str(&format!("[page {status}]"));
                }
            }
            false => shown.push_str(&format!("{head}\r\n\r\n{body}")),
        }
        rest = after;
    }
    shown + rest
}

fn is_page_with_reason(body: &str, page: &str) -> bool {
    let (start, end) = page.split_at(page.find("</body>").unwrap());
    body.strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(end)?.strip_suffix("\r\n"))
        .is_some_and(|line| line.starts_with("<p>") && !line.contains(['\r', '\n']))
}

/// A response without what differs from run to run and from program to program.
fn shown(bytes: &[u8]) -> String {
    let text = without_reasons(&String::from_utf8_lossy(bytes));
    let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
    for line in &mut lines {
        for name in ["Server: ", "Date: ", "Last-Modified: "] {
            if line.starts_with(name) {
                *line = name.trim_end().to_owned();
            }
        }
    }
    format!("{:?}", lines.join("\r\n"))
}

const PROBE: &[u8] = b"GET /after HTTP/1.0\r\n\r\n";

impl Run {
    /// Sends a request; notes the answer, and what becomes of the connection.
    pub fn exchange(&mut self, request: &[u8]) {
        let mut raw = Raw::new(self);
        raw.send(request);
        let answer = raw.hear();
        self.conclude(request, raw, answer);
    }

    /// The same for several at once whose answers may take their time.
    fn exchange_at_once(&mut self, requests: &[Vec<u8>]) {
        let begun: Vec<Raw> = requests
            .iter()
            .map(|request| {
                let mut raw = Raw::new(self);
                raw.send(request);
                raw
            })
            .collect();
        for (request, mut raw) in requests.iter().zip(begun) {
            let mut answer = Heard::default();
            wait_until(DEADLINE, || {
                answer = raw.hear();
                answer.ended || !answer.bytes.is_empty()
            });
            self.conclude(request, raw, answer);
        }
    }

    fn conclude(&mut self, request: &[u8], mut raw: Raw, answer: Heard) {
        let mut said = match (answer.bytes.is_empty(), answer.ended) {
            (true, true) => "nothing".to_owned(),
            (true, false) => "nothing yet".to_owned(),
            _ => shown(&answer.bytes),
        };
        let after = if answer.ended {
            "closed"
        } else {
            raw.send(PROBE);
            let more = raw.hear();
            let text = String::from_utf8_lossy(&more.bytes);
            match (text.starts_with("HTTP/"), more.ended) {
                (true, _) => "open",
                (false, true) => "closed",
                (false, false) => "deaf",
            }
        };
        said.push_str(&format!(", then {after}"));
        let shown = String::from_utf8_lossy(request);
        self.note(&format!("{shown:?} = {said}"));
    }
}

/// Starts a daemon with these lines in the section of its socket.
pub fn begin(run: &mut Run, credentials: &str) {
    run.whole_config(&crate::support::usual_configuration(PROGRAMS).replacen(
        "file=%(here)s/s\n",
        &format!("file=%(here)s/s\n{credentials}"),
        1,
    ));
    run.dir.write("p.log", "0123456789\n");
    run.start();
    run.rpc_client.call("supervisor.getState", &[]);
}

/// The body of a call, and what comes before it.
pub fn post(line: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {line}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

const VERSION_CALL: &str =
    "<methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>";

#[test]
fn every_path_is_asked_for_by_every_method() {
    compare("paths", |run| {
        begin(run, "");
        for path in [
            "/RPC2",
            "/RPC2/",
            "/RPC2x/y?a=b",
            "/%52PC2",
            "/rpc2",
            "//RPC2",
            "/RPC",
            "RPC2",
            "/x/RPC2",
            "/RPC2;a",
            "/RPC2#a",
            "/logtail",
            "/logtail/",
            "/logtail/nosuch",
            "/logtail/nosuch/stdout",
            "/logtail/p/stderr",
            "/logtail/p/x",
            "/logtail/p/stdout/x",
            "/logtail/p/",
            "/logtail/p:*",
            "/logtail/p/STDOUT",
            "/logtail//p",
            "//logtail/p",
            "/logtail?p",
            "/logtail/%70%",
            "/LOGTAIL/p",
            "/nosuch",
            "/no%20such",
            "/../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/%252e%252e/etc/passwd",
            "/a//b",
            "*",
            "http://localhost/RPC2",
            "/\u{e9}",
            "/%c3%a9",
            "/%ff",
            "/%00",
            "/nosuch?a=1&b#c",
        ] {
            for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "get", "X"] {
                run.exchange(
                    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes(),
                );
            }
            run.exchange(&post(&format!("{path} HTTP/1.1"), "", VERSION_CALL));
        }
        run.stop();
    });
}

#[test]
fn followed_logs_are_answered_in_every_version() {
    compare("followed logs", |run| {
        begin(run, "");
        for path in [
            "/logtail/p",
            "/logtail/p:p",
            "/logtail/p/stdout",
            "/logtailx/p",
            "/logtail/%70",
            "/logtail/%2570",
            "/logtail/p?x=y",
            "/logtail/p;x",
            "/logtail/p#x",
        ] {
            for rest in [
                " HTTP/1.1\r\n",
                " HTTP/1.1\r\nConnection: keep-alive\r\n",
                " HTTP/1.1\r\nConnection: close\r\n",
                " HTTP/1.0\r\n",
                " HTTP/1.0\r\nConnection: keep-alive\r\n",
                " HTTP/2.0\r\n",
                "\r\n",
            ] {
                run.exchange(format!("GET {path}{rest}\r\n").as_bytes());
            }
        }
        run.stop();
    });
}

#[test]
fn every_version_and_connection_header_is_understood() {
    compare("versions and connections", |run| {
        begin(run, "");
        for version in ["", " HTTP/1.0", " HTTP/1.1", " HTTP/2.0", " HTTP/1.1.1"] {
            for connection in [
                "",
                "Connection: close\r\n",
                "Connection: Close\r\n",
                "Connection: keep-alive\r\n",
                "Connection: Keep-Alive\r\n",
                "Connection: KEEP-ALIVE\r\n",
                "Connection: x\r\n",
                "Connection: keep-alive, x\r\n",
                "connection: close\r\n",
                "Connection:close\r\n",
                "Connection: close\r\nConnection: keep-alive\r\n",
            ] {
                run.exchange(&post(&format!("/RPC2{version}"), connection, VERSION_CALL));
                run.exchange(format!("GET /nosuch{version}\r\n{connection}\r\n").as_bytes());
                run.exchange(format!("GET /RPC2{version}\r\n{connection}\r\n").as_bytes());
            }
            run.exchange(&post(&format!("/RPC2{version}"), "", "<x"));
            run.exchange(&post(
                &format!("/RPC2{version}"),
                "",
                "<x><methodName>supervisor.nosuch</methodName></x>",
            ));
        }
        run.stop();
    });
}

#[test]
fn request_lines_and_headers_are_taken_in_every_spelling() {
    compare("spellings of requests", |run| {
        begin(run, "");
        for line in [
            "GET",
            "GET ",
            "GET /nosuch HTTP/1.1 ",
            "GET  /nosuch HTTP/1.1",
            " GET /nosuch HTTP/1.1",
            "GET /nosuch HTTP/",
            "GET /nosuch http/1.1",
            "GET /nosuch HTTP/1.x",
            "GET /nosuch HTTP/1.1 x",
            "GET\t/nosuch\tHTTP/1.1",
            "\r\nGET /nosuch HTTP/1.1",
            "\r\n\r\nGET /nosuch HTTP/1.1",
            "GET /no such HTTP/1.1",
            "PRI * HTTP/2.0",
            "\u{16}\u{3}\u{1}",
            "GET /nosuch\0 HTTP/1.1",
        ] {
            run.exchange(format!("{line}\r\n\r\n").as_bytes());
        }
        run.exchange(b"\r\n\r\n");
        run.exchange(b"GET /\xff HTTP/1.1\r\n\r\n");
        run.exchange(b"GET /nosuch HTTP/1.1\r\nX: \xff\r\n\r\n");
        run.exchange(b"GET /nosuch HTTP/1.1\n\n");
        run.exchange(b"GET /nosuch HTTP/1.1\r\nHost: x\r\n");
        let length = VERSION_CALL.len();
        for headers in [
            String::new(),
            format!("Content-Length:{length}\r\n"),
            format!("content-length: {length}\r\n"),
            format!("CONTENT-LENGTH: {length}\r\n"),
            format!("Content-Length:  {length}\r\n"),
            format!("Content-Length: {length} \r\n"),
            format!("Content-Length: 0{length}\r\n"),
            format!("Content-Length : {length}\r\n"),
            format!(" Content-Length: {length}\r\n"),
            format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
            format!("Content-Length: {length}\r\nContent-Length: 3\r\n"),
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
            format!("Content-Length: {length}\r\nno colon\r\n"),
            format!("Content-Length: {length}\r\nContent-Type: text/plain\r\n"),
            format!("Content-Length: {length}\r\nExpect: 200-ok\r\n"),
            format!("Content-Length: {}\r\n", length + 1),
            format!("Content-Length: {}\r\n", length - 1),
            "Content-Length: 0\r\n".to_owned(),
            "Content-Length: x\r\n".to_owned(),
            "Content-Length: \r\n".to_owned(),
            "Content-Length: -1\r\n".to_owned(),
            "Content-Length: 1e3\r\n".to_owned(),
            "Content-Length: 0x10\r\n".to_owned(),
            "Transfer-Encoding: chunked\r\n".to_owned(),
        ] {
            run.exchange(format!("POST /RPC2 HTTP/1.1\r\n{headers}\r\n{VERSION_CALL}").as_bytes());
        }
        // A body where none is wanted, and requests one behind the other.
        for line in [
            "GET /nosuch HTTP/1.1",
            "PUT /RPC2 HTTP/1.1",
            "POST /nosuch HTTP/1.1",
            "GET /RPC2 HTTP/1.1",
        ] {
            run.exchange(format!("{line}\r\nContent-Length: 3\r\n\r\nabc").as_bytes());
        }
        let call = post("/RPC2 HTTP/1.1", "", VERSION_CALL);
        let other = b"GET /nosuch HTTP/1.1\r\n\r\n";
        run.exchange(&[&call[..], &call, &call].concat());
        run.exchange(&[&call[..], other, &call].concat());
        run.exchange(&[&other[..], other, other].concat());
        run.exchange(&[&call[..], b"\r\n", &call].concat());
        run.stop();
    });
}

#[test]
fn credentials_are_taken_in_every_spelling() {
    compare("spellings of credentials", |run| {
        begin(run, "username=user\npassword=a:b\n");
        for header in [
            "",
            "Authorization: Basic dXNlcjphOmI=\r\n",
            "authorization: basic dXNlcjphOmI=\r\n",
            "Authorization: BASIC dXNlcjphOmI=\r\n",
            "Authorization:Basic dXNlcjphOmI=\r\n",
            "Authorization:  Basic dXNlcjphOmI=\r\n",
            "Authorization: Basic  dXNlcjphOmI=\r\n",
            "Authorization: Basic dXNlcjphOmI= \r\n",
            "Authorization: Basic dXNlcjphOmI\r\n",
            "Authorization: Basic dXNl cjphOmI=\r\n",
            "Authorization: Basic dXN-lcjphOmI=\r\n",
            "Authorization: Basic dXNlcjphOmI==\r\n",
            "Authorization: Basic /////w==\r\n",
            "Authorization: Basic dXNlcjphOmI=\r\nAuthorization: Basic x\r\n",
            "Proxy-Authorization: Basic dXNlcjphOmI=\r\n",
        ] {
            requests_with(header)
                .iter()
                .for_each(|request| run.exchange(request));
        }
        // The wrong ones are answered later.
        let wrong = [
            "Authorization: Basic\r\n",
            "Authorization: Basic \r\n",
            "Authorization: Basic dXNlcg==\r\n",
            "Authorization: Basic dXNlcjo=\r\n",
            "Authorization: Basic Og==\r\n",
            "Authorization: Basic VXNlcjphOmI=\r\n",
            "Authorization: Basic dXNlcjphOkI=\r\n",
            "Authorization: Basic !!!!\r\n",
            "Authorization: Digest x\r\n",
            "Authorization: Bearer x\r\n",
            "Authorization: x\r\n",
            "Authorization: \r\n",
            "Authorization: Basic Zm9vOmJhcg==\r\nAuthorization: Basic dXNlcjphOmI=\r\n",
        ];
        run.exchange_at_once(&wrong.map(requests_with).concat());
        run.stop();
    });
}

fn requests_with(header: &str) -> Vec<Vec<u8>> {
    let plain = |line: &str| format!("{line}\r\n{header}\r\n").into_bytes();
    let call = |version: &str| post(&format!("/RPC2 HTTP/{version}"), header, VERSION_CALL);
    vec![
        plain("GET /nosuch HTTP/1.0"),
        call("1.0"),
        plain("GET /nosuch HTTP/1.1"),
        call("1.1"),
        plain("HEAD /nosuch HTTP/1.0"),
        plain("PUT /logtail/p HTTP/1.0\r\nConnection: keep-alive"),
    ]
}
