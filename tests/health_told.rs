//! Who is told of the health of a program, and of what becomes of one that is not well.

use super::jobs::EAR;
use super::support::{Ctl, DEADLINE, Dir, Kind, Scene, wait_until};
use std::process::Command;

fn wait_unhealthy(scene: &Scene) {
    let is_so = || scene.info("p").text_of("health") == "unhealthy";
    assert!(wait_until(DEADLINE, is_so), "{}", scene.log());
}

#[test]
fn every_view_tells_health_where_it_is_looked_after_and_nowhere_else() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nliveness_check_period=20ms\n\
         liveness_check=sh -c 'echo \"disk <is> full\"; exit 1'\n\
         liveness_check_failure_action=none\n\
         [program:q]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    wait_unhealthy(&scene);
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let told = ctl.run(&["status", "p"]).stdout;
    assert!(told.contains(", unhealthy (disk <is> full)\n"), "{told}");
    let page = scene.rpc.get("/").body;
    assert!(
        page.contains(", unhealthy (disk &lt;is&gt; full)"),
        "{page}"
    );
    scene
        .dir
        .write("status.json", ctl.run(&["status", "--json"]).stdout);
    let mut jq = Command::new("jq");
    let script = ".[] | [.name, .health, .health_reason] | @json";
    jq.args(["-r", script, "status.json"])
        .current_dir(scene.dir.path());
    let read = String::from_utf8(jq.output().unwrap().stdout).unwrap();
    let expected = "[\"p\",\"unhealthy\",\"disk <is> full\"]\n[\"q\",null,null]\n";
    assert_eq!(read, expected);
    scene.stop();
}

#[test]
fn listeners_hear_why_a_program_was_stopped_that_is_not_to_come_back() {
    let dir = Dir::new();
    dir.write("ear", EAR);
    let scene = Scene::start_as(
        dir,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nliveness_check=test ! -e %(here)s/broken\n\
         liveness_check_period=20ms\nliveness_check_failure_action=stop\n\
         [eventlistener:ear]\ncommand=/bin/sh %(here)s/ear\ndirectory=%(here)s\n\
         events=PROCESS_STATE\nstartsecs=0\npriority=-1\n",
        |_| {},
    );
    let pid = scene.pid("p");
    scene.dir.write("broken", "");
    scene.wait("p", "STOPPED");
    assert_eq!(
        scene.info("p").text_of("spawnerr"),
        "check ended with exit status 1"
    );
    let heard = || scene.dir.read("heard").unwrap_or_default();
    let is_told = |state: &str| {
        let line = format!("from_state:{state} pid:{pid} reason:liveness_check\n");
        heard().contains(&line)
    };
    let all_told = wait_until(DEADLINE, || is_told("RUNNING") && is_told("STOPPING"));
    assert!(all_told, "{}", heard());
    scene.stop();
}

#[test]
fn an_essential_program_that_is_stopped_as_unhealthy_ends_supervisord() {
    let mut scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nexit_supervisord=true\n\
         liveness_check=test ! -e %(here)s/broken\nliveness_check_period=20ms\n\
         liveness_check_failure_action=stop\n",
    );
    scene.wait("p", "RUNNING");
    scene.dir.write("broken", "");
    let status = scene.daemon.wait(DEADLINE);
    assert_eq!(status, Some(128 + libc::SIGTERM), "{}", scene.log());
}
