//! What the standard error says of names and commands that there are not, of processes
//! that do not start, of URLs that are none and of credentials that are refused. What
//! scripts look at stays as it is.

use super::server::{Answer, Server};
use crate::support::pty::Pty;
use crate::support::{Ctl, DEADLINE, Dir, Finished, Kind, Scene};
use std::net::TcpListener;
use std::process::Command;

const PROGRAMS: &str = "\
[program:celery]
command=cat
numprocs=3
process_name=celery_%(process_num)s
startsecs=0
[program:gunicorn]
command=cat
startsecs=0
[group:web]
programs=gunicorn
[program:calc]
command=cat
autostart=false
[group:tools]
programs=calc
[program:nf]
command=/no/such/program
autostart=false
[program:plain]
command=%(here)s/supervisord.conf
autostart=false
[program:brief]
command=false
autostart=false
startsecs=5
startretries=0
";

fn scene() -> Scene {
    let scene = Scene::start(PROGRAMS);
    for name in ["celery:celery_2", "web:gunicorn"] {
        scene.wait(name, "RUNNING");
    }
    scene
}

fn run(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split(' ').collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

fn finished(stdout: &str, stderr: &str, status: i32) -> Finished {
    Finished {
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        status: Some(status),
    }
}

#[test]
fn a_group_asked_for_as_a_process_was_told_as_unknown_alone() {
    let scene = scene();
    let is_group = "celery is a group: celery:*\n";
    let unknown = "celery: ERROR (no such process)\n";
    let bad = "ERROR: bad process name supplied\n";
    let members = "celery is a group: celery:celery_0, celery:celery_1, celery:celery_2\n";
    for (line, stdout, stderr, status) in [
        ("start celery", unknown.to_owned(), is_group, 1),
        ("stop celery", unknown.to_owned(), is_group, 1),
        ("restart celery", unknown.repeat(2), is_group, 1),
        ("signal HUP celery", unknown.to_owned(), is_group, 1),
        ("status celery", unknown.to_owned(), is_group, 4),
        ("clear celery", unknown.to_owned(), is_group, 1),
        (
            "pid celery",
            "No such process celery\n".to_owned(),
            is_group,
            1,
        ),
        (
            "tail celery",
            "celery: ERROR (no such process name)\n".to_owned(),
            is_group,
            1,
        ),
        (
            "tail -n 5 celery",
            "celery: ERROR (no such process name)\n".to_owned(),
            is_group,
            1,
        ),
        ("fg celery", bad.to_owned(), members, 1),
        ("debug celery x", bad.to_owned(), members, 1),
        ("debug celery:* x", bad.to_owned(), members, 1),
    ] {
        assert_eq!(
            run(&scene, line),
            finished(&stdout, stderr, status),
            "{line}"
        );
    }
    // With JSON for programs all of it is there.
    let end = run(&scene, "status --json celery");
    assert_eq!(end, finished("[]\n", &format!("{unknown}{is_group}"), 4));
    let end = run(&scene, "tail -f celery");
    assert!(end.stderr.ends_with(&format!("404\n{is_group}")), "{end:?}");
    assert_eq!(end.stdout, "==> Press Ctrl-C to exit <==\n");
}

#[test]
fn a_name_that_was_nearly_one_was_told_as_unknown_alone() {
    let scene = scene();
    for (line, hint) in [
        ("stop gunicorn", "did you mean web:gunicorn?\n"),
        ("status gunicron", "did you mean web:gunicorn?\n"),
        ("start calc", "did you mean tools:calc?\n"),
        ("start tool:calc", "did you mean tools:calc?\n"),
        ("restart celry:*", "did you mean celery:*?\n"),
        (
            "signal HUP celery:9",
            "the group celery has celery:celery_0, celery:celery_1, celery:celery_2\n",
        ),
        ("fg gunicorn", "did you mean web:gunicorn?\n"),
        ("debug calc 1", "did you mean tools:calc?\n"),
        (
            "pid wbe:gunicorn calc",
            "wbe:gunicorn: did you mean web:gunicorn?\ncalc: did you mean tools:calc?\n",
        ),
        ("clear gunicorn gunicorn", "did you mean web:gunicorn?\n"),
        ("tail gunicorn", "did you mean web:gunicorn?\n"),
        (
            "remove gunicorn",
            "gunicorn is a process of the group web\n",
        ),
        ("remove wbe", "did you mean web?\n"),
        ("remove web:*", "did you mean web?\n"),
        ("update celry", "did you mean celery?\n"),
        (
            "add nothing",
            "supervisord knows no group nothing; if its files have changed, reread first\n",
        ),
        ("result celry", "did you mean celery?\n"),
        ("status postgres", ""),
        ("status no*", ""),
    ] {
        let end = run(&scene, line);
        assert_eq!(end.stderr, hint, "{line}: {end:?}");
        assert_ne!(end.status, Some(0), "{line}");
    }
    // What has been read and not added yet.
    let configuration = scene.dir.read("supervisord.conf").unwrap();
    let later = "[program:later]\ncommand=cat\n";
    scene.dir.write("supervisord.conf", configuration + later);
    assert_eq!(run(&scene, "reread").stdout, "later: available\n");
    let end = run(&scene, "start later");
    let expected = "later is configured but not active: add later\n";
    assert_eq!(
        end,
        finished("later: ERROR (no such process)\n", expected, 1)
    );
    assert_eq!(run(&scene, "add latre").stderr, "did you mean later?\n");
}

#[test]
fn an_unknown_command_was_not_told_which_ones_there_are() {
    let scene = scene();
    for (line, stdout, stderr, status) in [
        (
            "statu",
            "*** Unknown syntax: statu\n",
            "did you mean status?\n",
            1,
        ),
        (
            "sttaus celery",
            "*** Unknown syntax: sttaus celery\n",
            "did you mean status?\n",
            1,
        ),
        (
            "!ls",
            "*** Unknown syntax: !ls\n",
            "help lists the commands\n",
            1,
        ),
        (
            "help statu",
            "*** No help on statu\n",
            "did you mean status?\n",
            0,
        ),
        (
            "help EOF",
            "*** No help on EOF\n",
            "help lists the commands\n",
            0,
        ),
    ] {
        assert_eq!(
            run(&scene, line),
            finished(stdout, stderr, status),
            "{line}"
        );
    }
}

#[test]
fn a_program_that_was_not_found_was_not_named() {
    let scene = scene();
    let missing = "nf: can't find command '/no/such/program'\n";
    let end = run(&scene, "start nf");
    assert_eq!(end, finished("nf: ERROR (no such file)\n", missing, 1));
    let end = run(&scene, "restart nf");
    assert_eq!(end.stderr, missing);
    let end = run(&scene, "start plain");
    let path = scene.dir.join("supervisord.conf");
    let expected = format!("plain: command at '{}' is not executable\n", path.display());
    assert_eq!(
        end,
        finished("plain: ERROR (file is not executable)\n", &expected, 1)
    );
    let end = run(&scene, "start brief");
    assert_eq!(end.stdout, "brief: ERROR (spawn error)\n");
    assert_eq!(
        end.stderr,
        "brief: Exited too quickly (process log may have details); to see it: tail --both brief\n"
    );
    let end = run(&scene, "start all");
    assert!(end.stderr.contains(missing), "{end:?}");
}

#[test]
fn a_wrong_password_was_told_without_where_it_came_from() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}");
    let scene = Scene::start(&format!(
        "{PROGRAMS}[inet_http_server]\nport={address}\nusername=u\npassword=p\n"
    ));
    let scripts = "Server requires authentication\n\
                   error: <class 'xmlrpc.client.ProtocolError'>, \
                   <ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>\n";
    let options = ["-c", "", "-s", &url, "-u", "bob", "-p", "wrong"];
    let ctl = Ctl::with_options(Kind::Ours, &scene.dir, &options);
    let end = ctl.run(&["pid"]);
    let expected = format!(
        "supervisorctl: the supervisord at {url} (from the option -s) refuses the user bob with \
         this password\n  Here the user name comes from the option -u and the password comes from \
         the option -p.\n  Type: supervisorctl -u USERNAME -p PASSWORD, with those of \
         [inet_http_server] of supervisord, or set username and password in [supervisorctl] of \
         the configuration file.\n"
    );
    assert_eq!(end, finished(scripts, &expected, 1));
    let ctl = Ctl::with_options(Kind::Ours, &scene.dir, &options[..4]);
    let end = ctl.run(&["avail"]);
    assert_eq!((end.stdout.as_str(), end.status), (scripts, Some(1)));
    assert!(
        end.stderr
            .contains("and has got none\n  Here no user name is set and no password is set.\n"),
        "{end:?}"
    );
    // From the file, and the password from the environment.
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        format!("[supervisorctl]\nserverurl={url}\nusername=u\npassword=wrong\n"),
    );
    let end = Ctl::new(Kind::Ours, &dir).run(&["status"]);
    let file = dir.join("supervisord.conf");
    let file = file.display();
    let told = format!(
        "the user name comes from username in {file} and the password comes from password in {file}."
    );
    assert!(end.stderr.contains(&told), "{end:?}");
    let mut command = Command::new("env");
    command.arg("SUPERVISORCTL_PASSWORD=other");
    command.arg(Ctl::new(Kind::Ours, &dir).program());
    command
        .arg("-c")
        .arg(dir.join("supervisord.conf"))
        .arg("pid");
    let end = crate::support::finish(command, "", DEADLINE);
    assert!(
        end.stderr
            .contains("the password comes from SUPERVISORCTL_PASSWORD"),
        "{end:?}"
    );
    assert!(!format!("{end:?}").contains("other"), "{end:?}");
}

