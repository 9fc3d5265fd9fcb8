//! Values that name users and groups, by name or number.

use super::datatypes::{Mismatch, ValueError};
use super::system::System;
use crate::sys::user::Owner;
use crate::text::integer::Integer;

/// The number of a user that must exist.
pub fn user(text: &str, system: &dyn System) -> Result<u32, ValueError> {
    match Integer::decimal(text) {
        Some(number) => u32::try_from(number.saturated())
            .ok()
            .filter(|uid| system.gid_of_uid(*uid).is_some())
            .ok_or_else(|| Mismatch::UserId.of(text)),
        None => system
            .uid_of_name(text)
            .ok_or_else(|| Mismatch::UserName.of(text)),
    }
}

/// The number of a group that must exist.
pub fn group(text: &str, system: &dyn System) -> Result<u32, ValueError> {
    match Integer::decimal(text) {
        Some(number) => u32::try_from(number.saturated())
            .ok()
            .filter(|gid| system.has_gid(*gid))
            .ok_or_else(|| Mismatch::GroupId.of(text)),
        None => system
            .gid_of_name(text)
            .ok_or_else(|| Mismatch::GroupName.of(text)),
    }
}

/// `user` or `user:group`. Without a group none is set: who uses the value
/// takes the user's primary one.
pub fn user_and_group(text: &str, system: &dyn System) -> Result<Owner, ValueError> {
    let (uid, gid) = match text.split_once(':') {
        None => (user(text, system)?, None),
        Some((name, group_name)) => (user(name, system)?, Some(group(group_name, system)?)),
    };
    Ok(Owner {
        uid: Some(uid),
        gid,
    })
}

/// `user`, `user:group` or `:group`, which leaves the user alone.
pub fn owner(text: &str, system: &dyn System) -> Result<Owner, ValueError> {
    match text.strip_prefix(':') {
        None => user_and_group(text, system),
        Some(group_name) => Ok(Owner {
            uid: None,
            gid: Some(group(group_name, system)?),
        }),
    }
}
