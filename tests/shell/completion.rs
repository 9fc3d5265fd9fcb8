//! Completion: by Tab in the shell, and in bash, zsh and fish, which ask the
//! program.

use super::{at_prompt, leave, scene};
use crate::support::pty::{CTRL_U, Pty, TAB};
use crate::support::{Dir, Finished, Scene, finish, is_plain, kill, wait_until};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn tab_completes_commands_and_names_of_the_live_daemon() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = at_prompt(&scene);
    for (keys, expected) in [
        (format!("resta{TAB}"), "supervisor> restart"),
        (format!("help vers{TAB}"), "supervisor> help version"),
        (format!("?vers{TAB}"), "supervisor> ?version"),
        (format!("start {TAB}i{TAB}"), "supervisor> start idle"),
        (format!("stop caf{TAB}w"), "supervisor> stop café w"),
        (format!("stop we{TAB}we{TAB}"), "supervisor> stop web we"),
        (format!("stop wor{TAB}*"), "supervisor> stop worker:*"),
        (format!("status al{TAB}"), "supervisor> status all"),
        (format!("signal SIGH{TAB}w"), "supervisor> signal SIGHUP w"),
        (format!("signal hu{TAB}w"), "supervisor> signal hup w"),
        (format!("tail web stde{TAB}"), "supervisor> tail web stderr"),
        (format!("open u{TAB}x"), "supervisor> open unix:///x"),
        (format!("remove wor{TAB}x"), "supervisor> remove worker x"),
        (format!("version {TAB}{TAB}x"), "supervisor> version x"),
    ] {
        pty.send(&keys);
        pty.wait_row(expected);
        pty.send(CTRL_U);
        pty.wait_row("supervisor>");
    }
    // What the first Tab leaves open, the second one lists.
    pty.send(&format!("stop {TAB}{TAB}"));
    pty.wait_text("café             worker:worker_0  worker:worker_1\nweb              worker:*         all\n");
    pty.wait_row("supervisor> stop");
    pty.send(CTRL_U);
    // What has changed since then counts.
    pty.line("start idle");
    pty.wait_text("idle: started");
    pty.wait_row("supervisor>");
    pty.send(&format!("stop i{TAB}x"));
    pty.wait_row("supervisor> stop idle x");
    pty.send(CTRL_U);
    pty.wait_row("supervisor>");
    leave(&mut pty);
}

#[test]
fn groups_that_are_not_active_yet_are_completed_for_add() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let text = scene.dir.read("supervisord.conf").unwrap();
    let more = "[program:later]\ncommand=/bin/sleep 600\n";
    scene.dir.write("supervisord.conf", format!("{text}{more}"));
    let mut pty = at_prompt(&scene);
    pty.line("reread");
    pty.wait_text("later: available");
    pty.wait_row("supervisor>");
    pty.send(&format!("add {TAB}x"));
    pty.wait_row("supervisor> add later x");
    pty.send(&format!("{CTRL_U}update l{TAB}x"));
    pty.wait_row("supervisor> update later x");
}

#[test]
fn tab_does_not_wait_for_a_daemon_that_hangs() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = at_prompt(&scene);
    kill(scene.daemon.pid(), libc::SIGSTOP);
    pty.send(&format!("stop w{TAB}{TAB}x"));
    pty.wait_row("supervisor> stop wx");
    kill(scene.daemon.pid(), libc::SIGCONT);
    pty.send(&format!("\x7fe{TAB}x"));
    pty.wait_row("supervisor> stop web x");
}

/// Asks the program as a script does.
fn words(scene: &Scene, words: &[&str]) -> Finished {
    let mut command = Command::new(scene.dir.bin().join("supervisorctl"));
    command
        .args(["completion", "words"])
        .args(words)
        .current_dir(scene.dir.path());
    finish(command, "", LIMIT)
}

