//! HTTP itself: methods, paths, versions, headers, credentials, spellings of
//! requests and of XML, byte for byte, but for the pages of the web interface. One
//! line of the transcript is one request.
//!
//! Nothing is waited for by time: when the server has served two other clients
//! from beginning to end, whatever it had to say to the first one has been said.

use super::compare;
use super::run::Run;
use crate::support::{Address, Rpc};
use pollvisor::http::response::error_page;
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

/// A response without what differs from run to run and from program to program.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
    for line in &mut lines {
        for name in ["Server: ", "Date: ", "Last-Modified: "] {
            if line.starts_with(name) {
                *line = name.trim_end().to_owned();
            }
        }
    }
    let mut text = lines.join("\r\n");
    for status in [400, 401, 404, 411, 413, 431, 500] {
        text = text.replace(&error_page(status), &format!("[page {status}]"));
    }
    format!("{text:?}")
}

const PROBE: &[u8] = b"GET /after HTTP/1.0\r\n\r\n";

impl Run {
    /// Sends a request; notes the answer, and what becomes of the connection.
    fn exchange(&mut self, request: &[u8]) {
        let mut raw = Raw::new(self);
        raw.send(request);
        let answer = raw.hear();
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

fn begin(run: &mut Run, credentials: &str) {
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
fn post(line: &str, headers: &str, body: &str) -> Vec<u8> {
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
            format!("Content-Length: +{length}\r\n"),
            format!("Content-Length: 0{length}\r\n"),
            format!("Content-Length : {length}\r\n"),
            format!(" Content-Length: {length}\r\n"),
            format!("X: y\r\n Content-Length: {length}\r\n"),
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
            "Authorization: Basic\r\n",
            "Authorization: Basic \r\n",
            "Authorization: Basic dXNlcg==\r\n",
            "Authorization: Basic dXNlcjo=\r\n",
            "Authorization: Basic Og==\r\n",
            "Authorization: Basic VXNlcjphOmI=\r\n",
            "Authorization: Basic dXNlcjphOkI=\r\n",
            "Authorization: Basic /////w==\r\n",
            "Authorization: Basic !!!!\r\n",
            "Authorization: Digest x\r\n",
            "Authorization: Bearer x\r\n",
            "Authorization: x\r\n",
            "Authorization: \r\n",
            "Authorization: Basic dXNlcjphOmI=\r\nAuthorization: Basic x\r\n",
            "Authorization: Basic Zm9vOmJhcg==\r\nAuthorization: Basic dXNlcjphOmI=\r\n",
            "Proxy-Authorization: Basic dXNlcjphOmI=\r\n",
        ] {
            for version in ["1.0", "1.1"] {
                run.exchange(format!("GET /nosuch HTTP/{version}\r\n{header}\r\n").as_bytes());
                run.exchange(&post(
                    &format!("/RPC2 HTTP/{version}"),
                    header,
                    VERSION_CALL,
                ));
            }
            run.exchange(format!("HEAD /nosuch HTTP/1.0\r\n{header}\r\n").as_bytes());
            run.exchange(
                format!("PUT /logtail/p HTTP/1.0\r\nConnection: keep-alive\r\n{header}\r\n")
                    .as_bytes(),
            );
        }
        run.stop();
    });
}

