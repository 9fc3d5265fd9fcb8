use std::rc::Rc;

use super::*;
use crate::config::dependencies::{DEPENDS_ON, Dependencies};
use crate::config::settings::Setting;
use crate::dependencies::graph::{Dependant, Described};
use crate::snapshot::tests::carried;
use crate::tokens::GroupId;

mod model;

pub const TIMEOUT: Duration = Duration::from_secs(120);

pub fn id(node: usize) -> ProcessId {
    ProcessId {
        group: GroupId(0),
        index: node as u32,
    }
}

pub fn at(seconds: u64) -> Monotonic {
    Monotonic(Duration::from_secs(seconds))
}

pub fn seen(state: ProcessState) -> Observed {
    Observed {
        state,
        has_child: matches!(state, ProcessState::Starting | ProcessState::Running),
        comes_back: state == ProcessState::Backoff,
        ..Observed::default()
    }
}

fn described(name: &str, place: usize) -> Described {
    Described {
        id: id(place),
        name: name.to_owned(),
        priorities: (999, 999),
        default_condition: Condition::Running,
    }
}

/// A graph from lines such as `api: db cache?`, with `*api` for one that goes down and comes up
/// with what it needs. Every process has a line; a name that has none has gone.
pub fn graph(text: &str) -> (Graph, Vec<String>) {
    let lines: Vec<(&str, &str)> = text
        .split('\n')
        .map(|line| line.split_once(':').unwrap_or((line, "")))
        .collect();
    let names: Vec<String> = lines
        .iter()
        .map(|(name, _)| name.trim().trim_start_matches('*').to_owned())
        .collect();
    let dependants = lines.iter().enumerate();
    let dependants = dependants.map(|(place, (name, needs))| Dependant {
        process: described(&names[place], place),
        dependencies: Rc::new(Dependencies {
            depends_on: Setting::parse(needs, &DEPENDS_ON).unwrap(),
            depends_restart: name.contains('*'),
            ..Dependencies::default()
        }),
    });
    let graph = Graph::new(dependants.collect(), |name| {
        let mut places = names.iter().enumerate();
        let found = places.find(|(_, known)| *known == name);
        found
            .map(|(place, _)| described(name, place))
            .into_iter()
            .collect()
    });
    (graph, names)
}

/// A plan that is told what happens in words.
struct Told {
    plan: Plan,
    names: Vec<String>,
    states: Vec<ProcessState>,
    now: Monotonic,
}

impl Told {
    fn new(text: &str) -> Told {
        let (graph, names) = graph(text);
        Told {
            plan: Plan::new(graph, |_| Observed::default(), &Plan::default()),
            states: vec![ProcessState::Stopped; names.len()],
            names,
            now: at(1000),
        }
    }

    fn id(&self, name: &str) -> ProcessId {
        id(self.names.iter().position(|known| known == name).unwrap())
    }

