//! The one table of what the servers answer: the path, the methods that it takes,
//! what is asked of browsers there, how much the client must be allowed to do, and who
//! handles the request. The password, where there is one, is asked for everywhere but where
//! [`Handler::is_public`] says so. A new route is a line here and a case where its handler is
//! chosen.

use crate::config::monitoring::Monitoring;
use crate::http::access::Access;
use crate::http::refusal::Refusal;
use crate::http::request::{Head, Method, percent_decode};
use crate::tokens::Mark;

/// A line of the table.
#[derive(Debug)]
pub struct Route {
    path: Path,
    methods: &'static [Method],
    pub browsers: Browsers,
    /// What it takes to be answered. What a call or a form asks for may take more, which
    /// the tables of methods and of forms say.
    pub access: Access,
    pub handler: Handler,
}

/// Which paths a route is for.
#[derive(Debug)]
enum Path {
    /// Those that begin so, as in 4.3.0: `/RPC2/`, `/RPC2x` and `/%52PC2` are all the
    /// XML-RPC interface, `//RPC2` is not.
    Prefix(&'static str),
    /// This one. Slashes before it do not count, as in 4.3.0.
    Whole(&'static str),
}

/// What is asked of a browser beside that its request comes from a page of this server,
/// unless it only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browsers {
    /// Nothing.
    Usual,
    /// A form may prove by its token what its origin does not.
    Forms,
    /// Reading counts as acting: who follows a log keeps a place for as long as it likes.
    Followers,
}

/// Who handles a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// The XML-RPC interface.
    Call,
    /// The log of a process, which is followed; see [`followed`].
    FollowProcessLog,
    /// The main log, which is followed.
    FollowMainLog,
    /// That something has changed, for pages that follow.
    Changes,
    /// The web interface.
    Page(Page),
    /// That the daemon turns.
    Alive,
    /// Whether all is as it should be.
    Ready,
    /// Figures for Prometheus, from there on.
    Metrics(Mark),
}

/// A page or a file of the web interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// All processes, and actions.
    Status,
    /// The end of a process's log.
    Tail,
    /// The end of the main log.
    MainLog,
    /// A process's log as it is.
    LogText,
    /// The main log as it is.
    MainLogText,
    /// That supervisord answers.
    Health,
    Stylesheet,
    Icon,
}

const POST: &[Method] = &[Method::Post];
const GET: &[Method] = &[Method::Get];
const READ: &[Method] = &[Method::Get, Method::Head];
const ALL: &[Method] = &[Method::Get, Method::Head, Method::Post];

use Access::ReadOnly;
use Browsers::{Followers, Forms, Usual};
use Handler::{Alive, Call, Changes, FollowMainLog, FollowProcessLog, Metrics, Ready};
use Path::{Prefix, Whole};

static ROUTES: &[Route] = &[
    route(Prefix("/RPC2"), POST, Usual, ReadOnly, Call),
    route(
        Prefix("/logtail"),
        GET,
        Followers,
        ReadOnly,
        FollowProcessLog,
    ),
    route(
        Prefix("/mainlogtail"),
        GET,
        Followers,
        ReadOnly,
        FollowMainLog,
    ),
    route(Whole("events"), GET, Followers, ReadOnly, Changes),
    page("", ALL, Forms, ReadOnly, Page::Status),
    page("index.html", ALL, Forms, ReadOnly, Page::Status),
    page("tail.html", ALL, Forms, ReadOnly, Page::Tail),
    page("mainlog.html", ALL, Forms, ReadOnly, Page::MainLog),
    page("ok.html", ALL, Forms, ReadOnly, Page::Health),
    page("log.txt", READ, Usual, ReadOnly, Page::LogText),
    page("mainlog.txt", READ, Usual, ReadOnly, Page::MainLogText),
    page(
        "stylesheets/supervisor.css",
        READ,
        Usual,
        ReadOnly,
        Page::Stylesheet,
    ),
    page("images/icon.svg", READ, Usual, ReadOnly, Page::Icon),
    route(Whole("healthz"), READ, Usual, ReadOnly, Alive),
    route(Whole("readyz"), READ, Usual, ReadOnly, Ready),
    route(Whole("metrics"), GET, Usual, ReadOnly, Metrics(Mark::BEGIN)),
];

