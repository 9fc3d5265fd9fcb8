use super::*;

const LIMIT: usize = 64 * 1024;

fn parse(text: impl AsRef<[u8]>) -> Result<Option<Head>, BadRequest> {
    let mut input = Buffer::default();
    input.extend(text.as_ref());
    HeadParser::new(LIMIT).take(&mut input)
}

fn head(text: &str) -> Head {
    parse(text).unwrap().unwrap()
}

#[test]
fn request_lines_have_two_or_three_words() {
    for (line, version) in [
        ("GET /", Version::Missing),
        ("GET / HTTP/1.0", Version::Http10),
        ("GET / HTTP/1.1", Version::Http11),
        ("PRI * HTTP/2.0", Version::Other),
    ] {
        let head = head(&format!("{line}\r\n\r\n"));
        assert_eq!((head.version, head.line.as_str()), (version, line));
    }
    for line in [
        "GET",
        "GET ",
        " /",
        "GET  / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/",
        "GET / HTTP/1.1 ",
        "GET / HTTP/1.x",
        "GET /a\nb HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "\u{16}\u{3}\u{1}",
    ] {
        assert_eq!(
            parse(format!("{line}\r\n\r\n")),
            Err(BadRequest::Malformed),
            "{line:?}"
        );
    }
    assert_eq!(
        parse(b"GET /\xff HTTP/1.1\r\n\r\n"),
        Err(BadRequest::Malformed)
    );
}

#[test]
fn targets_are_taken_apart_and_decoded_once() {
    for (target, path, query) in [
        ("/RPC2", "/RPC2", None),
        ("/%52PC2?a=%41", "/RPC2", Some("a=%41")),
        ("/a;b?c#d", "/a", Some("c")),
        ("/a%252fb", "/a%2fb", None),
        ("/%ff%4", "/\u{fffd}%4", None),
        ("/%zz%c3%a9", "/%zzé", None),
    ] {
        let head = head(&format!("GET {target} HTTP/1.1\r\n\r\n"));
        assert_eq!((head.path.as_str(), head.query.as_deref()), (path, query));
    }
}

#[test]
fn headers_are_found_in_any_case_with_or_without_a_blank() {
    let head = head(
        "GET / HTTP/1.1\r\nA:1\r\nb: \t 2 \r\nno colon\r\na: 3\r\n\
         Authorization: Basic ab\ncd\n\r\nEmpty:\r\n\r\n",
    );
    for (name, value) in [
        ("a", Some("1")),
        ("B", Some("2")),
        ("authorization", Some("Basic ab\ncd\n")),
        ("empty", Some("")),
        ("missing", None),
    ] {
        assert_eq!(head.header(name), value, "{name}");
    }
}

#[test]
fn headers_that_others_read_in_another_way_are_malformed() {
    for headers in [
        " folded",
        "A: x\r\n y",
        "A: x\r\n\ty",
        "A: x\r\n ",
        "A: x\n y",
        "A: x\ny",
        "A: x\n",
        "Content-Length: 5\n",
        "A: x\nContent-Length: 5",
        "A: x\nTransfer-Encoding: chunked",
        "Authorization: Basic ab\nContent-Length: 5",
        "Authorization: Basic ab\n\nGET / HTTP/1.1",
        "no colon\r\n y",
        "A: x\ry",
        "A: x\r",
        "A\r: x",
        "no\rcolon",
        "A: \0",
        "A\0: x",
        "no colon\0",
        "A : x",
        "A\u{1b}: x",
        "A: x\r\nContent-Length: 5\r\r\nB: y",
    ] {
        let text = format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n");
        assert_eq!(parse(text), Err(BadRequest::Malformed), "{headers:?}");
    }
    for line in ["GET /\ra HTTP/1.1", "GET / HTTP/1.1\r", "GET /\0 HTTP/1.1"] {
        let text = format!("{line}\r\nA: x\r\n\r\n");
        assert_eq!(parse(text), Err(BadRequest::Malformed), "{line:?}");
    }
}

