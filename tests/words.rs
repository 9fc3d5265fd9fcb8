//! Words of others: what a child, a listener or a client says is shown as text in the
//! main log, in faults and descriptions, and on a terminal.

use super::support::pty::Pty;
use super::support::{
    Ctl, DEADLINE, Dir, Kind, Outcome, Scene, Value, binary, finish, kill, plain_environment,
    wait_until,
};
use std::process::Command;

/// What a record of the log looks like, as nobody but the daemon may write one.
const FORGED: &str = "2026-01-01 00:00:00,000 CRIT forged";

/// Whether a character acts on a terminal or ends a line.
fn acts(character: char) -> bool {
    match character {
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        character => character.is_control() && !matches!(character, '\n' | '\t'),
    }
}

fn assert_is_text(log: &str) {
    assert!(!log.contains(acts), "{log:?}");
    let forged = log.lines().find(|line| line.starts_with(FORGED));
    assert_eq!(forged, None, "{log}");
}

#[test]
fn what_a_child_wrote_looked_like_a_record_and_acted_on_the_terminal() {
    let scene = Scene::start(&format!(
        "loglevel=trace\n[program:lines]\nstartsecs=0\nautorestart=false\n\
         command=printf 'one\\n{FORGED}\\r\\n{FORGED}\\n'\n\
         [program:first]\nstartsecs=0\nautorestart=false\ncommand=printf '{FORGED}\\n'\n\
         [program:bare]\nstartsecs=0\nautorestart=false\ncommand=printf 'a\\r{FORGED}\\v\\f'\n\
         [program:screen]\nstartsecs=0\nautorestart=false\n\
         command=printf '\\033]0;title\\007\\033[31mred\\302\\2332J\\342\\200\\256tab\\t\\177'\n"
    ));
    for (name, shown) in [
        (
            "lines",
            format!("output:\none\\x0a{FORGED}\\x0d\\x0a{FORGED}\n\n"),
        ),
        ("first", format!("output:\n  {FORGED}\n\n")),
        ("bare", format!("output:\na\\x0d{FORGED}\\x0b\\x0c\n")),
        (
            "screen",
            "output:\n\\x1b]0;title\\x07\\x1b[31mred\\x9b2J\\u202etab\t\\x7f\n".to_owned(),
        ),
    ] {
        scene.wait_log(&format!("DEBG '{name}' stdout {shown}"));
    }
    assert_is_text(&scene.log());
    scene.stop();
}

#[test]
fn a_result_line_of_a_listener_ended_a_line_of_the_log() {
    let listener = |name: &str, words: &str| {
        format!(
            "[eventlistener:{name}]\nevents=REMOTE_COMMUNICATION\nstartsecs=0\n\
             command=sh -c 'printf \"READY\\n\"; read header; printf \"{words}\"; sleep 100'\n"
        )
    };
    let pools = [
        listener("line", &format!("RESULT \\033[2J\\r{FORGED} \\302\\205\\n")),
        listener("word", &format!("\\033[2J\\r{FORGED} \\302\\2332J\\n")),
        listener("answer", &format!("RESULT 42\\n\\033[2J\\r\\n{FORGED}\\n")),
    ];
    let scene = Scene::start(&format!("loglevel=trace\n{}", pools.concat()));
    for pool in ["line", "word", "answer"] {
        scene.wait_log(&format!("{pool}: ACKNOWLEDGED -> READY"));
    }
    let event = [Value::text("a\n\u{9b}"), Value::text(FORGED)];
    scene.call("sendRemoteCommEvent", &event).answer();
    scene.wait_log(&format!(
        "line: bad result line: 'RESULT \\x1b[2J\\x0d{FORGED} \\x85'"
    ));
    scene.wait_log(&format!(
        "word: bad result line: '\\x1b[2J\\x0d{FORGED} \\x9b2J'"
    ));
    scene.wait_log("answer: event was rejected");
    assert_is_text(&scene.log());
    scene.stop();
}

