//! `[program:x]`, and the keys that listeners and FastCGI programs share with
//! it: one section gives `numprocs` processes.
//!
//! The order of evaluation is the original's, for the first error is the one
//! that is told. Where 4.3.0 refuses to start when the directory of a log file
//! is missing, that is left to the spawn of the process.

use std::rc::Rc;

use super::FastCgiSocket;
use super::accounts;
use super::checks::{self, Checks};
use super::command::Command;
use super::conversion::Replacement;
use super::datatypes;
use super::delivery::{self, Delivery, Shape};
use super::dependencies::Dependencies;
use super::document::PROGRAM_DEFAULT;
use super::error::ConfigError;
use super::expand::{Layer, define};
use super::hooks::{self, Hooks};
use super::job::{CRON, Job};
use super::keeping::{self, Keeping};
use super::key::Fallback::{Derived, Nothing, Required, SameAs, Value};
use super::key::{Key, changed, key};
use super::kill_mode::{KILL_MODE, KillMode};
use super::output::{Output, STDERR, STDOUT};
use super::pairs;
use super::policy::Policy;
use super::resources::Resources;
use super::rights::{self, Rights};
use super::section::{Context, Section, add_environment};
use super::settings::{self, settings};
use super::sockets::{self, Sockets};
use super::stop_signals::StopSignals;
use super::syslog::Syslog;
use super::targets::LogFile;
use super::variables::{self, Variables};
use crate::snapshot::saved;
use crate::sort;
use crate::text::is_space;
use crate::text::json::Json;

pub const PREFIX: &str = "program:";

settings! {
    /// One process as configured, everything expanded.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Process {
        priority: i64 = key("integer", Value("999")),
        autostart: bool = key("boolean", Value("true")),
        autorestart: AutoRestart = changed("boolean|unexpected", Value("unexpected")),
        startsecs: i64 = changed("integer", Value("1")),
        startretries: i64 = changed("integer", Value("3")),
        stopsignal: StopSignals = changed("signals", Value("TERM")),
        stopwaitsecs: i64 = changed("integer", Value("10")),
        stopasgroup: bool = key("boolean", Value("false")),
        killasgroup: bool = key("boolean", SameAs("stopasgroup")),
        /// In file order.
        exitcodes: Vec<i32> = key("list", Value("0")),
        /// Its end is the end of supervisord.
        exit_supervisord: bool = changed("boolean", Value("false")),
    } and {
        name: String,
        numbering: Numbering,
        /// `user`, looked up.
        uid: Option<u32>,
        /// The group that `user` names, looked up; `None` is the user's primary group.
        gid: Option<u32>,
        command: Command,
        directory: Option<String>,
        umask: Option<u32>,
        stdout: Output,
        stderr: Output,
        redirect_stderr: bool,
        /// It has supervisord's own standard streams: no pipes, no logs, and the terminal.
        inherits_streams: bool,
        /// The program's own over `[supervisord]`'s; sorted by name.
        environment: Vec<(String, String)>,
        /// `None` for unset and `AUTO`; empty for an empty key.
        serverurl: Option<String>,
        /// Of an `[fcgi-program:x]` that a `[group:x]` names; one that is a group
        /// of its own has it there.
        socket: Option<FastCgiSocket>,
        /// What else is to be known of its restarts; `None` is [`Policy::default`].
        policy: Option<Box<Policy>>,
        /// How its output is written to its logs; `None` is as it comes.
        delivery: Option<Box<Delivery>>,
        /// What runs beside it when it starts and stops.
        hooks: Option<Box<Hooks>>,
        /// Where its variables come from besides `environment`.
        variables: Option<Box<Variables>>,
        /// Whether it ends, comes by the clock or is limited; `None` is [`Job::default`].
        job: Option<Box<Job>>,
        /// What it depends on; all processes of a section share that.
        dependencies: Option<Rc<Dependencies>>,
        /// How it tells that it is ready, and what tells whether it is healthy; `None` is
        /// [`Checks::default`].
        checks: Option<Box<Checks>>,
        /// Whom a stop reaches, where that is said in one word.
        kill_mode: Option<KillMode>,
        /// What it may take of the machine; `None` is [`Resources::default`].
        resources: Option<Box<Resources>>,
        /// What it may use and may do, where that is not as for supervisord.
        rights: Option<Box<Rights>>,
        /// What supervisord listens on for it; all processes of a section share that.
        sockets: Option<Rc<Sockets>>,
    }
}

