//! How many files a process has open, told without looking at each of them: a program may have a
//! million.

use super::metrics::{SERVER, figures};
use super::support::{Dir, Scene, Value};
use std::fs;

const WRAPPER: &[&str] = &[
    "strace",
    "-D",
    "-qq",
    "-y",
    "-o",
    "calls",
    "-e",
    "trace=getdents64",
];

#[test]
fn each_look_at_figures_went_through_all_open_files_of_all_programs() {
    // Linux tells the number since 6.2.
    if !fs::metadata("/proc/self/fd").is_ok_and(|found| found.len() > 0) {
        println!("left out: this system does not tell how many files a process has open");
        return;
    }
    let programs = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";
    let scene = Scene::start_as(
        Dir::new(),
        &format!("{SERVER}metrics_processes=true\n{programs}"),
        |launch| launch.wrapper = WRAPPER,
    );
    scene.wait_all("RUNNING");
    let pid = scene.pid("cat");
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let open = u32::try_from(open).unwrap();
    let told = figures(&scene);
    let name = "supervisord_process_open_fds{name=\"cat\",group=\"cat\"}";
    assert_eq!(told.get(name), Some(&f64::from(open)));
    let Value::Array(rows) = scene
        .call("getProcessFigures", &[Value::Array(Vec::new())])
        .answer()
    else {
        panic!("it answers with an array");
    };
    assert_eq!(rows[0].int_of("open_fds"), i64::from(open));
    let calls = scene.dir.read("calls").unwrap();
    assert!(!calls.contains(&format!("/proc/{pid}/fd>")), "{calls}");
    scene.stop();
}
