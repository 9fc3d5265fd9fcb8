//! Which binary is tested: that of `SUPERVISORD`, a whole path, or the one that was built with
//! the tests. So a static one, or the smallest, goes through the same tests.

use std::sync::OnceLock;

/// The path of the binary.
pub fn binary() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let chosen = std::env::var("SUPERVISORD").ok();
        chosen.unwrap_or_else(|| env!("CARGO_BIN_EXE_supervisord").to_owned())
    })
}
