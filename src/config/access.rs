//! Who may connect to the sockets of a program, and how many may wait: the keys that FastCGI
//! sockets and others have in common.

use super::accounts;
use super::datatypes::{self, Mismatch};
use super::error::ConfigError;
use super::key::Fallback::{Derived, Value};
use super::key::{Key, changed};
use super::section::Section;
use super::settings;
use super::system::System;
use super::{Address, FastCgiSocket};
use crate::sys::user::Owner;

pub const MODE: Key = changed("socket_mode", "octal", Value("0700")).of_child();
pub const OWNER: Key = changed(
    "socket_owner",
    "user[:group]",
    Derived("the user of the program"),
)
.of_child();
pub const BACKLOG: Key = changed("socket_backlog", "integer", Derived("4096")).of_child();

/// Who may connect to the sockets of a section, and how many.
pub struct Access {
    /// Of the program.
    pub user: Option<Owner>,
    pub backlog: Option<i64>,
    pub owner: Option<Owner>,
    pub mode: Option<u32>,
}

impl Access {
    pub fn read(section: &Section<'_>) -> Result<Access, ConfigError> {
        let system = section.system;
        Ok(Access {
            user: section.converted("user", |text| accounts::user_and_group(text, system))?,
            backlog: section.converted(BACKLOG.name, |text| {
                let backlog = datatypes::integer(text)?;
                match backlog.saturated() {
                    number @ 1..=65535 => Ok(number),
                    _ => Err(Mismatch::Setting(BACKLOG.name).of(backlog.to_string())),
                }
            })?,
            owner: section.setting(OWNER.name, |text| accounts::owner(text, system))?,
            mode: section.setting(MODE.name, datatypes::octal)?,
        })
    }

    /// The address of a unix socket.
    pub fn unix(&self, path: String) -> Address {
        Address::Unix {
            path,
            mode: self.mode.unwrap_or_else(|| settings::fallback(&MODE)),
            owner: self.owner,
        }
    }

    pub fn socket(&self, address: Address, system: &dyn System) -> FastCgiSocket {
        FastCgiSocket {
            address: with_owner(address, self.user, system),
            backlog: self.backlog,
        }
    }
}

/// A socket file without an owner of its own goes to the user that the program
/// runs as, if that is another than this one.
fn with_owner(address: Address, user: Option<Owner>, system: &dyn System) -> Address {
    match (address, user) {
        (
            Address::Unix {
                path,
                mode,
                owner: None,
            },
            Some(Owner {
                uid: Some(uid),
                gid,
            }),
        ) if uid != system.uid() => Address::Unix {
            path,
            mode,
            owner: Some(Owner {
                uid: Some(uid),
                gid: gid.or_else(|| system.gid_of_uid(uid)),
            }),
        },
        (address, _) => address,
    }
}
