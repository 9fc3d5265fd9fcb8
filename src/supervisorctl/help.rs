//! The texts of `help`: a table of commands, and a topic for each of them.

use super::command::{self, Command};
use super::plugins;
use crate::config::supervisorctl::Plugin;
use crate::sort;
use crate::text::plain;

/// The topics, each behind a line with an equals sign, its word and its summary.
const TOPICS: &str = include_str!("help.txt");

/// Widest line of the table.
const WIDTH: usize = 79;

/// What `help` alone prints: the table of commands, filled column by column.
/// The commands that 4.3.0 does not have stand in a table of their own.
pub fn overview() -> String {
    let (additions, known): (Vec<Command>, Vec<Command>) =
        command::listed().partition(|command| command.is_addition());
    format!(
        "{}{}",
        table("default commands (type help <topic>):", &known),
        table("more commands (type help <topic>):", &additions).trim_start()
    )
}

/// The same for a terminal: a line for each command, with what it does.
pub fn summaries() -> String {
    let commands = command::listed().chain([Command::Help]);
    let lines = commands.map(|command| format!("{:<12}{}\n", command.word(), summary(command)));
    let mut lines: Vec<String> = lines.collect();
    sort::by(&mut lines, Ord::cmp);
    format!("{}\nhelp <action> explains one.\n", lines.concat())
}

fn table(title: &str, commands: &[Command]) -> String {
    let words: Vec<&str> = commands.iter().map(|command| command.word()).collect();
    format!(
        "\n{title}\n{}\n{}\n",
        "=".repeat(title.len()),
        columns(&words)
    )
}

/// What `help TOPIC` prints.
pub fn topic(name: &str, plugins: &[Plugin]) -> String {
    let known = command::listed()
        .chain([Command::Help])
        .find(|command| command.word() == name);
    match known {
        Some(command) => of(command).to_owned(),
        None => {
            let word = command::word(name);
            let plugins = match command::known(word) {
                Some(_) => &[],
                None => plugins,
            };
            let text = plugins::of_command(plugins, word);
            format!(
                "*** {}\n",
                text.unwrap_or(format!("No help on {}", plain::shown(name)))
            )
        }
    }
}

/// The forms of a command and what each does, and then examples, each behind a
/// tab. Ends with a newline.
pub fn of(command: Command) -> &'static str {
    entry(command).1
}

/// What a command does, in a few words.
fn summary(command: Command) -> &'static str {
    entry(command).0
}

fn entry(command: Command) -> (&'static str, &'static str) {
    let mut topics = TOPICS
        .split("= ")
        .filter_map(|topic| topic.split_once(": "));
    let found = topics.find(|(word, _)| *word == command.word());
    let entry = found.and_then(|(_, topic)| topic.split_once('\n'));
    entry.unwrap_or_default()
}

/// The words in as few rows as fit. Cells are padded to the width of their
/// column, the last one too.
fn columns(words: &[&str]) -> String {
    let layout = |rows: usize| -> Vec<(&[&str], usize)> {
        words
            .chunks(rows)
            .map(|cells| {
                (
                    cells,
                    cells.iter().map(|cell| cell.len()).max().unwrap_or(0),
                )
            })
            .collect()
    };
    let fits = |rows: &usize| {
        let columns = layout(*rows);
        let widths: usize = columns.iter().map(|(_, width)| width + 2).sum();
        widths <= WIDTH + 2
    };
    let rows = (1..words.len()).find(fits).unwrap_or(words.len().max(1));
    let mut text = String::new();
    for row in 0..rows {
        let cells: Vec<String> = layout(rows)
            .iter()
            .filter_map(|(cells, width)| cells.get(row).map(|cell| format!("{cell:<width$}")))
            .collect();
        text.push_str(&cells.join("  "));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_command_has_a_topic_that_begins_with_its_word() {
        for command in command::listed().chain([Command::Help]) {
            let text = topic(command.word(), &[]);
            assert!(text.starts_with(command.word()), "{command:?}");
            assert!(text.ends_with('\n'), "{command:?}");
        }
        assert_eq!(topic("EOF", &[]), "*** No help on EOF\n");
        assert_eq!(topic("start stop", &[]), "*** No help on start stop\n");
    }

    #[test]
    fn every_topic_ends_with_examples_of_its_command() {
        for command in command::listed().chain([Command::Help]) {
            let text = topic(command.word(), &[]);
            let (_, examples) = text.split_once("For example:\n").unwrap_or_default();
            assert!(!examples.is_empty(), "{command:?} has no example");
            for example in examples.trim_end().lines() {
                let typed = example.strip_prefix('\t').unwrap_or_default();
                // What another program reads is not typed here.
                let is_shown = match command::parse(typed) {
                    command::Line::Command(shown, _) => shown == command,
                    _ => command == Command::Completion && typed.contains(command.word()),
                };
                assert!(is_shown, "{command:?}: {example:?}");
                assert!(!typed.contains("name>"), "{command:?}: {example:?}");
            }
        }
    }

    #[test]
    fn every_command_has_a_summary_that_fits_a_terminal() {
        let text = summaries();
        for command in command::listed().chain([Command::Help]) {
            let line = text
                .lines()
                .find(|line| line.split(' ').next() == Some(command.word()));
            let line = line.unwrap_or_else(|| panic!("{command:?} is not there"));
            assert!(
                line.ends_with(summary(command)) && line.len() < WIDTH,
                "{line}"
            );
            assert!(!summary(command).is_empty(), "{command:?}");
            assert_eq!(line.ends_with("(new)"), command.is_addition(), "{line}");
        }
    }

    #[test]
    fn the_table_is_filled_by_columns_and_padded_to_its_last_cell() {
        let words: Vec<&str> = "add avail clear exit fg maintail open pid quit reload remove \
             reread restart shutdown signal start status stop tail update version"
            .split_whitespace()
            .collect();
        assert_eq!(
            columns(&words),
            "add    exit      open  reload  restart   start   tail   \n\
             avail  fg        pid   remove  shutdown  status  update \n\
             clear  maintail  quit  reread  signal    stop    version\n"
        );
        assert_eq!(columns(&["a", "bb"]), "a  bb\n");
        assert_eq!(columns(&[]), "\n");
    }
}
