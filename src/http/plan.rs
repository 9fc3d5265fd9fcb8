//! What to do about a request, from its head alone: who may ask, what body
//! will come, and where the path leads.

use crate::http::door::Door;
use crate::http::guard::Admission;
use crate::http::refusal::Refusal;
use crate::http::request::{Head, Length, Version, percent_decode};
use crate::web::form::FORM_LIMIT;
use crate::web::route::{Method, Page, Visit};

/// What to do about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Read the body and call the method in it.
    Call {
        /// The body's length in bytes.
        length: u64,
        /// Whether the client waits for `100 Continue` first.
        announce: bool,
    },
    /// Follow a process's log.
    ProcessLog {
        /// `name` or `group:name`.
        name: String,
        /// `stdout` unless another is named.
        channel: String,
    },
    /// Follow the main log.
    MainLog,
    /// Bring a page, after the body of its form.
    Page {
        /// What is asked for.
        visit: Visit,
        /// The body's length in bytes.
        length: u64,
        /// Whether the client waits for `100 Continue` first.
        announce: bool,
    },
    /// Read and drop the body, then refuse.
    Refuse {
        /// Why.
        why: Refusal,
        /// The body's length in bytes.
        discard: u64,
    },
    /// Refuse at once and close: what follows is not wanted, or nobody knows
    /// where it ends.
    RefuseAndClose(Refusal),
}

/// The plan for a request to a server with these rules.
pub fn of(head: &Head, door: &Door) -> Plan {
    let route = route(head);
    let sender = match door.admit(head) {
        Ok(Admission::Free) => None,
        // Whether the form has a good token is known to the page that it is for.
        Ok(Admission::WithToken(sender)) => match route {
            Ok(Target::Page(_, Method::Post)) => Some(sender),
            _ => return Plan::RefuseAndClose(Refusal::Origin(sender)),
        },
        Err(why) => return Plan::RefuseAndClose(why),
    };
    let length = match head.length() {
        Length::Missing => None,
        Length::Bytes(length) if length <= door.limits.body => Some(length),
        Length::Bytes(_) => return Plan::RefuseAndClose(Refusal::LongBody(door.limits.body)),
        Length::Encoded => return Plan::RefuseAndClose(Refusal::Encoded),
        Length::Invalid => return Plan::RefuseAndClose(Refusal::BadLength),
    };
    match (route, length) {
        (Ok(Target::Rpc), Some(length)) => Plan::Call {
            length,
            announce: is_announced(head, length),
        },
        (Ok(Target::Page(page, Method::Post)), Some(length)) => match length {
            ..=FORM_LIMIT => Plan::Page {
                visit: Visit {
                    sender,
                    ..visit(head, page, Method::Post)
                },
                length,
                announce: is_announced(head, length),
            },
            _ => Plan::RefuseAndClose(Refusal::LongForm(FORM_LIMIT)),
        },
        (Ok(Target::Rpc | Target::Page(_, Method::Post)), None) => {
            Plan::RefuseAndClose(Refusal::NoLength)
        }
        // A body that nobody reads would be taken for the next request.
        (Ok(_), Some(1..)) => Plan::RefuseAndClose(Refusal::UnwantedBody),
        (Ok(Target::ProcessLog { name, channel }), _) => Plan::ProcessLog { name, channel },
        (Ok(Target::MainLog), _) => Plan::MainLog,
        (Ok(Target::Page(page, method)), _) => Plan::Page {
            visit: visit(head, page, method),
            length: 0,
            announce: false,
        },
        (Err(why), length) => {
            let discard = length.unwrap_or(0);
            if discard > door.limits.unauthenticated_body || head.expects_continue() {
                Plan::RefuseAndClose(why)
            } else {
                Plan::Refuse { why, discard }
            }
        }
    }
}

fn is_announced(head: &Head, length: u64) -> bool {
    length > 0 && head.version == Version::Http11 && head.expects_continue()
}

fn visit(head: &Head, page: Page, method: Method) -> Visit {
    Visit {
        page,
        method,
        query: head.query.clone().unwrap_or_default(),
        form: Vec::new(),
        sender: None,
    }
}

