//! The ladder of the house: a folder under `src` uses only folders below it, no two
//! files use each other in a circle, and only `src/sys` holds `unsafe` code, each piece
//! with its reason. The tree is read as text: the paths after `crate::` and `super::`, in
//! `use` lines and in the code. Unit tests may reach where they like and are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The folders, and files that are none's, from the bottom up. `src/lib.rs` and ARCHITECTURE.md
/// have the same list.
const RUNGS: &[&str] = &[
    "sort",
    "vec_map",
    "snapshot",
    "clock",
    "signal",
    "states",
    "termination",
    "tokens",
    "timers",
    "schedule",
    "text",
    "log_level",
    "command_line",
    "sys",
    "events",
    "config",
    "xmlrpc",
    "loggers",
    "loop_context",
    "dispatchers",
    "dependencies",
    "process",
    "http",
    "supervisor",
    "rpc",
    "web",
    "supervisord",
    "supervisorctl",
    "pidproxy",
    "echo_supervisord_conf",
    "main",
];

/// What decides and does nothing: no system call is made there, whatever its rung.
const PURE: &[&str] = &[
    "dependencies",
    "process/machine",
    "process/scheduler",
    "process/restarts",
    "process/policy",
    "process/health/answer",
    "process/health/schedule",
    "process/health/signs",
    "dispatchers/search",
    "loggers/budget",
    "loggers/day",
    "loggers/rotation",
    "loggers/lines",
    "http/request",
    "http/response",
    "http/guard",
    "http/auth",
    "web/status",
    "web/tail",
];

/// The crate's root: the map of all, it stands on no rung.
const ROOT: &str = "lib";

/// A tree of sources: module path (`process/machine`, `process` for its `mod.rs`)
/// to text.
type Tree = BTreeMap<String, String>;

#[test]
fn the_house_keeps_its_ladder() {
    let mut tree = Tree::new();
    read_tree(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        "",
        &mut tree,
    );
    assert!(tree.contains_key(ROOT), "src/lib.rs was read");
    let faults = faults_of(&tree);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_maps_have_the_same_rungs_in_the_same_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A row of each begins with the rung in backquotes.
    for (file, row, end) in [
        ("src/lib.rs", "//! | [`", "`]"),
        ("ARCHITECTURE.md", "| `src/", "`"),
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let rows = text.lines().filter_map(|line| line.strip_prefix(row));
        let names = rows.filter_map(|row| row.split_once(end));
        let told: Vec<&str> = names
            .map(|(name, _)| name.trim_end_matches(".rs").trim_end_matches('/'))
            .collect();
        let rungs: Vec<&str> = RUNGS
            .iter()
            .copied()
            .filter(|rung| *rung != "main")
            .collect();
        assert_eq!(told, rungs, "{file}");
    }
}

/// Everything that is wrong with a tree, one line each.
fn faults_of(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, text) in tree {
        let code = code_of(text);
        faults.extend(unsafe_faults(file, text));
        if file == ROOT {
            continue;
        }
        let Some(rung) = rung_of(file) else {
            faults.push(format!(
                "src/{file}: stands on no rung; give it one in tests/ladder.rs"
            ));
            continue;
        };
        for used in paths_in(&code, file) {
            let Some(target) = file_of(&used, tree) else {
                continue;
            };
            if target == file {
                continue;
            }
            if rung_of(target).is_some_and(|above| above > rung) {
                faults.push(format!("src/{file} uses src/{target}, which stands higher"));
            }
            if is_in(file, PURE) && is_in(target, &["sys"]) {
                faults.push(format!(
                    "src/{file} is to decide and do nothing, and uses src/{target}"
                ));
            }
            uses.entry(file).or_default().insert(target);
        }
    }
    faults.extend(circles(&uses));
    faults.dedup();
    faults
}

