use super::*;
use crate::http::buffer::Buffer;
use crate::http::request::HeadParser;
use crate::http::response::{Response, reason};

fn sender(headers: &str, origin: Option<&str>, host: Option<&str>) -> Box<Sender> {
    let mut input = Buffer::default();
    input.extend(format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n").as_bytes());
    let head = HeadParser::new(1 << 20).take(&mut input).unwrap().unwrap();
    Box::new(Sender::of(&head, origin, host))
}

fn all() -> Vec<Refusal> {
    let sender = || {
        let headers = "Host: 127.0.0.1:9001\r\nOrigin: https://example.org";
        sender(headers, Some("example.org"), Some("127.0.0.1"))
    };
    vec![
        Refusal::Malformed,
        Refusal::BadCredentials,
        Refusal::Method(&[Method::Post]),
        Refusal::BadLength,
        Refusal::UnwantedBody,
        Refusal::BadCall,
        Refusal::BadForm,
        Refusal::NoCredentials,
        Refusal::WrongCredentials,
        Refusal::ReadOnly,
        Refusal::Origin(sender()),
        Refusal::CrossSite(sender()),
        Refusal::UnknownHost(sender()),
        Refusal::OldForm(None),
        Refusal::OldForm(Some(sender())),
        Refusal::NotFound,
        Refusal::NoLog,
        Refusal::OnlyALink,
        Refusal::NoLength,
        Refusal::Encoded,
        Refusal::LongBody(5),
        Refusal::LongForm(5),
        Refusal::LongHeader(5),
        Refusal::UnreadableLog,
        Refusal::ManyBodies,
        Refusal::ManyAnswers,
        Refusal::ManyActions,
        Refusal::ManyFollowers,
        Refusal::ManyReaders,
        Refusal::NoDescriptors,
        Refusal::NoTokens,
    ]
}

#[test]
fn every_refusal_has_a_status_with_a_name_and_a_sentence_on_its_page() {
    for why in all() {
        let text = why.to_string();
        assert_ne!(reason(why.status()), "Unknown", "{why:?}");
        assert!(text.ends_with('.') && text.len() > 20, "{text}");
        assert!(text.starts_with(|first: char| first.is_ascii_uppercase()));
        assert!(!text.contains(char::is_control) && text.is_ascii());
        let page = String::from_utf8(Response::refusal(&why).body).unwrap();
        let (_, told) = page.rsplit_once("<p>").unwrap();
        let told = told.replace("&quot;", "\"").replace("&#39;", "'");
        assert_eq!(told, format!("{text}\r\n</body>\r\n"));
    }
}

#[test]
fn the_log_hears_of_all_that_is_not_plainly_a_mistake_of_the_client() {
    for why in all() {
        let expected = match why.status() {
            400 | 404 | 500 => false,
            401 => why == Refusal::WrongCredentials,
            411 => why == Refusal::Encoded,
            413 => why != Refusal::LongForm(5),
            503 => why != Refusal::NoTokens,
            _ => true,
        };
        assert_eq!(why.told_as().is_some(), expected, "{why:?}");
    }
}

#[test]
fn both_values_are_named_and_the_cure() {
    let proxied = sender(
        "Host: 127.0.0.1:9001\r\nOrigin: https://example.org",
        Some("example.org"),
        Some("127.0.0.1"),
    );
    let text = Refusal::Origin(proxied.clone()).to_string();
    for part in [
        "the Origin \"https://example.org\"",
        "the Host \"127.0.0.1:9001\"",
        "proxy_set_header Host $http_host",
        "allowed_hosts=example.org in the section",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(Refusal::OldForm(Some(proxied)).to_string().contains(&text));
    let known_not = sender("Host: example.org", None, Some("example.org"));
    let text = Refusal::UnknownHost(known_not).to_string();
    assert!(text.contains("no Origin and the Host \"example.org\""));
    assert!(text.contains("set allowed_hosts=example.org, or a username"));
    let bare = Refusal::CrossSite(sender("X: y", None, None)).to_string();
    assert!(bare.contains("no Origin and no Host"), "{bare}");
}

#[test]
fn what_others_send_is_shown_in_one_line_of_bounded_length() {
    for (text, expected) in [
        ("https://a.b:1", "https://a.b:1".to_owned()),
        ("a\nb\tc\u{1b}[1m", "a\\x0ab\tc\\x1b[1m".to_owned()),
        ("\"\\'", "\\\"\\\\'".to_owned()),
        ("\u{e9}\u{202e}\0", "\\u{e9}\\u{202e}\\x00".to_owned()),
        (&"x".repeat(SHOWN), "x".repeat(SHOWN)),
        (&"x".repeat(SHOWN + 1), format!("{}...", "x".repeat(SHOWN))),
    ] {
        assert_eq!(shown(text), expected);
    }
    let long = format!("Host: {0}\r\nOrigin: http://{0}", "\u{1F600}".repeat(9999));
    let text = Refusal::Origin(sender(&long, None, None)).to_string();
    assert!(text.len() < 4000 && text.is_ascii(), "{}", text.len());
    let twice = sender("Host: a\r\nHost: b\x1bc", None, None);
    assert_eq!(twice.to_string(), "no Origin and the Host \"a, b\\x1bc\"");
}
