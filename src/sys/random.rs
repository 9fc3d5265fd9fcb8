//! Random bytes from the kernel.

use std::fs::File;
use std::io::{self, Read};

use crate::sys::errno;

/// Bytes that nobody can guess. It waits only while a machine that has just
/// booted has not gathered any chance yet.
pub fn secret() -> io::Result<[u8; 32]> {
    let mut bytes = [0u8; 32];
    match fill(&mut bytes) {
        Err(error) if error.raw_os_error().is_some_and(errno::is_refusal) => {
            File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        }
        outcome => outcome?,
    }
    Ok(bytes)
}

/// The call that both C libraries of Linux have.
#[cfg(target_os = "linux")]
fn fill(bytes: &mut [u8; 32]) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of `bytes`.
    let count = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    match usize::try_from(count) {
        // So few bytes come all at once.
        Ok(count) if count == bytes.len() => Ok(()),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// The call of the others.
#[cfg(not(target_os = "linux"))]
fn fill(bytes: &mut [u8; 32]) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of `bytes`.
    match unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), bytes.len()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::secret;

    #[test]
    fn no_two_secrets_are_alike() {
        let (first, second) = (secret().unwrap(), secret().unwrap());
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
    }
}
