//! Something that is written to without ever waiting for it and that is no
//! regular file: the terminal, pipe or socket that the daemon was given as
//! stdout, a FIFO, a device.
//!
//! The daemon shares such an open file description with whoever started it,
//! so it must not be made non-blocking as it is. It is opened anew, by its
//! name, where that works; where it does not (sockets, a pipe that belongs to
//! the user that the daemon no longer is), each write asks not to wait.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, IsTerminal};
#[cfg(test)]
use std::os::fd::AsRawFd;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::snapshot::saved;
use crate::sys::fd;
#[cfg(target_os = "linux")]
use crate::sys::fd::Control;
use crate::sys::safe_path;

/// What a pipe that polls as writable takes at once, whatever else is in it:
/// the least that POSIX lets PIPE_BUF be is less than every system's.
const SMALL_WRITE: usize = 512;
/// What a terminal that polls as writable takes at once.
const TERMINAL_WRITE: usize = 1;
/// Symbolic links that are followed in search of a descriptor's name.
const LINKS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// An open file description of our own, non-blocking.
    Own,
    /// A socket that is shared: MSG_DONTWAIT.
    Socket,
    /// Shared, and nothing better: write a little, after poll(2) said that there is room.
    Polled,
    /// The same for a terminal, which promises room for one byte.
    PolledTerminal,
}

saved! { enum Manner { Own, Socket, Polled, PolledTerminal } }

/// A descriptor that is written to without waiting.
#[derive(Debug)]
pub struct Outlet {
    descriptor: OwnedFd,
    manner: Manner,
}

saved! { struct Outlet { descriptor, manner } }

/// What a path led to.
#[derive(Debug)]
pub enum Opened {
    /// A regular file, positioned by each write at its end (`O_APPEND`).
    Regular(File),
    Special(Outlet),
}

/// Opens a path for appending, makes the file if there is none (0666 and the
/// umask), and never waits for anybody at the other end.
pub fn open(path: &Path) -> io::Result<Opened> {
    let file = match inherited_descriptor(path) {
        // By its own name: whose the links to that are makes no difference.
        Some(number) => match open_anew(&name_of_descriptor(number)) {
            Ok(file) => file,
            Err(_) => return Outlet::share(number).map(Opened::Special),
        },
        None => {
            let found = std::fs::metadata(path);
            // A FIFO that nobody reads yet cannot be opened for writing alone without waiting.
            let access = match found.is_ok_and(|found| found.file_type().is_fifo()) {
                true => OFlag::O_RDWR,
                false => OFlag::O_WRONLY,
            };
            let flags = OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
            safe_path::open(path, access | flags, 0o666)?
        }
    };
    if file.metadata()?.is_file() {
        return Ok(Opened::Regular(file));
    }
    Ok(Opened::Special(Outlet::new(file, Manner::Own)))
}

/// Something that is there, by a name that nobody else can change.
fn open_anew(name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    options.append(true).custom_flags(flags).open(name)
}

/// The number that a path such as `/dev/stdout` stands for, directly or by symbolic links.
/// Links of others lead to the standard output and error only, for behind other numbers
/// are the pipes of programs and our own files.
pub fn inherited_descriptor(path: &Path) -> Option<RawFd> {
    let mut path = PathBuf::from(path);
    let mut is_trusted = true;
    let allowed =
        |number: RawFd, is_trusted| (is_trusted || matches!(number, 1 | 2)).then_some(number);
    for _ in 0..LINKS {
        let name = path.to_str()?;
        match name {
            "/dev/stdin" => return allowed(0, is_trusted),
            "/dev/stdout" => return Some(1),
            "/dev/stderr" => return Some(2),
            _ => {}
        }
        let number = name
            .strip_prefix("/dev/fd/")
            .or_else(|| name.strip_prefix("/proc/self/fd/"));
        if let Some(number) = number {
            let number = number.parse().ok().filter(|number| *number >= 0)?;
            return allowed(number, is_trusted);
        }
        // Most paths are no links, which is known by one call.
        std::fs::read_link(&path).ok()?;
        let (target, may_be_followed) = safe_path::link(&path)?;
        is_trusted &= may_be_followed;
        // A relative target counts from the link's directory.
        path = path.parent()?.join(target);
    }
    None
}

/// A name by which an open descriptor can be opened anew.
fn name_of_descriptor(number: RawFd) -> String {
    let directory = match cfg!(target_os = "linux") {
        true => "/proc/self/fd",
        false => "/dev/fd",
    };
    format!("{directory}/{number}")
}

impl Outlet {
    /// The standard output that the daemon was started with.
    pub fn stdout() -> io::Result<Outlet> {
        match open_anew("/proc/self/fd/1") {
            Ok(file) => Ok(Outlet::new(file, Manner::Own)),
            Err(_) => Outlet::share(libc::STDOUT_FILENO),
        }
    }

    fn new(file: File, manner: Manner) -> Outlet {
        let descriptor = file.into();
        Outlet { descriptor, manner }
    }

