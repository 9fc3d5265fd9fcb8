//! Listeners from elsewhere run unchanged: the plug-ins of Superlance 2.0, and
//! what is written with the `childutils` of 4.3.0. Each does its job once.

use super::support::{DEADLINE, Dir, Kind, Scene, Value, wait_until};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A directory with a stand-in for sendmail, which adds each mail to the file `mail`.
fn post_office() -> Dir {
    let dir = Dir::new();
    dir.script(
        "sendmail",
        "cat >>\"${0%/*}/mail\"; echo >>\"${0%/*}/mail\"",
    );
    dir
}

/// The section of a plug-in, at once RUNNING.
fn plugin(dir: &Dir, name: &str, options: &str, events: &str) -> String {
    let path = Kind::Original.program(name, &dir.bin());
    assert!(
        path.exists(),
        "Superlance is not beside Supervisor 4.3.0: `make test` installs it"
    );
    format!(
        "[eventlistener:{name}]\ncommand={} {options}\nevents={events}\nstartsecs=0\nstdout_logfile=NONE\n\
         stderr_logfile=%(here)s/{name}.err\n",
        path.display()
    )
}

/// The options of plug-ins that mail through a program.
const MAIL: &str = "-m ops@example.com -s %(here)s/sendmail";

/// A program that ends with the status that it reads, once.
fn ending(name: &str) -> String {
    format!(
        "[program:{name}]\ncommand=/bin/sh -c 'read -r status; exit $status'\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
}

fn end(scene: &Scene, name: &str, status: &str) {
    let line = format!("{status}\n");
    scene
        .call("sendProcessStdin", &[Value::text(name), Value::text(&line)])
        .answer();
    scene.wait(name, "EXITED");
}

/// Waits until a file shows a text, and returns its content.
fn wait_text(scene: &Scene, file: &str, text: &str) -> String {
    let content = || scene.dir.read(file).unwrap_or_default();
    let shown = wait_until(DEADLINE, || content().contains(text));
    let complaints = complaints(scene);
    assert!(
        shown,
        "{file}: {}\n{complaints}\n{}",
        content(),
        scene.log()
    );
    content()
}

/// What the plug-ins wrote to their standard error.
fn complaints(scene: &Scene) -> String {
    let entries = std::fs::read_dir(scene.dir.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.ends_with(".err"))
        .map(|name| format!("{name}: {}\n", scene.dir.read(&name).unwrap_or_default()))
        .collect()
}

/// Ends the scene: no listener may have broken the protocol or died.
fn expect_peace(scene: Scene) {
    let log = scene.log();
    assert!(!log.contains("UNKNOWN"), "{log}");
    assert!(!log.contains("was rejected"), "{log}");
    assert!(
        !complaints(&scene).contains("Traceback"),
        "{}",
        complaints(&scene)
    );
    scene.stop();
}

#[test]
fn crashmail_mails_of_an_unexpected_exit() {
    let dir = post_office();
    let sections = [
        plugin(
            &dir,
            "crashmail",
            &format!("-a {MAIL} -o [site]"),
            "PROCESS_STATE_EXITED",
        ),
        ending("good"),
        ending("bad"),
    ];
    let scene = Scene::start_as(dir, &sections.concat(), |_| {});
    scene.wait_all("RUNNING");
    let pid = scene.pid("bad");
    end(&scene, "good", "0");
    end(&scene, "bad", "3");
    let text =
        format!("Process bad in group bad exited unexpectedly (pid {pid}) from state RUNNING");
    let mail = wait_text(&scene, "mail", &text);
    assert!(
        mail.starts_with("To: ops@example.com\nSubject: [site]: bad crashed at "),
        "{mail}"
    );
    // The expected exit was told before it.
    assert_eq!(mail.matches("Subject: ").count(), 1, "{mail}");
    expect_peace(scene);
}

#[test]
fn memmon_restarts_a_program_that_uses_too_much_memory() {
    let dir = post_office();
    let python = Kind::Original.program("python", &dir.bin());
    // The next life is modest, or each tick would restart it.
    dir.write(
        "eater.py",
        "import os, sys\nif not os.path.exists('eaten'):\n    memory = bytearray(b'x' * (64 << 20))\n    open('eaten', 'w').close()\nsys.stdin.read()\n",
    );
    let sections = format!(
        "{}[program:eater]\ncommand={} -IS %(here)s/eater.py\nstartsecs=0\nstdout_logfile=NONE\n\
         [program:modest]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
        plugin(&dir, "memmon", &format!("-a 48MB {MAIL}"), "TICK_5"),
        python.display()
    );
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    let (eater, modest) = (scene.pid("eater"), scene.pid("modest"));
    let mail = wait_text(&scene, "mail", "memory (");
    assert!(
        mail.contains("Subject: memmon: process eater:eater restarted\n"),
        "{mail}"
    );
    scene.wait("eater", "RUNNING");
    assert_ne!(scene.pid("eater"), eater);
    assert_eq!(scene.pid("modest"), modest);
    expect_peace(scene);
}

#[test]
fn httpok_restarts_a_program_whose_port_answers_500() {
    let asked = Arc::new(Mutex::new(String::new()));
    let requests = Arc::clone(&asked);
    let address = serve(move |stream| {
        let mut request = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while !request.ends_with("\r\n\r\n") && reader.read_line(&mut request).unwrap() > 0 {}
        let is_first = requests.lock().unwrap().is_empty();
        requests.lock().unwrap().push_str(&request);
        let status = if is_first { "500 Broken" } else { "200 OK" };
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n.\n"
        );
    });
    let dir = post_office();
    let url = format!("http://{address}/health?deep=1");
    let program = |name: &str| {
        format!(
            "[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        )
    };
    let sections = [
        plugin(&dir, "httpok", &format!("-p web {MAIL} {url}"), "TICK_5"),
        program("web"),
        program("other"),
    ];
    let scene = Scene::start_as(dir, &sections.concat(), |_| {});
    scene.wait_all("RUNNING");
    let (web, other) = (scene.pid("web"), scene.pid("other"));
    let mail = wait_text(&scene, "mail", "web restarted");
    assert!(
        mail.contains(&format!("Subject: httpok: {url}: bad status returned\n")),
        "{mail}"
    );
    assert!(
        mail.contains(&format!("status contacting {url}: 500 Broken\n")),
        "{mail}"
    );
    scene.wait("web", "RUNNING");
    assert_ne!(scene.pid("web"), web);
    assert_eq!(scene.pid("other"), other);
    let asked = asked.lock().unwrap().clone();
    assert!(
        asked.starts_with("GET /health?deep=1 HTTP/1.1\r\n"),
        "{asked}"
    );
    expect_peace(scene);
}

#[test]
fn batches_of_crashes_and_failed_starts_are_mailed() {
    let mails = Arc::new(Mutex::new(String::new()));
    let received = Arc::clone(&mails);
    let address = serve(move |stream| {
        let mail = smtp(stream).unwrap_or_default();
        received.lock().unwrap().push_str(&mail);
    });
    // A batch is sent with the first tick after 4.8 seconds: with each.
    let options =
        format!("-t ops@example.com -f supervisor@example.com -H {address} -e TICK_5 -i 0.08");
    let dir = Dir::new();
    let events = "PROCESS_STATE,TICK_5";
    let sections = [
        plugin(&dir, "crashmailbatch", &options, events),
        plugin(&dir, "fatalmailbatch", &options, events),
        plugin(&dir, "crashsms", &options, events),
        ending("good"),
        ending("bad"),
        "[program:failing]\ncommand=/bin/false\nautostart=false\nstartretries=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
            .to_owned(),
    ];
    let scene = Scene::start_as(dir, &sections.concat(), |_| {});
    for name in ["good", "bad"] {
        scene.wait(name, "RUNNING");
    }
    let pid = scene.pid("bad");
    // It may have failed before the answer: that is a fault, and no matter here.
    scene.call(
        "startProcess",
        &[Value::text("failing"), Value::Bool(false)],
    );
    end(&scene, "good", "0");
    end(&scene, "bad", "3");
    let texts = [
        format!("Process bad:bad (pid {pid}) died unexpectedly"),
        "Process failing:failing failed to start too many times".to_owned(),
        "[bad:bad](".to_owned(),
    ];
    let mails = || mails.lock().unwrap().clone();
    let all_came = wait_until(DEADLINE, || texts.iter().all(|text| mails().contains(text)));
    assert!(
        all_came,
        "{}\n{}\n{}",
        mails(),
        complaints(&scene),
        scene.log()
    );
    assert_eq!(mails().matches("\nTo: ").count(), 3, "{}", mails());
    assert!(!mails().contains("good"), "{}", mails());
    expect_peace(scene);
}

#[test]
fn plugins_waited_for_ever_at_the_first_name_that_is_not_ascii() {
    let mails = Arc::new(Mutex::new(String::new()));
    let received = Arc::clone(&mails);
    let address = serve(move |stream| {
        let mail = smtp(stream).unwrap_or_default();
        received.lock().unwrap().push_str(&mail);
    });
    let dir = post_office();
    let batch =
        format!("-t ops@example.com -f supervisor@example.com -H {address} -e TICK_5 -i 0.08");
    let events = "PROCESS_STATE,TICK_5";
    let sections = [
        plugin(
            &dir,
            "crashmail",
            &format!("-a {MAIL}"),
            "PROCESS_STATE_EXITED",
        ),
        plugin(&dir, "crashmailbatch", &batch, events),
        plugin(&dir, "fatalmailbatch", &batch, events),
        plugin(&dir, "crashsms", &batch, events),
        ending("b\u{fc}ro"),
        ending("\u{65e5}\u{672c}"),
        "[program:caf\u{e9}]\ncommand=/bin/false\nautostart=false\nstartretries=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
            .to_owned(),
    ];
    let scene = Scene::start_as(dir, &sections.concat(), |_| {});
    for name in ["b\u{fc}ro", "\u{65e5}\u{672c}"] {
        scene.wait(name, "RUNNING");
    }
    let failing = [Value::text("caf\u{e9}"), Value::Bool(false)];
    scene.call("startProcess", &failing);
    end(&scene, "b\u{fc}ro", "3");
    end(&scene, "\u{65e5}\u{672c}", "3");
    wait_text(
        &scene,
        "mail",
        "Process \u{65e5}\u{672c} in group \u{65e5}\u{672c} exited unexpectedly",
    );
    // How a mail writes the names is up to the plug-in.
    let mails = || mails.lock().unwrap().clone();
    let all_came = wait_until(DEADLINE, || mails().matches("\nTo: ").count() >= 3);
    assert!(
        all_came,
        "{}\n{}\n{}",
        mails(),
        complaints(&scene),
        scene.log()
    );
    expect_peace(scene);
}

/// Uses everything that `childutils` has for listeners: the conversation, payloads
/// with and without data, calls of the server with a password, and messages.
const CHILD: &str = r#"
import os, sys
from supervisor import childutils

rpc = childutils.getRPCInterface(os.environ)
rejected = set()
while True:
    headers, payload = childutils.listener.wait()
    name = headers['eventname']
    data = ''
    if '\n' in payload:
        tokens, data = childutils.eventdata(payload)
    else:
        tokens = childutils.get_headers(payload)
    if headers['serial'] not in rejected:
        rejected.add(headers['serial'])
        childutils.listener.fail()
        continue
    subject = tokens.get('processname') or tokens.get('type') or tokens.get('groupname')
    state = rpc.supervisor.getState()['statename']
    with open('told', 'a') as file:
        file.write('%s %s %r %s\n' % (name, subject, data, state))
    childutils.listener.ok()
"#;

/// A program that sends a message as programs in Python 2 do, by `pcomm`; in
/// Python 3 it takes a stream of bytes.
const SENDER: &str = r#"
import sys
from supervisor import childutils

class Bytes:
    def write(self, text):
        sys.stdout.buffer.write(text if isinstance(text, bytes) else text.encode())
    def flush(self):
        sys.stdout.buffer.flush()

childutils.pcomm.send('two\nlines', Bytes())
sys.stdin.read()
"#;

#[test]
fn a_listener_written_with_childutils_works() {
    let dir = Dir::new();
    dir.write("child.py", CHILD);
    dir.write("sender.py", SENDER);
    let python = Kind::Original.program("python", &dir.bin());
    let python = python.display();
    let server = free_address();
    let sections = format!(
        "[inet_http_server]\nport={server}\nusername=me\npassword=secret\n\
         [eventlistener:child]\ncommand={python} %(here)s/child.py\ndirectory=%(here)s\nstartsecs=0\n\
         events=PROCESS_COMMUNICATION,REMOTE_COMMUNICATION,PROCESS_GROUP_ADDED,PROCESS_STATE_STOPPED\n\
         serverurl=http://{server}\nenvironment=SUPERVISOR_USERNAME=\"me\",SUPERVISOR_PASSWORD=\"secret\"\n\
         stdout_logfile=NONE\nstderr_logfile=%(here)s/child.err\n\
         [program:sender]\ncommand={python} %(here)s/sender.py\nstartsecs=0\nautostart=false\nstdout_capture_maxbytes=1KB\n\
         stdout_logfile=NONE\nstderr_logfile=%(here)s/sender.err\n"
    );
    let scene = Scene::start_as(dir, &sections, |_| {});
    let told = wait_text(&scene, "told", "PROCESS_GROUP_ADDED sender '' RUNNING\n");
    assert_eq!(
        told.lines().next(),
        Some("PROCESS_GROUP_ADDED child '' RUNNING")
    );
    // It may have ended before anybody could see it run.
    let at_once = [Value::text("sender"), Value::Bool(false)];
    scene.call("startProcess", &at_once).answer();
    wait_text(
        &scene,
        "told",
        "PROCESS_COMMUNICATION_STDOUT sender 'two\\nlines' RUNNING\n",
    );
    scene.call("stopProcess", &[Value::text("sender")]).answer();
    let message = [Value::text("kind"), Value::text("some\ndata\n")];
    scene.call("sendRemoteCommEvent", &message).answer();
    let told = wait_text(
        &scene,
        "told",
        "REMOTE_COMMUNICATION kind 'some\\ndata\\n' RUNNING\n",
    );
    assert!(
        told.contains("PROCESS_STATE_STOPPED sender '' RUNNING\n"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 5, "each is told once:\n{told}");
    assert_eq!(scene.log().matches("child: event was rejected").count(), 5);
    assert!(
        !complaints(&scene).contains("Traceback"),
        "{}",
        complaints(&scene)
    );
    scene.stop();
}

/// A server on a free port of 127.0.0.1; it serves one connection after the other
/// until the tests end.
fn serve(service: impl Fn(&mut TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            service(&mut stream.unwrap());
        }
    });
    address
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Takes the mails of one SMTP connection.
fn smtp(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut mails = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    write!(stream, "220 here\r\n")?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        match line.trim_end() {
            "data" | "DATA" => {
                write!(stream, "354 go on\r\n")?;
                let mut mail = Vec::new();
                while !mail.ends_with(b"\r\n.\r\n") {
                    let mut byte = [0];
                    reader.read_exact(&mut byte)?;
                    mail.push(byte[0]);
                }
                mails += &String::from_utf8_lossy(&mail).replace("\r\n", "\n");
                write!(stream, "250 taken\r\n")?;
            }
            "quit" | "QUIT" => {
                write!(stream, "221 bye\r\n")?;
                break;
            }
            _ => write!(stream, "250 yes\r\n")?,
        }
        line.clear();
    }
    Ok(mails)
}
