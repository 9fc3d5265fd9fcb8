//! Lines to the system's log, as syslog(3) sends them but never waiting for it:
//! facility user and severity info unless a record is marked otherwise, no pid; as
//! datagrams or, where the log wants that, over a stream with a NUL after each.
//!
//! A log that is busy gets its records later: some systems let no more than ten
//! of them wait. One that was started anew has a new socket, which is looked
//! for with the next record; so is that of one that hangs.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use crate::snapshot::saved;
use crate::sys::time::{self, LocalTime};
use crate::sys::{fd, socket};

const SOCKET: &str = "/dev/log";
/// The most that waits for a log that is busy.
const PENDING_LIMIT: usize = 256 * 1024;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// How a record is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The facility times 8, and the severity.
    pub priority: u8,
    /// What stands before it in the place of the program's name.
    pub tag: Option<&'a str>,
}

impl Default for Mark<'_> {
    /// Facility user (1 × 8) and severity info (6), as 4.3.0 marks everything.
    fn default() -> Self {
        Mark {
            priority: 14,
            tag: None,
        }
    }
}

#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    ident: String,
    connection: Option<Connection>,
    /// The socket's file as it was at the connection: device and inode.
    place: Option<(u64, u64)>,
    /// Records that the log has not taken, the oldest first.
    pending: VecDeque<Vec<u8>>,
    pending_bytes: usize,
    /// The first of them has gone in part, over a stream.
    is_cut: bool,
    lost: u64,
    /// How many connections there have been.
    connections: u64,
}

saved! {
    struct Syslog {
        path, ident, connection, place, pending, pending_bytes, is_cut, lost,
        connections,
    }
}

#[derive(Debug)]
enum Connection {
    Datagrams(OwnedFd),
    Stream(OwnedFd),
}

