//! Where the control group of this process is, from what /proc says.

use std::path::PathBuf;

/// The directory of a group, and where the tree that it is in begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub mount: PathBuf,
}

impl Place {
    /// Whether it has this name and stands right where the tree begins.
    pub fn is_below_mount(&self, name: &str) -> bool {
        self.path == self.mount.join(name)
    }
}

/// From /proc/self/cgroup and /proc/self/mountinfo; the error says why there is none.
pub fn find(groups: &str, mounts: &str) -> Result<Place, String> {
    const NONE: &str = "this system has no control groups of version 2";
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let own = own.ok_or(NONE)?;
    let mut trees = mounts.lines().filter_map(mounted_tree).peekable();
    trees.peek().ok_or(NONE)?;
    let found = trees.find_map(|(root, mount)| {
        let below = own.strip_prefix(root.trim_end_matches('/'))?;
        let is_inside = below.is_empty() || below.starts_with('/');
        let is_inside = is_inside && !below.split('/').any(|part| part == "..");
        is_inside.then(|| Place {
            path: match below.trim_matches('/') {
                "" => PathBuf::from(&mount),
                below => PathBuf::from(&mount).join(below),
            },
            mount: PathBuf::from(&mount),
        })
    });
    found.ok_or_else(|| format!("its control group {own} is outside of what it sees"))
}

/// What a line of mountinfo mounts of which tree of groups; see proc_pid_mountinfo(5).
fn mounted_tree(line: &str) -> Option<(String, String)> {
    let (fields, kind) = line.split_once(" - ")?;
    if kind.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut fields = fields.split(' ').skip(3);
    Some((unescaped(fields.next()?), unescaped(fields.next()?)))
}

/// Blanks and backslashes are octal numbers there.
fn unescaped(text: &str) -> String {
    let codes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    codes.iter().fold(text.to_owned(), |text, (code, meant)| {
        text.replace(code, meant)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
    const HYBRID: &str = "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        32 23 0:28 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw\n";
    const BOUND: &str = "33 23 0:26 /docker/12 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
    const ODD: &str = "34 23 0:26 / /a\\040b\\134 rw - cgroup2 cgroup rw\n";

    #[test]
    fn the_group_of_a_process_is_below_the_mount_of_its_tree() {
        let services = "9:memory:/x\n0::/system.slice/supervisor.service\n";
        for (groups, mounts, path) in [
            (
                services,
                WHOLE,
                "/sys/fs/cgroup/system.slice/supervisor.service",
            ),
            (
                services,
                HYBRID,
                "/sys/fs/cgroup/unified/system.slice/supervisor.service",
            ),
            ("0::/\n", WHOLE, "/sys/fs/cgroup"),
            ("0::/docker/12\n", BOUND, "/sys/fs/cgroup"),
            ("0::/docker/12/a\n", BOUND, "/sys/fs/cgroup/a"),
            ("0::/a:b\n", ODD, "/a b\\/a:b"),
        ] {
            let place = find(groups, mounts).unwrap();
            assert_eq!(place.path, PathBuf::from(path), "{groups}");
        }
    }

    #[test]
    fn a_group_that_cannot_be_seen_is_none() {
        const NONE: &str = "this system has no control groups of version 2";
        for (groups, mounts, reason) in [
            ("", WHOLE, NONE),
            ("9:memory:/\n1:cpu:/\n", HYBRID, NONE),
            ("0::/\n", "", NONE),
            (
                "0::/\n",
                "31 23 0:27 / /sys/fs/cgroup rw - tmpfs t rw\n",
                NONE,
            ),
            (
                "0::/docker/123\n",
                BOUND,
                "its control group /docker/123 is outside of what it sees",
            ),
            (
                "0::/../other\n",
                WHOLE,
                "its control group /../other is outside of what it sees",
            ),
        ] {
            assert_eq!(find(groups, mounts), Err(reason.to_owned()), "{groups}");
        }
    }

    #[test]
    fn only_a_group_at_the_top_may_be_that_of_a_supervisord_before() {
        let place = |groups| find(groups, WHOLE).unwrap();
        assert!(place("0::/supervisord\n").is_below_mount("supervisord"));
        assert!(!place("0::/x/supervisord\n").is_below_mount("supervisord"));
        assert!(!place("0::/\n").is_below_mount("supervisord"));
    }
}
