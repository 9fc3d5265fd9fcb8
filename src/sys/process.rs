//! What this process is: its number, its user, its umask, its directory.

use std::io;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd;

/// The pid of this process.
#[cfg(test)]
pub fn pid() -> i32 {
    unistd::getpid().as_raw()
}

/// The pid of its parent.
#[cfg(test)]
pub fn parent_pid() -> i32 {
    unistd::getppid().as_raw()
}

/// The real user.
pub fn uid() -> u32 {
    unistd::getuid().as_raw()
}

/// The effective user.
pub fn effective_uid() -> u32 {
    unistd::geteuid().as_raw()
}

/// The effective group.
pub fn effective_gid() -> u32 {
    unistd::getegid().as_raw()
}

/// The real group.
pub fn gid() -> u32 {
    unistd::getgid().as_raw()
}

/// Sets the umask (of the low nine bits) and returns the old one.
pub fn umask(mask: u32) -> u32 {
    let old = nix::sys::stat::umask(Mode::from_bits_truncate((mask & 0o777) as libc::mode_t));
    #[allow(clippy::unnecessary_cast)] // mode_t is narrower on the BSDs
    {
        old.bits() as u32
    }
}

/// Enters a directory.
pub fn chdir(directory: &Path) -> io::Result<()> {
    std::env::set_current_dir(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::isolated;

    #[test]
    fn setting_the_umask_tells_the_old_one() {
        if isolated(module_path!(), "setting_the_umask_tells_the_old_one", &[]) {
            return;
        }
        umask(0o027);
        assert_eq!(umask(0o22), 0o027);
        assert_eq!(umask(0), 0o22);
    }

    #[test]
    fn a_directory_that_is_not_there_cannot_be_entered() {
        let error = chdir(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    }
}
