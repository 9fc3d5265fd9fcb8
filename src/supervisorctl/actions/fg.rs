//! `fg`: both logs of a process, and the lines that are typed sent to it.

use std::io::{self, IsTerminal, Write};

use super::refuse;
use crate::states::ProcessState;
use crate::supervisorctl::command::Command;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::log_view::{self, BothViews};
use crate::supervisorctl::process_logs;
use crate::supervisorctl::pump::Pump;
use crate::supervisorctl::reply::Reply;
use crate::supervisorctl::session::Session;
use crate::tokens::Channel;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// `fg [--raw] NAME`
pub fn fg(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let (words, is_raw) = log_view::without_option(words);
    let name = match words.as_slice() {
        [] => {
            return refuse(session, Command::Fg, "ERROR: no process name supplied");
        }
        [name] => *name,
        _ => {
            return session.refuse("ERROR: too many process names supplied");
        }
    };
    let Some(info) = is_running(session, name)? else {
        return Ok(());
    };
    session.catch_interrupts()?;
    session.print("==> Press Ctrl-C to exit <==")?;
    let views = BothViews::on_stdout(is_raw);
    let outcome = converse(session, name, &info, &views);
    for channel in [Channel::Stdout, Channel::Stderr] {
        session.write(&views.finish(channel))?;
    }
    match outcome {
        Err(Failure::Interrupted | Failure::EndOfInput) => session.print("Exiting foreground"),
        outcome => outcome,
    }
}

/// What is known of the process, if it is there and RUNNING. The reason is
/// printed if it is not.
pub fn is_running(session: &mut Session, name: &str) -> Result<Option<Value>, Failure> {
    match session.try_call("getProcessInfo", &[Value::string(name)])? {
        Ok(info) if is_up(&info)? => return Ok(Some(info.value)),
        Ok(_) => session.refuse("ERROR: process not running")?,
        Err(fault) if fault.is(FaultCode::BadName) => {
            session.hints.add_unknown(name, Sought::Process);
            session.refuse("ERROR: bad process name supplied")?;
        }
        // No failure of the command, as it never was one.
        Err(fault) => session.print(&format!("ERROR: {}", CallError::Fault(fault).text()))?,
    }
    Ok(None)
}

fn is_up(info: &Reply) -> Result<bool, Failure> {
    Ok(info.process()?.known_state() == Some(ProcessState::Running))
}

fn converse(
    session: &mut Session,
    name: &str,
    info: &Value,
    views: &BothViews,
) -> Result<(), Failure> {
    let streams = process_logs::open_both(session, name, info)?;
    let views = views.clone();
    let show = move |number, bytes: &[u8]| {
        let mut output = io::stdout().lock();
        output.write_all(&views.take(number, bytes))?;
        output.flush()
    };
    let mut pump = Pump::start(streams, show.clone()).map_err(CallError::System)?;
    let mut has_spoken = false;
    loop {
        let line = match session.ask_process_line() {
            Ok(line) => line + "\n",
            Err(failure) => {
                // A script has nothing more to say, and reads what is answered.
                let is_end = matches!(failure, Failure::EndOfInput);
                if is_end && has_spoken && !io::stdin().is_terminal() {
                    pump.wait_for_answer();
                }
                return Err(failure);
            }
        };
        if pump.is_over() {
            let streams = process_logs::open_again(session, name)?;
            pump = Pump::start(streams, show.clone()).map_err(CallError::System)?;
        }
        has_spoken = true;
        let parameters = [Value::string(name), Value::string(line)];
        match session.try_call("sendProcessStdin", &parameters)? {
            Ok(_) if is_up(&session.call("getProcessInfo", &[Value::string(name)])?)? => continue,
            Ok(_) => session.print("Process got killed")?,
            Err(fault) if fault.is(FaultCode::NotRunning) => session.print("Process got killed")?,
            Err(fault) => session.print(&format!("ERROR: {}", CallError::Fault(fault).text()))?,
        }
        return session.print("Exiting foreground");
    }
}
