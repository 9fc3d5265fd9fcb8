//! Options and their errors, the configuration file and where it is found, and what the
//! URL of a server may look like. No server is there: which one was asked for shows in the answer.

use super::compare;
use super::oneshot::{Shot, fire, note_end};
use crate::conformance::run::Run;
use crate::support::Finished;

/// Runs them and notes what they print. What is said on the standard error about a server
/// that is not there is a hint that 4.3.0 does not give.
fn note_shots(run: &mut Run, shots: Vec<(String, Shot)>) {
    let program = run.dir.bin().join("supervisorctl");
    run.rename(&program.display().to_string(), "SUPERVISORCTL");
    let (titles, shots): (Vec<String>, Vec<Shot>) = shots.into_iter().unzip();
    let ends = fire(run, &shots);
    for (title, end) in titles.iter().zip(ends) {
        let is_usage = end.status == Some(2);
        let stderr = if is_usage { end.stderr } else { String::new() };
        run.note(&format!("$ {title}"));
        note_end(run, &Finished { stderr, ..end });
    }
}

fn note_words(run: &mut Run, lines: &[&[&str]]) {
    let shots = lines
        .iter()
        .map(|words| (words.join(" "), Shot::new(run, words)))
        .collect();
    note_shots(run, shots);
}

/// A file of a client whose server shows which file it is.
fn client_file(run: &Run, name: &str, socket: &str) {
    run.dir.write(
        name,
        format!("[supervisorctl]\nserverurl=unix:///none/{socket}\n"),
    );
}

#[test]
fn options_are_read_alike() {
    compare("options in all forms", |run| {
        client_file(run, "x.conf", "x");
        client_file(run, "sub/y.conf", "y");
        run.dir.write("folder/file", "");
        run.dir.write("none.conf", "[supervisord]\n");
        run.dir.write("empty.conf", "");
        run.dir.write("lone.conf", "[supervisorctl]\n");
        note_words(
            run,
            &[
                &[""],
                &["-c", "x.conf", "", "pid"],
                &["-c", "x.conf", "pid"],
                &["-cx.conf", "pid"],
                &["--configuration", "x.conf", "pid"],
                &["--configuration=x.conf", "pid"],
                &["--conf=x.conf", "pid"],
                &["--c", "x.conf", "pid"],
                &["-c", "./sub/../x.conf", "pid"],
                &["-c", "sub/y.conf", "pid"],
                &["-c", "missing.conf", "pid"],
                &["-c", "folder", "pid"],
                &["-c", "none.conf", "pid"],
                &["-c", "none.conf", "-s", "unix:///none/s", "pid"],
                &["-c", "empty.conf", "pid"],
                &["-c", "~/missing.conf", "pid"],
                &["-c", "x.conf", "-c", "x.conf", "pid"],
                &["-c", "x.conf", "--conf", "x.conf", "pid"],
                &["-c"],
                &["--configuration"],
                &["--conf"],
                &["-c", "x.conf", "-s", "unix:///none/s", "pid"],
                &["-c", "x.conf", "-sunix:///none/s", "pid"],
                &["-c", "x.conf", "--serv", "unix:///none/s", "pid"],
                &["-c", "x.conf", "--serverurl=unix:///none/s", "pid"],
                &["-c", "", "-s", "unix:///none/s", "pid"],
                &[
                    "-c",
                    "",
                    "-s",
                    "unix:///none/s",
                    "-s",
                    "unix:///none/s",
                    "pid",
                ],
                &["-s"],
                &["-s", "foo"],
                &["-s", "", "pid"],
                &["-s", "http:", "pid"],
                &["-s", "http://", "pid"],
                &["-s", "/", "pid"],
                &["-s", "it's", "pid"],
                &["-s", "//host", "pid"],
                &["--serverurl=foo", "pid"],
                &["-i", "-c", "x.conf", "pid"],
                &["-ic", "x.conf", "pid"],
                &["-ii", "pid"],
                &["-i", "--interactive", "pid"],
                &["--interactive=1"],
                &["--interactive="],
                &["-u", "bob", "-c", "x.conf", "pid"],
                &["-u", "bob", "-u", "bob", "pid"],
                &["-iu", "bob", "-c", "x.conf", "pid"],
                &["-u"],
                &["-iu"],
                &["--user"],
                &["--username="],
                &["-p", "x", "-c", "x.conf", "pid"],
                &["-p"],
                &["--pass"],
                &["--pass=x", "--pass=y", "pid"],
                &["-r", "/none/history", "-c", "x.conf", "pid"],
                &["--hist", "/none/history", "-c", "x.conf", "pid"],
                &["--history_file=h", "-c", "x.conf", "pid"],
                &["-r"],
                &["-r", "a", "-r", "b"],
                &["-x"],
                &["-ix"],
                &["-xi"],
                &["-v"],
                &["-n"],
                &["-d"],
                &["--nosuch"],
                &["--nosuch=1"],
                &["--version"],
                &["--h"],
                &["--he", "--bogus"],
                &["-h", "--bogus"],
                &["-h", "-x"],
                &["--help=1"],
                &["---"],
                &["--="],
                &["-c", "x.conf", "--", "pid"],
                &["-c", "x.conf", "--", "-c"],
                &["-c", "x.conf", "pid", "-x"],
                &["-c", "x.conf", "-", "pid"],
                &["-é"],
                &["--é"],
            ],
        );
        for words in [
            &["-h"][..],
            &["-?"],
            &["--help"],
            &["--hel"],
            &["-ih"],
            &["-c", "missing", "-h"],
        ] {
            let ends = fire(run, &[Shot::new(run, words)]);
            let status = ends[0].status;
            let usage = ends[0]
                .stdout
                .lines()
                .find(|line| line.starts_with("Usage"));
            let usage = usage.unwrap_or_default().to_owned();
            run.note(&format!("{words:?}: status {status:?}, {usage}"));
        }
    });
}

