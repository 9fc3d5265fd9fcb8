//! A log that clients follow: the stream of all that is written to it, from one
//! file to the next.
//!
//! The writers of the log tell what they write and which file they go on with, so
//! nobody guesses by the path: where a file was moved away and another has its
//! name, the stream stays with the one that is written to. What was written last
//! is kept until all followers have it; what is older is read from the files,
//! which stay open until then. So nothing is lost by what becomes of the files
//! meanwhile, unless a follower is far behind and its file is cut short.
//!
//! What others write to the file, or cut off it, is found by looking. A log that
//! nobody follows has none of this.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io::{self, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::rc::{Rc, Weak};
use std::time::{Duration, UNIX_EPOCH};

use nix::fcntl::OFlag;

use crate::loggers::window;
use crate::snapshot::saved;
use crate::sys::safe_path;

/// How much of what was written last is kept, in bytes.
const RECENT: usize = 64 * 1024;
/// How many files are kept open for followers that are behind.
const FILES: usize = 16;
/// How many files are known for them: what stood in one may still be recent.
const STRETCHES: usize = 1024;
/// How many files that were left are remembered.
const LEFT: usize = 16;

/// The log as all who follow it and write to it share it.
pub type Shared = Rc<RefCell<FollowedLog>>;

/// The stream.
#[derive(Debug)]
pub struct FollowedLog {
    path: String,
    /// What it consists of, the oldest first; never empty.
    stretches: VecDeque<Stretch>,
    /// The number of the oldest.
    first: u64,
    /// How many bytes it has had.
    end: u64,
    /// The last of them.
    recent: VecDeque<u8>,
    /// How many writers tell what they write.
    writers: usize,
    /// How far the followers are.
    positions: Vec<Weak<Cell<Position>>>,
    /// Files that were left, with how much of each belonged to the stream: one may come back.
    left: VecDeque<(Inode, u64)>,
}

saved! {
    struct FollowedLog {
        path, stretches, first, end, recent, writers, positions, left,
    }
}

/// A part of the stream that stands in one file.
#[derive(Debug)]
struct Stretch {
    /// `None` if it cannot be read, or no more.
    file: Option<Rc<File>>,
    inode: Inode,
    /// Where it begins in the stream.
    start: u64,
    /// Where it begins in the file.
    offset: u64,
    /// The file was cut short there.
    is_cut: bool,
}

saved! { struct Stretch { file, inode, start, offset, is_cut } }

/// What makes a file another one. Numbers come back when a file is removed, so
/// the time of its making belongs to it, where the system tells that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
    made: Option<Duration>,
}

saved! { struct Inode { device, number, made } }

impl Inode {
    fn of(found: &Metadata) -> Inode {
        let made = found.created().ok();
        Inode {
            device: found.dev(),
            number: found.ino(),
            made: made.and_then(|made| made.duration_since(UNIX_EPOCH).ok()),
        }
    }
}

/// How far a follower is: in which stretch, and where in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    stretch: u64,
    at: u64,
}

saved! { struct Position { stretch, at } }

/// What a follower was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Bytes,
    /// It has all there is.
    Nothing,
    /// No bytes, but it came nearer to them: try again.
    NextFile,
    /// The file was cut short here.
    Cut,
    /// What comes here cannot be had any more: its file was cut short, or more
    /// files have come than are kept open.
    Skipped,
}

impl FollowedLog {
    /// The log at that path, which begins as what `written` holds, the file that
    /// its writer has open, or what the path leads to.
    pub fn open(path: &str, written: Option<&File>) -> io::Result<FollowedLog> {
        let file = match written.and_then(|file| reader(file, path)) {
            Some(file) => file,
            None => open(path)?,
        };
        let found = file.metadata()?;
        let mut log = FollowedLog {
            path: path.to_owned(),
            stretches: VecDeque::new(),
            first: 0,
            end: 0,
            recent: VecDeque::new(),
            writers: 0,
            positions: Vec::new(),
            left: VecDeque::new(),
        };
        log.add_stretch(Some(Rc::new(file)), Inode::of(&found), 0, false);
        log.note_size(readable_size(&found));
        Ok(log)
    }

    /// One more follower, which begins with so many bytes of the present file.
    /// Where that has been written last is told with it.
    pub fn follow(&mut self, backlog: u64) -> (Rc<Cell<Position>>, Option<Metadata>) {
        let stretch = self.last();
        let (mut at, mut found) = (self.end, None);
        if let Some(last) = self.stretches.back() {
            at = last.start.max(self.end.saturating_sub(backlog));
            if let Some(file) = &last.file {
                found = file.metadata().ok();
                let offset = last.offset + (at - last.start);
                let whole = window::behind_character(&**file, offset, self.size());
                at += whole.map_or(0, |whole| whole.saturating_sub(offset));
            }
        }
        let position = Rc::new(Cell::new(Position { stretch, at }));
        self.positions.push(Rc::downgrade(&position));
        (position, found)
    }

