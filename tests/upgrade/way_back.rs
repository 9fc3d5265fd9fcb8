//! A program that assents to the state when it is tried, and cannot go on with it when it has
//! taken over, becomes the one before again.

use super::failures::Steady;
use super::{copy, place, reason, replace, run, upgrade};
use crate::support::{DEADLINE, Dir, binary, c, descriptors_of, wait_until};
use std::fs;
use std::process::Command;

/// Is the right program when it is tried, and another one when it takes over.
const TWO_FACES: &str = r#"
#include <string.h>
#include <unistd.h>
int main(int count, char **words)
{
    int is_trial = count == 2 && strcmp(words[1], "--can-take-over") == 0;

    return execv(is_trial ? TRIED : TAKES_OVER, words);
}
"#;

/// A copy of the binary that knows a member of the state by another name.
fn forgetful(dir: &Dir) -> String {
    let place = dir.join("forgetful");
    run(Command::new("sh")
        .args([
            "-ec",
            "LC_ALL=C sed s/exit_signals/exit_signalz/g \"$0\" > \"$1\"; chmod 755 \"$1\"",
        ])
        .arg(binary())
        .arg(&place));
    place.display().to_string()
}

#[test]
fn an_error_after_the_exec_brings_the_old_program_back() {
    let dir = Dir::new();
    let own = dir.bin().join("supervisord");
    copy(&own);
    let steady = Steady::start_as(dir, |_| {});
    let scene = &steady.scene;
    let source = format!(
        "#define TRIED {:?}\n#define TAKES_OVER {:?}\n{TWO_FACES}",
        binary(),
        forgetful(&scene.dir)
    );
    let program = c::program(&scene.dir, "two-faces", &source);
    let pid = scene.daemon.pid();
    let open = descriptors_of(pid);
    for _ in 0..3 {
        // The file of the program that runs is gone, and it is found again all the same.
        replace(scene, &program);
        let told = reason(&upgrade(scene));
        assert!(
            told.contains("exit_signals") || told.contains("exit_signalz"),
            "{told}"
        );
        let log = scene.log();
        assert!(
            log.contains(&format!(" WARN cannot upgrade: {told}\n")),
            "{log}"
        );
        steady.is_as_before();
        let image = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        let image = image.display().to_string();
        assert_eq!(image, format!("{} (deleted)", place(scene).display()));
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(name, "supervisord\n");
    }
    let same = wait_until(DEADLINE, || descriptors_of(pid).len() <= open.len());
    assert!(same, "{open:?}, now {:?}", descriptors_of(pid));
    steady.ends_well();
}
