//! How a key comes to a process that runs: the table of keys, the manual's table, and what the
//! comparison of two configurations makes of each key.

use std::collections::BTreeSet;

use pollvisor::config::Config;
use pollvisor::config::diff::keys;
use pollvisor::config::key::{Applied, Key};
use pollvisor::config::keys::{KINDS, SectionKind};

use super::manual::{example, heading, items, part, with};
use super::system::TestSystem;
use crate::manual::page::{page, section, shown};

/// The kinds of sections that make processes, with their groups.
fn kinds() -> impl Iterator<Item = &'static SectionKind> {
    let names = ["group:", "program:", "eventlistener:", "fcgi-program:"];
    KINDS.iter().filter(move |kind| names.contains(&kind.name))
}

fn keys_of(applied: Applied) -> BTreeSet<&'static str> {
    let keys = kinds().flat_map(SectionKind::all_keys);
    let keys = keys.filter(|key| key.applied == applied);
    keys.map(|key| key.name).collect()
}

#[test]
fn the_page_tells_of_every_key_what_it_takes() {
    let page = page("supervisord.conf.5");
    let text = section(&page, "UPDATES").join("\n");
    for (title, applied) in [
        ("A new child", Applied::Child),
        ("The daemon", Applied::Daemon),
        ("Nothing", Applied::Nothing),
    ] {
        let (_, item) = text.split_once(&format!(".It {title}\n")).unwrap();
        let lines = item.lines().take_while(|line| line.starts_with(".Ic "));
        let words = lines.flat_map(|line| line[4..].split(' '));
        let told: BTreeSet<&str> = words.filter(|word| *word != ",").collect();
        assert_eq!(told, keys_of(applied), "{title}");
    }
}

fn load(text: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("supervisord.conf"), text).unwrap();
    let place = directory.path().to_str().unwrap();
    let config = TestSystem::Lenient.load(place, "supervisord.conf");
    config.map_err(|error| error.to_string())
}

/// The keys by which the groups named alike of two configurations differ, and whether their
/// processes need other children.
fn differing(old: &Config, new: &Config) -> (BTreeSet<&'static str>, bool) {
    let (mut found, mut needs_child) = (BTreeSet::new(), false);
    for new in &new.groups {
        let Some(old) = old.groups.iter().find(|old| old.name == new.name) else {
            continue;
        };
        found.extend(
            keys::of_group(old, new)
                .iter()
                .map(|change| change.key.name),
        );
        for (one, other) in old.processes.iter().zip(&new.processes) {
            let (one, other) = ((&**old, &**one), (&**new, &**other));
            let changes = keys::of_process(one, other);
            found.extend(changes.iter().map(|change| change.key.name));
            needs_child |= keys::needs_child(one, other);
        }
    }
    (found, needs_child)
}

#[test]
fn each_key_is_seen_by_the_comparison_and_needs_what_the_table_says() {
    let page = page("supervisord.conf.5");
    for kind in kinds().filter(|kind| kind.name != "group:") {
        let heading = match kind.name {
            "program:" => "[program:x]".to_owned(),
            _ => heading(kind),
        };
        let items = items(part(&page, &heading));
        for item in &items {
            let line = shown(example(item));
            let name = line.split_once('=').unwrap().0;
            let key: &Key = kind.all_keys().find(|key| key.name == name).unwrap();
            let (Ok(old), Ok(new)) = (load(&with(kind, "")), load(&with(kind, &line))) else {
                panic!("{line}");
            };
            let (found, needs_child) = differing(&old, &new);
            let says = key.applied == Applied::Child;
            // Of these the process itself has another name, or there are more.
            let is_of_name = ["process_name", "numprocs", "numprocs_start"].contains(&name);
            if !is_of_name {
                assert!(!found.is_empty(), "{line}");
                // A check alone asks for readiness, and a limit for a control group.
                let says = says || found.contains("readiness") || found.contains("cgroup");
                assert_eq!(needs_child, says, "{line} makes {found:?}");
            }
        }
    }
}

#[test]
fn what_makes_no_difference_is_none() {
    let kind = KINDS.iter().find(|kind| kind.name == "program:").unwrap();
    let two = |first: &str, second: &str| {
        let text = with(kind, first);
        format!("{text}[program:other]\ncommand=a\n{second}\n")
    };
    let old = load(&two("exitcodes=0,1", "")).unwrap();
    for text in [
        two("exitcodes=1,0", ""),
        two("exitcodes=0,1\nstopwaitsecs=10", "autostart=yes"),
        two("exitcodes=0,1", "umask=%(process_num)o")
            .replace("umask=%(process_num)o", "environment="),
    ] {
        let new = load(&text).unwrap();
        assert_eq!(differing(&old, &new), (BTreeSet::new(), false), "{text}");
    }
}
