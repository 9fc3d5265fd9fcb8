//! HTTP Basic authentication: one user for each server who may do everything, and one who may
//! only look. A password is configured plain, as `{SHA}` and the hex digits of its SHA-1, or as
//! `{SHA256}` and those of its SHA-256.
//!
//! How long a comparison takes tells nothing about what is configured: the names
//! and passwords of both users are compared whatever the others are worth, and what is
//! compared are digests of both sides, all bytes of them.

use hmac_sha256::Hash;

use crate::config::Credentials;
use crate::http::access::Access;
use crate::http::refusal::Refusal;
use crate::text::base64;

/// Judges the value of the `Authorization` header against what is configured for the user who
/// may do everything and for the one who may only look: what the client may do. Malformed is
/// what is not base64 or not UTF-8.
pub fn check(
    [full, readonly]: [&Option<Credentials>; 2],
    authorization: Option<&str>,
) -> Result<Access, Refusal> {
    if full.is_none() && readonly.is_none() {
        return Ok(Access::Full);
    }
    // Every conversation with a client that waits to be asked begins so.
    let authorization = authorization.ok_or(Refusal::NoCredentials)?;
    let token = match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("basic") => token,
        _ => return Err(Refusal::WrongCredentials),
    };
    let decoded = base64::decode(token).and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or(Refusal::BadCredentials)?;
    let given = decoded.split_once(':');
    let (username, password) = given.ok_or(Refusal::WrongCredentials)?;
    let [is_full, is_readonly] = [full, readonly].map(|user| {
        user.as_ref().is_some_and(|user| {
            let name_fits = equal(user.username.as_bytes(), username.as_bytes());
            name_fits & password_fits(&user.password, password)
        })
    });
    match (is_full, is_readonly) {
        (true, _) => Ok(Access::Full),
        (false, true) => Ok(Access::ReadOnly),
        (false, false) => Err(Refusal::WrongCredentials),
    }
}

