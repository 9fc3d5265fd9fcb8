//! Random lives: a machine in a small world with clocks, a child that may or
//! may not live, signals that arrive or do not, and requests at any moment.
//! What must hold holds after every step. The lives come from fixed seeds, so
//! that a failure comes again.

use super::super::*;
use super::{exited, process};
use crate::config::{AutoRestart, Readiness};
use crate::process::policy::ENDLESS;
use ProcessState::*;
use random::{Random, job, policy, some_hooks};

mod random;

const LIVES: u64 = 4_000;
const STEPS: usize = 60;

/// As many zero-length turns as there may be in a row: the restarts that come at once, and some.
const BURST: usize = 60;

/// How children behave.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Whatever comes.
    Mixed,
    /// No spawn succeeds.
    NeverSpawned,
    /// Every child ends before anything else happens.
    Stillborn,
    /// Children live until they are killed.
    Lives,
}

fn ended(fails: bool) -> Input {
    Input::HookEnded(match fails {
        true => Err("failed".into()),
        false => Ok(()),
    })
}

struct World {
    random: Random,
    process: Process,
    machine: Machine,
    now: Now,
    fate: Fate,
    restarts_allowed: bool,
    /// Sets the wall clock before each input, by up to an hour to either side.
    clock_setter: Option<Random>,
    /// The child that lives or waits to be collected.
    child: Option<i32>,
    last_pid: i32,
    /// The hook that runs.
    hook: Option<Hook>,
    /// Starts that failed since the process was up or was given up.
    failures: i64,
    history: Vec<String>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Random::new(seed);
        let mut process = process();
        process.startsecs = [0, 1, 1, 5, 100_000][random.below(5) as usize];
        process.startretries = [0, 1, 3, 10, -1][random.below(5) as usize];
        process.stopwaitsecs = [0, 1, 10, -5, 100_000, -1][random.below(6) as usize];
        if random.one_in(2) {
            process.policy = Some(Box::new(policy(&mut random)));
        }
        if random.one_in(2) {
            process.job = Some(Box::new(job(&mut random)));
        }
        if random.one_in(2) {
            process.hooks = Some(Box::new(some_hooks(&mut random)));
        }
        if random.one_in(3) {
            process.checks.get_or_insert_default().readiness = Some(Readiness::Notify);
        }
        process.autorestart = [
            AutoRestart::Never,
            AutoRestart::Always,
            AutoRestart::Unexpected,
        ][random.below(3) as usize];
        World {
            random,
            process,
            machine: Machine::default(),
            now: Now {
                monotonic: Monotonic(Duration::from_secs(1_000)),
                wall: Default::default(),
            },
            fate: Fate::Mixed,
            restarts_allowed: true,
            clock_setter: None,
            child: None,
            hook: None,
            last_pid: 100,
            failures: 0,
            history: Vec::new(),
        }
    }

    /// Feeds an input as the supervisor does: effects at once, and what they lead to.
    fn feed(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            if let Some(random) = &mut self.clock_setter {
                self.now.wall.seconds += random.below(7_201) as i64 - 3_600;
            }
            self.history
                .push(format!("{:?}: {input:?}", self.now.monotonic.0));
            match input {
                Input::Reaped(_) => self.child = None,
                Input::HookEnded(_) => self.hook = None,
                _ => {}
            }
            let effects = self
                .machine
                .step(&self.process, input, self.now, self.restarts_allowed);
            for effect in effects {
                match effect {
                    Effect::Spawn => inputs.push(self.spawn()),
                    Effect::RunHook(hook) => inputs.extend(self.run_hook(hook)),
                    Effect::EndHook(_) => {
                        assert!(self.hook.is_some(), "a hook is ended{}", self.story());
                    }
                    Effect::Kill { .. } => {
                        assert!(self.child.is_some(), "somebody is killed{}", self.story());
                        if matches!(self.fate, Fate::Mixed) && self.random.one_in(10) {
                            inputs.push(Input::StopFailed("EPERM".into()));
                        }
                    }
                    Effect::Entered { from, to } => self.enter(from, to),
                    Effect::Log(..) => {}
                }
            }
        }
        self.check();
    }

    fn spawn(&mut self) -> Input {
        assert_eq!(self.child, None, "a second child{}", self.story());
        let fails = match self.fate {
            Fate::Mixed => self.random.one_in(4),
            Fate::NeverSpawned => true,
            Fate::Stillborn | Fate::Lives => false,
        };
        if fails {
            return Input::SpawnFailed("no".into());
        }
        self.last_pid += 1;
        self.child = Some(self.last_pid);
        Input::Spawned(self.last_pid)
    }

    /// Some hooks run for a while, others are over at once.
    fn run_hook(&mut self, hook: Hook) -> Option<Input> {
        assert_eq!(self.hook, None, "a second hook{}", self.story());
        let is_beside_child = matches!(hook, Hook::PreStop | Hook::StopCommand);
        let has_child = self.child.is_some();
        assert_eq!(is_beside_child, has_child, "{hook:?}{}", self.story());
        self.hook = Some(hook);
        let fails = self.random.one_in(3);
        (self.random.one_in(3) || !matches!(self.fate, Fate::Mixed)).then(|| ended(fails))
    }

    fn enter(&mut self, from: ProcessState, to: ProcessState) {
        assert_ne!(from, to, "a state is entered anew{}", self.story());
        match to {
            Backoff => self.failures += 1,
            Fatal | Running | Exited => self.failures = 0,
            _ => {}
        }
    }

    fn check(&self) {
        let machine = &self.machine;
        let state = machine.state();
        let story = || self.story();
        assert_eq!(machine.pid(), self.child.unwrap_or(0), "its pid{}", story());
        let has_child = matches!(state, Starting | Running | Stopping | Unknown);
        assert_eq!(machine.running_hook(), self.hook, "its hook{}", story());
        let has_hook = self.hook.is_some();
        let may_be_delayed = match state {
            Starting => self.process.policy.is_some() || self.process.hooks.is_some(),
            Stopping => self.hook == Some(Hook::PreStart),
            _ => false,
        };
        let has_one = machine.pid() != 0;
        assert!(
            has_one == has_child || may_be_delayed,
            "{state:?}{}",
            story()
        );
        let has_limit = self.process.runtime_timeout().is_some();
        let is_service = !self.process.is_oneshot();
        match state {
            Starting => {
                let waits = is_service || has_limit || !has_one;
                let may_wait = machine.deadline().is_some() || (has_hook && !has_one);
                assert_eq!(may_wait, waits, "waits{}", story());
            }
            Running => {
                assert!(is_service, "a oneshot is up{}", story());
                assert_eq!(machine.deadline().is_some(), has_limit, "waits{}", story());
            }
            Stopping => {
                let may_take_forever = self.process.stopwaitsecs == ENDLESS;
                let waits = machine.deadline().is_some() || self.hook == Some(Hook::PreStop);
                assert!(waits || may_take_forever, "waits{}", story());
            }
            Backoff => assert!(
                machine.deadline().is_some() || !self.restarts_allowed || has_hook,
                "waits{}",
                story()
            ),
            Exited => {}
            Stopped if machine.is_wanted_up() => {
                assert!(is_service, "waits{}", story());
                let waits = machine.deadline().is_some() || has_hook;
                assert!(waits, "waits{}", story());
            }
            Stopped | Fatal | Unknown => {
                assert_eq!(machine.deadline(), None, "waits for nothing{}", story());
            }
        }
        // What is wanted and what is so agree with the state that is told.
        let is_wanted_up = machine.is_wanted_up();
        match state {
            Starting | Running => assert!(is_wanted_up, "{state:?}{}", story()),
            Stopping | Fatal => assert!(!is_wanted_up, "{state:?}{}", story()),
            Backoff | Exited | Stopped => {
                let waits = machine.deadline().is_some() || (has_hook && is_wanted_up);
                assert_eq!(is_wanted_up, waits, "{}", story());
            }
            Unknown => {}
        }
        let waits = matches!(state, Backoff | Exited | Stopped) && is_wanted_up;
        assert_eq!(machine.waits_for_restart(), waits, "{state:?}{}", story());
        assert_eq!(machine.backoff, self.failures, "its count{}", story());
        if state == Backoff && policy::is_last(&self.process, machine.backoff) {
            let deadline = machine.deadline().map(|at| at.since(self.now.monotonic));
            assert_eq!(
                deadline.unwrap_or_default(),
                Duration::ZERO,
                "it gives up at once{}",
                story()
            );
        }
    }

    /// Goes to the deadline if there is one; what is due is fed.
    fn follow_deadline(&mut self) -> bool {
        let Some(deadline) = self.machine.deadline() else {
            return false;
        };
        let waited = deadline.since(self.now.monotonic);
        self.now.monotonic = self.now.monotonic.max(deadline);
        let is_at = |machine: &Machine| (machine.state(), machine.pid(), machine.backoff);
        let before = is_at(&self.machine);
        self.feed(Input::Due);
        let after = is_at(&self.machine);
        if let Some(next) = self.machine.deadline()
            && next <= self.now.monotonic
        {
            let moved = before != after || !waited.is_zero();
            assert!(moved, "a deadline stays in the past{}", self.story());
        }
        true
    }

    fn random_step(&mut self) {
        match self.random.below(20) {
            19 => self.feed(Input::Follow("with db".into())),
            16..19 if self.hook.is_some() => {
                let fails = self.random.one_in(3);
                self.feed(ended(fails));
            }
            13 => self.feed(Input::Kill),
            14 => {
                let time = Duration::from_millis(self.random.below(20_000));
                self.feed(Input::StopWithin(time));
            }
            12 => self.feed(Input::Condemn("useless".into())),
            11 if self.child.is_some() => self.feed(Input::Ready),
            10 if self.child.is_some() => {
                let restarts = self.random.one_in(2);
                self.feed(Input::Unhealthy {
                    key: "liveness_check",
                    reason: "503".into(),
                    restarts,
                });
            }
            0 | 1 => self.feed(Input::Start),
            2 => self.feed(Input::Stop),
            3 if self.child.is_some() => self.feed(Input::SignalFailed("EPERM".into())),
            4..6 if self.child.is_some() => {
                let status = self.random.below(3) as i32;
                self.feed(exited(status));
            }
            6 if self.random.one_in(20) => {
                self.restarts_allowed = false;
                let input = match self.machine.state() {
                    Running | Starting => Input::Stop,
                    _ => Input::GiveUp,
                };
                self.feed(input);
            }
            7 | 8 => {
                let milliseconds = self.random.below(3_000);
                let then = self.now.monotonic + Duration::from_millis(milliseconds);
                // Nothing that is due is left waiting.
                let due = self.machine.deadline().is_some_and(|at| at <= then);
                if !due || !self.follow_deadline() {
                    self.now.monotonic = then;
                }
            }
            _ => {
                self.follow_deadline();
            }
        }
        if matches!(self.fate, Fate::Stillborn) && self.child.is_some() {
            self.feed(exited(1));
        }
    }

    /// What has happened, for a failure.
    fn story(&self) -> String {
        format!(" in {:#?} of {:?}", self.history, self.process)
    }
}

