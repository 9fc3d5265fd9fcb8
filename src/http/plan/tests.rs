use super::*;
use crate::config::Credentials;
use crate::config::monitoring::Monitoring;
use crate::http::buffer::Buffer;
use crate::http::guard::Guard;
use crate::http::request::HeadParser;
use crate::http::routes::Page;
use crate::tokens::Mark;

fn plan(request: &str, credentials: Option<&Credentials>) -> Plan {
    let credentials = credentials.cloned();
    plan_at(
        request,
        &AccessPolicy {
            credentials,
            ..AccessPolicy::default()
        },
    )
}

fn plan_at(request: &str, policy: &AccessPolicy) -> Plan {
    let mut input = Buffer::default();
    input.extend(format!("{request}\r\n\r\n").as_bytes());
    let head = HeadParser::new(1 << 16).take(&mut input).unwrap().unwrap();
    of(&head, policy)
}

const GET: &[Method] = &[Method::Get];
const POST: &[Method] = &[Method::Post];
const READ: &[Method] = &[Method::Get, Method::Head];
const ALL: &[Method] = &[Method::Get, Method::Head, Method::Post];

/// The plan for a request of that line.
fn read(handler: Handler, line: &str, length: u64, announce: bool) -> Plan {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let method = ALL.iter().find(|known| known.name() == method);
    Plan::Read {
        request: Request {
            handler,
            method: *method.unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: Vec::new(),
            access: Access::Full,
            sender: None,
        },
        length,
        announce,
    }
}

#[test]
fn prefixes_and_methods_decide() {
    let log = |line| read(Handler::FollowProcessLog, line, 0, false);
    let main_log = |line| read(Handler::FollowMainLog, line, 0, false);
    let refuse = |why| Plan::Refuse { why, discard: 0 };
    let takes = |methods| refuse(Refusal::Method(methods));
    for (line, expected) in [
        ("POST /RPC2", Plan::RefuseAndClose(Refusal::NoLength)),
        ("POST /RPC2/", Plan::RefuseAndClose(Refusal::NoLength)),
        ("POST /RPC2xyz?a=b", Plan::RefuseAndClose(Refusal::NoLength)),
        ("POST /%52PC2", Plan::RefuseAndClose(Refusal::NoLength)),
        ("GET /RPC2", takes(POST)),
        ("post /RPC2", takes(POST)),
        ("POST /rpc2", takes(READ)),
        ("POST //RPC2", takes(READ)),
        ("GET /logtail/cat", log("GET /logtail/cat")),
        (
            "GET /logtailfoo/g:cat/stderr",
            log("GET /logtailfoo/g:cat/stderr"),
        ),
        ("GET /logtail/g%253Acat", log("GET /logtail/g%3Acat")),
        ("GET /logtail/cat/", log("GET /logtail/cat/")),
        (
            "GET /logtail/cat/stdout/x",
            log("GET /logtail/cat/stdout/x"),
        ),
        ("GET /logtail/", log("GET /logtail/")),
        ("GET /logtail", refuse(Refusal::NoLog)),
        ("GET //logtail/cat", refuse(Refusal::NotFound)),
        ("POST /logtail/cat", takes(GET)),
        ("GET /mainlogtail", main_log("GET /mainlogtail")),
        ("GET /mainlogtailx/y", main_log("GET /mainlogtailx/y")),
        ("HEAD /mainlogtail", takes(GET)),
        ("GET http://h/RPC2", refuse(Refusal::NotFound)),
        ("HEAD /x", refuse(Refusal::NotFound)),
        ("PUT /x", takes(READ)),
        ("PRI *", takes(READ)),
    ] {
        assert_eq!(plan(&format!("{line} HTTP/1.1"), None), expected, "{line}");
    }
}

