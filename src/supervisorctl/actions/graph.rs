//! `graph`: what depends on what, as a tree with states: below each process what it needs.

use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::names::display_name;
use crate::supervisorctl::patterns::{self, Meant};
use crate::supervisorctl::reply::{DependencyInfo, NeedInfo, ProcessInfo};
use crate::supervisorctl::session::Session;
use crate::vec_map::VecMap;
use crate::xmlrpc::fault::FaultCode;

/// `graph [NAME…]`
pub fn graph(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let dependencies = match session.try_call("getDependencies", &[])? {
        Ok(reply) => reply.dependencies()?,
        Err(fault) if fault.is(FaultCode::UnknownMethod) => {
            return session.refuse("ERROR: this supervisord knows no dependencies");
        }
        Err(fault) => return Err(fault.into()),
    };
    let processes = session.processes()?;
    let tree = Tree::new(&processes, &dependencies);
    if words.is_empty() {
        return print(session, &tree.lines(&tree.roots()));
    }
    for (word, meant) in words.iter().zip(patterns::each(words, &processes)) {
        let rows: Vec<&ProcessInfo> = match meant {
            Meant::Several(rows) => rows,
            Meant::Name => processes
                .iter()
                .filter(|row| patterns::is_named(row, word))
                .collect(),
            Meant::Nothing => Vec::new(),
        };
        if rows.is_empty() {
            session.refuse(&format!("{word}: ERROR (no such process)"))?;
            session.hints.add_unknown(word, Sought::Processes);
            continue;
        }
        for row in rows {
            let name = row.display_name();
            print(session, &tree.lines(&[&name]))?;
            let dependants = tree.dependants(row);
            if !dependants.is_empty() {
                session.print(&format!("needed by {}", dependants.join(", ")))?;
            }
        }
    }
    Ok(())
}

fn print(session: &mut Session, lines: &[String]) -> Result<(), Failure> {
    lines.iter().try_for_each(|line| session.print(line))
}

const NOT_THERE: &str = "not there";

/// What is drawn, by the names that are shown.
struct Tree<'a> {
    /// In the server's order, each with its state and, while it waits, for what.
    processes: Vec<(String, String)>,
    needs: VecMap<String, &'a [NeedInfo]>,
}

/// How far lines are moved to the right, in bytes: what is deeper stands below each other.
const WIDEST: usize = 400;

/// Lines that are not drawn yet: how deep they are, and where the branches go on.
struct Branch {
    name: String,
    label: String,
    /// Of what is not one process.
    state: &'static str,
    prefix: String,
    is_last: bool,
    is_root: bool,
}

