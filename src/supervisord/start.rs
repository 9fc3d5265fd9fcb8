//! The start, in phases: the configuration is read; the user, the limits, the log, the pid file
//! and the servers are seen to, and the poll set opened or taken over; groups and processes are
//! made; then the daemon runs. Whatever can go wrong does so before the fork, on the terminal,
//! with a status.

mod background;
mod claim;
mod clean_up;
mod logs;
mod not_opened;

use std::io;
use std::os::unix::ffi::OsStringExt;
use std::rc::Rc;

use claim::Claim;

use crate::config::error::ConfigError;
use crate::config::load::{self, LoadRequest, Purpose, StartRequest};
use crate::config::{Address, Config, Group, GroupKind, Server};
use crate::events::message::Serials;
use crate::http::server::Servers;
use crate::log_level::Level;
use crate::loggers::logger::Logger;
use crate::loggers::look;
use crate::loop_context::LoopContext;
use crate::process::child_settings::ChildSettings;
use crate::process::environment::{self, Environment};
use crate::process::fcgi::{self, SocketError};
use crate::signal::Signal;
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::supervisord::inspect;
use crate::supervisord::mainloop::{MainLoop, TakenOver};
use crate::supervisord::options::Arguments;
use crate::supervisord::pidfile::PidFile;
use crate::supervisord::privileges::{self, Notes};
use crate::supervisord::service::{self, ServiceManager};
use crate::sys::daemon::{self, Report, Side};
use crate::sys::errno;
use crate::sys::foreground::Terminal;
use crate::sys::poller::Interest;
use crate::sys::signals::{self, Mask, Signals};
use crate::sys::spawn::ErrorPipe;
use crate::sys::{fd, time};
use crate::text::pyrepr;
use crate::tokens::FdOwner;

/// The signals that supervisord acts on.
const HANDLED: &[Signal] = &[
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::HUP,
    Signal::CHLD,
    Signal::USR2,
    #[cfg(target_os = "linux")]
    Signal::HALT,
];

/// Descriptors from here on are closed at a restart; 4.3.0 leaves 3 and 4 alone,
/// and whatever is beyond `minfds`.
const FIRST_TO_CLOSE: i32 = 5;

/// What a start needs and a restart finds again.
#[derive(Debug)]
pub struct Launch {
    program: String,
    request: StartRequest,
    /// What children inherit.
    environment: Environment,
    mask: Mask,
    /// Whoever started this process as a service.
    manager: Option<ServiceManager>,
    has_run: bool,
    /// What it ran with last, without its groups: to go on with if a restart fails.
    last: Option<(LoadRequest, Config)>,
    /// The number of the next event; a restart goes on counting.
    serials: Serials,
    /// Held over restarts, and removed at the end.
    pidfile: Option<PidFile>,
    /// From the first start on.
    signals: Option<Signals>,
    /// In the background, until the start has ended.
    report: Option<Report>,
    /// What the command after `--` is lent, from the first start on.
    terminal: Option<Rc<Terminal>>,
}

saved! {
    struct Launch {
        program, request, environment, mask, manager, has_run, last, serials, pidfile, signals,
        report = None, terminal,
    }
}

/// Why supervisord does not run.
#[derive(Debug)]
pub enum Failure {
    /// The command line, the configuration or the host does not allow it: status 2.
    Usage(String),
    /// The configuration is wrong: status 2.
    Config(ConfigError),
    /// Something else went wrong: status 1.
    System(String),
}

impl Failure {
    /// What could not be done, and the system's reason.
    pub fn system(operation: &str, error: &io::Error) -> Failure {
        Failure::System(format!("cannot {operation}: {}", errno::reason(error)))
    }

    pub fn text(&self) -> String {
        match self {
            Failure::Usage(text) | Failure::System(text) => text.clone(),
            Failure::Config(error) => error.to_string(),
        }
    }
}

impl Launch {
    pub fn new(
        program: &str,
        arguments: Arguments,
        launch_directory: String,
        mask: Mask,
    ) -> Launch {
        let mut environment: Environment = std::env::vars_os()
            .map(|(name, value)| (name.into_vec(), value.into_vec()))
            .collect();
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let pairs = environment.iter();
        let pairs = pairs
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        let request = arguments.start_request(program, pairs, launch_directory);
        let manager = ServiceManager::of(&environment, std::process::id());
        environment.retain(|(name, _)| !service::is_for_supervisord_alone(name));
        Launch {
            program: program.to_owned(),
            request,
            environment,
            mask,
            manager,
            has_run: false,
            last: None,
            serials: Serials::default(),
            pidfile: None,
            signals: None,
            report: None,
            terminal: None,
        }
    }

