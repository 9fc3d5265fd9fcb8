//! Following a log: pieces go from the server to the screen as they come, wherever
//! they are cut.

use super::exit_status;
use super::failure::Failure;
use super::log_view::LogView;
use super::process_logs;
use super::session::Session;

/// Shows a log until Ctrl-C, or until either side ends. However it ends, that
/// is no failure of the command; that there is no such log is one, as it is for
/// `tail` without `-f`.
pub fn follow(session: &mut Session, path: &str, mut view: LogView) -> Result<(), Failure> {
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
