//! What a message of sd_notify says.

use std::borrow::Cow;

use crate::text::plain::is_control;

/// How much of a status is kept.
const LONGEST_STATUS: usize = 200;

/// The fields of one message that mean something here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// `READY=1`
    pub is_ready: bool,
    /// `RELOADING=1`
    pub is_reloading: bool,
    /// `STOPPING=1`
    pub is_stopping: bool,
    /// `WATCHDOG=1`
    pub is_alive: bool,
    /// `WATCHDOG=trigger`: it knows itself that something is wrong.
    pub is_in_trouble: bool,
    /// `STATUS=`
    pub status: Option<String>,
}

impl Signs {
    /// Reads a message: a field a line. What is not known is nothing.
    pub fn read(message: &[u8]) -> Signs {
        let mut signs = Signs::default();
        for field in message.split(|byte| *byte == b'\n') {
            match field {
                b"READY=1" => signs.is_ready = true,
                b"RELOADING=1" => signs.is_reloading = true,
                b"STOPPING=1" => signs.is_stopping = true,
                b"WATCHDOG=1" => signs.is_alive = true,
                b"WATCHDOG=trigger" => signs.is_in_trouble = true,
                field => {
                    if let Some(status) = field.strip_prefix(b"STATUS=") {
                        signs.status = Some(shown(status));
                    }
                }
            }
        }
        signs
    }
}

/// A text of a program's as one line: no control characters, and not without end.
pub fn shown(text: &[u8]) -> String {
    let text: Cow<'_, str> = String::from_utf8_lossy(text);
    let characters = text.trim().chars().map(|character| match character {
        character if character == '\t' || is_control(character) => ' ',
        character => character,
    });
    characters.take(LONGEST_STATUS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_fields_in_lines() {
        let ready = Signs {
            is_ready: true,
            status: Some("Listening on port 80".to_owned()),
            ..Signs::default()
        };
        let message = b"STATUS=Listening on port 80\nREADY=1\nMAINPID=12\nFDSTORE=1\nX";
        assert_eq!(Signs::read(message), ready);
        for (message, expected) in [
            (
                "RELOADING=1\nMONOTONIC_USEC=7",
                Signs {
                    is_reloading: true,
                    ..Signs::default()
                },
            ),
            (
                "STOPPING=1\nWATCHDOG=1",
                Signs {
                    is_stopping: true,
                    is_alive: true,
                    ..Signs::default()
                },
            ),
            (
                "WATCHDOG=trigger",
                Signs {
                    is_in_trouble: true,
                    ..Signs::default()
                },
            ),
            ("READY=0\nREADY=1 \nready=1\n\0", Signs::default()),
            ("", Signs::default()),
        ] {
            assert_eq!(Signs::read(message.as_bytes()), expected, "{message:?}");
        }
    }

    #[test]
    fn a_status_is_one_line_and_not_without_end() {
        assert_eq!(shown(b" a\x1b[31mb\x07\xff "), "a [31mb \u{fffd}");
        assert_eq!(shown(&[b'x'; 5000]).len(), LONGEST_STATUS);
    }
}
