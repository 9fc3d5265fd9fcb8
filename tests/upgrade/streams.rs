//! What an upgrade keeps of what flows: output, input, events, requests, connections.

use super::upgrades;
use crate::pools::{noted, pool, send, wait_noted, workshop};
use crate::support::{DEADLINE, Dir, Scene, Value, wait_until};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Writes numbered lines in bursts that fill pipes, twenty seconds at most.
const WRITER: &str = "command=/bin/sh -c 'for i in $(seq 1 150); do seq 1 8000; sleep 0.01; done'\n\
    startsecs=0\nautorestart=false\nstdout_logfile_maxbytes=0\n";

#[test]
fn no_line_of_a_writer_is_lost_or_doubled() {
    let scene = Scene::start(&format!(
        "[program:a]\n{WRITER}stdout_logfile=%(here)s/a.out\n\
         [program:b]\n{WRITER}stdout_logfile=%(here)s/b.out\nstdout_logfile_format=%(message)s\n"
    ));
    let mut count = 0;
    while ["a", "b"]
        .iter()
        .any(|name| scene.info(name).text_of("statename") != "EXITED")
    {
        upgrades(&scene);
        count += 1;
    }
    assert!(count >= 3, "only {count} upgrades");
    println!("{count} upgrades");
    let burst: String = (1..=8000).map(|line| format!("{line}\n")).collect();
    for name in ["a.out", "b.out"] {
        let text = scene.dir.read(name).unwrap();
        assert!(text == burst.repeat(150), "{name} has {} bytes", text.len());
    }
    scene.stop();
}

/// A client that follows a log over HTTP.
fn follower(scene: &Scene, path: &str) -> UnixStream {
    let mut stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: h\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn who_follows_a_log_reads_on_without_a_gap() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.005; done'\n\
         startsecs=0\nstdout_logfile=%(here)s/p.out\n",
    );
    scene.wait("p", "RUNNING");
    let mut followers: Vec<UnixStream> = (0..3).map(|_| follower(&scene, "/logtail/p")).collect();
    for _ in 0..20 {
        upgrades(&scene);
    }
    let last = scene.dir.read("p.out").unwrap().lines().count();
    for stream in &mut followers {
        let mut text = Vec::new();
        let end = format!("line {last}\n");
        while !String::from_utf8_lossy(&text).contains(&end) {
            let mut bytes = [0; 4096];
            let count = stream.read(&mut bytes).unwrap();
            assert_ne!(count, 0, "the connection has ended");
            text.extend_from_slice(&bytes[..count]);
        }
        let text = String::from_utf8(text).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        let numbers = body.lines().filter_map(|line| line.strip_prefix("line "));
        // The first and the last may not be whole.
        let numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
        let inner = &numbers[1..numbers.len() - 1];
        assert!(
            inner.windows(2).all(|two| two[1] == two[0] + 1),
            "{inner:?}"
        );
    }
    scene.stop();
}

#[test]
fn half_of_everything_is_carried() {
    let dir = workshop("");
    // Half a message, half a character, half a control sequence, half a line; the rest on request.
    dir.write(
        "halves.sh",
        "printf '<!--XSUPERVISOR:BEGIN-->a half, '\n\
         : > half; until test -e go; do sleep 0.02; done\n\
         printf 'and a half<!--XSUPERVISOR:END-->'\n\
         printf 'caf\\303' >&2; : > half2; until test -e go2; do sleep 0.02; done\n\
         printf '\\251 \\033[3' >&2; : > half3; until test -e go3; do sleep 0.02; done\n\
         printf '1mred\\033[0m\\n' >&2\n\
         exec cat > got\n",
    );
    let scene = Scene::start_as(
        dir,
        &format!(
            "strip_ansi=true\n{}[program:p]\ncommand=/bin/sh %(here)s/halves.sh\ndirectory=%(here)s\nstartsecs=0\n\
             stdout_capture_maxbytes=1KB\nstderr_logfile=%(here)s/p.err\n",
            pool("l", "recorder", "PROCESS_COMMUNICATION", "")
        ),
        |_| {},
    );
    let there = |name: &str| wait_until(DEADLINE, || scene.dir.join(name).exists());
    // What is for its standard input waits in supervisord: it does not read yet.
    let sent = "0123456789".repeat(20_000);
    assert!(there("half"));
    let parameters = [Value::text("p"), Value::text(&sent)];
    scene.call("sendProcessStdin", &parameters).answer();
    upgrades(&scene);
    upgrades(&scene);
    scene.dir.write("go", "");
    assert!(there("half2"));
    upgrades(&scene);
    scene.dir.write("go2", "");
    assert!(there("half3"));
    upgrades(&scene);
    scene.dir.write("go3", "");
    let heard = wait_noted(&scene, "l", 1);
    assert!(heard[0].ends_with("|a half, and a half"), "{heard:?}");
    let read = |name: &str| scene.dir.read(name).unwrap_or_default();
    let whole = wait_until(DEADLINE, || read("p.err") == "café red\n");
    assert!(whole, "{:?}", read("p.err"));
    let arrived = wait_until(DEADLINE, || read("got").len() == sent.len());
    assert!(
        arrived && read("got") == sent,
        "{} bytes",
        read("got").len()
    );
    scene.stop();
}

