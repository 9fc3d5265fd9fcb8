//! The trial: reads a whole state from its standard input, makes the daemon of it that could go
//! on, with descriptors that stand in for the real ones, and says so. It touches nothing else.

use std::io::{self, Read};
use std::process::ExitCode;

use super::state;
use crate::sys::{descriptors, errno, terminal};

/// The option that asks for it. What it answers is for supervisord alone.
pub const OPTION: &str = "--can-take-over";

/// With the version before it and this around, the assent.
const BEGIN: &str = "supervisord ";
const END: &str = " can take over";

/// Tries; never comes back from an error, so that nothing that was made is dropped: some of it
/// would remove files.
pub fn run() -> ExitCode {
    let mut text = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut text);
    if let Err(error) = read {
        refuse(&errno::reason(&error));
    }
    let (head, rest) = state::head(&text, |reason| refuse(reason));
    match descriptors::stand_ins(&head.descriptors) {
        Ok(stand_ins) => std::mem::forget(state::restore(rest, stand_ins, |reason| refuse(reason))),
        Err(error) => refuse(&errno::reason(&error)),
    }
    terminal::tell(&format!("{BEGIN}{}{END}\n", env!("CARGO_PKG_VERSION")));
    ExitCode::SUCCESS
}

fn refuse(reason: &str) -> ! {
    terminal::complain(&format!("the state cannot be gone on with: {reason}\n"));
    std::process::exit(1);
}

/// The version in the assent of a program.
pub fn version_in(said: &str) -> Option<String> {
    let version = said.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let is_version = version.bytes().all(|byte| byte.is_ascii_graphic());
    (is_version && !version.is_empty()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_assent_of_a_program_tells_its_version() {
        for (said, expected) in [
            ("supervisord 0.2.0 can take over", Some("0.2.0")),
            ("supervisord 1 can take over", Some("1")),
            ("supervisord  can take over", None),
            ("supervisord can take over", None),
            ("supervisord 0.2.0 can take over.", None),
            ("supervisord 0.2.0 or so can take over", None),
            ("supervisord 0.2\u{1b}[0m can take over", None),
            ("supervisord \u{660} can take over", None),
            (" supervisord 0.2.0 can take over", None),
            ("4.3.0", None),
            ("", None),
        ] {
            assert_eq!(version_in(said).as_deref(), expected, "{said:?}");
        }
    }
}