const fn route(
    path: Path,
    methods: &'static [Method],
    browsers: Browsers,
    access: Access,
    handler: Handler,
) -> Route {
    Route {
        path,
        methods,
        browsers,
        access,
        handler,
    }
}

const fn page(
    path: &'static str,
    methods: &'static [Method],
    browsers: Browsers,
    access: Access,
    page: Page,
) -> Route {
    route(Whole(path), methods, browsers, access, Handler::Page(page))
}

impl Handler {
    /// Whether everybody may ask, who reaches the server at all.
    pub fn is_public(self) -> bool {
        matches!(self, Alive | Ready)
    }

    /// Whether there is such a thing on a server that offers this.
    pub fn is_offered(self, monitoring: Monitoring) -> bool {
        match self {
            Alive | Ready => monitoring.health_pages,
            Metrics(_) => monitoring.metrics,
            _ => true,
        }
    }
}

impl Route {
    /// The route of a decoded path.
    pub fn at(path: &str) -> Option<&'static Route> {
        let whole = path.trim_start_matches('/');
        ROUTES.iter().find(|route| match route.path {
            Prefix(prefix) => path.starts_with(prefix),
            Whole(known) => whole == known,
        })
    }

    /// The method that a request asks by, if the route takes it.
    pub fn method(&self, head: &Head) -> Result<Method, Refusal> {
        allowed(self.methods, head)
    }
}

/// Why there is nothing at a path without a route.
pub fn nowhere(head: &Head) -> Refusal {
    allowed(READ, head).err().unwrap_or(Refusal::NotFound)
}

fn allowed(methods: &'static [Method], head: &Head) -> Result<Method, Refusal> {
    let mut known = methods.iter().copied();
    let method = known.find(|method| method.name() == head.method);
    method.ok_or(Refusal::Method(methods))
}

