//! Who depends on whom. Several processes that need the same share one [`Need`], so that a group
//! of thousands that depends on another one is not thousands times thousands.

use std::rc::Rc;

use crate::config::amounts::Limit;
use crate::config::dependencies::{Condition, Dependencies};
use crate::snapshot::saved;
use crate::tokens::ProcessId;
use crate::vec_map::VecMap;

/// A process that depends on others.
#[derive(Clone, Debug)]
pub struct Dependant {
    pub process: Described,
    pub dependencies: Rc<Dependencies>,
}

/// What is to be known of a process.
#[derive(Clone, Debug)]
pub struct Described {
    pub id: ProcessId,
    /// As it is shown.
    pub name: String,
    /// The priorities of its group and its own.
    pub priorities: (i64, i64),
    /// What is waited for where nothing else is said.
    pub default_condition: Condition,
}

/// A process of the graph.
#[derive(Debug)]
pub struct Node {
    pub id: ProcessId,
    pub name: Box<str>,
    pub timeout: Limit,
    /// It goes down and comes up with what it needs.
    pub follows: bool,
    /// Its needs.
    pub needs: Vec<usize>,
    /// The needs that it is a part of, each with its place there.
    pub part_of: Vec<(usize, usize)>,
    /// The longest way down to a process that needs nothing.
    pub rank: u32,
    /// The lowest of its own and of those of all that depend on it.
    pub priorities: (i64, i64),
}

saved! { struct Node { id, name, timeout, follows, needs, part_of, rank, priorities } }

/// Something that processes need.
#[derive(Debug)]
pub struct Need {
    /// As the configuration has it.
    pub name: Box<str>,
    pub is_optional: bool,
    /// The processes that it stands for, each with its condition; none if they have gone.
    pub members: Vec<(usize, Condition)>,
    /// Who needs it.
    pub dependants: Vec<usize>,
}

saved! { struct Need { name, is_optional, members, dependants } }

impl Need {
    /// Whether nothing that is needed is there.
    pub fn has_gone(&self) -> bool {
        self.members.is_empty() && !self.is_optional
    }
}

#[derive(Debug, Default)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub needs: Vec<Need>,
    places: VecMap<ProcessId, usize>,
    /// All nodes, each after those that it needs.
    order: Vec<usize>,
}

saved! { struct Graph { nodes, needs, places, order } }

