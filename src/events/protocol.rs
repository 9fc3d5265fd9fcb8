//! What a listener says on its standard output, as a state machine over bytes
//! that may come in any pieces.
//!
//! ```text
//! ACKNOWLEDGED --READY\n--> READY --(an event is sent)--> BUSY
//! BUSY --RESULT n\n and n bytes--> the result is judged --> ACKNOWLEDGED
//! ```
//!
//! Anything else ends in UNKNOWN, which a listener leaves only by being started
//! again. The states and what leads to them are those of Supervisor 4.3.0; that
//! a result of no bytes counts at once, and the bounds, are this program's.

use crate::snapshot::saved;
use crate::text::integer::Integer;

/// The state of a listener; the numbers are 4.3.0's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerState {
    /// It can be sent an event.
    Ready,
    /// It has an event and owes the result.
    Busy,
    /// It owes a `READY`.
    Acknowledged,
    /// It has broken the protocol.
    Unknown,
}

saved! { enum ListenerState { Ready, Busy, Acknowledged, Unknown } }

impl ListenerState {
    /// Its name in log lines.
    pub fn name(self) -> &'static str {
        match self {
            ListenerState::Ready => "READY",
            ListenerState::Busy => "BUSY",
            ListenerState::Acknowledged => "ACKNOWLEDGED",
            ListenerState::Unknown => "UNKNOWN",
        }
    }
}

/// What a listener's output means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Ready,
    /// It has answered. Nothing more is looked at before [`Protocol::acknowledge`].
    Result(EventResult),
    /// It has begun its result with a line that is none; it is UNKNOWN now.
    BadLine(Vec<u8>),
    /// It has said something when it was not to; it is UNKNOWN now.
    Violation,
}

/// What a listener says of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventResult {
    /// The bytes after the line, the first [`RESULT_LIMIT`] of them.
    pub bytes: Vec<u8>,
    /// How many there were.
    pub length: u64,
}

saved! { struct EventResult { bytes, length } }

impl EventResult {
    pub fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.length
    }
}

/// How much of a result is kept.
pub const RESULT_LIMIT: usize = 1 << 20;

/// How long the line before a result may be, and what a listener may say
/// while its result is judged.
const LINE_LIMIT: usize = 64 * 1024;

const READY: &[u8] = b"READY\n";

/// The length of `RESULT `, which is not looked at: as in 4.3.0 only the number counts.
const RESULT_LENGTH: usize = 7;

/// A conversation with one listener, from its start on.
#[derive(Debug)]
pub struct Protocol {
    state: ListenerState,
    /// What has been said and not understood yet.
    pending: Vec<u8>,
    receiving: Receiving,
}

saved! { struct Protocol { state, pending, receiving } }

/// How much of the result of a BUSY listener has come.
#[derive(Debug)]
enum Receiving {
    /// Its line has not come: it does not end in so many bytes of `pending`.
    Line(usize),
    /// So many bytes of it are still to come.
    Bytes { result: EventResult, owed: u64 },
    /// Somebody judges it.
    Judged,
}

saved! { enum Receiving { Line(a), Bytes { result, owed }, Judged } }

impl Default for Protocol {
    fn default() -> Protocol {
        Protocol {
            state: ListenerState::Acknowledged,
            pending: Vec::new(),
            receiving: Receiving::Line(0),
        }
    }
}

impl Protocol {
    pub fn state(&self) -> ListenerState {
        self.state
    }

    /// Whether a result waits for its verdict.
    pub fn is_judged(&self) -> bool {
        self.state == ListenerState::Busy && matches!(self.receiving, Receiving::Judged)
    }

    pub fn sent(&mut self) {
        self.state = ListenerState::Busy;
        self.receiving = Receiving::Line(0);
    }

    /// The result was judged: the listener may say READY again.
    pub fn acknowledge(&mut self) {
        if self.state == ListenerState::Busy {
            self.state = ListenerState::Acknowledged;
        }
    }

    /// The result could not be judged: nothing more is expected of the listener.
    pub fn give_up(&mut self) {
        self.state = ListenerState::Unknown;
        self.pending = Vec::new();
        self.receiving = Receiving::Line(0);
    }

    /// Takes what the listener said; [`Protocol::next_heard`] tells what it means.
    pub fn hear(&mut self, bytes: &[u8]) {
        if self.state == ListenerState::Unknown {
            return;
        }
        self.pending.extend_from_slice(bytes);
        self.receive();
    }