    /// The number of the last stretch.
    fn last(&self) -> u64 {
        self.first + self.stretches.len() as u64 - 1
    }

    /// Whether there is something for a follower.
    pub fn has_news(&self, position: Position) -> bool {
        position.at < self.end || position.stretch < self.last()
    }

    /// Gives a follower at most so many of its next bytes; `buffer` is empty if it
    /// gets none.
    pub fn take(
        &mut self,
        position: &Cell<Position>,
        buffer: &mut Vec<u8>,
        most: usize,
    ) -> io::Result<Taken> {
        buffer.clear();
        let Position {
            stretch: number,
            at,
        } = position.get();
        let Some(index) = number.checked_sub(self.first) else {
            let at = self.stretches.front().map_or(self.end, |first| first.start);
            let stretch = self.first;
            position.set(Position { stretch, at });
            return Ok(Taken::Skipped);
        };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(stretch) = self.stretches.get(index) else {
            return Ok(Taken::Nothing);
        };
        let next = self.stretches.get(index + 1);
        let end = next.map_or(self.end, |next| next.start);
        if at < end {
            let moved = self.read(stretch, at, end, buffer, most)?;
            position.set(Position {
                stretch: number,
                at: at + moved,
            });
            self.forget_what_all_have();
            return Ok(match buffer.is_empty() {
                true => Taken::Skipped,
                false => Taken::Bytes,
            });
        }
        let Some(next) = next else {
            return Ok(Taken::Nothing);
        };
        let taken = match next.is_cut {
            true => Taken::Cut,
            false => Taken::NextFile,
        };
        position.set(Position {
            stretch: number + 1,
            at: next.start,
        });
        self.forget_what_all_have();
        Ok(taken)
    }

    /// Reads from a position in a stretch, and says by how much that moves: by
    /// more than was read where the rest is not there any more.
    fn read(
        &self,
        stretch: &Stretch,
        at: u64,
        end: u64,
        buffer: &mut Vec<u8>,
        most: usize,
    ) -> io::Result<u64> {
        let most = usize::try_from(end - at).map_or(most, |left| left.min(most));
        let recent = self.end - self.recent.len() as u64;
        if let Some(skip) = at.checked_sub(recent) {
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            buffer.extend(self.recent.iter().skip(skip).take(most));
            return Ok(buffer.len() as u64);
        }
        if let Some(file) = &stretch.file {
            buffer.resize(most, 0);
            let outcome = file.read_at(buffer, stretch.offset + (at - stretch.start));
            buffer.truncate(*outcome.as_ref().unwrap_or(&0));
            if outcome? > 0 {
                return Ok(buffer.len() as u64);
            }
        }
        Ok(recent.min(end) - at)
    }

    /// Finds what others have done: they may have written to the file or cut it
    /// short, and without a writer the path may lead to another one.
    pub fn look_around(&mut self) {
        let file = self.stretches.back().and_then(|last| last.file.as_ref());
        if let Some(found) = file.and_then(|file| file.metadata().ok()) {
            self.note_size(readable_size(&found));
        }
        if self.writers > 0 {
            return;
        }
        let present = self.stretches.back().map(|last| last.inode);
        let named = fs::metadata(&self.path).ok();
        if named.is_some_and(|named| Some(Inode::of(&named)) != present)
            && let Ok(file) = open(&self.path)
        {
            self.go_on_with(&file);
        }
    }

    /// A writer has this file open now.
    fn go_on_with(&mut self, file: &File) {
        let Ok(found) = file.metadata() else {
            return;
        };
        let (inode, size) = (Inode::of(&found), readable_size(&found));
        if self.stretches.back().is_none_or(|last| last.inode != inode) {
            let came_back = |left: &&(Inode, u64)| left.0 == inode && inode.made.is_some();
            let known = self.left.iter().rfind(came_back);
            let offset = known.map_or(0, |(_, end)| size.min(*end));
            self.leave(file, inode, offset);
        }
        self.note_size(size);
    }

