use super::*;

#[test]
fn a_holder_that_is_about_to_go_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid");
    let name = path.to_str().unwrap();
    fs::write(&path, "12\n").unwrap();
    let first = PidFile::take(name, Duration::ZERO).unwrap();
    let held = PidFile::take(name, Duration::ZERO).unwrap_err();
    assert_eq!(held.pid, Some(12));
    let leaving = thread::spawn(move || {
        thread::sleep(2 * PAUSE);
        drop(first);
    });
    let mut second = PidFile::take(name, Duration::from_secs(60)).unwrap();
    leaving.join().unwrap();
    second.write().unwrap();
    let text = format!("{}\n", std::process::id());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert!(second.is_at(name));
    drop(second);
    assert!(!path.exists());
}

#[test]
fn there_is_no_file_before_there_is_a_number() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid");
    let name = path.to_str().unwrap();
    let mut one = PidFile::take(name, Duration::ZERO).unwrap();
    let mut other = PidFile::take(name, Duration::ZERO).unwrap();
    assert!(!path.exists());
    one.write().unwrap();
    assert!(matches!(other.write(), Err(WriteError::Held(_))));
    drop(other);
    assert!(path.exists());
}

#[test]
fn a_longer_number_is_overwritten_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid");
    fs::write(&path, "123456789012345\nand more").unwrap();
    let mut pidfile = PidFile::take(path.to_str().unwrap(), Duration::ZERO).unwrap();
    pidfile.write().unwrap();
    let text = format!("{}\n", std::process::id());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}
