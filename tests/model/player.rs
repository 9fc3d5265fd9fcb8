//! Does the steps, and holds each answer to what may be said.

use super::client::{Pending, Reply, connect};
use super::invariants::{at_rest, pids_are_children, soon, states_are_legal};
use super::nonsense;
use super::steps::{Parameter, Sequence, Step};
use super::world::{Workshop, World};
use crate::support::{Outcome, Rpc, Value, kill};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::time::Duration;

/// How many connections are left open at most.
const KEPT: usize = 12;
/// Every so many steps the pids are looked at.
const BETWEEN_LOOKS: usize = 20;

/// The codes of faults.
const FAULTS: &[i64] = &[
    1, 2, 3, 4, 6, 10, 11, 20, 21, 30, 40, 50, 60, 70, 80, 90, 91, 92,
];

/// Plays a sequence from its beginning to the end of the daemon; what is wrong, and at which step.
pub fn play(
    workshop: &Workshop,
    sequence: &Sequence,
    patience: Duration,
) -> Result<(), (usize, String)> {
    let mut world = World::start(workshop, sequence.has_shim, patience);
    for (at, step) in sequence.steps.iter().enumerate() {
        perform(&mut world, step)
            .and_then(|()| match at % BETWEEN_LOOKS {
                0 => pids_are_children(&mut world),
                _ => Ok(()),
            })
            .map_err(|why| (at, format!("{why}\n{}", ending(&world))))?;
    }
    let end = sequence.steps.len();
    super::invariants::at_the_end(world).map_err(|why| (end, why))
}