#[test]
fn the_program_answers_scripts_with_names_or_not_at_all() {
    let mut scene = scene();
    let answer = |scene: &Scene, line: &[&str]| {
        let finished = words(scene, line);
        assert_eq!((finished.stderr.as_str(), finished.status), ("", Some(0)));
        finished.stdout.lines().collect::<Vec<_>>().join(" ")
    };
    let conf = scene.dir.join("supervisord.conf").display().to_string();
    let url = format!("unix://{}", scene.dir.join("s").display());
    for (line, expected) in [
        (&["resta"][..], "restart"),
        (&["start", ""], "idle all"),
        (&["-c", &conf, "stop", "worker:*", ""], "café web"),
        (&["-c", "", "-s", &url, "stop", "w", "x"], ""),
        (&["-is", &url, "stop", "we"], "web"),
        (&["-u", "nobody", "-p", "x y", "stop", "we"], "web"),
        (&["stop web", "c"], "café"),
        (&["--conf"], "--configuration"),
        (&["-c"], "--configuration"),
        (&["-c", ""], ""),
        (&["-c", "/no/such/file", "stop", ""], ""),
        (&["-c", "/no/such/file", "sto"], "stop"),
        (&["--nonsense", ""], ""),
        (&[], ""),
    ] {
        let found = answer(&scene, line);
        // A dash alone stands for every long option.
        match line {
            ["-c"] => assert!(!found.contains("stop"), "{found}"),
            // On a busy machine the daemon's answer may come too late to be one.
            _ => assert!(
                (0..10).any(|_| answer(&scene, line) == expected),
                "{line:?} gave {found:?}"
            ),
        }
    }
    // A daemon that hangs is as good as none. The machine may be busy: a lone
    // answer may be late, but not every one.
    kill(scene.daemon.pid(), libc::SIGSTOP);
    let is_quick = wait_until(LIMIT, || {
        let begin = Instant::now();
        assert_eq!(answer(&scene, &["stop", ""]), "");
        assert_eq!(answer(&scene, &["sto"]), "stop");
        begin.elapsed() < Duration::from_millis(300)
    });
    kill(scene.daemon.pid(), libc::SIGCONT);
    assert!(is_quick);
    scene.wait("web", "RUNNING");
    assert_eq!(scene.daemon.stop(), Some(0));
    assert_eq!(answer(&scene, &["stop", ""]), "");
}

#[test]
fn a_script_is_printed_for_each_shell() {
    let dir = Dir::new();
    let ctl = |words: &[&str]| {
        let mut command = Command::new(dir.bin().join("supervisorctl"));
        command.args(words).current_dir(dir.path());
        finish(command, "", LIMIT)
    };
    for shell in ["bash", "zsh", "fish"] {
        let printed = ctl(&["completion", shell]);
        assert_eq!((printed.stderr.as_str(), printed.status), ("", Some(0)));
        let file = format!("conf/completions/supervisorctl.{shell}");
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert_eq!(printed.stdout, std::fs::read_to_string(installed).unwrap());
    }
    let refused = ctl(&["completion", "tcsh"]);
    assert_eq!(refused.status, Some(1));
    assert!(
        refused
            .stdout
            .starts_with("Error: completion requires bash, zsh or fish\n")
    );
}

/// A shell of that kind on a terminal, with the script loaded and a plain prompt.
fn interactive(scene: &Scene, program: &str, words: &[&str], set_up: &str) -> Pty {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", scene.dir.bin().display());
    let mut command = Command::new(program);
    command
        .args(words)
        .env("PATH", path)
        .env("HOME", scene.dir.path())
        .current_dir(scene.dir.path());
    let mut pty = Pty::start(&command, 100, 24);
    pty.wait_screen("a prompt", |screen| !screen.trim().is_empty());
    pty.line(set_up);
    // What is typed is not the text that is looked for.
    pty.line("echo re''ady");
    pty.wait_screen("the script", |screen| {
        screen.lines().any(|line| line == "ready")
    });
    pty
}

/// How long a Tab is waited for before it is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Types the beginnings of lines and Tab, and looks what becomes of them.
fn check(mut pty: Pty, cases: &[(&str, &str)]) {
    for (keys, expected) in cases {
        // On a busy machine the daemon's names may come too late for a Tab.
        let shown = (0..10).any(|_| {
            pty.send(keys);
            let shown = wait_until(PATIENCE, || pty.cursor_row().ends_with(expected));
            if !shown {
                leave_line(&mut pty);
            }
            shown
        });
        assert!(
            shown,
            "{keys:?} did not become {expected:?}\n{}",
            pty.screen()
        );
        leave_line(&mut pty);
    }
}

