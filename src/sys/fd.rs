//! Descriptors: pipes, reading and writing once, and the two wholesale operations
//! on them, standard streams to `/dev/null` and closing what nobody is to have.

use std::fs::{self, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::MsgFlags;
use nix::sys::uio::writev;
use nix::unistd;

use crate::snapshot::saved;
use crate::sort;
use crate::sys::errno;

/// Both ends of a pipe, closed on exec.
#[derive(Debug)]
pub struct Pipe {
    /// Where data comes out.
    pub read: OwnedFd,
    /// Where data goes in.
    pub write: OwnedFd,
}

saved! { struct Pipe { read, write } }

/// A new pipe; both ends are close-on-exec and blocking.
pub fn pipe() -> io::Result<Pipe> {
    match io::pipe() {
        Ok((read, write)) => Ok(Pipe {
            read: read.into(),
            write: write.into(),
        }),
        Err(error) if is_refused(&error) => plain_pipe(),
        Err(error) => Err(error),
    }
}

/// A new pipe; both ends are close-on-exec and never block.
pub fn nonblocking_pipe() -> io::Result<Pipe> {
    let pipe = pipe()?;
    set_nonblocking(pipe.read.as_fd())?;
    set_nonblocking(pipe.write.as_fd())?;
    Ok(pipe)
}

/// A pipe without pipe2(2): the daemon has one thread, so nobody forks between the steps.
fn plain_pipe() -> io::Result<Pipe> {
    let (read, write) = unistd::pipe()?;
    close_on_exec(read.as_fd())?;
    close_on_exec(write.as_fd())?;
    Ok(Pipe { read, write })
}

/// Whether a call has failed so that a simpler one may not; see [`errno::is_refusal`].
pub(super) fn is_refused(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(errno::is_refusal)
}

/// No program that a child becomes has this descriptor.
pub fn close_on_exec(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    match fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
        Err(refusal) if errno::is_refusal(refusal as i32) => {
            control(descriptor, Control::CLOSE_ON_EXEC, 0)?;
            Ok(())
        }
        outcome => Ok(outcome.map(drop)?),
    }
}

/// A second descriptor of the same, closed on exec.
pub fn duplicate(descriptor: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    match descriptor.try_clone_to_owned() {
        Err(error) if is_refused(&error) => {
            let copy = unistd::dup(descriptor)?;
            close_on_exec(copy.as_fd())?;
            Ok(copy)
        }
        outcome => outcome,
    }
}

/// A second descriptor of the same with a higher number than that, closed on exec.
pub fn duplicate_above(descriptor: BorrowedFd<'_>, number: RawFd) -> io::Result<OwnedFd> {
    let copy = fcntl(descriptor, FcntlArg::F_DUPFD_CLOEXEC(number + 1))?;
    // SAFETY: fcntl(2) has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Makes the open file description non-blocking, for everybody who shares it.
pub fn set_nonblocking(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    set_waiting(descriptor, false)
}

/// The opposite, for everybody as well.
pub fn set_blocking(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    set_waiting(descriptor, true)
}

fn set_waiting(descriptor: BorrowedFd<'_>, waits: bool) -> io::Result<()> {
    // One call, where fcntl(2) would be two: this is done for each pipe of a child.
    match control(descriptor, Control::NON_BLOCKING, libc::c_int::from(!waits)) {
        Err(refusal) if errno::is_refusal(refusal as i32) => {
            let mut flags = OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL)?);
            flags.set(OFlag::O_NONBLOCK, !waits);
            fcntl(descriptor, FcntlArg::F_SETFL(flags))?;
            Ok(())
        }
        outcome => Ok(outcome.map(drop)?),
    }
}

/// A request of ioctl(2) that is told, or tells, one number at most.
pub(super) struct Control(Request);

#[cfg(target_os = "linux")]
type Request = libc::Ioctl;
#[cfg(not(target_os = "linux"))]
type Request = libc::c_ulong;

impl Control {
    const NON_BLOCKING: Control = Control(libc::FIONBIO);
    const CLOSE_ON_EXEC: Control = Control(libc::FIOCLEX);
    const UNREAD: Control = Control(libc::FIONREAD);
    /// The device of a terminal, from asm-generic/ioctls.h; not in every version of the libc crate.
    #[cfg(target_os = "linux")]
    pub(super) const TERMINAL: Control = Control(0x8004_5432u32 as Request);
}

/// What the number is then.
pub(super) fn control(
    descriptor: BorrowedFd<'_>,
    request: Control,
    mut number: libc::c_int,
) -> Result<libc::c_int, Errno> {
    // SAFETY: each of them reads or writes one int at most, which outlives the call.
    Errno::result(unsafe { libc::ioctl(descriptor.as_raw_fd(), request.0, &raw mut number) })?;
    Ok(number)
}

/// Reads once. 0 is the end.
pub fn read(descriptor: BorrowedFd<'_>, room: &mut [u8]) -> io::Result<usize> {
    retry(|| unistd::read(descriptor, room))
}

