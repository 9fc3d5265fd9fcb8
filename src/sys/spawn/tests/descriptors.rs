//! What a child has besides its streams.

use super::*;
use std::os::fd::FromRawFd;

#[test]
fn descriptors_that_lie_where_others_are_to_be_change_their_places() {
    const NAME: &str = "descriptors_that_lie_where_others_are_to_be_change_their_places";
    if isolated(module_path!(), NAME, &[]) {
        return;
    }
    // Files on 20 to 23, of which each knows its number.
    let directory = tempfile::tempdir().unwrap();
    let files: Vec<File> = (20..24)
        .map(|number| {
            let path = directory.path().join(number.to_string());
            std::fs::write(&path, format!("{number}\n")).unwrap();
            let file = File::open(&path).unwrap();
            // SAFETY: numbers only; the test has its process for itself.
            let moved = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number) };
            assert_eq!(moved, number);
            // SAFETY: opened above.
            File::from(unsafe { std::os::fd::OwnedFd::from_raw_fd(moved) })
        })
        .collect();
    let file = |place: usize| files[place].as_fd();
    let script = "for n in 3 20 21 22 23; do at=/proc/self/fd/$n; \
                  [ ! -e $at ] || { read text < $at; echo $n: $text; }; done";
    let words = ["/bin/sh", "-c", script];
    for (wanted, told) in [
        // One stays in its place, two change theirs, one comes from above.
        (
            &[(20, 20), (22, 21), (21, 22)][..],
            "20: 20\n21: 22\n22: 21\n",
        ),
        // A row of them, each in the place of the next.
        (&[(20, 21), (21, 22), (22, 23)], "21: 20\n22: 21\n23: 22\n"),
        (&[(22, 21), (23, 3)], "3: 23\n21: 22\n"),
    ] {
        let all = wanted
            .iter()
            .map(|(source, number)| (file(source - 20), *number));
        let mut steps = steps(&[]);
        steps.insert(3, Step::Descriptors(all.collect()));
        let outcome = run_with("/bin/sh", &words, &[], &steps);
        assert_eq!(outcome.stdout, told, "{wanted:?} {}", outcome.stderr);
        // The error pipe makes room, wherever it is.
        let numbers = (3..20).map(|number| (file(0), number));
        steps[3] = Step::Descriptors(numbers.collect());
        let outcome = run_with("/nowhere", &["x"], &[], &steps);
        assert_failed(
            &outcome,
            "couldn't exec x: ENOENT",
            "No such file or directory",
        );
    }
}

#[test]
fn a_program_is_told_of_its_sockets_with_its_own_pid() {
    let given = [("LISTEN_PID", "1"), ("A", "b"), ("LISTEN_FDS", "7")];
    let told = [Step::TellSockets(vec!["web", "admin"])];
    let outcome = run(&["/usr/bin/env"], &given, &told);
    let pid = outcome.pid;
    let mut told: Vec<&str> = outcome.stdout.lines().collect();
    told.sort_unstable();
    let pid = format!("LISTEN_PID={pid}");
    let expected = ["A=b", "LISTEN_FDNAMES=web:admin", "LISTEN_FDS=2", &pid];
    assert_eq!(told, expected);
}