/// The last lines of the main log.
fn ending(world: &World) -> String {
    let log = world.log();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

fn value(parameter: &Parameter) -> Value {
    match parameter {
        Parameter::Text(text) => Value::text(text),
        Parameter::Int(number) => Value::Int(*number),
        Parameter::Bool(truth) => Value::Bool(*truth),
        Parameter::Texts(texts) => {
            Value::Array(texts.iter().map(|text| Value::text(text)).collect())
        }
    }
}

fn qualified(method: &str) -> String {
    match method.contains('.') || method.is_empty() {
        true => method.to_owned(),
        false => format!("supervisor.{method}"),
    }
}

pub fn perform(world: &mut World, step: &Step) -> Result<(), String> {
    // The one who looks keeps its connection, but a daemon that starts anew closes it.
    if world.is_refusing && world.is_unsettled {
        let _ = fs::remove_file(world.dir.join("accept"));
    }
    match step {
        Step::Call(client, method, parameters) => {
            let parameters: Vec<Value> = parameters.iter().map(value).collect();
            collect(world, *client)?;
            world.clients[*client].send(&qualified(method), &parameters, None)
        }
        Step::Multicall(client, calls) => {
            let calls = calls.iter().map(|(method, name)| {
                let parameters = if name.is_empty() {
                    vec![]
                } else {
                    vec![Value::text(name)]
                };
                Value::Struct(vec![
                    ("methodName".to_owned(), Value::Text(qualified(method))),
                    ("params".to_owned(), Value::Array(parameters)),
                ])
            });
            let calls = Value::Array(calls.collect());
            collect(world, *client)?;
            world.clients[*client].send("system.multicall", &[calls], None)
        }
        Step::Event(client, what) => {
            collect(world, *client)?;
            let number = world.next_event;
            world.next_event += 1;
            world.events.insert(number, false);
            let filling = if what == "long" {
                "y".repeat(20_000)
            } else {
                String::new()
            };
            let parameters = [
                Value::text("model"),
                Value::Text(format!("{what}-{number} {filling}")),
            ];
            world.clients[*client].send("supervisor.sendRemoteCommEvent", &parameters, Some(number))
        }
        Step::Get(client, path) => {
            collect(world, *client)?;
            world.clients[*client].get(path)
        }
        Step::Drop(client) => {
            world.clients[*client].drop_connection();
            Ok(())
        }
        Step::Half(bytes) => {
            let body = Rpc::body("supervisor.stopAllProcesses", &[]);
            let request = format!(
                "POST /RPC2 HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let bytes = &request.as_bytes()[..(*bytes).min(request.len() - 1)];
            keep(world, bytes)
        }
        Step::Nonsense(sort) => answer_to_nonsense(world, *sort),
        Step::Follow(name) => keep(
            world,
            format!("GET /logtail/{name} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
        ),
        Step::HangUp => {
            world.kept.clear();
            Ok(())
        }
        Step::Signal(signal) => {
            if *signal == libc::SIGHUP {
                // Who cannot be stopped is left behind.
                let _ = fs::remove_file(world.dir.join("kill"));
                world.is_unsettled = true;
                world.events.values_mut().for_each(|must| *must = false);
            }
            kill(world.pid(), *signal);
            Ok(())
        }
        Step::Kill(name, signal) => {
            let name = if name == "ear" { "ear:ear" } else { name };
            if let Some(pid) = world.child_of(name) {
                kill(pid, *signal);
            }
            Ok(())
        }
        Step::Edit(name, form) => {
            world.edit(name, *form);
            Ok(())
        }
        Step::Update => update(world),
        Step::Upgrade(works) => upgrade(world, *works),
        Step::Move(log) => {
            let to = world
                .dir
                .join(&format!("kept/{log}.log.moved{}", world.moved));
            world.moved += 1;
            let _ = fs::rename(world.dir.join(&format!("logs/{log}.log")), to);
            Ok(())
        }
        Step::Remove(log) => {
            let writers: &[&str] = if log == "s" { &["s0", "s1"] } else { &[log] };
            world
                .cleared
                .extend(writers.iter().map(|name| (*name).to_owned()));
            let _ = fs::remove_file(world.dir.join(&format!("logs/{log}.log")));
            Ok(())
        }
        Step::Truncate(log) => {
            let file = fs::OpenOptions::new()
                .write(true)
                .open(world.dir.join(&format!("logs/{log}.log")));
            let _ = file.and_then(|file| file.set_len(0));
            Ok(())
        }
        Step::Clear(name) => {
            world
                .cleared
                .insert(name.rsplit(':').next().unwrap_or(name).to_owned());
            judge_outcome(
                "clearProcessLogs",
                &world
                    .control
                    .call("supervisor.clearProcessLogs", &[Value::text(name)]),
                world,
            )
        }
        Step::Fill => {
            let _ = fs::write(world.small().join("filling"), [0; 64 << 10]);
            Ok(())
        }
        Step::Free => {
            let _ = fs::remove_file(world.small().join("filling"));
            Ok(())
        }
        Step::Refuse(call, error) => {
            let is_allowed = world.has_shim && !(world.is_unsettled && call == "kill");
            world.is_refusing |= is_allowed;
            if is_allowed {
                world.dir.write(call, error.to_string());
            }
            Ok(())
        }
        Step::Allow => {
            allow(world);
            Ok(())
        }
        Step::Rest => rest(world),
    }
}

fn allow(world: &mut World) {
    for call in ["pipe2", "fork", "accept", "kill", "inotify", "write"] {
        let _ = fs::remove_file(world.dir.join(call));
    }
    world.is_refusing = false;
}

/// A connection that stays after some bytes.
fn keep(world: &mut World, bytes: &[u8]) -> Result<(), String> {
    let mut stream = connect(&world.dir.join("s"), world.patience)
        .map_err(|error| format!("no connection: {error}"))?;
    let _ = stream.write_all(bytes);
    if world.kept.len() == KEPT {
        world.kept.remove(0);
    }
    world.kept.push(stream);
    Ok(())
}

/// Whatever is said, an answer or the end of the connection comes.
fn answer_to_nonsense(world: &mut World, sort: usize) -> Result<(), String> {
    if world.is_refusing {
        return Ok(());
    }
    let mut stream = connect(&world.dir.join("s"), world.patience)
        .map_err(|error| format!("no connection: {error}"))?;
    let _ = stream.write_all(&nonsense::bytes(sort));
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(format!(
            "nonsense {sort} is not answered, nor closed: {bytes:?}"
        )),
        _ => Ok(()),
    }
}

/// Takes the answer that a client waits for, if it does.
fn collect(world: &mut World, client: usize) -> Result<(), String> {
    // Nobody waits for who may not come in.
    if world.is_refusing && world.clients[client].pending.is_some() {
        let _ = fs::remove_file(world.dir.join("accept"));
    }
    let Some((pending, reply)) = world.clients[client].reply() else {
        return Ok(());
    };
    judge(world, &pending, &reply)
}

fn judge(world: &mut World, pending: &Pending, reply: &Reply) -> Result<(), String> {
    match reply {
        Reply::Closed(_) if world.is_unsettled => Ok(()),
        Reply::Closed(why) => Err(format!("no answer to {}: {why}", pending.method)),
        Reply::Response(status, _) if pending.method.starts_with("GET ") => match status {
            200 | 302 | 303 | 400 | 403 | 404 | 405 | 410 | 500 => Ok(()),
            _ => Err(format!("{} is answered by {status}", pending.method)),
        },
        Reply::Response(200, body) => {
            let outcome = Rpc::outcome(body);
            if let Some(number) = pending.event {
                // A daemon that has to start anew forgets what waits.
                let must = outcome == Outcome::Answer(Value::Bool(true)) && !world.is_unsettled;
                world.events.insert(number, must);
            }
            judge_outcome(&pending.method, &outcome, world)
        }
        // A call that names no method is malformed.
        Reply::Response(400, _) if pending.method.is_empty() => Ok(()),
        Reply::Response(status, _) => Err(format!("{} is answered by {status}", pending.method)),
    }
}

fn judge_outcome(method: &str, outcome: &Outcome, world: &World) -> Result<(), String> {
    match outcome {
        Outcome::Fault(code, text) if !FAULTS.contains(code) => {
            Err(format!("{method}: unknown fault {code} {text}"))
        }
        Outcome::Failure(_) if world.is_unsettled => Ok(()),
        Outcome::Failure(why) => Err(format!("{method} has no answer: {why}")),
        Outcome::Status(status) => Err(format!("{method} is answered by {status}")),
        Outcome::Answer(value) => states_are_legal(method, value),
        Outcome::Fault(..) => Ok(()),
    }
}

/// As supervisorctl does it.
fn update(world: &mut World) -> Result<(), String> {
    let outcome = world.control.call("supervisor.reloadConfig", &[]);
    judge_outcome("reloadConfig", &outcome, world)?;
    let Outcome::Answer(Value::Array(answer)) = outcome else {
        return Ok(());
    };
    let Some(Value::Array(parts)) = answer.first() else {
        return Err("reloadConfig tells nothing".to_owned());
    };
    for (part, methods) in parts.iter().zip([
        &["addProcessGroup"][..],
        &["stopProcessGroup", "removeProcessGroup", "addProcessGroup"],
        &["stopProcessGroup", "removeProcessGroup"],
    ]) {
        let Value::Array(names) = part else { continue };
        for name in names {
            for method in methods {
                let outcome = world
                    .control
                    .call(&format!("supervisor.{method}"), std::slice::from_ref(name));
                judge_outcome(method, &outcome, world)?;
            }
        }
    }
    Ok(())
}

/// Whatever comes of it, nothing else is to change. Half a request would only make it busy.
fn upgrade(world: &mut World, works: bool) -> Result<(), String> {
    world.kept.clear();
    let place = world.dir.bin().join("supervisord");
    let stands_there = |program: &std::path::Path| {
        let new = place.with_extension("new");
        symlink(program, &new).and_then(|()| fs::rename(&new, &place))
    };
    if !works {
        stands_there("/bin/true".as_ref()).map_err(|error| error.to_string())?;
    }
    let outcome = world.control.call("supervisor.upgrade", &[]);
    if !works {
        let binary = super::super::support::binary();
        stands_there(binary.as_ref()).map_err(|error| error.to_string())?;
    }
    judge_outcome("upgrade", &outcome, world)?;
    match outcome {
        Outcome::Answer(told) if !works => Err(format!("/bin/true took over: {told}")),
        _ => Ok(()),
    }
}

/// It may be on its way down, and is started when it is there.
fn start_the_good_listener(world: &mut World) -> Result<(), String> {
    if let Some(pid) = world.child_of("ear:ear") {
        kill(pid, libc::SIGCONT);
    }
    let ear = [Value::text("ear:ear")];
    soon(world.patience, || {
        world.control.call("supervisor.startProcess", &ear);
        match world.control.call("supervisor.getProcessInfo", &ear) {
            Outcome::Answer(info) if info.text_of("statename") == "RUNNING" => Ok(()),
            other => Err(format!("the good listener does not run: {other}")),
        }
    })
}

/// Nothing is asked for any more; before long all is as it has to be.
fn rest(world: &mut World) -> Result<(), String> {
    allow(world);
    for client in 0..world.clients.len() {
        collect(world, client)?;
        world.clients[client].drop_connection();
    }
    world.kept.clear();
    let _ = fs::remove_file(world.small().join("filling"));
    start_the_good_listener(world)?;
    soon(world.patience, || at_rest(world)).map_err(|why| format!("at rest: {why}"))?;
    super::ledger::forgive(world);
    world.is_unsettled = false;
    Ok(())
}
