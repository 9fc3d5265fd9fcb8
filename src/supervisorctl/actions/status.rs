//! `status`: the table of processes, once or again and again, for people or as
//! JSON.

use std::io::{self, IsTerminal, Write};
use std::ptr;
use std::time::Duration;

use super::{check, figures};
use crate::states::ProcessState;
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::patterns::{self, Meant};
use crate::supervisorctl::reply::ProcessInfo;
use crate::supervisorctl::screen;
use crate::supervisorctl::session::Session;
use crate::sys::terminal;
use crate::text::json::Json;
use crate::text::plain;
use crate::xmlrpc::value::Value;

/// The narrowest column of names.
const NAME_WIDTH: usize = 30;
/// How often `-w` looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the words of the command say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct StatusRequest<'a> {
    json: bool,
    watch: bool,
    figures: bool,
    names: Vec<&'a str>,
}

/// What there is to show.
#[derive(Default)]
struct Picture {
    /// Lines about unknown names.
    errors: Vec<String>,
    /// Those names.
    unknown: Vec<String>,
    rows: Vec<ProcessInfo>,
    /// All that the server told of the rows, if that is wanted.
    values: Vec<Value>,
    /// What each row uses, in words, if that is wanted.
    figures: Vec<String>,
    exit_status: Option<u8>,
    /// Whether there is nothing to show, for the server did not answer.
    is_missing: bool,
}

/// `status [--json] [-w] [--figures] [NAME…|all]`
pub fn status(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let request = StatusRequest::parse(words);
    session.is_quiet = request.json;
    let outcome = match request.watch {
        true => watch(session, &request),
        false => once(session, &request),
    };
    // What ends the command early is told by whoever called it.
    if outcome.is_ok() {
        session.is_quiet = false;
    }
    outcome
}

impl<'a> StatusRequest<'a> {
    fn parse(words: &[&'a str]) -> StatusRequest<'a> {
        let mut request = StatusRequest::default();
        for word in words {
            match *word {
                "--json" => request.json = true,
                "-w" => request.watch = true,
                "--figures" => request.figures = true,
                name => request.names.push(name),
            }
        }
        request
    }
}

fn once(session: &mut Session, request: &StatusRequest<'_>) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        session.exit_status = exit_status::STATUS_UNKNOWN;
        return Ok(());
    }
    let picture = take(session, request)?;
    show(session, request, &picture)?;
    for word in &picture.unknown {
        session.hints.add_unknown(word, Sought::Processes);
    }
    complain_of_fatal_state(session);
    Ok(())
}

/// Prints what there is, and keeps the exit status for it.
fn show(
    session: &mut Session,
    request: &StatusRequest<'_>,
    picture: &Picture,
) -> Result<(), Failure> {
    for error in &picture.errors {
        session.fail(exit_status::STATUS_UNKNOWN, error)?;
    }
    if request.json {
        // An empty array would say that there are no processes.
        if picture.is_missing {
            return Ok(());
        }
        let array = Json::Array(picture.values.iter().map(json).collect());
        session.print_lines(&array.to_string())?;
    } else {
        // In one piece: a system call for each of many lines is what takes longest here.
        let lines = picture.lines(screen::is_coloured());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        session.write(text.as_bytes())?;
    }
    if let Some(exit_status) = picture.exit_status {
        session.exit_status = exit_status;
    }
    Ok(())
}

/// Tells on the standard error why supervisord is FATAL, if it is. 4.3.0 does
/// not know the question and never is; no answer changes what was printed.
fn complain_of_fatal_state(session: &mut Session) {
    if let Ok(Ok(reply)) = session.try_call("getStateReason", &[])
        && let Ok(reason) = reply.text()
        && !reason.is_empty()
    {
        screen::complain(&format!("supervisord is in FATAL state: {reason}"));
    }
}

/// Shows the processes again and again, until Ctrl-C: on a terminal in the
/// same place, elsewhere whenever something has changed.
fn watch(session: &mut Session, request: &StatusRequest<'_>) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        session.exit_status = exit_status::STATUS_UNKNOWN;
        return Ok(());
    }
    session.catch_interrupts()?;
    let redraws = screen::is_drawable() && !request.json;
    let mut before: Option<Vec<String>> = None;
    loop {
        let picture = match take(session, request) {
            Err(Failure::Interrupted) => return leave(session, redraws),
            Err(Failure::Call(error)) => Picture::of_failure(&error),
            picture => picture?,
        };
        let essence = picture.essence();
        if redraws {
            redraw(session, &picture, before.is_none())?;
        } else if before.as_ref() != Some(&essence) {
            if before.is_some() && !request.json {
                session.print("")?;
            }
            session.exit_status = exit_status::SUCCESS;
            show(session, request, &picture)?;
        }
        before = Some(essence);
        match session.pause(INTERVAL) {
            Err(Failure::Interrupted) => return leave(session, redraws),
            outcome => outcome?,
        }
    }
}

