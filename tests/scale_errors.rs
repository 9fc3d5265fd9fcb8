//! Scales that are refused, that come up in part, that lose their client or are in the way of
//! others.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;

use super::scale::{NUMBERED, configure, ctl, names, processes, program, refused, said, scene};
use super::support::{DEADLINE, Outcome, Rpc, Value, wait_until};

const SHARD: &str = "command=/bin/sh -c 'exec cat' of %(numprocs)d";

#[test]
fn what_cannot_be_scaled_is_told_with_the_reason_and_nothing_changes() {
    let programs = [
        program("web", 2, ""),
        "[program:one]\ncommand=/bin/cat\n".to_owned(),
        format!("[program:shards]\n{NUMBERED}numprocs=2\nstartsecs=0\n{SHARD}\n"),
        program("api", 1, "depends_on=web:web_1"),
    ]
    .concat();
    let scene = scene(&programs);
    let before = processes(&scene);
    for (line, told) in [
        (
            "scale web 0",
            "web: ERROR (a program has 1 to 100000 processes)\n",
        ),
        (
            "scale web 100001",
            "web: ERROR (a program has 1 to 100000 processes)\n",
        ),
        ("scale nosuch 2", "nosuch: ERROR (no such program)\n"),
        ("scale web:web_0 2", "web:web_0: ERROR (no such program)\n"),
        (
            "scale one 2",
            "one: ERROR (process_name of [program:one] has no %(process_num), which would tell \
             its processes apart)\n",
        ),
        (
            "scale shards 3",
            "shards: ERROR (shards_0 has numprocs in its settings and would have to start again: \
             change numprocs in the configuration and update)\n",
        ),
    ] {
        assert_eq!(refused(&scene, line), told, "{line}");
    }
    let told = refused(&scene, "scale web 1");
    assert!(
        told.contains("depends on unknown program or group web:web_1"),
        "{told}"
    );
    for line in ["scale", "scale web", "scale web five", "scale web 5 6"] {
        let told = refused(&scene, line);
        let error = "Error: scale takes the name of a program and a number of processes\n";
        assert!(told.starts_with(error), "{line}: {told}");
    }
    let number = |number| [Value::text("web"), Value::Int(number)];
    let refused_call = scene.call("setNumProcs", &number(-1));
    assert!(
        matches!(refused_call, Outcome::Fault(3, _)),
        "{refused_call:?}"
    );
    // What runs and what the files say are not mixed.
    configure(&scene, &programs.replace("number_", "other_"));
    let told = refused(&scene, "scale web 3");
    assert_eq!(
        told,
        "web: ERROR (web is configured in another way by now: update it first)\n"
    );
    configure(&scene, &programs.replace("numprocs=2", "numprocs=two"));
    let told = refused(&scene, "scale web 3");
    assert!(told.starts_with("ERROR: CANT_REREAD: "), "{told}");
    assert!(
        told.contains("two") && told.contains("supervisord.conf"),
        "{told}"
    );
    let broken = scene.call("setNumProcs", &number(3));
    assert!(matches!(broken, Outcome::Fault(92, _)), "{broken:?}");
    configure(&scene, &format!("{programs}{}", program("new", 1, "")));
    assert_eq!(
        refused(&scene, "scale new 3"),
        "new: ERROR (no such program)\n"
    );
    assert_eq!(processes(&scene), before);
    assert!(!said(&scene, "status --json").contains("scaled"));
    scene.stop();
}

#[test]
fn processes_that_do_not_come_up_are_told_of_and_stay() {
    let scene = scene(
        "[program:w]\nprocess_name=w_%(process_num)d\nstartsecs=1\nstartretries=0\n\
         command=/bin/sh -c 'test -e %(here)s/broken_%(process_num)d && exit 1; exec cat'\n",
    );
    scene.dir.write("broken_1", "");
    let finished = ctl(&scene, "scale w 3");
    let expected = "w:w_1: added\nw:w_2: added\nw:w_1: ERROR (spawn error)\nw:w_2: started\n";
    assert_eq!(finished.stdout, expected);
    assert_eq!(finished.status, Some(7));
    fs::remove_file(scene.dir.join("broken_1")).unwrap();
    assert_eq!(said(&scene, "start w:*"), "w:w_1: started\n");
    assert_eq!(names(&scene).len(), 3);
    scene.stop();
}

#[test]
fn a_client_that_goes_away_ends_nothing_and_others_wait_for_their_turn() {
    // It does not end before its file is gone.
    let stubborn = "[program:web]\nprocess_name=%(program_name)s_%(process_num)d\nnumprocs=3\n\
                    startsecs=0\nstopwaitsecs=600\nreadiness=log:trapped\n\
                    command=/bin/sh -c 'trap \"while test -e %(here)s/hold; do sleep 0.02; done; exit\" TERM; echo trapped; while :; do sleep 0.02; done'\n";
    let scene = scene(stubborn);
    scene.dir.write("hold", "");
    let body = Rpc::body(
        "supervisor.setNumProcs",
        &[Value::text("web"), Value::Int(2)],
    );
    let mut client = UnixStream::connect(scene.dir.join("s")).unwrap();
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.write_all((head + &body).as_bytes()).unwrap();
    scene.wait("web:web_2", "STOPPING");
    drop(client);
    let busy = "is being restarted, scaled or updated, try again later";
    let told = refused(&scene, "scale web 5");
    assert_eq!(told, format!("web: ERROR (web {busy})\n"));
    let words = [Value::text("web:*")];
    let rolling = scene.call("rollingRestart", &words);
    assert!(
        matches!(&rolling, Outcome::Fault(30, text) if text.contains(busy)),
        "{rolling:?}"
    );
    fs::remove_file(scene.dir.join("hold")).unwrap();
    let is_done = || names(&scene) == ["web:web_0", "web:web_1"];
    assert!(wait_until(DEADLINE, is_done), "{}", scene.log());
    // One that is being stopped already is waited for.
    scene.dir.write("hold", "");
    let quick = [Value::text("web:web_1"), Value::Bool(false)];
    scene.call("stopProcess", &quick).answer();
    assert_eq!(said(&scene, "scale --no-wait web 1"), "web: scaling to 1\n");
    assert_eq!(names(&scene).len(), 2);
    fs::remove_file(scene.dir.join("hold")).unwrap();
    let is_done = || names(&scene) == ["web:web_0"];
    assert!(wait_until(DEADLINE, is_done), "{}", scene.log());
    scene.stop();
}