impl Graph {
    /// `processes` tells what a name stands for now.
    pub fn new(dependants: Vec<Dependant>, processes: impl Fn(&str) -> Vec<Described>) -> Graph {
        let mut graph = Graph::default();
        let mut known: VecMap<(Box<str>, Option<Condition>, bool), usize> = VecMap::new();
        for Dependant {
            process,
            dependencies,
        } in dependants
        {
            let node = graph.node(process);
            let mut needs = Vec::new();
            for dependency in &dependencies.depends_on {
                let key = (
                    dependency.name.clone(),
                    dependency.condition,
                    dependency.is_optional,
                );
                let need = match known.get(&key) {
                    Some(need) => *need,
                    None => {
                        let processes = processes(&dependency.name);
                        let need = graph.need(&key.0, key.1, key.2, processes);
                        known.insert(key, need);
                        need
                    }
                };
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
            for need in &needs {
                if let Some(need) = graph.needs.get_mut(*need) {
                    need.dependants.push(node);
                }
            }
            if let Some(node) = graph.nodes.get_mut(node) {
                node.timeout = dependencies.depends_timeout;
                node.follows = dependencies.depends_restart;
                node.needs = needs;
            }
        }
        graph.rank();
        graph
    }

    /// The place of a process that depends on others or is depended on.
    pub fn place(&self, id: ProcessId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// The processes that depend on one; some may come twice.
    pub fn dependants(&self, node: usize) -> impl Iterator<Item = usize> {
        let parts = self.nodes.get(node).map_or(&[][..], |node| &node.part_of);
        let needs = parts.iter().filter_map(|(need, _)| self.needs.get(*need));
        needs.flat_map(|need| need.dependants.iter().copied())
    }

    fn node(&mut self, process: Described) -> usize {
        if let Some(place) = self.places.get(&process.id) {
            return *place;
        }
        let place = self.nodes.len();
        self.places.insert(process.id, place);
        self.nodes.push(Node {
            id: process.id,
            name: process.name.into(),
            timeout: Limit::Infinity,
            follows: false,
            needs: Vec::new(),
            part_of: Vec::new(),
            rank: 0,
            priorities: process.priorities,
        });
        place
    }

    fn need(
        &mut self,
        name: &str,
        condition: Option<Condition>,
        is_optional: bool,
        processes: Vec<Described>,
    ) -> usize {
        let need = self.needs.len();
        let mut members = Vec::with_capacity(processes.len());
        for process in processes {
            let condition = condition.unwrap_or(process.default_condition);
            let node = self.node(process);
            if let Some(node) = self.nodes.get_mut(node) {
                node.part_of.push((need, members.len()));
            }
            members.push((node, condition));
        }
        self.needs.push(Need {
            name: name.into(),
            is_optional,
            members,
            dependants: Vec::new(),
        });
        need
    }

    /// Gives all their ranks, and what is needed the priorities of those that need it. One
    /// configuration has no circles, but groups of several readings may make one: it is cut.
    fn rank(&mut self) {
        let mut open: Vec<usize> = self.needs.iter().map(|need| need.members.len()).collect();
        let mut unmet: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let counts = node.needs.iter().filter_map(|need| open.get(*need));
            unmet.push(counts.filter(|count| **count > 0).count());
        }
        let mut is_ranked = vec![false; self.nodes.len()];
        let mut ranks = vec![0; self.needs.len()];
        let zero = |(place, count): (usize, &usize)| (*count == 0).then_some(place);
        let mut ready: Vec<usize> = unmet.iter().enumerate().filter_map(zero).collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut next = 0;
        loop {
            while let Some(place) = ready.pop() {
                if std::mem::replace(&mut is_ranked[place], true) {
                    continue;
                }
                order.push(place);
                let rank = self.nodes[place].rank + 1;
                for at in 0..self.nodes[place].part_of.len() {
                    let need = self.nodes[place].part_of[at].0;
                    open[need] -= 1;
                    ranks[need] = rank.max(ranks[need]);
                    if open[need] > 0 {
                        continue;
                    }
                    for &dependant in &self.needs[need].dependants {
                        let node = &mut self.nodes[dependant];
                        node.rank = node.rank.max(ranks[need]);
                        unmet[dependant] -= 1;
                        if unmet[dependant] == 0 {
                            ready.push(dependant);
                        }
                    }
                }
            }
            // Whoever is left is in a circle, or needs somebody who is.
            let left = (next..self.nodes.len()).find(|place| !is_ranked[*place]);
            let Some(left) = left else { break };
            next = left;
            self.cut(left, &open);
            ready.push(left);
        }
        self.order = order;
        self.weigh();
    }

    /// What is needed gets the priorities of those that need it, where they are lower.
    pub(super) fn weigh(&mut self) {
        for &place in self.order.iter().rev() {
            let (group, own) = self.nodes[place].priorities;
            for at in 0..self.nodes[place].needs.len() {
                let need = self.nodes[place].needs[at];
                for &(member, _) in &self.needs[need].members {
                    let priorities = &mut self.nodes[member].priorities;
                    *priorities = (priorities.0.min(group), priorities.1.min(own));
                }
            }
        }
    }

    /// Takes from a process those of its needs that are in the way.
    fn cut(&mut self, place: usize, open: &[usize]) {
        let needs = std::mem::take(&mut self.nodes[place].needs);
        for need in needs {
            match open[need] {
                0 => self.nodes[place].needs.push(need),
                _ => self.needs[need].dependants.retain(|other| *other != place),
            }
        }
    }
}
