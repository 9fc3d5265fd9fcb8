//! Users and groups from the system's database.
//!
//! A statically linked glibc would load shared name service modules into the
//! process at the first name it does not know, and crash. Such a build is told
//! to look into `/etc/passwd` and `/etc/group` only, before the first look-up.

use std::ffi::{CStr, CString};
use std::path::PathBuf;

use nix::unistd::{Gid, Group, Uid, User};

use crate::snapshot::saved;

/// A user and, where named, a group: `user[:group]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user's number; `None` leaves it alone.
    pub uid: Option<u32>,
    /// The group's number; `None` leaves it alone.
    pub gid: Option<u32>,
}

saved! { struct Owner { uid, gid } }

pub fn uid_of(name: &str) -> Option<u32> {
    user(name).map(|user| user.uid.as_raw())
}

pub fn gid_of(name: &str) -> Option<u32> {
    prepare();
    let group = Group::from_name(name).ok().flatten();
    group.map(|group| group.gid.as_raw())
}

pub fn has_group(gid: u32) -> bool {
    prepare();
    matches!(Group::from_gid(Gid::from_raw(gid)), Ok(Some(_)))
}

/// The primary group of that user; `None` if there is no such user.
pub fn primary_group(uid: u32) -> Option<u32> {
    user_of_uid(uid).map(|user| user.gid.as_raw())
}

pub fn name_of(uid: u32) -> Option<String> {
    user_of_uid(uid).map(|user| user.name)
}

pub fn group_name_of(gid: u32) -> Option<String> {
    let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten()?;
    Some(group.name)
}

pub fn home_of(name: &str) -> Option<String> {
    user(name).map(|user| user.dir.to_string_lossy().into_owned())
}

pub fn home_of_uid(uid: u32) -> Option<String> {
    user_of_uid(uid).map(|user| user.dir.to_string_lossy().into_owned())
}

/// What a login tells of a user: name, home directory and shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub home: String,
    pub shell: String,
}

pub fn account_of(uid: u32) -> Option<Account> {
    let user = user_of_uid(uid)?;
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    Some(Account {
        home: text(user.dir),
        shell: text(user.shell),
        name: user.name,
    })
}

/// The groups to give a process of that user: the primary one first, then
/// each that lists the user as a member. `None` if there is no such user.
pub fn groups_of(uid: u32) -> Option<Vec<u32>> {
    let user = user_of_uid(uid)?;
    let mut groups = vec![user.gid.as_raw()];
    let name = CString::new(user.name).ok()?;
    // SAFETY: the three calls walk the group database; the entry that
    // getgrent returns stays valid until the next call, and nothing else in
    // this one-threaded program makes one meanwhile.
    unsafe {
        libc::setgrent();
        while let Some(entry) = libc::getgrent().as_ref() {
            if lists(entry, &name) && !groups.contains(&entry.gr_gid) {
                groups.push(entry.gr_gid);
            }
        }
        libc::endgrent();
    }
    Some(groups)
}

/// The supplementary groups of this process.
pub fn own_groups() -> Vec<u32> {
    // More than the array holds is an error; Linux has no more than this.
    const MOST: usize = 1 << 16;
    // SAFETY: with no room nothing is written, and the number of groups is the answer.
    let count = unsafe { libc::getgroups(0, std::ptr::null_mut()) };
    let count = usize::try_from(count).unwrap_or(0).min(MOST);
    let mut groups = vec![0; count];
    // SAFETY: there is room for as many as the call is told.
    let count = unsafe { libc::getgroups(count as _, groups.as_mut_ptr()) };
    groups.truncate(usize::try_from(count).unwrap_or(0));
    groups
}

/// # Safety
///
/// `entry` is as getgrent returned it, and no other look-up has been made since.
unsafe fn lists(entry: &libc::group, name: &CStr) -> bool {
    let mut member = entry.gr_mem;
    // SAFETY: gr_mem is an array of C strings that ends in a null pointer.
    unsafe {
        while !member.is_null() && !(*member).is_null() {
            if CStr::from_ptr(*member) == name {
                return true;
            }
            member = member.add(1);
        }
    }
    false
}

fn user(name: &str) -> Option<User> {
    prepare();
    User::from_name(name).ok().flatten()
}

fn user_of_uid(uid: u32) -> Option<User> {
    prepare();
    User::from_uid(Uid::from_raw(uid)).ok().flatten()
}

#[cfg(not(all(target_env = "gnu", target_feature = "crt-static")))]
fn prepare() {}

#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
fn prepare() {
    use std::sync::Once;

    // SAFETY: this is glibc's declaration in <nss.h>.
    unsafe extern "C" {
        fn __nss_configure_lookup(
            database: *const libc::c_char,
            services: *const libc::c_char,
        ) -> libc::c_int;
    }

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let databases = [
            (c"passwd", c"files"),
            (c"group", c"files"),
            (c"initgroups", c"files"),
            (c"hosts", c"files dns"),
        ];
        for (database, services) in databases {
            // SAFETY: both are C strings that live for ever; the C library
            // copies what it needs.
            unsafe {
                __nss_configure_lookup(database.as_ptr(), services.as_ptr());
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name_and_number() {
        assert_eq!(uid_of("root"), Some(0));
        assert_eq!(name_of(0).as_deref(), Some("root"));
        assert_eq!(gid_of("root"), Some(0));
        assert!(has_group(0));
        assert_eq!(
            groups_of(0).and_then(|groups| groups.first().copied()),
            Some(0)
        );
        assert_eq!(home_of("root"), home_of_uid(0));
    }

    #[test]
    fn strangers_are_nobody() {
        for name in ["no-such-user", "", "a\0b"] {
            assert_eq!(uid_of(name), None);
            assert_eq!(gid_of(name), None);
            assert_eq!(home_of(name), None);
        }
        assert_eq!(primary_group(4_000_000_000), None);
        assert_eq!(groups_of(4_000_000_000), None);
        assert!(!has_group(4_000_000_000));
    }
}
