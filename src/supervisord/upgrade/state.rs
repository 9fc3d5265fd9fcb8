//! The state that is handed over: a line that says what it is and which descriptors go with it,
//! and then the daemon, with what the start keeps for it. Both are written as
//! [`snapshot`](crate::snapshot) says.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::snapshot::{Missing, Reader, Save, Saved, Writer, saved};
use crate::supervisord::mainloop::MainLoop;
use crate::supervisord::start::Launch;
use crate::sys::signals::Mask;
use crate::vec_map::VecMap;

/// The form of the state. It changes when a program that knows the one before would go wrong with
/// it: members that are added or left out change nothing.
const FORM: u32 = 1;

/// What comes first.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub form: u32,
    /// That of the program that has written it.
    pub version: String,
    pub pid: u32,
    /// How that program was started.
    pub arguments: Vec<OsString>,
    /// The signals that it had blocked.
    pub mask: Option<Mask>,
    /// Its own image, for the way back.
    pub image: RawFd,
    /// All that the state tells of, and the image.
    pub descriptors: Vec<RawFd>,
}

saved! { struct Head { form, version, pid, arguments, mask, image, descriptors } }

/// A state as it is written.
#[derive(Debug)]
pub struct Written {
    pub text: Vec<u8>,
    pub descriptors: Vec<RawFd>,
}

/// Writes all. `own` is what only a program that takes over is given: the image of the program
/// that runs now, where there may be a way back to it, and which signals that has blocked.
pub fn write(launch: &Launch, daemon: &MainLoop, own: Option<(&File, Mask)>) -> Written {
    let mut body = Writer::default();
    body.members(&[("launch", launch as &dyn Save), ("daemon", daemon)]);
    let (body, mut descriptors) = body.finish();
    let image = own.map_or(-1, |(image, _)| image.as_raw_fd());
    descriptors.extend((image >= 0).then_some(image));
    let head = Head {
        form: FORM,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        arguments: std::env::args_os().collect(),
        mask: own.map(|(_, mask)| mask),
        image,
        descriptors: descriptors.clone(),
    };
    let mut text = Writer::default();
    head.save(&mut text);
    text.raw("\n\n");
    let (mut text, _) = text.finish();
    text.extend_from_slice(&body);
    Written { text, descriptors }
}

/// What a state begins with, and the rest. The error says why it cannot be gone on with.
pub fn head(text: &[u8]) -> Result<(Head, &[u8]), String> {
    let end = text.windows(2).position(|two| two == b"\n\n");
    let (head, rest) = end
        .and_then(|end| text.split_at_checked(end))
        .ok_or("it is no state of supervisord")?;
    let mut reader = Reader::new(head, VecMap::new(), |_| {});
    let read = Head::restored(&mut reader);
    reader.finish()?;
    let head = read.ok_or("it is no state of supervisord")?;
    match head.form {
        1..=FORM => Ok((head, rest)),
        form => Err(format!(
            "its form is {form}, of supervisord {}; this one, {}, knows forms up to {FORM}",
            head.version,
            env!("CARGO_PKG_VERSION")
        )),
    }
}

/// The daemon that the rest of a state tells of. An error is handed to `on_failure` at once,
/// before anything of the daemon is dropped.
pub fn restore(
    rest: &[u8],
    descriptors: VecMap<RawFd, OwnedFd>,
    on_failure: impl FnMut(&str),
) -> Result<(Launch, Box<MainLoop>), String> {
    let mut reader = Reader::new(rest, descriptors, on_failure);
    let (mut launch, mut daemon) = (Missing::default(), Missing::default());
    let read = reader.members(&mut [("launch", &mut launch), ("daemon", &mut daemon)]);
    let launch = read.and_then(|()| launch.found(&mut reader, "launch"));
    let daemon = daemon.found(&mut reader, "daemon");
    reader.finish()?;
    match (launch, daemon) {
        (Some(launch), Some(daemon)) => Ok((launch, daemon)),
        _ => Err("it is no state of supervisord".to_owned()),
    }
}
