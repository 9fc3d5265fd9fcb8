//! Following a log: the bytes go from the server to the screen as they are,
//! so that a character that is split between two pieces arrives whole.

use super::failure::{CallError, Failure};
use super::session::Session;
use crate::sys::terminal;

/// Shows a log until Ctrl-C, or until either side ends. However it ends, that
/// is no failure of the command; 4.3.0 did not even check that there is such
/// a process.
pub fn follow(session: &mut Session, path: &str) -> Result<(), Failure> {
    session.catch_interrupts()?;
    session.print("==> Press Ctrl-C to exit <==")?;
    let url = format!("{}{path}", session.client.url);
    let outcome = session.client.follow(path);
    if session.is_interrupted() {
        return session.print("");
    }
    let mut stream = match outcome {
        Ok(stream) => stream,
        Err(CallError::Protocol { status, .. }) => {
            terminal::complain(&format!("{url} Cannot read, status code {status}\n"));
            return Ok(());
        }
        Err(error @ CallError::System(_)) => return Err(error.into()),
        Err(error) => {
            terminal::complain(&format!("{url} Cannot connect, error: {error}\n"));
            return Ok(());
        }
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
