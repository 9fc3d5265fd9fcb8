use super::*;
use crate::clock::Monotonic;
use crate::http::access::Access;
use crate::states::{ProcessState, SupervisorState};
use crate::web::token::Tokens;

fn daemon() -> DaemonView {
    DaemonView {
        state: SupervisorState::Running,
        access: Access::Full,
        reason: String::new(),
        identifier: "supervisor".to_owned(),
        host: "web1".to_owned(),
        pid: 1,
        uptime: "0:00:01".to_owned(),
        counts: Vec::new(),
    }
}

fn text(text: &str, has_more: bool) -> LogView {
    LogView::Text {
        text: text.to_owned(),
        has_more,
    }
}

/// A process in that state that has the name.
fn process(subject: &Subject, state: ProcessState) -> Option<ProcessView> {
    let Subject::Process(name, _) = subject else {
        return None;
    };
    Some(ProcessView {
        name: name.clone(),
        namespec: name.clone(),
        state,
        description: "pid 17, <b>".to_owned(),
        has_stdout: true,
        has_stderr: true,
    })
}

fn shown_by(
    daemon: &DaemonView,
    wanted: &LogQuery,
    log: &LogView,
    state: Option<ProcessState>,
) -> String {
    let tokens = Tokens::new([7; 32]);
    let issuer = Issuer {
        tokens: &tokens,
        now: Monotonic::default(),
    };
    let process = state.and_then(|state| process(&wanted.subject, state));
    page(daemon, wanted, process.as_ref(), log, "", &issuer).html()
}

fn shown(query: &str, log: &LogView) -> String {
    let wanted = LogQuery::process(&Form::read(query.as_bytes()));
    shown_by(&daemon(), &wanted, log, Some(ProcessState::Running))
}

/// The links of a page by their labels.
fn links(page: &str) -> Vec<(String, String)> {
    page.split("<a href=\"")
        .skip(1)
        .filter_map(|rest| {
            let (address, rest) = rest.split_once('"')?;
            let (_, label) = rest.split_once('>')?;
            let (label, _) = label.split_once("</a>")?;
            Some((label.to_owned(), address.replace("&amp;", "&")))
        })
        .collect()
}

fn link(page: &str, label: &str) -> Option<String> {
    let mut links = links(page).into_iter();
    links
        .find(|(candidate, _)| candidate == label)
        .map(|(_, address)| address)
}

#[test]
fn limits_are_those_of_4_3_0_but_for_the_most() {
    for (query, limit) in [
        ("", 4096),
        ("limit=1", 1024),
        ("limit=1024", 1024),
        ("limit=5000", 5000),
        ("limit=-5", 1024),
        ("limit=x", 1024),
        ("limit=%C2%B2", 1024),
        ("limit=99999999999999", 1024 * 1024),
        ("limit=99999999999999999999999", 1024),
    ] {
        let wanted = LogQuery::process(&Form::read(query.as_bytes()));
        assert_eq!(wanted.limit, limit, "{query}");
    }
}

#[test]
fn everything_is_kept_in_the_address() {
    for query in [
        "tail.html?processname=g%3Ax",
        "tail.html?processname=x&channel=stderr",
        "tail.html?processname=x&limit=1024&refresh=30",
        "tail.html?processname=%C3%BC%20%26&refresh=follow",
        "mainlog.html",
        "mainlog.html?limit=16384&refresh=2",
    ] {
        let (path, form) = query.split_once('?').unwrap_or((query, ""));
        let form = Form::read(form.as_bytes());
        let wanted = match path {
            "mainlog.html" => LogQuery::main(&form),
            _ => LogQuery::process(&form),
        };
        assert_eq!(wanted.address(), query);
    }
}

#[test]
fn a_page_is_loaded_again_from_its_own_address() {
    let page = shown("processname=g:x&refresh=5", &text("", false));
    assert!(page.contains(
        "<meta http-equiv=\"refresh\" content=\"5; url=tail.html?processname=g%3Ax&amp;refresh=5\">"
    ));
    assert!(page.contains("refresh=5\" aria-current=\"true\">5 s</a>"));
    for query in [
        "processname=x",
        "processname=x&refresh=1",
        "processname=x&refresh=follow",
    ] {
        assert!(
            !shown(query, &text("", false)).contains("http-equiv"),
            "{query}"
        );
    }
}

#[test]
fn more_and_fewer_lines_are_links() {
    for (query, has_more, more, fewer) in [
        ("limit=1024", true, Some("4096"), None),
        ("", true, Some("16384"), Some("1024")),
        ("", false, None, Some("1024")),
        ("limit=1000000", true, Some("1048576"), Some("250000")),
        ("limit=1048576", true, None, Some("262144")),
    ] {
        let page = shown(&format!("processname=x&{query}"), &text("a", has_more));
        let limit = |label| {
            let address = link(&page, label)?;
            Some(
                address
                    .split_once("limit=")
                    .map_or("4096".to_owned(), |(_, limit)| limit.to_owned()),
            )
        };
        assert_eq!(limit("More lines").as_deref(), more, "{query}");
        assert_eq!(limit("Fewer lines").as_deref(), fewer, "{query}");
    }
}

