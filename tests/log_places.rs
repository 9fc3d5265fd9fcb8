//! Logs in directories that belong to others: what a program's user does there to the
//! names that supervisord, as root, opens, makes, moves and removes.

use super::places::{
    give_away, ground, is_untouched, plant, program, say, scene, stopping_after, wait_for_file,
    wait_for_text,
};
use super::support::{
    Address, DEADLINE, Daemon, Kind, Launch, Outcome, Rpc, Scene, Value, usual_configuration,
    wait_until,
};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_log_that_was_removed_was_made_anew_through_a_link() {
    let Some(dir) = ground() else { return };
    let scene = scene(dir, "");
    say(&scene, "first\n");
    wait_for_text(&scene, "theirs/w.log", "first");
    plant(&scene.dir, "theirs/w.log", scene.dir.join("ours/new"));
    say(&scene, "second\n");
    scene.wait_log("w.log: there is a link of user \"daemon\" on the way");
    scene.wait_log("/theirs belongs to user \"daemon\"");
    assert!(!scene.dir.join("ours/new").exists());
    // It goes on where the link goes.
    fs::remove_file(scene.dir.join("theirs/w.log")).unwrap();
    say(&scene, "third\n");
    wait_for_text(&scene, "theirs/w.log", "third");
    scene.stop();
}

#[test]
fn a_log_was_made_anew_where_its_directory_was_replaced_by_a_link() {
    let Some(dir) = ground() else { return };
    fs::create_dir(dir.join("theirs/logs")).unwrap();
    give_away(&dir, "theirs/logs");
    let more = "stderr_logfile=NONE\n[program:q]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n\
                stdout_logfile=%(here)s/theirs/logs/q.log\n";
    let scene = scene(dir, more);
    fs::rename(
        scene.dir.join("theirs/logs"),
        scene.dir.join("theirs/moved"),
    )
    .unwrap();
    plant(&scene.dir, "theirs/logs", scene.dir.join("ours"));
    let outcome = scene.call("startProcess", &[Value::text("q")]);
    assert!(matches!(outcome, Outcome::Fault(..)), "{outcome:?}");
    assert!(!scene.dir.join("ours/q.log").exists());
    let told = scene.info("q").text_of("spawnerr").to_owned();
    assert!(
        told.contains("such links lead to their owner's directories only"),
        "{told}"
    );
    scene.stop();
}

#[test]
fn a_log_that_is_a_link_of_its_user_keeps_the_program_from_starting() {
    let Some(dir) = ground() else { return };
    plant(&dir, "theirs/w.log", dir.join("ours/precious"));
    let scene = Scene::start_as(dir, &program("startretries=0\n"), |_| {});
    scene.wait("p", "FATAL");
    let told = scene.info("p").text_of("spawnerr").to_owned();
    assert!(told.starts_with("cannot open "), "{told}");
    assert!(told.contains("belongs to user \"daemon\""), "{told}");
    assert!(is_untouched(&scene.dir));
    scene.stop();
}

#[test]
fn a_log_without_backups_emptied_what_was_put_in_its_place() {
    let Some(dir) = ground() else { return };
    let scene = scene(
        dir,
        "stdout_logfile_maxbytes=20\nstdout_logfile_backups=0\n",
    );
    say(&scene, "first\n");
    wait_for_text(&scene, "theirs/w.log", "first");
    // The file that is written to is still somewhere.
    let swap = |plant: &dyn Fn()| {
        fs::rename(
            scene.dir.join("theirs/w.log"),
            scene.dir.join("theirs/moved"),
        )
        .unwrap();
        plant();
    };
    swap(&|| plant(&scene.dir, "theirs/w.log", scene.dir.join("ours/precious")));
    say(&scene, "a line that is longer than the limit\n");
    scene.wait_log("cannot rotate");
    assert!(is_untouched(&scene.dir));
    scene.stop();
}

