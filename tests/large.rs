//! Answers that are large: whole all the same, sent piece by piece, and no
//! matter to anybody else, not even when the client takes nothing of them.

use super::support::{Ctl, DEADLINE, Dir, Kind, Scene, Value, private_memory, wait_until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const LARGE: usize = 50 * 1024 * 1024;

/// One program whose log the test writes itself.
const PROGRAM: &str = "[program:p]\ncommand=/bin/cat\nautostart=false\n\
                       stdout_logfile=%(here)s/p.log\n";

/// A daemon with a log of about a size, in which everything occurs that a log may hold.
fn with_log(size: usize) -> (Scene, Vec<u8>) {
    let dir = Dir::new();
    let mut block = "0 <a> & \u{1b}[1mé€😀\u{ffff}".as_bytes().to_vec();
    block.extend_from_slice(b"\xff\xe2\x82\n");
    block.resize(1021, b'x');
    let log = block.repeat(size / block.len());
    dir.write("p.log", &log);
    (Scene::start_as(dir, PROGRAM, |_| {}), log)
}

/// The text that a log has in XML.
fn decoded(log: &[u8]) -> String {
    let text = String::from_utf8_lossy(log);
    text.replace(['\u{1b}', '\u{ffff}'], "\u{fffd}")
}

fn connect(scene: &Scene) -> UnixStream {
    let stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn request(method: &str, parameters: &str) -> String {
    let body = format!(
        "<methodCall><methodName>{method}</methodName><params>{parameters}</params></methodCall>"
    );
    format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn parameters(name: &str, offset: usize, length: usize) -> String {
    format!(
        "<param><value>{name}</value></param><param><value><int>{offset}</int></value></param>\
         <param><value><int>{length}</int></value></param>"
    )
}

/// Sends a request on a connection of its own, and keeps that.
fn ask(scene: &Scene, request: &str) -> UnixStream {
    let mut stream = connect(scene);
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// The body of one response, which has the length that its head says.
fn body(stream: &mut UnixStream) -> String {
    String::from_utf8(raw_body(stream)).unwrap()
}

fn raw_body(stream: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "closed after {} bytes", bytes.len());
        bytes.extend_from_slice(&piece[..count]);
        let Some(end) = bytes.windows(4).take(4096).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let length = head.split("Content-Length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        let size = end + 4 + length;
        if bytes.len() >= size {
            assert_eq!(bytes.len(), size, "no more than the length says");
            return bytes.split_off(end + 4);
        }
    }
}

/// Whether nothing is there to read.
fn is_silent(stream: &UnixStream) -> bool {
    let mut polled = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, PollTimeout::ZERO).unwrap() == 0
}

/// Makes calls as another client, and notes how long each takes.
fn answer_times(scene: &Scene, calls: usize) -> Vec<Duration> {
    let times = (0..calls).map(|_| {
        let begin = Instant::now();
        let state = scene.call("getState", &[]).answer();
        assert_eq!(state.text_of("statename"), "RUNNING");
        begin.elapsed()
    });
    times.collect()
}

#[test]
fn a_large_log_arrives_as_a_direct_decode_of_it() {
    let (scene, log) = with_log(LARGE);
    let expected = decoded(&log);
    // The log ends within a line, so no character is cut.
    let int = |number: usize| Value::Int(i64::try_from(number).unwrap());
    let read = scene.call("readProcessStdoutLog", &[Value::text("p"), int(0), int(0)]);
    assert!(read.answer() == Value::Text(expected));
    // Blocks of one size: ten thousand of them make no cut through a character.
    let end = 10_000 * 1021;
    let tail = scene.call(
        "tailProcessStdoutLog",
        &[Value::text("p"), int(0), int(end)],
    );
    let text = Value::Text(decoded(&log[log.len() - end..]));
    assert!(tail.answer() == Value::Array(vec![text, int(log.len()), Value::Bool(true)]));
    // In a multicall beside others, over a connection that is kept.
    let half = LARGE - 5_000_000;
    let call = |method: &str, params: &str| {
        format!(
            "<value><struct><member><name>methodName</name><value>supervisor.{method}</value>\
             </member><member><name>params</name><value><array><data>{params}</data></array>\
             </value></member></struct></value>"
        )
    };
    let params =
        format!("<value>p</value><value><int>{half}</int></value><value><int>0</int></value>");
    let calls = call("getPID", "") + &call("readProcessStdoutLog", &params) + &call("getPID", "");
    let calls = format!("<param><value><array><data>{calls}</data></array></value></param>");
    let mut stream = ask(&scene, &request("system.multicall", &calls));
    let answer = body(&mut stream);
    let pid = format!("<value><int>{}</int></value>\n", scene.daemon.pid());
    let text = decoded(&log[half..]);
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    assert!(answer.contains(&format!(
        "<array><data>\n{pid}<value><string>{text}</string></value>\n{pid}</data></array>"
    )));
    stream
        .write_all(request("supervisor.getPID", "").as_bytes())
        .unwrap();
    assert!(body(&mut stream).contains(&pid));
    scene.stop();
}

#[test]
fn a_large_log_is_downloaded_as_it_is_and_never_held() {
    let (scene, log) = with_log(LARGE);
    let before = private_memory(scene.daemon.pid());
    let download = "GET /log.txt?processname=p HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut stream = ask(&scene, download);
    assert!(wait_until(DEADLINE, || !is_silent(&stream)));
    answer_times(&scene, 5);
    let grown = private_memory(scene.daemon.pid()).saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB");
    assert!(raw_body(&mut stream) == log);
    // The connection is kept.
    stream
        .write_all(request("supervisor.getPID", "").as_bytes())
        .unwrap();
    assert!(body(&mut stream).contains(&scene.daemon.pid().to_string()));
    // What is not there any more is not made up.
    let mut stream = ask(&scene, download);
    assert!(wait_until(DEADLINE, || !is_silent(&stream)));
    fs::write(scene.dir.join("p.log"), "").unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.len() < log.len());
    answer_times(&scene, 1);
    scene.stop();
}

#[test]
fn a_log_that_is_emptied_or_renamed_while_it_is_sent_leaves_a_whole_document() {
    let (scene, log) = with_log(8 * 1024 * 1024);
    let path = scene.dir.join("p.log");
    let whole = decoded(&log)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    for emptied in [false, true] {
        let read = request("supervisor.readProcessStdoutLog", &parameters("p", 0, 0));
        let mut stream = ask(&scene, &read);
        // Once the answer has begun its length is fixed.
        assert!(wait_until(DEADLINE, || !is_silent(&stream)));
        if emptied {
            OpenOptions::new()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(0)
                .unwrap();
        } else {
            fs::rename(&path, scene.dir.join("p.log.1")).unwrap();
            fs::write(&path, &log).unwrap();
        }
        let document = body(&mut stream);
        let text = document.split("<value><string>").nth(1).unwrap();
        let (text, rest) = text.split_once("</string></value>").unwrap();
        assert_eq!(rest.trim_end(), "\n</param>\n</params>\n</methodResponse>");
        assert!(whole.starts_with(text));
        assert_eq!(text.len() == whole.len(), !emptied);
    }
    scene.stop();
}

#[test]
fn clients_that_read_nothing_of_a_large_log_are_nobodys_matter() {
    let (scene, _) = with_log(LARGE);
    answer_times(&scene, 20);
    let before = private_memory(scene.daemon.pid());
    let read = request("supervisor.readProcessStdoutLog", &parameters("p", 0, 0));
    let tail = request(
        "supervisor.tailProcessStdoutLog",
        &parameters("p", 0, LARGE),
    );
    let follow = "GET /logtail/p HTTP/1.1\r\n\r\n";
    let mut clients: Vec<UnixStream> = Vec::new();
    let mut times = Vec::new();
    for asked in [&read, &tail, follow] {
        clients.push(ask(&scene, asked));
        times.extend(answer_times(&scene, 20));
    }
    let begun = wait_until(DEADLINE, || {
        times.extend(answer_times(&scene, 1));
        clients.iter().all(|client| !is_silent(client))
    });
    assert!(begun, "every answer begins");
    // A busy machine may hold up a single one.
    times.sort();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    assert!(median < Duration::from_secs(1), "{median:?}, {longest:?}");
    let meanwhile = private_memory(scene.daemon.pid());
    assert!(
        meanwhile < before + 8 * 1024,
        "{before} KiB, then {meanwhile} KiB"
    );
    drop(clients);
    let mut after = 0;
    let given_back = wait_until(DEADLINE, || {
        after = private_memory(scene.daemon.pid());
        after <= before + 1024
    });
    assert!(given_back, "{before} KiB before, {after} KiB after");
    scene.stop();
}

#[test]
fn supervisorctl_of_4_3_0_reads_a_large_log() {
    let (scene, log) = with_log(3 * 1024 * 1024);
    let ctl = Ctl::new(Kind::Original, &scene.dir);
    for length in [1_000, 2_500_000, 10_000_000] {
        let finished = ctl.run(&["tail", &format!("-{length}"), "p"]);
        let start = log.len().saturating_sub(length);
        let cut = log[start..]
            .iter()
            .take(3)
            .take_while(|b| *b & 0xc0 == 0x80)
            .count();
        let expected = decoded(&log[start + cut..]) + "\n";
        assert_eq!(finished.status, Some(0), "{}", finished.stderr);
        assert!(finished.stdout == expected, "{length}");
    }
    scene.stop();
}

#[test]
fn a_long_multicall_gives_way_to_others() {
    let (scene, _) = with_log(200 * 1024);
    let call = "<value><struct><member><name>methodName</name>\
                <value>supervisor.readLog</value></member><member><name>params</name><value><array>\
                <data><value><int>0</int></value><value><int>0</int></value></data></array></value>\
                </member></struct></value>"
        .replace("readLog", "readProcessStdoutLog")
        .replace("<data>", "<data><value>p</value>");
    let calls = call.repeat(500);
    let calls = format!("<param><value><array><data>{calls}</data></array></value></param>");
    let mut long = ask(&scene, &request("system.multicall", &calls));
    let mut short = ask(&scene, &request("supervisor.getState", ""));
    assert!(body(&mut short).contains("RUNNING"));
    assert!(is_silent(&long), "the short call was answered first");
    // What is too much together is refused in its place.
    let answer = body(&mut long);
    let refusals = answer
        .matches("FAILED: the answers before this one are too large")
        .count();
    assert_eq!(
        answer.matches("<value><string>0 &lt;a&gt;").count() + refusals,
        500
    );
    assert!((400..450).contains(&refusals), "{refusals}");
    scene.stop();
}
