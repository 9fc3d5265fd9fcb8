//! Nonsense for the readers of configurations: lines, expansions, environments
//! and commands. The inputs are made from a fixed seed, so that a failure comes
//! again; `FUZZ_INPUTS=10000000` makes as many of them (`make fuzz`).
//!
//! A panic fails the test by itself. An input that takes long, output out of
//! proportion, or memory that grows over the run fail it too.

use std::time::{Duration, Instant};

use pollvisor::config::datatypes;
use pollvisor::config::document::Document;
use pollvisor::config::expand::{Layer, define, expand};
use pollvisor::text::shlex;

/// Longer than any input may take, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(2);

/// What a value can grow by at most: widths end at 4096, names are short.
const GROWTH: usize = 5000;

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

    /// A text of a few pieces, each a fragment of what is meant or any character.
    fn text(&mut self) -> String {
        const PIECES: &[&str] = &[
            "[a]\n",
            "[",
            "]",
            "k=",
            "v",
            "\n",
            "\r",
            "\r\n",
            " ",
            "\t",
            ";",
            "#",
            " ;",
            "=",
            ":",
            "%",
            "%%",
            "%(",
            "%(here)s",
            "%(n)",
            ")",
            "d",
            "s",
            "r",
            "x",
            "*",
            ".",
            "#",
            "0",
            "-",
            "+",
            " ",
            "99999999999",
            "4096",
            "4097",
            "%(here)4096s",
            "A=",
            ",",
            "\"",
            "'",
            "\\",
            "/",
            "[DEFAULT]\n",
            "é",
            "\u{a0}",
            "\u{2028}",
            "\u{0}",
            "\u{feff}",
            "İ",
            "𝒳",
        ];
        let mut text = String::new();
        for _ in 0..self.below(24) {
            if self.below(8) == 0 {
                let number = self.below(0x11_0000) as u32;
                text.extend(char::from_u32(number));
            } else {
                text.push_str(PIECES[self.below(PIECES.len())]);
            }
        }
        text
    }
}

fn try_all(text: &str, more: &str, layer: &Layer) {
    let mut document = Document::new();
    if document.append(text, "one").is_ok() && document.append(more, "two").is_ok() {
        document.replace_here("/here");
        for section in document.sections() {
            for key in document.keys(&section) {
                let value = document.get(&section, &key).map(|value| value.text);
                assert!(value.is_some(), "{section:?} {key:?}");
            }
        }
    }
    if let Ok(expanded) = expand(text, &[layer], "key") {
        let limit = text.len() * GROWTH;
        assert!(expanded.len() <= limit, "{} bytes", expanded.len());
    }
    if let Ok(pairs) = datatypes::pairs(text) {
        let length: usize = pairs
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        assert!(length <= text.len());
    }
    if let Ok(words) = shlex::split_command(text) {
        assert!(words.iter().map(String::len).sum::<usize>() <= text.len());
    }
}

/// The resident memory of this process in KiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[test]
fn nonsense_does_not_stop_the_readers_of_configurations() {
    let count = std::env::var("FUZZ_INPUTS").map_or(50_000, |text| text.parse().unwrap());
    let mut layer = Layer::new();
    define(&mut layer, "here", "/etc");
    define(&mut layer, "n", "name");
    let mut random = Random(0x0f0f_1234_5678_9abc);
    let mut early = 0;
    for index in 0..count {
        let (text, more) = (random.text(), random.text());
        let begin = Instant::now();
        let outcome = std::panic::catch_unwind(|| try_all(&text, &more, &layer));
        assert!(outcome.is_ok(), "input {index}: {text:?} and {more:?}");
        assert!(begin.elapsed() < LIMIT, "input {index} is slow: {text:?}");
        if index == count / 10 {
            early = memory();
        }
    }
    let grown = memory().saturating_sub(early);
    assert!(grown < MEMORY_GROWTH, "the memory grew by {grown} KiB");
    println!("{count} inputs; the memory grew by {grown} KiB");
}
