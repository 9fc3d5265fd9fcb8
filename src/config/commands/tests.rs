use super::*;
use crate::config::load::{self, LoadRequest, Purpose};
use crate::config::supervisord::Overrides;
use crate::config::system::ReadError;
use crate::config::{Config, MainLog, Process};
use std::rc::Rc;

/// A system with these files, and nothing else to tell.
struct Files(Vec<(&'static str, &'static str)>);

impl System for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        found
            .map(|(_, text)| text.as_bytes().to_vec())
            .ok_or(ReadError::Missing)
    }

    fn exists(&self, _: &str) -> bool {
        true
    }

    fn is_directory(&self, _: &str) -> bool {
        true
    }

    fn others_can_read(&self, _: &str) -> bool {
        false
    }

    fn others_who_can_write(&self, _: &str) -> Option<String> {
        None
    }

    fn glob(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn host_node_name(&self) -> String {
        "host".to_owned()
    }

    fn temporary_directory(&self) -> String {
        "/tmp".to_owned()
    }

    fn home_directory(&self, _: Option<&str>) -> Option<String> {
        None
    }

    fn uid(&self) -> u32 {
        1000
    }

    fn uid_of_name(&self, _: &str) -> Option<u32> {
        None
    }

    fn gid_of_uid(&self, _: u32) -> Option<u32> {
        None
    }

    fn gid_of_name(&self, _: &str) -> Option<u32> {
        None
    }

    fn has_gid(&self, _: u32) -> bool {
        false
    }
}

fn commands(main: &[&str], run: &[&str], procfile: Option<&str>) -> Commands {
    let mut commands = Commands {
        main: main.iter().map(|word| (*word).to_owned()).collect(),
        procfile: procfile.map(str::to_owned),
        ..Commands::default()
    };
    for value in run {
        assert!(commands.add_run(value), "{value}");
    }
    commands
}

/// Reads with a file, `/etc/s.conf`, or without any.
fn load(
    commands: Commands,
    environment: &[(&str, &str)],
    files: &[(&'static str, &'static str)],
) -> Result<Config, ConfigError> {
    let stand_alone = !files.iter().any(|(name, _)| *name == "/etc/s.conf");
    let path = if stand_alone { PLACE } else { "/etc/s.conf" };
    let pairs = environment.iter();
    let request = LoadRequest {
        path: path.to_owned(),
        overrides: Overrides {
            commands: Commands {
                stand_alone,
                ..commands
            },
            ..Overrides::default()
        },
        environment: pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        launch_directory: "/launch".to_owned(),
        purpose: Purpose::Start,
    };
    load::load_with(&request, &Files(files.to_vec()))
}

fn process(config: &Config, name: &str) -> Rc<Process> {
    let mut all = config.groups.iter().flat_map(|group| &group.processes);
    let found = all.find(|process| process.name == name);
    Rc::clone(found.unwrap_or_else(|| panic!("no {name}")))
}

fn variables(process: &Process) -> String {
    let pairs = process.environment.iter();
    pairs
        .map(|(name, value)| format!("{name}={value};"))
        .collect()
}

#[test]
fn a_command_alone_needs_no_file() {
    let words = ["/bin/it's", "-c", "100%", "%(here)s; #", ""];
    let config = load(commands(&words, &[], None), &[("PORT", "none")], &[]).unwrap();
    assert_eq!(config.path, "command line");
    let settings = &config.supervisord;
    assert!(settings.nodaemon && settings.silent && settings.nocleanup);
    assert_eq!(settings.pidfile, None);
    assert_eq!(settings.logfile, MainLog::File("/dev/stderr".to_owned()));
    assert!(config.servers.is_empty());
    let command = process(&config, "it_s");
    assert!(command.inherits_streams && command.exit_supervisord);
    let split = shlex::split_command(&command.command).unwrap();
    assert_eq!(split, words);
    assert_eq!((command.priority, command.stopwaitsecs), (1000, 5));
    assert_eq!(variables(&command), "");
}

#[test]
fn a_command_has_what_the_file_says_for_all_programs() {
    let file = "[supervisord]\nenvironment=A=1\n[program-default]\nstopwaitsecs=60\n\
                environment=B=2\nautorestart=true\n[group:bash]\nprograms=x\n[program:x]\ncommand=x\n";
    let beside = commands(&["bash"], &[], None);
    let config = load(beside, &[], &[("/etc/s.conf", file)]).unwrap();
    let command = process(&config, "bash_");
    assert_eq!(command.command, "bash");
    assert_eq!(command.stopwaitsecs, 60);
    assert_eq!(command.autorestart, crate::config::AutoRestart::Never);
    assert_eq!(variables(&command), "A=1;B=2;");
    assert!(!process(&config, "x").inherits_streams);
    assert_eq!(config.groups.last().unwrap().name, "bash_");
}

