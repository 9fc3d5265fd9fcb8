//! What the loop calls for a request to a page: an answer now, or one that comes when
//! processes have started or stopped.
//!
//! A form is acted on only with a token that was made for it here. How it went
//! is told on the page to which the browser is sent; that text carries a token
//! too, so that no link of others can put words into the page.

use crate::clock::{Monotonic, Now};
use crate::http::content::Content;
use crate::http::exchange::Request;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::request::Method;
use crate::http::response::Response;
use crate::http::routes::Page;
use crate::rpc::interface::{Answer, Daemon, Outcome};
use crate::snapshot::saved;
use crate::sys::{errno, random};
use crate::text::escape::{address, html};
use crate::tokens::Mark;
use crate::web::action;
use crate::web::ask::{self, Question};
use crate::web::command::Command;
use crate::web::form::Form;
use crate::web::frame::{self, Frame};
use crate::web::gather;
use crate::web::metrics;
use crate::web::status::{self, Filter};
use crate::web::tail::{self, LogQuery, Subject};
use crate::web::token::{Issuer, Tokens};
use crate::xmlrpc::fault::Fault;

/// The web interface of a running daemon.
#[derive(Debug)]
pub struct Web {
    /// When supervisord was started.
    started: Now,
    /// Made for the first page: until then the kernel has gathered chance enough.
    tokens: Option<Tokens>,
}

saved! { struct Web { started, tokens } }

/// What becomes of a request for a page.
#[derive(Debug)]
pub enum Answered {
    Reply(Reply),
    /// Something was done, or begun, which the browser waits to be told of.
    Action(FormAction, Outcome),
}

/// What a form has asked for.
#[derive(Debug)]
pub struct FormAction {
    command: Command,
    back: Back,
}

saved! { struct FormAction { command, back } }

/// The page from which something was asked for, where it is told.
#[derive(Debug)]
enum Back {
    Status(Filter),
    Log(LogQuery),
}

saved! { enum Back { Status(a), Log(a) } }

impl Web {
    /// The interface of a supervisord that was started then.
    pub fn new(started: Now) -> Web {
        Web {
            started,
            tokens: None,
        }
    }

    /// Answers a request. With `get_actions` a GET may change something, as in 4.3.0.
    pub fn answer(
        &mut self,
        daemon: &mut Daemon<'_>,
        page: Page,
        request: &Request,
        get_actions: bool,
    ) -> Answered {
        let answered = self.try_answer(daemon, page, request, get_actions);
        answered.unwrap_or_else(|why| self.refuse(daemon, why))
    }

    /// The piece of the figures at that mark.
    pub fn metrics(&self, daemon: &Daemon<'_>, mark: Mark, with_system: bool) -> Reply {
        Reply::Piece(metrics::piece(daemon, self.started, mark, with_system))
    }

    /// Tells of an action that has come to its end.
    pub fn tell(
        &mut self,
        daemon: &mut Daemon<'_>,
        asked: &FormAction,
        result: Result<Answer, Fault>,
    ) -> Reply {
        match self.tokens(daemon) {
            Ok(tokens) => {
                let message = action::told(daemon, &asked.command, result);
                let now = daemon.context.now.monotonic;
                redirect(&tokens, now, &asked.back, &message)
            }
            Err(why) => why.into(),
        }
    }

