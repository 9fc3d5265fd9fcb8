//! Becoming the configured user, and raising the limits that many children need.

use crate::config::{Config, Supervisord};
use crate::sys::limits::{self, Limit, Raised};
use crate::sys::{errno, privileges, process, user};

/// What is logged once the log is open.
#[derive(Debug, Default)]
pub struct Notes {
    pub criticals: Vec<String>,
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
}

const RUNNING_AS_ROOT: &str = "Supervisor is running as root.  Privileges were not dropped because no user is \
     specified in the config file.  If you intend to run as root, you can set user=root in the config file to avoid \
     this message.";

/// Becomes the user of `[supervisord]`, if one is set. The error is the message of a usage error.
/// Where that is who this process is already, nothing is changed.
pub fn switch_user(config: &Config, notes: &mut Notes) -> Result<(), String> {
    let Some(uid) = config.user.and_then(|user| user.uid) else {
        if process::uid() == 0 && !process::is_first() {
            notes.criticals.push(RUNNING_AS_ROOT.to_owned());
        }
        return Ok(());
    };
    let names_group = config
        .supervisord
        .user
        .as_ref()
        .is_some_and(|user| user.contains(':'));
    let gid = config.user.and_then(|user| user.gid);
    let is_own_group = !names_group || gid == Some(process::gid());
    if uid != process::uid() || !is_own_group {
        if process::uid() != 0 {
            return Err("Can't drop privilege as nonroot user".to_owned());
        }
        let groups = user::groups_of(uid).unwrap_or_default();
        let gid = gid
            .filter(|_| !groups.is_empty())
            .ok_or_else(|| format!("Can't find uid {uid}"))?;
        privileges::switch_to(uid, gid, &groups).map_err(|failed| failed.text)?;
    }
    notes.infos.push(format!("Set uid to user {uid} succeeded"));
    Ok(())
}

/// Raises the limits on open files and processes to `minfds` and `minprocs`.
/// The error is the message of a usage error.
pub fn raise_limits(settings: &Supervisord, notes: &mut Notes) -> Result<(), String> {
    for (limit, minimum) in [
        (Limit::OpenFiles, settings.minfds),
        (Limit::Processes, settings.minprocs),
    ] {
        match limits::raise(limit, minimum) {
            Ok(Raised::Enough) => {}
            Ok(Raised::Unknown(number)) => notes.warnings.push(format!(
                "cannot read the {} limit: {}; it may be below {minimum}",
                limit.name(),
                errno::text(number)
            )),
            Ok(Raised::To(number)) => notes
                .infos
                .push(format!("Increased {} limit to {number}", limit.name())),
            Err(refused) => {
                let hard = refused
                    .hard
                    .map_or("unlimited".to_owned(), |number| number.to_string());
                return Err(refusal(limit, minimum, &hard));
            }
        }
    }
    Ok(())
}

fn refusal(limit: Limit, minimum: i64, hard: &str) -> String {
    let (what, program, key, things) = match limit {
        Limit::OpenFiles => ("file descriptors", "process", "minfds", "file descriptors"),
        // Of the others none has a least value.
        _ => ("available processes", "program", "minprocs", "processes"),
    };
    format!(
        "The minimum number of {what} required to run this {program} is {minimum} as per the \"{key}\" command-line \
         argument or config file setting. The current environment will only allow you to open {hard} {things}.  \
         Either raise the number of usable {things} in your environment (see README.rst) or lower the {key} setting \
         in the config file to allow the {program} to start."
    )
}