#[test]
fn ports_are_counted_up_over_all_commands() {
    for (environment, dotenv, expected) in [
        ("", "", ["5000", "5100", "5200"]),
        ("7", "", ["7", "107", "207"]),
        ("7", "PORT=3000", ["3000", "3100", "3200"]),
    ] {
        let environment = [("PORT", environment)];
        let environment = match environment[0].1 {
            "" => &[][..],
            _ => &environment,
        };
        let files = [
            ("/app/Procfile", "web: a $PORT\nworker: b"),
            ("/app/.env", dotenv),
        ];
        let all = commands(&[], &["r=c d"], Some("/app/Procfile"));
        let config = load(all, environment, &files).unwrap();
        for (name, port) in ["r", "web", "worker"].into_iter().zip(expected) {
            let told = variables(&process(&config, name));
            assert_eq!(told, format!("PORT={port};"), "{name}");
        }
    }
}

#[test]
fn a_procfile_has_its_directory_and_the_variables_beside_it() {
    let files = [
        ("/100%/Procfile", "web: echo \"$A\" '%d' | cat\n"),
        ("/100%/.env", "A=\"it's\\n%(x)s\"\n"),
    ];
    let config = load(commands(&[], &[], Some("/100%/Procfile")), &[], &files).unwrap();
    let web = process(&config, "web");
    assert_eq!(variables(&web), "A=it's\n%(x)s;PORT=5000;");
    assert_eq!(web.directory.as_deref(), Some("/100%"));
    let words = shlex::split_command(&web.command).unwrap();
    assert_eq!(words, ["/bin/sh", "-c", "echo \"$A\" '%d' | cat"]);
    assert!(web.redirect_stderr && web.exit_supervisord && !web.inherits_streams);
    let stdout = crate::config::LogFile::Path("/dev/stdout".to_owned());
    assert_eq!(web.stdout.logfile, stdout);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    const FILE: (&str, &str) = ("/etc/s.conf", "[supervisord]\n[program:web]\ncommand=x\n");
    for (run, files, text, place, advice) in [
        (
            &["a=x", "b=x", "a=y"][..],
            &[][..],
            "there are two programs or groups named a",
            "command line:3",
            "command line:1 is the other",
        ),
        (
            &["web=x"],
            &[FILE],
            "there are two programs or groups named web",
            "command line:1",
            "/etc/s.conf:2 is the other",
        ),
        (
            &["a=x"],
            &[("/app/Procfile", "b: x\na: x\n")],
            "there are two programs or groups named a",
            "/app/Procfile:2",
            "command line:1 is the other",
        ),
        (&[], &[], "could not find Procfile /app/Procfile", "", ""),
        (
            &[],
            &[("/app/Procfile", "# none\n")],
            "Procfile /app/Procfile has no command",
            "",
            "write lines NAME: COMMAND",
        ),
        (
            &[],
            &[("/app/Procfile", "a: x\nb\n")],
            "a line of the Procfile has no command",
            "/app/Procfile:2",
            "write NAME: COMMAND",
        ),
        (
            &[],
            &[("/app/Procfile", "a: x\n"), ("/app/.env", "X\n")],
            "a line of the .env file sets no variable",
            "/app/.env:1",
            "write NAME=VALUE",
        ),
        (
            &[],
            &[("/app/Procfile", "a: x\n"), ("/app/.env", "PORT=x\n")],
            "PORT is \"x\", which is no number",
            "",
            "set it to the port",
        ),
    ] {
        let has_procfile = run.len() < 2 && files != [FILE];
        let all = commands(&[], run, has_procfile.then_some("/app/Procfile"));
        let error = load(all, &[], files).unwrap_err();
        assert_eq!(error.to_string(), text);
        let found = error.location().map(ToString::to_string);
        assert_eq!(found.unwrap_or_default(), place, "{text}");
        assert!(
            error.advice().unwrap_or_default().starts_with(advice),
            "{error:?}"
        );
    }
}

#[test]
fn a_program_is_named_after_its_command() {
    for (command, expected) in [
        ("bash", "bash"),
        ("/usr/bin/python3.11", "python3.11"),
        ("./a b:c", "a_b_c"),
        ("/", "command"),
        ("", "command"),
        ("é", "_"),
    ] {
        assert_eq!(main_name(command), expected);
    }
}
