//! A refusal says why: to whoever reads its page, and to the log where the client
//! alone is not to blame; and a proxy that hands on no `Host` is no reason for one.

use std::net::TcpListener;

use super::support::{Address, Page, Rpc, Scene};

const FIREFOX: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko";
const SECRET: &str = "Authorization: Basic dTpw";
const PROGRAM: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

/// Two servers on TCP: anybody comes in at one, and one has a password.
struct Site {
    scene: Scene,
    open: u16,
    locked: u16,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Site {
    fn start(more: &str) -> Site {
        let (open, locked) = (free_port(), free_port());
        let scene = Scene::start(&format!(
            "{PROGRAM}[inet_http_server:open]\nport=127.0.0.1:{open}\n{more}\
             [inet_http_server:locked]\nport=127.0.0.1:{locked}\nusername=u\npassword=p\n{more}"
        ));
        scene.wait("cat", "RUNNING");
        Site {
            scene,
            open,
            locked,
        }
    }

    /// Sends a request whose headers have `|` between them and its length added.
    fn ask(&self, port: u16, line: &str, headers: &str, body: &str) -> Page {
        let headers = match headers {
            "" => String::new(),
            headers => headers.replace('|', "\r\n") + "\r\n",
        };
        let length = match line.starts_with("POST ") && !headers.contains("Content-Length") {
            true => format!("Content-Length: {}\r\n", body.len()),
            false => String::new(),
        };
        let request =
            format!("{line} HTTP/1.1\r\nConnection: close\r\n{headers}{length}\r\n{body}");
        Rpc::new(Address::Port(port)).ask(&request)
    }

    /// The lines of the log that tell of a refusal.
    fn told(&self) -> Vec<String> {
        let log = self.scene.log();
        let lines = log.lines().filter(|line| line.contains("answered "));
        lines.map(str::to_owned).collect()
    }

    /// The token of the form that stops the program, as a reader sees it.
    fn token(&self, port: u16, headers: &str) -> String {
        let page = self.ask(port, "GET /", headers, "");
        assert_eq!(page.status, 200, "{}", page.body);
        page.token("value=\"cat\"").to_owned()
    }
}

/// The sentence of a page, as its reader sees it.
fn sentence(page: &Page) -> String {
    let text = page.body.replace("&quot;", "\"").replace("&#39;", "'");
    match text.split_once("role=\"alert\">") {
        Some((_, rest)) => rest.split("</p>").next().unwrap().to_owned(),
        None => {
            let (_, rest) = text.rsplit_once("<p>").unwrap();
            rest.split("\r\n").next().unwrap().to_owned()
        }
    }
}

/// Regression: the answer was a bare 403, and nothing stood in the log.
#[test]
fn every_button_was_dead_behind_a_proxy_that_hands_on_no_host() {
    let site = Site::start("");
    let proxied = |port: u16| format!("Host: 127.0.0.1:{port}|{FIREFOX}");
    for (port, secret) in [(site.open, ""), (site.locked, SECRET)] {
        for (origin, site_of_it) in [
            ("https://example.org", "same-origin"),
            ("http://10.0.0.1:8080", "same-origin"),
            ("null", "same-origin"),
            ("http://[2001:db8::1]", "none"),
        ] {
            let headers = format!("{}|{secret}", proxied(port));
            let headers = headers.trim_end_matches('|');
            let token = site.token(port, headers);
            let headers = format!("{headers}|Origin: {origin}|Sec-Fetch-Site: {site_of_it}");
            let form = |token: &str| format!("processname=cat&action=restart&token={token}");
            let before = site.scene.pid("cat");
            let answer = site.ask(port, "POST /", &headers, &form(&token));
            assert_eq!(answer.status, 303, "{origin}: {}", answer.body);
            assert_ne!(site.scene.pid("cat"), before);
            // Without a good token of this form another site may have sent it.
            let all = site.ask(port, "GET /", headers.split("|Origin").next().unwrap(), "");
            for token in ["", "1.AAAAAAAAAAAAAAAAAAAAAA", all.token("")] {
                let before = site.scene.pid("cat");
                let answer = site.ask(port, "POST /", &headers, &form(token));
                let told = sentence(&answer);
                assert_eq!(answer.status, 403, "{told}");
                assert_eq!(site.scene.pid("cat"), before);
                for part in [
                    format!("the Origin \"{origin}\""),
                    format!("the Host \"127.0.0.1:{port}\""),
                    "hand on Host".to_owned(),
                    "allowed_hosts".to_owned(),
                ] {
                    assert!(told.contains(&part), "{part} is not in {told}");
                }
            }
            // What changes nothing is not shown to others either.
            for form in ["", "action=refresh"] {
                assert_eq!(site.ask(port, "POST /", &headers, form).status, 403);
            }
        }
    }
    let told = site.told();
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "WARN answered 403 to \"POST / HTTP/1.1\" from 127.0.0.1:",
        "the Origin \"https://example.org\"",
        "the Host \"127.0.0.1:",
        "allowed_hosts=example.org",
    ] {
        assert!(told[0].contains(part), "{part} is not in {}", told[0]);
    }
    site.scene.stop();
}

