//! Automatic logs of two supervisords with one identifier and one childlogdir, and what the
//! clean-up of each leaves alone.

use std::path::Path;

use super::support::{DEADLINE, Dir, Scene, Value, is_alive, kill, wait_until};

/// `p` runs, `q` is stopped, and `r` writes lines of which two fill its log.
const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
startsecs=0
[program:q]
command=/bin/cat
autostart=false
[program:r]
command=/bin/cat
startsecs=0
stdout_logfile_maxbytes=16
stdout_logfile_backups=3
";

/// The names of automatic logs in a directory, sorted.
fn automatic_logs(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.contains("---")).collect();
    names.sort();
    names
}

/// A supervisord whose automatic logs are in a directory.
fn start_with_logs_in(directory: &Path, programs: &str) -> Scene {
    let configuration = format!("childlogdir={}\n{programs}", directory.display());
    let configuration = format!("{configuration}[supervisord]\n");
    Scene::start_as(Dir::new(), &configuration, |_| {})
}

/// Lets `r` write until its log has rolled over so many times.
fn roll_over(scene: &Scene, logs: &Path, times: usize) {
    for number in 1..=times {
        let text = Value::text("0123456789abcdef\n");
        let sent = scene.call("sendProcessStdin", &[Value::text("r"), text]);
        sent.answer();
        let rolled = wait_until(DEADLINE, || {
            let names = automatic_logs(logs);
            names
                .iter()
                .any(|name| name.ends_with(&format!(".log.{number}")))
        });
        assert!(rolled, "{:?}", automatic_logs(logs));
    }
}

#[test]
fn a_second_daemon_removed_the_automatic_logs_of_one_that_runs() {
    let shared = Dir::new();
    let logs = shared.join("logs");
    std::fs::create_dir(&logs).unwrap();
    let first = start_with_logs_in(&logs, PROGRAMS);
    first.wait("p", "RUNNING");
    first.wait("r", "RUNNING");
    roll_over(&first, &logs, 3);
    let own = automatic_logs(&logs);
    assert_eq!(own.len(), 9, "{own:?}");

    let mut second = start_with_logs_in(&logs, PROGRAMS);
    second.wait("p", "RUNNING");
    let all = automatic_logs(&logs);
    assert!(own.iter().all(|name| all.contains(name)), "{own:?} {all:?}");
    assert_eq!(all.len(), own.len() + 6);
    second.wait_log("INFO kept automatic logs of another supervisord with this identifier");
    assert!(!second.log().contains("removed automatic logs"));
    // The one that is stopped is started on its own log.
    let log = first.info("q").text_of("stdout_logfile");
    first.call("startProcess", &[Value::text("q")]).answer();
    assert!(own.contains(&log.rsplit('/').next().unwrap().to_owned()));
    first.call("stopProcess", &[Value::text("q")]).answer();

    // What one leaves behind that was killed goes with the next, and no other.
    second.daemon.signal(libc::SIGKILL);
    assert_eq!(second.daemon.wait(DEADLINE), Some(-libc::SIGKILL));
    let third = start_with_logs_in(&logs, "");
    third.wait_log("INFO removed automatic logs of an earlier run, in ");
    assert_eq!(automatic_logs(&logs), own);
    // A restart of the first one removes its own.
    first.daemon.signal(libc::SIGHUP);
    let again = wait_until(DEADLINE, || {
        first.log().matches("supervisord started with pid").count() == 2
    });
    assert!(again, "{}", first.log());
    let renewed = automatic_logs(&logs);
    assert_eq!(renewed.len(), 6, "{renewed:?}");
    assert!(own.iter().all(|name| !renewed.contains(name)));
    first.wait_log(&format!(": {}, ", own[0]));
    third.stop();
    first.stop();
}

#[test]
fn a_child_that_outlives_its_daemon_does_not_hold_its_logs() {
    let shared = Dir::new();
    let program = "leftovers=ignore\n[program:p]\ncommand=/bin/sleep 3600\nstartsecs=0\n";
    let logs = shared.join("logs");
    std::fs::create_dir(&logs).unwrap();
    let mut first = start_with_logs_in(&logs, program);
    first.wait("p", "RUNNING");
    let pid = first.pid("p");
    let own = automatic_logs(&logs);
    assert_eq!(own.len(), 2);
    // By then it has become its program.
    assert!(wait_until(DEADLINE, || {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.starts_with(b"/bin/sleep"))
    }));
    first.daemon.signal(libc::SIGKILL);
    assert_eq!(first.daemon.wait(DEADLINE), Some(-libc::SIGKILL));
    assert!(is_alive(pid));
    let second = start_with_logs_in(&logs, "");
    kill(pid, libc::SIGKILL);
    assert_eq!(automatic_logs(&logs), [""; 0]);
    second.stop();
}

#[test]
fn a_log_that_has_rolled_over_after_the_start_of_another_is_held_too() {
    let shared = Dir::new();
    let logs = shared.join("logs");
    std::fs::create_dir(&logs).unwrap();
    let first = start_with_logs_in(&logs, PROGRAMS);
    first.wait("r", "RUNNING");
    roll_over(&first, &logs, 1);
    first.call("clearProcessLogs", &[Value::text("r")]).answer();
    roll_over(&first, &logs, 3);
    first.call("stopProcess", &[Value::text("r")]).answer();
    let own = automatic_logs(&logs);
    let second = start_with_logs_in(&logs, "");
    assert_eq!(automatic_logs(&logs), own);
    second.stop();
    // The group goes, and its logs are nobody's.
    for group in ["p", "q", "r"] {
        let name = [Value::text(group)];
        first.call("stopProcessGroup", &name);
        first.call("removeProcessGroup", &name).answer();
    }
    let third = start_with_logs_in(&logs, "");
    assert_eq!(automatic_logs(&logs), [""; 0]);
    third.stop();
    first.stop();
}