/// The priority of a process, which is that of a group too.
pub const PRIORITY: Key = Process::KEYS[0];
pub const REDIRECT_STDERR: Key = key("redirect_stderr", "boolean", Value("false")).of_child();
pub const PROCESS_NAME: Key = key("process_name", "text", Value("%(program_name)s")).of_child();
pub const NUMPROCS: Key = changed("numprocs", "integer", Value("1")).of_nothing();
const NUMPROCS_START: Key = key("numprocs_start", "integer", Value("0")).of_nothing();
const UMASK: Key = key("umask", "octal", Derived("the umask of supervisord")).of_child();

/// The keys of every program.
pub const KEYS: &[&[Key]] = &[
    &[
        changed("command", "command", Required).of_child(),
        PROCESS_NAME,
        NUMPROCS,
        NUMPROCS_START,
        key("directory", "text", Nothing).of_child(),
        UMASK,
    ],
    &Process::KEYS,
    &Policy::KEYS,
    &Job::KEYS,
    &[CRON],
    &Dependencies::KEYS,
    &Checks::KEYS,
    &checks::GO_KEYS,
    &[KILL_MODE],
    &Resources::KEYS,
    &[
        changed("user", "user[:group]", Nothing).of_child(),
        REDIRECT_STDERR,
    ],
    &Rights::KEYS,
    &[rights::SUPPLEMENTARY_GROUPS],
    &STDOUT,
    &STDERR,
    &keeping::STDOUT.files,
    &keeping::STDOUT.ring,
    &keeping::STDERR.files,
    &keeping::STDERR.ring,
    &delivery::STDOUT,
    &delivery::STDERR,
    &Syslog::KEYS,
    &[
        key("environment", "pairs", Nothing).of_child(),
        changed("serverurl", "text", Value("AUTO")).of_child(),
    ],
    &Hooks::KEYS,
    &[hooks::POST_STOP_COMMAND],
    &Variables::KEYS,
    &variables::OTHER_NAMES,
    &sockets::KEYS,
];

impl Process {
    /// The paths of its logs, each with its key.
    pub fn log_paths(&self) -> Vec<(&'static str, &str)> {
        let delivery = self.delivery.as_deref();
        let mut paths = Vec::new();
        for (key, output, shape) in [
            (
                STDOUT[0].name,
                &self.stdout,
                delivery.map(|all| &all.stdout),
            ),
            (
                STDERR[0].name,
                &self.stderr,
                delivery.map(|all| &all.stderr),
            ),
        ] {
            if let LogFile::Path(path) = &output.logfile {
                paths.push((key, path.as_str()));
            }
            let others = shape.into_iter().flat_map(Shape::others);
            paths.extend(others.filter_map(|(_, target)| Some((key, target.path()?))));
        }
        paths
    }
}

/// How the processes of a section are counted, told by `--dump-config`, and which section
/// that is, told by `--check`. To what runs it makes no difference, so any two of them are
/// equal: a `reread` goes by the processes that there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbering {
    pub numprocs: i32,
    /// The number of the first of them.
    pub numprocs_start: i64,
    /// The place of the section among the programs of its `[group:x]`.
    pub member: u16,
}

saved! { struct Numbering { numprocs, numprocs_start, member } }

impl PartialEq for Numbering {
    fn eq(&self, _: &Numbering) -> bool {
        true
    }
}

/// Whether an ended process is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoRestart {
    /// `false`
    Never,
    /// `true`
    Always,
    #[default]
    /// `unexpected`: only if the exit status is not in `exitcodes`.
    Unexpected,
}

saved! { enum AutoRestart { Never, Always, Unexpected } }

/// More processes than this in one section are a slip of the pen, and would
/// fill the memory before anything else could be said about them.
pub const MAX_NUMPROCS: i64 = 100_000;

