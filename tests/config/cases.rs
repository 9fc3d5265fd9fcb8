//! Golden cases: each `tests/config/cases/NAME.conf` has its expected dump in
//! `NAME.lines` and `NAME.lenient`. They were written by the oracle, so they hold where
//! no Supervisor is installed too; `oracle.rs` checks that they still agree.

use std::path::PathBuf;

use super::dump;
use super::oracle::comparable;
use super::system::TestSystem;

/// Where the cases are.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/config/cases")
}

#[test]
fn every_case_gives_what_it_gave_before() {
    let directory = directory().canonicalize().unwrap();
    let place = directory.to_str().unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "conf") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let lines = dump::lines(&std::fs::read(&path).unwrap(), name);
        let start = dump::evaluated(TestSystem::Lenient.load(place, name));
        for (kind, ours) in [("lines", lines), ("lenient", start)] {
            let expected = std::fs::read_to_string(path.with_extension(kind)).unwrap();
            let ours = ours.replace(place, "DIR") + "\n";
            // They tell what 4.3.0 says.
            let (ours, expected) = (comparable(ours), comparable(expected));
            assert_eq!(ours.trim_end(), expected.trim_end(), "{kind} of {name}");
        }
        count += 1;
    }
    assert!(count > 90, "only {count} cases");
}
