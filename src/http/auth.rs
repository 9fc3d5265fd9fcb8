//! HTTP Basic authentication: one user for each server, the password plain or
//! as `{SHA}` and the hex digits of its SHA-1. Comparisons take the same time
//! wherever the first difference is.

use crate::config::Credentials;
use crate::text::base64;

/// What an `Authorization` header is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The right user and password, or none are asked for.
    Accepted,
    /// Missing, of another scheme, or wrong: 401.
    Refused,
    /// Not base64 or not UTF-8: 400.
    Malformed,
}

/// Judges the value of the `Authorization` header against what is configured.
pub fn check(credentials: Option<&Credentials>, authorization: Option<&str>) -> Verdict {
    let Some(credentials) = credentials else {
        return Verdict::Accepted;
    };
    let Some((scheme, token)) = authorization.and_then(|value| value.split_once(' ')) else {
        return Verdict::Refused;
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Verdict::Refused;
    }
    let Some(decoded) = base64::decode(token).and_then(|bytes| String::from_utf8(bytes).ok())
    else {
        return Verdict::Malformed;
    };
    let Some((username, password)) = decoded.split_once(':') else {
        return Verdict::Refused;
    };
    let name_fits = equal(credentials.username.as_bytes(), username.as_bytes());
    let password_fits = password_fits(&credentials.password, password);
    if name_fits & password_fits {
        Verdict::Accepted
    } else {
        Verdict::Refused
    }
}

fn password_fits(configured: &str, given: &str) -> bool {
    match configured.strip_prefix("{SHA}") {
        Some(digest) => {
            let given = sha1_smol::Sha1::from(given).digest().to_string();
            equal(digest.as_bytes(), given.as_bytes())
        }
        None => equal(configured.as_bytes(), given.as_bytes()),
    }
}

/// Compares all of `given`, even after a difference.
fn equal(secret: &[u8], given: &[u8]) -> bool {
    let mut difference = usize::from(secret.len() != given.len());
    for (place, byte) in given.iter().enumerate() {
        let expected = secret.get(place).copied().unwrap_or(!*byte);
        difference |= usize::from(expected ^ byte);
    }
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(username: &str, password: &str) -> Credentials {
        Credentials {
            username: username.to_owned(),
            password: password.to_owned(),
        }
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", base64::encode(text.as_bytes()))
    }

    #[test]
    fn without_configured_credentials_everybody_is_welcome() {
        assert_eq!(check(None, None), Verdict::Accepted);
        assert_eq!(check(None, Some("nonsense")), Verdict::Accepted);
    }

    #[test]
    fn plain_passwords_are_compared_exactly() {
        let user = credentials("user", "pa:ss");
        for (header, verdict) in [
            (basic("user:pa:ss"), Verdict::Accepted),
            (
                basic("user:pa:ss ").replace("Basic", "bAsIc  "),
                Verdict::Refused,
            ),
            (
                basic("user:pa:ss").replace("Basic", "bAsIc  "),
                Verdict::Accepted,
            ),
            (basic("User:pa:ss"), Verdict::Refused),
            (basic("user:pa"), Verdict::Refused),
            (basic("user:"), Verdict::Refused),
            (basic("user"), Verdict::Refused),
            (basic(""), Verdict::Refused),
            ("Basic".to_owned(), Verdict::Refused),
            ("Digest abc".to_owned(), Verdict::Refused),
            ("Basic dXNlcjp".to_owned(), Verdict::Malformed),
            ("Basic /////w==".to_owned(), Verdict::Malformed),
        ] {
            assert_eq!(check(Some(&user), Some(&header)), verdict, "{header}");
        }
        assert_eq!(check(Some(&user), None), Verdict::Refused);
    }

    #[test]
    fn a_folded_token_is_read_like_an_unfolded_one() {
        let user = credentials("user", "pass");
        let header = format!("Basic {}", "dXNl\ncjpwYXNz");
        assert_eq!(check(Some(&user), Some(&header)), Verdict::Accepted);
    }

    #[test]
    fn an_empty_password_is_a_password() {
        let user = credentials("user", "");
        assert_eq!(check(Some(&user), Some(&basic("user:"))), Verdict::Accepted);
        assert_eq!(check(Some(&user), Some(&basic("user:x"))), Verdict::Refused);
    }

    #[test]
    fn sha_passwords_are_lower_case_hex_digests() {
        let digest = "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8";
        let good = credentials("user", &format!("{{SHA}}{digest}"));
        let upper = credentials("user", &format!("{{SHA}}{}", digest.to_uppercase()));
        assert_eq!(
            check(Some(&good), Some(&basic("user:password"))),
            Verdict::Accepted
        );
        assert_eq!(
            check(Some(&good), Some(&basic("user:Password"))),
            Verdict::Refused
        );
        assert_eq!(
            check(Some(&good), Some(&basic(&format!("user:{{SHA}}{digest}")))),
            Verdict::Refused
        );
        assert_eq!(
            check(Some(&upper), Some(&basic("user:password"))),
            Verdict::Refused
        );
    }
}
