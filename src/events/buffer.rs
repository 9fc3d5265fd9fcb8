//! Where the events of a pool wait for a listener: a queue with a bound, out of
//! which the oldest events fall when there is no room. An event that comes back
//! from a listener goes to the head.
//!
//! 4.3.0 acts once a second, so its events come one by one, and ten places do.
//! Here what stops together is told together: where nobody has set a size, more
//! than its ten may wait, as long as they take little.

use std::collections::VecDeque;

use super::event::Event;
use super::message::{Message, Serials};
use crate::snapshot::saved;

/// The most that the events of a pool say together, in bytes; one event may say more.
pub const BYTES_LIMIT: usize = 64 * 1024 * 1024;

/// What the events of a pool may take together whose size nobody has set.
const SPARE_ROOM: usize = 1024 * 1024;

/// What an event takes beside what it says, about.
const OVERHEAD: usize = 128;

/// For how many events places are kept when none waits any more.
const KEPT_PLACES: usize = 64;

#[derive(Debug)]
pub struct Buffer {
    waiting: VecDeque<Message>,
    /// What those say together, in bytes.
    bytes: usize,
    size: usize,
    /// More than `size` may wait in the spare room.
    has_spare_room: bool,
    /// So many waited when it became smaller; the places of those that were sent are gone.
    kept: usize,
    poolserials: Serials,
    last_accepted: Option<(u64, u64)>,
}

saved! {
    struct Buffer {
        waiting, bytes, size, has_spare_room, kept, poolserials, last_accepted,
    }
}

impl Buffer {
    /// An empty buffer that holds `size` events, one at least. One that nobody
    /// has limited to that holds more, if they take little.
    pub fn new(size: usize, is_limited: bool) -> Buffer {
        Buffer {
            waiting: VecDeque::new(),
            bytes: 0,
            size: size.max(1),
            has_spare_room: !is_limited,
            kept: 0,
            poolserials: Serials::default(),
            last_accepted: None,
        }
    }

    /// Holds as many from now on; what waits already stays.
    pub fn resize(&mut self, size: usize, is_limited: bool) {
        self.size = size.max(1);
        self.has_spare_room = !is_limited;
        self.kept = self.waiting.len();
    }

    /// Takes an event; what had to go for it is handed back. An event that
    /// comes twice, for two subscriptions, keeps its number in the pool.
    pub fn accept(&mut self, event: Event, serial: u64) -> Vec<Message> {
        let poolserial = match self.last_accepted {
            Some((last, poolserial)) if last == serial => poolserial,
            _ => self.poolserials.take(),
        };
        self.last_accepted = Some((serial, poolserial));
        self.kept = self.kept.min(self.waiting.len());
        let discarded = self.make_room(event.payload.len());
        self.waiting.push_back(Message {
            event,
            serial,
            poolserial,
            rejections: 0,
        });
        discarded
    }

    /// Takes an event back that a listener has not processed; what had to go
    /// for it, the next ones that wait, is handed back.
    pub fn put_back(&mut self, message: Message) -> Vec<Message> {
        let discarded = self.make_room(message.event.payload.len());
        self.waiting.push_front(message);
        discarded
    }

    pub fn first(&self) -> Option<&Message> {
        self.waiting.front()
    }

