//! The question that comes before most commands: is there a server, and does
//! it speak this version of the interface?

use crate::API_VERSION;
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::server_url;
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::FaultCode;

/// Asks for the version. False, after the reason has been printed, if the
/// command need not go on.
pub fn is_usable(session: &mut Session) -> Result<bool, Failure> {
    let (exit_status, message) = match session.try_call("getVersion", &[]) {
        Ok(Ok(version)) => match version.value.as_str() {
            Some(API_VERSION) => return Ok(true),
            other => (
                exit_status::NOT_INSTALLED,
                format!(
                    "Sorry, this version of supervisorctl expects to talk to a server with API \
                     version {API_VERSION}, but the remote version is {}.",
                    other.unwrap_or("unknown")
                ),
            ),
        },
        Ok(Err(fault)) if fault.is(FaultCode::UnknownMethod) => (
            exit_status::UNIMPLEMENTED,
            "Sorry, supervisord responded but did not recognize the supervisor namespace commands \
             that supervisorctl uses to control it.  Please check that the \
             [rpcinterface:supervisor] section is enabled in the configuration file (see \
             sample.conf)."
                .to_owned(),
        ),
        Ok(Err(fault)) => return Err(fault.into()),
        Err(failure) => unreachable_reason(session, &failure).ok_or(failure)?,
    };
    session.unserved = Some(exit_status);
    session.fail(exit_status, &message)?;
    Ok(false)
}

/// For a server that is not there, after that has been explained: the exit status and
/// `URL refused connection` or `URL no such file`.
pub fn unreachable_reason(session: &mut Session, failure: &Failure) -> Option<(u8, String)> {
    let Failure::Call(error) = failure else {
        return None;
    };
    let (exit_status, reason) = if error.is_refused() {
        (exit_status::INSUFFICIENT_PRIVILEGES, "refused connection")
    } else if error.is_missing() {
        (exit_status::NOT_RUNNING, "no such file")
    } else {
        return None;
    };
    session.explain(error);
    let url = server_url::without_userinfo(&session.client.url);
    Some((exit_status, format!("{url} {reason}")))
}
