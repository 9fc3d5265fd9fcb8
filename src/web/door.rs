//! What the loop calls for a request to a page: an answer now, or one that
//! comes when processes have started or stopped.
//!
//! A form is acted on only with a token that was made for it here. How it went
//! is told on the page to which the browser is sent; that text carries a token
//! too, so that no link of others can put words into the page.

use crate::clock::Now;
use crate::http::content::Content;
use crate::http::refusal::Refusal;
use crate::http::response::Response;
use crate::rpc::interface::Daemon;
use crate::sys::{errno, random};
use crate::text::escape::{address, html};
use crate::web::command::{self, Command};
use crate::web::errand::{self, Errand, Progress};
use crate::web::form::Form;
use crate::web::frame::{self, Frame};
use crate::web::gather;
use crate::web::route::{Method, Page, Visit};
use crate::web::status::{self, Filter};
use crate::web::tail::{self, Subject, Wanted};
use crate::web::token::{Issuer, Tokens};

/// The web interface of a running daemon.
#[derive(Debug)]
pub struct Web {
    /// When supervisord was started.
    started: Now,
    /// Made for the first page: until then the kernel has gathered chance enough.
    tokens: Option<Tokens>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Visited {
    /// It is answered.
    Done(Response),
    /// It is refused, on the page of the web interface if there is one.
    Refused(Refusal, Option<Response>),
    /// It is answered with this head and a content of the length that is told there.
    Long(Response, Content),
    /// It waits for processes.
    Later(Waiting),
}

/// A command of which the browser waits to be told.
#[derive(Debug)]
pub struct Waiting {
    errand: Errand,
    back: Back,
}

impl Waiting {
    /// When it wants to be asked though no process has changed its state.
    pub fn next_report(&self) -> Option<crate::clock::Monotonic> {
        self.errand.next_report()
    }
}

/// The page from which something was asked for, where it is told.
#[derive(Debug)]
enum Back {
    Status(Filter),
    Log(Wanted),
}

impl Web {
    /// The interface of a supervisord that was started then.
    pub fn new(started: Now) -> Web {
        Web {
            started,
            tokens: None,
        }
    }

    /// Answers a request. With `get_actions` a GET may change something, as in 4.3.0.
    pub fn visit(&mut self, daemon: &mut Daemon<'_>, visit: &Visit, get_actions: bool) -> Visited {
        match self.answer(daemon, visit, get_actions) {
            Ok(visited) => visited,
            Err(why) => Visited::Refused(why, None),
        }
    }

    /// Asks again whether a command has come to its end.
    pub fn poll(&mut self, daemon: &mut Daemon<'_>, waiting: Waiting) -> Visited {
        let Waiting { errand, back } = waiting;
        let progress = errand.poll(daemon);
        match self.tokens(daemon) {
            Ok(tokens) => conclude(daemon, &tokens, progress, back),
            Err(why) => Visited::Refused(why, None),
        }
    }

    fn answer(
        &mut self,
        daemon: &mut Daemon<'_>,
        visit: &Visit,
        get_actions: bool,
    ) -> Result<Visited, Refusal> {
        let query = Form::read(visit.query.as_bytes());
        let back = match visit.page {
            Page::Health => return Ok(Visited::Done(health())),
            Page::Stylesheet => return Ok(Visited::Done(frame::stylesheet())),
            Page::Icon => return Ok(Visited::Done(frame::icon())),
            Page::LogText => {
                let subject = Wanted::process(&query).subject;
                return download(daemon, visit.method, &subject, offset(&query));
            }
            Page::MainLogText => {
                return download(daemon, visit.method, &Subject::Main, offset(&query));
            }
            Page::Status => Back::Status(Filter::of(&query)),
            Page::Tail => Back::Log(Wanted::process(&query)),
            Page::MainLog => Back::Log(Wanted::main(&query)),
        };
        let tokens = self.tokens(daemon)?;
        match (visit.method, visit.page) {
            (Method::Post, _) => {
                let form = Form::read(&visit.form);
                let command = Command::of(&form).map_err(|_| Refusal::BadForm)?;
                let now = daemon.context.now.monotonic;
                let is_ours =
                    |command: &Command| tokens.accepts(form.get("token"), &command.form(), now);
                // What changes nothing needs no token, unless another site may ask for it.
                let may = match &command {
                    None => visit.sender.is_none(),
                    Some(Command::Refresh) if visit.sender.is_none() => true,
                    Some(command) => is_ours(command),
                };
                Ok(match (may, command) {
                    (true, Some(command)) => act(daemon, &tokens, command, back),
                    (true, None) => self.show(daemon, &tokens, &query, back),
                    (false, _) => self.refuse(daemon, Refusal::OldForm(visit.sender.clone())),
                })
            }
            (Method::Get, Page::Status) => {
                match Command::of(&query).map_err(|_| Refusal::BadForm)? {
                    None => Ok(self.show(daemon, &tokens, &query, back)),
                    Some(command) if get_actions || command == Command::Refresh => {
                        Ok(act(daemon, &tokens, command, back))
                    }
                    Some(_) => Ok(self.refuse(daemon, Refusal::OnlyALink)),
                }
            }
            (Method::Get | Method::Head, _) => Ok(self.show(daemon, &tokens, &query, back)),
        }
    }

