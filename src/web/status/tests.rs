use super::*;
use crate::clock::Monotonic;
use crate::http::access::Access;
use crate::states::SupervisorState;
use crate::web::token::Tokens;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/snapshots");

fn process(name: &str, state: ProcessState, description: &str) -> ProcessView {
    ProcessView {
        name: name.to_owned(),
        namespec: name.to_owned(),
        state,
        description: description.to_owned(),
        has_stdout: true,
        has_stderr: true,
    }
}

fn single(process: ProcessView) -> GroupView {
    GroupView {
        name: process.namespec.clone(),
        scaled: String::new(),
        processes: vec![process],
    }
}

fn group(name: &str, states: &[ProcessState]) -> GroupView {
    let members = states.iter().enumerate().map(|(number, state)| {
        let mut member = process(&format!("p{number}"), *state, "");
        member.namespec = format!("{name}:p{number}");
        member
    });
    GroupView {
        name: name.to_owned(),
        scaled: String::new(),
        processes: members.collect(),
    }
}

fn view(groups: Vec<GroupView>) -> View {
    let states = groups.iter().flat_map(|group| &group.processes);
    View {
        daemon: DaemonView {
            state: SupervisorState::Running,
            access: Access::Full,
            reason: String::new(),
            identifier: "supervisor".to_owned(),
            host: "web1".to_owned(),
            pid: 4242,
            uptime: "1 day, 2:03:04".to_owned(),
            counts: controls::counts(states.map(|process| process.state)),
        },
        groups,
        results: Vec::new(),
    }
}

fn shown(view: &View, query: &str, message: &str) -> String {
    let tokens = Tokens::new([7; 32]);
    let issuer = Issuer {
        tokens: &tokens,
        now: Monotonic::default(),
    };
    let filter = Filter::of(&Form::read(query.as_bytes()));
    page(view, &filter, message, &issuer).html()
}

/// The row of the table that begins with that name.
fn row<'a>(page: &'a str, name: &str) -> &'a str {
    let rows = page.split("<tr ").skip(1);
    rows.map(|row| row.split("</tbody>").next().unwrap())
        .find(|row| {
            let cell = row.split_once("<th ").unwrap().1;
            cell.split_once('>').unwrap().1.starts_with(name)
        })
        .unwrap()
        .trim_end()
}

fn actions(row: &str) -> Vec<&str> {
    row.split("name=action value=")
        .skip(1)
        .map(|rest| rest.split([' ', '>']).next().unwrap())
        .collect()
}

