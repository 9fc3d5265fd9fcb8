//! The new program: opened once, and looked at before anything is done with it.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};

use crate::sys::{errno, process};

/// The image of this process, whatever has become of its file.
const OWN_IMAGE: &str = "/proc/self/exe";

const ROOT: u32 = 0;

/// So much of a program tells for which machine it is.
const HEAD: usize = 20;

/// Opens the program at a path. The error says why it cannot take over.
pub fn open(path: &str) -> Result<File, String> {
    let told = |error: io::Error| format!("{path}: {}", errno::reason(&error));
    // A FIFO in its place does not make the daemon wait.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let file = options.open(path).map_err(told)?;
    let found = file.metadata().map_err(told)?;
    if !found.is_file() {
        return Err(format!("{path} is no regular file"));
    }
    let own = own_image()?;
    let fault = fault_of(&head(&file).map_err(told)?, &head(&own).map_err(told)?);
    if let Some(fault) = fault {
        return Err(format!("{path} {fault}"));
    }
    let running = own.metadata().map_err(told)?;
    let rights = |file: &Metadata| (file.uid(), file.gid(), file.mode());
    if process::effective_uid() == ROOT && !is_trusted(rights(&found), rights(&running)) {
        return Err(format!(
            "{path} can be changed by others than root: give it to root, with mode 755"
        ));
    }
    Ok(file)
}

/// Whether root may become a program with this owner, group and mode: nobody can have changed it
/// but root, and whoever could change the program that runs.
fn is_trusted((user, group, mode): (u32, u32, u32), running: (u32, u32, u32)) -> bool {
    const BY_GROUP: u32 = 0o020;
    const BY_ALL: u32 = 0o002;
    let is_known = |id, running| id == ROOT || id == running;
    is_known(user, running.0)
        && (mode & BY_GROUP == 0 || is_known(group, running.1))
        && mode & BY_ALL == 0
}

/// This process's own program.
pub fn own_image() -> Result<File, String> {
    File::open(OWN_IMAGE).map_err(|error| format!("{OWN_IMAGE}: {}", errno::reason(&error)))
}

fn head(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; HEAD];
    let count = file.read_at(&mut bytes, 0)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// What is wrong with a file that begins so, for a machine whose programs begin like `own`.
fn fault_of(head: &[u8], own: &[u8]) -> Option<&'static str> {
    const MAGIC: &[u8] = b"\x7fELF";
    if head.starts_with(b"#!") {
        return Some("is a script: the path must be that of the program itself");
    }
    if !head.starts_with(MAGIC) || head.len() < HEAD {
        return Some("is no program");
    }
    // Width, byte order, and the machine.
    let machine = |head: &[u8]| {
        (
            head.get(4..6).map(<[u8]>::to_vec),
            head.get(18..20).map(<[u8]>::to_vec),
        )
    };
    (machine(head) != machine(own)).then_some("is a program for another machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_becomes_what_root_alone_can_change_or_who_could_before() {
        let root = (0, 0, 0o755);
        for (found, running, is_fine) in [
            (root, root, true),
            ((0, 0, 0o775), root, true),
            ((0, 7, 0o775), root, false),
            ((0, 7, 0o755), root, true),
            ((5, 0, 0o755), root, false),
            ((0, 0, 0o757), root, false),
            ((5, 7, 0o775), (5, 7, 0o755), true),
            ((6, 7, 0o755), (5, 7, 0o755), false),
        ] {
            assert_eq!(is_trusted(found, running), is_fine, "{found:?} {running:?}");
        }
    }

    #[test]
    fn programs_of_this_machine_alone_are_taken() {
        let own = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0";
        let other = |place: usize, byte: u8| {
            let mut head = own.to_vec();
            head[place] = byte;
            head
        };
        for (head, expected) in [
            (own.to_vec(), None),
            // A static program that is not relocatable.
            (other(16, 2), None),
            (other(18, 0xb7), Some("is a program for another machine")),
            (other(4, 1), Some("is a program for another machine")),
            (other(5, 2), Some("is a program for another machine")),
            (other(0, b'x'), Some("is no program")),
            (own[..19].to_vec(), Some("is no program")),
            (Vec::new(), Some("is no program")),
            (
                b"#!/bin/sh".to_vec(),
                Some("is a script: the path must be that of the program itself"),
            ),
        ] {
            assert_eq!(fault_of(&head, own), expected, "{head:?}");
        }
    }
}
