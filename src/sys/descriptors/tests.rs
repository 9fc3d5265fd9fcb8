//! What a program hands over and what it does not, in processes of their own: numbers of
//! descriptors are of the whole process.

use super::*;
use crate::sys::fd::Pipe;
use crate::sys::tests::isolated;
use std::io::Write;
use std::os::fd::IntoRawFd;

fn flags(number: RawFd) -> libc::c_int {
    // SAFETY: the call asks about a number.
    unsafe { libc::fcntl(number, libc::F_GETFD) }
}

fn reason(outcome: io::Result<VecMap<RawFd, OwnedFd>>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn what_is_handed_over_is_owned_once_and_closed_on_the_next_exec() {
    let name = "what_is_handed_over_is_owned_once_and_closed_on_the_next_exec";
    if isolated(module_path!(), name, &[]) {
        return;
    }
    let Pipe { read, write } = fd::pipe().unwrap();
    let numbers = [read.into_raw_fd(), write.into_raw_fd()];
    assert!(reason(adopt(&numbers)).ends_with("was not handed over"));
    keep_over_exec(&numbers).unwrap();
    assert_eq!(numbers.map(flags), [0, 0]);
    // A program that could not be become changes nothing.
    close_on_exec(&numbers);
    assert_eq!(numbers.map(flags), [libc::FD_CLOEXEC; 2]);

    keep_over_exec(&numbers).unwrap();
    let owned = adopt(&numbers).unwrap();
    assert_eq!(owned.keys().copied().collect::<Vec<_>>(), numbers);
    assert_eq!(numbers.map(flags), [libc::FD_CLOEXEC; 2]);
    assert!(reason(adopt(&numbers)).ends_with("was not handed over"));
    drop(owned);
    assert_eq!(numbers.map(flags), [-1, -1]);
}

#[test]
fn after_an_error_everything_is_open_and_as_it_was() {
    let name = "after_an_error_everything_is_open_and_as_it_was";
    if isolated(module_path!(), name, &[]) {
        return;
    }
    let Pipe { read, write } = fd::pipe().unwrap();
    let numbers = [read.into_raw_fd(), write.into_raw_fd()];
    let nowhere = numbers[1] + 100;
    let error = keep_over_exec(&[numbers[0], nowhere, numbers[1]]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("descriptor {nowhere} "))
    );
    assert_eq!(numbers.map(flags), [libc::FD_CLOEXEC; 2]);

    keep_over_exec(&numbers).unwrap();
    for (number, expected) in [
        (nowhere, "is not open"),
        (0, "is a standard stream"),
        (2, "is a standard stream"),
        (-1, "is a standard stream"),
        (numbers[0], "is handed over twice"),
    ] {
        let told = reason(adopt(&[numbers[0], numbers[1], number]));
        assert_eq!(told, format!("descriptor {number} {expected}"));
        assert_eq!(numbers.map(flags), [0, 0]);
    }
}

#[test]
fn a_trial_has_something_for_each_number_that_can_be_waited_for() {
    use crate::sys::poller::{Interest, Poller};
    let numbers = [4, 5, 1000];
    let all = stand_ins(&numbers).unwrap();
    assert_eq!(all.keys().copied().collect::<Vec<_>>(), numbers);
    let mut poller = Poller::new().unwrap();
    for (number, descriptor) in all {
        for interest in [Interest::READ, Interest::WRITE] {
            let copy = fd::duplicate(descriptor.as_fd()).unwrap();
            poller.register(copy, interest, number).unwrap();
        }
    }
}

#[test]
fn a_state_is_read_back_whole_and_cannot_be_changed() {
    let name = "a_state_is_read_back_whole_and_cannot_be_changed";
    if isolated(module_path!(), name, &[]) {
        return;
    }
    let contents: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    for file in [state_file(&contents).unwrap(), on_disk(&contents).unwrap()] {
        let number = file.into_raw_fd();
        assert_eq!(flags(number), libc::FD_CLOEXEC);
        keep_over_exec(&[number]).unwrap();
        let (file, read) = read_state(number).unwrap();
        assert!(read == contents);
        assert_eq!(flags(number), libc::FD_CLOEXEC);
        // The program before may read it again.
        let number = file.into_raw_fd();
        keep_over_exec(&[number]).unwrap();
        assert!(read_state(number).unwrap().1 == contents);
    }
    if cfg!(target_os = "linux") {
        let mut file = state_file(&contents).unwrap();
        assert!(file.write_all(b"more").is_err());
        assert!(file.set_len(0).is_err());
    }
    let Pipe { read, write } = fd::pipe().unwrap();
    let number = read.into_raw_fd();
    keep_over_exec(&[number]).unwrap();
    drop(write);
    let error = read_state(number).unwrap_err();
    assert!(error.to_string().ends_with("is no file"));
}
