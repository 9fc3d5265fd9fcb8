//! Lines to the system's log, as syslog(3) sends them but never waiting for it:
//! facility user, severity info, no pid.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::sys::time::{self, LocalTime};

const SOCKET: &str = "/dev/log";
/// Facility user (1 × 8) and severity info (6), as 4.3.0 marks everything.
const PRIORITY: u32 = 14;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A connection to the system's log.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    ident: String,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// Lines will carry `ident`, the program's name. The connection is made with the first line.
    pub fn new(ident: &str) -> Syslog {
        Syslog::at(SOCKET, ident)
    }

    /// The same to another socket.
    pub fn at(path: impl Into<PathBuf>, ident: &str) -> Syslog {
        Syslog {
            path: path.into(),
            ident: ident.to_owned(),
            socket: None,
        }
    }

    /// Sends one record. A log that has gone, or does not read, is looked for
    /// once more: it may have been started anew. One that is busy loses the
    /// record (`WouldBlock`).
    pub fn send(&mut self, text: &[u8]) -> io::Result<()> {
        let record = record(time::local(time::wall()), &self.ident, text);
        if let Some(socket) = &self.socket {
            match socket.send(&record) {
                Ok(_) => return Ok(()),
                Err(_) => self.socket = None,
            }
        }
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        socket.send(&record)?;
        self.socket = Some(socket);
        Ok(())
    }
}

/// `<14>Nov  3 12:00:00 ident: text`
fn record(time: LocalTime, ident: &str, text: &[u8]) -> Vec<u8> {
    let month = usize::try_from(time.month)
        .ok()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?))
        .unwrap_or(&"Jan");
    let mut record = format!(
        "<{PRIORITY}>{month} {:>2} {:02}:{:02}:{:02} {ident}: ",
        time.day, time.hour, time.minute, time.second
    )
    .into_bytes();
    record.extend_from_slice(text);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn receive(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        socket.set_nonblocking(true).unwrap();
        let count = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    #[test]
    fn records_have_the_form_of_syslog_3() {
        let record = |seconds| {
            let time = Timestamp {
                seconds,
                nanoseconds: 0,
            };
            String::from_utf8(record(time::utc(time), "supervisord", b"x y\n")).unwrap()
        };
        assert_eq!(
            record(1_795_424_523),
            "<14>Nov 23 09:02:03 supervisord: x y\n"
        );
        assert_eq!(record(0), "<14>Jan  1 00:00:00 supervisord: x y\n");
    }

    #[test]
    fn a_log_that_was_started_anew_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut syslog = Syslog::at(&path, "supervisord");
        assert!(syslog.send(b"nobody there").is_err());
        let first = UnixDatagram::bind(&path).unwrap();
        syslog.send(b"one").unwrap();
        assert!(receive(&first).ends_with(" supervisord: one"));
        drop(first);
        assert!(syslog.send(b"nobody there").is_err());
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        syslog.send(b"two").unwrap();
        assert!(receive(&second).ends_with(" supervisord: two"));
        drop(second);
        std::fs::remove_file(&path).unwrap();
        let third = UnixDatagram::bind(&path).unwrap();
        syslog.send(b"three, at the first attempt").unwrap();
        assert!(receive(&third).ends_with("three, at the first attempt"));
    }

    #[test]
    fn a_log_that_does_not_read_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let _log = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::at(&path, "supervisord");
        let refused = (0..100_000).find_map(|_| syslog.send(&[b'x'; 1000]).err());
        assert_eq!(refused.unwrap().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_log_that_hangs_is_left_for_the_new_one_in_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let _hanging = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::at(&path, "supervisord");
        assert!((0..100_000).any(|_| syslog.send(b"x").is_err()));
        std::fs::remove_file(&path).unwrap();
        let new = UnixDatagram::bind(&path).unwrap();
        syslog.send(b"one").unwrap();
        syslog.send(b"two").unwrap();
        assert!(receive(&new).ends_with(" supervisord: one"));
        assert!(receive(&new).ends_with(" supervisord: two"));
    }
}
