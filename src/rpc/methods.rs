//! The one table of methods: names, signatures, help and functions, in the
//! order of the names. What is not in it cannot be called.

use crate::rpc::interface::{Function, Interface, Method, Parameter};
use crate::rpc::{
    configuration, information, listing, logs, restart, signals, start, stop, system,
};
use crate::xmlrpc::fault::FaultCode::{
    AbnormalTermination, AlreadyAdded, AlreadyStarted, BadArguments, BadName, BadSignal,
    CantReread, Failed, NoFile, NotExecutable, NotRunning, SignatureUnsupported, SpawnError,
    StillRunning,
};

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
const GROUPS: Parameter = required("array", "names", "groups, as reloadConfig tells them");
const POOL: Parameter = required("string", "pool", "the name of an event listener");
const SIGNAL: Parameter = required("string", "signal", "a signal by name or number");
const WAIT: Parameter = Parameter {
    kind: "boolean",
    name: "wait",
    help: "answer only when it is done (the default)",
    optional: true,
};
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
const TEXT: Parameter = result("string", "that part of the log");
const TAIL: Parameter = result(
    "array",
    "the text, where it ended in the log, and whether there was more",
);

const fn method(
    name: &'static str,
    help: &'static str,
    parameters: &'static [Parameter],
    result: Parameter,
    function: Function,
) -> Method {
    Method {
        name,
        help,
        parameters,
        result,
        faults: &[],
        gated: true,
        function,
    }
}

/// One that works while supervisord goes down.
const fn always(
    name: &'static str,
    help: &'static str,
    parameters: &'static [Parameter],
    result: Parameter,
    function: Function,
) -> Method {
    Method {
        gated: false,
        ..method(name, help, parameters, result, function)
    }
}

const READ_STDOUT: Function = logs::read_stdout;
const TAIL_STDOUT: Function = logs::tail_stdout;