/// The digits of `{SHA}` are lower case, as 4.3.0 wants them; those of
/// `{SHA256}` may be either.
fn password_fits(configured: &str, given: &str) -> bool {
    if let Some(digits) = configured.strip_prefix("{SHA256}") {
        equal(
            digits.to_ascii_lowercase().as_bytes(),
            hex(&Hash::hash(given.as_bytes())).as_bytes(),
        )
    } else if let Some(digits) = configured.strip_prefix("{SHA}") {
        let given = sha1_smol::Sha1::from(given).digest().to_string();
        equal(digits.as_bytes(), given.as_bytes())
    } else {
        equal(configured.as_bytes(), given.as_bytes())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares digests: neither the place of the first difference nor the length
/// of the secret shows in the time that it takes.
fn equal(secret: &[u8], given: &[u8]) -> bool {
    let (secret, given) = (Hash::hash(secret), Hash::hash(given));
    difference(secret.into_iter().zip(given)) == 0
}

/// 0 if the bytes of all pairs are equal; goes through all of them.
fn difference(pairs: impl Iterator<Item = (u8, u8)>) -> u8 {
    pairs.fold(0, |difference, (one, other)| {
        std::hint::black_box(difference | (one ^ other))
    })
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

    /// The verdict where there is but one user.
    fn check_one(user: &Credentials, authorization: Option<&str>) -> Result<Access, Refusal> {
        check([&Some(user.clone()), &None], authorization)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", base64::encode(text.as_bytes()))
    }

    #[test]
    fn without_configured_credentials_everybody_is_welcome() {
        assert_eq!(check([&None, &None], None), Ok(Access::Full));
        assert_eq!(check([&None, &None], Some("nonsense")), Ok(Access::Full));
    }

    #[test]
    fn plain_passwords_are_compared_exactly() {
        let user = credentials("user", "pa:ss");
        for (header, verdict) in [
            (basic("user:pa:ss"), Ok(Access::Full)),
            (
                basic("user:pa:ss ").replace("Basic", "bAsIc  "),
                Err(Refusal::WrongCredentials),
            ),
            (
                basic("user:pa:ss").replace("Basic", "bAsIc  "),
                Ok(Access::Full),
            ),
            (basic("User:pa:ss"), Err(Refusal::WrongCredentials)),
            (basic("user:pa"), Err(Refusal::WrongCredentials)),
            (basic("user:"), Err(Refusal::WrongCredentials)),
            (basic("user"), Err(Refusal::WrongCredentials)),
            (basic(""), Err(Refusal::WrongCredentials)),
            ("Basic".to_owned(), Err(Refusal::WrongCredentials)),
            ("Digest abc".to_owned(), Err(Refusal::WrongCredentials)),
            ("Basic dXNlcjp".to_owned(), Err(Refusal::BadCredentials)),
            ("Basic /////w==".to_owned(), Err(Refusal::BadCredentials)),
        ] {
            assert_eq!(check_one(&user, Some(&header)), verdict, "{header}");
        }
        assert_eq!(check_one(&user, None), Err(Refusal::NoCredentials));
    }

    #[test]
    fn a_folded_token_is_read_like_an_unfolded_one() {
        let user = credentials("user", "pass");
        let header = format!("Basic {}", "dXNl\ncjpwYXNz");
        assert_eq!(check_one(&user, Some(&header)), Ok(Access::Full));
    }

    #[test]
    fn an_empty_password_is_a_password() {
        let user = credentials("user", "");
        assert_eq!(check_one(&user, Some(&basic("user:"))), Ok(Access::Full));
        assert_eq!(
            check_one(&user, Some(&basic("user:x"))),
            Err(Refusal::WrongCredentials)
        );
    }

    #[test]
    fn sha_passwords_are_lower_case_hex_digests() {
        let digest = "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8";
        let good = credentials("user", &format!("{{SHA}}{digest}"));
        let upper = credentials("user", &format!("{{SHA}}{}", digest.to_uppercase()));
        assert_eq!(
            check_one(&good, Some(&basic("user:password"))),
            Ok(Access::Full)
        );
        assert_eq!(
            check_one(&good, Some(&basic("user:Password"))),
            Err(Refusal::WrongCredentials)
        );
        assert_eq!(
            check_one(&good, Some(&basic(&format!("user:{{SHA}}{digest}")))),
            Err(Refusal::WrongCredentials)
        );
        assert_eq!(
            check_one(&upper, Some(&basic("user:password"))),
            Err(Refusal::WrongCredentials)
        );
    }

    #[test]
    fn sha256_passwords_are_hex_digests_in_either_case() {
        let digest = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
        let lower = format!("{{SHA256}}{digest}");
        let upper = format!("{{SHA256}}{}", digest.to_uppercase());
        for (configured, given, verdict) in [
            (&lower, "password".to_owned(), Ok(Access::Full)),
            (&upper, "password".to_owned(), Ok(Access::Full)),
            (
                &lower,
                "Password".to_owned(),
                Err(Refusal::WrongCredentials),
            ),
            (&lower, digest.to_owned(), Err(Refusal::WrongCredentials)),
            (&lower, lower.clone(), Err(Refusal::WrongCredentials)),
            (&lower, String::new(), Err(Refusal::WrongCredentials)),
        ] {
            let user = credentials("user", configured);
            let header = basic(&format!("user:{given}"));
            assert_eq!(check_one(&user, Some(&header)), verdict, "{given}");
        }
    }

    #[test]
    fn each_user_has_its_own_password_and_access() {
        let full = Some(credentials("boss", "all"));
        let digest = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
        let readonly = Some(credentials("eye", &format!("{{SHA256}}{digest}")));
        let wrong = Err(Refusal::WrongCredentials);
        for (given, both, full_alone, readonly_alone) in [
            (
                "boss:all",
                Ok(Access::Full),
                Ok(Access::Full),
                wrong.clone(),
            ),
            (
                "eye:password",
                Ok(Access::ReadOnly),
                wrong.clone(),
                Ok(Access::ReadOnly),
            ),
            ("boss:password", wrong.clone(), wrong.clone(), wrong.clone()),
            ("eye:all", wrong.clone(), wrong.clone(), wrong.clone()),
            (":", wrong.clone(), wrong.clone(), wrong.clone()),
        ] {
            let header = basic(given);
            let check = |users| check(users, Some(&header));
            assert_eq!(check([&full, &readonly]), both, "{given}");
            assert_eq!(check([&full, &None]), full_alone, "{given}");
            assert_eq!(check([&None, &readonly]), readonly_alone, "{given}");
        }
        let nobody = Err(Refusal::NoCredentials);
        assert_eq!(check([&full, &readonly], None), nobody);
        assert_eq!(check([&None, &readonly], None), nobody);
    }

    #[test]
    fn a_comparison_looks_at_every_byte_wherever_the_first_difference_is() {
        for place in 0..32 {
            let mut looked_at = 0;
            let pairs = (0..32u8).map(|byte| (byte, byte ^ u8::from(byte == place)));
            let found = difference(pairs.inspect(|_| looked_at += 1));
            assert_eq!((found, looked_at), (1, 32), "{place}");
        }
        assert_eq!(difference((0..32).map(|byte| (byte, byte))), 0);
    }

    #[test]
    fn secrets_of_any_length_are_compared_whole() {
        for (secret, given, expected) in [
            ("", "", true),
            ("a", "", false),
            ("", "a", false),
            ("secret", "secret", true),
            ("secret", "secreT", false),
            ("secret", "Secret", false),
            ("secret", "secre", false),
            ("secret", "secrets", false),
            ("secret", "secret\0", false),
        ] {
            let found = equal(secret.as_bytes(), given.as_bytes());
            assert_eq!(found, expected, "{secret:?} {given:?}");
        }
    }
}
