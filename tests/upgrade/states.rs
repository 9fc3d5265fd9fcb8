//! The states of all releases, in `states/VERSION.txt`: each is what a running daemon with nearly
//! every feature in use had written, and is read by this program.

use crate::support::{DEADLINE, Dir, finish};
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_state_of_every_release_is_read() {
    let dir = Dir::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/states");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let state = fs::read_to_string(entry.unwrap().path()).unwrap();
        let trial = |state: &str| {
            let mut command = Command::new(dir.bin().join("supervisord"));
            command.arg("--can-take-over");
            finish(command, state, DEADLINE)
        };
        let finished = trial(&state);
        let assent = format!("supervisord {} can take over\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(finished.stdout, assent, "{finished:?}");
        // A member of another type is not passed over.
        let finished = trial(&state.replace("\"pid\":", "\"pid\":\"x\","));
        assert_eq!(finished.status, Some(1));
        assert!(finished.stderr.contains("pid: no number"), "{finished:?}");
        count += 1;
    }
    assert!(count > 0);
}
