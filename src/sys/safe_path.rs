//! Names of files in directories, some of which belong to others: where what runs
//! as root opens, makes, moves and removes files.
//!
//! A path is walked to its last directory, which is held while its last name is
//! used. Links are followed as far as they can be trusted:
//!
//! - one in a directory that is private to root and to us, and one that belongs to
//!   either, leads anywhere;
//! - a directory that somebody else has linked to must be theirs as well, or the link is
//!   refused: it leads nowhere where they could not have put the file themselves;
//! - a link of somebody else in the last place is refused.
//!
//! A file that has several names is refused where others may write, for one of them may
//! be another user's file; so is a link of ours that has several.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat, renameat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use crate::snapshot::saved;
use crate::sys::errno;
use crate::sys::refused::Refused;
use crate::sys::trust;

/// Links that are followed before a path counts as endless, as in Linux.
const LINKS: usize = 40;

/// How a directory is opened to use the names in it; it need not be readable.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const DIRECTORY: OFlag = OFlag::O_PATH
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC);

/// A name in a directory.
#[derive(Debug)]
pub struct FileAt {
    directory: File,
    name: OsString,
    /// The directory as it was asked for, for messages.
    shown: PathBuf,
}

saved! { struct FileAt { directory, name, shown } }

#[derive(Debug)]
struct Link {
    target: PathBuf,
    /// Whom it belongs to, where that is told of this very link.
    owner: Option<u32>,
}

/// Opens a file by its path with these flags, and never takes part in what others
/// make of it.
pub fn open(path: &Path, flags: OFlag, mode: u32) -> io::Result<File> {
    let mut file = FileAt::of(path)?;
    for _ in 0..LINKS {
        let error = match file.open(flags, mode) {
            Err(error) if may_be_of_link(&error) => error,
            outcome => return outcome,
        };
        let link = match link_at(&file.directory, &file.name) {
            // It has gone since, and a new one is made.
            Err(gone)
                if gone.kind() == io::ErrorKind::NotFound && flags.contains(OFlag::O_CREAT) =>
            {
                continue;
            }
            link => link?,
        };
        let Some(link) = link else {
            match error.raw_os_error() {
                Some(libc::EACCES) => return Err(error),
                // It was one a moment ago.
                _ => continue,
            }
        };
        match file.beyond(&link)? {
            Some(next) => file = next,
            None => return open_in(&file.directory, &file.name, flags, mode),
        }
    }
    Err(Errno::ELOOP.into())
}

/// The path without links of what is there, by the same rules.
#[cfg(target_os = "linux")]
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    let mut file = FileAt::of(path)?;
    for _ in 0..LINKS {
        let next = match link_at(&file.directory, &file.name)? {
            Some(link) => file.beyond(&link)?,
            None => None,
        };
        match next {
            Some(next) => file = next,
            None => {
                let directory = format!("/proc/self/fd/{}", file.directory.as_raw_fd());
                return Ok(std::fs::read_link(directory)?.join(&file.name));
            }
        }
    }
    Err(Errno::ELOOP.into())
}

/// The path without links of what is there, for systems that tell no path of a directory.
#[cfg(not(target_os = "linux"))]
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

/// Whether nobody but trusted users can make the directory of a path be another one.
pub fn is_firm(path: &Path) -> bool {
    let (parent, _) = split(path);
    walk(None, parent).is_ok_and(|(_, is_firm)| is_firm)
}

/// Removes what has the path, be it a link.
pub fn remove(path: &Path) -> io::Result<()> {
    FileAt::of(path)?.remove()
}

/// Where the link leads that has the path, and whether it can be trusted; `None` if
/// there is no link.
pub fn link(path: &Path) -> Option<(PathBuf, bool)> {
    let file = FileAt::of(path).ok()?;
    let link = link_at(&file.directory, &file.name).ok()??;
    let is_trusted = may_follow(&file.directory, &link).unwrap_or(false);
    Some((link.target, is_trusted))
}

impl FileAt {
    /// The last name of a path, in the directory that the rest leads to.
    pub fn of(path: &Path) -> io::Result<FileAt> {
        FileAt::under(None, path)
    }

