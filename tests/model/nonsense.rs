//! Requests that are none.

/// How many there are.
pub const SORTS: usize = 10;

/// The bytes of one sort.
pub fn bytes(sort: usize) -> Vec<u8> {
    let post = |length: &str, body: &str| {
        format!("POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
    };
    match sort % SORTS {
        0 => b"\r\n\r\n\0\0\0\0\xff\xfe\r\n\r\n".to_vec(),
        1 => b"GET\r\n\r\n".to_vec(),
        2 => b"POST /RPC2 HTTP/1.1\r\nContent-Length: -5\r\n\r\nabc".to_vec(),
        3 => post("5", "abcde"),
        4 => post("99999999999999999999", ""),
        5 => post("44", "<methodCall><methodName>a</methodName></meth"),
        6 => [b"GET /".as_slice(), &[b'x'; 100_000], b" HTTP/1.1\r\n\r\n"].concat(),
        7 => post("13", &"<value>".repeat(2)[..13]),
        8 => b"BREW /pot HTTP/3.9\r\nAccept-Additions: milk\r\n\r\n".to_vec(),
        _ => post(
            "2000",
            &format!(
                "{:2000}",
                "<?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName>"
            ),
        ),
    }
}
