//! Real configuration files: as they are, but with steady programs in place of
//! their commands and this test's directory in place of their paths. Every
//! program that starts by itself must run, answer to supervisorctl and stop.
//!
//! The files are read from the folder named by `CORPUS` (default `../shared/corpus`
//! beside the project). Without it there is nothing to test, and a line says so.

use super::support::{
    Address, Ctl, DEADLINE, Daemon, Dir, Launch, Rpc, subject, subject_ctl, wait_for,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What stands in place of the sections about servers and clients.
const SERVING: &str = "
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s
[include]
files=%(here)s/more/*.conf
";

/// A program of the file, as far as the test must know it.
#[derive(Debug, Default)]
struct Program {
    name: String,
    autostart: bool,
    numprocs: usize,
    process_name: bool,
}

/// A configuration made fit for a test.
struct Fit {
    text: String,
    programs: Vec<Program>,
    /// Names of the variables that it wants from the environment.
    variables: BTreeSet<String>,
}

macro_rules! corpus {
    ($($name:ident: $file:literal,)*) => {
        $(#[test] fn $name() { serves($file); })*
    };
}

corpus! {
    many_switch_daemons: "007-sonic-net__sonic-buildimage.conf",
    a_game_server_group: "199-1995chen__dnf.conf",
    a_mail_server: "197-docker-mailserver__docker-mailserver.conf",
    switch_daemons_with_listeners: "019-sonic-net__sonic-buildimage.conf",
    groups_with_a_listener: "115-tiagocoutinho__multivisor.conf",
    three_groups: "151-tiagocoutinho__multivisor.conf",
    a_hadoop_node: "119-JinLinGan__docker-hadoop.conf",
    a_phone_emulator_with_variables: "079-budtmo__docker-android.conf",
    worker_pools_with_variables: "023-jesse-greathouse__mcol.conf",
    worker_pools: "155-jesse-greathouse__mcol.conf",
    a_redis_cluster: "169-antirez__redis-rb-cluster.conf",
    a_flight_controller: "081-ARK-Electronics__ARK-OS.conf",
    a_group_with_a_listener: "031-sonic-net__sonic-buildimage.conf",
    a_game_in_a_container: "163-claabs__moonbase-alpha-docker.conf",
}

fn folder() -> PathBuf {
    std::env::var_os("CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    )
}

/// Runs one file of the corpus.
fn serves(file: &str) {
    let Ok(bytes) = std::fs::read(folder().join(file)) else {
        println!("{file} is not there: nothing to test (set CORPUS)");
        return;
    };
    let fit = fit(&String::from_utf8_lossy(&bytes));
    let dir = Dir::new();
    dir.write("supervisord.conf", &fit.text);
    dir.write("logs/keep", "");
    dir.write(
        "more/extra.conf",
        "[program:from-include]\ncommand=/bin/cat\n",
    );
    let steady = dir.script(
        "steady",
        "echo started \"$$\"\necho problems >&2\nexec /bin/cat",
    );
    assert!(steady.exists());

    let variables: Vec<(&str, &str)> = fit
        .variables
        .iter()
        .map(|name| (name.as_str(), "1"))
        .collect();
    let mut daemon = Daemon::launch(&Launch {
        environment: &variables,
        ..Launch::new(subject(), &dir)
    });
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    daemon.wait_until_it_answers(&rpc);
    let ctl = Ctl::new(subject_ctl(), &dir);
    let rows = all_start(&ctl, &fit, file);
    control(&ctl, &rows, file);
    daemon.signal(libc::SIGTERM);
    // 4.3.0 needs a second for each group that has nothing to stop, unless woken.
    let ended = wait_for(DEADLINE, || {
        let _ = rpc.call("system.listMethods", &[]);
        daemon.wait(Duration::ZERO)
    });
    assert_eq!(ended, Some(0), "{file}: the daemon stops");
}

/// Waits until exactly the programs with autostart run; the rows of status.
fn all_start(ctl: &Ctl, fit: &Fit, file: &str) -> Vec<(String, String)> {
    let count = |wanted: &dyn Fn(&Program) -> bool| -> usize {
        let chosen = fit.programs.iter().filter(|program| wanted(program));
        chosen.map(|program| program.numprocs).sum()
    };
    let all = count(&|_| true) + 1;
    let running = count(&|program| program.autostart) + 1;
    let mut last = String::new();
    let rows = wait_for(DEADLINE, || {
        last = ctl.run(&["status"]).stdout;
        let rows: Vec<(String, String)> = last
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?.to_string(), words.next()?.to_string()))
            })
            .collect();
        let in_state = |state: &str| rows.iter().filter(|row| row.1 == state).count();
        (in_state("RUNNING") == running && in_state("STOPPED") == all - running).then_some(rows)
    });
    let rows =
        rows.unwrap_or_else(|| panic!("{file}: {running} of {all} programs should run:\n{last}"));
    for program in fit
        .programs
        .iter()
        .filter(|p| p.numprocs == 1 && !p.process_name)
    {
        let named =
            |row: &&(String, String)| row.0.rsplit(':').next() == Some(program.name.as_str());
        let row = rows.iter().find(named);
        let row = row.unwrap_or_else(|| panic!("{file}: {} is not listed", program.name));
        assert_eq!(
            row.1 == "RUNNING",
            program.autostart,
            "{file}: {}",
            program.name
        );
    }
    rows
}

/// Stops, starts and restarts some of them.
fn control(ctl: &Ctl, rows: &[(String, String)], file: &str) {
    let says = |action: &[&str], expected: &str| {
        let end = ctl.run(action);
        assert!(
            end.stdout.contains(expected),
            "{file}: {action:?} shows {end:?}"
        );
        assert_eq!(end.status, Some(0), "{file}: {action:?} shows {end:?}");
    };
    let first = &rows.iter().find(|row| row.1 == "RUNNING").unwrap().0;
    says(&["stop", first], ": stopped");
    says(&["stop", first], ": ERROR (not running)");
    says(&["start", first], ": started");
    says(&["start", first], ": ERROR (already started)");
    says(&["restart", first], ": started");
    if let Some((stopped, _)) = rows.iter().find(|row| row.1 == "STOPPED") {
        says(&["start", stopped], ": started");
    }
    if let Some((group, _)) = rows.iter().find_map(|row| row.0.split_once(':')) {
        let all = format!("{group}:*");
        says(&["stop", &all], ": stopped");
        says(&["start", &all], ": started");
    }
    says(&["reread"], "No config updates to processes");
}

/// Makes a file fit: sections, names, numbers and priorities stay.
fn fit(text: &str) -> Fit {
    let mut out = Fit {
        text: String::new(),
        programs: Vec::new(),
        variables: BTreeSet::new(),
    };
    let mut section = String::new();
    let mut keep = false;
    for line in text.lines() {
        if let Some(header) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            section = header.to_string();
            keep = begin_section(&section, &mut out);
        } else if line.starts_with([' ', '\t']) && !line.trim().is_empty() {
            // Continues the option before.
            if keep && section_is_kept(&section) {
                out.text.push_str(line);
                out.text.push('\n');
            }
        } else if section_is_kept(&section) {
            keep = begin_option(line, &section, &mut out);
        }
    }
    if !out.text.contains("[supervisord]") {
        begin_section("supervisord", &mut out);
    }
    out.variables = variables_in(&out.text);
    out.text.push_str(SERVING);
    out
}

fn section_is_kept(section: &str) -> bool {
    section == "supervisord" || section.starts_with("program:") || section.starts_with("group:")
}

/// Writes the header and what the test sets in that section itself.
fn begin_section(section: &str, out: &mut Fit) -> bool {
    if !section_is_kept(section) {
        return false;
    }
    out.text.push_str(&format!("[{section}]\n"));
    if section == "supervisord" {
        out.text.push_str(
            "logfile=%(here)s/main.log\npidfile=%(here)s/main.pid\nchildlogdir=%(here)s/logs\n",
        );
    }
    if let Some(name) = section.strip_prefix("program:") {
        // Three kinds of steady programs in turn.
        let command = match out.programs.len() % 3 {
            0 => "/bin/cat",
            1 => "/bin/sleep 1000",
            _ => "%(here)s/steady",
        };
        out.text.push_str(&format!("command={command}\n"));
        out.programs.push(Program {
            name: name.trim().to_string(),
            autostart: true,
            numprocs: 1,
            process_name: false,
        });
    }
    true
}

/// Keeps, changes or drops an option; whether lines that continue it are kept.
fn begin_option(line: &str, section: &str, out: &mut Fit) -> bool {
    let Some((key, value)) = line.split_once(['=', ':']) else {
        return false;
    };
    let key = key.trim().to_lowercase();
    let value = value.split(" ;").next().unwrap_or("").trim();
    if key.starts_with([';', '#']) {
        return false;
    }
    let in_program = section.starts_with("program:");
    let changed = match key.as_str() {
        "command" | "user" | "directory" | "serverurl" | "chown" | "chmod" => return false,
        "logfile" | "pidfile" | "childlogdir" if !in_program => return false,
        "stdout_logfile" | "stderr_logfile" => format!("{key}={}", log_file(value)),
        "stdout_syslog" | "stderr_syslog" => return false,
        // The file may ask for more patience than a test has.
        "startsecs" if value != "0" => "startsecs=1".to_string(),
        _ => line.to_string(),
    };
    if let Some(program) = out.programs.last_mut().filter(|_| in_program) {
        let value = value.replace("%(ENV_", "");
        match key.as_str() {
            "autostart" => {
                let value = value.to_lowercase();
                program.autostart = !["false", "no", "off", "0"].contains(&value.as_str());
            }
            "numprocs" => program.numprocs = value.parse().unwrap_or(1),
            "process_name" => program.process_name = true,
            _ => {}
        }
    }
    out.text.push_str(&changed);
    out.text.push('\n');
    true
}

/// A path goes to the folder of this test; special values stay.
fn log_file(value: &str) -> String {
    let special = [
        "none",
        "auto",
        "/dev/stdout",
        "/dev/stderr",
        "/dev/null",
        "/dev/fd/1",
        "/dev/fd/2",
    ];
    if special.contains(&value.to_lowercase().as_str()) {
        return value.to_string();
    }
    let name = value.rsplit('/').next().unwrap_or("");
    let name = if name.is_empty() || name == "syslog" {
        "log"
    } else {
        name
    };
    format!("%(here)s/logs/{name}")
}

/// Every X of `%(ENV_X)s`.
fn variables_in(text: &str) -> BTreeSet<String> {
    text.split("%(ENV_")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(ToString::to_string)
        .collect()
}

/// The commands and environments of a file as they are, in sections of their own.
fn commands_and_environments(text: &str) -> (String, usize) {
    let mut out = "[supervisord]\nnodaemon=true\n".to_owned();
    let mut count = 0;
    let mut is_kept = false;
    for line in text.lines() {
        let key = line.split(['=', ':']).next().unwrap_or("").trim();
        let begins = !line.starts_with([' ', '\t', '[', ';', '#']) && line.contains('=');
        if begins {
            is_kept = matches!(key.to_lowercase().as_str(), "command" | "environment");
            if is_kept {
                count += 1;
                out.push_str(&format!("[program:p{count}]\n"));
                if key.eq_ignore_ascii_case("environment") {
                    out.push_str("command=/bin/cat\n");
                }
            }
        }
        if is_kept && (begins || line.starts_with([' ', '\t'])) {
            out.push_str(line);
            out.push('\n');
        }
    }
    (out, count)
}

#[test]
fn no_command_and_no_environment_of_the_corpus_gives_a_false_alarm() {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        println!("there is no corpus: nothing to test (set CORPUS)");
        return;
    };
    let dir = Dir::new();
    let mut checked = 0;
    let mut alarms = Vec::new();
    for entry in entries {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let (text, count) = commands_and_environments(&String::from_utf8_lossy(&bytes));
        // A percent sign of its own is an error, and there is nothing to warn of.
        let text: String = text
            .lines()
            .filter(|line| !line.contains("%HOME%"))
            .map(|line| format!("{line}\n"))
            .collect();
        dir.write("s.conf", &text);
        let mut command = std::process::Command::new(dir.bin().join("supervisord"));
        command.args(["-c", "s.conf", "--check"]);
        command.current_dir(dir.path());
        for variable in variables_in(&text) {
            command.env(variable, "1");
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(0) {
            checked += count;
        }
        let is_alarm =
            |line: &&str| line.contains("no shell runs it") || line.contains("in environment");
        alarms.extend(told.lines().filter(is_alarm).map(str::to_owned));
    }
    println!("{checked} commands and environments");
    assert!(checked > 400, "{checked}");
    // This is none: supervisord expands no variable so.
    let known = "has ${VERSION}, and no shell runs it";
    let is_known = |alarm: &String| alarm.contains(known);
    assert!(alarms.iter().any(is_known), "{known}: {alarms:?}");
    alarms.retain(|alarm| !is_known(alarm));
    assert_eq!(alarms, [""; 0]);
}

#[test]
fn a_file_is_made_fit_for_the_test() {
    let fit = fit(
        "[supervisord]\nuser=x\nlogfile=/a\n[program:a]\ncommand=x\n -y\npriority=3\nautostart=false\nstdout_logfile=/var/a%(ENV_X)s.log\n[eventlistener:l]\ncommand=l\n",
    );
    assert!(fit.text.starts_with(
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\nchildlogdir=%(here)s/logs\n[program:a]\ncommand=/bin/cat\npriority=3\nautostart=false\nstdout_logfile=%(here)s/logs/a%(ENV_X)s.log\n\n[unix_http_server]"
    ));
    assert_eq!(fit.variables.iter().collect::<Vec<_>>(), ["X"]);
    assert!(!fit.programs[0].autostart);
}
