//! What tests of the system layer share: a process of their own, where a test
//! changes what a process has only once, and waiting with a deadline.

use std::os::fd::BorrowedFd;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::snapshot::{Reader, Saved, Writer};
use crate::sys::fd;
use crate::vec_map::VecMap;

const VARIABLE: &str = "POLLVISOR_ISOLATED_TEST";

/// Runs the named test again in a process of its own, with this environment on
/// top, and returns true; inside that process returns false. So a test begins with
/// `if isolated(module_path!(), "its_name", &[]) { return; }`.
pub(crate) fn isolated(module: &str, test: &str, environment: &[(&str, &str)]) -> bool {
    let module = module.split_once("::").map_or(module, |(_, path)| path);
    let name = format!("{module}::{test}");
    if std::env::var(VARIABLE).is_ok_and(|running| running == name) {
        return false;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--test-threads=1", "--nocapture"])
        .env(VARIABLE, &name)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{name}: {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    true
}

/// Waits until `condition` holds, at most ten seconds. An end that was closed is closed
/// for the other side only once no child that another test is starting holds it too.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The same value as the next program has it, with descriptors of its own.
#[track_caller]
pub(crate) fn handed_over<T: Saved>(value: &T) -> T {
    let mut to = Writer::default();
    value.save(&mut to);
    let (text, numbers) = to.finish();
    let mut descriptors = VecMap::new();
    for number in numbers {
        // SAFETY: it is the value's, which lives.
        let own = unsafe { BorrowedFd::borrow_raw(number) };
        let again = descriptors.insert(number, fd::duplicate(own).unwrap());
        assert!(again.is_none(), "descriptor {number} is written once");
    }
    let mut from = Reader::new(&text, descriptors, |error| {
        panic!("{error}: {}", String::from_utf8_lossy(&text))
    });
    T::restored(&mut from)
}
