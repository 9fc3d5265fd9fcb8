use super::*;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

/// Somebody who is neither root nor whoever runs the tests.
const STRANGER: u32 = 54321;

const APPEND: OFlag = OFlag::O_WRONLY.union(OFlag::O_APPEND).union(OFlag::O_CREAT);

/// A directory `theirs` that belongs to a stranger, and one `ours`; none where
/// nobody can give anything away.
struct Ground {
    root: tempfile::TempDir,
}

impl Ground {
    fn new() -> Option<Ground> {
        let root = tempfile::tempdir().unwrap();
        let ground = Ground { root };
        for name in ["ours", "theirs"] {
            fs::create_dir(ground.at(name)).unwrap();
        }
        fs::set_permissions(ground.at("ours"), Permissions::from_mode(0o755)).unwrap();
        nix::unistd::geteuid().is_root().then(|| {
            chown(ground.at("theirs"), Some(STRANGER), None).unwrap();
            ground
        })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A link, which belongs to us or to the stranger.
    fn link(&self, name: &str, target: impl AsRef<Path>, is_theirs: bool) {
        symlink(target, self.at(name)).unwrap();
        if is_theirs {
            lchown(self.at(name), Some(STRANGER), None).unwrap();
        }
    }

    /// Writes a byte to the file, and says which number an error has and that it was refused.
    fn append(&self, name: &str) -> Result<(), (Option<i32>, bool)> {
        match open(&self.at(name), APPEND, 0o600) {
            Ok(mut file) => {
                file.write_all(b"x").unwrap();
                Ok(())
            }
            Err(error) => {
                let refused = Refused::of(&error).map(|refused| refused.errno);
                Err((refused.or(error.raw_os_error()), refused.is_some()))
            }
        }
    }
}

#[test]
fn a_link_of_a_stranger_in_the_last_place_is_refused_and_others_are_followed() {
    let Some(ground) = Ground::new() else { return };
    let precious = ground.at("ours/precious");
    for (link, target, is_theirs, followed) in [
        ("theirs/a", &precious, true, false),
        ("theirs/b", &precious, false, true),
        ("theirs/dangling", &ground.at("ours/new"), true, false),
        ("theirs/own", &ground.at("theirs/other"), true, false),
        ("ours/a", &precious, true, true),
        ("ours/b", &precious, false, true),
    ] {
        ground.link(link, target, is_theirs);
        let expected = match followed {
            true => Ok(()),
            false => Err((Some(libc::ELOOP), true)),
        };
        assert_eq!(ground.append(link), expected, "{link}");
    }
    assert!(!ground.at("ours/new").exists());
    assert_eq!(fs::read(&precious).unwrap(), b"xxx");
}

#[test]
fn a_link_of_a_stranger_in_a_directory_for_everybody_is_refused() {
    let Some(ground) = Ground::new() else { return };
    fs::set_permissions(ground.at("ours"), Permissions::from_mode(0o1777)).unwrap();
    ground.link("ours/a", ground.at("ours/precious"), true);
    assert_eq!(ground.append("ours/a"), Err((Some(libc::ELOOP), true)));
    let error = open(&ground.at("ours/a"), APPEND, 0o600).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a link of user 54321"), "{text}");
    assert!(
        text.contains("/ours can be written to by everybody"),
        "{text}"
    );
}

#[test]
fn a_directory_that_a_stranger_has_linked_to_must_be_theirs() {
    let Some(ground) = Ground::new() else { return };
    fs::create_dir(ground.at("theirs/logs")).unwrap();
    fs::create_dir(ground.at("ours/logs")).unwrap();
    chown(ground.at("theirs/logs"), Some(STRANGER), None).unwrap();
    ground.link("theirs/good", "logs", true);
    ground.link("theirs/bad", ground.at("ours/logs"), true);
    ground.link("theirs/up", "../ours/logs", true);
    ground.link("theirs/chain", "bad", false);
    ground.link("theirs/ours", ground.at("ours/logs"), false);
    for (path, is_refused) in [
        ("theirs/good/x", false),
        ("theirs/ours/x", false),
        ("theirs/bad/x", true),
        ("theirs/up/x", true),
        ("theirs/chain/x", true),
        ("theirs/bad/../logs/x", true),
    ] {
        let expected = match is_refused {
            true => Err((Some(libc::ELOOP), true)),
            false => Ok(()),
        };
        assert_eq!(ground.append(path), expected, "{path}");
    }
}

#[test]
fn a_file_with_two_names_is_refused_where_others_may_write() {
    let Some(ground) = Ground::new() else { return };
    fs::write(ground.at("ours/precious"), "").unwrap();
    for (name, expected) in [
        ("theirs/a", Err((Some(libc::EMLINK), true))),
        ("ours/a", Ok(())),
    ] {
        fs::hard_link(ground.at("ours/precious"), ground.at(name)).unwrap();
        assert_eq!(ground.append(name), expected, "{name}");
    }
}

#[test]
fn a_link_of_ours_with_two_names_is_not_followed_where_others_may_write() {
    let Some(ground) = Ground::new() else { return };
    fs::create_dir(ground.at("ours/logs")).unwrap();
    ground.link("ours/file", ground.at("ours/precious"), false);
    ground.link("ours/directory", ground.at("ours/logs"), false);
    for (link, path) in [("file", ""), ("directory", "/x")] {
        fs::hard_link(
            ground.at(&format!("ours/{link}")),
            ground.at(&format!("theirs/{link}")),
        )
        .unwrap();
        for (directory, expected) in [("ours", Ok(())), ("theirs", Err((Some(libc::ELOOP), true)))]
        {
            let found = ground.append(&format!("{directory}/{link}{path}"));
            assert_eq!(found, expected, "{directory}/{link}");
        }
    }
}

#[test]
fn a_path_is_firm_where_nobody_else_can_put_another_directory() {
    let Some(ground) = Ground::new() else { return };
    for (name, owner, mode) in [
        ("ours/a", 0, 0o755),
        ("theirs/a", STRANGER, 0o755),
        ("theirs/root", 0, 0o755),
        ("sticky", 0, 0o1777),
        ("sticky/a", STRANGER, 0o755),
        ("sticky/root", 0, 0o755),
        ("open", 0, 0o777),
        ("open/a", 0, 0o755),
    ] {
        fs::create_dir(ground.at(name)).unwrap();
        fs::set_permissions(ground.at(name), Permissions::from_mode(mode)).unwrap();
        chown(ground.at(name), Some(owner), None).unwrap();
    }
    ground.link("ours/link", ground.at("ours/a"), false);
    ground.link("ours/there", ground.at("theirs/a"), false);
    ground.link("sticky/link", ground.at("ours/a"), true);
    ground.link("sticky/good", ground.at("ours/a"), false);
    for (path, expected) in [
        ("ours/s", true),
        ("ours/a/s", true),
        ("ours/link/s", true),
        ("theirs/s", true),
        ("sticky/s", true),
        ("sticky/root/s", true),
        ("sticky/good/s", true),
        ("open/s", true),
        ("theirs/a/s", false),
        ("theirs/root/s", false),
        ("theirs/../ours/s", false),
        ("ours/there/s", false),
        ("sticky/a/s", false),
        ("sticky/link/s", false),
        ("open/a/s", false),
        ("nowhere/s", false),
    ] {
        assert_eq!(is_firm(&ground.at(path)), expected, "{path}");
    }
}

#[test]
fn a_file_is_not_made_through_any_link() {
    let Some(ground) = Ground::new() else { return };
    for (name, is_theirs) in [("theirs/a", true), ("theirs/b", false), ("ours/a", false)] {
        ground.link(name, ground.at("ours/new"), is_theirs);
        let made = FileAt::of(&ground.at(name)).unwrap().make(APPEND, 0o600);
        assert_eq!(made.unwrap_err().raw_os_error(), Some(libc::EEXIST));
    }
    assert!(!ground.at("ours/new").exists());
}

#[test]
fn paths_that_name_no_file_fail_as_the_system_fails() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("file"), "").unwrap();
    symlink("round", at("round")).unwrap();
    for path in ["", "/", ".", "..", "/tmp/", "/nowhere/x"] {
        let path = Path::new(path);
        let expected = fs::OpenOptions::new().append(true).create(true).open(path);
        let error = open(path, APPEND, 0o600).unwrap_err();
        assert_eq!(
            error.raw_os_error(),
            expected.unwrap_err().raw_os_error(),
            "{path:?}"
        );
    }
    for (name, errno) in [
        ("file/x", libc::ENOTDIR),
        ("round", libc::ELOOP),
        ("round/x", libc::ELOOP),
        ("file/", libc::EISDIR),
    ] {
        let error = open(&at(name), APPEND, 0o600).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(errno), "{name}");
    }
}

