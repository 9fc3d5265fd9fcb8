//! The new program: opened once, and looked at before anything is done with it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use crate::sys::errno;

/// The image of this process, whatever has become of its file.
const OWN_IMAGE: &str = "/proc/self/exe";

/// So much of a program tells for which machine it is.
const HEAD: usize = 20;

/// Opens the program at a path. The error says why it cannot take over.
pub fn open(path: &str) -> Result<File, String> {
    let told = |error: io::Error| format!("{path}: {}", errno::reason(&error));
    // A FIFO in its place does not make the daemon wait.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let file = options.open(path).map_err(told)?;
    if !file.metadata().map_err(told)?.is_file() {
        return Err(format!("{path} is no regular file"));
    }
    match fault_of(
        &head(&file).map_err(told)?,
        &head(&own_image()?).map_err(told)?,
    ) {
        Some(fault) => Err(format!("{path} {fault}")),
        None => Ok(file),
    }
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