/// Gets out of the way of what a terminal has echoed for Ctrl-C.
fn leave(session: &mut Session, redraws: bool) -> Result<(), Failure> {
    match redraws {
        true => session.write(b"\r\x1b[K"),
        false if io::stdout().is_terminal() => session.print(""),
        false => Ok(()),
    }
}

/// Draws over what the terminal shows, and the first time over nothing: what
/// stood there is scrolled up. What does not fit is left out.
fn redraw(session: &mut Session, picture: &Picture, is_first: bool) -> Result<(), Failure> {
    session.exit_status = picture.exit_status.unwrap_or(exit_status::SUCCESS);
    let (columns, height) = terminal::size().unwrap_or((80, 24));
    let colours = screen::is_coloured();
    let mut lines = picture.errors.clone();
    lines.extend(picture.lines(colours));
    let room = usize::from(height).saturating_sub(1).max(1);
    if lines.len() > room {
        let hidden = lines.len() - (room - 1);
        lines.truncate(room - 1);
        lines.push(format!("... and {hidden} more"));
    }
    let mut screen = match is_first {
        true => b"\r\n".repeat(usize::from(height)),
        false => Vec::new(),
    };
    screen.extend_from_slice(b"\x1b[H");
    for line in lines {
        // Its end is cleared, not the whole line, for that would flicker. From the
        // last column the cursor would not move on, and the end be cleared with it.
        let line = screen::clipped(&line, usize::from(columns).saturating_sub(1));
        let _ = write!(screen, "{line}\x1b[K\r\n");
    }
    screen.extend_from_slice(b"\x1b[J");
    session.write(&screen)
}

/// Asks for the processes that are meant.
fn take(session: &mut Session, request: &StatusRequest<'_>) -> Result<Picture, Failure> {
    let all = session.call("getAllProcessInfo", &[])?;
    let rows = all.processes()?;
    let values = all.value.as_array().unwrap_or_default();
    let mut picture = Picture::default();
    if request.names.is_empty() || request.names.contains(&"all") {
        picture.rows = rows;
        picture
            .values
            .extend(values.iter().filter(|_| request.json).cloned());
    } else {
        for place in picture.named(&rows, &request.names) {
            picture.rows.extend(rows.get(place).cloned());
            if request.json {
                picture.values.extend(values.get(place).cloned());
            }
        }
    }
    // A stopped one weighs more than an unknown name, in whatever order they come.
    if picture.rows.iter().any(is_stopped) {
        picture.exit_status = Some(exit_status::STATUS_NOT_RUNNING);
    } else if !picture.errors.is_empty() {
        picture.exit_status = Some(exit_status::STATUS_UNKNOWN);
    }
    if request.figures {
        picture.figures = figures::ask(session, &picture.rows, &mut picture.values)?;
    }
    Ok(picture)
}

impl Picture {
    /// While the server is not there, its absence is what there is to see.
    fn of_failure(error: &CallError) -> Picture {
        Picture {
            errors: vec![plain::shown(&format!("error: {error}")).into_owned()],
            exit_status: Some(exit_status::STATUS_UNKNOWN),
            is_missing: true,
            ..Picture::default()
        }
    }

    /// The places of the rows in the order of the words. Unknown names are
    /// printed before the table.
    fn named(&mut self, rows: &[ProcessInfo], words: &[&str]) -> Vec<usize> {
        let mut places = Vec::new();
        for (word, meant) in words.iter().zip(patterns::each(words, rows)) {
            let is_known = match meant {
                Meant::Several(found) => {
                    // Both are in the same order.
                    let mut found = found.into_iter().peekable();
                    let mut is_meant = |row| found.next_if(|next| ptr::eq(*next, row)).is_some();
                    places.extend(
                        (0..)
                            .zip(rows)
                            .filter_map(|(n, row)| is_meant(row).then_some(n)),
                    );
                    true
                }
                Meant::Name => {
                    let place = rows.iter().position(|row| patterns::is_named(row, word));
                    places.extend(place);
                    place.is_some()
                }
                Meant::Nothing => false,
            };
            if !is_known {
                self.unknown.push((*word).to_owned());
                let name = Namespec::parse(word);
                self.errors.push(match name.process {
                    None => format!("{}: ERROR (no such group)", name.group),
                    Some(_) => format!("{word}: ERROR (no such process)"),
                });
            }
        }
        places
    }

    /// The table, with figures behind it if there are any.
    fn lines(&self, colours: bool) -> Vec<String> {
        let mut lines = table(&self.rows, colours);
        for (line, figures) in lines.iter_mut().zip(&self.figures) {
            line.push_str(figures);
        }
        lines
    }

    /// What makes a difference: not how long something has been running.
    fn essence(&self) -> Vec<String> {
        let rows = self.rows.iter().map(|row| {
            let is_running = row.state == i64::from(ProcessState::Running.code());
            let description = match is_running {
                true => "",
                false => &row.description,
            };
            let ProcessInfo { statename, pid, .. } = row;
            format!("{} {statename} {pid} {description}", row.full_name())
        });
        self.errors.iter().cloned().chain(rows).collect()
    }
}