/// Writes once and says how much of `data` was taken.
pub fn write(descriptor: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
    retry(|| unistd::write(descriptor, data))
}

/// Writes several pieces once, as if they were one, and says how much was taken.
pub fn write_pieces(descriptor: BorrowedFd<'_>, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    // The system takes 1024 or more at a time.
    let pieces = pieces.get(..1024).unwrap_or(pieces);
    match retry(|| writev(descriptor, pieces)) {
        Err(error) if is_refused(&error) => {
            let first = pieces.iter().find(|piece| !piece.is_empty());
            first.map_or(Ok(0), |piece| write(descriptor, piece))
        }
        outcome => outcome,
    }
}

/// Writes once to a socket, whether or not it is non-blocking, and never waits.
pub fn send(socket: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
    let flags = MsgFlags::from_bits_retain(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
    retry(|| nix::sys::socket::send(socket.as_raw_fd(), data, flags))
}

/// Goes to the end of a file that others have written to, so that what is written next stands
/// behind that; what is no file has no such place.
pub fn go_to_end(descriptor: BorrowedFd<'_>) {
    let _ = unistd::lseek(descriptor, 0, unistd::Whence::SeekEnd);
}

/// How many bytes wait to be read from a pipe; its end is none.
pub fn unread(descriptor: BorrowedFd<'_>) -> usize {
    let count = control(descriptor, Control::UNREAD, 0);
    count.map_or(0, |count| usize::try_from(count).unwrap_or(0))
}

/// Whether nobody is at the other end any more, as far as the system knows.
pub fn has_hung_up(descriptor: BorrowedFd<'_>) -> bool {
    is_ready(descriptor, PollFlags::empty())
}

/// Whether a write would be taken at least in part, or fail, at once.
pub fn is_writable(descriptor: BorrowedFd<'_>) -> bool {
    is_ready(descriptor, PollFlags::POLLOUT)
}

/// Whether a read (on a listening socket, an accept) would not wait.
pub fn is_readable(descriptor: BorrowedFd<'_>) -> bool {
    is_ready(descriptor, PollFlags::POLLIN)
}

fn is_ready(descriptor: BorrowedFd<'_>, what: PollFlags) -> bool {
    let mut polled = [PollFd::new(descriptor, what)];
    // An error or hang-up counts: the call then says what it is, without waiting.
    poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Makes a call until no signal interrupts it.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            outcome => return Ok(outcome?),
        }
    }
}

/// Puts `/dev/null` on descriptors 0, 1 and 2.
pub fn redirect_standard_to_null() -> io::Result<()> {
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    unistd::dup2_stdin(&null)?;
    unistd::dup2_stdout(&null)?;
    unistd::dup2_stderr(&null)?;
    Ok(())
}

/// Closes every descriptor from `first` to `last` inclusive, for a child. Where the kernel does not do that, or a filter of system calls refuses it,
/// those that the system lists are closed one by one, or else all below `limit`.
///
/// Descriptors that a value still owns would be closed under it.
pub fn close_range(first: RawFd, last: RawFd, limit: RawFd) {
    if first > last || close_range_call(first, last) {
        return;
    }
    match listed() {
        Some(listed) => listed
            .into_iter()
            .filter(|descriptor| (first..=last).contains(descriptor))
            .for_each(close),
        None => (first..limit.min(last.saturating_add(1))).for_each(close),
    }
}

fn close(descriptor: RawFd) {
    // A number that is not open only fails.
    let _ = unistd::close(descriptor);
}

/// All open descriptors, where the system lists them.
fn listed() -> Option<Vec<RawFd>> {
    let entries = fs::read_dir("/proc/self/fd").ok()?;
    let names = entries.map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    names.collect()
}

/// Closes the descriptors from `first` on that this program was started with, for a restart:
/// what it has opened itself would be closed by exec, and they have come through one. Where the
/// system does not list them, those below `limit`.
pub fn close_inherited(first: RawFd, limit: RawFd) {
    let all = listed().unwrap_or_else(|| (first..limit).collect());
    // SAFETY: the call asks about a number, whether anything is open there or not.
    let flags = |descriptor| unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    let is_inherited = |descriptor: &RawFd| *descriptor >= first && flags(*descriptor) == 0;
    all.into_iter().filter(is_inherited).for_each(close);
}

/// Closes every descriptor from `first` on, as [`close_range`] does, but for those that are kept.
pub fn close_others(first: RawFd, kept: &[RawFd], limit: RawFd) {
    let mut kept = kept.to_vec();
    sort::by(&mut kept, Ord::cmp);
    let mut next = first;
    for kept in kept.into_iter().filter(|kept| *kept >= first) {
        close_range(next, kept - 1, limit);
        next = kept + 1;
    }
    close_range(next, RawFd::MAX, limit);
}

