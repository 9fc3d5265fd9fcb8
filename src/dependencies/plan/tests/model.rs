//! Random graphs of up to 50 processes, whose plan is held against a slow one that looks at
//! everything each time.

use std::collections::{BTreeSet, VecDeque};

use super::*;

const WORLDS: u64 = 100;
const OPERATIONS: usize = 150;

/// xorshift64
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[derive(Clone, Debug)]
struct Slow {
    /// For each process what it needs: whom, how, and whether that is optional.
    needs: Vec<Vec<(usize, Condition, bool)>>,
    follows: Vec<bool>,
    observed: Vec<Observed>,
    wish: Vec<Option<(Cause, Option<Monotonic>)>>,
    is_made: Vec<bool>,
    is_leaving: Vec<bool>,
    is_told: Vec<bool>,
    came_along: Vec<bool>,
}

type Steps = BTreeSet<String>;

impl Slow {
    fn all(&self) -> std::ops::Range<usize> {
        0..self.needs.len()
    }

    fn blocks(&self, (whom, condition, is_optional): (usize, Condition, bool)) -> bool {
        let observed = self.observed[whom];
        let is_met = observed.meets(condition) && !self.is_leaving[whom];
        let comes = observed.is_coming() || self.wish[whom].is_some();
        !is_met && (!is_optional || comes)
    }

    fn waits(&self, node: usize) -> bool {
        self.wish[node].is_some() && !self.is_made[node] && !self.is_leaving[node]
    }

    /// Those that need a process in vain, and not only if it is there.
    fn blocked_by(&self, node: usize) -> Vec<usize> {
        let needs = |other: &usize| {
            let mut needs = self.needs[*other].iter();
            needs.any(|need| need.0 == node && !need.2 && self.blocks(*need))
        };
        self.all().filter(needs).collect()
    }

    fn settle(&mut self, steps: &mut Steps) {
        for node in self.all() {
            let is_ready = self.waits(node)
                && self.observed[node].is_startable()
                && !self.needs[node].iter().any(|need| self.blocks(*need));
            if is_ready {
                self.is_made[node] = true;
                steps.insert(format!("start {node}"));
            }
        }
        for node in self.all() {
            let is_going = self.observed[node].state == ProcessState::Stopping;
            let is_last = !self.all().any(|other| {
                self.is_leaving[other] && self.needs[other].iter().any(|need| need.0 == node)
            });
            if self.is_leaving[node] && !self.is_told[node] && (is_last || is_going) {
                self.is_told[node] = true;
                let word = if self.came_along[node] {
                    "follow"
                } else {
                    "stop"
                };
                steps.insert(format!("{word} {node}"));
            }
        }
    }

    fn fail(&mut self, mut open: Vec<usize>, steps: &mut Steps) {
        let mut seen = BTreeSet::new();
        while let Some(node) = open.pop() {
            if !self.waits(node) || !seen.insert(node) {
                continue;
            }
            open.extend(self.blocked_by(node));
            if self.wish[node].is_some_and(|(cause, _)| cause == Cause::Request) {
                self.wish[node] = None;
                steps.insert(format!("fail {node}"));
            }
        }
    }

    fn want(&mut self, node: usize, cause: Cause, now: Monotonic) -> Steps {
        let mut steps = Steps::new();
        let mut wanted = BTreeSet::from([node]);
        let pulls = cause != Cause::Restart;
        loop {
            let mut more = wanted.clone();
            for need in wanted
                .iter()
                .filter(|_| pulls)
                .flat_map(|node| &self.needs[*node])
            {
                let (whom, _, is_optional) = *need;
                let is_down = !self.observed[whom].is_coming()
                    && self.observed[whom].state != ProcessState::Unknown;
                if !is_optional && self.blocks(*need) && (is_down || self.wish[whom].is_some()) {
                    more.insert(whom);
                }
            }
            if more == wanted {
                break;
            }
            wanted = more;
        }
        let until = (cause == Cause::Request).then_some(now + TIMEOUT);
        for &other in &wanted {
            let takes_over = other == node
                && cause == Cause::Request
                && self.wish[other].is_some_and(|(cause, _)| cause != Cause::Request);
            if self.wish[other].is_none() || takes_over {
                self.wish[other] = Some((cause, until));
            }
        }
        self.settle(&mut steps);
        if cause == Cause::Request {
            let is_hopeless = |other: &usize| {
                self.waits(*other)
                    && self.needs[*other].iter().any(|need| {
                        let (whom, condition, _) = *need;
                        self.blocks(*need)
                            && self.wish[whom].is_none()
                            && self.observed[whom].has_failed(condition)
                    })
            };
            let hopeless = wanted.iter().copied().filter(is_hopeless).collect();
            self.fail(hopeless, &mut steps);
        }
        self.settle(&mut steps);
        steps
    }

