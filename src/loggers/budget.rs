//! What goes when the logs of programs take more than they may together: a plan, without
//! touching files.

use crate::loggers::rotation::Backup;
use crate::sort;

/// A file as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The place of its log in a list.
    pub log: usize,
    /// `None` is the log itself.
    pub backup: Option<Backup>,
    pub size: u64,
    /// When it was written last.
    pub modified: (i64, i64),
}

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A backup goes.
    Remove { log: usize, backup: Backup },
    /// A log begins anew: it would roll over, and its backup would be the next to go.
    Empty { log: usize },
}

/// So much of the limit is made room for at least, so that not each write finds it reached.
const ROOM: u64 = 64;

/// How much there may be after there was too much.
pub fn target(limit: u64) -> u64 {
    limit - limit / ROOM
}

/// How many bytes there are.
pub fn total(files: &[Measured]) -> u64 {
    files.iter().map(|file| file.size).sum()
}

/// What is done so that these files take no more than the limit: first the oldest backups of all
/// go, then the largest logs.
pub fn plan(files: &[Measured], limit: u64) -> Vec<Action> {
    let mut left = total(files);
    if left <= limit {
        return Vec::new();
    }
    let mut backups = Vec::new();
    let mut logs = Vec::new();
    for file in files.iter().filter(|file| file.size > 0) {
        match file.backup {
            Some(backup) => backups.push((file.modified, file, backup)),
            None => logs.push(*file),
        }
    }
    // Of files of one moment the one with the higher number is older.
    sort::by(&mut backups, |(one, _, first), (other, _, second)| {
        (one, second.number).cmp(&(other, first.number))
    });
    sort::by(&mut logs, |one, other| other.size.cmp(&one.size));
    let backups = backups.into_iter().map(|(_, file, backup)| {
        let log = file.log;
        (file.size, Action::Remove { log, backup })
    });
    let logs = logs
        .iter()
        .map(|file| (file.size, Action::Empty { log: file.log }));
    let mut actions = Vec::new();
    for (size, action) in backups.chain(logs) {
        if left <= target(limit) {
            break;
        }
        left -= size;
        actions.push(action);
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files as `log number size time`, with 0 for the log itself; what is done as `log.number`.
    fn planned(files: &[(usize, u32, u64, i64)], limit: u64) -> String {
        let measured: Vec<Measured> = files
            .iter()
            .map(|(log, number, size, time)| Measured {
                log: *log,
                backup: (*number > 0).then_some(Backup {
                    number: *number,
                    ending: if number % 2 == 0 { "gz" } else { "" },
                }),
                size: *size,
                modified: (*time, 0),
            })
            .collect();
        let actions = plan(&measured, limit);
        let shown = actions.iter().map(|action| match action {
            Action::Remove { log, backup } => format!("{log}.{}", backup.number),
            Action::Empty { log } => format!("{log}"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_oldest_backups_go_first_and_then_the_largest_logs() {
        let files = [
            (0, 0, 10, 90),
            (0, 1, 20, 80),
            (0, 2, 20, 50),
            (1, 0, 30, 91),
            (1, 1, 20, 60),
            (2, 0, 5, 10),
        ];
        for (limit, expected) in [
            (u64::MAX, ""),
            (105, ""),
            (104, "0.2"),
            (86, "0.2"),
            (85, "0.2 1.1"),
            (84, "0.2 1.1"),
            (64, "0.2 1.1 0.1"),
            (45, "0.2 1.1 0.1"),
            (44, "0.2 1.1 0.1 1"),
            (15, "0.2 1.1 0.1 1"),
            (14, "0.2 1.1 0.1 1 0"),
            (1, "0.2 1.1 0.1 1 0 2"),
        ] {
            assert_eq!(planned(&files, limit), expected, "{limit}");
        }
    }

    #[test]
    fn of_files_of_one_moment_the_higher_number_is_the_older_one() {
        let files = [(0, 1, 10, 5), (0, 3, 10, 5), (0, 2, 10, 5), (0, 0, 10, 5)];
        assert_eq!(planned(&files, 15), "0.3 0.2 0.1");
    }

    #[test]
    fn empty_files_stay_and_a_little_room_is_made() {
        assert_eq!(planned(&[(0, 1, 0, 1), (0, 0, 10, 5)], 5), "0");
        // 6400 is reached by one byte: 100 are made room for.
        let files = [(0, 2, 50, 1), (0, 1, 60, 2), (0, 0, 6291, 3)];
        assert_eq!(planned(&files, 6400), "0.2 0.1");
        assert_eq!(target(6400), 6300);
    }

    #[test]
    fn what_is_left_takes_no_more_than_the_limit() {
        let mut seed = 1_u64;
        let mut chance = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..500 {
            let mut files = Vec::new();
            for log in 0..5 {
                for number in 0..chance(5) as u32 {
                    files.push((log, number, chance(100), chance(20) as i64));
                }
            }
            let limit = chance(600);
            let actions = planned(&files, limit);
            let name = |log: usize, number: u32| match number {
                0 => format!("{log}"),
                number => format!("{log}.{number}"),
            };
            let gone: Vec<&str> = actions.split_whitespace().collect();
            let is_left =
                |file: &&(usize, u32, u64, i64)| !gone.contains(&&name(file.0, file.1)[..]);
            let left: u64 = files.iter().filter(is_left).map(|file| file.2).sum();
            assert!(left <= limit, "{files:?} {limit}: {actions}");
        }
    }
}
