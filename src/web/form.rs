//! What a query or the body of a form says: `name=value&…`, urlencoded.

use crate::http::request::percent_decode;

/// Names and values in order; those without a value are left out, as in 4.3.0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads one. What is not UTF-8 is replaced.
    pub fn read(text: &[u8]) -> Form {
        let text = String::from_utf8_lossy(text);
        let pairs = text.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (!value.is_empty()).then(|| (decode(name), decode(value)))
        });
        Form(pairs.collect())
    }

    /// The first value of that name; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        let mut pairs = self.0.iter();
        pairs
            .find(|(candidate, _)| candidate == name)
            .map_or("", |(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> String {
    percent_decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_the_first_one_counts() {
        let form = Form::read(b"a=1&a=2&b=x+y%2B%C3%BC&c=&d&&=e&%66=g%3Ah&n=%3Cscript%3E&z=\xff");
        for (name, value) in [
            ("a", "1"),
            ("b", "x y+ü"),
            ("c", ""),
            ("d", ""),
            ("", "e"),
            ("f", "g:h"),
            ("n", "<script>"),
            ("z", "\u{fffd}"),
            ("missing", ""),
        ] {
            assert_eq!(form.get(name), value, "{name}");
        }
        assert_eq!(Form::read(b""), Form::default());
    }

    #[test]
    fn nonsense_is_read_as_something() {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..20_000 {
            let bytes = (0..24).map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                b"&=%+aF4c3\xc3\xbc\0;"[(seed % 13) as usize]
            });
            let _ = Form::read(&bytes.collect::<Vec<u8>>());
        }
    }
}
