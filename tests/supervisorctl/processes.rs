//! `start`, `stop`, `restart`, `signal`, `pid` and `version`.

use super::server::*;

#[test]
fn start_reports_each_name_and_the_last_hard_failure_decides() {
    let server = Server::start(&[
        ("startProcess(good)", yes()),
        ("startProcess(g:good)", yes()),
        ("startProcess(good:good)", yes()),
        ("startProcess(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("startProcess(nofile)", Answer::Fault(20, "NO_FILE")),
        ("startProcess(noexec)", Answer::Fault(21, "NOT_EXECUTABLE")),
        ("startProcess(crasher)", Answer::Fault(50, "SPAWN_ERROR")),
        (
            "startProcess(stopping)",
            Answer::Fault(40, "ABNORMAL_TERMINATION"),
        ),
        ("startProcess(up)", Answer::Fault(60, "ALREADY_STARTED")),
        ("startProcess(odd)", Answer::Fault(30, "FAILED")),
        (
            "startProcessGroup(g)",
            Answer::Value(array(&[result("g", "b", "80"), result("g", "a", "50")])),
        ),
        ("startProcessGroup(up)", Answer::Value(array(&[]))),
        ("startProcessGroup(nog)", Answer::Fault(10, "BAD_NAME: nog")),
        (
            "startProcessGroup(down)",
            Answer::Fault(6, "SHUTDOWN_STATE"),
        ),
        (
            "startAllProcesses()",
            Answer::Value(array(&[result("x", "x", "80")])),
        ),
    ]);
    let odd = "error: <class 'ValueError'>, Unknown result code 30 for odd\n";
    let down = "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>\n";
    check(
        &server,
        &[
            ("start good", "good: started\n", 0),
            (
                "start g:good good:good",
                "g:good: started\ngood: started\n",
                0,
            ),
            ("start up", "up: ERROR (already started)\n", 0),
            ("start nosuch", "nosuch: ERROR (no such process)\n", 1),
            ("start nofile", "nofile: ERROR (no such file)\n", 1),
            (
                "start noexec",
                "noexec: ERROR (file is not executable)\n",
                1,
            ),
            ("start crasher", "crasher: ERROR (spawn error)\n", 7),
            (
                "start stopping",
                "stopping: ERROR (abnormal termination)\n",
                7,
            ),
            (
                "start nosuch crasher",
                "nosuch: ERROR (no such process)\ncrasher: ERROR (spawn error)\n",
                7,
            ),
            (
                "start crasher nosuch",
                "crasher: ERROR (spawn error)\nnosuch: ERROR (no such process)\n",
                1,
            ),
            (
                "start nosuch good up",
                "nosuch: ERROR (no such process)\ngood: started\nup: ERROR (already started)\n",
                1,
            ),
            ("start odd good", odd, 1),
            ("start g:*", "g:b: started\ng:a: ERROR (spawn error)\n", 7),
            ("start up:", "", 0),
            ("start nog:*", "nog: ERROR (no such group)\n", 2),
            ("start down:*", down, 1),
            ("start nosuch all", "x: started\n", 0),
        ],
    );
    check_refused(
        &server,
        &[("start", "Error: start requires a process name", 2)],
    );
}

#[test]
fn stop_restart_and_signal_have_their_own_rules() {
    let server = Server::start(&[
        ("stopProcess(good)", yes()),
        ("stopProcess(down)", Answer::Fault(70, "NOT_RUNNING")),
        ("stopProcess(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("stopProcess(stuck)", Answer::Fault(30, "FAILED: nope")),
        (
            "stopProcessGroup(g)",
            Answer::Value(array(&[result("g", "a", "30"), result("g", "b", "80")])),
        ),
        ("stopProcessGroup(nog)", Answer::Fault(10, "BAD_NAME")),
        (
            "stopAllProcesses()",
            Answer::Value(array(&[result("x", "x", "80")])),
        ),
        ("startProcess(good)", yes()),
        ("startProcess(down)", yes()),
        ("startProcess(stuck)", yes()),
        ("startProcess(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("startProcessGroup(nog)", Answer::Fault(10, "BAD_NAME")),
        ("signalProcess(good, HUP)", yes()),
        ("signalProcess(good, BAD)", Answer::Fault(11, "BAD_SIGNAL")),
        ("signalProcess(down, HUP)", Answer::Fault(70, "NOT_RUNNING")),
        ("signalProcess(nosuch, HUP)", Answer::Fault(10, "BAD_NAME")),
        (
            "signalProcessGroup(nog, HUP)",
            Answer::Fault(10, "BAD_NAME"),
        ),
        (
            "signalAllProcesses(all)",
            Answer::Value(array(&[result("x", "x", "11")])),
        ),
    ]);
    check(
        &server,
        &[
            ("stop good", "good: stopped\n", 0),
            ("stop down", "down: ERROR (not running)\n", 0),
            ("stop nosuch", "nosuch: ERROR (no such process)\n", 1),
            ("stop stuck", "FAILED: nope\n", 1),
            ("stop g:*", "FAILED: so it is\ng:b: stopped\n", 1),
            ("stop nog:*", "nog: ERROR (no such group)\n", 1),
            ("stop all", "x: stopped\n", 0),
            (
                "restart good down",
                "good: stopped\ndown: ERROR (not running)\ngood: started\ndown: started\n",
                0,
            ),
            ("restart stuck", "FAILED: nope\nstuck: started\n", 1),
            (
                "restart nosuch",
                &"nosuch: ERROR (no such process)\n".repeat(2),
                1,
            ),
            (
                "restart nog:*",
                &"nog: ERROR (no such group)\n".repeat(2),
                2,
            ),
            ("signal HUP good", "good: signalled\n", 0),
            ("signal BAD good", "good: ERROR (bad signal name)\n", 1),
            ("signal HUP down", "down: ERROR (not running)\n", 7),
            (
                "signal HUP nosuch down",
                "nosuch: ERROR (no such process)\ndown: ERROR (not running)\n",
                7,
            ),
            ("signal HUP nog:*", "nog: ERROR (no such group)\n", 1),
            ("signal all all", "x: ERROR (bad signal name)\n", 1),
        ],
    );
    let signal = "Error: signal requires a signal name and a process name";
    check_refused(
        &server,
        &[
            ("stop", "Error: stop requires a process name", 1),
            ("restart", "Error: restart requires a process name", 1),
            ("signal", signal, 1),
            ("signal HUP", signal, 1),
        ],
    );
}

#[test]
fn pid_and_version_ask_the_server() {
    let server = Server::start(&[
        ("getPID()", Answer::Value("<int>4242</int>".to_owned())),
        ("getAllProcessInfo()", processes()),
        (
            "getProcessInfo(cat)",
            Answer::Value(process("cat", "cat", "20", "RUNNING", "")),
        ),
        (
            "getProcessInfo(idle)",
            Answer::Value(process("idle", "idle", "0", "STOPPED", "")),
        ),
        ("getProcessInfo(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("getProcessInfo(g:*)", Answer::Fault(10, "BAD_NAME")),
        ("getSupervisorVersion()", string("4.3.0")),
    ]);
    check(
        &server,
        &[
            ("pid", "4242\n", 0),
            ("pid cat all", "17\n0\n0\n0\n", 0),
            ("pid cat", "17\n", 0),
            ("pid idle nosuch", "0\nNo such process nosuch\n", 1),
            ("pid nosuch idle", "No such process nosuch\n0\n", 7),
            ("pid g:*", "No such process g:*\n", 1),
            ("version", "4.3.0\n", 0),
        ],
    );
    check_refused(
        &server,
        &[("version x", "Error: version accepts no arguments", 1)],
    );
}
