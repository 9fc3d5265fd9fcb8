#![cfg(target_os = "linux")]

use super::*;
use crate::sys::fd::is_readable;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};

#[test]
fn a_socket_that_loses_its_name_is_told_of_and_its_neighbours_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let socket = UnixListener::bind(path("s")).unwrap();
    let inotify = open().unwrap();
    let told = || {
        let is_told = is_readable(inotify.as_fd());
        drain(inotify.as_fd());
        assert!(!is_readable(inotify.as_fd()));
        is_told
    };
    let watched = watch(inotify.as_fd(), &path("s")).unwrap();
    fs::write(path("other"), "").unwrap();
    fs::remove_file(path("other")).unwrap();
    let _client = UnixStream::connect(path("s")).unwrap();
    socket.accept().unwrap();
    assert!(!told());
    fs::rename(path("s"), path("t")).unwrap();
    assert!(told(), "it is moved");
    fs::set_permissions(path("t"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(told(), "its mode is changed");
    fs::remove_file(path("t")).unwrap();
    assert!(told(), "it is removed");
    unwatch(inotify.as_fd(), watched);
    drain(inotify.as_fd());
    drop(socket);
    assert!(!told());
}

#[test]
fn a_link_is_watched_itself_and_what_is_not_there_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let inotify = open().unwrap();
    assert!(watch(inotify.as_fd(), &path("none")).is_err());
    symlink("nowhere", path("link")).unwrap();
    watch(inotify.as_fd(), &path("link")).unwrap();
    fs::remove_file(path("link")).unwrap();
    assert!(is_readable(inotify.as_fd()));
}
