//! Bytes on their way to a client. What was made as one piece stays one: large
//! pieces are handed over, not copied, and several go out in one system call.

use std::collections::VecDeque;
use std::io::IoSlice;

use crate::snapshot::saved;

/// Pieces up to this size are joined to the one before, in bytes.
const JOINED: usize = 16 * 1024;
/// How many pieces are offered at a time.
const OFFERED: usize = 8;

/// The queue of pieces; none of them is empty.
#[derive(Debug, Default)]
pub struct Outbox {
    pieces: VecDeque<Vec<u8>>,
    /// How much of the first piece has gone.
    gone: usize,
    len: usize,
}

saved! { struct Outbox { pieces, gone, len } }

impl Outbox {
    /// Adds at the end.
    pub fn give(&mut self, piece: Vec<u8>) {
        self.len += piece.len();
        match self.pieces.back_mut() {
            Some(last) if last.len() + piece.len() <= JOINED => last.extend_from_slice(&piece),
            _ if piece.is_empty() => {}
            _ => self.pieces.push_back(piece),
        }
    }

    /// How many bytes have not gone.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether all have gone.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What to write next; its size beside it, which is less than
    /// [`len`](Outbox::len) if there are many pieces.
    pub fn offer(&self) -> (Vec<IoSlice<'_>>, usize) {
        let mut size = 0;
        let mut skip = self.gone;
        let slices = self.pieces.iter().take(OFFERED).map(|piece| {
            let rest = piece.get(std::mem::take(&mut skip)..).unwrap_or_default();
            size += rest.len();
            IoSlice::new(rest)
        });
        let slices = slices.collect();
        (slices, size)
    }

    /// Lets go of `count` bytes at the front, and of their memory piece by piece.
    pub fn consume(&mut self, count: usize) {
        self.len = self.len.saturating_sub(count);
        self.gone += count;
        while let Some(first) = self.pieces.front()
            && first.len() <= self.gone
        {
            self.gone -= first.len();
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() {
            *self = Outbox::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At most `most` bytes of what is offered.
    fn offered(outbox: &Outbox, most: usize) -> Vec<u8> {
        let (slices, length) = outbox.offer();
        assert_eq!(
            slices.iter().map(|slice| slice.len()).sum::<usize>(),
            length
        );
        slices
            .iter()
            .flat_map(|slice| slice.iter())
            .take(most)
            .copied()
            .collect()
    }

    #[test]
    fn all_comes_out_in_order_however_it_is_taken() {
        let pieces = [10, 0, 20_000, 5, 7, 40_000, 1];
        let whole: Vec<u8> = (0..=255u8).cycle().take(pieces.iter().sum()).collect();
        for step in [1, 3, 9_999, 20_011, 100_000] {
            let (mut outbox, mut rest) = (Outbox::default(), whole.as_slice());
            for size in pieces {
                let (piece, more) = rest.split_at(size);
                outbox.give(piece.to_vec());
                rest = more;
            }
            let mut taken = Vec::new();
            while !outbox.is_empty() {
                assert_eq!(outbox.len(), whole.len() - taken.len());
                let piece = offered(&outbox, step);
                taken.extend_from_slice(&piece);
                outbox.consume(piece.len());
            }
            assert!(taken == whole, "{step}");
            assert!(outbox.pieces.is_empty() && outbox.gone == 0);
        }
    }

    #[test]
    fn small_pieces_are_joined_and_large_ones_stay() {
        let mut outbox = Outbox::default();
        for size in [100, 200, JOINED, 300, 0, 400] {
            outbox.give(vec![b'x'; size]);
        }
        let sizes: Vec<usize> = outbox.offer().0.iter().map(|slice| slice.len()).collect();
        assert_eq!(sizes, [300, JOINED, 700]);
    }

    #[test]
    fn very_many_pieces_are_offered_some_at_a_time() {
        let mut outbox = Outbox::default();
        for _ in 0..20 {
            outbox.give(vec![b'x'; JOINED]);
        }
        assert_eq!(outbox.offer().1, OFFERED * JOINED);
        assert_eq!(outbox.len(), 20 * JOINED);
    }
}