/// The process and the channel in `/logtail/NAME[/CHANNEL]`: what the first segment adds
/// to its prefix does not matter, and names are percent-decoded once more.
pub fn followed(path: &str) -> Option<(String, String)> {
    let decoded = percent_decode(path);
    let mut segments = decoded.trim_start_matches('/').splitn(3, '/').skip(1);
    let name = segments.next()?.to_owned();
    let channel = segments.next().unwrap_or("stdout").to_owned();
    Some((name, channel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Credentials;
    use crate::http::buffer::Buffer;
    use crate::http::plan::{self, Plan};
    use crate::http::policy::AccessPolicy;
    use crate::http::request::HeadParser;
    use crate::text::base64::encode;

    #[test]
    fn pages_have_the_addresses_of_4_3_0() {
        for (path, page) in [
            ("/", Some(Page::Status)),
            ("//", Some(Page::Status)),
            ("index.html", Some(Page::Status)),
            ("//tail.html", Some(Page::Tail)),
            ("/ok.html", Some(Page::Health)),
            ("/stylesheets/supervisor.css", Some(Page::Stylesheet)),
            ("/index.html/", None),
            ("/Index.html", None),
            ("/status.html", None),
            ("/stylesheets/", None),
            ("/images/../index.html", None),
        ] {
            let handler = Route::at(path).map(|route| route.handler);
            assert_eq!(handler, page.map(Handler::Page), "{path}");
        }
    }

    #[test]
    fn a_log_is_followed_by_names_that_are_decoded_twice() {
        for (path, expected) in [
            ("/logtail/cat", Some(("cat", "stdout"))),
            ("/logtailfoo/g:cat/stderr", Some(("g:cat", "stderr"))),
            ("/logtail/g%3Acat/stdout", Some(("g:cat", "stdout"))),
            ("/logtail/cat/", Some(("cat", ""))),
            ("/logtail/cat/stdout/x", Some(("cat", "stdout/x"))),
            ("/logtail/", Some(("", "stdout"))),
            ("/logtail", None),
        ] {
            let found = followed(path);
            let found = found
                .as_ref()
                .map(|(name, channel)| (&name[..], &channel[..]));
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn the_first_route_for_a_path_is_the_only_one() {
        for (place, route) in ROUTES.iter().enumerate() {
            let (Prefix(path) | Whole(path)) = route.path;
            assert!(std::ptr::eq(Route::at(path).unwrap(), route), "{place}");
        }
    }

    #[test]
    fn every_route_asks_for_what_its_line_says() {
        let user = |name: &str| {
            Some(Credentials {
                username: name.to_owned(),
                password: "password".to_owned(),
            })
        };
        let monitoring = Monitoring {
            metrics: true,
            metrics_processes: true,
            health_pages: true,
        };
        let policy = AccessPolicy {
            credentials: user("boss"),
            readonly_credentials: user("eye"),
            monitoring,
            ..AccessPolicy::default()
        };
        let monitor = AccessPolicy {
            readonly: true,
            monitoring,
            ..AccessPolicy::default()
        };
        let plan = |line: &str, user: &str, policy: &AccessPolicy| {
            let header = match user {
                "" => String::new(),
                user => format!("Authorization: Basic {}\r\n", encode(user.as_bytes())),
            };
            let request = format!("{line} HTTP/1.1\r\nContent-Length: 0\r\n{header}\r\n");
            let mut input = Buffer::default();
            input.extend(request.as_bytes());
            let head = HeadParser::new(1 << 16).take(&mut input).unwrap().unwrap();
            plan::of(&head, policy)
        };
        for route in ROUTES {
            let (Prefix(path) | Whole(path)) = route.path;
            let path = path.trim_start_matches('/');
            for method in ALL {
                let line = format!("{} /{path}/x", method.name());
                let line = match route.path {
                    Prefix(_) => line,
                    Whole(_) => line.trim_end_matches("/x").to_owned(),
                };
                for (user, why) in [
                    ("", Refusal::NoCredentials),
                    ("boss:", Refusal::WrongCredentials),
                    ("eye:Password", Refusal::WrongCredentials),
                    ("nobody:password", Refusal::WrongCredentials),
                ] {
                    if route.handler.is_public() {
                        continue;
                    }
                    let expected = Plan::RefuseAndClose(why);
                    assert_eq!(plan(&line, user, &policy), expected, "{line} {user}");
                }
                for (user, policy, may) in [
                    ("boss:password", &policy, Access::Full),
                    ("eye:password", &policy, ReadOnly),
                    ("", &monitor, ReadOnly),
                ] {
                    let found = plan(&line, user, policy);
                    let is_taken = route.methods.contains(method);
                    match found {
                        Plan::Read { request, .. } => {
                            assert!(is_taken && may >= route.access, "{line} {user}");
                            let may = match route.handler.is_public() {
                                true => ReadOnly,
                                false => may,
                            };
                            assert_eq!((request.handler, request.access), (route.handler, may));
                        }
                        // Whoever comes without a password is not listened to any longer.
                        Plan::RefuseAndClose(why) if route.handler.is_public() => {
                            assert_eq!(why, Refusal::Method(route.methods), "{line} {user}");
                        }
                        Plan::Refuse { why, .. } => {
                            let expected = match is_taken {
                                true => Refusal::ReadOnly,
                                false => Refusal::Method(route.methods),
                            };
                            assert_eq!(why, expected, "{line} {user}");
                        }
                        other => panic!("{line} {user}: {other:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn who_takes_forms_takes_a_post_and_only_a_get_is_followed() {
        for route in ROUTES {
            match route.browsers {
                Forms => assert!(route.methods.contains(&Method::Post), "{route:?}"),
                Followers => assert_eq!(route.methods, GET, "{route:?}"),
                Usual => {}
            }
        }
    }
}