#[test]
fn a_walk_comes_to_the_same_directory_as_the_system() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("a/b/c")).unwrap();
    symlink("a/b", at("relative")).unwrap();
    symlink(at("a"), at("absolute")).unwrap();
    symlink("../../relative/./c", at("a/b/up")).unwrap();
    for path in [
        "",
        "a",
        "a//b/",
        "a/./b/../b",
        "relative",
        "relative/c",
        "absolute/b",
        "a/b/up",
        "relative/up",
    ] {
        let found = walk(None, &at(path)).unwrap().0.metadata().unwrap();
        let expected = fs::metadata(at(path)).unwrap();
        assert_eq!(
            (found.dev(), found.ino()),
            (expected.dev(), expected.ino()),
            "{path}"
        );
        if !path.is_empty() && !path.ends_with('/') {
            let found = canonical(&at(path)).unwrap();
            assert_eq!(found, fs::canonicalize(at(path)).unwrap(), "{path}");
        }
    }
    for path in ["", "src", "./src", "src/../src"] {
        let found = walk(None, Path::new(path)).unwrap().0;
        let found = found.metadata().unwrap();
        let expected = fs::metadata(Path::new(".").join(path)).unwrap();
        assert_eq!(found.ino(), expected.ino(), "{path}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn names_of_descriptors_are_opened() {
    let file = tempfile::tempfile().unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    for directory in ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"] {
        let path = format!("{directory}/{number}");
        let mut opened = open(Path::new(&path), OFlag::O_WRONLY, 0).unwrap();
        opened.write_all(b"x").unwrap();
    }
    assert_eq!(file.metadata().unwrap().len(), 1);
}
