//! Restarting the processes of a group one after the other.

use super::support::{Ctl, DEADLINE, Finished, Kind, Outcome, Rpc, Scene, Value, wait_until};
use std::io::Write;
use std::os::unix::net::UnixStream;

/// Processes `w:w_0` and so on. One with a file `broken_N` does not come up.
fn workers(count: usize, keys: &str) -> String {
    format!(
        "[program:w]\nnumprocs={count}\nprocess_name=%(program_name)s_%(process_num)d\n\
         command=/bin/sh -c 'test -e %(here)s/broken_%(process_num)d && exit 1; exec cat'\n\
         startsecs=1\nstartretries=0\n{keys}\n"
    )
}

fn scene(count: usize, more: &str) -> Scene {
    let scene = Scene::start(&format!("{}{more}", workers(count, "")));
    scene.wait_all("RUNNING");
    scene
}

fn ctl(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

fn pids(scene: &Scene) -> Vec<u32> {
    let all = scene.all();
    let pids = all.iter().map(|info| info.int_of("pid"));
    pids.map(|pid| u32::try_from(pid).unwrap()).collect()
}

fn all_are_new(scene: &Scene, before: &[u32]) -> bool {
    let now = pids(scene);
    let is_up = |info: &Value| info.text_of("statename") == "RUNNING";
    now.iter().zip(before).all(|(now, before)| now != before) && scene.all().iter().all(is_up)
}

/// Where something is told in the part of a log.
fn place(log: &str, text: &str) -> usize {
    log.find(text)
        .unwrap_or_else(|| panic!("{text:?} is not in:\n{log}"))
}

fn stopped(log: &str, number: usize) -> usize {
    place(log, &format!("stopped: w_{number} ("))
}

fn up(log: &str, number: usize) -> usize {
    place(log, &format!("success: w_{number} entered RUNNING"))
}

#[test]
fn the_next_one_is_restarted_when_the_one_before_is_running() {
    let scene = scene(3, "");
    let before = pids(&scene);
    let begin = scene.log().len();
    let finished = ctl(&scene, "restart --rolling w:*");
    let expected: String = (0..3)
        .map(|number| format!("w:w_{number}: stopped\nw:w_{number}: started\n"))
        .collect();
    assert_eq!(finished.stdout, expected, "{}", finished.stderr);
    assert_eq!(finished.status, Some(0));
    assert!(all_are_new(&scene, &before));
    let log = scene.log()[begin..].to_owned();
    for number in 0..2 {
        assert!(up(&log, number) < stopped(&log, number + 1), "{log}");
    }
    scene.stop();
}

#[test]
fn the_next_one_is_left_alone_until_the_one_before_is_ready_and_nothing_else_comes_between() {
    let scene = Scene::start(
        "[program:w]\nnumprocs=2\nprocess_name=w_%(process_num)d\nstartsecs=0\n\
         command=/bin/sh -c 'while test -e %(here)s/hold_%(process_num)d; do sleep 0.02; done; \
         echo ready; exec cat'\nreadiness=log:ready\n",
    );
    scene.wait_all("RUNNING");
    let before = pids(&scene);
    scene.dir.write("hold_0", "");
    let finished = ctl(&scene, "restart --rolling --no-wait w:*");
    assert_eq!(finished.status, Some(0), "{}", finished.stdout);
    let has_begun = || ![0, before[0]].contains(&pids(&scene)[0]);
    assert!(wait_until(DEADLINE, has_begun), "{}", scene.log());
    assert_eq!(scene.info("w:w_0").text_of("statename"), "STARTING");
    // Two at a time would be down, or one that the other waits for would be gone.
    let refused = scene.call("rollingRestart", &[Value::text("w:*")]);
    assert!(matches!(refused, Outcome::Fault(30, _)), "{refused:?}");
    let refused = scene.call("setNumProcs", &[Value::text("w"), Value::Int(1)]);
    assert!(matches!(refused, Outcome::Fault(30, _)), "{refused:?}");
    assert_eq!(pids(&scene)[1], before[1]);
    std::fs::remove_file(scene.dir.join("hold_0")).unwrap();
    let are_new = wait_until(DEADLINE, || all_are_new(&scene, &before));
    assert!(are_new, "{}", scene.log());
    scene.stop();
}

#[test]
fn so_many_may_be_down_at_a_time_as_is_said() {
    let scene = scene(3, "");
    let begin = scene.log().len();
    let finished = ctl(&scene, "restart w:* --rolling --max-unavailable 2");
    assert_eq!(finished.status, Some(0), "{}", finished.stdout);
    let log = scene.log()[begin..].to_owned();
    for number in 0..2 {
        assert!(stopped(&log, 1 - number) < up(&log, number), "{log}");
        assert!(up(&log, number) < stopped(&log, 2), "{log}");
    }
    for (line, told) in [
        (
            "restart --rolling all",
            "Error: restart --rolling takes names of processes and groups, not all\n",
        ),
        (
            "restart --rolling nosuch:* w:w_0",
            "nosuch: ERROR (no such group)\nw:w_0: not restarted\n",
        ),
    ] {
        let finished = ctl(&scene, line);
        assert_eq!(finished.stdout, told);
        assert_ne!(finished.status, Some(0));
    }
    let none = [Value::text("w:*"), Value::Int(0)];
    let refused = scene.call("rollingRestart", &none);
    assert!(matches!(refused, Outcome::Fault(3, _)), "{refused:?}");
    scene.stop();
}

#[test]
fn the_first_that_fails_ends_it_and_is_named() {
    let scene = scene(4, "");
    scene.dir.write("broken_1", "");
    let before = pids(&scene);
    let finished = ctl(&scene, "restart --rolling w:*");
    assert_eq!(
        finished.stdout,
        "w:w_0: stopped\nw:w_0: started\nw:w_1: stopped\n\
         w:w_1: ERROR (spawn error)\nw:w_2: not restarted\nw:w_3: not restarted\n"
    );
    assert_eq!(finished.status, Some(7));
    let after = pids(&scene);
    assert_ne!(after[0], before[0]);
    assert_eq!(after[2..], before[2..]);
    scene.wait_log("WARN the rolling restart ends, for w:w_1 has failed; left as they were: 2");
    scene.stop();
}

#[test]
fn a_client_that_goes_away_ends_nothing() {
    let scene = scene(2, "");
    for way in ["gone", "--no-wait"] {
        let before = pids(&scene);
        if way == "gone" {
            let body = Rpc::body("supervisor.rollingRestart", &[Value::text("w:*")]);
            let mut client = UnixStream::connect(scene.dir.join("s")).unwrap();
            let head = format!(
                "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len()
            );
            client.write_all((head + &body).as_bytes()).unwrap();
            let begins = || pids(&scene)[0] != before[0];
            assert!(wait_until(DEADLINE, begins), "{}", scene.log());
            drop(client);
        } else {
            let finished = ctl(&scene, "restart --rolling --no-wait w:*");
            assert_eq!(finished.stdout, "w:*: restarting one after the other\n");
        }
        let are_new = wait_until(DEADLINE, || all_are_new(&scene, &before));
        assert!(are_new, "{way}\n{}", scene.log());
    }
    scene.stop();
}

#[test]
fn what_goes_down_with_others_stays_up_while_they_are_restarted_in_turn() {
    let follower = "[program:api]\ncommand=/bin/cat\nstartsecs=0\ndepends_on=w\n\
                    depends_restart=true\n";
    let scene = scene(2, follower);
    let before = scene.pid("api");
    let finished = ctl(&scene, "restart --rolling w:*");
    assert_eq!(finished.status, Some(0), "{}", finished.stdout);
    assert_eq!(scene.pid("api"), before);
    let finished = ctl(&scene, "restart w:*");
    assert_eq!(finished.status, Some(0), "{}", finished.stdout);
    let is_new = || ![0, before].contains(&scene.pid("api"));
    assert!(wait_until(DEADLINE, is_new), "{}", scene.log());
    scene.stop();
}

#[test]
fn the_page_has_a_button_for_it() {
    let scene = scene(2, "");
    let before = pids(&scene);
    let told = super::web::act(&scene, ("groupname", "w"), "rollgroup");
    let beginning = "Group w is being restarted one by one at ";
    assert!(told.starts_with(beginning), "{told}");
    let are_new = wait_until(DEADLINE, || all_are_new(&scene, &before));
    assert!(are_new, "{}", scene.log());
    scene.stop();
}
