//! What can be shown to others: values of variables whose names say that they are secret are
//! hidden, in `environment` and wherever `%(ENV_X)s` has brought them, and passwords in URLs.

use std::cmp::Reverse;

use super::document::Document;
use crate::sort;
use crate::text::json::Json;

const HIDDEN: &str = "***";

/// A value of fewer bytes is a part of too many words to be hidden wherever it stands.
const SHORTEST: usize = 4;

/// What ends the part of a URL that may hold a password.
const ENDS: [char; 6] = ['/', '?', '#', ' ', '"', '\''];

/// What a name of a secret holds, in any letter case.
const WORDS: [&str; 6] = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "KEY"];

/// Whether a variable's name says that its value is secret.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// The values of all secret variables of these, for who does not know what has asked for them.
pub fn all_secrets(variables: Vec<(String, String)>) -> Vec<String> {
    let mut secrets: Vec<String> = variables
        .into_iter()
        .filter(|(name, value)| value.len() >= SHORTEST && is_secret(name))
        .map(|(_, value)| value)
        .collect();
    longest_first(&mut secrets);
    secrets
}

fn longest_first(secrets: &mut [String]) {
    // One may be a part of another.
    sort::by(secrets, |one, other| {
        Reverse(one.len()).cmp(&Reverse(other.len()))
    });
}

/// The values of secret variables of an environment that the configuration asks for.
pub fn secrets(environment: &[(String, String)], document: &Document) -> Vec<String> {
    let sections = document.sections();
    let texts: Vec<String> = sections
        .iter()
        .flat_map(|section| {
            let keys = document.keys(section).into_iter();
            keys.filter_map(|key| Some(document.get(section, &key)?.text))
        })
        .collect();
    let is_asked_for = |name: &str| {
        // What `:+` brings is the file's own.
        let references = [")", ":-"].map(|end| format!("%(ENV_{name}{end}"));
        let asks = |text: &String| references.iter().any(|reference| text.contains(reference));
        texts.iter().any(asks)
    };
    let variables = environment.iter();
    let mut secrets: Vec<String> = variables
        .filter(|(name, value)| !value.is_empty() && is_secret(name) && is_asked_for(name))
        .map(|(_, value)| value.clone())
        .collect();
    longest_first(&mut secrets);
    secrets
}

/// A text without these, and without passwords in URLs.
pub fn hide(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), HIDDEN);
        }
    }
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some((scheme, url)) = rest.split_once("://") {
        shown.push_str(scheme);
        shown.push_str("://");
        let authority = url.split(ENDS).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        rest = url;
        if let Some((name, password)) = user.and_then(|user| user.split_once(':')) {
            shown.push_str(name);
            shown.push(':');
            shown.push_str(HIDDEN);
            rest = url
                .get(name.len() + 1 + password.len()..)
                .unwrap_or_default();
        }
    }
    shown.push_str(rest);
    shown
}

/// Hides the values of all variables of a list.
pub fn hide_values(variables: &mut Json) {
    if let Json::Object(variables) = variables {
        for (_, value) in variables {
            *value = Json::string(HIDDEN);
        }
    }
}

/// Hides the values of secret variables, these texts wherever they stand, and passwords in URLs.
pub fn redact(dump: &mut Json, secrets: &[String]) {
    match dump {
        Json::String(text) => *text = hide(text, secrets),
        Json::Array(items) => items.iter_mut().for_each(|item| redact(item, secrets)),
        Json::Object(members) => {
            for (key, value) in members {
                match value {
                    Json::Object(variables) if key == "environment" => {
                        hide_variables(variables, secrets);
                    }
                    value => redact(value, secrets),
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Int(_) | Json::Number(_) => {}
    }
}

fn hide_variables(variables: &mut [(String, Json)], secrets: &[String]) {
    for (name, value) in variables {
        match is_secret(name) {
            true => *value = Json::string(HIDDEN),
            false => redact(value, secrets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_secret_in_any_letter_case() {
        for name in [
            "PASSWORD",
            "db_password_file",
            "MYSQL_PASSWD",
            "ssh_passphrase",
            "ClientSecret",
            "SECRETS",
            "github_token",
            "API_KEY",
            "KEY",
            "keystore",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["PATH", "PWD", "HOME", "USER", "PASS", "KE_Y", ""] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_hidden_wherever_they_came_to_stand() {
        let variables = |value: &str| {
            Json::object([
                ("A_KEY", Json::string("k")),
                ("URL", Json::string(value)),
                ("environment", Json::string("x")),
            ])
        };
        let mut dump = Json::object([(
            "programs",
            Json::Array(vec![Json::object([
                ("command", Json::string("run s3cret+s3cre")),
                ("environment", variables("db://s3cret@h")),
                ("priority", Json::Int(3)),
            ])]),
        )]);
        redact(&mut dump, &["s3cret".to_owned(), "s3cre".to_owned()]);
        let text = dump.to_string();
        for hidden in ["\"k\"", "s3cre"] {
            assert!(!text.contains(hidden), "{text}");
        }
        for shown in [
            "\"run ***+***\"",
            "db://***@h",
            "\"A_KEY\": \"***\"",
            "\"x\"",
        ] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
    }

    #[test]
    fn passwords_in_urls_are_hidden_and_nothing_else_of_them() {
        for (text, shown) in [
            ("postgres://u:p@h/db", "postgres://u:***@h/db"),
            (
                "x a://u:p@q:r@h:1, b://:p@h b",
                "x a://u:***@h:1, b://:***@h b",
            ),
            ("a://u:p@h?to=c://u:p@h", "a://u:***@h?to=c://u:***@h"),
            ("http://h:80/x@y", "http://h:80/x@y"),
            ("http://u@h:80", "http://u@h:80"),
            ("redis://h:6379 u:p@h", "redis://h:6379 u:p@h"),
            ("://", "://"),
            ("a://\u{e9}:\u{e9}@\u{e9}", "a://\u{e9}:***@\u{e9}"),
        ] {
            assert_eq!(hide(text, &[]), shown);
        }
    }

    #[test]
    fn short_values_are_no_secrets_wherever_they_stand() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = vec![
            pair("A_KEY", "abc"),
            pair("B_KEY", "abcd"),
            pair("C", "abcde"),
        ];
        assert_eq!(all_secrets(variables), ["abcd"]);
    }

    #[test]
    fn only_what_the_configuration_asks_for_is_looked_for() {
        let mut document = Document::new();
        let text = "[program:a]\ncommand=x %(ENV_A_KEY)s %(ENV_LONG_KEY)-5s %(ENV_HOME)s \
                    %(ENV_C_KEY:-c)s %(ENV_D_KEY:+d)s\n";
        document.append(text, "s.conf").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let environment = [
            pair("A_KEY", "a"),
            pair("B_KEY", "b"),
            pair("C_KEY", "set"),
            pair("D_KEY", "also set"),
            pair("LONG_KEY", "longer"),
            pair("HOME", "/"),
            pair("EMPTY_KEY", ""),
        ];
        assert_eq!(secrets(&environment, &document), ["longer", "set", "a"]);
    }
}
