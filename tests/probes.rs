//! `/healthz` and `/readyz`: a status and a line, for everybody who reaches the server.

use super::metrics::ask;
use super::support::{Ctl, DEADLINE, Kind, Scene, Value, wait_until};

const LOCKED: &str =
    "[unix_http_server:probed]\nfile=%(here)s/f\nusername=u\npassword=p\nhealth_pages=true\n";

/// The status and the body of an answer.
fn answer(scene: &Scene, path: &str) -> (u16, String) {
    let page = ask(scene, &format!("GET {path} HTTP/1.0"));
    (page.status, page.body)
}

fn is(answer: (u16, String), status: u16, body: &str) -> bool {
    answer == (status, body.to_owned())
}

#[test]
fn a_probe_is_answered_without_a_password_and_told_nothing_else() {
    let scene = Scene::start(&format!(
        "{LOCKED}[program:web]\ncommand=cat\nstartsecs=0\n[program:off]\ncommand=cat\nautostart=false\n"
    ));
    scene.wait("web", "RUNNING");
    assert_eq!(answer(&scene, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(answer(&scene, "/readyz"), (200, "ok\n".to_owned()));
    let page = ask(&scene, "GET /readyz HTTP/1.0");
    let names = page.head.lines().skip(1);
    let names: Vec<&str> = names.filter_map(|line| line.split(':').next()).collect();
    let expected = [
        "Server",
        "Date",
        "Content-Type",
        "Cache-Control",
        "Content-Length",
        "Connection",
    ];
    assert_eq!(names, expected);
    assert_eq!(ask(&scene, "HEAD /readyz HTTP/1.0").body, "");
    assert_eq!(ask(&scene, "HEAD /readyz HTTP/1.0").status, 200);
    let refused = ask(
        &scene,
        "POST /healthz HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
    );
    assert_eq!(refused.status, 400);
    // Whatever a browser says of where it comes from.
    let browser =
        "Origin: http://evil.example\r\nUser-Agent: Mozilla/5.0\r\nSec-Fetch-Site: cross-site";
    let page = ask(&scene, &format!("GET /healthz HTTP/1.0\r\n{browser}"));
    assert_eq!(page.status, 200);
    for path in [
        "/",
        "/ok.html",
        "/metrics",
        "/healthz/",
        "/healthzx",
        "/RPC2",
    ] {
        assert_eq!(answer(&scene, path).0, 401, "{path}");
    }
    scene.stop();
}

#[test]
fn readiness_is_what_healthcheck_says() {
    let scene = Scene::start(&format!(
        "{LOCKED}[program:web]\ncommand=sh -c 'test -e %(here)s/good && exec cat; exit 1'\nstartretries=0\n\
         [program:job]\ncommand=true\nstartsecs=0\nautorestart=false\n\
         [program:slow]\ncommand=sh -c 'trap \"\" TERM; : >%(here)s/deaf; while :; do sleep 1; done'\nstartsecs=0\nautostart=false\nstopwaitsecs=60\n"
    ));
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let agrees = || {
        let (status, body) = answer(&scene, "/readyz");
        let check = ctl.run(&["healthcheck"]).status;
        match check {
            Some(0) => status == 200 && body == "ok\n",
            Some(1) => status == 503 && body == "not ready\n",
            _ => false,
        }
    };
    scene.wait("web", "FATAL");
    scene.wait("job", "EXITED");
    assert!(agrees());
    assert!(is(answer(&scene, "/readyz"), 503, "not ready\n"));
    assert!(is(answer(&scene, "/healthz"), 200, "ok\n"));
    scene.dir.write("good", "");
    scene.call("startProcess", &[Value::text("web")]).answer();
    assert!(agrees());
    assert!(is(answer(&scene, "/readyz"), 200, "ok\n"));
    scene.call("stopProcess", &[Value::text("web")]).answer();
    assert!(agrees());
    assert!(is(answer(&scene, "/readyz"), 503, "not ready\n"));
    // Whoever goes down is not to be given work.
    scene.call("startProcess", &[Value::text("web")]).answer();
    scene.call("startProcess", &[Value::text("slow")]).answer();
    assert!(is(answer(&scene, "/readyz"), 200, "ok\n"));
    let pid = scene.pid("slow");
    assert!(wait_until(DEADLINE, || scene.dir.join("deaf").exists()));
    scene.call("shutdown", &[]).answer();
    let not_ready = || is(answer(&scene, "/readyz"), 503, "not ready\n");
    assert!(wait_until(DEADLINE, not_ready));
    assert!(is(answer(&scene, "/healthz"), 200, "ok\n"));
    super::support::kill(pid, libc::SIGKILL);
    scene.stop();
}
