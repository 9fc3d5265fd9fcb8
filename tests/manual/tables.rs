//! Options, commands, states, faults and members of answers: what the program has stands in the
//! pages, and what stands in the pages the program has.

use super::super::support::{Scene, Value};
use super::page::{displays, page, pages, project, section};
use pollvisor::config::keys::KINDS;
use pollvisor::pidproxy;
use pollvisor::rpc::methods::INTERFACE;
use pollvisor::signal::{Signal, name_of};
use pollvisor::states::{ProcessState, SupervisorState};
use pollvisor::supervisorctl::command::{Command, Line, listed, parse};
use pollvisor::xmlrpc::fault::FaultCode;
use pollvisor::{supervisorctl, supervisord};
use std::collections::BTreeSet;

type Words = BTreeSet<String>;

/// The commands of the program, as they are typed.
fn words() -> Words {
    let commands = listed().chain([Command::Help, Command::EndOfInput]);
    commands.map(|command| command.word().to_owned()).collect()
}

/// What the examples of supervisorctl do: their options and their actions.
fn read_examples() -> Vec<(Vec<String>, String)> {
    let examples = displays(&page("supervisorctl.8")).into_iter();
    let lines: String = examples
        .filter(|display| display.section == "EXAMPLES")
        .map(|display| display.text)
        .collect();
    let typed = |prompt| {
        let typed = lines
            .lines()
            .filter_map(move |line| line.strip_prefix(prompt));
        typed.map(|line| line.replace('\'', ""))
    };
    let mut found: Vec<(Vec<String>, String)> = typed("$ supervisorctl ")
        .map(|line| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            match supervisorctl::options::parse(&words).unwrap() {
                supervisorctl::options::Request::Help => (words, String::new()),
                supervisorctl::options::Request::Run(arguments) => {
                    let action = arguments.action.unwrap_or_default();
                    let count = action.split_whitespace().count();
                    (words[..words.len() - count].to_vec(), action)
                }
            }
        })
        .collect();
    found.extend(typed("supervisor> ").map(|line| (Vec::new(), line)));
    found
}