/// The page of a process in each state as it was looked at in a browser. With
/// `UPDATE_SNAPSHOTS=1` the files are written anew.
#[test]
fn pages_are_as_they_were_looked_at() {
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    for (state, description) in [
        (ProcessState::Stopped, "Not started"),
        (ProcessState::Starting, ""),
        (ProcessState::Running, "pid 17, uptime 0:00:05"),
        (
            ProcessState::Backoff,
            "Exited too quickly (process log may have details)",
        ),
        (ProcessState::Stopping, ""),
        (ProcessState::Exited, "Nov 22 06:28 PM"),
        (ProcessState::Fatal, "can't find command '/no/such/file'"),
        (ProcessState::Unknown, ""),
    ] {
        let view = view(vec![single(process("cat", state, description))]);
        let page = shown(&view, "", "");
        // Around it stand the version and the script.
        let (_, html) = page.split_once("<main id=\"main\">").unwrap();
        let (html, _) = html.split_once("</main>").unwrap();
        let path = format!("{FOLDER}/{}.html", lower(state));
        if update {
            std::fs::create_dir_all(FOLDER).unwrap();
            std::fs::write(&path, html).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(html == expected, "{path} differs from\n{html}");
    }
}

#[test]
fn what_can_be_done_depends_on_the_state() {
    let logs = ["clearstdout", "clearstderr"];
    for (state, expected, can_clear) in [
        (ProcessState::Stopped, &["start"] as &[&str], false),
        (ProcessState::Starting, &["stop", "restart"], true),
        (ProcessState::Running, &["stop", "restart"], true),
        (ProcessState::Backoff, &["stop", "restart"], false),
        (ProcessState::Stopping, &[], true),
        (ProcessState::Exited, &["start"], false),
        (ProcessState::Fatal, &["start"], false),
        (ProcessState::Unknown, &[], true),
    ] {
        let view = view(vec![single(process("cat", state, ""))]);
        let page = shown(&view, "", "");
        let mut expected = expected.to_vec();
        if can_clear {
            expected.extend(logs);
        }
        assert_eq!(actions(row(&page, "cat")), expected, "{state:?}");
    }
}

#[test]
fn channels_without_a_log_are_not_offered() {
    let mut quiet = process("quiet", ProcessState::Running, "");
    (quiet.has_stdout, quiet.has_stderr) = (false, false);
    let page = shown(&view(vec![single(quiet)]), "", "");
    let row = row(&page, "quiet");
    assert_eq!(actions(row), ["stop", "restart"]);
    assert!(!row.contains("tail.html"), "{row}");
}

#[test]
fn groups_have_buttons_of_their_own() {
    use ProcessState::{Fatal, Running};
    let groups = vec![
        group("web", &[Running, Fatal]),
        single(process("cat", Running, "")),
    ];
    let page = shown(&view(groups), "", "");
    let head = row(&page, "web<");
    assert_eq!(
        actions(head),
        ["startgroup", "stopgroup", "restartgroup", "rollgroup"]
    );
    assert!(head.contains("1 of 2 running <span class=\"state fatal\">1 fatal</span>"));
    assert!(head.contains("name=groupname value=\"web\""));
    assert!(row(&page, "p1").contains("name=processname value=\"web:p1\""));
    assert_eq!(page.matches("value=startgroup").count(), 1);
}

#[test]
fn a_filter_looks_at_names_and_states() {
    use ProcessState::{Fatal, Running};
    let view = view(vec![
        group("Web", &[Running, Fatal]),
        single(process("cat", Running, "")),
        single(process("<b>", Fatal, "")),
    ]);
    for (query, names) in [
        ("", &["&lt;b&gt;", "cat", "p0", "p1"] as &[&str]),
        ("name=WEB", &["p0", "p1"]),
        ("name=web:p", &["p0", "p1"]),
        ("name=+p1+", &["p1"]),
        ("state=fatal", &["&lt;b&gt;", "p1"]),
        ("state=FATAL&name=web", &["p1"]),
        ("name=%3Cb", &["&lt;b&gt;"]),
        ("name=nobody", &[]),
        ("state=nonsense", &[]),
    ] {
        let page = shown(&view, query, "");
        let mut found: Vec<&str> = page
            .split("scope=row id=")
            .skip(1)
            .map(|rest| {
                rest.split(['>', '\n'])
                    .nth(1)
                    .unwrap()
                    .trim_end_matches("<td")
            })
            .collect();
        found.sort_unstable();
        assert_eq!(found, names, "{query}");
        assert!(page.contains(&format!("{} of 4 shown", names.len())));
        assert_eq!(page.contains("Show all"), !query.is_empty());
        assert_eq!(page.contains("No process is like that"), names.is_empty());
    }
    assert!(shown(&view, "name=%22%3E%3Cb", "").contains("value=\"&quot;&gt;&lt;b\""));
}

#[test]
fn names_and_descriptions_are_never_markup() {
    let name = "<script>alert(1)</script>\"'&amp; ü";
    let view = view(vec![single(process(
        name,
        ProcessState::Running,
        "<img src=x>",
    ))]);
    let page = shown(&view, "", "<b>&");
    let (html, _) = page.split_once("\n<script>").unwrap();
    for markup in ["<script", "<img", "<b>", "\"'", "&amp; ü"] {
        assert!(!html.contains(markup), "{markup} is in {html}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;amp; ü"));
    assert!(html.contains(
        "tail.html?processname=%3Cscript%3Ealert%281%29%3C/script%3E%22%27%26amp%3B%20%C3%BC\""
    ));
}

#[test]
fn a_supervisord_that_is_fatal_says_why() {
    let mut view = view(Vec::new());
    view.daemon.state = SupervisorState::Fatal;
    view.daemon.reason = "cannot signal <1>".to_owned();
    let page = shown(&view, "", "");
    assert!(page.contains("<span class=\"state fatal\">fatal</span>"));
    assert!(page.contains("<strong>supervisord is FATAL:</strong> cannot signal &lt;1&gt;</p>"));
    assert!(page.contains("value=\"clearfatal\""));
    assert!(page.contains("<p>No programs to manage</p>"));
}

#[test]
fn while_going_down_nothing_is_offered() {
    for state in [SupervisorState::Shutdown, SupervisorState::Restarting] {
        let mut view = view(vec![
            single(process("cat", ProcessState::Stopping, "")),
            group("g", &[ProcessState::Stopped]),
        ]);
        view.daemon.state = state;
        let page = shown(&view, "", "");
        assert!(page.contains("supervisord is going down"));
        assert!(!page.contains("name=action") && !page.contains("name=\"action\""));
        assert!(!page.contains("method=post") && !page.contains("method=\"post\""));
        assert!(page.contains("tail.html?processname=cat"));
    }
}

#[test]
fn results_of_listeners_are_shown_as_text() {
    let mut view = view(Vec::new());
    view.results.push(ResultView {
        pool: "checks".to_owned(),
        process: "checks:a".to_owned(),
        event: "TICK_5".to_owned(),
        serial: 12,
        time: "Sun Nov 22 18:46:31 2026".to_owned(),
        data: "<b>\u{1b}[31mred".to_owned(),
        size: 12,
    });
    let page = shown(&view, "", "");
    assert!(page.contains(
        "<h3>checks</h3><p>checks:a, TICK_5 with serial 12, Sun Nov 22 18:46:31 2026, 12 bytes</p>"
    ));
    assert!(page.contains(">&lt;b&gt;red</pre>"));
}

/// What a browser has to load and to lay out.
#[test]
fn a_thousand_processes_are_less_than_a_megabyte() {
    let states = [ProcessState::Running; 1000];
    let mut workers = group("worker", &states);
    for (number, process) in workers.processes.iter_mut().enumerate() {
        process.name = format!("worker_{number:04}");
        process.namespec = format!("worker:worker_{number:04}");
        process.description = "pid 1234567, uptime 123 days, 12:34:56".to_owned();
    }
    let size = shown(&view(vec![workers]), "", "").len();
    assert!(size < 1_000_000, "{size} bytes");
}

/// All values of a page that a browser could load something from stay here.
#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = shown(&view(vec![group("g", &[ProcessState::Running])]), "", "");
    for attribute in ["src=", "href=", "action="] {
        for value in page.split(attribute).skip(1) {
            let value = value.trim_start_matches('"');
            assert!(
                !value.starts_with('/') && !value.starts_with("http"),
                "{value}"
            );
        }
    }
    assert!(!page.contains("//") || page.split_once("<script>").unwrap().1.contains("//"));
}

