//! The web interface in headless Chromium: what is clicked, seen and followed.
//! The scenarios are in `tests/browser/scenarios.py`; here is what they look at.

use super::support::{Dir, Scene, Value, usual_configuration, wait_for};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The division slash is as near as the name of a program comes to a closing tag.
const ODD: &str = "ü\"<script>document.title=1<\u{2215}script>'&amp;%41";

/// How long the browser may take for everything.
const LIMIT: Duration = Duration::from_secs(600);

/// What is clicked. Nothing takes long to start, so that everything can be started at once.
const CLICKED: &str = "\
[program:cat]
command=/bin/cat
startsecs=0
[program:web]
command=/bin/cat
numprocs=2
process_name=%(program_name)s_%(process_num)d
startsecs=0
[program:broken]
command=/no/such/file
autostart=false
[program:talker]
command=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo $$ line $i; sleep 0.5; done'
startsecs=0
[program:long]
command=/bin/sh -c 'seq 100000 102000; echo complaint >&2; exec sleep 10000'
startsecs=0
";

/// What is looked at: something in every state that can be had, and a supervisord that is FATAL.
const SIGHTS: &str = "\
identifier=sights
[program:idle]
command=/bin/cat
autostart=false
[program:young]
command=/bin/cat
startsecs=1000
stderr_logfile=%(here)s/young.err
[program:gone]
command=/bin/true
startsecs=0
autorestart=false
[program:failed]
command=/bin/false
startretries=0
[program:missing]
command=/no/such/program --with=many --options=that --make=a --long=description
startretries=0
[program:celery]
command=/bin/cat
startsecs=0
[program:celerybeat-scheduler]
command=/no/such/folder/with/a/path/that/is/so/long/that/its/description/would/like/all/of/the/room
startretries=0
[group:backend]
programs=celery,celerybeat-scheduler
[program:a-program-whose-name-goes-on_and_on_without_end.for-production.example.com]
command=/bin/cat
startsecs=0
[program:trying]
command=/bin/false
startretries=1000
[program:stubborn]
command=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'
stopwaitsecs=1000
startsecs=0
[program:long]
command=/bin/sh -c 'seq 100000 102000; printf \"\\033[31mred\\033[0m \\a %%s\" $(seq -s - 200); exec sleep 10000'
startsecs=0
[program:web]
command=/bin/cat
numprocs=3
process_name=%(program_name)s_%(process_num)02d
startsecs=0
[eventlistener:checks]
command=/bin/sh %(here)s/listener
events=PROCESS_STATE
result_handler=store
startsecs=0
";

/// Five groups of programs with long names, and a sixth of workers.
const CROWD: &[(&str, &[&str])] = &[
    (
        "checkout-service",
        &[
            "celery-beat-scheduler",
            "celery-worker-high",
            "celery-worker-low-priority",
            "gunicorn-web",
            "websocket-gateway",
        ],
    ),
    (
        "identity",
        &[
            "audit-log-shipper",
            "ldap-sync",
            "oauth2-token-issuer",
            "password-reset-mailer",
            "session-store-replicator",
        ],
    ),
    (
        "media-pipeline",
        &[
            "cdn-invalidation-queue-consumer",
            "ffmpeg-transcoder-1080p-hardware",
            "metadata-extractor",
            "thumbnailer",
            "virus-scanner",
        ],
    ),
    (
        "observability-and-alerting",
        &[
            "alertmanager",
            "blackbox-exporter",
            "grafana",
            "loki-distributor-eu-west-1-production",
            "prometheus",
        ],
    ),
    (
        "search",
        &[
            "elasticsearch-indexer",
            "query-log-compactor",
            "reranker-model-server-v2",
            "suggestion-builder",
            "synonym-reloader",
        ],
    ),
];