#[test]
fn the_page_has_every_command_and_no_other() {
    let page = page("supervisorctl.8");
    let items = section(&page, "Actions").into_iter();
    let told: Words = items
        .filter_map(|line| line.strip_prefix(".It Cm "))
        .map(|rest| rest.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(told, words());
}

#[test]
fn the_page_marks_the_commands_that_4_3_0_does_not_have() {
    let page = page("supervisorctl.8");
    let lines = section(&page, "Actions");
    for command in listed().chain([Command::Help, Command::EndOfInput]) {
        let head = format!(".It Cm {}", command.word());
        let is_of_it = |line: &str| line == head || line.starts_with(&format!("{head} "));
        let texts = lines.iter().zip(lines.iter().skip(1));
        let texts = texts.filter(|(line, _)| is_of_it(line));
        let marks: Vec<bool> = texts.map(|(_, text)| text.starts_with("(new)")).collect();
        // A form that is new may stand beside one that is not.
        let is_new = marks.iter().all(|mark| *mark);
        assert_eq!(is_new, command.is_addition(), "{head}: {marks:?}");
    }
}

#[test]
fn every_command_has_an_example() {
    let shown: Words = read_examples()
        .iter()
        .filter(|(_, action)| !action.is_empty())
        .map(|(_, action)| match parse(action) {
            Line::Command(command, _) => command.word().to_owned(),
            _ => panic!("no command: {action}"),
        })
        .collect();
    assert_eq!(shown, words());
}

/// The options that a page describes, an item for each: what is typed, and whether a value must follow.
fn options_of(page: &str) -> Vec<Vec<(String, bool)>> {
    let lines = section(page, "DESCRIPTION").into_iter();
    lines
        .filter_map(|line| line.strip_prefix(".It Fl "))
        .map(|line| {
            let takes_value = line.contains(" Ar ");
            let names = line.split(" , ").map(|part| {
                let part = part.strip_prefix("Fl ").unwrap_or(part);
                let name = part.split(' ').next().unwrap();
                format!("-{}", name.replace("\\&", ""))
            });
            names.map(|name| (name, takes_value)).collect()
        })
        .collect()
}

/// The options in a page's synopsis.
fn synopsis_of(page: &str) -> Words {
    let mut found = Words::new();
    let lines = section(page, "SYNOPSIS").into_iter();
    for part in lines.filter_map(|line| line.strip_prefix(".Op Fl ")) {
        for option in part.split(" | Fl ") {
            let name = option.split(' ').next().unwrap();
            match name.strip_prefix('-') {
                Some(_) => found.extend([format!("-{name}")]),
                None => found.extend(name.chars().map(|letter| format!("-{letter}"))),
            }
        }
    }
    found
}

/// Holds a page to the options of its program, in both directions.
fn compare_options(name: &str, spellings: impl Iterator<Item = (String, bool)>) {
    let page = page(name);
    let items = options_of(&page);
    let told: Vec<(String, bool)> = items.iter().flatten().cloned().collect();
    let known: BTreeSet<(String, bool)> = spellings.collect();
    let told_once: BTreeSet<(String, bool)> = told.iter().cloned().collect();
    assert_eq!(told_once, known, "{name}");
    assert_eq!(told.len(), told_once.len(), "{name} tells one twice");
    // The synopsis has the shortest name of each; everybody tries -?.
    let shortest = items.iter().flat_map(|item| {
        let short: Vec<&String> = item
            .iter()
            .map(|(option, _)| option)
            .filter(|option| option.len() == 2 && *option != "-?")
            .collect();
        match short.is_empty() {
            true => vec![item[0].0.clone()],
            false => short.into_iter().cloned().collect(),
        }
    });
    assert_eq!(synopsis_of(&page), shortest.collect(), "synopsis of {name}");
}

#[test]
fn the_page_of_supervisord_has_every_option_and_no_other() {
    compare_options("supervisord.8", supervisord::options::spellings());
}

#[test]
fn the_page_of_supervisorctl_has_every_option_and_no_other() {
    compare_options("supervisorctl.8", supervisorctl::options::spellings());
}

#[test]
fn the_usage_texts_have_every_option_and_no_other() {
    let other_names = ["-?", "--history_file"];
    for (usage, spellings) in [
        (
            supervisord::options::usage("PROGRAM"),
            supervisord::options::spellings().collect::<Vec<_>>(),
        ),
        (
            supervisorctl::options::usage("PROGRAM"),
            supervisorctl::options::spellings().collect(),
        ),
    ] {
        let lines = usage.lines().filter(|line| line.starts_with('-'));
        let told: Words = lines
            .flat_map(|line| line.split(' ').next().unwrap().split('/'))
            .map(|name| name.split('[').next().unwrap().to_owned())
            .collect();
        let known = spellings.into_iter().map(|(name, _)| name);
        let known = known.filter(|name| !other_names.contains(&name.as_str()));
        assert_eq!(told, known.collect(), "{usage}");
    }
}

#[test]
fn every_option_of_supervisorctl_has_an_example() {
    let examples = read_examples();
    let shown: BTreeSet<&str> = examples
        .iter()
        .flat_map(|(words, _)| words)
        .map(String::as_str)
        .collect();
    for (option, _) in supervisorctl::options::spellings() {
        let is_short = option.len() == 2 && option != "-?";
        assert!(
            !is_short || shown.contains(option.as_str()),
            "{option} has no example"
        );
    }
}

/// The names that a line of macros has behind each `Dv`.
fn constants(lines: &[&str]) -> Words {
    lines
        .iter()
        .filter_map(|line| line.strip_prefix(".Dv "))
        .flat_map(|line| line.split(" , "))
        .map(|name| name.trim_end_matches([' ', '.', ',']).to_owned())
        .collect()
}

#[test]
fn the_page_of_pidproxy_has_the_signals_that_it_passes_on_and_no_option() {
    let page = page("pidproxy.1");
    let names = |signals: &[Signal]| -> Words {
        let names = signals.iter().map(|signal| name_of(signal.number()));
        names.collect()
    };
    let told = constants(&section(&page, "DESCRIPTION"));
    assert_eq!(told, names(&pidproxy::FORWARDED));
    let told = constants(&section(&page, "EXIT STATUS"));
    assert_eq!(told, names(&pidproxy::ENDING));
    assert!(!page.contains(".Fl ") && !page.contains(" Fl "));
}

#[test]
fn the_page_of_pidproxy_has_every_complaint_and_no_other() {
    let source = std::fs::read_to_string(project("src/pidproxy.rs")).unwrap();
    let (program, _tests) = source.split_once("#[cfg(test)]").unwrap_or((&source, ""));
    // What stands before the first value that is filled in.
    let made: Words = program
        .split('"')
        .filter(|text| text.starts_with("pidproxy: cannot") || text.starts_with("Can't"))
        .map(|text| text.split('{').next().unwrap().to_owned())
        .collect();
    let page = page("pidproxy.1");
    let told: Words = section(&page, "DIAGNOSTICS")
        .into_iter()
        .filter_map(|line| line.strip_prefix(".It \""))
        .map(|text| text.split('%').next().unwrap().to_owned())
        .collect();
    assert_eq!(told, made);
}

/// The rows of a table under a heading, without the one that explains the columns.
fn rows<'a>(page: &'a str, title: &str) -> BTreeSet<(&'a str, i32)> {
    let lines = section(page, title).into_iter();
    lines
        .filter_map(|line| line.strip_prefix(".It "))
        .filter(|row| !row.starts_with("Sy "))
        .map(|row| {
            let mut cells = row.split(" Ta ");
            let (name, code) = (cells.next().unwrap(), cells.next().unwrap());
            (name, code.parse().unwrap())
        })
        .collect()
}