    fn try_answer(
        &mut self,
        daemon: &mut Daemon<'_>,
        page: Page,
        request: &Request,
        get_actions: bool,
    ) -> Result<Answered, Refusal> {
        let query = Form::read(request.query.as_bytes());
        let back = match page {
            Page::Health => return Ok(whole(health())),
            Page::Stylesheet => return Ok(whole(frame::stylesheet())),
            Page::Icon => return Ok(whole(frame::icon())),
            Page::LogText => {
                let subject = LogQuery::process(&query).subject;
                return download(daemon, request.method, &subject, offset(&query));
            }
            Page::MainLogText => {
                return download(daemon, request.method, &Subject::Main, offset(&query));
            }
            Page::Status => Back::Status(Filter::of(&query)),
            Page::Tail => Back::Log(LogQuery::process(&query)),
            Page::MainLog => Back::Log(LogQuery::main(&query)),
        };
        let tokens = self.tokens(daemon)?;
        match (request.method, page) {
            (Method::Post, _) => {
                let form = Form::read(&request.body);
                let command = command(&form, request)?;
                let now = daemon.context.now.monotonic;
                let is_ours =
                    |command: &Command| tokens.accepts(form.get("token"), &command.form(), now);
                // What changes nothing needs no token, unless another site may ask for it.
                let may = match &command {
                    None => request.sender.is_none(),
                    Some(Command::Refresh) if request.sender.is_none() => true,
                    Some(command) => is_ours(command),
                };
                let asked = match form.get("ask") {
                    "" => None,
                    _ => command.as_ref().and_then(ask::about),
                };
                Ok(match (may, command) {
                    (true, Some(command)) => match asked {
                        Some(question) => self.ask(daemon, &tokens, question, &back),
                        None => act(daemon, &tokens, command, back),
                    },
                    (true, None) => self.show(daemon, &tokens, &query, back),
                    (false, _) => self.refuse(daemon, Refusal::OldForm(request.sender.clone())),
                })
            }
            (Method::Get, Page::Status) => match command(&query, request)? {
                None => Ok(self.show(daemon, &tokens, &query, back)),
                Some(command) if get_actions || command == Command::Refresh => {
                    Ok(act(daemon, &tokens, command, back))
                }
                Some(_) => Ok(self.refuse(daemon, Refusal::OnlyALink)),
            },
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

    fn show(&self, daemon: &Daemon<'_>, tokens: &Tokens, query: &Form, back: Back) -> Answered {
        let (supervisor, context) = (&*daemon.supervisor, &*daemon.context);
        let now = context.now.monotonic;
        let issuer = Issuer { tokens, now };
        let message = match query.get("message") {
            text if tokens.accepts(query.get("seal"), &told(text), now) => text,
            _ => "",
        };
        whole(match back {
            Back::Status(filter) => {
                let view = gather::view(daemon, self.started);
                status::page(&view, &filter, message, &issuer).response(200)
            }
            Back::Log(log_query) => {
                let view = gather::of_daemon(daemon, self.started);
                let log = gather::log(supervisor, context, &log_query);
                let process = gather::process(daemon, &log_query.subject);
                let process = process.as_ref();
                tail::page(&view, &log_query, process, &log, message, &issuer).response(200)
            }
        })
    }

    /// Asks whether that is meant, where it concerns everything.
    fn ask(
        &self,
        daemon: &Daemon<'_>,
        tokens: &Tokens,
        question: Question,
        back: &Back,
    ) -> Answered {
        let view = gather::of_daemon(daemon, self.started);
        let now = daemon.context.now.monotonic;
        let filter = match back {
            Back::Status(filter) => filter.values(),
            Back::Log(_) => [("", ""); 2],
        };
        let issuer = Issuer { tokens, now };
        whole(question.page(&view, filter, &issuer).response(200))
    }

    /// Tells that nothing was done, and why.
    fn refuse(&self, daemon: &Daemon<'_>, why: Refusal) -> Answered {
        let view = gather::of_daemon(daemon, self.started);
        let heading = match why {
            Refusal::NoLog => "Not found",
            _ => "Nothing was done",
        };
        let page = Frame {
            title: format!("{heading} - {} - Supervisor", view.name()),
            heading: heading.to_owned(),
            beside: String::new(),
            daemon: &view,
            filter: [("", ""); 2],
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
        Answered::Reply(Reply::Refusal(why, Some(response)))
    }
}

/// What is asked for, if its client may ask for that.
fn command(form: &Form, request: &Request) -> Result<Option<Command>, Refusal> {
    let command = Command::of(form).map_err(|_| Refusal::BadForm)?;
    match &command {
        Some(command) if request.access < command.access() => Err(Refusal::ReadOnly),
        _ => Ok(command),
    }
}

fn whole(response: Response) -> Answered {
    Answered::Reply(Reply::Whole(response))
}

fn act(daemon: &mut Daemon<'_>, tokens: &Tokens, command: Command, back: Back) -> Answered {
    match action::perform(daemon, &command) {
        Ok(outcome) => Answered::Action(FormAction { command, back }, outcome),
        Err(message) => {
            let now = daemon.context.now.monotonic;
            Answered::Reply(redirect(tokens, now, &back, &message))
        }
    }
}

/// Sends the browser back to where the message is told.
fn redirect(tokens: &Tokens, now: Monotonic, back: &Back, message: &str) -> Reply {
    let seal = tokens.make(&told(message), now);
    let news = [("message", message), ("seal", seal.as_str())];
    let place = match back {
        Back::Status(filter) => {
            let [name, state] = filter.values();
            address("./", &[name, state, news[0], news[1]])
        }
        Back::Log(query) => {
            let place = query.address();
            let news = address("", &news);
            match place.contains('?') {
                true => format!("{place}{}", news.replacen('?', "&", 1)),
                false => place + &news,
            }
        }
    };
    Reply::Whole(frame::redirect(&place))
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
) -> Result<Answered, Refusal> {
    let log = gather::log_from(daemon, subject, offset).ok_or(Refusal::NoLog)?;
    let name = match subject {
        Subject::Main => "supervisord".to_owned(),
        Subject::Process(name, channel) => format!("{name}-{}", channel.name()),
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
        return Ok(whole(head));
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
    Ok(Answered::Reply(Reply::Long(head, content)))
}
