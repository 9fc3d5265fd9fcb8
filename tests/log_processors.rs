//! Processors of rotated logs: what they make takes part in the numbering, and what they leave
//! half done does not stay.

use super::support::{DEADLINE, Dir, Scene, Value, children_of, wait_until};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;

const NOBODY: u32 = 65534;

/// A `cat` whose log rolls over when it has 6 bytes.
fn cat(processor: &str) -> String {
    format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstderr_logfile=NONE\n\
         stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=6\nstdout_logfile_backups=2\n\
         stdout_logfile_processor={processor}\n"
    )
}

fn start(dir: Dir, more: &str) -> Scene {
    let scene = Scene::start_as(dir, more, |launch| launch.shim = true);
    scene.wait("p", "RUNNING");
    scene
}

fn say(scene: &Scene, text: &str) {
    let said = scene.call("sendProcessStdin", &[Value::text("p"), Value::text(text)]);
    assert_eq!(said.answer(), Value::Bool(true));
}

fn wait_for(scene: &Scene, name: &str, text: &str) {
    let is_there = wait_until(DEADLINE, || scene.dir.read(name).as_deref() == Some(text));
    assert!(
        is_there,
        "{name}: {:?}\n{}",
        scene.dir.read(name),
        scene.log()
    );
}

/// Waits until a file is packed in such a text, and the processor has ended.
fn wait_packed(scene: &Scene, name: &str, text: &str) {
    let unpacked = || {
        let mut gzip = Command::new("gzip");
        let output = gzip.arg("-dc").arg(scene.dir.join(name)).output().unwrap();
        output.status.success() && output.stdout == text.as_bytes()
    };
    let original = scene.dir.join(name.trim_end_matches(".gz"));
    let is_there = wait_until(DEADLINE, || {
        unpacked() && !original.exists() && !runs_gzip(scene)
    });
    assert!(is_there, "{name}: {}", scene.log());
    // The daemon has done what follows from that end.
    scene.call("getState", &[]).answer();
}

/// Whether a gzip of the daemon's has not been collected yet: its log does not roll over until then.
fn runs_gzip(scene: &Scene) -> bool {
    let daemon = scene.dir.read("main.pid").unwrap();
    let children = children_of(daemon.trim().parse().unwrap());
    children.into_iter().any(|pid| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|name| name.trim() == "gzip")
    })
}

fn exists(scene: &Scene, name: &str) -> bool {
    scene.dir.join(name).exists()
}

#[test]
fn what_a_processor_makes_takes_part_in_the_numbering() {
    let more = format!("logfile_processor=gzip\n{}", cat("gzip"));
    let scene = start(Dir::new(), &more);
    say(&scene, "number 1\n");
    wait_packed(&scene, "p.log.1.gz", "number 1\n");
    say(&scene, "number 2\n");
    wait_packed(&scene, "p.log.1.gz", "number 2\n");
    wait_packed(&scene, "p.log.2.gz", "number 1\n");
    say(&scene, "number 3\n");
    wait_packed(&scene, "p.log.1.gz", "number 3\n");
    wait_packed(&scene, "p.log.2.gz", "number 2\n");
    assert!(!exists(&scene, "p.log.3.gz") && !exists(&scene, "p.log.2"));
    // The main log has one, too.
    let before = scene.log();
    scene.call("rotateAllLogs", &[]).answer();
    wait_packed(&scene, "main.log.1.gz", &before);
    scene.stop();
}

#[test]
fn a_main_log_that_rolled_over_twice_in_one_turn_had_one_of_its_files_packed() {
    let keys = "logfile_processor=gzip\nlogfile_maxbytes=10\nlogfile_backups=90\n";
    let more = format!("{keys}[program:p]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n");
    let scene = Scene::start(&more);
    let is_plain = |number: &u32| exists(&scene, &format!("main.log.{number}"));
    let wait_all_packed = || {
        let is_done = wait_until(DEADLINE, || {
            !runs_gzip(&scene) && !(1..90).any(|n| is_plain(&n))
        });
        assert!(
            is_done,
            "{:?}",
            (1..90).filter(is_plain).collect::<Vec<_>>()
        );
    };
    for _ in 0..3 {
        wait_all_packed();
        // Two records in one turn: it is spawned, and RUNNING at once.
        scene.call("startProcess", &[Value::text("p")]).answer();
        wait_all_packed();
        scene.call("stopProcess", &[Value::text("p")]).answer();
    }
    wait_all_packed();
    scene.stop();
}

