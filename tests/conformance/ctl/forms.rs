//! Forms of arguments and names, one-shot: what is refused before or after the server is
//! asked, and which of several failures decides the exit status.

use super::cross;
use super::oneshot::note_actions;
use crate::conformance::run::Run;

/// Programs of every sort of name. What one of them says is in its logs.
const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
startsecs=0
[program:off]
command=/bin/cat
autostart=false
startsecs=0
[program:bad]
command=/no/such/file
autostart=false
[program:crash]
command=/bin/cat
autostart=false
stdout_logfile=%(here)s/folder
startretries=0
[program:talks]
command=%(here)s/talks
startsecs=0
stdout_logfile=%(here)s/talks.out
stderr_logfile=%(here)s/talks.err
[program:silent]
command=/bin/cat
startsecs=0
redirect_stderr=true
stdout_logfile=NONE
[program:m1]
command=/bin/cat
startsecs=0
[program:m2]
command=/bin/cat
startsecs=0
autostart=false
[group:g]
programs=m1,m2
[program:a-long-name-of-more-than-thirty-letters]
command=/bin/cat
autostart=false
[program:é]
command=/bin/cat
startsecs=0
autostart=false
";

/// Lines that change nothing. Patterns in names are not among them: 4.3.0 takes those for names.
const LOOKING: &[&str] = &[
    // Nothing, or no command.
    "nosuch",
    "nosuch p",
    "STATUS",
    "status,p",
    "!ls",
    "#x",
    "debug_",
    "_",
    "p",
    "123",
    // What takes no argument.
    "avail x",
    "reread x",
    "reload x",
    "shutdown x",
    "version x",
    "version x y",
    "version",
    "quit",
    "quit x",
    "exit",
    "exit x",
    "EOF",
    "EOF x",
    // Help, which is free in its words.
    "help help",
    "?help",
    "help nosuch",
    "help EOF",
    "help STATUS",
    "help start stop",
    "help  start",
    "? start",
    "?nosuch",
    "help add",
    "help avail",
    "help clear",
    "help exit",
    "help maintail",
    "help open",
    "help pid",
    "help quit",
    "help reload",
    "help remove",
    "help reread",
    "help restart",
    "help shutdown",
    "help signal",
    "help start",
    "help status",
    "help stop",
    "help tail",
    "help update",
    "help version",
    // Names.
    "status p",
    "status p off",
    "status off p",
    "status p:p p:* p:",
    "status g",
    "status g:*",
    "status g:",
    "status g:m1 g:m2",
    "status m1",
    "status g:nosuch",
    "status nosuch:*",
    "status nosuch:",
    "status nosuch nosuch:* p",
    "status :",
    "status :*",
    "status :p",
    "status p:p:p",
    "status p:*:*",
    "status all",
    "status nosuch all",
    "status ALL",
    "status p p",
    "status é",
    "status é:*",
    "status a-long-name-of-more-than-thirty-letters p",
    "status nosuch",
    "status nosuch off",
    "status off nosuch",
    "status --",
    "status -h",
    "status p,off",
    "status \"p\"",
    "status 'p'",
    "pid",
    "pid p:p",
    "pid nosuch",
    "pid off",
    "pid off nosuch",
    "pid nosuch off",
    "pid p nosuch p",
    "pid all",
    "pid nosuch all",
    "pid g:m1",
    "pid g",
    "pid :",
    "pid p;p",
    "pid é",
    // Logs.
    "tail",
    "tail p off talks x",
    "tail -f p stdout x",
    "tail -5",
    "tail -f",
    "tail -",
    "tail - p",
    "tail talks",
    "tail talks:talks",
    "tail talks stdout",
    "tail talks STDERR",
    "tail talks stderr",
    "tail talks junk stderr",
    "tail -3 talks",
    "tail -3 talks stderr",
    "tail -0 talks",
    "tail --2 talks",
    "tail -+3 talks",
    "tail -1_0 talks",
    "tail -_1 talks",
    "tail -1_ talks",
    "tail -1__0 talks",
    "tail -0x5 talks",
    "tail -3.0 talks",
    "tail -x talks",
    "tail -F talks",
    "tail talks -3",
    "tail -f -3 talks",
    "tail talks it's",
    "tail talks Junk",
    "tail talks \"'\"",
    "tail nosuch",
    "tail nosuch stderr",
    "tail g",
    "tail all",
    "tail silent",
    "tail silent stderr",
    "tail off",
    "tail é",
    "tail -99999999999 talks",
    "tail -2147483648 talks",
    "tail -2147483649 talks",
    "tail -2147483647 talks",
    "tail -fx talks",
    "tail -f talks nochannel",
    "tail-3 talks",
    "maintail x",
    "maintail 5",
    "maintail -x",
    "maintail -f x",
    "maintail a b",
    "maintail -5 -5",
    "maintail -1",
    "maintail -+1",
    "maintail -99999999999",
    "maintail -",
    "maintail --",
    // Foreground, as far as it does not begin.
    "clear",
    "clear nosuch",
    "clear g",
    "clear nosuch p",
    "clear p nosuch",
    "clear p:p",
    "clear p,off",
    "clear silent",
    // Signals.
    "signal",
    "signal HUP",
    "signal p",
    "signal HUP nosuch",
    "signal NOSUCH p",
    "signal NOSUCH nosuch",
    "signal CONT off",
    "signal CONT p",
    "signal cont p",
    "signal SIGCONT p",
    "signal sigcont p",
    "signal 18 p",
    "signal 0 p",
    "signal -1 p",
    "signal 65 p",
    "signal 1000 p",
    "signal SIG p",
    "signal C0NT p",
    "signal CONT g:*",
    "signal CONT g:",
    "signal CONT g",
    "signal NOSUCH g:*",
    "signal CONT nosuch:*",
    "signal CONT nosuch off",
    "signal CONT off nosuch",
    "signal CONT p off",
    "signal CONT off p",
    "signal CONT all",
    "signal NOSUCH all",
    "signal all CONT",
    "signal all p",
    "signal all all",
    "signal CONT é",
    "signal p CONT",
    "signal CONT p:p m1",
    // Groups.
    "add",
    "add p",
    "add nosuch",
    "add p nosuch",
    "add nosuch p",
    "add g:*",
    "add all",
    "add m1",
    "add nosuch nosuch",
    "remove",
    "remove p",
    "remove nosuch",
    "remove g:*",
    "remove p nosuch",
    "remove nosuch p",
    "remove all",
    "remove m1",
    "update nosuch",
    "update p",
    "update p nosuch",
    "update nosuch all",
    "update g:*",
    "update m1",
    "update é",
    "update",
    "update all",
    "reread",
    "avail",
    // What fails to start, and what is there already.
    "start",
    "start nosuch",
    "start p",
    "start p p",
    "start bad",
    "start crash",
    "start nosuch crash",
    "start crash nosuch",
    "start bad crash",
    "start crash bad",
    "start p nosuch",
    "start nosuch p",
    "start p crash p",
    "start g",
    "start m1",
    "start nosuch:*",
    "start nosuch:",
    "start nosuch:* p",
    "start nosuch:* nosuch",
    "start nosuch nosuch:*",
    "start :",
    "start :x",
    "start talks silent",
    "start p:*",
    "start p:p",
    "start crash:*",
    "start bad:*",
    "start ALL",
    "stop",
    "stop nosuch",
    "stop off",
    "stop off nosuch",
    "stop nosuch off",
    "stop g",
    "stop m1",
    "stop nosuch:*",
    "stop nosuch:* off",
    "stop off:*",
    "stop off:off",
    "stop :",
    "stop off off",
    "restart",
    "restart nosuch",
    "restart nosuch:*",
    "restart nosuch:* nosuch",
    "restart nosuch nosuch:*",
    "restart bad",
    "restart crash",
    "restart g",
    "restart crash:*",
    "restart crash nosuch",
    "restart nosuch crash",
    // Other servers.
    "open",
    "open x",
    "open x y",
    "open ftp://x",
    "open https://x",
    "open HTTP://x",
    "open http",
    "open unix",
    "open http:",
    "open unix:",
    "open unix:///no/such/socket",
    "open UNIX:///no/such/socket",
    "open http://127.0.0.1:1",
    "open http://127.0.0.1:1 x",
];

fn start(run: &mut Run) {
    run.script(
        "talks",
        "printf 'one\\ntwo h\\303\\251\\n'; printf 'bad\\nworse' >&2; exec cat",
    );
    run.dir.write("folder/file", "");
    run.config(PROGRAMS);
    run.start();
    run.wait_all(&["p", "talks", "silent", "g:m1"], "RUNNING");
    run.wait_text("talks.err", "worse");
}

#[test]
fn lines_that_change_nothing_agree() {
    cross("forms of arguments", |run| {
        start(run);
        note_actions(run, LOOKING);
    });
}
