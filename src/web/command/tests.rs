use super::*;

const NOON: &str = "Mon Nov  2 12:03:04 2026";

fn command(form: &str) -> Result<Option<Command>, Nonsense> {
    Command::of(&Form::read(form.as_bytes()))
}

fn process(verb: Verb) -> Command {
    Command::Run(verb, Selection::Process("g:x".to_owned()))
}

#[test]
fn forms_say_what_is_to_be_done() {
    for (form, expected) in [
        ("", Ok(None)),
        ("processname=x", Ok(None)),
        ("action=refresh", Ok(Some(Command::Refresh))),
        (
            "action=startall",
            Ok(Some(Command::Run(Verb::Start, Selection::All))),
        ),
        (
            "action=stopall",
            Ok(Some(Command::Run(Verb::Stop, Selection::All))),
        ),
        (
            "action=restartall",
            Ok(Some(Command::Run(Verb::Restart, Selection::All))),
        ),
        ("action=clearall", Ok(Some(Command::ClearAllLogs))),
        (
            "action=restartgroup&groupname=g",
            Ok(Some(Command::Run(
                Verb::Restart,
                Selection::Group("g".to_owned()),
            ))),
        ),
        ("action=stopgroup&processname=g", Err(Nonsense)),
        (
            "processname=g%3Ax&action=start",
            Ok(Some(process(Verb::Start))),
        ),
        ("processname=g:x&action=stop", Ok(Some(process(Verb::Stop)))),
        (
            "processname=g:x&action=restart",
            Ok(Some(process(Verb::Restart))),
        ),
        (
            "processname=x&action=clearlog",
            Ok(Some(Command::ClearLog("x".to_owned(), None))),
        ),
        (
            "processname=x&action=clearstderr",
            Ok(Some(Command::ClearLog(
                "x".to_owned(),
                Some(Channel::Stderr),
            ))),
        ),
        ("action=clearmainlog", Ok(Some(Command::ClearMainLog))),
        ("action=clearfatal", Ok(Some(Command::ClearFatal))),
        ("action=Stop&processname=x", Err(Nonsense)),
        ("action=stop", Err(Nonsense)),
        ("action=stop&processname=", Err(Nonsense)),
        ("action=%00", Err(Nonsense)),
    ] {
        assert_eq!(command(form), expected, "{form}");
    }
}

/// What 4.3.0 writes in the same cases.
#[test]
fn outcomes_are_told_in_the_words_of_4_3_0() {
    let fault = |code, detail: &str| Err(Fault::with(code, detail));
    for (command, result, told) in [
        (process(Verb::Start), Ok(()), "Process g:x started"),
        (process(Verb::Stop), Ok(()), "Process g:x stopped"),
        (process(Verb::Restart), Ok(()), "Process g:x restarted"),
        (
            Command::ClearLog("x".to_owned(), None),
            Ok(()),
            "Log for x cleared",
        ),
        (
            Command::Refresh,
            Ok(()),
            "Page refreshed at Mon Nov  2 12:03:04 2026",
        ),
        (
            Command::Run(Verb::Stop, Selection::All),
            Ok(()),
            "All stopped at Mon Nov  2 12:03:04 2026",
        ),
        (
            Command::Run(Verb::Restart, Selection::All),
            Ok(()),
            "All restarted at Mon Nov  2 12:03:04 2026",
        ),
        (
            process(Verb::Start),
            fault(FaultCode::NoFile, "/x"),
            "ERROR: Process g:x: no such file",
        ),
        (
            process(Verb::Start),
            fault(FaultCode::NotExecutable, "/x"),
            "ERROR: Process g:x: file not executable",
        ),
        (
            process(Verb::Start),
            fault(FaultCode::AlreadyStarted, "g:x"),
            "ERROR: Process g:x: already started",
        ),
        (
            process(Verb::Start),
            fault(FaultCode::SpawnError, "g:x"),
            "ERROR: Process g:x: spawn error",
        ),
        (
            process(Verb::Start),
            fault(FaultCode::AbnormalTermination, "g:x"),
            "ERROR: Process g:x: abnormal termination",
        ),
        (
            process(Verb::Start),
            fault(FaultCode::Failed, "g:x"),
            "ERROR: Process g:x: unexpected rpc fault [30] FAILED: g:x",
        ),
        (
            process(Verb::Stop),
            fault(FaultCode::NotRunning, "g:x"),
            "unexpected rpc fault [70] NOT_RUNNING: g:x",
        ),
        (
            Command::ClearLog("x".to_owned(), None),
            fault(FaultCode::Failed, "x"),
            "unexpected rpc fault [30] FAILED: x",
        ),
    ] {
        let result: Result<(), Fault> = result;
        let is_fault = result.is_err();
        let shown = command.told(result.as_ref().copied(), &[], NOON);
        assert_eq!(shown, told);
        assert_eq!(is_bad_news(&shown), is_fault);
    }
}

