use super::*;
use crate::clock::Monotonic;
use crate::states::SupervisorState;
use crate::web::token::Tokens;

fn daemon() -> DaemonView {
    DaemonView {
        state: SupervisorState::Running,
        reason: String::new(),
        identifier: "supervisor".to_owned(),
        pid: 1,
        uptime: "0:00:01".to_owned(),
    }
}

fn text(text: &str, has_more: bool) -> LogView {
    LogView::Text {
        text: text.to_owned(),
        has_more,
    }
}

fn shown_by(daemon: &DaemonView, wanted: &LogQuery, log: &LogView, can_clear: bool) -> String {
    let tokens = Tokens::new([7; 32]);
    let issuer = Issuer {
        tokens: &tokens,
        now: Monotonic::default(),
    };
    page(daemon, wanted, log, "", can_clear, &issuer).html()
}

fn shown(query: &str, log: &LogView) -> String {
    let wanted = LogQuery::process(&Form::read(query.as_bytes()));
    shown_by(&daemon(), &wanted, log, true)
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
    assert!(page.contains("<title>Supervisor tail of process g:x</title>"));
    assert!(page.contains("<h1>g:x stderr</h1>"));
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
    let page = shown_by(&daemon(), &main, &text("", false), true);
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
    for (query, reason) in [
        ("", "No process name found"),
        ("processname=x", "No file for x"),
        (
            "processname=nope",
            "ERROR: unexpected rpc fault [10] BAD_NAME: nope",
        ),
    ] {
        let page = shown(query, &LogView::Nothing(reason.to_owned()));
        assert!(
            page.contains(&format!("<p id=\"nothing\">{reason}</p>")),
            "{query}"
        );
        assert!(!page.contains("<pre"));
    }
    let nameless = shown("", &LogView::Nothing(String::new()));
    assert!(nameless.contains("<title>Supervisor tail of process None</title>"));
    assert_eq!(link(&nameless, "Reload"), None);
}

#[test]
fn only_what_can_be_cleared_is_offered_to_be() {
    let wanted = LogQuery::process(&Form::read(b"processname=x"));
    let log = text("a", false);
    assert!(shown_by(&daemon(), &wanted, &log, true).contains("value=\"clearstdout\""));
    assert!(!shown_by(&daemon(), &wanted, &log, false).contains("<button"));
    let mut going = daemon();
    going.state = SupervisorState::Shutdown;
    assert!(!shown_by(&going, &wanted, &log, true).contains("<button"));
}