#[test]
fn both_channels_and_the_whole_log_are_a_click_away() {
    let page = shown(
        "processname=g:x&channel=stderr&refresh=2",
        &text("a", false),
    );
    assert!(page.contains("<title>g:x stderr - web1 - Supervisor</title>"));
    assert!(page.contains("<h1>g:x</h1>"));
    for (label, address) in [
        ("stdout", "tail.html?processname=g%3Ax&refresh=2"),
        (
            "stderr",
            "tail.html?processname=g%3Ax&channel=stderr&refresh=2",
        ),
        ("Download", "log.txt?processname=g%3Ax&channel=stderr"),
        ("off", "tail.html?processname=g%3Ax&channel=stderr"),
    ] {
        assert_eq!(link(&page, label).as_deref(), Some(address));
    }
    assert!(page.contains("value=\"clearstderr\""));
}

#[test]
fn following_is_for_scripts_and_told_to_others() {
    let page = shown("processname=g:%C3%BC&refresh=follow", &text("a", false));
    // Decoded twice on the other side.
    assert!(page.contains("data-follow=\"logtail/g%253A%25C3%25BC/stdout\""));
    assert!(page.contains("needs JavaScript"));
    assert!(!shown("processname=x", &text("a", false)).contains("data-follow"));
    let main = LogQuery::main(&Form::read(b"refresh=follow"));
    let page = shown_by(&daemon(), &main, &text("", false), None);
    assert!(page.contains("data-follow=\"mainlogtail\""));
    assert!(page.contains("value=\"clearmainlog\""));
    assert_eq!(link(&page, "Download").as_deref(), Some("mainlog.txt"));
}

#[test]
fn logs_are_text_whatever_they_hold() {
    let page = shown(
        "processname=x",
        &text("</pre><script>x</script>\0\u{1b}[1mb", false),
    );
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;x&lt;/script&gt;\u{2400}b</pre>"));
    // A line feed after the tag is not shown, so that one that the log begins with is.
    assert!(shown("processname=x", &text("\na", false)).contains("<pre id=\"log\">\n\na</pre>"));
}

/// In the words of 4.3.0.
#[test]
fn what_is_not_there_is_told() {
    let nothing = LogView::Nothing("No file for x".to_owned());
    let page = shown("processname=x", &nothing);
    assert!(page.contains("<p id=\"nothing\">No file for x</p>"));
    assert!(!page.contains("<pre"));
    // Nor is there something to download.
    assert_eq!(link(&page, "Download"), None);
    assert_eq!(
        link(&page, "Reload").as_deref(),
        Some("tail.html?processname=x")
    );
}

#[test]
fn a_process_that_is_not_there_has_a_page_with_a_way_home_and_nothing_else() {
    for (query, heading, reason) in [
        ("", "No process", "No process name found"),
        (
            "processname=%3Ca",
            "No process &lt;a",
            "ERROR: unexpected rpc fault [10] BAD_NAME: &lt;a",
        ),
    ] {
        let wanted = LogQuery::process(&Form::read(query.as_bytes()));
        let log = LogView::Nothing(reason.replace("&lt;", "<"));
        let page = shown_by(&daemon(), &wanted, &log, None);
        assert!(page.contains(&format!("<title>{heading} - web1 - Supervisor</title>")));
        assert!(page.contains(&format!("<h1>{heading}</h1>")), "{page}");
        assert!(page.contains(&format!("<p id=\"nothing\">{reason}</p>")));
        let (_, main) = page.split_once("<main").unwrap();
        let (main, _) = main.split_once("</main>").unwrap();
        assert_eq!(
            links(main),
            [("To the processes".to_owned(), "./".to_owned())]
        );
        assert!(!main.contains("<form"));
    }
}

#[test]
fn the_state_of_the_process_and_what_can_be_done_stand_beside_its_name() {
    let page = |state| {
        let wanted = LogQuery::process(&Form::read(b"processname=g:x"));
        let page = shown_by(&daemon(), &wanted, &text("a", false), state);
        let (_, head) = page.split_once("</h1>").unwrap();
        head.split_once("</div>").unwrap().0.to_owned()
    };
    for (state, mark, actions) in [
        (
            ProcessState::Running,
            "running",
            &["stop", "restart"] as &[_],
        ),
        (ProcessState::Fatal, "fatal", &["start"]),
        (ProcessState::Stopping, "stopping", &[]),
    ] {
        let head = page(Some(state));
        assert!(head.contains(&format!(
            "<span class=\"state {mark}\">{mark}</span> pid 17, &lt;b&gt;"
        )));
        let found = head.split("name=\"action\" value=\"").skip(1);
        let found: Vec<&str> = found.map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(found, actions);
        assert!(head.contains("name=processname value=\"g:x\""));
    }
    assert_eq!(page(None).trim(), "");
}

#[test]
fn only_what_can_be_cleared_is_offered_to_be() {
    let wanted = LogQuery::process(&Form::read(b"processname=x"));
    let log = text("a", false);
    let shown = |daemon: &DaemonView, state| shown_by(daemon, &wanted, &log, Some(state));
    for (state, can_clear) in [
        (ProcessState::Running, true),
        (ProcessState::Backoff, false),
    ] {
        let page = shown(&daemon(), state);
        assert_eq!(
            page.contains("value=\"clearstdout\""),
            can_clear,
            "{state:?}"
        );
    }
    let mut going = daemon();
    going.state = SupervisorState::Shutdown;
    assert!(!shown(&going, ProcessState::Running).contains("<button"));
}