    /// The next thing that was said; `None` when more must come first.
    pub fn next_heard(&mut self) -> Option<Heard> {
        match self.state {
            ListenerState::Unknown => None,
            ListenerState::Acknowledged if self.pending.len() < READY.len() => None,
            ListenerState::Acknowledged if self.pending.starts_with(READY) => {
                self.pending.drain(..READY.len());
                self.state = ListenerState::Ready;
                Some(Heard::Ready)
            }
            ListenerState::Ready if self.pending.is_empty() => None,
            ListenerState::Acknowledged | ListenerState::Ready => {
                self.give_up();
                Some(Heard::Violation)
            }
            ListenerState::Busy => self.result(),
        }
    }

    fn result(&mut self) -> Option<Heard> {
        if let Receiving::Line(seen) = self.receiving {
            let looked_at = self.pending.len().min(LINE_LIMIT + 1);
            let new = self.pending.get(seen..looked_at).unwrap_or_default();
            let end = new.iter().position(|&byte| byte == b'\n');
            if end.is_none() && looked_at <= LINE_LIMIT {
                self.receiving = Receiving::Line(looked_at);
                return None;
            }
            let end = end.map(|end| seen + end);
            let line = self.pending.get(..end.unwrap_or(LINE_LIMIT));
            let line = line.unwrap_or_default();
            let length = end.and_then(|_| result_length(line));
            let (Some(end), Some(owed)) = (end, length) else {
                let line = line.to_vec();
                self.give_up();
                return Some(Heard::BadLine(line));
            };
            self.pending.drain(..=end);
            let result = EventResult {
                bytes: Vec::new(),
                length: owed,
            };
            self.receiving = Receiving::Bytes { result, owed };
            self.receive();
        }
        match std::mem::replace(&mut self.receiving, Receiving::Judged) {
            Receiving::Bytes { result, owed: 0 } => Some(Heard::Result(result)),
            Receiving::Judged if self.pending.len() > LINE_LIMIT => {
                self.give_up();
                Some(Heard::Violation)
            }
            receiving => {
                self.receiving = receiving;
                None
            }
        }
    }

    /// Moves what has come of a result to it; what is too long to be kept is
    /// counted and let go.
    fn receive(&mut self) {
        let Receiving::Bytes { result, owed } = &mut self.receiving else {
            return;
        };
        let taken =
            usize::try_from(*owed).map_or(self.pending.len(), |owed| owed.min(self.pending.len()));
        let room = RESULT_LIMIT - result.bytes.len();
        result.bytes.extend(self.pending.drain(..taken).take(room));
        *owed -= taken as u64;
    }
}