#[test]
fn the_file_is_searched_in_the_same_places() {
    compare("search of the file", |run| {
        let places = [
            "etc/supervisord.conf",
            "supervisord.conf",
            "sub/supervisord.conf",
            "sub/etc/supervisord.conf",
        ];
        for place in places {
            client_file(run, place, place);
        }
        for place in places {
            let shots = [
                ("pid", &["pid"][..]),
                ("avail", &["avail"]),
                ("-c none", &["-c", "", "pid"]),
            ]
            .map(|(title, words)| (title.to_owned(), Shot::new(run, words).within("sub")));
            note_shots(run, shots.into());
            std::fs::remove_file(run.path(place)).unwrap();
        }
        // One without the section is fatal where it is found, not passed over.
        run.dir.write("sub/supervisord.conf", "[supervisord]\n");
        client_file(run, "sub/etc/supervisord.conf", "second");
        let shots = [&["pid"][..], &["-s", "unix:///none/s", "pid"]]
            .map(|words| (words.join(" "), Shot::new(run, words).within("sub")));
        note_shots(run, shots.into());
    });
}

/// Contents of a file, each read for its own; `@` stands for the section's head.
const FILES: &[&str] = &[
    "@",
    "@serverurl=unix:///none/a",
    "@serverurl = unix:///none/a",
    "@serverurl:unix:///none/a",
    "@SERVERURL=unix:///none/a",
    "@serverurl=unix:///none/a ; remark",
    "@serverurl=unix:///none/a # remark",
    "@serverurl=unix:///none/a;b",
    "; remark\n# remark\n@serverurl=unix:///none/a",
    "@serverurl=unix:///none/a\n  b",
    "@serverurl=unix:///none/a\n@serverurl=unix:///none/b",
    "@serverurl=unix:///none/a\nserverurl=unix:///none/b",
    "@serverurl=unix:///none/a\nunknown=1\nhistory_file=~/h\nprompt=x",
    "[Supervisorctl]\nserverurl=unix:///none/a",
    "[ supervisorctl ]\nserverurl=unix:///none/a",
    "[supervisorctl] \nserverurl=unix:///none/a",
    "@serverurl=",
    "@serverurl=unix://%(here)s/sock",
    "@serverurl=unix://%(ENV_HOME)s/sock",
    "@serverurl=unix://%(env_home)s/sock",
    "@serverurl=unix://%(ENV_NOSUCH)s",
    "@serverurl=unix://%(host_node_name)s",
    "@serverurl=unix://%(program_name)s",
    "@serverurl=unix:///none/100%",
    "@serverurl=unix:///none/100%%",
    "@serverurl=unix:///none/%(here)d",
    "@serverurl=unix:///none/%(here",
    "@username=%(here)s\nserverurl=unix:///none/a",
    "@username=%(ENV_NOSUCH)s\nserverurl=unix:///none/a",
    "@password=%x\nserverurl=unix:///none/a",
    "@password=a%%b\nserverurl=unix:///none/a",
    "@prompt=%(here)s\nserverurl=unix:///none/a",
    "@history_file=%(nope)s\nserverurl=unix:///none/a",
    "@history_file=%(here)s/h\nserverurl=unix:///none/a",
    "@unknown=%(nope)s\nserverurl=unix:///none/a",
    "@serverurl=unix:///none/a\n[program:x]\ncommand=%(nope)s\n[supervisord]\nlogfile=%(nope)s",
    "[unix_http_server]\nfile=%(here)s/sock\n@serverurl=unix:///none/a\nusername=x",
    "[include]\nfiles=more.conf\n@serverurl=unix:///none/a",
    "[program:x]\n@",
    // Names of sockets.
    "@serverurl=unix://rel/path",
    "@serverurl=unix://./rel//x/../path",
    "@serverurl=unix://~/sock",
    "@serverurl=unix:///none/../none//a/.",
    "@serverurl=unix:///none/%(here)s",
    "@serverurl=unix://",
    "@serverurl=unix:/none/a",
    "@serverurl=unix:none",
    "@serverurl=UNIX:///none/a",
    "@serverurl=Unix:///none/a",
    "@serverurl=/none/a",
    "@serverurl=none",
    // Hosts and ports.
    "@serverurl=http://127.0.0.1:1",
    "@serverurl=http://127.0.0.1:1/",
    "@serverurl=http://127.0.0.1:1/path?x=y#z",
    "@serverurl=http://u:p@127.0.0.1:1",
    "@serverurl=http://[::1]:1",
    "@serverurl=http://127.0.0.1:x",
    "@serverurl=http://127.0.0.1:-1",
    "@serverurl=HTTP://127.0.0.1:1",
    "@serverurl=https://127.0.0.1:1",
    "@serverurl=ftp://127.0.0.1:1",
    "@serverurl=127.0.0.1:1",
    "@serverurl=localhost:1",
];

