//! `/events`, by which a status page follows: who is told when, and what it costs.

use super::idle::{comes_to_rest, voluntary_switches};
use super::support::{DEADLINE, Dir, Scene, Value, wait_for, wait_until};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const PROGRAM: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

/// A supervisord with a server on TCP, which has these lines too, and its port.
fn supervisord(more: &str) -> (Scene, u16) {
    supervisord_in(Dir::new(), "", more)
}

/// The same in a directory, with these lines for supervisord itself.
fn supervisord_in(dir: Dir, own: &str, more: &str) -> (Scene, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = format!("[inet_http_server]\nport=127.0.0.1:{port}\n{more}\n");
    let scene = Scene::start_as(dir, &format!("{own}{PROGRAM}{server}"), |_| {});
    scene.wait("cat", "RUNNING");
    (scene, port)
}

/// Somebody who looks at the page, and what it was told.
struct Page {
    stream: TcpStream,
    told: Vec<u8>,
}

impl Page {
    fn open(port: u16, headers: &str) -> Page {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(
            stream,
            "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n"
        )
        .unwrap();
        stream.set_nonblocking(true).unwrap();
        Page {
            stream,
            told: Vec::new(),
        }
    }

    /// What was told until now.
    fn text(&mut self) -> String {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => self.told.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        String::from_utf8_lossy(&self.told).into_owned()
    }

    fn events(&mut self) -> usize {
        self.text().matches("event: changed\ndata: ").count()
    }

    /// Waits until it was told more often than so many times.
    fn wait(&mut self, before: usize) -> usize {
        let count = wait_for(DEADLINE, || Some(self.events()).filter(|now| *now > before));
        count.unwrap_or_else(|| panic!("not told: {}", self.text()))
    }

    /// The status of the answer.
    fn status(&mut self) -> String {
        let answered = wait_until(DEADLINE, || self.text().contains("\r\n\r\n"));
        assert!(answered, "{}", self.text());
        self.text()[9..12].to_owned()
    }
}

fn stop(scene: &Scene) {
    let stopped = scene.call("stopProcess", &[Value::text("cat")]);
    assert_eq!(stopped.answer(), Value::Bool(true));
}

fn start(scene: &Scene) {
    let started = scene.call("startProcess", &[Value::text("cat")]);
    assert_eq!(started.answer(), Value::Bool(true));
}

#[test]
fn a_page_is_told_at_once_and_of_each_change_and_of_nothing_else() {
    let (scene, port) = supervisord("");
    let mut page = Page::open(port, "");
    let first = page.wait(0);
    assert!(page.text().contains("Content-Type: text/event-stream\r\n"));
    assert_eq!(first, 1, "{}", page.text());
    stop(&scene);
    page.wait(first);
    // What came too soon after another is told by then.
    let pid = scene.daemon.pid();
    assert!(comes_to_rest(pid) && comes_to_rest(pid));
    let before = page.events();
    // Reading is no change.
    scene.info("cat");
    scene.all();
    assert!(comes_to_rest(pid) && comes_to_rest(pid));
    assert_eq!(page.events(), before, "{}", page.text());
    start(&scene);
    page.wait(before);
    scene.stop();
}