/// What the server told of a process, as an object with the same members.
pub fn json(value: &Value) -> Json {
    match value {
        Value::Int(number) => Json::from(*number),
        Value::Bool(flag) => Json::from(*flag),
        Value::String(text) | Value::DateTime(text) => Json::from(text),
        Value::Double(number) => figures::number(*number),
        Value::Array(items) => Json::Array(items.iter().map(json).collect()),
        Value::Struct(members) => Json::Object(
            members
                .iter()
                .map(|(name, member)| (name.clone(), json(member)))
                .collect(),
        ),
        Value::Nil => Json::Null,
    }
}

/// The lines of the table. Trailing blanks are kept, as they always were.
fn table(rows: &[ProcessInfo], colours: bool) -> Vec<String> {
    let names: Vec<String> = rows
        .iter()
        .map(|row| plain::shown(&display_name(&row.group, &row.name)).into_owned())
        .collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let width = longest.unwrap_or(0).clamp(NAME_WIDTH, screen::WIDEST) + 3;
    rows.iter()
        .zip(&names)
        .map(|(row, name)| {
            let state = format!("{:<10}", row.statename);
            let state = match colour(row).filter(|_| colours) {
                Some(colour) => format!("\x1b[{colour}m{state}\x1b[0m"),
                None => state,
            };
            format!("{name:<width$}{state}{}", row.description)
        })
        .collect()
}

/// The colour of a state that needs a look: yellow is on its way, red in trouble.
/// What is as it should be stays plain, for scripts that drive a terminal look for
/// `name  RUNNING`.
fn colour(row: &ProcessInfo) -> Option<&'static str> {
    match row.known_state()? {
        ProcessState::Starting | ProcessState::Backoff | ProcessState::Stopping => Some("33"),
        ProcessState::Fatal | ProcessState::Unknown => Some("31"),
        ProcessState::Running | ProcessState::Stopped | ProcessState::Exited => None,
    }
}

fn is_stopped(row: &ProcessInfo) -> bool {
    row.known_state().is_some_and(ProcessState::is_stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, statename: &str, description: &str) -> ProcessInfo {
        ProcessInfo {
            group: "g".to_owned(),
            name: name.to_owned(),
            state: 20,
            statename: statename.to_owned(),
            description: description.to_owned(),
            pid: 1,
            is_disabled: false,
            is_scaled: false,
        }
    }

    #[test]
    fn a_name_reached_the_terminal_with_its_control_characters() {
        let lines = table(&[row("a\x1b]0;x\x07\u{9b}\nweb", "RUNNING", "")], false);
        assert!(!lines.concat().contains(char::is_control), "{lines:?}");
        assert!(lines[0].starts_with("g:a\\x1b]0;x"), "{lines:?}");
    }

    #[test]
    fn columns_stand_where_scripts_cut_them() {
        let rows = [
            row("g", "RUNNING", "pid 1, uptime 0:00:23"),
            row("é", "STARTING", ""),
        ];
        assert_eq!(
            table(&rows, false),
            [
                "g                                RUNNING   pid 1, uptime 0:00:23",
                "g:é                              STARTING  ",
            ]
        );
        let long = "x".repeat(31);
        let lines = table(
            &[row(&long, "RUNNING", "d"), row("g", "LONGERTHANTEN", "d")],
            false,
        );
        assert_eq!(lines[0], format!("g:{long}   RUNNING   d"));
        assert_eq!(lines[1], format!("g{}LONGERTHANTENd", " ".repeat(35)));
    }

    #[test]
    fn colours_change_no_column() {
        let rows = [ProcessInfo {
            state: 200,
            ..row("a", "FATAL", "d")
        }];
        assert_eq!(
            table(&rows, true),
            [format!("g:a{}\x1b[31mFATAL     \x1b[0md", " ".repeat(30))]
        );
    }

    #[test]
    fn a_healthy_row_was_coloured() {
        for (state, colour) in [
            (ProcessState::Running, None),
            (ProcessState::Stopped, None),
            (ProcessState::Exited, None),
            (ProcessState::Starting, Some("33")),
            (ProcessState::Backoff, Some("33")),
            (ProcessState::Stopping, Some("33")),
            (ProcessState::Fatal, Some("31")),
            (ProcessState::Unknown, Some("31")),
        ] {
            let row = ProcessInfo {
                state: i64::from(state.code()),
                ..row("a", "X", "d")
            };
            let lines = table(&[row], true);
            let shown = lines[0].split_once("\x1b[").map(|(_, rest)| &rest[..2]);
            assert_eq!(shown, colour, "{state:?}");
        }
    }

    #[test]
    fn options_stand_anywhere_among_the_names() {
        let request = StatusRequest::parse(&["a", "--json", "b", "-w"]);
        let expected = StatusRequest {
            json: true,
            watch: true,
            figures: false,
            names: vec!["a", "b"],
        };
        assert_eq!(request, expected);
    }
}
