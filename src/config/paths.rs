//! Path arithmetic on text as Python's `posixpath` does it: nothing is asked
//! of the file system. Where a path comes out in messages or is handed to
//! children, its spelling must be the original's.

/// Everything before the last `/`, without the slashes that end it.
pub fn dirname(path: &str) -> &str {
    let head = path
        .rfind('/')
        .map_or("", |at| path.get(..=at).unwrap_or(""));
    match head.trim_end_matches('/') {
        "" => head,
        trimmed => trimmed,
    }
}

/// `name` seen from `directory`; an absolute name stays as it is.
pub fn join(directory: &str, name: &str) -> String {
    if name.starts_with('/') || directory.is_empty() {
        name.to_owned()
    } else if directory.ends_with('/') {
        format!("{directory}{name}")
    } else {
        format!("{directory}/{name}")
    }
}

/// Without `.`, `..` and doubled slashes; two leading slashes, and only two, stay.
pub fn normalized(path: &str) -> String {
    let slashes = path.len() - path.trim_start_matches('/').len();
    let root = match slashes {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if !root.is_empty() => {}
            part => parts.push(part),
        }
    }
    match format!("{root}{}", parts.join("/")) {
        path if path.is_empty() => ".".to_owned(),
        path => path,
    }
}

/// The absolute form of a path seen from `directory`, normalised.
pub fn absolute(path: &str, directory: &str) -> String {
    normalized(&join(directory, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_part_is_pythons() {
        for (path, expected) in [
            ("", ""),
            ("a", ""),
            ("a/b", "a"),
            ("/a", "/"),
            ("//a", "//"),
            ("a//b", "a"),
            ("a/", "a"),
        ] {
            assert_eq!(dirname(path), expected, "{path}");
        }
    }

    #[test]
    fn joined_paths_are_pythons() {
        for (directory, name, expected) in [
            ("", "a", "a"),
            ("d", "a", "d/a"),
            ("d/", "a", "d/a"),
            ("d", "/a", "/a"),
            ("/", "a", "/a"),
            ("d", "", "d/"),
        ] {
            assert_eq!(join(directory, name), expected);
        }
    }

    #[test]
    fn normal_paths_are_pythons() {
        for (path, expected) in [
            ("", "."),
            ("/", "/"),
            ("//", "//"),
            ("///a", "/a"),
            ("//a/../b", "//b"),
            ("a/./b/../c//", "a/c"),
            ("../../a", "../../a"),
            ("/../a", "/a"),
            ("a/..", "."),
        ] {
            assert_eq!(normalized(path), expected, "{path}");
        }
    }
}
