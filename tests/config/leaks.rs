//! What came out of the environment may be a secret, and is not printed.

use super::values::Reading;
use crate::support::{DEADLINE, Dir, Finished, Outcome, Scene, binary, finish};
use pollvisor::config::key::Fallback;
use pollvisor::config::keys::KINDS;
use std::process::Command;

/// A word that no message of the program has.
const MARK: &str = "zq7k";

/// Secrets that are wrong for every key in some way.
fn secrets() -> Vec<String> {
    let forms = [
        "@",
        "\"@ @,@=@",
        "/@/@ x",
        "~@/x",
        "root:@",
        "tcp://h:@",
        "unix://@",
        "unix:///@",
        "@%(@)s",
        "exec:@\n@",
        "@KB",
        "7357924680",
        "-735792",
        "h:735792",
    ];
    let plain = forms.iter().map(|form| form.replace('@', MARK));
    let long = MARK.repeat(60);
    plain
        .chain([format!("unix:///{long}"), format!("/{long}")])
        .collect()
}

fn leaks(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains(MARK) || text.contains("735792")
}

/// For every key of every section a configuration in which it has that value.
fn configurations(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    for kind in KINDS {
        let name = match kind.is_prefix && kind.name.ends_with(':') {
            true => format!("{}x", kind.name),
            false => kind.name.to_owned(),
        };
        for key in kind.all_keys() {
            let mut text = String::new();
            if name != "supervisord" {
                text.push_str("[supervisord]\nnodaemon=true\n");
            }
            text.push_str(&format!("[{name}]\n"));
            for other in kind.all_keys().filter(|other| other.name != key.name) {
                let needed = match other.name {
                    "command" => "/bin/cat",
                    "events" => "TICK_5",
                    "socket" => "unix:///tmp/s",
                    "port" => "127.0.0.1:1",
                    "file" => "/tmp/s",
                    "files" => "none",
                    _ => continue,
                };
                if other.fallback == Fallback::Required {
                    text.push_str(&format!("{}={needed}\n", other.name));
                }
            }
            text.push_str(&format!("{}={value}\n", key.name));
            all.push(text.clone());
            // A member of a group is read elsewhere.
            if name.starts_with("fcgi-program") {
                all.push(format!("{text}[group:g]\nprograms=x\n"));
            }
        }
    }
    all
}

#[test]
fn an_error_printed_what_came_out_of_the_environment() {
    let mut errors = 0;
    for secret in secrets() {
        let reading = Reading::with(&[("SECRET", &secret)]);
        for value in [
            "%(ENV_SECRET)s",
            "/no/%(ENV_SECRET)s/x,",
            "%(ENV_NONE:-%(ENV_SECRET:-x)s)s",
        ] {
            for text in configurations(value) {
                let told = match reading.warned(&text) {
                    Ok((config, warnings)) => {
                        format!("{} {}", config.warnings.join("\n"), warnings.join("\n"))
                    }
                    Err(error) => {
                        errors += 1;
                        error.to_string()
                    }
                };
                assert!(!leaks(&told), "{text}{secret:?}\n{told}");
            }
        }
    }
    assert!(errors > 1000, "only {errors} were wrong");
}

/// Runs supervisord with a secret in its environment.
fn with_secret(dir: &Dir, secret: &str, options: &[&str]) -> Finished {
    let mut command = Command::new("env");
    command
        .arg(format!("SECRET={secret}"))
        .arg(binary())
        .args(["-c", "s.conf"])
        .args(options)
        .current_dir(dir.path());
    finish(command, "", DEADLINE)
}

