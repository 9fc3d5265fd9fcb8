//! What load balancers and Kubernetes ask for, without a password: a status, and a line that
//! tells nothing more.

use crate::http::response::Response;

/// The answer to a probe.
pub fn answer(is_well: bool) -> Response {
    let (status, line) = match is_well {
        true => (200, "ok\n"),
        false => (503, "not ready\n"),
    };
    Response {
        status,
        headers: vec![
            ("Content-Type", "text/plain".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
            ("Content-Length", line.len().to_string()),
        ],
        body: line.as_bytes().to_vec(),
    }
}
