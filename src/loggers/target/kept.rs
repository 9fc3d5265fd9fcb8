//! How the files of a log are kept beyond their sizes: rolled over when a day has passed, and
//! with an owner and a mode of their own. A log without such keys has none of this.
//!
//! Owner and mode are set by the descriptor that is written to. Where others may replace files,
//! one that was there before stays as it is: it may be anybody's that was given its name.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::rc::Rc;

use super::Target;
use crate::clock::Timestamp;
use crate::config::keeping::{FileKeeping, Rotate};
use crate::loggers::day::{self, Day, Turn};
use crate::loggers::failure::{LogFailure, LogOperation};
use crate::loggers::rollover::{self, NewFile};
use crate::snapshot::saved;
use crate::sys::refused::Refused;
use crate::sys::safe_path::{self, FileAt};
use crate::sys::{time, trust};

/// The bits of a mode that are set.
const MODE: u32 = 0o7777;

#[derive(Debug)]
pub(super) struct Kept {
    keeping: Rc<FileKeeping>,
    /// The day that the file is of.
    day: Day,
    /// The processor works on a backup, which must keep its name until it has ended.
    is_busy: bool,
    /// The files that were moved aside and that nobody has taken note of, the oldest first.
    rotated: VecDeque<Inode>,
}

saved! { struct Kept { keeping, day, is_busy, rotated } }

/// Device and number of a file.
pub type Inode = (u64, u64);

/// Makes the file of a log before it is opened first, so that nobody can read it in between
/// whom its mode keeps out. What is wrong shows when it is opened.
pub fn make_first(path: &str, keeping: &FileKeeping) {
    if keeping.mode.is_some() {
        let _ = rollover::make(path, new_file(keeping, None));
    }
}

fn new_file(keeping: &FileKeeping, mode: Option<u32>) -> NewFile {
    NewFile {
        mode: keeping.mode.or(mode),
        owner: keeping.owner,
        has_processor: keeping.processor.is_some(),
    }
}

/// The day of a moment here.
pub fn day_of(moment: Timestamp) -> Day {
    let local = time::local(moment);
    Day {
        year: local.year,
        month: local.month,
        day: local.day,
    }
}

impl Target {
    /// From now on its files are kept so, and as others want it who write to it; its processor
    /// may work on one of them. A file that was last written on a day before this one rolls over.
    pub fn keep(&mut self, keeping: &Rc<FileKeeping>, now: Timestamp, is_busy: bool) {
        let today = day_of(now);
        let day = match &self.kept {
            Some(kept) if kept.keeping.rotate == Rotate::Daily => kept.day,
            _ => self.day_written().unwrap_or(today),
        };
        let before = self.kept.take();
        let keeping = match &before {
            Some(before) => keeping.joined(&before.keeping),
            None => Rc::clone(keeping),
        };
        self.kept = Some(Box::new(Kept {
            keeping,
            day,
            is_busy,
            rotated: before.map(|before| before.rotated).unwrap_or_default(),
        }));
        self.own_file();
        self.turn_to(today);
    }

    /// From now on its files are kept as is usual, but for one whose processor is still to come.
    pub fn forget_keeping(&mut self) {
        let idle = |kept: &mut Box<Kept>| !kept.is_busy && kept.rotated.is_empty();
        self.kept.take_if(idle);
    }

    /// Whether it rolls over when a day has passed.
    pub fn is_daily(&self) -> bool {
        let kept = self.kept.as_ref();
        kept.is_some_and(|kept| kept.keeping.rotate == Rotate::Daily)
    }

    /// The day on which something was written to the file last.
    fn day_written(&self) -> Option<Day> {
        let found = self.file()?.metadata().ok()?;
        let seconds = found.mtime();
        (found.len() > 0).then(|| {
            day_of(Timestamp {
                seconds,
                nanoseconds: 0,
            })
        })
    }