#[test]
fn pages_are_asked_for_and_given_forms() {
    let page =
        |page, line: &str, length, announce| read(Handler::Page(page), line, length, announce);
    for (request, expected) in [
        (
            "GET /?a=%41 HTTP/1.1",
            page(Page::Status, "GET /?a=%41", 0, false),
        ),
        (
            "HEAD /index.html HTTP/1.1",
            page(Page::Status, "HEAD /index.html", 0, false),
        ),
        (
            "POST /tail.html?x=y HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue",
            page(Page::Tail, "POST /tail.html?x=y", 5, true),
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 65536",
            page(Page::Status, "POST /", 65536, false),
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 65537",
            Plan::RefuseAndClose(Refusal::LongForm(65536)),
        ),
        ("POST / HTTP/1.1", Plan::RefuseAndClose(Refusal::NoLength)),
        (
            "GET / HTTP/1.1\r\nContent-Length: 5",
            Plan::RefuseAndClose(Refusal::UnwantedBody),
        ),
        (
            "POST /log.txt HTTP/1.1\r\nContent-Length: 5",
            Plan::Refuse {
                why: Refusal::Method(READ),
                discard: 5,
            },
        ),
        (
            "DELETE / HTTP/1.1",
            Plan::Refuse {
                why: Refusal::Method(ALL),
                discard: 0,
            },
        ),
    ] {
        assert_eq!(plan(request, None), expected, "{request}");
    }
}

#[test]
fn bodies_are_read_dropped_or_the_end() {
    let call = |length, announce| read(Handler::Call, "POST /RPC2", length, announce);
    for (request, expected) in [
        ("POST /RPC2 HTTP/1.1\r\nContent-Length: 0", call(0, false)),
        ("POST /RPC2 HTTP/1.1\r\nContent-Length: 5", call(5, false)),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-Continue",
            call(5, true),
        ),
        (
            "POST /RPC2 HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue",
            call(5, false),
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 16777217",
            Plan::RefuseAndClose(Refusal::LongBody(16 << 20)),
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: -5",
            Plan::RefuseAndClose(Refusal::BadLength),
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked",
            Plan::RefuseAndClose(Refusal::Encoded),
        ),
        (
            "GET /x HTTP/1.1\r\nContent-Length: 5",
            Plan::Refuse {
                why: Refusal::NotFound,
                discard: 5,
            },
        ),
        (
            "GET /x HTTP/1.1\r\nContent-Length: 3000000",
            Plan::RefuseAndClose(Refusal::NotFound),
        ),
        (
            "PUT /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue",
            Plan::RefuseAndClose(Refusal::Method(READ)),
        ),
    ] {
        assert_eq!(plan(request, None), expected, "{request}");
    }
}

#[test]
fn without_credentials_nothing_else_is_looked_at() {
    let credentials = Credentials {
        username: "user".to_owned(),
        password: "pass".to_owned(),
    };
    for (request, expected) in [
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 99999999",
            Plan::RefuseAndClose(Refusal::NoCredentials),
        ),
        (
            "GET /nowhere HTTP/1.1",
            Plan::RefuseAndClose(Refusal::NoCredentials),
        ),
        (
            "GET / HTTP/1.1\r\nAuthorization: Basic dTpw",
            Plan::RefuseAndClose(Refusal::WrongCredentials),
        ),
        (
            "GET / HTTP/1.1\r\nAuthorization: Basic Zg",
            Plan::RefuseAndClose(Refusal::BadCredentials),
        ),
        (
            "GET /mainlogtail HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz",
            read(Handler::FollowMainLog, "GET /mainlogtail", 0, false),
        ),
    ] {
        assert_eq!(plan(request, Some(&credentials)), expected, "{request}");
    }
}

#[test]
fn the_limits_on_bodies_are_those_of_the_server() {
    let mut policy = AccessPolicy::default();
    policy.limits.body = 10;
    policy.limits.unauthenticated_body = 5;
    let refuse = |discard| Plan::Refuse {
        why: Refusal::NotFound,
        discard,
    };
    for (path, length, expected) in [
        ("/RPC2", 10, None),
        (
            "/RPC2",
            11,
            Some(Plan::RefuseAndClose(Refusal::LongBody(10))),
        ),
        ("/x", 5, Some(refuse(5))),
        ("/x", 6, Some(Plan::RefuseAndClose(Refusal::NotFound))),
    ] {
        let method = if path == "/x" { "GET" } else { "POST" };
        let request = format!("{method} {path} HTTP/1.1\r\nContent-Length: {length}");
        let plan = plan_at(&request, &policy);
        match expected {
            None => assert!(matches!(plan, Plan::Read { .. }), "{plan:?}"),
            Some(expected) => assert_eq!(plan, expected, "{request}"),
        }
    }
}