/// Ctrl-C gives every shell a new line; waits for it. zsh forgets one that comes while it
/// is still at work on a Tab.
fn leave_line(pty: &mut Pty) {
    let is_left = (0..10).any(|_| {
        pty.send("\x03");
        wait_until(PATIENCE, || !pty.cursor_row().contains("supervisorctl"))
    });
    assert!(is_left, "{}", pty.screen());
}

/// bash with the completion that the program prints.
fn bash(scene: &Scene) -> Pty {
    let options = ["--norc", "--noprofile"];
    let setup = "PS1='$ '; source <(supervisorctl completion bash)";
    interactive(scene, "bash", &options, setup)
}

#[test]
fn bash_completes_what_the_shell_would() {
    let scene = scene();
    let pty = bash(&scene);
    check(
        pty,
        &[
            ("supervisorctl resta\tX", "supervisorctl restart X"),
            ("supervisorctl start i\tX", "supervisorctl start idle X"),
            ("supervisorctl stop ca\tX", "supervisorctl stop café X"),
            (
                "supervisorctl stop café we\tX",
                "supervisorctl stop café web X",
            ),
            ("supervisorctl stop wo\tX", "supervisorctl stop worker:X"),
            (
                "supervisorctl stop worker:worker_\t1\tX",
                "supervisorctl stop worker:worker_1 X",
            ),
            (
                "supervisorctl stop worker:worker_1 worker:worker_\tX",
                "supervisorctl stop worker:worker_1 worker:worker_0 X",
            ),
            (
                "supervisorctl -c supervi\t start i\tX",
                "supervisorctl -c supervisord.conf  start idle X",
            ),
            (
                "supervisorctl signal hu\twe\tX",
                "supervisorctl signal hup web X",
            ),
            ("supervisorctl open un\tX", "supervisorctl open unix:///X"),
            ("supervisorctl --conf\tX", "supervisorctl --configuration X"),
            (
                "supervisorctl --history-file superv\tX",
                "supervisorctl --history-file supervisord.conf X",
            ),
            (
                "bin/supervisorctl stop we\tX",
                "bin/supervisorctl stop web X",
            ),
            ("supervisorctl nonsense \t\tX", "supervisorctl nonsense X"),
        ],
    );
}

#[test]
fn bash_gave_nothing_inside_quotes_under_the_home_directory_or_after_an_equals_sign() {
    let scene = scene();
    scene
        .dir
        .write("my conf", scene.dir.read("supervisord.conf").unwrap());
    let pty = bash(&scene);
    check(
        pty,
        &[
            ("supervisorctl stop \"we\tX", "supervisorctl stop \"web\" X"),
            (
                "supervisorctl stop 'worker:worker_\t1\tX",
                "supervisorctl stop 'worker:worker_1' X",
            ),
            (
                "supervisorctl stop 'worker:worker_1' worker:worker_\tX",
                "supervisorctl stop 'worker:worker_1' worker:worker_0 X",
            ),
            (
                "supervisorctl -c 'my conf' stop we\tX",
                "supervisorctl -c 'my conf' stop web X",
            ),
            (
                "supervisorctl -c my\\ conf stop we\tX",
                "supervisorctl -c my\\ conf stop web X",
            ),
            (
                "~/bin/supervisorctl stop we\tX",
                "~/bin/supervisorctl stop web X",
            ),
            (
                "supervisorctl --configuration=superv\t stop we\tX",
                "supervisorctl --configuration=supervisord.conf  stop web X",
            ),
            (
                "supervisorctl --serverurl=unix://s stop we\tX",
                "supervisorctl --serverurl=unix://s stop web X",
            ),
        ],
    );
}

/// A socket in a directory of somebody else may have another daemon behind it, with any names.
#[test]
fn bash_ran_what_stood_in_a_name_that_it_had_completed() {
    let scene =
        Scene::start("[program:run$(touch${IFS}ran;id)]\ncommand=/bin/cat\nautostart=false\n");
    let pty = bash(&scene);
    check(
        pty,
        &[(
            "supervisorctl start ru\tX",
            "supervisorctl start run\\$\\(touch\\$\\{IFS\\}ran\\;id\\) X",
        )],
    );
    let mut pty = bash(&scene);
    pty.send("supervisorctl start ru\t");
    wait_until(PATIENCE, || pty.cursor_row().contains("ran"));
    pty.line("; echo do''ne");
    pty.wait_screen("an answer", |screen| {
        screen.lines().any(|line| line == "done")
    });
    assert!(!scene.dir.join("ran").exists());
}

