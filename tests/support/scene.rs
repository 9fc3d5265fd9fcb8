//! Our supervisord on a configuration, with a client.

use super::{Address, DEADLINE, Daemon, Dir, Kind, Launch, Outcome, Rpc, Value, wait_until};

/// The sections that nearly every test has in common.
const USUAL: &str = "\
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s
[supervisord]
logfile=%(here)s/main.log
pidfile=%(here)s/main.pid
childlogdir=%(here)s
";

/// The usual sections and these; lines before the first section go to `[supervisord]`.
pub fn usual_configuration(more: &str) -> String {
    format!("{USUAL}{more}")
}

/// A running supervisord of ours. Its files are `main.log`, `main.pid` and the socket `s`.
pub struct Scene {
    /// The daemon; first, because it has to end before its directory does.
    pub daemon: Daemon,
    /// A client of its socket.
    pub rpc: Rpc,
    /// Its directory.
    pub dir: Dir,
}

impl Scene {
    /// Starts it with the usual configuration and more, and waits until it answers.
    pub fn start(more: &str) -> Scene {
        Scene::start_as(Dir::new(), more, |_| {})
    }

    /// The same in a directory that was prepared, started in another way.
    pub fn start_as(dir: Dir, more: &str, change: impl FnOnce(&mut Launch)) -> Scene {
        dir.write("supervisord.conf", usual_configuration(more));
        let mut launch = Launch::new(Kind::Ours, &dir);
        change(&mut launch);
        let mut daemon = Daemon::launch(&launch);
        let rpc = Rpc::new(Address::Unix(dir.join("s")));
        daemon.wait_until_it_answers(&rpc);
        Scene { daemon, rpc, dir }
    }

    /// Calls a method of the namespace `supervisor`.
    pub fn call(&self, method: &str, parameters: &[Value]) -> Outcome {
        self.rpc.call(&format!("supervisor.{method}"), parameters)
    }

    /// What is known of a process.
    pub fn info(&self, process: &str) -> Value {
        self.call("getProcessInfo", &[Value::text(process)])
            .answer()
    }

    /// What is known of every process.
    pub fn all(&self) -> Vec<Value> {
        match self.call("getAllProcessInfo", &[]).answer() {
            Value::Array(all) => all,
            other => panic!("an array was expected, not {other}"),
        }
    }

    /// Waits until a process is in a state.
    pub fn wait(&self, process: &str, state: &str) {
        let mut info = Value::Nil;
        let reached = wait_until(DEADLINE, || {
            info = self.info(process);
            info.text_of("statename") == state
        });
        assert!(reached, "{process} is not {state}: {info}\n{}", self.log());
    }

    /// Waits until every process is in a state.
    pub fn wait_all(&self, state: &str) {
        let reached = wait_until(DEADLINE, || {
            self.all()
                .iter()
                .all(|info| info.text_of("statename") == state)
        });
        assert!(reached, "not all are {state}:\n{}", self.log());
    }

    /// The pid of the child of a process.
    pub fn pid(&self, process: &str) -> u32 {
        u32::try_from(self.info(process).int_of("pid")).unwrap()
    }

    /// The main log.
    pub fn log(&self) -> String {
        self.dir.read("main.log").unwrap_or_default()
    }

    /// Waits until the main log shows a text.
    pub fn wait_log(&self, text: &str) {
        let shown = wait_until(DEADLINE, || self.log().contains(text));
        assert!(shown, "the log does not show {text:?}:\n{}", self.log());
    }

    /// Ends the daemon in order.
    pub fn stop(mut self) {
        let status = self.daemon.stop();
        assert_eq!(status, Some(0), "{}", self.log());
    }
}