    fn tokens(&mut self, daemon: &mut Daemon<'_>) -> Result<Tokens, Refusal> {
        if let Some(tokens) = &self.tokens {
            return Ok(tokens.clone());
        }
        match random::secret() {
            Ok(key) => Ok(self.tokens.insert(Tokens::new(key)).clone()),
            Err(error) => {
                daemon.context.log.error(format_args!(
                    "the web interface has no random numbers for its forms: {}",
                    errno::reason(&error)
                ));
                Err(Refusal::NoTokens)
            }
        }
    }

    fn show(&self, daemon: &Daemon<'_>, tokens: &Tokens, query: &Form, back: Back) -> Visited {
        let (supervisor, context) = (&*daemon.supervisor, &*daemon.context);
        let now = context.now.monotonic;
        let issuer = Issuer { tokens, now };
        let message = match query.get("message") {
            text if tokens.accepts(query.get("seal"), &told(text), now) => text,
            _ => "",
        };
        Visited::Done(match back {
            Back::Status(filter) => {
                let view = gather::view(daemon, self.started);
                status::page(&view, &filter, message, &issuer).response(200)
            }
            Back::Log(wanted) => {
                let view = gather::of_daemon(daemon, self.started);
                let log = gather::log(supervisor, context, &wanted);
                let can_clear = gather::can_clear(supervisor, &wanted.subject);
                tail::page(&view, &wanted, &log, message, can_clear, &issuer).response(200)
            }
        })
    }

    /// Tells that nothing was done, and why.
    fn refuse(&self, daemon: &Daemon<'_>, why: Refusal) -> Visited {
        let view = gather::of_daemon(daemon, self.started);
        let page = Frame {
            title: "Nothing was done".to_owned(),
            heading: "Nothing was done".to_owned(),
            daemon: &view,
            message: "",
            refresh: None,
            content: format!(
                "<p class=\"message bad\" role=\"alert\">{}</p>\
                 <p><a href=\"./\">To the processes</a></p>",
                html(&why.to_string())
            ),
            script: "",
        };
        let mut response = page.response(why.status());
        if why == Refusal::OnlyALink {
            response.headers.push(("Allow", "POST".to_owned()));
        }
        Visited::Refused(why, Some(response))
    }
}

fn act(daemon: &mut Daemon<'_>, tokens: &Tokens, command: Command, back: Back) -> Visited {
    let progress = errand::begin(daemon, command);
    conclude(daemon, tokens, progress, back)
}

fn conclude(daemon: &Daemon<'_>, tokens: &Tokens, progress: Progress, back: Back) -> Visited {
    let message = match progress {
        Progress::Later(errand) => return Visited::Later(Waiting { errand, back }),
        Progress::Told(message) => message,
    };
    let seal = tokens.make(&told(&message), daemon.context.now.monotonic);
    let news = [("message", message.as_str()), ("seal", seal.as_str())];
    let place = match &back {
        Back::Status(filter) => {
            let [name, state] = filter.values();
            address("./", &[name, state, news[0], news[1]])
        }
        Back::Log(wanted) => {
            let place = wanted.address();
            let news = address("", &news);
            match place.contains('?') {
                true => format!("{place}{}", news.replacen('?', "&", 1)),
                false => place + &news,
            }
        }
    };
    Visited::Done(frame::redirect(&place))
}

/// What the token of a message is made for.
fn told(message: &str) -> String {
    format!("message {message}")
}

/// The answer of 4.3.0 to those who watch over supervisord, byte for byte.
fn health() -> Response {
    Response {
        status: 200,
        headers: vec![
            ("Content-Type", "text/plain".to_owned()),
            ("Content-Length", "2".to_owned()),
        ],
        body: b"OK".to_vec(),
    }
}

/// Where a log is to begin, as in `readLog`: the last bytes for a negative number. All of
/// it without one.
fn offset(query: &Form) -> i64 {
    query.get("offset").parse().unwrap_or(0)
}

fn download(
    daemon: &Daemon<'_>,
    method: Method,
    subject: &Subject,
    offset: i64,
) -> Result<Visited, Refusal> {
    let log = gather::log_from(daemon, subject, offset).ok_or(Refusal::NoLog)?;
    let name = match subject {
        Subject::Main => "supervisord".to_owned(),
        Subject::Process(name, channel) => format!("{name}-{}", command::channel_name(*channel)),
    };
    let plain = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '_',
    };
    let name: String = name.chars().map(plain).collect();
    let mut head = frame::head(200, "text/plain;charset=utf-8", log.size(), true);
    head.headers.push((
        "Content-Disposition",
        format!("attachment; filename=\"{name}.log\""),
    ));
    if method == Method::Head {
        return Ok(Visited::Done(head));
    }
    let mut content = Content::default();
    content.push_raw(
        log,
        daemon
            .context
            .window_limit
            .admit()
            .ok_or(Refusal::ManyReaders)?,
    );
    Ok(Visited::Long(head, content))
}