const SUPERVISOR: &[Method] = &[
    method(
        "addProcessGroup",
        "Make a configured group active. Its programs with autostart are started.",
        &[GROUP],
        TRUE,
        configuration::add_group,
    )
    .fails(&[BadName, AlreadyAdded]),
    method(
        "clearAllProcessLogs",
        "Empty the logs of every process that has a child.",
        &[],
        STATUSES,
        logs::clear_all,
    ),
    method(
        "clearFatal",
        "Take note of why supervisord is FATAL, which makes it RUNNING again.",
        &[],
        TRUE,
        information::clear_fatal,
    ),
    method(
        "clearLog",
        "Empty the log of supervisord.",
        &[],
        TRUE,
        logs::clear_main,
    )
    .fails(&[NoFile, Failed]),
    method(
        "clearProcessLog",
        "The same as clearProcessLogs.",
        &[NAME],
        TRUE,
        logs::clear_process,
    )
    .fails(&[BadName, Failed]),
    method(
        "clearProcessLogs",
        "Empty both logs of a process, if it has a child.",
        &[NAME],
        TRUE,
        logs::clear_process,
    )
    .fails(&[BadName, Failed]),
    method(
        "getAPIVersion",
        "The version of this interface.",
        &[],
        required("string", "version", "of the interface"),
        information::api_version,
    ),
    method(
        "getAllConfigInfo",
        "The configuration of every process as it was last read.",
        &[],
        result("array", "a struct for each process"),
        listing::all_config_info,
    ),
    method(
        "getAllProcessInfo",
        "What is known of every process.",
        &[],
        result("array", "a struct for each process"),
        listing::all_process_info,
    ),
    method(
        "getEventResult",
        "What a listener of a pool answered last that the pool's store handler has kept.",
        &[POOL],
        result(
            "struct",
            "process, event, serial, time, data and base64; empty before the first",
        ),
        information::event_result,
    )
    .fails(&[BadName]),
    method(
        "getIdentification",
        "The identifier of this supervisord.",
        &[],
        required("string", "identifier", "the option of that name"),
        information::identification,
    ),
    method(
        "getPID",
        "The pid of supervisord.",
        &[],
        required("int", "PID", "of this process"),
        information::pid,
    ),
    method(
        "getProcessInfo",
        "What is known of a process.",
        &[NAME],
        result("struct", "names, state, times, pid, logs and a description"),
        information::process_info,
    )
    .fails(&[BadName]),
    method(
        "getState",
        "The state of supervisord.",
        &[],
        result("struct", "statecode and statename"),
        information::state,
    ),
    method(
        "getStateReason",
        "Why supervisord is FATAL.",
        &[],
        result("string", "a sentence, empty if it is not FATAL"),
        information::state_reason,
    ),
    method(
        "getSupervisorVersion",
        "The release of Supervisor that this program behaves as.",
        &[],
        required("string", "version", "of that release"),
        information::supervisor_version,
    ),
    method(
        "getVersion",
        "The same as getAPIVersion.",
        &[],
        required("string", "version", "of the interface"),
        information::api_version,
    ),
    method(
        "readLog",
        "Read a part of the log of supervisord.",
        &[OFFSET, LENGTH],
        TEXT,
        logs::read_main,
    )
    .fails(&[BadArguments, NoFile, Failed]),
    method(
        "readMainLog",
        "The same as readLog.",
        &[OFFSET, LENGTH],
        TEXT,
        logs::read_main,
    )
    .fails(&[BadArguments, NoFile, Failed]),
    method(
        "readProcessLog",
        "The same as readProcessStdoutLog.",
        &[NAME, OFFSET, LENGTH],
        TEXT,
        READ_STDOUT,
    )
    .fails(&[BadArguments, BadName, NoFile, Failed]),
    method(
        "readProcessStderrLog",
        "Read a part of the stderr log of a process.",
        &[NAME, OFFSET, LENGTH],
        TEXT,
        logs::read_stderr,
    )
    .fails(&[BadArguments, BadName, NoFile, Failed]),
    method(
        "readProcessStdoutLog",
        "Read a part of the stdout log of a process.",
        &[NAME, OFFSET, LENGTH],
        TEXT,
        READ_STDOUT,
    )
    .fails(&[BadArguments, BadName, NoFile, Failed]),
    method(
        "reloadConfig",
        "Read the configuration again. Nothing is started or stopped.",
        &[],
        result(
            "array",
            "one array of three: the names of groups added, changed and removed",
        ),
        configuration::reload,
    )
    .fails(&[CantReread]),
    method(
        "removeProcessGroup",
        "Forget a group whose processes are all stopped.",
        &[GROUP],
        TRUE,
        configuration::remove_group,
    )
    .fails(&[BadName, StillRunning]),
    method(
        "restart",
        "Stop everything and start again.",
        &[],
        TRUE,
        information::restart,
    )
    .fails(&[CantReread]),
    method(
        "restartAllProcesses",
        "Stop every process that runs, then start every process.",
        &[WAIT],
        DONE,
        restart::restart_all,
    )
    .fails(&[Failed]),
    method(
        "restartProcess",
        "Stop a process if it runs, then start it; or each of a group.",
        &[NAME_OR_GROUP, WAIT],
        TRUE,
        restart::restart_process,
    )
    .fails(&[
        BadName,
        NoFile,
        NotExecutable,
        Failed,
        AbnormalTermination,
        SpawnError,
    ]),
    method(
        "restartProcessGroup",
        "Stop each process of a group that runs, then start each of the group.",
        &[GROUP, WAIT],
        DONE,
        restart::restart_group,
    )
    .fails(&[BadName, Failed]),
    method(
        "restartProcesses",
        "Stop these one after the other, then start them likewise.",
        &[NAMES, WAIT],
        DONE,
        restart::restart_several,
    )
    .fails(&[Failed]),
    method(
        "sendProcessStdin",
        "Write text to the stdin of a process. No newline is added.",
        &[NAME, required("string", "chars", "the text, sent as UTF-8")],
        TRUE,
        information::send_stdin,
    )
    .fails(&[BadName, NoFile, Failed, NotRunning]),
    always(
        "sendRemoteCommEvent",
        "Tell event listeners of something that happened elsewhere.",
        &[
            required("string", "type", "what kind of thing"),
            required("string", "data", "the thing itself"),
        ],
        TRUE,
        information::send_remote_event,
    ),
    method(
        "shutdown",
        "Stop everything and exit.",
        &[],
        TRUE,
        information::shutdown,
    ),
    method(
        "signalAllProcesses",
        "Send a signal to every process that can be signalled.",
        &[SIGNAL],
        STATUSES,
        signals::signal_all,
    ),
    method(
        "signalProcess",
        "Send a signal to a process, or to each of a group.",
        &[NAME_OR_GROUP, SIGNAL],
        TRUE,
        signals::signal_process,
    )
    .fails(&[BadName, BadSignal, Failed, NotRunning]),
    method(
        "signalProcessGroup",
        "Send a signal to each process of a group that can be signalled.",
        &[GROUP, SIGNAL],
        STATUSES,
        signals::signal_group,
    )
    .fails(&[BadName]),
    method(
        "startAllProcesses",
        "Start every process that does not run.",
        &[WAIT],
        STATUSES,
        start::start_all,
    ),
    method(
        "startProcess",
        "Start a process, or each of a group.",
        &[NAME_OR_GROUP, WAIT],
        TRUE,
        start::start_process,
    )
    .fails(&[
        BadName,
        NoFile,
        NotExecutable,
        Failed,
        AbnormalTermination,
        SpawnError,
        AlreadyStarted,
    ]),
    method(
        "startProcessGroup",
        "Start each process of a group that does not run.",
        &[GROUP, WAIT],
        STATUSES,
        start::start_group,
    )
    .fails(&[BadName]),
    method(
        "stopAllProcesses",
        "Stop every process that runs.",
        &[WAIT],
        STATUSES,
        stop::stop_all,
    ),
    method(
        "stopProcess",
        "Stop a process, or each of a group.",
        &[NAME_OR_GROUP, WAIT],
        TRUE,
        stop::stop_process,
    )
    .fails(&[BadName, Failed, NotRunning]),
    method(
        "stopProcessGroup",
        "Stop each process of a group that runs.",
        &[GROUP, WAIT],
        STATUSES,
        stop::stop_group,
    )
    .fails(&[BadName]),
    method(
        "tailProcessLog",
        "The same as tailProcessStdoutLog.",
        &[NAME, OFFSET, LENGTH],
        TAIL,
        TAIL_STDOUT,
    )
    .fails(&[BadName]),
    method(
        "tailProcessStderrLog",
        "The last bytes of the stderr log of a process.",
        &[NAME, OFFSET, LENGTH],
        TAIL,
        logs::tail_stderr,
    )
    .fails(&[BadName]),
    method(
        "tailProcessStdoutLog",
        "The last bytes of the stdout log of a process.",
        &[NAME, OFFSET, LENGTH],
        TAIL,
        TAIL_STDOUT,
    )
    .fails(&[BadName]),
    method(
        "updateProcessGroups",
        "Make these groups what the configuration says that was read last: stop and remove \
         those that are not in it, stop and replace those that are active, add the others.",
        &[GROUPS, WAIT],
        DONE,
        restart::update_groups,
    )
    .fails(&[Failed]),
];

const SYSTEM: &[Method] = &[
    always(
        "listMethods",
        "The names of all methods.",
        &[],
        result("array", "the names, sorted"),
        system::list_methods,
    ),
    always(
        "methodHelp",
        "What a method does.",
        &[required("string", "name", "a method's full name")],
        result("string", "the text"),
        system::method_help,
    )
    .fails(&[SignatureUnsupported]),
    always(
        "methodSignature",
        "The types of a method.",
        &[required("string", "name", "a method's full name")],
        result(
            "array",
            "the type of the result, then those of the parameters",
        ),
        system::method_signature,
    )
    .fails(&[SignatureUnsupported]),
    always(
        "multicall",
        "Make several calls, one after the other.",
        &[required(
            "array",
            "calls",
            "structs of methodName and params",
        )],
        result(
            "array",
            "for each call its result, or a struct of faultCode and faultString",
        ),
        system::multicall,
    ),
];
