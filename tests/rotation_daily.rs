//! Logs that roll over at midnight, and that keep an owner and a mode. The daemon sees another
//! clock than its host: the shim sets it.

use super::support::{DEADLINE, Dir, Scene, Value, kill, wait_until};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 2026-10-25 00:00 UTC, the day on which summer time ends in Europe.
const END_OF_SUMMER: i64 = 1_792_886_400;
/// The same of 2026-03-29, when it begins.
const BEGIN_OF_SUMMER: i64 = 1_774_742_400;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const NOBODY: u32 = 65534;

fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Sets the clock of the daemon, which looks at the file at any time.
fn set_clock(dir: &Dir, to: i64) {
    let written = dir.write("clock.new", (to - wall()).to_string());
    fs::rename(written, dir.join("clock")).unwrap();
}

/// Has the daemon notice: each call is a turn of its loop.
fn set_and_turn(scene: &Scene, to: i64) {
    set_clock(&scene.dir, to);
    scene.call("getState", &[]).answer();
    scene.call("getState", &[]).answer();
}

/// A daemon in Europe whose clock is set to a time.
fn in_europe(dir: Dir, at: i64, more: &str) -> Scene {
    set_clock(&dir, at);
    Scene::start_as(dir, more, |launch| {
        launch.shim = true;
        launch.environment = &[("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")];
    })
}

const CAT: &str = "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstderr_logfile=NONE\n\
                   stdout_logfile=%(here)s/p.log\n";

fn say(scene: &Scene, text: &str) {
    let before = scene.dir.read("p.log").unwrap();
    let said = scene.call("sendProcessStdin", &[Value::text("p"), Value::text(text)]);
    assert_eq!(said.answer(), Value::Bool(true));
    wait_for(scene, "p.log", &format!("{before}{text}"));
}

fn wait_for(scene: &Scene, name: &str, text: &str) {
    let is_there = wait_until(DEADLINE, || scene.dir.read(name).as_deref() == Some(text));
    assert!(is_there, "{name}: {:?}", scene.dir.read(name));
}

/// What the log and its backups hold.
fn files(scene: &Scene) -> Vec<String> {
    let names = ["p.log", "p.log.1", "p.log.2", "p.log.3"];
    names
        .iter()
        .map_while(|name| scene.dir.read(name))
        .collect()
}

/// The new file comes a moment after the old one has its other name.
fn wait_for_files(scene: &Scene, texts: &[&str]) {
    let are_so = wait_until(DEADLINE, || files(scene) == texts);
    assert!(are_so, "{:?}", files(scene));
}

#[test]
fn a_log_rolls_over_at_midnight_while_nothing_is_written() {
    let noon = END_OF_SUMMER - 12 * HOUR;
    let scene = in_europe(
        Dir::new(),
        noon,
        &format!("logfile_rotate=daily\n{CAT}stdout_logfile_rotate=daily\n"),
    );
    scene.wait("p", "RUNNING");
    say(&scene, "one\n");
    // Its timer goes by the time that passes: a moment before midnight, it comes by itself.
    let midnight = END_OF_SUMMER - 2 * HOUR;
    set_clock(&scene.dir, midnight - 2);
    scene.dir.write("monotonic", "61");
    scene.call("getState", &[]).answer();
    wait_for_files(&scene, &["", "one\n"]);
    assert!(
        scene
            .dir
            .read("main.log.1")
            .unwrap()
            .contains("spawned: 'p'")
    );
    // Nothing was written on that day: no backup is pushed out by an empty one.
    set_and_turn(&scene, midnight + 3 * DAY + 2 * HOUR);
    assert_eq!(files(&scene), ["", "one\n"]);
    say(&scene, "two\n");
    set_and_turn(&scene, midnight + 3 * DAY + 5 * HOUR);
    assert_eq!(files(&scene), ["two\n", "one\n"]);
    set_and_turn(&scene, midnight + 4 * DAY + 2 * HOUR);
    assert_eq!(files(&scene), ["", "two\n", "one\n"]);
    scene.stop();
}