#[test]
fn a_page_showed_other_things_than_states_up_to_half_a_minute_late() {
    let listener = "printf 'READY\\n'; while read line; do head -c ${line##*len:} >/dev/null; \
                    printf 'RESULT 4\\ngood'; printf 'READY\\n'; done";
    let dir = Dir::new();
    dir.write("listener", listener);
    let (scene, port) = supervisord_in(
        dir,
        "statefile=%(here)s/state\n",
        "[eventlistener:checks]\ncommand=/bin/sh %(here)s/listener\n\
         events=REMOTE_COMMUNICATION\nresult_handler=store\nstartsecs=0\n",
    );
    scene.wait_all("RUNNING");
    let mut page = Page::open(port, "");
    page.wait(0);
    let pid = scene.daemon.pid();
    let mut changes = |what: &str, change: &mut dyn FnMut()| {
        assert!(comes_to_rest(pid) && comes_to_rest(pid));
        let before = page.events();
        change();
        let told = wait_until(Duration::from_secs(20), || page.events() > before);
        assert!(told, "{what}: {}", page.text());
    };
    let call = |method: &str, parameters: &[Value]| {
        let _ = scene.call(method, parameters);
    };
    changes("a result of a listener", &mut || {
        call("sendRemoteCommEvent", &[Value::text("a"), Value::text("b")]);
    });
    changes("a program that is disabled", &mut || {
        call("disableProcess", &[Value::text("cat")]);
    });
    changes("a group that starts nothing", &mut || {
        let more = "[program:idle]\ncommand=/bin/cat\nautostart=false\n";
        let all = format!("{}{more}", scene.dir.read("supervisord.conf").unwrap());
        scene.dir.write("supervisord.conf", all);
        call("reloadConfig", &[]);
        call("addProcessGroup", &[Value::text("idle")]);
    });
    std::fs::remove_file(scene.dir.join("main.log")).unwrap();
    std::fs::create_dir(scene.dir.join("main.log")).unwrap();
    changes("supervisord is FATAL", &mut || call("clearLog", &[]));
    changes("somebody has taken note", &mut || call("clearFatal", &[]));
    scene.stop();
}

#[test]
fn many_changes_are_told_together() {
    let (scene, port) = supervisord("");
    let begun = Instant::now();
    let mut page = Page::open(port, "");
    page.wait(0);
    for _ in 0..20 {
        stop(&scene);
        start(&scene);
    }
    let last = |page: &mut Page| {
        let text = page.text();
        let number = text.rsplit("data: ").next().unwrap_or_default();
        let number = number.lines().next().unwrap_or_default();
        number.parse::<u64>().ok()
    };
    let told = wait_until(DEADLINE, || {
        last(&mut page).is_some_and(|number| number >= 40)
    });
    assert!(told, "{}", page.text());
    let most = begun.elapsed().as_millis() / 500 + 2;
    assert!(page.events() as u128 <= most, "{}", page.text());
    scene.stop();
}

#[test]
fn pages_that_look_at_nothing_new_cost_nothing_and_go_without_a_trace() {
    let (scene, port) = supervisord("");
    let mut pages: Vec<Page> = (0..5).map(|_| Page::open(port, "")).collect();
    for page in &mut pages {
        page.wait(0);
    }
    let pid = scene.daemon.pid();
    assert!(comes_to_rest(pid));
    // A sign of life may come in between, for each page once.
    let before = voluntary_switches(pid);
    std::thread::sleep(Duration::from_secs(2));
    let woken = voluntary_switches(pid) - before;
    assert!(woken <= 5, "{woken} wake-ups");
    let files = || {
        std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .count()
    };
    let open = files();
    drop(pages);
    assert!(
        wait_until(DEADLINE, || files() + 5 <= open),
        "their descriptors stay"
    );
    scene.stop();
}

#[test]
fn only_who_may_look_is_told_and_half_of_the_places_stay_free() {
    let (scene, port) = supervisord("username=boss\npassword=secret\nmax_connections=8");
    // boss:secret and boss:other
    let known = "Authorization: Basic Ym9zczpzZWNyZXQ=\r\n";
    assert_eq!(Page::open(port, "").status(), "401");
    let wrong = "Authorization: Basic Ym9zczpvdGhlcg==\r\n";
    assert_eq!(Page::open(port, wrong).status(), "401");
    for foreign in [
        "Origin: http://example.com\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        let headers = format!("{known}{foreign}");
        assert_eq!(Page::open(port, &headers).status(), "403", "{foreign}");
    }
    let mut pages: Vec<Page> = (0..4).map(|_| Page::open(port, known)).collect();
    for page in &mut pages {
        assert_eq!(page.status(), "200");
    }
    assert_eq!(Page::open(port, known).status(), "503");
    drop(pages.pop());
    let again = wait_until(DEADLINE, || Page::open(port, known).status() == "200");
    assert!(again, "a place that was given up is not given to others");
    scene.stop();
}