    /// The same for a path that counts from a directory if it is not absolute.
    fn under(base: Option<&File>, path: &Path) -> io::Result<FileAt> {
        let (parent, name) = split(path);
        match name.as_bytes() {
            b"" if parent.as_os_str().is_empty() => return Err(Errno::ENOENT.into()),
            b"" | b"." | b".." => return Err(Errno::EISDIR.into()),
            _ => {}
        }
        let shown = match parent.as_os_str().is_empty() {
            true => PathBuf::from("."),
            // Without the slash at its end.
            false => parent.components().collect(),
        };
        Ok(FileAt {
            directory: directory(base, parent)?,
            name: name.to_owned(),
            shown,
        })
    }

    pub fn directory(&self) -> &File {
        &self.directory
    }

    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Another name in the same directory.
    pub fn beside(self, name: &OsStr) -> FileAt {
        FileAt {
            name: name.to_owned(),
            ..self
        }
    }

    /// Whether others may give the name to something else.
    pub fn is_private(&self) -> io::Result<bool> {
        Ok(trust::is_private(&self.directory.metadata()?))
    }

    /// Opens what is there, which is no link, with these flags.
    pub fn open(&self, flags: OFlag, mode: u32) -> io::Result<File> {
        let file = open_in(&self.directory, &self.name, flags | OFlag::O_NOFOLLOW, mode)?;
        let found = file.metadata()?;
        if !found.is_file() || self.is_private()? {
            return Ok(file);
        }
        match number_of_names(&self.directory, &self.name, &found) {
            Some(1) => Ok(file),
            // Another file has the name by now, or none has.
            None if found.nlink() <= 1 => Err(Errno::ELOOP.into()),
            names => Err(self.refused_names(names.unwrap_or(found.nlink()))),
        }
    }

    /// Makes a file where nothing is.
    pub fn make(&self, flags: OFlag, mode: u32) -> io::Result<File> {
        let flags = flags | OFlag::O_CREAT | OFlag::O_EXCL;
        open_in(&self.directory, &self.name, flags, mode)
    }

    /// Whether anything has that name in the directory.
    pub fn has(&self, name: &str) -> bool {
        fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    /// Moves a file of the directory within it.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.directory, from, &self.directory, to)?)
    }

    /// Gives a file of the directory this name too, unless something has that
    /// (`AlreadyExists`). Where links are refused it is moved here, if nothing is here just before.
    pub fn link(&self, other: &OsStr) -> io::Result<()> {
        let (directory, name) = (&self.directory, self.name.as_os_str());
        let linked = linkat(directory, other, directory, name, AtFlags::empty());
        match linked {
            Err(refusal) if errno::is_refusal(refusal as i32) => {
                match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                    Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                    Err(_) => Ok(renameat(directory, other, directory, name)?),
                }
            }
            outcome => Ok(outcome?),
        }
    }

    /// Opens what has that name in the directory and is no link.
    pub fn open_named(&self, name: &OsStr, flags: OFlag) -> io::Result<File> {
        open_in(&self.directory, name, flags | OFlag::O_NOFOLLOW, 0)
    }

    /// Removes what is there, be it a link.
    pub fn remove(&self) -> io::Result<()> {
        self.remove_named(&self.name)
    }

    /// Removes what has that name in the directory, be it a link.
    pub fn remove_named(&self, name: &OsStr) -> io::Result<()> {
        let flag = UnlinkatFlags::NoRemoveDir;
        Ok(unlinkat(&self.directory, name, flag)?)
    }

    /// Where a link that has this name leads; `None` for one that has no path.
    fn beyond(&self, link: &Link) -> io::Result<Option<FileAt>> {
        if !may_follow(&self.directory, link)? {
            let rule = "links of others are not followed there";
            return Err(refused_link(&self.directory, &self.shown, link, rule));
        }
        if is_magic(&self.directory) {
            return Ok(None);
        }
        FileAt::under(Some(&self.directory), &link.target).map(Some)
    }

    fn refused_names(&self, names: u64) -> io::Error {
        let text = format!(
            "it is a file with {names} names (hard links), and {}: such files are not opened there",
            told(&self.directory, &self.shown),
        );
        let errno = libc::EMLINK;
        Refused { errno, text }.into()
    }
}

