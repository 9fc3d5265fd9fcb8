//! The processes of the system, as Linux's /proc shows them. Elsewhere there are none.

use std::fs::{self, File};
use std::io::Read;

/// How much of an environment is read at most.
const ENVIRONMENT_LIMIT: u64 = 1 << 20;

/// Namespaces that must be the same for two processes to mean the same by a path, a port and a pid.
const NAMESPACES: [&str; 3] = ["mnt", "net", "pid"];

/// What /proc/PID/stat tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub parent: i32,
    /// The process group that it is in.
    pub group: i32,
    /// When it was started, in clock ticks since the system was. With the pid, it names one process.
    pub started: u64,
    /// It has ended, and its parent has not collected it.
    pub is_zombie: bool,
}

/// The pids that there are.
pub fn pids() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// What is known of a process; `None` when it has gone.
pub fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// See proc_pid_stat(5). The second field is the command in brackets, which may hold anything.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    // The first of them is the third field of the line.
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Stat {
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        started: field(22)?.parse().ok()?,
        is_zombie: matches!(field(3)?, "Z" | "X"),
    })
}

/// How many processes of a group have not ended.
pub fn count_in_group(group: i32) -> usize {
    let stats = pids().into_iter().filter_map(stat);
    stats
        .filter(|stat| stat.group == group && !stat.is_zombie)
        .count()
}

/// The user who has started a process, whatever rights it has since.
pub fn real_user(pid: i32) -> Option<u32> {
    parse_real_user(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// See proc_pid_status(5). The command, on the first line, has no line feeds there.
fn parse_real_user(text: &str) -> Option<u32> {
    let users = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    users.split_ascii_whitespace().next()?.parse().ok()
}

/// The environment that a process was started with; `None` where it may not be read.
pub fn environment(pid: i32) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let file = File::open(format!("/proc/{pid}/environ")).ok()?;
    file.take(ENVIRONMENT_LIMIT).read_to_end(&mut bytes).ok()?;
    let variables = bytes.split(|byte| *byte == 0);
    let pairs = variables.filter_map(|variable| {
        let equals = variable.iter().position(|byte| *byte == b'=')?;
        let (name, value) = variable.split_at(equals);
        Some((name.to_vec(), value.get(1..)?.to_vec()))
    });
    Some(pairs.collect())
}

/// Whether a process sees the same files, ports and pids as this one.
pub fn is_beside_us(pid: i32) -> bool {
    NAMESPACES.iter().all(|name| {
        let of = |process: &str| fs::read_link(format!("/proc/{process}/ns/{name}")).ok();
        // A system without namespaces has no such links.
        of(&pid.to_string()) == of("self")
    })
}

/// What tells this run of the system from every other.
pub fn boot() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_with_brackets_and_blanks_do_not_move_the_fields() {
        let line = "12 (a) b (c) S 7 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 1\n";
        let expected = Stat {
            parent: 7,
            group: 1,
            started: 4711,
            is_zombie: false,
        };
        assert_eq!(parse_stat(line), Some(expected));
        let zombie = line.replace(") S ", ") Z ");
        assert!(parse_stat(&zombie).unwrap().is_zombie);
        for bad in ["", "12", "12 (a)", "12 (a) S 7 7", "12 (a) S x 1"] {
            assert_eq!(parse_stat(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_process_has_the_user_who_started_it() {
        let text = "Name:\tUid: 7\\n\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n";
        assert_eq!(parse_real_user(text), Some(1000));
        assert_eq!(parse_real_user("Name:\tx\nUid:\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_found() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(pids().contains(&own));
        assert!(stat(own).unwrap().started > 0);
        assert!(is_beside_us(own));
        assert!(boot().is_some());
        let path = std::env::var_os("PATH").unwrap();
        let environment = environment(own).unwrap();
        let found = environment.iter().find(|(name, _)| name == b"PATH");
        assert_eq!(found.unwrap().1, path.as_encoded_bytes());
    }
}
