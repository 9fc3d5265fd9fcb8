//! Published attacks and their like. During each of them another client is
//! answered at once, and afterwards the daemon has no more memory than before.
//!
//! `ANSWER_LIMIT_MS` holds the answers to a tighter limit than a busy machine
//! with an unoptimised build allows; `make attacks` sets it.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use super::support::{DEADLINE, Outcome, Scene, Value, anonymous_memory, wait_until};

const CAT: &str = "[program:p]\ncommand=/bin/cat\nstartsecs=0\n";

/// What an answer may take where nothing else is said.
const LENIENT: Duration = DEADLINE;

/// How much more memory there may be afterwards, in KiB.
const MORE: usize = 1024;

fn answer_limit() -> Duration {
    let limit = std::env::var("ANSWER_LIMIT_MS").ok();
    let limit = limit.map(|text| text.parse().expect("ANSWER_LIMIT_MS is a number"));
    limit.map_or(LENIENT, Duration::from_millis)
}

fn connect(scene: &Scene) -> UnixStream {
    let stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Sends bytes and reads to the end, at the same time. The server may close
/// before it has taken all.
fn exchange(scene: &Scene, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(scene);
    let mut writer = stream.try_clone().unwrap();
    scope(|threads| {
        threads.spawn(move || {
            let _ = writer.write_all(bytes);
        });
        let mut answer = Vec::new();
        let mut piece = [0; 65536];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => answer.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error} after {} bytes", answer.len()),
            }
        }
        answer
    })
}

fn post(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn call(method: &str, parameters: &str) -> Vec<u8> {
    let body = format!(
        "<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{parameters}</params></methodCall>"
    );
    post(body.as_bytes())
}

fn status(answer: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(&answer[..answer.len().min(100)]);
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    let status = status.and_then(|digits| digits.parse().ok());
    status.unwrap_or_else(|| panic!("no response: {text:?}"))
}

/// Attacks while another client asks again and again, each time by a
/// connection of its own.
fn attack(scene: &Scene, name: &str, attack: impl FnOnce()) {
    let pid = scene.daemon.pid();
    for _ in 0..20 {
        scene.call("getState", &[]).answer();
    }
    let before = anonymous_memory(pid);
    let over = AtomicBool::new(false);
    let slowest = scope(|threads| {
        let watch = threads.spawn(|| {
            let mut slowest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let state = ask(scene);
                slowest = slowest.max(begin.elapsed());
                assert_eq!(state.text_of("statename"), "RUNNING", "{name}");
                sleep(Duration::from_millis(1));
            }
            slowest
        });
        attack();
        over.store(true, Ordering::Relaxed);
        watch.join().unwrap()
    });
    let returned = wait_until(Duration::from_secs(10), || {
        anonymous_memory(pid) <= before + MORE
    });
    println!(
        "{name}: the slowest answer took {slowest:?}, memory was {before} KiB and is {} KiB",
        anonymous_memory(pid)
    );
    assert!(slowest <= answer_limit(), "{name}: {slowest:?}");
    assert!(
        returned,
        "{name}: {before} KiB, then {}",
        anonymous_memory(pid)
    );
}

/// Asks for the state. A client that a crowd has pushed out before it said anything,
/// which it may be on a busy machine, comes again.
fn ask(scene: &Scene) -> Value {
    let begin = Instant::now();
    loop {
        match scene.call("getState", &[]) {
            Outcome::Failure(reason)
                if reason == ErrorKind::BrokenPipe.to_string() && begin.elapsed() < DEADLINE => {}
            outcome => return outcome.answer(),
        }
    }
}

fn scene() -> Scene {
    let scene = Scene::start(CAT);
    scene.wait("p", "RUNNING");
    scene
}

#[test]
fn names_of_objects_are_no_methods() {
    let scene = scene();
    let touched = scene.dir.join("touched");
    let command = format!("touch {}", touched.display());
    for name in [
        // CVE-2017-11610 as it was published, then variants.
        "supervisor.supervisord.options.warnings.linecache.os.system",
        "supervisor.supervisord.options.execve",
        "supervisor.supervisord.options.make_logger",
        "supervisor.supervisord.options",
        "supervisor.supervisord.process_groups",
        "supervisor.supervisord",
        "supervisor.system.multicall",
        "supervisor.startProcess.__call__",
        "supervisor.addProcessGroup.__func__.__globals__",
        "supervisor.__class__",
        "supervisor.__init__.__globals__.os.system",
        "supervisor._update",
        "supervisor.",
        ".supervisor",
        "supervisor..getPID",
        "supervisor.getPID.",
        "supervisor.getPID\0",
        "supervisor.getPid",
        " supervisor.getPID",
        "supervisor/getPID",
        "system._listMethods",
        "system.namespaces",
        "system.__class__.__name__",
        "__class__.__name__",
        "os.system",
        "getPID",
    ] {
        let direct = scene.rpc.call(name, &[Value::text(&command)]);
        let unreadable = name.contains('\0');
        match direct {
            Outcome::Status(400) if unreadable => continue,
            Outcome::Fault(1, text) => assert_eq!(text, "UNKNOWN_METHOD", "{name:?}"),
            other => panic!("{name:?}: {other}"),
        }
        let wrapped = Value::Struct(vec![
            ("methodName".to_owned(), Value::text(name)),
            (
                "params".to_owned(),
                Value::Array(vec![Value::text(&command)]),
            ),
        ]);
        let results = scene
            .rpc
            .call("system.multicall", &[Value::Array(vec![wrapped])]);
        let Value::Array(results) = results.answer() else {
            panic!("{name:?}: an array was expected")
        };
        assert_eq!(results[0].int_of("faultCode"), 1, "{name:?}");
    }
    assert!(!touched.exists());
    scene.stop();
}

