//! Configurations made up from a fixed seed: the same ones at every run. The
//! first 500 of each sort are tried; `GENERATED=20000` tries as many.

use std::path::{Path, PathBuf};

/// A small generator of numbers (xorshift64).
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// How many files of each sort to make.
pub fn count() -> usize {
    std::env::var("GENERATED").map_or(500, |text| text.parse().unwrap())
}

/// Writes files made by `make`, and those that they may include to `inc/`.
pub fn write(directory: &Path, make: fn(&mut Random) -> String) -> Vec<PathBuf> {
    let directory = directory.canonicalize().unwrap();
    let mut random = Random(0x5eed_0f43_1234_5678);
    std::fs::create_dir(directory.join("inc")).unwrap();
    for index in 0..INCLUDED {
        let path = directory.join(format!("inc/{}{index}.ini", random.pick(&["a", "b", "."])));
        std::fs::write(path, sections(&mut random, 4)).unwrap();
    }
    (0..count())
        .map(|index| {
            let path = directory.join(format!("{index:03}.conf"));
            std::fs::write(&path, make(&mut random)).unwrap();
            path
        })
        .collect()
}

/// How many files there are to be included.
const INCLUDED: usize = 30;

/// A file that includes others, with expansions in every kind of section.
pub fn whole(random: &mut Random) -> String {
    let mut text = String::from("[supervisord]\n");
    if random.below(2) == 0 {
        let patterns = [
            "inc/a*.ini",
            "inc/b1?.ini",
            "%(here)s/inc/[ab]2*.ini",
            "inc/a1.ini inc/a1.ini",
            "inc/none*.ini\n  inc/*3.ini",
            "inc/",
            "%(host_node_name)s/*.ini",
            "inc/../inc/b7.ini ; a comment",
            "%(ENV_NOPE)s",
            "",
        ];
        text.push_str(&format!("[include]\nfiles = {}\n", random.pick(&patterns)));
    }
    text.push_str(&sections(random, 4));
    text
}

fn sections(random: &mut Random, limit: usize) -> String {
    const VALUES: &[&str] = &[
        "%(here)s/x",
        "%(here)30s",
        "%(host_node_name)s",
        "%(program_name)s",
        "%(group_name)s",
        "%(ENV_WORD)s",
        "%(ENV_A)s",
        "%%(host_node_name)s",
        "%%%%",
        "100%",
        "%(process_num)d",
        "1",
        "7",
        "true",
        "plain",
    ];
    const SECTIONS: &[(&str, &[&str])] = &[
        (
            "supervisord",
            &[
                "identifier",
                "environment=A=\"",
                "logfile_backups",
                "nodaemon",
                "minfds",
            ],
        ),
        (
            "unix_http_server",
            &["file=/tmp/", "username", "password", "chmod"],
        ),
        (
            "inet_http_server:2",
            &["port=127.0.0.1:", "username", "password"],
        ),
        ("group:g", &["programs=p,q", "priority", "programs"]),
        (
            "program:p",
            &[
                "command",
                "priority",
                "startsecs",
                "stdout_logfile",
                "environment=B=\"",
            ],
        ),
        (
            "program:q",
            &[
                "command",
                "directory",
                "autostart",
                "stderr_logfile",
                "serverurl",
            ],
        ),
        (
            "eventlistener:l",
            &["command", "events=TICK_5", "buffer_size", "priority"],
        ),
        (
            "fcgi-program:f",
            &[
                "command",
                "socket=tcp://h:",
                "socket=unix://%(here)s/",
                "socket_mode",
            ],
        ),
        ("DEFAULT", &["priority", "startsecs"]),
        ("include", &["files=inc/a2.ini"]),
        ("unknown", &["x"]),
    ];
    let mut text = String::new();
    for _ in 0..random.below(limit) + 1 {
        let (name, keys) = SECTIONS[random.below(SECTIONS.len())];
        text.push_str(&format!("[{name}]\n"));
        if name.starts_with("program") || name.starts_with("fcgi") || name.starts_with("event") {
            text.push_str("command=/bin/cat\n");
        }
        for _ in 0..random.below(4) {
            // A key may come with the beginning of its value.
            let entry = random.pick(keys);
            let (key, start) = entry.split_once('=').unwrap_or((entry, ""));
            let value = if random.below(5) > 1 {
                "1"
            } else {
                random.pick(VALUES)
            };
            let value = match key {
                "events" | "programs" | "files" => "",
                _ => value,
            };
            // Between quotes, for what is expanded is not parsed again here.
            let end = if start.ends_with('"') { "\"" } else { "" };
            text.push_str(&format!("{key}={start}{value}{end}\n"));
        }
    }
    text
}

