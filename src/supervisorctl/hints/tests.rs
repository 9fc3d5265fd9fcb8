//! What is said about which name.

use super::*;

fn live() -> Live {
    let process = |name: &str, state: ProcessState, description: &str| {
        let (group, name) = name.split_once(':').unwrap_or((name, name));
        ProcessInfo {
            group: group.to_owned(),
            name: name.to_owned(),
            state: i64::from(state.code()),
            description: description.to_owned(),
            ..ProcessInfo::default()
        }
    };
    use ProcessState::{Exited, Fatal, Running};
    Live {
        processes: vec![
            process("celery:celery_0", Running, ""),
            process("celery:celery_1", Running, ""),
            process("celery:celery_2", Running, ""),
            process("celery:celery_3", Running, ""),
            process("cron", Fatal, "Exited too quickly"),
            process("tools:calc", Exited, "Nov 22 06:28 PM"),
            process("web:gunicorn", Running, ""),
            process("web:nginx", Running, ""),
        ],
        inactive: vec!["added".to_owned()],
    }
}

fn hint(name: &str, sought: Sought) -> String {
    let mut hints = Hints::default();
    hints.add_unknown(name, sought);
    hints.add_unknown(name, sought);
    hints.lines(&live()).join("\n")
}

#[test]
fn an_unknown_process_is_laid_to_the_name_that_was_meant() {
    for (name, expected) in [
        ("celery", "celery is a group: celery:*"),
        ("web", "web is a group: web:*"),
        ("gunicorn", "did you mean web:gunicorn?"),
        ("gunicorn:*", "did you mean web:gunicorn?"),
        ("calc", "did you mean tools:calc?"),
        ("tool:calc", "did you mean tools:calc?"),
        ("gunicron", "did you mean web:gunicorn?"),
        ("Gunicorn", "did you mean web:gunicorn?"),
        ("web:gunicron", "did you mean web:gunicorn?"),
        ("wbe:gunicorn", "did you mean web:gunicorn?"),
        ("web:apache", "the group web has web:gunicorn, web:nginx"),
        (
            "celery:x",
            "the group celery has celery:celery_0, celery:celery_1, celery:celery_2 and 1 more",
        ),
        ("celry", "did you mean celery:*?"),
        ("celry:*", "did you mean celery:*?"),
        ("celry:", "did you mean celery:*?"),
        ("corn", "did you mean cron?"),
        ("we:*", ""),
        ("added", "added is configured but not active: add added"),
        ("added:*", "added is configured but not active: add added"),
        // It has come meanwhile.
        ("cron", ""),
        ("web:nginx", ""),
        // Nothing is near, or everything.
        ("postgres", ""),
        ("we", ""),
        ("no*", ""),
        (":", ""),
        ("", ""),
        ("é", ""),
    ] {
        assert_eq!(hint(name, Sought::Processes), expected, "{name:?}");
    }
    for (name, expected) in [
        ("web", "web is a group: web:gunicorn, web:nginx"),
        ("web:*", "web is a group: web:gunicorn, web:nginx"),
        ("celry", ""),
        ("calc", "did you mean tools:calc?"),
    ] {
        assert_eq!(hint(name, Sought::Process), expected, "{name:?}");
    }
}

#[test]
fn of_several_unknown_names_each_stands_before_its_question() {
    let mut hints = Hints::default();
    for name in ["gunicorn", "celery", "postgres", "wbe:*"] {
        hints.add_unknown(name, Sought::Processes);
    }
    let expected = [
        "gunicorn: did you mean web:gunicorn?",
        "celery is a group: celery:*",
        "wbe:*: did you mean web:*?",
    ];
    assert_eq!(hints.lines(&live()), expected);
}

#[test]
fn an_unknown_group_is_laid_to_the_name_that_was_meant() {
    use Sought::{ActiveGroup, Group, InactiveGroup};
    for (name, sought, expected) in [
        ("web:*", ActiveGroup, "did you mean web?"),
        ("wbe", ActiveGroup, "did you mean web?"),
        (
            "gunicorn",
            ActiveGroup,
            "gunicorn is a process of the group web",
        ),
        (
            "web:nginx",
            ActiveGroup,
            "web:nginx is a process of the group web",
        ),
        ("addde", ActiveGroup, ""),
        ("addde", Group, "did you mean added?"),
        ("celry", Group, "did you mean celery?"),
        ("nothing", Group, ""),
        ("addde", InactiveGroup, "did you mean added?"),
        ("added:*", InactiveGroup, "did you mean added?"),
        ("web:*", InactiveGroup, "web is active already"),
        (
            "new",
            InactiveGroup,
            "supervisord knows no group new; if its files have changed, reread first",
        ),
    ] {
        assert_eq!(hint(name, sought), expected, "{name:?} {sought:?}");
    }
}

#[test]
fn an_unknown_command_is_laid_to_the_one_that_was_meant() {
    for (word, expected) in [
        ("statu", "did you mean status?"),
        ("STATUS", "did you mean status?"),
        ("satrt", "did you mean start?"),
        ("hlep", "did you mean help?"),
        // A word that is cut short is that word, even if another is nearer.
        ("stat", "did you mean status?"),
        ("shut", "did you mean shutdown?"),
        ("main", "did you mean maintail?"),
        // Words of similar programs.
        ("logs", "did you mean tail?"),
        ("LOG", "did you mean tail?"),
        ("ps", "did you mean status?"),
        ("kill", "did you mean signal or stop?"),
        ("frobnicate", "help lists the commands"),
        ("", "help lists the commands"),
    ] {
        assert_eq!(of_command(word), expected, "{word}");
    }
}

#[test]
fn a_process_that_did_not_start_is_told_with_its_reason() {
    let mut hints = Hints::default();
    for name in ["cron", "tools:calc", "gone"] {
        hints.add_failed(name);
    }
    assert_eq!(hints.lines(&live()), ["cron: Exited too quickly"]);
}
