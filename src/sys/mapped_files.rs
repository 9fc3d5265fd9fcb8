//! The pages of files that are mapped into this process: the code and constants of
//! the program, and of the libraries that it is linked with.
//!
//! The kernel maps a page when it is touched, with the 64 KiB around it, and what the
//! start touched stays, although next to nothing of it is needed again. It
//! counts as memory of the process. [`Unchanged::let_go_and_wait`] takes it out: the data
//! stay in the system's cache, which may now use the room for others when memory is
//! short, and what is touched next is mapped again.
//!
//! What differs from its file would be lost. So a mapping stays as it is where the program
//! asked for one that can be written to, even if that was for the start only. And so
//! does one with a page of its own, into which a debugger or tracer has put a breakpoint:
//! the kernel counts these. Not every system that calls itself Linux does, hence both.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Range;
#[cfg(target_os = "linux")]
use std::os::fd::{AsRawFd, BorrowedFd};
#[cfg(target_os = "linux")]
use std::ptr;
#[cfg(target_os = "linux")]
use std::time::Duration;

/// What Linux tells of each mapping of this process; other systems have no such file.
/// A process that has changed its user may read it, too.
const MAPPINGS: &str = "/proc/self/smaps";

/// How much is read of it at a time: little, lest the heap grow for it.
const READ_AT_ONCE: usize = 1024;

/// What that tells of the pages which a mapping does not share with its file: in memory,
/// swapped out, and in huge pages of their own. All three have to be 0.
const OWN_PAGES: [&str; 3] = ["Anonymous:", "Swap:", "Private_Hugetlb:"];

/// The mappings of code and constants whose pages are all as in their files, by address.
#[derive(Debug, Default)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub struct Unchanged(Vec<Range<usize>>);

/// A part of the program or a library as it lies in memory.
#[derive(Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
struct Segment {
    addresses: Range<usize>,
    is_writable: bool,
}

impl Unchanged {
    /// Looks for them; finds none where the system does not tell.
    pub fn find() -> Unchanged {
        let Ok(file) = File::open(MAPPINGS) else {
            return Unchanged::default();
        };
        let text = BufReader::with_capacity(READ_AT_ONCE, file);
        unchanged(text, &segments()).unwrap_or_default()
    }

    /// Lets go of their pages, then waits until something in the kernel's set `epoll` is
    /// ready, the time is over (`None`: no limit) or a signal was handled; which of them is
    /// not told. Pages that cannot be let go of stay: those of a mapping that is locked
    /// into memory, for one.
    ///
    /// Both by the same function of the C library, since each other that leads to
    /// the wait lies elsewhere in the code and would map 64 KiB again.
    #[cfg(target_os = "linux")]
    #[inline(never)]
    pub fn let_go_and_wait(&self, epoll: BorrowedFd<'_>, timeout: Option<Duration>) {
        let milliseconds = timeout.map_or(-1, |timeout| {
            libc::c_int::try_from(timeout.as_millis()).unwrap_or(libc::c_int::MAX)
        });
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        for mapping in &self.0 {
            // SAFETY: the mapping is a file's, cannot be written to, and has no page that
            // differs from the file: what is read there next is what was there. It has not
            // gone, as nothing in this program unloads code.
            unsafe {
                libc::syscall(
                    libc::SYS_madvise,
                    mapping.start,
                    mapping.len(),
                    libc::MADV_DONTNEED,
                )
            };
        }
        // SAFETY: the kernel writes at most one event, and reads no set of signals.
        unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait,
                epoll.as_raw_fd(),
                &raw mut event,
                1,
                milliseconds,
                ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
    }
}

/// Out of the text of `smaps`: the mappings of files that hold segments which cannot
/// be written to, and no page of their own. `None` if the text is not as expected.
fn unchanged(text: impl BufRead, segments: &[Segment]) -> Option<Unchanged> {
    let mut found = Vec::new();
    let mut candidate = None;
    let mut zeros = 0;
    for line in text.lines() {
        let line = line.ok()?;
        let mut words = line.split_ascii_whitespace();
        let first = words.next()?;
        if let Some((start, end)) = first.split_once('-') {
            let address = |digits| usize::from_str_radix(digits, 16).ok();
            let addresses = address(start)?..address(end)?;
            let is_file = words.nth(4).is_some_and(|path| path.starts_with('/'));
            candidate = (is_file && is_constant(&addresses, segments)).then_some(addresses);
            zeros = 0;
        } else if OWN_PAGES.contains(&first) && words.next()? == "0" {
            zeros += 1;
            if zeros == OWN_PAGES.len() {
                found.extend(candidate.take());
            }
        }
    }
    Some(Unchanged(found))
}

/// Whether there are segments at these addresses, and none that can be written to.
fn is_constant(addresses: &Range<usize>, segments: &[Segment]) -> bool {
    let mut here = segments.iter().filter(|segment| {
        let other = &segment.addresses;
        other.start < addresses.end && addresses.start < other.end
    });
    here.next().is_some_and(|first| !first.is_writable) && here.all(|next| !next.is_writable)
}

/// All segments of the program and its libraries.
#[cfg(target_os = "linux")]
fn segments() -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    // SAFETY: `note` is called during this call only, and is handed the pointer to
    // `segments` that nothing else uses meanwhile.
    unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut segments).cast()) };
    segments
}

