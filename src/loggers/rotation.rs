//! Which renames and removals a rollover makes: a plan, without touching files.
//!
//! A file is known by its number: 0 is the live log, 1 is `log.1` and so on.
//! Surplus backups beyond the configured number are left alone, as in 4.3.0.

/// More backups than this are not kept, so that no rollover looks for a billion files.
pub const MAX_BACKUPS: u32 = 10_000;

/// When a log is rotated, and how many old files are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The size at which it rolls over; 0 or less is never.
    pub maxbytes: i64,
    /// How many old files are kept; with 0 or less the log just starts empty.
    pub backups: i64,
}

impl Rotation {
    pub const NEVER: Rotation = Rotation {
        maxbytes: 0,
        backups: 0,
    };
}

/// What a rollover does to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// Moves a file, in place of what is there.
    Rename {
        from: u32,
        to: u32,
    },
    Remove(u32),
}

/// The changes for `backups` backups, in order, where `exists` says which numbers
/// have a file. After them the live log starts empty; without backups there
/// are none.
pub fn plan(backups: u32, exists: impl Fn(u32) -> bool) -> Vec<FileChange> {
    let backups = backups.min(MAX_BACKUPS);
    if backups == 0 {
        return Vec::new();
    }
    let mut changes: Vec<FileChange> = (1..backups)
        .rev()
        .filter(|number| exists(*number))
        .map(|number| FileChange::Rename {
            from: number,
            to: number + 1,
        })
        .collect();
    if exists(0) {
        changes.push(FileChange::Rename { from: 0, to: 1 });
    } else if backups == 1 && exists(1) {
        // Somebody removed the live log: what was its backup goes all the same.
        changes.push(FileChange::Remove(1));
    }
    changes
}

/// The name of a file: the log's own, or with its number behind it.
pub fn name(path: &str, number: u32) -> String {
    match number {
        0 => path.to_owned(),
        number => format!("{path}.{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renames as `from>to`, removals as `-number`.
    fn planned(backups: u32, existing: &[u32]) -> String {
        plan(backups, |number| existing.contains(&number))
            .iter()
            .map(|change| match change {
                FileChange::Rename { from, to } => format!("{from}>{to}"),
                FileChange::Remove(number) => format!("-{number}"),
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_rollover_shifts_what_exists_from_the_oldest_on() {
        for (backups, existing, expected) in [
            (0, &[0, 1, 2][..], ""),
            (1, &[0], "0>1"),
            (1, &[0, 1], "0>1"),
            (2, &[0], "0>1"),
            (2, &[0, 1], "1>2 0>1"),
            (2, &[0, 1, 2], "1>2 0>1"),
            (3, &[0, 1, 2, 3], "2>3 1>2 0>1"),
            (5, &[0, 2, 4], "4>5 2>3 0>1"),
            (3, &[0, 3], "0>1"),
        ] {
            assert_eq!(
                planned(backups, existing),
                expected,
                "{backups} {existing:?}"
            );
        }
    }

    #[test]
    fn surplus_backups_are_left_alone() {
        assert_eq!(planned(1, &[0, 1, 2, 3]), "0>1");
    }

    #[test]
    fn a_missing_live_log_leaves_no_first_backup() {
        for (backups, existing, expected) in [
            (3, &[1, 2][..], "2>3 1>2"),
            (1, &[1], "-1"),
            (1, &[], ""),
            (4, &[], ""),
        ] {
            assert_eq!(
                planned(backups, existing),
                expected,
                "{backups} {existing:?}"
            );
        }
    }

    #[test]
    fn an_absurd_number_of_backups_costs_little() {
        assert_eq!(plan(u32::MAX, |_| true).len(), MAX_BACKUPS as usize);
    }

    #[test]
    fn files_have_names() {
        assert_eq!(name("/l/x.log", 0), "/l/x.log");
        assert_eq!(name("/l/x.log", 10), "/l/x.log.10");
    }
}
