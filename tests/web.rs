//! The forms of the web interface over a real daemon, without a browser: what they do
//! and what is refused.

use super::support::{DEADLINE, Page, Scene, wait_until};
use std::io::Write;
use std::os::unix::net::UnixStream;

pub const PROGRAMS: &str = "\
[program:cat]
command=/bin/cat
stdout_logfile=%(here)s/cat.out
stderr_logfile=%(here)s/cat.err
startsecs=0
[program:two]
command=/bin/cat
numprocs=2
process_name=%(process_num)d
startsecs=0
[program:idle]
command=/bin/cat
autostart=false
startsecs=0
[program:broken]
command=/no/such/file
autostart=false
";

pub fn scene() -> Scene {
    let scene = Scene::start(PROGRAMS);
    scene.wait("cat", "RUNNING");
    scene
}

/// Sends the form of the page that has the field, with the token that it has there.
fn press(scene: &Scene, path: &str, field: (&str, &str), action: &str) -> Page {
    let form = match field.1 {
        "" => String::new(),
        value => format!("name={} value=\"{value}\"", field.0),
    };
    let page = scene.rpc.get(path);
    let token = page.token(&form);
    let fields = [field, ("token", token), ("action", action)];
    scene.rpc.submit(path, &fields)
}

/// Where an action sends the browser, and what is told there.
pub fn told(scene: &Scene, answer: &Page) -> String {
    assert_eq!(answer.status, 303, "{}\n{}", answer.head, answer.body);
    let location = answer.header("Location");
    let path = match location.strip_prefix("./") {
        Some(rest) => format!("/{rest}"),
        None => format!("/{location}"),
    };
    let page = scene.rpc.get(&path);
    assert_eq!(page.status, 200);
    page.message()
}

pub fn act(scene: &Scene, field: (&str, &str), action: &str) -> String {
    let answer = press(scene, "/", field, action);
    told(scene, &answer)
}

pub fn process(name: &str) -> (&'static str, &str) {
    ("processname", name)
}

pub const ALL: (&str, &str) = ("", "");

#[test]
fn every_button_does_what_it_says() {
    let scene = scene();
    let before = scene.pid("cat");
    assert_eq!(
        act(&scene, process("cat"), "restart"),
        "Process cat restarted"
    );
    assert_ne!(scene.pid("cat"), before);
    assert_eq!(act(&scene, process("cat"), "stop"), "Process cat stopped");
    scene.wait("cat", "STOPPED");
    assert_eq!(
        act(&scene, process("cat"), "stop"),
        "unexpected rpc fault [70] NOT_RUNNING: cat"
    );
    assert_eq!(act(&scene, process("cat"), "start"), "Process cat started");
    assert_eq!(
        act(&scene, process("cat"), "start"),
        "ERROR: Process cat: already started"
    );
    assert_eq!(
        act(&scene, process("broken"), "start"),
        "ERROR: Process broken: no such file"
    );
    assert_eq!(
        act(&scene, process("broken"), "restart"),
        "ERROR: Process broken: no such file"
    );
    let group = ("groupname", "two");
    assert!(act(&scene, group, "stopgroup").starts_with("Group two stopped at "));
    scene.wait("two:1", "STOPPED");
    assert!(act(&scene, group, "startgroup").starts_with("Group two started at "));
    scene.wait("two:1", "RUNNING");
    let before = scene.pid("two:0");
    assert!(act(&scene, group, "restartgroup").starts_with("Group two restarted at "));
    assert_ne!(scene.pid("two:0"), before);
    assert!(act(&scene, ALL, "stopall").starts_with("All stopped at "));
    scene.wait_all("STOPPED");
    let message = act(&scene, ALL, "startall");
    assert!(message.starts_with("ERROR: All started at "), "{message}");
    assert!(
        message.ends_with(", except broken (no such file)"),
        "{message}"
    );
    scene.wait("idle", "RUNNING");
    assert!(act(&scene, ALL, "restartall").contains("All restarted at "));
    assert!(act(&scene, ALL, "clearall").starts_with("All logs cleared at "));
    assert!(act(&scene, ALL, "refresh").starts_with("Page refreshed at "));
    scene.stop();
}