/// Notes the segments of one object; 0 goes on to the next.
#[cfg(target_os = "linux")]
unsafe extern "C" fn note(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    segments: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: as `segments` hands it over.
    let segments = unsafe { &mut *segments.cast::<Vec<Segment>>() };
    // SAFETY: the C library hands over an object with as many headers as it says.
    let (base, headers) = unsafe {
        let object = &*object;
        let count = usize::from(object.dlpi_phnum);
        (
            object.dlpi_addr,
            std::slice::from_raw_parts(object.dlpi_phdr, count),
        )
    };
    for header in headers
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD)
    {
        let start = base.wrapping_add(header.p_vaddr) as usize;
        segments.push(Segment {
            addresses: start..start.wrapping_add(header.p_memsz as usize),
            is_writable: header.p_flags & libc::PF_W != 0,
        });
    }
    0
}

#[cfg(not(target_os = "linux"))]
fn segments() -> Vec<Segment> {
    Vec::new()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// Constant, but for its address, which is written into it at the start.
    static RELOCATED: [&(dyn Fn() + Sync); 1] = [&|| {}];

    fn segment(addresses: Range<usize>, is_writable: bool) -> Segment {
        Segment {
            addresses,
            is_writable,
        }
    }

    fn mapping(line: &str, own: [u32; 3]) -> String {
        let [anonymous, swap, huge] = own;
        format!(
            "{line}\nSize: 64 kB\nRss: 60 kB\nAnonymous: {anonymous} kB\nAnonHugePages: 0 kB\n\
             Private_Hugetlb: {huge} kB\nSwap: {swap} kB\nSwapPss: 0 kB\nVmFlags: rd mr mw me\n"
        )
    }

    #[test]
    fn only_constant_mappings_of_files_without_own_pages_are_let_go() {
        let segments = [
            segment(0x1000..0x1800, false),
            segment(0x2000..0x2f00, false),
            segment(0x3e00..0x4200, true),
            segment(0x7000..0x7100, false),
        ];
        let found = |line: &str, own| {
            let text = mapping("9000-a000 rw-p 0 00:00 0", [4, 0, 0])
                + &mapping(line, own)
                + &mapping("b000-c000 rw-p 0 00:00 0 [stack]", [0, 0, 0]);
            let found = unchanged(text.as_bytes(), &segments).unwrap().0;
            assert!(found.len() < 2, "{found:?}");
            found.first().cloned()
        };
        let clean = [0, 0, 0];
        for (line, own, expected) in [
            (
                "1000-2000 r--p 0 fe:00 7 /bin/d",
                clean,
                Some(0x1000..0x2000),
            ),
            (
                "1000-3000 r-xp 0 fe:00 7 /bin/d (deleted)",
                clean,
                Some(0x1000..0x3000),
            ),
            // A breakpoint; one that was swapped out; huge pages.
            ("1000-3000 r-xp 0 fe:00 7 /bin/d", [4, 0, 0], None),
            ("1000-3000 r-xp 0 fe:00 7 /bin/d", [0, 4, 0], None),
            ("1000-3000 r-xp 0 fe:00 7 /bin/d", [0, 0, 2048], None),
            // Written to by the linker at the start.
            ("3000-4000 r--p 0 fe:00 7 /bin/d", clean, None),
            ("2000-4000 r--p 0 fe:00 7 /bin/d", clean, None),
            // The kernel's, somebody's data, and nobody's.
            ("7000-8000 r-xp 0 00:00 0 [vdso]", clean, None),
            ("7000-8000 r-xp 0 00:00 0", clean, None),
            ("d000-e000 r--s 0 fe:00 9 /etc/zone", clean, None),
        ] {
            assert_eq!(found(line, own), expected, "{line} {own:?}");
        }
    }

    #[test]
    fn what_is_not_told_is_not_let_go() {
        let segments = [segment(0x1000..0x1800, false)];
        let text = mapping("1000-2000 r-xp 0 fe:00 7 /bin/d", [0, 0, 0]);
        assert_eq!(unchanged(text.as_bytes(), &segments).unwrap().0.len(), 1);
        for key in OWN_PAGES {
            let less = text.replace(key, "Other:");
            assert_eq!(unchanged(less.as_bytes(), &segments).unwrap().0.len(), 0);
        }
        let strange = text.replace("1000-", "one-");
        assert!(unchanged(strange.as_bytes(), &segments).is_none());
        assert!(unchanged("\n".as_bytes(), &segments).is_none());
        assert!(unchanged(&[0xff, b'\n'][..], &segments).is_none());
    }

    #[test]
    fn code_is_found_and_works_afterwards_and_what_was_relocated_is_not() {
        let unchanged = Unchanged::find();
        let is_found = |address: usize| unchanged.0.iter().any(|other| other.contains(&address));
        let code = Unchanged::find as *const () as usize;
        assert!(is_found(code), "{code:x} in {unchanged:x?}");
        for other in [&raw const RELOCATED as usize, &raw const code as usize] {
            assert!(!is_found(other), "{other:x} in {unchanged:x?}");
        }
        let poller = polling::Poller::new().unwrap();
        unchanged.let_go_and_wait(poller.as_fd(), Some(Duration::ZERO));
        RELOCATED[0]();
        assert!(!Unchanged::find().0.is_empty());
    }
}
