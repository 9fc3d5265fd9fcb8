//! What a process uses, as `getProcessFigures` tells it. Some of it is read from the system for
//! each call, and only then.

use std::fmt::Write as _;

use crate::process::subprocess::Subprocess;
use crate::sys::processes;
use crate::xmlrpc::writer::StructWriter;

/// Writes a row. What nobody knows is left out.
pub fn push(text: &mut String, process: &Subprocess) {
    let pid = process.machine().pid();
    let mut row = StructWriter::begin(text);
    row.string("name", &process.config().name);
    row.string("group", process.group_name());
    row.int("pid", i64::from(pid));
    let used = Some(pid).filter(|pid| *pid > 0).and_then(processes::stat);
    if let Some(used) = used {
        row.int("threads", signed(used.threads));
        let (seconds, part) = (
            used.processor_time.as_secs(),
            used.processor_time.subsec_millis(),
        );
        push_double(&mut row, "cpu_seconds", seconds, part / 10);
        push_double(&mut row, "resident_bytes", used.resident, 0);
        if let Some(files) = processes::open_files(pid) {
            row.int("open_fds", signed(files));
        }
    }
    if let Some(counts) = process.counts() {
        row.int("restarts", signed(counts.starts.get().saturating_sub(1)));
        push_double(&mut row, "log_bytes", counts.log_bytes.get(), 0);
        push_double(&mut row, "log_lost_bytes", counts.lost_bytes.get(), 0);
    }
    row.end();
}

/// The integers of XML-RPC have 32 bits, which is little for bytes.
fn push_double(row: &mut StructWriter<'_>, name: &str, whole: u64, hundredths: u32) {
    row.member(name, |text| {
        let _ = writeln!(
            text,
            "<value><double>{whole}.{hundredths:02}</double></value>"
        );
    });
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