#[test]
fn documents_that_expand_are_refused() {
    let scene = scene();
    let mut laughs = String::from("<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol0 'lol'>");
    for level in 1..10 {
        let ten = format!("&lol{};", level - 1).repeat(10);
        laughs.push_str(&format!("<!ENTITY lol{level} '{ten}'>"));
    }
    laughs.push_str("]><methodCall><methodName>&lol9;</methodName></methodCall>");
    let blowup = format!(
        "<!DOCTYPE a [<!ENTITY a '{}'>]><methodCall><methodName>{}</methodName></methodCall>",
        "a".repeat(100_000),
        "&a;".repeat(100_000)
    );
    let instructions = format!("<methodCall>{}</methodCall>", "<?a b?>".repeat(100_000));
    attack(&scene, "documents that expand", || {
        for document in [
            laughs.as_str(),
            &blowup,
            &instructions,
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
            "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            "<!DOCTYPE a [<!ENTITY % b SYSTEM 'http://127.0.0.1:1/'> %b;]><a/>",
            "<?xml version='1.0'?><?xml-stylesheet href='a'?><methodCall/>",
        ] {
            assert_eq!(status(&exchange(&scene, &post(document.as_bytes()))), 400);
        }
    });
    scene.stop();
}

#[test]
fn bodies_that_are_too_long_are_refused_and_not_kept() {
    let scene = Scene::start(&format!(
        "{CAT}[unix_http_server:locked]\nfile=%(here)s/locked\nusername=u\npassword=p\n"
    ));
    let body = vec![b'x'; 64 << 20];
    let request = post(&body);
    attack(&scene, "a body of 64 MB", || {
        assert_eq!(status(&exchange(&scene, &request)), 413);
    });
    attack(&scene, "a body of 64 MB without a password", || {
        let mut stream = UnixStream::connect(scene.dir.join("locked")).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let mut sent = 0;
        while sent < request.len() {
            match stream.write(&request[sent..]) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        assert!(
            sent < 4 << 20,
            "{sent} bytes were read of a client without password"
        );
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401");
    });
    scene.stop();
}

#[test]
fn one_endless_token_takes_linear_time() {
    let scene = scene();
    let whole = 16 << 20;
    let inner = |filling: &str| {
        let (before, after) = ("<methodCall><methodName>", "</methodName></methodCall>");
        let room = whole - before.len() - after.len();
        let filling = filling.repeat(room / filling.len());
        format!("{before}{filling}{after}")
    };
    attack(&scene, "16 MB without a tag", || {
        let body = vec![b'x'; whole];
        assert_eq!(status(&exchange(&scene, &post(&body))), 400);
    });
    attack(&scene, "a method name of 16 MB", || {
        assert_eq!(status(&exchange(&scene, &post(inner("x").as_bytes()))), 200);
    });
    attack(&scene, "16 MB of references", || {
        assert_eq!(
            status(&exchange(&scene, &post(inner("&amp;").as_bytes()))),
            200
        );
    });
    attack(&scene, "16 MB of carriage returns", || {
        assert_eq!(
            status(&exchange(&scene, &post(inner("\r").as_bytes()))),
            200
        );
    });
    scene.stop();
}

#[test]
fn nesting_ends_somewhere() {
    let scene = scene();
    let array = ("<value><array><data>", "</data></array></value>");
    let nested = |depth: usize| {
        let value = [array.0.repeat(depth), array.1.repeat(depth)].concat();
        call("supervisor.getPID", &format!("<param>{value}</param>"))
    };
    attack(&scene, "10,000 nested arrays", || {
        assert_eq!(status(&exchange(&scene, &nested(10_000))), 400);
        assert_eq!(status(&exchange(&scene, &nested(80))), 200);
    });
    attack(&scene, "as many elements as there can be", || {
        let many = "<value><int>1</int></value>".repeat((1 << 17) - 10);
        let array = format!("<param><value><array><data>{many}</data></array></value></param>");
        let answer = exchange(&scene, &call("supervisor.getPID", &array));
        assert_eq!(status(&answer), 200);
    });
    scene.stop();
}

#[test]
fn headers_that_are_too_long_are_refused() {
    let scene = scene();
    let long = "x".repeat(1 << 20);
    attack(&scene, "a header of 1 MB", || {
        for request in [
            format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n"),
            format!("GET /{long} HTTP/1.1\r\n\r\n"),
            format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200_000)),
            long.clone(),
        ] {
            assert_eq!(status(&exchange(&scene, request.as_bytes())), 431);
        }
    });
    scene.stop();
}