    /// A second descriptor for an inherited one, whose flags stay as they are.
    fn share(inherited: RawFd) -> io::Result<Outlet> {
        // SAFETY: it is borrowed for the copy alone, which fails where it is not open.
        let inherited = unsafe { BorrowedFd::borrow_raw(inherited) };
        let file = File::from(fd::duplicate(inherited)?);
        if file.metadata()?.file_type().is_socket() {
            return Ok(Outlet::new(file, Manner::Socket));
        }
        if !file.is_terminal() {
            return Ok(Outlet::new(file, Manner::Polled));
        }
        Ok(match controlling_terminal(&file) {
            Some(own) => Outlet::new(own, Manner::Own),
            None => Outlet::new(file, Manner::PolledTerminal),
        })
    }

    pub fn is_terminal(&self) -> bool {
        self.descriptor.as_fd().is_terminal()
    }

    /// A second descriptor of the same, to be waited for.
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        fd::duplicate(self.descriptor.as_fd())
    }

    /// Writes what is taken at once and says how much; `WouldBlock` when nothing is.
    pub fn write(&self, data: &[u8]) -> io::Result<usize> {
        match self.manner {
            Manner::Own => fd::write(self.descriptor.as_fd(), data),
            Manner::Socket => fd::send(self.descriptor.as_fd(), data),
            Manner::Polled => self.write_polled(data, SMALL_WRITE),
            Manner::PolledTerminal => self.write_polled(data, TERMINAL_WRITE),
        }
    }

    fn write_polled(&self, data: &[u8], most: usize) -> io::Result<usize> {
        if !fd::is_writable(self.descriptor.as_fd()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        fd::write(self.descriptor.as_fd(), data.get(..most).unwrap_or(data))
    }
}

/// What an open file is, however it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A file, pipe or socket, by its file system and number.
    Inode(u64, u64),
    /// A device, by its number: it may have several names.
    Device(u64),
}

saved! { enum Identity { Inode(a, b), Device(a) } }

impl Identity {
    /// That of a descriptor; `None` where there is none.
    pub fn of(descriptor: BorrowedFd<'_>) -> Option<Identity> {
        let file = File::from(fd::duplicate(descriptor).ok()?);
        #[cfg(target_os = "linux")]
        if let Some(device) = device_of(&file) {
            return Some(Identity::Device(device.into()));
        }
        file.metadata().ok().as_ref().map(Identity::told)
    }

    pub fn of_stdout() -> Option<Identity> {
        Identity::of(io::stdout().as_fd())
    }

    /// As the system tells it, which does not tell what `/dev/tty` is.
    pub fn told(found: &Metadata) -> Identity {
        match found.file_type().is_char_device() {
            true => Identity::Device(found.rdev()),
            false => Identity::Inode(found.dev(), found.ino()),
        }
    }
}

impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// The terminal that a process is controlled by can be opened by everybody, as
/// `/dev/tty`, whomever it belongs to. `None` unless `terminal` is that one.
#[cfg(target_os = "linux")]
fn controlling_terminal(terminal: &File) -> Option<File> {
    let own = open_anew("/dev/tty").ok()?;
    let device = device_of(terminal)?;
    (device_of(&own) == Some(device)).then_some(own)
}

#[cfg(not(target_os = "linux"))]
fn controlling_terminal(_: &File) -> Option<File> {
    None
}

