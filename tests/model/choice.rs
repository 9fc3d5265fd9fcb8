//! Which steps a seed makes.

use super::steps::{Parameter, Random, Sequence, Step};
use super::world::{CLIENTS, FORMS};

/// How many steps lie between two looks at everything at rest.
const BETWEEN_RESTS: usize = 500;

/// Who is asked for: mostly what is there.
const NAMES: &[&str] = &[
    "a",
    "a",
    "b",
    "b",
    "s:s0",
    "s:s1",
    "s:*",
    "g:g1",
    "g:g2",
    "g:*",
    "n",
    "x",
    "f",
    "h",
    "t",
    "p",
    "w:w0",
    "w:w1",
    "w:*",
    "odd:odd0",
    "odd:*",
    "late",
    "nosuch",
    "nosuch:*",
    "",
    "*",
    "a:b:c",
    "g",
    "\u{e9}\u{4e2d}",
];
/// What writes lines when it is asked to.
const WRITERS: &[&str] = &[
    "a", "b", "s:s0", "s:s1", "g:g1", "g:g2", "n", "h", "t", "p", "late",
];
const GROUPS: &[&str] = &[
    "a", "b", "s", "g", "n", "x", "f", "w", "odd", "late", "nosuch", "",
];
const SIGNALS: &[&str] = &[
    "USR1", "USR1", "USR1", "SIGUSR1", "10", "HUP", "TERM", "KILL", "CONT", "STOP", "WINCH",
    "NOSUCH", "0", "",
];
const LOGS: &[&str] = &["a", "b", "s", "g1", "n"];
const PAGES: &[&str] = &[
    "/",
    "/index.html",
    "/stylesheets/supervisor.css",
    "/nosuch",
    "/tail.html?processname=a",
    "/tail.html?processname=nosuch",
    "/index.html?processname=a&action=restart",
    "/logtail/nosuch",
    "/%00",
    "/..//../etc/passwd",
];
/// System calls that the shim can refuse, with errors that they may fail with.
const REFUSED: &[(&str, i32)] = &[
    ("pipe2", libc::EMFILE),
    ("pipe2", libc::ENFILE),
    ("fork", libc::EAGAIN),
    ("fork", libc::ENOMEM),
    ("accept", libc::EMFILE),
    ("accept", libc::ENFILE),
    ("inotify", libc::EMFILE),
    ("write", libc::ENOSPC),
    ("write", libc::EIO),
];

/// The sequence of a seed: one in four has the shim between daemon and kernel.
pub fn sequence(seed: u64, length: usize) -> Sequence {
    let mut random = Random::new(seed);
    let has_shim = random.below(4) == 0;
    let length = if has_shim { length / 4 } else { length };
    let mut steps = Vec::new();
    while steps.len() < length {
        if steps.len() % BETWEEN_RESTS == BETWEEN_RESTS - 1 {
            steps.push(Step::Rest);
        } else {
            steps.push(step(&mut random, has_shim));
        }
    }
    steps.push(Step::Rest);
    Sequence { has_shim, steps }
}

fn step(random: &mut Random, has_shim: bool) -> Step {
    match random.below(1000) {
        0..=449 => call(random),
        450..=579 => write(random),
        580..=669 => Step::Event(
            client(random),
            random
                .pick(&[
                    "plain", "plain", "plain", "long", "die", "hang", "nonsense", "fail",
                ])
                .to_owned(),
        ),
        670..=699 => multicall(random),
        700..=729 => Step::Get(client(random), random.pick(PAGES).to_owned()),
        730..=759 => Step::Drop(client(random)),
        760..=779 => Step::Half(random.below(300)),
        780..=799 => Step::Nonsense(random.below(super::nonsense::SORTS)),
        800..=814 => Step::Follow(random.pick(WRITERS).to_owned()),
        815..=823 => Step::HangUp,
        824..=829 => Step::Upgrade(random.below(4) > 0),
        830..=839 => Step::Signal(random.pick(&[libc::SIGUSR2, libc::SIGUSR2, libc::SIGCHLD])),
        840..=841 => Step::Signal(libc::SIGHUP),
        842..=899 => kill(random),
        900..=914 => Step::Edit(random.pick(FORMS).0.to_owned(), random.below(6)),
        915..=921 => Step::Update,
        922..=934 => Step::Move(random.pick(LOGS).to_owned()),
        935..=946 => Step::Remove(random.pick(&["b", "n"]).to_owned()),
        947..=952 => Step::Truncate("t".to_owned()),
        953..=959 => Step::Clear(random.pick(&["n", "g:g1"]).to_owned()),
        960..=966 => Step::Fill,
        967..=979 => Step::Free,
        _ if !has_shim => Step::Drop(client(random)),
        980..=989 => {
            let (call, error) = random.pick(REFUSED);
            Step::Refuse(call.to_owned(), error)
        }
        _ => Step::Allow,
    }
}

fn client(random: &mut Random) -> usize {
    random.below(CLIENTS)
}

fn kill(random: &mut Random) -> Step {
    let name = random.pick(&[
        "a", "a", "b", "s:s0", "g:g2", "n", "h", "t", "p", "w:w0", "odd:odd0", "odd:odd1", "ear",
    ]);
    let signal = random.pick(&[
        libc::SIGKILL,
        libc::SIGKILL,
        libc::SIGTERM,
        libc::SIGSTOP,
        libc::SIGCONT,
        libc::SIGCONT,
        libc::SIGUSR1,
        libc::SIGSEGV,
    ]);
    Step::Kill(name.to_owned(), signal)
}

