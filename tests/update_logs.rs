//! Logs that change at an `update` while programs write to them.

use super::support::{DEADLINE, Scene, wait_until};
use super::update::{ctl, update};

#[test]
fn a_log_that_changes_has_no_line_torn_and_none_lost() {
    // Lines come in pieces, so that a change nearly always finds one begun.
    let script = "i=0; while :; do printf 'line %s ' $i; sleep 0.01; printf 'has its end\\n'; \
                  i=$((i+1)); done";
    let scene = Scene::start("");
    let script = scene.dir.script("writer", script).display().to_string();
    let writer = |keys: &str| format!("[program:w]\ncommand={script}\nstartsecs=0\n{keys}\n");
    let log = |name: &str| format!("stdout_logfile=%(here)s/{name}");
    update(&scene, &writer(&log("0.log")));
    scene.wait_all("RUNNING");
    let pid = scene.pid("w");
    let whole = |name: &str| scene.dir.read(name).unwrap_or_default().contains("end\n");
    let mut names = vec!["0.log".to_owned()];
    for number in 1..8 {
        let before = names.last().unwrap().clone();
        assert!(wait_until(DEADLINE, || whole(&before)), "{before}");
        let name = format!("{number}.log");
        let more = [
            "",
            "stdout_logfile_maxbytes=0",
            "stdout_events_enabled=true",
        ];
        let keys = format!("{}\n{}", log(&name), more[number % 3]);
        assert_eq!(update(&scene, &writer(&keys)), "w: updated process group\n");
        names.push(name);
    }
    assert!(wait_until(DEADLINE, || whole("7.log")));
    assert_eq!(scene.pid("w"), pid);
    assert_eq!(ctl(&scene, "stop w").status, Some(0));
    let mut number = 0;
    for name in &names {
        let text = scene.dir.read(name).unwrap();
        for line in text.split_inclusive('\n') {
            let is_last = name == "7.log" && !line.ends_with('\n');
            if !is_last {
                assert_eq!(line, format!("line {number} has its end\n"), "{name}");
            }
            number += 1;
        }
    }
    scene.stop();
}

#[test]
fn a_line_without_an_end_goes_to_the_new_log_after_a_second() {
    let scene = Scene::start("");
    let script =
        "printf begun; while test ! -e go; do sleep 0.05; done; printf ' and on'; exec cat";
    let script = scene.dir.script("writer", script).display().to_string();
    let writer = |name: &str| {
        format!(
            "[program:w]\ncommand={script}\ndirectory=%(here)s\nstartsecs=0\n\
             stdout_logfile=%(here)s/{name}\n"
        )
    };
    update(&scene, &writer("a.log"));
    let has = |name: &str, text: &str| scene.dir.read(name).is_some_and(|found| found == text);
    assert!(wait_until(DEADLINE, || has("a.log", "begun")));
    assert_eq!(
        update(&scene, &writer("b.log")),
        "w: updated process group\n"
    );
    let pid = scene.daemon.pid();
    let is_closed = || {
        let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let links = fds.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
        !links.into_iter().any(|path| path.ends_with("a.log"))
    };
    assert!(wait_until(DEADLINE, is_closed));
    scene.dir.write("go", "");
    assert!(wait_until(DEADLINE, || has("b.log", " and on")));
    assert!(has("a.log", "begun"));
    scene.stop();
}

#[test]
fn how_a_log_is_written_and_kept_changes_while_it_is_written_to() {
    let scene = Scene::start("");
    let script = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.02; done";
    let script = scene.dir.script("writer", script).display().to_string();
    let writer = |keys: &str| {
        format!(
            "[program:w]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/w.log\n{keys}\n"
        )
    };
    let mode = || {
        use std::os::unix::fs::PermissionsExt;
        let found = std::fs::metadata(scene.dir.join("w.log")).unwrap();
        found.permissions().mode() & 0o777
    };
    update(&scene, &writer("stdout_logfile_chmod=0600"));
    scene.wait_all("RUNNING");
    let has = |text: &str| {
        let found = scene.dir.read("w.log").unwrap_or_default();
        found.contains(text)
    };
    assert!(wait_until(DEADLINE, || has("line 3")));
    assert_eq!(mode(), 0o600);
    let pid = scene.pid("w");
    update(
        &scene,
        &writer("stdout_logfile_format=json\nstdout_logfile_chmod=0640"),
    );
    assert!(wait_until(DEADLINE, || has("\"message\":\"line ")));
    assert!(wait_until(DEADLINE, || mode() == 0o640));
    update(
        &scene,
        &writer("stdout_logfile_maxbytes=200\nstdout_logfile_backups=2"),
    );
    let rolls = || scene.dir.read("w.log.2").is_some();
    assert!(wait_until(DEADLINE, rolls));
    assert_eq!(scene.pid("w"), pid);
    for line in scene.dir.read("w.log.1").unwrap().lines() {
        assert!(line.starts_with("line ") || line.ends_with('}'), "{line}");
    }
    scene.stop();
}
