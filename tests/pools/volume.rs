//! Very many events: each is accepted once, or told as lost. `EVENTS=1000000`
//! emits as many of them.

use super::super::support::{Dir, Scene, Value, usual_configuration, wait_until};
use super::{pool, resident, send, wait_noted, workshop};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How many events are emitted, and how many in one call.
const EVENTS: usize = 100_000;
const IN_ONE_CALL: usize = 1000;

/// Rejects one event in a hundred and dies over one in two thousand, by a
/// generator with a fixed seed.
const FICKLE: &str = r#"
import random
name = os.environ['SUPERVISOR_PROCESS_NAME']
lives = name + '.lives'
life = os.path.exists(lives) and len(open(lives).readlines()) or 0
note(lives, '')
random.seed('%s %d' % (name, life))
file = os.open(name + '.got', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
say('READY\n')
while True:
    line = sys.stdin.buffer.readline()
    if not line:
        break
    _, _, serial, _, _, _, length = line.split()
    payload = sys.stdin.buffer.read(int(length[4:]))
    fate = random.random()
    word = b'D' if fate < 0.0005 else b'R' if fate < 0.01 else b'A'
    os.write(file, b'%s %s %s\n' % (word, serial[7:], payload[7:]))
    if word == b'D':
        break
    say(b'RESULT 2\nOKREADY\n' if word == b'A' else b'RESULT 4\nFAILREADY\n')
"#;

/// The multicall for a range of events.
fn emission(numbers: std::ops::Range<usize>) -> String {
    let call = |number: usize| {
        format!(
            "<value><struct><member><name>methodName</name><value>supervisor.sendRemoteCommEvent</value></member>\
             <member><name>params</name><value><array><data><value>n</value><value>{number}</value></data></array></value></member>\
             </struct></value>"
        )
    };
    let calls: String = numbers.map(call).collect();
    format!(
        "<methodCall><methodName>system.multicall</methodName><params><param><value><array><data>{calls}\
         </data></array></value></param></params></methodCall>"
    )
}

/// What the listeners of a pool did with their events: for each process the
/// words and serials in order.
fn record(dir: &Dir, pool: &str, processes: usize) -> Vec<Vec<(char, u64)>> {
    let read = |index: usize| {
        let text = dir.read(&format!("{pool}_{index}.got")).unwrap_or_default();
        let lines = text.lines().map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            // The only events are these: the serial is the number in the payload.
            assert_eq!(words[1], words[2], "{line}");
            (words[0].chars().next().unwrap(), words[1].parse().unwrap())
        });
        lines.collect()
    };
    (0..processes).map(read).collect()
}

/// How many events the log tells as lost.
fn lost(scene: &Scene, pool: &str) -> usize {
    let begin = format!("pool {pool} event buffer overflowed, ");
    let log = scene.dir.read("main.log").unwrap();
    let lines = log.lines().filter_map(|line| line.split_once(&begin));
    lines
        .map(|(_, rest)| match rest.split(' ').next().unwrap() {
            "discarding" => 1,
            number => number.parse::<usize>().unwrap(),
        })
        .sum()
}

#[test]
fn every_event_is_accepted_once_or_told_as_lost() {
    let count = std::env::var("EVENTS").map_or(EVENTS, |text| text.parse().unwrap());
    let member = "process_name=%(program_name)s_%(process_num)d";
    let all = "REMOTE_COMMUNICATION";
    // One pool has room for all of them, the other one has not.
    let four = format!("numprocs=4\n{member}\nautorestart=true\nbuffer_size={count}");
    let small = format!("{member}\nautorestart=true\nbuffer_size=500");
    let sections = pool("four", "bad", all, &four) + &pool("small", "bad", all, &small);
    let mut scene = Scene::start_as(workshop(FICKLE), &sections, |_| {});
    scene.wait_all("RUNNING");
    let before = resident(&scene);
    let begin = Instant::now();
    let mut highest = 0;
    for first in (0..count).step_by(IN_ONE_CALL) {
        let body = emission(first..count.min(first + IN_ONE_CALL));
        let Value::Array(answers) = scene.rpc.post(&body).answer() else {
            panic!("an array was expected");
        };
        assert!(answers.iter().all(|answer| *answer == Value::Bool(true)));
        highest = highest.max(resident(&scene));
    }
    let emitted = begin.elapsed();
    // The pool of four has all of them; the last is the last that the small one accepts.
    let last = format!("A {} {}\n", count - 1, count - 1);
    let mut seen = 0;
    let done = wait_until(Duration::from_secs(300), || {
        highest = highest.max(resident(&scene));
        let four: Vec<String> = (0..4)
            .filter_map(|number| scene.dir.read(&format!("four_{number}.got")))
            .collect();
        // They are counted when they do not grow any more.
        let size = four.iter().map(String::len).sum();
        if std::mem::replace(&mut seen, size) != size {
            return false;
        }
        let accepted = |text: &String| text.lines().filter(|line| line.starts_with('A')).count();
        four.iter().map(accepted).sum::<usize>() >= count
            && scene
                .dir
                .read("small_0.got")
                .is_some_and(|text| text.contains(&last))
    });
    assert!(
        done,
        "the listeners do not come to an end:\n{}",
        scene.log()
    );
    let taken = begin.elapsed();
    assert_eq!(scene.daemon.stop(), Some(0), "{}", scene.log());

    for (pool, processes) in [("four", 4), ("small", 1)] {
        let record = record(&scene.dir, pool, processes);
        let mut accepted = BTreeMap::new();
        let mut returned = BTreeSet::new();
        for &(word, serial) in record.iter().flatten() {
            match word {
                'A' => *accepted.entry(serial).or_insert(0) += 1,
                _ => _ = returned.insert(serial),
            }
        }
        let twice: Vec<_> = accepted.iter().filter(|(_, times)| **times > 1).collect();
        assert!(
            twice.is_empty(),
            "{pool}: accepted more than once: {twice:?}"
        );
        let lost = lost(&scene, pool);
        assert_eq!(accepted.len() + lost, count, "{pool}: {lost} lost");
        // An event that comes after a later one had been returned before.
        for events in &record {
            let mut last = 0;
            for &(_, serial) in events {
                let is_late = serial < last;
                assert!(
                    !is_late || returned.contains(&serial),
                    "{pool}: {serial} is late"
                );
                last = last.max(serial);
            }
        }
        assert_eq!(lost > 0, pool == "small", "{pool}: {lost} lost");
        let returns = record
            .iter()
            .flatten()
            .filter(|(word, _)| *word != 'A')
            .count();
        assert!(
            returns * 200 > accepted.len(),
            "{pool}: only {returns} returned"
        );
        println!(
            "{pool}: {} accepted, {lost} lost, {returns} returned",
            accepted.len()
        );
    }
    let grown = highest.saturating_sub(before);
    let bound = 24 << 20;
    assert!(grown < bound + count as u64 * 512, "grown by {grown} bytes");
    println!("{count} events: emitted in {emitted:?}, done in {taken:?}, grown by {grown} bytes");
}

