//! The logs of children where disks, pipes and readers misbehave.

use super::support::{DEADLINE, Dir, Scene, Value, is_alive, wait_until};
use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant};

#[test]
fn a_missing_log_directory_fails_its_program_alone() {
    let lost = |name: &str| {
        format!(
            "[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nstartretries=0\nstdout_logfile=%(here)s/none/{name}.log\n"
        )
    };
    let healthy = "[program:healthy]\ncommand=/bin/cat\nstartsecs=0\n";
    let scene = Scene::start(&format!("{healthy}{}", lost("lost")));
    scene.wait("healthy", "RUNNING");
    let pid = scene.pid("healthy");
    let why = |name: &str| {
        let path = scene.dir.join("none").join(format!("{name}.log"));
        format!(
            "The directory named as part of the path {} does not exist",
            path.display()
        )
    };
    scene.wait("lost", "FATAL");
    assert_eq!(scene.info("lost").text_of("spawnerr"), why("lost"));
    scene.wait_log(&format!("INFO spawnerr: {}", why("lost")));

    let more = format!("{healthy}{}{}", lost("lost"), lost("later"));
    scene.dir.write(
        "supervisord.conf",
        super::support::usual_configuration(&more),
    );
    let changes = scene.call("reloadConfig", &[]).answer();
    assert_eq!(changes.to_string(), r#"[[["later"], [], []]]"#);
    scene
        .call("addProcessGroup", &[Value::text("later")])
        .answer();
    scene.wait("later", "FATAL");
    assert_eq!(scene.info("later").text_of("spawnerr"), why("later"));

    std::fs::create_dir(scene.dir.join("none")).unwrap();
    for name in ["lost", "later"] {
        scene.call("startProcess", &[Value::text(name)]).answer();
        scene.wait(name, "RUNNING");
        assert!(scene.dir.join(&format!("none/{name}.log")).exists());
    }
    assert_eq!(scene.pid("healthy"), pid, "the other one was left alone");
    scene.stop();
}

#[test]
fn the_last_bytes_of_a_child_that_ends_at_once_are_in_its_log() {
    const CHILDREN: usize = 20;
    const SIZE: usize = 60 * 1024;
    let dir = Dir::new();
    let data: Vec<u8> = (0..SIZE).map(|at| b'a' + (at % 26) as u8).collect();
    dir.write("data", &data);
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand=/bin/dd if=%(here)s/data bs={SIZE} count=1 status=none\ndirectory=%(here)s\n\
             numprocs={CHILDREN}\nprocess_name=p%(process_num)d\nstartsecs=0\nautorestart=false\n\
             stdout_logfile=%(here)s/p%(process_num)d.log\n"
        ),
        |_| {},
    );
    scene.wait_all("EXITED");
    for number in 0..CHILDREN {
        let log = std::fs::read(scene.dir.join(&format!("p{number}.log"))).unwrap();
        assert_eq!(log.len(), SIZE, "p{number}");
        assert!(log == data, "the log of p{number} is what it wrote");
    }
    scene.stop();
}

/// The lines that a child writes.
fn lines(count: usize) -> String {
    (1..=count)
        .map(|number| format!("line {number:07}\n"))
        .collect()
}

/// A daemon whose standard output is a pipe, with a child whose log that is; and
/// the end of the pipe from which nobody reads.
fn unread(count: usize) -> (Scene, File) {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    let scene = Scene::start_as(
        Dir::new(),
        &format!(
            "[program:p]\ncommand=/usr/bin/seq -f 'line %%07g' 1 {count}\nstartsecs=0\nautorestart=false\n\
             stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
        ),
        |launch| {
            launch.options = &["-s"];
            launch.stdout = Some(write);
        },
    );
    (scene, File::from(read))
}

/// Every call is answered soon, also where the machine is busy.
fn answers_in_time(scene: &Scene) {
    for _ in 0..20 {
        let begin = Instant::now();
        scene.info("p");
        let taken = begin.elapsed();
        assert!(taken < Duration::from_secs(5), "an answer took {taken:?}");
    }
}

#[test]
fn a_log_that_nobody_reads_holds_back_its_child_and_nobody_else() {
    const COUNT: usize = 100_000;
    let (scene, mut pipe) = unread(COUNT);
    scene.wait("p", "RUNNING");
    answers_in_time(&scene);
    let child = scene.pid("p");
    assert!(is_alive(child), "the child is held back");
    let expected = lines(COUNT);
    let mut read = vec![0; expected.len()];
    pipe.read_exact(&mut read).unwrap();
    assert!(read == expected.as_bytes(), "nothing is lost");
    scene.wait("p", "EXITED");
    scene.stop();
    let mut rest = Vec::new();
    pipe.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}

#[test]
fn what_a_child_wrote_before_its_end_waits_for_a_slow_reader() {
    // More than the reader's pipe takes, less than that pipe and the child's own.
    const COUNT: usize = 8_000;
    let (scene, mut pipe) = unread(COUNT);
    scene.wait("p", "EXITED");
    answers_in_time(&scene);
    let expected = lines(COUNT);
    let mut read = Vec::new();
    let reader = std::thread::spawn(move || {
        let mut part = [0; 4096];
        while read.len() < expected.len() {
            match pipe.read(&mut part) {
                Ok(count) if count > 0 => read.extend_from_slice(&part[..count]),
                _ => break,
            }
        }
        read == expected.as_bytes()
    });
    let read = wait_until(DEADLINE, || reader.is_finished());
    scene.stop();
    assert!(reader.join().unwrap() && read, "nothing is lost");
}

#[test]
fn a_main_log_that_cannot_be_written_to_is_told_on_stdout() {
    let dir = Dir::new();
    let (mut out, write) = std::io::pipe().unwrap();
    let scene = Scene::start_as(
        dir,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n",
        |launch| {
            launch.options = &["-l", "/dev/full"];
            launch.stdout = Some(write.into());
        },
    );
    scene.wait("p", "RUNNING");
    scene.stop();
    let mut told = String::new();
    out.read_to_string(&mut told).unwrap();
    let line = "ERRO main log: cannot write /dev/full: No space left on device; ";
    assert!(told.contains(line), "{told}");
}

#[test]
fn an_automatic_log_keeps_its_mode_when_it_rolls_over_and_is_cleared() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nredirect_stderr=true\nstdout_logfile_maxbytes=10\n",
    );
    scene.wait("p", "RUNNING");
    let log = scene.info("p").text_of("stdout_logfile");
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt;
        let found = std::fs::metadata(path);
        found.map(|found| found.permissions().mode() & 0o777).ok()
    };
    assert_eq!(mode(&log), Some(0o600));
    let text = Value::text("more than ten bytes\n");
    scene
        .call("sendProcessStdin", &[Value::text("p"), text])
        .answer();
    let backup = format!("{log}.1");
    assert!(wait_until(DEADLINE, || mode(&backup) == Some(0o600)));
    assert!(wait_until(DEADLINE, || mode(&log) == Some(0o600)));
    scene.call("clearProcessLogs", &[Value::text("p")]).answer();
    assert_eq!(mode(&log), Some(0o600));
    scene.stop();
}
