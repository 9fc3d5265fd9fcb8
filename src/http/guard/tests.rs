use super::*;
use crate::http::buffer::Buffer;
use crate::http::request::HeadParser;
use crate::http::routes::Route;

fn admits(open: bool, method: &str, headers: &str) -> bool {
    admits_to(open, method, "/RPC2", headers)
}

fn judge(
    open: bool,
    method: &str,
    path: &str,
    headers: &str,
) -> Result<Option<Box<Sender>>, Refusal> {
    let mut input = Buffer::default();
    let headers = headers.replace('|', "\r\n");
    input.extend(format!("{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n").as_bytes());
    let head = HeadParser::new(1 << 16).take(&mut input).unwrap().unwrap();
    let guard = Guard {
        open,
        names: vec!["web1.example.com".to_owned(), "web1".to_owned()],
        allowed: vec!["boss.example".to_owned(), "[::5]".to_owned()],
    };
    let route = Route::at(&head.path);
    guard.judge(&head, route.map_or(Browsers::Usual, |route| route.browsers))
}

fn admits_to(open: bool, method: &str, path: &str, headers: &str) -> bool {
    judge(open, method, path, headers) == Ok(None)
}

#[test]
fn an_origin_must_match_the_host_with_and_without_a_password() {
    for (headers, expected) in [
        ("Host: web1|Origin: http://web1", true),
        ("Host: WEB1|Origin: http://web1", true),
        ("Host: web1.|Origin: http://Web1", true),
        ("Host: web1:80|Origin: http://web1", true),
        ("Host: web1|Origin: http://web1:80", true),
        ("Host: web1|Origin: https://web1", true),
        ("Host: web1:443|Origin: https://web1", true),
        ("Host: web1:9001|Origin: http://web1:9001", true),
        ("Host: web1:9001|Origin: HTTP://web1:9001", true),
        ("Host: 127.0.0.1:9001|Origin: http://127.0.0.1:9001", true),
        ("Host: [::1]:9001|Origin: http://[::1]:9001", true),
        ("Host: web1|Host: web1|Origin: http://web1", true),
        ("Host: web1:9001|Origin: http://web1:9002", false),
        ("Host: web1:9001|Origin: http://web1", false),
        ("Host: web1:443|Origin: http://web1", false),
        ("Host: web1|Origin: http://web1.evil", false),
        ("Host: web1|Origin: http://evil", false),
        ("Host: localhost|Origin: http://127.0.0.1", false),
        ("Host: [::1]|Origin: http://[::2]", false),
        ("Host: web1|Origin: null", false),
        ("Host: null|Origin: null", false),
        ("Host: web1|Origin:", false),
        ("Host: web1|Origin: web1", false),
        ("Host: web1|Origin: file://", false),
        ("Host: web1|Origin: ftp://web1", false),
        ("Host: web1|Origin: http://u@web1", false),
        ("Host: web1|Origin: http://web1/", false),
        ("Host: web1|Origin: http://web1|Origin: http://evil", false),
        ("Host: web1|Host: evil|Origin: http://web1", false),
        ("Host: evil|Host: web1|Origin: http://web1", false),
        ("Origin: http://web1", false),
        ("Host:|Origin: http://web1", false),
        ("Host: web1:x|Origin: http://web1", false),
        ("Host: web1:99999|Origin: http://web1:99999", false),
    ] {
        for method in ["GET", "POST"] {
            assert_eq!(admits(false, method, headers), expected, "{headers}");
            assert_eq!(admits(true, method, headers), expected, "{headers}");
        }
    }
}

#[test]
fn what_another_site_posts_is_refused() {
    for (method, site, expected) in [
        ("POST", "cross-site", false),
        ("POST", "Cross-Site", false),
        ("PUT", "cross-site", false),
        ("POST", "same-origin", true),
        ("POST", "none", true),
        ("GET", "cross-site", true),
        ("HEAD", "cross-site", true),
    ] {
        let headers = format!("Host: web1|Sec-Fetch-Site: {site}");
        for open in [false, true] {
            assert_eq!(admits(open, method, &headers), expected, "{method} {site}");
        }
    }
}

#[test]
fn another_site_may_not_follow_logs() {
    for (path, expected) in [
        ("/logtail/p", false),
        ("/logtailx/p/stderr", false),
        ("/mainlogtail", false),
        ("/%6dainlogtail", false),
        ("/mainlog.html", true),
        ("/", true),
    ] {
        for open in [false, true] {
            let with = |site: &str| {
                let headers = format!("Host: web1|Sec-Fetch-Site: {site}");
                admits_to(open, "GET", path, &headers)
            };
            assert_eq!(with("cross-site"), expected, "{path}");
            assert!(with("same-origin"), "{path}");
        }
    }
}

