//! An event on its way to a listener: numbered when a pool takes it, sent as
//! one header line and the payload right after it.
//!
//! `len` counts what the pool's listeners read: characters, as in 4.3.0, or
//! bytes, which is the same for ASCII.

use std::time::Duration;

use super::event::Event;
use crate::snapshot::saved;

/// The version of the protocol that listeners speak.
const PROTOCOL: &str = "3.0";

/// Where 4.3.0's counters start again from 0.
const LAST_SERIAL: u64 = i64::MAX as u64;

/// How many times in a row an event may be rejected without a rest.
const REJECTIONS_AT_ONCE: u64 = 2;

/// How long it rests at first, and at most.
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// What listeners read so many of as `len` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadLength {
    #[default]
    /// Characters, as 4.3.0 counts.
    Characters,
    Bytes,
}

saved! { enum PayloadLength { Characters, Bytes } }

/// A counter of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Serials {
    next: u64,
}

saved! { struct Serials { next } }

impl Serials {
    pub fn take(&mut self) -> u64 {
        let serial = self.next;
        self.next = if serial == LAST_SERIAL { 0 } else { serial + 1 };
        serial
    }
}

/// An event that a pool has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub event: Event,
    /// Its number, the same in all pools.
    pub serial: u64,
    pub poolserial: u64,
    /// How often listeners of the pool have rejected it.
    pub rejections: u64,
}

saved! { struct Message { event, serial, poolserial, rejections } }

impl Message {
    /// The header line, its newline included.
    pub fn header(&self, identifier: &str, pool: &str, counted: PayloadLength) -> String {
        format!(
            "ver:{PROTOCOL} server:{identifier} serial:{} pool:{pool} poolserial:{} eventname:{} len:{}\n",
            self.serial,
            self.poolserial,
            self.event.kind.name(),
            length(&self.event.payload, counted)
        )
    }

    /// The bytes that a listener is sent.
    pub fn bytes(&self, identifier: &str, pool: &str, counted: PayloadLength) -> Vec<u8> {
        let mut bytes = self.header(identifier, pool, counted).into_bytes();
        bytes.extend_from_slice(&self.event.payload);
        bytes
    }

    /// How long a listener rests that rejects the event once more; `None` for not at all.
    pub fn rest(&self) -> Option<Duration> {
        let doublings = self.rejections.checked_sub(REJECTIONS_AT_ONCE)?;
        let factor = u32::try_from(doublings)
            .ok()
            .and_then(|doublings| 1_u32.checked_shl(doublings))
            .unwrap_or(u32::MAX);
        Some(FIRST_REST.saturating_mul(factor).min(LONGEST_REST))
    }
}

/// The length of a payload, which is UTF-8 always. Characters are code points, as
/// `len` of Python counts them: each has one byte that continues no other.
fn length(payload: &[u8], counted: PayloadLength) -> usize {
    match counted {
        PayloadLength::Bytes => payload.len(),
        PayloadLength::Characters => {
            let continues = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
            payload.len() - payload.iter().filter(|byte| continues(byte)).count()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Period;

    #[test]
    fn a_message_is_a_header_line_and_the_payload() {
        let message = Message {
            event: Event::tick(Period::Seconds, 1_795_372_285),
            serial: 21,
            poolserial: 7,
            rejections: 0,
        };
        assert_eq!(
            String::from_utf8(message.bytes("supervisor", "clock", PayloadLength::Characters))
                .unwrap(),
            "ver:3.0 server:supervisor serial:21 pool:clock poolserial:7 eventname:TICK_5 len:15\n\
             when:1795372285"
        );
    }

    #[test]
    fn the_length_counts_characters_or_bytes_of_the_payload_alone() {
        for (data, characters, bytes) in [
            ("", 7, 7),
            ("plain\n", 13, 13),
            ("é", 8, 9),
            ("€", 8, 10),
            // Beyond the first plane, and one character made of two.
            ("🐍", 8, 11),
            ("e\u{301}", 9, 10),
            ("äöü ßÿ\0\u{7f}\u{80}", 16, 22),
        ] {
            let message = Message {
                event: Event::remote_communication("n", data),
                serial: 0,
                poolserial: 0,
                rejections: 0,
            };
            for (counted, length) in [
                (PayloadLength::Characters, characters),
                (PayloadLength::Bytes, bytes),
            ] {
                let header = message.header("sérver", "pöol", counted);
                assert!(header.ends_with(&format!(" len:{length}\n")), "{header}");
            }
        }
    }

    #[test]
    fn from_the_third_rejection_on_a_listener_rests_for_longer_and_longer() {
        let rest = |rejections| {
            let message = Message {
                event: Event::remote_communication("", ""),
                serial: 0,
                poolserial: 0,
                rejections,
            };
            message.rest().map(|rest| rest.as_millis())
        };
        let rests = [100, 200, 400, 800, 1600, 3200, 5000, 5000];
        assert_eq!((0..2).find_map(rest), None);
        assert_eq!((2..10).filter_map(rest).collect::<Vec<u128>>(), rests);
        for rejections in [33, 34, 35, 1 << 32, u64::MAX] {
            assert_eq!(rest(rejections), Some(5000), "{rejections}");
        }
    }

    #[test]
    fn serials_start_again_where_the_originals_do() {
        let mut serials = Serials::default();
        assert_eq!((serials.take(), serials.take()), (0, 1));
        serials.next = LAST_SERIAL;
        assert_eq!((serials.take(), serials.take()), (LAST_SERIAL, 0));
    }
}