/// Lines from a program, a few or many.
fn write(random: &mut Random) -> Step {
    let many = random.pick(&[
        "1\n",
        "2\n",
        "5\n",
        "5\n",
        "20\n",
        "100\n",
        "500\nq\n",
        "500\nk\n",
        "500\n",
        "l\n",
        "l\nl\nl\n",
        "q\n",
        "k\n",
        "abc\n",
        "3",
    ]);
    let parameters = vec![Parameter::text(random.pick(WRITERS)), Parameter::text(many)];
    Step::Call(client(random), "sendProcessStdin".to_owned(), parameters)
}

fn multicall(random: &mut Random) -> Step {
    let methods = [
        "getProcessInfo",
        "startProcess",
        "stopProcess",
        "restartProcess",
        "getState",
        "nosuch",
        "getAllProcessInfo",
        "startProcessGroup",
        "system.listMethods",
        "getPID",
    ];
    let many = random.below(6);
    let calls = (0..many).map(|_| {
        let method = random.pick(&methods);
        let takes_none = ["getState", "getAllProcessInfo", "getPID"].contains(&method);
        let name = if takes_none { "" } else { random.pick(NAMES) };
        (method.to_owned(), name.to_owned())
    });
    let calls = calls.collect();
    Step::Multicall(client(random), calls)
}

fn call(random: &mut Random) -> Step {
    let name = Parameter::text(random.pick(NAMES));
    let group = Parameter::text(random.pick(GROUPS));
    let wait = Parameter::Bool(random.below(2) == 0);
    let offset = Parameter::Int([0, 0, 10, -100, 5000, -1, i64::from(i32::MAX)][random.below(7)]);
    let length = Parameter::Int([0, 100, 1000, 100_000, -1][random.below(5)]);
    let (method, parameters) = match random.below(100) {
        0..=14 => ("startProcess", vec![name, wait]),
        15..=24 => ("stopProcess", vec![name, wait]),
        25..=29 => ("restartProcess", vec![name, wait]),
        30..=32 => (
            "restartProcesses",
            vec![
                Parameter::Texts(
                    (0..random.below(4))
                        .map(|_| random.pick(&["a", "b", "s:*", "n", "nosuch"]).to_owned())
                        .collect(),
                ),
                wait,
            ],
        ),
        33..=34 => ("startProcessGroup", vec![group, wait]),
        35..=36 => ("stopProcessGroup", vec![group, wait]),
        37 => ("restartProcessGroup", vec![group, wait]),
        38 => ("startAllProcesses", vec![wait]),
        39 => (
            random.pick(&["stopAllProcesses", "restartAllProcesses"]),
            vec![wait],
        ),
        40..=47 => (
            "signalProcess",
            vec![name, Parameter::text(random.pick(SIGNALS))],
        ),
        48..=49 => (
            "signalProcessGroup",
            vec![group, Parameter::text(random.pick(SIGNALS))],
        ),
        50 => (
            "signalAllProcesses",
            vec![Parameter::text(random.pick(&["USR1", "CONT", "WINCH"]))],
        ),
        51..=54 => ("getProcessInfo", vec![name]),
        55..=59 => ("getAllProcessInfo", vec![]),
        60 => ("getAllConfigInfo", vec![]),
        61..=64 => (
            random.pick(&[
                "readProcessStdoutLog",
                "readProcessStderrLog",
                "readProcessLog",
            ]),
            vec![name, offset, length],
        ),
        65..=69 => (
            random.pick(&["tailProcessStdoutLog", "tailProcessStderrLog"]),
            vec![name, offset, length],
        ),
        70..=71 => ("readLog", vec![offset, length]),
        72 => (random.pick(&["clearLog", "clearFatal"]), vec![]),
        73..=75 => ("reloadConfig", vec![]),
        76..=77 => ("addProcessGroup", vec![group]),
        78..=79 => ("removeProcessGroup", vec![group]),
        80..=81 => ("updateProcessGroups", vec![Parameter::Texts(vec![]), wait]),
        82..=84 => ("getEventResult", vec![group]),
        85..=88 => (
            random.pick(&[
                "getState",
                "getStateReason",
                "getPID",
                "getIdentification",
                "getAPIVersion",
                "getSupervisorVersion",
            ]),
            vec![],
        ),
        89..=90 => (
            random.pick(&[
                "system.listMethods",
                "system.multicall",
                "supervisor",
                "",
                "nosuch.method",
            ]),
            vec![],
        ),
        91..=92 => (
            random.pick(&["system.methodHelp", "system.methodSignature"]),
            vec![Parameter::text(
                random.pick(&["supervisor.startProcess", "nosuch"]),
            )],
        ),
        93..=94 => ("startProcess", vec![offset, length]),
        95..=96 => ("stopProcess", vec![]),
        97 => (
            "clearProcessLogs",
            vec![Parameter::text(random.pick(&["t", "h", "nosuch", "f"]))],
        ),
        _ => ("sendProcessStdin", vec![name, Parameter::text("1\n")]),
    };
    Step::Call(client(random), method.to_owned(), parameters)
}
