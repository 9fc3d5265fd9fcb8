//! What clients send: requests of HTTP in any pieces, calls and responses of XML-RPC.

use std::cell::Cell;

use pollvisor::config::Credentials;
use pollvisor::config::limits::Limits;
use pollvisor::http::buffer::Buffer;
use pollvisor::http::guard::Guard;
use pollvisor::http::plan::{self, Plan};
use pollvisor::http::policy::AccessPolicy;
use pollvisor::http::request::{BadRequest, Head, HeadParser};
use pollvisor::xmlrpc::call::Call;
use pollvisor::xmlrpc::response;
use pollvisor::xmlrpc::value::Value;

const SENT: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "PUT",
    " ",
    " ",
    " ",
    "/",
    "/RPC2",
    "/logtail/",
    "/mainlogtail",
    "nosuch",
    "..",
    "%2e",
    "%",
    "%4",
    "%ff",
    "?a=b",
    "#",
    ";",
    "*",
    "http://h",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/2.0",
    "HTTP/",
    "\r\n",
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "\r\n\r\n",
    "\r",
    "\n",
    "\n\n",
    "\0",
    "\t",
    ":",
    ": ",
    "Content-Length: ",
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: 99999999999999999999",
    "-1",
    "+",
    "0x1",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Connection: keep-alive",
    "Expect: 100-continue",
    "Authorization: Basic ",
    "dXNlcjpwYXNz",
    "====",
    "Host: localhost",
    "Origin: http://x",
    "\u{e9}",
];

/// Heads that are requests, and how it went on.
fn taken(pieces: &[&[u8]]) -> (Vec<Head>, Option<BadRequest>, Vec<u8>) {
    let mut input = Buffer::default();
    let mut parser = HeadParser::new(Limits::default().header);
    let mut heads = Vec::new();
    for piece in pieces {
        input.extend(piece);
        loop {
            match parser.take(&mut input) {
                Ok(Some(head)) => heads.push(head),
                Ok(None) => break,
                Err(bad) => return (heads, Some(bad), Vec::new()),
            }
        }
    }
    (heads, None, input.pending().to_vec())
}

#[test]
fn requests_mean_the_same_in_any_pieces() {
    let (all, whole) = (Cell::new(0), Cell::new(0));
    let open = AccessPolicy::default();
    let guarded = AccessPolicy {
        guard: Some(Guard {
            open: true,
            ..Guard::default()
        }),
        ..AccessPolicy::default()
    };
    let locked = AccessPolicy {
        credentials: Some(Credentials {
            username: "user".to_owned(),
            password: "pass".to_owned(),
        }),
        ..AccessPolicy::default()
    };
    super::run(
        1,
        |random| {
            let start = [
                "GET /",
                "POST /RPC2 HTTP/1.1\r\n",
                "GET /logtail/p HTTP/1.1\r\n",
                "",
            ][random.below(4)];
            let end = ["\r\n\r\n", ""][random.below(2)];
            start.to_owned() + &random.text(SENT, 14) + end
        },
        |text| {
            let bytes = text.as_bytes();
            let expected = taken(&[bytes]);
            all.set(all.get() + 1);
            whole.set(whole.get() + usize::from(!expected.0.is_empty()));
            assert_eq!(taken(&bytes.chunks(1).collect::<Vec<_>>()), expected);
            assert_eq!(taken(&bytes.chunks(3).collect::<Vec<_>>()), expected);
            for head in &expected.0 {
                plan::of(head, &open);
                plan::of(head, &guarded);
                let plan = plan::of(head, &locked);
                // Without credentials nobody gets any further.
                if head.header("Authorization").is_none() {
                    assert!(matches!(plan, Plan::RefuseAndClose(_)), "{plan:?}");
                }
            }
        },
    );
    let (all, whole) = (all.get(), whole.get());
    assert!(whole * 4 > all, "only {whole} of {all} are requests");
}

#[test]
fn long_requests_are_bounded_in_any_pieces() {
    super::run(
        2000,
        |random| {
            let limit = Limits::default().header;
            let filler = ["x", "\r", "\r\n", "\n", " ", ":", "A: b\r\n", "%41"][random.below(8)];
            let long = filler.repeat(1 + random.below(3 * limit) / filler.len());
            "GET /".to_owned() + &random.text(SENT, 4) + &long + &random.text(SENT, 4)
        },
        |text| {
            let bytes = text.as_bytes();
            for size in [1, 4096, usize::MAX] {
                let (_, bad, left) =
                    taken(&bytes.chunks(size.min(bytes.len())).collect::<Vec<_>>());
                assert!(bad.is_some() || left.len() <= Limits::default().header);
            }
        },
    );
}

