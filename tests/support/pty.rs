//! A program on a pseudo-terminal: keys go in, and a small emulation of the
//! terminal shows what stands on the screen, whatever escape sequences drew it.
//!
//! The helpers `setsid` and `stty` stand in for the two calls that would need
//! unsafe code: making the terminal the controlling one, and resizing it.

use super::{DEADLINE, plain_environment, wait_for, wait_until};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::ttyname;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub const CTRL_A: &str = "\x01";
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_P: &str = "\x10";
pub const CTRL_R: &str = "\x12";
pub const CTRL_U: &str = "\x15";
pub const TAB: &str = "\t";
pub const ENTER: &str = "\r";
pub const UP: &str = "\x1b[A";
pub const DOWN: &str = "\x1b[B";
pub const LEFT: &str = "\x1b[D";

/// A running program and its terminal. When dropped the program is killed.
pub struct Pty {
    child: Child,
    master: File,
    path: PathBuf,
    shown: Arc<Mutex<Shown>>,
    held: Option<File>,
}

struct Shown {
    terminal: vt100::Parser,
    written: Vec<u8>,
}

impl Pty {
    /// Starts a program in the plain environment (and what the command adds to it, `TERM=xterm` unless it says
    /// otherwise) as the leader of a session on a terminal of that size.
    pub fn start(command: &Command, columns: u16, rows: u16) -> Pty {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(Some(&size), None).unwrap();
        let path = ttyname(&pair.slave).unwrap();
        let mut leader = Command::new("setsid");
        plain_environment(&mut leader);
        leader
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env("TERM", "xterm")
            .envs(
                command
                    .get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            )
            .stdin(Stdio::from(pair.slave.try_clone().unwrap()))
            .stdout(Stdio::from(pair.slave.try_clone().unwrap()))
            .stderr(Stdio::from(pair.slave));
        if let Some(directory) = command.get_current_dir() {
            leader.current_dir(directory);
        }
        let child = leader
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {leader:?}: {error}"));
        // The command holds the other end of the terminal.
        drop(leader);
        let master = File::from(pair.master);
        let shown = Arc::new(Mutex::new(Shown {
            terminal: vt100::Parser::new(cells(rows), cells(columns), 1000),
            written: Vec::new(),
        }));
        let (reader, showing) = (master.try_clone().unwrap(), Arc::clone(&shown));
        thread::spawn(move || show(reader, &showing));
        Pty {
            child,
            master,
            path,
            shown,
            held: None,
        }
    }

    /// Types keys.
    pub fn send(&mut self, keys: &str) {
        self.send_bytes(keys.as_bytes());
    }

    /// Types what no keyboard has.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).unwrap();
    }

    /// Types a line and Enter.
    pub fn line(&mut self, line: &str) {
        self.send(&format!("{line}{ENTER}"));
    }

    /// What stands on the screen: a line for each row, without blanks at the end.
    pub fn screen(&self) -> String {
        let shown = self.shown.lock().unwrap();
        let screen = shown.terminal.screen();
        let (_, columns) = screen.size();
        let rows: Vec<String> = screen
            .rows(0, columns.get())
            .map(|row| row.trim_end().to_owned())
            .collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// The row that the cursor is in, up to its end.
    pub fn cursor_row(&self) -> String {
        let shown = self.shown.lock().unwrap();
        let screen = shown.terminal.screen();
        let (row, _) = screen.cursor_position();
        let (_, columns) = screen.size();
        let row = screen.rows(0, columns.get()).nth(usize::from(row));
        row.unwrap_or_default().trim_end().to_owned()
    }

    /// Row and column of the cursor, from 0.
    pub fn cursor(&self) -> (u16, u16) {
        self.shown
            .lock()
            .unwrap()
            .terminal
            .screen()
            .cursor_position()
    }

    /// Everything that was written to the terminal so far, with its escape sequences.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap().written).into_owned()
    }

    /// Waits until the screen is as it should be.
    ///
    /// # Panics
    /// When it is not in time.
    pub fn wait_screen(&self, what: &str, mut is_right: impl FnMut(&str) -> bool) {
        if !wait_until(DEADLINE, || is_right(&self.screen())) {
            panic!(
                "{what}: the screen shows\n{}\n--\n{:?}",
                self.screen(),
                self.written()
            );
        }
    }

    /// Waits until the screen shows a text.
    pub fn wait_text(&self, text: &str) {
        self.wait_screen(&format!("{text:?} is expected"), |screen| {
            screen.contains(text)
        });
    }

    /// Waits until the cursor's row is this, blanks at its end aside.
    pub fn wait_row(&self, expected: &str) {
        if !wait_until(DEADLINE, || self.cursor_row() == expected) {
            panic!(
                "the cursor's row is {:?}, not {expected:?}\n{}\n--\n{:?}",
                self.cursor_row(),
                self.screen(),
                self.written()
            );
        }
    }

    /// Gives the terminal another size, and tells the program.
    pub fn resize(&self, columns: u16, rows: u16) {
        let mut shown = self.shown.lock().unwrap();
        let status = Command::new("stty")
            .arg("-F")
            .arg(&self.path)
            .args(["cols", &columns.to_string(), "rows", &rows.to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        shown
            .terminal
            .screen_mut()
            .set_size(cells(rows), cells(columns));
    }

    /// Keeps the terminal open when the program has ended, as the shell that started it would.
    pub fn hold(&mut self) {
        self.held = File::options().read(true).write(true).open(&self.path).ok();
    }

    /// Whether the terminal edits lines by itself, as it does for programs that do not.
    pub fn is_cooked(&self) -> bool {
        self.flags().contains(LocalFlags::ICANON)
    }

    /// Whether what is typed is shown.
    pub fn echoes(&self) -> bool {
        self.flags().contains(LocalFlags::ECHO)
    }

    fn flags(&self) -> LocalFlags {
        tcgetattr(&self.master).unwrap().local_flags
    }

    /// The process id of the program.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by number.
    pub fn signal(&self, signal: i32) {
        super::kill(self.pid(), signal);
    }

    /// Waits for the end of the program and of what it wrote; its exit status, negative for a signal, or
    /// `None` when it did not end in time.
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let status = wait_for(limit, || self.child.try_wait().unwrap())?;
        // The reader gives its share up at the end of the output.
        if self.held.is_none() {
            wait_until(limit, || Arc::strong_count(&self.shown) == 1);
        }
        status.code().or(status.signal().map(|signal| -signal))
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

/// Reads until the last program has closed the terminal.
fn show(mut reader: File, shown: &Arc<Mutex<Shown>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        let mut shown = shown.lock().unwrap();
        shown.terminal.process(&buffer[..length]);
        shown.written.extend_from_slice(&buffer[..length]);
    }
}
