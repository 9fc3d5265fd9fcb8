//! Replaces what differs from run to run: pids, times, paths, random names.

/// Normalises one text. `names` are exact texts of this run with what stands for
/// them, the longest first.
pub fn normalise(text: &str, names: &[(String, &str)]) -> String {
    let mut out = text.to_string();
    for (name, placeholder) in names {
        out = out.replace(name.as_str(), placeholder);
    }
    for lead in ["pid ", "pid: ", "pid:", "uid "] {
        if lead != "uid " {
            out = digits_after(&out, lead, "PID");
        }
    }
    out = digits_after(&out, "unknown problem killing ", "PID");
    out = pid_in_brackets(&out);
    out = uptime(&out);
    out = stop_time(&out);
    out = automatic_log(&out);
    out.lines()
        .map(source_position)
        .collect::<Vec<_>>()
        .join("\n")
        + if out.ends_with('\n') { "\n" } else { "" }
}

/// `LEAD123` becomes `LEADPID`. 0 stays, for it means that there is none.
fn digits_after(text: &str, lead: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(lead) {
        let after = &rest[at + lead.len()..];
        let end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        out.push_str(&rest[..at + lead.len()]);
        match &after[..end] {
            "" | "0" => out.push_str(&after[..end]),
            _ => out.push_str(with),
        }
        rest = &after[end..];
    }
    out + rest
}

/// `killing 'x' (123) with SIGKILL`, `laststart` lines: the number in brackets.
fn pid_in_brackets(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("' (") {
        let after = &rest[at + 3..];
        let end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        out.push_str(&rest[..at + 3]);
        let is_pid = end > 0 && after[end..].starts_with(')');
        out.push_str(if is_pid { "PID" } else { &after[..end] });
        rest = &after[end..];
    }
    out + rest
}

/// `uptime 0:00:07` (also with days) becomes `uptime UPTIME`.
fn uptime(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("uptime ") {
        let after = &rest[at + 7..];
        let end = after
            .find(|c: char| !c.is_ascii_digit() && c != ':')
            .unwrap_or(after.len());
        out.push_str(&rest[..at + 7]);
        let is_clock = after[..end].matches(':').count() == 2;
        out.push_str(if is_clock { "UPTIME" } else { &after[..end] });
        rest = &after[end..];
    }
    out + rest
}

/// `Nov 22 06:28 PM` becomes `TIME`.
fn stop_time(text: &str) -> String {
    const SHAPE: &[u8] = b"Aaa 00 00:00 AM";
    let fits = |window: &[u8]| {
        window.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'A' => byte.is_ascii_uppercase(),
            b'M' => *byte == b'M',
            b'a' => byte.is_ascii_lowercase(),
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
    };
    replace_windows(text, SHAPE.len(), fits, "TIME")
}

/// `-stdout---supervisor-ab12cd_8.log` loses its eight random characters.
fn automatic_log(text: &str) -> String {
    let random = |window: &[u8]| {
        window.first() == Some(&b'-')
            && window.ends_with(b".log")
            && window[1..9]
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
    };
    if !text.contains("---") {
        return text.to_string();
    }
    replace_windows(text, 13, random, "-RANDOM.log")
}

fn replace_windows(text: &str, width: usize, fits: impl Fn(&[u8]) -> bool, with: &str) -> String {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes.get(at..at + width) {
            Some(window) if fits(window) => {
                out.extend_from_slice(with.as_bytes());
                at += width;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An `error: <class …>` line ends in a position in Python's source, which says
/// nothing here.
fn source_position(line: &str) -> String {
    match line.find(": file: ") {
        Some(at) if line.contains("error: <class") => line[..at].to_string(),
        _ => line.to_string(),
    }
}

#[test]
fn what_differs_from_run_to_run_is_replaced() {
    let names = vec![("/tmp/pvX1".to_string(), "DIR")];
    let cases = [
        ("spawned: 'a' with pid 4711", "spawned: 'a' with pid PID"),
        ("pid 12, uptime 0:01:59", "pid PID, uptime UPTIME"),
        ("pid:0", "pid:0"),
        (
            "killing 'a' (77) with SIGKILL",
            "killing 'a' (PID) with SIGKILL",
        ),
        ("STOPPED   Nov 22 06:28 PM", "STOPPED   TIME"),
        (
            "/tmp/pvX1/a-stdout---supervisor-ab_1cd9x.log",
            "DIR/a-stdout---supervisor-RANDOM.log",
        ),
        (
            "error: <class 'x'>, text: file: /a/b.py line: 7",
            "error: <class 'x'>, text",
        ),
        ("two\nlines\n", "two\nlines\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(normalise(text, &names), expected);
    }
}
