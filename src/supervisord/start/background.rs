//! What a daemon in the background tells the process that was started, which waits for
//! it: that it is up, or why it is not. One byte, the exit status, and the reason.

use super::Failure;
use crate::sys::daemon::{Hearing, Report};

const UP: u8 = 0;
const SYSTEM: u8 = 1;
const USAGE: u8 = 2;

/// In the daemon: tells how the start has ended.
pub fn tell(report: Report, failure: Option<&Failure>) {
    report.send(&message(failure));
}

/// In the process that was started: waits for that.
pub fn hear(hearing: Hearing) -> Result<(), Failure> {
    outcome(&hearing.wait())
}

fn message(failure: Option<&Failure>) -> Vec<u8> {
    let Some(failure) = failure else {
        return vec![UP];
    };
    let status = match failure {
        Failure::System(_) => SYSTEM,
        Failure::Usage(_) | Failure::Config(_) => USAGE,
    };
    let mut message = vec![status];
    message.extend(failure.text().bytes());
    message
}

fn outcome(message: &[u8]) -> Result<(), Failure> {
    let text = |text| String::from_utf8_lossy(text).into_owned();
    match message {
        [UP, ..] => Ok(()),
        [USAGE, reason @ ..] => Err(Failure::Usage(text(reason))),
        [_, reason @ ..] => Err(Failure::System(text(reason))),
        [] => Err(Failure::System(
            "supervisord ended while it started in the background; its log may tell why".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_daemon_tells_is_what_is_heard() {
        assert!(outcome(&message(None)).is_ok());
        let usage = Failure::Usage("this".to_owned());
        let told = outcome(&message(Some(&usage)));
        assert!(matches!(told, Err(Failure::Usage(text)) if text == "this"));
        let system = Failure::System("that".to_owned());
        let told = outcome(&message(Some(&system)));
        assert!(matches!(told, Err(Failure::System(text)) if text == "that"));
        let told = outcome(&[]);
        assert!(matches!(told, Err(Failure::System(text)) if text.contains("ended")));
    }
}