/// The processes of a section as members of a group, sorted by priority and name.
pub fn processes(
    context: &Context<'_>,
    section: &str,
    group: &str,
    warnings: &mut Vec<String>,
) -> Result<Vec<Process>, ConfigError> {
    evaluate(context, section, group, warnings).map_err(|error| context.in_section(section, error))
}

fn evaluate(
    context: &Context<'_>,
    section: &str,
    group: &str,
    warnings: &mut Vec<String>,
) -> Result<Vec<Process>, ConfigError> {
    let program = datatypes::name(part_after_colon(section))?;
    let mut names = Layer::new();
    define(&mut names, "program_name", &program);
    define(&mut names, "group_name", group);
    names.extend(context.here.clone());
    names.extend(context.host.clone());

    let keys = context.section(section, &[&names]);
    let mut template = Template::read(&keys)?;
    template.process.delivery = Delivery::read(&keys, &program, &context.childlog_format)?;
    let mut processes = Vec::new();
    let Numbering {
        numprocs,
        numprocs_start,
        ..
    } = template.process.numbering;
    let numprocs = i64::from(numprocs);
    for number in numprocs_start..numprocs_start.saturating_add(numprocs) {
        names.insert("process_num".to_owned(), Replacement::Number(number));
        names.insert(NUMPROCS.name.to_owned(), Replacement::Number(numprocs));
        let own = environment(context, section, &mut names)?;
        let mut process = template.process(&context.section(section, &[&names]), own, warnings)?;
        if let Some(made) = context.document.made(section) {
            process.inherits_streams = made.inherits_streams;
            process.environment.extend(made.environment.iter().cloned());
        }
        restore(&mut names, &process.environment, &context.environment);
        processes.push(process);
    }
    sort::by(&mut processes, |a, b| {
        (a.priority, &a.name).cmp(&(b.priority, &b.name))
    });
    Ok(processes)
}

/// What a process defined goes back to the environment's value before the next
/// one; names that only it had stay, as in the original.
fn restore(names: &mut Layer, own: &[(String, String)], environment: &Layer) {
    for (name, _) in own {
        let name = format!("ENV_{name}");
        if let Some(value) = environment.get(&name) {
            names.insert(name, value.clone());
        }
    }
}

/// The `x` of `program:x`, as written.
pub fn part_after_colon(section: &str) -> &str {
    section.split_once(':').map_or("", |(_, name)| name)
}

/// The `x` of `kind:x`, stripped. What is wrong with it is told with the section.
pub fn name_of(context: &Context<'_>, section: &str) -> Result<String, ConfigError> {
    datatypes::name(part_after_colon(section))
        .map_err(|error| context.in_section(section, error.into()))
}

/// The variables of a process: those of `[program-default]`, over them its own. What has
/// one name twice counts with the last. All are among the names from here on.
fn environment(
    context: &Context<'_>,
    section: &str,
    names: &mut Layer,
) -> Result<Vec<(String, String)>, ConfigError> {
    const KEY: &str = "environment";
    let document = context.document;
    let mut all = Vec::new();
    for (section, value) in [
        (PROGRAM_DEFAULT, document.program_default(section, KEY)),
        (section, document.own(section, KEY)),
    ] {
        let section = context.section(section, &[names]);
        let value = section
            .expanded(&value.map_or_else(String::new, |value| value.text), KEY)
            .map_err(|error| section.at(KEY, error))?;
        let pairs = pairs::read(&value).map_err(|error| section.wrong(KEY, &value, error))?;
        add_environment(names, &pairs);
        all.extend(pairs);
    }
    Ok(all)
}

/// What is evaluated once for all processes of a section.
struct Template {
    /// What all have.
    process: Process,
    /// Not expanded yet.
    process_name: String,
}

