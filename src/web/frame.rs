//! What all pages share: the frame of the document, and the headers that keep
//! others out of it.

use hmac_sha256::Hash;

use crate::SUPERVISOR_VERSION;
use crate::http::response::Response;
use crate::text::base64;
use crate::text::escape;
use crate::web::assets;
use crate::web::command;
use crate::web::controls::{self, lower, push_mark};
use crate::web::view::DaemonView;

/// A page before it is written.
#[derive(Debug)]
pub struct Frame<'a> {
    pub title: String,
    pub heading: String,
    /// What stands beside the heading, as HTML.
    pub beside: String,
    /// supervisord, for the head of the page.
    pub daemon: &'a DaemonView,
    /// By what the status page is filtered: name and state. Empty elsewhere.
    pub filter: [(&'static str, &'a str); 2],
    /// How something went that was asked for before.
    pub message: &'a str,
    /// After how many seconds the page is loaded again, and from where.
    pub refresh: Option<(u32, String)>,
    /// What belongs between heading and foot, as HTML.
    pub content: String,
    pub script: &'static str,
}

impl Frame<'_> {
    /// The whole document.
    pub fn html(&self) -> String {
        let mut page = String::with_capacity(self.content.len() + 4096);
        self.push_head(&mut page);
        self.push_banner(&mut page);
        page.push_str(&format!(
            "<main id=\"main\"><div class=\"bar head\"><h1>{}</h1>\n{}</div>\n",
            escape::html(&self.heading),
            self.beside
        ));
        self.push_message(&mut page);
        page.push_str(&self.content);
        page.push_str(&format!(
            concat!(
                "</main>\n<footer>pollvisor ",
                env!("CARGO_PKG_VERSION"),
                " (Supervisor {})</footer>\n"
            ),
            SUPERVISOR_VERSION
        ));
        if !self.script.is_empty() {
            page.push_str("<script>");
            page.push_str(self.script);
            page.push_str("</script>\n");
        }
        page.push_str("</body>\n</html>\n");
        page
    }

    fn push_head(&self, page: &mut String) {
        page.push_str(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n",
        );
        if let Some((seconds, address)) = &self.refresh {
            page.push_str(&format!(
                "<meta http-equiv=\"refresh\" content=\"{seconds}; url={}\">\n",
                escape::html(address)
            ));
        }
        page.push_str(&format!("<title>{}</title>\n", escape::html(&self.title)));
        page.push_str(concat!(
            "<link rel=\"stylesheet\" href=\"stylesheets/supervisor.css?",
            env!("CARGO_PKG_VERSION"),
            "\">\n<link rel=\"icon\" href=\"images/icon.svg\">\n</head>\n<body>\n"
        ));
    }

    fn push_banner(&self, page: &mut String) {
        let daemon = self.daemon;
        let state = daemon.state.name().to_lowercase();
        page.push_str(&format!(
            "<a class=\"skip\" href=\"#main\">Skip to content</a>\n<header>\n\
             <p class=\"brand\"><a href=\"./\">{}</a> ",
            escape::html(daemon.name())
        ));
        push_mark(page, &state, &state);
        page.push_str("</p>\n<dl>");
        let pid = daemon.pid.to_string();
        let host = daemon.has_identifier().then_some(("host", &daemon.host));
        for (what, value) in host
            .into_iter()
            .chain([("pid", &pid), ("uptime", &daemon.uptime)])
        {
            page.push_str(&format!(
                "<div><dt>{what}</dt><dd>{}</dd></div>",
                escape::html(value)
            ));
        }
        page.push_str("</dl>\n");
        self.push_counts(page);
        page.push_str(
            "<nav aria-label=\"Pages\"><a href=\"./\">Processes</a> \
             <a href=\"mainlog.html\">Main log</a></nav>\n</header>\n",
        );
    }

    /// How many processes are in which state: links to them.
    fn push_counts(&self, page: &mut String) {
        let [name, (_, chosen)] = self.filter;
        let counts = &self.daemon.counts;
        if counts.is_empty() {
            return;
        }
        page.push_str("<nav aria-label=\"States\">");
        for state in controls::STATES {
            let text = lower(state);
            let count = counts.iter().find(|(other, _)| *other == state);
            let count = count.map_or(0, |(_, count)| *count);
            let current = match text == chosen {
                true => " aria-current=\"true\"",
                false if count == 0 => continue,
                false => "",
            };
            let address = escape::address("./", &[name, ("state", text)]);
            page.push_str(&format!(
                "<a class=\"state {text}\" href=\"{}\"{current}>{count} {text}</a> ",
                escape::html(&address)
            ));
        }
        page.push_str("</nav>\n");
    }

    fn push_message(&self, page: &mut String) {
        if self.message.is_empty() {
            return;
        }
        let (class, role) = match command::is_bad_news(self.message) {
            true => ("bad", "alert"),
            false => ("good", "status"),
        };
        page.push_str(&format!(
            "<p class=\"message {class}\" role=\"{role}\" id=\"message\">{}</p>\n",
            escape::html(self.message)
        ));
    }

    /// The answer that brings the page.
    pub fn response(&self, status: u16) -> Response {
        let mut response = respond(
            status,
            "text/html;charset=utf-8",
            self.html().into_bytes(),
            true,
        );
        let policy = policy(self.script);
        response.headers.extend([
            ("Content-Security-Policy", policy),
            ("X-Frame-Options", "DENY".to_owned()),
        ]);
        response
    }
}

