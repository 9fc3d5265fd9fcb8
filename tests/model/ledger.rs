//! What children wrote and what listeners heard, held against the files.

use super::world::{LOSSY, World};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A stream of lines: program, channel and pid, as `a o 123`.
type Stream = String;

/// How many lines each stream has had written.
pub fn written(world: &World) -> BTreeMap<Stream, u64> {
    let mut counts = BTreeMap::new();
    for entry in fs::read_dir(world.dir.join("counts")).unwrap().flatten() {
        let file_name = entry.file_name().to_string_lossy().into_owned();
        let Some((name, pid)) = file_name.split_once('.') else {
            continue;
        };
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        for (at, channel) in ["o", "e"].iter().enumerate() {
            let digits = text
                .get(20 * at..20 * at + 19)
                .unwrap_or("")
                .trim_matches('\0');
            if let Ok(count) = digits.parse() {
                counts.insert(format!("{name} {channel} {pid}"), count);
            }
        }
    }
    counts
}

/// The lines in all files: how often each stands there.
struct Found(BTreeMap<Stream, Vec<u8>>);

/// Whether the lines of a program may be in a log.
fn belongs(name: &str, log: &str) -> bool {
    let log = log.strip_suffix("-err").unwrap_or(log);
    name == log
        || (log == "s" && (name == "s0" || name == "s1"))
        || (log == "w" && (name == "w0" || name == "w1"))
}

/// Adds the lines of a file; each is whole and its own program's.
fn read(path: &Path, found: &mut Found) -> Result<(), String> {
    let file_name = path.file_name().unwrap().to_string_lossy().into_owned();
    let log = file_name.split('.').next().unwrap_or("");
    let Ok(bytes) = fs::read(path) else {
        return Ok(());
    };
    let is_lossy = LOSSY.contains(&log);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let words: Vec<&str> = line.trim_end_matches('\n').split(' ').collect();
        let whole = match words[..] {
            [name, channel, pid, number, count, filling] if line.ends_with('\n') => {
                let (number, count) = (number.parse::<usize>(), count.parse::<usize>());
                let is_filled =
                    count == Ok(filling.len()) && filling.bytes().all(|byte| byte == b'x');
                number
                    .ok()
                    .filter(|_| is_filled)
                    .map(|number| (name, channel, pid, number))
            }
            _ => None,
        };
        let Some((name, channel, pid, number)) = whole else {
            // A full disk cuts lines, and so does who truncates a file.
            if is_lossy {
                continue;
            }
            return Err(format!("{file_name} holds {line:?}"));
        };
        // What a full disk took of a line stands before the next one.
        if is_lossy && name != log && name.ends_with(log) {
            continue;
        }
        if !belongs(name, log) {
            return Err(format!("{file_name} holds a line of {name}: {line:?}"));
        }
        let counts = found
            .0
            .entry(format!("{name} {channel} {pid}"))
            .or_default();
        if counts.len() <= number {
            counts.resize(number + 1, 0);
        }
        counts[number] += 1;
    }
    Ok(())
}

/// Every line that was written is in one place.
pub fn lines(world: &World) -> Result<(), String> {
    let written = written(world);
    let mut found = Found(BTreeMap::new());
    let mut seen = BTreeSet::new();
    let folders = [
        world.dir.join("logs"),
        world.dir.join("kept"),
        world.small(),
    ];
    for entry in folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .flatten()
    {
        let path = entry.path();
        let is_new = path
            .metadata()
            .is_ok_and(|metadata| seen.insert((metadata.dev(), metadata.ino())));
        if is_new && path.file_name().is_some_and(|name| name != "filling") {
            read(&path, &mut found)?;
        }
    }
    for (stream, counts) in &found.0 {
        if let Some(number) = counts.iter().position(|count| *count > 1) {
            return Err(format!(
                "line {number} of {stream} is there {} times",
                counts[number]
            ));
        }
    }
    for (stream, count) in &written {
        let name = stream.split(' ').next().unwrap_or("");
        if LOSSY.contains(&name) || world.cleared.contains(name) {
            continue;
        }
        let from = world.forgiven.get(stream).copied().unwrap_or(0);
        let empty = Vec::new();
        let counts = found.0.get(stream).unwrap_or(&empty);
        let missing: Vec<u64> = (from + 1..=*count)
            .filter(|number| counts.get(*number as usize) != Some(&1))
            .collect();
        if !missing.is_empty() {
            return Err(format!(
                "of {count} lines of {stream} these are missing: {missing:?}"
            ));
        }
    }
    Ok(())
}

/// After a rest: what was written until now to logs that were cleared need not be there.
pub fn forgive(world: &mut World) {
    let written = written(world);
    for (stream, count) in written {
        let name = stream.split(' ').next().unwrap_or("").to_owned();
        if world.cleared.contains(&name) {
            world.forgiven.insert(stream, count);
        }
    }
    world.cleared.clear();
}

/// Every event that was accepted was heard once by the good listener, or once more for each of its ends.
pub fn events(world: &World) -> Result<(), String> {
    for (pool, is_good) in [("ear", true), ("odd", false)] {
        let heard = world.dir.read(&format!("heard/{pool}")).unwrap_or_default();
        let mut times: BTreeMap<u64, usize> = BTreeMap::new();
        let mut pids = BTreeSet::new();
        for line in heard.split_inclusive('\n') {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [pid, _, event, ref data @ ..] = words[..] else {
                return Err(format!("{pool} has noted {line:?}"));
            };
            pids.insert(pid);
            let number = data
                .first()
                .copied()
                .unwrap_or("")
                .split('-')
                .nth(1)
                .and_then(|number| number.parse().ok());
            if let (true, Some(number)) = (event == "REMOTE_COMMUNICATION", number) {
                *times.entry(number).or_default() += 1;
            }
        }
        let more: usize = times.values().map(|count| count - 1).sum();
        if is_good && more > pids.len().saturating_sub(1) {
            return Err(format!(
                "{pool} has heard {more} events again, and lived {} times: {times:?}",
                pids.len()
            ));
        }
        let unheard: Vec<u64> = world
            .events
            .iter()
            .filter(|(number, must)| **must && !times.contains_key(number))
            .map(|(number, _)| *number)
            .collect();
        if is_good && !unheard.is_empty() {
            return Err(format!("{pool} has not heard {unheard:?}"));
        }
        if let Some(number) = times
            .keys()
            .find(|number| !world.events.contains_key(number))
        {
            return Err(format!("{pool} has heard {number}, which nobody sent"));
        }
    }
    Ok(())
}

#[test]
fn a_line_cut_after_its_first_byte_by_a_full_disk_is_no_other_programs() {
    let dir = crate::support::Dir::new();
    for (file, text, is_fine) in [
        ("p.log.2", "pp o 26390 1 0 \n", true),
        ("p.log.2", "n o 26390 1 0 \n", false),
        ("a.log", "aa o 26390 1 0 \n", false),
    ] {
        dir.write(file, text);
        let outcome = read(&dir.join(file), &mut Found(BTreeMap::new()));
        assert_eq!(outcome.is_ok(), is_fine, "{file}: {outcome:?}");
    }
}
