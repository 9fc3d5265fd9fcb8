//! Nonsense for whoever reads what others have written: configurations, requests and
//! calls, what listeners say, what programs write. The inputs are made from a fixed
//! seed, so that a failure comes again; `FUZZ_INPUTS=10000000` makes as many of
//! them (`make fuzz`).
//!
//! A panic fails the test by itself. An input that takes long, output out of
//! proportion and, in a run by itself, memory that grows fail it too.

mod calls;
mod conversations;
mod evaluation;
mod texts;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use pollvisor::sys::memory::trim;

/// Longer than any input may take, on a busy machine too: the longest ask for
/// 70,000 processes.
const LIMIT: Duration = Duration::from_secs(8);

/// One run at a time: the memory is that of the whole process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// How much the memory of the test may grow from its first tenth to its end, in KiB.
const MEMORY_GROWTH: usize = 64 * 1024;

/// xorshift64
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// A text of a few pieces, each a fragment of what is meant or any character.
    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        let mut text = String::new();
        for _ in 0..self.below(most) {
            if self.below(8) == 0 {
                let number = self.below(0x11_0000) as u32;
                text.extend(char::from_u32(number));
            } else {
                text.push_str(self.pick(pieces));
            }
        }
        text
    }
}

/// Tries as many inputs as the run is to have, divided by what one of them
/// costs beside the cheapest.
fn run(cost: usize, make: impl Fn(&mut Random) -> String, attempt: impl Fn(&str)) {
    let _turn = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    // Beside other tests the memory of the process says nothing.
    let is_alone = std::env::var_os("FUZZ_INPUTS").is_some();
    let count = std::env::var("FUZZ_INPUTS").map_or(50_000, |text| text.parse().unwrap()) / cost;
    let mut random = Random(0x0f0f_1234_5678_9abc);
    let mut early = 0;
    for index in 0..count {
        let text = make(&mut random);
        let begin = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| attempt(&text)));
        assert!(outcome.is_ok(), "input {index}: {text:?}");
        assert!(begin.elapsed() < LIMIT, "input {index} is slow: {text:?}");
        if index == count / 10 {
            early = memory();
        }
    }
    let grown = memory().saturating_sub(early);
    assert!(
        !is_alone || grown < MEMORY_GROWTH,
        "the memory grew by {grown} KiB"
    );
    println!("{count} inputs; the memory grew by {grown} KiB");
}

/// The resident memory of this process in KiB, without what is free.
fn memory() -> usize {
    trim();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
