//! Rotation under fire: twenty children write as fast as they can into logs
//! that roll over, are rotated on request, packed, cleared, moved away and reopened all the while. Every
//! line is in exactly one file, or in one that was cleared or fell off the
//! backups. `ROTATION_MB` is how much they write in total (`make rotation`).

use super::support::{Dir, Scene, Value, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// `w⟨writer⟩ ⟨number⟩ ` and filling up to this. seq writes whole pages to a pipe
/// and the daemon reads whole pages, so no line is ever cut.
const LINE: usize = 64;
const LINES_PER_PAGE: usize = 4096 / LINE;

/// The logs with their writers, and whether files may fall off the end. Those
/// are left alone by clearing and moving, so that what is missing is the beginning.
const LOGS: [(&str, &[usize], bool); 13] = [
    ("a", &[0], false),
    ("b", &[1], false),
    ("c", &[2], false),
    ("d", &[3], false),
    ("e", &[4], false),
    ("f", &[5], false),
    ("g", &[6], false),
    ("h", &[7], false),
    ("shared1", &[8, 9, 10, 11], false),
    ("shared2", &[12, 13, 14, 15], false),
    ("short1", &[16], true),
    ("short2", &[17], true),
    ("short-shared", &[18, 19], true),
];
const WRITERS: usize = 20;
const SHORT_BACKUPS: usize = 2;
/// The most rotations that are requested, each of which may push a backup out.
const REQUESTS: usize = 300;
const MAXBYTES: usize = 512 * 1024;

/// Numbers that look like chance, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

fn configuration(lines: usize) -> String {
    // More than all writers of one log can fill.
    let backups = 4 * lines * LINE / MAXBYTES + 1 + REQUESTS;
    let filling = "x".repeat(LINE - "w00 0000000000 \n".len());
    let mut text = String::new();
    for (place, (log, writers, is_short)) in LOGS.into_iter().enumerate() {
        let backups = if is_short { SHORT_BACKUPS } else { backups };
        // What is moved away by its name has no processor: both would have it.
        let features = match (is_short, place % 3) {
            (true, _) => "stdout_logfile_processor=gzip -1\nstdout_logfile_chmod=0640\n",
            (false, 0) => "stdout_logfile_rotate=daily\nstdout_ring=4KB\n",
            (false, 1) => "stdout_logfile_chmod=0600\n",
            (false, _) => "",
        };
        for writer in writers {
            text.push_str(&format!(
                "[program:w{writer:02}]\ncommand=/usr/bin/seq -f 'w{writer:02} %%010.0f {filling}' 1 {lines}\n\
                 startsecs=0\nautostart=false\nautorestart=false\nredirect_stderr=true\n\
                 stdout_logfile=%(here)s/logs/{log}.log\nstdout_logfile_maxbytes={MAXBYTES}\nstdout_logfile_backups={backups}\n{features}"
            ));
        }
    }
    text
}

/// What was done to the logs.
#[derive(Default, Debug)]
struct Disturbances {
    reopened: usize,
    requested: usize,
    moved: usize,
    cleared: usize,
    /// Clears of each log that found another file than the one that the test had kept.
    unseen: BTreeMap<&'static str, usize>,
}

/// One disturbance, chosen by chance.
fn disturb(scene: &Scene, chance: &mut Chance, done: &mut Disturbances) {
    let logs = scene.dir.join("logs");
    let kept = scene.dir.join("kept");
    let (log, writers, is_short) = LOGS[chance.below(LOGS.len())];
    let live = logs.join(format!("{log}.log"));
    let number = done.moved + done.cleared;
    match chance.below(11) {
        10 if done.requested < REQUESTS => {
            let name = format!("w{:02}", writers[0]);
            // While its processor works it is refused.
            scene.call("rotateProcessLogs", &[Value::text(&name)]);
            done.requested += 1;
        }
        0..=3 => {
            scene.daemon.signal(libc::SIGUSR2);
            done.reopened += 1;
        }
        4..=8 if !is_short => {
            let from = match chance.below(3) {
                0 => logs.join(format!("{log}.log.{}", 1 + chance.below(3))),
                _ => live,
            };
            let to = kept.join(format!("{log}-moved-{number}"));
            done.moved += usize::from(fs::rename(from, to).is_ok());
        }
        9 if !is_short => {
            let keep = kept.join(format!("{log}-cleared-{number}"));
            if fs::hard_link(&live, &keep).is_err() {
                return;
            }
            let name = format!("w{:02}", writers[chance.below(writers.len())]);
            scene
                .call("clearProcessLogs", &[Value::text(&name)])
                .answer();
            done.cleared += 1;
            // It has rolled over in between, so another file was removed.
            if fs::metadata(&keep).unwrap().nlink() > 1 {
                *done.unseen.entry(log).or_default() += 1;
            }
        }
        _ => {}
    }
}

/// What stands in the files, each once: how often each line of each writer.
struct Found {
    counts: Vec<Vec<u8>>,
    files: usize,
    bytes: usize,
}

fn read_all(folders: &[PathBuf], lines: usize) -> Found {
    let mut found = Found {
        counts: vec![vec![0; lines + 1]; WRITERS],
        files: 0,
        bytes: 0,
    };
    let mut seen = BTreeSet::new();
    for entry in folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
    {
        let path = entry.unwrap().path();
        if seen.insert(path.metadata().unwrap().ino()) {
            read_one(&path, &mut found);
        }
    }
    found
}

fn read_one(path: &Path, found: &mut Found) {
    let bytes = match path.extension().is_some_and(|ending| ending == "gz") {
        true => {
            Command::new("gzip")
                .arg("-dc")
                .arg(path)
                .output()
                .unwrap()
                .stdout
        }
        false => fs::read(path).unwrap(),
    };
    let mut last = [0; WRITERS];
    for line in bytes.chunks(LINE) {
        let text = String::from_utf8_lossy(line);
        let whole = line.len() == LINE && text.starts_with('w') && text.ends_with("x\n");
        let writer = text.get(1..3).and_then(|digits| digits.parse().ok());
        let number = text.get(4..14).and_then(|digits| digits.parse().ok());
        let (true, Some(writer), Some(number)) = (whole, writer, number) else {
            panic!("{} holds {text:?}", path.display());
        };
        let (writer, number): (usize, usize) = (writer, number);
        assert!(
            number > last[writer],
            "out of order in {}: {text}",
            path.display()
        );
        last[writer] = number;
        found.counts[writer][number] += 1;
    }
    found.files += 1;
    found.bytes += bytes.len();
}

/// The ranges of numbers that are in no file.
fn gaps(counts: &[u8]) -> Vec<(usize, usize)> {
    let mut gaps: Vec<(usize, usize)> = Vec::new();
    for number in (1..counts.len()).filter(|number| counts[*number] == 0) {
        match gaps.last_mut() {
            Some((_, end)) if *end + 1 == number => *end = number,
            _ => gaps.push((number, number)),
        }
    }
    gaps
}

#[test]
fn every_line_is_in_one_file_whatever_befalls_the_logs_meanwhile() {
    let megabytes = std::env::var("ROTATION_MB").map_or(150, |text| text.parse().unwrap());
    let lines = (megabytes * 1024 * 1024 / WRITERS / LINE).next_multiple_of(LINES_PER_PAGE);
    let limit = Duration::from_secs(60 + megabytes as u64);
    let dir = Dir::new();
    for folder in ["logs", "kept"] {
        fs::create_dir(dir.join(folder)).unwrap();
    }
    let configuration = format!("childlogs_maxbytes=1GB\n{}", configuration(lines));
    let mut scene = Scene::start_as(dir, &configuration, |_| {});
    let begin = Instant::now();
    scene.call("startAllProcesses", &[]).answer();
    let mut chance = Chance(20_041_972);
    let mut done = Disturbances::default();
    let ended = wait_until(limit, || {
        for _ in 0..4 {
            disturb(&scene, &mut chance, &mut done);
        }
        let all = scene.all();
        all.iter().all(|info| info.text_of("statename") == "EXITED")
    });
    assert!(ended, "{done:?}\n{}", scene.log());
    let taken = begin.elapsed();
    // The last processor ends, or what it has half done is gone.
    assert_eq!(scene.daemon.stop(), Some(0), "{}", scene.log());

    let found = read_all(&[scene.dir.join("logs"), scene.dir.join("kept")], lines);
    let mut missing = 0;
    for (log, writers, is_short) in LOGS {
        let has_an_end = writers
            .iter()
            .any(|writer| found.counts[*writer][lines] == 1);
        assert!(has_an_end || !is_short, "{log} lacks the last lines");
        let unseen = done.unseen.get(log).copied().unwrap_or_default();
        for writer in writers {
            let counts = &found.counts[*writer];
            let twice = counts.iter().position(|count| *count > 1);
            assert_eq!(twice, None, "a line of w{writer:02} is there twice");
            let gaps = gaps(counts);
            missing += gaps.iter().map(|(from, to)| to + 1 - from).sum::<usize>();
            if is_short {
                let at_the_beginning = gaps.iter().all(|(from, _)| *from == 1);
                assert!(at_the_beginning, "w{writer:02} of {log} lacks {gaps:?}");
            } else {
                assert!(
                    gaps.len() <= unseen,
                    "w{writer:02} of {log} lacks {gaps:?}; {done:?}"
                );
            }
        }
    }
    let told = scene.log();
    assert!(!told.contains("ERRO") && !told.contains("lost"), "{told}");
    println!(
        "{megabytes} MB in {taken:.1?}: {} files with {} bytes, {missing} lines fell off or were in a file cleared unseen; {done:?}",
        found.files, found.bytes
    );
    assert!(
        done.reopened > 0 && done.moved > 0 && done.requested > 0,
        "{done:?}"
    );
}
