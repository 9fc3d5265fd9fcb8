//! What the README and the guides for developers name is there, and where they say it is told.

use super::page::{page, pages, project};
use crate::support::{Dir, binary};
use pollvisor::config::keys::KINDS;
use pollvisor::{supervisorctl, supervisord};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

pub fn read(name: &str) -> String {
    fs::read_to_string(project(name)).unwrap()
}

/// The README without the measured figures.
pub fn readme() -> String {
    let text = read("README.md");
    let (before, rest) = text.split_once("<!-- figures:").unwrap();
    let (_, after) = rest.split_once("<!-- end of figures -->").unwrap();
    format!("{before}{after}")
}

/// The guides for those who work on the source.
const GUIDES: &[&str] = &["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// The README and the guides.
pub fn all() -> String {
    let guides = GUIDES.iter().map(|name| read(name));
    readme() + &guides.collect::<String>()
}

/// What stands in backquotes, a row of them each for itself.
pub fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_file_that_they_name_is_there_and_the_map_has_every_folder() {
    let text = readme();
    let folders = ["src/", "tests/", "conf/", "man/"];
    let mut named = BTreeSet::new();
    for row in text.lines() {
        // In the map a name without a folder stands beside one that has it.
        let mut folder = None;
        let first = row.split(" | ").next().unwrap();
        let names = if row.starts_with("| `src/") {
            first
        } else {
            row
        };
        for name in quoted(names) {
            let place = match folders.iter().find(|folder| name.starts_with(*folder)) {
                Some(above) => {
                    folder = Some(above.trim_end_matches('/'));
                    name.to_owned()
                }
                None if row.starts_with("| `src/") => format!("{}/{name}", folder.unwrap()),
                None => continue,
            };
            let is_there = project(&place).exists() || project(&format!("{place}.rs")).exists();
            assert!(is_there, "{place}");
            named.insert(place.trim_end_matches('/').to_owned());
        }
    }
    for guide in GUIDES {
        let text = read(guide);
        for name in quoted(&text) {
            let path = name.split([':', '=', ' ']).next().unwrap();
            if folders.iter().any(|folder| path.starts_with(folder)) {
                assert!(project(path).exists(), "{guide}: {name}");
            }
        }
    }
    for (folder, also_files) in [("src", true), ("tests", false)] {
        for entry in fs::read_dir(project(folder)).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let is_map = ["lib", "main"].contains(&stem);
            if is_map || (path.is_file() && !also_files) {
                continue;
            }
            let names = [format!("{folder}/{stem}"), format!("{folder}/{stem}.rs")];
            let is_named = names.iter().any(|name| named.contains(name));
            assert!(is_named, "the map has no {folder}/{stem}");
        }
    }
}

