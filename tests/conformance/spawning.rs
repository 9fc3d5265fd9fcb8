//! What a child is given, and why it may not come to life.

use super::compare;
use crate::support::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Ignores and blocks signals and opens descriptors as a careless parent does,
/// and becomes the program given to it.
const CARELESS: &str = "\
import os, signal, sys
for number in 'HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'ALRM', 'TSTP':
    signal.signal(getattr(signal, 'SIG' + number), signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1, signal.SIGCHLD, signal.SIGTERM])
null = os.open('/dev/null', os.O_RDWR)
for number in range(3, 12):
    os.dup2(null, number, inheritable=True)
os.umask(0o027)
os.execv(sys.argv[1], sys.argv[1:])
";

/// Has the system know a user with groups, in a mount namespace.
const WITH_ALICE: &str = "\
set -e
for table in passwd group; do
  { cat /etc/$table; cat $table; } > whole-$table
  mount --bind whole-$table /etc/$table
done
exec \"$@\"
";

#[test]
fn children_get_the_environment_in_layers() {
    compare("environment", |run| {
        run.config_with(
            "environment=GLOBAL=\"one\",BOTH=global",
            "[program:p]\ncommand=/usr/bin/env\nstartsecs=0\nautorestart=false\nenvironment=BOTH=program,OWN='a b',FROM=\"%(ENV_OUTSIDE)s\",SUPERVISOR_ENABLED=no\nstdout_logfile=%(here)s/p.out\n\
             [program:q1]\ncommand=/usr/bin/env\nstartsecs=0\nautorestart=false\nserverurl=http://example:1\nstdout_logfile=%(here)s/q.out\n[group:q]\nprograms=q1\n",
        );
        run.start_with(&[], &[("OUTSIDE", "outer 100%"), ("BOTH", "outside")]);
        run.wait_all(&["p", "q:q1"], "EXITED");
        run.stop();
        for name in ["p.out", "q.out"] {
            let text = run.dir.read(name).unwrap();
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            run.note(name);
            lines.iter().for_each(|line| run.note(line));
        }
    });
}

#[test]
fn children_start_with_clean_signals_descriptors_and_a_group_of_their_own() {
    compare("state of a child", |run| {
        let script = run.script(
            "shows",
            "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status\nls /proc/$$/fd\nfor f in 0 1 2; do readlink /proc/$$/fd/$f | sed 's/[0-9]*//g'; done\n[ \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ ] && echo leads its group\numask\npwd\nulimit -n\necho ready\nexec cat",
        );
        run.config(&format!(
            "[program:p]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/p.out\n\
             [program:q]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/q.out\nredirect_stderr=true\ndirectory=/usr\numask=077\n"
        ));
        run.start();
        run.wait_text("p.out", "ready");
        run.wait_text("q.out", "ready");
        run.stop();
        run.file("p.out");
        run.file("q.out");
    });
}

#[test]
fn children_of_a_daemon_with_a_careless_parent_start_cleanly_as_well() {
    compare("a careless parent", |run| {
        let shows = run.script("shows", "ls /proc/$$/fd\numask");
        // A shell would change its mask of signals, so they are looked at without one.
        run.config(&format!(
            "[program:p]\ncommand={shows}\nstartsecs=0\nautorestart=false\nstdout_logfile=%(here)s/p.out\n\
             [program:q]\ncommand={shows}\nstartsecs=0\nautorestart=false\numask=007\nstdout_logfile=%(here)s/q.out\n\
             [program:signals]\ncommand=/bin/grep ^Sig[BIC] /proc/self/status\nstartsecs=0\nautorestart=false\n\
             stdout_logfile=%(here)s/signals.out\n"
        ));
        run.start_prepared(&["python3", "-c", CARELESS], false);
        let names = ["p", "q", "signals"];
        run.wait_all(&names, "EXITED");
        run.quiet_rpc("shutdown", &[]).answer();
        run.wait_end();
        for name in names {
            run.file(&format!("{name}.out"));
        }
    });
}

