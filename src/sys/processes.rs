//! The processes of the system, as Linux's /proc shows them. Elsewhere there are none.

use std::fs::{self, File};
use std::io::Read;
use std::time::Duration;

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
    /// The time of processors that it has used, with the children that it has collected left out.
    pub processor_time: Duration,
    pub threads: u64,
    /// The memory of it that is in the machine's, in bytes; what it shares with others is in it.
    pub resident: u64,
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
        processor_time: ticks(field(14)?.parse().ok()?, field(15)?.parse().ok()?),
        threads: field(20)?.parse().ok()?,
        resident: number(libc::_SC_PAGESIZE).saturating_mul(field(24)?.parse().ok()?),
    })
}

/// So many clock ticks in programs and in the system.
fn ticks(own: u64, system: u64) -> Duration {
    let milliseconds = own.saturating_add(system).saturating_mul(1000);
    Duration::from_millis(milliseconds / number(libc::_SC_CLK_TCK))
}

/// A number that stays the same while the system runs.
fn number(name: i32) -> u64 {
    // SAFETY: a number. It is looked up in memory.
    let number = unsafe { libc::sysconf(name) };
    u64::try_from(number).unwrap_or(1).max(1)
}

/// All processes, in no order that means anything.
pub fn all() -> Vec<(i32, Stat)> {
    let pids = pids().into_iter();
    pids.filter_map(|pid| Some((pid, stat(pid)?))).collect()
}

/// Of all processes, one and those that it, its children, and so on, have started.
pub fn with_descendants(all: &[(i32, Stat)], pid: i32) -> Vec<(i32, Stat)> {
    let own = all.iter().copied().filter(|(other, _)| *other == pid);
    let mut found: Vec<(i32, Stat)> = own.collect();
    let mut next = 0;
    // They were not read at one moment, so a number may stand for two of them.
    while let Some(&(parent, _)) = found.get(next).filter(|_| found.len() <= all.len()) {
        found.extend(all.iter().filter(|(_, stat)| stat.parent == parent));
        next += 1;
    }
    found
}

/// How many files a process has open; `None` where that may not be looked at.
pub fn open_files(pid: i32) -> Option<u64> {
    let directory = format!("/proc/{pid}/fd");
    // Since Linux 6.2 their number is its size. Going through a million of them takes a second.
    match fs::metadata(&directory).ok()?.len() {
        0 => Some(fs::read_dir(&directory).ok()?.count() as u64),
        number => Some(number),
    }
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
        let line = "12 (a) b (c) S 7 1 1 0 -1 4 1 2 3 4 50 60 7 8 20 0 3 0 4711 99 2 9\n";
        let expected = Stat {
            parent: 7,
            group: 1,
            started: 4711,
            is_zombie: false,
            processor_time: ticks(50, 60),
            threads: 3,
            resident: 2 * number(libc::_SC_PAGESIZE),
        };
        assert_eq!(parse_stat(line), Some(expected));
        let zombie = line.replace(") S ", ") Z ");
        assert!(parse_stat(&zombie).unwrap().is_zombie);
        for bad in ["", "12", "12 (a)", "12 (a) S 7 7", "12 (a) S x 1"] {
            assert_eq!(parse_stat(bad), None, "{bad}");
        }
    }

    #[test]
    fn descendants_are_found_from_a_process_downwards() {
        let line = "9 (a) S 7 1 1 0 -1 4 1 2 3 4 50 60 7 8 20 0 3 0 4711 99 2 9\n";
        let stat = parse_stat(line).unwrap();
        let all = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 2), (1, 0)];
        let all = all.map(|(pid, parent)| (pid, Stat { parent, ..stat }));
        let pids = |pid| {
            let found = with_descendants(&all, pid).into_iter();
            found.map(|(pid, _)| pid).collect::<Vec<i32>>()
        };
        assert_eq!(pids(2), [2, 3, 6, 4]);
        assert_eq!(pids(5), [5]);
        assert_eq!(pids(77), [0; 0]);
        // Two that are each the child of the other are no process that ever was.
        let circle = [(2, 3), (3, 2)].map(|(pid, parent)| (pid, Stat { parent, ..stat }));
        assert!(with_descendants(&circle, 2).len() < 5);
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
        let own_stat = stat(own).unwrap();
        assert!(own_stat.started > 0 && own_stat.threads > 0 && own_stat.resident > 0);
        assert!(
            with_descendants(&all(), own)
                .iter()
                .any(|(pid, _)| *pid == own)
        );
        assert!(open_files(own).unwrap() >= 3);
        assert_eq!((open_files(0), stat(0)), (None, None));
        assert!(is_beside_us(own));
        assert!(boot().is_some());
        let path = std::env::var_os("PATH").unwrap();
        let environment = environment(own).unwrap();
        let found = environment.iter().find(|(name, _)| name == b"PATH");
        assert_eq!(found.unwrap().1, path.as_encoded_bytes());
    }
}