#[test]
fn without_a_password_browsers_must_use_a_name_that_is_known() {
    const FIREFOX: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)";
    for (host, expected) in [
        ("127.0.0.1", true),
        ("127.0.0.1:9001", true),
        ("10.1.2.3:80", true),
        ("[::1]", true),
        ("[::1]:9001", true),
        ("[fe80::1%25eth0]:9001", true),
        ("localhost", true),
        ("LOCALHOST.:9001", true),
        ("web1", true),
        ("Web1:9001", true),
        ("web1.example.com", true),
        ("WEB1.Example.COM.:9001", true),
        ("web1.example.com.evil", false),
        ("evilweb1", false),
        ("evil", false),
        ("evil:9001", false),
        ("localhost.evil", false),
        ("127.0.0.1.evil", false),
        ("127.0.0.1.", false),
        ("127.1", false),
        ("0x7f.0.0.1", false),
        ("2130706433", false),
        ("::1", false),
        ("[::1", false),
        ("[evil]", false),
        ("[::1]evil", false),
        ("evil@127.0.0.1", false),
        ("127.0.0.1@evil", false),
        ("127.0.0.1:9001:evil", false),
        ("127.0.0.1, evil", false),
        ("", false),
    ] {
        for sign in [FIREFOX, "Sec-Fetch-Site: none", "User-Agent: x mozilla"] {
            let headers = format!("Host: {host}|{sign}");
            assert_eq!(admits(true, "GET", &headers), expected, "{headers}");
            // The password is what other pages do not know.
            assert!(admits(false, "GET", &headers), "{headers}");
        }
        assert!(admits(true, "POST", &format!("Host: {host}")), "{host}");
        let agent = format!("Host: {host}|User-Agent: curl/8.0");
        assert!(admits(true, "POST", &agent), "{host}");
    }
    assert!(!admits(true, "GET", FIREFOX));
    let twice = format!("Host: 127.0.0.1|Host: evil|{FIREFOX}");
    assert!(!admits(true, "GET", &twice));
    assert!(admits(true, "POST", "User-Agent: Python-xmlrpc/3.11"));
    assert!(admits(true, "POST", "Host: a|Host: b"));
}

/// Regression: `allowed_hosts` was for servers without a password and for `Host` alone.
#[test]
fn sites_that_the_operator_trusts_may_send_requests() {
    for (headers, expected) in [
        ("Host: 127.0.0.1:9001|Origin: https://boss.example", true),
        ("Host: 127.0.0.1:9001|Origin: http://BOSS.example.:81", true),
        (
            "Host: web1|Origin: https://boss.example|Sec-Fetch-Site: cross-site",
            true,
        ),
        ("Host: 127.0.0.1|Origin: http://[::5]:80", true),
        ("Host: boss.example|Origin: https://boss.example", true),
        ("Host: 127.0.0.1|Origin: https://boss.example.evil", false),
        ("Host: 127.0.0.1|Origin: https://notboss.example", false),
        ("Host: 127.0.0.1|Origin: ftp://boss.example", false),
        ("Host: 127.0.0.1|Origin: https://u@boss.example", false),
        (
            "Host: 127.0.0.1|Origin: https://boss.example|Origin: http://evil",
            false,
        ),
        // A name of this machine has other servers too, on other ports.
        ("Host: 127.0.0.1|Origin: http://web1", false),
        ("Host: 127.0.0.1|Origin: http://localhost", false),
    ] {
        for open in [false, true] {
            assert_eq!(admits(open, "POST", headers), expected, "{headers}");
        }
    }
    let rebound = "Host: evil|Origin: https://boss.example";
    assert!(admits(false, "POST", rebound) && !admits(true, "POST", rebound));
}

#[test]
fn a_token_makes_up_for_an_origin_and_for_nothing_else() {
    for (headers, open, expected) in [
        (
            "Host: 127.0.0.1:9001|Origin: https://example.org",
            "token",
            "token",
        ),
        ("Host: 127.0.0.1:9001|Origin: null", "token", "token"),
        ("Origin: https://example.org", "host", "token"),
        ("Host: evil|Origin: http://other", "host", "token"),
        ("Host: evil|Origin: http://evil", "host", "free"),
        ("Host: evil|User-Agent: Mozilla/5.0", "host", "free"),
        (
            "Host: web1|Origin: http://evil|Sec-Fetch-Site: cross-site",
            "site",
            "site",
        ),
        (
            "Host: web1|Origin: http://evil|Sec-Fetch-Site: same-site",
            "token",
            "token",
        ),
    ] {
        for (is_open, expected) in [(true, open), (false, expected)] {
            let found = match judge(is_open, "POST", "/", headers) {
                Ok(None) => "free",
                Ok(Some(_)) => "token",
                Err(Refusal::UnknownHost(_)) => "host",
                Err(Refusal::CrossSite(_)) => "site",
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{headers} {is_open}");
        }
    }
}