/// What is told where: a part of a row of "Told in", the page, and words of that page for it.
const TOLD: &[(&str, &str, &str)] = &[
    ("`--check` checks", "supervisord.8", ".It Fl -check"),
    ("`--dump-config` prints", "supervisord.8", "Fl -dump-config"),
    ("a restart or reread", "supervisor-compat.7", "CANT_REREAD"),
    (
        "a log, a disk",
        "supervisor-compat.7",
        "A log that fails stops neither program nor daemon",
    ),
    ("`debug`", "supervisorctl.8", ".It Cm debug"),
    ("`status --json`", "supervisorctl.8", "status --json"),
    ("patterns", "supervisorctl.8", "pattern"),
    ("an editor", "supervisorctl.8", "lines are edited"),
    ("end states", "supervisor-events.7", "EXITED"),
    (
        "`event_max_retry`",
        "supervisor-events.7",
        "event_max_retry",
    ),
    ("monitors", "supervisor-events.7", "monitor"),
    (
        "reason why supervisord",
        "supervisor-rpc.7",
        "Why supervisord is FATAL",
    ),
    ("reason why supervisord", "supervisorctl.8", "FATAL"),
    (
        "no server answers",
        "supervisorctl.8",
        "no server can be reached",
    ),
    ("has lost", "supervisord.conf.5", "lost bytes are counted"),
    ("has lost", "supervisor-compat.7", "Lost bytes are counted"),
    ("`{SHA256}`", "supervisord.conf.5", "SHA256"),
    ("follows by itself", "supervisord.8", ".It Pa /events"),
    ("`/metrics`", "supervisor-metrics.7", "GET /metrics"),
    ("a dashboard", "supervisor-metrics.7", "grafana.json"),
    ("`/healthz`", "supervisor-metrics.7", ".It Pa /readyz"),
    ("`status --figures`", "supervisorctl.8", "Fl -figures"),
    ("`explain` says", "supervisorctl.8", ".It Cm explain"),
    (
        "`explain` says",
        "supervisor-rpc.7",
        ".It Fn supervisor.explainProcess",
    ),
    ("read-only access", "supervisord.conf.5", ".It Cm readonly"),
    (
        "read-only access",
        "supervisor-rpc.7",
        ".Ss Read-only access",
    ),
    ("`disable` keeps", "supervisorctl.8", ".It Cm disable"),
    ("`restart --rolling`", "supervisorctl.8", "Fl -rolling"),
    ("`disable` keeps", "supervisord.conf.5", ".It Cm statefile"),
    ("`scale` changes", "supervisorctl.8", ".It Cm scale"),
    ("`upgrade`", "supervisorctl.8", ".It Cm upgrade"),
    (
        "no pid changes",
        "supervisord.8",
        "with the same process id",
    ),
    ("`allowed_hosts`", "supervisord.conf.5", "allowed_hosts"),
    ("tokens", "supervisor-compat.7", "token from the page"),
    ("limits", "supervisor-compat.7", "There are limits"),
    ("one log", "supervisor-compat.7", "have one writer"),
    (
        "`user=`",
        "supervisord.conf.5",
        "With a group, that is the primary group",
    ),
    ("sockets of a group", "supervisord.conf.5", ".It Cm chown"),
    (
        "inside groups",
        "supervisord.conf.5",
        "As a member of a group",
    ),
    (
        "a restart policy",
        "supervisord.conf.5",
        ".It Cm restart_limit",
    ),
    ("hooks before", "supervisord.conf.5", ".Sh HOOKS"),
    ("`kill_mode`", "supervisord.conf.5", ".It Cm kill_mode"),
    ("control groups", "supervisord.conf.5", ".Sh CONTROL GROUPS"),
    (
        "`memory_check`",
        "supervisord.conf.5",
        ".It Cm memory_check",
    ),
    ("jobs", "supervisord.conf.5", ".Sh JOBS"),
    (
        "`rlimit_nofile`",
        "supervisord.conf.5",
        ".Sh LIMITS AND RIGHTS",
    ),
    ("`sockets`", "supervisord.conf.5", ".Sh SOCKETS"),
    ("`depends_on`", "supervisord.conf.5", ".Sh DEPENDENCIES"),
    ("`graph`", "supervisorctl.8", ".It Cm graph"),
    (
        "RUNNING that means ready",
        "supervisord.conf.5",
        ".It Cm readiness_check",
    ),
    ("`wait`", "supervisorctl.8", ".It Cm wait"),
    ("`exit_on`", "supervisord.conf.5", ".It Cm exit_on"),
    ("`healthcheck`", "supervisorctl.8", ".It Cm healthcheck"),
    (
        "rotated daily",
        "supervisord.conf.5",
        ".It Cm stdout_logfile_rotate",
    ),
    ("`reopen`", "supervisorctl.8", ".It Cm reopen"),
    (
        "packed",
        "supervisord.conf.5",
        ".It Cm stdout_logfile_processor",
    ),
    (
        "bounds all",
        "supervisord.conf.5",
        ".It Cm childlogs_maxbytes",
    ),
    ("only what must be", "supervisord.conf.5", ".Sh UPDATES"),
    ("`update --dry-run`", "supervisorctl.8", "update --dry-run"),
    ("in memory", "supervisord.conf.5", ".It Cm stdout_ring"),
    ("formats of logs", "supervisord.conf.5", ".Sh LOG FORMATS"),
    (
        "several targets",
        "supervisord.conf.5",
        "With several targets",
    ),
    ("tags for syslog", "supervisord.conf.5", ".It Cm syslog_tag"),
    ("`--procfile`", "supervisord.8", ".It Fl -procfile"),
    ("after `--`", "supervisord.8", ".Ss A main command"),
    ("texts for", "supervisord.conf.5", "%(ENV_X:-text)s"),
    ("`READY=1`", "supervisord.8", "READY=1"),
    ("watchdog", "supervisord.8", "WATCHDOG=1"),
    ("container", "supervisord.8", ".Sh CONTAINERS"),
    ("probes", "supervisord.8", ".Ss Probes"),
];

