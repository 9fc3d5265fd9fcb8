//! Several channels that write to one file: it has one writer and rolls over once.

use super::support::{DEADLINE, Dir, Scene, Value, wait_until};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The backups of a log of the test's directory from the oldest to the youngest, then the log.
fn generations(scene: &Scene, name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = (1..)
        .map(|number| scene.dir.join(&format!("{name}.{number}")))
        .take_while(|path| path.exists())
        .collect();
    found.reverse();
    found.push(scene.dir.join(name));
    found
}

/// The numbers of each writer's lines, `⟨writer⟩ ⟨number⟩ ...`, in the order in
/// which they stand in these files. Every line is whole.
fn numbers(files: &[PathBuf]) -> BTreeMap<String, Vec<usize>> {
    let mut all = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for line in text.lines() {
            let mut words = line.split(' ');
            let (Some(writer), Some(number), Some("end"), None) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                panic!("{} holds {line:?}", file.display());
            };
            let numbers: &mut Vec<usize> = all.entry(writer.to_owned()).or_default();
            numbers.push(number.parse().unwrap());
        }
    }
    all
}

/// A script that writes so many numbered lines, one write each, and waits then.
fn writer(dir: &Dir, lines: usize) -> String {
    let body = format!(
        "i=1; while [ $i -le {lines} ]; do echo \"$1 $i end\"; i=$((i+1)); done; : > done-$1; exec cat"
    );
    dir.script("writer", &body).display().to_string()
}

fn wait_for_writers(scene: &Scene, names: &[&str]) {
    let written = wait_until(DEADLINE, || {
        let is_done = |name: &&str| scene.dir.join(&format!("done-{name}")).exists();
        names.iter().all(is_done)
    });
    assert!(written, "{}", scene.log());
    // It takes two turns of the loop to answer, and in each every pipe is read
    // that has something: the logs are complete and at rest.
    scene.all();
}

#[test]
fn ten_programs_share_one_file_that_rolls_over_once_for_all() {
    const LINES: usize = 500;
    const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let dir = Dir::new();
    let script = writer(&dir, LINES);
    std::os::unix::fs::symlink(".", dir.join("link")).unwrap();
    let mut programs = String::new();
    for (place, name) in NAMES.iter().enumerate() {
        // Different ways to the same file.
        let way = ["", "./", "link/", "bin/../"][place % 4];
        programs.push_str(&format!(
            "[program:{name}]\ncommand={script} {name}\ndirectory=%(here)s\nstartsecs=0\nautostart=false\nredirect_stderr=true\n\
             stdout_logfile=%(here)s/{way}all.log\nstdout_logfile_maxbytes=2KB\nstdout_logfile_backups=1000\n"
        ));
    }
    let scene = Scene::start_as(dir, &programs, |_| {});
    scene.call("startAllProcesses", &[]).answer();
    wait_for_writers(&scene, &NAMES);
    let files = generations(&scene, "all.log");
    let all = numbers(&files);
    for name in NAMES {
        let expected: Vec<usize> = (1..=LINES).collect();
        assert_eq!(
            all[name], expected,
            "each line of {name} once, and in order"
        );
    }
    // No file is cut short by the rollover of another one, none is empty but the last.
    let bytes: u64 = files
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    for backup in files.iter().rev().skip(1) {
        assert!(backup.metadata().unwrap().len() >= 2048, "{backup:?}");
    }
    assert!(files.len() as u64 - 1 <= bytes / 2048, "{}", files.len());
    scene.stop();
}

#[test]
fn both_channels_of_a_child_share_a_file_and_the_mildest_limits_hold() {
    let dir = Dir::new();
    let body = "for i in 1 2 3 4 5 6; do echo \"out $i end\"; sleep 0.05; echo \"err $i end\" >&2; sleep 0.05; done; : > done-p; exec cat";
    let script = dir.script("both", body);
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand={}\ndirectory=%(here)s\nstartsecs=0\n\
             stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=20\nstdout_logfile_backups=1\n\
             stderr_logfile=%(here)s/p.log\nstderr_logfile_maxbytes=1MB\nstderr_logfile_backups=50\n",
            script.display()
        ),
        |_| {},
    );
    wait_for_writers(&scene, &["p"]);
    let files = generations(&scene, "p.log");
    let all = numbers(&files);
    for channel in ["out", "err"] {
        assert_eq!(all[channel], [1, 2, 3, 4, 5, 6], "{channel}");
    }
    assert!(
        files.len() > 4,
        "the smaller limit and the more backups: {files:?}"
    );
    scene.stop();
}

