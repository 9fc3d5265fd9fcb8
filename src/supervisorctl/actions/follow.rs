//! Following a log: pieces go from the server to the screen as they come, wherever
//! they are cut.

use super::log_text::RemoteLog;
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::log_view::LogView;
use crate::supervisorctl::session::Session;

/// Shows a log until Ctrl-C, or until either side ends. However it ends, that
/// is no failure of the command; that there is no such log is one, as it is for
/// `tail` without `-f`.
pub fn follow(session: &mut Session, log: &RemoteLog, mut view: LogView) -> Result<(), Failure> {
    session.catch_interrupts()?;
    session.print("==> Press Ctrl-C to exit <==")?;
    let mut stream = match log.open(session) {
        Ok(Some(stream)) => stream,
        Ok(None) => {
            log.hint(session);
            session.exit_status = exit_status::GENERIC;
            return Ok(());
        }
        Err(Failure::Interrupted) => return session.print(""),
        Err(failure) => return Err(failure),
    };
    let mut buffer = [0; 16 * 1024];
    let is_interrupted = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break false,
            Ok(length) => {
                let piece = buffer.get(..length).unwrap_or_default();
                session.write(&view.take(piece))?;
            }
            // Else the server has gone.
            Err(_) => break session.is_interrupted(),
        }
    };
    session.write(&view.finish())?;
    match is_interrupted {
        true => session.print(""),
        false => Ok(()),
    }
}