enum Target {
    Rpc,
    ProcessLog { name: String, channel: String },
    MainLog,
    Page(Page, Method),
}

/// Prefixes count, as in 4.3.0: `/RPC2/`, `/RPC2x` and `/%52PC2` are all the
/// XML-RPC interface, `//RPC2` is not.
fn route(head: &Head) -> Result<Target, Refusal> {
    let path = head.path.as_str();
    let (target, methods) = if path.starts_with("/RPC2") {
        (Ok(Target::Rpc), "POST")
    } else if path.starts_with("/logtail") {
        (process_log(path), "GET")
    } else if path.starts_with("/mainlogtail") {
        (Ok(Target::MainLog), "GET")
    } else if let Some(page) = Page::at(path) {
        let method = page.method(&head.method);
        let method = method.ok_or(Refusal::Method(page.methods()))?;
        return Ok(Target::Page(page, method));
    } else {
        (Err(Refusal::NotFound), "GET and HEAD")
    };
    match methods.split(" and ").any(|method| method == head.method) {
        true => target,
        false => Err(Refusal::Method(methods)),
    }
}

/// `/logtail/NAME[/CHANNEL]`: what the first segment adds to its prefix does
/// not matter, and names are percent-decoded once more.
fn process_log(path: &str) -> Result<Target, Refusal> {
    let decoded = percent_decode(path);
    let mut segments = decoded.trim_start_matches('/').splitn(3, '/').skip(1);
    let name = segments.next().ok_or(Refusal::NoLog)?.to_owned();
    let channel = segments.next().unwrap_or("stdout").to_owned();
    Ok(Target::ProcessLog { name, channel })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Credentials;
    use crate::http::buffer::Buffer;
    use crate::http::guard::Guard;
    use crate::http::request::HeadParser;

    fn plan(request: &str, credentials: Option<&Credentials>) -> Plan {
        let credentials = credentials.cloned();
        plan_at(
            request,
            &Door {
                credentials,
                ..Door::default()
            },
        )
    }

    fn plan_at(request: &str, door: &Door) -> Plan {
        let mut input = Buffer::default();
        input.extend(format!("{request}\r\n\r\n").as_bytes());
        let head = HeadParser::new(1 << 16).take(&mut input).unwrap().unwrap();
        of(&head, door)
    }

    #[test]
    fn prefixes_and_methods_decide() {
        let log = |name: &str, channel: &str| Plan::ProcessLog {
            name: name.to_owned(),
            channel: channel.to_owned(),
        };
        let refuse = |why| Plan::Refuse { why, discard: 0 };
        let takes = |methods| refuse(Refusal::Method(methods));
        for (line, expected) in [
            ("POST /RPC2", Plan::RefuseAndClose(Refusal::NoLength)),
            ("POST /RPC2/", Plan::RefuseAndClose(Refusal::NoLength)),
            ("POST /RPC2xyz?a=b", Plan::RefuseAndClose(Refusal::NoLength)),
            ("POST /%52PC2", Plan::RefuseAndClose(Refusal::NoLength)),
            ("GET /RPC2", takes("POST")),
            ("post /RPC2", takes("POST")),
            ("POST /rpc2", takes("GET and HEAD")),
            ("POST //RPC2", takes("GET and HEAD")),
            ("GET /logtail/cat", log("cat", "stdout")),
            ("GET /logtailfoo/g:cat/stderr", log("g:cat", "stderr")),
            ("GET /logtail/g%253Acat/stdout", log("g:cat", "stdout")),
            ("GET /logtail/cat/", log("cat", "")),
            ("GET /logtail/cat/stdout/x", log("cat", "stdout/x")),
            ("GET /logtail/", log("", "stdout")),
            ("GET /logtail", refuse(Refusal::NoLog)),
            ("GET //logtail/cat", refuse(Refusal::NotFound)),
            ("POST /logtail/cat", takes("GET")),
            ("GET /mainlogtail", Plan::MainLog),
            ("GET /mainlogtailx/y", Plan::MainLog),
            ("HEAD /mainlogtail", takes("GET")),
            ("GET http://h/RPC2", refuse(Refusal::NotFound)),
            ("HEAD /x", refuse(Refusal::NotFound)),
            ("PUT /x", takes("GET and HEAD")),
            ("PRI *", takes("GET and HEAD")),
        ] {
            assert_eq!(plan(&format!("{line} HTTP/1.1"), None), expected, "{line}");
        }
    }

    #[test]
    fn pages_are_asked_for_and_given_forms() {
        let page = |page, method, query: &str, length, announce| Plan::Page {
            visit: Visit {
                page,
                method,
                query: query.to_owned(),
                form: Vec::new(),
                sender: None,
            },
            length,
            announce,
        };
        for (request, expected) in [
            (
                "GET /?a=%41 HTTP/1.1",
                page(Page::Status, Method::Get, "a=%41", 0, false),
            ),
            (
                "HEAD /index.html HTTP/1.1",
                page(Page::Status, Method::Head, "", 0, false),
            ),
            (
                "POST /tail.html?x=y HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue",
                page(Page::Tail, Method::Post, "x=y", 5, true),
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 65536",
                page(Page::Status, Method::Post, "", 65536, false),
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
                    why: Refusal::Method("GET and HEAD"),
                    discard: 5,
                },
            ),
            (
                "DELETE / HTTP/1.1",
                Plan::Refuse {
                    why: Refusal::Method("GET, HEAD and POST"),
                    discard: 0,
                },
            ),
        ] {
            assert_eq!(plan(request, None), expected, "{request}");
        }
    }

    #[test]
    fn bodies_are_read_dropped_or_the_end() {
        let call = |length, announce| Plan::Call { length, announce };
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
                Plan::RefuseAndClose(Refusal::Method("GET and HEAD")),
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
                Plan::MainLog,
            ),
        ] {
            assert_eq!(plan(request, Some(&credentials)), expected, "{request}");
        }
    }

    #[test]
    fn the_limits_on_bodies_are_those_of_the_server() {
        let mut door = Door::default();
        door.limits.body = 10;
        door.limits.unauthenticated_body = 5;
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
            let plan = plan_at(&request, &door);
            match expected {
                None => assert!(matches!(plan, Plan::Call { .. }), "{plan:?}"),
                Some(expected) => assert_eq!(plan, expected, "{request}"),
            }
        }
    }

    #[test]
    fn browsers_from_elsewhere_are_refused_after_the_password_and_before_the_body() {
        let mut door = Door {
            guard: Some(Guard {
                open: true,
                ..Guard::default()
            }),
            ..Door::default()
        };
        let request = "POST /RPC2 HTTP/1.1\r\nHost: evil\r\nOrigin: http://evil\r\n\
                       Content-Length: 5";
        assert!(matches!(
            plan_at(request, &door),
            Plan::RefuseAndClose(Refusal::UnknownHost(_))
        ));
        let script = "POST /RPC2 HTTP/1.1\r\nHost: evil\r\nContent-Length: 5";
        assert!(matches!(plan_at(script, &door), Plan::Call { .. }));
        // The absolute form leads nowhere, so that its host needs no look.
        let absolute = "POST http://127.0.0.1/RPC2 HTTP/1.1\r\nHost: evil\r\nContent-Length: 5";
        assert!(matches!(
            plan_at(absolute, &door),
            Plan::Refuse {
                why: Refusal::Method(_),
                ..
            }
        ));
        door.credentials = Some(Credentials {
            username: "user".to_owned(),
            password: "pass".to_owned(),
        });
        assert_eq!(
            plan_at(request, &door),
            Plan::RefuseAndClose(Refusal::NoCredentials)
        );
    }

    /// Only the page that a form is for can look at its token.
    #[test]
    fn only_forms_of_pages_may_make_up_for_an_origin_by_a_token() {
        let door = Door {
            guard: Some(Guard::default()),
            ..Door::default()
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
            let plan = plan_at(&format!("{line} {origin}"), &door);
            match plan {
                Plan::Page { visit, .. } => {
                    assert!(waits_for_token && visit.sender.is_some(), "{line}");
                }
                Plan::RefuseAndClose(Refusal::Origin(_)) => assert!(!waits_for_token, "{line}"),
                other => panic!("{line}: {other:?}"),
            }
        }
    }
}