impl<'a> Tree<'a> {
    fn new(processes: &[ProcessInfo], dependencies: &'a [DependencyInfo]) -> Tree<'a> {
        let shown = |row: &ProcessInfo| {
            let state = match row.description.starts_with("waiting for ") {
                true => format!("{} ({})", row.statename, row.description),
                false => row.statename.clone(),
            };
            (row.display_name(), state)
        };
        let needs = dependencies.iter().map(|row| {
            let name = display_name(&row.group, &row.name);
            (name, row.depends_on.as_slice())
        });
        let mut tree = Tree {
            processes: processes.iter().map(shown).collect(),
            needs: VecMap::new(),
        };
        tree.needs.extend(needs);
        tree
    }

    /// Those that nobody depends on.
    fn roots(&self) -> Vec<&str> {
        let mut needed: VecMap<String, ()> = VecMap::new();
        for need in self.needs.values().copied().flatten() {
            needed.insert(need.display_name(), ());
        }
        let names = self.processes.iter().map(|(name, _)| name.as_str());
        names.filter(|name| !needed.contains_key(*name)).collect()
    }

    fn dependants(&self, row: &ProcessInfo) -> Vec<String> {
        let needs = self.needs.iter();
        let is_it = |need: &NeedInfo| need.is_of(&row.group, &row.name);
        let found = needs.filter(|(_, needs)| needs.iter().any(is_it));
        found.map(|(name, _)| name.clone()).collect()
    }

    /// What a process needs is drawn below it where it comes first, and not again.
    fn lines(&self, roots: &[&str]) -> Vec<String> {
        let mut states: VecMap<&str, &str> = VecMap::new();
        let processes = self.processes.iter();
        states.extend(processes.map(|(name, state)| (name.as_str(), state.as_str())));
        let roots = roots.iter().rev().map(|name| Branch {
            name: (*name).to_owned(),
            label: (*name).to_owned(),
            state: NOT_THERE,
            prefix: String::new(),
            is_last: true,
            is_root: true,
        });
        let mut open: Vec<Branch> = roots.collect();
        let mut drawn: VecMap<String, ()> = VecMap::new();
        let mut lines = Vec::new();
        while let Some(branch) = open.pop() {
            let state = states.get(branch.name.as_str()).copied();
            let needs = self.needs.get(&branch.name).copied().unwrap_or_default();
            let is_again = drawn.insert(branch.name.clone(), ()).is_some() && !needs.is_empty();
            let (mark, below) = match (branch.is_root, branch.is_last) {
                (true, _) => ("", ""),
                (false, true) => ("`-- ", "    "),
                (false, false) => ("|-- ", "|   "),
            };
            let again = if is_again { " (see above)" } else { "" };
            lines.push(format!(
                "{}{mark}{}  {}{again}",
                branch.prefix,
                branch.label,
                state.unwrap_or(branch.state)
            ));
            if is_again {
                continue;
            }
            let prefix = match branch.prefix.len() < WIDEST {
                true => format!("{}{below}", branch.prefix),
                false => branch.prefix,
            };
            for (place, need) in needs.iter().enumerate().rev() {
                open.push(Branch {
                    name: need.display_name(),
                    label: need.label(),
                    state: match (need.is_for_many(), need.is_met) {
                        (false, _) => NOT_THERE,
                        (true, true) => "all are as wanted",
                        (true, false) => "not all are as wanted",
                    },
                    prefix: prefix.clone(),
                    is_last: place + 1 == needs.len(),
                    is_root: false,
                });
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, state: &str, description: &str) -> ProcessInfo {
        ProcessInfo {
            group: name.to_owned(),
            name: name.to_owned(),
            statename: state.to_owned(),
            description: description.to_owned(),
            ..ProcessInfo::default()
        }
    }

    fn need(name: &str, condition: &str, is_optional: bool) -> NeedInfo {
        NeedInfo {
            group: name.to_owned(),
            name: name.to_owned(),
            condition: condition.to_owned(),
            is_optional,
            is_met: false,
        }
    }

    fn depends(name: &str, depends_on: Vec<NeedInfo>) -> DependencyInfo {
        DependencyInfo {
            group: name.to_owned(),
            name: name.to_owned(),
            statename: String::new(),
            depends_on,
        }
    }

    #[test]
    fn a_tree_has_below_each_process_what_it_needs() {
        let processes = [
            row("api", "STOPPED", "waiting for db (BACKOFF)"),
            row("cache", "RUNNING", "pid 3, uptime 0:00:01"),
            row("db", "BACKOFF", "why"),
            row("disk", "EXITED", "Nov 30 07:30 PM"),
            row("idle", "STOPPED", "Not started"),
            row("worker", "RUNNING", ""),
        ];
        let dependencies = [
            depends(
                "api",
                vec![need("db", "running", false), need("cache", "started", true)],
            ),
            depends("db", vec![need("disk", "exited", false)]),
            depends("worker", vec![need("db", "running", false)]),
        ];
        let tree = Tree::new(&processes, &dependencies);
        assert_eq!(
            tree.lines(&tree.roots()),
            [
                "api  STOPPED (waiting for db (BACKOFF))",
                "|-- db  BACKOFF",
                "|   `-- disk(exited)  EXITED",
                "`-- cache?(started)  RUNNING",
                "idle  STOPPED",
                "worker  RUNNING",
                "`-- db  BACKOFF (see above)",
            ]
        );
        assert_eq!(tree.dependants(&row("db", "", "")), ["api", "worker"]);
    }

    #[test]
    fn many_of_a_group_are_one_branch() {
        let mut many = need("db", "running", false);
        many.name = "*".to_owned();
        let dependencies = [depends("api", vec![many])];
        let mut member = row("db", "RUNNING", "");
        member.name = "db_01".to_owned();
        let processes = [row("api", "STOPPED", ""), member];
        let tree = Tree::new(&processes, &dependencies);
        let lines = ["api  STOPPED", "`-- db:*  not all are as wanted"];
        assert_eq!(tree.lines(&["api"]), lines);
        assert_eq!(tree.dependants(&processes[1]), ["api"]);
    }

    #[test]
    fn a_long_chain_was_drawn_further_and_further_to_the_right() {
        let name = |place: usize| format!("p{place}");
        let links = (0..5000).map(|place| {
            let need = need(&name(place + 1), "running", false);
            depends(&name(place), vec![need])
        });
        let dependencies: Vec<DependencyInfo> = links.collect();
        let lines = Tree::new(&[], &dependencies).lines(&["p0"]);
        assert_eq!(lines.len(), 5001);
        assert!(lines.iter().all(|line| line.len() < WIDEST + 30));
    }

    #[test]
    fn what_has_gone_is_told() {
        let dependencies = [depends("api", vec![need("old", "", false)])];
        let tree = Tree::new(&[row("api", "STOPPED", "")], &dependencies);
        assert_eq!(tree.lines(&["api"]), ["api  STOPPED", "`-- old  not there"]);
    }
}
