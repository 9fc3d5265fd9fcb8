//! HTTP servers whose answers are a test's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Starts one that gives the same answer to every request; its port. What it is given is
/// written as it is, and the connection closed.
pub fn canned_server(response: String) -> u16 {
    answering_server(move |_| response.clone())
}

/// Starts one that is asked for the answer to the body of each request. It ends with the test's
/// process.
pub fn answering_server(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || serve(connection, &*answer));
        }
    });
    port
}

/// A response with its length.
pub fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// Reads the request whole, so that closing does not reset the connection.
fn serve(mut connection: TcpStream, answer: &dyn Fn(&str) -> String) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let response = answer(&String::from_utf8_lossy(&body));
    connection.write_all(response.as_bytes()).ok()
}
