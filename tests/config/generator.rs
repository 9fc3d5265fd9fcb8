//! Configurations made up from a fixed seed: the same ones at every run.

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

/// Writes `count` files made by `make`.
pub fn write(directory: &Path, count: usize, make: fn(&mut Random) -> String) -> Vec<PathBuf> {
    let directory = directory.canonicalize().unwrap();
    let mut random = Random(0x5eed_0f43_1234_5678);
    (0..count)
        .map(|index| {
            let path = directory.join(format!("{index:03}.conf"));
            std::fs::write(&path, make(&mut random)).unwrap();
            path
        })
        .collect()
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
            0 => format!("{} = {}\n", random.pick(KEYS), random.pick(VALUES)),
            _ => format!("{} = {}\n", random.pick(TEXT_KEYS), random.pick(TEXTS)),
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
