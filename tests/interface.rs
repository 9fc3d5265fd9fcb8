//! The table of methods: complete, and as the manual says.

use super::support::{Scene, Value};
use pollvisor::rpc::interface::Method;
use pollvisor::rpc::methods::INTERFACE;

/// What `system.listMethods` of Supervisor 4.3.0 answers.
const NAMES: &str = "\
supervisor.addProcessGroup supervisor.clearAllProcessLogs supervisor.clearLog
supervisor.clearProcessLog supervisor.clearProcessLogs supervisor.getAPIVersion
supervisor.getAllConfigInfo supervisor.getAllProcessInfo supervisor.getIdentification
supervisor.getPID supervisor.getProcessInfo supervisor.getState
supervisor.getSupervisorVersion supervisor.getVersion supervisor.readLog
supervisor.readMainLog supervisor.readProcessLog supervisor.readProcessStderrLog
supervisor.readProcessStdoutLog supervisor.reloadConfig supervisor.removeProcessGroup
supervisor.restart supervisor.sendProcessStdin supervisor.sendRemoteCommEvent
supervisor.shutdown supervisor.signalAllProcesses supervisor.signalProcess
supervisor.signalProcessGroup supervisor.startAllProcesses supervisor.startProcess
supervisor.startProcessGroup supervisor.stopAllProcesses supervisor.stopProcess
supervisor.stopProcessGroup supervisor.tailProcessLog supervisor.tailProcessStderrLog
supervisor.tailProcessStdoutLog system.listMethods system.methodHelp
system.methodSignature system.multicall";

/// What this program has besides.
pub const ADDED: &[&str] = &[
    "supervisor.clearFatal",
    "supervisor.getEventResult",
    "supervisor.getStateReason",
];

#[test]
fn the_methods_are_those_of_4_3_0_and_a_few() {
    let mut names: Vec<&str> = NAMES.split_whitespace().collect();
    assert_eq!(names.len(), 41);
    names.extend(ADDED);
    names.sort_unstable();
    let expected: Vec<Value> = names.into_iter().map(Value::text).collect();
    let scene = Scene::start("");
    let listed = scene.rpc.call("system.listMethods", &[]).answer();
    assert_eq!(listed, Value::Array(expected));
    scene.stop();
}

/// The line of the manual that introduces a method.
fn heading(namespace: &str, method: &Method) -> String {
    let mut line = format!(".It Fn {namespace}.{}", method.name);
    for parameter in method.parameters {
        let default = if parameter.optional { " = true" } else { "" };
        line.push_str(&format!(
            " \"{} {}{default}\"",
            parameter.kind, parameter.name
        ));
    }
    line
}

#[test]
fn the_manual_has_every_method_with_its_parameters_and_no_other() {
    let page = include_str!("../man/supervisor-rpc.7");
    let written: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with(".It Fn "))
        .collect();
    let supervisor = INTERFACE.supervisor.iter();
    let expected: Vec<String> = supervisor
        .map(|method| heading("supervisor", method))
        .chain(
            INTERFACE
                .system
                .iter()
                .map(|method| heading("system", method)),
        )
        .collect();
    assert_eq!(written, expected);
}