#[test]
fn a_start_or_a_check_printed_what_came_out_of_the_environment() {
    for (text, message) in [
        (
            "[supervisord]\nloglevel=%(ENV_SECRET)s\n",
            "Error: bad logging level name '%(ENV_SECRET)s'",
        ),
        (
            "[supervisord]\nuser=%(ENV_SECRET)s\n",
            "Error: Invalid user name %(ENV_SECRET)s",
        ),
        (
            "[supervisord]\nenvironment=A=\"%(ENV_SECRET)s\",B\n",
            "Error: Unexpected end of key/value pairs in value 'A=\"%(ENV_SECRET)s\",B'",
        ),
        (
            "[supervisord]\n[program:a]\ncommand=a\nnumprocs=1%(ENV_SECRET)s\n",
            "Error: invalid literal for int() with base 10: '1%(ENV_SECRET)s' in section 'program:a' (file: 's.conf')",
        ),
        (
            "[supervisord]\n[inet_http_server]\nport=localhost:%(ENV_SECRET)s\n",
            "Error: invalid literal for int() with base 10: '%(ENV_SECRET)s'",
        ),
        (
            "[supervisord]\n[group:g]\nprograms=%(ENV_SECRET)s\n",
            "Error: [group:g] names unknown program or fcgi-program %(ENV_SECRET)s",
        ),
    ] {
        let dir = Dir::new();
        dir.write("s.conf", text);
        for options in [&["--check"][..], &["--dump-config"], &["-n"]] {
            let found = with_secret(&dir, MARK, options);
            assert_eq!(found.status, Some(2), "{text}");
            assert_eq!(found.stderr.lines().next(), Some(message), "{options:?}");
            assert!(
                !leaks(&found.stderr) && !leaks(&found.stdout),
                "{}",
                found.stderr
            );
        }
    }
}

#[test]
fn a_reread_told_what_came_out_of_the_environment() {
    let scene = Scene::start_as(Dir::new(), "loglevel=blather\n", |launch| {
        launch.environment = &[("SECRET", MARK)];
    });
    let mut refused = 0;
    for text in configurations("%(ENV_SECRET)s") {
        scene.dir.write("supervisord.conf", &text);
        let outcome = scene.call("reloadConfig", &[]);
        if let Outcome::Fault(_, told) = &outcome {
            refused += 1;
            assert!(!leaks(told), "{text}\n{told}");
        }
    }
    assert!(refused > 40, "only {refused} were refused");
    assert!(!leaks(&scene.log()), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_command_that_cannot_be_run_told_what_came_out_of_the_environment() {
    let expected = [
        (
            r#"/bin/echo "%(ENV_QUOTE)s""#,
            r#"can't parse command '/bin/echo "%(ENV_QUOTE)s"': No closing quotation"#,
        ),
        ("%(ENV_SECRET)s", "can't find command '%(ENV_SECRET)s'"),
        (
            "PW=%(ENV_SECRET)s /bin/cat",
            "can't find command 'PW=%(ENV_SECRET)s'",
        ),
        (
            "/nonexistent/%(ENV_SECRET)s-x --all",
            "can't find command '/nonexistent/%(ENV_SECRET)s-x'",
        ),
        (
            "%(ENV_DIRECTORY)s",
            "command at '%(ENV_DIRECTORY)s' is a directory",
        ),
        // The program is the file's own text.
        (
            "/nonexistent/x %(ENV_SECRET)s",
            "can't find command '/nonexistent/x'",
        ),
        (
            "%(here)s %(ENV_SECRET)s",
            "command at '{here}' is a directory",
        ),
    ];
    let programs: String = (0..)
        .zip(expected)
        .map(|(number, (command, _))| {
            format!("[program:p{number}]\ncommand={command}\nstartretries=0\n")
        })
        .collect();
    let scene = Scene::start_as(Dir::new(), &programs, |launch| {
        launch.environment = &[
            ("SECRET", MARK),
            ("QUOTE", "zq7k\""),
            ("DIRECTORY", "/usr/lib"),
        ];
    });
    for (number, (_, error)) in (0..).zip(expected) {
        let name = format!("p{number}");
        scene.wait(&name, "FATAL");
        let here = scene.dir.path().display().to_string();
        assert_eq!(
            scene.info(&name).text_of("spawnerr"),
            error.replace("{here}", &here)
        );
    }
    assert!(!leaks(&scene.log()), "{}", scene.log());
    scene.stop();
}