#[test]
fn days_of_summer_time_end_at_local_midnight() {
    for (day, utc_of_midnight, too_early) in [
        // 25 hours, from 22:00 to 23:00 UTC; 23, from 23:00 to 22:00 UTC.
        (END_OF_SUMMER, 23 * HOUR, 22 * HOUR),
        (BEGIN_OF_SUMMER, 22 * HOUR, 21 * HOUR),
    ] {
        let keys = format!("{CAT}stdout_logfile_rotate=daily\n");
        let scene = in_europe(Dir::new(), day + HOUR / 2, &keys);
        scene.wait("p", "RUNNING");
        say(&scene, "one\n");
        for early in [too_early + 60, utc_of_midnight - 60] {
            set_and_turn(&scene, day + early);
            assert_eq!(files(&scene), ["one\n"], "{day}: {early}");
        }
        set_and_turn(&scene, day + utc_of_midnight + 1);
        assert_eq!(files(&scene), ["", "one\n"], "{day}");
        scene.stop();
    }
}

#[test]
fn a_clock_that_was_wrong_and_is_set_back_stops_no_rotation() {
    let scene = in_europe(
        Dir::new(),
        END_OF_SUMMER + 1000 * DAY,
        &format!("{CAT}stdout_logfile_rotate=daily\n"),
    );
    scene.wait("p", "RUNNING");
    say(&scene, "one\n");
    // What waits for a midnight in three years looks again within a minute.
    set_clock(&scene.dir, END_OF_SUMMER);
    scene.dir.write("monotonic", "61");
    scene.call("getState", &[]).answer();
    scene.call("getState", &[]).answer();
    assert_eq!(files(&scene), ["one\n"]);
    set_and_turn(&scene, END_OF_SUMMER + DAY);
    assert_eq!(files(&scene), ["", "one\n"]);
    scene.stop();
}

fn age(path: &Path, by: i64) {
    let before = SystemTime::now() - Duration::from_secs(by.unsigned_abs());
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(before).unwrap();
}

#[test]
fn a_log_of_a_day_before_rolls_over_when_it_is_opened() {
    let dir = Dir::new();
    for (name, days) in [
        ("p.log", 3),
        ("main.log", 2),
        ("today.log", 0),
        ("size.log", 3),
    ] {
        let path = dir.write(name, format!("{name}: old\n"));
        age(&path, days * DAY);
    }
    let more = format!(
        "logfile_rotate=daily\n{CAT}stdout_logfile_rotate=daily\nstdout_logfile_maxbytes=6\n\
         [program:today]\ncommand=/bin/cat\nstdout_logfile=%(here)s/today.log\nstdout_logfile_rotate=daily\n\
         [program:size]\ncommand=/bin/cat\nstdout_logfile=%(here)s/size.log\n"
    );
    let scene = Scene::start(&more);
    drop(scene);
    let scene = Scene::start_as(dir, &more, |_| {});
    scene.wait_all("RUNNING");
    assert_eq!(files(&scene), ["", "p.log: old\n"]);
    assert_eq!(
        scene.dir.read("main.log.1").as_deref(),
        Some("main.log: old\n")
    );
    for name in ["today.log", "size.log"] {
        assert_eq!(scene.dir.read(name), Some(format!("{name}: old\n")));
        assert!(!scene.dir.join(&format!("{name}.1")).exists());
    }
    // The size limit holds beside it.
    let said = scene.call(
        "sendProcessStdin",
        &[Value::text("p"), Value::text("longer\n")],
    );
    said.answer();
    wait_for_files(&scene, &["", "longer\n", "p.log: old\n"]);
    scene.stop();
}

/// Waits until the daemon has done all that a file shows the beginning of.
fn finish_turn(scene: &Scene) {
    scene.call("getState", &[]).answer();
}