/// Programs that stop at once, all together.
fn crowd(count: usize) -> String {
    format!(
        "[program:p]\ncommand=/bin/cat\nnumprocs={count}\nprocess_name=p%(process_num)d\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
}

#[test]
fn a_listener_was_told_of_ten_of_twenty_programs_that_stopped_together() {
    let stopped = "PROCESS_STATE_STOPPED,REMOTE_COMMUNICATION";
    let sections = pool("unset", "recorder", stopped, "")
        + &pool("ten", "bad", stopped, "buffer_size=10")
        + &crowd(20);
    // It is ready when all have stopped.
    let script = "wait('go')\nexec(open('recorder.py').read())";
    let scene = Scene::start_as(workshop(script), &sections, |_| {});
    scene.wait_all("RUNNING");
    scene.call("stopProcessGroup", &[Value::text("p")]).answer();
    send(&scene, "end", "");
    scene.dir.write("go", "");
    let noted = wait_noted(&scene, "unset", 21);
    let stopped = noted
        .iter()
        .filter(|line| line.contains(" PROCESS_STATE_STOPPED "));
    assert_eq!(stopped.count(), 20, "{noted:?}");
    // Where a size is set, that holds.
    assert_eq!(wait_noted(&scene, "ten", 10).len(), 10);
    let log = scene.log();
    assert!(
        log.contains("pool ten event buffer overflowed, discarding event 0"),
        "{log}"
    );
    assert!(!log.contains("pool unset event buffer overflowed"), "{log}");
    scene.stop();
}

#[test]
fn thousands_of_events_wait_for_a_listener_that_is_not_there_and_no_more_than_fit() {
    let sections = pool("a", "recorder", "REMOTE_COMMUNICATION", "autostart=false");
    let scene = Scene::start_as(workshop(""), &sections, |_| {});
    let before = resident(&scene);
    let emit = |numbers: std::ops::Range<usize>| {
        for first in numbers.clone().step_by(IN_ONE_CALL) {
            let body = emission(first..numbers.end.min(first + IN_ONE_CALL));
            scene.rpc.post(&body).answer();
        }
    };
    emit(0..3000);
    assert!(!scene.log().contains("overflowed"), "{}", scene.log());
    emit(3000..60_000);
    assert!(
        scene
            .log()
            .contains("pool a event buffer overflowed, discarding event 0"),
        "{}",
        scene.log()
    );
    let grown = resident(&scene).saturating_sub(before);
    assert!(grown < 8 << 20, "grown by {grown} bytes");
    scene.call("startProcess", &[Value::text("a")]).answer();
    let noted = wait_noted(&scene, "a", 3000);
    // The newest are those that are left, in order.
    let first: usize = noted[0].split(' ').next().unwrap().parse().unwrap();
    assert!((50_000..57_000).contains(&first), "{first}");
    scene.daemon.signal(libc::SIGKILL);
}

#[test]
fn a_size_of_ten_that_is_set_counts_from_the_next_life_of_the_pool_on() {
    let program = |more: &str| pool("a", "recorder", "REMOTE_COMMUNICATION", more);
    let scene = Scene::start_as(workshop(""), &program("autostart=false"), |_| {});
    let fill = |count: usize| {
        for _ in 0..count {
            send(&scene, "n", "");
        }
    };
    fill(11);
    let fresh = program("autostart=false\nbuffer_size=10");
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&fresh));
    let reread = scene.call("reloadConfig", &[]).answer().to_string();
    assert_eq!(reread, "[[[], [], []]]");
    fill(1);
    assert!(!scene.log().contains("overflowed"), "{}", scene.log());
    let name = [Value::text("a")];
    scene.call("removeProcessGroup", &name).answer();
    scene.call("addProcessGroup", &name).answer();
    fill(10);
    assert!(!scene.log().contains("overflowed"), "{}", scene.log());
    fill(1);
    assert!(scene.log().contains("pool a event buffer overflowed"));
    scene.stop();
}
