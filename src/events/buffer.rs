//! Where the events of a pool wait for a listener: a queue with a bound, out of
//! which the oldest event falls when there is no room. An event that comes back
//! from a listener goes to the head.

use std::collections::VecDeque;

use super::event::Event;
use super::message::{Message, Serials};

/// The events that wait.
#[derive(Debug)]
pub struct Buffer {
    waiting: VecDeque<Message>,
    size: usize,
    poolserials: Serials,
    last_accepted: Option<(u64, u64)>,
}

impl Buffer {
    /// An empty buffer that holds `size` events, one at least.
    pub fn new(size: usize) -> Buffer {
        Buffer {
            waiting: VecDeque::new(),
            size: size.max(1),
            poolserials: Serials::default(),
            last_accepted: None,
        }
    }

    /// Takes an event; what had to go for it is handed back. An event that
    /// comes twice, for two subscriptions, keeps its number in the pool.
    pub fn accept(&mut self, event: Event, serial: u64) -> Option<Message> {
        let poolserial = match self.last_accepted {
            Some((last, poolserial)) if last == serial => poolserial,
            _ => self.poolserials.take(),
        };
        self.last_accepted = Some((serial, poolserial));
        let discarded = self.make_room();
        self.waiting.push_back(Message {
            event,
            serial,
            poolserial,
            rejections: 0,
        });
        discarded
    }

    /// Takes an event back that a listener has not processed; what had to go
    /// for it, the next one that waits, is handed back.
    pub fn put_back(&mut self, message: Message) -> Option<Message> {
        let discarded = self.make_room();
        self.waiting.push_front(message);
        discarded
    }

    /// The event that is next.
    pub fn first(&self) -> Option<&Message> {
        self.waiting.front()
    }

    /// Takes the next event out, to be sent.
    pub fn take(&mut self) -> Option<Message> {
        self.waiting.pop_front()
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many may wait.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether an event of that type waits.
    pub fn holds(&self, kind: super::types::EventType) -> bool {
        self.waiting
            .iter()
            .any(|message| message.event.kind == kind)
    }

    fn make_room(&mut self) -> Option<Message> {
        if self.waiting.len() < self.size {
            return None;
        }
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> Event {
        Event::remote_communication("n", &number.to_string())
    }

    fn serials(buffer: &mut Buffer) -> Vec<u64> {
        std::iter::from_fn(|| buffer.take().map(|message| message.serial)).collect()
    }

    #[test]
    fn events_wait_in_the_order_in_which_they_came() {
        let mut buffer = Buffer::new(3);
        for serial in 4..7 {
            assert_eq!(buffer.accept(event(serial), serial), None);
        }
        assert_eq!(buffer.first().unwrap().poolserial, 0);
        assert_eq!(serials(&mut buffer), [4, 5, 6]);
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mut buffer = Buffer::new(2);
        let gone: Vec<Option<u64>> = (0..4)
            .map(|serial| buffer.accept(event(serial), serial).map(|gone| gone.serial))
            .collect();
        assert_eq!(gone, [None, None, Some(0), Some(1)]);
        assert_eq!(serials(&mut buffer), [2, 3]);
    }

    #[test]
    fn an_event_that_comes_back_is_first_and_pushes_the_next_one_out() {
        let mut buffer = Buffer::new(2);
        buffer.accept(event(0), 0);
        let sent = buffer.take().unwrap();
        buffer.accept(event(1), 1);
        buffer.accept(event(2), 2);
        assert_eq!(buffer.put_back(sent).unwrap().serial, 1);
        assert_eq!(serials(&mut buffer), [0, 2]);
    }

    #[test]
    fn an_event_of_two_subscriptions_has_one_number_in_the_pool() {
        let mut buffer = Buffer::new(9);
        buffer.accept(event(5), 5);
        buffer.accept(event(5), 5);
        buffer.accept(event(6), 6);
        let numbers = |message: Message| (message.serial, message.poolserial);
        let taken: Vec<_> = std::iter::from_fn(|| buffer.take().map(numbers)).collect();
        assert_eq!(taken, [(5, 0), (5, 0), (6, 1)]);
    }
}
