//! A false tree: directories with plain files in the places of those that the system would show.

use std::process::Command;

use super::*;
use crate::sys::tests::{handed_over, until};

struct False(tempfile::TempDir);

impl False {
    fn new() -> False {
        let tree = False(tempfile::tempdir().unwrap());
        for (file, text) in [
            (MEMBERS, ""),
            (AVAILABLE, "cpu memory pids\n"),
            (GIVEN, ""),
            (KIND, "domain\n"),
        ] {
            tree.write(file, text);
        }
        tree
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn open(&self) -> Result<Tree, String> {
        Tree::at(self.path().to_owned(), false)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap_or_default()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }
}

#[test]
fn names_of_groups_are_one_part_of_a_path_and_differ() {
    for (group, process, name) in [
        ("web", "web", "web:web"),
        ("web", "web_00", "web:web_00"),
        ("a b", "../..", "a%20b:..%2F.."),
        ("..", "", "..:"),
        ("a:b", "c%3A\n", "a%3Ab:c%253A%0A"),
        ("é", "cgroup.procs", "%C3%A9:cgroup.procs"),
    ] {
        assert_eq!(name_of(group, process), name);
    }
    let long = "x".repeat(300);
    let [one, other] = ["a", "b"].map(|end| name_of(&long, &format!("{long}{end}")));
    assert!(one != other && one.len() < 255, "{one}");
    assert!(one.is_ascii() && !one.contains('/'));
}

#[test]
fn supervisord_moves_into_a_group_of_its_own_and_gives_controllers_out() {
    let tree = False::new();
    let mut opened = tree.open().unwrap();
    let own = std::process::id().to_string();
    assert_eq!(tree.read("supervisord/cgroup.procs"), own);
    opened.give_out("memory").unwrap();
    assert_eq!(tree.read(GIVEN), "+memory");
    tree.write(GIVEN, "cpu memory\n");
    opened.give_out("cpu").unwrap();
    assert_eq!(tree.read(GIVEN), "cpu memory\n", "it was given out before");
    tree.write(AVAILABLE, "hugetlb\n");
    let path = tree.path().display();
    assert_eq!(
        opened.give_out("pids"),
        Err(format!("control group {path} has no pids controller"))
    );
    opened.close();
    assert_eq!(tree.read(GIVEN), "-memory");
    assert_eq!(tree.read(MEMBERS), own);
}

#[test]
fn the_group_of_a_whole_system_holds_what_it_holds() {
    let tree = False::new();
    fs::remove_file(tree.path().join(KIND)).unwrap();
    let opened = tree.open().unwrap();
    assert!(!tree.path().join(LEAF).exists());
    opened.close();
    assert_eq!(tree.read(MEMBERS), "");
}

#[test]
fn groups_are_those_of_one_supervisord() {
    let tree = False::new();
    let opened = tree.open().unwrap();
    let path = tree.path().display();
    let error = tree.open().unwrap_err();
    assert_eq!(
        error,
        format!("control group {path} is that of another supervisord")
    );
    drop(opened);
    until("the lock is free", || tree.open().is_ok());
}

#[test]
fn the_next_program_has_the_groups_and_gives_back_what_was_given_out() {
    let tree = False::new();
    let mut opened = tree.open().unwrap();
    opened.give_out("memory").unwrap();
    let next = handed_over(&opened);
    drop(opened);
    assert!(tree.open().unwrap_err().ends_with("of another supervisord"));
    next.close();
    assert_eq!(tree.read(GIVEN), "-memory");
    until("the lock is free", || tree.open().is_ok());
}

#[test]
fn what_cannot_be_written_is_told() {
    let tree = False::new();
    fs::remove_file(tree.path().join(MEMBERS)).unwrap();
    let path = tree.path().join(MEMBERS);
    assert_eq!(
        tree.open().unwrap_err(),
        format!(
            "cannot write to {}: No such file or directory",
            path.display()
        )
    );
}

#[test]
fn empty_groups_are_removed_and_nothing_else() {
    let tree = False::new();
    for name in ["a:a", "b:b/c/d", "other", "x:y"] {
        fs::create_dir_all(tree.path().join(name)).unwrap();
    }
    // On a real tree whoever is in a group keeps it there; files do on this one.
    tree.write("x:y/cgroup.procs", "1\n");
    let opened = tree.open().unwrap();
    for (name, is_left) in [
        ("a:a", false),
        ("b:b", false),
        ("other", true),
        ("x:y", true),
    ] {
        assert_eq!(tree.path().join(name).exists(), is_left, "{name}");
    }
    opened.close();
    assert!(tree.path().join(LEAF).exists(), "something is left");
}

#[test]
fn without_a_way_to_kill_all_at_once_those_who_are_there_are_killed() {
    let tree = False::new();
    let group = tree.open().unwrap().group("a:a").unwrap();
    fs::create_dir(group.path().join("below")).unwrap();
    let mut children = [(); 2].map(|()| Command::new("sleep").arg("600").spawn().unwrap());
    let own = std::process::id();
    let [one, other] = [children[0].id(), children[1].id()];
    tree.write("a:a/cgroup.procs", &format!("{one}\n0\n{own}\n"));
    tree.write("a:a/below/cgroup.procs", &format!("{other}\n"));
    assert_eq!(group.members().len(), 3);
    group.kill().unwrap();
    for child in &mut children {
        until("a child has ended", || child.try_wait().unwrap().is_some());
    }
    // With one, it is used.
    tree.write("a:a/cgroup.kill", "");
    group.kill().unwrap();
    assert_eq!(tree.read("a:a/cgroup.kill"), "1");
}

#[test]
fn numbers_are_read_by_their_words() {
    let tree = False::new();
    let group = tree.open().unwrap().group("a:a").unwrap();
    tree.write("a:a/memory.events", "low 0\noom 3\noom_kill 2\n");
    tree.write("a:a/memory.peak", "4096\n");
    assert_eq!(group.number("memory.events", "oom_kill "), Some(2));
    assert_eq!(group.number("memory.peak", ""), Some(4096));
    assert_eq!(group.number("memory.max", ""), None);
    join(&group.path().to_string_lossy()).unwrap();
    assert_eq!(tree.read("a:a/cgroup.procs"), "0");
}
