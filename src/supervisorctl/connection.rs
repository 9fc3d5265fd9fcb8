//! A connection to a server: blocking sockets, HTTP/1.1. Where a descriptor
//! that tells of Ctrl-C is given, reading ends when that comes.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::failure::CallError;
use super::interrupt::wait_readable;
use super::response::Head;
use super::server_url::ServerAddress;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<Stream>,
}

#[derive(Debug)]
struct Stream {
    socket: Socket,
    interrupt: Option<OwnedFd>,
}

#[derive(Debug)]
enum Socket {
    Inet(TcpStream),
    Unix(UnixStream),
}

impl Connection {
    /// Connects. There is no time limit: a stop may take as long as it takes.
    pub fn open(
        address: &ServerAddress,
        interrupt: Option<OwnedFd>,
    ) -> Result<Connection, CallError> {
        let socket = match address {
            ServerAddress::Inet { host, port } => {
                Socket::Inet(TcpStream::connect((host.as_str(), *port))?)
            }
            ServerAddress::Unix(path) => Socket::Unix(UnixStream::connect(path)?),
        };
        Ok(Connection {
            reader: BufReader::new(Stream { socket, interrupt }),
        })
    }

    /// Sends a request and reads the head of the answer.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Head, CallError> {
        let stream = self.reader.get_mut();
        match &mut stream.socket {
            Socket::Inet(socket) => socket.write_all(request)?,
            Socket::Unix(socket) => socket.write_all(request)?,
        }
        Head::read(&mut self.reader)
    }

    /// Whether the server has closed it: nothing is to come before a request.
    pub fn is_closed(&self) -> bool {
        let socket = self.reader.get_ref().socket.as_fd();
        let mut watched = [PollFd::new(socket, PollFlags::POLLIN)];
        !matches!(poll(&mut watched, PollTimeout::ZERO), Ok(0))
    }

    /// Where the body of the answer is read from.
    pub fn reader(&mut self) -> &mut impl io::BufRead {
        &mut self.reader
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !wait_readable(self.socket.as_fd(), self.interrupt.as_ref())? {
            return Err(io::Error::other("interrupted"));
        }
        match &mut self.socket {
            Socket::Inet(socket) => socket.read(buffer),
            Socket::Unix(socket) => socket.read(buffer),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Inet(socket) => socket.as_fd(),
            Socket::Unix(socket) => socket.as_fd(),
        }
    }
}
