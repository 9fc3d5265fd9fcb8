//! Lines, typed or in one shot, questions, and the settings they go by.

use super::server::*;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

#[test]
fn lines_need_no_quotes_and_know_no_others() {
    let server = Server::start(&[("getPID()", Answer::Value("<int>1</int>".to_owned()))]);
    check(
        &server,
        &[
            ("", "", 0),
            ("  ", "", 0),
            (" pid ", "1\n", 0),
            ("PID", "*** Unknown syntax: PID\n", 1),
            ("!ls", "*** Unknown syntax: !ls\n", 1),
            ("kill x", "*** Unknown syntax: kill x\n", 1),
            ("quit now", "\n", 0),
            ("exit", "\n", 0),
            ("EOF", "\n", 0),
            ("help nosuch", "*** No help on nosuch\n", 0),
            ("help start stop", "*** No help on start stop\n", 0),
            ("open ftp://x", "ERROR: url must be http:// or unix://\n", 1),
        ],
    );
    let output = ctl(&["-c", "", "-s", &server.url, "help", "pid"], "");
    assert!(text(&output.stdout).starts_with("pid\t"), "{output:?}");
    let output = server.run("?pid");
    assert!(text(&output.stdout).starts_with("pid\t"), "{output:?}");
}

#[test]
fn the_daemon_is_restarted_and_shut_down_after_a_yes() {
    let server = Server::start(&[("restart()", yes()), ("shutdown()", yes())]);
    check(
        &server,
        &[
            ("reload", "Restarted supervisord\n", 0),
            ("shutdown", "Shut down\n", 0),
        ],
    );
    check_refused(
        &server,
        &[
            ("reload x", "Error: reload accepts no arguments", 1),
            ("shutdown x", "Error: shutdown accepts no arguments", 1),
        ],
    );
    let reload = "Really restart the remote supervisord process y/N? ";
    let shutdown = "Really shut the remote supervisord process down y/N? ";
    for (line, input, expected, status) in [
        (
            "reload",
            "yes\n",
            format!("{reload}Restarted supervisord\n"),
            0,
        ),
        ("reload", "\n", reload.to_owned(), 0),
        ("shutdown", "Y\n", format!("{shutdown}Shut down\n"), 0),
        ("shutdown", "no\n", shutdown.to_owned(), 0),
        (
            "shutdown",
            "",
            format!("{shutdown}error: <class 'EOFError'>, EOF when reading a line\n"),
            1,
        ),
    ] {
        let output = ctl(&["-c", "", "-i", "-s", &server.url, line], input);
        assert_eq!(text(&output.stdout), expected, "{line} {input:?}");
        assert_eq!(output.status.code(), Some(status), "{line} {input:?}");
    }

    let down = Answer::Fault(6, "SHUTDOWN_STATE");
    let down = Server::start(&[("restart()", down.clone()), ("shutdown()", down)]);
    check(
        &down,
        &[
            ("reload", "ERROR: already shutting down\n", 1),
            ("shutdown", "ERROR: already shutting down\n", 0),
        ],
    );
}

#[test]
fn lines_are_read_from_a_pipe_after_the_status() {
    let server = Server::start(&[
        ("getAllProcessInfo()", Answer::Value(array(&[]))),
        ("getPID()", Answer::Value("<int>1</int>".to_owned())),
        ("shutdown()", yes()),
    ]);
    let prompt = "supervisor> ";
    let sure = "Really shut the remote supervisord process down y/N? ";
    for (input, expected) in [
        ("pid\n", format!("{prompt}1\n{prompt}\n")),
        ("\n\npid", format!("{prompt}{prompt}{prompt}1\n{prompt}\n")),
        (
            "nonsense\nquit\npid\n",
            format!("{prompt}*** Unknown syntax: nonsense\n{prompt}\n"),
        ),
        (
            "shutdown\ny\n",
            format!("{prompt}{sure}Shut down\n{prompt}\n"),
        ),
        ("", format!("{prompt}\n")),
    ] {
        let output = ctl(&["-c", "", "-s", &server.url], input);
        assert_eq!(text(&output.stdout), expected, "{input:?}");
        assert_eq!(output.status.code(), Some(0), "{input:?}");
    }
    let calls = server.calls();
    assert_eq!(calls[..2], ["getVersion()", "getAllProcessInfo()"]);
}

