//! What is told of pipes, by the kernel itself.

use super::*;
use crate::snapshot::tests::{caught, thrown};
use crate::snapshot::{Reader, Save, Saved, Writer};
use crate::sys::fd::{self, Pipe};
use crate::sys::tests::{handed_over, isolated};
use crate::vec_map::VecMap;

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

fn wait(poller: &mut Poller<char>) -> Vec<Ready<char>> {
    let mut ready = Vec::new();
    poller.wait(AT_ONCE, &mut ready).unwrap();
    ready
}

fn sources(poller: &mut Poller<char>) -> String {
    let mut found: Vec<char> = wait(poller).iter().map(|event| event.owner).collect();
    found.sort_unstable();
    found.into_iter().collect()
}

#[test]
fn readiness_is_a_level_and_is_told_until_the_data_are_read() {
    let mut poller = Poller::new().unwrap();
    let Pipe { read, write } = fd::pipe().unwrap();
    let token = poller.register(read, Interest::READ, 'r').unwrap();
    assert_eq!(sources(&mut poller), "");
    fd::write(write.as_fd(), b"x").unwrap();
    for _ in 0..3 {
        let ready = wait(&mut poller);
        assert_eq!(ready.len(), 1);
        assert!(ready[0].readable && !ready[0].writable);
        assert_eq!(ready[0].token, token);
    }
    fd::read(poller.descriptor(token).unwrap(), &mut [0; 8]).unwrap();
    assert_eq!(sources(&mut poller), "");
}

#[test]
fn closing_deletes_first_so_that_a_duplicate_tells_nothing() {
    let mut poller = Poller::new().unwrap();
    let Pipe { read, write } = fd::pipe().unwrap();
    // Such as a forked child has until it calls exec.
    let duplicate = read.try_clone().unwrap();
    let token = poller.register(read, Interest::READ, 'r').unwrap();
    fd::write(write.as_fd(), b"x").unwrap();
    assert_eq!(sources(&mut poller), "r");
    poller.close(token);
    assert_eq!(sources(&mut poller), "");
    // The kernel's own list is empty too: nothing wakes the wait.
    let mut events = polling::Events::new();
    assert_eq!(poller.inner.wait(&mut events, AT_ONCE).unwrap(), 0);
    drop(duplicate);
}

#[test]
fn a_hang_up_without_interest_does_not_spin() {
    let mut poller = Poller::new().unwrap();
    let Pipe { read, write } = fd::pipe().unwrap();
    let token = poller.register(write, Interest::NONE, 'w').unwrap();
    drop(read);
    let mut events = polling::Events::new();
    assert_eq!(poller.inner.wait(&mut events, AT_ONCE).unwrap(), 0);
    poller.set_interest(token, Interest::WRITE).unwrap();
    let ready = wait(&mut poller);
    assert!(ready[0].writable);
    poller.set_interest(token, Interest::NONE).unwrap();
    events.clear();
    assert_eq!(poller.inner.wait(&mut events, AT_ONCE).unwrap(), 0);
    // And it can be waited for once more.
    poller.set_interest(token, Interest::WRITE).unwrap();
    assert_eq!(sources(&mut poller), "w");
}

#[test]
fn a_stale_token_finds_nobody_even_in_a_slot_that_is_used_again() {
    let mut poller = Poller::new().unwrap();
    let old = fd::pipe().unwrap();
    let stale = poller.register(old.read, Interest::READ, 'o').unwrap();
    poller.close(stale);
    let new = fd::pipe().unwrap();
    let token = poller.register(new.read, Interest::READ, 'n').unwrap();
    assert_ne!(stale, token);
    assert_eq!(stale.0 & SLOT_MASK, token.0 & SLOT_MASK);
    assert!(poller.descriptor(stale).is_none());
    assert!(poller.take(stale).is_none());
    poller.close(stale);
    poller.set_interest(stale, Interest::NONE).unwrap();
    fd::write(new.write.as_fd(), b"x").unwrap();
    assert_eq!(sources(&mut poller), "n");
}

#[test]
fn what_is_taken_out_stays_open() {
    let mut poller = Poller::new().unwrap();
    let Pipe { read, write } = fd::pipe().unwrap();
    let token = poller.register(read, Interest::READ, 'r').unwrap();
    let read = poller.take(token).unwrap();
    fd::write(write.as_fd(), b"x").unwrap();
    assert_eq!(fd::read(read.as_fd(), &mut [0; 8]).unwrap(), 1);
}

#[test]
fn a_regular_file_is_refused_and_leaves_no_trace() {
    let mut poller = Poller::new().unwrap();
    let file = tempfile::tempfile().unwrap();
    let error = poller
        .register(file.into(), Interest::READ, 'f')
        .unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    let Pipe { read, write } = fd::pipe().unwrap();
    let token = poller.register(read, Interest::READ, 'r').unwrap();
    assert_eq!(token.0 & SLOT_MASK, 0);
    fd::write(write.as_fd(), b"x").unwrap();
    assert_eq!(sources(&mut poller), "r");
}