/// Four listeners of which one is slow, and one that has died; events come all the time.
#[test]
fn every_event_is_accepted_once() {
    let script = "import time\nname = os.environ['SUPERVISOR_PROCESS_NAME'] + '.got'\n\
        while True:\n    say('READY\\n')\n    _, tokens, payload = hear()\n    time.sleep(0.02)\n    \
        note(name, tokens['serial'] + ' ' + payload.split('\\n')[-1])\n    answer('OK')\n";
    let dir = workshop(script);
    let scene = Scene::start_as(
        dir,
        &pool(
            "l",
            "bad",
            "REMOTE_COMMUNICATION",
            "numprocs=4\nprocess_name=l_%(process_num)d\nbuffer_size=1000",
        ),
        |_| {},
    );
    let mut sent = 0;
    for _ in 0..20 {
        for _ in 0..10 {
            sent += 1;
            send(&scene, "n", &sent.to_string());
        }
        upgrades(&scene);
    }
    let all = || {
        let names = (0..4).map(|index| format!("l_{index}"));
        let lines = names.flat_map(|name| noted(&scene, &name));
        let numbers = lines.map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap());
        let mut numbers: Vec<u32> = numbers.collect();
        numbers.sort_unstable();
        numbers
    };
    let done = wait_until(DEADLINE, || all().len() >= sent as usize);
    assert!(done, "{:?}\n{}", all(), scene.log());
    assert_eq!(all(), (1..=sent).collect::<Vec<u32>>());
    scene.stop();
}

/// Clients that ask all the time are all answered, those that wait for a process too.
#[test]
fn no_client_is_refused_and_who_waits_is_answered() {
    let scene = Scene::start(
        "[program:slow]\ncommand=/bin/cat\nstartsecs=3\nautostart=false\n\
         [program:p]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    let is_over = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| scene.call("startProcess", &[Value::text("slow")]));
        scene.wait("slow", "STARTING");
        for _ in 0..8 {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    let state = scene.call("getState", &[]).answer();
                    assert_eq!(state.text_of("statename"), "RUNNING");
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..20 {
            upgrades(&scene);
        }
        is_over.store(true, Ordering::SeqCst);
        assert_eq!(waiting.join().unwrap().answer(), Value::Bool(true));
    });
    println!("{answered:?} answers");
    scene.stop();
}

#[test]
fn a_kept_connection_stays_open() {
    let scene = Scene::start("");
    let body = "<methodCall><methodName>supervisor.getPID</methodName><params/></methodCall>";
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let pid = scene.daemon.pid().to_string();
    for _ in 0..5 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        while !text.contains("</methodResponse>") {
            let mut bytes = [0; 4096];
            let count = stream.read(&mut bytes).unwrap();
            assert_ne!(count, 0, "the connection has ended: {text}");
            text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        assert!(text.contains(&pid), "{text}");
        upgrades(&scene);
    }
    scene.stop();
}

#[test]
fn sockets_of_programs_stay_open() {
    let dir = Dir::new();
    let scene = Scene::start_as(
        dir,
        "[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(here)s/f.sock\nstartsecs=0\n\
         [program:g]\ncommand=/bin/sleep 1000\nsockets=web=unix://%(here)s/g.sock\nstartsecs=0\n",
        |_| {},
    );
    scene.wait("f:f", "RUNNING");
    scene.wait("g", "RUNNING");
    for _ in 0..3 {
        upgrades(&scene);
        for name in ["f.sock", "g.sock"] {
            UnixStream::connect(scene.dir.join(name)).unwrap();
        }
        for name in ["f:f", "g"] {
            let name = Value::text(name);
            scene.call("restartProcess", &[name]).answer();
        }
    }
    scene.stop();
}
