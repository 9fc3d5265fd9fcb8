//! A directory for one test, with our binary under its four names.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The names that our one binary answers to.
const NAMES: [&str; 4] = [
    "supervisord",
    "supervisorctl",
    "pidproxy",
    "echo_supervisord_conf",
];

/// A temporary directory. Its path is short, because the paths of sockets may
/// not exceed some hundred bytes.
pub struct Dir {
    path: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Dir {
    /// A new empty directory, but for `bin/` with the four links.
    pub fn new() -> Dir {
        let temporary = tempfile::Builder::new().prefix("pv").tempdir().unwrap();
        let path = temporary.path().canonicalize().unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(path.join("bin")).unwrap();
        for name in NAMES {
            symlink(super::binary(), path.join("bin").join(name)).unwrap();
        }
        Dir {
            path,
            _temporary: temporary,
        }
    }

    /// The absolute path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The absolute path of a file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder with the links to our binary.
    pub fn bin(&self) -> PathBuf {
        self.path.join("bin")
    }

    /// Writes a file and returns its path. Folders on the way are made.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes an executable shell script and returns its path.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.write(name, format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The bytes of a file as text; `None` when it is not there.
    pub fn read(&self, name: &str) -> Option<String> {
        let bytes = fs::read(self.path.join(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}
