//! The name of this machine.

/// The node name as `uname -n` tells it; `localhost` should the system not say.
pub fn node_name() -> String {
    nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_else(|_| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    fn the_name_is_that_of_uname() {
        let output = Command::new("uname").arg("-n").output().unwrap();
        assert_eq!(
            super::node_name(),
            String::from_utf8_lossy(&output.stdout).trim()
        );
    }
}
