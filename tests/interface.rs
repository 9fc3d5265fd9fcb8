//! The table of methods: complete, and as the manual says.

use super::support::{Scene, Value};
use pollvisor::rpc::interface::Method;
use pollvisor::rpc::methods::INTERFACE;
use pollvisor::xmlrpc::fault::FaultCode;

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
    "supervisor.disableProcess",
    "supervisor.enableProcess",
    "supervisor.explainProcess",
    "supervisor.getConfigDifference",
    "supervisor.getDependencies",
    "supervisor.getEventResult",
    "supervisor.getProcessFigures",
    "supervisor.getStateReason",
    "supervisor.reopenAllLogs",
    "supervisor.reopenProcessLogs",
    "supervisor.restartAllProcesses",
    "supervisor.restartProcess",
    "supervisor.restartProcessGroup",
    "supervisor.restartProcesses",
    "supervisor.rollingRestart",
    "supervisor.rotateAllLogs",
    "supervisor.rotateProcessLogs",
    "supervisor.setNumProcs",
    "supervisor.stopProcessWithDependents",
    "supervisor.stopProcessWithin",
    "supervisor.updateProcessGroup",
    "supervisor.updateProcessGroups",
    "supervisor.upgrade",
    "supervisor.waitForProcess",
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

const PAGE: &str = include_str!("../man/supervisor-rpc.7");

/// The line of the manual that introduces a method.
fn heading(namespace: &str, method: &Method) -> String {
    let mut line = format!(".It Fn {namespace}.{}", method.name);
    for parameter in method.parameters {
        let default = match (parameter.optional, parameter.kind) {
            (false, _) => "",
            (true, "int") => " = 1",
            (true, _) if ["trial", "whole"].contains(&parameter.name) => " = false",
            (true, _) => " = true",
        };
        line.push_str(&format!(
            " \"{} {}{default}\"",
            parameter.kind, parameter.name
        ));
    }
    line
}

#[test]
fn the_manual_has_every_method_with_its_parameters_and_no_other() {
    let written: Vec<&str> = PAGE
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

/// What the manual says of a method, as one line.
fn told(namespace: &str, method: &Method) -> String {
    let (_, rest) = PAGE.split_once(&heading(namespace, method)).unwrap();
    let end = [rest.find("\n.It "), rest.find("\n.El")]
        .into_iter()
        .flatten()
        .min();
    let words = rest[..end.unwrap()].split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_manual_has_the_result_and_the_faults_of_every_method() {
    let supervisor = INTERFACE
        .supervisor
        .iter()
        .map(|method| ("supervisor", method));
    let system = INTERFACE.system.iter().map(|method| ("system", method));
    for (namespace, method) in supervisor.chain(system) {
        let text = told(namespace, method);
        let kind = method.result.kind;
        let article = if ["array", "int"].contains(&kind) {
            "an"
        } else {
            "a"
        };
        assert!(
            text.contains(&format!(" Returns {article} {kind}: ")),
            "{}: {text}",
            method.name
        );
        let named = text
            .split_once(" Faults: ")
            .map_or("", |(_, faults)| faults);
        let mut faults = method.faults.to_vec();
        faults.sort_by_key(|fault| fault.code());
        assert_eq!(faults, method.faults, "{}", method.name);
        let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
        assert_eq!(
            named.trim_end_matches('.'),
            names.join(", "),
            "{}",
            method.name
        );
    }
}

/// Whether the table says that a method may end in that fault.
pub fn is_told(full_name: &str, code: i64) -> bool {
    const ANYWHERE: [FaultCode; 4] = [
        FaultCode::UnknownMethod,
        FaultCode::IncorrectParameters,
        FaultCode::ShutdownState,
        FaultCode::ReadOnly,
    ];
    let is = |fault: &FaultCode| i64::from(fault.code()) == code;
    let found = INTERFACE.find(full_name, &["supervisor".to_owned()]);
    ANYWHERE.iter().any(is) || found.is_some_and(|method| method.faults.iter().any(is))
}

/// The lines that programs read are those of 4.3.0 (`conformance::multicalls`); the rest is ours.
#[test]
fn the_manual_tells_that_the_prose_of_help_differs() {
    let compat = include_str!("../man/supervisor-compat.7");
    let told = "The prose of\n.Fn system.methodHelp\nis our own for every method";
    assert!(compat.contains(told));
}
