//! The manual page of the configuration file and the code know the same keys.

use std::path::Path;

use pollvisor::config::keys::KINDS;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The part of the page under a heading.
fn part<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page
        .find(&format!(".Ss {heading}\n"))
        .unwrap_or_else(|| panic!("no part on {heading}"));
    let rest = &page[start + 4..];
    let end = rest.find("\n.S").unwrap_or(rest.len());
    &rest[..end]
}

/// Whether the text has an item on the key.
fn has_item(text: &str, key: &str) -> bool {
    let items = text.lines().filter_map(|line| line.strip_prefix(".It "));
    items
        .flat_map(str::split_whitespace)
        .any(|word| word == key)
}

#[test]
fn every_key_is_in_the_manual_page_of_the_file() {
    let page = page("supervisord.conf.5");
    for kind in KINDS {
        let heading = match kind.name.strip_suffix(':') {
            Some(name) => format!("[{name}:x]"),
            None => format!("[{}]", kind.name),
        };
        let text = part(&page, &heading);
        for key in kind.keys {
            assert!(has_item(text, key), "{key} of {heading}");
        }
    }
    let text = part(&page, "[program:x]");
    for key in pollvisor::config::keys::PROGRAM {
        // One item tells of the key for both outputs.
        let shared = key.replace("stdout_", "std*_").replace("stderr_", "std*_");
        assert!(has_item(text, key) || has_item(text, &shared), "{key}");
    }
}

#[test]
fn every_option_is_in_the_manual_page_of_the_daemon() {
    let page = page("supervisord.8");
    let usage = pollvisor::supervisord::options::usage("supervisord");
    let options = usage.lines().filter(|line| line.starts_with('-'));
    for option in options.filter_map(|line| line.split_once(' ').map(|(option, _)| option)) {
        for spelling in option.split('/') {
            let flag = spelling.trim_start_matches('-');
            let flag = flag.split_once('[').map_or(flag, |(flag, _)| flag);
            let found = page.lines().any(|line| {
                line.starts_with(".It Fl")
                    && line
                        .split([' ', ','])
                        .any(|word| word.trim_start_matches(['-', '\\']) == flag)
            });
            assert!(found, "{spelling}");
        }
    }
}
