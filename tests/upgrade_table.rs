//! The table of ARCHITECTURE.md of what an upgrade does not carry, held to the lists in the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const HEADING: &str = "What begins anew";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts of all files of source below a folder.
fn sources(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// The fields in the lists of a source that have a value to begin with, as `Type.field`.
fn begun(source: &str, fields: &mut BTreeSet<String>) {
    for list in source.split("saved! {").skip(1) {
        let code: String = list
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect();
        let list = code.split("\n\n").next().unwrap();
        for part in list.split("struct ").skip(1) {
            let (name, rest) = part.split_once(" {").unwrap_or((part, ""));
            let members = rest.split('}').next().unwrap();
            for member in members.split(',') {
                if let Some((field, _)) = member.split_once(" = ") {
                    fields.insert(format!("{name}.{}", field.trim()));
                }
            }
        }
    }
}

#[test]
fn every_field_that_begins_anew_is_in_the_table_and_no_other() {
    let mut texts = Vec::new();
    sources(&project().join("src"), &mut texts);
    let mut fields = BTreeSet::new();
    let outside = texts
        .iter()
        .filter(|text| !text.contains("macro_rules! saved"));
    outside.for_each(|text| begun(text, &mut fields));
    fields.retain(|field| !field.starts_with("Plain."));
    let guide = fs::read_to_string(project().join("ARCHITECTURE.md")).unwrap();
    let (_, table) = guide.split_once(HEADING).unwrap();
    let rows = table
        .lines()
        .skip(1)
        .skip_while(|line| !line.starts_with("| `"));
    let rows = rows.take_while(|line| line.starts_with('|'));
    let mut told = BTreeSet::new();
    for row in rows {
        let names = row.split('|').nth(1).unwrap();
        told.extend(names.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    assert_eq!(told, fields);
}
