//! Words for whoever started the program. `println!` and its kin panic when
//! nobody can read them; here a closed pipe or a full disk changes nothing.

use std::io::Write;

/// Writes to the standard output.
pub fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes to the standard error.
pub fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
