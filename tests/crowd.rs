//! Many programs at once.

use super::support::{Scene, Value, children_of};
use std::time::{Duration, Instant};

/// How many.
const PROGRAMS: usize = 200;

/// What each of starting and stopping all of them may take; a loaded machine
/// included.
const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn two_hundred_programs_start_and_stop_together() {
    let begin = Instant::now();
    let scene = Scene::start(&format!(
        "[program:p]\ncommand=/bin/cat\nnumprocs={PROGRAMS}\nprocess_name=p%(process_num)03d\nstartsecs=0\n"
    ));
    scene.wait_all("RUNNING");
    assert!(
        begin.elapsed() < LIMIT,
        "starting took {:?}",
        begin.elapsed()
    );
    assert_eq!(children_of(scene.daemon.pid()).len(), PROGRAMS);

    let in_time = |method: &str| {
        let begin = Instant::now();
        let Value::Array(results) = scene.call(method, &[]).answer() else {
            panic!("{method} answers with an array");
        };
        assert_eq!(results.len(), PROGRAMS, "{method}");
        for result in results {
            assert_eq!(result.int_of("status"), 80, "{method}: {result}");
        }
        assert!(
            begin.elapsed() < LIMIT,
            "{method} took {:?}",
            begin.elapsed()
        );
    };
    in_time("stopAllProcesses");
    assert_eq!(children_of(scene.daemon.pid()), []);
    in_time("startAllProcesses");
    assert_eq!(children_of(scene.daemon.pid()).len(), PROGRAMS);
    let begin = Instant::now();
    scene.stop();
    assert!(
        begin.elapsed() < LIMIT,
        "the end took {:?}",
        begin.elapsed()
    );
}
