//! The one table of methods: names, signatures, help and functions, in the
//! order of the names. What is not in it cannot be called.

use crate::http::access::Access;
use crate::rpc::interface::{Interface, Method, Parameter};
use crate::rpc::{
    configuration, dependencies, difference, disabled, explain, information, listing, log_files,
    logs, restart, rolling, scale, signals, start, stop, system, upgrade, wait,
};
use crate::xmlrpc::fault::FaultCode;

/// All methods.
pub const INTERFACE: Interface = Interface {
    supervisor: SUPERVISOR,
    system: SYSTEM,
};

const fn required(kind: &'static str, name: &'static str, help: &'static str) -> Parameter {
    Parameter {
        kind,
        name,
        help,
        optional: false,
    }
}

const fn result(kind: &'static str, help: &'static str) -> Parameter {
    required(kind, "result", help)
}

const NAME: Parameter = required("string", "name", "a process, as 'name' or 'group:name'");
const NAME_OR_GROUP: Parameter = required(
    "string",
    "name",
    "a process as 'name' or 'group:name', or 'group:*'",
);
const GROUP: Parameter = required("string", "name", "a group");
const NAMES: Parameter = required(
    "array",
    "names",
    "names as restartProcess takes them, and arrays of names of what is restarted together",
);
const PROCESS_NAMES: Parameter = required("array", "names", "processes; none stands for all");
const GROUPS: Parameter = required("array", "names", "groups, as reloadConfig tells them");
const POOL: Parameter = required("string", "pool", "the name of an event listener");
const SIGNAL: Parameter = required("string", "signal", "a signal by name or number");
const WAIT: Parameter = Parameter {
    kind: "boolean",
    name: "wait",
    help: "answer only when it is done (the default)",
    optional: true,
};
const WHOLE: Parameter = Parameter {
    kind: "boolean",
    name: "whole",
    help: "stop and replace active groups as a whole, as Supervisor 4.3.0 does (not the default)",
    optional: true,
};
const TRIAL: Parameter = Parameter {
    kind: "boolean",
    name: "trial",
    help: "only try whether it could be done (not the default)",
    optional: true,
};
const TIMEOUT: Parameter = required(
    "double",
    "timeout",
    "how many seconds it has; 0: SIGKILL is the only signal",
);
const CONDITION: Parameter = required(
    "string",
    "condition",
    "running, ready, healthy, exited or stopped",
);
const LIMIT: Parameter = required("double", "timeout", "for how many seconds it is waited for");
const AT_ONCE: Parameter = Parameter {
    kind: "int",
    name: "n",
    help: "how many may be down at the same time (1 by default)",
    optional: true,
};
const PROGRAM: Parameter = required(
    "string",
    "name",
    "a program, as 'name' or, with its group, 'group:name'",
);
const OFFSET: Parameter = required(
    "int",
    "offset",
    "where to begin, in bytes; negative: so many from the end",
);
const LENGTH: Parameter = required("int", "length", "how many bytes; 0: to the end");
const TRUE: Parameter = result("boolean", "always true");
const STATUSES: Parameter = result(
    "array",
    "a struct of name, group, status and description for each process",
);
const DONE: Parameter = result(
    "array",
    "a struct of name, group, status, description and action for each thing done",
);
const DEPENDENCIES: Parameter = result(
    "array",
    "a struct of name, group, statename and depends_on, an array of structs of name, group, condition, optional and met",
);
const TEXT: Parameter = result("string", "that part of the log");
const TAIL: Parameter = result(
    "array",
    "the text, where it ended in the log, and whether there was more",
);
const FACTS: Parameter = result(
    "struct",
    "what is known, of which some is there only where it is so",
);
const PROCESSES: Parameter = result("array", "a struct for each process");
const FIGURES: Parameter = result(
    "array",
    "a struct of name, group, pid and what is known for each process",
);
const VERSION: Parameter = required("string", "version", "of the interface");
const METHOD: Parameter = required("string", "name", "a method's full name");
const TYPE: Parameter = required("string", "type", "what kind of thing");
const DATA: Parameter = required("string", "data", "the thing itself");
const CALLS: Parameter = required("array", "calls", "structs of methodName and params");
const EVENT_RESULT: Parameter = result(
    "struct",
    "process, event, serial, time, data and base64; empty before the first",
);
const DIFFERENCE: Parameter = result(
    "array",
    "one array of three: the names of groups added, changed and removed",
);
const DIFFERENCES: Parameter = result(
    "array",
    "a struct of group, name, key, old, new, file, line and consequence for each key, and for \
     each process that comes or goes",
);
const RESULTS: Parameter = result(
    "array",
    "for each call its result, or a struct of faultCode and faultString",
);
const SIGNATURE: Parameter = result(
    "array",
    "the type of the result, then those of the parameters",
);