#[test]
fn a_log_without_backups_emptied_a_file_that_had_another_name_too() {
    let Some(dir) = ground() else { return };
    let scene = scene(
        dir,
        "stdout_logfile_maxbytes=20\nstdout_logfile_backups=0\n",
    );
    say(&scene, "first\n");
    wait_for_text(&scene, "theirs/w.log", "first");
    fs::rename(
        scene.dir.join("theirs/w.log"),
        scene.dir.join("theirs/moved"),
    )
    .unwrap();
    fs::hard_link(
        scene.dir.join("ours/precious"),
        scene.dir.join("theirs/w.log"),
    )
    .unwrap();
    say(&scene, "a line that is longer than the limit\n");
    scene.wait_log("it is a file with 2 names (hard links)");
    assert!(is_untouched(&scene.dir));
    scene.stop();
}

#[test]
fn a_log_that_is_cleared_was_made_anew_through_a_link() {
    let Some(dir) = ground() else { return };
    let inject = "inject=unlink,unlinkat:signal=SIGSTOP:when=1+";
    let trace = "trace=unlink,unlinkat";
    let wrapper = stopping_after(inject, trace);
    dir.write("supervisord.conf", usual_configuration(&program("")));
    let mut launch = Launch::new(Kind::Ours, &dir);
    launch.wrapper = &wrapper;
    let daemon = Daemon::launch(&launch);
    // It goes on after everything that it removes, except for the log.
    let log = dir.join("theirs/w.log");
    let go_on = || daemon.signal(libc::SIGCONT);
    let answering = wait_until(DEADLINE, || {
        go_on();
        dir.join("s").exists() && log.exists()
    });
    assert!(answering, "{}", daemon.stderr());
    let client = std::thread::spawn({
        let address = Address::Unix(dir.join("s"));
        move || {
            let rpc = Rpc::new(address);
            rpc.call("supervisor.clearProcessLogs", &[Value::text("p")])
        }
    });
    let removed = wait_until(DEADLINE, || {
        let is_gone = !log.exists();
        if !is_gone {
            go_on();
        }
        is_gone
    });
    assert!(removed, "{}", daemon.stderr());
    plant(&dir, "theirs/w.log", dir.join("ours/new"));
    let done = wait_until(DEADLINE, || {
        go_on();
        client.is_finished()
    });
    assert!(done, "{}", daemon.stderr());
    client.join().unwrap();
    assert!(!dir.join("ours/new").exists());
}

#[test]
fn a_client_was_shown_what_a_link_in_the_place_of_a_log_leads_to() {
    let Some(dir) = ground() else { return };
    let scene = scene(dir, "");
    plant(&scene.dir, "theirs/w.log", scene.dir.join("ours/precious"));
    for method in ["readProcessStdoutLog", "tailProcessStdoutLog"] {
        let words = [Value::text("p"), Value::Int(0), Value::Int(1000)];
        let outcome = scene.call(method, &words);
        assert!(!format!("{outcome:?}").contains("precious"), "{outcome:?}");
    }
    scene.stop();
}

#[test]
fn logs_in_a_directory_of_the_programs_user_work_as_ever() {
    let Some(dir) = ground() else { return };
    dir.write("theirs/w.log", "old\n");
    give_away(&dir, "theirs/w.log");
    let scene = scene(
        dir,
        "stdout_logfile_maxbytes=30\nstdout_logfile_backups=2\n",
    );
    for line in ["one", "two", "three", "four"] {
        say(&scene, &format!("{line} {line} {line} {line}\n"));
        wait_until(DEADLINE, || {
            let all = ["", ".1", ".2"].map(|end| scene.dir.read(&format!("theirs/w.log{end}")));
            all.iter().flatten().any(|text| text.contains(line))
        });
    }
    wait_for_text(&scene, "theirs/w.log.1", "three");
    scene.stop();
}

