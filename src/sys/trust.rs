//! Whose files and links this process takes for its own: root's, and those of the
//! user that it is. In a directory that anybody else may write to, a name leads
//! where that other one wants.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::sys::{process, user};

/// Whom files belong to that belong to nobody in this user namespace.
const NOBODY_HERE: u32 = 65534;

/// Groups of the system have lower numbers.
const FIRST_GROUP_OF_USERS: u32 = 1000;

/// The bits of a directory's mode by which others than its owner may write to it.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// The bit by which everybody keeps what is theirs.
const STICKY: u32 = 0o1000;

/// Whether what belongs to this user is as good as our own.
pub fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == process::effective_uid() || is_unmapped(uid)
}

/// Whether nobody but trusted users can put anything into a directory.
pub fn is_private(directory: &Metadata) -> bool {
    directory.mode() & OTHERS_MAY_WRITE == 0 && is_trusted(directory.uid())
}

/// Whether nobody but trusted users can give the name of something that belongs to this user to
/// something else: it stays where the sticky bit is set.
pub fn is_kept_in(directory: &Metadata, owner: u32) -> bool {
    let is_sticky = directory.mode() & STICKY != 0;
    is_private(directory) || (is_sticky && is_trusted(directory.uid()) && is_trusted(owner))
}

/// Who may write to a directory that is not private, as the end of a sentence that begins with it.
pub fn description(directory: &Metadata) -> String {
    if !is_trusted(directory.uid()) {
        return format!("belongs to {}", user_named(directory.uid()));
    }
    if directory.mode() & 0o002 != 0 {
        return "can be written to by everybody".to_owned();
    }
    match user::group_name_of(directory.gid()) {
        Some(name) => format!("can be written to by group \"{name}\""),
        None => format!("can be written to by group {}", directory.gid()),
    }
}

/// Who may replace files of root in a directory besides root, as the end of a sentence that
/// begins with it; `None` where nobody may, and for a process that is not root. Where the sticky
/// bit is set everybody keeps what is theirs, and groups of the system, such as that of
/// the system's own log, are none of the programs' users.
pub fn others_who_can_replace(directory: &Path) -> Option<String> {
    if process::effective_uid() != 0 {
        return None;
    }
    let found = fs::metadata(directory).ok()?;
    let mode = found.mode();
    let is_shared = mode & 0o002 != 0 || (mode & 0o020 != 0 && found.gid() >= FIRST_GROUP_OF_USERS);
    let is_sticky = mode & STICKY != 0;
    (!is_trusted(found.uid()) || (is_shared && !is_sticky)).then(|| description(&found))
}

/// A user as messages name it.
pub fn user_named(uid: u32) -> String {
    match user::name_of(uid) {
        Some(name) => format!("user \"{name}\""),
        None => format!("user {uid}"),
    }
}

/// In a namespace of users, root's files from outside belong to a user that is nobody inside.
fn is_unmapped(uid: u32) -> bool {
    uid == NOBODY_HERE
        && fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !is_mapped(&map, uid))
}

/// Whether one of the ranges (first inside, first outside, how many) has that user.
fn is_mapped(map: &str, uid: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        match (numbers.next(), numbers.nth(1)) {
            (Some(Ok(first)), Some(Ok(count))) => {
                uid.checked_sub(first).is_some_and(|place| place < count)
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_namespace_of_users_may_not_know_whom_a_file_belongs_to() {
        for (map, uid, expected) in [
            ("         0          0 4294967295\n", NOBODY_HERE, true),
            ("0 1000 1\n", NOBODY_HERE, false),
            ("0 1000 1\n1 100000 65536\n", NOBODY_HERE, true),
            ("", 0, false),
            ("x y z\n", 0, false),
        ] {
            assert_eq!(is_mapped(map, uid), expected, "{map}");
        }
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_not_private() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, expected, text) in [
            (0o755, true, ""),
            (0o777, false, "can be written to by everybody"),
            (0o1777, false, "can be written to by everybody"),
            (0o775, false, "can be written to by group "),
        ] {
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
            let found = fs::metadata(directory.path()).unwrap();
            assert_eq!(is_private(&found), expected, "{mode:o}");
            assert!(
                expected || description(&found).starts_with(text),
                "{mode:o}"
            );
        }
        if process::effective_uid() == 0 {
            std::os::unix::fs::chown(directory.path(), Some(12345), None).unwrap();
            let found = fs::metadata(directory.path()).unwrap();
            assert!(!is_private(&found));
            assert_eq!(description(&found), "belongs to user 12345");
        }
    }
}