/// A directory to use the names in it, which were listed by the same path.
pub fn directory_of(path: &Path) -> io::Result<FileAt> {
    Ok(FileAt {
        directory: directory(None, path)?,
        name: OsString::new(),
        shown: path.to_owned(),
    })
}

/// The directory that a path leads to.
fn directory(base: Option<&File>, path: &Path) -> io::Result<File> {
    // Without a link on the way there is nothing to look at. Old systems, emulators and
    // filters refuse the call; then, and after an error, it is walked.
    #[cfg(target_os = "linux")]
    if let Ok(directory) = at_once(base, path) {
        return Ok(directory);
    }
    walk(base, path).map(|(directory, _)| directory)
}

#[cfg(target_os = "linux")]
fn at_once(base: Option<&File>, path: &Path) -> io::Result<File> {
    use nix::fcntl::{OpenHow, ResolveFlag, openat2};
    let how = OpenHow::new()
        .flags(DIRECTORY)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    Ok(File::from(openat2(base_of(base), path, how)?))
}

/// The directory that a path leads to, name by name, and whether nobody but trusted users can
/// make it lead elsewhere.
fn walk(base: Option<&File>, path: &Path) -> io::Result<(File, bool)> {
    let mut here = start(base, path)?;
    let mut is_firm = true;
    let mut shown = match path.has_root() {
        true => PathBuf::from("/"),
        false => PathBuf::new(),
    };
    let mut names = names_of(path);
    // The link that somebody else made, with the directory where it is.
    let mut foreign: Option<(Link, File, PathBuf)> = None;
    let mut links = 0;
    while let Some(name) = names.pop() {
        let error = match open_in(&here, &name, DIRECTORY | OFlag::O_NOFOLLOW, 0) {
            Ok(next) => {
                is_firm &= trust::is_kept_in(&here.metadata()?, next.metadata()?.uid());
                here = next;
                shown.push(&name);
                continue;
            }
            Err(error) => error,
        };
        let (libc::ENOTDIR | libc::ELOOP | libc::EMLINK) = error.raw_os_error().unwrap_or(0) else {
            return Err(error);
        };
        let Some(link) = link_at(&here, &name)? else {
            return Err(error);
        };
        links += 1;
        if links > LINKS {
            return Err(Errno::ELOOP.into());
        }
        let is_trusted = may_follow(&here, &link)?;
        let owner = link.owner.unwrap_or(u32::MAX);
        is_firm &= trust::is_kept_in(&here.metadata()?, owner);
        if is_trusted && is_magic(&here) {
            here = open_in(&here, &name, DIRECTORY, 0)?;
            shown.push(&name);
            continue;
        }
        let next = match link.target.has_root() {
            true => start(None, &link.target)?,
            false => here.try_clone()?,
        };
        names.extend(names_of(&link.target));
        if !is_trusted && foreign.is_none() {
            foreign = Some((link, here, shown.clone()));
        }
        here = next;
    }
    match foreign {
        Some((link, directory, shown)) if Some(here.metadata()?.uid()) != link.owner => {
            let rule = "such links lead to their owner's directories only";
            Err(refused_link(&directory, &shown, &link, rule))
        }
        _ => Ok((here, is_firm)),
    }
}

/// Where a walk begins.
fn start(base: Option<&File>, path: &Path) -> io::Result<File> {
    let begin = match path.has_root() {
        true => "/",
        false => ".",
    };
    let opened = openat(base_of(base), begin, DIRECTORY, Mode::empty());
    Ok(File::from(opened?))
}

fn base_of(base: Option<&File>) -> BorrowedFd<'_> {
    base.map_or(AT_FDCWD, AsFd::as_fd)
}

