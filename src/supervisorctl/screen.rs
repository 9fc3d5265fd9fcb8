//! What the terminal of the operator can show, if there is one.

use std::io::{self, IsTerminal};

/// Whether the standard output is a terminal that can draw over what it shows.
pub fn is_drawable() -> bool {
    io::stdout().is_terminal() && std::env::var("TERM").is_ok_and(|term| can_draw(&term))
}

/// Whether progress may be drawn: nobody but a person at a terminal sees it.
pub fn shows_progress() -> bool {
    is_drawable() && io::stderr().is_terminal()
}

/// Whether the standard output may be coloured. `NO_COLOR` in the environment,
/// with any value but the empty one, says that it may not.
pub fn is_coloured() -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    is_drawable() && !is_refused
}

fn can_draw(term: &str) -> bool {
    !matches!(term, "" | "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_cannot_draw() {
        assert!(can_draw("xterm") && can_draw("linux"));
        assert!(!can_draw("dumb") && !can_draw(""));
    }
}
