//! The files of unix sockets. Who may connect stands before anybody can: a file
//! comes into being with the mode, gets its owner, and listens last. Who wants
//! all of that before the name appears binds the socket under a temporary one,
//! which then is what the socket itself says of its name.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::snapshot::saved;
use crate::sys::safe_path;
use crate::sys::socket;
use crate::sys::socket::LONGEST_SOCKET_PATH;
use crate::sys::user::Owner;

#[cfg(target_os = "linux")]
mod by_descriptor;
#[cfg(any(test, not(target_os = "linux")))]
mod by_directory;

#[cfg(target_os = "linux")]
use by_descriptor::bound;
#[cfg(not(target_os = "linux"))]
use by_directory::bound;

/// Who may connect, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub mode: u32,
    /// Owner to give it to; `None` leaves it.
    pub owner: Option<Owner>,
    /// How many connections may wait to be accepted.
    pub backlog: i32,
}

saved! { struct Access { mode, owner, backlog } }

/// What the system may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Making the file. `ENAMETOOLONG` for a name that does not fit the system's
    /// address structure.
    Bind,
    Mode,
    Owner,
    /// Letting clients connect.
    Listen,
}

/// Why there is no socket.
#[derive(Debug)]
pub struct Refusal {
    pub stage: Stage,
    pub reason: io::Error,
}

#[derive(Debug)]
pub struct Listening {
    pub descriptor: OwnedFd,
    /// Its file, by file system and number.
    pub inode: (u64, u64),
}

/// What has a name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupant {
    Nobody,
    /// A socket, or a link to one.
    Socket,
    /// Something else, which is not ours to remove.
    Other,
}

/// A name beside `path` for a socket that is being made. A socket left over
/// there by a process of the same number, killed at the wrong moment, is removed.
pub fn temporary_name(path: &str) -> String {
    let name = beside(path, &format!(".{}", std::process::id()));
    if fs::symlink_metadata(&name).is_ok_and(|found| found.file_type().is_socket()) {
        let _ = safe_path::remove(Path::new(&name));
    }
    name
}

/// The path with this end. Where that is too long for a socket, the end takes the
/// place of the last characters, as long as they are not the directory's.
fn beside(path: &str, end: &str) -> String {
    let directory = path.rfind('/').map_or(0, |at| at + 1);
    let room = LONGEST_SOCKET_PATH.saturating_sub(end.len());
    let kept = (0..=room.min(path.len()))
        .rev()
        .find_map(|end| path.get(..end));
    let fits = path.len() <= LONGEST_SOCKET_PATH;
    match kept.filter(|kept| fits && kept.len() >= directory) {
        Some(kept) => format!("{kept}{end}"),
        None => format!("{path}{end}"),
    }
}

/// A socket that listens at `name`, where nothing may be. When a stage is
/// refused the file is removed again.
pub fn listen_at(name: &str, access: &Access) -> Result<Listening, Refusal> {
    let (descriptor, inode) = bound(name, access)?;
    match socket::listen(descriptor.as_fd(), access.backlog) {
        Ok(()) => Ok(Listening { descriptor, inode }),
        Err(reason) => {
            let _ = safe_path::remove(Path::new(name));
            let stage = Stage::Listen;
            Err(Refusal { stage, reason })
        }
    }
}