/// Runs a life up to a random moment.
fn live(seed: u64) -> World {
    let mut world = World::new(seed);
    let steps = world.random.below(STEPS as u64);
    for _ in 0..steps {
        world.random_step();
    }
    world
}

#[test]
fn a_random_life_breaks_no_rule() {
    for seed in 1..=LIVES {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.random_step();
        }
    }
}

#[test]
fn a_wall_clock_that_is_set_moves_nothing() {
    for seed in 1..=LIVES / 4 {
        let mut steady = World::new(seed);
        let mut jumping = World::new(seed);
        jumping.clock_setter = Some(Random::new(seed + LIVES));
        for _ in 0..STEPS {
            steady.random_step();
            jumping.random_step();
            let (one, other) = (&steady.machine, &jumping.machine);
            assert_eq!(one.state(), other.state(), "{}", jumping.story());
            assert_eq!(one.deadline(), other.deadline(), "{}", jumping.story());
            for then in [other.last_start(), other.last_stop()]
                .into_iter()
                .flatten()
            {
                let ago = jumping.now.wall.seconds - then.seen_at(jumping.now);
                assert!(ago >= -2, "{ago} seconds ago{}", jumping.story());
            }
        }
        assert_eq!(steady.history, jumping.history);
    }
}

#[test]
fn every_wait_ends_whether_children_come_or_not() {
    for seed in 1..=LIVES {
        for fate in [Fate::NeverSpawned, Fate::Lives] {
            let mut world = live(seed);
            world.fate = fate;
            world.history.clear();
            let mut turns = 0;
            while world.follow_deadline() || world.hook.is_some() {
                turns += 1;
                let is_endless = world.process.startretries == ENDLESS
                    || world.process.runtime_timeout().is_some();
                if turns > 100 && is_endless {
                    break;
                }
                assert!(turns < 200, "no end{}", world.story());
                // Hooks have their time limit.
                if world.hook.is_some() {
                    world.feed(ended(true));
                }
                // Nobody survives SIGKILL.
                if world.machine.state() == Stopping {
                    world.feed(Input::Reaped(Termination::Signaled {
                        signal: libc::SIGKILL,
                        core_dumped: false,
                    }));
                }
            }
            let state = world.machine.state();
            let runs_on_and_on = turns > 100 && world.process.runtime_timeout().is_some();
            let works = state == Starting && world.process.is_oneshot();
            assert!(
                runs_on_and_on
                    || works
                    || matches!(state, Stopped | Running | Exited | Fatal | Unknown)
                    || (state == Backoff && !world.restarts_allowed)
                    || world.process.startretries == ENDLESS
                    || (state == Stopping && world.process.stopwaitsecs == ENDLESS),
                "{state:?}{}",
                world.story()
            );
        }
    }
}