/// The number in `RESULT n`, read as Python reads one.
fn result_length(line: &[u8]) -> Option<u64> {
    let number = line.get(RESULT_LENGTH..).unwrap_or_default();
    let number = std::str::from_utf8(number).ok()?;
    let length = Integer::decimal(number)?;
    u64::try_from(length.saturated()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::carried;

    fn all_heard(protocol: &mut Protocol, bytes: &[u8]) -> Vec<Heard> {
        protocol.hear(bytes);
        std::iter::from_fn(|| protocol.next_heard()).collect()
    }

    fn result_of(text: &str) -> Heard {
        Heard::Result(EventResult {
            bytes: text.as_bytes().to_vec(),
            length: text.len() as u64,
        })
    }

    fn busy() -> Protocol {
        let mut protocol = Protocol::default();
        assert_eq!(all_heard(&mut protocol, b"READY\n"), [Heard::Ready]);
        protocol.sent();
        protocol
    }

    #[test]
    fn a_conversation_goes_round() {
        let mut protocol = busy();
        for _ in 0..3 {
            let heard = all_heard(&mut protocol, b"RESULT 2\nOKREADY\n");
            assert_eq!(heard, [result_of("OK")]);
            assert_eq!(protocol.state(), ListenerState::Busy);
            protocol.acknowledge();
            assert_eq!(protocol.state(), ListenerState::Acknowledged);
            assert_eq!(all_heard(&mut protocol, b""), [Heard::Ready]);
            protocol.sent();
        }
    }

    #[test]
    fn it_is_understood_in_any_pieces_by_one_program_or_two() {
        let whole = b"READY\nRESULT 4\nFAILREADY\n";
        for cut in 0..whole.len() {
            let mut protocol = Protocol::default();
            let mut heard = Vec::new();
            for piece in [&whole[..cut], &whole[cut..]] {
                protocol.hear(piece);
                while let Some(next) = protocol.next_heard() {
                    match next {
                        Heard::Ready => protocol.sent(),
                        _ => protocol.acknowledge(),
                    }
                    heard.push(next);
                }
                protocol = carried(&protocol);
            }
            let expected = [Heard::Ready, result_of("FAIL"), Heard::Ready];
            assert_eq!(heard, expected, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_ready_is_a_violation() {
        for (bytes, state) in [
            (&b"READY"[..], ListenerState::Acknowledged),
            (b"nope!", ListenerState::Acknowledged),
            (b"READY\r\n", ListenerState::Unknown),
            (b"hello\n", ListenerState::Unknown),
            (b"READY\nx", ListenerState::Unknown),
            (b"READY\nREADY\n", ListenerState::Unknown),
        ] {
            let mut protocol = Protocol::default();
            let heard = all_heard(&mut protocol, bytes);
            assert_eq!(protocol.state(), state, "{bytes:?}");
            let is_unknown = state == ListenerState::Unknown;
            assert_eq!(heard.last() == Some(&Heard::Violation), is_unknown);
            // Nothing brings it back.
            assert_eq!(all_heard(&mut protocol, b"READY\n").is_empty(), is_unknown);
        }
    }

    #[test]
    fn the_number_is_read_as_python_reads_it() {
        for (line, length) in [
            ("RESULT 2", Some(2)),
            ("RESULT 0", Some(0)),
            ("whatever 7", None),
            ("xxxxxxx7", Some(7)),
            ("RESULT  +1_0 \r", Some(10)),
            ("RESULT -1", None),
            ("RESULT", None),
            ("RESULT 2x", None),
            ("", None),
        ] {
            assert_eq!(result_length(line.as_bytes()), length, "{line:?}");
        }
    }

    #[test]
    fn a_line_without_a_number_is_told() {
        let mut protocol = busy();
        let heard = all_heard(&mut protocol, b"RESULT two\nREADY\n");
        assert_eq!(heard, [Heard::BadLine(b"RESULT two".to_vec())]);
        assert_eq!(protocol.state(), ListenerState::Unknown);
    }

    #[test]
    fn a_result_of_no_bytes_counts_at_once() {
        assert_eq!(all_heard(&mut busy(), b"RESULT 0\n"), [result_of("")]);
    }

    #[test]
    fn a_long_result_is_counted_and_its_beginning_kept() {
        let mut protocol = busy();
        let length = 3 * RESULT_LIMIT;
        let line = format!("RESULT {length}\n");
        assert_eq!(all_heard(&mut protocol, line.as_bytes()), []);
        let piece = vec![b'x'; RESULT_LIMIT / 16];
        let mut heard = Vec::new();
        for _ in 0..48 {
            heard.extend(all_heard(&mut protocol, &piece));
        }
        let Some(Heard::Result(result)) = heard.pop() else {
            panic!("{heard:?}");
        };
        assert_eq!(
            (result.bytes.len(), result.length),
            (RESULT_LIMIT, length as u64)
        );
        assert!(!result.is_whole());
    }

    #[test]
    fn what_a_listener_may_say_has_bounds() {
        let mut protocol = busy();
        assert_eq!(all_heard(&mut protocol, &vec![b'x'; LINE_LIMIT]), []);
        assert!(matches!(
            all_heard(&mut protocol, b"x")[..],
            [Heard::BadLine(_)]
        ));

        // A line that ends is too long as well, however it comes.
        let mut protocol = busy();
        let line = [b"RESULT 2", &[b' '; LINE_LIMIT][..], b"\nOK"].concat();
        assert!(matches!(
            all_heard(&mut protocol, &line)[..],
            [Heard::BadLine(_)]
        ));

        let mut protocol = busy();
        assert_eq!(all_heard(&mut protocol, b"RESULT 2\nOK"), [result_of("OK")]);
        assert_eq!(
            all_heard(&mut protocol, &vec![b'x'; LINE_LIMIT + 1]),
            [Heard::Violation]
        );
        assert_eq!(protocol.state(), ListenerState::Unknown);
    }
}
