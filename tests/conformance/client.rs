//! supervisorctl: every command against every daemon, the shell, its options.

use super::{compare, cross};

#[test]
fn every_pair_of_client_and_daemon_agrees() {
    cross("commands of supervisorctl", |run| {
        run.config(
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\n[program:off]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n\
             [program:m1]\ncommand=/bin/cat\nstartsecs=0\n[program:m2]\ncommand=/bin/cat\nstartsecs=0\n[group:g]\nprograms=m1,m2\n",
        );
        run.start();
        run.wait_all(&["p", "g:m1", "g:m2"], "RUNNING");
        for line in [
            "status",
            "status p nosuch g:* nosuch:*",
            "status g:m1 g:m1",
            "start off",
            "stop off p",
            "restart p",
            "signal CONT p",
            "clear p",
            "avail",
            "reread",
            "update",
            "add p",
            "remove p",
            "version",
            "pid off nosuch",
            "help",
            "nosuch",
            "version x",
            "avail x",
            "reread x",
            "fg",
            "fg nosuch",
            "fg off p",
            "fg off",
        ] {
            run.ctl(line);
        }
        let pids = run.quiet_ctl("pid all").stdout.lines().count();
        run.note(&format!("{pids} lines of pids"));
        run.ctl("shutdown");
        run.wait_end();
    });
}

#[test]
fn the_shell_reads_commands_from_a_pipe() {
    compare("piped shell", |run| {
        run.config_prompt("[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n");
        run.start();
        for input in [
            "",
            "\n\nversion\n",
            "start p\nstatus\nstop p",
            "nosuch\nhelp nosuch\n?version\n!ls\nquit\nversion\n",
            "shutdown\nn\nreload\n\nexit\n",
        ] {
            // What help prints for a topic is prose.
            let input = input.replace("?version\n", "");
            run.note(&format!("input {input:?}"));
            run.ctl_with_input(&[], &input);
        }
        run.ctl_with_input(&["-i", "shutdown"], "yes\n");
        run.wait_end();
    });
}

impl super::run::Run {
    /// The usual configuration with a prompt of its own.
    fn config_prompt(&self, sections: &str) {
        self.config(&format!("[supervisorctl]\nprompt=mine\n{sections}"));
    }
}

#[test]
fn command_words_are_read_as_one_line() {
    compare("grammar of the command line", |run| {
        run.config("[program:p]\ncommand=/bin/cat\nautostart=false\n");
        run.start();
        for words in [
            vec!["status p"],
            vec!["", "version"],
            vec![""],
            vec!["status,p"],
            vec!["?nosuch"],
            vec!["!ls"],
            vec!["STATUS"],
            vec!["#x"],
            vec!["pid", ";", "p"],
            vec!["help", "nosuch", "thing"],
            vec!["help", "EOF"],
            vec!["quit"],
            vec!["tail-0", "p"],
        ] {
            run.ctl_words(&words);
        }
        run.stop();
    });
}

#[test]
fn wrong_options_and_settings_end_with_status_2() {
    compare("options of supervisorctl", |run| {
        run.dir.write("none.conf", "[supervisord]\n");
        run.dir
            .write("bad.conf", "[supervisorctl]\nserverurl=%(nope)s\n");
        for words in [
            vec!["-x"],
            vec!["--nosuch"],
            vec!["-c"],
            vec!["--pass"],
            vec!["--h"],
            vec!["--interactive=1"],
            vec!["-i", "-i", "pid"],
            vec!["-s", "foo", "pid"],
            vec!["-s", "", "pid"],
            vec!["-s", "http://", "pid"],
            vec!["-v"],
            vec!["-c", "missing.conf", "pid"],
            vec!["-c", "none.conf", "pid"],
            vec!["-s", "localhost:9001", "pid"],
            vec!["-s", "unix://no/such/socket", "pid"],
            vec!["-s", "unix://no/such/socket", "status"],
            vec!["-s", "unix://no/such/socket", "avail"],
            vec!["-s", "https://localhost", "status"],
        ] {
            run.ctl_options(&words);
        }
        let help = crate::support::Ctl::with_options(run.ctl_kind, &run.dir, &["-h"]).run(&[]);
        run.note(&format!("help: status {:?}", help.status));
        for line in help
            .stdout
            .lines()
            .filter(|line| line.starts_with("Usage") || line.contains("="))
        {
            run.note(line.split('=').next().unwrap_or(line));
        }
    });
}