#[test]
fn long_names_may_be_broken_and_others_stay_in_one_line() {
    let (short, long) = ("x".repeat(LONG), "x".repeat(LONG + 1));
    let mut groups = vec![group(&short, &[ProcessState::Running; 2])];
    groups.push(group(&long, &[ProcessState::Running; 2]));
    groups.push(single(process(&long, ProcessState::Running, "")));
    let page = shown(&view(groups), "", "");
    for cell in [
        format!("<th scope=rowgroup id=g0>{short}<td"),
        format!("<th scope=rowgroup id=g1><span>{long}</span><td"),
        "<th scope=row id=p1>p0<td".to_owned(),
        format!("<th scope=row id=p5><span>{long}</span><td"),
    ] {
        assert!(page.contains(&cell), "{cell} is not in {page}");
    }
}

/// A screen reader says of which group a process is: its row does not.
#[test]
fn what_acts_on_a_process_is_described_by_its_group_too() {
    use ProcessState::Running;
    let groups = vec![
        single(process("cat", Running, "")),
        group("web", &[Running, Running]),
    ];
    let page = shown(&view(groups), "", "");
    assert!(row(&page, "cat").contains("value=stop aria-describedby=p1>"));
    assert!(row(&page, "p0").contains("value=stop aria-describedby=\"g1 p2\""));
    assert!(
        row(&page, "p1")
            .contains("value=clearstderr aria-label=\"Clear stderr\" aria-describedby=\"g1 p3\"")
    );
}