    fn words(&self, steps: &[Step]) -> String {
        let name = |id: &ProcessId| self.names[id.index as usize].clone();
        let words = steps.iter().map(|step| match step {
            Step::Start(id, _) => format!("start {}", name(id)),
            Step::Wait(id) => format!("wait {}", name(id)),
            Step::StillWaits(id) => format!("long {}", name(id)),
            Step::Fail(id) => format!("fail {}", name(id)),
            Step::Follow(id) => format!("follow {}", name(id)),
            Step::Stop(id) => format!("stop {}", name(id)),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// `autostart a`, `request a`, `restart a`, `stop a b`, `drop a`, `due a`, `later 60`,
    /// `a RUNNING`; what follows from it in words.
    fn tell(&mut self, what: &str) -> String {
        let words: Vec<&str> = what.split(' ').collect();
        let mut steps = Vec::new();
        let now = self.now;
        // Whatever has happened, the next program goes on with it.
        self.plan = carried(&self.plan);
        match (words[0], &words[1..]) {
            ("autostart", [name]) => {
                self.plan
                    .want(self.id(name), Cause::Autostart, now, &mut steps);
            }
            ("request", [name]) => {
                self.plan
                    .want(self.id(name), Cause::Request, now, &mut steps);
            }
            ("restart", [name]) => {
                self.plan
                    .want(self.id(name), Cause::Restart, now, &mut steps);
            }
            ("stop", names) => {
                let ids: Vec<ProcessId> = names.iter().map(|name| self.id(name)).collect();
                self.plan.stop(&ids, now, &mut steps);
            }
            ("drop", [name]) => self.plan.drop_wish(self.id(name), &mut steps),
            ("due", [name]) => self.plan.due(self.id(name), now, &mut steps),
            ("later", [seconds]) => self.now = now + Duration::from_secs(seconds.parse().unwrap()),
            (name, [state]) => {
                use ProcessState::*;
                let all = [
                    Stopped, Starting, Running, Backoff, Stopping, Exited, Fatal, Unknown,
                ];
                let is_success = *state == "DONE";
                let mut all = all.into_iter();
                let state = all.find(|known| known.name() == *state).unwrap_or(Exited);
                let place = self.id(name).index as usize;
                let before = std::mem::replace(&mut self.states[place], state);
                let observed = Observed {
                    has_succeeded: is_success,
                    ..seen(state)
                };
                let has_left = before == Running && state != Running;
                let id = id(place);
                self.plan.observe(id, observed, has_left, now, &mut steps);
            }
            _ => panic!("{what}"),
        }
        self.words(&steps)
    }

    fn failure(&self, name: &str) -> &str {
        self.plan.failure(self.id(name)).unwrap_or_default()
    }

    fn missing(&self, name: &str) -> String {
        self.plan.missing(self.id(name)).text()
    }
}

#[test]
fn what_is_told_has_its_steps() {
    for (graph, told) in [
        (
            "api: db\ndb",
            "autostart api = start db, wait api; db STARTING = ; db RUNNING = start api; \
             api RUNNING = ",
        ),
        // Nobody is started twice for several.
        (
            "web: api\napi: db\nworker: db\ndb",
            "request web = start db, wait api, wait web; request worker = wait worker; \
             db STARTING = ; request web = ; db BACKOFF = ; db STARTING = ; \
             db RUNNING = start api, start worker; api STARTING = ; api RUNNING = start web",
        ),
        // A restart only waits.
        (
            "api: db\ndb",
            "api RUNNING = ; api BACKOFF = ; restart api = wait api; db RUNNING = start api",
        ),
        // A job that is done is not run again, and one that is not is waited for.
        (
            "api: job(exited)\njob",
            "job DONE = ; autostart api = start api; api RUNNING = ; api STOPPED = ; \
             job EXITED = ; autostart api = start job, wait api; job STARTING = ; \
             job DONE = start api",
        ),
        // What is optional is waited for only if it comes anyway.
        ("api: cache?\ncache", "autostart api = start api"),
        (
            "api: cache?\ncache",
            "autostart cache = start cache; cache STARTING = ; autostart api = wait api; \
             cache RUNNING = start api",
        ),
        (
            "api: cache?\ncache",
            "cache STARTING = ; request api = wait api; cache FATAL = start api",
        ),
        // A child is enough.
        (
            "api: db(started)\ndb",
            "request api = start db, wait api; db STARTING = start api",
        ),
        // What fails for good ends what was asked for, and not what starts by itself.
        (
            "web: api\napi: db\nworker: db\ndb",
            "autostart worker = start db, wait worker; db STARTING = ; \
             request web = wait api, wait web; db FATAL = fail api, fail web; \
             db RUNNING = start worker",
        ),
        (
            "web: api\napi: db\ndb",
            "autostart api = start db, wait api; db STARTING = ; request web = wait web; \
             db FATAL = fail web; db RUNNING = start api; api STARTING = ; api RUNNING = ",
        ),
        ("api: db\ndb", "db UNKNOWN = ; request api = fail api"),
        // One that is being stopped is started when it has.
        (
            "api: db\ndb",
            "db STOPPING = ; request api = wait db, wait api; db STOPPED = start db; \
             db RUNNING = start api",
        ),
        // Time.
        (
            "api: db\ndb",
            "request api = start db, wait api; db BACKOFF = ; later 60 = ; due api = long api; \
             due api = ; later 59 = ; due api = ; later 1 = ; due api = fail api; due api = ",
        ),
        // A wish that is dropped.
        (
            "api: db\ndb",
            "request api = start db, wait api; drop api = ; db RUNNING = ",
        ),
        (
            "api: db\ndb",
            "request api = start db, wait api; stop api = ; db RUNNING = ",
        ),
        // Something that has gone.
        ("api: db", "autostart api = wait api"),
        ("api: db?", "autostart api = start api"),
    ] {
        check(graph, told);
    }
}

#[test]
fn what_depends_is_stopped_first() {
    for (graph, told) in [
        (
            "api: db\ndb",
            "db RUNNING = ; api RUNNING = ; stop db api = stop api; api STOPPING = ; \
             api STOPPED = stop db; db STOPPING = ; db STOPPED = ",
        ),
        // What cannot be signalled is not waited for, nor what is not asked to stop.
        (
            "api: db\nweb: db\ndb",
            "db RUNNING = ; api RUNNING = ; web RUNNING = ; stop db api = stop api; \
             api UNKNOWN = stop db",
        ),
        (
            "api: db\ndb",
            "db RUNNING = ; api RUNNING = ; stop db = stop db",
        ),
        // What ends by itself before its turn is not started again.
        (
            "api: db\ndb",
            "db RUNNING = ; api RUNNING = ; stop db api = stop api; db BACKOFF = stop db; \
             db STOPPED = ; api STOPPED = ",
        ),
        // A chain, each after the one before.
        (
            "web: api\napi: db\ndb",
            "db RUNNING = ; api RUNNING = ; web RUNNING = ; stop db api web = stop web; \
             web STOPPED = stop api; api STOPPED = stop db",
        ),
        // What waited for one of them is not started because that is not wanted any more.
        (
            "api: cache?\ncache: db\ndb",
            "autostart cache = start db, wait cache; autostart api = wait api; stop cache api = ",
        ),
    ] {
        check(graph, told);
    }
}

#[test]
fn what_depends_and_is_up_or_waits_is_found_all_the_way() {
    let mut plan = Told::new("web: api\napi: db\nother: web\nidle: db\ndb\nalone: web?");
    plan.tell("autostart web");
    plan.tell("other RUNNING");
    for (asked, expected) in [
        ("db", &["web", "api", "other"][..]),
        ("db api", &["web", "api", "other"]),
        ("api", &["web", "other"]),
        ("other", &[]),
    ] {
        let ids: Vec<ProcessId> = asked.split(' ').map(|name| plan.id(name)).collect();
        let mut found = plan.plan.wanted_dependants(&ids);
        found.sort();
        let names: Vec<&str> = found
            .iter()
            .map(|id| &*plan.names[id.index as usize])
            .collect();
        assert_eq!(names, expected, "{asked}");
    }
}

#[test]
fn what_follows_goes_down_and_comes_up_with_what_it_needs() {
    for (graph, told) in [
        (
            "*api: db\ndb",
            "db RUNNING = ; api RUNNING = ; db EXITED = follow api; api STOPPING = ; \
             db STARTING = ; db RUNNING = ; api STOPPED = start api",
        ),
        (
            "*api: db\ndb",
            "db RUNNING = ; api RUNNING = ; stop db = follow api; api STOPPING = ; \
             api STOPPED = stop db, wait api; db STOPPING = ; db STOPPED = ; db STARTING = ; \
             db RUNNING = start api",
        ),
        // Each in a chain once.
        (
            "*web: api\n*api: db\ndb",
            "db RUNNING = ; api RUNNING = ; web RUNNING = ; db EXITED = follow web; \
             web STOPPING = ; web STOPPED = follow api, wait web; api STOPPING = ; \
             api STOPPED = wait api; \
             db STARTING = ; db RUNNING = start api; api STARTING = ; api RUNNING = start web",
        ),
        // What is down stays down, and what was stopped by request too.
        ("*api: db\ndb", "db RUNNING = ; db EXITED = ; db RUNNING = "),
        (
            "*api: db\ndb",
            "db RUNNING = ; api RUNNING = ; db EXITED = follow api; api STOPPED = wait api; \
             stop api = ; db RUNNING = ",
        ),
        (
            "*api: db\ndb",
            "db RUNNING = ; api RUNNING = ; stop api db = stop api; api STOPPED = stop db; \
             db STOPPED = ; db RUNNING = ",
        ),
        // A job that is run again takes nobody down.
        (
            "*api: job(exited)\njob",
            "job DONE = ; api RUNNING = ; job STARTING = ; job RUNNING = ; job DONE = ",
        ),
    ] {
        check(graph, told);
    }
}

fn check(graph: &str, told: &str) {
    let mut plan = Told::new(graph);
    for line in told.split(';') {
        let (what, expected) = line.split_once('=').unwrap();
        let found = plan.tell(what.trim());
        assert_eq!(
            found,
            expected.trim(),
            "{} of {graph:?} {told}",
            what.trim()
        );
    }
}

#[test]
fn a_failure_names_what_has_failed() {
    let mut plan = Told::new("web: api\napi: db\ndb");
    plan.tell("request web");
    plan.tell("db STARTING");
    assert_eq!(plan.missing("web"), "api (STOPPED)");
    plan.tell("db FATAL");
    assert_eq!(plan.failure("web"), "dependency db is FATAL");
    assert_eq!(plan.failure("api"), "dependency db is FATAL");
    plan.tell("db STARTING");
    plan.tell("request api");
    assert_eq!(plan.failure("api"), "");
    plan.tell("later 120");
    plan.tell("due api");
    assert_eq!(
        plan.failure("api"),
        "dependency db is STARTING after 120 seconds"
    );
}

#[test]
fn a_few_of_many_are_named() {
    let mut plan = Told::new("a: b c d e f g\nb\nc\nd\ne\nf");
    plan.tell("autostart a");
    assert_eq!(
        plan.missing("a"),
        "g (not there), b (STOPPED), c (STOPPED) and 3 more"
    );
}

#[test]
fn another_plan_goes_on_with_what_was_wanted() {
    let mut plan = Told::new("web: api\napi: db\ndb");
    plan.tell("autostart web");
    let (graph, _) = graph("web: api\napi\ndb");
    let mut steps = Vec::new();
    let mut next = Plan::new(graph, |_| Observed::default(), &plan.plan);
    next.begin(&mut steps);
    // It needs nothing any more.
    assert_eq!(plan.words(&steps), "start api");
    assert!(next.waits(plan.id("web")));
}

#[test]
fn a_circle_of_two_readings_is_cut() {
    let mut plan = Told::new("a: b\nb: a");
    assert!(!plan.tell("request a").is_empty());
    assert!(
        plan.plan
            .graph()
            .nodes
            .iter()
            .any(|node| node.needs.is_empty())
    );
}

#[test]
fn what_is_needed_has_the_lowest_priority_of_those_that_need_it() {
    let (mut graph, names) = graph("web: api\napi: db\ndb\nother: db");
    assert_eq!(
        graph.nodes.iter().map(|node| node.rank).collect::<Vec<_>>(),
        [2, 1, 0, 1]
    );
    graph.nodes[0].priorities = (7, 999);
    graph.nodes[3].priorities = (999, 3);
    graph.weigh();
    let of = |name: &str| {
        let place = names.iter().position(|known| known == name).unwrap();
        graph.nodes[graph.place(id(place)).unwrap()].priorities
    };
    assert_eq!(of("web"), (7, 999));
    assert_eq!(of("api"), (7, 999));
    assert_eq!(of("db"), (7, 3));
}