#[test]
fn zsh_completes_what_the_shell_would() {
    let scene = scene();
    let pty = interactive(
        &scene,
        "zsh",
        &["-f"],
        "PS1='$ '; autoload -U compinit; compinit -u; source <(supervisorctl completion zsh)",
    );
    check(
        pty,
        &[
            ("supervisorctl resta\tX", "supervisorctl restart X"),
            ("supervisorctl start i\tX", "supervisorctl start idle X"),
            ("supervisorctl stop ca\tX", "supervisorctl stop café X"),
            (
                "supervisorctl stop café we\tX",
                "supervisorctl stop café web X",
            ),
            (
                "supervisorctl stop worker:worker_\t1\tX",
                "supervisorctl stop worker:worker_1 X",
            ),
            (
                "supervisorctl stop worker:worker_1 worker:worker_\tX",
                "supervisorctl stop worker:worker_1 worker:worker_0 X",
            ),
            (
                "supervisorctl signal hu\twe\tX",
                "supervisorctl signal hup web X",
            ),
            ("supervisorctl open un\tX", "supervisorctl open unix:///X"),
            (
                "bin/supervisorctl stop we\tX",
                "bin/supervisorctl stop web X",
            ),
            (
                "supervisorctl --history-file superv\tX",
                "supervisorctl --history-file supervisord.conf X",
            ),
            (
                "supervisorctl --configuration=superv\tX",
                "supervisorctl --configuration=supervisord.conf X",
            ),
        ],
    );
}

#[test]
fn zsh_finds_the_installed_script_by_itself() {
    let scene = scene();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/completions/supervisorctl.zsh");
    scene
        .dir
        .write("functions/_supervisorctl", std::fs::read(script).unwrap());
    let pty = interactive(
        &scene,
        "zsh",
        &["-f"],
        "PS1='$ '; fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u",
    );
    check(
        pty,
        &[
            ("supervisorctl start i\tX", "supervisorctl start idle X"),
            ("supervisorctl stop ca\tX", "supervisorctl stop café X"),
        ],
    );
}

#[test]
fn fish_completes_what_the_shell_would() {
    let scene = scene();
    let complete = |line: &str| {
        let script = "source (supervisorctl completion fish | psub); complete -C $argv[1]";
        // The program of this directory, whatever is installed.
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", scene.dir.bin().display());
        let mut wrapped = Command::new("/usr/bin/env");
        wrapped
            .arg(format!("PATH={path}"))
            .arg(format!("HOME={}", scene.dir.path().display()))
            .args(["fish", "--no-config", "-c", script, line])
            .current_dir(scene.dir.path());
        let finished = finish(wrapped, "", LIMIT);
        assert_eq!(finished.stderr, "", "{line}");
        let words: Vec<&str> = finished
            .stdout
            .lines()
            .map(|line| line.split('\t').next().unwrap())
            .collect();
        words.join(" ")
    };
    for (line, expected) in [
        ("supervisorctl resta", "restart"),
        ("supervisorctl start ", "all idle"),
        ("supervisorctl stop ca", "café"),
        (
            "supervisorctl stop café worker:",
            "worker:* worker:worker_0 worker:worker_1",
        ),
        ("supervisorctl stop worker:\\* w", "web"),
        ("supervisorctl -c supervisord.conf start i", "idle"),
        ("supervisorctl -c supervisord.c", "supervisord.conf"),
        (
            "supervisorctl --history-file supervisord.c",
            "supervisord.conf",
        ),
        ("supervisorctl signal hu", "hup"),
        ("supervisorctl nonsense ", ""),
    ] {
        // On a busy machine the daemon's answer may come too late to be one.
        let mut found = String::new();
        let is_right = (0..10).any(|_| {
            found = complete(line);
            found == expected
        });
        assert!(is_right, "{line} gave {found:?}");
    }
}