#[test]
fn browsers_from_elsewhere_are_refused_after_the_password_and_before_the_body() {
    let mut policy = AccessPolicy {
        guard: Some(Guard {
            open: true,
            ..Guard::default()
        }),
        ..AccessPolicy::default()
    };
    let request = "POST /RPC2 HTTP/1.1\r\nHost: evil\r\nOrigin: http://evil\r\n\
                   Content-Length: 5";
    assert!(matches!(
        plan_at(request, &policy),
        Plan::RefuseAndClose(Refusal::UnknownHost(_))
    ));
    let script = "POST /RPC2 HTTP/1.1\r\nHost: evil\r\nContent-Length: 5";
    assert!(matches!(plan_at(script, &policy), Plan::Read { .. }));
    // The absolute form leads nowhere, so that its host needs no look.
    let absolute = "POST http://127.0.0.1/RPC2 HTTP/1.1\r\nHost: evil\r\nContent-Length: 5";
    assert!(matches!(
        plan_at(absolute, &policy),
        Plan::Refuse {
            why: Refusal::Method(_),
            ..
        }
    ));
    policy.credentials = Some(Credentials {
        username: "user".to_owned(),
        password: "pass".to_owned(),
    });
    assert_eq!(
        plan_at(request, &policy),
        Plan::RefuseAndClose(Refusal::NoCredentials)
    );
}

/// Only the page that a form is for can look at its token.
#[test]
fn only_forms_of_pages_may_make_up_for_an_origin_by_a_token() {
    let policy = AccessPolicy {
        guard: Some(Guard::default()),
        ..AccessPolicy::default()
    };
    let origin = "HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nOrigin: https://example.org\r\n\
                  Content-Length: 5";
    for (line, waits_for_token) in [
        ("POST /", true),
        ("POST /index.html?a=b", true),
        ("POST /tail.html", true),
        ("POST /mainlog.html", true),
        ("POST /RPC2", false),
        ("GET /", false),
        ("GET /logtail/p", false),
        ("POST /nowhere", false),
    ] {
        let plan = plan_at(&format!("{line} {origin}"), &policy);
        match plan {
            Plan::Read { request, .. } => {
                assert!(waits_for_token && request.sender.is_some(), "{line}");
            }
            Plan::RefuseAndClose(Refusal::Origin(_)) => assert!(!waits_for_token, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn only_what_is_offered_is_there_and_a_probe_makes_nobody_known() {
    let secret = Some(Credentials {
        username: "u".to_owned(),
        password: "p".to_owned(),
    });
    let policy = |health_pages, metrics| AccessPolicy {
        credentials: secret.clone(),
        monitoring: Monitoring {
            metrics,
            health_pages,
            ..Monitoring::default()
        },
        ..AccessPolicy::default()
    };
    let known = "Authorization: Basic dTpw";
    let metrics = Handler::Metrics(Mark::BEGIN);
    for (line, headers, offered, not_offered) in [
        ("GET /healthz", "", Ok(Handler::Alive), Err(401)),
        ("HEAD /readyz", "", Ok(Handler::Ready), Err(401)),
        ("GET //readyz?x=y", "", Ok(Handler::Ready), Err(401)),
        ("POST /healthz", "Content-Length: 2", Err(400), Err(401)),
        ("GET /healthz", "Content-Length: 2", Err(400), Err(401)),
        ("GET /metrics", "", Err(401), Err(401)),
        ("GET /metrics", known, Ok(metrics), Err(404)),
        ("HEAD /metrics", known, Err(400), Err(404)),
        ("GET /healthz", known, Ok(Handler::Alive), Err(404)),
    ] {
        for (expected, policy) in [
            (offered, policy(true, true)),
            (not_offered, policy(false, false)),
        ] {
            let headers = match headers {
                "" => String::new(),
                headers => format!("\r\n{headers}"),
            };
            let plan = plan_at(&format!("{line} HTTP/1.1{headers}"), &policy);
            let is_known = plan.lets_in();
            let found = match plan {
                Plan::Read { request, .. } => Ok(request.handler),
                Plan::Refuse { why, .. } | Plan::RefuseAndClose(why) => Err(why.status()),
            };
            assert_eq!(found, expected, "{line} {headers}");
            // Who shows no password stays a stranger, whatever was asked for.
            assert_eq!(
                is_known,
                headers.contains(known) && found != Ok(Handler::Alive)
            );
        }
    }
}
