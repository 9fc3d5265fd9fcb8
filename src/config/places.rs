//! Values that name places in the file system: `~` and directories that must
//! exist. Relative paths are seen from the directory in which the program was
//! started, wherever it has gone since.

use super::datatypes::ValueError;
use super::paths::{absolute, dirname};
use super::system::System;

/// A path with `~` or `~user` at its start replaced, if there is such a user.
pub fn expand_user(path: &str, system: &impl System) -> String {
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
pub fn normalized_path(path: &str, launch_directory: &str, system: &impl System) -> String {
    absolute(&expand_user(path, system), launch_directory)
}

/// A directory that must be there.
pub fn existing_directory(
    path: &str,
    launch_directory: &str,
    system: &impl System,
) -> Result<String, ValueError> {
    let expanded = expand_user(path, system);
    if !expanded.is_empty() && is_directory(&expanded, launch_directory, system) {
        Ok(expanded)
    } else {
        Err(ValueError::NotDirectory(path.to_owned()))
    }
}

/// A file whose directory must be there; a bare name always passes.
pub fn existing_dirpath(
    path: &str,
    launch_directory: &str,
    system: &impl System,
) -> Result<String, ValueError> {
    let expanded = expand_user(path, system);
    let directory = dirname(&expanded);
    if directory.is_empty() || is_directory(directory, launch_directory, system) {
        Ok(expanded)
    } else {
        Err(ValueError::NoDirectory(path.to_owned()))
    }
}

fn is_directory(path: &str, launch_directory: &str, system: &impl System) -> bool {
    system.is_directory(&super::paths::join(launch_directory, path))
}