/// The directory in a path, and its last name.
fn split(path: &Path) -> (&Path, &OsStr) {
    let bytes = path.as_os_str().as_bytes();
    let slash = bytes.iter().rposition(|byte| *byte == b'/');
    let (parent, name) = bytes.split_at(slash.map_or(0, |slash| slash + 1));
    (
        Path::new(OsStr::from_bytes(parent)),
        OsStr::from_bytes(name),
    )
}

/// The names of a path, the last one first.
fn names_of(path: &Path) -> Vec<OsString> {
    let names = path.as_os_str().as_bytes().split(|byte| *byte == b'/');
    let names = names.filter(|name| !matches!(*name, b"" | b"."));
    names
        .rev()
        .map(|name| OsStr::from_bytes(name).to_owned())
        .collect()
}

fn may_follow(directory: &File, link: &Link) -> io::Result<bool> {
    Ok(link.owner.is_some_and(trust::is_trusted) || trust::is_private(&directory.metadata()?))
}

/// How many names a file has that was opened by this name, if the name is still its. That is one
/// call, for the name may be taken away as soon as the file is open, and another one stay.
fn number_of_names(directory: &File, name: &OsStr, opened: &Metadata) -> Option<u64> {
    let found = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
    #[allow(clippy::unnecessary_cast)] // their types differ from one system to the next
    let (device, number, names) = (
        found.st_dev as u64,
        found.st_ino as u64,
        found.st_nlink as u64,
    );
    ((device, number) == (opened.dev(), opened.ino())).then_some(names)
}

/// Opened itself, the link cannot become another one between two looks at it.
#[cfg(target_os = "linux")]
fn link_at(directory: &File, name: &OsStr) -> io::Result<Option<Link>> {
    let link = open_in(directory, name, OFlag::O_PATH | OFlag::O_NOFOLLOW, 0)?;
    let found = link.metadata()?;
    if !found.is_symlink() {
        return Ok(None);
    }
    // One of ours with several names may have been given this one by anybody.
    let has_one_name = number_of_names(directory, name, &found) == Some(1);
    Ok(Some(Link {
        target: readlinkat(&link, "")?.into(),
        owner: has_one_name.then_some(found.uid()),
    }))
}

#[cfg(not(target_os = "linux"))]
fn link_at(directory: &File, name: &OsStr) -> io::Result<Option<Link>> {
    match readlinkat(directory, name) {
        Ok(target) => Ok(Some(Link {
            target: target.into(),
            owner: None,
        })),
        Err(Errno::EINVAL) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether the links of a directory lead to what their text does not say: those of /proc.
#[cfg(target_os = "linux")]
fn is_magic(directory: &File) -> bool {
    nix::sys::statfs::fstatfs(directory)
        .is_ok_and(|found| found.filesystem_type() == nix::sys::statfs::PROC_SUPER_MAGIC)
}

#[cfg(not(target_os = "linux"))]
fn is_magic(_: &File) -> bool {
    false
}

/// Whether what was to be opened may be a link. Where everybody may write, Linux says
/// that it is forbidden.
fn may_be_of_link(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ELOOP | libc::EMLINK | libc::EACCES)
    )
}

fn refused_link(directory: &File, shown: &Path, link: &Link, rule: &str) -> io::Error {
    let whose = match link.owner {
        Some(owner) => format!("a link of {}", trust::user_named(owner)),
        None => "a link".to_owned(),
    };
    let text = format!(
        "there is {whose} on the way, and {}: {rule}",
        told(directory, shown)
    );
    let errno = libc::ELOOP;
    Refused { errno, text }.into()
}

/// A directory with who may write to it.
fn told(directory: &File, shown: &Path) -> String {
    let who = match directory.metadata() {
        Ok(found) => trust::description(&found),
        Err(_) => "cannot be looked at".to_owned(),
    };
    format!("{} {who}", shown.display())
}

fn open_in(directory: &File, name: &OsStr, flags: OFlag, mode: u32) -> io::Result<File> {
    #[allow(clippy::unnecessary_cast)] // mode_t is narrower on the BSDs
    let mode = Mode::from_bits_truncate(mode as libc::mode_t);
    Ok(openat(directory, name, flags | OFlag::O_CLOEXEC, mode)?.into())
}

#[cfg(test)]
mod tests;