#[test]
fn the_page_of_the_interface_has_every_state_of_a_process_and_no_other() {
    let page = page("supervisor-rpc.7");
    let known: BTreeSet<(&str, i32)> = (-10..2000)
        .filter_map(ProcessState::from_code)
        .map(|state| (state.name(), state.code()))
        .collect();
    assert_eq!(known.len(), 8);
    assert_eq!(rows(&page, "States"), known);
    use SupervisorState as S;
    for state in [S::Running, S::Fatal, S::Restarting, S::Shutdown] {
        let told = format!("{} ({})", state.name(), state.code());
        assert!(page.contains(&told), "{told}");
    }
}

#[test]
fn the_page_of_the_interface_has_every_fault_and_no_other() {
    let methods = INTERFACE.supervisor.iter().chain(INTERFACE.system);
    let anywhere = [
        FaultCode::UnknownMethod,
        FaultCode::IncorrectParameters,
        FaultCode::ShutdownState,
        FaultCode::ReadOnly,
    ];
    let known: BTreeSet<(&str, i32)> = methods
        .flat_map(|method| method.faults)
        .chain(&anywhere)
        .map(|fault| (fault.name(), fault.code()))
        .collect();
    assert_eq!(rows(&page("supervisor-rpc.7"), "Faults"), known);
}

/// What a section of the interface's page marks as names of members.
fn members(title: &str) -> Words {
    let page = page("supervisor-rpc.7");
    let lines = section(&page, title).into_iter();
    lines
        .filter_map(|line| line.strip_prefix(".Va "))
        .flat_map(|line| line.split_whitespace())
        .filter(|word| ![",", "."].contains(word))
        .map(str::to_owned)
        .collect()
}

fn names(value: &Value) -> Words {
    match value {
        Value::Struct(members) => members.iter().map(|(name, _)| name.clone()).collect(),
        other => panic!("a struct was expected, not {other}"),
    }
}

fn first(value: &Value) -> &Value {
    match value {
        Value::Array(items) => &items[0],
        other => panic!("an array was expected, not {other}"),
    }
}