/// Only what comes from here and is meant: this script by its digest, this
/// style, forms to these pages; nothing else, and not within another page.
fn policy(script: &str) -> String {
    let script = match script {
        "" => String::new(),
        _ => format!(
            " script-src 'sha256-{}';",
            base64::encode(&Hash::hash(script.as_bytes()))
        ),
    };
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self';{script} \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// An answer that others may not take for something else, nor keep unless it is a file.
pub fn respond(status: u16, content_type: &'static str, body: Vec<u8>, is_fresh: bool) -> Response {
    let head = head(status, content_type, body.len() as u64, is_fresh);
    Response { body, ..head }
}

/// The same without its body, of which only the length is known.
pub fn head(status: u16, content_type: &'static str, length: u64, is_fresh: bool) -> Response {
    let mut headers = vec![("Content-Type", content_type.to_owned())];
    if is_fresh {
        headers.extend([
            ("Pragma", "no-cache".to_owned()),
            ("Cache-Control", "no-cache, no-store".to_owned()),
            ("Expires", "Thu, 01 Jan 1970 00:00:00 GMT".to_owned()),
        ]);
    } else {
        headers.push(("Cache-Control", "max-age=86400".to_owned()));
    }
    headers.extend([
        ("Content-Length", length.to_string()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        // With `no-referrer` browsers would call the origin of a form "null".
        ("Referrer-Policy", "same-origin".to_owned()),
    ]);
    Response {
        status,
        headers,
        body: Vec::new(),
    }
}

fn file(content_type: &'static str, text: &str) -> Response {
    respond(200, content_type, text.as_bytes().to_vec(), false)
}

/// Sends the browser to a relative address, which it asks for by GET.
pub fn redirect(address: &str) -> Response {
    let body = format!(
        "<!DOCTYPE html>\n<title>Done</title>\n<a href=\"{}\">Go on</a>\n",
        escape::html(address)
    );
    let mut response = respond(303, "text/html;charset=utf-8", body.into_bytes(), true);
    response.headers.insert(0, ("Location", address.to_owned()));
    response
}

/// The style of all pages.
pub fn stylesheet() -> Response {
    file("text/css;charset=utf-8", assets::STYLESHEET)
}

/// The mark of the pages.
pub fn icon() -> Response {
    file("image/svg+xml", assets::ICON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::access::Access;
    use crate::states::SupervisorState;

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        let mut headers = response.headers.iter();
        headers
            .find(|(candidate, _)| *candidate == name)
            .map_or("", |(_, value)| value)
    }

    fn page(message: &str, script: &'static str) -> Response {
        let daemon = DaemonView {
            state: SupervisorState::Running,
            access: Access::Full,
            reason: String::new(),
            identifier: "<i>".to_owned(),
            host: "web1".to_owned(),
            pid: 1,
            uptime: "0:00:01".to_owned(),
            counts: Vec::new(),
        };
        let frame = Frame {
            title: "<t>".to_owned(),
            heading: "<h>".to_owned(),
            beside: String::new(),
            daemon: &daemon,
            filter: [("", ""); 2],
            message,
            refresh: Some((5, "tail.html?a=1&b=2".to_owned())),
            content: "<p>content</p>".to_owned(),
            script,
        };
        frame.response(200)
    }

    #[test]
    fn nothing_foreign_runs_or_frames() {
        let response = page("", "x()");
        let policy = header(&response, "Content-Security-Policy");
        for part in [
            "default-src 'none';",
            "frame-ancestors 'none'",
            "form-action 'self';",
            "base-uri 'none';",
            // printf 'x()' | openssl dgst -sha256 -binary | base64
            "script-src 'sha256-D6IGS8VMvCoyaR/l0h9tERrBTATY01CoPS7l6xDv0kI=';",
        ] {
            assert!(policy.contains(part), "{part} is not in {policy}");
        }
        assert!(!policy.contains("unsafe"));
        let silent = page("", "");
        assert!(!header(&silent, "Content-Security-Policy").contains("script-src"));
        assert_eq!(header(&response, "X-Frame-Options"), "DENY");
        assert_eq!(header(&response, "X-Content-Type-Options"), "nosniff");
        assert_eq!(header(&response, "Referrer-Policy"), "same-origin");
        assert!(header(&response, "Cache-Control").contains("no-store"));
    }

    #[test]
    fn everything_is_escaped_and_news_are_told_apart() {
        let text = |message| String::from_utf8(page(message, "").body).unwrap();
        let good = text("Process <x> started");
        for part in [
            "<title>&lt;t&gt;</title>",
            "<h1>&lt;h&gt;</h1>",
            "(Supervisor 4.3.0)</footer>",
            "<a href=\"./\">&lt;i&gt;</a>",
            "content=\"5; url=tail.html?a=1&amp;b=2\"",
            "<p class=\"message good\" role=\"status\" id=\"message\">Process &lt;x&gt; started</p>",
        ] {
            assert!(good.contains(part), "{part} is not in {good}");
        }
        assert!(text("ERROR: no").contains("<p class=\"message bad\" role=\"alert\""));
        assert!(!text("").contains("message"));
    }

    #[test]
    fn redirects_are_relative_and_files_may_be_kept() {
        let response = redirect("./?message=a&x=b");
        assert_eq!(response.status, 303);
        assert_eq!(header(&response, "Location"), "./?message=a&x=b");
        assert_eq!(header(&stylesheet(), "Cache-Control"), "max-age=86400");
        assert_eq!(header(&icon(), "Content-Type"), "image/svg+xml");
    }
}
