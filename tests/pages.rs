//! The pages of the web interface over a real daemon, without a browser: what they
//! show, where, and that a link changes nothing.

use super::support::{DEADLINE, Scene, kill, wait_until};
use super::web::{ALL, PROGRAMS, act, process, scene, told};

/// Regression: it was a bare page without a way to the others, and a log that is not
/// there was offered for a download.
#[test]
fn what_is_not_there_has_a_page_like_the_others() {
    let scene = scene();
    for (path, status, folders) in [
        ("/nothing", 404, ""),
        ("/status.html?x=/y", 404, ""),
        ("/a/b%2Fc/d", 404, "../../"),
        ("/index.html/", 404, "../"),
        ("/log.txt?processname=nope", 404, ""),
        ("/tail.html?processname=nope", 200, ""),
        ("/tail.html", 200, ""),
    ] {
        let home = match folders {
            "" => "./",
            folders => folders,
        };
        let link = format!("<a href=\"{home}\">To the processes</a>");
        let accept = "Accept: text/html,*/*;q=0.8\r\n";
        let page = scene.rpc.page("GET", path, accept, "");
        assert_eq!(page.status, status, "{path}");
        assert!(page.header("Content-Type").starts_with("text/html"));
        assert!(page.body.contains(&link), "{path}: {}", page.body);
        let style = page
            .body
            .split_once("stylesheets/supervisor.css")
            .unwrap()
            .0;
        let style = style.rsplit_once('"').unwrap().1.trim_start_matches("./");
        assert_eq!(style, folders, "{path}: {}", page.body);
        assert!(!page.body.contains("Download") && !page.body.contains("log.txt"));
        let head = scene.rpc.page("HEAD", path, accept, "");
        assert_eq!((head.status, head.body.as_str()), (status, ""));
        // Others find the same way.
        let plain = scene.rpc.get(path);
        assert_eq!(plain.status, status, "{path}");
        assert!(plain.body.contains(&link), "{path}: {}", plain.body);
    }
    scene.stop();
}

#[test]
fn links_change_nothing() {
    let scene = scene();
    let pid = scene.pid("cat");
    for action in [
        "stop",
        "restart",
        "stopall",
        "restartall",
        "clearlog",
        "stopgroup",
    ] {
        let path = format!("/index.html?processname=cat&groupname=two&action={action}");
        let answer = scene.rpc.get(&path);
        assert_eq!(
            (answer.status, answer.header("Allow")),
            (405, "POST"),
            "{action}"
        );
        assert!(answer.body.contains("web_get_actions=true"));
        assert_eq!(scene.rpc.page("HEAD", &path, "", "").status, 200);
        assert_eq!(scene.rpc.page("PUT", &path, "", "").status, 400);
    }
    assert_eq!(scene.rpc.get("/?action=nonsense").status, 400);
    assert_eq!(scene.rpc.get("/?action=stop").status, 400);
    assert_eq!(scene.pid("cat"), pid);
    let refreshed = scene.rpc.get("/?action=refresh");
    assert!(told(&scene, &refreshed).starts_with("Page refreshed at "));
    scene.stop();
}

#[test]
fn links_of_4_3_0_work_where_they_are_wanted() {
    let scene = Scene::start(&format!(
        "{PROGRAMS}[unix_http_server:links]\nfile=%(here)s/links\nweb_get_actions=true\n"
    ));
    scene.wait("cat", "RUNNING");
    let links = super::support::Rpc::new(super::support::Address::Unix(scene.dir.join("links")));
    let path = "/index.html?processname=cat&action=stop";
    assert_eq!(scene.rpc.get(path).status, 405);
    assert_eq!(links.page("HEAD", path, "", "").status, 200);
    assert_eq!(scene.info("cat").text_of("statename"), "RUNNING");
    let answer = links.get(path);
    assert_eq!(told(&scene, &answer), "Process cat stopped");
    assert_eq!(
        told(&scene, &links.get("/?action=start&processname=cat")),
        "Process cat started"
    );
    assert_eq!(
        told(&scene, &links.get("/?action=start&processname=cat:*")),
        "No such process named cat:*"
    );
    // A form still needs its token.
    assert_eq!(links.submit("/", &[("action", "stopall")]).status, 403);
    scene.stop();
}

#[test]
fn old_addresses_answer_as_before() {
    let scene = scene();
    let health = scene.rpc.get("/ok.html");
    assert_eq!(health.body, "OK");
    assert_eq!(health.header("Content-Type"), "text/plain");
    assert_eq!(health.header("Content-Length"), "2");
    for path in [
        "/",
        "/index.html",
        "//index.html",
        "/?x",
        "/tail.html?processname=cat",
    ] {
        let page = scene.rpc.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("Content-Type"), "text/html;charset=utf-8");
        assert_eq!(page.header("Expires"), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(page.header("X-Frame-Options"), "DENY");
        assert!(
            page.header("Content-Security-Policy")
                .contains("frame-ancestors 'none'")
        );
        let head = scene.rpc.page("HEAD", path, "", "");
        assert_eq!((head.status, head.body.as_str()), (200, ""));
    }
    let style = scene.rpc.get("/stylesheets/supervisor.css");
    assert_eq!(style.header("Content-Type"), "text/css;charset=utf-8");
    assert!(style.body.contains("prefers-color-scheme: dark"));
    assert!(scene.rpc.get("/images/icon.svg").body.contains("<svg"));
    for path in [
        "/ok.html/",
        "/images/",
        "/nothing",
        "/stylesheets/../index.html",
    ] {
        assert_eq!(scene.rpc.get(path).status, 404, "{path}");
    }
    scene.stop();
}

