//! The pid file of a start: taken before anything is touched that may be another
//! supervisord's, written when nothing else can go wrong. A restart keeps what it has.

use std::time::Duration;

use super::{Failure, Launch, not_opened};
use crate::config::Config;
use crate::http::listener;
use crate::loop_context::LoopContext;
use crate::supervisord::pidfile::{Held, PidFile, WriteError};
use crate::sys::errno;

/// How long a supervisord is waited for whose servers are closed already. It holds the
/// pid file until the last of its logs is written.
const LEAVING: Duration = Duration::from_secs(3);

/// The pid file that this start is to have.
pub(super) enum Claim {
    /// The one that is held already.
    Kept,
    /// Another one, or none.
    Other(Option<PidFile>),
}

/// Takes the pid file, unless a supervisord has it that runs already.
pub(super) fn take(
    launch: &Launch,
    config: &Config,
    context: &mut LoopContext,
) -> Result<Claim, Failure> {
    let Some(path) = config.supervisord.pidfile.as_deref() else {
        return Ok(Claim::Other(None));
    };
    let is_kept = |pidfile: &PidFile| pidfile.is_at(path);
    if launch.pidfile.as_ref().is_some_and(is_kept) {
        return Ok(Claim::Kept);
    }
    let taken = PidFile::take(path, Duration::ZERO).or_else(|held| {
        if config.supervisord.has_default_pidfile {
            return Ok(shared(path, &held, context));
        }
        // That is what 4.3.0 would say.
        match listener::in_use(&config.servers) {
            Some(error) => Err(not_opened::failure(&launch.request, &error)),
            None => PidFile::take(path, LEAVING).map_err(|held| refusal(&held)),
        }
    });
    Ok(Claim::Other(Some(taken?)))
}

/// Two that are started in one directory run side by side, as with 4.3.0, where nobody has set
/// the pid file.
fn shared(path: &str, held: &Held, context: &mut LoopContext) -> PidFile {
    context.log.warn(format_args!(
        "{held}  This one writes its own number there: give it a pidfile of its own"
    ));
    PidFile::shared(path)
}

fn refusal(held: &Held) -> Failure {
    let cure = "Shut it down first, or give this one a pidfile of its own.";
    Failure::Usage(format!("{held}  {cure}"))
}

/// Writes the number, when nothing else can go wrong.
pub(super) fn write(
    launch: &mut Launch,
    claim: Claim,
    config: &Config,
    context: &mut LoopContext,
) -> Result<(), Failure> {
    if let Claim::Other(pidfile) = claim {
        launch.pidfile = pidfile;
    }
    let path = config.supervisord.pidfile.as_deref().unwrap_or_default();
    let mut written = launch.pidfile.as_mut().map_or(Ok(()), PidFile::write);
    if let Err(WriteError::Held(held)) = written {
        if !config.supervisord.has_default_pidfile {
            return Err(refusal(&held));
        }
        let shared = shared(path, &held, context);
        written = launch.pidfile.insert(shared).write();
    }
    if let Err(error) = written {
        context
            .log
            .critical(format_args!("could not write pidfile {path}: {error}"));
        return Ok(());
    }
    let unlocked = launch.pidfile.as_mut().and_then(PidFile::take_unlocked);
    if let Some(reason) = unlocked {
        context.log.warn(format_args!(
            "cannot lock the pid file {path}: {}; a second supervisord would not notice this one",
            errno::reason(&reason)
        ));
    }
    context.log.info(format_args!(
        "supervisord started with pid {}",
        std::process::id()
    ));
    Ok(())
}