#[test]
fn the_states_of_processes_are_counted_in_the_head_and_lead_to_them() {
    use ProcessState::{Fatal, Running, Stopped};
    let view = view(vec![
        group("web", &[Running, Fatal, Fatal]),
        single(process("cat", Stopped, "")),
    ]);
    let head = |query: &str| {
        let page = shown(&view, query, "");
        let (head, _) = page.split_once("</header>").unwrap();
        let links = head.split("<a class=\"state ").skip(1);
        let links = links.map(|link| link.split("</a>").next().unwrap().to_owned());
        links.collect::<Vec<_>>()
    };
    assert_eq!(
        head(""),
        [
            "running\" href=\"./?state=running\">1 running",
            "stopped\" href=\"./?state=stopped\">1 stopped",
            "fatal\" href=\"./?state=fatal\">2 fatal",
        ]
    );
    assert_eq!(
        head("name=w%22&state=backoff"),
        [
            "running\" href=\"./?name=w%22&amp;state=running\">1 running",
            "stopped\" href=\"./?name=w%22&amp;state=stopped\">1 stopped",
            "backoff\" href=\"./?name=w%22&amp;state=backoff\" aria-current=\"true\">0 backoff",
            "fatal\" href=\"./?name=w%22&amp;state=fatal\">2 fatal",
        ]
    );
}

#[test]
fn the_title_names_the_machine_or_the_identifier() {
    let mut view = view(Vec::new());
    assert!(shown(&view, "", "").contains("<title>web1 - Supervisor Status</title>"));
    view.daemon.identifier = "shop".to_owned();
    let page = shown(&view, "", "");
    assert!(page.contains("<title>shop - Supervisor Status</title>"));
    assert!(page.contains("<dt>host</dt><dd>web1</dd>"));
}

/// Regression: under a filter they looked as if they were for what is shown.
#[test]
fn the_buttons_of_a_group_say_that_they_act_on_all_where_some_are_hidden() {
    use ProcessState::{Fatal, Running};
    let view = view(vec![group("web", &[Running, Running, Fatal])]);
    for (query, is_part) in [("", false), ("name=web", false), ("state=fatal", true)] {
        let page = shown(&view, query, "");
        assert_eq!(page.contains("<tbody class=part>"), is_part, "{query}");
        assert!(row(&page, "web<").contains(">Stop<span> all 3</span></button>"));
    }
}

#[test]
fn what_concerns_everything_stands_apart_and_asks() {
    use ProcessState::Running;
    let page = shown(&view(vec![group("web", &[Running, Running])]), "", "");
    let (_, form) = page.split_once("id=\"all\"").unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    let (harmless, risky) = form.split_once("<span class=\"bar\">").unwrap();
    assert!(harmless.contains("name=ask value=1"));
    assert!(harmless.contains("value=\"refresh\"") && !harmless.contains("data-ask"));
    for button in [
        "value=\"stopall\" data-ask=\"Stop all 2 processes of web1?\">Stop all<",
        "value=\"restartall\" data-ask=\"Restart all 2 processes of web1?\">Restart all<",
        "value=\"clearall\" data-ask=\"Clear the logs of all 2 processes of web1? This cannot be undone.\"",
    ] {
        assert!(risky.contains(button), "{button} is not in {risky}");
    }
}
