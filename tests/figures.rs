//! `status --figures` and `getProcessFigures`: what processes use, held against `ps`.

use super::metrics::{SERVER, figures, of};
use super::support::{
    Ctl, DEADLINE, Finished, Kind, Outcome, Scene, Value, descriptors_of, kill, wait_for,
    wait_until,
};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Uses a second of a processor, 40 MB, four threads and some files, and then nothing more.
const USER: &str = "\
import os, threading, time
memory = bytearray(40 << 20)
for place in range(0, len(memory), 4096):
    memory[place] = 1
files = [open('/dev/null') for _ in range(20)]
for _ in range(3):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
while time.process_time() < 1.2:
    pass
open('doing', 'w').close()
os.rename('doing', 'done')
time.sleep(3600)
";

fn ctl(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

/// A process that uses something, and one that is off.
fn scene(server: &str) -> Scene {
    let dir = super::support::Dir::new();
    dir.write("user.py", USER);
    let scene = Scene::start_as(
        dir,
        &format!(
            "{server}[program:user]\ncommand=python3 user.py\ndirectory=%(here)s\n\
             [program:off]\ncommand=cat\nautostart=false\n"
        ),
        |_| {},
    );
    let is_done = || scene.dir.join("done").exists();
    assert!(wait_until(DEADLINE, is_done), "{}", scene.log());
    scene
}

/// What `ps` says of a process: seconds of processor time, bytes, threads.
fn of_ps(pid: u32) -> [f64; 3] {
    let output = Command::new("ps")
        .args(["-o", "cputimes=,rss=,nlwp=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = text
        .split_whitespace()
        .map(|number| number.parse().unwrap());
    let [cpu, memory, threads] = <[f64; 3]>::try_from(numbers.collect::<Vec<f64>>()).unwrap();
    [cpu, memory * 1024.0, threads]
}

/// Whether figures are those of `ps`, which tells whole seconds; and the kernel counts pages
/// on each processor for itself before it adds them up.
fn agree(found: [f64; 3], ps: [f64; 3]) -> bool {
    let [cpu, memory, threads] = found;
    let [seconds, bytes, count] = ps;
    cpu >= 1.0
        && (seconds..seconds + 1.1).contains(&cpu)
        && (memory - bytes).abs() <= bytes / 20.0
        && threads == count
        && count == 4.0
}

/// A member of the only process that `status --json` tells of, by jq.
fn member(json: &str, name: &str) -> String {
    let mut command = Command::new("jq");
    command.args(["-r", &format!(".[0].{name}")]);
    let found = super::support::finish(command, json, DEADLINE);
    found.stdout.trim_end().to_owned()
}

#[test]
fn a_process_uses_what_ps_says() {
    let scene = scene(&format!("{SERVER}metrics_processes=true\n"));
    let pid = scene.pid("user");
    let files = descriptors_of(pid).len();
    assert!(files >= 23, "{files}");

    let mut json = String::new();
    let of_status = || {
        json = ctl(&scene, "status --json --figures user").stdout;
        let number = |name| member(&json, name).parse().unwrap();
        let found = ["cpu_seconds", "resident_bytes", "threads"].map(number);
        agree(found, of_ps(pid)).then_some(())
    };
    assert!(
        wait_for(DEADLINE, of_status).is_some(),
        "{json} {:?}",
        of_ps(pid)
    );
    assert_eq!(member(&json, "open_fds"), files.to_string());
    assert_eq!(member(&json, "restarts"), "0");
    assert_eq!(member(&json, "pid"), pid.to_string());
    assert_eq!(member(&json, "statename"), "RUNNING");

    let of_metrics = || {
        let all = figures(&scene);
        let names = ["cpu_seconds_total", "resident_memory_bytes", "threads"];
        let found = names.map(|name| of(&all, name, "user").unwrap());
        let is_same = of(&all, "open_fds", "user") == Some(files as f64);
        agree(found, of_ps(pid)) && is_same
    };
    assert!(
        wait_until(DEADLINE, of_metrics),
        "{:?} {:?}",
        figures(&scene),
        of_ps(pid)
    );
    scene.stop();
}

#[test]
fn people_see_figures_behind_the_details() {
    let scene = scene("");
    let files = descriptors_of(scene.pid("user")).len();
    let shown = ctl(&scene, "status --figures");
    assert_eq!(shown.status, Some(3), "one is stopped");
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert!(lines[0].ends_with("Not started"), "{lines:?}");
    assert!(lines[1].contains("RUNNING   pid "), "{lines:?}");
    assert!(lines[1].contains(", cpu 1."), "{lines:?}");
    let end = format!("MB, {files} files, 4 threads");
    assert!(lines[1].ends_with(&end), "{lines:?}");
    // Nothing is counted where nobody wants figures of a server.
    assert!(!shown.stdout.contains("restart"), "{lines:?}");
    let plain = ctl(&scene, "status");
    assert!(!plain.stdout.contains("threads"), "{}", plain.stdout);
    let unknown = ctl(&scene, "status --figures nosuch");
    assert_eq!(unknown.stdout, "nosuch: ERROR (no such process)\n");

    let mut watching = Command::new(Ctl::new(Kind::Ours, &scene.dir).program())
        .arg("-c")
        .arg(scene.dir.join("supervisord.conf"))
        .args(["status", "-w", "--figures", "user"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(watching.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.trim_end().ends_with("4 threads"), "{line}");
    kill(watching.id(), libc::SIGINT);
    assert_eq!(watching.wait().unwrap().code(), Some(0));
    scene.stop();
}

#[test]
fn the_method_tells_of_these_or_of_all_and_leaves_out_what_nobody_has() {
    let scene = Scene::start(
        "[program:a]\ncommand=cat\nstartsecs=0\n[program:b]\ncommand=cat\nnumprocs=2\n\
         process_name=%(process_num)d\nautostart=false\n",
    );
    scene.wait("a", "RUNNING");
    let ask = |names: &[&str]| {
        let names = names.iter().map(|name| Value::text(name)).collect();
        match scene
            .call("getProcessFigures", &[Value::Array(names)])
            .answer()
        {
            Value::Array(rows) => rows,
            other => panic!("{other}"),
        }
    };
    let named = |rows: &[Value]| -> Vec<String> {
        let names = rows.iter();
        let names = names.map(|row| format!("{}:{}", row.text_of("group"), row.text_of("name")));
        names.collect()
    };
    assert_eq!(named(&ask(&[])), ["a:a", "b:0", "b:1"]);
    let rows = ask(&["b:1", "nosuch", "b:*", "b", "a", ""]);
    assert_eq!(named(&rows), ["b:1", "a:a"]);
    let members = |row: &Value| match row {
        Value::Struct(members) => members.iter().map(|(name, _)| name.clone()).collect(),
        _ => Vec::new(),
    };
    let idle = ["name", "group", "pid"];
    assert_eq!(members(&rows[0]), idle);
    let used = ["threads", "cpu_seconds", "resident_bytes", "open_fds"];
    assert_eq!(members(&rows[1]), [&idle[..], &used[..]].concat());
    assert_eq!(rows[1].int_of("pid"), i64::from(scene.pid("a")));
    let wrong = scene.call("getProcessFigures", &[Value::text("a")]);
    assert!(matches!(wrong, Outcome::Fault(2, _)), "{wrong:?}");
    scene.stop();
}