impl Template {
    fn read(section: &Section<'_>) -> Result<Template, ConfigError> {
        let mut process = Process::read_keys(section)?;
        process.policy = Policy::read(section)?;
        process.job = Job::read(section, &mut process)?;
        process.dependencies = Dependencies::read(section)?;
        process.kill_mode = KillMode::read(section, &mut process)?;
        process.resources = Resources::read(section, process.kill_mode)?;
        process.redirect_stderr = section.read(&REDIRECT_STDERR)?;
        let numprocs: i64 = section.read(&NUMPROCS)?;
        let numprocs_start: i64 = section.read(&NUMPROCS_START)?;
        process.stdout = Output::read_once(section, &STDOUT)?;
        process.stderr = Output::read_once(section, &STDERR)?;
        process.stdout.keeping = Keeping::read(section, &keeping::STDOUT)?;
        process.stderr.keeping = Keeping::read(section, &keeping::STDERR)?;
        process.serverurl = section
            .text("serverurl")?
            .filter(|url| !url.trim_matches(is_space).eq_ignore_ascii_case("auto"));
        let user = section.converted("user", |text| {
            accounts::user_and_group(text, section.system)
        })?;
        process.uid = user.and_then(|user| user.uid);
        process.gid = user.and_then(|user| user.gid);
        process.umask = section.read(&UMASK)?;
        process.rights = Rights::read(section)?;
        process.sockets = Sockets::read(section)?;
        let process_name = section.raw(PROCESS_NAME.name);
        let process_name = process_name.unwrap_or_else(|| settings::fallback(&PROCESS_NAME));
        let process_name = datatypes::name(&process_name)
            .map_err(|error| section.at(PROCESS_NAME.name, error.into()))?;
        if numprocs > 1 && !process_name.contains("%(process_num)") {
            let text = "%(process_num) must be present within process_name when numprocs > 1";
            let error = section.fault_at(NUMPROCS.name, text);
            return Err(error.advising("write process_name=%(program_name)s_%(process_num)02d"));
        }
        if numprocs > MAX_NUMPROCS {
            let number = section.shown(NUMPROCS.name, numprocs.to_string());
            let text =
                format!("numprocs is {number}, but one section can have {MAX_NUMPROCS} at most");
            return Err(section.fault_at(NUMPROCS.name, text));
        }
        if process.stopasgroup && !process.killasgroup {
            let text = "Cannot set stopasgroup=true and killasgroup=false";
            return Err(section.fault_at("killasgroup", text));
        }
        process.numbering = Numbering {
            // Of fewer than none there is none, however many fewer.
            numprocs: i32::try_from(numprocs).unwrap_or(i32::MIN),
            // Room for counting up stays at the end of the range.
            numprocs_start: numprocs_start.min(i64::MAX - MAX_NUMPROCS),
            member: 0,
        };
        Ok(Template {
            process,
            process_name,
        })
    }

    /// One process, with its own number and environment among the names.
    fn process(
        &self,
        section: &Section<'_>,
        environment: Vec<(String, String)>,
        warnings: &mut Vec<String>,
    ) -> Result<Process, ConfigError> {
        let directory = section.text("directory")?;
        let mut process = self.process.clone();
        process.directory = directory;
        process.environment = environment;
        let (_, stdout_targets) = process.stdout.read(section, &STDOUT, warnings)?;
        let (stderr_is_named, mut stderr_targets) =
            process.stderr.read(section, &STDERR, warnings)?;
        if process.redirect_stderr {
            if stderr_is_named {
                warnings.push(format!(
                    "For [{}], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has been ignored",
                    section.name()
                ));
            }
            process.stderr.logfile = LogFile::None;
            stderr_targets.clear();
        }
        let name = part_after_colon(section.name());
        let targets = [stdout_targets, stderr_targets];
        Delivery::finish(&mut process.delivery, section, name, targets)?;
        let command = section.value("command")?.ok_or_else(|| {
            let name = section.name();
            let text = format!("program section {name} does not specify a command");
            section.fault_at("command", text)
        })?;
        process.command = command.into();
        let name = section
            .expanded(&self.process_name, PROCESS_NAME.name)
            .map_err(|error| section.at(PROCESS_NAME.name, error))?;
        process.name = name.text;
        process.checks = Checks::read(section)?;
        let checks = process.checks.as_ref();
        let readiness = checks.and_then(|checks| checks.readiness.as_ref());
        sockets::check_readiness(section, process.sockets.as_ref(), readiness)?;
        process.hooks = Hooks::read(section)?;
        process.variables = Variables::read(section)?;
        Ok(process)
    }
}
