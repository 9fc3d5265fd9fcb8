//! What /proc tells of a process.

use super::{DEADLINE, wait_until};
use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// How long a process is watched to see whether it is at rest.
const WATCHED: Duration = Duration::from_millis(300);

/// What a process at rest may use in that time, in hundredths of a second: one
/// that never waits takes 30, and a good part of that on a busy machine.
const AT_REST: u64 = 2;

/// A field of `/proc/PID/stat`, counted from the state, which is 0.
pub fn stat_field(pid: u32, field: usize) -> i64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest = stat.rsplit(')').next().unwrap();
    rest.split_whitespace().nth(field).unwrap().parse().unwrap()
}

/// The processor time of a process, in hundredths of a second.
pub fn cpu_time(pid: u32) -> u64 {
    let (user, system) = (stat_field(pid, 11), stat_field(pid, 12));
    u64::try_from(user + system).unwrap()
}

/// The memory of a process that no file stands behind, in KiB. Pages of a
/// program that was just built, which are not on the disk yet, are not in it.
pub fn anonymous_memory(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1));
    size.unwrap().parse().unwrap()
}

/// Whether a process soon uses next to no processor time. The pause is what is
/// measured.
pub fn comes_to_rest(pid: u32) -> bool {
    wait_until(DEADLINE, || {
        let before = cpu_time(pid);
        sleep(WATCHED);
        cpu_time(pid) - before <= AT_REST
    })
}

/// The numbers of the open descriptors of a process, in order.
pub fn descriptors_of(pid: u32) -> Vec<u32> {
    let mut numbers: Vec<u32> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

/// The memory that a process has for itself and has written to, in KiB.
pub fn private_memory(pid: u32) -> usize {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup
        .lines()
        .find(|line| line.starts_with("Private_Dirty:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1));
    size.unwrap().parse().unwrap()
}