#[test]
fn each_page_that_it_sends_to_has_a_word_for_it() {
    let text = readme();
    let (_, table) = text.split_once("| What | Told in |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let mut used = BTreeSet::new();
    for row in table.lines().skip(2) {
        let (what, told_in) = row.split_once(" | ").unwrap();
        let known = TOLD.iter().filter(|(part, ..)| what.contains(part));
        let mut looked_at = BTreeSet::new();
        for (part, name, word) in known {
            assert!(page(name).contains(word), "{name} has no {word}: {part}");
            looked_at.insert((*name).to_owned());
            used.insert(part);
        }
        let named = references(told_in).into_iter();
        let named: BTreeSet<String> = named.map(|(name, at)| format!("{name}.{at}")).collect();
        assert_eq!(named, looked_at, "{what}");
    }
    for (part, ..) in TOLD {
        assert!(used.contains(part), "nowhere: {part}");
    }
}

#[test]
fn every_page_key_and_option_that_it_and_the_changes_name_is_there() {
    let pages = pages();
    let keys: BTreeSet<&str> = KINDS
        .iter()
        .flat_map(|kind| kind.all_keys())
        .map(|key| key.name)
        .collect();
    let options: BTreeSet<String> = supervisord::options::spellings()
        .chain(supervisorctl::options::spellings())
        .map(|(name, _)| name)
        .chain(
            supervisorctl::command::listed()
                .flat_map(supervisorctl::manner::options_of)
                .map(ToString::to_string),
        )
        .chain(
            [
                "--no-default-features",
                "--nocapture",
                "--json",
                "--figures",
                "--lib",
                "--test",
            ]
            .map(str::to_owned),
        )
        .collect();
    for text in [all(), read("CHANGELOG.md")] {
        for (name, digit) in references(&text) {
            let name = format!("{name}.{digit}");
            assert!(pages.contains(&name), "{name}");
        }
        for quoted in quoted(&text) {
            let name = quoted.split(['=', '[']).next().unwrap();
            let is_key =
                name.contains('_') && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let is_program = ["echo_supervisord_conf"].contains(&name);
            assert!(!is_key || is_program || keys.contains(name), "{quoted}");
            if let Some(option) = quoted
                .split_whitespace()
                .find(|word| word.starts_with("--") && word.len() > 2)
            {
                let option = option.split(['=', '[']).next().unwrap();
                assert!(options.contains(option), "{quoted}");
            }
        }
    }
}

/// Pages as a text refers to them: `supervisord(8)`.
fn references(text: &str) -> Vec<(&str, char)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
    let ends = text.match_indices('(').filter_map(|(at, _)| {
        let mut after = text[at + 1..].chars();
        let digit = after.next().filter(|digit| ('1'..='8').contains(digit))?;
        (after.next() == Some(')')).then_some((at, digit))
    });
    ends.map(|(at, digit)| {
        let start = text[..at]
            .rfind(|c| !is_part(c))
            .map_or(0, |before| before + 1);
        (&text[start..at], digit)
    })
    .filter(|(name, _)| !name.is_empty())
    .collect()
}

#[test]
fn the_oldest_rust_is_that_of_the_package() {
    let manifest = read("Cargo.toml");
    let (_, rest) = manifest.split_once("rust-version = \"").unwrap();
    let version = rest.split('"').next().unwrap();
    assert!(readme().contains(&format!("needs Rust {version} or later")));
}

#[test]
fn the_changes_begin_with_the_version_of_the_package() {
    let changes = read("CHANGELOG.md");
    let mut headings = changes.lines().filter_map(|line| line.strip_prefix("## "));
    let first = headings.find(|heading| *heading != "Unreleased");
    assert_eq!(first, Some(env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_binary_answers_to_the_four_names_that_it_tells() {
    let text = readme();
    let sentence = "The binary is supervisord, supervisorctl, pidproxy and\necho_supervisord_conf";
    assert!(text.contains(sentence));
    let dir = Dir::new();
    for name in [
        "supervisord",
        "supervisorctl",
        "pidproxy",
        "echo_supervisord_conf",
    ] {
        let target = fs::read_link(dir.bin().join(name)).unwrap();
        assert_eq!(target, Path::new(binary()));
        assert!(
            pages()
                .iter()
                .any(|page| page.starts_with(&format!("{name}.")))
        );
    }
}