const MARKUP: &[&str] = &[
    "<value>",
    "</value>",
    "<value>",
    "</value>",
    "<int>",
    "</int>",
    "<i4>7</i4>",
    "<boolean>1</boolean>",
    "<string>",
    "</string>",
    "<double>",
    "</double>",
    "1.5e3",
    "nan",
    "<nil/>",
    "<array><data>",
    "</data></array>",
    "<array>",
    "</array>",
    "<struct>",
    "</struct>",
    "<member>",
    "</member>",
    "<name>",
    "</name>",
    "<base64>",
    "</base64>",
    "YQ==",
    "<dateTime.iso8601>20260131T23:59:59</dateTime.iso8601>",
    "<param>",
    "</param>",
    "<params>",
    "</params>",
    "<methodName>",
    "</methodName>",
    "<fault>",
    "</fault>",
    "faultCode",
    "faultString",
    "1",
    "-",
    "_",
    "text",
    " ",
    "\n",
    "\r",
    "&amp;",
    "&#65;",
    "&#x",
    "&#1;",
    ";",
    "&",
    "<",
    ">",
    "/",
    "<!--",
    "-->",
    "--",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "<!DOCTYPE",
    "<?xml version='1.0'?>",
    "=",
    "'",
    "\"",
    "<a b='c'/>",
    "\0",
    "\u{1}",
    "\u{e9}",
    "\u{fffe}",
    "\u{feff}",
];

/// How much a value holds.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::DateTime(text) => text.len(),
        Value::Array(items) => items.len() + items.iter().map(weight).sum::<usize>(),
        Value::Struct(members) => members
            .iter()
            .map(|(name, value)| name.len() + 1 + weight(value))
            .sum(),
        _ => 0,
    }
}

/// A document around what is random, now and then.
fn document(random: &mut super::Random, root: &str) -> String {
    let inner = random.text(MARKUP, 16);
    match random.below(6) {
        0 => inner,
        1 => format!("<{root}>{inner}</{root}>"),
        2 => format!("<{root}><params>{inner}</params></{root}>"),
        3 => format!(
            "<{root}><methodName>m</methodName><params><param><value>{inner}</value></param></params></{root}>"
        ),
        4 => format!("<{root}><fault><value>{inner}</value></fault></{root}>"),
        _ => {
            let text = random.text(
                &["a", " ", "&lt;", "<!-- c -->", "<![CDATA[<]]>", "\r\n"],
                6,
            );
            format!(
                "<{root}><methodName>m</methodName><params><param><value><string>{text}</string></value></param></params></{root}>"
            )
        }
    }
}

#[test]
fn calls_are_read_or_refused_and_come_back_as_they_were() {
    let (all, read) = (Cell::new(0), Cell::new(0));
    super::run(
        1,
        |random| document(random, "methodCall"),
        |text| {
            all.set(all.get() + 1);
            let Ok(call) = Call::read(text.as_bytes()) else {
                return;
            };
            read.set(read.get() + 1);
            assert!(call.params.iter().map(weight).sum::<usize>() <= 2 * text.len());
            // A carriage return becomes a line feed on its way, and NaN is unequal to itself.
            let written = call.to_bytes();
            if !written.contains(&b'\r') && !text.contains("nan") {
                assert_eq!(Call::read(&written), Ok(call));
            }
        },
    );
    let (all, read) = (all.get(), read.get());
    assert!(read * 10 > all, "only {read} of {all} are calls");
}

#[test]
fn responses_are_read_or_refused_and_come_back_as_they_were() {
    let (all, read) = (Cell::new(0), Cell::new(0));
    super::run(
        1,
        |random| document(random, "methodResponse"),
        |text| {
            all.set(all.get() + 1);
            let Ok(outcome) = response::read(text.as_bytes()) else {
                return;
            };
            read.set(read.get() + 1);
            let written = response::write(outcome.as_ref());
            if !written.contains(&b'\r') && !text.contains("nan") {
                assert_eq!(response::read(&written), Ok(outcome));
            }
        },
    );
    let (all, read) = (all.get(), read.get());
    assert!(read * 20 > all, "only {read} of {all} are responses");
}