/// An entry of a table: the method with its parameters, its result and the faults that it has
/// of its own, the access that it takes, what it does in words, and its function. Those marked
/// `always` work while supervisord goes down.
macro_rules! methods {
    ($($name:ident($($parameter:expr),*) -> $result:expr, [$($fault:ident),*]
       $access:ident $($always:ident)?, $help:literal, $function:path;)*) => {
        &[$(Method {
            name: stringify!($name),
            help: $help,
            parameters: &[$($parameter),*],
            result: $result,
            faults: &[$(FaultCode::$fault),*],
            access: Access::$access,
            gated: is_gated(&[$(stringify!($always))?]),
            function: $function,
        }),*]
    };
}

const fn is_gated(marks: &[&str]) -> bool {
    marks.is_empty()
}

const SUPERVISOR: &[Method] = methods! {
    addProcessGroup(GROUP) -> TRUE, [BadName, AlreadyAdded] Full,
        "Make a configured group active. Its programs with autostart are started.",
        configuration::add_group;
    clearAllProcessLogs() -> STATUSES, [] Full,
        "Empty the logs of every process that has a child.", logs::clear_all;
    clearFatal() -> TRUE, [] Full,
        "Take note of why supervisord is FATAL, which makes it RUNNING again.",
        information::clear_fatal;
    clearLog() -> TRUE, [NoFile, Failed] Full,
        "Empty the log of supervisord.", logs::clear_main;
    clearProcessLog(NAME) -> TRUE, [BadName, Failed] Full,
        "The same as clearProcessLogs.", logs::clear_process;
    clearProcessLogs(NAME) -> TRUE, [BadName, Failed] Full,
        "Empty both logs of a process, if it has a child.", logs::clear_process;
    disableProcess(NAME_OR_GROUP) -> TRUE, [BadName, Failed] Full,
        "Keep a process, or each of a group, from starting but by its own name.",
        disabled::disable;
    enableProcess(NAME_OR_GROUP) -> TRUE, [BadName, Failed] Full,
        "Let a process, or each of a group, start again as others do.", disabled::enable;
    explainProcess(NAME) -> FACTS, [BadName] ReadOnly,
        "What tells why a process is in its state, for a person to read in other words.",
        explain::explain_process;
    getAPIVersion() -> VERSION, [] ReadOnly,
        "The version of this interface.", information::api_version;
    getAllConfigInfo() -> PROCESSES, [] ReadOnly,
        "The configuration of every process as it was last read.", listing::all_config_info;
    getAllProcessInfo() -> PROCESSES, [] ReadOnly,
        "What is known of every process.", listing::all_process_info;
    getConfigDifference() -> DIFFERENCES, [CantReread] ReadOnly,
        "Read the configuration again, without going by it, and tell what of each process an \
         update would change. Secrets are hidden.", difference::difference;
    getDependencies() -> DEPENDENCIES, [] ReadOnly,
        "What each process that depends on others depends on.", dependencies::dependencies;
    getEventResult(POOL) -> EVENT_RESULT, [BadName] ReadOnly,
        "What a listener of a pool answered last that the pool's store handler has kept.",
        information::event_result;
    getIdentification() -> required("string", "identifier", "the option of that name"), [] ReadOnly,
        "The identifier of this supervisord.", information::identification;
    getPID() -> required("int", "PID", "of this process"), [] ReadOnly,
        "The pid of supervisord.", information::pid;
    getProcessFigures(PROCESS_NAMES) -> FIGURES, [] ReadOnly,
        "What processes use and have used, of these or of all.", listing::process_figures;
    getProcessInfo(NAME) -> result("struct", "names, state, times, pid, logs and a description"),
        [BadName] ReadOnly,
        "What is known of a process.", information::process_info;
    getState() -> result("struct", "statecode and statename"), [] ReadOnly,
        "The state of supervisord.", information::state;
    getStateReason() -> result("string", "a sentence, empty if it is not FATAL"), [] ReadOnly,
        "Why supervisord is FATAL.", information::state_reason;
    getSupervisorVersion() -> required("string", "version", "of that release"), [] ReadOnly,
        "The release of Supervisor that this program behaves as.", information::supervisor_version;
    getVersion() -> VERSION, [] ReadOnly,
        "The same as getAPIVersion.", information::api_version;
    readLog(OFFSET, LENGTH) -> TEXT, [BadArguments, NoFile, Failed] ReadOnly,
        "Read a part of the log of supervisord.", logs::read_main;
    readMainLog(OFFSET, LENGTH) -> TEXT, [BadArguments, NoFile, Failed] ReadOnly,
        "The same as readLog.", logs::read_main;
    readProcessLog(NAME, OFFSET, LENGTH) -> TEXT, [BadArguments, BadName, NoFile, Failed] ReadOnly,
        "The same as readProcessStdoutLog.", logs::read_stdout;
    readProcessStderrLog(NAME, OFFSET, LENGTH) -> TEXT,
        [BadArguments, BadName, NoFile, Failed] ReadOnly,
        "Read a part of the stderr log of a process.", logs::read_stderr;
    readProcessStdoutLog(NAME, OFFSET, LENGTH) -> TEXT,
        [BadArguments, BadName, NoFile, Failed] ReadOnly,
        "Read a part of the stdout log of a process.", logs::read_stdout;
    reloadConfig() -> DIFFERENCE, [CantReread] Full,
        "Read the configuration again. Nothing is started or stopped.", configuration::reload;
    removeProcessGroup(GROUP) -> TRUE, [BadName, StillRunning] Full,
        "Forget a group whose processes are all stopped.", configuration::remove_group;
    reopenAllLogs() -> TRUE, [Failed] Full,
        "Open the log of supervisord and those of all processes anew.", log_files::reopen_all;
    reopenProcessLogs(NAME) -> TRUE, [BadName, Failed] Full,
        "Open both logs of a process anew, if it has a child.", log_files::reopen_process;
    restart() -> TRUE, [Failed, CantReread] Full,
        "Stop everything and start again.", information::restart;
    restartAllProcesses(WAIT) -> DONE, [Failed] Full,
        "Stop every process that runs, then start every process.", restart::restart_all;
    restartProcess(NAME_OR_GROUP, WAIT) -> TRUE,
        [BadName, NoFile, NotExecutable, Failed, AbnormalTermination, SpawnError] Full,
        "Stop a process if it runs, then start it; or each of a group.", restart::restart_process;
    restartProcessGroup(GROUP, WAIT) -> DONE, [BadName, Failed] Full,
        "Stop each process of a group that runs, then start each of the group.",
        restart::restart_group;
    restartProcesses(NAMES, WAIT) -> DONE, [Failed] Full,
        "Stop these one after the other, then start them likewise.", restart::restart_several;
    rollingRestart(NAME_OR_GROUP, AT_ONCE, WAIT) -> DONE, [BadArguments, BadName, Failed] Full,
        "Restart the processes of a group one after the other, or so many at a time: the next \
         when those before are RUNNING. The first that fails ends it.",
        rolling::rolling_restart;
    rotateAllLogs() -> TRUE, [Failed] Full,
        "Rotate the log of supervisord and those of all processes.", log_files::rotate_all;
    rotateProcessLogs(NAME) -> TRUE, [BadName, Failed] Full,
        "Rotate both logs of a process.", log_files::rotate_process;
    sendProcessStdin(NAME, required("string", "chars", "the text, sent as UTF-8")) -> TRUE,
        [BadName, NoFile, Failed, NotRunning] Full,
        "Write text to the stdin of a process. No newline is added.", information::send_stdin;
    sendRemoteCommEvent(TYPE, DATA) -> TRUE, [] Full always,
        "Tell event listeners of something that happened elsewhere.",
        information::send_remote_event;
    setNumProcs(PROGRAM, required("int", "n", "how many processes"), WAIT) -> DONE,
        [BadArguments, BadName, Failed, CantReread] Full,
        "Give a program that runs so many processes, until its group is updated.",
        scale::set_numprocs;
    shutdown() -> TRUE, [] Full,
        "Stop everything and exit.", information::shutdown;
    signalAllProcesses(SIGNAL) -> STATUSES, [] Full,
        "Send a signal to every process that can be signalled.", signals::signal_all;
    signalProcess(NAME_OR_GROUP, SIGNAL) -> TRUE, [BadName, BadSignal, Failed, NotRunning] Full,
        "Send a signal to a process, or to each of a group.", signals::signal_process;
    signalProcessGroup(GROUP, SIGNAL) -> STATUSES, [BadName] Full,
        "Send a signal to each process of a group that can be signalled.", signals::signal_group;
    startAllProcesses(WAIT) -> STATUSES, [] Full,
        "Start every process that does not run.", start::start_all;
    startProcess(NAME_OR_GROUP, WAIT) -> TRUE,
        [BadName, NoFile, NotExecutable, Failed, AbnormalTermination, SpawnError, AlreadyStarted]
        Full,
        "Start a process, or each of a group.", start::start_process;
    startProcessGroup(GROUP, WAIT) -> STATUSES, [BadName] Full,
        "Start each process of a group that does not run.", start::start_group;
    stopAllProcesses(WAIT) -> STATUSES, [] Full,
        "Stop every process that runs.", stop::stop_all;
    stopProcess(NAME_OR_GROUP, WAIT) -> TRUE, [BadName, Failed, NotRunning] Full,
        "Stop a process, or each of a group.", stop::stop_process;
    stopProcessGroup(GROUP, WAIT) -> STATUSES, [BadName] Full,
        "Stop each process of a group that runs.", stop::stop_group;
    stopProcessWithDependents(NAME_OR_GROUP, WAIT) -> STATUSES, [BadName] Full,
        "Stop a process, or each of a group, after everything that depends on it.",
        dependencies::stop_with_dependents;
    stopProcessWithin(NAME_OR_GROUP, TIMEOUT, WAIT) -> TRUE,
        [BadArguments, BadName, Failed, NotRunning] Full,
        "Stop a process, or each of a group, by SIGKILL after so long, also what is being stopped.",
        stop::stop_within;
    tailProcessLog(NAME, OFFSET, LENGTH) -> TAIL, [BadName] ReadOnly,
        "The same as tailProcessStdoutLog.", logs::tail_stdout;
    tailProcessStderrLog(NAME, OFFSET, LENGTH) -> TAIL, [BadName] ReadOnly,
        "The last bytes of the stderr log of a process.", logs::tail_stderr;
    tailProcessStdoutLog(NAME, OFFSET, LENGTH) -> TAIL, [BadName] ReadOnly,
        "The last bytes of the stdout log of a process.", logs::tail_stdout;
    updateProcessGroup(GROUP, WAIT) -> DONE, [BadName, Failed] Full,
        "Make a group what the configuration says that was read last, as updateProcessGroups \
         does.", restart::update_group;
    updateProcessGroups(GROUPS, WAIT, WHOLE) -> DONE, [Failed] Full,
        "Make these groups what the configuration says that was read last: stop and remove \
         those that are not in it, add the others; of those that are active only processes are \
         restarted whose children were born with something else.", restart::update_groups;
    upgrade(TRIAL) -> result("string", "what it came to, in words"), [Failed] Full,
        "Become the program that stands now where supervisord was started from. Every program \
         runs on, every connection stays. A fault if that cannot be: then nothing has changed.",
        upgrade::upgrade;
    waitForProcess(NAME_OR_GROUP, CONDITION, LIMIT) -> TRUE,
        [BadArguments, BadName, Failed, AbnormalTermination] ReadOnly,
        "Answer when a process, or each of a group, is as it should be; a fault when it cannot be \
         any more, or the time is over.", wait::wait_for_process;
};

const SYSTEM: &[Method] = methods! {
    listMethods() -> result("array", "the names, sorted"), [] ReadOnly always,
        "The names of all methods.", system::list_methods;
    methodHelp(METHOD) -> result("string", "the text"), [SignatureUnsupported] ReadOnly always,
        "What a method does.", system::method_help;
    methodSignature(METHOD) -> SIGNATURE, [SignatureUnsupported] ReadOnly always,
        "The types of a method.", system::method_signature;
    multicall(CALLS) -> RESULTS, [] ReadOnly always,
        "Make several calls, one after the other.", system::multicall;
};