/// Without a script the question is a page of its own.
#[test]
fn what_concerns_everything_is_asked_about_first() {
    let scene = Scene::start(&format!("identifier=<shop>\n{PROGRAMS}"));
    scene.wait("cat", "RUNNING");
    let pid = scene.pid("cat");
    let filtered = "/?name=c&state=running";
    let page = scene.rpc.get(filtered);
    let all = page.body.split_once("name=token").unwrap().1;
    assert!(
        all.split("</form>")
            .next()
            .unwrap()
            .contains("name=ask value=1")
    );
    let submit = |token: &str, ask: &str, action: &str| {
        let fields = [("token", token), ("ask", ask), ("action", action)];
        scene.rpc.submit(filtered, &fields)
    };
    for (action, question) in [
        (
            "clearall",
            "Clear the logs of all 5 processes of &lt;shop&gt;? This cannot be undone.",
        ),
        ("restartall", "Restart all 5 processes of &lt;shop&gt;?"),
        ("stopall", "Stop all 5 processes of &lt;shop&gt;?"),
    ] {
        assert_eq!(submit("x", "1", action).status, 403);
        let asked = submit(page.token(""), "1", action);
        assert_eq!(asked.status, 200, "{}", asked.head);
        for part in [
            &format!("<h1>{question}</h1>"),
            "<a href=\"./?name=c&amp;state=running\">Cancel</a>",
            &format!("name=\"action\" value=\"{action}\""),
        ] {
            assert!(asked.body.contains(part), "{part} is not in {}", asked.body);
        }
        assert_eq!(scene.pid("cat"), pid);
        if action == "stopall" {
            let answer = submit(asked.token(""), "", action);
            let location = answer.header("Location");
            assert!(
                location.starts_with("./?name=c&state=running&message="),
                "{location}"
            );
            assert!(told(&scene, &answer).starts_with("All stopped at "));
            scene.wait_all("STOPPED");
        }
    }
    // The others in the same form are done at once.
    assert_eq!(submit(page.token(""), "1", "refresh").status, 303);
    scene.stop();
}

#[test]
fn a_process_is_restarted_from_the_page_with_its_log() {
    let scene = scene();
    let before = scene.pid("cat");
    let path = "/tail.html?processname=cat&channel=stderr&refresh=5";
    let answer = press(&scene, path, process("cat"), "restart");
    let location = answer.header("Location");
    assert!(
        location.starts_with("tail.html?processname=cat&channel=stderr&refresh=5&message="),
        "{location}"
    );
    assert_eq!(told(&scene, &answer), "Process cat restarted");
    assert_ne!(scene.pid("cat"), before);
    let page = scene.rpc.get(path);
    assert!(
        page.body
            .contains("<span class=\"state running\">running</span> pid ")
    );
    scene.stop();
}

#[test]
fn each_log_is_cleared_by_itself() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'echo out; echo err >&2; exec sleep 1000'\n\
         stdout_logfile=%(here)s/out\nstderr_logfile=%(here)s/err\nstartsecs=0\n",
    );
    let read = |name: &str| scene.dir.read(name).unwrap_or_default();
    assert!(wait_until(DEADLINE, || read("out") == "out\n"
        && read("err") == "err\n"));
    let answer = press(
        &scene,
        "/tail.html?processname=p&channel=stderr",
        process("p"),
        "clearstderr",
    );
    assert!(
        answer
            .header("Location")
            .starts_with("tail.html?processname=p&channel=stderr&message=")
    );
    assert_eq!(told(&scene, &answer), "Log for p (stderr) cleared");
    assert_eq!((read("out").as_str(), read("err").as_str()), ("out\n", ""));
    assert_eq!(
        act(&scene, process("p"), "clearstdout"),
        "Log for p (stdout) cleared"
    );
    assert_eq!(read("out"), "");
    assert_eq!(act(&scene, process("p"), "clearlog"), "Log for p cleared");
    let answer = press(&scene, "/mainlog.html", ALL, "clearmainlog");
    assert_eq!(told(&scene, &answer), "Log of supervisord cleared");
    assert!(!scene.log().contains("spawned"));
    scene.stop();
}

#[test]
fn names_of_nobody_are_told() {
    let scene = scene();
    let page = scene.rpc.get("/");
    // Each form has a token of its own, so one for a name of nobody is refused...
    let fields = [
        ("processname", "no<b>"),
        ("token", page.token("")),
        ("action", "stop"),
    ];
    assert_eq!(scene.rpc.submit("/", &fields).status, 403);
    // ...but a process may go while its page is open.
    let token = page.token("name=groupname value=\"two\"").to_owned();
    scene
        .call("stopProcessGroup", &[super::support::Value::text("two")])
        .answer();
    scene
        .call("removeProcessGroup", &[super::support::Value::text("two")])
        .answer();
    let fields = [
        ("groupname", "two"),
        ("token", token.as_str()),
        ("action", "startgroup"),
    ];
    assert_eq!(
        told(&scene, &scene.rpc.submit("/", &fields)),
        "No such group named two"
    );
    let token = page.token("name=processname value=\"two:0\"");
    let fields = [
        ("processname", "two:0"),
        ("token", token),
        ("action", "start"),
    ];
    assert_eq!(
        told(&scene, &scene.rpc.submit("/", &fields)),
        "No such process named two:0"
    );
    scene.stop();
}

