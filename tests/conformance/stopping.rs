//! Stopping: signals, patience, process groups, order.

use super::compare;
use super::run::Run;
use crate::support::{Value, is_alive};

/// Says which signal it got, then ends.
fn telling(run: &Run) -> String {
    let traps: String = ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"]
        .iter()
        .map(|name| format!("trap 'echo got {name}; exit 0' {name}\n"))
        .collect();
    run.script(
        "telling",
        &format!("{traps}echo ready\nwhile :; do read line || exit 9; done"),
    )
}

#[test]
fn the_stop_signal_is_the_configured_one() {
    compare("stop signals", |run| {
        let script = telling(run);
        let signals = [
            "TERM", "HUP", "INT", "QUIT", "USR1", "USR2", "KILL", "SIGUSR1", "12", "int",
        ];
        let names: Vec<String> = (0..signals.len()).map(|i| format!("p{i}")).collect();
        let sections: String = signals
            .iter()
            .zip(&names)
            .map(|(signal, name)| {
                format!("[program:{name}]\ncommand={script}\nstartsecs=0\nstopsignal={signal}\nstdout_logfile=%(here)s/{name}.log\n")
            })
            .collect();
        run.config(&sections);
        run.start();
        for name in &names {
            run.wait_text(&format!("{name}.log"), "ready");
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        run.wait_all(&names, "RUNNING");
        run.ctl(&format!("stop {}", names.join(" ")));
        run.ctl("status");
        for name in &names {
            run.file(&format!("{name}.log"));
        }
        run.stop();
        run.log_of(&names);
    });
}

#[test]
fn a_program_that_ignores_the_stop_signal_is_killed() {
    compare("kill after stopwaitsecs", |run| {
        let script = run.script(
            "stubborn",
            "trap '' TERM\necho ready\nwhile :; do read line || exit 0; done",
        );
        run.config_with("loglevel=debug", &format!(
            "[program:p]\ncommand={script}\nstartsecs=0\nstopwaitsecs=1\nstdout_logfile=%(here)s/p.log\n"
        ));
        run.start();
        run.wait_text("p.log", "ready");
        run.wait("p", "RUNNING");
        run.ctl("stop p");
        run.rpc("getProcessInfo", &[Value::text("p")]);
        run.stop();
        run.log_of(&["p"]);
    });
}

#[test]
fn stopasgroup_and_killasgroup_reach_the_children_of_the_child() {
    compare("signals to process groups", |run| {
        // The child writes down that it is told to end. What it reads ends with
        // its parent, so the one that is told nothing ends too, a moment later.
        let child = run.script(
            "child",
            "trap 'echo $1 got TERM >> told; exit 0' TERM\necho child $$\nwhile :; do read line || exit 0; done",
        );
        let parent = run.script(
            "parent",
            &format!("trap 'exit 0' TERM\nexec 3<&0\n{child} $1 <&3 &\nwait"),
        );
        let deaf_child = run.script(
            "deafchild",
            "trap '' TERM\necho child $$\nwhile :; do read line || exit 0; done",
        );
        let deaf = run.script(
            "deaf",
            &format!("trap '' TERM\nexec 3<&0\n{deaf_child} <&3 &\nwait"),
        );
        run.config_with("loglevel=debug", &format!(
            "[program:stop]\ncommand={parent} stop\ndirectory=%(here)s\nstartsecs=0\nstopasgroup=true\nstdout_logfile=%(here)s/stop.log\n\
             [program:kill]\ncommand={deaf}\nstartsecs=0\nkillasgroup=true\nstopwaitsecs=1\nstdout_logfile=%(here)s/kill.log\n\
             [program:alone]\ncommand={parent} alone\ndirectory=%(here)s\nstartsecs=0\nstdout_logfile=%(here)s/alone.log\n"
        ));
        run.start();
        let mut children = Vec::new();
        for name in ["stop", "kill", "alone"] {
            let log = format!("{name}.log");
            run.wait_text(&log, "child ");
            let text = run.dir.read(&log).unwrap();
            children.push(text.trim().rsplit(' ').next().unwrap().parse().unwrap());
        }
        run.wait_all(&["stop", "kill", "alone"], "RUNNING");
        run.ctl("stop stop kill alone");
        for pid in children {
            run.wait_that("the child of the child ends", |_| !is_alive(pid));
        }
        run.file("told");
        run.stop();
        run.log_of(&["stop", "kill", "alone"]);
    });
}

#[test]
fn shutdown_waits_for_one_group_before_it_stops_the_next() {
    compare("shutdown order", |run| {
        // Each notes when it is told to end, and takes its time.
        let slow = run.script(
            "slow",
            "trap 'echo $1 told >> order; sleep 0.3; echo $1 ends >> order; exit 0' TERM\necho $1 ready >> order\nwhile :; do read line || exit 0; done",
        );
        let sections: String = [("first", 1), ("second", 2), ("third", 3)]
            .iter()
            .map(|(name, priority)| {
                format!("[program:{name}]\ncommand={slow} {name}\ndirectory=%(here)s\nstartsecs=0\npriority={priority}\n")
            })
            .collect();
        run.config(&sections);
        run.start();
        for name in ["first", "second", "third"] {
            run.wait_text("order", &format!("{name} ready"));
        }
        run.wait_all(&["first", "second", "third"], "RUNNING");
        run.dir.write("order", "");
        run.stop();
        run.file("order");
        // How often the waiting is told of depends on how long it takes.
        let mut lines = run.log_lines();
        lines.dedup();
        let lines: Vec<String> = lines
            .into_iter()
            .filter(|line| !line.contains("to die"))
            .collect();
        let from = lines
            .iter()
            .position(|line| line.contains("received"))
            .unwrap();
        lines[from..].iter().for_each(|line| run.note(line));
    });
}

#[test]
fn shutdown_tells_of_those_it_waits_for() {
    compare("waiting to die", |run| {
        let deaf = run.script(
            "deaf",
            "trap '' TERM\necho ready\nwhile :; do read line || exit 0; done",
        );
        run.config(&format!(
            "[program:a]\ncommand=/bin/cat\nstartsecs=0\npriority=1\n\
             [program:b]\ncommand={deaf}\nstartsecs=0\npriority=2\nstopwaitsecs=1\nstdout_logfile=%(here)s/b.log\n\
             [program:off]\ncommand=/bin/cat\nautostart=false\n"
        ));
        run.start();
        run.wait("a", "RUNNING");
        run.wait_text("b.log", "ready");
        run.wait("b", "RUNNING");
        run.stop();
        run.log();
    });
}

#[test]
fn the_signal_action_takes_names_and_numbers() {
    compare("signal action", |run| {
        let script = run.script(
            "counts",
            "for s in HUP INT USR1 USR2 WINCH; do trap \"echo got $s\" $s; done\necho ready\nwhile :; do read line; [ $? = 1 ] && exit 0; done",
        );
        run.config_with("loglevel=debug", &format!(
            "[program:p]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n\
             [program:off]\ncommand=/bin/cat\nautostart=false\n\
             [program:g1]\ncommand=/bin/cat\nstartsecs=0\n[program:g2]\ncommand=/bin/cat\nstartsecs=0\n[group:g]\nprograms=g1,g2\npriority=1\n"
        ));
        run.start();
        run.wait_text("p.log", "ready");
        run.wait_all(&["p", "g:g1", "g:g2"], "RUNNING");
        run.ctl("signal HUP off nosuch");
        run.ctl("signal NOPE p");
        run.ctl("signal 99 p");
        run.ctl("signal CONT g:*");
        run.ctl("signal CONT nosuch:*");
        run.ctl("signal CONT all");
        for signal in ["0", "SIGCONT", "cont", " 18 ", "SIGNOPE", "-1", ""] {
            run.rpc("signalProcess", &[Value::text("p"), Value::text(signal)]);
        }
        run.rpc("signalProcess", &[Value::text("p"), Value::Int(18)]);
        run.rpc("signalProcess", &[Value::text("g:*"), Value::text("NOPE")]);
        run.rpc("signalProcessGroup", &[Value::text("g"), Value::text("0")]);
        run.rpc(
            "signalProcessGroup",
            &[Value::text("nosuch"), Value::text("0")],
        );
        run.rpc("signalAllProcesses", &[Value::text("CONT")]);
        run.stop();
        run.log_of(&["p", "g1"]);
    });
}
