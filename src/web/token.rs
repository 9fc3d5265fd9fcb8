//! Tokens: proof that a form, or a message in an address, came from this
//! supervisord and not from another site.
//!
//! A token is the moment of its making and a keyed digest (HMAC-SHA256) of that
//! and of what it is for. The key is random and lives as long as the daemon,
//! so a restart makes all tokens old, and an upgrade none.

use std::time::Duration;

use hmac_sha256::HMAC;

use crate::clock::Monotonic;
use crate::snapshot::{Reader, Save, Saved, Writer};

/// How long a token is good: a page may stay open over the night.
pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Characters of the digest in a token, 6 bits each.
const DIGITS: usize = 22;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Makes and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    key: [u8; 32],
    /// With the key taken in already, which is a part of the work.
    keyed: HMAC,
}

impl std::fmt::Debug for Tokens {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// The key, so that forms that are open stay good. Nobody else reads it.
impl Save for Tokens {
    fn save(&self, to: &mut Writer) {
        to.bytes(&self.key);
    }
}

impl Saved for Tokens {
    fn restored(from: &mut Reader<'_>) -> Self {
        match from.bytes().try_into() {
            Ok(key) => Tokens::new(key),
            Err(_) => from.fail("no key"),
        }
    }
}

impl Tokens {
    /// With a key that nobody else knows.
    pub fn new(key: [u8; 32]) -> Tokens {
        Tokens {
            key,
            keyed: HMAC::new(key),
        }
    }

    /// A token for `purpose`, made now: letters, digits, `-`, `_` and `.`.
    pub fn make(&self, purpose: &str, now: Monotonic) -> String {
        let made = now.0.as_secs();
        let mut token = format!("{made:x}.");
        token.push_str(&self.digest(purpose, made));
        token
    }

    /// Whether `token` was made here for `purpose`, and not too long ago.
    pub fn accepts(&self, token: &str, purpose: &str, now: Monotonic) -> bool {
        let Some((made, digest)) = token.split_once('.') else {
            return false;
        };
        let Ok(made) = u64::from_str_radix(made, 16) else {
            return false;
        };
        let expected = self.digest(purpose, made);
        let is_ours = digest.len() == expected.len() && {
            let pairs = digest.bytes().zip(expected.bytes());
            // All of it, even after a difference.
            std::hint::black_box(pairs.fold(0, |sum, (a, b)| sum | (a ^ b))) == 0
        };
        let now = now.0.as_secs();
        is_ours && made <= now && now - made <= LIFETIME.as_secs()
    }

    fn digest(&self, purpose: &str, made: u64) -> String {
        let mut mac = self.keyed.clone();
        mac.update(made.to_be_bytes());
        mac.update(purpose.as_bytes());
        let bytes = mac.finalize();
        let sextet = |place: usize| {
            let bit = place * 6;
            let pair = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
            let word = pair(bit / 8) << 8 | pair(bit / 8 + 1);
            usize::from(word >> (10 - bit % 8) & 63)
        };
        (0..DIGITS)
            .map(|place| char::from(ALPHABET[sextet(place)]))
            .collect()
    }
}

/// Puts tokens that are made now into a page.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    pub tokens: &'a Tokens,
    pub now: Monotonic,
}

impl Issuer<'_> {
    /// Adds the field of a form that holds the token for `purpose`.
    pub fn push_field(&self, page: &mut String, purpose: &str) {
        page.push_str("<input type=hidden name=token value=");
        page.push_str(&self.tokens.make(purpose, self.now));
        page.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::{carried, read};

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    #[test]
    fn a_token_is_good_for_its_purpose_and_its_day() {
        let (ours, theirs) = (Tokens::new([1; 32]), Tokens::new([2; 32]));
        let made = at(1_000_000);
        let token = ours.make("stop", made);
        let day = LIFETIME.as_secs();
        for (tokens, token, purpose, now, good) in [
            (&ours, token.as_str(), "stop", made, true),
            (&ours, &token, "stop", at(1_000_000 + day), true),
            (&ours, &token, "stop", at(1_000_001 + day), false),
            (&ours, &token, "stop", at(999_999), false),
            (&ours, &token, "start", made, false),
            (&theirs, &token, "stop", made, false),
            (&ours, "", "stop", made, false),
            (&ours, ".", "stop", made, false),
            (&ours, "f4240.", "stop", made, false),
            (&ours, &token[..token.len() - 1], "stop", made, false),
            (&ours, &format!("{token}A"), "stop", made, false),
            (&ours, &token.replace('f', "F"), "stop", at(0), false),
        ] {
            assert_eq!(
                tokens.accepts(token, purpose, now),
                good,
                "{token} {purpose}"
            );
        }
    }

    #[test]
    fn moments_cannot_be_moved_nor_purposes_joined() {
        let tokens = Tokens::new([3; 32]);
        let token = tokens.make("ab", at(0x10));
        let later = token.replacen("10.", "20.", 1);
        assert!(!tokens.accepts(&later, "ab", at(0x20)));
        assert_ne!(tokens.make("ab", at(1)), tokens.make("abc", at(1)));
    }

    #[test]
    fn all_bits_of_the_digest_count() {
        let tokens = Tokens::new([4; 32]);
        let made: std::collections::BTreeSet<char> = (0..200)
            .flat_map(|second| tokens.digest("x", second).chars().collect::<Vec<_>>())
            .collect();
        assert_eq!(made.len(), 64);
        assert_eq!(tokens.digest("x", 1).len(), DIGITS);
    }

    #[test]
    fn a_form_that_is_open_stays_good_in_the_next_program() {
        let tokens = Tokens::new([0xe9; 32]);
        let next = carried(&tokens);
        let token = tokens.make("stop", at(1));
        assert!(next.accepts(&token, "stop", at(2)));
        assert!(!next.accepts(&token, "start", at(2)));
        let error = read::<Tokens>("\"short\"").unwrap_err();
        assert!(error.contains("no key"), "{error}");
    }
}