fn read_tree(folder: &Path, prefix: &str, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            read_tree(&path, &format!("{prefix}{name}/"), tree);
        } else if let Some(stem) = name.strip_suffix(".rs").filter(|stem| *stem != "tests") {
            let module = match stem {
                "mod" => prefix.trim_end_matches('/').to_string(),
                stem => format!("{prefix}{stem}"),
            };
            tree.insert(module, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The index of a file's rung.
fn rung_of(file: &str) -> Option<usize> {
    let folder = file.split('/').next();
    RUNGS.iter().position(|rung| Some(*rung) == folder)
}

/// Whether a file is one of these, or below one.
fn is_in(file: &str, places: &[&str]) -> bool {
    let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
    let mut rests = places.iter().filter_map(|place| file.strip_prefix(*place));
    rests.any(is_below)
}

/// The text without comments, string literals and unit tests.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        if line.trim() == "#[cfg(test)]" && !line.starts_with(' ') {
            break;
        }
        let mut in_string = false;
        let mut escaped = false;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            if in_string {
                in_string = character != '"' || escaped;
                escaped = character == '\\' && !escaped;
                continue;
            }
            if character == '/' && characters.peek() == Some(&'/') {
                break;
            }
            in_string = character == '"' && !code.ends_with('\'');
            code.push(character);
        }
        code.push('\n');
    }
    code
}

/// The module paths (from the crate's root) that a file names.
fn paths_in(code: &str, file: &str) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    let here: Vec<String> = file.split('/').map(ToString::to_string).collect();
    for (keyword, base) in [
        ("crate::", Vec::new()),
        ("super::", here[..here.len() - 1].to_vec()),
        ("self::", here.clone()),
    ] {
        for (at, _) in code.match_indices(keyword) {
            let before = code[..at].chars().next_back();
            let is_whole = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            if is_whole {
                expand(&code[at + keyword.len()..], &base, &mut found);
            }
        }
    }
    found
}

/// Follows `a::b`, `a::{b, c::d}` and `super::a`; returns what is left.
fn expand<'a>(text: &'a str, base: &[String], found: &mut BTreeSet<Vec<String>>) -> &'a str {
    let mut path = base.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(inner) = rest.strip_prefix('{') {
            rest = inner.trim_start();
            while !rest.is_empty() && !rest.starts_with('}') {
                let left = expand(rest, &path, found).trim_start();
                let left = left.strip_prefix(',').unwrap_or(left).trim_start();
                if left.len() == rest.len() {
                    break;
                }
                rest = left;
            }
            return rest.strip_prefix('}').unwrap_or(rest);
        }
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        match &rest[..end] {
            "super" => {
                path.pop();
            }
            "self" | "" => {}
            name => path.push(name.to_string()),
        }
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(more) if end > 0 => rest = more,
            _ => break,
        }
    }
    found.insert(path);
    let after_name = rest.trim_start().strip_prefix("as ").map(str::trim_start);
    after_name.map_or(rest, |alias| {
        alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
    })
}

/// The file that holds a path: the longest leading part that is one.
fn file_of<'a>(path: &[String], tree: &'a Tree) -> Option<&'a str> {
    (1..=path.len())
        .rev()
        .find_map(|length| tree.get_key_value(&path[..length].join("/")))
        .map(|(file, _)| file.as_str())
        .filter(|file| *file != ROOT)
}