#[test]
fn children_that_end_at_once_keep_nobody_busy() {
    for seed in 1..=200 {
        let mut world = live(seed);
        world.fate = Fate::Stillborn;
        world.history.clear();
        let mut in_a_row = 0;
        for _ in 0..500 {
            let before = world.now.monotonic;
            if world.child.is_some() && world.machine.state() != Running {
                world.feed(exited(1));
            }
            if !world.follow_deadline() {
                break;
            }
            in_a_row = if world.now.monotonic == before {
                in_a_row + 1
            } else {
                0
            };
            assert!(in_a_row <= BURST, "no pause{}", world.story());
        }
    }
}

#[test]
fn a_child_that_survives_its_kills_keeps_nobody_busy() {
    for stopwaitsecs in [i64::MIN, -2, 0, 1, 7, i64::MAX] {
        let mut world = World::new(1);
        world.fate = Fate::Lives;
        world.process.stopwaitsecs = stopwaitsecs;
        world.process.policy = None;
        world.feed(Input::Start);
        world.feed(Input::Stop);
        world.follow_deadline();
        for _ in 0..5 {
            let before = world.now.monotonic;
            world.follow_deadline();
            let waited = world.now.monotonic.since(before);
            assert!(waited >= Duration::from_secs(1), "{waited:?}");
            if stopwaitsecs == i64::MAX {
                break;
            }
        }
    }
}

/// The inputs that the supervisor never feeds: notices of children that are not there.
#[test]
fn a_notice_of_nobody_changes_nothing() {
    for seed in 1..=LIVES {
        let mut world = live(seed);
        let mut stray = vec![Input::Spawned(9), Input::SpawnFailed("no".into())];
        if world.child.is_none() {
            stray.extend([
                exited(0),
                Input::StopFailed("EPERM".into()),
                Input::SignalFailed("EPERM".into()),
            ]);
        }
        for input in stray {
            let before = format!("{:?}", world.machine);
            let effects = world
                .machine
                .step(&world.process, input.clone(), world.now, true);
            assert_eq!(effects, [], "{input:?}{}", world.story());
            assert_eq!(format!("{:?}", world.machine), before, "{input:?}");
        }
    }
}