/// Lines of every shape, good and bad.
pub fn lines(random: &mut Random) -> String {
    const PIECES: &[&str] = &[
        "a",
        "b",
        "K",
        "[",
        "]",
        "[a]",
        "[B]",
        "[DEFAULT]",
        "[ c ]",
        "=",
        ":",
        "=",
        " ",
        " ",
        "  ",
        "\t",
        ";",
        "#",
        " ;",
        " #",
        "\\",
        "\"",
        "'",
        "%(here)s",
        "é",
        "İ",
        "\u{a0}",
        "\u{2028}",
        "\u{85}",
        "\u{c}",
        "\u{1c}",
        "\u{b}",
        "rem",
        "1",
        ",",
        "k=v",
        "x : y",
    ];
    const ENDS: &[&str] = &["\n", "\n", "\n", "\n", "\r\n", "\r", "\n\n"];
    let mut text = String::new();
    if random.below(8) > 0 {
        text.push_str("[s]\n");
    }
    for _ in 0..random.below(12) {
        // Mostly well-formed lines, or every file would only be an error.
        match random.below(6) {
            0 => text.push_str(random.pick(&["[a]", "[b]", "[DEFAULT]", "  [a]"])),
            1 | 2 => text.push_str(random.pick(&["k=", "K :", "long key = ", "  k=", " j:"])),
            3 => text.push_str(random.pick(&["  ", "\t", "    ", "", ";", "  # "])),
            _ => {}
        }
        for _ in 0..random.below(6) {
            text.push_str(random.pick(PIECES));
        }
        text.push_str(random.pick(ENDS));
    }
    text
}

/// A configuration with a program whose keys have values of every sort.
pub fn program(random: &mut Random) -> String {
    const KEYS: &[&str] = &[
        "priority",
        "autostart",
        "autorestart",
        "startsecs",
        "startretries",
        "exitcodes",
        "stopsignal",
        "stopwaitsecs",
        "stopasgroup",
        "killasgroup",
        "redirect_stderr",
        "umask",
        "numprocs_start",
        "stdout_capture_maxbytes",
        "stderr_logfile_maxbytes",
        "stdout_logfile_backups",
        "stdout_events_enabled",
        "stderr_syslog",
        "serverurl",
    ];
    const TEXT_KEYS: &[&str] = &[
        "environment",
        "stdout_logfile",
        "stderr_logfile",
        "directory",
        "command",
        "serverurl",
        "process_name",
    ];
    const VALUES: &[&str] = &[
        "1",
        "0",
        "true",
        "No",
        "ON",
        "-5",
        "+7",
        "1_0",
        "٣",
        "999999999999999999999",
        "TERM",
        "sigusr1",
        "15",
        "64",
        "33",
        "0,2",
        "1, 255",
        "256",
        "unexpected",
        "022",
        "0o17",
        "9",
        "1KB",
        "2 mb",
        "3GB",
        "1.5MB",
        "",
        "auto",
        "%(process_num)d",
        "%(numprocs)s",
        "%(program_name)s",
        "%(ENV_WORD)s",
        "%(nope)s",
        "50%",
        "%%",
        "%(here)d",
        "x",
    ];
    const TEXTS: &[&str] = &[
        "A=1,B=\"x y\"",
        "A='it''s',",
        "A=\"%(process_num)d\"",
        "A=%(program_name)s",
        "A=1,,B",
        "A",
        "A=\"x#y\"",
        "PATH=/bin:/usr/bin",
        "A=\"%(ENV_WORD)s\"",
        "WORD=\"%(ENV_WORD)s!\"",
        "NONE",
        "auto",
        "Syslog",
        "/tmp/%(program_name)s.log",
        "%(ENV_WORD)s",
        "a%%b",
        "a%%%%b",
        "~/x",
        "%(here)s/x",
        "%(group_name)s-%(process_num)02d",
        "%(program_name)s_%(process_num)s",
        "%(host_node_name)s",
        "%(program_name)10s|",
        "%(process_num)x",
        "%(program_name)r",
        "%z",
        "%(here",
        "%s %s",
        "%(ENV_PERCENT)s",
        "%(program_name)-5s.%(process_num)+d",
        "a b",
        "a/b",
    ];
    let mut text = String::from("[supervisord]\n");
    if random.below(3) == 0 {
        text.push_str("environment=WORD=\"other\",S=1\n");
    }
    text.push_str("[program:p]\n");
    if random.below(10) > 0 {
        text.push_str("command=/bin/cat\n");
    }
    if random.below(3) == 0 {
        text.push_str("numprocs=3\nprocess_name=%(program_name)s_%(process_num)02d\n");
    }
    for _ in 0..random.below(4) {
        let line = match random.below(2) {
            0 => {
                let (key, value) = (random.pick(KEYS), random.pick(VALUES));
                // Where a number beyond 64 bits shows in a name the two differ on purpose.
                let value = if key == "numprocs_start" && value.len() > 18 {
                    "7"
                } else {
                    value
                };
                format!("{key} = {value}\n")
            }
            _ => {
                let (key, value) = (random.pick(TEXT_KEYS), random.pick(TEXTS));
                // What came out of a name is expanded once more by 4.3.0.
                let is_percent = value == "%(ENV_PERCENT)s" && key.ends_with("_logfile");
                format!("{key} = {}\n", if is_percent { "x" } else { value })
            }
        };
        text.push_str(&line);
    }
    match random.below(6) {
        0 => text.push_str("[group:g]\nprograms=p\npriority=5\n"),
        1 => text.push_str("[group:g]\nprograms=p, q\n"),
        2 => text.push_str("[program:q]\ncommand=/bin/q\npriority=1\n"),
        _ => {}
    }
    text
}
