//! Where children live until exec.
//!
//! A fork copies the tables of the daemon's memory and all its descriptors, and
//! the copies are thrown away at exec. A child here shares the memory instead,
//! with a stack of its own, while the daemon goes on: unlike with vfork, a disk on
//! which a program hangs stops nobody. Where the daemon has many descriptors the
//! child shares their table as well, until it leaves it with the few that it
//! needs (`places`). What the system or the moment does not allow, or a change of
//! user forbids, is done by a fork with copies, as ever: before Linux 5.16 a signal
//! with a core dump that a child gets too early would have ended the daemon as well.
//!
//! All signals are blocked while a child begins: one that reached it before its
//! handlers are reset would be written into the daemon's own signal pipe.

use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::sys::errno;
use crate::sys::futex;
use crate::sys::pages::Pages;
use crate::sys::process;
use crate::sys::signals::Mask;
use crate::sys::spawn::calls::{self, OwnStack, Shared};
use crate::sys::spawn::child::Child;
use crate::sys::spawn::places::{Place, Places};
use crate::sys::spawn::{Change, Spawn};

/// So many may be on their way to exec in the daemon's memory at once.
const CRADLES: usize = 16;
/// Of which a child touches a page or two.
const STACK_SIZE: usize = 64 * 1024;
/// How long one of them is waited for where all are taken. Programs that come to exec
/// one after the other keep the processors busy meanwhile.
const PATIENCE: Duration = Duration::from_millis(2);

/// The children that are on their way to exec.
#[derive(Debug)]
pub struct Nursery {
    cradles: Vec<Cradle>,
    places: Places,
    /// Of the next child.
    serial: u64,
    /// The system does not let memory be shared, or not safely.
    is_refused: bool,
    /// One was waited for in vain, and none has become free since.
    is_stuck: bool,
}

impl Default for Nursery {
    fn default() -> Nursery {
        Nursery {
            cradles: Vec::new(),
            places: Places::default(),
            serial: 0,
            is_refused: !calls::CAN_SHARE || !process::dumps_core_alone(),
            is_stuck: false,
        }
    }
}

impl Nursery {
    /// Starts a child and returns its pid; it leads a process group of its own.
    /// The error is fork's errno.
    pub fn spawn(&mut self, spawn: Spawn<'_>) -> Result<i32, i32> {
        self.tidy();
        let Spawn { streams, prepared } = spawn;
        let streams = [streams.stdin, streams.stdout, streams.stderr];
        let place = self.places.lend(streams);
        let child = Child {
            prepared,
            streams: place.as_ref().map_or_else(
                || streams.map(|stream| stream.as_raw_fd()),
                |place| place.descriptors,
            ),
            apart: place.as_ref().map(Place::apart),
        };
        let begun = Mask::block_all()
            .map_err(|error| errno::of(&error).unwrap_or(libc::EAGAIN))
            .and_then(|previous| {
                let begun = self.begin(child);
                if let Ok(pid) = begun {
                    // The child does this too; whichever comes first, the group exists
                    // before anybody signals it. It fails once the child has called exec.
                    // SAFETY: two numbers.
                    unsafe { libc::setpgid(pid, pid) };
                }
                previous.apply();
                begun
            });
        if let Some(place) = place {
            self.places.note(place, begun.ok());
        }
        begun
    }

    /// Takes back what children have left. Called before the daemon waits.
    pub fn tidy(&mut self) {
        for cradle in &mut self.cradles {
            if cradle.clear() {
                self.is_stuck = false;
            }
        }
        self.places.tidy();
    }

    /// Takes back what many children at once have needed: nothing is being started.
    pub fn shrink(&mut self) {
        // One is left for the next child.
        let mut is_first = true;
        self.cradles
            .retain(|cradle| std::mem::take(&mut is_first) || cradle.child.is_some());
    }

    /// After what time to call `tidy` again: children hold copies of their descriptors
    /// here, and will have left in a moment, which nobody tells. `None` where there are
    /// none, or where that was said already.
    pub fn next_look(&mut self) -> Option<Duration> {
        self.places.next_look()
    }

    /// That time has come.
    pub fn look(&mut self) {
        self.places.look();
    }

