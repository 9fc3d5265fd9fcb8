//! A program that becomes another one, which is itself again.

use super::*;
use crate::sys::descriptors::{adopt, keep_over_exec, read_state, state_file};
use crate::sys::fd::{self, Pipe};
use crate::sys::tests::isolated;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};

const STATE: &str = "POLLVISOR_TEST_STATE";

#[test]
fn the_next_program_reads_the_state_and_what_is_in_the_pipes() {
    let name = "the_next_program_reads_the_state_and_what_is_in_the_pipes";
    if isolated(module_path!(), name, &[]) {
        return;
    }
    if let Some(state) = std::env::var_os(STATE) {
        let state = state.to_str().unwrap().parse().unwrap();
        let (_file, text) = read_state(state).unwrap();
        let number: RawFd = String::from_utf8(text).unwrap().parse().unwrap();
        let owned = adopt(&[number]).unwrap();
        let mut room = [0; 100];
        let count = fd::read(owned.get(&number).unwrap().as_fd(), &mut room).unwrap();
        assert_eq!(&room[..count], b"not read yet");
        #[cfg(target_os = "linux")]
        {
            // The thread of the test has its own.
            set_name(&["/some/where/a-name-that-is-longer".into()]);
            let comm = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
            assert_eq!(comm, "a-name-that-is-\n");
        }
        return;
    }
    let Pipe { read, write } = fd::pipe().unwrap();
    fd::write(write.as_fd(), b"not read yet").unwrap();
    let number = read.into_raw_fd();
    let state = state_file(number.to_string().as_bytes()).unwrap();
    keep_over_exec(&[number, state.as_raw_fd()]).unwrap();
    let program = File::open(std::env::current_exe().unwrap()).unwrap();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    environment.push((STATE.into(), state.as_raw_fd().to_string().into()));
    let error = become_program(program.as_raw_fd(), &arguments, &environment);
    panic!("{error}");
}

#[test]
fn what_is_no_program_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = become_program(file.as_file().as_raw_fd(), &["x".into()], &[]);
    assert_eq!(error.raw_os_error(), Some(libc::EACCES));
    let error = become_program(-1, &["x".into()], &[]);
    assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    let error = become_program(-1, &["a\0b".into()], &[]);
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
