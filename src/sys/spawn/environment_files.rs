//! The environment files of a program, as its child reads them before it becomes another user.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use nix::fcntl::OFlag;

use crate::sys::refused::Refused;
use crate::sys::safe_path;
use crate::sys::spawn::failure::{Failure, Reason};
use crate::text::environment_file::{self, Pair, Source};

/// A file that is larger is something else.
const LONGEST: u64 = 1 << 20;

/// Adds the variables of all files. A later one of a name counts, but none that is to be kept.
pub(super) fn read(
    sources: &[Source],
    kept: &[&str],
    variables: &mut Vec<Pair>,
) -> Result<(), Failure> {
    for source in sources {
        let pairs = read_one(source).map_err(|reason| {
            Failure::new(
                format_args!("read environment file {}", source.path),
                reason,
            )
        })?;
        let is_kept = |pair: &Pair| kept.contains(&pair.0.as_str());
        variables.extend(pairs.into_iter().filter(|pair| !is_kept(pair)));
    }
    Ok(())
}

fn read_one(source: &Source) -> Result<Vec<Pair>, Reason> {
    let text = match bytes(Path::new(&source.path)) {
        Err(error) if source.is_optional && error.kind() == io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        outcome => outcome.map_err(|error| match Refused::of(&error) {
            Some(refused) => Reason::said(&refused.text),
            None if error.raw_os_error().is_none() => Reason::said(&error.to_string()),
            None => Reason::of(&error),
        })?,
    };
    environment_file::parse(&text)
        .map_err(|fault| Reason::said(&format!("line {} {}", fault.line, fault.reason)))
}

/// What a file holds, up to a limit. Nobody is waited for who may write to it some day, and links of other users
/// lead nowhere where these could not have read themselves.
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file: File = safe_path::open(path, flags, 0)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() && !kind.is_char_device() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it has more than 1 MB"));
    }
    Ok(bytes)
}
