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

/// The sizes of these files, the last one's first.
fn sizes_of(files: &[PathBuf]) -> Vec<usize> {
    let metadata = files.iter().rev().map(|file| file.metadata());
    metadata
        .map(|found| found.map_or(0, |found| found.len() as usize))
        .collect()
}

/// The numbers of each writer's lines, `⟨writer⟩ ⟨number⟩ ...`, in the order in
/// which they stand in these files. Every line is whole, but for one that is being written.
fn numbers(files: &[PathBuf]) -> BTreeMap<String, Vec<usize>> {
    let mut all = BTreeMap::new();
    for file in files {
        // One that was moved meanwhile is read the next time.
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for line in text.split_inclusive('\n') {
            let Some(line) = line.strip_suffix('\n') else {
                continue;
            };
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
    let mut all = BTreeMap::new();
    // Files that move while they are read are read twice or not at all.
    let complete = wait_until(DEADLINE, || {
        all = numbers(&generations(&scene, "all.log"));
        all.len() == NAMES.len() && all.values().all(|numbers| numbers.len() == LINES)
    });
    let counts: Vec<usize> = all.values().map(Vec::len).collect();
    assert!(complete, "{counts:?}\n{}", scene.log());
    for name in NAMES {
        let expected: Vec<usize> = (1..=LINES).collect();
        assert_eq!(
            all[name], expected,
            "each line of {name} once, and in order"
        );
    }
    // No file is cut short by the rollover of another one, none is empty but the
    // last. The last write may have begun one more.
    let total: usize = (1..=LINES)
        .map(|number| format!("x {number} end\n").len() * NAMES.len())
        .sum();
    let mut sizes = Vec::new();
    let held = wait_until(DEADLINE, || {
        sizes = sizes_of(&generations(&scene, "all.log"));
        let (live, backups) = sizes.split_first().expect("the live file is there");
        backups.iter().all(|size| *size >= 2048) && live + backups.iter().sum::<usize>() == total
    });
    assert!(held, "{sizes:?} are to be {total} bytes");
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
    let complete = wait_until(DEADLINE, || {
        let all = numbers(&generations(&scene, "p.log"));
        all.values().all(|numbers| *numbers == [1, 2, 3, 4, 5, 6]) && all.len() == 2
    });
    let files = generations(&scene, "p.log");
    assert!(complete, "{:?}", numbers(&files));
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
    let all = || {
        let files = generations(&scene, "main.log");
        let texts = files.iter().map(std::fs::read_to_string);
        texts.collect::<Result<String, _>>().unwrap()
    };
    let complete = wait_until(DEADLINE, || all().contains("p 300 end\n"));
    let text = all();
    assert!(complete, "{text}");
    let lines = text.lines().filter(|line| line.starts_with("p "));
    let expected: Vec<String> = (1..=300).map(|number| format!("p {number} end")).collect();
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    let warnings = text.matches("is the main log; it holds both");
    assert_eq!(warnings.count(), 1, "{text}");
    assert!(text.contains("INFO spawned: 'p'"), "{text}");
    let mut sizes = Vec::new();
    // A last line of the daemon may still move them.
    let held = wait_until(DEADLINE, || {
        let files = generations(&scene, "main.log");
        let metadata = files.iter().rev().map(|file| file.metadata());
        sizes = metadata
            .map(|found| found.map_or(0, |it| it.len()))
            .collect();
        sizes.len() >= 2 && sizes[1..].iter().all(|size| *size >= 1024)
    });
    assert!(held, "the main log's limit holds: {sizes:?}");
    scene.call("clearProcessLogs", &[Value::text("p")]).answer();
    scene.call("stopProcess", &[Value::text("p")]).answer();
    scene.wait_log("stopped: p (");
    scene.stop();
}

#[test]
fn devices_that_are_the_main_log_too_were_told_as_files_that_roll_over() {
    let scene = Scene::start_as(
        Dir::new(),
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=/dev/null\nstderr_logfile=/dev/null\n",
        |launch| launch.options = &["-l", "/dev/null"],
    );
    scene.wait("p", "RUNNING");
    assert!(
        !scene.daemon.stdout().contains("is the main log"),
        "{}",
        scene.daemon.stdout()
    );
    scene.stop();
}
