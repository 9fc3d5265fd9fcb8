//! Whole configurations: every kind of section with its keys, good and bad
//! values, includes, and what `--check` and `--dump-config` make of them.

use std::cell::Cell;

use pollvisor::config::check;
use pollvisor::config::dump;
use pollvisor::config::keys::KINDS;
use pollvisor::config::load::{LoadRequest, Purpose, load_with_document};
use pollvisor::config::supervisord::Overrides;
use pollvisor::config::system::{ReadError, System};

use super::Random;

/// What values are made of.
const PIECES: &[&str] = &[
    "",
    " ",
    "\n ",
    "\n\n  ",
    " ; x",
    "#",
    "%(here)s",
    "%(program_name)s",
    "%(process_num)02d",
    "%(group_name)s",
    "%(ENV_A)s",
    "%(ENV_NO)s",
    "%(host_node_name)s",
    "%(numprocs)d",
    "%",
    "%%",
    "%(x",
    "%(ENV_NO:-",
    "%(ENV_A:+",
    "%(ENV_NO:-%(here)s)s",
    "\\)",
    ")s",
    "0",
    "1",
    "3",
    "70000",
    "-1",
    "99999999999999999999999",
    "KB",
    "MB",
    "GB",
    "true",
    "off",
    "unexpected",
    "AUTO",
    "NONE",
    "syslog",
    "TERM",
    "SIGHUP",
    "0700",
    "A=1",
    "A=\"x\",B='y'",
    ",",
    "=",
    ":",
    "\"",
    "'",
    "\\",
    "/",
    "~",
    "/tmp/log",
    "unix:///s",
    "tcp://h:80",
    "nobody",
    ":nogroup",
    "root:root",
    "EVENT",
    "TICK_5",
    "exec:x",
    "store",
    "a",
    "b",
    "supervisor.rpcinterface:make_main_rpcinterface",
    "*.conf",
    "[x]",
];

/// What names of sections end in.
const NAMES: &[&str] = &["a", "b", "c", "", " a ", "a:b", "x y", "é"];

/// A made-up file, which another may include.
fn configuration(random: &mut Random) -> String {
    let mut text = String::from("[supervisord]\n");
    for _ in 0..random.below(6) {
        let kind = KINDS[random.below(KINDS.len())];
        text.push_str(&format!("[{}", kind.name));
        if kind.is_prefix {
            text.push_str(random.pick(NAMES));
        }
        text.push_str("]\n");
        let keys: Vec<&str> = kind.all_keys().map(|key| key.name).collect();
        if random.below(4) > 0 {
            text.push_str("command=c\nevents=EVENT\nsocket=unix:///s\nport=1\nfile=f\nfiles=f\n");
            text.push_str("process_name=%(program_name)s%(process_num)d\nprograms=a,b\n");
        }
        for _ in 0..random.below(5) {
            let value = match random.below(3) {
                0 => random.text(PIECES, 6),
                _ => random.pick(PIECES).to_owned(),
            };
            text.push_str(&format!("{}={value}\n", random.pick(&keys)));
        }
    }
    text
}

/// A system on which every file is one of two texts, and half of the names are known.
struct MadeUp<'a> {
    main: &'a str,
    included: &'a str,
}

impl System for MadeUp<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match path {
            "s.conf" | "/x/s.conf" => Ok(self.main.as_bytes().to_vec()),
            _ => Ok(self.included.as_bytes().to_vec()),
        }
    }

    fn exists(&self, path: &str) -> bool {
        path.len().is_multiple_of(2)
    }

    fn is_directory(&self, path: &str) -> bool {
        !path.len().is_multiple_of(3)
    }

    fn others_can_read(&self, _: &str) -> bool {
        true
    }

    fn others_who_can_write(&self, directory: &str) -> Option<String> {
        directory
            .len()
            .is_multiple_of(5)
            .then(|| "is the others'".to_owned())
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        vec![pattern.replace(['*', '?'], "x")]
    }

    fn host_node_name(&self) -> String {
        "host".to_owned()
    }

    fn temporary_directory(&self) -> String {
        "/tmp".to_owned()
    }

    fn home_directory(&self, _: Option<&str>) -> Option<String> {
        Some("/home".to_owned())
    }

    fn uid(&self) -> u32 {
        0
    }

    fn uid_of_name(&self, name: &str) -> Option<u32> {
        (!name.is_empty()).then_some(1)
    }

    fn gid_of_uid(&self, uid: u32) -> Option<u32> {
        (uid < 1000).then_some(1)
    }

    fn gid_of_name(&self, name: &str) -> Option<u32> {
        self.uid_of_name(name)
    }

    fn has_gid(&self, gid: u32) -> bool {
        gid < 1000
    }
}

#[test]
fn nonsense_does_not_stop_the_evaluation_of_configurations() {
    let (good, bad) = (Cell::new(0), Cell::new(0));
    super::run(
        10,
        |random| format!("{}\x0c{}", configuration(random), configuration(random)),
        |texts| {
            let Some((main, included)) = texts.split_once('\x0c') else {
                return;
            };
            let system = MadeUp { main, included };
            let request = LoadRequest {
                path: "s.conf".to_owned(),
                overrides: Overrides::default(),
                environment: vec![("A".to_owned(), "1".to_owned())],
                launch_directory: "/x".to_owned(),
                purpose: Purpose::Start,
            };
            match load_with_document(&request, &system) {
                Ok((config, document)) => {
                    good.set(good.get() + 1);
                    let _ = check::check(&config, &document, "/x", &system);
                    assert!(dump::dump(&config, &system).to_string().starts_with('{'));
                }
                Err(error) => {
                    bad.set(bad.get() + 1);
                    assert!(!error.to_string().is_empty());
                }
            }
        },
    );
    // Neither sort is to be out of reach.
    let (good, bad) = (good.get(), bad.get());
    assert!(good * 50 > bad && bad * 50 > good, "{good} good, {bad} bad");
}