#[test]
fn a_program_without_a_processor_took_it_from_the_log_that_it_shared() {
    let other = cat("").replace("program:p", "program:q");
    let other = other.replace("stdout_logfile_processor=", "stdout_logfile_rotate=daily");
    let more = format!("{}{other}priority=1000\n", cat("gzip"));
    let scene = start(Dir::new(), &more);
    scene.wait("q", "RUNNING");
    say(&scene, "number 1\n");
    wait_packed(&scene, "p.log.1.gz", "number 1\n");
    scene.stop();
}

#[test]
fn a_file_keeps_its_number_while_a_processor_works_on_it() {
    let dir = Dir::new();
    let slow = dir.script(
        "slow",
        "cd ${1%/*}\n: > began\nuntil [ -e go ]; do sleep 0.02; done\nrm go\nexec gzip $1",
    );
    let scene = start(dir, &cat(&slow.display().to_string()));
    say(&scene, "number 1\n");
    assert!(wait_until(DEADLINE, || exists(&scene, "began")));
    // The log grows until its turn comes.
    say(&scene, "number 2\n");
    wait_for(&scene, "p.log", "number 2\n");
    say(&scene, "number 3\n");
    wait_for(&scene, "p.log", "number 2\nnumber 3\n");
    wait_for(&scene, "p.log.1", "number 1\n");
    assert!(!exists(&scene, "p.log.2"));
    let parameters = [Value::text("p"), Value::Int(0), Value::Int(0)];
    let shown = scene.call("readProcessStdoutLog", &parameters).answer();
    assert_eq!(shown, Value::text("number 2\nnumber 3\n"));
    let refused = scene.call("rotateProcessLogs", &[Value::text("p")]);
    assert!(
        format!("{refused:?}").contains("its processor still works"),
        "{refused:?}"
    );
    scene.dir.write("go", "");
    wait_packed(&scene, "p.log.1.gz", "number 1\n");
    // With the next line it rolls over, all at once.
    let rolled = wait_until(DEADLINE, || {
        say(&scene, "4\n");
        exists(&scene, "p.log.2.gz")
    });
    assert!(rolled, "{}", scene.log());
    assert!(
        scene
            .dir
            .read("p.log.1")
            .unwrap()
            .starts_with("number 2\nnumber 3\n4\n")
    );
    scene.dir.write("go", "");
    assert!(wait_until(DEADLINE, || exists(&scene, "p.log.1.gz")));
    scene.dir.write("go", "");
    scene.stop();
}

#[test]
fn a_processor_that_fails_leaves_the_file_as_it_was_and_is_not_tried_again() {
    let dir = Dir::new();
    let bad = dir.script(
        "bad",
        "echo $1 >> ${1%/*}/tried\necho half > $1.gz\necho 'no space' >&2\nexit 3",
    );
    let scene = start(dir, &cat(&bad.display().to_string()));
    say(&scene, "number 1\n");
    scene.wait_log("the file stays as it is: no space");
    assert!(
        scene.log().contains("ended with exit status 3"),
        "{}",
        scene.log()
    );
    assert_eq!(scene.dir.read("p.log.1").as_deref(), Some("number 1\n"));
    assert!(!exists(&scene, "p.log.1.gz"));
    say(&scene, "number 2\n");
    wait_for(&scene, "p.log.2", "number 1\n");
    let log = scene.dir.join("p.log.1").canonicalize().unwrap();
    wait_for(&scene, "tried", &format!("{0}\n{0}\n", log.display()));
    // One that is not there is told, and the log goes on.
    scene.stop();
    let scene = start(Dir::new(), &cat("/nonexistent/pack"));
    say(&scene, "number 1\n");
    scene.wait_log("its rotated file stays as it is: can't find command '/nonexistent/pack'");
    say(&scene, "number 2\n");
    wait_for(&scene, "p.log.2", "number 1\n");
    scene.stop();
}