saved! { enum Connection { Datagrams(a), Stream(a) } }

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
            connection: None,
            place: None,
            pending: VecDeque::new(),
            pending_bytes: 0,
            is_cut: false,
            lost: 0,
            connections: 0,
        }
    }

    /// Sends one record, or keeps it while the log is busy. What cannot be kept
    /// or sent is counted as lost.
    pub fn send(&mut self, mark: Mark<'_>, text: &[u8]) -> io::Result<()> {
        let ident = mark.tag.unwrap_or(&self.ident);
        let record = record(time::local(time::wall()), mark.priority, ident, text);
        if self.pending_bytes + record.len() > PENDING_LIMIT {
            let outcome = self.flush();
            if self.pending_bytes + record.len() > PENDING_LIMIT {
                self.lost += record.len() as u64;
                return outcome.and(Err(io::ErrorKind::WouldBlock.into()));
            }
        }
        self.pending_bytes += record.len();
        self.pending.push_back(record);
        self.flush()
    }

    /// Sends what waits for as long as the log takes it. A log that has gone is
    /// looked for once more; if it is not there, what waits is lost.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut is_new = false;
        let mut outcome = Ok(());
        while let Some(record) = self.pending.front() {
            let sent = match &self.connection {
                Some(connection) => connection.send(record),
                None => {
                    is_new = true;
                    self.connect().map(|()| 0)
                }
            };
            match sent {
                Ok(count) => self.take(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if is_new || !self.is_elsewhere() {
                        break;
                    }
                    self.disconnect();
                }
                Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                    self.drop_first();
                    outcome = Err(error);
                }
                Err(_) if self.connection.is_some() && !is_new => self.disconnect(),
                Err(error) => {
                    self.connection = None;
                    self.give_up();
                    outcome = Err(error);
                }
            }
        }
        if self.pending.is_empty() {
            // A burst does not keep its memory.
            self.pending = VecDeque::new();
        }
        outcome
    }

    /// Whether another socket is there now than the one of the connection.
    fn is_elsewhere(&self) -> bool {
        let place = place_of(&self.path);
        place.is_some() && place != self.place
    }

    /// A record that the old connection has in part is not continued on a new one.
    fn disconnect(&mut self) {
        self.connection = None;
        if std::mem::take(&mut self.is_cut) {
            self.drop_first();
        }
    }

    /// Counts what waits as lost.
    pub fn give_up(&mut self) {
        self.is_cut = false;
        self.lost += self.pending_bytes as u64;
        self.pending = VecDeque::new();
        self.pending_bytes = 0;
    }

    /// So many bytes of the first record are sent; of a datagram it is all.
    fn take(&mut self, count: usize) {
        let Some(first) = self.pending.front_mut() else {
            return;
        };
        let length = first.len();
        if count > length
            || (count == length && matches!(self.connection, Some(Connection::Datagrams(_))))
        {
            self.pending.pop_front();
            self.pending_bytes -= length;
            self.is_cut = false;
        } else if count > 0 {
            first.drain(..count);
            self.pending_bytes -= count;
            self.is_cut = true;
        }
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.pending.pop_front() {
            self.pending_bytes -= first.len();
            self.lost += first.len() as u64;
        }
    }

    fn connect(&mut self) -> io::Result<()> {
        let datagrams = UnixDatagram::unbound()?;
        fd::set_nonblocking(datagrams.as_fd())?;
        self.connection = Some(match datagrams.connect(&self.path) {
            Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => {
                Connection::Stream(socket::connect_unix(&self.path)?)
            }
            outcome => outcome.map(|()| Connection::Datagrams(datagrams.into()))?,
        });
        self.place = place_of(&self.path);
        self.connections += 1;
        Ok(())
    }

    /// How many bytes wait.
    pub fn pending(&self) -> usize {
        self.pending_bytes
    }

    /// How many bytes were lost since the last call.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Changes when the connection is another one.
    pub fn serial(&self) -> u64 {
        self.connections
    }

    /// A second descriptor of the connection, to wait until it takes more.
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        match &self.connection {
            Some(Connection::Datagrams(descriptor) | Connection::Stream(descriptor)) => {
                fd::duplicate(descriptor.as_fd())
            }
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Connection {
    /// Sends a record, or over a stream what is left of it with its NUL, and says
    /// how many bytes were taken.
    fn send(&self, record: &[u8]) -> io::Result<usize> {
        match self {
            Connection::Datagrams(descriptor) => fd::send(descriptor.as_fd(), record),
            Connection::Stream(descriptor) => {
                let mut terminated = record.to_vec();
                terminated.push(0);
                fd::send(descriptor.as_fd(), &terminated)
            }
        }
    }
}

fn place_of(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// `<14>Nov  3 12:00:00 ident: text`
fn record(time: LocalTime, priority: u8, ident: &str, text: &[u8]) -> Vec<u8> {
    let month = MONTHS.get(time.month.wrapping_sub(1) as usize);
    let month = month.unwrap_or(&"Jan");
    let mut record = format!(
        "<{priority}>{month} {:>2} {:02}:{:02}:{:02} {ident}: ",
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
    use crate::sys::tests::until;
    use std::io::Read;
    use std::os::unix::net::UnixListener;

    fn receive(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        socket.set_nonblocking(true).unwrap();
        let count = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    fn close(log: UnixDatagram, path: &Path) {
        drop(log);
        let client = UnixDatagram::unbound().unwrap();
        until("the log is closed", || client.connect(path).is_err());
    }

    #[test]
    fn records_have_the_form_of_syslog_3() {
        let record = |seconds| {
            let time = Timestamp {
                seconds,
                nanoseconds: 0,
            };
            String::from_utf8(record(time::utc(time), 14, "supervisord", b"x y\n")).unwrap()
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
        assert!(syslog.send(Mark::default(), b"nobody there").is_err());
        let first = UnixDatagram::bind(&path).unwrap();
        syslog.send(Mark::default(), b"one").unwrap();
        assert!(receive(&first).ends_with(" supervisord: one"));
        close(first, &path);
        assert!(syslog.send(Mark::default(), b"nobody there").is_err());
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        syslog.send(Mark::default(), b"two").unwrap();
        assert!(receive(&second).ends_with(" supervisord: two"));
        close(second, &path);
        std::fs::remove_file(&path).unwrap();
        let third = UnixDatagram::bind(&path).unwrap();
        syslog
            .send(Mark::default(), b"three, at the first attempt")
            .unwrap();
        assert!(receive(&third).ends_with("three, at the first attempt"));
    }

    #[test]
    fn a_log_that_is_busy_gets_everything_later_up_to_a_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let log = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::at(&path, "supervisord");
        let mut sent = 0;
        while syslog.pending() < 10_000 {
            syslog
                .send(Mark::default(), format!("record {sent}.").as_bytes())
                .unwrap();
            sent += 1;
        }
        let mut received = 0;
        while received < sent {
            let record = receive(&log);
            assert!(
                record.ends_with(&format!(": record {received}.")),
                "{record}"
            );
            received += 1;
            syslog.flush().unwrap();
        }
        assert_eq!((syslog.pending(), syslog.take_lost()), (0, 0));
        let refused = (0..100_000).find_map(|_| syslog.send(Mark::default(), &[b'x'; 1000]).err());
        assert_eq!(refused.unwrap().kind(), io::ErrorKind::WouldBlock);
        assert!((1000..1100).contains(&syslog.take_lost()));
        assert!(syslog.pending() > PENDING_LIMIT - 1100);
        // It ends while it is busy: what waits is lost.
        close(log, &path);
        let waiting = syslog.pending() as u64;
        assert!(syslog.flush().is_err());
        assert_eq!((syslog.pending(), syslog.take_lost()), (0, waiting));
    }

    #[test]
    fn a_log_that_wants_a_stream_gets_records_that_end_in_nul() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let listener = UnixListener::bind(&path).unwrap();
        let mut syslog = Syslog::at(&path, "supervisord");
        syslog.send(Mark::default(), b"one").unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut sent = 1;
        while syslog.pending() < 10_000 {
            syslog.send(Mark::default(), &[b'x'; 500]).unwrap();
            sent += 1;
        }
        let mut received = Vec::new();
        let mut part = [0; 777];
        while received.iter().filter(|byte| **byte == 0).count() < sent {
            let count = stream.read(&mut part).unwrap();
            received.extend_from_slice(&part[..count]);
            syslog.flush().unwrap();
        }
        assert_eq!(syslog.pending(), 0);
        let records: Vec<&[u8]> = received.split(|byte| *byte == 0).collect();
        assert!(records[0].ends_with(b" supervisord: one"));
        assert!(
            records[1..sent]
                .iter()
                .all(|record| record.starts_with(b"<14>") && record.ends_with(&[b'x'; 500]))
        );
        // A record that was cut by the end of the connection is not continued on the next.
        while syslog.pending() < 10_000 {
            syslog.send(Mark::default(), &[b'y'; 700]).unwrap();
        }
        drop(stream);
        drop(listener);
        std::fs::remove_file(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        syslog.send(Mark::default(), b"two").unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut start = [0; 4];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"<14>");
    }

    #[test]
    fn a_log_that_hangs_is_left_for_the_new_one_in_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let _hanging = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::at(&path, "supervisord");
        while syslog.pending() == 0 {
            syslog.send(Mark::default(), b"x").unwrap();
        }
        let connections = syslog.serial();
        syslog.send(Mark::default(), b"x").unwrap();
        assert_eq!(syslog.serial(), connections, "it is the same one");
        std::fs::remove_file(&path).unwrap();
        let new = UnixDatagram::bind(&path).unwrap();
        syslog.send(Mark::default(), b"one").unwrap();
        syslog.send(Mark::default(), b"two").unwrap();
        assert!(receive(&new).ends_with(" supervisord: x"));
        assert!(receive(&new).ends_with(" supervisord: x"));
        assert!(receive(&new).ends_with(" supervisord: one"));
        assert!(receive(&new).ends_with(" supervisord: two"));
    }
}
