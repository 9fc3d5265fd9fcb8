//! Words for whoever started the program. `println!` and its kin panic when
//! nobody can read them; here a closed pipe or a full disk changes nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use crate::text::plain;

/// Columns and rows of the terminal at the standard output, if there is one that knows.
pub fn size() -> Option<(u16, u16)> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the call writes to `size` alone, which outlives it.
    let outcome = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (outcome == 0 && size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// Ends the control that a terminal has over this process, which leads no session: it can open
/// the terminal as `/dev/tty` no longer, nor type on it.
pub fn leave() {
    let mut options = OpenOptions::new();
    let options = options.read(true);
    let options = options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    if let Ok(terminal) = options.open("/dev/tty") {
        // SAFETY: two numbers; the descriptor is open until the end of the block.
        let _ = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCNOTTY) };
    }
}

/// Writes to the standard output.
pub fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes lines to the standard error. Whatever they quote is shown as text.
pub fn complain(lines: &str) {
    draw(&plain::shown_lines(lines));
}

/// Writes to the standard error what moves about on a terminal.
pub fn draw(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
