//! A connection to a server: blocking sockets, HTTP/1.1. Where a descriptor
//! that tells of Ctrl-C is given, waiting ends when that comes. Waiting itself
//! has no limit, for a stop may take as long as it takes; but where an answer
//! should come at once, the operator is told that there is none yet.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, getsockopt, socket, sockopt,
};

use super::failure::CallError;
use super::ready;
use super::response::Head;
use super::server_url::ServerAddress;
use crate::sys::{fd, terminal};

/// How long silence is nothing to talk about.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub struct Connection {
    reader: BufReader<Stream>,
}

#[derive(Debug)]
struct Stream {
    /// Of either kind.
    socket: File,
    interrupt: Option<OwnedFd>,
    /// What to say once if the answer is late.
    lateness: Option<String>,
}

impl Connection {
    /// Connects, however long the system tries.
    pub fn open(
        address: &ServerAddress,
        interrupt: Option<OwnedFd>,
    ) -> Result<Connection, CallError> {
        let socket = match address {
            ServerAddress::Inet { host, port } => connect_tcp(host, *port, interrupt.as_ref())?,
            ServerAddress::Unix(path) => OwnedFd::from(UnixStream::connect(path)?),
        };
        Ok(Connection {
            reader: BufReader::new(Stream {
                socket: File::from(socket),
                interrupt,
                lateness: None,
            }),
        })
    }

    /// Sends a request and reads the head of the answer.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Head, CallError> {
        self.send(request)?;
        self.receive()
    }

    pub fn send(&mut self, request: &[u8]) -> Result<(), CallError> {
        Ok(self.reader.get_mut().socket.write_all(request)?)
    }

    /// Waits for the head of an answer and reads it.
    pub fn receive(&mut self) -> Result<Head, CallError> {
        let head = Head::read(&mut self.reader);
        self.reader.get_mut().lateness = None;
        head
    }

    /// What to say on the standard error if the next answer is late.
    pub fn if_late(&mut self, text: String) {
        self.reader.get_mut().lateness = Some(text);
    }

    /// Whether the server has closed it: nothing is to come before a request.
    pub fn is_closed(&self) -> bool {
        let socket = self.reader.get_ref().socket.as_fd();
        let ready = ready::wait_readable(&[socket], Some(Duration::ZERO));
        !ready.is_ok_and(|ready| ready.is_empty())
    }

    /// Where the body of the answer is read from.
    pub fn reader(&mut self) -> &mut impl io::BufRead {
        &mut self.reader
    }

    /// Whether there is something to read that was received already.
    pub fn has_buffered(&self) -> bool {
        !self.reader.buffer().is_empty()
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.get_ref().socket.as_fd()
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut sources = vec![self.socket.as_fd()];
        sources.extend(self.interrupt.as_ref().map(AsFd::as_fd));
        if let Some(text) = self.lateness.take()
            && ready::wait_readable(&sources, Some(PATIENCE))?.is_empty()
        {
            terminal::complain(&text);
        }
        if self.interrupt.is_some() && ready::wait_readable(&sources, None)?.contains(&1) {
            return Err(interrupted());
        }
        self.socket.read(buffer)
    }
}

fn interrupted() -> io::Error {
    io::Error::other("interrupted")
}

/// Connects to the first address of the host that answers.
fn connect_tcp(host: &str, port: u16, interrupt: Option<&OwnedFd>) -> io::Result<OwnedFd> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (host, port).to_socket_addrs()? {
        match connect_to(address, interrupt) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn connect_to(address: SocketAddr, interrupt: Option<&OwnedFd>) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let descriptor = socket(family, SockType::Stream, SockFlag::empty(), None)?;
    fd::set_nonblocking(descriptor.as_fd())?;
    match connect(descriptor.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) => {}
        Err(Errno::EINPROGRESS | Errno::EINTR) => {
            wait_until_connected(descriptor.as_fd(), address, interrupt)?;
        }
        Err(error) => return Err(error.into()),
    }
    let stream = TcpStream::from(descriptor);
    stream.set_nonblocking(false)?;
    Ok(stream.into())
}

fn wait_until_connected(
    descriptor: BorrowedFd<'_>,
    address: SocketAddr,
    interrupt: Option<&OwnedFd>,
) -> io::Result<()> {
    let mut is_told = false;
    let mut waited = Duration::ZERO;
    // Often enough that Ctrl-C seems to act at once.
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    while !ready::wait_writable(descriptor, Some(LOOK_EVERY))? {
        if let Some(interrupt) = interrupt
            && !ready::wait_readable(&[interrupt.as_fd()], Some(Duration::ZERO))?.is_empty()
        {
            return Err(interrupted());
        }
        waited += LOOK_EVERY;
        if waited >= PATIENCE && !is_told {
            terminal::complain(&format!(
                "{address} does not answer; still trying to connect\n"
            ));
            is_told = true;
        }
    }
    match getsockopt(&descriptor, sockopt::SocketError)? {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}
