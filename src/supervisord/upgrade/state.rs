//! The state that is handed over: a line that says what it is and which descriptors go with it,
//! and then the daemon, with what the start keeps for it. Both are written as
//! [`snapshot`](crate::snapshot) says.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::snapshot::{Reader, Save, Saved, Writer, saved};
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
    body.members("launch daemon", &[launch, daemon]);
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

/// What a state begins with, and the rest. An error goes to who does not come back from it.
pub fn head(text: &[u8], on_failure: fn(&str) -> Infallible) -> (Head, &[u8]) {
    let end = text.windows(2).position(|two| two == b"\n\n");
    let (head, rest) = text.split_at(end.unwrap_or(text.len()));
    let mut reader = Reader::new(head, VecMap::new(), on_failure);
    let head = Head::restored(&mut reader);
    if !(1..=FORM).contains(&head.form) {
        reader.fail(&format!(
            "its form is {}, of supervisord {}; this one, {}, knows forms up to {FORM}",
            head.form,
            head.version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    (head, rest)
}

/// The daemon that the rest of a state tells of.
pub fn restore(
    rest: &[u8],
    descriptors: VecMap<RawFd, OwnedFd>,
    on_failure: impl FnMut(&str) -> Infallible,
) -> (Launch, Box<MainLoop>) {
    let mut reader = Reader::new(rest, descriptors, on_failure);
    let mut names = reader.begin_members("launch daemon ");
    (reader.member(&mut names), reader.member(&mut names))
}