#[test]
fn a_method_name_with_a_line_feed_began_a_line_of_the_log() {
    let scene = Scene::start("loglevel=trace\n[program:p]\ncommand=/bin/cat\n");
    for name in [
        format!("a&#10;{FORGED}&#10;b"),
        format!("a&#13;&#10;{FORGED}&#27;[2J"),
        format!("a\n{FORGED}\n"),
        format!("\u{2028}{FORGED}\u{9b}2J\u{85}"),
        format!("supervisor.&#10;{FORGED}"),
    ] {
        scene.rpc.post(&format!(
            "<?xml version='1.0'?><methodCall><methodName>{name}</methodName><params/></methodCall>"
        ));
        let call = format!(
            "<?xml version='1.0'?><methodCall><methodName>system.multicall</methodName><params>\
             <param><value><array><data><value><struct><member><name>methodName</name><value>\
             <string>{name}</string></value></member><member><name>params</name><value><array>\
             <data/></array></value></member></struct></value></data></array></value></param>\
             </params></methodCall>"
        );
        scene.rpc.post(&call);
    }
    // What no line of a request may hold is refused, and a character that only prints as
    // the end of a line is not.
    let request = format!("GET /\u{2028}{} HTTP/1.0\r\n\r\n", FORGED.replace(' ', "_"));
    scene.rpc.exchange(request.as_bytes()).unwrap();
    scene.wait_log("GET /\\u20282026");
    assert_is_text(&scene.log());
    scene.stop();
}

#[test]
fn a_fault_repeated_control_characters_of_the_client() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\n");
    // XML itself can hold no other control characters.
    let name = "no\n\u{9b}2J\u{85}\u{202e}\u{2028}x";
    let hostile = [Value::text(name)];
    for (method, parameters) in [
        ("getProcessInfo", &hostile[..]),
        ("startProcess", &hostile[..]),
        ("stopProcessGroup", &hostile[..]),
        ("addProcessGroup", &hostile[..]),
        (
            "readProcessStdoutLog",
            &[Value::text(name), Value::Int(0), Value::Int(0)][..],
        ),
        ("signalProcess", &[Value::text("p"), Value::text(name)][..]),
        (
            "sendProcessStdin",
            &[Value::text(name), Value::text("x")][..],
        ),
        ("getProcessInfo", &[Value::text("p:no\nsuch")][..]),
    ] {
        match scene.call(method, parameters) {
            Outcome::Fault(code, text) => {
                let is_text = !text.contains(acts) && !text.contains('\n');
                assert!(is_text, "{method}: {code} {text:?}");
            }
            other => panic!("{method}: {other:?}"),
        }
    }
    scene.stop();
}

/// 4.3.0 reads them alike and repeats them as they are.
#[test]
fn a_name_that_holds_the_end_of_a_line_is_repeated_in_one_line() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\n");
    for (name, shown) in [
        ("&#13;", "\\x0d"),
        ("a\rb", "a\\x0ab"),
        ("a\r\nb", "a\\x0ab"),
        ("p\n", "p\\x0a"),
        ("a&#9;b\\", "a\tb\\"),
        ("\u{85}\u{9b}", "\\x85\\x9b"),
    ] {
        let outcome = scene.rpc.post(&format!(
            "<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param>\
             <value><string>{name}</string></value></param></params></methodCall>"
        ));
        match outcome {
            Outcome::Fault(10, text) => assert_eq!(text, format!("BAD_NAME: {shown}")),
            other => panic!("{name:?}: {other:?}"),
        }
    }
    scene.stop();
}