#[test]
fn logs_are_shown_and_downloaded() {
    let scene = scene();
    scene
        .dir
        .write("cat.out", "x".repeat(5000) + "\n<b>\u{1b}[1mend\n");
    scene.dir.write("cat.err", b"raw \xff bytes\n");
    let page = scene.rpc.get("/tail.html?processname=cat&limit=1024");
    assert!(page.body.contains("x\n&lt;b&gt;end\n</pre>"));
    assert!(
        page.body.len() < 8000
            && page.body.contains("limit=4096") | page.body.contains("More lines")
    );
    let page = scene
        .rpc
        .get("/tail.html?processname=cat&channel=stderr&refresh=2");
    assert!(page.body.contains("raw \u{fffd} bytes"));
    assert!(page.body.contains("<meta http-equiv=\"refresh\" content=\"2; url=tail.html?processname=cat&amp;channel=stderr&amp;refresh=2\">"));
    let whole = scene.rpc.get("/log.txt?processname=cat");
    assert_eq!(whole.body.len(), 5012);
    let head = scene.rpc.page("HEAD", "/log.txt?processname=cat", "", "");
    assert_eq!(
        (head.header("Content-Length"), head.body.len()),
        ("5012", 0)
    );
    assert_eq!(whole.header("Content-Type"), "text/plain;charset=utf-8");
    assert_eq!(
        whole.header("Content-Disposition"),
        "attachment; filename=\"cat-stdout.log\""
    );
    assert!(
        scene
            .rpc
            .get("/mainlog.txt")
            .body
            .contains("supervisord started")
    );
    assert!(
        scene
            .rpc
            .get("/mainlog.html")
            .body
            .contains("supervisord started")
    );
    for (path, told) in [
        ("/tail.html", "No process name found"),
        (
            "/tail.html?processname=nope",
            "ERROR: unexpected rpc fault [10] BAD_NAME: nope",
        ),
        (
            "/tail.html?processname=two:*",
            "ERROR: unexpected rpc fault [10] BAD_NAME: two:*",
        ),
    ] {
        let page = scene.rpc.get(path);
        assert!(
            page.status == 200 && page.body.contains(told),
            "{path}: {}",
            page.body
        );
    }
    std::fs::remove_file(scene.dir.join("cat.out")).unwrap();
    assert!(
        scene
            .rpc
            .get("/tail.html?processname=cat")
            .body
            .contains("No file for cat")
    );
    assert_eq!(scene.rpc.get("/log.txt?processname=cat").status, 404);
    assert_eq!(scene.rpc.get("/log.txt?processname=nope").status, 404);
    scene.stop();
}

#[test]
fn while_going_down_pages_are_shown_and_nothing_is_done() {
    let scene = Scene::start(
        "[program:slow]\ncommand=/bin/sh -c 'trap \"\" TERM; : > %(here)s/deaf; while :; do sleep 0.1; done'\n\
         stopwaitsecs=1000\nstartsecs=0\n",
    );
    scene.wait("slow", "RUNNING");
    assert!(wait_until(DEADLINE, || scene.dir.read("deaf").is_some()));
    let (page, pid) = (scene.rpc.get("/"), scene.pid("slow"));
    let token = page.token("value=\"slow\"");
    let fields = [
        ("processname", "slow"),
        ("token", token),
        ("action", "restart"),
    ];
    scene.call("shutdown", &[]).answer();
    let mut page = scene.rpc.get("/");
    assert!(wait_until(DEADLINE, || {
        page = scene.rpc.get("/");
        page.body.contains("state stopping")
    }));
    assert!(page.body.contains("supervisord is going down") && !page.body.contains("<button name"));
    assert_eq!(
        told(&scene, &scene.rpc.submit("/", &fields)),
        "ERROR: supervisord is going down, nothing was done"
    );
    assert_eq!(scene.rpc.get("/tail.html?processname=slow").status, 200);
    assert_eq!(scene.rpc.get("/ok.html").body, "OK");
    kill(pid, libc::SIGKILL);
    let mut scene = scene;
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0));
}

#[test]
fn results_of_listeners_and_the_reason_of_fatal_are_shown() {
    let listener = "while read line; do len=${line##*len:}; head -c $len >/dev/null; \
                    printf 'RESULT 4\\n<ok>READY\\n'; done";
    let dir = super::support::Dir::new();
    let script = dir.script("listener", &format!("printf 'READY\\n'\n{listener}"));
    let scene = Scene::start_as(
        dir,
        &format!(
            "{PROGRAMS}[eventlistener:checks]\ncommand={}\nevents=PROCESS_STATE\nresult_handler=store\n",
            script.display()
        ),
        |_| {},
    );
    assert!(wait_until(DEADLINE, || scene
        .rpc
        .get("/")
        .body
        .contains("&lt;ok&gt;</pre>")));
    scene.wait("cat", "RUNNING");
    std::fs::remove_file(scene.dir.join("cat.out")).unwrap();
    std::fs::create_dir(scene.dir.join("cat.out")).unwrap();
    let message = act(&scene, process("cat"), "clearstdout");
    assert_eq!(message, "unexpected rpc fault [30] FAILED: cat");
    let page = scene.rpc.get("/");
    assert!(
        page.body.contains("<strong>supervisord is FATAL:</strong>"),
        "{}",
        page.body
    );
    assert_eq!(
        act(&scene, ALL, "clearfatal"),
        "supervisord is not FATAL any more"
    );
    assert!(!scene.rpc.get("/").body.contains("is FATAL:"));
    scene.stop();
}