    /// The name that supervisord was started by.
    pub fn program(&self) -> &str {
        &self.program
    }

    pub fn request(&self) -> &StartRequest {
        &self.request
    }
}

/// Starts for the first time. `None` in the process that was called, when the daemon is its
/// child, and is up.
pub fn start(launch: &mut Launch) -> Result<Option<Box<MainLoop>>, Failure> {
    let reading = read(launch)?;
    let mut context = open_context(&launch.program)?;
    let started = start_with(launch, reading, Notes::default(), &mut context, false);
    if let Some(report) = launch.report.take() {
        background::tell(report, started.as_ref().err());
    }
    Ok(started?.map(|parts| main_loop(launch, parts, context)))
}

/// Starts again, when everything is stopped: with what the file says now or,
/// should that fail, as before with the groups that were configured last. The
/// file was good when the restart was asked for, but it may have changed since,
/// and a socket, the log or the pid file may not be had. That ends nothing: they are
/// missing then.
pub fn start_again(
    launch: &mut Launch,
    taken_over: TakenOver,
) -> Result<Option<Box<MainLoop>>, Failure> {
    let TakenOver {
        groups,
        serials,
        mut context,
    } = taken_over;
    launch.serials = serials;
    let last = launch.last.take();
    let started = read(launch)
        .and_then(|reading| start_with(launch, reading, Notes::default(), &mut context, false));
    let started = match (started, last) {
        (Err(failure), Some((request, mut config))) => {
            config.groups = groups;
            let mut notes = Notes::default();
            notes.criticals.push(format!(
                "cannot start again with {}: {}; running as before",
                request.path,
                failure.text()
            ));
            if let Failure::Config(error) = &failure {
                let explained = inspect::explained(error);
                notes.criticals.extend(explained.lines().map(str::to_owned));
            }
            start_with(launch, (request, config), notes, &mut context, true)
        }
        (started, _) => started,
    };
    Ok(started?.map(|parts| main_loop(launch, parts, context)))
}

fn main_loop(
    launch: &Launch,
    (supervisor, servers): (Supervisor, Servers),
    context: LoopContext,
) -> Box<MainLoop> {
    let manager = launch.manager.clone();
    Box::new(MainLoop::new(supervisor, servers, context, manager))
}

fn read(launch: &Launch) -> Result<(LoadRequest, Config), Failure> {
    let request = launch.request.find().map_err(Failure::Config)?;
    let config = load::load(&request).map_err(Failure::Config)?;
    Ok((request, config))
}

/// What no daemon can do without. Restarts keep it.
fn open_context(program: &str) -> Result<LoopContext, Failure> {
    let log = Logger::new(Level::Info, base_name(program));
    let errors = ErrorPipe::new().map_err(|error| Failure::system("make a pipe", &error))?;
    LoopContext::new(log, errors, time::now())
        .map_err(|error| Failure::system("make a poll set", &error))
}

