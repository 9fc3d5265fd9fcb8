//! The command lines of supervisord and its small relatives.

use super::compare;
use crate::support::{DEADLINE, finish};
use std::process::Command;

#[test]
fn wrong_options_end_with_status_2() {
    compare("options of supervisord", |run| {
        run.config("");
        for words in [
            vec!["-x"],
            vec!["--nosuch"],
            vec!["--no"],
            vec!["-c"],
            vec!["--configuration"],
            vec!["--nodaemon=1"],
            vec!["-n", "-n"],
            vec!["-n", "--nodaemon"],
            vec!["extra", "two"],
            vec!["-n", "-e", "loud"],
            vec!["-m", "9"],
            vec!["-a", "x"],
            vec!["-y", "1XB"],
            vec!["-d", "/no/such/folder"],
            vec!["-l", "/no/such/folder/x.log"],
            vec!["-n", "-c", "supervisord.conf", "-u", "nosuchuser"],
            vec!["-v"],
            vec!["--vers"],
            vec!["-v", "-x"],
        ] {
            run.supervisord(&words);
        }
    });
}

#[test]
fn help_goes_to_standard_output() {
    compare("help of supervisord", |run| {
        for option in ["-h", "-?", "--help"] {
            let mut command = Command::new(run.daemon_kind.program("supervisord", &run.dir.bin()));
            command.arg(option);
            let end = finish(command, "", DEADLINE);
            run.note(&format!(
                "{option}: status {:?}, {:?}",
                end.status, end.stderr
            ));
            for line in end.stdout.lines() {
                // The words after the dashes are prose.
                if line.starts_with("Usage") {
                    run.note(line);
                } else if let Some((form, _)) = line.split_once(" -- ") {
                    run.note(form.trim_end());
                }
            }
        }
    });
}

#[test]
fn the_sample_configuration_has_the_same_settings() {
    compare("echo_supervisord_conf", |run| {
        let mut command = Command::new(
            run.daemon_kind
                .program("echo_supervisord_conf", &run.dir.bin()),
        );
        command.arg("--ignored");
        let end = finish(command, "", DEADLINE);
        run.note(&format!("status {:?}", end.status));
        for line in end.stdout.lines() {
            // Remarks are prose; what is set is not.
            let setting = line.split(" ;").next().unwrap_or("").trim_end();
            if !setting.is_empty() && !setting.starts_with(';') {
                run.note(setting);
            }
        }
    });
}

#[test]
fn pidproxy_wants_two_arguments() {
    compare("pidproxy", |run| {
        run.rename(
            &run.daemon_kind
                .program("pidproxy", &run.dir.bin())
                .display()
                .to_string(),
            "PIDPROXY",
        );
        for words in [vec![], vec!["file"]] {
            let mut command = Command::new(run.daemon_kind.program("pidproxy", &run.dir.bin()));
            command.args(&words);
            let end = finish(command, "", DEADLINE);
            let usage = end
                .stdout
                .lines()
                .find(|line| line.contains("Usage: "))
                .unwrap_or("no usage line")
                .to_string();
            run.note(&format!("{words:?}: status {:?}", end.status));
            run.note(&usage);
        }
    });
}