#[test]
fn a_description_held_control_characters() {
    let scene = Scene::start(
        "[program:path]\ncommand=/no/such/\u{1b}]0;title\u{7}\u{9b}2J\nstartretries=0\n\
         [program:directory]\ncommand=cat\nstartretries=0\n\
         directory=/no/such/\u{1b}]0;title\u{7}\u{9b}2J\n\
         [program:interpreter]\ncommand=%(here)s/script\nstartretries=0\n",
    );
    scene.dir.script("script", "");
    let path = scene.dir.join("script");
    std::fs::write(&path, "#!/no/such/\u{1b}]0;title\u{7}\u{9b}2J\n").unwrap();
    scene.call("startProcess", &[Value::text("interpreter")]);
    scene.wait_all("FATAL");
    for name in ["path", "directory", "interpreter"] {
        let info = scene.info(name);
        for member in ["description", "spawnerr"] {
            let text = info.text_of(member);
            assert!(!text.contains(acts), "{name}: {text:?}");
            // What XML cannot carry would have been replaced.
            assert!(!text.contains('\u{fffd}'), "{name}: {text:?}");
        }
    }
    let page = scene.rpc.get("/");
    assert!(!page.body.contains('\u{fffd}'), "{}", page.body);
    assert_is_text(&scene.log());
    let status = Ctl::new(Kind::Ours, &scene.dir).run(&["status"]);
    assert!(!status.stdout.contains(acts), "{status:?}");
    scene.stop();
}

/// What a program writes that does more than colour.
const WRITTEN: &str = "\\033[31mred\\033[0m \\033[2Jclear \\033]0;title\\007 \
                       \\033]52;c;eA==\\007 \\302\\2332J \\233 \\010 a\\rb\\r\\n\\033[1mbold\\n";
/// How a terminal is shown it; the terminal itself makes CR LF of each line feed.
const SHOWN: &str = "\u{1b}[31mred\u{1b}[0m \\x1b[2Jclear \\x1b]0;title\\x07 \
                     \\x1b]52;c;eA==\\x07 \\x9b2J \\x9b \\x08 a\\x0db\r\r\n\u{1b}[1mbold\r\n";

fn painter() -> Scene {
    let scene = Scene::start(&format!(
        "[program:p]\nstartsecs=0\nstdout_logfile=%(here)s/p.log\nstderr_logfile=%(here)s/e.log\n\
         command=sh -c 'printf \"{}\"; while read line; do printf \"{}\"; printf \"{}\" >&2; done'\n",
        WRITTEN, WRITTEN, "\\033[32mgreen\\033[2J\\033[0m\\n"
    ));
    scene.wait("p", "RUNNING");
    let is_written = || {
        scene
            .dir
            .read("p.log")
            .is_some_and(|log| log.contains("bold"))
            || std::fs::metadata(scene.dir.join("p.log")).is_ok_and(|found| found.len() > 60)
    };
    assert!(wait_until(DEADLINE, is_written));
    scene
}

fn terminal(scene: &Scene, words: &[&str]) -> Pty {
    let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
    command.arg("-c").arg(scene.dir.join("supervisord.conf"));
    command.args(words).current_dir(scene.dir.path());
    Pty::start(&command, 80, 24)
}

fn wait_written(pty: &Pty, text: &str) {
    let is_there = || pty.written().contains(text);
    assert!(
        wait_until(DEADLINE, is_there),
        "{text:?}: {:?}",
        pty.written()
    );
}