/// The configuration of the crowd, with one program in each state that is soon reached.
fn crowd() -> String {
    let mut text = String::new();
    for (group, programs) in CROWD {
        for program in *programs {
            let more = match *program {
                "celery-worker-low-priority" => "command=/bin/false\nstartretries=0\n",
                "virus-scanner" => {
                    "command=/no/such/program --with=some --options\nstartretries=0\n"
                }
                "grafana" => "command=/bin/cat\nautostart=false\n",
                "reranker-model-server-v2" => "command=/bin/cat\nstartsecs=1000\n",
                "synonym-reloader" => "command=/bin/true\nstartsecs=0\nautorestart=false\n",
                _ => "command=/bin/cat\nstartsecs=0\n",
            };
            text.push_str(&format!("[program:{program}]\n{more}"));
        }
        text.push_str(&format!(
            "[group:{group}]\nprograms={}\n",
            programs.join(",")
        ));
    }
    text.push_str(
        "[program:worker]\ncommand=/bin/cat\nnumprocs=4\n\
         process_name=%(program_name)s_%(process_num)02d\nstartsecs=0\n\
         [program:nginx]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    text
}

const LISTENER: &str = "\
printf 'READY\\n'
while read line; do
  head -c ${line##*len:} >/dev/null
  printf 'RESULT 24\\n<b>disk /</b>: 81 %% used'
  printf 'READY\\n'
done";

fn supervisord(port: u16, programs: &str) -> Scene {
    let dir = Dir::new();
    dir.write("listener", LISTENER);
    let server = format!("[inet_http_server]\nport=127.0.0.1:{port}\n");
    Scene::start_as(dir, &format!("{programs}{server}"), |_| {})
}

/// Brings it into the states that take some doing.
fn arrange(sights: &Scene) {
    sights.wait("stubborn", "RUNNING");
    sights.wait("young", "STARTING");
    sights.call(
        "stopProcess",
        &[Value::text("stubborn"), Value::Bool(false)],
    );
    std::fs::remove_file(sights.dir.join("young.err")).unwrap();
    std::fs::create_dir(sights.dir.join("young.err")).unwrap();
    sights.call("clearProcessLogs", &[Value::text("young")]);
    std::fs::remove_dir(sights.dir.join("young.err")).unwrap();
    for (process, state) in [
        ("failed", "FATAL"),
        ("gone", "EXITED"),
        ("young", "STARTING"),
    ] {
        sights.wait(process, state);
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn everything_works_in_a_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let axe = root.join("target/axe-core/package/axe.min.js");
    assert!(
        axe.exists(),
        "{} is missing: run `make test`, which fetches it",
        axe.display()
    );
    let (port, sights_port, crowd_port) = (free_port(), free_port(), free_port());
    let odd = format!(
        "[program:{ODD}]\ncommand=/bin/sh -c 'echo \"odd <b>output</b> ü\"; exec sleep 10000'\nstartsecs=0\n"
    );
    let scene = supervisord(port, &format!("{CLICKED}{odd}"));
    scene.wait("cat", "RUNNING");
    let sights = supervisord(sights_port, SIGHTS);
    arrange(&sights);
    let crowd = supervisord(crowd_port, &crowd());
    crowd.wait("checkout-service:celery-worker-low-priority", "FATAL");
    crowd.wait("worker:worker_03", "RUNNING");
    let mut browser = Command::new("python3");
    browser
        .arg(root.join("tests/browser/scenarios.py"))
        .arg(format!("http://127.0.0.1:{port}/"))
        .arg(format!("http://127.0.0.1:{sights_port}/"))
        .arg(format!("http://127.0.0.1:{crowd_port}/"))
        .arg(axe)
        .arg(root.join("target/web-screenshots"));
    succeeds(browser);
    scene.stop();
}

#[test]
fn the_status_page_follows_by_itself() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = Dir::new();
    let port = free_port();
    dir.write(
        "supervisord.conf",
        usual_configuration(&format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\n\
             [program:cat]\ncommand=/bin/cat\nstartsecs=0\n\
             [program:crowd]\ncommand=/bin/cat\nnumprocs=30\nstartsecs=0\n\
             process_name=c_%(process_num)02d\n"
        )),
    );
    let mut browser = Command::new("python3");
    browser
        .arg(root.join("tests/browser/live.py"))
        .arg(format!("http://127.0.0.1:{port}/"))
        .arg(root.join("target/axe-core/package/axe.min.js"))
        .arg(env!("CARGO_BIN_EXE_supervisord"))
        .arg(dir.join("supervisord.conf"));
    succeeds(browser);
}

/// Runs what happens in a browser, to its end.
fn succeeds(mut browser: Command) {
    let mut browser = browser.stdin(Stdio::null()).spawn().unwrap();
    let status = wait_for(LIMIT, || browser.try_wait().unwrap());
    let _ = browser.kill();
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}