#[test]
fn a_request_that_trickles_has_an_end() {
    let scene = Scene::start(&format!(
        "{CAT}[unix_http_server:hasty]\nfile=%(here)s/hasty\nrequest_timeout=2\n"
    ));
    let request = call("supervisor.getPID", "");
    let ends_at = request.len() - 20;
    attack(&scene, "a byte at a time", || {
        // One in the header, one in the body, one that says nothing at all.
        for begun in [10, ends_at, 0] {
            let mut stream = UnixStream::connect(scene.dir.join("hasty")).unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            stream.write_all(&request[..begun]).unwrap();
            let begin = Instant::now();
            for byte in request[begun..]
                .iter()
                .take(if begun == 0 { 0 } else { 15 })
            {
                if stream.write_all(&[*byte]).is_err() {
                    break;
                }
                sleep(Duration::from_millis(200));
            }
            let mut answer = Vec::new();
            let read = stream.read_to_end(&mut answer);
            assert!(read.is_ok() || begun > 0, "{read:?}");
            assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
            assert!(begin.elapsed() >= Duration::from_secs(1));
            assert!(begin.elapsed() < DEADLINE / 2, "{:?}", begin.elapsed());
        }
    });
    scene.stop();
}

#[test]
fn idle_connections_keep_nobody_out() {
    let scene = scene();
    attack(&scene, "500 idle connections", || {
        let crowd: Vec<UnixStream> = (0..500).map(|_| connect(&scene)).collect();
        sleep(Duration::from_millis(300));
        drop(crowd);
    });
    let request = b"GET /nothing HTTP/1.1\r\n\r\n";
    attack(&scene, "500 connections that were let in", || {
        let mut crowd: Vec<UnixStream> = (0..500).map(|_| connect(&scene)).collect();
        for stream in &mut crowd {
            // Those that had to make room are closed.
            let _ = stream.write_all(request);
        }
        sleep(Duration::from_millis(300));
        drop(crowd);
    });
    attack(&scene, "500 connections with half a request", || {
        let mut crowd: Vec<UnixStream> = (0..500).map(|_| connect(&scene)).collect();
        for stream in &mut crowd {
            let _ = stream.write_all(&[b'x'; 60_000]);
        }
        sleep(Duration::from_millis(300));
        drop(crowd);
    });
    scene.stop();
}

#[test]
fn pipelined_requests_keep_nobody_waiting() {
    let scene = scene();
    let count = 20_000;
    let read = |name: &str, requests: Vec<u8>, expected: &str| {
        attack(&scene, name, || {
            let answer = exchange(&scene, &requests);
            let text = String::from_utf8_lossy(&answer);
            assert_eq!(text.matches(expected).count(), count, "{name}");
        });
    };
    let last = "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n";
    let cheap = "GET /x HTTP/1.1\r\n\r\n".repeat(count - 1) + last;
    read(
        "20,000 requests for nothing",
        cheap.into_bytes(),
        "404 Not Found",
    );
    let body = "<methodCall><methodName>supervisor.getState</methodName></methodCall>";
    let one = format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let calls = one.repeat(count) + last;
    read("20,000 calls", calls.into_bytes(), "200 OK");
    attack(&scene, "calls whose answers nobody reads", || {
        let mut stream = connect(&scene);
        stream.set_nonblocking(true).unwrap();
        let many = one.repeat(1000);
        let mut sent = 0;
        while let Ok(count) = stream.write(many.as_bytes()) {
            sent += count;
            assert!(sent < 64 << 20, "the daemon takes what nobody reads");
        }
        sleep(Duration::from_millis(300));
    });
    scene.stop();
}

#[test]
fn multicalls_have_an_end() {
    let scene = Scene::start(&format!(
        "{CAT}[unix_http_server:few]\nfile=%(here)s/few\nmulticall_maxcalls=3\n"
    ));
    let calls = |count: usize, method: &str| {
        let one = format!(
            "<value><struct><member><name>methodName</name><value>{method}</value></member></struct></value>"
        );
        let all = one.repeat(count);
        call(
            "system.multicall",
            &format!("<param><value><array><data>{all}</data></array></value></param>"),
        )
    };
    attack(&scene, "a multicall of 4096 calls", || {
        let answer = exchange(&scene, &calls(4096, "supervisor.getAllProcessInfo"));
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(text.matches("<name>statename</name>").count(), 4096);
    });
    let answer = exchange(&scene, &calls(4097, "supervisor.getPID"));
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        text.contains("INCORRECT_PARAMETERS: 4097 calls in one system.multicall, 4096 at most"),
        "{text}"
    );
    for (count, expected) in [(3, "<int>"), (4, "faultCode")] {
        let mut stream = UnixStream::connect(scene.dir.join("few")).unwrap();
        stream
            .write_all(&calls(count, "supervisor.getPID"))
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.contains("faultCode"), count == 4, "{text}");
    }
    scene.stop();
}
