//! Whether a text is nothing but text.

/// Whether no character acts on a terminal, ends a line or turns the direction of what follows.
pub fn is_plain_text(text: &str) -> bool {
    let acts = |character: char| match character {
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        character => character.is_control() && character != '\t',
    };
    !text.contains(acts)
}
