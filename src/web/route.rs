//! Which page a path is, and by which methods it is asked for.

use crate::http::refusal::Sender;

/// A page or a file of the web interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/` and `/index.html`: all processes, and actions.
    Status,
    /// `/tail.html`: the end of a process's log.
    Tail,
    /// `/mainlog.html`: the end of the main log.
    MainLog,
    /// `/log.txt`: a process's log as it is.
    LogText,
    /// `/mainlog.txt`: the main log as it is.
    MainLogText,
    /// `/ok.html`: that supervisord answers.
    Health,
    /// `/stylesheets/supervisor.css`
    Stylesheet,
    /// `/images/icon.svg`
    Icon,
}

/// How a page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To be read.
    Get,
    /// Its head alone.
    Head,
    /// With a form.
    Post,
}

/// A request for a page, with what its query and its form say, as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// What is asked for.
    pub page: Page,
    /// How.
    pub method: Method,
    /// What follows the `?`.
    pub query: String,
    /// The body of a POST.
    pub form: Vec<u8>,
    /// Whose form it may be, if it may be that of another site: then nothing is
    /// done without a token.
    pub sender: Option<Box<Sender>>,
}

impl Page {
    /// The page of a decoded path. Slashes before it do not count, as in 4.3.0.
    pub fn at(path: &str) -> Option<Page> {
        Some(match path.trim_start_matches('/') {
            "" | "index.html" => Page::Status,
            "tail.html" => Page::Tail,
            "mainlog.html" => Page::MainLog,
            "log.txt" => Page::LogText,
            "mainlog.txt" => Page::MainLogText,
            "ok.html" => Page::Health,
            "stylesheets/supervisor.css" => Page::Stylesheet,
            "images/icon.svg" => Page::Icon,
            _ => return None,
        })
    }

    /// Whether a form may be sent to it.
    fn takes_forms(self) -> bool {
        matches!(
            self,
            Page::Status | Page::Tail | Page::MainLog | Page::Health
        )
    }

    /// The methods by which it may be asked for, in words.
    pub fn methods(self) -> &'static str {
        match self.takes_forms() {
            true => "GET, HEAD and POST",
            false => "GET and HEAD",
        }
    }

    /// The method of that name, if the page may be asked for so.
    pub fn method(self, name: &str) -> Option<Method> {
        match name {
            "GET" => Some(Method::Get),
            "HEAD" => Some(Method::Head),
            "POST" if self.takes_forms() => Some(Method::Post),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(Page::at(path), page, "{path}");
        }
    }

    #[test]
    fn forms_go_where_there_is_something_to_do() {
        for (page, name, method) in [
            (Page::Status, "POST", Some(Method::Post)),
            (Page::Status, "post", None),
            (Page::Status, "PUT", None),
            (Page::Health, "HEAD", Some(Method::Head)),
            (Page::Stylesheet, "POST", None),
            (Page::LogText, "GET", Some(Method::Get)),
        ] {
            assert_eq!(page.method(name), method, "{page:?} {name}");
        }
    }
}
