//! Low numbers of descriptors that are kept for what children are given.
//!
//! A child that shares the daemon's table of descriptors leaves it by close_range(2)
//! with a copy of its low end, which is little where all that it needs lies there. So
//! a few numbers are held from the time when there are many descriptors. What a child
//! is given is put there, and is out of the daemon's hands when the child has left.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::sys::futex;
use crate::sys::limits::{self, Limit};
use crate::sys::pages::Pages;
use crate::sys::spawn::calls;
use crate::sys::spawn::child::Apart;

/// Up to here a copy of all descriptors costs next to nothing.
const FEW: RawFd = 128;
/// Where the limit is low they are left to programs.
const LOW_LIMIT: u64 = 4096;
/// So many children may be about to leave at once.
const COUNT: usize = 8;
/// How long one of them is waited for where all places are lent.
const PATIENCE: Duration = Duration::from_millis(2);

/// In how long a child should have left, and how often one is looked for that has not.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// All places.
#[derive(Debug, Default)]
pub(super) enum Places {
    /// There are not many descriptors yet.
    #[default]
    NotNeeded,
    /// The system does not give them.
    Refused,
    /// They are held.
    Held(Box<Held>),
}

/// Three numbers, lent to a child.
#[derive(Debug)]
pub(super) struct Place {
    /// What becomes its descriptors 0, 1 and 2.
    pub descriptors: [RawFd; 3],
    index: usize,
    first_left: RawFd,
    has_left: *const AtomicU32,
}

impl Place {
    /// How the child leaves.
    pub fn apart(&self) -> Apart {
        Apart {
            first_left: self.first_left,
            has_left: self.has_left,
        }
    }
}

impl Places {
    /// Puts copies of these into a place; `None` where the child is better given a
    /// copy of all that is open.
    pub fn lend(&mut self, streams: [BorrowedFd<'_>; 3]) -> Option<Place> {
        let highest = streams.iter().map(AsRawFd::as_raw_fd).max();
        if highest.is_none_or(|highest| highest < FEW) {
            return None;
        }
        if matches!(self, Places::NotNeeded) {
            *self = Held::new().map_or(Places::Refused, |held| Places::Held(Box::new(held)));
        }
        match self {
            Places::Held(held) => held.lend(streams),
            _ => None,
        }
    }

    /// Notes to whom a place was lent, or takes it back where there is no child.
    pub fn note(&mut self, place: Place, pid: Option<i32>) {
        if let Places::Held(held) = self {
            held.note(place.index, pid);
        }
    }

    /// Takes back what children have left.
    pub fn tidy(&mut self) {
        if let Places::Held(held) = self {
            held.tidy();
        }
    }

    /// That child has ended, whether it had left or not.
    pub fn forget(&mut self, pid: i32) {
        if let Places::Held(held) = self {
            held.forget(pid);
        }
    }

    /// After what time to look for what is lent; `None` where nothing is, and for the
    /// second time.
    pub fn next_look(&mut self) -> Option<Duration> {
        match self {
            Places::Held(held) if held.lent.iter().any(Option::is_some) => held.next_look.take(),
            _ => None,
        }
    }

    /// That time has come. What is lent yet is looked for less and less often.
    pub fn look(&mut self) {
        if let Places::Held(held) = self {
            held.pause = (held.pause * 2).min(LONGEST_PAUSE);
            held.next_look = Some(held.pause);
        }
    }
}

/// Places that are held.
#[derive(Debug)]
pub(super) struct Held {
    places: [[OwnedFd; 3]; COUNT],
    /// To whom each is lent.
    lent: [Option<i32>; COUNT],
    /// Lies in a place that nobody needs.
    filler: OwnedFd,
    first_left: RawFd,
    left: Flags,
    /// Where to look for a free one first: behind the one that was lent last.
    next: usize,
    pause: Duration,
    /// What is to be told of it.
    next_look: Option<Duration>,
    /// One was waited for in vain, and none has come back since.
    is_stuck: bool,
}

impl Held {
    fn new() -> Option<Held> {
        let limit = limits::soft(Limit::OpenFiles);
        if limit < LOW_LIMIT || !calls::CAN_SHARE || !calls::can_leave_descriptors() {
            return None;
        }
        let filler: OwnedFd = File::open("/dev/null").ok()?.into();
        let copy = || filler.try_clone().ok();
        let mut places = Vec::with_capacity(COUNT);
        for _ in 0..COUNT {
            places.push([copy()?, copy()?, copy()?]);
        }
        let highest = places.iter().flatten().map(AsRawFd::as_raw_fd).max()?;
        Some(Held {
            places: places.try_into().ok()?,
            lent: [None; COUNT],
            filler,
            first_left: highest + 1,
            left: Flags::new()?,
            next: 0,
            pause: FIRST_PAUSE,
            next_look: None,
            is_stuck: false,
        })
    }

