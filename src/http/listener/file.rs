//! The file of a unix socket, which its process removes in the end.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::BACKLOG;
use crate::config::{Address, Server};
use crate::snapshot::saved;
use crate::sys::safe_path;
use crate::sys::socket_file::Access;

/// The file of a unix socket, known by its inode, so that only our own is removed.
#[derive(Debug)]
pub struct SocketFile {
    pub(super) path: String,
    pub(super) access: Access,
    pub(super) inode: (u64, u64),
    /// The process that serves on it: a parent that leaves after a fork leaves it alone.
    pub(super) owner: u32,
}

saved! { struct SocketFile { path, access, inode, owner } }

/// What has the name of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameState {
    /// The socket, or nobody can say.
    InPlace,
    /// Nothing.
    Gone,
    /// Something else.
    Replaced,
}

impl SocketFile {
    /// The one of a server whose socket has not been made yet; none without a file.
    pub fn missing(server: &Server) -> Option<SocketFile> {
        let Address::Unix { path, mode, owner } = &server.address else {
            return None;
        };
        Some(SocketFile {
            path: path.clone(),
            access: Access {
                mode: *mode,
                owner: *owner,
                backlog: BACKLOG,
            },
            // No file has it.
            inode: (0, 0),
            owner: 0,
        })
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it has still got its name.
    pub fn name_state(&self) -> NameState {
        let is_ours = |found: Metadata| (found.dev(), found.ino()) == self.inode;
        // It may have been moved, and a link put into its place.
        if fs::metadata(&self.path).is_ok_and(is_ours) {
            return NameState::InPlace;
        }
        match fs::symlink_metadata(&self.path) {
            Ok(_) => NameState::Replaced,
            Err(reason)
                if matches!(
                    reason.kind(),
                    ErrorKind::NotFound | ErrorKind::NotADirectory
                ) =>
            {
                NameState::Gone
            }
            Err(_) => NameState::InPlace,
        }
    }

    /// From here on this process serves on it.
    pub fn take_over(&mut self) {
        self.owner = std::process::id();
    }

    /// Nobody removes it when this value goes.
    pub fn leave(&mut self) {
        self.owner = 0;
    }
}

impl Drop for SocketFile {
    /// Removes the file, unless another one has taken its place.
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            return;
        }
        if let Ok(metadata) = fs::symlink_metadata(&self.path)
            && (metadata.dev(), metadata.ino()) == self.inode
        {
            let _ = safe_path::remove(Path::new(&self.path));
        }
    }
}
