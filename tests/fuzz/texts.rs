//! Lines, expansions, environments, files of variables and commands.

use pollvisor::config::document::Document;
use pollvisor::config::expand::{Layer, define, expand, expand_again};
use pollvisor::config::expanded::Expanded;
use pollvisor::config::pairs;
use pollvisor::text::{environment_file, shlex};

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
    "%(ENV_E)s",
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
    let own = Expanded::from(text.to_owned());
    try_pairs(&own);
    if let Ok(once) = expand(text, &[layer], "key") {
        let limit = text.len() * GROWTH;
        assert!(once.text.len() <= limit, "{} bytes", once.text.len());
        try_pairs(&once);
        if let Ok(twice) = expand_again(&once, &[layer], "key") {
            try_pairs(&twice);
        }
    }
    try_file(text, more);
    if let Ok(words) = shlex::split_command(text) {
        assert!(words.iter().map(String::len).sum::<usize>() <= text.len());
    }
}

/// What a file says does not depend on what follows in lines of their own, and every value comes
/// out of it.
fn try_file(text: &str, more: &str) {
    let Ok(pairs) = environment_file::parse(text.as_bytes()) else {
        return;
    };
    let length: usize = pairs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(length <= text.len());
    let is_open = |text: &str| text.contains(['\'', '"', '\\']);
    if let Ok(both) = environment_file::parse(format!("{text}\n{more}").as_bytes())
        && !is_open(text)
    {
        assert!(both.starts_with(&pairs), "{pairs:?} {both:?}");
    }
}

fn try_pairs(value: &Expanded) {
    if let Ok(pairs) = pairs::read(value) {
        let length: usize = pairs
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        assert!(length <= value.text.len());
    }
    let length: usize = value.words().iter().map(String::len).sum();
    assert!(length <= value.text.len());
    let shown = value.shown();
    assert!(value.hides() || shown == value.text);
}

#[test]
fn nonsense_does_not_stop_the_readers_of_texts() {
    let mut layer = Layer::new();
    define(&mut layer, "here", "/etc");
    define(&mut layer, "n", "name");
    define(&mut layer, "ENV_E", "a=\"1\", %(n)s");
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