    fn lend(&mut self, streams: [BorrowedFd<'_>; 3]) -> Option<Place> {
        if self.free().is_none() && !self.is_stuck {
            // The one that was lent first.
            futex::wait_while(self.left.word(self.next), 0, PATIENCE);
            self.is_stuck = true;
            self.tidy();
        }
        let index = self.free()?;
        let descriptors = self.places.get(index)?.each_ref().map(AsRawFd::as_raw_fd);
        for (stream, place) in streams.iter().zip(descriptors) {
            if !put(stream.as_raw_fd(), place) {
                self.empty(index);
                return None;
            }
        }
        let has_left = self.left.word(index);
        has_left.store(0, Ordering::Release);
        Some(Place {
            descriptors,
            index,
            first_left: self.first_left,
            has_left: ptr::from_ref(has_left),
        })
    }

    /// A place that is not lent, the one that was lent the longest time ago first.
    fn free(&self) -> Option<usize> {
        let mut places = (self.next..COUNT).chain(0..self.next);
        places.find(|index| self.lent.get(*index).is_some_and(Option::is_none))
    }

    fn note(&mut self, index: usize, pid: Option<i32>) {
        match (pid, self.lent.get_mut(index)) {
            (Some(pid), Some(lent)) => {
                *lent = Some(pid);
                self.next = (index + 1) % COUNT;
                self.pause = FIRST_PAUSE;
                self.next_look = Some(FIRST_PAUSE);
            }
            _ => self.empty(index),
        }
    }

    fn tidy(&mut self) {
        for index in 0..COUNT {
            let is_lent = self.lent.get(index).is_some_and(Option::is_some);
            if is_lent && self.left.word(index).load(Ordering::Acquire) != 0 {
                self.empty(index);
            }
        }
    }

    fn forget(&mut self, pid: i32) {
        let lent = self.lent.iter().position(|lent| *lent == Some(pid));
        if let Some(index) = lent {
            self.empty(index);
        }
    }

    /// What lies in a place is closed, and its number kept.
    fn empty(&mut self, index: usize) {
        for place in self.places.get(index).into_iter().flatten() {
            put(self.filler.as_raw_fd(), place.as_raw_fd());
        }
        if let Some(lent) = self.lent.get_mut(index) {
            *lent = None;
        }
        self.is_stuck = false;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.tidy();
        if self.lent.iter().all(Option::is_none) {
            self.left.give_back();
        }
    }
}

/// dup3(2) onto a place of ours, closed on exec.
fn put(source: RawFd, place: RawFd) -> bool {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: what lay in a place is nobody's any more.
        unsafe { libc::dup3(source, place, libc::O_CLOEXEC) == place }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (source, place);
        false
    }
}

/// A page that children share even where the rest of their memory is a copy.
#[derive(Debug)]
struct Flags(ManuallyDrop<Pages>);

impl Flags {
    fn new() -> Option<Flags> {
        let pages = Pages::shared(COUNT * size_of::<AtomicU32>())?;
        Some(Flags(ManuallyDrop::new(pages)))
    }

    /// The word of a place: 0 until its child has left.
    fn word(&self, index: usize) -> &AtomicU32 {
        let first = self.0.start().cast::<AtomicU32>();
        // SAFETY: within the page, which is zero at first and mapped until `give_back`.
        unsafe { first.add(index % COUNT).as_ref() }
    }

    /// No child knows the page any more: one that had not left could write to it.
    fn give_back(&mut self) {
        // SAFETY: the end of its owner, who does not come here twice.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}