#[test]
fn a_form_without_its_own_fresh_token_does_nothing() {
    let scene = scene();
    let pid = scene.pid("cat");
    let page = scene.rpc.get("/");
    let (all, two) = (page.token(""), page.token("value=\"two:0\""));
    let own = page.token("value=\"cat\"");
    let wrong = own.replace(own.chars().last().unwrap(), "!");
    for token in ["", "x", all, two, wrong.as_str()] {
        let fields = [("processname", "cat"), ("token", token), ("action", "stop")];
        let answer = scene.rpc.submit("/", &fields);
        assert_eq!(answer.status, 403, "{token}");
        assert!(answer.body.contains("Nothing was done"));
        assert_eq!(answer.header("Location"), "");
    }
    // In the address it does not count, nor does what is to be done.
    let address = format!("/?processname=cat&token={own}&action=stop");
    assert_eq!(scene.rpc.submit(&address, &[]).status, 200);
    assert_eq!(
        scene
            .rpc
            .submit(&address, &[("action", "stop"), ("processname", "cat")])
            .status,
        403
    );
    assert_eq!(scene.pid("cat"), pid);
    let fields = [("processname", "cat"), ("token", own), ("action", "stop")];
    assert_eq!(scene.rpc.submit("/", &fields).status, 303);
    scene.wait("cat", "STOPPED");
    // A restarted supervisord is another one.
    let restarts = scene.log().matches("supervisord started").count();
    scene.call("restart", &[]).answer();
    assert!(wait_until(DEADLINE, || {
        scene.log().matches("supervisord started").count() > restarts && scene.rpc.answers()
    }));
    scene.wait("cat", "RUNNING");
    assert_eq!(scene.rpc.submit("/", &fields).status, 403);
    assert_eq!(scene.info("cat").text_of("statename"), "RUNNING");
    scene.stop();
}

/// 4.3.0 leaves the process stopped.
#[test]
fn a_restart_goes_on_when_the_browser_has_gone() {
    let scene = Scene::start(
        "[program:slow]\ncommand=/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'\n\
         stopwaitsecs=1\nstartsecs=0\n",
    );
    scene.wait("slow", "RUNNING");
    let page = scene.rpc.get("/");
    let pid = scene.pid("slow");
    let body = format!(
        "processname=slow&action=restart&token={}",
        page.token("value=\"slow\"")
    );
    let mut stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    scene.wait("slow", "STOPPING");
    drop(stream);
    scene.wait("slow", "RUNNING");
    assert_ne!(scene.pid("slow"), pid);
    scene.stop();
}

#[test]
fn messages_of_others_are_not_shown() {
    let scene = scene();
    for query in [
        "message=All+is+lost",
        "message=All+is+lost&seal=1.AAAAAAAAAAAAAAAAAAAAAA",
        "message=%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let page = scene.rpc.get(&format!("/?{query}"));
        assert_eq!((page.status, page.message()), (200, String::new()));
        assert!(!page.body.contains("lost") && !page.body.contains("<script>alert"));
    }
    let answer = press(&scene, "/", process("cat"), "stop");
    let forged = answer.header("Location").replace("stopped", "started");
    assert_eq!(scene.rpc.get(forged.trim_start_matches('.')).message(), "");
    scene.stop();
}

#[test]
fn a_filter_is_kept_through_an_action() {
    let scene = scene();
    let filtered = scene.rpc.get("/?name=two");
    assert!(!filtered.body.contains("value=\"cat\""));
    let answer = press(
        &scene,
        "/index.html?name=CA&state=running",
        process("cat"),
        "stop",
    );
    let location = answer.header("Location");
    assert!(
        location.starts_with("./?name=CA&state=running&message="),
        "{location}"
    );
    assert_eq!(told(&scene, &answer), "Process cat stopped");
    scene.stop();
}

#[test]
fn forms_are_limited_and_announced() {
    let scene = scene();
    let large = "Content-Length: 70000\r\n";
    assert_eq!(scene.rpc.page("POST", "/", large, "").status, 413);
    assert_eq!(scene.rpc.page("POST", "/", "", "").status, 411);
    let announced = "Content-Length: 14\r\nExpect: 100-continue\r\n";
    let answer = scene.rpc.page("POST", "/", announced, "action=refresh");
    assert_eq!(answer.status, 100);
    assert!(
        answer.body.starts_with("HTTP/1.1 303 See Other"),
        "{}",
        answer.body
    );
    assert_eq!(
        scene
            .rpc
            .submit("/stylesheets/supervisor.css", &[("a", "b")])
            .status,
        400
    );
    assert_eq!(scene.rpc.submit("/ok.html", &[("a", "b")]).body, "OK");
    scene.stop();
}
