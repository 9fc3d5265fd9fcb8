//! Which section `--check` blames for a process of a `[group:x]`: the one that made it.

use std::process::Command;

use super::support::{DEADLINE, Dir, binary, finish};

/// The warnings of a check, with the numbers of their lines and the section in each.
fn warnings(text: &str) -> Vec<String> {
    let dir = Dir::new();
    let server = "[unix_http_server]\nfile=%(here)s/s\n";
    dir.write("s.conf", format!("[supervisord]\n{text}{server}"));
    let mut command = Command::new(binary());
    command
        .current_dir(dir.path())
        .args(["-c", "s.conf", "--check"]);
    let found = finish(command, "", DEADLINE);
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    let warnings = found.stderr.lines();
    let warnings = warnings.filter(|line| line.contains(": warning: "));
    warnings.map(str::to_owned).collect()
}

#[test]
fn another_program_was_blamed_whose_name_is_in_the_name_of_the_process() {
    let found = warnings(
        "[group:g]\nprograms=web,web-two\n\
         [program:web]\ncommand=cat\nprocess_name=web-two-first\ndirectory=/no/where\n\
         [program:web-two]\ncommand=cat\n",
    );
    assert_eq!(
        found,
        [
            "s.conf:7: warning: [program:web] there is no such directory, so it cannot start: /no/where"
        ]
    );
}

#[test]
fn the_group_was_blamed_for_a_process_that_does_not_have_its_programs_name() {
    let found = warnings(
        "[group:g]\nprograms=one,two\n\
         [program:one]\ncommand=cat\nprocess_name=first_%(process_num)d\nnumprocs=2\n\
         stdout_logfile=/no/where/1.log\n\
         [fcgi-program:two]\nsocket=tcp://127.0.0.1:9\ncommand=/no/such/command\nprocess_name=second\n\
         stderr_logfile=/no/where/2.log\n",
    );
    assert_eq!(
        found,
        [
            "s.conf:8: warning: the directory /no/where for stdout_logfile is missing: \
             [program:one] cannot start before it is there",
            "s.conf:11: warning: [fcgi-program:two] can't find command '/no/such/command', \
             so it cannot start",
            "s.conf:13: warning: the directory /no/where for stderr_logfile is missing: \
             [fcgi-program:two] cannot start before it is there",
        ]
    );
}

#[test]
fn of_two_processes_of_one_name_the_section_of_the_last_is_blamed() {
    let found = warnings(
        "[group:g]\nprograms=one,two,three\n\
         [program:one]\ncommand=cat\nprocess_name=same\n\
         [program:two]\ncommand=/no/such/command\nprocess_name=same\n\
         [program:three]\ncommand=cat\n",
    );
    let about = "[program:two] can't find command '/no/such/command', so it cannot start";
    assert!(
        found.contains(&format!("s.conf:8: warning: {about}")),
        "{found:?}"
    );
}