#[test]
fn a_word_that_is_no_url_was_not_told_what_one_looks_like() {
    let dir = Dir::new();
    let run = |url: &str| {
        let ctl = Ctl::with_options(Kind::Ours, &dir, &["-c", "", "-s", url]);
        ctl.run(&["status"])
    };
    let end = run("localhost:21001");
    let stdout = "error: <class 'ValueError'>, Unknown protocol for serverurl localhost:21001\n";
    let stderr = "supervisorctl: localhost:21001 (from the option -s) is no URL of a server\n  \
                  A URL looks like http://localhost:9001 or unix:///run/supervisor.sock; did you \
                  mean http://localhost:21001?\n";
    assert_eq!(end, finished(stdout, stderr, 1));
    let end = run("/run/s.sock");
    assert_eq!((end.stdout.as_str(), end.status), ("", Some(2)));
    assert!(
        end.stderr
            .starts_with("Error: invalid value for -s '/run/s.sock': value"),
        "{end:?}"
    );
    assert!(
        end.stderr.ends_with("did you mean unix:///run/s.sock?\n"),
        "{end:?}"
    );
    let end = run("http://h:x");
    assert!(end.stderr.contains("A URL looks like http://"), "{end:?}");
    dir.write(
        "supervisord.conf",
        "[supervisorctl]\nserverurl=127.0.0.1:1\n",
    );
    let end = Ctl::new(Kind::Ours, &dir).run(&["pid"]);
    assert!(
        end.stderr.contains("(serverurl in ")
            && end.stderr.contains("did you mean http://127.0.0.1:1?"),
        "{end:?}"
    );
    let end = Ctl::new(Kind::Ours, &dir).run(&["open", "localhost:1"]);
    let advice = "A URL looks like http://localhost:9001 or unix:///run/supervisor.sock; did you \
                  mean http://localhost:1?\n";
    assert_eq!(
        end,
        finished("ERROR: url must be http:// or unix://\n", advice, 1)
    );
}

