//! Lines, expansions, environments and commands.

use pollvisor::config::datatypes;
use pollvisor::config::document::Document;
use pollvisor::config::expand::{Layer, define, expand};
use pollvisor::text::shlex;

/// What a value can grow by at most: widths end at 4096, names are short.
const GROWTH: usize = 5000;

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

#[test]
fn nonsense_does_not_stop_the_readers_of_texts() {
    let mut layer = Layer::new();
    define(&mut layer, "here", "/etc");
    define(&mut layer, "n", "name");
    super::run(
        1,
        |random| format!("{}\x0c{}", random.text(PIECES, 24), random.text(PIECES, 24)),
        |texts| {
            if let Some((text, more)) = texts.split_once('\x0c') {
                try_all(text, more, &layer);
            }
        },
    );
}
