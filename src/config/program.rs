//! `[program:x]`, and the keys that listeners and FastCGI programs share with
//! it: one section gives `numprocs` processes.
//!
//! The order of evaluation is the original's, for the first error is the one
//! that is told. Where 4.3.0 refuses to start when the directory of a log file
//! is missing, that is left to the spawn of the process.

use super::accounts;
use super::datatypes;
use super::error::ConfigError;
use super::expand::{Layer, Replacement, define};
use super::pairs;
use super::places::expand_user;
use super::section::{Context, Section, add_environment};
use super::system::System;
use super::{AutoRestart, LogFile, Numbering, Output, Process};
use crate::signal::Signal;
use crate::sort;
use crate::sys::user::Owner;

/// More processes than this in one section are a slip of the pen, and would
/// fill the memory before anything else could be said about them.
const MAX_NUMPROCS: i64 = 100_000;

const DEFAULT_MAXBYTES: i64 = 50 << 20;

/// The processes of a section as members of a group, sorted by priority and name.
pub fn processes<S: System>(
    context: &Context<'_, S>,
    section: &str,
    group: &str,
    warnings: &mut Vec<String>,
) -> Result<Vec<Process>, ConfigError> {
    evaluate(context, section, group, warnings).map_err(|error| context.in_section(section, error))
}

