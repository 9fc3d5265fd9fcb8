//! `update`: what has changed goes by the new values, and only what its child was born with takes
//! a restart.

use super::idle::status_number;
use super::support::{
    Ctl, DEADLINE, Finished, Kind, Scene, Value, children_of, kill, usual_configuration, wait_until,
};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

pub fn ctl(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

pub fn write(scene: &Scene, more: &str) {
    scene
        .dir
        .write("supervisord.conf", usual_configuration(more));
}

/// Has the daemon go by another configuration; what supervisorctl says.
pub fn update(scene: &Scene, more: &str) -> String {
    write(scene, more);
    let finished = ctl(scene, "update");
    assert_eq!(
        (finished.status, finished.stderr.as_str()),
        (Some(0), ""),
        "{}",
        finished.stdout
    );
    finished.stdout
}

/// The pids of all processes by their names.
pub fn pids(scene: &Scene) -> BTreeMap<String, i64> {
    let all = scene.all();
    let named = all.iter().map(|info| {
        let name = format!("{}:{}", info.text_of("group"), info.text_of("name"));
        (name, info.int_of("pid"))
    });
    named.collect()
}

fn state(scene: &Scene, name: &str) -> String {
    scene.info(name).text_of("statename")
}

/// A program that is up at once.
pub fn cat(name: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\n{keys}\n")
}

#[test]
fn what_the_daemon_acts_on_restarts_nothing_and_holds_at_once() {
    let stubborn = "command=/bin/sh -c 'trap \"\" TERM INT; echo up; while :; do sleep 1; done'\n";
    let a = |keys: &str| format!("[program:a]\n{stubborn}startsecs=0\n{keys}\n");
    let others = cat("b", "");
    let scene = Scene::start(&format!("{}{others}", a("stopwaitsecs=3600")));
    scene.wait_all("RUNNING");
    let is_up = || scene.dir.read("main.log").is_some() && log_of(&scene, "a").contains("up");
    assert!(wait_until(DEADLINE, is_up));
    let before = pids(&scene);
    let keys = "stopwaitsecs=1\nstopsignal=INT\nautorestart=true\npriority=7\nexitcodes=0,5\n\
                kill_mode=group";
    let told = update(&scene, &format!("{}{others}", a(keys)));
    assert_eq!(told, "a: updated process group\n");
    assert_eq!(pids(&scene), before);
    assert_eq!(update(&scene, &format!("{}{others}", a(keys))), "");
    assert_eq!(ctl(&scene, "stop a").stdout, "a: stopped\n");
    scene.wait_log("killing 'a'");
    let again = ctl(&scene, "start a");
    assert_eq!(again.stdout, "a: started\n");
    let config = scene.call("getAllConfigInfo", &[]).answer();
    let Value::Array(rows) = config else { panic!() };
    assert_eq!(rows[0].int_of("stopwaitsecs"), 1);
    scene.stop();
}

/// What a process has written.
fn log_of(scene: &Scene, name: &str) -> String {
    let path = scene.info(name).text_of("stdout_logfile");
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn only_the_process_is_restarted_whose_child_was_born_with_something_else() {
    let group = |environment: &str| {
        format!(
            "{}{}{}[group:g]\nprograms=a,b\n",
            cat("a", ""),
            cat("b", environment),
            cat("c", "")
        )
    };
    let scene = Scene::start(&group(""));
    scene.wait_all("RUNNING");
    let before = pids(&scene);
    let told = update(&scene, &group("environment=X=\"1\""));
    assert_eq!(told, "g: stopped\ng: updated process group\n");
    scene.wait_all("RUNNING");
    let after = pids(&scene);
    for (name, pid) in &before {
        assert_eq!(after[name] == *pid, name != "g:b", "{name}");
    }
    // The order in a file is no change of any process.
    let turned = group("environment=X=\"1\"").replace("programs=a,b", "programs=b,a");
    assert_eq!(update(&scene, &turned), "g: updated process group\n");
    assert_eq!(pids(&scene), after);
    scene.stop();
}

#[test]
fn with_numprocs_processes_come_and_go_and_the_others_stay() {
    let workers = |first: usize, count: usize| {
        cat(
            "w",
            &format!(
                "numprocs={count}\nnumprocs_start={first}\nprocess_name=w%(process_num)d\n\
                 stopsignal=KILL"
            ),
        )
    };
    let scene = Scene::start(&workers(0, 3));
    scene.wait_all("RUNNING");
    let mut known = pids(&scene);
    for (first, count, told) in [
        (0, 5, "w: updated process group\n"),
        (0, 4, "w: stopped\nw: updated process group\n"),
        (1, 5, "w: stopped\nw: updated process group\n"),
        (0, 2, "w: stopped\nw: updated process group\n"),
    ] {
        assert_eq!(update(&scene, &workers(first, count)), told);
        scene.wait_all("RUNNING");
        let now = pids(&scene);
        let names: Vec<String> = now.keys().cloned().collect();
        let expected: Vec<String> = (first..first + count).map(|n| format!("w:w{n}")).collect();
        assert_eq!(names, expected);
        for (name, pid) in &now {
            assert!(known.get(name).is_none_or(|known| known == pid), "{name}");
        }
        assert_eq!(children_of(scene.daemon.pid()).len(), count);
        // Each is still found by its name, and can be stopped and started.
        let last = format!("w:w{}", first + count - 1);
        assert_eq!(ctl(&scene, &format!("restart {last}")).status, Some(0));
        known = pids(&scene);
    }
    scene.stop();
}

#[test]
fn what_was_stopped_by_request_stays_stopped_and_what_has_ended_by_itself_starts() {
    let all = |keys: &str, ended: &str| {
        format!(
            "{}{}[program:exited]\ncommand=/bin/sh -c '{ended}'\nstartsecs=0\nautorestart=false\n\
             {keys}\n[program:fatal]\ncommand=/bin/sh -c '{ended}; exit 1'\nstartsecs=60\n\
             startretries=0\n{keys}\n[program:manual]\ncommand=/bin/sh -c '{ended}'\nstartsecs=0\n\
             autostart=false\nautorestart=false\n{keys}\n",
            cat("stopped", keys),
            cat("never", &format!("autostart=false\n{keys}")),
        )
    };
    let scene = Scene::start(&all("", "true"));
    scene.wait("stopped", "RUNNING");
    assert_eq!(ctl(&scene, "stop stopped").status, Some(0));
    scene.wait("exited", "EXITED");
    scene.wait("fatal", "FATAL");
    let manual = ctl(&scene, "start manual");
    assert_eq!(manual.status, Some(0), "{}", manual.stdout);
    scene.wait("manual", "EXITED");
    let told = update(&scene, &all("umask=022", "exec cat"));
    assert!(!told.contains("stopped: stopped"), "{told}");
    scene.wait("exited", "RUNNING");
    scene.wait("fatal", "STARTING");
    for (name, expected) in [
        ("stopped", "STOPPED"),
        ("never", "STOPPED"),
        ("manual", "EXITED"),
    ] {
        assert_eq!(state(&scene, name), expected, "{name}");
    }
    scene.stop();
}

#[test]
fn a_deadline_that_runs_does_not_move() {
    let slow = |seconds: &str| {
        format!("[program:a]\ncommand=/bin/cat\nstartsecs={seconds}\nstopwaitsecs={seconds}\n")
    };
    let scene = Scene::start(&slow("3600"));
    scene.wait("a", "STARTING");
    let before = pids(&scene);
    assert_eq!(update(&scene, &slow("1")), "a: updated process group\n");
    // Another one becomes RUNNING after this, with the same number of seconds.
    let both = format!("{}{}", slow("1"), slow("1").replace(":a]", ":b]"));
    assert_eq!(update(&scene, &both), "b: added process group\n");
    scene.wait("b", "RUNNING");
    assert_eq!(state(&scene, "a"), "STARTING");
    assert_eq!(pids(&scene)["a:a"], before["a:a"]);
    scene.stop();
}

#[test]
fn a_pool_hears_of_other_events_at_once_and_loses_none_that_wait() {
    let scene = Scene::start("");
    let script = "while test ! -e ready; do sleep 0.05; done; echo READY; while read -r head; do \
                  dd bs=1 count=${head##*len:} 2>/dev/null >>heard; echo >>heard; \
                  printf 'RESULT 2\\nOKREADY\\n'; done";
    let script = scene.dir.script("listener", script).display().to_string();
    let pool = |keys: &str| {
        format!(
            "[eventlistener:l]\ncommand={script}\ndirectory=%(here)s\nstartsecs=0\n\
             stderr_logfile=NONE\n{keys}\n"
        )
    };
    let send = |kind: &str, data: &str| {
        let parameters = [Value::text(kind), Value::text(data)];
        scene.call("sendRemoteCommEvent", &parameters).answer();
    };
    update(&scene, &pool("events=REMOTE_COMMUNICATION\nbuffer_size=5"));
    scene.wait_all("RUNNING");
    let pid = scene.pid("l");
    for data in ["1", "2", "3", "4"] {
        send("x", data);
    }
    let told = update(
        &scene,
        &pool("events=REMOTE_COMMUNICATION,PROCESS_GROUP\nbuffer_size=2"),
    );
    assert_eq!(told, "l: updated process group\n");
    let more = format!(
        "{}{}",
        pool("events=REMOTE_COMMUNICATION,PROCESS_GROUP\nbuffer_size=50"),
        cat("new", "")
    );
    update(&scene, &more);
    scene.dir.write("ready", "");
    let heard = || scene.dir.read("heard").unwrap_or_default();
    assert!(wait_until(DEADLINE, || heard().contains("groupname:new")));
    for data in ["1", "2", "3", "4"] {
        assert!(heard().contains(&format!("type:x\n{data}")), "{}", heard());
    }
    assert_eq!(scene.pid("l"), pid);
    scene.stop();
}

#[test]
fn other_dependencies_and_checks_restart_nothing() {
    let all = |keys: &str| format!("{}{}", cat("db", ""), cat("api", keys));
    let scene = Scene::start(&all(""));
    scene.wait_all("RUNNING");
    let before = pids(&scene);
    assert_eq!(
        update(&scene, &all("depends_on=db")),
        "api: updated process group\n"
    );
    assert_eq!(pids(&scene), before);
    let drawn = ctl(&scene, "graph api").stdout;
    assert!(drawn.contains("db"), "{drawn}");
    let told = ctl(&scene, "stop db").stderr;
    assert!(told.contains("dependent on it: api"), "{told}");
    assert_eq!(ctl(&scene, "start db").status, Some(0));
    let api = scene.pid("api");
    let checked = "liveness_check=/bin/true\nliveness_check_period=1\n\
                   post_stop_hook=/bin/touch %(here)s/hook";
    assert_eq!(
        update(&scene, &all(checked)),
        "api: updated process group\n"
    );
    let is_healthy = || {
        scene
            .info("api")
            .text_of("description")
            .ends_with(", healthy")
    };
    assert!(wait_until(DEADLINE, is_healthy), "{}", scene.info("api"));
    let failing = "liveness_check=/bin/false\nliveness_check_failure_threshold=1\n\
                   liveness_check_failure_action=none";
    assert_eq!(
        update(&scene, &all(failing)),
        "api: updated process group\n"
    );
    let is_unhealthy = || scene.info("api").text_of("health") == "unhealthy";
    assert!(wait_until(DEADLINE, is_unhealthy), "{}", scene.info("api"));
    update(&scene, &all(""));
    assert_eq!(scene.info("api").get("health"), None);
    assert_eq!(scene.pid("api"), api);
    scene.stop();
}

#[test]
fn what_waits_for_others_starts_when_an_update_lets_it() {
    let down = "[program:db]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n\
                depends_on=gate\n[program:gate]\ncommand=/bin/false\nstartsecs=60\n\
                startretries=-1\n";
    let scene = Scene::start(&format!("{}{down}", cat("api", "depends_on=db")));
    scene.wait_log("api waits for db");
    let told = update(&scene, &format!("{}{down}", cat("api", "")));
    assert_eq!(told, "api: updated process group\n");
    scene.wait("api", "RUNNING");
    assert_eq!(state(&scene, "db"), "STOPPED");
    scene.stop();
}

#[test]
fn groups_are_stopped_and_replaced_as_a_whole_on_request() {
    let scene = Scene::start(&cat("a", ""));
    scene.wait_all("RUNNING");
    let before = scene.pid("a");
    write(&scene, &cat("a", "stopwaitsecs=5"));
    let finished = ctl(&scene, "update --whole-groups");
    assert_eq!(finished.stdout, "a: stopped\na: updated process group\n");
    scene.wait_all("RUNNING");
    assert_ne!(scene.pid("a"), before);
    // A group that becomes another kind of section cannot be changed in place.
    let pool = "[eventlistener:a]\ncommand=/bin/cat\nstartsecs=0\nevents=TICK_60\n";
    assert_eq!(
        update(&scene, pool),
        "a: stopped\na: updated process group\n"
    );
    scene.wait_all("RUNNING");
    scene.stop();
}

#[test]
fn one_group_is_updated_by_its_own_method() {
    let both = |keys: &str| format!("{}{}", cat("a", keys), cat("b", keys));
    let scene = Scene::start(&both(""));
    scene.wait_all("RUNNING");
    let before = pids(&scene);
    write(&scene, &both("umask=022"));
    scene.call("reloadConfig", &[]).answer();
    let Value::Array(done) = scene
        .call("updateProcessGroup", &[Value::text("a")])
        .answer()
    else {
        panic!()
    };
    let steps: Vec<(String, String)> = done
        .iter()
        .map(|step| (step.text_of("action"), step.text_of("name")))
        .collect();
    let step = |action: &str, name: &str| (action.to_owned(), name.to_owned());
    assert_eq!(steps, [step("stop", "a"), step("update", "")]);
    scene.wait_all("RUNNING");
    let after = pids(&scene);
    assert_ne!(after["a:a"], before["a:a"]);
    assert_eq!(after["b:b"], before["b:b"]);
    let unknown = scene.call("updateProcessGroup", &[Value::text("x")]);
    assert!(format!("{unknown:?}").contains("BAD_NAME"), "{unknown:?}");
    scene.stop();
}

/// The children that the daemon makes and the signals that it sends meanwhile.
fn traced(scene: &Scene, action: impl FnOnce()) -> String {
    let pid = scene.daemon.pid();
    let mut strace = Command::new("strace")
        .args([
            "-q",
            "-e",
            "trace=?fork,?vfork,clone,?clone3,kill",
            "-e",
            "signal=none",
            "-o",
        ])
        .arg(scene.dir.join("calls"))
        .args(["-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace is installed");
    let is_attached = || status_number(pid, "TracerPid") != 0;
    assert!(wait_until(DEADLINE, is_attached));
    action();
    kill(strace.id(), libc::SIGINT);
    strace.wait().unwrap();
    scene.dir.read("calls").unwrap()
}

#[test]
fn of_a_thousand_programs_one_that_has_changed_is_touched_alone() {
    let programs = |umask: &str| {
        let mut text = String::new();
        for number in 0..1000 {
            let keys = if number == 500 { umask } else { "" };
            text += &format!(
                "[program:p{number:03}]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=NONE\n\
                 stderr_logfile=NONE\n{keys}\n"
            );
        }
        text
    };
    let scene = Scene::start(&programs(""));
    scene.wait_all("RUNNING");
    let before = pids(&scene);
    assert_eq!(before.len(), 1000);
    let calls = traced(&scene, || assert_eq!(update(&scene, &programs("")), ""));
    assert_eq!(calls, "");
    assert_eq!(pids(&scene), before);
    let begin = scene.log().len();
    let calls = traced(&scene, || {
        let told = update(&scene, &programs("umask=022"));
        assert_eq!(told, "p500: stopped\np500: updated process group\n");
        scene.wait("p500", "RUNNING");
    });
    let (kills, forks): (Vec<&str>, Vec<&str>) =
        calls.lines().partition(|call| call.starts_with("kill("));
    assert_eq!(forks.len(), 1, "{calls}");
    assert_eq!(kills.len(), 1, "{calls}");
    let pid = before["p500:p500"];
    assert!(
        kills[0].starts_with(&format!("kill({pid}, SIGTERM)")),
        "{calls}"
    );
    scene.wait_all("RUNNING");
    let after = pids(&scene);
    let changed: Vec<&String> = before
        .iter()
        .filter(|(name, pid)| after[*name] != **pid)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(changed, ["p500:p500"]);
    let log = scene.log()[begin..].to_owned();
    assert_eq!(log.matches("spawned: ").count(), 1, "{log}");
    assert_eq!(log.matches("stopped: ").count(), 1, "{log}");
    scene.stop();
}