/// Permissions, and the owner and group where the test may give files away.
fn told(path: &Path) -> (u32, u32, u32) {
    let found = fs::metadata(path).unwrap();
    (
        found.permissions().mode() & 0o7777,
        found.uid(),
        found.gid(),
    )
}

#[test]
fn owner_and_mode_are_kept_at_each_rotation() {
    let is_root = is_root();
    let (own, group) = (own_user(), told(Path::new("/proc/self")).2);
    let owner = match is_root {
        true => format!("stdout_logfile_chown={NOBODY}:{NOBODY}\n"),
        false => String::new(),
    };
    let expected = match is_root {
        true => (0o640, NOBODY, NOBODY),
        false => (0o640, own, group),
    };
    let dir = Dir::new();
    let old = dir.write("p.log", "old\n");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o600)).unwrap();
    let scene = Scene::start_as(
        dir,
        &format!(
            "logfile_chmod=0604\n{CAT}stdout_logfile_maxbytes=8\nstdout_logfile_chmod=0640\n{owner}\
             [program:auto]\ncommand=/bin/cat\nstdout_logfile_chmod=0660\n"
        ),
        |_| {},
    );
    scene.wait_all("RUNNING");
    assert_eq!(told(&scene.dir.join("p.log")), expected);
    assert_eq!(told(&scene.dir.join("main.log")).0, 0o604);
    let auto = scene.info("auto").text_of("stdout_logfile");
    assert_eq!(told(Path::new(&auto)).0, 0o660);
    scene
        .call(
            "sendProcessStdin",
            &[Value::text("p"), Value::text("longer\n")],
        )
        .answer();
    wait_for(&scene, "p.log.1", "old\nlonger\n");
    finish_turn(&scene);
    for name in ["p.log", "p.log.1"] {
        assert_eq!(told(&scene.dir.join(name)), expected, "{name}");
    }
    // Cleared, moved away and reopened, removed by somebody.
    scene.call("clearProcessLogs", &[Value::text("p")]).answer();
    assert_eq!(told(&scene.dir.join("p.log")), expected);
    fs::rename(scene.dir.join("p.log"), scene.dir.join("moved")).unwrap();
    scene.daemon.signal(libc::SIGUSR2);
    assert!(wait_until(DEADLINE, || scene.dir.join("p.log").exists()));
    scene.wait_log("log reopen");
    finish_turn(&scene);
    assert_eq!(told(&scene.dir.join("p.log")), expected);
    fs::remove_file(scene.dir.join("p.log")).unwrap();
    scene
        .call("sendProcessStdin", &[Value::text("p"), Value::text("x\n")])
        .answer();
    wait_for(&scene, "p.log", "x\n");
    finish_turn(&scene);
    assert_eq!(told(&scene.dir.join("p.log")), expected);
    scene.stop();
}

fn own_user() -> u32 {
    told(Path::new("/proc/self")).1
}

fn is_root() -> bool {
    own_user() == 0
}

#[test]
fn a_file_of_somebody_else_was_given_away_by_its_name() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    let theirs = dir.join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(&theirs, Some(NOBODY - 1), None).unwrap();
    // A file of root that the directory's owner could have moved there.
    dir.write("theirs/p.log", "secret\n");
    fs::set_permissions(theirs.join("p.log"), fs::Permissions::from_mode(0o600)).unwrap();
    let keys = CAT.replace("/p.log", "/theirs/p.log");
    let scene = Scene::start_as(
        dir,
        &format!("{keys}stdout_logfile_chown={NOBODY}\nstdout_logfile_chmod=0644\n"),
        |_| {},
    );
    scene.wait("p", "RUNNING");
    scene.wait_log("cannot set owner and mode of");
    assert_eq!(told(&scene.dir.join("theirs/p.log")), (0o600, 0, 0));
    kill(scene.pid("p"), libc::SIGKILL);
    scene.stop();
}