/// What is at `path`.
pub fn occupant(path: &str) -> Occupant {
    match fs::metadata(path) {
        Ok(found) if found.file_type().is_socket() => Occupant::Socket,
        // A link that leads nowhere is something.
        Err(_) if fs::symlink_metadata(path).is_err() => Occupant::Nobody,
        _ => Occupant::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::until;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    fn access(mode: u32, owner: Option<Owner>) -> Access {
        Access {
            mode,
            owner,
            backlog: 1,
        }
    }

    #[test]
    fn a_socket_has_its_mode_and_listens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let name = path.to_str().unwrap();
        assert_eq!(occupant(name), Occupant::Nobody);
        let descriptor = listen_at(name, &access(0o640, None)).unwrap().descriptor;
        assert_eq!(occupant(name), Occupant::Socket);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        UnixStream::connect(&path).unwrap();
        let taken = listen_at(name, &access(0o640, None)).unwrap_err();
        assert_eq!(taken.stage, Stage::Bind);
        assert_eq!(taken.reason.raw_os_error(), Some(libc::EADDRINUSE));
        drop(descriptor);
        until("the socket is closed", || {
            UnixStream::connect(&path).is_err()
        });
    }

    #[test]
    fn a_socket_that_is_made_in_a_private_directory_is_moved_to_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let name = path.to_str().unwrap();
        let owner = Owner {
            uid: None,
            gid: Some(nix::unistd::getegid().as_raw()),
        };
        let wish = access(0o677, Some(owner));
        let (descriptor, inode) = by_directory::bound(name, &wish).unwrap();
        socket::listen(descriptor.as_fd(), 1).unwrap();
        let found = fs::symlink_metadata(&path).unwrap();
        assert_eq!(found.mode() & 0o7777, 0o677);
        assert_eq!((found.dev(), found.ino()), inode);
        UnixStream::connect(&path).unwrap();
        let taken = by_directory::bound(name, &wish).unwrap_err();
        assert_eq!(taken.stage, Stage::Bind);
        assert_eq!(taken.reason.raw_os_error(), Some(libc::EADDRINUSE));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_fits_left_no_room_for_its_temporary_name() {
        for (length, directory, expected) in [
            (20, 10, 24),
            (LONGEST_SOCKET_PATH - 4, 10, LONGEST_SOCKET_PATH),
            (LONGEST_SOCKET_PATH, 10, LONGEST_SOCKET_PATH),
            (
                LONGEST_SOCKET_PATH,
                LONGEST_SOCKET_PATH - 4,
                LONGEST_SOCKET_PATH,
            ),
            (LONGEST_SOCKET_PATH + 1, 10, LONGEST_SOCKET_PATH + 5),
            // Nothing can be done here.
            (
                LONGEST_SOCKET_PATH,
                LONGEST_SOCKET_PATH - 2,
                LONGEST_SOCKET_PATH + 4,
            ),
        ] {
            let path = format!(
                "/{}/{}",
                "d".repeat(directory - 2),
                "s".repeat(length - directory)
            );
            assert_eq!(path.len(), length);
            let name = beside(&path, ".123");
            assert_eq!(name.len(), expected);
            assert!(name.starts_with(&path[..directory]) && name.ends_with(".123"));
        }
        assert!(beside(&"é".repeat(100), ".123").ends_with("é.123"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_never_allows_more_than_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let _bound = socket::bind_unix(path.to_str().unwrap(), 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o177, 0);
    }

    #[test]
    fn a_file_whose_owner_is_refused_is_removed_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let owner = Owner {
            uid: Some(u32::MAX - 1),
            gid: None,
        };
        let outcome = listen_at(path.to_str().unwrap(), &access(0o700, Some(owner)));
        if nix::unistd::geteuid().is_root() {
            assert!(outcome.is_ok());
            assert_eq!(fs::metadata(&path).unwrap().uid(), u32::MAX - 1);
        } else {
            assert_eq!(outcome.unwrap_err().stage, Stage::Owner);
            assert_eq!(occupant(path.to_str().unwrap()), Occupant::Nobody);
        }
    }

    #[test]
    fn files_folders_and_dead_links_are_told_from_sockets() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("file"), "text").unwrap();
        std::os::unix::fs::symlink("nowhere", path("link")).unwrap();
        for name in ["file", "link", "."] {
            assert_eq!(occupant(&path(name)), Occupant::Other, "{name}");
        }
        assert_eq!(occupant(&path("nothing")), Occupant::Nobody);
    }
}
