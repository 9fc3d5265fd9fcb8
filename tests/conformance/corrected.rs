//! What this program does otherwise with HTTP on purpose, as changes to what 4.3.0
//! answers: they come one after the other, for many answers differ in several ways.
//! One that changes nothing any more fails its scenario.

/// A difference in HTTP.
struct Correction {
    /// The scenarios in which there is some.
    scenarios: &'static [&'static str],
    /// Why it differs.
    reason: &'static str,
    /// The answer to a request, corrected.
    change: fn(&str, &str) -> String,
}

const EVERY: &[&str] = &[
    "versions and connections",
    "spellings of requests",
    "spellings of credentials",
    "spellings of xml",
];

/// All of them, in the order in which they are made.
const CORRECTIONS: &[Correction] = &[
    Correction {
        scenarios: &["versions and connections", "spellings of requests"],
        reason: "only HTTP/1.0 and HTTP/1.1 stand in a status line",
        change: |_, answer| {
            let Some(rest) = answer.strip_prefix("\"HTTP/") else {
                return answer.to_owned();
            };
            let (version, rest) = rest.split_once(' ').unwrap_or_default();
            let version = match version {
                "None" | "1.0" => "1.0",
                _ => "1.1",
            };
            format!("\"HTTP/{version} {rest}")
        },
    },
    Correction {
        scenarios: &["paths", "spellings of credentials"],
        reason: "HEAD has no body",
        change: |request, answer| match request.starts_with("\"HEAD ") {
            true => without_page(answer),
            false => answer.to_owned(),
        },
    },
    Correction {
        scenarios: &["spellings of requests", "spellings of xml"],
        reason: "what is no request is answered with 400",
        change: |request, answer| {
            // A body that is not UTF-8 is one of a request that was read.
            let version = if request.contains("/RPC2 HTTP/1.0") {
                "1.0"
            } else {
                "1.1"
            };
            match answer {
                "nothing, then closed" => format!(
                    "\"HTTP/{version} 400 Bad Request\\r\\nServer:\\r\\nDate:\\r\\nContent-Length: 136\\r\\nContent-Type: text/html\\r\\n\\r\\n[page 400]\", then closed"
                ),
                _ => answer.to_owned(),
            }
        },
    },
    Correction {
        scenarios: &["spellings of credentials"],
        reason: "after a 401 the connection is closed",
        change: |_, answer| match answer.contains(" 401 Unauthorized") {
            true => answer
                .replace("Connection: Keep-Alive", "Connection: close")
                .replace("then deaf", "then closed"),
            false => answer.to_owned(),
        },
    },
    Correction {
        scenarios: &["versions and connections"],
        reason: "the options of Connection are a list, with or without a blank, in every version",
        change: |request, answer| {
            let options = request.to_ascii_lowercase();
            let options = options.split("connection:").nth(1).unwrap_or_default();
            let option = options.split("\\r").next().unwrap_or_default().trim();
            match option {
                "close" => answer.replace("then open", "then closed"),
                "keep-alive, x"
                    if answer.contains("HTTP/1.0 ")
                        && !request.contains("RPC2\\r\\n")
                        && !request.contains("nosuch\\r\\n") =>
                {
                    answer
                        .replacen(
                            "\\r\\n\\r\\n",
                            "\\r\\nConnection: Keep-Alive\\r\\n\\r\\n",
                            1,
                        )
                        .replace("then closed", "then open")
                }
                _ => answer.to_owned(),
            }
        },
    },
    Correction {
        scenarios: &["spellings of requests"],
        reason: "the name of a header has no blanks",
        change: |request, answer| {
            match request.contains("Content-Length :") {
            true => "\"HTTP/1.1 400 Bad Request\\r\\nServer:\\r\\nDate:\\r\\nContent-Length: 136\\r\\nContent-Type: text/html\\r\\n\\r\\n[page 400]\", then closed".to_owned(),
            false => answer.to_owned(),
        }
        },
    },
    Correction {
        scenarios: &["spellings of xml"],
        reason: "processing instructions are refused",
        change: |request, answer| {
            match request.contains("<?pi?>") {
            true => "\"HTTP/1.0 400 Bad Request\\r\\nServer:\\r\\nDate:\\r\\nContent-Length: 136\\r\\nContent-Type: text/html\\r\\n\\r\\n[page 400]\", then closed".to_owned(),
            false => answer.to_owned(),
        }
        },
    },
    Correction {
        scenarios: EVERY,
        reason: "a connection that is closed says so",
        change: |_, answer| match answer.ends_with("then closed")
            && !answer.contains("Connection: ")
        {
            true => answer.replacen("\\r\\n\\r\\n", "\\r\\nConnection: close\\r\\n\\r\\n", 1),
            false => answer.to_owned(),
        },
    },
];

fn without_page(answer: &str) -> String {
    match (answer.find("[page "), answer.rfind('"')) {
        (Some(start), Some(end)) => format!("{}{}", &answer[..start], &answer[end..]),
        _ => answer.to_owned(),
    }
}

/// Changes the answers of 4.3.0 into those that are expected.
///
/// # Panics
/// When a correction for the scenario changes nothing.
pub fn apply(scenario: &str, transcript: &mut [String]) {
    for correction in CORRECTIONS {
        if !correction.scenarios.contains(&scenario) {
            continue;
        }
        let mut applied = false;
        for line in transcript.iter_mut() {
            let Some((request, answer)) = line.rsplit_once("\" = ") else {
                continue;
            };
            let corrected = (correction.change)(request, answer);
            applied |= corrected != answer;
            *line = format!("{request}\" = {corrected}");
        }
        assert!(
            applied,
            "{scenario}: no answer is corrected any more: {}",
            correction.reason
        );
    }
}