#[test]
fn more_descriptors_than_events_at_a_time_all_get_their_turn() {
    let mut poller = Poller::new().unwrap();
    let mut writers = Vec::new();
    let mut tokens = Vec::new();
    for _ in 0..100 {
        let Pipe { read, write } = fd::pipe().unwrap();
        tokens.push(poller.register(read, Interest::READ, 'r').unwrap());
        fd::write(write.as_fd(), b"x").unwrap();
        writers.push(write);
    }
    while !tokens.is_empty() {
        let ready = wait(&mut poller);
        assert!(!ready.is_empty());
        for event in ready {
            tokens.retain(|token| *token != event.token);
            poller.close(event.token);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_wait_ended_later_by_a_thousandth() {
    // A signal to the process of all tests would end the wait.
    if isolated(
        module_path!(),
        "a_long_wait_ended_later_by_a_thousandth",
        &[],
    ) {
        return;
    }
    // What is left when the first part is over as late as the kernel may end it, as for a
    // nice process, is short enough for the same leave to be no more than 0.1 ms.
    for (milliseconds, first) in [
        (250, 247),
        (5000, 4950),
        (20_000, 19_800),
        (3_600_000, 3_599_800),
    ] {
        let long = Duration::from_millis(milliseconds);
        let part = first_part(long);
        assert_eq!(part.as_millis(), first);
        let leave = (part / 200).min(Duration::from_millis(100));
        assert!(part + leave < long);
        assert!((long - part) / 1000 <= Duration::from_micros(200));
    }
    let mut poller: Poller<char> = Poller::new().unwrap();
    let begin = Instant::now();
    poller.wait(Some(LONG), &mut Vec::new()).unwrap();
    assert!(begin.elapsed() >= LONG, "never early");
}

#[test]
fn the_next_program_has_every_descriptor_under_its_token() {
    let mut poller: Poller<u32> = Poller::new().unwrap();
    let pipes = [(); 4].map(|()| fd::pipe().unwrap());
    let mut writers = Vec::new();
    let mut tokens = Vec::new();
    for (owner, Pipe { read, write }) in (0..).zip(pipes) {
        tokens.push(poller.register(read, Interest::READ, owner).unwrap());
        writers.push(write);
    }
    poller.close(tokens[1]);
    poller.close(tokens[3]);
    let again = fd::pipe().unwrap();
    let used_again = poller.register(again.read, Interest::READ, 7).unwrap();
    assert_eq!(used_again.0 & SLOT_MASK, tokens[3].0 & SLOT_MASK);
    poller.set_interest(tokens[2], Interest::NONE).unwrap();

    let mut next = handed_over(&poller);
    drop(poller);
    for write in [&writers[0], &writers[2], &again.write] {
        fd::write(write.as_fd(), b"x").unwrap();
    }
    let told = |poller: &mut Poller<u32>| {
        let mut ready = Vec::new();
        poller.wait(AT_ONCE, &mut ready).unwrap();
        let told: Vec<(Token, u32)> = ready.iter().map(|it| (it.token, it.owner)).collect();
        told
    };
    assert_eq!(told(&mut next), [(tokens[0], 0), (used_again, 7)]);
    next.set_interest(tokens[2], Interest::READ).unwrap();
    assert_eq!(told(&mut next).len(), 3);
    for stale in [tokens[1], tokens[3]] {
        assert!(next.descriptor(stale).is_none());
    }
    // The slot that is free is the next, with the generation that it had got to.
    let more = fd::pipe().unwrap();
    let token = next.register(more.read, Interest::READ, 8).unwrap();
    assert_eq!(token.0 & SLOT_MASK, tokens[1].0 & SLOT_MASK);
    assert_ne!(token, tokens[1]);
    assert_eq!(next.slots.len(), 4);
}

#[test]
fn a_descriptor_that_cannot_be_waited_for_is_told_with_its_owner() {
    let mut poller: Poller<u32> = Poller::new().unwrap();
    let Pipe { read, write: _ } = fd::pipe().unwrap();
    poller.register(read, Interest::READ, 4711).unwrap();
    let mut writer = Writer::default();
    poller.save(&mut writer);
    let (text, numbers) = writer.finish();
    let restore = |text: &str| {
        let mut files = VecMap::new();
        files.insert(numbers[0], tempfile::tempfile().unwrap().into());
        let mut reader = Reader::new(text.as_bytes(), files, thrown);
        caught(|| Poller::<u32>::restored(&mut reader)).unwrap_err()
    };
    let text = String::from_utf8(text).unwrap();
    let error = restore(&text);
    assert!(
        error.contains("cannot wait for what is of 4711: "),
        "{error}"
    );
    let (members, _) = text.rsplit_once('}').unwrap();
    let error = restore(&format!("{members},\"free\":[0]}}"));
    assert!(error.contains("free and in use"), "{error}");
}