/// close_range(2), from `first` to `last` inclusive; false where the kernel has none.
fn close_range_call(first: RawFd, last: RawFd) -> bool {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: three numbers; as for `close_range`.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) == 0 }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (first, last);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::{isolated, until};
    use std::os::fd::IntoRawFd;

    fn is_open(descriptor: RawFd) -> bool {
        fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_ok()
    }

    #[test]
    fn who_has_left_altogether_is_told_from_who_only_listens() {
        use std::net::Shutdown;
        use std::os::unix::net::UnixStream;
        let (ours, theirs) = UnixStream::pair().unwrap();
        assert!(!has_hung_up(ours.as_fd()));
        theirs.shutdown(Shutdown::Write).unwrap();
        assert!(!has_hung_up(ours.as_fd()));
        drop(theirs);
        until("the end is closed", || has_hung_up(ours.as_fd()));
    }

    #[test]
    fn several_pieces_are_written_as_one() {
        let Pipe { read: end, write } = pipe().unwrap();
        let pieces = [
            IoSlice::new(b"one "),
            IoSlice::new(b""),
            IoSlice::new(b"two"),
        ];
        assert_eq!(write_pieces(write.as_fd(), &pieces).unwrap(), 7);
        let mut room = [0; 100];
        assert_eq!(read(end.as_fd(), &mut room).unwrap(), 7);
        assert_eq!(&room[..7], b"one two");
    }

    #[test]
    fn pipes_are_closed_on_exec_and_blocking() {
        let pipe = pipe().unwrap();
        for end in [&pipe.read, &pipe.write] {
            let flags = fcntl(end, FcntlArg::F_GETFD).unwrap();
            assert_eq!(flags & FdFlag::FD_CLOEXEC.bits(), FdFlag::FD_CLOEXEC.bits());
            let flags = fcntl(end, FcntlArg::F_GETFL).unwrap();
            assert_eq!(flags & OFlag::O_NONBLOCK.bits(), 0);
        }
    }

    #[test]
    fn reading_fills_the_room_and_tells_the_end() {
        let pipe = pipe().unwrap();
        set_nonblocking(pipe.read.as_fd()).unwrap();
        let mut room = [0; 4];
        let empty = read(pipe.read.as_fd(), &mut room).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(write(pipe.write.as_fd(), b"bytes").unwrap(), 5);
        assert_eq!(read(pipe.read.as_fd(), &mut room).unwrap(), 4);
        assert_eq!(&room, b"byte");
        assert_eq!(read(pipe.read.as_fd(), &mut room).unwrap(), 1);
        drop(pipe.write);
        until("the end is told", || {
            matches!(read(pipe.read.as_fd(), &mut room), Ok(0))
        });
    }

    #[test]
    fn a_full_pipe_takes_what_fits_and_then_refuses() {
        let pipe = pipe().unwrap();
        set_nonblocking(pipe.write.as_fd()).unwrap();
        let data = vec![b'x'; 1 << 20];
        let taken = write(pipe.write.as_fd(), &data).unwrap();
        assert!(taken > 0 && taken < data.len());
        let full = write(pipe.write.as_fd(), &data).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn what_was_opened_here_outlives_a_restart() {
        let name = "what_was_opened_here_outlives_a_restart";
        if isolated(module_path!(), name, &[]) {
            return;
        }
        let own = pipe().unwrap();
        let [own, inherited] = [own.read.into_raw_fd(), own.write.into_raw_fd()];
        // SAFETY: nobody else has that descriptor.
        assert_eq!(unsafe { libc::fcntl(inherited, libc::F_SETFD, 0) }, 0);
        close_inherited(inherited + 1, RawFd::MAX);
        assert!(is_open(inherited));
        close_inherited(own.min(inherited), RawFd::MAX);
        assert!(is_open(own) && !is_open(inherited) && is_open(1));
    }

    #[test]
    fn closing_leaves_what_is_below() {
        if isolated(module_path!(), "closing_leaves_what_is_below", &[]) {
            return;
        }
        let opened: Vec<RawFd> = (0..4)
            .flat_map(|_| {
                let pipe = pipe().unwrap();
                [pipe.read.into_raw_fd(), pipe.write.into_raw_fd()]
            })
            .collect();
        let high = opened[7] + 500;
        // SAFETY: two numbers; nobody owns the second one.
        assert_eq!(unsafe { libc::dup2(opened[0], high) }, high);
        close_range(opened[3], RawFd::MAX, opened[7]);
        for (place, descriptor) in opened.iter().enumerate() {
            assert_eq!(is_open(*descriptor), place < 3, "{place}");
        }
        assert!(is_open(1) && !is_open(high));
        close_others(opened[0], &[opened[1]], opened[7]);
        assert!(!is_open(opened[0]) && is_open(opened[1]) && !is_open(opened[2]));
        close_others(opened[1], &[], opened[7]);
        assert!(!is_open(opened[1]));
    }
}
