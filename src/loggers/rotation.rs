//! Which renames and removals a rollover makes: a plan, without touching files.
//!
//! A file is known by its place: 0 is the live log, 1 is `log.1` and so on.
//! Surplus backups beyond the configured number are left alone, as in 4.3.0.

/// More backups than this are not kept, lest a rollover look for a billion files.
pub const MAX_BACKUPS: u32 = 10_000;

/// One step of a rollover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Move a file, in place of what is there.
    Rename {
        /// The place that it leaves.
        from: u32,
        /// The place that it takes.
        to: u32,
    },
    /// Remove a file.
    Remove(u32),
}

/// The steps for `backups` backups, in order, where `exists` says which places
/// hold a file. After them the live log starts empty; without backups there
/// are no steps.
pub fn plan(backups: u32, exists: impl Fn(u32) -> bool) -> Vec<Step> {
    let backups = backups.min(MAX_BACKUPS);
    if backups == 0 {
        return Vec::new();
    }
    let mut steps: Vec<Step> = (1..backups)
        .rev()
        .filter(|place| exists(*place))
        .map(|place| Step::Rename {
            from: place,
            to: place + 1,
        })
        .collect();
    if exists(0) {
        steps.push(Step::Rename { from: 0, to: 1 });
    } else if backups == 1 && exists(1) {
        // Somebody removed the live log: what was its backup goes all the same.
        steps.push(Step::Remove(1));
    }
    steps
}

/// The name of a place: the log's own, or with a number behind it.
pub fn name(path: &str, place: u32) -> String {
    match place {
        0 => path.to_owned(),
        place => format!("{path}.{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renames as `from>to`, removals as `-place`.
    fn planned(backups: u32, existing: &[u32]) -> String {
        plan(backups, |place| existing.contains(&place))
            .iter()
            .map(|step| match step {
                Step::Rename { from, to } => format!("{from}>{to}"),
                Step::Remove(place) => format!("-{place}"),
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
    fn places_have_names() {
        assert_eq!(name("/l/x.log", 0), "/l/x.log");
        assert_eq!(name("/l/x.log", 10), "/l/x.log.10");
    }
}
