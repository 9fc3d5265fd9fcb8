//! The receiving end of sd_notify: a datagram socket for each process, into which it says that
//! it is ready, how it is, and that it lives.
//!
//! On Linux its name is in the abstract space, which needs no file, so that a program in a
//! chroot and one of another user reach it; the kernel tells who has sent a message. Elsewhere
//! it lies in a directory that only the program's user can enter.

#[cfg(any(test, not(target_os = "linux")))]
mod directory;

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use crate::snapshot::saved;
use crate::sys::fd;

/// The longest message that is read; systemd takes no longer ones either.
pub const LONGEST_MESSAGE: usize = 4096;

/// A socket that messages come to.
#[derive(Debug)]
pub struct Inbox {
    pub descriptor: OwnedFd,
    pub address: InboxAddress,
}

/// Its name, for as long as it has one.
#[derive(Debug)]
pub struct InboxAddress {
    /// As `NOTIFY_SOCKET` says it.
    pub name: String,
    #[cfg(not(target_os = "linux"))]
    directory: directory::Private,
}

#[cfg(target_os = "linux")]
saved! { struct InboxAddress { name } }
#[cfg(not(target_os = "linux"))]
saved! { struct InboxAddress { name, directory } }

/// A message, as far as it can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    /// How many bytes it has.
    pub length: usize,
    /// The user who has sent it; `None` where the system does not tell that, and only those who
    /// may can send any.
    pub sender: Option<u32>,
    /// It was longer than what it was read into.
    pub is_cut: bool,
}

/// Makes a socket for a program of that user.
#[cfg(target_os = "linux")]
pub fn open(_user: Option<u32>) -> io::Result<Inbox> {
    use std::os::fd::AsFd;

    use nix::sys::socket::{AddressFamily, SockType, UnixAddr, bind, setsockopt, sockopt};

    use crate::sys::{random, socket};

    let descriptor = socket::new(AddressFamily::Unix, SockType::Datagram)?;
    fd::set_nonblocking(descriptor.as_fd())?;
    setsockopt(&descriptor, sockopt::PassCred, &true)?;
    let [a, b, c, d, e, f, g, h, ..] = random::secret()?;
    let number = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
    let name = format!("supervisor-notify-{number:016x}");
    bind(
        descriptor.as_raw_fd(),
        &UnixAddr::new_abstract(name.as_bytes())?,
    )?;
    Ok(Inbox {
        descriptor,
        address: InboxAddress {
            name: format!("@{name}"),
        },
    })
}

/// Makes a socket for a program of that user.
#[cfg(not(target_os = "linux"))]
pub fn open(user: Option<u32>) -> io::Result<Inbox> {
    let (descriptor, directory) = directory::open(user)?;
    Ok(Inbox {
        descriptor,
        address: InboxAddress {
            name: directory.socket().to_string_lossy().into_owned(),
            directory,
        },
    })
}

/// Takes the next message out of the socket; `WouldBlock` when there is none. There is no room
/// for descriptors that come with it: the kernel closes them at once, which is the answer to
/// `BARRIER=1`.
pub fn receive(socket: BorrowedFd<'_>, room: &mut [u8]) -> io::Result<Letter> {
    // Room for who has sent it, and nothing else: 16 bytes of head and 12 of content.
    let mut control = [0_u64; 4];
    let mut piece = libc::iovec {
        iov_base: room.as_mut_ptr().cast(),
        iov_len: room.len(),
    };
    // SAFETY: a structure of numbers and pointers, for which zeros are right.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut piece;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control) as _;
    let receive = || {
        // SAFETY: the header points to the room and to the control buffer, with their lengths,
        // and both outlive the call.
        Errno::result(unsafe {
            libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT)
        })
    };
    let length = fd::retry(receive)?;
    Ok(Letter {
        length: usize::try_from(length).unwrap_or(0),
        sender: sender(&header),
        is_cut: header.msg_flags & libc::MSG_TRUNC != 0,
    })
}

/// Who has sent the message of that header.
#[cfg(target_os = "linux")]
fn sender(header: &libc::msghdr) -> Option<u32> {
    // Nobody is this one: a message without its sender is from nobody who may.
    const NOBODY: u32 = u32::MAX;
    // SAFETY: the kernel has filled the control buffer of the header as far as it says; its one
    // message is looked at only if it says that it holds credentials.
    let user = unsafe {
        let first = libc::CMSG_FIRSTHDR(header);
        let holds_credentials = !first.is_null()
            && (*first).cmsg_level == libc::SOL_SOCKET
            && (*first).cmsg_type == libc::SCM_CREDENTIALS;
        holds_credentials.then(|| {
            let credentials = libc::CMSG_DATA(first).cast::<libc::ucred>();
            credentials.read_unaligned().uid
        })
    };
    Some(user.unwrap_or(NOBODY))
}

/// Who has sent the message of that header: nobody else can.
#[cfg(not(target_os = "linux"))]
fn sender(_: &libc::msghdr) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::notify::NotifySocket;
    use std::ffi::OsStr;
    use std::os::fd::AsFd;

    #[test]
    fn a_message_comes_with_who_has_sent_it() {
        let inbox = open(None).unwrap();
        let mut room = [0; LONGEST_MESSAGE];
        let nothing = receive(inbox.descriptor.as_fd(), &mut room).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        let outbox = NotifySocket::named(OsStr::new(&inbox.address.name)).unwrap();
        outbox.send("READY=1").unwrap();
        outbox.send(&"x".repeat(LONGEST_MESSAGE + 1)).unwrap();
        let letter = receive(inbox.descriptor.as_fd(), &mut room).unwrap();
        assert_eq!(&room[..letter.length], b"READY=1");
        assert!(!letter.is_cut);
        if cfg!(target_os = "linux") {
            assert_eq!(letter.sender, Some(nix::unistd::getuid().as_raw()));
        }
        assert!(receive(inbox.descriptor.as_fd(), &mut room).unwrap().is_cut);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_descriptor_that_comes_with_a_message_is_closed() {
        use crate::sys::socket;
        use nix::sys::socket::{
            AddressFamily, ControlMessage, MsgFlags, SockType, UnixAddr, sendmsg,
        };
        use std::io::{IoSlice, Read};
        let inbox = open(None).unwrap();
        let sender = socket::new(AddressFamily::Unix, SockType::Datagram).unwrap();
        let pipe = fd::pipe().unwrap();
        let address = UnixAddr::new_abstract(&inbox.address.name.as_bytes()[1..]).unwrap();
        let numbers = [pipe.write.as_raw_fd()];
        sendmsg(
            sender.as_raw_fd(),
            &[IoSlice::new(b"BARRIER=1")],
            &[ControlMessage::ScmRights(&numbers)],
            MsgFlags::empty(),
            Some(&address),
        )
        .unwrap();
        drop(pipe.write);
        let mut room = [0; 64];
        let letter = receive(inbox.descriptor.as_fd(), &mut room).unwrap();
        assert_eq!(&room[..letter.length], b"BARRIER=1");
        // Its last copy has gone with the message.
        let mut rest = Vec::new();
        std::fs::File::from(pipe.read)
            .read_to_end(&mut rest)
            .unwrap();
    }
}
