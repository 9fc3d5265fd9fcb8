//! Which requests of browsers a server on TCP takes, and that programs may say
//! what they like.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use super::support::{DEADLINE, Scene};

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The status of a call of `getPID` with these headers.
fn posted(stream: impl Read + Write, headers: &str) -> u16 {
    let body = "<methodCall><methodName>supervisor.getPID</methodName></methodCall>";
    let headers = headers.replace('|', "\r\n");
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\n{headers}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    text.rsplit(' ').next().unwrap().parse().unwrap()
}

fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

#[test]
fn pages_from_elsewhere_cannot_call_and_programs_can() {
    let (open, locked) = (free_port(), free_port());
    let scene = Scene::start(&format!(
        "[inet_http_server:open]\nport=127.0.0.1:{open}\nallowed_hosts=Boss.example, other.example\n\
         [inet_http_server:locked]\nport=127.0.0.1:{locked}\nusername=u\npassword=p\n"
    ));
    let node = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let node = node.trim();
    const FIREFOX: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko";
    for (headers, expected) in [
        // Programs.
        ("Host: evil.example".to_owned(), 200),
        ("Host: evil.example|User-Agent: curl/8.5.0".to_owned(), 200),
        ("Content-Type: text/plain".to_owned(), 200),
        // A page that knows the server by one of its names.
        (
            format!("Host: 127.0.0.1:{open}|Origin: http://127.0.0.1:{open}|{FIREFOX}"),
            200,
        ),
        (
            format!("Host: localhost:{open}|Origin: http://localhost:{open}"),
            200,
        ),
        (
            format!("Host: {node}:{open}|Origin: http://{node}:{open}"),
            200,
        ),
        (
            format!("Host: boss.EXAMPLE:{open}|Origin: http://boss.example:{open}"),
            200,
        ),
        (
            "Host: other.example|Origin: https://other.example".to_owned(),
            200,
        ),
        // After DNS rebinding.
        (
            format!("Host: evil.example:{open}|Origin: http://evil.example:{open}"),
            403,
        ),
        (format!("Host: evil.example:{open}|{FIREFOX}"), 403),
        (
            format!("Host: evil.example:{open}|Sec-Fetch-Site: same-origin"),
            403,
        ),
        // A form on another page.
        (
            format!("Host: 127.0.0.1:{open}|Origin: http://evil.example"),
            403,
        ),
        (
            format!("Host: 127.0.0.1:{open}|Origin: http://127.0.0.1:80"),
            403,
        ),
        (format!("Host: 127.0.0.1:{open}|Origin: null"), 403),
        (
            format!("Host: 127.0.0.1:{open}|Sec-Fetch-Site: cross-site"),
            403,
        ),
    ] {
        assert_eq!(posted(tcp(open), &headers), expected, "{headers}");
    }
    const GOOD: &str = "Authorization: Basic dTpw|Host: evil.example";
    for (headers, expected) in [
        (format!("{GOOD}|Origin: http://evil.example"), 200),
        (format!("{GOOD}|Origin: http://other.example"), 403),
        (format!("{GOOD}|{FIREFOX}"), 200),
        ("Host: a|Origin: http://b".to_owned(), 401),
    ] {
        assert_eq!(posted(tcp(locked), &headers), expected, "{headers}");
    }
    // No browser reaches a unix socket but by way of a proxy.
    let unix = UnixStream::connect(scene.dir.join("s")).unwrap();
    assert_eq!(posted(unix, "Host: a|Origin: http://b"), 200);
    scene.stop();
}
