//! What of the output of a process is kept in memory: a ring for each channel whose output
//! goes to no file, if that is configured.

use std::cell::RefCell;
use std::path::Path;

use crate::config::{LogFile, Output, Process};
use crate::loggers::ring::{Ring, SharedRing};
use crate::snapshot::saved;
use crate::sys::outlet;
use crate::tokens::Channel;

#[derive(Debug, Default)]
pub struct Rings {
    stdout: Option<SharedRing>,
    stderr: Option<SharedRing>,
}

saved! { struct Rings { stdout, stderr } }

impl Rings {
    /// Those of a process, where `room` holds for outputs that have no number of their own.
    /// Hardly any process has one.
    pub fn of(process: &Process, room: u64) -> Option<Box<Rings>> {
        let ring = |output: &Output| {
            let own = output.keeping.as_ref().and_then(|keeping| keeping.ring);
            let room = own.map_or(room, |own| own.0);
            let is_read = match &output.logfile {
                LogFile::Auto => return None,
                LogFile::None => true,
                // What a path leads to is known for certain when it is opened.
                LogFile::Path(path) => outlet::inherited_descriptor(Path::new(path)).is_some(),
            };
            (room > 0).then(|| SharedRing::new(RefCell::new(Ring::new(room, is_read))))
        };
        let rings = Rings {
            stdout: ring(&process.stdout),
            stderr: match process.redirect_stderr {
                true => None,
                false => ring(&process.stderr),
            },
        };
        let has_one = rings.stdout.is_some() || rings.stderr.is_some();
        has_one.then(|| Box::new(rings))
    }

    /// Makes them those of another configuration; what is in those that stay is kept.
    pub fn renew(rings: &mut Option<Box<Rings>>, process: &Process, room: u64) {
        let mut new = Rings::of(process, room);
        if let (Some(new), Some(old)) = (&mut new, &mut *rings) {
            for (new, old) in [
                (&mut new.stdout, &mut old.stdout),
                (&mut new.stderr, &mut old.stderr),
            ] {
                if let (Some(new), Some(old)) = (new.as_mut(), old.take()) {
                    old.borrow_mut().take_over(&new.borrow());
                    *new = old;
                }
            }
        }
        *rings = new;
    }

    pub fn get(&self, channel: Channel) -> Option<&SharedRing> {
        match channel {
            Channel::Stdout => self.stdout.as_ref(),
            Channel::Stderr => self.stderr.as_ref(),
        }
    }

    /// The one that readers of a channel look at.
    pub fn read(&self, channel: Channel) -> Option<&SharedRing> {
        self.get(channel).filter(|ring| ring.borrow().is_read)
    }
}
