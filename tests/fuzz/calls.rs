//! Calls in every spelling that XML and XML-RPC allow, and in some that they do not:
//! read here, by Python's `xmlrpc.client` and by Supervisor 4.3.0, they are the same.

use std::process::Command;

use pollvisor::text::base64;
use pollvisor::xmlrpc::call::Call;
use pollvisor::xmlrpc::value::Value;

use super::Random;
use crate::support::{DEADLINE, finish, original_home, plain_environment};

/// How many calls are held against both.
const COUNT: usize = 10_000;

/// A call, and whether every reader understands it alike.
struct Writer<'a> {
    random: &'a mut Random,
    /// It takes liberties that 4.3.0 allows.
    free: bool,
    /// It was made a mistake in.
    took_liberty: bool,
}

impl Writer<'_> {
    fn one_in(&mut self, many: usize) -> bool {
        self.random.below(many) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.random.pick(from)
    }

    /// A liberty instead of what is meant, now and then.
    fn liberty<'a>(&mut self, meant: &'a str, others: &[&'a str]) -> &'a str {
        if self.free && self.one_in(12) {
            self.took_liberty = true;
            return self.pick(others);
        }
        meant
    }

    /// What may stand between elements.
    fn gap(&mut self) -> &'static str {
        match self.random.below(7) {
            0 => "\n",
            1 => " \t\r\n ",
            2 => "<!-- <value>1</value> -->",
            _ => "",
        }
    }

    fn characters(&mut self) -> String {
        const CHARACTERS: &[&str] = &[
            "a",
            "b",
            "Z",
            "0",
            " ",
            "  ",
            "\n",
            "\t",
            "<",
            ">",
            "&",
            "\"",
            "'",
            "]]>",
            "--",
            "\u{e9}",
            "\u{20ac}",
            "\u{1f600}",
            "\u{7f}",
            "\u{85}",
            "\u{a0}",
            "\u{2028}",
            "\u{fffd}",
            "\u{10ffff}",
            "supervisor.getState",
            "%",
            "\\",
            "\u{301}",
        ];
        (0..self.random.below(6))
            .map(|_| self.random.pick(CHARACTERS))
            .collect()
    }

    /// The spelling of a text.
    fn text(&mut self, text: &str) -> String {
        let mut xml = String::new();
        for character in text.chars() {
            let number = u32::from(character);
            match (self.random.below(7), character) {
                (0, _) => xml.push_str(&format!("&#{number};")),
                (1, _) => xml.push_str(&format!("&#x{number:x};")),
                (2, _) => xml.push_str(&format!("&#x00{number:X};")),
                (3, _) => xml.push_str(&format!("<![CDATA[{character}]]>")),
                (_, '<') => xml.push_str("&lt;"),
                (_, '>') => xml.push_str("&gt;"),
                (_, '&') => xml.push_str("&amp;"),
                (4, '"') => xml.push_str("&quot;"),
                (4, '\'') => xml.push_str("&apos;"),
                (4, '\n') => xml.push_str("\r\n"),
                (5, '\n') => xml.push('\r'),
                (_, other) => xml.push(other),
            }
            if self.one_in(20) {
                xml.push_str("<!-- c -->");
            }
        }
        xml
    }

    fn integer(&mut self) -> String {
        let number = match self.random.below(4) {
            0 => self.random.below(10) as i64,
            1 => self.random.below(1 << 31) as i64,
            2 => -(self.random.below(1 << 31) as i64),
            _ => self.random.below(1 << 62) as i64,
        };
        let mut text = number.to_string();
        if number >= 0 && self.one_in(4) {
            text.insert(0, '+');
        }
        if text.len() > 3 && self.one_in(4) {
            text.insert(text.len() - 1, '_');
        }
        if self.one_in(4) {
            text = format!(" \n{text}\t");
        }
        self.liberty(
            &text,
            &[
                "",
                "x",
                "1.0",
                "0x1",
                "1__0",
                "_1",
                "1_",
                "--1",
                "\u{663}\u{664}",
                "\u{a0}7",
                "007",
            ],
        )
        .to_owned()
    }

    fn typed(&mut self, depth: usize) -> String {
        let kinds = if depth > 4 { 7 } else { 10 };
        match self.random.below(kinds) {
            0 => {
                let number = self.integer();
                let tag = self.liberty(
                    ["int", "i4"][usize::from(number.len().is_multiple_of(2))],
                    &["i8", "i1", "x", "nil"],
                );
                format!("<{tag}>{number}</{tag}>")
            }
            1 => {
                let truth = ["0", "1"][self.random.below(2)];
                let truth = self.liberty(truth, &["true", "false", "", " 1", "2"]);
                format!("<boolean>{truth}</boolean>")
            }
            2 => {
                let number = self.pick(&[
                    "0",
                    "-0.0",
                    "1.5",
                    " 2.25 ",
                    "1e3",
                    "-1E-3",
                    "1e400",
                    "1e-400",
                    ".5",
                    "5.",
                    "inf",
                    "-Infinity",
                    "1_0.5",
                    "0.1",
                    "123456789.123456789",
                    "2.2250738585072014e-308",
                    "9007199254740993",
                ]);
                let number = self.liberty(number, &["", "x", "1e", "0x1", "1__0"]);
                format!("<double>{number}</double>")
            }
            3 => {
                let text = base64::encode(self.characters().as_bytes());
                let text = match text.split_at_checked(text.len() / 2) {
                    Some((head, tail)) if self.one_in(2) => format!("\n{head}\r\n  {tail}\n"),
                    _ => text,
                };
                let text = self.liberty(&text, &["YQ", "/w==", "!!!!", "YQ==YQ=="]);
                format!("<base64>{text}</base64>")
            }
            4 => {
                let date = format!(
                    "2{:03}{:02}{:02}T{:02}:{:02}:{:02}",
                    self.random.below(1000),
                    1 + self.random.below(12),
                    1 + self.random.below(28),
                    self.random.below(24),
                    self.random.below(60),
                    self.random.below(60)
                );
                let date = self.liberty(
                    &date,
                    &[
                        "",
                        "20260229T00:00:00",
                        "2026-01-31T00:00:00",
                        "20260131T24:00:00",
                        "20260131T23:59:60",
                    ],
                );
                format!("<dateTime.iso8601>{date}</dateTime.iso8601>")
            }
            5 => "<nil/>".to_owned(),
            6 => {
                let text = self.characters();
                let inner = self.liberty("", &["<x/>", "<x>y</x>z"]);
                format!("<string>{}{inner}</string>", self.text(&text))
            }
            7 | 8 => {
                let mut items = String::new();
                for _ in 0..self.random.below(4) {
                    items.push_str(self.gap());
                    items.push_str(&self.value(depth + 1));
                }
                items.push_str(self.gap());
                let data = self.liberty("data", &["x", "value", "params"]);
                format!(
                    "<array>{}<{data}>{items}</{data}>{}</array>",
                    self.gap(),
                    self.gap()
                )
            }
            _ => {
                let mut members = String::new();
                for _ in 0..self.random.below(4) {
                    // Few names, so that some come twice.
                    let name = self.pick(&["a", "b", "\u{e9}", "<&>", " c ", ""]);
                    let member = self.liberty("member", &["x"]);
                    let tag = self.liberty("name", &["string", "x"]);
                    members.push_str(&format!(
                        "{}<{member}>{}<{tag}>{}</{tag}>{}{}{}</{member}>{}",
                        self.gap(),
                        self.gap(),
                        self.text(name),
                        self.gap(),
                        self.value(depth + 1),
                        self.gap(),
                        self.gap()
                    ));
                }
                let more = self.liberty(
                    "",
                    &["<member/>", "<member><name>a</name></member>", "text"],
                );
                format!("<struct>{members}{more}</struct>")
            }
        }
    }

    fn value(&mut self, depth: usize) -> String {
        if self.one_in(4) {
            let text = self.characters();
            return format!("<value>{}</value>", self.text(&text));
        }
        let (before, after) = (self.gap(), self.gap());
        let value = self.typed(depth);
        let inner = format!("{before}{value}{after}");
        match self.liberty("value", &["", "x"]) {
            "" => inner,
            tag => format!("<{tag}>{inner}</{tag}>"),
        }
    }

    fn call(&mut self) -> String {
        let mut params = String::new();
        for _ in 0..self.random.below(4) {
            let value = self.value(0);
            let param = self.liberty("param", &["x", "value"]);
            params.push_str(&format!(
                "{}<{param}>{}{value}{}</{param}>",
                self.gap(),
                self.gap(),
                self.gap()
            ));
        }
        let name = self.liberty("supervisor.getState", &["", " a.b ", "\u{e9}"]);
        let name = format!("<methodName>{}</methodName>", self.text(name));
        let params = format!("<params>{params}{}</params>", self.gap());
        let order = self.liberty("np", &["pn", "n", "p", "npp", "nn"]);
        let inner: String = order
            .chars()
            .map(|part| if part == 'n' { name.as_str() } else { &params })
            .collect();
        let declaration = self.pick(&[
            "",
            "<?xml version='1.0'?>",
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
        ]);
        let root = self.liberty("methodCall", &["x"]);
        let end = self.liberty("", &["x", "<y/>", " \n", "</x>", "&", "\u{1}"]);
        format!(
            "{declaration}<{root}>{}{inner}{}</{root}>{end}",
            self.gap(),
            self.gap()
        )
    }
}