#[test]
fn a_user_brings_all_its_groups() {
    compare("groups of a user", |run| {
        assert!(
            nix::unistd::getuid().is_root(),
            "only root can become somebody"
        );
        run.dir.write("passwd", "alice:x:4711:4712::/:/bin/sh\n");
        run.dir.write(
            "group",
            "alices:x:4712:\nfirst:x:4801:bob,alice\nnot:x:4802:bob\nlast:x:4803:alice\n",
        );
        let script = run.script("who", "id -u; id -g; id -G; exec cat");
        run.config(&format!(
            "[program:p]\ncommand={script}\nuser=alice\nstartsecs=0\nstdout_logfile=%(here)s/p.out\n\
             [program:q]\ncommand={script}\nuser=4711\nstartsecs=0\nstdout_logfile=%(here)s/q.out\n"
        ));
        run.start_prepared(
            &["unshare", "--mount", "/bin/sh", "-c", WITH_ALICE, "sh"],
            false,
        );
        for name in ["p.out", "q.out"] {
            run.wait_that("three lines", |run| {
                let text = run.dir.read(name).unwrap_or_default();
                text.lines().count() == 3
            });
            run.file(name);
        }
        run.stop();
    });
}

#[test]
fn another_user_may_not_do_what_root_may() {
    compare("failures of another user", |run| {
        assert!(
            nix::unistd::getuid().is_root(),
            "only root can become somebody"
        );
        let private = run.script("private", "exit 0");
        fs::set_permissions(&private, Permissions::from_mode(0o700)).unwrap();
        run.dir.write("closed/file", "");
        fs::set_permissions(run.path("closed"), Permissions::from_mode(0o700)).unwrap();
        // Not words of the reasons, which are in our main log alone.
        let names = ["run", "enter"];
        run.config(&format!(
            "[program:run]\ncommand={private} word\nuser=nobody\nstartsecs=5\nstartretries=0\nstderr_logfile=%(here)s/run.err\n\
             [program:enter]\ncommand=/bin/cat\nuser=nobody\ndirectory=%(here)s/closed\nstartsecs=5\nstartretries=0\nstderr_logfile=%(here)s/enter.err\n"
        ));
        run.start();
        run.wait_all(&names, "FATAL");
        run.ctl("status");
        run.stop();
        run.log_of(&names);
        for name in names {
            run.file(&format!("{name}.err"));
        }
    });
}

#[test]
fn a_daemon_that_has_given_up_root_cannot_become_another_user() {
    compare("setuid without root", |run| {
        assert!(
            nix::unistd::getuid().is_root(),
            "only root can give up being root"
        );
        fs::set_permissions(run.dir.path(), Permissions::from_mode(0o777)).unwrap();
        run.config_with(
            "user=daemon",
            "[program:p]\ncommand=/bin/cat\nuser=nobody\nstartsecs=5\nstartretries=0\nstderr_logfile=%(here)s/p.err\n\
             [program:same]\ncommand=/usr/bin/id\nuser=daemon\nstartsecs=0\nautorestart=false\nstdout_logfile=%(here)s/same.out\n",
        );
        run.start();
        run.wait("p", "FATAL");
        run.wait("same", "EXITED");
        run.ctl("status p");
        run.stop();
        run.log_of(&["p"]);
        run.file("p.err");
        run.file("same.out");
    });
}

#[test]
fn errors_of_a_system_without_resources_are_told_in_the_same_words() {
    compare("no resources", |run| {
        run.config("[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\nstartretries=0\n");
        run.start_prepared(&[], true);
        for (call, error) in [
            ("pipe2", libc::EMFILE),
            ("pipe2", libc::ENFILE),
            ("fork", libc::EAGAIN),
            ("fork", libc::ENOMEM),
        ] {
            run.dir.write(call, error.to_string());
            run.rpc("startProcess", &[Value::text("p")]);
            run.wait("p", "FATAL");
            run.rpc("getProcessInfo", &[Value::text("p")]);
            fs::remove_file(run.path(call)).unwrap();
        }
        run.rpc("startProcess", &[Value::text("p")]);
        run.stop();
        run.log_of(&["p"]);
    });
}

#[test]
fn a_child_that_cannot_be_set_up_says_why_and_exits_127() {
    compare("failures after the fork", |run| {
        let plain = run.script("plain", "exit 0");
        fs::write(&plain, "echo no interpreter line\n").unwrap();
        let lost = run.script("lost", "");
        fs::write(&lost, "#!/no/such/interpreter\n").unwrap();
        let names = ["folder", "plain", "lost", "joined"];
        run.config(&format!(
            "[program:folder]\ncommand=/bin/cat\ndirectory=/no/such/folder\nstartsecs=5\nstartretries=0\nstderr_logfile=%(here)s/folder.err\n\
             [program:plain]\ncommand={plain} and more\nstartsecs=5\nstartretries=0\nstderr_logfile=%(here)s/plain.err\n\
             [program:lost]\ncommand={lost}\nstartsecs=5\nstartretries=0\nstderr_logfile=%(here)s/lost.err\n\
             [program:joined]\ncommand={lost}\nstartsecs=5\nstartretries=0\nredirect_stderr=true\nstdout_logfile=%(here)s/joined.err\n"
        ));
        run.start();
        run.wait_all(&names, "FATAL");
        run.ctl("status");
        run.stop();
        run.log_of(&names);
        for name in names {
            run.file(&format!("{name}.err"));
        }
    });
}

