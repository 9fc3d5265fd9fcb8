//! The pages of supervisorctl, pidproxy and echo_supervisord_conf beside the tables of the program:
//! nothing is missing on either side, and everything has an example that can be read.

use pollvisor::supervisorctl::command::{Command, Line, listed, parse};
use pollvisor::supervisorctl::options;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name);
    fs::read_to_string(path).unwrap()
}

/// The lines of a section, of whichever level.
fn section<'a>(page: &'a str, title: &str) -> Vec<&'a str> {
    let is_title = |line: &str| line.starts_with(".Sh ") || line.starts_with(".Ss ");
    page.lines()
        .skip_while(|line| line.get(4..) != Some(title) || !is_title(line))
        .skip(1)
        .take_while(|line| !is_title(line))
        .collect()
}

/// The commands of the program, as they are typed.
fn words() -> BTreeSet<String> {
    let commands = listed().chain([Command::Help]);
    commands.map(|command| command.word().to_owned()).collect()
}

/// What comes after the prompt in each example.
fn examples(page: &str, prompt: &str) -> Vec<String> {
    let lines = section(page, "EXAMPLES").into_iter();
    lines
        .filter_map(|line| {
            line.strip_prefix(".Dl ")
                .unwrap_or(line)
                .strip_prefix(prompt)
        })
        .map(|line| line.replace('\'', ""))
        .collect()
}

/// What the examples of supervisorctl do: their options and their actions.
fn read_examples() -> Vec<(Vec<String>, String)> {
    let page = page("supervisorctl.8");
    let mut found: Vec<(Vec<String>, String)> = examples(&page, "$ supervisorctl ")
        .into_iter()
        .map(|line| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            match options::parse(&words).unwrap() {
                options::Request::Help => (words, String::new()),
                options::Request::Run(arguments) => {
                    let action = arguments.action.unwrap_or_default();
                    let count = action.split_whitespace().count();
                    (words[..words.len() - count].to_vec(), action)
                }
            }
        })
        .collect();
    let typed = examples(&page, "supervisor> ").into_iter();
    found.extend(typed.map(|line| (Vec::new(), line)));
    found
}

#[test]
fn the_page_has_every_command_and_no_other() {
    let page = page("supervisorctl.8");
    let items = section(&page, "Actions").into_iter();
    let told: BTreeSet<String> = items
        .filter_map(|line| line.strip_prefix(".It Cm "))
        .map(|rest| rest.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(told, words());
}

#[test]
fn every_command_has_an_example() {
    let shown: BTreeSet<String> = read_examples()
        .iter()
        .filter(|(_, action)| !action.is_empty())
        .map(|(_, action)| match parse(action) {
            Line::Command(command, _) => command.word().to_owned(),
            _ => panic!("no command: {action}"),
        })
        .collect();
    assert_eq!(shown, words());
}

/// Both names of each option, from the usage text.
fn options_of_usage() -> BTreeSet<String> {
    let usage = options::usage("supervisorctl");
    let lines = usage.lines().filter(|line| line.starts_with('-'));
    lines
        .flat_map(|line| line.split(' ').next().unwrap().split('/'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_has_every_option_and_no_other() {
    let page = page("supervisorctl.8");
    let told: BTreeSet<String> = section(&page, "DESCRIPTION")
        .into_iter()
        .filter(|line| line.starts_with(".It Fl "))
        .flat_map(|line| line.split("Fl ").skip(1))
        .map(|name| format!("-{}", name.split(' ').next().unwrap()))
        // Other names of options that are told.
        .filter(|name| !["-\\&?", "--history_file"].contains(&name.as_str()))
        .collect();
    assert_eq!(told, options_of_usage());
}

#[test]
fn every_option_has_an_example() {
    let examples = read_examples();
    let shown: BTreeSet<&str> = examples
        .iter()
        .flat_map(|(words, _)| words)
        .map(String::as_str)
        .collect();
    let short = options_of_usage()
        .into_iter()
        .filter(|name| !name.starts_with("--"));
    for option in short {
        assert!(shown.contains(option.as_str()), "{option} has no example");
    }
}

#[test]
fn the_smaller_programs_have_examples() {
    assert!(page("pidproxy.1").contains("\ncommand=/usr/bin/pidproxy "));
    assert!(!examples(&page("echo_supervisord_conf.1"), "$ echo_supervisord_conf").is_empty());
}