    /// A writer has written to this file. Where that ends tells its own position: others
    /// may have written behind it.
    fn wrote(&mut self, mut file: &File, data: &[u8]) {
        let (Ok(found), Ok(end)) = (file.metadata(), file.stream_position()) else {
            return;
        };
        let before = end.saturating_sub(data.len() as u64);
        let inode = Inode::of(&found);
        if self.stretches.back().is_none_or(|last| last.inode != inode) {
            // Two writers of one log have different files until one reopens it.
            self.leave(file, inode, before);
        }
        self.note_size(before);
        self.end += data.len() as u64;
        if self
            .positions
            .iter()
            .all(|position| position.strong_count() == 0)
        {
            self.forget_what_all_have();
            return;
        }
        self.recent.extend(data);
        let surplus = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..surplus);
    }

    /// How many bytes of the present file are known.
    fn size(&self) -> u64 {
        let last = self.stretches.back();
        last.map_or(0, |last| last.offset + (self.end - last.start))
    }

    /// The present file has so many bytes, whoever has written them.
    fn note_size(&mut self, size: u64) {
        if size < self.size() {
            self.note_cut();
        }
        let more = size.saturating_sub(self.size());
        if more > 0 {
            self.end += more;
            self.recent.clear();
        }
    }

    /// The present file was cut short: it begins anew, and what it held is gone.
    fn note_cut(&mut self) {
        let Some(last) = self.stretches.back() else {
            return;
        };
        let (inode, file) = (last.inode, last.file.clone());
        for stretch in &mut self.stretches {
            if stretch.inode == inode {
                stretch.file = None;
            }
        }
        self.add_stretch(file, inode, 0, true);
    }

    fn leave(&mut self, file: &File, inode: Inode, offset: u64) {
        if let Some(last) = self.stretches.back() {
            self.left.push_back((last.inode, self.size()));
        }
        if self.left.len() > LEFT {
            self.left.pop_front();
        }
        let file = reader(file, &self.path).map(Rc::new);
        self.add_stretch(file, inode, offset, false);
    }

    fn add_stretch(&mut self, file: Option<Rc<File>>, inode: Inode, offset: u64, is_cut: bool) {
        self.stretches.push_back(Stretch {
            file,
            inode,
            start: self.end,
            offset,
            is_cut,
        });
        self.forget_what_all_have();
        if self.stretches.len() > STRETCHES {
            self.stretches.pop_front();
            self.first += 1;
        }
        let open = self.stretches.iter_mut().rev();
        let surplus = open.filter(|stretch| stretch.file.is_some()).nth(FILES);
        if let Some(oldest) = surplus {
            oldest.file = None;
        }
    }

    fn forget_what_all_have(&mut self) {
        self.positions
            .retain(|position| position.strong_count() > 0);
        let (mut number, mut at) = (u64::MAX, self.end);
        for position in self.positions.iter().filter_map(Weak::upgrade) {
            number = number.min(position.get().stretch);
            at = at.min(position.get().at);
        }
        while self.first < number && self.stretches.len() > 1 {
            self.stretches.pop_front();
            self.first += 1;
        }
        if at == self.end {
            self.recent = VecDeque::new();
        }
    }
}

/// What a writer tells the followers of its log with.
#[derive(Debug)]
pub struct Announcer(Weak<RefCell<FollowedLog>>);

saved! { struct Announcer(_); }

impl Announcer {
    /// One more writer of that log.
    pub fn new(log: &Shared) -> Announcer {
        log.borrow_mut().writers += 1;
        Announcer(Rc::downgrade(log))
    }

    pub fn is_heard(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// The writer has this file open now.
    pub fn goes_on_with(&self, file: &File) {
        if let Some(log) = self.0.upgrade() {
            log.borrow_mut().go_on_with(file);
        }
    }

    /// The writer has written to this file.
    pub fn wrote(&self, file: &File, data: &[u8]) {
        if let Some(log) = self.0.upgrade() {
            log.borrow_mut().wrote(file, data);
        }
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        if let Some(log) = self.0.upgrade() {
            let mut log = log.borrow_mut();
            log.writers = log.writers.saturating_sub(1);
        }
    }
}

/// Opens for reading what somebody has open for writing, whatever its name is
/// now. Where the system has no such way, the path has to lead there.
fn reader(file: &File, path: &str) -> Option<File> {
    let inode = |file: &File| file.metadata().ok().map(|found| Inode::of(&found));
    let by_number = format!("/proc/self/fd/{}", file.as_raw_fd());
    [by_number.as_str(), path]
        .into_iter()
        .filter_map(|way| open(way).ok())
        .find(|opened| inode(opened) == inode(file))
}

/// Never waits for the other end of a FIFO and never takes a terminal over.
fn open(path: &str) -> io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    safe_path::open(Path::new(path), flags, 0)
}

/// Pipes and terminals have nothing to follow: reading would take it from others.
fn readable_size(found: &Metadata) -> u64 {
    match found.is_file() {
        true => found.len(),
        false => 0,
    }
}

#[cfg(test)]
mod tests;