#[test]
fn lengths_are_numbers_and_agree() {
    for (headers, length) in [
        ("", Length::Missing),
        ("Content-Length: 0\r\n", Length::Bytes(0)),
        ("Content-Length:00\r\n", Length::Bytes(0)),
        ("Content-Length: \t88 \r\n", Length::Bytes(88)),
        ("Content-Length: +88\r\n", Length::Invalid),
        ("Content-Length: 8 8\r\n", Length::Invalid),
        ("Content-Length: 88, 88\r\n", Length::Invalid),
        ("Content-Length: 88,\r\n", Length::Invalid),
        ("Content-Length: 8_8\r\n", Length::Invalid),
        ("Content-Length: 88.0\r\n", Length::Invalid),
        ("Content-Length: \u{a0}88\r\n", Length::Invalid),
        ("Content-Length: \u{664}\r\n", Length::Invalid),
        (
            "Content-Length: 99999999999999999999999\r\n",
            Length::Bytes(u64::MAX),
        ),
        ("Content-Length: -1\r\n", Length::Invalid),
        ("Content-Length: 0x1\r\n", Length::Invalid),
        ("Content-Length: \r\n", Length::Invalid),
        (
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            Length::Bytes(1),
        ),
        (
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            Length::Invalid,
        ),
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            Length::Encoded,
        ),
    ] {
        let head = head(&format!("POST / HTTP/1.1\r\n{headers}\r\n"));
        assert_eq!(head.length(), length, "{headers}");
    }
}

#[test]
fn blank_lines_before_a_request_are_skipped() {
    let mut input = Buffer::default();
    let mut parser = HeadParser::new(LIMIT);
    for byte in b"\r\n\r\nGET /a HTTP/1.1\r\n\r\n\r\nGET /b HTTP/1.1\r\n\r\nrest" {
        if input.pending() == b"rest" {
            break;
        }
        input.extend(&[*byte]);
        if let Some(head) = parser.take(&mut input).unwrap() {
            assert!(["/a", "/b"].contains(&head.path.as_str()));
        }
    }
    assert_eq!(input.pending(), b"rest");
    assert_eq!(parse("\r\n\r\n"), Ok(None));
    assert_eq!(parse("\r"), Ok(None));
}

#[test]
fn header_blocks_are_limited() {
    let long = |length: usize| format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(length));
    assert!(parse(long(60_000) + "\r\n\r\n").unwrap().is_some());
    assert_eq!(parse(long(70_000)), Err(BadRequest::TooLong));
    assert_eq!(parse(long(70_000) + "\r\n\r\n"), Err(BadRequest::TooLong));
}

/// Looking again from the beginning at each byte would take minutes.
#[test]
fn a_trickle_takes_linear_time() {
    let started = std::time::Instant::now();
    for _ in 0..50 {
        let mut input = Buffer::default();
        let mut parser = HeadParser::new(LIMIT);
        for _ in 0..LIMIT {
            input.extend(b"\r");
            assert_eq!(parser.take(&mut input), Ok(None));
        }
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn garbage_never_panics() {
    const PIECES: &[&[u8]] = &[
        b"GET",
        b" ",
        b"/",
        b"%",
        b"%4",
        b"\r\n",
        b"\r",
        b"\n",
        b":",
        b"HTTP/1.1",
        b"\xff",
        b"\t",
        b"Content-Length",
        b"-",
        b"9",
        b"a",
        b"\r\n\r\n",
        b"?",
        b"#",
        b";",
        b"\xc3\xa9",
        b"\0",
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut input = Buffer::default();
        let mut parser = HeadParser::new(LIMIT);
        for _ in 0..20 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            input.extend(PIECES[(seed % PIECES.len() as u64) as usize]);
            if let Ok(Some(head)) = parser.take(&mut input) {
                let _ = crate::http::plan::of(&head, &Default::default());
            }
        }
    }
}