/// The number of a terminal's device, which is told of `/dev/tty` too.
#[cfg(target_os = "linux")]
fn device_of(terminal: &File) -> Option<libc::c_uint> {
    let device = fd::control(terminal.as_fd(), Control::TERMINAL, 0).ok()?;
    Some(device as libc::c_uint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::isolated;
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    /// Writes until nothing more is taken, and says how much was.
    fn fill(outlet: &Outlet) -> usize {
        let mut taken = 0;
        loop {
            match outlet.write(&[b'x'; 4096]) {
                Ok(count) => taken += count,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    return taken;
                }
            }
        }
    }

    fn is_nonblocking(descriptor: RawFd) -> bool {
        // SAFETY: the caller's test keeps it open.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        fcntl(borrowed, FcntlArg::F_GETFL).unwrap() & OFlag::O_NONBLOCK.bits() != 0
    }

    /// Puts a descriptor on 1 for the rest of the test's own process.
    fn become_stdout(descriptor: &impl AsFd) {
        nix::unistd::dup2_stdout(descriptor).unwrap();
    }

    #[test]
    fn names_of_descriptors_are_known_directly_and_by_links() {
        let directory = tempfile::tempdir().unwrap();
        let link = |name: &str, target: &str| {
            let path = directory.path().join(name);
            std::os::unix::fs::symlink(target, &path).unwrap();
            path
        };
        let access = link("access.log", "/dev/stdout");
        let again = link("again.log", "access.log");
        let round = link("round", "round");
        let other = link("other", "/dev/null");
        for (path, expected) in [
            (Path::new("/dev/stdout"), Some(1)),
            (Path::new("/dev/stderr"), Some(2)),
            (Path::new("/dev/fd/7"), Some(7)),
            (Path::new("/proc/self/fd/12"), Some(12)),
            (Path::new("/dev/fd/x"), None),
            (Path::new("/dev/fd/-1"), None),
            (Path::new("/dev/null"), None),
            (Path::new("/nowhere/x.log"), None),
            (&access, Some(1)),
            (&again, Some(1)),
            (&round, None),
            (&other, None),
        ] {
            assert_eq!(inherited_descriptor(path), expected, "{path:?}");
        }
    }

    #[test]
    fn a_fifo_is_opened_without_a_reader_and_keeps_what_fits() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let Opened::Special(outlet) = open(&path).unwrap() else {
            panic!("a FIFO is no regular file");
        };
        outlet.write(b"first").unwrap();
        fill(&outlet);
        let mut reader = File::open(&path).unwrap();
        let mut start = [0; 5];
        reader.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"first");
    }

    #[test]
    fn a_missing_file_is_made_and_a_directory_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new.log");
        assert!(matches!(open(&path).unwrap(), Opened::Regular(_)));
        assert!(path.is_file());
        for (path, errno) in [
            (directory.path(), libc::EISDIR),
            (&directory.path().join("no/x.log"), libc::ENOENT),
        ] {
            assert_eq!(open(path).unwrap_err().raw_os_error(), Some(errno));
        }
    }

    #[test]
    fn a_pipe_as_stdout_is_opened_anew_and_its_flags_stay() {
        if isolated(
            module_path!(),
            "a_pipe_as_stdout_is_opened_anew_and_its_flags_stay",
            &[],
        ) {
            return;
        }
        let saved = io::stdout().as_fd().try_clone_to_owned().unwrap();
        let pipe = fd::pipe().unwrap();
        become_stdout(&pipe.write);
        let outlet = Outlet::stdout().unwrap();
        let by_name = open(Path::new("/dev/stdout")).unwrap();
        let flags_changed = is_nonblocking(1);
        let taken = fill(&outlet);
        become_stdout(&saved);
        assert!(!flags_changed);
        assert!(matches!(by_name, Opened::Special(_)));
        assert_eq!(outlet.manner, Manner::Own);
        assert!(taken >= 4096);
    }

    #[test]
    fn a_socket_as_stdout_is_shared_without_waiting_for_it() {
        if isolated(
            module_path!(),
            "a_socket_as_stdout_is_shared_without_waiting_for_it",
            &[],
        ) {
            return;
        }
        let saved = io::stdout().as_fd().try_clone_to_owned().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        become_stdout(&ours);
        let opened = open(Path::new("/dev/stdout"));
        let flags_changed = is_nonblocking(1);
        become_stdout(&saved);
        let Opened::Special(outlet) = opened.unwrap() else {
            panic!("a socket is no regular file");
        };
        assert!(!flags_changed);
        assert_eq!(outlet.manner, Manner::Socket);
        assert!(fill(&outlet) > 0);
        drop(theirs);
        let gone = outlet.write(b"x").unwrap_err();
        assert_eq!(gone.raw_os_error(), Some(libc::EPIPE));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_terminal_that_is_shared_is_opened_by_its_other_name_or_written_byte_by_byte() {
        if isolated(
            module_path!(),
            "a_terminal_that_is_shared_is_opened_by_its_other_name_or_written_byte_by_byte",
            &[],
        ) {
            return;
        }
        let pty = nix::pty::openpty(None, None).unwrap();
        let foreign = Outlet::share(pty.slave.as_raw_fd()).unwrap();
        assert_eq!(foreign.manner, Manner::PolledTerminal);
        assert_eq!(foreign.write(b"abc").unwrap(), 1);
        // A child of its own session takes the terminal for its own.
        let mut child = std::process::Command::new("setsid")
            .args(["-c", "-w"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "sys::outlet::tests::a_controlling_terminal_is_opened_anew",
            ])
            .args(["--ignored", "--test-threads=1"])
            .stdin(pty.slave.try_clone().unwrap())
            .stdout(pty.slave.try_clone().unwrap())
            .stderr(pty.slave)
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut master = File::from(pty.master);
        let mut part = [0; 1024];
        // The end of a terminal whose other side is closed is an error.
        while let Ok(count) = master.read(&mut part) {
            said.push_str(&String::from_utf8_lossy(&part[..count]));
            if said.contains("finished in") {
                break;
            }
        }
        drop(master);
        child.wait().unwrap();
        assert!(said.contains("1 passed"), "{said}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "run by the test above, on a terminal"]
    fn a_controlling_terminal_is_opened_anew() {
        let outlet = Outlet::share(1).unwrap();
        assert_eq!(outlet.manner, Manner::Own);
        assert!(!is_nonblocking(1));
    }

    #[test]
    fn a_shared_pipe_that_cannot_be_opened_is_polled_first() {
        let pipe = fd::pipe().unwrap();
        let outlet = Outlet::share(pipe.write.as_raw_fd()).unwrap();
        assert_eq!(outlet.manner, Manner::Polled);
        assert!(fill(&outlet) >= 4096);
        assert!(!is_nonblocking(pipe.write.as_raw_fd()));
        fd::read(pipe.read.as_fd(), &mut [0; 1 << 17]).unwrap();
        assert!(outlet.write(b"again").is_ok());
    }
}