    /// Takes the next event out, to be sent.
    pub fn take(&mut self) -> Option<Message> {
        let message = self.waiting.pop_front()?;
        self.bytes -= message.event.payload.len();
        if self.waiting.is_empty() {
            self.waiting.shrink_to(KEPT_PLACES);
        }
        Some(message)
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many may wait, as configured.
    pub fn size(&self) -> usize {
        self.size
    }

    pub fn holds(&self, kind: super::types::EventType) -> bool {
        self.waiting
            .iter()
            .any(|message| message.event.kind == kind)
    }

    /// For one more event, which says so many bytes and is counted from here on.
    fn make_room(&mut self, bytes: usize) -> Vec<Message> {
        let mut discarded = Vec::new();
        while self.is_full_for(bytes) {
            let Some(message) = self.take() else { break };
            discarded.push(message);
        }
        self.bytes += bytes;
        discarded
    }

    fn is_full_for(&self, bytes: usize) -> bool {
        let bytes = self.bytes.saturating_add(bytes);
        let fits = |room: usize| bytes.saturating_add(self.waiting.len() * OVERHEAD) <= room;
        bytes > BYTES_LIMIT
            || (self.waiting.len() >= self.size.max(self.kept)
                && !(self.has_spare_room && fits(SPARE_ROOM)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::types::{EventType, StateChange};
    use super::*;
    use crate::clock::Period;
    use crate::snapshot::tests::carried;
    use crate::states::ProcessState;
    use crate::tokens::Channel;

    fn event(number: u64) -> Event {
        Event::remote_communication("n", &number.to_string())
    }

    fn serials(buffer: &mut Buffer) -> Vec<u64> {
        std::iter::from_fn(|| buffer.take().map(|message| message.serial)).collect()
    }

    fn lost(discarded: Vec<Message>) -> Vec<u64> {
        discarded.iter().map(|message| message.serial).collect()
    }

    #[test]
    fn events_wait_in_the_order_in_which_they_came() {
        let mut buffer = Buffer::new(3, true);
        for serial in 4..7 {
            assert_eq!(buffer.accept(event(serial), serial), []);
        }
        assert_eq!(buffer.first().unwrap().poolserial, 0);
        assert_eq!(serials(&mut buffer), [4, 5, 6]);
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mut buffer = Buffer::new(2, true);
        let gone: Vec<Vec<u64>> = (0..4)
            .map(|serial| lost(buffer.accept(event(serial), serial)))
            .collect();
        assert_eq!(gone, [vec![], vec![], vec![0], vec![1]]);
        assert_eq!(serials(&mut buffer), [2, 3]);
    }

    #[test]
    fn events_that_say_much_take_more_of_the_room() {
        let large = |bytes: usize| Event::remote_communication("n", &"x".repeat(bytes));
        // Not quite, for there is a line before the data.
        let third = BYTES_LIMIT / 3 - 100;
        let mut buffer = Buffer::new(100, true);
        let mut accept = |serial, bytes| lost(buffer.accept(large(bytes), serial));
        assert_eq!(accept(0, 1000), []);
        assert_eq!(accept(1, third), []);
        assert_eq!(accept(2, third), []);
        assert_eq!(accept(3, third), [0]);
        assert_eq!(accept(4, 2 * third), [1, 2]);
        // One has room in any case.
        assert_eq!(accept(5, BYTES_LIMIT), [3, 4]);
        let sent = buffer.take().unwrap();
        assert_eq!(lost(buffer.accept(event(6), 6)), []);
        assert_eq!(lost(buffer.put_back(sent)), [6]);
        assert_eq!(serials(&mut buffer), [5]);
        // What has been taken out counts no more.
        for serial in 7..10 {
            assert_eq!(lost(buffer.accept(large(third), serial)), []);
        }
    }

    #[test]
    fn a_buffer_that_nobody_limited_lost_what_came_at_once() {
        let small = Event::remote_communication("n", &"x".repeat(70));
        let mut buffer = Buffer::new(10, false);
        let mut count = 0;
        while buffer.accept(small.clone(), count).is_empty() {
            count += 1;
        }
        assert!((4000..8000).contains(&count), "{count}");
        assert_eq!(buffer.len() as u64, count);
        // Empty again it keeps no places for so many.
        while buffer.take().is_some() {}
        assert!(buffer.waiting.capacity() <= 2 * KEPT_PLACES);
    }

    #[test]
    fn a_buffer_that_nobody_limited_holds_ten_events_of_any_size() {
        let large = |bytes: usize| Event::remote_communication("n", &"x".repeat(bytes));
        let mut buffer = Buffer::new(10, false);
        for serial in 0..10 {
            assert_eq!(lost(buffer.accept(large(1_000_000), serial)), []);
        }
        assert_eq!(lost(buffer.accept(event(10), 10)), [0]);
        // But no more than all of them may say together.
        assert_eq!(
            lost(buffer.accept(large(BYTES_LIMIT - 2_000_000), 11)).len(),
            8
        );
        // What comes back has the same room.
        let sent = buffer.take().unwrap();
        assert_eq!(lost(buffer.put_back(sent)), []);
    }

    #[test]
    fn an_event_that_comes_back_is_first_and_pushes_the_next_one_out() {
        let mut buffer = Buffer::new(2, true);
        buffer.accept(event(0), 0);
        let sent = buffer.take().unwrap();
        buffer.accept(event(1), 1);
        buffer.accept(event(2), 2);
        assert_eq!(lost(buffer.put_back(sent)), [1]);
        assert_eq!(serials(&mut buffer), [0, 2]);
    }

    #[test]
    fn what_waits_stays_when_the_buffer_becomes_smaller() {
        let mut buffer = Buffer::new(9, true);
        for serial in 0..6 {
            buffer.accept(event(serial), serial);
        }
        buffer.resize(2, true);
        assert_eq!(buffer.len(), 6);
        assert_eq!(lost(buffer.accept(event(6), 6)), [0]);
        assert_eq!(serials(&mut buffer), [1, 2, 3, 4, 5, 6]);
        let gone: Vec<Vec<u64>> = (7..10)
            .map(|serial| lost(buffer.accept(event(serial), serial)))
            .collect();
        assert_eq!(gone, [vec![], vec![], vec![7]]);
    }

    #[test]
    fn an_event_of_two_subscriptions_has_one_number_in_the_pool() {
        let mut buffer = Buffer::new(9, true);
        buffer.accept(event(5), 5);
        buffer.accept(event(5), 5);
        buffer.accept(event(6), 6);
        let numbers = |message: Message| (message.serial, message.poolserial);
        let taken: Vec<_> = std::iter::from_fn(|| buffer.take().map(numbers)).collect();
        assert_eq!(taken, [(5, 0), (5, 0), (6, 1)]);
    }

    #[test]
    fn the_next_program_has_the_events_that_wait_and_counts_on() {
        use EventType as E;
        let kinds = [
            E::ProcessState(ProcessState::Backoff),
            E::StateChange(StateChange::ExitedExpected),
            E::Communication(Channel::Stdout),
            E::Log(Channel::Stderr),
            E::Tick(Period::Minute),
            E::Health { is_healthy: true },
            E::MonitorQuery,
        ];
        let mut buffer = Buffer::new(kinds.len(), true);
        for (serial, kind) in (5..).zip(kinds) {
            let payload = vec![0, b'\n', b'"', 0xff];
            buffer.accept(Event { kind, payload }, serial);
        }
        let sent = buffer.take().unwrap();
        buffer.put_back(Message {
            rejections: 3,
            ..sent
        });
        let mut again = carried(&buffer);
        assert_eq!(again.waiting, buffer.waiting);
        // The same serial a second time has the same number, and the oldest goes.
        assert_eq!(lost(again.accept(event(11), 11)), [5]);
        assert_eq!(again.waiting.back().unwrap().poolserial, 6);
        assert_eq!(lost(again.accept(event(12), 12)), [6]);
        assert_eq!(again.waiting.back().unwrap().poolserial, 7);
        while again.take().is_some() {}
        assert_eq!(again.bytes, 0);
    }
}