#[test]
fn a_token_does_not_help_where_the_browser_tells_of_another_site() {
    let site = Site::start("");
    for (port, secret) in [(site.open, "X: y"), (site.locked, SECRET)] {
        let host = format!("Host: 127.0.0.1:{port}|{secret}");
        let token = site.token(port, &host);
        let form = format!("processname=cat&action=stop&token={token}");
        let headers = format!("{host}|Origin: https://evil.example|Sec-Fetch-Site: cross-site");
        let answer = site.ask(port, "POST /", &headers, &form);
        let told = sentence(&answer);
        assert_eq!(answer.status, 403, "{told}");
        assert!(told.contains("another site") && told.contains("\"https://evil.example\""));
        assert_eq!(site.scene.info("cat").text_of("statename"), "RUNNING");
    }
    assert!(site.told()[0].contains("another site has sent this request"));
    site.scene.stop();
}

/// The token is on the page: whoever must not have it must not read the page.
#[test]
fn after_dns_rebinding_no_page_is_read_and_no_token_helps() {
    let site = Site::start("");
    let token = site.token(site.open, &format!("Host: 127.0.0.1|{FIREFOX}"));
    let rebound = format!("Host: evil.example:{}|{FIREFOX}", site.open);
    for line in [
        "GET /",
        "GET /tail.html?processname=cat",
        "GET /mainlog.html",
        "GET /logtail/cat",
        "POST /RPC2",
    ] {
        let answer = site.ask(site.open, line, &rebound, "");
        let told = sentence(&answer);
        assert_eq!(answer.status, 403, "{line}");
        assert!(!answer.body.contains("token"), "{}", answer.body);
        assert!(told.contains("the Host \"evil.example:"), "{told}");
        assert!(told.contains("allowed_hosts=evil.example"), "{told}");
    }
    let form = format!("processname=cat&action=stop&token={token}");
    let same = format!("{rebound}|Origin: http://evil.example:{}", site.open);
    let other = format!("{rebound}|Origin: https://example.org");
    for headers in [&rebound, &same, &other] {
        assert_eq!(site.ask(site.open, "POST /", headers, &form).status, 403);
    }
    assert_eq!(site.scene.info("cat").text_of("statename"), "RUNNING");
    assert_eq!(site.told().len(), 1, "{:?}", site.told());
    site.scene.stop();
}

/// Regression: with a password `allowed_hosts` meant nothing, and without one only `Host`.
#[test]
fn allowed_hosts_admits_origins_with_a_password_too() {
    let site = Site::start("allowed_hosts=example.org, [2001:db8::1]\n");
    let call = "<methodCall><methodName>supervisor.getPID</methodName></methodCall>";
    for (port, secret) in [(site.open, "X: y"), (site.locked, SECRET)] {
        for (origin, expected) in [
            ("https://example.org", 200),
            ("http://EXAMPLE.org.:8080", 200),
            ("http://[2001:db8::1]:9001", 200),
            ("https://sub.example.org", 403),
            ("https://example.org.evil", 403),
            ("https://evil", 403),
            ("null", 403),
        ] {
            let headers = format!("Host: 127.0.0.1:{port}|{secret}|Origin: {origin}");
            let answer = site.ask(port, "POST /RPC2", &headers, call);
            assert_eq!(answer.status, expected, "{origin}: {}", answer.body);
            let headers = format!("{headers}|Sec-Fetch-Site: cross-site");
            let answer = site.ask(port, "POST /RPC2", &headers, call);
            assert_eq!(answer.status, expected, "{origin}: {}", answer.body);
        }
    }
    site.scene.stop();
}

