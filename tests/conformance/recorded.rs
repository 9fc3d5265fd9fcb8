//! Differences from 4.3.0 that many lines share, for scenarios that are generated:
//! each line of a transcript is a call or a request, ` = ` and what came back. A
//! rule says from both what came back whether the difference is on purpose. One
//! that fits nothing any more fails its scenario. What stands alone is in
//! [`super::known`]; the reasons are told to users in supervisor-compat(7).

use crate::interface::ADDED;

/// What came back to one call from both programs.
pub struct Pair<'a> {
    /// The call or the request.
    pub call: &'a str,
    /// What 4.3.0 says.
    pub original: &'a str,
    /// What this program says.
    pub ours: &'a str,
}

/// A kind of differences.
struct Rule {
    /// The scenarios in which there are some.
    scenarios: &'static [&'static str],
    /// Why it differs.
    reason: &'static str,
    /// Whether it is one of these.
    fits: fn(&Pair<'_>) -> bool,
}

const BAD_TYPE: &str = "fault 2 INCORRECT_PARAMETERS";

/// All of them.
const RULES: &[Rule] = &[
    Rule {
        scenarios: &["paths"],
        reason: "the log of no process is not found",
        fits: |pair| {
            pair.call.starts_with("\"GET /logtail")
                && pair.original.contains(" 500 ")
                && pair.ours.contains(" 404 ")
        },
    },
    Rule {
        scenarios: &["followed logs"],
        reason: "a followed log begins at once where it does not come in chunks, too",
        fits: |pair| {
            let begins = pair.ours.contains(" 200 OK") && pair.ours.contains("0123456789");
            pair.original == "nothing yet, then deaf" && begins
        },
    },
    Rule {
        scenarios: &["spellings of credentials"],
        reason: "credentials that mean nothing are refused, and the connection is closed",
        fits: |pair| {
            let failed = pair.original.contains(" 500 ") || pair.original.contains(" 400 ");
            let refused = pair.ours.contains(" 401 ") || pair.ours.contains(" 400 ");
            pair.call.contains("Authorization: Basic")
                && failed
                && refused
                && pair.ours.ends_with("then closed")
        },
    },
    Rule {
        scenarios: &["spellings of credentials"],
        reason: "after the colon of a header there may be any number of blanks",
        fits: |pair| {
            let blanks = ["Authorization:Basic", "Authorization:  Basic"];
            blanks.iter().any(|text| pair.call.contains(text))
                && pair.original.contains(" 401 ")
                && !pair.ours.contains(" 401 ")
        },
    },
    Rule {
        scenarios: &["spellings of requests"],
        reason: "after the colon of a header there may be any number of blanks",
        fits: |pair| {
            pair.call.contains("Content-Length:74")
                && pair.original.contains(" 411 ")
                && pair.ours.contains(" 200 ")
        },
    },
    Rule {
        scenarios: &["spellings of requests"],
        reason: "where the length of a body is not known, the connection ends",
        fits: |pair| {
            let refused = pair.ours.contains(" 411 ") || pair.ours.contains(" 400 ");
            pair.call.contains("POST /RPC2") && refused && pair.ours.ends_with("then closed")
        },
    },
    Rule {
        scenarios: &["spellings of requests", "spellings of xml"],
        reason: "a body of no bytes is one",
        fits: |pair| {
            pair.call.contains("Content-Length: 0\\r")
                && pair.original == "nothing yet, then deaf"
                && pair.ours.contains(" 400 ")
        },
    },
    Rule {
        scenarios: &["spellings of requests"],
        reason: "a request line with a control character is none",
        fits: |pair| pair.call.contains("\\0") && pair.ours.contains(" 400 "),
    },
    Rule {
        scenarios: &["spellings of requests"],
        reason: "blank lines before a request are skipped",
        fits: |pair| pair.call.starts_with("\"\\r\\n\\r\\n") && pair.ours.ends_with("then open"),
    },
    Rule {
        scenarios: &["spellings of requests"],
        reason: "what turns out to be no request is answered",
        fits: |pair| {
            pair.original == "nothing yet, then closed" && pair.ours == "nothing yet, then open"
        },
    },
    Rule {
        scenarios: &["spellings of xml"],
        reason: "namespaces and the names of attributes are not looked at",
        fits: |pair| {
            let names = ["xmlns=", "a='1' a='2'", "<ex:"];
            names.iter().any(|name| pair.call.contains(name))
                && pair.original.contains(" 400 ")
                && pair.ours.contains(" 200 ")
        },
    },
    Rule {
        scenarios: &["spellings of xml"],
        reason: "document type declarations are refused",
        fits: |pair| {
            pair.call.contains("<!DOCTYPE")
                && pair.original.contains(" 200 ")
                && pair.ours.contains(" 400 ")
        },
    },
    Rule {
        scenarios: &["spellings of xml"],
        reason: "a name that is no string is of the wrong type",
        fits: |pair| {
            pair.call.contains("system.methodSignature")
                && pair.original.contains("SIGNATURE_UNSUPPORTED")
                && pair.ours.contains("INCORRECT_PARAMETERS")
        },
    },
    Rule {
        scenarios: &["tags of help"],
        reason: "what is the first word of a sentence in 4.3.0 is no name",
        fits: |pair| {
            let words = [" Always", " A", " An", ""];
            words.iter().any(|word| {
                pair.original.strip_suffix(word).is_some_and(|rest| {
                    rest.starts_with("@return") && pair.ours == format!("{rest} result")
                })
            })
        },
    },
    Rule {
        scenarios: &["shapes of multicalls"],
        reason: "an internal error of a call is the fault of its parameters, or of its name",
        fits: |pair| {
            let is_internal = pair.original.contains("FAILED: <class '");
            let faults = [
                "{faultCode: 2, faultString: \"INCORRECT_PARAMETERS\"}",
                "{faultCode: 1, faultString: \"UNKNOWN_METHOD\"}",
            ];
            is_internal && faults.iter().any(|fault| pair.ours == format!("[{fault}]"))
        },
    },
    Rule {
        scenarios: &["shapes of multicalls"],
        reason: "several processes stop in the opposite order, and are told of in that order",
        fits: |pair| {
            let sorted = |text: &str| {
                let mut parts: Vec<String> = text
                    .split(['{', '}', '[', ']'])
                    .map(|part| part.trim_matches([',', ' ']).to_owned())
                    .collect();
                parts.sort();
                parts
            };
            pair.call.contains("stop") && sorted(pair.original) == sorted(pair.ours)
        },
    },
    Rule {
        scenarios: &["methods while going down"],
        reason: "there are a few more methods",
        fits: |pair| {
            let without = |text: String, name: &&str| text.replace(&format!("\"{name}\", "), "");
            let ours = ADDED.iter().fold(pair.ours.to_owned(), without);
            pair.call.starts_with("system.listMethods") && ours == pair.original
        },
    },
    Rule {
        scenarios: &["methods in every state"],
        reason: "a process that is STOPPING is not started, and that is told without wait as well",
        fits: |pair| {
            pair.call.starts_with("start")
                && pair.call.contains("stopping")
                && pair.call.ends_with("false)")
                && (pair.original == "true" || pair.original.contains("status: 80"))
                && pair.ours.contains("ABNORMAL_TERMINATION")
        },
    },
    Rule {
        scenarios: &[
            "types of parameters",
            "windows of logs",
            "spellings of signals",
            "methods in every state",
            "methods while going down",
        ],
        reason: "a value of the wrong type, or one that is no number, is a fault, not an internal error",
        fits: |pair| {
            // Among no processes 4.3.0 does not look at the signal.
            let is_unseen = pair.original == "[]" && pair.call.starts_with("signalProcessGroup");
            let failed = pair.original == "HTTP status 500" || is_unseen;
            failed && pair.ours == BAD_TYPE
        },
    },
    Rule {
        scenarios: &["types of parameters", "methods while going down"],
        reason: "a name that is no string is of the wrong type wherever a name is wanted",
        fits: |pair| {
            let is_text = pair.call.contains("(\"") || pair.call.contains("(<base64>");
            let is_unknown = pair.original.starts_with("fault 10 BAD_NAME")
                || pair.original == "fault 4 SIGNATURE_UNSUPPORTED";
            !is_text && is_unknown && pair.ours == BAD_TYPE
        },
    },
    Rule {
        scenarios: &["types of parameters"],
        reason: "parameters are looked at before it is looked for a log",
        fits: |pair| {
            let is_missing =
                pair.original == "fault 20 NO_FILE" || pair.original == "[\"\", 0, false]";
            pair.call.contains("StderrLog") && is_missing && pair.ours == BAD_TYPE
        },
    },
    Rule {
        scenarios: &["types of parameters"],
        reason: "the calls of a multicall are an array",
        fits: |pair| {
            let is_text = pair.call == "system.multicall(\"\")" && pair.original == "[]";
            is_text && pair.ours == BAD_TYPE
        },
    },
    Rule {
        scenarios: &["types of parameters"],
        reason: "an item of a multicall that is no struct fails by itself",
        fits: |pair| {
            pair.call.starts_with("system.multicall([")
                && pair.original == "HTTP status 500"
                && pair.ours == "[{faultCode: 2, faultString: \"INCORRECT_PARAMETERS\"}]"
        },
    },
    Rule {
        scenarios: &["types of parameters"],
        reason: "a date is shown as it was written",
        fits: |pair| {
            pair.call.contains("<dateTime")
                && pair.ours
                    == pair
                        .original
                        .replace("2026-01-31 23:59:59", "'20260131T23:59:59'")
        },
    },
    Rule {
        scenarios: &["windows of logs"],
        reason: "an offset or a length beyond what files can have is beyond the end, not an error",
        fits: |pair| {
            let failed = ["HTTP status 500", "fault 30 FAILED"].contains(&pair.original);
            let whole = ["\"\"", "\"0123456789\"", "[\"0123456789\", 10, false]"];
            let digits = pair.call.chars().filter(char::is_ascii_digit).count();
            failed && digits > 15 && whole.contains(&pair.ours)
        },
    },
    Rule {
        scenarios: &["spellings of signals"],
        reason: "the actions and masks of Python's signal module are no signals",
        fits: |pair| {
            let words = ["_IGN", "_DFL", "_BLOCK", "_SETMASK", "_UNBLOCK"];
            words.iter().any(|word| pair.call.contains(word))
                && pair.original == "fault 70 NOT_RUNNING: off"
                && pair.ours.starts_with("fault 11 BAD_SIGNAL: ")
        },
    },
    Rule {
        scenarios: &["spellings of signals"],
        reason: "a number beyond 64 bits is shown as the last one",
        fits: |pair| {
            pair.call.contains("<int>99999999999999999999</int>")
                && pair.ours == "fault 11 BAD_SIGNAL: 9223372036854775807"
        },
    },
];

/// What was asked, and what came back. A request is shown in quotes.
fn split(line: &str) -> Option<(&str, &str)> {
    let between = if line.starts_with('"') {
        "\" = "
    } else {
        " = "
    };
    line.split_once(between)
}

/// Takes over what is different on purpose: lines are compared place by place.
///
/// # Panics
/// When a rule for the scenario fits nothing.
pub fn apply(scenario: &str, transcript: &mut [String], ours: &[String]) {
    if transcript.len() != ours.len() {
        return;
    }
    for rule in RULES
        .iter()
        .filter(|rule| rule.scenarios.contains(&scenario))
    {
        let mut applied = false;
        for (line, our_line) in transcript.iter_mut().zip(ours) {
            let both = (split(line), split(our_line));
            let (Some((call, original)), Some((our_call, ours))) = both else {
                continue;
            };
            let pair = Pair {
                call,
                original,
                ours,
            };
            if call == our_call && original != ours && (rule.fits)(&pair) {
                applied = true;
                our_line.clone_into(line);
            }
        }
        assert!(
            applied,
            "{scenario}: no line shows a recorded difference any more: {}",
            rule.reason
        );
    }
}
