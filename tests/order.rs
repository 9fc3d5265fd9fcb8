//! The order in which everything starts and stops: by priority, then by name,
//! groups first and then the processes in them; stopping goes the opposite way.

use super::support::{Dir, Scene, Value};

/// Groups and members whose order by file, by name and by priority differs.
const PROGRAMS: &str = "\
[program:zebra]
command=/bin/cat
startsecs=0
priority=5
[program:late]
command=/bin/cat
startsecs=0
priority=30
[program:early]
command=/bin/cat
startsecs=0
priority=10
[program:twin]
command=/bin/cat
startsecs=0
priority=10
[group:members]
programs=late,twin,early
priority=5
[program:apple]
command=/bin/cat
startsecs=0
priority=7
";

const STARTING: [&str; 5] = ["early", "twin", "late", "zebra", "apple"];

fn stopping() -> Vec<&'static str> {
    STARTING.iter().rev().copied().collect()
}

/// The words after a mark in the main log, in order.
fn told(scene: &Scene, mark: &str) -> Vec<String> {
    let log = scene.log();
    let names = log.lines().filter_map(|line| line.split_once(mark));
    names
        .map(|(_, rest)| {
            let end = rest.find(['\'', ' ']).unwrap_or(rest.len());
            rest[..end].to_owned()
        })
        .collect()
}

fn names(answer: Value) -> Vec<String> {
    let Value::Array(statuses) = answer else {
        panic!("an array was expected, not {answer}");
    };
    statuses
        .iter()
        .map(|status| status.text_of("name"))
        .collect()
}

#[test]
fn everything_starts_by_priority_and_then_by_name() {
    let scene = Scene::start(PROGRAMS);
    scene.wait_all("RUNNING");
    assert_eq!(told(&scene, "spawned: '"), STARTING);
    scene.stop();
}

#[test]
fn requests_go_by_the_same_order_and_are_answered_in_it() {
    let scene = Scene::start(&format!("loglevel=debug\n{PROGRAMS}"));
    scene.wait_all("RUNNING");
    let stopped = names(scene.call("stopAllProcesses", &[]).answer());
    assert_eq!(stopped, stopping());
    assert_eq!(told(&scene, "DEBG killing "), stopping());
    let started = names(scene.call("startAllProcesses", &[]).answer());
    assert_eq!(started, STARTING);
    let group = [Value::text("members")];
    let stopped = names(scene.call("stopProcessGroup", &group).answer());
    assert_eq!(stopped, ["late", "twin", "early"]);
    let started = names(scene.call("startProcessGroup", &group).answer());
    assert_eq!(started, ["early", "twin", "late"]);
    scene.stop();
}

#[test]
fn answers_keep_the_order_though_the_last_may_finish_first() {
    let dir = Dir::new();
    let slow = dir.script(
        "slow",
        "trap 'sleep 0.3; exit 0' TERM\necho up\nwhile :; do sleep 0.05; done",
    );
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:b]\ncommand={}\nstartsecs=0\nstdout_logfile=%(here)s/out\n\
             [program:a]\ncommand=/bin/cat\nstartsecs=0\n",
            slow.display()
        ),
        |_| {},
    );
    scene.wait_all("RUNNING");
    let up = super::support::wait_until(super::support::DEADLINE, || {
        scene.dir.read("out").is_some_and(|text| text == "up\n")
    });
    assert!(up);
    assert_eq!(
        names(scene.call("stopAllProcesses", &[]).answer()),
        ["b", "a"]
    );
    scene.stop();
}

#[test]
fn what_has_gone_is_told_in_the_order_in_which_update_stops_it() {
    let scene = Scene::start(&format!("loglevel=debug\n{PROGRAMS}"));
    scene.wait_all("RUNNING");
    // Activated last, it is not the last to be told.
    let added = "[program:added]\ncommand=/bin/cat\nstartsecs=0\npriority=6\n";
    let more = format!("{PROGRAMS}{added}");
    scene.dir.write(
        "supervisord.conf",
        super::support::usual_configuration(&more),
    );
    scene.call("reloadConfig", &[]).answer();
    scene
        .call("addProcessGroup", &[Value::text("added")])
        .answer();
    scene.wait_all("RUNNING");
    scene
        .dir
        .write("supervisord.conf", super::support::usual_configuration(""));
    let Value::Array(answer) = scene.call("reloadConfig", &[]).answer() else {
        panic!("an array was expected");
    };
    let removed = ["apple", "added", "zebra", "members"].map(Value::text);
    let nothing = || Value::Array(vec![]);
    let lists = vec![nothing(), nothing(), Value::Array(removed.to_vec())];
    assert_eq!(answer, [Value::Array(lists)]);
    let ctl = super::support::Ctl::new(super::support::Kind::Ours, &scene.dir);
    assert_eq!(ctl.run(&["update"]).status, Some(0));
    let stopped = ["apple", "added", "zebra", "late", "twin", "early"];
    assert_eq!(told(&scene, "DEBG killing "), stopped);
    scene.stop();
}

