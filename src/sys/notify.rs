//! A line to the service manager's socket, as systemd and those that speak its
//! protocol take it: one datagram for each message, never waited for.
//!
//! The socket is made anew for every message. There are few of them, and so
//! there is no descriptor that a restart or a child has to know of.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::socket::{AddressFamily, MsgFlags, SockType, UnixAddr, sendto};

use crate::snapshot::{Reader, Save, Saved, Writer};
use crate::sys::{fd, socket};

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifySocket {
    address: UnixAddr,
}

impl NotifySocket {
    /// The socket of this name: a path, or `@` and a name in Linux's abstract
    /// space. Other kinds, such as `vsock:`, are an error.
    pub fn named(name: &OsStr) -> io::Result<NotifySocket> {
        let address = match name.as_bytes() {
            [b'/', ..] => UnixAddr::new(Path::new(name))?,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            [b'@', name @ ..] => UnixAddr::new_abstract(name)?,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        Ok(NotifySocket { address })
    }

    /// Sends a message; `WouldBlock` where as many wait there as may.
    pub fn send(&self, message: &str) -> io::Result<()> {
        let descriptor = socket::new(AddressFamily::Unix, SockType::Datagram)?;
        fd::set_nonblocking(descriptor.as_fd())?;
        sendto(
            descriptor.as_raw_fd(),
            message.as_bytes(),
            &self.address,
            MsgFlags::MSG_DONTWAIT,
        )?;
        Ok(())
    }
}

/// As the name that it was given.
impl Save for NotifySocket {
    fn save(&self, to: &mut Writer) {
        let mut name = Vec::new();
        if let Some(path) = self.address.path() {
            name.extend_from_slice(path.as_os_str().as_bytes());
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(abstracted) = self.address.as_abstract() {
            name.push(b'@');
            name.extend_from_slice(abstracted);
        }
        to.bytes(&name);
    }
}

impl Saved for NotifySocket {
    fn restored(from: &mut Reader<'_>) -> Self {
        let name = from.bytes();
        let socket = NotifySocket::named(OsStr::from_bytes(&name));
        socket.unwrap_or_else(|_| from.fail("no name of a socket"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::handed_over;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn a_message_is_a_datagram_at_a_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        NotifySocket::named(path.as_os_str())
            .unwrap()
            .send("READY=1")
            .unwrap();
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_at_sign_is_the_abstract_space() {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;

        let name = format!("pollvisor-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        NotifySocket::named(OsStr::new(&format!("@{name}")))
            .unwrap()
            .send("STOPPING=1")
            .unwrap();
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"STOPPING=1");
    }

    #[test]
    fn the_next_program_tells_the_same_manager() {
        let mut names = vec!["/run/systemd/notify"];
        if cfg!(target_os = "linux") {
            names.push("@manager");
        }
        for name in names {
            let socket = NotifySocket::named(OsStr::new(name)).unwrap();
            assert_eq!(handed_over(&socket), socket, "{name}");
        }
    }

    #[test]
    fn nobody_there_and_a_full_queue_are_errors_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = NotifySocket::named(path.as_os_str()).unwrap();
        assert_eq!(
            socket.send("x").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        let _never_reads = UnixDatagram::bind(&path).unwrap();
        let refused = (0..100_000).find_map(|_| socket.send("x").err());
        assert_eq!(
            refused.map(|error| error.kind()),
            Some(io::ErrorKind::WouldBlock)
        );
        assert!(NotifySocket::named(OsStr::new("vsock:2:1234")).is_err());
        assert!(NotifySocket::named(OsStr::new("")).is_err());
    }
}
