//! For any two configurations: after an update from one to the other the daemon is as a start
//! with the other leaves it, and a process was restarted only if a key of its own child differs.

use super::support::{DEADLINE, Scene, Value, wait_until};
use super::update::{ctl, pids, update};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A seeded generator: xorshift64*.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % limit
    }
}

/// Keys with some of their values, and whether a child is born with them.
const KEYS: &[(&str, &[&str], bool)] = &[
    (
        "command",
        &["/bin/cat", "/bin/cat -u", "/bin/sleep 3600"],
        true,
    ),
    ("umask", &["022", "077"], true),
    ("directory", &["/", "/tmp"], true),
    ("environment", &["A=\"1\"", "A=\"2\"", "B=\"1\""], true),
    ("environment_file", &["-/nowhere"], true),
    ("serverurl", &["http://localhost:1"], true),
    ("redirect_stderr", &["true"], true),
    ("nice", &["5"], true),
    ("autostart", &["false"], false),
    ("autorestart", &["true", "false"], false),
    ("startretries", &["1", "7"], false),
    ("stopsignal", &["INT", "TERM KILL"], false),
    ("stopwaitsecs", &["1", "30"], false),
    ("priority", &["1", "5", "2000"], false),
    ("exitcodes", &["0,1", "2"], false),
    ("kill_mode", &["group", "mixed"], false),
    (
        "stdout_logfile",
        &["NONE", "%(here)s/a.log", "%(here)s/b.log"],
        false,
    ),
    ("stdout_logfile_maxbytes", &["0", "1000"], false),
    ("stdout_logfile_format", &["json", "prefix"], false),
    ("stderr_logfile", &["NONE", "%(here)s/c.log"], false),
    ("stdout_capture_maxbytes", &["1KB"], false),
    ("stderr_events_enabled", &["true"], false),
    ("stdout_ring", &["4096"], false),
    ("post_stop_hook", &["/bin/true"], false),
    ("restart_limit", &["5/60"], false),
    ("schedule", &["0 0 1 1 *"], false),
    ("depends_timeout", &["5"], false),
    ("liveness_check", &["/bin/true"], false),
];

/// A program: its group, how many processes it has, and its keys.
#[derive(Clone, Debug, PartialEq)]
struct Program {
    group: Option<&'static str>,
    count: usize,
    keys: BTreeMap<&'static str, &'static str>,
}

type Configuration = BTreeMap<&'static str, Program>;

fn program(chance: &mut Chance) -> Program {
    let mut keys = BTreeMap::from([("command", "/bin/cat")]);
    for _ in 0..chance.below(4) {
        let (key, values, _) = KEYS[chance.below(KEYS.len())];
        keys.insert(key, values[chance.below(values.len())]);
    }
    Program {
        group: [None, Some("g"), Some("h")][chance.below(3)],
        count: 1 + chance.below(3),
        keys,
    }
}

/// Another configuration that has much in common with the one before.
fn next(chance: &mut Chance, before: &Configuration) -> Configuration {
    let mut configuration = before.clone();
    for name in ["p", "q", "r", "s"] {
        match (chance.below(6), configuration.get_mut(name)) {
            (0, Some(_)) => drop(configuration.remove(name)),
            (0..2, None) => drop(configuration.insert(name, program(chance))),
            (1..4, Some(known)) => {
                let (key, values, _) = KEYS[chance.below(KEYS.len())];
                known.keys.insert(key, values[chance.below(values.len())]);
                known.count = 1 + chance.below(3);
            }
            (4, Some(known)) => known.group = program(chance).group,
            _ => {}
        }
    }
    configuration
}

fn text(configuration: &Configuration) -> String {
    let mut text = String::new();
    for (name, program) in configuration {
        let count = program.count;
        let _ = writeln!(
            text,
            "[program:{name}]\nstartsecs=0\nnumprocs={count}\n\
             process_name={name}_%(process_num)d"
        );
        for (key, value) in &program.keys {
            let _ = writeln!(text, "{key}={value}");
        }
    }
    for group in ["g", "h"] {
        let members: Vec<&str> = configuration
            .iter()
            .filter(|(_, program)| program.group == Some(group))
            .map(|(name, _)| *name)
            .collect();
        if !members.is_empty() {
            let _ = writeln!(text, "[group:{group}]\nprograms={}", members.join(","));
        }
    }
    text
}