#[test]
fn a_log_acted_on_the_terminal_that_it_was_shown_on() {
    let scene = painter();
    for words in [
        &["tail", "p"][..],
        &["tail", "-1000", "--raw", "p"],
        &["tail", "-n", "2", "p"],
        &["tail", "-f", "p"],
        &["tail", "-f", "--raw", "p"],
        &["tail", "-f", "-n", "5", "p"],
        &["fg", "p"],
    ] {
        let is_raw = words.contains(&"--raw");
        let mut pty = terminal(&scene, words);
        match is_raw {
            false => wait_written(&pty, SHOWN),
            true => wait_written(&pty, "\u{1b}]52;c;eA==\u{7}"),
        }
        if words.contains(&"-f") || words.contains(&"fg") {
            pty.send("\u{3}");
        }
        assert!(pty.wait(DEADLINE).is_some(), "{words:?}");
        if !is_raw {
            // Colours that a log leaves on end with it.
            let is_reset = || {
                let written = pty.written();
                let end = written.rsplit_once("bold").map(|(_, end)| end.to_owned());
                end.is_some_and(|end| end.contains("\u{1b}[0m"))
            };
            assert!(wait_until(DEADLINE, is_reset), "{:?}", pty.written());
            let rest = pty
                .written()
                .replace("\u{1b}[31m", "")
                .replace("\u{1b}[0m", "");
            let rest = rest.replace("\u{1b}[1m", "").replace('\r', "");
            assert!(!rest.contains(acts), "{words:?}: {rest:?}");
        }
    }
    scene.stop();
}

#[test]
fn an_answer_in_a_conversation_acted_on_the_terminal() {
    let scene = painter();
    for words in [
        &["debug", "p", "x"][..],
        &["debug", "--raw", "p", "x"],
        &["debug", "p"],
    ] {
        let is_raw = words.contains(&"--raw");
        let mut pty = terminal(&scene, words);
        if words.len() == 2 {
            pty.wait_row("p>");
            pty.line("x");
        }
        match is_raw {
            true => wait_written(&pty, "\u{1b}[32mgreen\u{1b}[2J\u{1b}[0m"),
            false => {
                wait_written(&pty, "\u{1b}[32mgreen\\x1b[2J\u{1b}[0m");
                wait_written(&pty, "\\x1b]52;c;eA==\\x07 \\x9b2J \\x9b");
            }
        }
        assert_eq!(pty.written().contains("\u{1b}]52;"), is_raw, "{words:?}");
        if words.len() == 2 {
            pty.send("\u{4}");
        }
        assert!(pty.wait(DEADLINE).is_some(), "{words:?}");
    }
    scene.stop();
}

#[test]
fn a_pipe_is_handed_the_bytes_of_a_log_as_they_are() {
    let scene = painter();
    for words in [
        &["tail", "-f", "p"][..],
        &["tail", "-f", "--raw", "p"],
        &["tail", "p"],
        &["tail", "-n", "2", "p"],
        &["debug", "p", "x"],
    ] {
        let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
        command.arg("-c").arg(scene.dir.join("supervisord.conf"));
        let file = std::fs::File::create(scene.dir.join("shown")).unwrap();
        let mut child = command.args(words).stdout(file).spawn().unwrap();
        let shown = || std::fs::read(scene.dir.join("shown")).unwrap();
        let end = b"\x1b[2Jclear \x1b]0;title\x07 \x1b]52;c;eA==\x07 \xc2\x9b2J \x9b \x08 a\rb\r\n\x1b[1mbold\n";
        let is_there = || shown().windows(end.len()).any(|window| window == end);
        assert!(wait_until(DEADLINE, is_there), "{words:?}: {:?}", shown());
        if words[1] == "-f" {
            kill(child.id(), libc::SIGINT);
        }
        child.wait().unwrap();
        assert!(!shown().ends_with(b"\x1b[0m"), "{words:?}");
    }
    scene.stop();
}

