//! The syntax of files of variables beside systemd's own reader of `EnvironmentFile`, which is in a
//! library of systemd's: made-up texts mean the same to both.

use super::support::{DEADLINE, finish};
use pollvisor::text::environment_file;
use std::path::PathBuf;
use std::process::Command;

/// How many texts are made up.
const TEXTS: usize = 20_000;

/// What they are made of. Null bytes are an error here, and the end of the text to systemd.
const PIECES: &[&[u8]] = &[
    b"A=",
    b"\nA=",
    b"\nB_2=",
    b"C",
    b"=",
    b"\n",
    b"\r",
    b"\r\n",
    b" ",
    b"\t",
    b"'",
    b"\"",
    b"\\",
    b"\\\n",
    b"#",
    b"\n;",
    b"$X",
    b"`",
    b"x",
    b"\xc3\xa9",
    b"\xff",
    b"export ",
    b"1",
    b"-",
    b"n",
];

/// Reads a text in hexadecimal from each line, and tells in the same way what systemd finds in it,
/// each assignment behind a null byte; `no` for a text that it refuses.
const SYSTEMD: &str = r#"
import ctypes, sys
systemd, libc = ctypes.CDLL(sys.argv[1]), ctypes.CDLL(None)
libc.fmemopen.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]
libc.fmemopen.restype = ctypes.c_void_p
libc.fclose.argtypes = [ctypes.c_void_p]
strings = ctypes.POINTER(ctypes.c_char_p)
systemd.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(strings)]
for line in sys.stdin:
    text = bytes.fromhex(line)
    file, found = libc.fmemopen(text, len(text), b'r'), strings()
    status = systemd.load_env_file(file, b'file', ctypes.byref(found))
    libc.fclose(file)
    pairs = b''
    while found and found[pairs.count(b'\0')]:
        pairs += b'\0' + found[pairs.count(b'\0')]
    print('no' if status < 0 else pairs.hex())
"#;

/// The library, which is called after its version.
fn library() -> Option<PathBuf> {
    let machine = format!("/usr/lib/{}-linux-gnu/systemd", std::env::consts::ARCH);
    let places = [&machine, "/usr/lib/systemd", "/usr/lib64/systemd"];
    let entries = places
        .iter()
        .filter_map(|place| std::fs::read_dir(place).ok());
    let mut paths = entries.flatten().map(|entry| entry.unwrap().path());
    paths.find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libsystemd-shared-") && name.ends_with(".so")
    })
}

fn texts() -> Vec<Vec<u8>> {
    let mut state = 0x5eed_0026_u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end as u64) as usize
    };
    let mut text = || {
        let pieces = (0..=below(12)).map(|_| PIECES[below(PIECES.len())]);
        pieces.collect::<Vec<_>>().concat()
    };
    (0..TEXTS).map(|_| text()).collect()
}

/// Sets a variable as whoever starts a program does: the last value of a name counts.
fn set(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value.to_owned()));
}

/// What a line of the other reader tells. systemd passes over names that no shell can have when it
/// starts a program, and not before.
fn told(line: &str) -> Option<Vec<(String, String)>> {
    let digits = (line != "no").then_some(line)?;
    let byte = |place| u8::from_str_radix(&digits[place..place + 2], 16).unwrap();
    let bytes = (0..digits.len()).step_by(2).map(byte).collect();
    let text = String::from_utf8(bytes).unwrap();
    let mut pairs = Vec::new();
    for pair in text.split('\0').skip(1) {
        let (name, value) = pair.split_once('=').unwrap();
        let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let is_name = name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit());
        if is_name && !name.is_empty() {
            set(&mut pairs, name, value);
        }
    }
    Some(pairs)
}

/// Whether a comment ends with a backslash, which takes in the next line until systemd 253 only.
fn is_disputed(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.any(|line| {
        let first = line.trim_ascii_start().first();
        matches!(first, Some(b'#' | b';')) && line.ends_with(b"\\")
    })
}

#[test]
fn texts_mean_what_they_mean_to_systemd() {
    let Some(library) = library() else {
        println!("no library of systemd here: nothing to compare with");
        return;
    };
    let mut texts = texts();
    texts.retain(|text| !is_disputed(text));
    let hex = |text: &Vec<u8>| {
        let digits = text.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>() + "\n"
    };
    let mut python = Command::new("python3");
    python.args(["-c", SYSTEMD]).arg(library);
    let done = finish(python, &texts.iter().map(hex).collect::<String>(), DEADLINE);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert_eq!(done.stdout.lines().count(), texts.len());
    let (mut refused, mut assignments) = (0, 0);
    for (text, line) in texts.iter().zip(done.stdout.lines()) {
        let ours = environment_file::parse(text).ok().map(|found| {
            let mut pairs = Vec::new();
            for (name, value) in &found {
                set(&mut pairs, name, value);
            }
            pairs
        });
        let theirs = told(line);
        refused += usize::from(theirs.is_none());
        assignments += theirs.as_ref().map_or(0, Vec::len);
        let sorted = |pairs: Option<Vec<_>>| {
            pairs.map(|mut pairs| {
                pairs.sort();
                pairs
            })
        };
        let shown = String::from_utf8_lossy(text);
        assert_eq!(sorted(ours), sorted(theirs), "{shown:?}");
    }
    assert!(
        refused > TEXTS / 100 && assignments > TEXTS / 4,
        "{refused}, {assignments}"
    );
}
