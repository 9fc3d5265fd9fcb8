//! The hand-over: this process becomes the new program, which finds the state in a file of the
//! kernel's memory and the descriptors where they were. Nothing is closed and nothing is started
//! between the writing of the state and exec, and signals wait. A new program that cannot go on
//! becomes the old one again.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use super::program;
use super::state::{self, Head};
use crate::supervisord::mainloop::MainLoop;
use crate::supervisord::start::{self, Launch};
use crate::sys::signals::Mask;
use crate::sys::{descriptors, errno, exec, memory, terminal};

/// The variable that tells the new program the descriptor of the state.
const STATE: &str = "SUPERVISORD_STATE";

/// And the one that tells the old program why the new one did not go on.
const FAILED: &str = "SUPERVISORD_NOT_UPGRADED";

/// Becomes the new program. It comes back only with the reason why not, and then everything is as
/// before.
pub fn hand_over(launch: &mut Launch, daemon: &mut MainLoop) -> Result<(), String> {
    let upgrade = daemon.supervisor.upgrade.as_mut();
    let Some(program) = upgrade.and_then(|upgrade| upgrade.program.take()) else {
        return Err("there is no program to become".to_owned());
    };
    let own = program::own_image()?;
    daemon.tell_manager_of_upgrade();
    let told = |error: std::io::Error| errno::reason(&error);
    let previous = Mask::block_all().map_err(told)?;
    let written = state::write(launch, daemon, Some((&own, previous)));
    let failed = match descriptors::state_file(&written.text) {
        Err(error) => told(error),
        Ok(file) => {
            let mut inherited = written.descriptors;
            inherited.push(file.as_raw_fd());
            let arguments: Vec<OsString> = std::env::args_os().collect();
            become_program(program.as_raw_fd(), &arguments, &inherited, &file, None)
        }
    };
    previous.apply();
    Err(failed)
}

/// Executes a program that inherits these descriptors, and tells it of the state. Comes back
/// only with the reason why it cannot be.
fn become_program(
    program: RawFd,
    arguments: &[OsString],
    inherited: &[RawFd],
    state: &File,
    failed: Option<&str>,
) -> String {
    let told = |error: std::io::Error| errno::reason(&error);
    if let Err(error) = descriptors::keep_over_exec(inherited) {
        return told(error);
    }
    let mut environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    environment.retain(|(name, _)| name != STATE && name != FAILED);
    environment.push((STATE.into(), state.as_raw_fd().to_string().into()));
    environment.extend(failed.map(|reason| (FAILED.into(), reason.into())));
    let error = exec::become_program(program, arguments, &environment);
    descriptors::close_on_exec(inherited);
    told(error)
}

/// The descriptor of a state that this program was given, and why another one did not go on from
/// there.
pub fn given() -> Option<(RawFd, Option<String>)> {
    let state = std::env::var(STATE).ok()?.parse().ok()?;
    let failed = std::env::var_os(FAILED);
    Some((
        state,
        failed.map(|reason| reason.to_string_lossy().into_owned()),
    ))
}

/// Goes on from the state in a descriptor. The error is told where there is no way back.
pub fn take_over(state: RawFd, failed: Option<&str>) -> Result<(Launch, Box<MainLoop>), String> {
    let told = |error: std::io::Error| errno::reason(&error);
    let (file, text) = descriptors::read_state(state).map_err(told)?;
    let (head, rest) = state::head(&text, |reason| give_up(reason));
    if head.pid != std::process::id() {
        return Err("it is the state of another process".to_owned());
    }
    exec::set_name(&head.arguments);
    memory::tune();
    let back = |reason: &str| go_back(&head, &file, failed, reason);
    let adopted = descriptors::adopt(&head.descriptors);
    let descriptors = adopted.map_err(told).inspect_err(|reason| back(reason))?;
    let (launch, mut daemon) = state::restore(rest, descriptors, |reason| {
        back(reason);
        give_up(reason)
    });
    if let Err(error) = start::catch_signals_again(&launch, head.mask.as_ref()) {
        back(&told(error));
    }
    daemon.go_on_after_upgrade(&head.version, failed);
    Ok((launch, daemon))
}

/// The end, where there is nothing to go back to.
fn give_up(reason: &str) -> ! {
    terminal::complain(&format!("Error: cannot go on after an upgrade: {reason}\n"));
    std::process::exit(1);
}

/// Becomes the program again that has written the state, which has every descriptor still.
/// Comes back if there is none, or if this is that program.
fn go_back(head: &Head, state: &File, failed: Option<&str>, reason: &str) {
    if failed.is_some() || head.image < 0 {
        return;
    }
    let mut inherited = head.descriptors.clone();
    inherited.push(state.as_raw_fd());
    become_program(head.image, &head.arguments, &inherited, state, Some(reason));
}