    fn leave(&mut self, nodes: &[usize], along: &BTreeSet<usize>) {
        for (&node, came_along) in along
            .iter()
            .map(|node| (node, true))
            .chain(nodes.iter().map(|node| (node, false)))
        {
            if self.is_leaving[node] || self.observed[node].has_ended() {
                continue;
            }
            self.is_leaving[node] = true;
            self.is_told[node] = false;
            self.came_along[node] = came_along;
            if came_along {
                self.wish[node] = Some((Cause::Return, None));
                self.is_made[node] = false;
            }
        }
    }

    fn followers(&self, nodes: &[usize]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        loop {
            let before = found.len();
            for other in self.all() {
                let follows = self.needs[other].iter().any(|need| {
                    need.1 != Condition::Exited
                        && (nodes.contains(&need.0) || found.contains(&need.0))
                });
                if follows && self.follows[other] && self.observed[other].is_up() {
                    found.insert(other);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    fn stop(&mut self, nodes: &[usize]) -> Steps {
        let mut steps = Steps::new();
        for &node in nodes {
            self.wish[node] = None;
            self.came_along[node] = false;
        }
        let mut along = self.followers(nodes);
        along.retain(|node| !nodes.contains(node));
        self.settle(&mut steps);
        self.leave(nodes, &along);
        self.settle(&mut steps);
        steps
    }

    fn observe(&mut self, node: usize, observed: Observed, has_left: bool) -> Steps {
        let mut steps = Steps::new();
        self.observed[node] = observed;
        if self.is_made[node] || (observed.is_up() && !self.is_leaving[node]) {
            self.wish[node] = None;
            self.is_made[node] = false;
        }
        if self.is_leaving[node] && observed.has_ended() {
            self.is_leaving[node] = false;
            if observed.comes_back {
                steps.insert(format!("stop {node}"));
            }
        }
        if has_left {
            let along = self.followers(&[node]);
            self.leave(&[], &along);
        }
        self.settle(&mut steps);
        if self.wish[node].is_none() {
            let failed = self.all().filter(|other| {
                self.needs[*other]
                    .iter()
                    .any(|need| need.0 == node && !need.2 && observed.has_failed(need.1))
            });
            self.fail(failed.collect(), &mut steps);
        }
        self.settle(&mut steps);
        steps
    }

    fn due(&mut self, node: usize, now: Monotonic) -> Steps {
        let mut steps = Steps::new();
        let until = self.wish[node].and_then(|(_, until)| until);
        if self.waits(node) && until.is_some_and(|until| until <= now) {
            self.fail(vec![node], &mut steps);
        }
        self.settle(&mut steps);
        steps
    }
}

fn observation(random: &mut Random) -> Observed {
    use ProcessState::*;
    let states = [
        Stopped, Starting, Running, Running, Running, Backoff, Stopping, Exited, Exited, Fatal,
        Unknown,
    ];
    let state = states[random.below(states.len())];
    let comes_back = match state {
        Backoff => true,
        Exited => random.below(3) == 0,
        _ => false,
    };
    Observed {
        state,
        comes_back,
        has_child: matches!(state, Running | Stopping) || state == Starting && random.below(2) == 0,
        has_succeeded: state == Exited && random.below(2) == 0,
        is_healthy: random.below(2) == 0,
        is_disabled: false,
    }
}

/// What a plan and the slow one are made of.
fn world(random: &mut Random) -> (Graph, Slow) {
    let conditions = [
        Condition::Running,
        Condition::Running,
        Condition::Healthy,
        Condition::Exited,
        Condition::Started,
    ];
    let count = 2 + random.below(49);
    let mut text = String::new();
    let mut needs = Vec::new();
    let mut follows = Vec::new();
    for node in 0..count {
        let mut own: Vec<(usize, Condition, bool)> = Vec::new();
        for _ in 0..random.below(4).min(node) {
            let whom = random.below(node);
            if !own.iter().any(|need| need.0 == whom) {
                let condition = conditions[random.below(conditions.len())];
                own.push((whom, condition, random.below(4) == 0));
            }
        }
        let words = own.iter().map(|(whom, condition, is_optional)| {
            let mark = if *is_optional { "?" } else { "" };
            format!("{whom}{mark}({})", condition.word())
        });
        let words: Vec<String> = words.collect();
        let star = if random.below(3) == 0 { "*" } else { "" };
        follows.push(!star.is_empty());
        text.push_str(&format!("{star}{node}: {}\n", words.join(" ")));
        needs.push(own);
    }
    let (graph, _) = graph(text.trim_end());
    let slow = Slow {
        needs,
        follows,
        observed: vec![Observed::default(); count],
        wish: vec![None; count],
        is_made: vec![false; count],
        is_leaving: vec![false; count],
        is_told: vec![false; count],
        came_along: vec![false; count],
    };
    (graph, slow)
}

fn shown(steps: &[Step]) -> Vec<String> {
    let words = steps.iter().filter_map(|step| match step {
        Step::Start(id, _) => Some(format!("start {}", id.index)),
        Step::Fail(id) => Some(format!("fail {}", id.index)),
        Step::Follow(id) => Some(format!("follow {}", id.index)),
        Step::Stop(id) => Some(format!("stop {}", id.index)),
        Step::Wait(_) | Step::StillWaits(_) => None,
    });
    words.collect()
}

#[test]
fn a_plan_decides_as_one_does_that_looks_at_everything() {
    for seed in 1..=WORLDS {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (graph, mut slow) = world(&mut random);
        let count = slow.needs.len();
        let mut plan = Plan::new(graph, |_| Observed::default(), &Plan::default());
        let mut now = at(1000);
        // Starts that are to be made.
        let mut queue: VecDeque<usize> = VecDeque::new();
        for number in 0..OPERATIONS {
            let mut steps = Vec::new();
            let node = random.below(count);
            let (what, expected) = match (queue.pop_front(), random.below(10)) {
                (Some(node), _) => {
                    let observed = observation(&mut random);
                    plan.observe(id(node), observed, false, now, &mut steps);
                    let what = format!("{node} was started: {observed:?}");
                    (what, slow.observe(node, observed, false))
                }
                (None, 0..=2) => {
                    let causes = [
                        Cause::Autostart,
                        Cause::Request,
                        Cause::Request,
                        Cause::Restart,
                    ];
                    let cause = causes[random.below(4)];
                    plan.want(id(node), cause, now, &mut steps);
                    (format!("{node} by {cause:?}"), slow.want(node, cause, now))
                }
                (None, 3..=7) => {
                    let was_running = slow.observed[node].state == ProcessState::Running;
                    let observed = observation(&mut random);
                    let has_left = was_running && observed.state != ProcessState::Running;
                    plan.observe(id(node), observed, has_left, now, &mut steps);
                    let what = format!("{node} is {observed:?}");
                    (what, slow.observe(node, observed, has_left))
                }
                (None, 8) => {
                    let mut nodes: Vec<usize> = (0..1 + random.below(6))
                        .map(|_| random.below(count))
                        .collect();
                    nodes.sort_unstable();
                    nodes.dedup();
                    let ids: Vec<ProcessId> = nodes.iter().copied().map(id).collect();
                    plan.stop(&ids, now, &mut steps);
                    (format!("stop {nodes:?}"), slow.stop(&nodes))
                }
                (None, _) => {
                    now = now + Duration::from_secs(random.below(100) as u64);
                    plan.due(id(node), now, &mut steps);
                    (format!("{node} is due"), slow.due(node, now))
                }
            };
            let found = shown(&steps);
            let set: Steps = found.iter().cloned().collect();
            let context = format!("seed {seed}, operation {number}: {what}");
            assert_eq!(set.len(), found.len(), "{context}: {found:?}");
            assert_eq!(set, expected, "{context}");
            for node in 0..count {
                assert_eq!(
                    plan.waits(id(node)),
                    slow.waits(node),
                    "{context}: {node} waits"
                );
                let unmet = slow.needs[node].iter().any(|need| slow.blocks(*need));
                let is_missing = !plan.missing(id(node)).is_empty();
                assert_eq!(
                    is_missing,
                    slow.waits(node) && unmet,
                    "{context}: {node} misses"
                );
            }
            queue.extend(steps.iter().filter_map(|step| match step {
                Step::Start(id, _) => Some(id.index as usize),
                _ => None,
            }));
        }
    }
}
