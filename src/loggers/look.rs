//! Records of the main log that have a format, as the logs of programs can have one.

use std::fmt::Display;

use crate::config::Config;
use crate::config::line_format::LineFormat;
use crate::log_level::Level;
use crate::loggers::form::{Column, Form, Writer};
use crate::loggers::format;
use crate::loggers::lines::Line;
use crate::loggers::stamp::Stamp;
use crate::snapshot::saved;
use crate::sys::time;
use crate::text::plain;

/// What stands in the places of a program's names.
const NAME: &str = "supervisord";
const CHANNEL: &str = "log";

/// The number of its colour: programs have the others first.
const COLOUR: usize = 9;

/// What the records of the main log look like.
#[derive(Debug)]
pub struct Look {
    format: LineFormat,
    stamp: Stamp,
    /// How long the column of names is, if there is one.
    pub width: usize,
    /// Whether the copy on stdout has it in colour.
    is_coloured: bool,
}

saved! {
    struct Look {
        format, width, is_coloured,
        // It is set before each record.
        stamp = Stamp::default(),
    }
}

impl Look {
    /// That of a format; none for the usual one.
    pub fn of(format: &LineFormat, is_coloured: bool) -> Option<Box<Look>> {
        (*format != LineFormat::Raw).then(|| {
            Box::new(Look {
                format: format.clone(),
                stamp: Stamp::default(),
                width: own_width(format),
                is_coloured: is_coloured && *format == LineFormat::Prefix,
            })
        })
    }

    /// A record for the copy on stdout, if that is another one, and for all other targets.
    pub fn records(
        &mut self,
        level: Level,
        message: &dyn Display,
        text: Option<&str>,
    ) -> (Option<Vec<u8>>, Vec<u8>) {
        let now = time::wall();
        let mut record = String::new();
        match self.format {
            // It has no time and no level of its own.
            LineFormat::Prefix => {
                let local = time::local(now);
                format::append_record(&mut record, local, now.nanoseconds, level, message);
                record.pop();
            }
            _ => {
                record = message.to_string();
                plain::make_plain(&mut record, 0);
            }
        }
        if let Some(text) = text {
            // One line, for each line is a record.
            record.push(' ');
            plain::push(&mut record, text.strip_suffix('\n').unwrap_or(text));
        }
        self.stamp.set(now, time::local);
        let plain = self.written(level, &record, None);
        let copied = self
            .is_coloured
            .then(|| self.written(level, &record, Some(COLOUR)));
        (copied, plain)
    }

    fn written(&self, level: Level, record: &str, colour: Option<usize>) -> Vec<u8> {
        let writer = Writer {
            program: NAME,
            group: NAME,
            process: NAME,
            channel: CHANNEL,
            pid: i64::from(std::process::id()),
            level: level.tag(),
            json_level: Some(level.name()),
        };
        let width = self.width;
        let form = Form::new(&self.format, writer, Column { width, colour });
        let line = Line {
            text: record.as_bytes(),
            end: b"\n",
            is_rest: false,
        };
        let mut written = Vec::with_capacity(record.len() + 64);
        form.push(&mut written, &self.stamp, line);
        written
    }
}

/// How wide the column of names before lines is: the longest of all, and the daemon's own if it
/// stands there.
pub fn name_width(config: &Config) -> usize {
    let own = own_width(&config.supervisord.logfile_format);
    let processes = config.groups.iter().flat_map(|group| &group.processes);
    let names = processes.map(|process| process.name.chars().count());
    names.fold(own, usize::max)
}

fn own_width(format: &LineFormat) -> usize {
    match format {
        LineFormat::Prefix => NAME.len(),
        _ => 0,
    }
}
