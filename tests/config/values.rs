//! Values that came out of names: they are not parsed again.

use pollvisor::config::Config;
use pollvisor::config::error::ConfigError;
use pollvisor::config::load::{LoadRequest, Purpose, RealSystem, load_with_document};
use pollvisor::config::supervisord::Overrides;
use pollvisor::config::{LogFile, check};

use crate::support::{DEADLINE, Dir, Scene, wait_until};

/// Text that would mean something if it were parsed again.
pub const HOSTILE: &[&str] = &[
    "",
    " ",
    "plain",
    "a\"b",
    "a'b",
    "\"quoted\"",
    "'quoted'",
    "x\",LD_PRELOAD=\"/tmp/e.so",
    "x',LD_PRELOAD='/tmp/e.so",
    "x,LD_PRELOAD=/tmp/e.so",
    ",",
    "=",
    "a=b;c ;d # e",
    "#",
    ";",
    "back\\slash\\",
    "100%",
    "%(here)s",
    "%(nothing)s",
    "%%",
    "two\nlines\n",
    "\ttab ",
    "é✓",
    "$HOME `id` $(id)",
];

pub struct Reading {
    directory: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Reading {
    pub fn with(environment: &[(&str, &str)]) -> Reading {
        let pairs = environment.iter();
        let pairs = pairs.map(|(name, value)| (name.to_string(), value.to_string()));
        Reading {
            directory: tempfile::tempdir().unwrap(),
            environment: pairs.collect(),
        }
    }

    pub fn read(&self, text: &str) -> Result<Config, ConfigError> {
        self.warned(text).map(|(config, _)| config)
    }

    /// With what `--check` warns of.
    pub fn warned(&self, text: &str) -> Result<(Config, Vec<String>), ConfigError> {
        let directory = self.directory.path();
        std::fs::write(directory.join("s.conf"), text).unwrap();
        let launch_directory = directory.to_str().unwrap().to_owned();
        let request = LoadRequest {
            path: "s.conf".to_owned(),
            overrides: Overrides::default(),
            environment: self.environment.clone(),
            launch_directory: launch_directory.clone(),
            purpose: Purpose::Start,
        };
        let (config, document) = load_with_document(&request, &RealSystem)?;
        let found = check::check(&config, &document, &launch_directory, &RealSystem);
        let warnings = found.into_iter().map(|warning| warning.text);
        Ok((config, warnings.collect()))
    }
}

/// The environment of the only process, as a shell would write it.
fn environment(config: &Config) -> Vec<(&str, &str)> {
    let pairs = config.groups[0].processes[0].environment.iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// The kinds of sections that have an `environment`, with what each needs.
pub const SECTIONS: &[&str] = &[
    "[supervisord]\n[program:p]\ncommand=c\nenvironment=",
    "[supervisord]\n[eventlistener:p]\ncommand=c\nevents=TICK_5\nenvironment=",
    "[supervisord]\n[fcgi-program:p]\ncommand=c\nsocket=tcp://h:1\nenvironment=",
    "[program:p]\ncommand=c\n[supervisord]\nenvironment=",
    "[supervisord]\n[group:g]\nprograms=p\n[program:p]\ncommand=c\nenvironment=",
];

#[test]
fn an_expanded_value_was_parsed_again() {
    for value in HOSTILE {
        let reading = Reading::with(&[("PW", value)]);
        for section in SECTIONS {
            for (written, expected) in [
                ("A=\"%(ENV_PW)s\",B=2", value.to_string()),
                ("A='%(ENV_PW)s',B=2", value.to_string()),
                ("A=%(ENV_PW)s,B=2", value.to_string()),
                ("A = %(ENV_PW)s , B = 2", value.to_string()),
                ("A=\"pre-%(ENV_PW)s-post\",B=2", format!("pre-{value}-post")),
                ("A=pre-%(ENV_PW)s-post,B=2", format!("pre-{value}-post")),
                ("A=%(ENV_PW)s%(ENV_PW)s,B=2", format!("{value}{value}")),
                ("B=2,A=\"%(ENV_PW)s\"", value.to_string()),
                ("B=2,\n A=%(ENV_PW)s", value.to_string()),
            ] {
                let config = reading.read(&format!("{section}{written}\n"));
                let config = config.unwrap_or_else(|error| panic!("{section}{written}: {error}"));
                let expected = [("A", expected.as_str()), ("B", "2")];
                assert_eq!(
                    environment(&config),
                    expected,
                    "{section}{written} {value:?}"
                );
            }
        }
    }
}

#[test]
fn a_percent_sign_beside_an_expansion_is_still_one() {
    let reading = Reading::with(&[("PW", "50%")]);
    let program = "[supervisord]\n[program:p]\ncommand=c\nenvironment=";
    let config = reading
        .read(&format!("{program}A=\"%%%(ENV_PW)s%%\"\n"))
        .unwrap();
    assert_eq!(environment(&config), [("A", "%50%%")]);
    let own = "[program:p]\ncommand=c\n[supervisord]\nenvironment=";
    let config = reading
        .read(&format!("{own}A=\"%%%%%(ENV_PW)s%%%%\"\n"))
        .unwrap();
    assert_eq!(environment(&config), [("A", "%50%%")]);
}

#[test]
fn every_name_gives_a_value_and_no_text_to_parse() {
    let reading = Reading::with(&[]);
    let config = reading
        .read(
            "[supervisord]\nenvironment=FIRST=\"a,b'c\"\n\
             [group:g\",X=\"1]\nprograms=p\"q,r\n\
             [program:p\"q]\ncommand=c\nnumprocs=1\n\
             environment=A=\"%(program_name)s\",B=%(group_name)s,K_%(process_num)d=%(numprocs)d,\
             C=\"%(ENV_FIRST)s\"\n[program:r]\ncommand=c\n",
        )
        .unwrap();
    assert_eq!(
        environment(&config),
        [
            ("A", "p\"q"),
            ("B", "g\",X=\"1"),
            ("C", "a,b'c"),
            ("FIRST", "a,b'c"),
            ("K_0", "1"),
        ]
    );
}

#[test]
fn an_expansion_in_the_place_of_a_pair_gives_pairs() {
    let reading = Reading::with(&[
        ("EXTRA", "B=\"2 3\",C='x,y'"),
        ("NONE", ""),
        ("BAD", "B=\"2"),
        ("NAME", "A=1,LD_PRELOAD"),
    ]);
    let read = |written: &str| {
        reading.read(&format!(
            "[supervisord]\n[program:p]\ncommand=c\nenvironment={written}\n"
        ))
    };
    for (written, expected) in [
        ("%(ENV_EXTRA)s", &[("B", "2 3"), ("C", "x,y")][..]),
        (
            "A=1,%(ENV_EXTRA)s",
            &[("A", "1"), ("B", "2 3"), ("C", "x,y")],
        ),
        (
            "%(ENV_EXTRA)s,A=\"1\"",
            &[("A", "1"), ("B", "2 3"), ("C", "x,y")],
        ),
        ("%(ENV_EXTRA)s,B=4", &[("B", "4"), ("C", "x,y")]),
        ("%(ENV_NONE)s", &[]),
        ("%(ENV_NONE)s,A=1", &[("A", "1")]),
        (
            "A=1,%(ENV_NONE)s,%(ENV_EXTRA)s",
            &[("A", "1"), ("B", "2 3"), ("C", "x,y")],
        ),
    ] {
        assert_eq!(environment(&read(written).unwrap()), expected, "{written}");
    }
    for (written, message) in [
        ("%(ENV_BAD)s,A=1", "No closing quotation"),
        (
            "%(ENV_NAME)s=1",
            "Unexpected end of key/value pairs in value '%(ENV_NAME)s=1'",
        ),
        (
            "A=1,%(ENV_NAME)s",
            "Unexpected end of key/value pairs in value 'A=1,%(ENV_NAME)s'",
        ),
    ] {
        let error = read(written).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert_eq!(
            error.location().map(|location| location.line),
            Some(4),
            "{written}"
        );
    }
}

#[test]
fn a_value_with_a_percent_sign_broke_what_is_expanded_twice() {
    let reading = Reading::with(&[("DIR", "/tmp/100%(x)s")]);
    let config = reading
        .read("[supervisord]\n[program:p]\ncommand=c\nstdout_logfile=%(ENV_DIR)s/%%%%.log\n")
        .unwrap();
    let expected = LogFile::Path("/tmp/100%(x)s/%.log".to_owned());
    assert_eq!(config.groups[0].processes[0].stdout.logfile, expected);
}

#[test]
fn an_included_directory_from_a_name_was_cut_at_its_blanks() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("my files");
    std::fs::create_dir(&folder).unwrap();
    for name in ["a", "b"] {
        let text = format!("[program:{name}]\ncommand={name}\n");
        std::fs::write(folder.join(format!("{name}.ini")), text).unwrap();
    }
    let folder = folder.to_str().unwrap();
    let plain = format!(
        "{}/my*/a.ini {}/my*/b.ini",
        place.path().display(),
        place.path().display()
    );
    let reading = Reading::with(&[("DIR", folder), ("LIST", &plain)]);
    for files in [
        "%(ENV_DIR)s/*.ini",
        "%(ENV_LIST)s",
        "%(ENV_DIR)s/a.ini %(ENV_DIR)s/b.ini",
    ] {
        let config = reading.read(&format!("[include]\nfiles={files}\n[supervisord]\n"));
        assert_eq!(config.unwrap().groups.len(), 2, "{files}");
    }
}

#[test]
fn what_a_list_or_a_command_was_kept_in_is_still_split() {
    let reading = Reading::with(&[
        ("COMMAND", "/bin/sh -c 'exit 1'"),
        ("LIST", "p, q"),
        ("CODES", "0,2"),
        ("EVENTS", "TICK_5,TICK_60"),
        ("HOSTS", "a,b"),
    ]);
    let config = reading
        .read(
            "[supervisord]\n[inet_http_server]\nport=1\nallowed_hosts=%(ENV_HOSTS)s\n\
             [group:g]\nprograms=%(ENV_LIST)s\n[program:p]\ncommand=%(ENV_COMMAND)s\n\
             exitcodes=%(ENV_CODES)s\n[program:q]\ncommand=q\n\
             [eventlistener:l]\ncommand=l\nevents=%(ENV_EVENTS)s\npriority=1000\n",
        )
        .unwrap();
    let process = &config.groups[0].processes[0];
    assert_eq!(config.groups[0].processes.len(), 2);
    assert_eq!(process.command, "/bin/sh -c 'exit 1'");
    assert_eq!(process.exitcodes, [0, 2]);
    assert_eq!(config.servers[0].allowed_hosts, ["a", "b"]);
}

#[test]
fn a_value_of_the_environment_arrives_at_the_child_as_it_is() {
    let dir = Dir::new();
    let given: Vec<(&str, &str)> = HOSTILE
        .iter()
        .enumerate()
        .map(|(index, value)| (&*format!("PW{index}").leak(), *value))
        .collect();
    let given: &'static [(&str, &str)] = given.leak();
    let pairs: Vec<String> = (0..HOSTILE.len())
        .map(|index| format!("A{index}=\"%(ENV_PW{index})s\",B{index}=%(ENV_PW{index})s"))
        .collect();
    let scene = Scene::start_as(
        dir,
        &format!(
            "environment=S=\"%(ENV_PW3)s\"\n[program:p]\ndirectory=%(here)s\n\
             command=/bin/sh -c 'env -0 > told.new; mv told.new told; exec sleep 1000'\n\
             environment={}\n",
            pairs.join(",")
        ),
        |launch| launch.environment = given,
    );
    scene.wait("p", "RUNNING");
    let told = scene.dir.join("told");
    let written = wait_until(DEADLINE, || told.exists());
    assert!(written, "{}", scene.log());
    let told = std::fs::read_to_string(told).unwrap();
    let told: Vec<&str> = told.split_terminator('\0').collect();
    for (index, value) in HOSTILE.iter().enumerate() {
        for name in ["A", "B"] {
            let pair = format!("{name}{index}={value}");
            assert!(told.contains(&pair.as_str()), "{pair:?} is not in {told:?}");
        }
    }
    assert!(told.contains(&format!("S={}", HOSTILE[3]).as_str()));
    assert!(!told.iter().any(|pair| pair.starts_with("LD_PRELOAD=")));
    scene.stop();
}