/// A processor that writes half of its result and hangs, and a scene where it does.
fn hanging() -> Scene {
    let dir = Dir::new();
    let hangs = dir.script(
        "hangs",
        "trap '' TERM\necho half > $1.gz\n: > ${1%/*}/began\nwhile :; do read line || sleep 0.1; done",
    );
    let scene = start(dir, &cat(&hangs.display().to_string()));
    say(&scene, "number 1\n");
    assert!(wait_until(DEADLINE, || exists(&scene, "began")));
    scene
}

#[test]
fn a_processor_that_hangs_is_killed_after_ten_minutes() {
    let scene = hanging();
    scene.dir.write("monotonic", "601");
    scene.call("getState", &[]).answer();
    scene.wait_log("takes too long, killing it");
    scene.wait_log("the file stays as it is");
    assert_eq!(scene.dir.read("p.log.1").as_deref(), Some("number 1\n"));
    assert!(!exists(&scene, "p.log.1.gz"));
    scene.stop();
}

#[test]
fn at_the_end_a_processor_is_waited_for_a_little_and_its_half_removed() {
    let mut scene = hanging();
    scene.daemon.signal(libc::SIGTERM);
    let stopped = wait_until(DEADLINE, || scene.log().contains("stopped: p"));
    assert!(stopped, "{}", scene.log());
    scene.dir.write("monotonic", "6");
    // Whoever asks wakes it, while it answers.
    let ended = wait_until(DEADLINE, || {
        scene.call("getState", &[]);
        scene.log().contains("takes too long, killing it")
    });
    assert!(ended, "{}", scene.log());
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0));
    assert_eq!(scene.dir.read("p.log.1").as_deref(), Some("number 1\n"));
    assert!(!exists(&scene, "p.log.1.gz"));
}

#[test]
fn a_processor_runs_at_a_low_priority_as_the_owner_of_the_directory() {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let dir = Dir::new();
    let tells = dir.script("tells", "echo $(id -u) $(nice) > $1.gz.told");
    let theirs = dir.join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if is_root {
        chown(&theirs, Some(NOBODY), None).unwrap();
    }
    let nice = Command::new("nice").output().unwrap().stdout;
    let nice: i32 = String::from_utf8(nice).unwrap().trim().parse().unwrap();
    let owner = fs::metadata(&theirs).unwrap().uid();
    let keys = cat(&tells.display().to_string()).replace("/p.log", "/theirs/p.log");
    let scene = start(dir, &keys);
    say(&scene, "number 1\n");
    let expected = format!("{owner} {}\n", (nice + 10).min(19));
    wait_for(&scene, "theirs/p.log.1.gz.told", &expected);
    scene.stop();
}

#[test]
fn root_runs_no_processor_where_others_may_replace_the_file() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let dir = Dir::new();
    let open = dir.join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let scene = start(dir, &cat("gzip").replace("/p.log", "/open/p.log"));
    say(&scene, "number 1\n");
    scene.wait_log("nothing is run there as root");
    assert_eq!(
        scene.dir.read("open/p.log.1").as_deref(),
        Some("number 1\n")
    );
    scene.stop();
}

#[test]
fn a_processor_ran_as_root_in_a_directory_whose_place_others_could_take() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let dir = Dir::new();
    fs::create_dir_all(dir.join("home/logs")).unwrap();
    chown(dir.join("home"), Some(NOBODY), None).unwrap();
    let scene = start(dir, &cat("gzip").replace("/p.log", "/home/logs/p.log"));
    say(&scene, "number 1\n");
    scene.wait_log("others may put another directory in the place of its own");
    assert_eq!(
        scene.dir.read("home/logs/p.log.1").as_deref(),
        Some("number 1\n")
    );
    scene.stop();
}