/// Regression: the pages said `Forbidden` and `Bad Request`, and no more.
#[test]
fn every_refusal_says_why_on_its_page() {
    let site = Site::start("header_maxbytes=2KB\nbody_maxbytes=4KB\n");
    let long = format!("X: {}", "x".repeat(3000));
    for (line, headers, status, words) in [
        ("GET  /", "", 400, "no HTTP request"),
        ("BREW /", "", 400, "takes GET, HEAD and POST only"),
        ("GET /RPC2", "", 400, "takes POST only"),
        ("POST /RPC2", "Content-Length: x", 400, "Content-Length"),
        ("POST /RPC2", "", 400, "XML-RPC"),
        ("POST /?action=x", "", 200, ""),
        ("GET /?action=nonsense", "", 400, "action"),
        ("GET /nothing", "", 404, "nothing at this address"),
        ("GET /logtail/nobody", "", 404, "no such process"),
        ("GET /log.txt?processname=no", "", 404, "no such process"),
        ("GET /?action=stopall", "", 405, "web_get_actions=true"),
        ("PUT /RPC2", "Content-Length: 0", 400, "takes POST only"),
        (
            "POST /RPC2",
            "Transfer-Encoding: chunked|Content-Length: 0",
            411,
            "proxy",
        ),
        (
            "POST /RPC2",
            "Content-Length: 5000",
            413,
            "longer than 4096 bytes: body_maxbytes",
        ),
        (
            "GET /",
            &long,
            431,
            "longer than 2048 bytes: header_maxbytes",
        ),
        (
            "POST /RPC2",
            "Origin: http://a|Host: b",
            403,
            "the Origin \"http://a\"",
        ),
    ] {
        let answer = site.ask(site.open, line, headers, "");
        assert_eq!(answer.status, status, "{line} {headers}");
        if status != 200 {
            let told = sentence(&answer);
            assert!(
                told.contains(words) && told.ends_with('.'),
                "{line}: {told}"
            );
        }
    }
    for (headers, status, words) in [
        ("X: y", 401, "wants the username and the password"),
        (
            "Authorization: Basic eDp5",
            401,
            "is not that of this server",
        ),
        ("Authorization: Basic Zg", 400, "Base64"),
    ] {
        let answer = site.ask(site.locked, "GET /", headers, "");
        let told = sentence(&answer);
        assert_eq!(answer.status, status, "{headers}");
        assert!(told.contains(words), "{headers}: {told}");
    }
    // One line for each that is not plainly the client's mistake.
    let told = site.told();
    let statuses: Vec<&str> = told
        .iter()
        .map(|line| {
            line.split("answered ")
                .nth(1)
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(
        statuses,
        ["405", "411", "413", "431", "403", "401"],
        "{told:#?}"
    );
    assert!(told.iter().all(|line| line.contains(" WARN ")));
    assert!(!site.scene.log().contains("eDp5"));
    site.scene.stop();
}

/// What a client sends cannot make lines of its own, nor elements of the page, nor fill the log.
#[test]
fn hostile_values_are_shown_as_text_and_told_once() {
    let site = Site::start("");
    let long = "y".repeat(20_000);
    for (origin, status) in [
        ("<script>alert(1)</script>", 403),
        ("http://a\n2026-01-01 00:00:00,000 CRIT all is lost", 400),
        (
            "http://a\u{2028}2026-01-01 00:00:00,000 CRIT all is lost",
            403,
        ),
        ("http://\u{1b}[31m\u{7}\u{202e}\u{e9}", 403),
        (&long, 403),
    ] {
        let headers = format!("Host: 127.0.0.1|Origin: {origin}|Y: \"'&<");
        let line = format!("POST /RPC2?{}", "z".repeat(5000));
        let answer = site.ask(site.open, &line, &headers, "");
        assert_eq!(answer.status, status);
        assert!(!answer.body.contains("<script>"));
        assert!(
            answer.body.is_ascii() && answer.body.len() < 2000,
            "{}",
            answer.body
        );
        assert!(
            !answer
                .body
                .contains(|c: char| c.is_control() && !"\r\n".contains(c))
        );
        let lines = answer.body.matches("\r\n").count();
        assert_eq!(answer.body.matches('\n').count(), lines);
    }
    for _ in 0..500 {
        site.ask(
            site.open,
            "POST /RPC2",
            "Host: 127.0.0.1|Origin: http://b",
            "",
        );
    }
    let log = site.scene.log();
    assert!(!log.contains("\nall is lost") && !log.contains('\u{1b}'));
    assert!(log.is_ascii());
    assert_eq!(site.told().len(), 1, "{:?}", site.told());
    assert!(site.told()[0].len() < 1500);
    site.scene.stop();
}

/// Regression: how a client that follows a log is refused did not say what to do.
#[test]
fn too_many_followers_are_told_what_to_raise() {
    let site = Site::start("max_connections=4\n");
    let mut followers = Vec::new();
    let refused = loop {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", site.open)).unwrap();
        stream
            .set_read_timeout(Some(super::support::DEADLINE))
            .unwrap();
        let request = b"GET /mainlogtail HTTP/1.1\r\nConnection: close\r\n\r\n";
        std::io::Write::write_all(&mut stream, request).unwrap();
        let mut start = [0; 12];
        std::io::Read::read_exact(&mut stream, &mut start).unwrap();
        if start.ends_with(b"503") {
            let mut rest = String::new();
            std::io::Read::read_to_string(&mut stream, &mut rest).unwrap();
            break rest;
        }
        followers.push(stream);
        assert!(followers.len() <= 4);
    };
    assert_eq!(followers.len(), 2);
    assert!(refused.contains("raise max_connections"), "{refused}");
    assert!(site.told()[0].contains("answered 503 to \"GET /mainlogtail HTTP/1.1\""));
    site.scene.stop();
}