#[test]
fn the_page_of_the_interface_has_every_member_of_its_structs_and_no_other() {
    // With the features that have members of their own.
    let scene = Scene::start(
        "statefile=%(here)s/state\n[program:p]\ncommand=/bin/cat\ntype=oneshot\ncron=@yearly\nautostart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         stdout_ring=1KB\nstderr_ring=1KB\nreadiness=notify\n\
         [program:waiting]\ncommand=/bin/cat\ndepends_on=p\n\
         [program:w]\ncommand=/bin/cat\nautostart=false\nprocess_name=w_%(process_num)d\n",
    );
    let mut told = members("Process information");
    // Only what waits has that.
    assert!(names(&scene.info("waiting")).contains("waiting_for"));
    assert!(told.remove("waiting_for"));
    // Only the processes of a program with another number of them are told to be scaled.
    let scaled = [Value::text("w"), Value::Int(2)];
    scene.call("setNumProcs", &scaled).answer();
    assert_eq!(scene.info("w:w_1").get("scaled"), Some(&Value::Int(2)));
    assert!(told.remove("scaled"));
    // Nor has a disabled process a next run.
    let next_run = BTreeSet::from(["next_run".to_owned()]);
    let before = names(&scene.info("p"));
    scene.call("disableProcess", &[Value::text("p")]).answer();
    let after = names(&scene.info("p"));
    assert_eq!(&before - &after, next_run);
    let before = &before | &after;
    assert_eq!(told, before);
    let configuration = scene.call("getAllConfigInfo", &[]).answer();
    let mut told = members("Configuration");
    let Value::Array(rows) = &configuration else {
        panic!("an array was expected, not {configuration}");
    };
    assert!(
        rows.iter()
            .any(|row| row.get("scaled") == Some(&Value::Int(2)))
    );
    assert!(told.remove("scaled"));
    assert_eq!(told, names(first(&configuration)));
    let statuses = scene.call("clearAllProcessLogs", &[]).answer();
    assert_eq!(members("Statuses"), names(first(&statuses)));
    scene.stop();
}

#[test]
fn the_page_of_the_configuration_has_every_variable_that_programs_are_given_and_no_other() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'env; exec cat'\nstartsecs=0\n\
         stdout_logfile=%(here)s/env\nautostart=true\nwatchdog=1h\n\
         sockets=s=unix:%(here)s/p.sock\n",
    );
    let given = || -> Words {
        let shown = scene.dir.read("env").unwrap_or_default();
        let names = shown.lines().filter_map(|line| line.split_once('='));
        let names = names.map(|(name, _)| name.to_owned());
        names
            .filter(|name| {
                ["SUPERVISOR_", "NOTIFY_", "WATCHDOG_", "LISTEN_"]
                    .iter()
                    .any(|lead| name.starts_with(lead))
            })
            .collect()
    };
    let page = page("supervisord.conf.5");
    let told: Words = section(&page, "ENVIRONMENT OF PROGRAMS")
        .into_iter()
        .filter_map(|line| line.strip_prefix(".It Ev "))
        .flat_map(|line| line.split(" , "))
        .map(str::to_owned)
        .collect();
    let is_so =
        super::super::support::wait_until(super::super::support::DEADLINE, || given() == told);
    assert!(is_so, "{:?}, but the page has {told:?}", given());
    scene.stop();
}

/// The words behind a macro at the beginning of a line, in all pages, with the page.
fn marked(name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for title in pages() {
        let page = page(&title);
        let lines = page.lines();
        for line in lines.filter_map(|line| line.strip_prefix(&format!(".{name} "))) {
            let words = line.split_whitespace().map(str::to_owned);
            found.extend(words.map(|word| (title.clone(), word)));
        }
    }
    found
}

#[test]
fn every_key_that_a_page_mentions_is_one() {
    let keys: Words = KINDS
        .iter()
        .flat_map(|kind| kind.all_keys())
        .map(|key| key.name.to_owned())
        .collect();
    // What the keys of both outputs have in common stands for them.
    let is_key = |word: &str| keys.contains(word) || keys.contains(&format!("stdout_{word}"));
    let mut count = 0;
    let marks = [marked("Ic"), marked("Cm"), marked("It Cm")];
    for (page, word) in marks.into_iter().flatten() {
        let word = word.split('=').next().unwrap();
        let looks_so =
            word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        // Names of expansions, which are no keys.
        let is_name = [
            "host_node_name",
            "program_name",
            "group_name",
            "process_num",
        ]
        .contains(&word);
        if looks_so && !is_name {
            count += 1;
            assert!(is_key(word), "{page} mentions {word}");
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn every_method_that_a_page_mentions_is_one() {
    let supervisor = INTERFACE.supervisor.iter();
    let methods: Words = supervisor
        .map(|method| format!("supervisor.{}", method.name))
        .chain(
            INTERFACE
                .system
                .iter()
                .map(|method| format!("system.{}", method.name)),
        )
        .collect();
    let marks = marked("Fn");
    assert!(marks.len() > 10);
    for (page, word) in marks {
        if word.contains('.') && word.len() > 1 {
            assert!(
                methods.contains(word.trim_end_matches('.')),
                "{page} mentions {word}"
            );
        }
    }
}
