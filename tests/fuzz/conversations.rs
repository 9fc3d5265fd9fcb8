//! What listeners say, and the messages in what programs write: in any pieces
//! they mean the same, which is what a simple model says of the whole.

use std::cell::Cell;

use pollvisor::dispatchers::capture::{Capture, Part};
use pollvisor::events::protocol::{Heard, ListenerState, Protocol};
use pollvisor::text::integer::Integer;

use super::Random;

const SPOKEN: &[&str] = &[
    "READY\n",
    "READY\n",
    "READY\n",
    "READY\r\n",
    "READY",
    "R",
    "\n",
    "\r",
    "RESULT ",
    "RESULT 2\nOK",
    "RESULT 4\nFAIL",
    "RESULT 0\n",
    "RESULT 1",
    "RESULT -1\n",
    "result 2\n",
    "xxxxxxx",
    "0",
    "1",
    "2",
    "7",
    "_",
    "+",
    "-",
    " ",
    "OK",
    "FAIL",
    "99999999999999999999\n",
    "\u{0}",
    "é",
    "\u{a0}",
    "٣",
];

/// Random pieces of a text, down to single bytes; the text decides on them.
fn pieces(bytes: &[u8], salt: u64) -> Vec<&[u8]> {
    let seed = bytes.iter().fold(salt, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    let mut random = Random(seed | 1);
    let longest = 1 + random.below(9);
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.len().min(random.below(longest + 1)));
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// Whether the listener is sent an event when it is READY for this time.
fn is_sent(time: usize, salt: usize) -> bool {
    (time + salt) % 5 != 4
}

/// A conversation in pieces: what it meant, and the state at its end.
fn converse(pieces: &[&[u8]], salt: usize) -> (Vec<Heard>, ListenerState) {
    let mut protocol = Protocol::default();
    let mut steps = Vec::new();
    let mut times = 0;
    for piece in pieces {
        protocol.hear(piece);
        while let Some(step) = protocol.next_heard() {
            match step {
                Heard::Ready => {
                    if is_sent(times, salt) {
                        protocol.sent();
                    }
                    times += 1;
                }
                Heard::Result(_) => protocol.acknowledge(),
                Heard::BadLine(_) | Heard::Violation => {
                    assert_eq!(protocol.state(), ListenerState::Unknown)
                }
            }
            steps.push(step);
        }
    }
    (steps, protocol.state())
}

/// The same by the rules of the reference, over the whole. No text here is so
/// long that a bound matters.
fn model(mut rest: &[u8], salt: usize) -> (Vec<String>, ListenerState) {
    let mut steps = Vec::new();
    for time in 0.. {
        let Some(more) = rest.strip_prefix(b"READY\n") else {
            if rest.len() < 6 {
                return (steps, ListenerState::Acknowledged);
            }
            steps.push("violation".to_owned());
            return (steps, ListenerState::Unknown);
        };
        steps.push("ready".to_owned());
        rest = more;
        if !is_sent(time, salt) {
            if rest.is_empty() {
                return (steps, ListenerState::Ready);
            }
            steps.push("violation".to_owned());
            return (steps, ListenerState::Unknown);
        }
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return (steps, ListenerState::Busy);
        };
        let number = std::str::from_utf8(rest[..end].get(7..).unwrap_or_default()).ok();
        let number = number
            .and_then(Integer::decimal)
            .map(|number| number.saturated());
        let Some(length) = number.and_then(|number| usize::try_from(number).ok()) else {
            steps.push(format!("bad {:?}", &rest[..end]));
            return (steps, ListenerState::Unknown);
        };
        let Some(answer) = rest[end + 1..].get(..length) else {
            return (steps, ListenerState::Busy);
        };
        steps.push(format!("answer {answer:?}"));
        rest = &rest[end + 1 + length..];
    }
    (steps, ListenerState::Unknown)
}

fn told(steps: &[Heard]) -> Vec<String> {
    let tell = |step: &Heard| match step {
        Heard::Ready => "ready".to_owned(),
        Heard::Result(answer) => {
            assert!(answer.is_whole());
            format!("answer {:?}", answer.bytes)
        }
        Heard::BadLine(line) => format!("bad {line:?}"),
        Heard::Violation => "violation".to_owned(),
    };
    steps.iter().map(tell).collect()
}