/// From the configuration as it was read to a daemon that can run, in phases: what the process
/// itself is to be, what it opens or takes over, the groups and their processes, and at last
/// what only the daemon has, which may be a child of this process.
fn start_with(
    launch: &mut Launch,
    (request, config): (LoadRequest, Config),
    mut notes: Notes,
    context: &mut LoopContext,
    is_last_resort: bool,
) -> Result<Option<(Supervisor, Servers)>, Failure> {
    let restart = launch.has_run;
    let last = without_groups(&request, &config);
    context.start_again();
    privileges::switch_user(&config, &mut notes).map_err(Failure::Usage)?;
    if request.overrides.commands.stand_alone {
        // There is no file that could say who is meant.
        notes.criticals.clear();
    }
    if restart {
        let minfds = i32::try_from(config.supervisord.minfds).unwrap_or(i32::MAX);
        fd::close_inherited(FIRST_TO_CLOSE, minfds);
    } else {
        privileges::raise_limits(&config.supervisord, &mut notes).map_err(Failure::Usage)?;
    }

    logs::open(launch, &config, &notes, context, is_last_resort)?;
    let mut servers = config.servers.iter();
    context.tally = match servers.any(|server| server.monitoring.metrics) {
        true => Some(context.tally.take().unwrap_or_default()),
        false => None,
    };
    if !restart && !request.overrides.commands.main.is_empty() {
        launch.terminal = Terminal::of_foreground().map(Rc::new);
    }
    let mut supervisor = make_supervisor(launch, request, config);
    // Before anything is touched that may be another supervisord's.
    let pidfile = match claim::take(launch, &supervisor.config, context) {
        Err(failure) if is_last_resort => {
            context.log.critical(failure.text());
            Claim::Other(None)
        }
        taken => taken?,
    };
    // Before the clean-up: it must not touch the logs of another supervisord that is listening.
    let configured = &supervisor.config.servers;
    let mut servers = match is_last_resort {
        true => Servers::open_some(configured, context),
        false => Servers::open(configured, context)
            .map_err(|error| not_opened::failure(&launch.request, &error))?,
    };

    supervisor.read_state_file(context);
    let failures = make_groups(&mut supervisor, context);
    if let Some((group, error)) = failures.first().filter(|_| !restart) {
        return Err(not_opened::socket_failure(&launch.request, group, error));
    }
    announce(&supervisor.config, context);

    if !restart {
        launch.signals = Some(catch_signals(context)?);
        if launch.terminal.is_some() {
            signals::hear_of_stops().map_err(|error| Failure::system("catch signals", &error))?;
        }
        if !supervisor.config.supervisord.nodaemon
            && !go_to_background(launch, &supervisor.config, &mut servers, context)?
        {
            return Ok(None);
        }
    }
    claim::write(launch, pidfile, &supervisor.config, context)?;
    supervisor.look_for_leftovers(context, restart);
    supervisor.begin_record(context);
    supervisor.open_cgroups(context);
    launch.has_run = true;
    launch.last = Some(last);
    Ok(Some((supervisor, servers)))
}

/// The settings that a daemon runs with. Its groups change by rereads, and are many.
fn without_groups(request: &LoadRequest, config: &Config) -> (LoadRequest, Config) {
    let settings = Config {
        groups: Vec::new(),
        warnings: Vec::new(),
        infos: Vec::new(),
        exposed_files: Vec::new(),
        foreign_directories: Vec::new(),
        ..config.clone()
    };
    (request.clone(), settings)
}

fn make_supervisor(launch: &Launch, mut request: LoadRequest, config: Config) -> Supervisor {
    request.purpose = Purpose::Reread;
    let settings = &config.supervisord;
    let child_settings = ChildSettings {
        environment: launch.environment.clone(),
        server_url: server_url(&config.servers),
        identifier: settings.identifier.clone(),
        childlogdir: settings.childlogdir.clone(),
        strip_ansi: settings.strip_ansi,
        childlog_ring: settings.childlog_ring.0,
        name_width: look::name_width(&config),
        is_coloured: environment::may_colour(&launch.environment),
        minfds: i32::try_from(settings.minfds).unwrap_or(i32::MAX),
        hosts: fcgi::look_up_hosts(&config.groups),
        is_other_user: settings.user.is_some(),
        mask: launch.mask,
        terminal: launch.terminal.clone(),
    };
    let mut supervisor = Supervisor::new(launch.request.clone(), request, config, child_settings);
    supervisor.pools.serials = launch.serials;
    supervisor
}

/// Where children reach supervisord: the first unix server, else the last inet server; of
/// servers where nothing can be changed only if there is no other.
fn server_url(servers: &[Server]) -> Option<String> {
    let is_unix = |server: &Server| matches!(server.address, Address::Unix { .. });
    let rank = |server: &Server| (!server.readonly, is_unix(server));
    let mut best: Option<&Server> = None;
    for server in servers {
        let is_better = |best: &Server| match is_unix(server) {
            true => rank(server) > rank(best),
            false => rank(server) >= rank(best),
        };
        if best.is_none_or(is_better) {
            best = Some(server);
        }
    }
    Some(match &best?.address {
        Address::Unix { path, .. } => format!("unix://{path}"),
        Address::Inet { host, port } => {
            let host = if host.is_empty() { "localhost" } else { host };
            format!("http://{host}:{port}")
        }
    })
}

