//! A state file that is something else as well: by a slip of the pen it has the path of a file
//! that comes later.

use super::support::{DEADLINE, Outcome, Scene, Value, wait_until};

#[test]
fn a_state_file_that_was_a_log_too_took_the_place_of_the_log() {
    let scene = Scene::start(
        "statefile=%(here)s/web.log\n[program:web]\ncommand=sh -c 'echo precious; exec cat'\n\
         startsecs=0\nstdout_logfile=%(here)s/web.log\n",
    );
    let is_there = || scene.dir.read("web.log").as_deref() == Some("precious\n");
    assert!(wait_until(DEADLINE, is_there));
    let outcome = scene.call("disableProcess", &[Value::text("web")]);
    let Outcome::Fault(_, text) = outcome else {
        panic!("the file is no state file: {outcome:?}");
    };
    assert!(
        text.contains("web.log: line 1 is not 'disabled GROUP:PROCESS'"),
        "{text}"
    );
    assert!(is_there());
    scene.stop();
}
