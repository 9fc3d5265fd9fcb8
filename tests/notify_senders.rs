//! Who says by sd_notify that a program is ready: libraries that others wrote, and senders that
//! see another part of the system than the daemon.

use super::support::{DEADLINE, Dir, Scene, wait_until};
use std::process::Command;

/// Where Debian puts the libraries that it has packages of.
const PYTHON: &str = "/usr/bin/python3";

/// Starts a script as a program, which is RUNNING when it has said so, with a status.
fn wait_notified(before: &str, script: &str, status: &str) {
    let dir = Dir::new();
    dir.write("program.py", script);
    std::fs::create_dir(dir.join("root")).unwrap();
    let text = format!(
        "[program:p]\ncommand={before} {PYTHON} %(here)s/program.py %(here)s/root\nstartsecs=0\n\
         readiness=notify\nautorestart=false\nstartretries=0\n"
    );
    let scene = Scene::start_as(dir, &text, |_| {});
    let description = || scene.info("p").text_of("description");
    let is_told = wait_until(DEADLINE, || description().ends_with(status));
    assert!(is_told, "{}\n{}", scene.info("p"), scene.log());
    scene.wait("p", "RUNNING");
    scene.stop();
}

#[test]
fn the_libraries_of_python_are_heard() {
    wait_notified(
        "",
        "import sdnotify, time\n\
         notifier = sdnotify.SystemdNotifier(debug=True)\n\
         notifier.notify('STATUS=serving')\n\
         notifier.notify('READY=1')\n\
         time.sleep(1000)\n",
        ", healthy, serving",
    );
    wait_notified(
        "",
        "import time\n\
         from systemd import daemon\n\
         assert daemon.notify('READY=1\\nSTATUS=listening')\n\
         time.sleep(1000)\n",
        ", healthy, listening",
    );
}

/// Speaks from a root directory that has nothing in it, as whoever it is there.
const IN_CHROOT: &str = "import os, socket, sys, time\n\
    name = os.environ['NOTIFY_SOCKET']\n\
    out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
    os.chroot(sys.argv[1])\n\
    os.chdir('/')\n\
    assert os.listdir('/') == []\n\
    out.sendto(b'READY=1\\nSTATUS=far away', b'\\0' + name[1:].encode())\n\
    time.sleep(1000)\n";

#[test]
fn a_sender_in_a_chroot_and_in_a_user_namespace_is_heard() {
    if nix::unistd::geteuid().is_root() {
        wait_notified("", IN_CHROOT, ", healthy, far away");
    }
    // There root is the user that the program is outside.
    let unshare = ["unshare", "--user", "--map-root-user"];
    let made = Command::new(unshare[0])
        .args(&unshare[1..])
        .arg("true")
        .output();
    match made.is_ok_and(|done| done.status.success()) {
        true => wait_notified(&unshare.join(" "), IN_CHROOT, ", healthy, far away"),
        false => println!("no user namespaces here"),
    }
}
