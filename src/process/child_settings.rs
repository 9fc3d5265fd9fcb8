//! What the daemon gives to every child, and where it puts their files.

use std::os::fd::{BorrowedFd, RawFd};
use std::rc::Rc;

use crate::config::{Process, Sockets, sockets};
use crate::loggers::form::Column;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::LogUse;
use crate::process::environment::{self, Environment};
use crate::process::fcgi::Hosts;
use crate::process::identity;
use crate::process::rights;
use crate::snapshot::saved;
use crate::sys::foreground::Terminal;
use crate::sys::signals::Mask;
use crate::sys::spawn::Step;

/// Settings of `[supervisord]` that children depend on. A reread changes them at once.
#[derive(Clone, Debug)]
pub struct ChildSettings {
    /// The environment that supervisord was started with.
    pub environment: Environment,
    /// Where supervisord can be reached; `None` without a server.
    pub server_url: Option<String>,
    /// Names automatic log files.
    pub identifier: String,
    /// Holds automatic log files.
    pub childlogdir: String,
    /// Remove ANSI sequences from what children write.
    pub strip_ansi: bool,
    /// How much of the end of an output is in memory where no file has it, in bytes.
    pub childlog_ring: u64,
    /// The longest name of a process, for the column of names before lines.
    pub name_width: usize,
    /// Whether names before lines may be coloured on a terminal.
    pub is_coloured: bool,
    /// Descriptors below this are closed in children where the system has no better way.
    pub minfds: i32,
    /// Addresses of the hosts that sockets of FastCGI programs name.
    pub hosts: Hosts,
    /// Whether supervisord has become another user than the one who started it.
    pub is_other_user: bool,
    /// The blocked signals that supervisord was started with.
    pub mask: Mask,
    /// What a program with supervisord's own streams is lent.
    pub terminal: Option<Rc<Terminal>>,
}

saved! {
    struct ChildSettings {
        environment, server_url, identifier, childlogdir, strip_ansi, childlog_ring,
        name_width, is_coloured, minfds, hosts, is_other_user, mask, terminal,
    }
}