#[test]
fn links_that_root_made_and_those_to_the_standard_output_go_on_to_work() {
    let Some(dir) = ground() else { return };
    symlink(dir.join("ours/w.log"), dir.join("theirs/w.log")).unwrap();
    plant(&dir, "theirs/out.log", "/dev/stdout");
    let more = "[program:q]\ncommand=/bin/echo to the standard output\nstartsecs=0\n\
                autorestart=false\nstdout_logfile=%(here)s/theirs/out.log\n";
    let scene = scene(dir, more);
    say(&scene, "by a link\n");
    wait_for_text(&scene, "ours/w.log", "by a link");
    let told = wait_until(DEADLINE, || {
        scene.daemon.stdout().contains("to the standard output")
    });
    assert!(told, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_users_link_to_a_descriptor_of_the_daemon_is_refused() {
    let Some(dir) = ground() else { return };
    plant(&dir, "theirs/w.log", "/dev/fd/3");
    let scene = Scene::start_as(dir, &program("startretries=0\n"), |_| {});
    scene.wait("p", "FATAL");
    scene.stop();
}

#[test]
fn a_log_was_taken_for_that_of_another_program_when_it_became_a_link_to_it() {
    let Some(dir) = ground() else { return };
    let more = "[program:other]\ncommand=/bin/cat\nstartsecs=0\n\
                stdout_logfile=%(here)s/ours/other.log\n";
    let stays_down = format!("{}autostart=false\n{more}", program(""));
    dir.write("supervisord.conf", usual_configuration(&stays_down));
    let paths = ["theirs", "theirs/w.log"].map(|name| dir.join(name).display().to_string());
    let inject = "inject=open,openat:signal=SIGSTOP:when=1";
    let mut wrapper = stopping_after(inject, "trace=open,openat");
    for path in &paths {
        wrapper.extend(["-P", path]);
    }
    let mut launch = Launch::new(Kind::Ours, &dir);
    launch.wrapper = &wrapper;
    let mut daemon = Daemon::launch(&launch);
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    daemon.wait_until_it_answers(&rpc);
    let client = std::thread::spawn({
        let rpc = rpc.clone();
        move || rpc.call("supervisor.startProcess", &[Value::text("p")])
    });
    wait_for_file(&daemon, &dir.join("theirs/w.log"));
    fs::rename(dir.join("theirs/w.log"), dir.join("theirs/stolen")).unwrap();
    plant(&dir, "theirs/w.log", dir.join("ours/other.log"));
    let done = wait_until(DEADLINE, || {
        daemon.signal(libc::SIGCONT);
        client.is_finished()
    });
    assert!(done, "{}", daemon.stderr());
    let words = [Value::text("other"), Value::text("secret\n")];
    rpc.call("supervisor.sendProcessStdin", &words).answer();
    let read = |name: &str| dir.read(name).unwrap_or_default();
    let written = wait_until(DEADLINE, || {
        read("ours/other.log").contains("secret") || read("theirs/stolen").contains("secret")
    });
    assert!(written, "{}", read("main.log"));
    assert_eq!(read("theirs/stolen"), "");
    daemon.stop();
}

#[test]
fn the_cleaning_of_automatic_logs_removed_files_of_another_directory() {
    let Some(dir) = ground() else { return };
    let name = "p-stdout---supervisor-aaaaaaaa.log";
    dir.write(&format!("theirs/logs/{name}"), "");
    dir.write(&format!("ours/{name}"), "");
    give_away(&dir, "theirs/logs");
    dir.write(
        "supervisord.conf",
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
         childlogdir=%(here)s/theirs/logs\n",
    );
    let (calls, logs) = (dir.join("calls"), dir.join("theirs/logs"));
    let wrapper = [
        "strace",
        "-D",
        "-qq",
        "-o",
        calls.to_str().unwrap(),
        "-P",
        logs.to_str().unwrap(),
        "-e",
        "trace=getdents64",
        "-e",
        "inject=getdents64:signal=SIGSTOP:when=1",
    ];
    let mut launch = Launch::new(Kind::Ours, &dir);
    launch.wrapper = &wrapper;
    let mut daemon = Daemon::launch(&launch);
    let listed = wait_until(DEADLINE, || {
        dir.read("calls")
            .unwrap_or_default()
            .contains("getdents64(")
    });
    assert!(listed, "{}", daemon.stderr());
    fs::rename(&logs, dir.join("theirs/moved")).unwrap();
    plant(&dir, "theirs/logs", dir.join("ours"));
    let gone = dir.join(&format!("theirs/moved/{name}"));
    let cleaned = wait_until(DEADLINE, || {
        daemon.signal(libc::SIGCONT);
        dir.read("main.log")
            .is_some_and(|log| log.contains("started with pid"))
    });
    assert!(cleaned, "{}", daemon.stderr());
    assert!(dir.join(&format!("ours/{name}")).exists());
    assert!(!gone.exists());
    daemon.stop();
}
