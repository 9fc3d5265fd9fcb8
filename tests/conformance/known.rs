//! Where this program differs from 4.3.0 on purpose. An entry names the scenario,
//! the exact line of the transcript of 4.3.0, what stands there instead, and why.
//! An entry that does not apply any more fails its scenario.

use super::super::support::Kind;

/// One difference in the transcript of one scenario.
struct Known {
    /// The name of the scenario.
    scenario: &'static str,
    /// Which of our programs makes the difference.
    program: Program,
    /// The line as 4.3.0 leaves it, normalised.
    original: &'static str,
    /// The lines that this program leaves instead.
    ours: &'static [&'static str],
    /// Why it differs.
    reason: &'static str,
}

/// One of the two programs of a scenario.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Supervisord,
    Supervisorctl,
}

const NO_FG: &str = "the action fg comes in a later version";

const fn without_fg(original: &'static str, ours: &'static [&'static str]) -> Known {
    Known {
        scenario: "commands of supervisorctl",
        program: Program::Supervisorctl,
        original,
        ours,
        reason: NO_FG,
    }
}

/// All of them.
const KNOWN: &[Known] = &[
    Known {
        scenario: "multicall",
        program: Program::Supervisord,
        original: "HTTP status 500",
        ours: &["- {faultCode: 2, faultString: \"INCORRECT_PARAMETERS\"}"],
        reason: "a call that is not a struct fails by itself, not the whole request",
    },
    Known {
        scenario: "help of supervisord",
        program: Program::Supervisord,
        original: "--profile_options OPTIONS",
        ours: &[
            "--profile_options OPTIONS",
            "--check[=strict]",
            "--dump-config",
        ],
        reason: "two options that 4.3.0 does not have",
    },
    Known {
        scenario: "clearing logs",
        program: Program::Supervisorctl,
        original: "g:None: ERROR (no such process)",
        ours: &["g:*: ERROR (no such process)"],
        reason: "the name is shown as it was typed",
    },
    Known {
        scenario: "clearing that fails",
        program: Program::Supervisord,
        original: "{statecode: 1, statename: \"RUNNING\"}",
        ours: &["{statecode: 2, statename: \"FATAL\"}"],
        reason: "4.3.0 has the state and never enters it",
    },
    without_fg(
        "add    exit      open  reload  restart   start   tail   ",
        &["add    clear  maintail  pid   reload  reread   shutdown  start   stop  update "],
    ),
    without_fg(
        "avail  fg        pid   remove  shutdown  status  update ",
        &["avail  exit   open      quit  remove  restart  signal    status  tail  version"],
    ),
    without_fg(
        "clear  maintail  quit  reread  signal    stop    version",
        &[],
    ),
    without_fg(
        "ERROR: no process name supplied",
        &["*** Unknown syntax: fg"],
    ),
    without_fg("fg <process>", &[]),
    without_fg(
        "ERROR: bad process name supplied",
        &["*** Unknown syntax: fg nosuch"],
    ),
    without_fg(
        "ERROR: too many process names supplied",
        &["*** Unknown syntax: fg off p"],
    ),
    without_fg(
        "ERROR: process not running",
        &["*** Unknown syntax: fg off"],
    ),
];

/// Changes the transcript of 4.3.0 into what is expected of a supervisord and a
/// supervisorctl of these kinds.
///
/// # Panics
/// When an entry for the scenario matches no line.
pub fn apply(scenario: &str, daemon: Kind, ctl: Kind, transcript: &mut Vec<String>) {
    for known in KNOWN {
        let kind = match known.program {
            Program::Supervisord => daemon,
            Program::Supervisorctl => ctl,
        };
        if scenario != known.scenario || kind == Kind::Original {
            continue;
        }
        let mut applied = false;
        let mut changed = Vec::with_capacity(transcript.len());
        for line in transcript.drain(..) {
            if line == known.original {
                applied = true;
                changed.extend(known.ours.iter().map(ToString::to_string));
            } else {
                changed.push(line);
            }
        }
        *transcript = changed;
        assert!(
            applied,
            "{scenario}: 4.3.0 does not show `{}` any more (known difference: {})",
            known.original, known.reason
        );
    }
}
