//! A socket of a program in a directory that only its user can enter, for systems whose sockets
//! need files and do not tell who has sent a message.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use nix::sys::socket::{AddressFamily, SockType, UnixAddr, bind};

use crate::snapshot::saved;
use crate::sys::{fd, socket};

/// A directory that goes with this value.
#[derive(Debug)]
pub struct Private {
    path: PathBuf,
}

saved! { struct Private { path } }

impl Private {
    fn new(user: Option<u32>) -> io::Result<Private> {
        let template = std::env::temp_dir().join("supervisor-notify-XXXXXX");
        let path = nix::unistd::mkdtemp(&template)?;
        let directory = Private { path };
        std::os::unix::fs::chown(&directory.path, user, None)?;
        Ok(directory)
    }

    /// Where the socket is in it.
    pub fn socket(&self) -> PathBuf {
        self.path.join("notify")
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // Nobody is left to be told that it stays.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Makes a socket for a program of that user.
pub fn open(user: Option<u32>) -> io::Result<(OwnedFd, Private)> {
    let descriptor = socket::new(AddressFamily::Unix, SockType::Datagram)?;
    fd::set_nonblocking(descriptor.as_fd())?;
    let directory = Private::new(user)?;
    let path = directory.socket();
    bind(descriptor.as_raw_fd(), &UnixAddr::new(&path)?)?;
    std::os::unix::fs::chown(&path, user, None)?;
    Ok((descriptor, directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::notify::NotifySocket;
    use crate::sys::notify_inbox::receive;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn only_its_user_reaches_a_socket_that_goes_with_its_program() {
        let own = nix::unistd::geteuid().as_raw();
        let user = if own == 0 { 65_534 } else { own };
        let (inbox, directory) = open(Some(user)).unwrap();
        let path = directory.socket();
        let found = std::fs::metadata(path.parent().unwrap()).unwrap();
        assert_eq!(found.uid(), user);
        assert_eq!(found.permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::metadata(&path).unwrap().uid(), user);
        let outbox = NotifySocket::named(path.as_os_str()).unwrap();
        outbox.send("READY=1").unwrap();
        let mut room = [0; 64];
        let letter = receive(inbox.as_fd(), &mut room).unwrap();
        assert_eq!(&room[..letter.length], b"READY=1");
        drop(directory);
        assert!(!path.parent().unwrap().exists());
    }
}
