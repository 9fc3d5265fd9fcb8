//! What hooks write goes where their program's output goes: in its form, into each of its logs,
//! and into memory.

use super::support::{DEADLINE, Scene, Value, wait_until};

fn wait_for(scene: &Scene, name: &str, text: &str) {
    let is_there = wait_until(DEADLINE, || scene.dir.read(name).as_deref() == Some(text));
    let found = scene.dir.read(name);
    assert!(is_there, "{name}: {found:?}\n{}", scene.log());
}

#[test]
fn what_hooks_write_has_the_form_of_each_log_and_ends_its_line() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'echo runs; exec cat'\nstartsecs=0\nautostart=false\n\
         pre_start_hook=/bin/sh -c 'echo before; printf cut'\n\
         post_stop_hook=/bin/sh -c 'echo after >&2'\n\
         stdout_logfile=%(here)s/a.log, %(here)s/b.log\n\
         stdout_logfile_format=prefix, %(channel)s: %(message)s\nstderr_logfile=NONE\n",
    );
    scene.call("startProcess", &[Value::text("p")]).answer();
    wait_for(&scene, "a.log", "p | before\np | cut\np | runs\n");
    scene.call("stopProcess", &[Value::text("p")]).answer();
    wait_for(
        &scene,
        "a.log",
        "p | before\np | cut\np | runs\np | after\n",
    );
    let lines = "stdout: before\nstdout: cut\nstdout: runs\nstdout: after\n";
    wait_for(&scene, "b.log", lines);
    scene.stop();
}

#[test]
fn a_line_of_a_hook_without_an_end_is_written_after_a_while() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nhook_timeout=10m\n\
         pre_start_hook=/bin/sh -c 'printf \"unlocking... \"; until [ -e %(here)s/go ]; do sleep 0.05; done; echo done'\n\
         stdout_logfile=%(here)s/p.log\nstdout_logfile_format=prefix\nstderr_logfile=NONE\n",
    );
    wait_for(&scene, "p.log", "p | unlocking... \n");
    assert_eq!(scene.info("p").text_of("statename"), "STARTING");
    scene.dir.write("go", "");
    wait_for(&scene, "p.log", "p | unlocking... \np | done\n");
    scene.wait("p", "RUNNING");
    scene.stop();
}

#[test]
fn what_hooks_write_is_kept_in_memory_with_the_output() {
    let scene = Scene::start(
        "childlog_ring=1KB\n\
         [program:p]\ncommand=/bin/sh -c 'echo runs; exec cat'\nstartsecs=0\n\
         pre_start_hook=echo before\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
    );
    scene.wait("p", "RUNNING");
    let parameters = [Value::text("p"), Value::Int(0), Value::Int(0)];
    let read = || scene.call("readProcessStdoutLog", &parameters).answer();
    let is_there = wait_until(DEADLINE, || read() == Value::text("before\nruns\n"));
    assert!(is_there, "{}", read());
    scene.stop();
}
