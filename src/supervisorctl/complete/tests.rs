//! What is offered where.

use super::*;

fn live() -> Live {
    let process = |name: &str, state: ProcessState| {
        let (group, name) = name.split_once(':').unwrap_or((name, name));
        ProcessInfo {
            group: group.to_owned(),
            name: name.to_owned(),
            is_disabled: (group, name) == ("off", "b"),
            is_scaled: false,
            state: i64::from(state.code()),
            ..ProcessInfo::default()
        }
    };
    use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping};
    Live {
        processes: vec![
            process("café", Running),
            process("cron", Stopped),
            process("dying", Stopping),
            process("grp:a", Running),
            process("grp:b", Exited),
            process("late", Backoff),
            process("new", Starting),
            process("off:a", Fatal),
            process("off:b", Stopped),
        ],
        inactive: vec!["added".to_owned(), "another".to_owned()],
    }
}

/// Candidates for the end of a line, with blanks between them.
fn at_end(line: &str) -> String {
    complete(line, line.len(), &live()).words.join(" ")
}

#[test]
fn each_place_has_its_words() {
    for (line, expected) in [
        ("sta", "start status"),
        ("  sta", "start status"),
        ("STA", ""),
        ("E", ""),
        ("?sta", "start status"),
        ("? sta", "start status"),
        ("help sta", "start status"),
        ("help start ", ""),
        ("nonsense ", ""),
        ("quit ", ""),
        ("version ", ""),
        ("completion ", "bash zsh fish"),
        ("completion bash ", ""),
        ("maintail ", "-f -n --raw"),
        ("maintail -f ", ""),
        ("status --", "--json --figures"),
        ("start --", "--no-wait"),
        ("restart -", "--no-wait --rolling --max-unavailable"),
        ("restart --rolling --max-unavailable ", ""),
        ("restart --max-unavailable 2 --rolling d", "dying"),
        ("update --no", "--no-wait"),
        ("stop --", "--no-wait --timeout --now --with-dependents"),
        ("stop --timeout ", ""),
        ("status -w gr", "grp:a grp:* grp:b"),
        ("fg ", "café grp:a"),
        ("fg café ", ""),
        ("debug -w 3 g", "grp:a"),
        ("debug -", "-w --raw"),
        ("debug café ", ""),
        ("result l", "late"),
        ("open ", "http:// unix:///"),
        ("open u", "unix:///"),
        ("open unix:///x ", ""),
        ("start ", "cron grp:b grp:* off:a off:* off:b all"),
        ("start c", "cron"),
        ("start cron ", "grp:b grp:* off:a off:* off:b"),
        ("start off:* ", "cron grp:b grp:*"),
        ("start off: ", "cron grp:b grp:*"),
        ("start off:a off:", "off:* off:b"),
        ("start all ", ""),
        ("start a", "all"),
        ("start cron:", "cron:cron cron:*"),
        ("stop ", "café grp:a grp:* late new all"),
        ("stop caf", "café"),
        ("restart d", "dying"),
        ("enable ", "off:b off:* all"),
        ("disable c", "café cron"),
        ("disable off", "off:a off:*"),
        ("status g", "grp:a grp:* grp:b"),
        ("scale g", "grp"),
        ("scale grp ", ""),
        ("scale --", "--no-wait"),
        ("signal us", "usr1 usr2"),
        ("signal US", "USR1 USR2"),
        ("signal SIGHU", "SIGHUP"),
        ("signal HUP ", "café dying grp:a grp:* new all"),
        ("signal HUP new ", "café dying grp:a grp:*"),
        (
            "pid ",
            "café cron dying grp:a grp:* grp:b late new off:a off:* off:b all",
        ),
        ("clear of", "off:a off:* off:b"),
        ("tail ", "café cron dying grp:a grp:b late new off:a off:b"),
        ("tail --", "--both --stdout --stderr --raw"),
        ("fg -", "--raw"),
        ("fg --raw c", "café"),
        ("debug --", "--raw"),
        ("maintail --raw ", "-f -n"),
        ("tail -f grp:a g", "grp:* grp:b"),
        ("tail -f grp:* st", "stdout stderr"),
        ("tail -n 20 n", "new"),
        ("tail -n 20 new n", ""),
        ("tail -f l", "late"),
        ("tail -100 late ", "stdout stderr"),
        ("tail late stdout ", ""),
        ("add ", "added another"),
        ("add added ", "another"),
        ("remove ", "café cron dying grp late new off"),
        ("remove off g", "grp"),
        ("update a", "added another all"),
        ("update grp ", "café cron dying late new off added another"),
        ("update all ", ""),
    ] {
        assert_eq!(at_end(line), expected, "{line:?}");
    }
    let commands = at_end("");
    assert!(commands.starts_with("add avail "), "{commands}");
    assert!(commands.contains(" help "), "{commands}");
    assert!(!commands.contains("EOF"), "{commands}");
}

#[test]
fn what_stands_after_the_cursor_does_not_count() {
    let found = complete("stop la new", 7, &live());
    assert_eq!((found.start, found.words), (5, vec!["late".to_owned()]));
    // A cursor within a character cannot be; then it counts as at the end.
    assert_eq!(complete("stop café", 9, &live()).start, 5);
    assert_eq!(complete("stop\u{a0}la", 8, &live()).start, 6);
}

#[test]
fn without_a_daemon_there_are_no_names() {
    for line in [
        "start ",
        "signal HUP ",
        "pid ",
        "update ",
        "add ",
        "remove ",
        "tail ",
    ] {
        let found = complete(line, line.len(), &Live::default());
        assert_eq!(found.words, Vec::<String>::new(), "{line}");
    }
}

#[test]
fn the_daemon_is_asked_for_what_is_needed() {
    for (line, expected) in [
        ("", Lists::None),
        ("sta", Lists::None),
        ("signal H", Lists::None),
        ("signal HUP ", Lists::Processes),
        ("stop ", Lists::Processes),
        ("remove ", Lists::Processes),
        ("add ", Lists::Inactive),
        ("update ", Lists::Groups),
    ] {
        assert_eq!(lists(line, line.len()), expected, "{line}");
    }
}

#[test]
fn a_name_that_a_terminal_would_act_on_is_not_offered() {
    let mut live = live();
    live.inactive = ["add\x1b]0;x\x07", "added", "add\nrm"]
        .map(str::to_owned)
        .to_vec();
    let found = complete("add add", 7, &live);
    assert_eq!(found.words, ["added"]);
}