/// Every process by its name, with the keys that its child is born with.
fn births(configuration: &Configuration) -> BTreeMap<String, Vec<(&str, &str)>> {
    let mut births = BTreeMap::new();
    for (name, program) in configuration {
        let is_of_child = |key: &str| KEYS.iter().any(|(other, _, birth)| *other == key && *birth);
        let keys = program.keys.iter().filter(|(key, _)| is_of_child(key));
        let keys: Vec<(&str, &str)> = keys.map(|(key, value)| (*key, *value)).collect();
        for number in 0..program.count {
            let group = program.group.unwrap_or(name);
            births.insert(format!("{group}:{name}_{number}"), keys.clone());
        }
    }
    births
}

/// What clients see of the configuration and of the processes, but for pids and times.
fn seen(scene: &Scene) -> String {
    let mut seen = scene.call("getAllConfigInfo", &[]).answer().to_string();
    for info in scene.all() {
        for member in [
            "group",
            "name",
            "statename",
            "stdout_logfile",
            "stderr_logfile",
        ] {
            seen += &format!("{member}={} ", info.text_of(member));
        }
        seen += &format!("{}\n", info.get("health").is_some());
    }
    seen.replace(&scene.dir.path().display().to_string(), "DIR")
}

/// Waits until nothing is on its way.
fn settle(scene: &Scene) {
    let states = ["RUNNING", "STOPPED"];
    let is_settled = || {
        let all = scene.all();
        all.iter()
            .all(|info: &Value| states.contains(&info.text_of("statename").as_str()))
    };
    assert!(wait_until(DEADLINE, is_settled), "{}", scene.log());
}

#[test]
fn an_update_leaves_the_daemon_as_a_start_would_and_restarts_only_what_must_be() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut configuration = Configuration::new();
    let scene = Scene::start("");
    for round in 0..12 {
        let old = configuration.clone();
        let before = births(&old);
        let pids_before = pids(&scene);
        configuration = next(&mut chance, &old);
        // Automatic logs have names of chance, of which no start tells after a reread.
        for program in configuration.values_mut() {
            for log in ["stdout_logfile", "stderr_logfile"] {
                program.keys.entry(log).or_insert("NONE");
            }
        }
        let text = text(&configuration);
        update(&scene, &text);
        settle(&scene);
        let after = births(&configuration);
        for (name, pid) in pids(&scene) {
            let same = before.get(&name) == after.get(&name);
            let was_up = pids_before.get(&name).is_some_and(|pid| *pid != 0);
            let stays = pids_before.get(&name) == Some(&pid);
            if same && was_up {
                assert!(stays, "round {round}: {name} was restarted\n{text}");
            }
            if was_up && !same && before.contains_key(&name) {
                assert!(!stays, "round {round}: {name} was not restarted\n{text}");
            }
        }
        let dry = ctl(&scene, "update --dry-run");
        assert_eq!(dry.status, Some(0), "round {round}: {}", dry.stdout);
        // What is up though it would not start by itself was allowed to stay.
        let left_up: Vec<String> = scene
            .all()
            .iter()
            .filter(|info| info.text_of("statename") == "RUNNING")
            .map(|info| format!("{}:{}", info.text_of("group"), info.text_of("name")))
            .collect();
        let fresh = Scene::start(&text);
        fresh.call("reloadConfig", &[]).answer();
        for name in left_up {
            let process = fresh.info(&name);
            if process.text_of("statename") == "STOPPED" {
                assert!(before.contains_key(&name), "round {round}: {name}\n{text}");
                let started = [Value::text(&name)];
                fresh.call("startProcess", &started).answer();
            }
        }
        settle(&fresh);
        assert_eq!(seen(&scene), seen(&fresh), "round {round}\n{text}");
        fresh.stop();
    }
    scene.stop();
}
