//! Which renames and removals a rollover makes: a plan, without touching files.
//!
//! A file is known by its number: 0 is the live log, 1 is `log.1` and so on.
//! Surplus backups beyond the configured number are left alone, as in 4.3.0.

use crate::snapshot::saved;
use crate::sort;

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

saved! { struct Rotation { maxbytes, backups } }

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

/// The endings of what programs make of a file that pack, encrypt or sign it. Such a file has
/// the number of the one that it was made of.
pub const ENDINGS: &[&str] = &[
    "gz", "bz2", "xz", "zst", "lz4", "lz", "lzma", "lzo", "br", "Z", "zip", "7z", "gpg", "age",
];

/// A backup as its name tells: its number, and its ending, which is empty for one as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Backup {
    pub number: u32,
    pub ending: &'static str,
}

saved! { struct Backup { number, ending } }

impl Backup {
    /// What the name of a file beside a log says; `None` if it is none of its backups.
    pub fn of(log: &str, file: &str) -> Option<Backup> {
        let (name, backup) = Backup::split(file)?;
        (name == log).then_some(backup)
    }

    /// The log of which a file is a backup by its name, and which.
    pub fn split(file: &str) -> Option<(&str, Backup)> {
        let ending = |(stem, last)| {
            let mut known = ENDINGS.iter().copied();
            Some((stem, known.find(|known| *known == last)?))
        };
        let (stem, ending) = file.rsplit_once('.').and_then(ending).unwrap_or((file, ""));
        let (log, digits) = stem.rsplit_once('.')?;
        let is_number =
            digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let number = digits.parse().ok().filter(|_| is_number)?;
        Some((log, Backup { number, ending }))
    }

    /// Its name.
    pub fn name(self, log: &str) -> String {
        let name = name(log, self.number);
        match self.ending {
            "" => name,
            ending => format!("{name}.{ending}"),
        }
    }
}

/// A change by names: a file is moved, or goes where there is no other name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedChange {
    pub from: String,
    pub to: Option<String>,
}

/// The changes of a [`plan`] by the names of the files.
pub fn named(log: &str, changes: &[FileChange]) -> Vec<NamedChange> {
    let changes = changes.iter().map(|change| match *change {
        FileChange::Rename { from, to } => NamedChange {
            from: name(log, from),
            to: Some(name(log, to)),
        },
        FileChange::Remove(number) => NamedChange {
            from: name(log, number),
            to: None,
        },
    });
    changes.collect()
}

/// The plan for a log whose backups have endings: all that have a number move together, and
/// what there is of the last one goes.
pub fn plan_with_endings(log: &str, backups: u32, existing: &[Backup]) -> Vec<NamedChange> {
    let backups = backups.min(MAX_BACKUPS);
    if backups == 0 {
        return Vec::new();
    }
    let counted = existing
        .iter()
        .filter(|backup| (1..=backups).contains(&backup.number));
    let mut counted: Vec<Backup> = counted.copied().collect();
    sort::by(&mut counted, |one, other| other.cmp(one));
    let moved = counted.into_iter().map(|backup| {
        let next = Backup {
            number: backup.number + 1,
            ..backup
        };
        NamedChange {
            from: backup.name(log),
            to: (backup.number < backups).then(|| next.name(log)),
        }
    });
    let live = NamedChange {
        from: log.to_owned(),
        to: Some(name(log, 1)),
    };
    moved.chain([live]).collect()
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
    fn a_backup_is_known_by_its_name() {
        let backup = |number, ending| Some(Backup { number, ending });
        for (file, expected) in [
            ("x.log.1", backup(1, "")),
            ("x.log.12.gz", backup(12, "gz")),
            ("x.log.3.zst", backup(3, "zst")),
            ("x.log", None),
            ("x.log.", None),
            ("x.log.1.", None),
            ("x.log.01", None),
            ("x.log.0", None),
            ("x.log.+1", None),
            ("x.log.1.log", None),
            ("x.log.1.gz.1", None),
            ("x.log.gz", None),
            ("x.log2.1", None),
            ("y.log.1", None),
            ("x.log.99999999999", None),
        ] {
            assert_eq!(Backup::of("x.log", file), expected, "{file}");
            if let Some(backup) = expected {
                assert_eq!(backup.name("x.log"), file);
            }
        }
    }

    #[test]
    fn what_a_processor_has_made_moves_with_its_number() {
        for (backups, existing, expected) in [
            (0, &["l.1"][..], ""),
            (2, &[], "l>l.1"),
            (2, &["l.1.gz"], "l.1.gz>l.2.gz l>l.1"),
            (2, &["l.1.gz", "l.2.gz"], "-l.2.gz l.1.gz>l.2.gz l>l.1"),
            // One could not be packed, and of one there are both.
            (3, &["l.1", "l.2.gz"], "l.2.gz>l.3.gz l.1>l.2 l>l.1"),
            (
                2,
                &["l.1.gz", "l.1", "l.2"],
                "-l.2 l.1.gz>l.2.gz l.1>l.2 l>l.1",
            ),
            (1, &["l.1.xz", "l.2.xz"], "-l.1.xz l>l.1"),
        ] {
            let found: Vec<_> = existing
                .iter()
                .filter_map(|file| Backup::of("l", file))
                .collect();
            let plan = plan_with_endings("l", backups, &found);
            let shown: Vec<_> = plan
                .iter()
                .map(|change| match &change.to {
                    Some(to) => format!("{}>{to}", change.from),
                    None => format!("-{}", change.from),
                })
                .collect();
            assert_eq!(shown.join(" "), expected, "{backups} {existing:?}");
        }
    }

    #[test]
    fn files_have_names() {
        assert_eq!(name("/l/x.log", 0), "/l/x.log");
        assert_eq!(name("/l/x.log", 10), "/l/x.log.10");
    }
}