fn evaluate<S: System>(
    context: &Context<'_, S>,
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

    let template = Template::read(&context.section(section, &[&names]))?;
    let mut processes = Vec::new();
    let last = template.numprocs_start.saturating_add(template.numprocs);
    for number in template.numprocs_start..last {
        names.insert("process_num".to_owned(), Replacement::Number(number));
        names.insert(
            "numprocs".to_owned(),
            Replacement::Number(template.numprocs),
        );
        let own = environment(&context.section(section, &[&names]), &template)?;
        add_environment(&mut names, &own);
        let process = template.process(&context.section(section, &[&names]), own, warnings)?;
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
pub fn name_of<S: System>(context: &Context<'_, S>, section: &str) -> Result<String, ConfigError> {
    datatypes::name(part_after_colon(section))
        .map_err(|error| context.in_section(section, error.into()))
}

fn environment<S: System>(
    section: &Section<'_, S>,
    template: &Template,
) -> Result<Vec<(String, String)>, ConfigError> {
    const KEY: &str = "environment";
    let value = section
        .expanded(&template.environment, KEY)
        .map_err(|error| section.at(KEY, error))?;
    pairs::read(&value).map_err(|error| section.wrong(KEY, &value, error))
}

/// The keys that are evaluated once for all processes of a section.
struct Template {
    priority: i64,
    autostart: bool,
    autorestart: AutoRestart,
    startsecs: i64,
    startretries: i64,
    stopsignal: Signal,
    stopwaitsecs: i64,
    stopasgroup: bool,
    killasgroup: bool,
    exitcodes: Vec<i32>,
    redirect_stderr: bool,
    numprocs: i64,
    numprocs_start: i64,
    /// Not expanded yet.
    environment: String,
    stdout: Channel,
    stderr: Channel,
    serverurl: Option<String>,
    user: Option<Owner>,
    umask: Option<u32>,
    /// Not expanded yet.
    process_name: String,
}

/// The keys of one output that are evaluated once.
struct Channel {
    capture_maxbytes: i64,
    events_enabled: bool,
}

impl Template {
    fn read<S: System>(section: &Section<'_, S>) -> Result<Template, ConfigError> {
        let priority = section.integer("priority", 999)?;
        let autostart = section.boolean("autostart", true)?;
        let autorestart = section
            .converted("autorestart", datatypes::auto_restart)?
            .unwrap_or(AutoRestart::Unexpected);
        let startsecs = section.integer("startsecs", 1)?;
        let startretries = section.integer("startretries", 3)?;
        let stopsignal = section
            .converted("stopsignal", datatypes::signal)?
            .unwrap_or(Signal::TERM);
        let stopwaitsecs = section.integer("stopwaitsecs", 10)?;
        let stopasgroup = section.boolean("stopasgroup", false)?;
        let killasgroup = section.boolean("killasgroup", stopasgroup)?;
        let exitcodes = section
            .converted("exitcodes", datatypes::exit_codes)?
            .unwrap_or_else(|| vec![0]);
        let redirect_stderr = section.boolean("redirect_stderr", false)?;
        let numprocs = section.integer("numprocs", 1)?;
        // Room for counting up stays at the end of the range.
        let numprocs_start = section
            .integer("numprocs_start", 0)?
            .min(i64::MAX - MAX_NUMPROCS);
        let stdout = Channel::read(section, "stdout")?;
        let stderr = Channel::read(section, "stderr")?;
        let serverurl = section.text("serverurl")?.filter(|url| {
            !url.trim_matches(crate::text::is_space)
                .eq_ignore_ascii_case("auto")
        });
        let user = section.converted("user", |text| {
            accounts::user_and_group(text, section.system)
        })?;
        let umask = section.converted("umask", datatypes::octal)?;
        let process_name = section
            .raw("process_name")
            .unwrap_or_else(|| "%(program_name)s".to_owned());
        let process_name = datatypes::name(&process_name)
            .map_err(|error| section.at("process_name", error.into()))?;
        if numprocs > 1 && !process_name.contains("%(process_num)") {
            return Err(ConfigError::NoProcessNum);
        }
        if numprocs > MAX_NUMPROCS {
            return Err(ConfigError::TooManyProcesses {
                number: section.shown("numprocs", numprocs.to_string()),
                limit: MAX_NUMPROCS,
            });
        }
        if stopasgroup && !killasgroup {
            return Err(ConfigError::StopWithoutKill);
        }
        Ok(Template {
            priority,
            autostart,
            autorestart,
            startsecs,
            startretries,
            stopsignal,
            stopwaitsecs,
            stopasgroup,
            killasgroup,
            exitcodes,
            redirect_stderr,
            numprocs,
            numprocs_start,
            environment: section.raw("environment").unwrap_or_default(),
            stdout,
            stderr,
            serverurl,
            user,
            umask,
            process_name,
        })
    }

    /// One process, with its own number and environment among the names.
    fn process<S: System>(
        &self,
        section: &Section<'_, S>,
        environment: Vec<(String, String)>,
        warnings: &mut Vec<String>,
    ) -> Result<Process, ConfigError> {
        let directory = section.text("directory")?;
        let (stdout, _) = self.stdout.output(section, "stdout", warnings)?;
        let (mut stderr, stderr_is_named) = self.stderr.output(section, "stderr", warnings)?;
        if self.redirect_stderr {
            if stderr_is_named {
                warnings.push(format!(
                    "For [{}], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has been ignored",
                    section.name()
                ));
            }
            stderr.logfile = LogFile::None;
        }
        let command = section
            .value("command")?
            .ok_or_else(|| ConfigError::NoCommand(section.name().to_owned()))?;
        Ok(Process {
            name: section
                .expanded(&self.process_name, "process_name")
                .map_err(|error| section.at("process_name", error))?
                .text,
            numbering: Numbering {
                numprocs: self.numprocs,
                numprocs_start: self.numprocs_start,
            },
            uid: self.user.and_then(|user| user.uid),
            gid: self.user.and_then(|user| user.gid),
            command: command.into(),
            directory,
            umask: self.umask,
            priority: self.priority,
            autostart: self.autostart,
            autorestart: self.autorestart,
            startsecs: self.startsecs,
            startretries: self.startretries,
            stdout,
            stderr,
            stopsignal: self.stopsignal,
            stopwaitsecs: self.stopwaitsecs,
            stopasgroup: self.stopasgroup,
            killasgroup: self.killasgroup,
            exitcodes: self.exitcodes.clone(),
            redirect_stderr: self.redirect_stderr,
            environment,
            serverurl: self.serverurl.clone(),
            socket: None,
        })
    }
}

impl Channel {
    fn read<S: System>(section: &Section<'_, S>, channel: &str) -> Result<Channel, ConfigError> {
        Ok(Channel {
            capture_maxbytes: section.byte_size(&format!("{channel}_capture_maxbytes"), 0)?,
            events_enabled: section.boolean(&format!("{channel}_events_enabled"), false)?,
        })
    }

    /// The output's settings for one process, and whether its log file was
    /// given as a name, be it empty.
    fn output<S: System>(
        &self,
        section: &Section<'_, S>,
        channel: &str,
        warnings: &mut Vec<String>,
    ) -> Result<(Output, bool), ConfigError> {
        let logfile_key = format!("{channel}_logfile");
        let syslog_key = format!("{channel}_syslog");
        let once = section.value(&logfile_key);
        let mut kind = match once.map_err(ConfigError::of_twice)? {
            None => Kind::Auto,
            // The original expands log files twice.
            Some(once) => {
                let twice = section.expanded_again(&once, &logfile_key);
                let twice = twice.map_err(|error| section.at(&logfile_key, error.of_twice()))?;
                Kind::of(&twice.text, section.system)
            }
        };
        let logfile_backups = section.integer(&format!("{logfile_key}_backups"), 10)?;
        let logfile_maxbytes =
            section.byte_size(&format!("{logfile_key}_maxbytes"), DEFAULT_MAXBYTES)?;
        let mut syslog = section.boolean(&syslog_key, false)?;
        if matches!(kind, Kind::Syslog) {
            warnings.push(format!(
                "For [{}], {logfile_key}=syslog but this is deprecated and will be removed.  Use {syslog_key}=true to enable syslog instead.",
                section.name()
            ));
            kind = Kind::None;
            syslog = true;
        }
        if matches!(kind, Kind::Auto) && logfile_maxbytes == 0 {
            warnings.push(format!(
                "For [{}], AUTO logging used for {logfile_key} without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally",
                section.name()
            ));
        }
        let (logfile, named) = match kind {
            Kind::None | Kind::Syslog => (LogFile::None, false),
            Kind::Auto => (LogFile::Auto, false),
            Kind::Named(path) if path.is_empty() => (LogFile::None, true),
            Kind::Named(path) => (LogFile::Path(path), true),
        };
        let output = Output {
            logfile,
            logfile_maxbytes,
            logfile_backups,
            capture_maxbytes: self.capture_maxbytes,
            events_enabled: self.events_enabled,
            syslog,
        };
        Ok((output, named))
    }
}

/// What a log file's value says.
enum Kind {
    None,
    Auto,
    Syslog,
    Named(String),
}

impl Kind {
    fn of(text: &str, system: &impl System) -> Kind {
        match text.to_lowercase().as_str() {
            "none" | "off" => Kind::None,
            "auto" => Kind::Auto,
            "syslog" => Kind::Syslog,
            _ => Kind::Named(expand_user(text, system)),
        }
    }
}