/// Adds what a child has besides its streams: listening sockets, of which it is told, and a
/// descriptor under a number of its own.
pub fn add_descriptors<'a>(
    steps: &mut Vec<Step<'a>>,
    process: &'a Process,
    sockets: &[BorrowedFd<'a>],
    other: Option<(BorrowedFd<'a>, RawFd)>,
) {
    let numbered = sockets.iter().copied().zip(sockets::FIRST..);
    let all: Vec<(BorrowedFd<'a>, RawFd)> = numbered.chain(other).collect();
    let is_place = |step: &Step<'_>| matches!(step, Step::CloseOthers(_));
    if let Some(place) = steps.iter().position(is_place).filter(|_| !all.is_empty()) {
        steps.insert(place, Step::Descriptors(all));
    }
    // Whatever files and the configuration say of the same variables.
    if let Some(Sockets(all)) = process.sockets.as_deref() {
        let names = all.iter().map(|named| named.name.as_str());
        steps.push(Step::TellSockets(names.collect()));
    }
}

/// Adds the control group that a child is in. It joins before anything of it is counted or limited.
pub fn add_control_group<'a>(steps: &mut Vec<Step<'a>>, path: Option<&'a str>) {
    let place = steps
        .iter()
        .position(|step| matches!(step, Step::Signals(_)));
    if let (Some(place), Some(path)) = (place, path) {
        steps.insert(place + 1, Step::ControlGroup(path));
    }
}

impl ChildSettings {
    /// The column of names before the lines of a process in that log.
    pub fn column(&self, context: &mut LoopContext, log: &LogUse, process: &str) -> Column {
        let colour = self.is_coloured.then(|| context.colour_in(log, process));
        Column {
            width: self.name_width,
            colour: colour.flatten(),
        }
    }

    /// What a child does before exec, in the order of 4.3.0.
    pub fn steps<'a>(&'a self, process: &'a Process) -> Vec<Step<'a>> {
        let mut steps = vec![Step::ProcessGroup];
        if process.inherits_streams {
            let lent = self.terminal.as_ref().and_then(|terminal| terminal.lend());
            steps.extend(lent.map(Step::TakeTerminal));
        }
        steps.push(Step::Signals(self.mask));
        steps.extend(rights::first(process));
        steps.extend([Step::Streams, Step::CloseOthers(self.minfds)]);
        // What only root may read is read before it is another user.
        steps.extend(environment::step(process));
        let identity = identity::step(process);
        let has_own_user = !matches!(identity, None | Some(Step::Groups(_)));
        // The terminal belongs to who has started supervisord.
        if (has_own_user || self.is_other_user) && !process.inherits_streams {
            steps.push(Step::LeaveTerminal);
        }
        // No file is opened after them but the program, and root alone can raise them.
        steps.extend(rights::limits(process));
        steps.extend(identity);
        steps.extend(process.directory.as_deref().map(Step::Directory));
        steps.extend(process.umask.map(Step::Umask));
        steps.extend(rights::last(process));
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rights::{Bounds, Rights};
    use crate::config::{Address, FastCgiSocket, NamedSocket};
    use crate::process::machine::tests::process;
    use crate::signal::Signal;
    use std::os::fd::AsFd;

    fn settings() -> ChildSettings {
        ChildSettings {
            environment: Environment::new(),
            server_url: None,
            identifier: String::new(),
            childlogdir: String::new(),
            strip_ansi: false,
            childlog_ring: 0,
            name_width: 0,
            is_coloured: false,
            minfds: 1024,
            hosts: Hosts::default(),
            is_other_user: false,
            mask: Mask::current().unwrap(),
            terminal: None,
        }
    }

    fn told(change: impl FnOnce(&mut Process)) -> Vec<String> {
        let mut process = process();
        change(&mut process);
        let settings = settings();
        let mut steps = settings.steps(&process);
        let has_group = process.resources.is_some();
        add_control_group(&mut steps, has_group.then_some("/group"));
        steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_program_without_rights_takes_the_usual_steps() {
        assert_eq!(
            told(|_| ()),
            [
                "set process group",
                "reset signals",
                "set up descriptors",
                "close descriptors",
            ]
        );
    }

    #[test]
    fn rights_are_set_in_their_order() {
        let bounds = |soft, hard| {
            let (soft, hard) = (Some(soft), Some(hard));
            Some(Bounds { soft, hard })
        };
        let steps = told(|process| {
            process.uid = Some(4_000_000_000);
            process.directory = Some("/x".to_owned());
            process.umask = Some(0o22);
            process.resources = Some(Box::default());
            process.rights = Some(Box::new(Rights {
                rlimit_nofile: bounds(64, 128),
                rlimit_core: bounds(0, 0),
                rlimit_rtprio: Some(Bounds::default()),
                nice: Some(5),
                oom_score_adj: Some(-7),
                no_new_privs: true,
                prsetpdeathsig: Some(Signal::KILL),
                ..Rights::default()
            }));
        });
        assert_eq!(
            steps,
            [
                "set process group",
                "reset signals",
                "join control group /group",
                "set oom_score_adj to -7",
                "set nice to 5",
                "set up descriptors",
                "close descriptors",
                "leave the terminal",
                "set rlimit_nofile to 64:128",
                "set rlimit_core to 0:0",
                "set rlimit_rtprio to infinity:infinity",
                "setuid to 4000000000",
                "chdir to /x",
                "set umask",
                "set prsetpdeathsig",
                "set no_new_privs",
            ]
        );
    }

    #[test]
    fn sockets_are_placed_before_others_are_closed_and_told_of_at_the_end() {
        let mut process = process();
        process.directory = Some("/x".to_owned());
        let named = ["a", "b"].map(|name| NamedSocket {
            name: name.to_owned(),
            socket: FastCgiSocket {
                address: Address::Inet {
                    host: "h".to_owned(),
                    port: 80,
                },
                backlog: None,
            },
        });
        process.sockets = Some(Rc::new(Sockets(named.into())));
        let settings = settings();
        let pipe = crate::sys::fd::pipe().unwrap();
        let [one, other] = [pipe.read.as_fd(), pipe.write.as_fd()];
        let mut steps = settings.steps(&process);
        add_descriptors(&mut steps, &process, &[one, other], Some((one, 9)));
        let told: Vec<String> = steps.iter().map(ToString::to_string).collect();
        assert_eq!(
            told[2..],
            [
                "set up descriptors",
                "set up descriptor 9",
                "close descriptors",
                "chdir to /x",
                "tell of sockets"
            ]
        );
        let numbers = steps.iter().find_map(|step| match step {
            Step::Descriptors(all) => Some(all.iter().map(|(_, number)| *number).collect()),
            _ => None,
        });
        assert_eq!(numbers, Some(vec![3, 4, 9]));
        // A program with neither takes the usual steps.
        process.sockets = None;
        let mut steps = settings.steps(&process);
        let before = steps.len();
        add_descriptors(&mut steps, &process, &[], None);
        assert_eq!(steps.len(), before);
    }

    #[test]
    fn groups_that_supervisord_does_not_have_are_a_step_of_their_own() {
        let groups = |groups: Vec<u32>| {
            told(|process| {
                process.directory = Some("/x".to_owned());
                process.rights = Some(Box::new(Rights {
                    supplementary_groups: groups,
                    ..Rights::default()
                }));
            })
        };
        let own = crate::sys::process::effective_gid();
        assert_eq!(groups(vec![own]).len(), 5);
        let steps = groups(vec![own, 4_000_000]);
        assert_eq!(steps[4..], ["set supplementary_groups", "chdir to /x"]);
    }
}
