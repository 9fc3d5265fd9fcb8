//! The real answers to what [`System`] asks.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::paths::absolute;
use crate::config::system::{ReadError, System};
use crate::sys::spawn::environment_files;
use crate::sys::{self, errno};

/// The system that this program runs on.
#[derive(Clone, Copy, Debug)]
pub struct RealSystem;

impl System for RealSystem {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if !self.exists(path) {
            return Err(ReadError::Missing);
        }
        std::fs::read(path).map_err(|reason| ReadError::Unreadable(errno::reason(&reason)))
    }

    fn read_variables(&self, path: &str) -> Option<Vec<u8>> {
        environment_files::bytes(Path::new(path)).ok()
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn is_directory(&self, path: &str) -> bool {
        Path::new(path).is_dir()
    }

    fn others_can_read(&self, path: &str) -> bool {
        let mode = |found: std::fs::Metadata| found.permissions().mode();
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && mode(found) & 0o004 != 0)
    }

    fn others_who_can_write(&self, directory: &str) -> Option<String> {
        sys::trust::others_who_can_replace(Path::new(directory))
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        sys::glob::glob(pattern)
    }

    fn host_node_name(&self) -> String {
        sys::host::node_name()
    }

    fn temporary_directory(&self) -> String {
        let named = ["TMPDIR", "TEMP", "TMP"].into_iter().filter_map(|name| {
            let value = std::env::var_os(name)?.to_string_lossy().into_owned();
            (!value.is_empty()).then_some(value)
        });
        let usual = ["/tmp", "/var/tmp", "/usr/tmp"].map(str::to_owned);
        let here = std::env::current_dir().unwrap_or_default();
        let here = here.to_string_lossy();
        named
            .chain(usual)
            .map(|directory| absolute(&directory, &here))
            .find(|directory| is_writable(directory))
            .unwrap_or_else(|| here.clone().into_owned())
    }

    fn home_directory(&self, user: Option<&str>) -> Option<String> {
        match user {
            Some(name) => sys::user::home_of(name),
            None => std::env::var_os("HOME")
                .map(|home| home.to_string_lossy().into_owned())
                .or_else(|| sys::user::home_of_uid(sys::process::uid())),
        }
    }

    fn uid(&self) -> u32 {
        sys::process::uid()
    }

    fn uid_of_name(&self, name: &str) -> Option<u32> {
        sys::user::uid_of(name)
    }

    fn gid_of_uid(&self, uid: u32) -> Option<u32> {
        sys::user::primary_group(uid)
    }

    fn gid_of_name(&self, name: &str) -> Option<u32> {
        sys::user::gid_of(name)
    }

    fn has_gid(&self, gid: u32) -> bool {
        sys::user::has_group(gid)
    }
}

fn is_writable(directory: &str) -> bool {
    use nix::unistd::{AccessFlags, access};
    Path::new(directory).is_dir()
        && access(directory, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}