/// Programs that leave marks when they are told to stop and when they end.
fn marking(dir: &Dir) -> String {
    dir.script(
        "marking",
        "trap 'echo told $1 >> marks; sleep 0.3; echo ended $1 >> marks; exit 0' TERM\n\
         echo up $1 >> marks\nwhile :; do sleep 0.02; done",
    )
    .display()
    .to_string()
}

fn wait_for_marks(scene: &Scene, count: usize) {
    let there = super::support::wait_until(super::support::DEADLINE, || {
        scene
            .dir
            .read("marks")
            .is_some_and(|marks| marks.lines().count() == count)
    });
    assert!(there, "{:?}", scene.dir.read("marks"));
}

#[test]
fn at_shutdown_all_of_one_priority_stop_at_once_and_lower_ones_later() {
    let dir = Dir::new();
    let marking = marking(&dir);
    let programs: String = [("a", 1), ("b", 2), ("c", 2), ("d", 2)]
        .iter()
        .map(|(name, priority)| {
            format!("[program:{name}]\ncommand={marking} {name}\ndirectory=%(here)s\nstartsecs=0\npriority={priority}\n")
        })
        .collect();
    let mut scene = Scene::start_as(dir, &programs, |_| {});
    wait_for_marks(&scene, 4);
    scene.daemon.stop();
    let marks = scene.dir.read("marks").unwrap();
    let marks: Vec<&str> = marks.lines().skip(4).collect();
    let place = |mark: &str| marks.iter().position(|line| *line == mark).unwrap();
    // All three were told before the first of them had ended.
    let last_told = ["told b", "told c", "told d"].map(place).into_iter().max();
    let first_end = ["ended b", "ended c", "ended d"]
        .map(place)
        .into_iter()
        .min();
    assert!(last_told < first_end, "{marks:?}");
    assert_eq!(marks[6..], ["told a", "ended a"]);
}

#[test]
fn a_group_that_has_nothing_to_stop_takes_no_time() {
    let stopped: String = (0..40)
        .map(|number| {
            format!("[program:s{number}]\ncommand=/bin/cat\nautostart=false\npriority={number}\n")
        })
        .collect();
    let empty = "[group:empty]\nprograms=\npriority=100\n";
    let mut scene = Scene::start(&format!(
        "{stopped}{empty}[program:last]\ncommand=/bin/cat\nstartsecs=0\npriority=-1\n"
    ));
    scene.wait("last", "RUNNING");
    scene.daemon.signal(libc::SIGTERM);
    // 4.3.0 takes up to a second for each.
    let status = scene.daemon.wait(std::time::Duration::from_secs(10));
    assert_eq!(status, Some(0), "{}", scene.log());
}

/// A listener that writes the names of the events that it gets to a file, each
/// after a pause.
const LISTENER: &str = "\
import sys, time
out = open(sys.argv[1], 'a', buffering=1)
while True:
    sys.stdout.write('READY\\n')
    sys.stdout.flush()
    header = dict(word.split(':') for word in sys.stdin.buffer.readline().decode().split())
    payload = sys.stdin.buffer.read(int(header['len'])).decode()
    time.sleep(float(sys.argv[2]))
    out.write(header['eventname'] + ' ' + payload.split(' ')[0] + '\\n')
    sys.stdout.write('RESULT 2\\nOK')
    sys.stdout.flush()
";

fn listener(options: &str, pause: &str, keys: &str) -> String {
    format!(
        "{options}[eventlistener:ear]\ncommand=python3 %(here)s/listener.py %(here)s/heard {pause}\n\
         priority=5000\nstartsecs=0\nbuffer_size=1000\n{keys}"
    )
}