#[test]
fn files_are_read_alike() {
    compare("settings in the file", |run| {
        let shots = FILES
            .iter()
            .enumerate()
            .flat_map(|(number, content)| {
                let file = format!("conf/{number}.conf");
                let content = content.replace('@', "\n[supervisorctl]\n");
                run.dir.write(&file, content.trim_start());
                let path = format!("../{file}");
                ["pid", "avail"].map(|action| {
                    let title = format!("{action} with {content:?}");
                    let shot = Shot::new(run, &["-c", &path, action]).within("bin");
                    (title, shot)
                })
            })
            .collect();
        note_shots(run, shots);
    });
}

#[test]
fn urls_are_read_alike() {
    compare("URLs of servers", |run| {
        let long = format!("unix:///none/{}", "x".repeat(200));
        let mut shots = Vec::new();
        for url in [
            "unix:///none/a",
            "unix://rel/path",
            "unix://~/sock",
            "unix:///none/../none//a",
            "unix://",
            "unix:/none/a",
            "unix:none",
            "UNIX:///none/a",
            "x:y",
            "localhost:9001",
            "http://127.0.0.1:1",
            "http://127.0.0.1:1/path",
            "http://u:p@127.0.0.1:1",
            "http://[::1]:1",
            "http://127.0.0.1:x",
            "HTTP://127.0.0.1:1",
            "https://127.0.0.1:1",
            "ftp://x",
            "mailto:x",
            "http:/x",
            "http:x",
            "unix:///none/é",
            &long,
        ] {
            for action in ["pid", "status", "avail", "shutdown", "maintail -f"] {
                let words: Vec<&str> = ["-c", "", "-s", url]
                    .into_iter()
                    .chain(action.split(' '))
                    .collect();
                shots.push((words[2..].join(" "), Shot::new(run, &words)));
            }
            let words = ["-c", "", "-s", "unix:///none/a", "open", url];
            shots.push((words[4..].join(" "), Shot::new(run, &words)));
        }
        note_shots(run, shots);
    });
}

#[test]
fn files_that_are_not_ini_are_refused() {
    compare("files that are not INI", |run| {
        let contents = [
            "serverurl=x\n[supervisorctl]\n",
            "[supervisorctl]\nserverurl\n",
            "[supervisorctl\n",
            "[]\n",
        ];
        for (number, content) in contents.iter().enumerate() {
            let file = format!("{number}.conf");
            run.dir.write(&file, content);
            let ends = fire(run, &[Shot::new(run, &["-c", &file, "pid"])]);
            // 4.3.0 ends with a trace of Python.
            let failed = ends[0].status != Some(0) && !ends[0].stderr.is_empty();
            run.note(&format!(
                "{content:?}: {:?}, failed: {failed}",
                ends[0].stdout
            ));
        }
    });
}