#[test]
fn what_4_3_0_has_no_words_for() {
    for (command, told) in [
        (
            Command::Run(Verb::Start, Selection::All),
            "All started at Mon Nov  2 12:03:04 2026",
        ),
        (
            Command::Run(Verb::Stop, Selection::Group("g".to_owned())),
            "Group g stopped at Mon Nov  2 12:03:04 2026",
        ),
        (
            Command::ClearLog("x".to_owned(), Some(Channel::Stdout)),
            "Log for x (stdout) cleared",
        ),
        (Command::ClearMainLog, "Log of supervisord cleared"),
        (Command::ClearFatal, "supervisord is not FATAL any more"),
        (
            Command::ClearAllLogs,
            "All logs cleared at Mon Nov  2 12:03:04 2026",
        ),
    ] {
        assert_eq!(command.told(Ok(()), &[], NOON), told);
    }
    let failed = process(Verb::Restart).told(Err(&Fault::new(FaultCode::SpawnError)), &[], NOON);
    assert_eq!(failed, "ERROR: Process g:x: spawn error");
}

#[test]
fn failures_of_many_are_told_up_to_a_number() {
    let status = |group: &str, name: &str, code: FaultCode| {
        Value::Struct(vec![
            ("name".to_owned(), Value::string(name)),
            ("group".to_owned(), Value::string(group)),
            ("status".to_owned(), Value::Int(i64::from(code.code()))),
            ("description".to_owned(), Value::string(code.name())),
        ])
    };
    let mut statuses = vec![
        status("a", "a", FaultCode::Success),
        status("b", "b", FaultCode::SpawnError),
        status("g", "c", FaultCode::Failed),
    ];
    let two = failures_in(&Value::Array(statuses.clone()));
    let all = Command::Run(Verb::Start, Selection::All);
    assert_eq!(
        all.told(Ok(()), &two, NOON),
        "ERROR: All started at Mon Nov  2 12:03:04 2026, except b (spawn error), \
         g:c (unexpected rpc fault [30] FAILED)"
    );
    statuses.extend((0..7).map(|_| status("d", "d", FaultCode::NoFile)));
    let many = failures_in(&Value::Array(statuses));
    assert!(
        all.told(Ok(()), &many, NOON)
            .ends_with("d (no such file) and 4 more")
    );
}

#[test]
fn in_a_restart_what_does_not_run_need_not_be_stopped() {
    let step = |action: &str, code: FaultCode| {
        Value::Struct(vec![
            ("name".to_owned(), Value::string("a")),
            ("group".to_owned(), Value::string("a")),
            ("status".to_owned(), Value::Int(i64::from(code.code()))),
            ("description".to_owned(), Value::string(code.name())),
            ("action".to_owned(), Value::string(action)),
        ])
    };
    for (stop, start, expected) in [
        (FaultCode::Success, FaultCode::Success, None),
        (FaultCode::NotRunning, FaultCode::Success, None),
        (
            FaultCode::Failed,
            FaultCode::AlreadyStarted,
            Some(FaultCode::Failed),
        ),
        (
            FaultCode::NotRunning,
            FaultCode::AlreadyStarted,
            Some(FaultCode::AlreadyStarted),
        ),
        (
            FaultCode::Success,
            FaultCode::NotRunning,
            Some(FaultCode::NotRunning),
        ),
    ] {
        let steps = Value::Array(vec![step("stop", stop), step("start", start)]);
        let first = failures_in(&steps).into_iter().next();
        assert_eq!(
            first.map(|failure| failure.fault),
            expected.map(Fault::new),
            "{stop:?} {start:?}"
        );
    }
}

/// A token for one form is none for another, whatever names are chosen.
#[test]
fn every_form_has_its_own_tokens() {
    let forms = [
        command("action=stopall").unwrap().unwrap().form(),
        command("action=clearmainlog").unwrap().unwrap().form(),
        command("action=stop&processname=a")
            .unwrap()
            .unwrap()
            .form(),
        command("action=stop&processname=b")
            .unwrap()
            .unwrap()
            .form(),
        command("action=stopgroup&groupname=a")
            .unwrap()
            .unwrap()
            .form(),
        command("action=stop&processname=all")
            .unwrap()
            .unwrap()
            .form(),
    ];
    let different: std::collections::BTreeSet<&String> = forms.iter().collect();
    assert_eq!(different.len(), forms.len());
}