#[test]
fn clearing_and_reopening_a_shared_file_leaves_nobody_behind() {
    let say = |name: &str| {
        format!(
            "[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nredirect_stderr=true\nstdout_logfile=%(here)s/all.log\n"
        )
    };
    let scene = Scene::start(&format!("{}{}", say("a"), say("b")));
    scene.wait_all("RUNNING");
    let send = |name: &str, text: &str| {
        let parameters = [Value::text(name), Value::text(text)];
        scene.call("sendProcessStdin", &parameters).answer();
    };
    let wait = |file: &str, text: &str| {
        let shown = wait_until(DEADLINE, || scene.dir.read(file).as_deref() == Some(text));
        assert!(shown, "{file}: {:?}", scene.dir.read(file));
    };
    send("a", "1 ");
    wait("all.log", "1 ");
    send("b", "2 ");
    wait("all.log", "1 2 ");
    scene.call("clearProcessLogs", &[Value::text("a")]).answer();
    send("b", "3 ");
    wait("all.log", "3 ");
    send("a", "4 ");
    wait("all.log", "3 4 ");
    std::fs::rename(scene.dir.join("all.log"), scene.dir.join("moved.log")).unwrap();
    send("a", "5 ");
    wait("moved.log", "3 4 5 ");
    scene.daemon.signal(libc::SIGUSR2);
    scene.wait_log("supervisord logreopen");
    wait("all.log", "");
    send("b", "6 ");
    wait("all.log", "6 ");
    // One stops, the other one writes on; the first comes back.
    scene.call("stopProcess", &[Value::text("a")]).answer();
    send("b", "7 ");
    wait("all.log", "6 7 ");
    scene.call("startProcess", &[Value::text("a")]).answer();
    send("a", "8 ");
    wait("all.log", "6 7 8 ");
    assert_eq!(scene.dir.read("moved.log").as_deref(), Some("3 4 5 "));
    scene.stop();
}

#[test]
fn a_program_may_write_to_the_main_log() {
    let dir = Dir::new();
    let script = writer(&dir, 300);
    let scene = Scene::start_as(
        dir,
        &format!(
            "logfile_maxbytes=1KB\nlogfile_backups=1000\n\
             [program:p]\ncommand={script} p\ndirectory=%(here)s\nstartsecs=0\nredirect_stderr=true\n\
             stdout_logfile=%(here)s/./main.log\nstdout_logfile_maxbytes=10\nstdout_logfile_backups=0\n"
        ),
        |_| {},
    );
    wait_for_writers(&scene, &["p"]);
    let files = generations(&scene, "main.log");
    let texts = files.iter().map(std::fs::read_to_string);
    let text = texts.collect::<Result<String, _>>().unwrap();
    let lines = text.lines().filter(|line| line.starts_with("p "));
    let expected: Vec<String> = (1..=300).map(|number| format!("p {number} end")).collect();
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    let warnings = text.matches("is the main log; it holds both");
    assert_eq!(warnings.count(), 1, "{text}");
    assert!(text.contains("INFO spawned: 'p'"), "{text}");
    assert!(files.len() >= 2, "the main log's limit holds: {files:?}");
    for backup in files.iter().rev().skip(1) {
        assert!(backup.metadata().unwrap().len() >= 1024, "{backup:?}");
    }
    scene.call("clearProcessLogs", &[Value::text("p")]).answer();
    scene.call("stopProcess", &[Value::text("p")]).answer();
    scene.wait_log("stopped: p (");
    scene.stop();
}
