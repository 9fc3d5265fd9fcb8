//! Where a process is configured: its section, and where that stands in the files as they are
//! now. What is read once is not kept for that.

use super::datatypes;
use super::document::Document;
use super::group;
use super::ini::Location;
use super::{Group, GroupKind, Process, fcgi, listener, program};

/// The section that a process comes from, and its place, if it is there still.
pub fn of_process(
    document: &Document,
    group: &Group,
    process: &Process,
) -> Option<(String, Location)> {
    let members = document.get(&format!("{}{}", group::GROUP, group.name), "programs");
    let kinds = match (&group.kind, &members) {
        (GroupKind::Listeners(_), _) => &[listener::PREFIX][..],
        (GroupKind::FastCgi(_), _) => &[fcgi::PREFIX],
        (GroupKind::Programs, None) => &[program::PREFIX],
        (GroupKind::Programs, Some(_)) => &[program::PREFIX, fcgi::PREFIX],
    };
    let names = members.map(|members| datatypes::list(&members.text));
    let name = match &names {
        None => &group.name,
        Some(names) => names.get(usize::from(process.numbering.member))?,
    };
    kinds.iter().find_map(|kind| {
        let section = format!("{kind}{name}");
        let location = document.location_of(&section)?;
        Some((section, location))
    })
}

#[cfg(test)]
mod tests {
    use super::super::program::Numbering;
    use super::super::testing::process;
    use super::*;

    #[test]
    fn a_process_is_found_by_its_group_and_its_place_in_it() {
        let mut document = Document::new();
        let text = "[supervisord]\n[program:web]\n[group:g]\nprograms=a, b\n[program:a]\n\
                    [fcgi-program:b]\n[eventlistener:l]\n[fcgi-program:f]\n";
        document.append(text, "s.conf").unwrap();
        for (name, member, expected) in [
            ("web", 0, Some(("program:web", 2))),
            ("g", 0, Some(("program:a", 5))),
            ("g", 1, Some(("fcgi-program:b", 6))),
            ("g", 2, None),
            ("gone", 0, None),
        ] {
            let mut one = process("p");
            one.numbering = Numbering {
                member,
                ..one.numbering
            };
            let group = Group {
                name: name.to_owned(),
                priority: 999,
                kind: GroupKind::Programs,
                processes: Vec::new(),
            };
            let found = of_process(&document, &group, &one);
            let found = found
                .as_ref()
                .map(|(section, location)| (section.as_str(), location.line));
            assert_eq!(found, expected, "{name} {member}");
        }
    }
}