#[test]
fn every_command_is_in_the_help_and_in_the_manual() {
    let server = Server::start(&[]);
    let help = text(&server.run("help").stdout);
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/supervisorctl.8");
    let manual = fs::read_to_string(manual).unwrap();
    let words = "add avail clear clearfatal debug disable enable exit explain fg graph healthcheck maintail open pid quit reload remove reopen reread \
                 restart result rotate scale shutdown signal start status stop tail update upgrade version wait";
    for word in words.split_whitespace() {
        assert!(
            help.split_whitespace().any(|listed| listed == word),
            "{word}"
        );
        let topic = text(&server.run(&format!("help {word}")).stdout);
        assert!(topic.starts_with(word), "{topic}");
        let item = format!(".It Cm {word}");
        let is_described = manual
            .lines()
            .any(|line| line == item || line.starts_with(&format!("{item} ")));
        assert!(is_described, "{word}");
    }
}

#[test]
fn the_configuration_file_says_which_server_and_the_command_line_beats_it() {
    let server = Server::start(&[
        ("wants u:p", Answer::Status("401 Unauthorized")),
        ("getPID()", Answer::Value("<int>1</int>".to_owned())),
        ("getAllProcessInfo()", Answer::Value(array(&[]))),
    ]);
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(binary(), &program).unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new(&program);
        run_with_input(command.args(words).current_dir(directory.path()), "")
    };
    let section = format!(
        "[supervisorctl]\nserverurl={}\nusername=u\npassword=p\nprompt=mine\n",
        server.url
    );
    fs::write(directory.path().join("supervisord.conf"), &section).unwrap();
    assert_eq!(text(&run(&["pid"]).stdout), "1\n");
    assert_eq!(text(&run(&[]).stdout), "mine> \n");
    assert_eq!(run(&["-p", "other", "pid"]).status.code(), Some(1));
    assert_eq!(text(&run(&["-s", &server.url, "pid"]).stdout), "1\n");

    let missing = "could not find config file nosuch.conf";
    let incomplete = ".ini file does not include supervisorctl section";
    fs::write(directory.path().join("other.conf"), "[supervisord]\n").unwrap();
    for (file, message) in [("nosuch.conf", missing), ("other.conf", incomplete)] {
        let output = run(&["-c", file, "-s", &server.url, "pid"]);
        let expected = format!("Error: {message}\nFor help, use {} -h\n", program.display());
        assert_eq!(text(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(2));
    }

    let plugin = "[ctlplugin:x]\nsupervisor.ctl_factory=a:b\n";
    fs::write(directory.path().join("supervisord.conf"), section + plugin).unwrap();
    assert_eq!(text(&run(&["pid"]).stderr), "");
    let output = run(&[]);
    assert!(
        text(&output.stderr).starts_with("Warning: [ctlplugin:x]"),
        "{output:?}"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_command_of_a_plug_in_that_is_left_out_was_unknown_syntax() {
    let server = Server::start(&[]);
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(binary(), &program).unwrap();
    let section = format!("[supervisorctl]\nserverurl={}\n", server.url);
    let run = |plugins: &[&str], words: &[&str], input: &str| {
        let plugins = plugins.iter().map(|name| {
            format!("[ctlplugin:{name}]\nsupervisor.ctl_factory=some.{name}:make\nx=1\n")
        });
        let configuration = section.clone() + &plugins.collect::<String>();
        fs::write(directory.path().join("supervisord.conf"), configuration).unwrap();
        let mut command = Command::new(&program);
        let output = run_with_input(command.args(words).current_dir(directory.path()), input);
        (text(&output.stdout), output.status.code())
    };
    let cache = "some.cache:make of [ctlplugin:cache]";
    let begins = format!(
        "*** cache_clear is a command of the plug-in {cache}, which this program does not load: \
         Python plug-ins are not available\n"
    );
    let other = format!(
        "*** mstart is no command of supervisorctl itself; it may be one of a plug-in that this \
         program does not load: {cache}, some.wild:make of [ctlplugin:wild]. Python plug-ins are \
         not available\n"
    );
    let both = ["cache", "wild"];
    assert_eq!(
        run(&both, &["cache_clear", "x"], ""),
        (begins.clone(), Some(1))
    );
    assert_eq!(
        run(&both, &["help", "cache_clear"], ""),
        (begins.clone(), Some(0))
    );
    assert_eq!(
        run(&both, &["mstart", "web-*"], ""),
        (other.clone(), Some(1))
    );
    assert_eq!(run(&both, &["?mstart"], ""), (other.clone(), Some(0)));
    let (shown, status) = run(&both, &[], "cache_clear\nmstart x\n");
    assert!(shown.contains(&begins) && shown.contains(&other), "{shown}");
    assert_eq!(status, Some(0));
    // Where none is left out, and for what no plug-in can be asked for.
    let unknown = "*** Unknown syntax: mstart\n".to_owned();
    assert_eq!(run(&[], &["mstart"], ""), (unknown, Some(1)));
    let unknown = "*** Unknown syntax: !ls\n".to_owned();
    assert_eq!(run(&both, &["!ls"], ""), (unknown, Some(1)));
    let unknown = "*** No help on mstart\n".to_owned();
    assert_eq!(run(&[], &["help", "mstart"], ""), (unknown, Some(0)));
}

#[test]
fn lines_that_no_server_carried_out_ended_with_status_0() {
    let locked = Server::start(&[
        ("wants u:p", Answer::Status("401 Unauthorized")),
        ("stopProcess(p)", yes()),
        ("stopProcess(bad)", Answer::Fault(10, "BAD_NAME")),
        ("getAllProcessInfo()", Answer::Value(array(&[]))),
        ("getPID()", Answer::Status("500 Internal Server Error")),
    ]);
    let absent = "unix:///nonexistent/socket";
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let right = ["-u", "u", "-p", "p"];
    let wrong = ["-u", "u", "-p", "x"];
    for (url, options, input, expected) in [
        // Credentials that nobody has.
        (locked.url.as_str(), &[][..], "stop p\n", 1),
        (&locked.url, &[][..], "", 1),
        (&locked.url, &wrong[..], "stop p\nstatus\n", 1),
        (&locked.url, &[][..], "u\nx\nstop p\n", 1),
        (&locked.url, &[][..], "u\np\nstop p\n", 0),
        (&locked.url, &right[..], "stop p\n", 0),
        // What a server has answered is another matter, as in 4.3.0.
        (&locked.url, &right[..], "stop bad\nnosuch\n", 0),
        (&locked.url, &right[..], "", 0),
        (&locked.url, &right[..], "pid\nstop p\n", 1),
        // Nobody there.
        (&refused, &[][..], "stop p\n", 4),
        (&refused, &[][..], "pid\n", 4),
        (&refused, &[][..], "help\nquit\n", 0),
        (absent, &[][..], "stop p\nhelp\n", 7),
        (absent, &[][..], "shutdown\ny\n", 1),
        (absent, &[][..], "reload\ny\n", 1),
        (absent, &[][..], "", 0),
        (
            &locked.url,
            &right[..],
            "open unix:///nonexistent/s\nversion\n",
            7,
        ),
        ("ftp://nowhere", &[][..], "version\n", 1),
    ] {
        let mut words = vec!["-c", "", "-s", url];
        words.extend(options);
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("supervisorctl");
        symlink(binary(), &program).unwrap();
        // A session of its own, so that there is no terminal to ask.
        let mut command = Command::new("setsid");
        let output = run_with_input(command.args(["-w"]).arg(&program).args(&words), input);
        let shown = text(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{words:?} {input:?}: {shown}"
        );
    }
}

#[test]
fn a_closed_output_ends_the_program_quietly() {
    let long = "x".repeat(70_000);
    let server = Server::start(&[("readLog(0, 0)", string(&long))]);
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(binary(), &program).unwrap();
    let script = format!(
        "{} -c '' -s {} maintail -0 | :",
        program.display(),
        server.url
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(text(&output.stderr), "");
}