/// Circles among the files, each told once.
fn circles(uses: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for file in uses.keys() {
        walk(file, uses, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

fn walk<'a>(
    file: &'a str,
    uses: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    found: &mut Vec<String>,
) {
    if let Some(start) = way.iter().position(|passed| *passed == file) {
        found.push(format!(
            "a circle: src/{} -> src/{file}",
            way[start..].join(" -> src/")
        ));
        return;
    }
    if done.contains(file) {
        return;
    }
    way.push(file);
    for used in uses.get(file).into_iter().flatten() {
        walk(used, uses, way, done, found);
    }
    way.pop();
    done.insert(file);
}

/// `unsafe` outside `src/sys`, and there without a reason in the lines above.
fn unsafe_faults(file: &str, text: &str) -> Vec<String> {
    const LINES_ABOVE: usize = 8;
    let may = file == "sys" || file.starts_with("sys/");
    let code = code_of(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut faults = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let allows = line.contains("allow(unsafe_code)");
        // A list of foreign functions does nothing.
        let is_unsafe = !line.contains("unsafe extern")
            && line
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .any(|word| word == "unsafe");
        if !may && (allows || is_unsafe) {
            faults.push(format!(
                "src/{file}:{}: unsafe code belongs in src/sys",
                number + 1
            ));
        }
        let above = &lines[number.saturating_sub(LINES_ABOVE)..=number];
        let has_reason = above
            .iter()
            .any(|line| line.contains("SAFETY:") || line.contains("# Safety"));
        if may && is_unsafe && !has_reason {
            faults.push(format!(
                "src/{file}:{}: unsafe without a SAFETY comment",
                number + 1
            ));
        }
    }
    faults
}

/// Faults of a tree made up for a test.
fn faults_in(files: &[(&str, &str)]) -> Vec<String> {
    let tree = files
        .iter()
        .map(|(file, text)| (file.to_string(), text.to_string()))
        .collect();
    faults_of(&tree)
}

#[test]
fn a_use_of_a_higher_rung_is_found() {
    let cases = [
        "use crate::supervisor::Supervisor;",
        "use crate::{signal, supervisor::{self, Supervisor}};",
        "fn f() -> crate::supervisor::Supervisor {}",
        "use crate::{\n    signal::Signal,\n    supervisor,\n};",
        "use super::supervisor;",
    ];
    for text in cases {
        let faults = faults_in(&[("timers", text), ("supervisor", ""), ("signal", "")]);
        assert_eq!(
            faults,
            ["src/timers uses src/supervisor, which stands higher"],
            "{text}"
        );
    }
}

#[test]
fn a_use_of_a_lower_rung_is_fine() {
    let faults = faults_in(&[
        (
            "supervisor",
            "use crate::process::machine::Effect;\nuse crate::{clock, sys::poller as p};",
        ),
        ("process", "pub mod machine;"),
        (
            "process/machine",
            "use super::restarts::RestartBudget;\n// crate::supervisor\nconst A: &str = \"crate::supervisor\";",
        ),
        (
            "process/restarts",
            "#[cfg(test)]\nmod tests {\n use crate::supervisor::X;\n}",
        ),
        ("clock", ""),
        ("sys/poller", ""),
    ]);
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_system_call_where_something_is_decided_is_found() {
    let faults = faults_in(&[
        ("process/machine", "use crate::sys::time;"),
        ("process/machines", "use crate::sys::time;"),
        ("sys/time", ""),
    ]);
    assert_eq!(
        faults,
        ["src/process/machine is to decide and do nothing, and uses src/sys/time"]
    );
}

#[test]
fn a_circle_among_files_is_found() {
    let faults = faults_in(&[
        ("text/a", "use crate::text::b::B;"),
        ("text/b", "use super::c;"),
        ("text/c", "use crate::text::{a::A};"),
    ]);
    assert_eq!(
        faults,
        ["a circle: src/text/a -> src/text/b -> src/text/c -> src/text/a"]
    );
}

#[test]
fn a_file_without_a_rung_is_found() {
    let faults = faults_in(&[("novelty", "")]);
    assert_eq!(
        faults,
        ["src/novelty: stands on no rung; give it one in tests/ladder.rs"]
    );
}

#[test]
fn unsafe_code_outside_sys_or_without_a_reason_is_found() {
    let faults = faults_in(&[
        ("clock", "fn f() { unsafe { g() } } // SAFETY: none"),
        ("sys/a", "fn f() { unsafe { g() } }"),
        (
            "sys/b",
            "// SAFETY: g asks for nothing.\nlet x = unsafe { g() };",
        ),
    ]);
    assert_eq!(
        faults,
        [
            "src/clock:1: unsafe code belongs in src/sys",
            "src/sys/a:1: unsafe without a SAFETY comment"
        ]
    );
}
