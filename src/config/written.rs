//! Values that are written otherwise than they are read: with quotes around them that are a
//! part of the value, or with what begins a comment in the middle.

use super::document::{Document, Value};
use super::ini::Marked;
use super::redact;

/// What to do about a wrong value, if it is written so.
pub fn advice(document: &Document, key: &str, value: &Value) -> Option<String> {
    if is_quoted(&value.text) {
        return Some("remove the quotes: they are a part of the value".to_owned());
    }
    let mut cuts = document.cuts(&value.location);
    cuts.find_map(|what| cut(key, what))
}

/// What to say of a value that a comment has cut, unless that is an ordinary comment.
pub fn cut(key: &str, what: &Marked) -> Option<String> {
    let Marked::Cut { kept, gap, comment } = what else {
        return None;
    };
    if !is_suspicious(key, kept, gap, comment) {
        return None;
    }
    let shown = match may_be_secret(key, kept, comment) {
        true => comment.get(..1).unwrap_or_default(),
        false => comment,
    };
    Some(format!(
        "{key} ends before \"{shown}\", which is a comment: a blank before ; or # begins one, in quotes too"
    ))
}

/// Whether quotes stand around a value.
pub fn is_quoted(value: &str) -> bool {
    value.len() >= 2
        && ["\"", "'"]
            .iter()
            .any(|quote| value.starts_with(quote) && value.ends_with(quote))
}

/// Whether what is cut off may be the end of a password or of a variable's value, or
/// holds a variable that is named as a secret.
fn may_be_secret(key: &str, kept: &str, comment: &str) -> bool {
    let is_open = |quote: char| kept.matches(quote).count() % 2 == 1;
    let is_within = is_open('"') || is_open('\'');
    key.ends_with("password") || (key == "environment" && (is_within || redact::is_secret(comment)))
}

/// Whether a comment may have been meant as a part of the value: an ordinary
/// one stands apart, in a column of its own, or has a blank after the `;`, and
/// nothing is open before it. In values that have a use for `;` only the column
/// takes the doubt away.
fn is_suspicious(key: &str, kept: &str, gap: &str, comment: &str) -> bool {
    let text = comment.trim_start_matches([';', '#']);
    let open = ['\'', '"']
        .iter()
        .any(|quote| kept.matches(*quote).count() % 2 == 1);
    let apart = gap.contains('\t') || gap.chars().count() > 1;
    let doubtful = matches!(key, "command" | "environment")
        || key.ends_with("password")
        || key.ends_with("username");
    let close = !apart && !text.trim().is_empty();
    open || (close && (doubtful || !text.starts_with([' ', '\t'])))
}