#[test]
fn listeners_stop_last_and_hear_of_everything_that_stops() {
    let dir = Dir::new();
    dir.write("listener.py", LISTENER);
    let programs = "[program:p]\ncommand=/bin/cat\nstartsecs=0\nnumprocs=50\n\
                    process_name=p%(process_num)d\n";
    let events = "events=SUPERVISOR_STATE_CHANGE,PROCESS_STATE_STOPPED\n";
    let mut scene = Scene::start_as(dir, &listener("", "0.005", events), |_| {});
    // After the listener: its priority would have it stop first.
    scene.dir.write(
        "supervisord.conf",
        format!(
            "{}{programs}",
            super::support::usual_configuration(&listener("", "0.005", events))
        ),
    );
    scene.call("reloadConfig", &[]).answer();
    scene.call("addProcessGroup", &[Value::text("p")]).answer();
    scene.wait_all("RUNNING");
    assert_eq!(scene.daemon.stop(), Some(0));
    let heard = scene.dir.read("heard").unwrap();
    let stopped = heard
        .lines()
        .filter(|line| line.starts_with("PROCESS_STATE_STOPPED processname:p"))
        .count();
    assert_eq!(stopped, 50, "{heard}");
    assert!(
        heard.contains("SUPERVISOR_STATE_CHANGE_STOPPING"),
        "{heard}"
    );
    assert!(!scene.log().contains("given up"), "{}", scene.log());
}

#[test]
fn what_listeners_do_not_take_in_time_is_counted_and_given_up() {
    let dir = Dir::new();
    dir.write("listener.py", LISTENER);
    let options = "event_drain_timeout=1\n";
    let configuration = listener(options, "1000", "events=REMOTE_COMMUNICATION\n");
    let mut scene = Scene::start_as(dir, &configuration, |_| {});
    scene.wait_all("RUNNING");
    for _ in 0..3 {
        let words = [Value::text("x"), Value::text("y")];
        scene.call("sendRemoteCommEvent", &words).answer();
    }
    assert_eq!(scene.daemon.stop(), Some(0));
    scene.wait_log("pool ear: 3 events are given up");
}

#[test]
fn a_pool_without_a_living_listener_is_not_waited_for() {
    let dir = Dir::new();
    let options = "event_drain_timeout=3600\n";
    let configuration = format!(
        "{options}[eventlistener:ear]\ncommand=/bin/cat\nevents=EVENT\nautostart=false\n\
         [eventlistener:mute]\ncommand=/bin/sh -c 'echo nonsense; exec cat'\nevents=EVENT\nstartsecs=0\n"
    );
    let scene = Scene::start_as(dir, &configuration, |_| {});
    scene.wait("mute", "RUNNING");
    scene.wait_log("mute: has entered the UNKNOWN state");
    scene.stop();
}

#[test]
fn an_event_of_a_listener_that_had_died_was_waited_for_and_told_as_given_up() {
    let dir = Dir::new();
    dir.write("listener.py", LISTENER);
    let configuration = listener(
        "loglevel=debug\nevent_drain_timeout=3600\n",
        "0",
        "events=REMOTE_COMMUNICATION\nnumprocs=2\nprocess_name=ear%(process_num)d\nautorestart=false\n",
    )
    .replace(
        "command=python3 ",
        "command=/bin/sh -c '[ %(process_num)d = 0 ] && { echo READY; read line; exit 1; }; exec \"$0\" \"$@\"' python3 ",
    );
    let mut scene = Scene::start_as(dir, &configuration, |_| {});
    // The first event goes to the first of them, which dies of it.
    scene.wait_all("RUNNING");
    scene.wait_log("ear0: ACKNOWLEDGED -> READY");
    scene.wait_log("ear1: ACKNOWLEDGED -> READY");
    for _ in 0..3 {
        let words = [Value::text("x"), Value::text("y")];
        scene.call("sendRemoteCommEvent", &words).answer();
    }
    scene.wait_log("exited: ear");
    let heard = || {
        let text = scene.dir.read("heard").unwrap_or_default();
        text.matches("REMOTE_COMMUNICATION").count()
    };
    let all = super::support::wait_until(super::support::DEADLINE, || heard() == 3);
    assert!(all, "{:?}\n{}", scene.dir.read("heard"), scene.log());
    assert_eq!(scene.daemon.stop(), Some(0));
    assert!(!scene.log().contains("given up"), "{}", scene.log());
}

#[test]
fn a_listener_that_had_just_started_was_given_nothing_at_a_shutdown() {
    let dir = Dir::new();
    dir.write("listener.py", LISTENER);
    let configuration =
        listener("", "0", "events=SUPERVISOR_STATE_CHANGE\n").replace("startsecs=0", "startsecs=1");
    let mut scene = Scene::start_as(dir, &configuration, |_| {});
    scene.wait("ear", "STARTING");
    assert_eq!(scene.daemon.stop(), Some(0));
    let heard = scene.dir.read("heard").unwrap_or_default();
    assert!(
        heard.contains("SUPERVISOR_STATE_CHANGE_STOPPING"),
        "{heard}\n{}",
        scene.log()
    );
}
