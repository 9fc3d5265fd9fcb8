//! `reread`, `update`, `add`, `remove` and `avail`.

use super::server::*;

#[test]
fn reread_update_add_remove_and_avail_speak_of_groups() {
    let stopped = || Answer::Value(array(&[result("g", "g", "80")]));
    let server = Server::start(&[
        (
            "reloadConfig()",
            changes(&["new", "also"], &["chg"], &["old", "stuck"]),
        ),
        (
            "getAllProcessInfo()",
            Answer::Value(array(&[
                process("cat", "cat", "20", "RUNNING", ""),
                process("old", "p", "0", "STOPPED", ""),
            ])),
        ),
        ("stopProcessGroup(old)", stopped()),
        (
            "stopProcessGroup(chg)",
            Answer::Value(array(&[result("chg", "chg", "30")])),
        ),
        (
            "stopProcessGroup(stuck)",
            Answer::Value(array(&[result("stuck", "stuck", "30")])),
        ),
        ("removeProcessGroup(old)", yes()),
        ("removeProcessGroup(chg)", yes()),
        (
            "removeProcessGroup(busy)",
            Answer::Fault(91, "STILL_RUNNING"),
        ),
        ("removeProcessGroup(nosuch)", Answer::Fault(10, "BAD_NAME")),
        (
            "removeProcessGroup(late)",
            Answer::Fault(6, "SHUTDOWN_STATE"),
        ),
        ("addProcessGroup(chg)", yes()),
        ("addProcessGroup(new)", yes()),
        ("addProcessGroup(also)", yes()),
        ("addProcessGroup(there)", Answer::Fault(90, "ALREADY_ADDED")),
        ("addProcessGroup(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("addProcessGroup(late)", Answer::Fault(6, "SHUTDOWN_STATE")),
        (
            "getAllConfigInfo()",
            Answer::Value(array(&[structure(&[
                ("group", "grp"),
                ("name", "m1"),
                ("inuse", "1"),
                ("autostart", "0"),
                ("group_prio", "999"),
                ("process_prio", "-1"),
            ])])),
        ),
    ]);
    let all = "old: stopped\nold: removed process group\n\
               stuck: stopped\nstuck: has problems; not removing\n\
               chg: stopped\nchg: updated process group\n\
               new: added process group\nalso: added process group\n";
    check(
        &server,
        &[
            (
                "reread",
                "also: available\nchg: changed\nnew: available\nold: disappeared\nstuck: disappeared\n",
                0,
            ),
            ("update", all, 1),
            ("update new all", all, 1),
            (
                "update also old",
                "old: stopped\nold: removed process group\nalso: added process group\n",
                0,
            ),
            (
                "update nosuch cat new nosuch",
                "ERROR: no such group: nosuch\nnew: added process group\n",
                1,
            ),
            (
                "add new nosuch",
                "new: added process group\nERROR: no such process/group: nosuch\n",
                1,
            ),
            ("add there", "ERROR: process group already active\n", 0),
            (
                "add late new",
                "ERROR: shutting down\nnew: added process group\n",
                1,
            ),
            ("add", "", 0),
            (
                "remove old busy",
                "old: removed process group\nERROR: process/group still running: busy\n",
                1,
            ),
            ("remove nosuch", "ERROR: no such process/group: nosuch\n", 1),
            (
                "remove late old",
                "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>\n",
                1,
            ),
            ("remove", "", 0),
            (
                "avail",
                "grp:m1                           in use    manual    999:-1\n",
                0,
            ),
        ],
    );
    check_refused(
        &server,
        &[
            ("reread x", "Error: reread accepts no arguments", 1),
            ("avail x", "Error: avail accepts no arguments", 1),
        ],
    );

    let quiet = Server::start(&[("reloadConfig()", changes(&[], &[], &[]))]);
    check(
        &quiet,
        &[
            ("reread", "No config updates to processes\n", 0),
            ("update", "", 0),
        ],
    );
    let broken = Server::start(&[("reloadConfig()", Answer::Fault(92, "CANT_REREAD: it's bad"))]);
    check(
        &broken,
        &[
            ("reread", "ERROR: CANT_REREAD: it's bad\n", 1),
            (
                "update",
                "error: <class 'xmlrpc.client.Fault'>, <Fault 92: \"CANT_REREAD: it's bad\">\n",
                1,
            ),
        ],
    );
    let down = Answer::Fault(6, "SHUTDOWN_STATE");
    let down = Server::start(&[
        ("reloadConfig()", down.clone()),
        ("getAllConfigInfo()", down),
    ]);
    check(
        &down,
        &[
            ("reread", "ERROR: supervisor shutting down\n", 1),
            ("update", "ERROR: already shutting down\n", 1),
            ("avail", "ERROR: supervisor shutting down\n", 1),
        ],
    );
}

/// An entry of what the daemon has done of several steps.
fn step(action: &str, group: &str, name: &str, status: &str) -> String {
    structure(&[
        ("group", group),
        ("name", name),
        ("status", status),
        ("description", "FAILED: so it is"),
        ("action", action),
    ])
}

#[test]
fn what_the_daemon_has_done_of_several_steps_is_told_to_its_end() {
    let server = Server::start(&[
        (
            "reloadConfig()",
            changes(&["new"], &["chg"], &["old", "stuck", "busy"]),
        ),
        (
            "updateProcessGroups(, old, stuck, busy, chg, new)",
            Answer::Value(array(&[
                step("stop", "old", "p", "80"),
                step("remove", "old", "", "80"),
                step("stop", "stuck", "p", "30"),
                step("remove", "stuck", "", "30"),
                step("remove", "busy", "", "91"),
                step("stop", "chg", "a", "30"),
                step("stop", "chg", "b", "80"),
                step("update", "chg", "", "80"),
                step("add", "new", "", "80"),
            ])),
        ),
        (
            "restartProcesses(, a, odd, g:*, nog:*)",
            Answer::Value(array(&[
                step("stop", "a", "a", "80"),
                step("stop", "odd", "odd", "30"),
                step("stop", "g", "b", "80"),
                step("stop", "nog", "", "10"),
                step("start", "a", "a", "50"),
                step("start", "odd", "odd", "30"),
                step("start", "g", "b", "80"),
                step("start", "nog", "", "10"),
            ])),
        ),
        ("restartAllProcesses()", Answer::Fault(6, "SHUTDOWN_STATE")),
    ]);
    check(
        &server,
        &[
            (
                "update",
                "old: stopped\nold: removed process group\n\
                 stuck: stopped\nstuck: has problems; not removing\n\
                 busy: stopped\n\
                 chg: stopped\nchg: updated process group\n\
                 new: added process group\n\
                 error: <class 'xmlrpc.client.Fault'>, <Fault 91: 'FAILED: so it is'>\n",
                1,
            ),
            (
                "restart a odd g:* nog:*",
                "a: stopped\nFAILED: so it is\ng:b: stopped\nnog: ERROR (no such group)\n\
                 a: ERROR (spawn error)\ng:b: started\nnog: ERROR (no such group)\n\
                 error: <class 'ValueError'>, Unknown result code 30 for odd\n",
                1,
            ),
            (
                "restart a all",
                "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>\n",
                1,
            ),
        ],
    );
}