#[test]
fn a_secret_in_the_url_was_shown() {
    let server = Server::start(&[("wants u:p", Answer::Status("401 Unauthorized"))]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let dir = Dir::new();
    for (url, action) in [
        (format!("http://u:s3cret@{address}"), "pid"),
        ("http://u:s3cret@127.0.0.1:1".to_owned(), "pid"),
        ("http://u:s3cret@127.0.0.1:1".to_owned(), "avail"),
        ("http://u:s3cret@127.0.0.1:1".to_owned(), "shutdown"),
        ("https://u:s3cret@127.0.0.1:1".to_owned(), "status"),
        ("http://u:s3cret@127.0.0.1:x".to_owned(), "status"),
    ] {
        let options = ["-c", "", "-s", url.as_str()];
        let end = Ctl::with_options(Kind::Ours, &dir, &options).run(&[action]);
        assert_ne!(end.status, Some(0), "{end:?}");
        assert!(!format!("{end:?}").contains("s3cret"), "{url}: {end:?}");
        assert!(end.stderr.contains("127.0.0.1"), "{url}: {end:?}");
    }
    // What came out of the environment stands as it is configured.
    dir.write(
        "supervisord.conf",
        "[supervisorctl]\nserverurl=http://%(ENV_WHERE)s:1/%(ENV_TOKEN)s\n",
    );
    let mut command = Command::new("env");
    command.args(["WHERE=127.0.0.1", "TOKEN=s3cret"]);
    command.arg(Ctl::new(Kind::Ours, &dir).program());
    command
        .arg("-c")
        .arg(dir.join("supervisord.conf"))
        .arg("avail");
    let end = crate::support::finish(command, "", DEADLINE);
    assert!(!format!("{end:?}").contains("s3cret"), "{end:?}");
    assert!(
        end.stderr
            .contains("reached at http://%(ENV_WHERE)s:1/%(ENV_TOKEN)s (serverurl in "),
        "{end:?}"
    );
}

#[test]
fn help_at_a_terminal_says_what_each_command_does() {
    let dir = Dir::new();
    let mut command = Command::new(dir.bin().join("supervisorctl"));
    command.args(["-c", "", "help"]);
    let mut pty = Pty::start(&command, 80, 50);
    assert_eq!(pty.wait(DEADLINE), Some(0));
    let screen = pty.screen();
    assert!(
        screen.contains("status      Show the states of processes"),
        "{screen}"
    );
    assert!(
        screen.contains("debug       Send a line to a process and print its answer (new)"),
        "{screen}"
    );
    assert!(!screen.contains("====="), "{screen}");
    let end = Ctl::with_options(Kind::Ours, &dir, &["-c", ""]).run(&["help"]);
    assert!(
        end.stdout
            .starts_with("\ndefault commands (type help <topic>):\n====="),
        "{end:?}"
    );
}

#[test]
fn fg_showed_a_404_for_a_redirected_standard_error() {
    let scene = Scene::start("[program:p]\ncommand=cat\nredirect_stderr=true\nstartsecs=0\n");
    scene.wait("p", "RUNNING");
    let words = ["fg", "p"];
    let end = Ctl::new(Kind::Ours, &scene.dir).run_with_input(&words, "hello\n");
    assert_eq!((end.stderr.as_str(), end.status), ("", Some(0)));
    assert!(end.stdout.ends_with("Exiting foreground\n"), "{end:?}");
}
