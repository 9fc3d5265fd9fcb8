//! The dashboard, the alerts and the manual beside `/metrics`: they speak of figures that there
//! are, and alerts come when they should.

use super::manual::page::{Display, page};
use super::metrics::{SERVER, project, promtool, text};
use super::support::{DEADLINE, Dir, Finished, Scene, finish};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

const DASHBOARD: &str = "conf/monitoring/grafana.json";
const ALERTS: &str = "conf/monitoring/alerts.yml";

fn read(name: &str) -> String {
    fs::read_to_string(project(name)).unwrap()
}

/// The name and the help of each family of figures, in their order.
fn families() -> Vec<(String, String)> {
    let scene = Scene::start(&format!("{SERVER}metrics_processes=true\n"));
    let text = text(&scene);
    scene.stop();
    let heads = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let heads = heads.map(|head| head.split_once(' ').unwrap());
    heads
        .map(|(name, help)| (name.to_owned(), help.to_owned()))
        .collect()
}

/// The names of figures in a text.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let words = words.filter(|word| word.starts_with("supervisord_"));
    words.map(str::to_owned).collect()
}

fn jq(filter: &str, input: &str) -> String {
    let mut command = Command::new("jq");
    command.args(["-r", filter]);
    let found = finish(command, input, DEADLINE);
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    found.stdout
}

#[test]
fn the_manual_has_every_figure_with_its_help_and_no_other() {
    let page = page("supervisor-metrics.7");
    let items = page.split("\n.It Li ").skip(1);
    let told = items.map(|item| {
        let mut lines = item.lines();
        (lines.next().unwrap(), lines.next().unwrap())
    });
    let told: Vec<(String, String)> = told
        .map(|(name, help)| (name.to_owned(), help.to_owned()))
        .collect();
    assert_eq!(told, families());
}

#[test]
fn dashboard_and_alerts_speak_of_figures_that_there_are() {
    let names: BTreeSet<String> = families().into_iter().map(|(name, _)| name).collect();
    for file in [DASHBOARD, ALERTS] {
        let used = names_in(&read(file));
        let unknown: Vec<&String> = used.difference(&names).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
        assert!(used.len() >= 6, "{file}: {used:?}");
    }
    // What is not looked at on the dashboard is told by an alert.
    let seen = &names_in(&read(DASHBOARD)) | &names_in(&read(ALERTS));
    let unseen: Vec<&String> = names.difference(&seen).collect();
    assert_eq!(unseen, ["supervisord_start_time_seconds"]);
}

/// What promtool finds wrong with rules.
fn check_rules(rules: &str) -> Finished {
    let dir = Dir::new();
    let file = dir.write("rules.yml", rules).display().to_string();
    promtool(&["check", "rules", &file], "")
}

#[test]
fn prometheus_takes_the_alerts_and_the_questions_of_the_dashboard() {
    let checked = check_rules(&read(ALERTS));
    assert_eq!(checked.status, Some(0), "{checked:?}");
    let alerts = read(ALERTS).matches("- alert: ").count();
    let told = format!("SUCCESS: {alerts} rules found");
    assert!(checked.stdout.contains(&told), "{}", checked.stdout);

    let questions = jq(".panels[].targets[].expr", &read(DASHBOARD));
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (number, question) in questions.lines().enumerate() {
        let question = question.replace("$instance", ".*").replace("$group", ".*");
        rules += &format!("  - record: q:{number}\n    expr: '{question}'\n");
    }
    let checked = check_rules(&rules);
    assert_eq!(checked.status, Some(0), "{checked:?}\n{rules}");
    // Each panel has a number of its own, and lies beside the others.
    let numbers = jq(".panels[].id", &read(DASHBOARD));
    let numbers: BTreeSet<&str> = numbers.lines().collect();
    let places = jq(".panels[].gridPos | \"\\(.x) \\(.y)\"", &read(DASHBOARD));
    let places: BTreeSet<&str> = places.lines().collect();
    let count = jq(".panels | length", &read(DASHBOARD));
    let count: usize = count.trim().parse().unwrap();
    assert_eq!((numbers.len(), places.len()), (count, count));
}

/// Which alert comes of which figures after a quarter of an hour; a process that is off on
/// purpose makes none.
const CASES: &str = r#"
rule_files: [RULES]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'supervisord_process_up{name="a",group="a"}', values: '0x20'}
  - {series: 'supervisord_process_ok{name="a",group="a"}', values: '0x20'}
  - {series: 'supervisord_process_up{name="off",group="off"}', values: '0x20'}
  - {series: 'supervisord_process_up{name="ended",group="ended"}', values: '0x20'}
  - {series: 'supervisord_process_ok{name="ended",group="ended"}', values: '1x20'}
  - {series: 'supervisord_process_healthy{name="b",group="b"}', values: '0x20'}
  - {series: 'supervisord_process_healthy{name="c",group="c"}', values: '1x20'}
  - {series: 'supervisord_process_restarts_total{name="a",group="a"}', values: '0+1x20'}
  - {series: 'supervisord_process_restarts_total{name="b",group="b"}', values: '7x20'}
  - {series: 'supervisord_process_log_lost_bytes_total{name="a",group="a"}', values: '0x10 5x10'}
  - {series: 'supervisord_process_log_lost_bytes_total{name="b",group="b"}', values: '5x20'}
  - {series: 'supervisord_pool_events_dropped_total{pool="p"}', values: '0x10 1x10'}
  - {series: 'supervisord_state', values: '2x20'}
  promql_expr_test:
"#;

#[test]
fn an_alert_comes_when_it_should_and_for_whom_it_should() {
    let dir = Dir::new();
    let rules = project(ALERTS).display().to_string();
    let mut cases = CASES.replace("RULES", &rules);
    for (alert, who) in [
        ("SupervisordProcessNotRunning", "group=\"a\", name=\"a\""),
        ("SupervisordProcessFlapping", "group=\"a\", name=\"a\""),
        ("SupervisordProcessUnhealthy", "group=\"b\", name=\"b\""),
        ("SupervisordLogLoss", "group=\"a\", name=\"a\""),
        ("SupervisordEventsDropped", "pool=\"p\""),
        ("SupervisordFatal", ""),
    ] {
        let labels = match who {
            "" => String::new(),
            who => format!("{{{who}}}"),
        };
        cases += &format!(
            "  - expr: 'sum without (severity, alertname, alertstate) (ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}})'\n\
             \x20   eval_time: 15m\n    exp_samples: [{{labels: '{labels}', value: 1}}]\n"
        );
    }
    cases = cases.replace("labels: ''", "labels: '{}'");
    let file = dir.write("cases.yml", cases).display().to_string();
    let tested = promtool(&["test", "rules", &file], "");
    assert_eq!(tested.status, Some(0), "{}{}", tested.stdout, tested.stderr);
}

/// supervisor-metrics(7): what Prometheus is told.
pub fn example(displays: Vec<Display>) {
    let [example] = <[_; 1]>::try_from(displays).unwrap();
    let dir = Dir::new();
    fs::copy(project(ALERTS), dir.join("alerts.yml")).unwrap();
    let file = dir.write("prometheus.yml", &example.text);
    let file = file.display().to_string();
    let checked = promtool(&["check", "config", &file], "");
    assert_eq!(checked.status, Some(0), "{checked:?}");
}