#[test]
fn requests_that_others_read_in_another_way_were_answered() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\n");
    let call = "<?xml version='1.0'?><methodCall>\
                <methodName>supervisor.getAPIVersion</methodName></methodCall>";
    let length = call.len();
    for (headers, status) in [
        (format!("Content-Length: {length}\r\n"), 200),
        (format!("Content-Length:\t {length} \t\r\n"), 200),
        (format!("Content-Length: 0{length}\r\n"), 200),
        (format!("Content-Length: +{length}\r\n"), 400),
        (format!("Content-Length: 0x{length:x}\r\n"), 400),
        (format!("Content-Length: {length}.0\r\n"), 400),
        (format!("Content-Length: {length}, {length}\r\n"), 400),
        (
            format!("Content-Length: {length}\r\nContent-Length: 5\r\n"),
            400,
        ),
        (
            format!("Content-Length: {length}\r\nContent-Length: +{length}\r\n"),
            400,
        ),
        ("Content-Length: \r\n".to_owned(), 400),
        ("Content-Length: -1\r\n".to_owned(), 400),
        (format!("Content-Length: {length}\r\nX: a\0b\r\n"), 400),
        (format!("Content-Length: {length}\r\nX\0: ab\r\n"), 400),
        (format!("Content-Length: {length}\r\nX: a\rb\r\n"), 400),
        (format!("Content-Length: {length}\r\nX: a\r\r\n"), 400),
        (format!("Content-Length: {length}\r\nX: a\r\n b\r\n"), 400),
        (format!("Content-Length: {length}\r\nX: a\r\n\tb\r\n"), 400),
        (format!("Content-Length: {length}\r\nX: a\r\n \r\n"), 400),
        (format!(" X: a\r\nContent-Length: {length}\r\n"), 400),
        (format!("X: a\r\n Content-Length: {length}\r\n"), 400),
        (format!("Content-Length: {length}\r\nX: a\n b\r\n"), 400),
    ] {
        let request = format!("POST /RPC2 HTTP/1.0\r\n{headers}\r\n{call}");
        let answer = scene.rpc.exchange(request.as_bytes()).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let first = answer.lines().next().unwrap_or_default();
        assert!(
            first.contains(&format!(" {status} ")),
            "{headers:?}: {answer}"
        );
    }
    for line in [
        "GET /\0 HTTP/1.0",
        "GET /\ra HTTP/1.0",
        "GET / HTTP/1.0\r",
        "GET\0 / HTTP/1.0",
    ] {
        let answer = scene
            .rpc
            .exchange(format!("{line}\r\n\r\n").as_bytes())
            .unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.contains(" 400 "), "{line:?}: {answer}");
    }
    scene.stop();
}

/// Somebody else's file is looked at before it is trusted.
#[test]
fn a_configuration_acted_on_the_terminal_of_who_checked_it() {
    let dir = Dir::new();
    for (lines, told) in [
        (
            "[program:a]\ncommand=/bin/cat\nuser=\u{1b}[2Jx\n",
            "Error: Invalid user name \\x1b[2Jx ",
        ),
        (
            "[program:a]\ncommand=/bin/cat\nbad\u{9b}31mkey=1\n",
            "[program:a] has no key bad\\x9b31mkey",
        ),
        (
            "[include]\nfiles=\u{1b}]0;t\u{7}*.conf\n",
            "\\x1b]0;t\\x07*.conf",
        ),
        (
            "[unix_http_server]\nfile=x\nchmod=\u{1b}[2Jx\n",
            "Error: Invalid chmod value \\x1b[2Jx",
        ),
    ] {
        dir.write("their.conf", format!("[supervisord]\nlogfile=x\n{lines}"));
        let mut command = Command::new(binary());
        plain_environment(&mut command);
        command.current_dir(dir.path());
        command.args(["-c", "their.conf", "--check"]);
        let finished = finish(command, "", DEADLINE);
        assert_is_text(&finished.stderr);
        assert!(finished.stderr.contains(told), "{}", finished.stderr);
    }
    // supervisorctl reads the file that lies where it is started.
    let plugin = "[supervisorctl]\n[ctlplugin:x]\nsupervisor.ctl_factory=\u{1b}[2Jx:y\n";
    let ctl = Ctl::with_options(Kind::Ours, &dir, &["-c", "their.conf"]);
    dir.write("their.conf", plugin);
    let finished = ctl.run_with_input(&["-i"], "exit\n");
    assert_is_text(&finished.stderr);
    assert!(
        finished
            .stderr
            .contains("Warning: [ctlplugin:x] is left out: \\x1b[2Jx:y")
    );
}
