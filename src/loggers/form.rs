//! What a line looks like in a log: everything but its time and its text is made once.

use crate::config::line_format::{Field, LineFormat, Piece};
use crate::loggers::lines::Line;
use crate::loggers::stamp::{Stamp, StampForm};
use crate::snapshot::saved;
use crate::text::plain;
use crate::text::scan::{self, has, has_below, has_high};

/// No name is padded to more columns than these.
pub const WIDEST: usize = 32;

/// Who writes lines.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    pub program: &'a str,
    pub group: &'a str,
    pub process: &'a str,
    pub channel: &'a str,
    pub pid: i64,
    /// How grave they are, for patterns.
    pub level: &'a str,
    /// The same in JSON, which has it in the main log alone.
    pub json_level: Option<&'a str>,
}

/// The column of names before lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Column {
    /// The characters of the longest name.
    pub width: usize,
    /// The number of a colour, where names are coloured.
    pub colour: Option<usize>,
}

saved! { struct Column { width, colour } }

/// The colours of names, as SGR has them: red is left for errors.
const COLOURS: &[&str] = &["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"];

/// What lines of one writer look like.
#[derive(Clone, Debug)]
pub struct Form(Vec<Part>);

saved! { struct Form(_); }

#[derive(Clone, Debug)]
enum Part {
    Text(Vec<u8>),
    Time(StampForm),
    /// The line as it is.
    Message,
    /// The line within a string of JSON.
    Escaped,
    /// The bytes that ended it.
    End,
}

saved! { enum Part { Text(a), Time(a), Message, Escaped, End } }

impl Form {
    pub fn new(format: &LineFormat, writer: Writer<'_>, column: Column) -> Form {
        let parts = match format {
            LineFormat::Raw => vec![Part::Message, Part::End],
            LineFormat::Prefix => vec![
                Part::Text(name_and_bar(writer.process, column)),
                Part::Message,
                Part::Text(b"\n".to_vec()),
            ],
            LineFormat::Json => json(writer),
            LineFormat::Pattern(pieces) => {
                let parts = pieces.iter().map(|piece| part(piece, writer));
                parts.chain([Part::Text(b"\n".to_vec())]).collect()
            }
        };
        Form(parts)
    }

    /// Adds a line. The rest of one that was there before is nothing by itself, but raw.
    pub fn push(&self, out: &mut Vec<u8>, stamp: &Stamp, line: Line<'_>) {
        if line.is_rest && !matches!(self.0.last(), Some(Part::End)) {
            return;
        }
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Time(form) => out.extend_from_slice(stamp.text(*form)),
                Part::Message => out.extend_from_slice(line.text),
                Part::Escaped => push_escaped(out, line.text),
                Part::End => out.extend_from_slice(line.end),
            }
        }
    }
}

/// `name  | `, padded to the column.
fn name_and_bar(name: &str, column: Column) -> Vec<u8> {
    let width = column.width.min(WIDEST);
    let name = plain::shown(name);
    let text = match column
        .colour
        .and_then(|colour| COLOURS.get(colour % COLOURS.len()))
    {
        // What a line before it has left on ends here.
        Some(colour) => format!("\x1b[0;{colour}m{name:width$} |\x1b[0m "),
        None => format!("{name:width$} | "),
    };
    text.into_bytes()
}

fn part(piece: &Piece, writer: Writer<'_>) -> Part {
    let text = match piece {
        Piece::Text(text) => text.clone(),
        Piece::Field(Field::Time) => return Part::Time(StampForm::Plain),
        Piece::Field(Field::Message) => return Part::Message,
        Piece::Field(Field::Pid) => writer.pid.to_string(),
        Piece::Field(Field::Level) => writer.level.to_owned(),
        Piece::Field(Field::Channel) => writer.channel.to_owned(),
        Piece::Field(Field::Program) => plain::shown(writer.program).into_owned(),
        Piece::Field(Field::Group) => plain::shown(writer.group).into_owned(),
        Piece::Field(Field::Process) => plain::shown(writer.process).into_owned(),
    };
    Part::Text(text.into_bytes())
}

