//! Programs that the clock starts: their times against croniter's, and real children under a
//! clock that goes, that is set, and of which the system does not tell.

use super::support::{
    Ctl, DEADLINE, Dir, Finished, Kind, Scene, Value, descriptors_of, finish, usual_configuration,
    wait_until,
};
use pollvisor::schedule::{expression::Schedule, next};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// xorshift64
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// A field whose numbers go from `least` to `most`: a star, one with a step, or a list.
    fn field(&mut self, least: u64, most: u64) -> String {
        match self.below(6) {
            0 | 1 => "*".to_owned(),
            2 => format!("*/{}", 1 + self.below(most - least)),
            3 => {
                let count = 2 + self.below(3);
                let items: Vec<String> = (0..count).map(|_| self.item(least, most)).collect();
                items.join(",")
            }
            _ => self.item(least, most),
        }
    }

    fn item(&mut self, least: u64, most: u64) -> String {
        let first = least + self.below(most - least + 1);
        let last = first + self.below(most - first + 1);
        // To croniter a range of one number is all numbers, and a step that is longer than its
        // range is an error.
        let step = 1 + self.below((last - first).max(1));
        match self.below(3) {
            0 if last > first => format!("{first}-{last}"),
            1 if last > first => format!("{first}-{last}/{step}"),
            _ => first.to_string(),
        }
    }

    fn expression(&mut self) -> String {
        // A list of all days is to croniter a star.
        let (day, weekday) = (self.below(2), self.below(2));
        let day = loop {
            let field = self.field(1 + day, 30 + day);
            if !steps_to_the_end(&field) {
                break field;
            }
        };
        let mut fields = vec![
            self.field(0, 59),
            self.field(0, 23),
            day,
            self.field(1, 12),
            self.field(weekday, 5 + weekday),
        ];
        if self.one_in(4) {
            fields.insert(0, self.field(0, 59));
        }
        fields.join(" ")
    }
}

/// Whether the last step of a field for days is one that not every month has. After such a month
/// croniter leaves out the first of the next.
fn steps_to_the_end(field: &str) -> bool {
    let step = field.strip_prefix("*/").and_then(|step| step.parse().ok());
    let last = step.and_then(|step| (1..=31).step_by(step).last());
    last.is_some_and(|last| last > 28)
}

const EXPRESSIONS: usize = 10_000;

/// The next time after one, by croniter; nothing for an expression that it does not take.
const ORACLE: &str = "\
import sys
sys.path.insert(0, sys.argv[1])
from croniter import croniter
for line in sys.stdin:
    expression, after = line.rstrip().split('\\t')
    try:
        times = croniter(expression, float(after), ret_type=float, second_at_beginning=True,
                         implement_cron_bug=True)
        print(int(times.get_next()))
    except Exception as error:
        print(type(error).__name__)
";

#[test]
fn random_schedules_come_when_croniter_says() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/croniter");
    assert!(
        place.join("croniter").exists(),
        "croniter is not in {}: run `make test`, which installs it",
        place.display()
    );
    let mut random = Random(0x6b72_6f6e_6f73);
    let mut cases = Vec::new();
    while cases.len() < EXPRESSIONS {
        let text = random.expression();
        // From 2000 to 2060, where no clock is changed.
        let after = 946_684_800 + random.below(60 * 365 * 86_400) as i64;
        if let Ok(schedule) = Schedule::parse(&text) {
            cases.push((text, schedule, after));
        }
    }
    let mut input = String::new();
    for (text, _, after) in &cases {
        let _ = writeln!(input, "{text}\t{after}");
    }
    let mut command = Command::new("python3");
    command.args(["-B", "-c", ORACLE]).arg(place);
    let found = finish(command, &input, DEADLINE * 4);
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    let mut refused = 0;
    let told: Vec<&str> = found.stdout.lines().collect();
    assert_eq!(told.len(), cases.len());
    for ((text, schedule, after), told) in cases.iter().zip(told) {
        let Ok(told) = told.parse::<i64>() else {
            refused += 1;
            continue;
        };
        let found = next::next(schedule, *after, &|_| 0);
        assert_eq!(found, Some(told), "{text} after {after}");
    }
    // Those that come less often than it looks ahead.
    assert!(refused < EXPRESSIONS / 100, "{refused} were refused");
}