    /// That child has ended, wherever it was. Of one that a signal ended not every
    /// kernel says that it has left.
    pub fn forget(&mut self, pid: i32) {
        self.places.forget(pid);
        let mut cradles = self.cradles.iter_mut();
        if let Some(cradle) = cradles.find(|cradle| cradle.pid == pid) {
            cradle.inside.store(0, Ordering::Release);
        }
    }

    fn begin(&mut self, child: Child) -> Result<i32, i32> {
        let descriptors = child.apart.is_some();
        // The kernel would take the daemon's memory for that of another user.
        let becomes_another = matches!(child.prepared.change, Change::To(..));
        let mut child = Box::new(child);
        if !becomes_another
            && !self.is_refused
            && let Some(index) = self.empty_cradle()
        {
            self.serial += 1;
            let serial = self.serial;
            if let Some(cradle) = self.cradles.get_mut(index) {
                child = match cradle.begin(child, serial, descriptors) {
                    Ok(pid) => return Ok(pid),
                    Err((libc::EINVAL | libc::ENOSYS | libc::EPERM, child)) => child,
                    Err((number, _)) => return Err(number),
                };
                self.is_refused = true;
            }
        }
        let shared = Shared {
            memory: None,
            descriptors,
        };
        // SAFETY: signals are blocked; the child has a copy of everything.
        unsafe { calls::begin(&raw const *child, &shared) }
    }

    /// The index of a cradle without a child, made or waited for if need be.
    fn empty_cradle(&mut self) -> Option<usize> {
        let empty = |cradles: &[Cradle]| cradles.iter().position(|cradle| cradle.child.is_none());
        if let Some(index) = empty(&self.cradles) {
            return Some(index);
        }
        if self.cradles.len() < CRADLES {
            self.cradles.push(Cradle::new()?);
            return Some(self.cradles.len() - 1);
        }
        if !self.is_stuck {
            let oldest = self.cradles.iter().min_by_key(|cradle| cradle.serial)?;
            futex::wait_while(&oldest.inside, 1, PATIENCE);
            self.is_stuck = true;
            self.tidy();
        }
        empty(&self.cradles)
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        self.tidy();
        // What a child still runs in stays, whoever is the daemon by then.
        let busy = self.cradles.extract_if(.., |cradle| cradle.child.is_some());
        busy.for_each(std::mem::forget);
    }
}

/// Where one child lives.
#[derive(Debug)]
struct Cradle {
    stack: Pages,
    /// 1 while a child is in it; the kernel writes the 0.
    inside: Box<AtomicU32>,
    child: Option<NonNull<Child>>,
    /// Of that child; 0 where there is none.
    pid: i32,
    serial: u64,
}

impl Cradle {
    fn new() -> Option<Cradle> {
        Some(Cradle {
            stack: Pages::private(STACK_SIZE)?,
            inside: Box::default(),
            child: None,
            pid: 0,
            serial: 0,
        })
    }

    /// Starts a child in it, or gives it back with the number of the error.
    fn begin(
        &mut self,
        child: Box<Child>,
        serial: u64,
        descriptors: bool,
    ) -> Result<i32, (i32, Box<Child>)> {
        self.inside.store(1, Ordering::Release);
        let shared = Shared {
            memory: Some(OwnStack {
                top: self.stack.end(),
                inside: self.inside.as_ptr(),
            }),
            descriptors,
        };
        let child = Box::into_raw(child);
        // SAFETY: signals are blocked; the child's data and stack are not touched
        // before `clear` finds that it has left.
        match unsafe { calls::begin(child, &shared) } {
            Ok(pid) => {
                self.child = NonNull::new(child);
                self.pid = pid;
                self.serial = serial;
                Ok(pid)
            }
            Err(number) => {
                self.inside.store(0, Ordering::Release);
                // SAFETY: made by into_raw above; there is no child.
                Err((number, unsafe { Box::from_raw(child) }))
            }
        }
    }

    /// Frees what a child has left behind; true where one has.
    fn clear(&mut self) -> bool {
        if self.child.is_none() || self.inside.load(Ordering::Acquire) != 0 {
            return false;
        }
        if let Some(child) = self.child.take() {
            // SAFETY: made by into_raw in `begin`; whoever read it is not there any more.
            drop(unsafe { Box::from_raw(child.as_ptr()) });
        }
        self.pid = 0;
        true
    }
}

#[cfg(test)]
mod tests;