#[test]
fn a_conversation_means_the_same_in_any_pieces() {
    let (all, answered) = (Cell::new(0), Cell::new(0));
    super::run(
        1,
        |random| {
            let start = if random.below(4) > 0 { "READY\n" } else { "" };
            start.to_owned() + &random.text(SPOKEN, 12)
        },
        |text| {
            let bytes = text.as_bytes();
            let salt = bytes.len() % 7;
            let (steps, state) = model(bytes, salt);
            all.set(all.get() + 1);
            if steps.iter().any(|step| step.starts_with("answer")) {
                answered.set(answered.get() + 1);
            }
            for pieces in [vec![bytes], pieces(bytes, 1), bytes.chunks(1).collect()] {
                let (heard, end) = converse(&pieces, salt);
                assert_eq!(told(&heard), steps);
                // Fewer than six bytes decide nothing, and then nothing is lost.
                assert_eq!(end, state);
            }
        },
    );
    let (all, answered) = (all.get(), answered.get());
    assert!(answered * 20 > all, "only {answered} of {all} answer");
}

#[test]
fn a_long_conversation_is_bounded_in_any_pieces() {
    super::run(
        2000,
        |random| {
            let filler = ["x", "\n", " ", "READY\n"][random.below(4)];
            let long = filler.repeat(1 + random.below(200_000) / filler.len());
            let parts = [
                "READY\n",
                &random.text(SPOKEN, 5),
                &long,
                &random.text(SPOKEN, 5),
            ];
            parts.concat()
        },
        |text| {
            let bytes = text.as_bytes();
            let salt = bytes.len() % 7;
            let whole = converse(&[bytes], salt);
            let kept = |step: &Heard| match step {
                Heard::Result(answer) => answer.bytes.len(),
                Heard::BadLine(line) => line.len(),
                _ => 0,
            };
            assert!(whole.0.iter().map(kept).sum::<usize>() <= bytes.len());
            assert_eq!(
                converse(&bytes.chunks(65536).collect::<Vec<_>>(), salt),
                whole
            );
            assert_eq!(converse(&bytes.chunks(1).collect::<Vec<_>>(), salt), whole);
        },
    );
}

const BEGIN: &str = "<!--XSUPERVISOR:BEGIN-->";
const END: &str = "<!--XSUPERVISOR:END-->";

const WRITTEN: &[&str] = &[
    BEGIN,
    BEGIN,
    END,
    END,
    "<!--XSUPERVISOR:",
    "BEGIN-->",
    "END-->",
    "<!--",
    "<",
    "-->",
    "XSUPERVISOR",
    "B",
    "E",
    "text",
    "\n",
    "a line\n",
    "\u{0}",
    "é",
];

/// What came out of a stream: the text for the log, what was told as captured,
/// the messages.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sorted {
    text: Vec<u8>,
    captured: Vec<u8>,
    messages: Vec<Vec<u8>>,
}

fn sort_out(pieces: &[&[u8]], limit: usize) -> Sorted {
    let mut capture = Capture::new(limit);
    let mut sorted = Sorted::default();
    for piece in pieces {
        for part in capture.feed(piece) {
            match part {
                Part::Text(text) => sorted.text.extend(text),
                Part::Captured(text) => sorted.captured.extend(text),
                Part::Message(message) => sorted.messages.push(message),
            }
        }
    }
    sorted.text.extend(capture.finish());
    sorted
}

/// The same over the whole, and how many bytes the tokens have.
fn expected(mut rest: &str, limit: usize) -> (Sorted, usize) {
    let mut sorted = Sorted::default();
    let mut tokens = 0;
    loop {
        let Some((text, more)) = rest.split_once(BEGIN) else {
            sorted.text.extend(rest.as_bytes());
            return (sorted, tokens);
        };
        sorted.text.extend(text.as_bytes());
        tokens += BEGIN.len();
        let Some((message, more)) = more.split_once(END) else {
            sorted.captured.extend(more.as_bytes());
            return (sorted, tokens);
        };
        sorted.captured.extend(message.as_bytes());
        let kept = message.len().saturating_sub(limit);
        sorted.messages.push(message.as_bytes()[kept..].to_vec());
        tokens += END.len();
        rest = more;
    }
}

#[test]
fn messages_in_output_are_found_in_any_pieces_and_nothing_is_lost() {
    super::run(
        1,
        |random| random.text(WRITTEN, 16),
        |text| {
            let bytes = text.as_bytes();
            let limit = 1 + bytes.len() % 40;
            let (expected, tokens) = expected(text, limit);
            assert_eq!(
                expected.text.len() + expected.captured.len() + tokens,
                bytes.len()
            );
            for pieces in [vec![bytes], pieces(bytes, 2), bytes.chunks(1).collect()] {
                let mut sorted = sort_out(&pieces, limit);
                // A message without an end is no message, and what may begin its end is not told.
                let untold = expected.captured.len() - sorted.captured.len();
                assert!(untold < END.len(), "{untold} bytes");
                let rest = &expected.captured[expected.captured.len() - untold..];
                assert!(END.as_bytes().starts_with(rest));
                sorted.captured.extend(rest);
                assert_eq!(sorted, expected);
            }
        },
    );
}
