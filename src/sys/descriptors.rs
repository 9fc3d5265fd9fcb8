//! Descriptors that outlive the program, by their numbers: what the next program of this process
//! inherits, and the state that goes with it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::sort;
use crate::sys::refused::Refused;
use crate::sys::safe_path::FileAt;
use crate::sys::{fd, random};
use crate::vec_map::VecMap;

const CLOSED_ON_EXEC: libc::c_int = libc::FD_CLOEXEC;

/// Where a state has a file for a moment if the kernel has no files in memory.
const DIRECTORIES: &[&str] = &["/dev/shm", "/run", "/tmp", "/var/tmp"];

/// The next program has these too. After an error it has none of them, as before.
pub fn keep_over_exec(numbers: &[RawFd]) -> io::Result<()> {
    let kept = numbers.iter().try_for_each(|number| set_flags(*number, 0));
    if kept.is_err() {
        close_on_exec(numbers);
    }
    kept
}

/// The next program has none of these.
pub fn close_on_exec(numbers: &[RawFd]) {
    for number in numbers {
        // It was set before, so that nothing speaks against it.
        let _ = set_flags(*number, CLOSED_ON_EXEC);
    }
}

/// Owns what the program before has handed over; the next one does not get it by itself. After an
/// error nothing is owned, and all that was open still is.
pub fn adopt(numbers: &[RawFd]) -> io::Result<VecMap<RawFd, OwnedFd>> {
    let mut all = numbers.to_vec();
    sort::by(&mut all, Ord::cmp);
    if let Some(twice) = all.windows(2).find(|two| two[0] == two[1]) {
        return Err(refused(twice[0], "is handed over twice"));
    }
    all.iter().try_for_each(|number| check_inherited(*number))?;
    all.iter()
        .try_for_each(|number| set_flags(*number, CLOSED_ON_EXEC))?;
    let mut owned = VecMap::new();
    for number in all {
        // SAFETY: it was open, and inherited: nothing in this program has opened it, since
        // everything here is closed on exec. It is in the list once, and never inherited again.
        owned.insert(number, unsafe { OwnedFd::from_raw_fd(number) });
    }
    Ok(owned)
}

/// Something to have in the place of each, which can be waited for.
pub fn stand_ins(numbers: &[RawFd]) -> io::Result<VecMap<RawFd, OwnedFd>> {
    let (one, _other) = UnixStream::pair()?;
    let mut all = VecMap::new();
    for number in numbers {
        all.insert(*number, fd::duplicate(one.as_fd())?);
    }
    Ok(all)
}

/// A file without a name, in memory where the kernel has such files, with these contents, which
/// nobody can change any more. It is closed on exec.
pub fn state_file(contents: &[u8]) -> io::Result<File> {
    let in_memory = in_memory(contents);
    match in_memory {
        Err(error) if fd::is_refused(&error) => on_disk(contents),
        outcome => outcome,
    }
}

/// Owns the descriptor of a state that the program before has handed over, and reads it.
pub fn read_state(number: RawFd) -> io::Result<(File, Vec<u8>)> {
    let mut owned = adopt(&[number])?;
    let owned = owned.remove(&number);
    let mut file = File::from(owned.ok_or(Errno::EBADF)?);
    if !file.metadata()?.is_file() {
        return Err(refused(number, "is no file"));
    }
    let mut contents = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut contents)?;
    Ok((file, contents))
}

/// Whether a descriptor is open and was there before this program.
fn check_inherited(number: RawFd) -> io::Result<()> {
    // Those of the standard streams belong to all that uses them.
    if number <= libc::STDERR_FILENO {
        return Err(refused(number, "is a standard stream"));
    }
    // SAFETY: the call asks about a number, whether anything is open there or not.
    let flags = Errno::result(unsafe { libc::fcntl(number, libc::F_GETFD) });
    match flags {
        Ok(flags) if flags & CLOSED_ON_EXEC == 0 => Ok(()),
        Ok(_) => Err(refused(number, "was not handed over")),
        Err(_) => Err(refused(number, "is not open")),
    }
}

fn refused(number: RawFd, why: &str) -> io::Error {
    let text = format!("descriptor {number} {why}");
    let errno = libc::EBADF;
    Refused { errno, text }.into()
}

fn set_flags(number: RawFd, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: the call only fails for a number that is not open. What is closed on exec does not
    // change for who uses it.
    let set = Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, flags) });
    set.map(drop).map_err(|errno| refused(number, errno.desc()))
}

#[cfg(target_os = "linux")]
fn in_memory(contents: &[u8]) -> io::Result<File> {
    use nix::fcntl::{FcntlArg, SealFlag, fcntl};

    /// From linux/memfd.h; not in the libc crate for Linux. Kernels before 6.3 do not know it.
    const MFD_NOEXEC_SEAL: libc::c_uint = 8;
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    let mut file = match new_in_memory(flags | MFD_NOEXEC_SEAL) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => new_in_memory(flags)?,
        outcome => outcome?,
    };
    file.write_all(contents)?;
    let seals = SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_SEAL;
    // It is as good without: nobody else has it.
    let _ = fcntl(&file, FcntlArg::F_ADD_SEALS(seals));
    Ok(file)
}

/// memfd_create(2), which not every C library has.
#[cfg(target_os = "linux")]
fn new_in_memory(flags: libc::c_uint) -> io::Result<File> {
    // SAFETY: a C string that lives for ever, and a number.
    let made = unsafe { libc::syscall(libc::SYS_memfd_create, c"supervisord".as_ptr(), flags) };
    let number = Errno::result(made)? as RawFd;
    // SAFETY: the call has just made this descriptor and nobody else knows it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(number) }))
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &[u8]) -> io::Result<File> {
    Err(Errno::ENOSYS.into())
}

/// A file that only this user may open, whose name is gone before anything is in it.
fn on_disk(contents: &[u8]) -> io::Result<File> {
    let mut name = "supervisord-".to_owned();
    for byte in random::secret()?.iter().take(8) {
        name.push_str(&format!("{byte:02x}"));
    }
    let mut outcome = Err(Errno::ENOENT.into());
    for directory in DIRECTORIES {
        outcome = in_directory(&Path::new(directory).join(&name), contents);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn in_directory(path: &Path, contents: &[u8]) -> io::Result<File> {
    let place = FileAt::of(path)?;
    let mut file = place.make(OFlag::O_RDWR, 0o600)?;
    place.remove()?;
    file.write_all(contents)?;
    Ok(file)
}

#[cfg(test)]
mod tests;