#[test]
fn another_user_owns_the_child() {
    compare("user of a child", |run| {
        let script = run.script("who", "id -u; id -g; id -G; echo $HOME; exec cat");
        run.config(&format!(
            "[program:p]\ncommand={script}\nuser=nobody\nstartsecs=0\nstdout_logfile=%(here)s/p.out\n\
             [program:q]\ncommand={script}\nuser=1\nstartsecs=0\nstdout_logfile=%(here)s/q.out\n"
        ));
        run.start();
        run.wait_text("p.out", "/\n");
        run.wait_text("q.out", "/\n");
        run.stop();
        run.file("p.out");
        run.file("q.out");
    });
}

#[test]
fn programs_that_cannot_be_found_or_run_never_fork() {
    compare("failures before the fork", |run| {
        run.dir.write("data", "not executable");
        let names = [
            "missing", "nopath", "folder", "data", "quote", "logdir", "escape",
        ];
        run.config(
            "[program:missing]\ncommand=/no/such/program x\nstartretries=0\n\
             [program:nopath]\ncommand=no-such-program-anywhere\nstartretries=0\n\
             [program:folder]\ncommand=/usr\nstartretries=0\n\
             [program:data]\ncommand=%(here)s/data\nstartretries=0\n\
             [program:quote]\ncommand=/bin/cat \"open\nstartretries=0\n\
             [program:escape]\ncommand=/bin/cat it's\nstartretries=0\n\
             [program:logdir]\ncommand=/bin/cat\nstartretries=0\nstdout_logfile=/usr\n",
        );
        run.start();
        run.wait_all(&names, "FATAL");
        run.ctl("status");
        for name in names {
            run.rpc("startProcess", &[Value::text(name)]);
        }
        run.ctl("start missing folder logdir");
        run.rpc("getProcessInfo", &[Value::text("missing")]);
        run.stop();
        run.log_of(&names);
    });
}

#[test]
fn a_command_is_searched_in_the_path_of_the_program() {
    compare("path search", |run| {
        run.script("tools/mytool", "echo mine $0 \"$@\"; exec cat");
        run.config(
            "[program:p]\ncommand=mytool 'one two' \"three \\\" four\" fi\\ ve '' $HOME ~ ; comment\nenvironment=PATH=\"%(here)s/tools:/bin:/usr/bin\"\nstartsecs=0\nstdout_logfile=%(here)s/p.out\n\
             [program:q]\ncommand=mytool\nstartretries=0\n",
        );
        run.start();
        run.wait_text("p.out", "mine");
        run.wait("p", "RUNNING");
        run.wait("q", "FATAL");
        run.ctl("status q");
        run.stop();
        run.file("p.out");
        run.log_of(&["p", "q"]);
    });
}

#[test]
fn text_can_be_sent_to_the_standard_input() {
    compare("standard input", |run| {
        let closed = run.script(
            "closed",
            "exec 0<&-; echo closed; while :; do sleep 0.05; done",
        );
        run.config(&format!(
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/p.out\n\
             [program:off]\ncommand=/bin/cat\nautostart=false\n\
             [program:closed]\ncommand={closed}\nstartsecs=0\nstdout_logfile=%(here)s/closed.out\n"
        ));
        run.start();
        run.wait("p", "RUNNING");
        run.wait_text("closed.out", "closed");
        run.wait("closed", "RUNNING");
        run.rpc(
            "sendProcessStdin",
            &[Value::text("p"), Value::text("é & <b>\n")],
        );
        run.rpc("sendProcessStdin", &[Value::text("p"), Value::text("")]);
        run.rpc("sendProcessStdin", &[Value::text("off"), Value::text("x")]);
        run.rpc(
            "sendProcessStdin",
            &[Value::text("nosuch"), Value::text("x")],
        );
        run.rpc("sendProcessStdin", &[Value::text("p"), Value::Int(5)]);
        run.rpc(
            "sendProcessStdin",
            &[Value::text("p"), Value::Array(vec![Value::text("a")])],
        );
        run.rpc(
            "sendProcessStdin",
            &[Value::text("closed"), Value::text("x")],
        );
        run.wait_text("p.out", "b>");
        run.stop();
        run.file("p.out");
    });
}
