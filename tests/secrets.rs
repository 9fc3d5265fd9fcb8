//! Secrets: what a report hides, what `ps` shows of supervisorctl, and where its
//! password may come from.

use super::support::{
    Address, Ctl, DEADLINE, Daemon, Dir, Kind, Rpc, binary, plain_environment, usual_configuration,
    wait_until,
};
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

fn dumped(dir: &Dir, options: &[&str]) -> String {
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    let output = command
        .arg("-c")
        .arg(dir.join("supervisord.conf"))
        .args(options)
        .env("REPORT_TOKEN", "from-outside")
        .env("REPORT_PLAIN", "in-the-open")
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_dump_for_a_report_held_the_values_of_secret_variables() {
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        "[supervisord]\nenvironment=Global_Secret=\"hidden1\",PLAIN=\"shown1\"\n\
         [program:p]\nenvironment=DB_PASSWORD=\"hidden2\",api_key='hidden3',HOME=\"shown2\",\
         TOKENS=\"hidden4\",MYSQL_PASSWD=\"hidden5\",URL=\"x://%(ENV_REPORT_TOKEN)s@h\"\n\
         command=run --token %(ENV_REPORT_TOKEN)s %(ENV_REPORT_PLAIN)s\n\
         [eventlistener:l]\nevents=TICK_5\ncommand=l\nenvironment=A_TOKEN=\"hidden6\"\n\
         [fcgi-program:f]\nsocket=tcp://localhost:1\ncommand=f\nenvironment=SSH_KEY_FILE=\"hidden7\"\n\
         [inet_http_server]\nport=1\nusername=u\npassword=hidden8\n",
    );
    for options in [["--dump-config", "--redact"], ["--redact", "--dump-config"]] {
        let dump = dumped(&dir, &options);
        assert!(!dump.contains("hidden"), "{dump}");
        assert!(!dump.contains("from-outside"), "{dump}");
        for part in [
            "\"DB_PASSWORD\": \"***\"",
            "\"api_key\": \"***\"",
            "\"PLAIN\": \"shown1\"",
            "\"HOME\": \"shown2\"",
            "\"URL\": \"x://***@h\"",
            "\"command\": \"run --token *** in-the-open\"",
        ] {
            assert!(dump.contains(part), "{part}: {dump}");
        }
    }
    assert!(dumped(&dir, &["--dump-config"]).contains("\"DB_PASSWORD\": \"hidden2\""));
}

#[test]
fn the_password_of_supervisorctl_stood_in_its_command_line() {
    // A server that never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dir = Dir::new();
    let program = Ctl::new(Kind::Ours, &dir).program();
    for words in [
        &["-u", "u", "-p", "s3cret", "status"][..],
        &["-u", "u", "-ps3cret", "status"],
        &["-iu", "u", "-ps3cret", "status"],
        &["-u", "u", "--password", "s3cret", "status"],
        &["-u", "u", "--password=s3cret", "status"],
        &["-u", "u", "--pass=s3cret", "status", "s3cret"],
        &["-u", "u", "-p", "s3cret"],
    ] {
        let mut command = Command::new(&program);
        plain_environment(&mut command);
        let mut child = command
            .args(["-c", "", "-s", &url])
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let shown = || fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        let is_blanked = || String::from_utf8_lossy(&shown()).contains("******");
        assert!(wait_until(DEADLINE, is_blanked), "{words:?}");
        let text = String::from_utf8_lossy(&shown()).into_owned();
        assert!(!text.contains("s3cret"), "{words:?}: {text}");
        assert!(text.contains(&url), "{words:?}: {text}");
        let _ = child.kill();
        child.wait().unwrap();
    }
}

#[test]
fn a_password_comes_from_the_option_the_environment_or_the_file() {
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        usual_configuration("").replace(
            "file=%(here)s/s\n",
            "file=%(here)s/s\nusername=u\npassword=right\n",
        ),
    );
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    // base64 of u:right
    let rpc = Rpc::new(Address::Unix(dir.join("s"))).with_authorization("Basic dTpyaWdodA==");
    daemon.wait_until_it_answers(&rpc);
    for (options, variable, in_file, is_right) in [
        (&["-p", "right"][..], None, "wrong", true),
        (&["-p", "right"], Some("wrong"), "wrong", true),
        (&["-p", "wrong"], Some("right"), "right", false),
        (&[], Some("right"), "wrong", true),
        (&[], Some("wrong"), "right", false),
        (&[], Some(""), "right", true),
        (&[], None, "right", true),
    ] {
        let configuration = format!(
            "[supervisorctl]\nserverurl=unix://%(here)s/s\nusername=u\npassword={in_file}\n"
        );
        dir.write("ctl.conf", configuration);
        let mut command = Command::new(Ctl::new(Kind::Ours, &dir).program());
        plain_environment(&mut command);
        command.arg("-c").arg(dir.join("ctl.conf")).args(options);
        if let Some(password) = variable {
            command.env("SUPERVISORCTL_PASSWORD", password);
        }
        let output = command
            .arg("version")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            told.trim() == "4.3.0",
            is_right,
            "{options:?} {variable:?} {in_file}: {told}"
        );
    }
    daemon.stop();
}

#[test]
fn a_warning_showed_the_end_of_a_value_that_a_comment_cuts() {
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        "[supervisord]\n[program:p]\ncommand=a\nenvironment=DB_PASSWORD=\"s3 ;s3cret\n  end\",B=\"1\"\n\
         [program:q]\ncommand=a\nenvironment=A=\"1\" ;API_KEY=s3cret\n\
         [program:r]\ncommand=a\nenvironment=A=\"1\" ;B=shown\n",
    );
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    command.arg("-c").arg(dir.join("supervisord.conf"));
    let output = command.arg("--check").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!told.contains("s3cret"), "{told}");
    assert!(
        told.contains("environment ends before \";B=shown\""),
        "{told}"
    );
}