#[test]
fn calls_are_read_in_every_spelling_of_xml() {
    compare("spellings of xml", |run| {
        begin(run, "");
        let bare = |inner: &str| format!("<methodCall>{inner}</methodCall>");
        let of = |value: &str| {
            bare(&format!(
                "<methodName>system.methodHelp</methodName><params><param>{value}</param></params>"
            ))
        };
        // The event is written into a fault, in Python's notation: so a value is seen.
        let told = |value: &str| {
            bare(&format!(
                "<methodName>supervisor.sendProcessStdin</methodName><params><param><value>nosuch</value></param><param>{value}</param></params>"
            ))
        };
        let named = |name: &str| {
            bare(&format!(
                "<methodName>supervisor.getProcessInfo</methodName><params><param><value>{name}</value></param></params>"
            ))
        };
        let method = "<methodName>supervisor.getAPIVersion</methodName>";
        let mut bodies = vec![
            String::new(),
            " ".to_owned(),
            "x".to_owned(),
            "<".to_owned(),
            "<a/>".to_owned(),
            bare(""),
            bare("<methodName/>"),
            bare(method),
            bare("<methodName> supervisor.getAPIVersion</methodName>"),
            bare("<methodName>supervisor.<!-- c -->getAPIVersion</methodName>"),
            bare("<methodName><![CDATA[supervisor.getAPIVersion]]></methodName>"),
            bare("<methodName>supervisor&#46;getAPIVersion</methodName>"),
            bare("<methodName>supervisor.getAPIVersion<x/></methodName>"),
            bare("<methodName><x/>supervisor.getAPIVersion</methodName>"),
            format!("\u{feff}{}", bare(method)),
            format!("  {}", bare(method)),
            format!("{}\n\n ", bare(method)),
            format!("{}x", bare(method)),
            format!("{}<!-- c --><?pi?>", bare(method)),
            format!("{}<a/>", bare(method)),
            format!("<?xml version='1.0'?>{}", bare(method)),
            format!(" <?xml version='1.0'?>{}", bare(method)),
            format!(
                "<?xml version='1.0' encoding='iso-8859-1'?>{}",
                bare(method)
            ),
            format!("<?xml version='1.0' encoding='utf-16'?>{}", bare(method)),
            format!("<?xml version='1.1'?>{}", bare(method)),
            format!("<?xml version='2'?>{}", bare(method)),
            format!("<?xml?>{}", bare(method)),
            format!("<?XML version='1.0'?>{}", bare(method)),
            format!("<?pi?><!-- c -->{}", bare(method)),
            format!("<x>{method}</x>"),
            method.to_owned(),
            format!("<x><y>{method}</y></x>"),
            bare(&format!("<methodName>nosuch.x</methodName>{method}")),
            bare(&format!("<params/>{method}")),
            bare(&format!("{method}<params> \n </params>")),
            bare(&format!("{method}<params><param/></params>")),
            bare(&format!("{method}<params><param>text</param></params>")),
            bare(&format!("{method}<params>text</params>")),
            bare(&format!(
                "{method}<params><param><value>1</value></param></params><params/>"
            )),
            format!("<methodCall xmlns='x'>{method}</methodCall>"),
            format!("<p:methodCall xmlns:p='x'>{method}</p:methodCall>"),
            format!("<methodCall a='b' c=\"d\">{method}</methodCall>"),
            format!("<methodCall a=b>{method}</methodCall>"),
            format!("<methodCall a>{method}</methodCall>"),
            format!("<methodCall a='<'>{method}</methodCall>"),
            format!("<methodCall a='1' a='2'>{method}</methodCall>"),
            format!("<methodCall\n>{method}</methodCall\t>"),
            format!("< methodCall>{method}</methodCall>"),
            format!("<methodCall>{method}</ methodCall>"),
            format!("<methodCall>{method}</methodcall>"),
            format!("<!DOCTYPE methodCall>{}", bare(method)),
            format!("<!DOCTYPE m [<!ENTITY e 'x'>]>{}", bare(method)),
            bare(&format!("{method}<!-- -- -->")),
            bare(&format!("{method}<?xml version='1.0'?>")),
            bare(&format!("{method}]]>")),
            bare(&format!("{method}&")),
            bare(&format!("{method}&amp;")),
            bare(&format!("{method}&nope;")),
            bare(&format!("{method}\u{1}")),
            bare(&format!("{method}\u{fffe}")),
            "<?xml version='1.0'?>".to_owned(),
            bare(method).replace("</methodCall>", ""),
            bare(method).repeat(2),
        ];
        for value in [
            "<int>7</int>",
            "<int> 7 </int>",
            "<int>+7</int>",
            "<int>-7</int>",
            "<int>1_0</int>",
            "<int>1__0</int>",
            "<int>_1</int>",
            "<int></int>",
            "<int/>",
            "<int>0x10</int>",
            "<int>5.0</int>",
            "<int>007</int>",
            "<int>\u{663}\u{664}</int>",
            "<i4>7</i4>",
            "<i1>7</i1>",
            "<i2>7</i2>",
            "<i8>7</i8>",
            "<i8/>",
            "<ex:i8>7</ex:i8>",
            "<int>7<x/>8</int>",
            "<int>7<!-- c -->8</int>",
            "<int><![CDATA[7]]></int>",
            "<int>&#55;</int>",
            "<boolean>1</boolean>",
            "<boolean>0</boolean>",
            "<boolean>true</boolean>",
            "<boolean> 1</boolean>",
            "<boolean/>",
            "<boolean>2</boolean>",
            "<string>a</string>",
            "<string> a\tb\n</string>",
            "<string/>",
            "<string>a<b/>c</string>",
            "<string>a&lt;&gt;&amp;&quot;&apos;</string>",
            "<string>\u{e9}\u{20ac}\u{1f600}</string>",
            "<string>&#233;&#x20AC;&#x1F600;</string>",
            "<string>a\r\nb\rc</string>",
            "<string>&#13;&#10;&#9;</string>",
            "<string>&#1;</string>",
            "<string>&#xFFFE;</string>",
            "<string>&#xD800;</string>",
            "<string>&#x110000;</string>",
            "<string>&#;</string>",
            "<string>&#+65;</string>",
            "<string>&#x;</string>",
            "<string>&#X41;</string>",
            "<string>&#00065;</string>",
            "<string><![CDATA[<&>]]></string>",
            "<string><![CDATA[]]></string>",
            "<string>\u{7f}\u{85}\u{a0}\u{2028}</string>",
            "text",
            " text ",
            "",
            "a<!-- c -->b",
            "a<?pi?>b",
            "<nil/>",
            "<ex:nil/>",
            "<nil>x</nil>",
            "<nothing/>",
            "<nothing>x</nothing>",
            "<double>1</double>",
            "<double>-1.5e3</double>",
            "<double> 2.5 </double>",
            "<double>1_0.5</double>",
            "<double>nan</double>",
            "<double>-inf</double>",
            "<double>Infinity</double>",
            "<double>1e400</double>",
            "<double>1e-400</double>",
            "<double>.5</double>",
            "<double>5.</double>",
            "<double>.</double>",
            "<double/>",
            "<double>x</double>",
            "<double>0x1p3</double>",
            "<double>1e16</double>",
            "<double>1e15</double>",
            "<double>0.0001</double>",
            "<double>0.00001</double>",
            "<double>-0.0</double>",
            "<double>123456789.123456789</double>",
            "<base64>YQ==</base64>",
            "<base64>Y\nQ = =</base64>",
            "<base64>Y!Q=?=</base64>",
            "<base64/>",
            "<base64>YQ</base64>",
            "<base64>YQ=</base64>",
            "<base64>/w==</base64>",
            "<base64>YQ==YQ==</base64>",
            "<base64>w6k=</base64>",
            "<base64>AA==</base64>",
            "<dateTime.iso8601>20260131T23:59</dateTime.iso8601>",
            "<dateTime.iso8601>2026-01-31T23:59:59</dateTime.iso8601>",
            "<dateTime.iso8601>20260229T00:00:00</dateTime.iso8601>",
            "<dateTime.iso8601> 20260131T23:59:59</dateTime.iso8601>",
            "<dateTime.iso8601/>",
            "<dateTime.iso8601>20260131T24:00:00</dateTime.iso8601>",
            "<dateTime.iso8601>20260131T23:59:60</dateTime.iso8601>",
            "<dateTime.iso8601>00000131T23:59:59</dateTime.iso8601>",
            "<array><data/></array>",
            "<array><data></data></array>",
            "<array/>",
            "<array></array>",
            "<array> x </array>",
            "<array><data><value>a</value><value><int>1</int></value></data></array>",
            "<array><value>a</value></array>",
            "<array><data><value>a</value></data><data/></array>",
            "<array><data><int>1</int><x>y</x></data></array>",
            "<array><data><value><array><data><value><nil/></value></data></array></value></data></array>",
            "<data><value>a</value></data>",
            "<struct/>",
            "<struct> x </struct>",
            "<struct><member><name>a</name><value>b</value></member></struct>",
            "<struct><member><value>b</value><name>a</name></member></struct>",
            "<struct><member><name>a</name></member></struct>",
            "<struct><member><name>a</name><value/><value/></member></struct>",
            "<struct><member/></struct>",
            "<struct><x><y>a</y><int>1</int></x></struct>",
            "<struct><member><name/><value>b</value></member></struct>",
            "<struct><member><name>a</name><value>1</value></member><member><name>a</name><value>2</value></member></struct>",
            "<struct><member><name> a </name><value><struct/></value></member></struct>",
            "<string>a</string><string>b</string>",
            "<int>1</int>x",
            "x<int>1</int>",
        ] {
            bodies.push(told(&format!("<value>{value}</value>")));
        }
        for value in [
            "<value>supervisor.getPID</value>",
            "<int>5</int>",
            "<string>x</string>",
            "<value>a</value><value>b</value>",
            "x<value>a</value>",
            "<nil/>",
        ] {
            bodies.push(of(value).replace("system.methodHelp", "system.methodSignature"));
        }
        for name in [
            "nosuch", " nosuch", "\u{e9}", "&#13;", "a\rb", "&lt;", "]]&gt;",
        ] {
            bodies.push(named(name));
        }
        for body in &bodies {
            run.exchange(&post("/RPC2 HTTP/1.0", "", body));
        }
        let mut broken = post("/RPC2 HTTP/1.0", "", &named("XX"));
        let at = broken.len() - 50;
        broken[at] = 0xff;
        run.exchange(&broken);
        run.stop();
    });
}
