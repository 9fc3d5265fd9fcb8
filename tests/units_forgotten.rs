//! Limits of sizes that were written without their unit, or as nothing at all: they are errors,
//! and nothing is done by them.

use super::inspect::{supervisord, with};
use std::fs;

#[test]
fn a_limit_without_its_unit_removed_all_backups_of_all_logs() {
    for (limit, near) in [("50", "50MB"), ("1023", "1023MB"), ("0MB", "infinity")] {
        let dir = with(&format!(
            "[supervisord]\nnodaemon=true\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
             childlogs_maxbytes={limit}\n[program:p]\ncommand=/bin/echo text\n\
             stdout_logfile=%(here)s/p.log\nexit_supervisord=true\n"
        ));
        let backup = dir.join("p.log.1");
        fs::write(&backup, "x".repeat(5000)).unwrap();
        let found = supervisord(&dir, &[]);
        let error =
            format!("Invalid childlogs_maxbytes value '{limit}' in [supervisord] (write {near}");
        assert!(found.stderr.contains(&error), "{found:?}");
        assert_eq!(found.status, Some(2));
        assert!(backup.exists());
    }
}

#[test]
fn a_limit_of_memory_without_its_unit_ended_every_start() {
    for key in ["memory_max", "memory_check"] {
        for (limit, status) in [("600", 2), ("1023", 2), ("0K", 2), ("1K", 0), ("1024", 0)] {
            let dir = with(&format!(
                "[supervisord]\nnodaemon=true\nlogfile=%(here)s/main.log\n[program:p]\n\
                 command=cat\n{key}={limit}\n"
            ));
            let found = supervisord(&dir, &["--check"]);
            assert_eq!(found.status, Some(status), "{key}={limit}: {found:?}");
        }
    }
}
