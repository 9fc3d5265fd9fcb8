//! Pages of the web interface, asked for without a browser.

use super::Rpc;

/// A page as it came.
pub struct Page {
    /// The status of the answer.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// The rest.
    pub body: String,
}

impl Rpc {
    /// Asks for a page by any method, with headers that end their lines themselves.
    pub fn page(&self, method: &str, path: &str, headers: &str, body: &str) -> Page {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n{body}"
        );
        self.ask(&request)
    }

    /// Sends a request as it is, after which the server closes.
    pub fn ask(&self, request: &str) -> Page {
        let answer = self.exchange(request.as_bytes()).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Page {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_string(),
            body: body.to_string(),
        }
    }

    /// Asks for a page by GET.
    pub fn get(&self, path: &str) -> Page {
        self.page("GET", path, "", "")
    }

    /// Sends a form.
    pub fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", quoted(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let length = format!("Content-Length: {}\r\n", body.len());
        self.page("POST", path, &length, &body)
    }
}

impl Page {
    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or("")
    }

    /// The token of the form that has that field, such as
    /// `name=groupname value="g"`; that of the first form for an empty one.
    pub fn token(&self, field: &str) -> &str {
        let (_, rest) = self.body.split_once(field).unwrap();
        let (_, rest) = rest.split_once("name=token value=").unwrap();
        rest.split('>').next().unwrap()
    }

    /// What the page says of the last action.
    pub fn message(&self) -> String {
        let Some((_, rest)) = self.body.split_once("id=\"message\">") else {
            return String::new();
        };
        rest.split("</p>").next().unwrap().replace("&quot;", "\"")
    }
}

/// Everything but letters and digits as `%XX`.
fn quoted(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
