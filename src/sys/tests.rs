//! What tests of the system layer share: a process of their own, where a test
//! changes what a process has only once, and waiting with a deadline.

use std::process::Command;
use std::time::{Duration, Instant};

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
