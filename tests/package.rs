//! What the package's scripts and the recipes of `conf/ship.mk` do, as far as it can be seen
//! without a system to install on; for that there is `make package-test`.

use super::support::{DEADLINE, Dir, Finished, finish, wait_until};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// A process that is killed when dropped.
struct Other(Child);

impl Other {
    /// Runs these words, and waits until the process has become what they name.
    fn start(words: &[&str]) -> Other {
        let mut command = Command::new(words[0]);
        let child = command.args(&words[1..]).stdin(Stdio::null()).spawn();
        let other = Other(child.unwrap());
        let line = || fs::read_to_string(format!("/proc/{}/cmdline", other.0.id())).unwrap();
        assert!(wait_until(DEADLINE, || line().contains(words[1])));
        other
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Has the package wait for the process of which the pid file tells, so many tenths of a second.
/// There is a file `waits` once it does.
fn await_predecessor(dir: &Dir, pid: &str, tries: u32) -> Finished {
    dir.write("supervisord.pid", pid);
    let script = read("conf/debian/postinst");
    let (functions, _) = script.split_once("case \"$1\" in\nconfigure").unwrap();
    let pidfile = dir.join("supervisord.pid").display().to_string();
    let functions = functions
        .replace("/var/run/supervisord.pid", &pidfile)
        .replace("-eq 300", &format!("-eq {tries}"));
    assert!(functions.contains(&pidfile) && functions.contains(&format!("-eq {tries} ")));
    let waits = dir.join("waits").display().to_string();
    let sleep = format!("sleep() {{ : >'{waits}'; command sleep \"$1\"; }}\n");
    let script = format!("{sleep}{functions}await_predecessor\necho installed\n");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    finish(command, "", DEADLINE)
}

/// As Debian's is: an interpreter with a script of that name.
fn predecessor(dir: &Dir, script: &str) -> Other {
    let path = dir.script("supervisord", script).display().to_string();
    Other::start(&["/bin/sh", &path])
}

/// More than a test may take.
const WITHOUT_END: u32 = 100_000;

#[test]
fn a_program_that_has_the_number_of_a_stale_pid_file_was_waited_for() {
    let dir = Dir::new();
    let other = Other::start(&["sleep", "1000"]);
    let own = Command::new("sh").arg("-c").arg("exit").spawn().unwrap();
    let gone = Other(own);
    for pid in [
        format!("{}\n", other.0.id()),
        // Ended, and nobody has asked how.
        format!("{}\n", gone.0.id()),
        String::new(),
        "4294967296\n".to_owned(),
        "self\n".to_owned(),
    ] {
        let finished = await_predecessor(&dir, &pid, WITHOUT_END);
        assert_eq!(finished.stdout, "installed\n", "{pid}: {finished:?}");
        assert_eq!(finished.stderr, "", "{pid}");
    }
}

#[test]
fn the_supervisord_of_before_is_waited_for_until_it_has_ended() {
    let dir = Dir::new();
    let script = "while [ ! -e end ]; do sleep 0.02; done";
    let script = script.replace("end", &dir.join("end").display().to_string());
    let mut other = predecessor(&dir, &script);
    let pid = format!("{}\n", other.0.id());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| await_predecessor(&dir, &pid, WITHOUT_END));
        let waits = || dir.join("waits").exists();
        let is_waited_for = wait_until(DEADLINE, || waits() || waiting.is_finished());
        dir.write("end", "");
        other.0.wait().unwrap();
        assert!(is_waited_for && waits());
        let finished = waiting.join().unwrap();
        assert_eq!(finished.stdout, "installed\n", "{finished:?}");
        assert_eq!(finished.stderr, "");
    });
}

#[test]
fn of_a_supervisord_that_does_not_end_nobody_was_told() {
    let dir = Dir::new();
    let other = predecessor(&dir, "while :; do sleep 0.1; done");
    let pid = other.0.id();
    let finished = await_predecessor(&dir, &format!("{pid}\n"), 2);
    assert_eq!(finished.stdout, "installed\n", "{finished:?}");
    let said = format!(
        "the supervisord of before (process {pid}) still runs: when it has ended, \
         run `service supervisor restart`\n"
    );
    assert_eq!(finished.stderr, said);
}

#[test]
fn the_bill_of_materials_keeps_licences_whole_and_leaves_out_folders() {
    let rules = read("conf/ship.mk");
    let (_, rest) = rules.split_once("\t@sed '").unwrap();
    let (edit, _) = rest.split_once("' target/tree.txt").unwrap();
    assert!(rules.contains("--format '{p};{l}' > target/tree.txt"));
    let mut command = Command::new("sed");
    command.arg(edit.replace("$$", "$"));
    let tree = "pollvisor v4.3.0 (/home/a b (old)/x);MIT\n\
                \n\
                unicode v1.0.22;(MIT OR Apache-2.0) AND Unicode-3.0\n\
                one v1.0.0;(MIT)\n\
                derive v1.0.0 (proc-macro);MIT (*)\n\
                macros v1.0.0 (proc-macro) (/home/a/x);Zlib\n\
                none v1.0.0;\n";
    let expected = "pollvisor v4.3.0 MIT\n\
                    unicode v1.0.22 (MIT OR Apache-2.0) AND Unicode-3.0\n\
                    one v1.0.0 (MIT)\n\
                    derive v1.0.0 MIT\n\
                    macros v1.0.0 Zlib\n\
                    none v1.0.0 \n";
    assert_eq!(finish(command, tree, DEADLINE).stdout, expected);
}
