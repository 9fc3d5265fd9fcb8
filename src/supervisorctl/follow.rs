//! Following a log: the bytes go from the server to the screen as they are,
//! so that a character that is split between two pieces arrives whole.

use super::exit_status;
use super::failure::Failure;
use super::process_logs;
use super::session::Session;

/// Shows a log until Ctrl-C, or until either side ends. However it ends, that
/// is no failure of the command; that there is no such log is one, as it is for
/// `tail` without `-f`.
pub fn follow(session: &mut Session, path: &str) -> Result<(), Failure> {
    session.catch_interrupts()?;
    session.print("==> Press Ctrl-C to exit <==")?;
    let mut stream = match process_logs::open(session, path) {
        Ok(Some(stream)) => stream,
        Ok(None) => {
            session.exit_status = exit_status::GENERIC;
            return Ok(());
        }
        Err(Failure::Interrupted) => return session.print(""),
        Err(failure) => return Err(failure),
    };
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => session.write(buffer.get(..length).unwrap_or_default())?,
            Err(_) if session.is_interrupted() => return session.print(""),
            // The server has gone.
            Err(_) => return Ok(()),
        }
    }
}
