//! Paths on text as Python's `posixpath` sees them: where one comes out in messages
//! or is handed to children, its spelling must be the original's. Then `~` and
//! directories that must exist. Relative paths are seen from the directory in which
//! the program was started, wherever it has gone since.

use super::datatypes::{Mismatch, ValueError};
use super::system::System;
use crate::sys::socket::LONGEST_SOCKET_PATH;

/// What is wrong with a path that does not fit the system's address structure for unix
/// sockets; `shown` is how messages show it.
pub fn too_long(path: &str, shown: impl Fn() -> String) -> Option<String> {
    (path.len() > LONGEST_SOCKET_PATH).then(|| {
        format!(
            "AF_UNIX path too long: {} has {} bytes, {LONGEST_SOCKET_PATH} is the most",
            shown(),
            path.len()
        )
    })
}

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

/// A path with `~` or `~user` at its start replaced, if there is such a user.
pub fn expand_user(path: &str, system: &dyn System) -> String {
    let Some(rest) = path.strip_prefix('~') else {
        return path.to_owned();
    };
    let (user, after) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let user = (!user.is_empty()).then_some(user);
    match system.home_directory(user) {
        None => path.to_owned(),
        Some(home) => match format!("{}{after}", home.trim_end_matches('/')) {
            expanded if expanded.is_empty() => "/".to_owned(),
            expanded => expanded,
        },
    }
}

/// A path made absolute and normalised, `~` replaced.
pub fn normalized_path(path: &str, launch_directory: &str, system: &dyn System) -> String {
    absolute(&expand_user(path, system), launch_directory)
}

/// A directory that must be there.
pub fn existing_directory(
    path: &str,
    launch_directory: &str,
    system: &dyn System,
) -> Result<String, ValueError> {
    let expanded = expand_user(path, system);
    if !expanded.is_empty() && is_directory(&expanded, launch_directory, system) {
        Ok(expanded)
    } else {
        Err(Mismatch::NotDirectory.of(path))
    }
}

/// A file whose directory must be there; a bare name always passes.
pub fn existing_dirpath(
    path: &str,
    launch_directory: &str,
    system: &dyn System,
) -> Result<String, ValueError> {
    let expanded = expand_user(path, system);
    let directory = dirname(&expanded);
    if directory.is_empty() || is_directory(directory, launch_directory, system) {
        Ok(expanded)
    } else {
        Err(Mismatch::NoDirectory.of(path))
    }
}

fn is_directory(path: &str, launch_directory: &str, system: &dyn System) -> bool {
    system.is_directory(&join(launch_directory, path))
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
