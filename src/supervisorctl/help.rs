//! The texts of `help`: a table of commands, and a topic for each of them.

use super::command::{self, Command};
use super::plugins;
use crate::config::supervisorctl::Plugin;

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
            format!("*** {}\n", text.unwrap_or(format!("No help on {name}")))
        }
    }
}

/// The forms of a command and what each does, and then examples, each behind a
/// tab. Ends with a newline.
pub fn of(command: Command) -> &'static str {
    match command {
        Command::Help => {
            "help\t\tList the commands\n\
             help <action>\tExplain one command\n\
             For example:\n\
             \thelp tail\n"
        }
        Command::Add => {
            "add <name> [...]\tBring a newly configured process or group to life\n\
             For example:\n\
             \tadd web\n"
        }
        Command::Avail => {
            "avail\t\t\tList all processes that the configuration knows\n\
             For example:\n\
             \tavail\n"
        }
        Command::Clear => {
            "clear <name>\t\tEmpty the logs of a process\n\
             clear <name> <name>\tEmpty the logs of several processes\n\
             clear all\t\tEmpty the logs of all processes\n\
             For example:\n\
             \tclear web\n\
             \tclear workers:worker_0 workers:worker_1\n"
        }
        Command::Completion => {
            "completion bash|zsh|fish\tPrint the script that completes words of this program\n\
             For example:\n\
             \tsource <(supervisorctl completion bash)\n"
        }
        Command::ClearFatal => {
            "clearfatal\t\tTake note of why supervisord is FATAL: it is RUNNING again\n\
             For example:\n\
             \tclearfatal\n"
        }
        Command::Debug => {
            "debug [-w <seconds>] <process> <text>\tSend a line to a process, print its answer\n\
             debug [-w <seconds>] <process>\t\tThe same with each line of the input;\n\
             \t\t\t\t\tat a terminal a conversation that Ctrl-D ends\n\
             The answer ends when the process has been quiet for 0.5 seconds, or for those after -w.\n\
             Nothing that the process wrote before is shown, and it goes on running.\n\
             With --raw control sequences go to the terminal as they are.\n\
             For example:\n\
             \tdebug calculator 6*7\n\
             \tdebug -w 3 slow status\n"
        }
        Command::EndOfInput => "",
        Command::Exit => {
            "exit\t\tLeave the supervisor shell\n\
             For example:\n\
             \texit\n"
        }
        Command::Fg => {
            "fg <process>\tTalk to a process: show both logs, send it the lines that are typed\n\
             \t\tCtrl-C leaves; the process goes on running\n\
             \t\t--raw: control sequences go to the terminal as they are\n\
             For example:\n\
             \tfg calculator\n"
        }
        Command::Quit => {
            "quit\t\tLeave the supervisor shell\n\
             For example:\n\
             \tquit\n"
        }
        Command::Maintail => {
            "maintail -f\t\tFollow supervisord's own log (Ctrl-C ends)\n\
             maintail -100\t\tShow its last 100 *bytes*\n\
             maintail\t\tShow its last 1600 *bytes*\n\
             maintail -n 20\t\tShow its last 20 lines\n\
             \t\t\t--raw: control sequences go to the terminal as they are\n\
             For example:\n\
             \tmaintail -f\n\n"
        }
        Command::Open => {
            "open <url>\tTalk to another supervisord from now on\n\
             \t\t(http://host:port, or unix:///socket/path)\n\
             For example:\n\
             \topen http://localhost:9001\n"
        }
        Command::Pid => {
            "pid\t\t\tShow the process id of supervisord\n\
             pid <name>\t\tShow the process id of one process\n\
             pid all\t\t\tShow the process id of every process, one a line\n\
             For example:\n\
             \tpid web\n"
        }
        Command::Reload => {
            "reload\t\tRestart the remote supervisord\n\
             For example:\n\
             \treload\n"
        }
        Command::Remove => {
            "remove <name> [...]\tTake a process or group out of the active configuration\n\
             For example:\n\
             \tremove web\n"
        }
        Command::Reread => {
            "reread\t\t\tRead the daemon's configuration files again; add and remove nothing\n\
             For example:\n\
             \treread\n"
        }
        Command::Restart => {
            "restart <name>\t\tStop and start a process\n\
             restart <gname>:*\tStop and start all processes of a group\n\
             restart <name> <name>\tStop and start several processes or groups\n\
             restart all\t\tStop and start all processes\n\
             Note: the configuration files are not read again; for that see reread and update.\n\
             For example:\n\
             \trestart web\n\
             \trestart workers:*\n"
        }
        Command::Result => {
            "result <pool>\tShow the last result that the store handler of a listener pool has kept\n\
             For example:\n\
             \tresult mailer\n"
        }
        Command::Shutdown => {
            "shutdown\tEnd the remote supervisord\n\
             For example:\n\
             \tshutdown\n"
        }
        Command::Signal => {
            "signal <signal name> <name>\t\tSend a signal to a process\n\
             signal <signal name> <gname>:*\t\tSend a signal to all processes of a group\n\
             signal <signal name> <name> <name>\tSend a signal to several processes or groups\n\
             signal <signal name> all\t\tSend a signal to all processes\n\
             For example:\n\
             \tsignal HUP web\n\
             \tsignal USR1 workers:*\n"
        }
        Command::Start => {
            "start <name>\t\tStart a process\n\
             start <gname>:*\t\tStart all processes of a group\n\
             start <name> <name>\tStart several processes or groups\n\
             start all\t\tStart all processes\n\
             For example:\n\
             \tstart web\n\
             \tstart workers:*\n"
        }
        Command::Status => {
            "status <name>\t\tShow the state of one process\n\
             status <gname>:*\tShow the state of all processes of a group\n\
             status <name> <name>\tShow the state of several processes\n\
             status\t\t\tShow the state of all processes\n\
             status web-*\t\tShow those that match a pattern: *, ?, [ab], [!ab]\n\
             \t\t\t(so do start, stop, restart, signal, pid, tail and clear)\n\
             status -w [<name> ...]\tShow it again and again until Ctrl-C\n\
             status --json [<name> ...]\tShow all that is known, for programs\n\
             For example:\n\
             \tstatus web\n\
             \tstatus workers:*\n"
        }
        Command::Stop => {
            "stop <name>\t\tStop a process\n\
             stop <gname>:*\t\tStop all processes of a group\n\
             stop <name> <name>\tStop several processes or groups\n\
             stop all\t\tStop all processes\n\
             For example:\n\
             \tstop web\n\
             \tstop workers:worker_0 workers:worker_1\n"
        }
        Command::Tail => {
            "tail [-f] <name> [stdout|stderr] (default stdout)\n\
             tail -f <name>\t\tFollow the standard output of a process\n\
             \t\t\tCtrl-C ends it\n\
             tail -100 <name>\tShow the last 100 *bytes* of its standard output\n\
             tail <name> stderr\tShow the last 1600 *bytes* of its standard error\n\
             tail -n 20 <name>\tShow the last 20 lines; with -f, and what follows\n\
             tail -f <name> <gname>:*\tFollow several processes, each line behind its name\n\
             tail -f <name> --both\tFollow both channels\n\
             \t\t\tA terminal is shown colours, and other control sequences as text;\n\
             \t\t\twith --raw, or into a pipe or file, bytes go as they are\n\
             For example:\n\
             \ttail -f web stderr\n\
             \ttail -n 20 workers:worker_0\n"
        }
        Command::Update => {
            "update\t\t\tRead the configuration again; add and remove as needed, restart what changed\n\
             update all\t\tThe same\n\
             update <gname> [...]\tThe same, for these groups alone\n\
             For example:\n\
             \tupdate\n\
             \tupdate workers\n"
        }
        Command::Version => {
            "version\t\t\tShow the version of the remote supervisord\n\
             For example:\n\
             \tversion\n"
        }
    }
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