    /// It is this day: rolls over if the file is of one before. An empty file goes on, so that
    /// quiet days push no backup out.
    pub fn turn_to(&mut self, today: Day) {
        let Some(kept) = self
            .kept
            .as_mut()
            .filter(|kept| kept.keeping.rotate == Rotate::Daily)
        else {
            return;
        };
        let turn = day::turn(kept.day, today);
        if kept.is_busy && turn == Turn::RollOver {
            // It is looked at again within a minute.
            return;
        }
        kept.day = today;
        if turn == Turn::RollOver {
            let rotated = self.rotate_now();
            self.note(rotated);
        }
    }

    /// Rolls over whatever the size of the file, unless it is empty.
    pub fn rotate_now(&mut self) -> Result<(), LogFailure> {
        let is_empty = self.look().is_none_or(|found| found.len() == 0);
        if is_empty || !self.is_regular() || self.follows {
            return Ok(());
        }
        if self.is_busy() {
            let text = "its processor still works on the file that was rotated last".to_owned();
            let errno = libc::EBUSY;
            let error = Refused { errno, text }.into();
            return Err(self.failure(LogOperation::Rotate, &error));
        }
        self.roll_over()
    }

    /// Whether the processor works on one of its backups.
    pub(super) fn is_busy(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.is_busy)
    }

    pub fn set_busy(&mut self, is_busy: bool) {
        if let Some(kept) = &mut self.kept {
            kept.is_busy = is_busy;
        }
    }

    /// Takes note of a file that was moved aside, for its processor. One that has fallen off the
    /// backups since is not there any more.
    pub(super) fn note_rotated(&mut self, file: Option<Inode>) {
        let backups = usize::try_from(self.rotation.backups).unwrap_or(0);
        if let Some(kept) = &mut self.kept
            && kept.keeping.processor.is_some()
        {
            kept.rotated.extend(file);
            if kept.rotated.len() > backups {
                kept.rotated.pop_front();
            }
        }
    }

    /// The oldest file that was moved aside and not taken yet, if there is a processor for it.
    pub fn take_rotated(&mut self) -> Option<(Inode, Rc<FileKeeping>)> {
        let kept = self.kept.as_mut()?;
        let file = kept.rotated.pop_front()?;
        Some((file, Rc::clone(&kept.keeping)))
    }

    pub(super) fn inode(&self) -> Option<Inode> {
        let found = self.file()?.metadata().ok()?;
        Some((found.dev(), found.ino()))
    }

    /// What a file is to be that is made in the place of one with these permissions.
    pub(super) fn new_file(&self, mode: Option<u32>) -> NewFile {
        match &self.kept {
            Some(kept) => new_file(&kept.keeping, mode),
            None => NewFile {
                mode,
                ..NewFile::default()
            },
        }
    }

    pub(super) fn prepare_file(&self) {
        if let Some(kept) = &self.kept {
            make_first(&self.path, &kept.keeping);
        }
    }

    /// Gives the file that is written to its owner and mode.
    pub(super) fn own_file(&mut self) {
        let (Some(kept), Some(file)) = (&self.kept, self.file()) else {
            return;
        };
        if !self.is_regular() || self.follows {
            return;
        }
        let owned = own(file, &self.path, &kept.keeping);
        self.note(owned.map_err(|error| self.failure(LogOperation::Own, &error)));
    }
}

fn own(file: &File, path: &str, keeping: &FileKeeping) -> io::Result<()> {
    let found = file.metadata()?;
    let mode = keeping.mode.filter(|mode| *mode != found.mode() & MODE);
    let owner = keeping.owner.filter(|owner| {
        owner.uid.is_some_and(|uid| uid != found.uid())
            || owner.gid.is_some_and(|gid| gid != found.gid())
    });
    if mode.is_none() && owner.is_none() {
        return Ok(());
    }
    let place = FileAt::of(&safe_path::canonical(Path::new(path))?)?;
    let directory = place.directory().metadata()?;
    if !trust::is_kept_in(&directory, found.uid()) {
        let who = trust::description(&directory);
        let text = format!("its directory {who}, and the file was there before");
        return Err(Refused {
            errno: libc::EPERM,
            text,
        }
        .into());
    }
    if let Some(owner) = owner {
        fchown(file, owner.uid, owner.gid)?;
    }
    match mode {
        Some(mode) => file.set_permissions(fs::Permissions::from_mode(mode)),
        None => Ok(()),
    }
}
