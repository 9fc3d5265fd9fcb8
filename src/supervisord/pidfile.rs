//! The file with supervisord's pid: written at the start, removed at the end
//! if it was this process that wrote it.

use std::fs;
use std::io;

/// A pid file that was written.
#[derive(Debug)]
pub struct PidFile {
    path: String,
    pid: u32,
}

impl PidFile {
    /// Writes the pid and a newline, over whatever is there.
    pub fn write(path: &str) -> io::Result<PidFile> {
        let pid = std::process::id();
        fs::write(path, format!("{pid}\n"))?;
        Ok(PidFile {
            path: path.to_owned(),
            pid,
        })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if std::process::id() == self.pid {
            // It may have been removed by hand; there is nobody to tell any more.
            let _ = fs::remove_file(&self.path);
        }
    }
}