/// Makes all groups active. The errors are sockets of FastCGI programs that
/// cannot be made, without which 4.3.0 does not start; those of members of a
/// `[group:x]`, which have none in 4.3.0, are not among them.
fn make_groups(
    supervisor: &mut Supervisor,
    context: &mut LoopContext,
) -> Vec<(Rc<Group>, SocketError)> {
    clean_up::clean_up(&supervisor.config.supervisord, &mut context.log);
    let mut failures = Vec::new();
    let groups = supervisor.config.groups.clone();
    supervisor.allow_descriptors(context, &groups);
    for group in groups {
        let own = supervisor.add_group(context, Rc::clone(&group));
        if matches!(group.kind, GroupKind::FastCgi(_)) {
            failures.extend(own.into_iter().map(|error| (Rc::clone(&group), error)));
        }
    }
    failures
}

/// Tells of the servers, where 4.3.0 opens them: after the groups.
fn announce(config: &Config, context: &mut LoopContext) {
    for server in &config.servers {
        for interface in &config.namespaces() {
            context.log.info(format_args!(
                "RPC interface {} initialized",
                pyrepr::repr(interface)
            ));
        }
        if server.is_open() {
            let section = pyrepr::repr(&server.section);
            context.log.critical(format_args!(
                "Server {section} running without any HTTP authentication checking"
            ));
        }
    }
}

fn catch_signals(context: &mut LoopContext) -> Result<Signals, Failure> {
    Signals::install(HANDLED)
        .and_then(|(signals, read)| {
            context
                .poller
                .register(read, Interest::READ, FdOwner::Signals)
                .map(|_| signals)
        })
        .map_err(|error| Failure::system("catch signals", &error))
}

/// After an upgrade: the handlers are not those of the program before. What came meanwhile waits,
/// and comes now.
pub fn catch_signals_again(launch: &Launch, mask: Option<&Mask>) -> io::Result<()> {
    signals::ignore_pipe_signals()?;
    if let Some(signals) = &launch.signals {
        signals.catch_again(HANDLED, mask.unwrap_or(&launch.mask))?;
    }
    match launch.terminal {
        Some(_) => signals::hear_of_stops(),
        None => Ok(()),
    }
}

/// Forks: true in the daemon, and false in the process that was called, when the daemon is up.
fn go_to_background(
    launch: &mut Launch,
    config: &Config,
    servers: &mut Servers,
    context: &mut LoopContext,
) -> Result<bool, Failure> {
    match daemon::fork().map_err(|error| Failure::system("fork", &error))? {
        Side::Parent(hearing) => {
            signals::release(HANDLED);
            context.log.blather("supervisord forked; parent exiting");
            background::hear(hearing)?;
            servers.leave();
            Ok(false)
        }
        Side::Child(report) => {
            launch.report = Some(report);
            servers.take_over();
            detach(config, context)?;
            Ok(true)
        }
    }
}

fn detach(config: &Config, context: &mut LoopContext) -> Result<(), Failure> {
    let renewed = context.poller.renew();
    renewed.map_err(|error| Failure::system("make a poll set", &error))?;
    context.log.info("daemonizing the supervisord process");
    if let Some(directory) = &config.supervisord.directory {
        match std::env::set_current_dir(directory) {
            Ok(()) => context.log.info(format_args!(
                "set current directory: {}",
                pyrepr::repr(directory)
            )),
            Err(error) => {
                context.log.critical(format_args!(
                    "can't chdir into {}: {}",
                    pyrepr::repr(directory),
                    errno::reason(&error)
                ));
            }
        }
    }
    let missed = daemon::detach(config.supervisord.umask).map_err(|error| {
        let failure = Failure::system("leave the terminal", &error);
        // The terminal may be out of reach by now, so the log is told too.
        context.log.critical(failure.text());
        failure
    })?;
    for (what, missed) in [
        ("begin a session", missed.session),
        ("set the umask", missed.umask),
    ] {
        if let Some(reason) = missed {
            let reason = errno::reason(&reason);
            context
                .log
                .warn(format_args!("cannot {what}: {reason}; going on without"));
        }
    }
    Ok(())
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
