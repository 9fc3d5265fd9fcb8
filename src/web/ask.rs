//! The question before an action that concerns every process. The script of the
//! status page asks it there; without one it is a page of its own.

use crate::text::escape::{address, html};
use crate::web::command::{self, Command, Selection, Verb};
use crate::web::frame::Frame;
use crate::web::token::Issuer;
use crate::web::view::DaemonView;

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The action in a form.
    pub action: &'static str,
    /// The text of its button.
    pub label: &'static str,
}

/// The question before a command; `None` if it is done at once.
pub fn about(command: &Command) -> Option<Question> {
    let (action, label) = match command {
        Command::Run(Verb::Stop, Selection::All) => ("stopall", "Stop all"),
        Command::Run(Verb::Restart, Selection::All) => ("restartall", "Restart all"),
        Command::ClearAllLogs => ("clearall", "Clear all logs"),
        _ => return None,
    };
    Some(Question { action, label })
}

impl Question {
    /// The question.
    pub fn text(&self, daemon: &DaemonView) -> String {
        let name = daemon.name();
        let processes = match daemon.total() {
            1 => format!("the only process of {name}"),
            total => format!("all {total} processes of {name}"),
        };
        match self.action {
            "stopall" => format!("Stop {processes}?"),
            "restartall" => format!("Restart {processes}?"),
            _ => format!("Clear the logs of {processes}? This cannot be undone."),
        }
    }

    /// The page that asks; the filter is that of the page from which it came.
    pub fn page<'a>(
        &self,
        daemon: &'a DaemonView,
        filter: [(&'static str, &'a str); 2],
        issuer: &Issuer<'_>,
    ) -> Frame<'a> {
        let mut content = "<form method=\"post\" class=\"bar\">".to_owned();
        issuer.push_field(&mut content, &command::for_all());
        content.push_str(&format!(
            "<button class=risky name=\"action\" value=\"{}\">{}</button>\
             <a href=\"{}\">Cancel</a></form>\n",
            self.action,
            self.label,
            html(&address("./", &filter))
        ));
        Frame {
            title: format!("{}? - {} - Supervisor", self.label, daemon.name()),
            heading: self.text(daemon),
            beside: String::new(),
            daemon,
            filter,
            message: "",
            refresh: None,
            content,
            script: "",
        }
    }
}
