//! The file of a unix socket on Linux: it comes into being with the mode, which the
//! socket has before it is bound, and gets its owner by a descriptor. A name would lead
//! wherever those want who may write to the directory.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use nix::fcntl::{AtFlags, OFlag};
use nix::unistd::{Gid, Uid, fchownat};

use super::{Access, Refusal, Stage};
use crate::sys::process;
use crate::sys::refused::Refused;
use crate::sys::safe_path::{self, FileAt};
use crate::sys::socket::{self, LONGEST_SOCKET_PATH, Probe};
use crate::sys::trust;
use crate::sys::user::Owner;

/// The bits of a mode that can be set.
const MODE: u32 = 0o7777;

/// A socket at `name` that does not listen yet, with its mode and owner, and its file by file
/// system and number. When a stage is refused, the file is removed again.
pub fn bound(name: &str, access: &Access) -> Result<(OwnedFd, (u64, u64)), Refusal> {
    let refused = |stage| move |reason| Refusal { stage, reason };
    let path = Path::new(name);
    let at = FileAt::of(path).map_err(refused(Stage::Bind))?;
    let descriptor = bind(&at, name, access.mode).map_err(refused(Stage::Bind))?;
    let dressed = file_of(&at)
        .map_err(refused(Stage::Bind))
        .and_then(|file| dress(&file, access));
    match dressed {
        Ok(inode) => Ok((descriptor, inode)),
        Err(refusal) => {
            let _ = at.remove();
            Err(refusal)
        }
    }
}

/// Binds a socket in the directory that was opened. Where somebody else may put another one into
/// its place meanwhile the path does not lead there for sure, and the socket says of its name
/// what does.
fn bind(at: &FileAt, name: &str, mode: u32) -> io::Result<OwnedFd> {
    if name.len() > LONGEST_SOCKET_PATH || safe_path::is_firm(Path::new(name)) {
        return socket::bind_unix(name, mode);
    }
    let directory = by_descriptor(at.directory());
    let name = at.name().to_string_lossy();
    socket::bind_unix(&format!("{directory}/{name}"), mode)
}

/// The file of the socket that was just bound there.
fn file_of(at: &FileAt) -> io::Result<File> {
    let file = at.open(OFlag::O_PATH, 0)?;
    let found = file.metadata()?;
    let is_ours = found.file_type().is_socket()
        && found.uid() == process::effective_uid()
        && found.nlink() == 1;
    // Somebody may have moved another socket of ours to this name. One that matters has
    // somebody who listens; the one that was bound has not got that far.
    let is_new = || {
        let probed = socket::probe_unix(&by_descriptor(&file));
        !matches!(probed, Ok(Probe::Alive)) && !is_of_another_kind(probed.err().as_ref())
    };
    if is_ours && (at.is_private()? || is_new()) {
        return Ok(file);
    }
    let directory = at.directory().metadata()?;
    let text = format!(
        "another file has taken the place of the socket: the directory {}",
        trust::description(&directory)
    );
    let errno = libc::ELOOP;
    Err(Refused { errno, text }.into())
}

/// A socket of datagrams, for example.
fn is_of_another_kind(reason: Option<&io::Error>) -> bool {
    reason.is_some_and(|reason| reason.raw_os_error() == Some(libc::EPROTOTYPE))
}

fn dress(file: &File, access: &Access) -> Result<(u64, u64), Refusal> {
    let refused = |stage| move |reason| Refusal { stage, reason };
    set_mode(file, access.mode).map_err(refused(Stage::Mode))?;
    if let Some(owner) = access.owner {
        give_away(file, owner).map_err(refused(Stage::Owner))?;
        // chown(2) takes set-id bits away, which a configured mode may hold.
        let _ = set_mode(file, access.mode);
    }
    let found = file.metadata().map_err(refused(Stage::Mode))?;
    Ok((found.dev(), found.ino()))
}

/// The umask may have taken something away, and the system may not let a socket
/// have a mode before it is bound.
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    if file.metadata()?.mode() & MODE == mode & MODE {
        return Ok(());
    }
    fs::set_permissions(by_descriptor(file), Permissions::from_mode(mode))
}

fn give_away(file: &File, owner: Owner) -> io::Result<()> {
    let uid = owner.uid.map(Uid::from_raw);
    let gid = owner.gid.map(Gid::from_raw);
    Ok(fchownat(
        file.as_fd(),
        "",
        uid,
        gid,
        AtFlags::AT_EMPTY_PATH,
    )?)
}

/// A path that leads to an open file and nowhere else.
fn by_descriptor(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
