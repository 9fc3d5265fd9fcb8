//! The world of one sequence: a directory, a daemon with programs of every sort, clients.

use super::client::Client;
use crate::support::{
    Address, Daemon, Dir, Kind, Launch, Rpc, Value, c, children_of, usual_configuration,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many clients there are, beside the one that looks.
pub const CLIENTS: usize = 16;

/// Sections of which the form changes, with the form that they have at first. Form 0 is no section,
/// form 5 is one that cannot be read, the others differ in a value.
pub const FORMS: &[(&str, usize)] = &[("a", 1), ("b", 1), ("g1", 1), ("x", 1), ("late", 0)];

/// Programs of which lines may be missing: their logs are cut, fall off the backups or are on a small disk.
pub const LOSSY: &[&str] = &["t", "h", "p"];

const USUAL: &str = "startsecs=0\nstopwaitsecs=1\nstartretries=1\n";

/// The tool that all worlds of a run share.
pub struct Workshop {
    _dir: Dir,
    child: PathBuf,
}

impl Workshop {
    pub fn new() -> Workshop {
        let dir = Dir::new();
        let child = c::program(&dir, "child", include_str!("child.c"));
        Workshop { _dir: dir, child }
    }
}

pub struct World {
    /// First, because it has to end before its directory does.
    pub daemon: Daemon,
    pub dir: Dir,
    pub has_shim: bool,
    /// How long what must hold at rest may take to do so.
    pub patience: Duration,
    child: PathBuf,
    pub control: Client,
    pub clients: Vec<Client>,
    /// Connections that are left as they are.
    pub kept: Vec<UnixStream>,
    forms: BTreeMap<&'static str, usize>,
    /// Whether the daemon was told to start anew since the last rest.
    pub is_unsettled: bool,
    /// Whether the shim refuses something.
    pub is_refusing: bool,
    /// Lines up to these numbers may be missing, of programs with logs that were cleared.
    pub forgiven: BTreeMap<String, u64>,
    /// Programs with logs that were cleared since the last rest.
    pub cleared: BTreeSet<String>,
    /// Events by their numbers, and whether they must have been heard.
    pub events: BTreeMap<u64, bool>,
    pub next_event: u64,
    /// How many files were moved into `kept`.
    pub moved: usize,
    pub first_memory: usize,
}

impl World {
    pub fn start(workshop: &Workshop, has_shim: bool, patience: Duration) -> World {
        let dir = Dir::new();
        for folder in ["logs", "kept", "counts", "heard", "small"] {
            fs::create_dir(dir.join(folder)).unwrap();
        }
        let forms = FORMS.iter().copied().collect();
        dir.write("supervisord.conf", configuration(&workshop.child, &forms));
        let mut launch = Launch::new(Kind::Ours, &dir);
        launch.shim = has_shim;
        launch.wrapper = match nix::unistd::getuid().is_root() {
            true => &["unshare", "-m", "sh", "-c", MOUNT, "sh"],
            false => &["unshare", "-rm", "sh", "-c", MOUNT, "sh"],
        };
        let mut daemon = Daemon::launch(&launch);
        daemon.wait_until_it_answers(&Rpc::new(Address::Unix(dir.join("s"))));
        let client = || Client::new(dir.join("s"), patience);
        // Who looks has to be connected before a connection may be refused.
        let mut control = client();
        control.call("supervisor.getState", &[]);
        World {
            daemon,
            has_shim,
            patience,
            child: workshop.child.clone(),
            control,
            clients: (0..CLIENTS).map(|_| client()).collect(),
            kept: Vec::new(),
            forms,
            is_unsettled: false,
            is_refusing: false,
            forgiven: BTreeMap::new(),
            cleared: BTreeSet::new(),
            events: BTreeMap::new(),
            next_event: 1,
            moved: 0,
            first_memory: 0,
            dir,
        }
    }

    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Gives a section another form.
    pub fn edit(&mut self, name: &str, form: usize) {
        if let Some((name, _)) = FORMS.iter().find(|(known, _)| *known == name) {
            self.forms.insert(name, form);
            self.dir
                .write("supervisord.conf", configuration(&self.child, &self.forms));
        }
    }

    /// The child of the daemon under a name, as the daemon tells it.
    pub fn child_of(&mut self, name: &str) -> Option<u32> {
        let info = self
            .control
            .call("supervisor.getProcessInfo", &[Value::text(name)]);
        let crate::support::Outcome::Answer(info) = info else {
            return None;
        };
        let pid = u32::try_from(info.int_of("pid")).ok()?;
        children_of(self.pid()).contains(&pid).then_some(pid)
    }

    /// The small disk, which only the daemon sees mounted.
    pub fn small(&self) -> PathBuf {
        let path = self.dir.join("small");
        let path = path.strip_prefix("/").unwrap().to_owned();
        Path::new("/proc")
            .join(self.pid().to_string())
            .join("root")
            .join(path)
    }

    pub fn log(&self) -> String {
        self.dir.read("main.log").unwrap_or_default()
    }
}

/// Becomes the daemon, with a file system of 64 KiB at `small`.
const MOUNT: &str = "mount -t tmpfs -o size=64k none small && exec \"$@\"";

fn configuration(child: &Path, forms: &BTreeMap<&'static str, usize>) -> String {
    let child = child.display();
    let program = |sort: &str, section: &str, name: &str, log: &str, flags: &str, more: &str| {
        format!(
            "[{sort}:{section}]\ncommand={child} write {name} {flags}\ndirectory=%(here)s\n{USUAL}\
             stdout_logfile=%(here)s/{log}.log\nstdout_logfile_maxbytes=0\nstderr_logfile_maxbytes=0\n{more}\n"
        )
    };
    let apart = |name: &str| format!("stderr_logfile=%(here)s/logs/{name}-err.log\n");
    let joined = "redirect_stderr=true\n";
    let mut text = String::from("minfds=100\nlogfile_maxbytes=200KB\nlogfile_backups=50\n");
    for (name, form) in forms {
        let changes = match form {
            0 => continue,
            5 => "autostart=perhaps\n".to_owned(),
            form => format!("environment=FORM=\"{form}\"\n"),
        };
        text += &match *name {
            "a" => program("program", "a", "a", "logs/a", "e", &(apart("a") + &changes)),
            "b" => program(
                "program",
                "b",
                "b",
                "logs/b",
                "e",
                &format!(
                    "{joined}stdout_logfile_maxbytes=4KB\nstdout_logfile_backups=900\n{changes}"
                ),
            ),
            "g1" => program(
                "program",
                "g1",
                "g1",
                "logs/g1",
                "-",
                &(apart("g1") + &changes),
            ),
            "x" => program(
                "program",
                "x",
                "x",
                "logs/x",
                "xe",
                &format!("{joined}{changes}startsecs=1\nautostart=false\nautorestart=true\n"),
            ),
            _ => program(
                "program",
                "late",
                "late",
                "logs/late",
                "e",
                &format!(
                    "{joined}{changes}stdout_logfile_maxbytes=20KB\nstdout_logfile_backups=500\n"
                ),
            ),
        };
    }
    let without_g1 = forms["g1"] == 0;
    text += &program("program", "g2", "g2", "logs/g2", "e", &apart("g2"));
    text += &format!(
        "[group:g]\nprograms={}\n",
        if without_g1 { "g2" } else { "g1,g2" }
    );
    text += &program(
        "program",
        "s",
        "s%(process_num)d",
        "logs/s",
        "e",
        "numprocs=2\nprocess_name=s%(process_num)d\nredirect_stderr=true\nstdout_logfile_maxbytes=8KB\nstdout_logfile_backups=900\nautorestart=true\n",
    );
    text += &program("program", "n", "n", "logs/n", "i", &apart("n"));
    text += &program(
        "program",
        "h",
        "h",
        "logs/h",
        "e",
        &format!(
            "{joined}stdout_logfile_maxbytes=2KB\nstdout_logfile_backups=1\nautorestart=true\n"
        ),
    );
    text += &program("program", "t", "t", "logs/t", "-", joined);
    text += &program(
        "program",
        "p",
        "p",
        "small/p",
        "e",
        &format!("{joined}stdout_logfile_maxbytes=8KB\nstdout_logfile_backups=2\n"),
    );
    text += &program(
        "fcgi-program",
        "w",
        "w%(process_num)d",
        "logs/w",
        "s",
        "socket=unix://%(here)s/w.sock\nnumprocs=2\nprocess_name=w%(process_num)d\nredirect_stderr=true\n",
    );
    text += "[program:f]\ncommand=/nonexistent/program\nstartretries=0\nautostart=false\nstdout_logfile=%(here)s/f.log\n";
    for (pool, flags, more) in [
        (
            "ear",
            "-",
            "events=REMOTE_COMMUNICATION,PROCESS_STATE\nbuffer_size=100000\n",
        ),
        (
            "odd",
            "o",
            "events=REMOTE_COMMUNICATION,PROCESS_STATE_EXITED,SUPERVISOR_STATE_CHANGE\nnumprocs=2\nprocess_name=odd%(process_num)d\n",
        ),
    ] {
        text += &format!(
            "[eventlistener:{pool}]\ncommand={child} listen {pool} {flags}\ndirectory=%(here)s\n{USUAL}autorestart=true\n\
             stdout_logfile=NONE\nstderr_logfile=%(here)s/{pool}-err\n{more}"
        );
    }
    usual_configuration(&text)
}