/// The notation of `loads.py`.
fn told(value: &Value) -> String {
    let hex = |text: &str| {
        text.bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    match value {
        Value::Nil => "n".to_owned(),
        Value::Bool(truth) => format!("b{}", i32::from(*truth)),
        Value::Int(number) => format!("i{number}"),
        Value::Double(number) => format!("d{:016x}", number.to_bits()),
        Value::String(text) => format!("s{}", hex(text)),
        Value::DateTime(text) => format!("t{text}"),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(told).collect::<Vec<_>>().join(","))
        }
        Value::Struct(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("s{}:{}", hex(name), told(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

fn read(body: &str) -> String {
    match Call::read(body.as_bytes()) {
        Ok(call) => format!(
            "{}{}",
            told(&Value::string(call.method)),
            told(&Value::Array(call.params))
        ),
        Err(_) => "error".to_owned(),
    }
}

#[test]
fn calls_mean_the_same_to_pythons_client_and_to_4_3_0() {
    let mut random = Random(0x5eed_0ca1_1500_0001);
    let mut bodies = Vec::new();
    for index in 0..COUNT {
        let mut writer = Writer {
            random: &mut random,
            free: index % 2 == 1,
            took_liberty: false,
        };
        let body = writer.call();
        bodies.push((body, writer.took_liberty));
    }
    let mut lines = String::new();
    for (body, _) in &bodies {
        lines.extend(body.bytes().map(|byte| format!("{byte:02x}")));
        lines.push('\n');
    }
    let mut command = Command::new(original_home().join("bin/python"));
    plain_environment(&mut command);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/loads.py"));
    let end = finish(command, &lines, DEADLINE);
    assert_eq!(end.status, Some(0), "{}", end.stderr);
    let (mut strict, mut refused, mut differ) = (0, 0, Vec::new());
    for ((body, took_liberty), line) in bodies.iter().zip(end.stdout.lines()) {
        let (client, original) = line.split_once(' ').unwrap();
        let ours = read(body);
        strict += usize::from(!took_liberty);
        refused += usize::from(ours == "error");
        // A call without liberties has one meaning.
        if ours != original || !took_liberty && ours != client {
            differ.push(format!(
                "{body:?}\n  client {client}\n  4.3.0  {original}\n  ours   {ours}"
            ));
        }
    }
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ[..differ.len().min(5)].join("\n")
    );
    assert_eq!(end.stdout.lines().count(), COUNT);
    println!("{COUNT} calls, {strict} without liberties, {refused} refused by all");
    assert!(strict > COUNT / 2 && refused > COUNT / 50);
}
