//! The file of a unix socket where it cannot be held by a descriptor: it is bound in a
//! directory that is private, gets its mode and owner there and is moved to its name. The
//! socket says that it has the name under which it was bound.

use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::{fs, io};

use nix::fcntl::{AtFlags, renameat};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, unlinkat};

use super::{Access, Refusal, Stage};
use crate::sys::safe_path::{self, FileAt};
use crate::sys::{process, socket};

/// The name of the socket in its private directory.
const NAME: &str = "s";

/// A socket at `name` that does not listen yet, with its mode and owner, and its file by file
/// system and number. When a stage is refused, the file is removed again.
pub fn bound(name: &str, access: &Access) -> Result<(OwnedFd, (u64, u64)), Refusal> {
    let refused = |stage| move |reason: io::Error| Refusal { stage, reason };
    let file = FileAt::of(Path::new(name)).map_err(refused(Stage::Bind))?;
    if file.has(&file.name().to_string_lossy()) {
        return Err(refused(Stage::Bind)(io::Error::from_raw_os_error(
            libc::EADDRINUSE,
        )));
    }
    let directory = super::beside(name, &format!(".{}.d", std::process::id()));
    let _ = fs::remove_dir(&directory);
    let made = fs::DirBuilder::new().mode(0o700).create(&directory);
    made.map_err(refused(Stage::Bind))?;
    let outcome = bound_in(&directory, &file, access);
    let _ = fs::remove_dir(&directory);
    outcome
}

fn bound_in(
    directory: &str,
    file: &FileAt,
    access: &Access,
) -> Result<(OwnedFd, (u64, u64)), Refusal> {
    let refused = |stage| move |reason: io::Error| Refusal { stage, reason };
    let private = safe_path::directory_of(Path::new(directory)).map_err(refused(Stage::Bind))?;
    let found = private
        .directory()
        .metadata()
        .map_err(refused(Stage::Bind))?;
    // Somebody else may have put another one there.
    if found.uid() != process::effective_uid() || found.mode() & 0o077 != 0 {
        return Err(refused(Stage::Bind)(io::Error::from_raw_os_error(
            libc::ELOOP,
        )));
    }
    let path = format!("{directory}/{NAME}");
    let descriptor = socket::bind_unix(&path, access.mode).map_err(refused(Stage::Bind))?;
    match dress(&private, file, access) {
        Ok(inode) => Ok((descriptor, inode)),
        Err(refusal) => {
            let _ = unlinkat(private.directory(), NAME, UnlinkatFlags::NoRemoveDir);
            Err(refusal)
        }
    }
}

fn dress(private: &FileAt, file: &FileAt, access: &Access) -> Result<(u64, u64), Refusal> {
    let refused = |stage| {
        move |errno: nix::errno::Errno| Refusal {
            stage,
            reason: errno.into(),
        }
    };
    let directory = private.directory();
    #[allow(clippy::unnecessary_cast)] // mode_t is narrower on the BSDs
    let mode = Mode::from_bits_truncate(access.mode as libc::mode_t);
    let set_mode = || fchmodat(directory, NAME, mode, FchmodatFlags::FollowSymlink);
    set_mode().map_err(refused(Stage::Mode))?;
    if let Some(owner) = access.owner {
        let uid = owner.uid.map(Uid::from_raw);
        let gid = owner.gid.map(Gid::from_raw);
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        fchownat(directory, NAME, uid, gid, flags).map_err(refused(Stage::Owner))?;
        // chown(2) takes set-id bits away, which a configured mode may hold.
        let _ = set_mode();
    }
    let found = nix::sys::stat::fstatat(directory, NAME, AtFlags::AT_SYMLINK_NOFOLLOW)
        .map_err(refused(Stage::Bind))?;
    renameat(directory, NAME, file.directory(), file.name()).map_err(refused(Stage::Bind))?;
    #[allow(clippy::unnecessary_cast)] // their types differ from one system to the next
    Ok((found.st_dev as u64, found.st_ino as u64))
}