fn json(writer: Writer<'_>) -> Vec<Part> {
    let mut text = b"\"".to_vec();
    let level = writer.json_level.map(|level| ("level", level));
    let members = [
        ("program", writer.program),
        ("group", writer.group),
        ("process", writer.process),
        ("channel", writer.channel),
    ];
    for (name, value) in level.into_iter().chain(members) {
        text.extend_from_slice(b",\"");
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"\":\"");
        push_escaped(&mut text, value.as_bytes());
        text.push(b'"');
    }
    let rest = format!(",\"pid\":{},\"message\":\"", writer.pid);
    text.extend_from_slice(rest.as_bytes());
    vec![
        Part::Text(b"{\"time\":\"".to_vec()),
        Part::Time(StampForm::Rfc3339),
        Part::Text(text),
        Part::Escaped,
        Part::Text(b"\"}\n".to_vec()),
    ]
}

/// Adds bytes to a string of JSON, with U+FFFD for what is no UTF-8.
fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => push_text(out, text),
        Err(_) => {
            for chunk in bytes.utf8_chunks() {
                push_text(out, chunk.valid());
                if !chunk.invalid().is_empty() {
                    out.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
        }
    }
}

/// Escapes what has to be and what a terminal would act on, if somebody looks at the file.
fn push_text(out: &mut Vec<u8>, text: &str) {
    let may_be = |word| {
        has_below(word, b' ')
            | has(word, b'"')
            | has(word, b'\\')
            | has(word, 0x7f)
            | has_high(word)
    };
    let special = |byte| matches!(byte, 0..b' ' | b'"' | b'\\' | 0x7f..);
    let mut rest = text;
    while let Some(place) = scan::find(rest.as_bytes(), may_be, special) {
        // Text in other scripts goes on as it is up to the next ASCII.
        let passes = |character: char| !character.is_ascii() && !plain::is_control(character);
        let after = rest.get(place..).unwrap_or_default();
        let run = after
            .find(|character| !passes(character))
            .unwrap_or(after.len());
        let (passed, after) = rest.split_at(place + run);
        out.extend_from_slice(passed.as_bytes());
        rest = after;
        if run == 0
            && let Some(character) = after.chars().next()
        {
            push_character(out, character);
            rest = after.get(character.len_utf8()..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Adds a character that does not stand for itself.
fn push_character(out: &mut Vec<u8>, character: char) {
    let escaped = match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        _ => format!("\\u{:04x}", u32::from(character)),
    };
    out.extend_from_slice(escaped.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::key::{Fallback, changed};
    use crate::config::settings::Setting;
    use crate::sys::time;
    use std::io::Write;
    use std::process::{Command, Stdio};

    const WRITER: Writer<'_> = Writer {
        program: "web",
        group: "site",
        process: "web_0",
        channel: "stderr",
        pid: 4711,
        level: "ERRO",
        json_level: None,
    };

    fn written(format: &str, column: Column, writer: Writer<'_>, texts: &[&[u8]]) -> Vec<u8> {
        let key = changed("k", "format", Fallback::Nothing);
        let form = Form::new(&LineFormat::parse(format, &key).unwrap(), writer, column);
        let mut stamp = Stamp::default();
        let now = crate::clock::Timestamp {
            seconds: 1_795_424_523,
            nanoseconds: 123_456_789,
        };
        stamp.set(now, time::utc);
        let mut out = Vec::new();
        for text in texts {
            let line = Line {
                text,
                end: b"\r\n",
                is_rest: false,
            };
            form.push(&mut out, &stamp, line);
        }
        out
    }

    fn plainly(format: &str, text: &str) -> String {
        let out = written(format, Column::default(), WRITER, &[text.as_bytes()]);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_format_has_its_form() {
        for (format, expected) in [
            ("raw", "a \"line\"\r\n"),
            ("prefix", "web_0 | a \"line\"\n"),
            (
                "json",
                "{\"time\":\"2026-11-23T09:02:03.123456+00:00\",\"program\":\"web\",\
                 \"group\":\"site\",\"process\":\"web_0\",\"channel\":\"stderr\",\"pid\":4711,\
                 \"message\":\"a \\\"line\\\"\"}\n",
            ),
            (
                "%(asctime)s 100% %(levelname)s %(group_name)s:%(process_name)s [%(program_name)s] \
                 %(channel)s(%(pid)s)> %(message)s <",
                "2026-11-23 09:02:03,123 100% ERRO site:web_0 [web] stderr(4711)> a \"line\" <\n",
            ),
        ] {
            assert_eq!(plainly(format, "a \"line\""), expected);
        }
        let writer = Writer {
            json_level: Some("INFO"),
            ..WRITER
        };
        let out = written("json", Column::default(), writer, &[b""]);
        let begin = "{\"time\":\"2026-11-23T09:02:03.123456+00:00\",\"level\":\"INFO\",\"program\"";
        assert!(String::from_utf8(out).unwrap().starts_with(begin));
    }

    #[test]
    fn names_stand_in_a_column_and_have_a_colour_where_one_is_wanted() {
        for (width, colour, expected) in [
            (0, None, "web_0 | x\n"),
            (8, None, "web_0    | x\n"),
            (8, Some(0), "\u{1b}[0;36mweb_0    |\u{1b}[0m x\n"),
            (8, Some(11), "\u{1b}[0;33mweb_0    |\u{1b}[0m x\n"),
        ] {
            let column = Column { width, colour };
            let out = written("prefix", column, WRITER, &[b"x"]);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        let wide = Column {
            width: 1000,
            colour: None,
        };
        let out = written("prefix", wide, WRITER, &[b"x"]);
        assert_eq!(out.len(), WIDEST + " | x\n".len());
    }

    #[test]
    fn a_name_cannot_write_to_the_terminal() {
        let writer = Writer {
            process: "a\u{1b}]0;x\u{7}",
            ..WRITER
        };
        for format in ["prefix", "%(process_name)s %(message)s", "json"] {
            let out = written(format, Column::default(), writer, &[b"x"]);
            assert!(!out.contains(&0x1b), "{format}");
        }
    }

    #[test]
    fn the_rest_of_a_line_that_was_cut_is_no_line() {
        let rest = Line {
            text: b"",
            end: b"\n",
            is_rest: true,
        };
        for (format, expected) in [
            (LineFormat::Raw, "\n"),
            (LineFormat::Prefix, ""),
            (LineFormat::Json, ""),
        ] {
            let mut out = Vec::new();
            let form = Form::new(&format, WRITER, Column::default());
            form.push(&mut out, &Stamp::default(), rest);
            assert_eq!(out, expected.as_bytes(), "{format:?}");
        }
    }

    /// What another reader of JSON finds in the member `message` of each line.
    fn read_back(json: &[u8]) -> Vec<String> {
        let script = "import json, sys\n\
                      for line in sys.stdin.buffer:\n    \
                      text = json.loads(line.decode('utf-8', 'strict'))['message']\n    \
                      print(text.encode('utf-8').hex())\n";
        let mut python = Command::new("python3")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = python.stdin.take().unwrap();
        let json = json.to_vec();
        let writer = std::thread::spawn(move || input.write_all(&json).unwrap());
        let output = python.wait_with_output().unwrap();
        writer.join().unwrap();
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let lines = output.stdout.split(|byte| *byte == b'\n');
        let lines = lines.map(|hex| hex.chunks(2).map(byte).collect());
        let mut texts: Vec<String> = lines.map(|text| String::from_utf8(text).unwrap()).collect();
        texts.pop();
        texts
    }

    #[test]
    fn every_byte_comes_back_out_of_json_or_is_a_replacement() {
        let every: Vec<u8> = (0..=u8::MAX).collect();
        let mut texts: Vec<Vec<u8>> = every.iter().map(|byte| vec![*byte]).collect();
        texts.extend(
            every
                .iter()
                .map(|byte| [b"12345678 \xc3\xa9", &[*byte][..]].concat()),
        );
        texts.extend(every.windows(2).map(<[u8]>::to_vec));
        texts.push(every);
        for character in (0..=0x10_ffff).step_by(97).filter_map(char::from_u32) {
            texts.push(format!("日本{character}語 x").into_bytes());
        }
        texts.push("\u{2028}\u{9b}31m\u{202e}\u{7f}".into());
        let pieces: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let json = written("json", Column::default(), WRITER, &pieces);
        let control = |c: char| plain::is_control(c) && c != '\n';
        assert!(!std::str::from_utf8(&json).unwrap().contains(control));
        let expected: Vec<_> = pieces
            .iter()
            .map(|text| String::from_utf8_lossy(text))
            .collect();
        assert_eq!(read_back(&json), expected);
    }
}
