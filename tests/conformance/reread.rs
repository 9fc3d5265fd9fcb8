//! reread, update, add, remove, avail.

use super::run::Run;
use super::{compare, cross};
use crate::support::Value;

const BEFORE: &str = "\
[program:same]
command=/bin/cat
startsecs=0
[program:changes]
command=/bin/cat
startsecs=0
[program:goes]
command=/bin/cat
startsecs=0
[program:m1]
command=/bin/cat
startsecs=0
[group:g]
programs=m1
";

const AFTER: &str = "\
[program:same]
command=/bin/cat
startsecs=0
[program:changes]
command=/bin/cat -u
startsecs=0
[program:comes]
command=/bin/cat
startsecs=0
priority=7
[program:comes-off]
command=/bin/cat
autostart=false
[program:m1]
command=/bin/cat -u
startsecs=0
[program:m2]
command=/bin/cat
startsecs=0
priority=3
[group:g]
programs=m1,m2
";

fn begin(run: &mut Run) {
    run.config(BEFORE);
    run.start();
    run.wait_all(&["same", "changes", "goes", "g:m1"], "RUNNING");
}

#[test]
fn update_does_what_reread_announces() {
    cross("reread and update", |run| {
        begin(run);
        run.ctl("reread");
        run.ctl("avail");
        run.config(AFTER);
        run.ctl("reread");
        run.ctl("reread");
        run.ctl("avail");
        run.ctl("update");
        run.wait_all(&["same", "changes", "comes", "g:m1", "g:m2"], "RUNNING");
        run.ctl("status");
        run.ctl("avail");
        run.ctl("update");
        run.stop();
    });
}

#[test]
fn update_can_be_limited_to_some_groups() {
    compare("update of some groups", |run| {
        begin(run);
        run.config(AFTER);
        run.ctl("update nosuch comes g");
        run.wait_all(&["comes", "g:m1", "g:m2"], "RUNNING");
        run.ctl("reread");
        run.ctl("update all goes");
        run.wait("changes", "RUNNING");
        run.ctl("status");
        // What is still up at the end is told in the order of groups, which is another one.
        run.ctl("stop same changes comes g:m1 g:m2");
        run.stop();
        run.log_of(&["goes", "changes", "comes", "m1", "m2", "same"]);
    });
}

#[test]
fn add_and_remove_work_on_the_configuration_as_last_read() {
    cross("add and remove", |run| {
        begin(run);
        run.config(AFTER);
        run.ctl("add comes");
        run.ctl("reread");
        run.ctl("add comes comes-off nosuch same");
        run.wait("comes", "RUNNING");
        run.ctl("remove goes nosuch");
        run.ctl("stop goes");
        run.ctl("remove goes comes-off");
        run.ctl("add");
        run.ctl("remove");
        run.ctl("status");
        run.rpc("addProcessGroup", &[Value::text("comes")]);
        run.rpc("addProcessGroup", &[Value::text("nosuch")]);
        run.rpc("removeProcessGroup", &[Value::text("comes")]);
        run.rpc("removeProcessGroup", &[Value::text("nosuch")]);
        run.rpc("removeProcessGroup", &[Value::text("g:*")]);
        run.stop();
    });
}

#[test]
fn a_broken_file_is_refused_and_changes_nothing() {
    cross("reread of a broken file", |run| {
        begin(run);
        for broken in [
            "[program:same]\n",
            "[group:g]\nprograms=nope\n",
            "[inet_http_server]\nport=abc\n",
        ] {
            run.config(broken);
            run.ctl("reread");
            run.rpc("reloadConfig", &[]);
        }
        run.ctl("update");
        std::fs::remove_file(run.path("supervisord.conf")).unwrap();
        run.rpc("reloadConfig", &[]);
        run.config(BEFORE);
        run.ctl("reread");
        run.ctl("status");
        run.stop();
    });
}

#[test]
fn what_counts_as_a_change_is_compared_after_conversion() {
    compare("what counts as a change", |run| {
        let program =
            |options: &str| format!("[program:p]\ncommand=/bin/cat\nautostart=false\n{options}\n");
        run.config(&program(""));
        run.start();
        for options in [
            "stopsignal=15",
            "stopsignal=HUP",
            "stdout_logfile_maxbytes=51200KB",
            "stdout_logfile_maxbytes=1MB",
            "exitcodes=0,0",
            "environment=A=1",
            "serverurl=AUTO",
            "nosuchkey=1",
            "stdout_logfile=NONE",
            "priority=998",
            "directory=/",
            "umask=022",
            "autorestart=true",
            "stopasgroup=true",
            "redirect_stderr=true",
        ] {
            run.config(&program(options));
            run.note(options);
            run.rpc("reloadConfig", &[]);
        }
        run.config_with("environment=B=2", &program(""));
        run.rpc("reloadConfig", &[]);
        run.config_with("loglevel=debug\nidentifier=other", &program(""));
        run.rpc("reloadConfig", &[]);
        run.rpc("getIdentification", &[]);
        run.stop();
    });
}
