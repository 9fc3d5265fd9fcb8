//! The web interface, as far as it is the same: what actions tell, what is there,
//! what a log page says of logs that are not. How pages look is not compared.

use super::compare;
use super::run::Run;

/// Our links act as those of 4.3.0 do, which does not know the key.
const PROGRAMS: &str = "\
[unix_http_server:links]
file=%(here)s/links
web_get_actions=true
[program:cat]
command=/bin/cat
startsecs=0
[program:web]
command=/bin/cat
numprocs=2
process_name=%(process_num)d
startsecs=0
autostart=false
[program:missing]
command=/no/such/file
autostart=false
[program:passive]
command=/etc/passwd
autostart=false
[program:short]
command=/bin/false
startretries=0
autostart=false
[program:none]
command=/bin/cat
stdout_logfile=NONE
startsecs=0
";

/// What an action tells: the message in the address to which it leads.
fn act(run: &mut Run, query: &str) {
    let links = crate::support::Rpc::new(crate::support::Address::Unix(run.path("links")));
    let answer = links.get(&format!("/index.html?{query}"));
    let told = match answer.header("Location").split_once("message=") {
        Some((_, message)) => untimed(&decoded(message.split('&').next().unwrap_or_default())),
        None => format!("status {}", answer.status),
    };
    run.note(&format!("{query}: {told}"));
}

/// Without the time at the end.
fn untimed(message: &str) -> String {
    match message.split_once(" at ") {
        Some((what, time)) => {
            assert_eq!(time.len(), "Sun Nov 22 18:46:31 2026".len(), "{message}");
            format!("{what} at TIME")
        }
        None => message.to_string(),
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn actions_tell_the_same() {
    compare("actions of the web interface", |run| {
        run.config(PROGRAMS);
        run.start();
        run.wait("cat", "RUNNING");
        for query in [
            "action=refresh",
            "action=start&processname=cat",
            "action=restart&processname=cat",
            "action=clearlog&processname=cat",
            "action=stop&processname=cat",
            "action=stop&processname=cat",
            "processname=cat&action=start",
            "action=start&processname=cat:cat",
            "action=start&processname=web%3A0",
            "action=stop&processname=web:0",
            "action=start&processname=web:*",
            "action=start&processname=web",
            "action=stop&processname=nobody",
            "action=start&processname=missing",
            "action=start&processname=passive",
            "action=start&processname=short",
            "action=stopall",
        ] {
            act(run, query);
        }
        run.wait("cat", "STOPPED");
        run.stop();
    });
}

#[test]
fn the_same_is_there() {
    compare("addresses of the web interface", |run| {
        run.config(PROGRAMS);
        run.start();
        run.wait("cat", "RUNNING");
        for path in [
            "/",
            "/index.html",
            "//index.html",
            "/ok.html",
            "/stylesheets/supervisor.css",
            "/tail.html?processname=cat",
            "/nothing.html",
            "/index.htm",
            "/images/none.gif",
            "/stylesheets/../../options.py",
        ] {
            let status = run.rpc_client.get(path).status;
            run.note(&format!("GET {path}: {status}"));
        }
        let health = run.rpc_client.get("/ok.html");
        let length = health.header("Content-Length");
        run.note(&format!(
            "{:?} {length} {}",
            health.body,
            health.header("Content-Type")
        ));
        for (path, told) in [
            ("/tail.html", "No process name found"),
            ("/tail.html?processname=none", "No file for none"),
            (
                "/tail.html?processname=nobody",
                "ERROR: unexpected rpc fault [10] BAD_NAME: nobody",
            ),
        ] {
            let page = run.rpc_client.get(path);
            let is_told = page.body.contains(told);
            run.note(&format!("GET {path}: {} {is_told}", page.status));
        }
        run.stop();
    });
}
