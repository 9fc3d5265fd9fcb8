//! The file in which supervisord keeps what operators have decided and is to hold over restarts:
//! which processes are disabled. It is written as a whole beside the one that is there and then put
//! into its place, so that it is never half of one; people may read and edit it while supervisord
//! does not run.

use std::io::{self, Write};
use std::path::Path;

use nix::fcntl::OFlag;

use crate::supervisor::child_record::{check_directories, read_own};
use crate::sys::safe_path::FileAt;

/// A file of more bytes is not one of ours.
const SIZE_LIMIT: u64 = 16 << 20;

const HEAD: &str = "# Written by supervisord: what it keeps over restarts.\n";

/// Group and process, sorted.
pub type Names = Vec<(String, String)>;

/// What the file tells. There is nothing to tell if there is no file.
pub fn read(path: &str) -> io::Result<Names> {
    let Some(text) = read_own(path, SIZE_LIMIT)? else {
        return Ok(Names::new());
    };
    if text.len() as u64 == SIZE_LIMIT {
        return Err(io::Error::other("it is longer than a state file can be"));
    }
    parse(&text).map_err(io::Error::other)
}

/// Puts a file with these names into the place of what is there, if that is one of ours.
pub fn write(path: &str, names: &Names) -> io::Result<()> {
    check_directories(path)?;
    read(path)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let new = format!("{name}.new");
    let place = FileAt::of(Path::new(path))?.beside(new.as_ref());
    match place.remove() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = place.make(OFlag::O_WRONLY, 0o600)?;
    let written = file
        .write_all(text_of(names).as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| place.rename(&new, name));
    if written.is_err() {
        // What is half written is of no use to anybody.
        let _ = place.remove();
    }
    written
}

fn text_of(names: &Names) -> String {
    let mut text = HEAD.to_owned();
    for (group, process) in names {
        text.push_str("disabled ");
        text.push_str(group);
        text.push(':');
        text.push_str(process);
        text.push('\n');
    }
    text
}

/// Whether these names would be read back as they are: one may hold the end of a line.
pub fn can_be_kept(names: &Names) -> bool {
    parse(&text_of(names)).as_ref() == Ok(names)
}

fn parse(text: &str) -> Result<Names, String> {
    let mut names = Names::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = line.strip_prefix("disabled ").map(str::trim);
        let Some((group, process)) = entry.and_then(|name| name.split_once(':')) else {
            let number = number + 1;
            return Err(format!(
                "line {number} is not 'disabled GROUP:PROCESS', mend or remove it"
            ));
        };
        insert(&mut names, group, process);
    }
    Ok(names)
}

/// Where a name is, or where it would be.
pub fn place(names: &Names, group: &str, process: &str) -> Result<usize, usize> {
    let sought = (group, process);
    names.binary_search_by(|(group, process)| (group.as_str(), process.as_str()).cmp(&sought))
}

pub fn insert(names: &mut Names, group: &str, process: &str) {
    if let Err(at) = place(names, group, process) {
        names.insert(at, (group.to_owned(), process.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(list: &[(&str, &str)]) -> Names {
        let owned =
            |(group, process): &(&str, &str)| (String::from(*group), String::from(*process));
        list.iter().map(owned).collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state").to_str().unwrap().to_owned();
        assert_eq!(read(&path).unwrap(), names(&[]));
        let kept = names(&[("a", "b c"), ("a", "d"), ("web", "web")]);
        write(&path, &kept).unwrap();
        assert_eq!(read(&path).unwrap(), kept);
        write(&path, &names(&[])).unwrap();
        assert_eq!(read(&path).unwrap(), names(&[]));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn lines_are_read_as_people_write_them() {
        for (text, expected) in [
            ("", Ok(&[][..])),
            ("# c\n\n disabled  web:web \r\n", Ok(&[("web", "web")][..])),
            (
                "disabled b:1\ndisabled a:2\ndisabled b:1",
                Ok(&[("a", "2"), ("b", "1")][..]),
            ),
            ("disabled web\n", Err(1)),
            ("# c\ndisable web:web\n", Err(2)),
            ("\0\0\0", Err(1)),
        ] {
            let found = parse(text);
            match expected {
                Ok(list) => assert_eq!(found, Ok(names(list)), "{text:?}"),
                Err(line) => {
                    let told = found.unwrap_err();
                    assert!(told.starts_with(&format!("line {line} is not ")), "{told}");
                }
            }
        }
    }

    #[test]
    fn names_that_lines_cannot_hold_are_not_kept() {
        assert!(can_be_kept(&names(&[("a", "b c"), ("web", "#1")])));
        for name in ["b\nc", "b\r", "b\u{a0}"] {
            assert!(!can_be_kept(&names(&[("a", name)])), "{name:?}");
        }
    }

    #[test]
    fn what_others_may_have_written_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state").to_str().unwrap().to_owned();
        write(&path, &names(&[("a", "b")])).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o622)).unwrap();
        assert!(read(&path).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let link = dir.path().join("link").to_str().unwrap().to_owned();
        symlink(&path, &link).unwrap();
        assert!(read(&link).is_err());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(read(&path).is_err());
        assert!(write(&path, &names(&[])).is_err());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(read(&path).unwrap(), names(&[("a", "b")]));
    }
}
