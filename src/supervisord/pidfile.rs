//! The file with supervisord's pid: written at the start, removed at the end
//! if it was this process that wrote it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

/// A pid file that was written.
#[derive(Debug)]
pub struct PidFile {
    path: String,
    pid: u32,
}

impl PidFile {
    /// Writes the pid and a newline, over whatever is there. Waits for nobody:
    /// a FIFO without a reader is an error.
    pub fn write(path: &str) -> io::Result<PidFile> {
        let pid = std::process::id();
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?
            .write_all(format!("{pid}\n").as_bytes())?;
        Ok(PidFile {
            path: path.to_owned(),
            pid,
        })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Many a container has `pidfile=/dev/null`; 4.3.0 removes that device.
        let is_file = fs::metadata(&self.path).is_ok_and(|found| found.is_file());
        if is_file && std::process::id() == self.pid {
            // It may have been removed by hand; there is nobody to tell any more.
            let _ = fs::remove_file(&self.path);
        }
    }
}
