//! Sockets of the HTTP servers: listening on TCP and on unix sockets,
//! accepting, and asking whether somebody still listens behind a socket file.
//!
//! Every descriptor made here is non-blocking and not inherited by children.
//! Listening on a unix socket is in steps (bind, then [`listen`]), so that the
//! caller can set modes and owners before anybody is able to connect.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, Backlog, Shutdown, SockFlag, SockType, SockaddrStorage, UnixAddr, bind, connect,
    getpeername, listen as listen_on, setsockopt, shutdown, socket, sockopt,
};

use crate::sys::fd;

/// How many connections may wait to be accepted, as in 4.3.0.
const BACKLOG: i32 = 1024;

/// What answers behind the name of a unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Somebody listens there.
    Alive,
    /// Nobody does: the file is left over.
    Stale,
}

/// A TCP socket that listens on `address`, with `SO_REUSEADDR`.
pub fn listen_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let descriptor = OwnedFd::from(listener);
    listen(descriptor.as_fd())?;
    Ok(descriptor)
}

/// A unix socket bound to `path` that does not listen yet. A path longer than
/// the system's address structure is `ENAMETOOLONG`.
pub fn bind_unix(path: &str) -> io::Result<OwnedFd> {
    let address = UnixAddr::new(path)?;
    let descriptor = unix_stream()?;
    bind(descriptor.as_raw_fd(), &address)?;
    Ok(descriptor)
}

/// Lets clients connect to a bound socket (or sets the backlog of a listening one).
pub fn listen(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    // A system may allow less than asked for; it then takes its own maximum.
    let backlog = Backlog::new(BACKLOG).unwrap_or(Backlog::MAXCONN);
    Ok(listen_on(&descriptor, backlog)?)
}

/// Whether somebody listens on the unix socket at `path`. It does not wait: a
/// queue that is full has somebody behind it.
pub fn probe_unix(path: &str) -> io::Result<Probe> {
    let address = UnixAddr::new(path)?;
    let descriptor = unix_stream()?;
    match connect(descriptor.as_raw_fd(), &address) {
        Ok(()) | Err(Errno::EAGAIN | Errno::EINPROGRESS) => Ok(Probe::Alive),
        Err(Errno::ECONNREFUSED | Errno::ECONNRESET) => Ok(Probe::Stale),
        Err(errno) => Err(errno.into()),
    }
}

/// The next connection that waits on a listening socket, and the address of
/// its TCP peer (`None` for a unix socket). `WouldBlock` when none waits.
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
    let number = nix::sys::socket::accept(listener.as_raw_fd())?;
    // SAFETY: accept(2) has just made this descriptor and nobody else knows it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    prepare(descriptor.as_fd())?;
    let peer = tcp_peer(descriptor.as_fd());
    if peer.is_some() {
        // Without them the connection works as well, only later: errors do not matter.
        let _ = setsockopt(&descriptor, sockopt::TcpNoDelay, &true);
        let _ = setsockopt(&descriptor, sockopt::KeepAlive, &true);
    }
    Ok((descriptor, peer))
}

/// Tells the peer that nothing more will be written. A peer that has gone already is no error.
pub fn shutdown_write(descriptor: BorrowedFd<'_>) {
    let _ = shutdown(descriptor.as_raw_fd(), Shutdown::Write);
}

fn unix_stream() -> io::Result<OwnedFd> {
    let descriptor = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::empty(),
        None,
    )?;
    prepare(descriptor.as_fd())?;
    Ok(descriptor)
}

fn prepare(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    fd::set_nonblocking(descriptor)
}

fn tcp_peer(descriptor: BorrowedFd<'_>) -> Option<SocketAddr> {
    let address: SockaddrStorage = getpeername(descriptor.as_raw_fd()).ok()?;
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::V4((*v4).into()));
    }
    let v6 = address.as_sockaddr_in6()?;
    Some(SocketAddr::V6((*v6).into()))
}