/// A job that writes the moment at which it runs.
fn job(name: &str, keys: &str) -> String {
    format!(
        "[program:{name}]\ncommand=/bin/sh -c 'date +%%s >> {name}.stamps'\ndirectory=%(here)s\n\
         type=oneshot\n{keys}\n"
    )
}

fn stamps(scene: &Scene, name: &str) -> Vec<i64> {
    let text = scene.dir.read(&format!("{name}.stamps"));
    let text = text.unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn wait_stamps(scene: &Scene, name: &str, count: usize) -> Vec<i64> {
    let enough = wait_until(DEADLINE, || stamps(scene, name).len() >= count);
    assert!(enough, "{:?}\n{}", stamps(scene, name), scene.log());
    stamps(scene, name)
}

fn ctl(scene: &Scene, words: &[&str]) -> Finished {
    Ctl::new(Kind::Ours, &scene.dir).run(words)
}

/// How many timers of the system the daemon has; its poll set may have one.
fn timers(scene: &Scene) -> usize {
    let pid = scene.daemon.pid();
    let all = descriptors_of(pid).into_iter();
    let targets =
        all.filter_map(|number| std::fs::read_link(format!("/proc/{pid}/fd/{number}")).ok());
    let is_timer = |target: &std::path::PathBuf| target.to_string_lossy().contains("timerfd");
    targets.filter(is_timer).count()
}

#[test]
fn a_program_is_started_at_its_times_and_not_before() {
    let scene = Scene::start(&(job("often", "schedule=*/2 * * * * *") + &job("plain", "")));
    let stamps = wait_stamps(&scene, "often", 3);
    // A busy machine may be a second late.
    let on_time = stamps.iter().filter(|stamp| *stamp % 2 == 0).count();
    assert!(on_time > 0, "{stamps:?}");
    let later = stamps.windows(2).all(|pair| pair[1] > pair[0]);
    assert!(later, "{stamps:?}");
    assert_eq!(scene.info("often").text_of("type"), "oneshot");
    scene.stop();
}

#[test]
fn the_description_tells_the_next_time() {
    let never = "autostart=false\n";
    let programs = job("yearly", "cron=0 0 0 1 1 *") + &job("plain", never);
    let scene = Scene::start_as(Dir::new(), &programs, |launch| {
        launch.environment = &[("TZ", "XST-5:30")];
    });
    let yearly = scene.info("yearly");
    assert_eq!(yearly.text_of("statename"), "STOPPED");
    assert_eq!(
        yearly.text_of("description"),
        "Not started, next run Jan 01 12:00 AM"
    );
    let next_run = yearly.int_of("next_run");
    assert!(next_run > yearly.int_of("now"));
    // Midnight there.
    assert_eq!((next_run + 5 * HOUR + HOUR / 2) % (24 * HOUR), 0);
    let status = ctl(&scene, &["status"]);
    assert!(
        status
            .stdout
            .contains("Not started, next run Jan 01 12:00 AM\n"),
        "{}",
        status.stdout
    );
    // Programs without these keys have the members that they always had.
    let plain = scene.info("plain");
    assert_eq!(plain.text_of("description"), "Not started");
    assert!(!plain.to_string().contains("next_run"), "{plain}");
    // It is no program of which somebody wants that it runs.
    assert_eq!(ctl(&scene, &["healthcheck"]).status, Some(0));
    assert_eq!(ctl(&scene, &["healthcheck", "yearly"]).status, Some(0));
    assert_eq!(ctl(&scene, &["healthcheck", "plain"]).status, Some(1));
    scene.stop();
}

#[test]
fn one_that_still_runs_is_not_started_a_second_time() {
    let scene =
        Scene::start("[program:long]\ncommand=/bin/cat\ntype=oneshot\nschedule=* * * * * *\n");
    scene.wait_log("long is STARTING when its schedule comes: it is not started a second time");
    let pid = scene.pid("long");
    assert_eq!(scene.log().matches("spawned: 'long'").count(), 1);
    let description = scene.info("long").text_of("description").to_owned();
    assert!(
        description.starts_with(&format!("pid {pid}, uptime 0:00:"))
            && description.contains(", next run "),
        "{description}"
    );
    assert_eq!(ctl(&scene, &["healthcheck", "long"]).status, Some(0));
    // A stop ends this run, and not the schedule.
    scene.call("stopProcess", &[Value::text("long")]).answer();
    let again = wait_until(DEADLINE, || {
        scene.log().matches("spawned: 'long'").count() == 2
    });
    assert!(again, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_shutdown_stops_a_job_that_runs_and_starts_none() {
    let mut scene = Scene::start(
        "[program:long]\ncommand=/bin/sh -c 'trap \"sleep 2.5; exit 0\" TERM; while :; do sleep 0.1; done'\n\
         type=oneshot\nschedule=* * * * * *\n\
         [program:other]\ncommand=/bin/true\ntype=oneshot\nschedule=* * * * * *\n",
    );
    scene.wait_log("spawned: 'long'");
    scene.daemon.signal(libc::SIGTERM);
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
    let log = scene.log();
    let (_, end) = log.split_once("received SIGTERM").unwrap();
    assert!(end.contains("stopped: long"), "{log}");
    assert!(!end.contains("spawned"), "{log}");
}

#[test]
fn fatal_does_not_end_a_schedule() {
    let scene = Scene::start(
        "[program:bad]\ncommand=/bin/sh -c 'exit 3'\ntype=oneshot\nschedule=* * * * * *\n",
    );
    let twice = wait_until(DEADLINE, || {
        scene
            .log()
            .matches("gave up: bad entered FATAL state, exit status 3; not expected")
            .count()
            >= 2
    });
    assert!(twice, "{}", scene.log());
    let told = wait_until(DEADLINE, || {
        let info = scene.info("bad");
        let description = info.text_of("description").to_owned();
        info.text_of("statename") == "FATAL"
            && description.starts_with("exit status 3; not expected, next run ")
    });
    assert!(told, "{}", scene.info("bad"));
    assert_eq!(ctl(&scene, &["healthcheck", "bad"]).status, Some(1));
    scene.stop();
}

#[test]
fn several_that_come_at_one_instant_start_by_priority() {
    let programs: String = ["a", "b", "c"]
        .iter()
        .zip([3, 1, 2])
        .map(|(name, priority)| {
            let keys = format!("schedule=*/2 * * * * *\npriority={priority}");
            job(name, &keys)
        })
        .collect();
    let scene = Scene::start(&programs);
    for name in ["a", "b", "c"] {
        scene.wait_log(&format!("spawned: '{name}'"));
    }
    let log = scene.log();
    let spawned: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once("spawned: '"))
        .filter_map(|(_, rest)| rest.split('\'').next())
        .take(3)
        .collect();
    assert_eq!(spawned, ["b", "c", "a"], "{log}");
    scene.stop();
}

#[test]
fn a_job_can_be_started_by_hand_at_any_time() {
    let scene = Scene::start(&job("yearly", "schedule=@yearly"));
    let next_run = scene.info("yearly").int_of("next_run");
    assert_eq!(ctl(&scene, &["start", "yearly"]).status, Some(0));
    let info = scene.info("yearly");
    assert_eq!(info.text_of("statename"), "EXITED");
    assert_eq!(info.int_of("next_run"), next_run);
    assert_eq!(stamps(&scene, "yearly").len(), 1);
    scene.stop();
}

#[test]
fn an_update_computes_the_next_time_anew_and_the_last_schedule_takes_the_timer_with_it() {
    let scene = Scene::start(&job("j", "schedule=@yearly"));
    let set = |keys: &str| {
        let text = usual_configuration(&job("j", keys));
        scene.dir.write("supervisord.conf", text);
        ctl(&scene, &["update"]);
        scene.info("j")
    };
    let yearly = scene.info("j").int_of("next_run");
    let with_schedule = timers(&scene);
    let often = set("schedule=* * * * *");
    assert!(
        often.int_of("next_run") <= often.int_of("now") + 61,
        "{often}"
    );
    assert_eq!(timers(&scene), with_schedule);
    let none = set("autostart=false");
    assert!(!none.to_string().contains("next_run"), "{none}");
    assert_eq!(timers(&scene), with_schedule - 1);
    assert_eq!(set("schedule=@yearly").int_of("next_run"), yearly);
    assert_eq!(timers(&scene), with_schedule);
    // A restart begins anew, with one timer.
    scene.call("restart", &[]).answer();
    let again = wait_until(DEADLINE, || {
        scene.log().matches("supervisord started").count() == 2 && scene.rpc.answers()
    });
    assert!(again, "{}", scene.log());
    assert_eq!(scene.info("j").int_of("next_run"), yearly);
    assert_eq!(timers(&scene), with_schedule);
    scene.stop();
}

/// The wall clock of the host, which nobody sets.
fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

const HOUR: i64 = 3_600;

/// A nightly job that is to come in half an hour, and one that comes every hour at that minute.
fn under_a_clock_that_is_set() -> Scene {
    let then = wall() + HOUR / 2;
    let (hour, minute) = (then / HOUR % 24, then / 60 % 60);
    let programs = job("nightly", &format!("schedule={minute} {hour} * * *"))
        + &job("hourly", &format!("schedule={minute} * * * *"));
    let scene = Scene::start_as(Dir::new(), &programs, |launch| {
        launch.shim = true;
        launch.environment = &[("TZ", "UTC")];
    });
    assert!((0..HOUR).contains(&(next_run(&scene, "nightly") - wall())));
    scene
}

fn next_run(scene: &Scene, name: &str) -> i64 {
    scene.info(name).int_of("next_run")
}

/// Has the clock of the daemon set, and waits until the next time of the hourly job is within
/// the hour.
fn set_clock(scene: &Scene, offset: i64) {
    scene.dir.write("clock", offset.to_string());
    let is_new = wait_until(DEADLINE, || {
        let ahead = next_run(scene, "hourly") - (wall() + offset);
        (-1..=HOUR).contains(&ahead)
    });
    assert!(is_new, "{}\n{}", scene.info("hourly"), scene.log());
}

#[test]
fn a_clock_that_is_set_by_an_hour_leaves_nothing_out_and_repeats_nothing() {
    let scene = under_a_clock_that_is_set();
    let first = next_run(&scene, "nightly");
    set_clock(&scene, HOUR);
    wait_stamps(&scene, "nightly", 1);
    scene.wait("nightly", "EXITED");
    let tomorrow = next_run(&scene, "nightly");
    assert_eq!(tomorrow, first + 24 * HOUR);
    set_clock(&scene, 0);
    assert_eq!(next_run(&scene, "nightly"), tomorrow);
    // What comes every hour goes by elapsed time: nothing is made up for.
    assert_eq!(stamps(&scene, "hourly"), [0; 0]);
    assert_eq!(stamps(&scene, "nightly").len(), 1);
    scene.stop();
}

#[test]
fn a_clock_that_is_set_right_gives_new_times() {
    let scene = under_a_clock_that_is_set();
    let first = next_run(&scene, "nightly");
    for days in [10, 3] {
        set_clock(&scene, days * 24 * HOUR);
        assert_eq!(next_run(&scene, "nightly"), first + days * 24 * HOUR);
    }
    assert_eq!(stamps(&scene, "nightly"), [0; 0]);
    assert_eq!(stamps(&scene, "hourly"), [0; 0]);
    scene.stop();
}

#[test]
fn without_the_timer_of_the_system_the_times_are_the_same() {
    let dir = Dir::new();
    dir.write("timerfd", libc::ENOSYS.to_string());
    let programs = job("often", "schedule=*/2 * * * * *");
    let scene = Scene::start_as(dir, &programs, |launch| launch.shim = true);
    wait_stamps(&scene, "often", 2);
    assert_eq!(timers(&scene), 0);
    scene.stop();
}
