//! Sockets: listening on TCP and on unix sockets, accepting, and asking whether
//! somebody still listens behind a socket file.
//!
//! No descriptor made here is inherited by children. Those that listen block,
//! as FastCGI programs expect it; who accepts here makes its own non-blocking.
//! Listening on a unix socket is in steps (bind, then [`listen`]), so that the
//! caller can set modes and owners before anybody is able to connect.

use std::io;
use std::mem::offset_of;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Shutdown, SockFlag, SockType, SockaddrStorage, UnixAddr, bind, connect,
    getpeername, getsockopt, setsockopt, shutdown, socket, sockopt,
};
use nix::sys::stat::{Mode, fchmod};

use crate::sys::{errno, fd};

/// How many bytes the path of a unix socket can have in the system's address structure.
pub const LONGEST_SOCKET_PATH: usize =
    size_of::<libc::sockaddr_un>() - offset_of!(libc::sockaddr_un, sun_path) - 1;

/// What answers behind the name of a unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Somebody listens there.
    Alive,
    /// Nobody does: the file is left over.
    Stale,
}

/// A TCP socket that listens on `address`, with `SO_REUSEADDR`; `backlog` as
/// for [`listen`].
pub fn listen_tcp(address: SocketAddr, backlog: i32) -> io::Result<OwnedFd> {
    let descriptor = bind_tcp(address)?;
    listen(descriptor.as_fd(), backlog)?;
    Ok(descriptor)
}

/// Whether that address is to be had. Nobody can connect meanwhile.
pub fn try_tcp(address: SocketAddr) -> io::Result<()> {
    bind_tcp(address).map(drop)
}

fn bind_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let descriptor = new(family, SockType::Stream)?;
    // Without it the address is had as well, a minute after the last connection of another one.
    let _ = setsockopt(&descriptor, sockopt::ReuseAddr, &true);
    bind(descriptor.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(descriptor)
}

/// A unix socket bound to `path` that does not listen yet. Its file comes into
/// being with no more permissions than `mode` (and the umask) allow. A path
/// longer than [`LONGEST_SOCKET_PATH`] is `ENAMETOOLONG`.
pub fn bind_unix(path: &str, mode: u32) -> io::Result<OwnedFd> {
    let address = UnixAddr::new(path)?;
    let descriptor = new(AddressFamily::Unix, SockType::Stream)?;
    // Where the system does not know this, the permissions come a moment later.
    #[allow(clippy::unnecessary_cast)] // mode_t is narrower on the BSDs
    let permissions = Mode::from_bits_truncate((mode & 0o777) as libc::mode_t);
    let _ = fchmod(&descriptor, permissions);
    bind(descriptor.as_raw_fd(), &address)?;
    Ok(descriptor)
}

/// Lets clients connect to a bound socket (or sets the backlog of a listening
/// one): so many may wait to be accepted. Beyond its own maximum the system
/// takes that.
pub fn listen(descriptor: BorrowedFd<'_>, backlog: i32) -> io::Result<()> {
    // SAFETY: two numbers; the descriptor is open while it is borrowed.
    let done = unsafe { libc::listen(descriptor.as_raw_fd(), backlog) };
    Ok(Errno::result(done).map(drop)?)
}

/// Whether somebody listens on the unix socket at `path`. It does not wait: a
/// queue that is full has somebody behind it.
pub fn probe_unix(path: &str) -> io::Result<Probe> {
    let address = UnixAddr::new(path)?;
    let descriptor = new(AddressFamily::Unix, SockType::Stream)?;
    fd::set_nonblocking(descriptor.as_fd())?;
    match connect(descriptor.as_raw_fd(), &address) {
        Ok(()) | Err(Errno::EAGAIN | Errno::EINPROGRESS) => Ok(Probe::Alive),
        Err(Errno::ECONNREFUSED | Errno::ECONNRESET) => Ok(Probe::Stale),
        Err(errno) => Err(errno.into()),
    }
}

/// A stream to the unix socket at `path`, if it can be had without waiting
/// (`WouldBlock` where too many others wait for that).
pub fn connect_unix(path: &Path) -> io::Result<OwnedFd> {
    let address = UnixAddr::new(path)?;
    let descriptor = new(AddressFamily::Unix, SockType::Stream)?;
    fd::set_nonblocking(descriptor.as_fd())?;
    connect(descriptor.as_raw_fd(), &address)?;
    Ok(descriptor)
}

/// A TCP connection that is being made to `address`: it can be written to once it is there, or
/// has failed, which [`failure`] tells.
pub fn connect_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let descriptor = new(family, SockType::Stream)?;
    fd::set_nonblocking(descriptor.as_fd())?;
    match connect(descriptor.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(descriptor),
        Err(errno) => Err(errno.into()),
    }
}

/// Why a connection that was being made has failed, if it has.
pub fn failure(descriptor: BorrowedFd<'_>) -> Option<io::Error> {
    match getsockopt(&descriptor, sockopt::SocketError) {
        Ok(0) => None,
        Ok(errno) => Some(io::Error::from_raw_os_error(errno)),
        Err(errno) => Some(errno.into()),
    }
}

/// The next connection that waits on a listening socket, and the address of
/// its TCP peer (`None` for a unix socket). `WouldBlock` when none waits.
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
    let number = nix::sys::socket::accept(listener.as_raw_fd())?;
    // SAFETY: accept(2) has just made this descriptor and nobody else knows it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    fd::close_on_exec(descriptor.as_fd())?;
    fd::set_nonblocking(descriptor.as_fd())?;
    let peer = tcp_peer(descriptor.as_fd());
    if peer.is_some() {
        // Without them the connection works as well, only later: errors do not matter.
        let _ = setsockopt(&descriptor, sockopt::TcpNoDelay, &true);
        let _ = setsockopt(&descriptor, sockopt::KeepAlive, &true);
    }
    Ok((descriptor, peer))
}

/// Tells the peer that nothing more will be written, unless the system refuses that; whether it
/// knows. A peer that has gone already is no error.
pub fn shutdown_write(descriptor: BorrowedFd<'_>) -> bool {
    let done = shutdown(descriptor.as_raw_fd(), Shutdown::Write);
    !done.is_err_and(|errno| errno::is_refusal(errno as i32))
}

/// A new socket, closed on exec: the flag for that is not known everywhere.
pub(super) fn new(family: AddressFamily, kind: SockType) -> io::Result<OwnedFd> {
    let descriptor = socket(family, kind, SockFlag::empty(), None)?;
    fd::close_on_exec(descriptor.as_fd())?;
    Ok(descriptor)
}

fn tcp_peer(descriptor: BorrowedFd<'_>) -> Option<SocketAddr> {
    let address: SockaddrStorage = getpeername(descriptor.as_raw_fd()).ok()?;
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::V4((*v4).into()));
    }
    let v6 = address.as_sockaddr_in6()?;
    Some(SocketAddr::V6((*v6).into()))
}
