//! Every display of every page is run, but for those of supervisor-migration(7) that change a
//! whole system or build for minutes: `migration` lists them with what holds them in its place.
//! A page whose first example is new needs a line here, and its chapter refuses what it does not
//! know.

use super::page::{Display, displays, page, pages};
use super::{configurations, control, migration};
use crate::alerts;
use crate::config::manual as keys;
use crate::pools::manual as events;
use crate::proxies;
use std::collections::BTreeMap;

/// A test for each page that displays something: what runs it takes all displays, in order.
macro_rules! chapters {
    ($($test:ident: $page:literal, $run:path;)*) => {
        /// The pages with displays.
        const CHAPTERS: &[&str] = &[$($page),*];
        $(
            #[test]
            fn $test() {
                $run(displays(&page($page)));
            }
        )*
    };
}

chapters! {
    the_example_of_echo_supervisord_conf_works: "echo_supervisord_conf.1", configurations::sample;
    the_example_of_pidproxy_works: "pidproxy.1", configurations::proxy;
    the_examples_of_supervisor_events_work: "supervisor-events.7", listeners;
    the_example_of_supervisor_metrics_works: "supervisor-metrics.7", alerts::example;
    the_examples_of_supervisor_migration_work: "supervisor-migration.7", migration::run;
    the_example_of_supervisor_rpc_works: "supervisor-rpc.7", configurations::call;
    the_examples_of_supervisorctl_work: "supervisorctl.8", control::run;
    the_examples_of_supervisord_work: "supervisord.8", daemon;
    the_examples_of_supervisord_conf_work: "supervisord.conf.5", settings;
}

#[test]
fn every_page_with_an_example_has_a_test() {
    let with_examples: Vec<String> = pages()
        .into_iter()
        .filter(|name| !displays(&page(name)).is_empty())
        .collect();
    assert_eq!(with_examples, CHAPTERS);
}

#[test]
fn every_page_that_is_referred_to_is_there() {
    const OF_OTHERS: [&str; 6] = [
        "crontab.5",
        "printf.3",
        "sd_listen_fds.3",
        "sd_notify.3",
        "syslog.3",
        "systemd.exec.5",
    ];
    let names = pages();
    for name in &names {
        let page = page(name);
        for line in page.lines().filter_map(|line| line.strip_prefix(".Xr ")) {
            let mut words = line.split(' ');
            let target = format!("{}.{}", words.next().unwrap(), words.next().unwrap());
            let is_there = names.contains(&target) || OF_OTHERS.contains(&target.as_str());
            assert!(is_there, "{name} refers to {target}");
            assert_ne!(&target, name, "a page that refers to itself");
        }
    }
}

fn by_section(displays: Vec<Display>) -> BTreeMap<String, Vec<String>> {
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for display in displays {
        let section = sections.entry(display.section).or_default();
        section.push(display.text);
    }
    sections
}

/// Payloads are compared, listeners and handlers run, in `pools::manual` and `monitor`.
fn listeners(displays: Vec<Display>) {
    let mut sections = by_section(displays);
    let payloads = sections.remove("Types of events").unwrap();
    assert_eq!(payloads, events::payloads());
    let headers = sections.remove("The conversation").unwrap();
    assert_eq!(headers, [events::message()]);
    let mut programs = sections.remove("EXAMPLES").unwrap();
    for word in events::EXAMPLES {
        let example = events::example(word);
        let at = programs.iter().position(|program| *program == example);
        programs.remove(at.unwrap_or_else(|| panic!("{word}")));
    }
    assert!(programs.is_empty(), "nobody runs {programs:#?}");
    assert!(sections.is_empty(), "nobody runs {sections:#?}");
}

/// The entry point of an image is read, for there is none here. The settings of proxies are those that `proxies` runs.
fn daemon(displays: Vec<Display>) {
    let mut sections = by_section(displays);
    configurations::container(&sections.remove("CONTAINERS").unwrap());
    configurations::main_command(&sections.remove("A main command").unwrap());
    configurations::several_commands(&sections.remove("Several commands").unwrap());
    assert_eq!(sections.remove("PROXIES").unwrap(), proxies::displayed());
    assert!(sections.is_empty(), "nobody runs {sections:#?}");
}

/// The lines of the keys are read in `config::manual`.
fn settings(displays: Vec<Display>) {
    let mut sections = by_section(displays);
    let examples = sections.remove("EXAMPLES").unwrap();
    configurations::workers(&examples);
    configurations::dependencies(&sections.remove("DEPENDENCIES").unwrap());
    let mut lines: Vec<String> = sections.into_values().flatten().collect();
    let mut read = keys::examples();
    lines.sort();
    read.sort();
    assert_eq!(lines, read);
}
