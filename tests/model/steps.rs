//! The steps of the player as plain data: made from a seed, written as one line each, read back.

use std::fmt;

/// xorshift64
pub struct Random(u64);

impl Random {
    /// Of a seed; near seeds begin apart.
    pub fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.below(2);
        }
        random
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A parameter of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    Text(String),
    Int(i64),
    Bool(bool),
    Texts(Vec<String>),
}

/// What the player does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A client calls a method; its answer is taken when it is needed.
    Call(usize, String, Vec<Parameter>),
    /// A client calls several methods in one, each with one name or none.
    Multicall(usize, Vec<(String, String)>),
    /// A client sends an event that listeners are to note, and that an odd one is to do so with.
    Event(usize, String),
    /// A client asks for a page.
    Get(usize, String),
    /// A client closes its connection, whatever it waits for.
    Drop(usize),
    /// A connection on which only so many bytes of a request are sent; it stays.
    Half(usize),
    /// Nonsense, of which there are several sorts.
    Nonsense(usize),
    /// A connection that follows the log of a process; it stays.
    Follow(String),
    /// The connections that stayed are closed.
    HangUp,
    /// A signal for the daemon.
    Signal(i32),
    /// A signal for what runs under a name.
    Kill(String, i32),
    /// A section of the configuration gets another form.
    Edit(String, usize),
    /// What supervisorctl's update does.
    Update,
    /// The daemon becomes the program that stands where it was started from; false where that is
    /// another one, which cannot take over.
    Upgrade(bool),
    /// A log is moved away.
    Move(String),
    /// A log is removed.
    Remove(String),
    /// A log is cut to nothing, as copytruncate does.
    Truncate(String),
    /// A log is cleared by a call.
    Clear(String),
    /// The small disk is filled.
    Fill,
    /// There is room on it again.
    Free,
    /// System calls of a sort fail with an error.
    Refuse(String, i32),
    /// They succeed again.
    Allow,
    /// Everything is to come to rest, and is looked at.
    Rest,
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Parameter::Text(text) => write!(f, "s:{}", text.replace('\n', "\\n")),
            Parameter::Int(number) => write!(f, "i:{number}"),
            Parameter::Bool(truth) => write!(f, "b:{}", u8::from(*truth)),
            Parameter::Texts(texts) => write!(f, "a:{}", texts.join(",")),
        }
    }
}

impl Parameter {
    pub fn text(text: &str) -> Parameter {
        Parameter::Text(text.to_owned())
    }

    fn parse(word: &str) -> Option<Parameter> {
        let (sort, rest) = word.split_once(':')?;
        Some(match sort {
            "s" => Parameter::Text(rest.replace("\\n", "\n")),
            "i" => Parameter::Int(rest.parse().ok()?),
            "b" => Parameter::Bool(rest == "1"),
            "a" if rest.is_empty() => Parameter::Texts(Vec::new()),
            "a" => Parameter::Texts(rest.split(',').map(str::to_owned).collect()),
            _ => return None,
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Step::Call(client, method, parameters) => {
                write!(f, "call {client} {method}")?;
                parameters.iter().try_for_each(|one| write!(f, " {one}"))
            }
            Step::Multicall(client, calls) => {
                write!(f, "multicall {client}")?;
                calls
                    .iter()
                    .try_for_each(|(method, name)| write!(f, " {method}/{name}"))
            }
            Step::Event(client, what) => write!(f, "event {client} {what}"),
            Step::Get(client, path) => write!(f, "get {client} {path}"),
            Step::Drop(client) => write!(f, "drop {client}"),
            Step::Half(bytes) => write!(f, "half {bytes}"),
            Step::Nonsense(sort) => write!(f, "nonsense {sort}"),
            Step::Follow(name) => write!(f, "follow {name}"),
            Step::HangUp => write!(f, "hangup"),
            Step::Signal(signal) => write!(f, "signal {signal}"),
            Step::Kill(name, signal) => write!(f, "kill {name} {signal}"),
            Step::Edit(name, form) => write!(f, "edit {name} {form}"),
            Step::Update => write!(f, "update"),
            Step::Upgrade(works) => write!(f, "upgrade {}", i32::from(*works)),
            Step::Move(log) => write!(f, "move {log}"),
            Step::Remove(log) => write!(f, "remove {log}"),
            Step::Truncate(log) => write!(f, "truncate {log}"),
            Step::Clear(name) => write!(f, "clear {name}"),
            Step::Fill => write!(f, "fill"),
            Step::Free => write!(f, "free"),
            Step::Refuse(call, error) => write!(f, "refuse {call} {error}"),
            Step::Allow => write!(f, "allow"),
            Step::Rest => write!(f, "rest"),
        }
    }
}

impl Step {
    /// Reads a line that was written by `Display`.
    pub fn parse(line: &str) -> Option<Step> {
        let words: Vec<&str> = line.split(' ').collect();
        let text = |at: usize| words.get(at).map(|word| (*word).to_owned());
        let number = |at: usize| words.get(at)?.parse::<usize>().ok();
        let signed = |at: usize| words.get(at)?.parse::<i32>().ok();
        Some(match *words.first()? {
            "call" => {
                let parameters = words.get(3..)?.iter().map(|word| Parameter::parse(word));
                Step::Call(number(1)?, text(2)?, parameters.collect::<Option<_>>()?)
            }
            "multicall" => {
                let calls = words.get(2..)?.iter().map(|word| {
                    let (method, name) = word.split_once('/')?;
                    Some((method.to_owned(), name.to_owned()))
                });
                Step::Multicall(number(1)?, calls.collect::<Option<_>>()?)
            }
            "event" => Step::Event(number(1)?, text(2)?),
            "get" => Step::Get(number(1)?, text(2)?),
            "drop" => Step::Drop(number(1)?),
            "half" => Step::Half(number(1)?),
            "nonsense" => Step::Nonsense(number(1)?),
            "follow" => Step::Follow(text(1)?),
            "hangup" => Step::HangUp,
            "signal" => Step::Signal(signed(1)?),
            "kill" => Step::Kill(text(1)?, signed(2)?),
            "edit" => Step::Edit(text(1)?, number(2)?),
            "update" => Step::Update,
            "upgrade" => Step::Upgrade(number(1)? == 1),
            "move" => Step::Move(text(1)?),
            "remove" => Step::Remove(text(1)?),
            "truncate" => Step::Truncate(text(1)?),
            "clear" => Step::Clear(text(1)?),
            "fill" => Step::Fill,
            "free" => Step::Free,
            "refuse" => Step::Refuse(text(1)?, signed(2)?),
            "allow" => Step::Allow,
            "rest" => Step::Rest,
            _ => return None,
        })
    }
}

/// A sequence with its world: `shim` or `plain`, and then a line for each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    pub has_shim: bool,
    pub steps: Vec<Step>,
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "world {}", if self.has_shim { "shim" } else { "plain" })?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl Sequence {
    /// Reads what was written by `Display`; lines with `#` are remarks.
    pub fn parse(text: &str) -> Option<Sequence> {
        let mut lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let has_shim = lines.next()? == "world shim";
        let steps = lines.map(Step::parse).collect::<Option<Vec<_>>>()?;
        Some(Sequence { has_shim, steps })
    }
}

#[test]
fn a_sequence_is_read_as_it_was_written() {
    for seed in 0..50 {
        let sequence = super::choice::sequence(seed, 500);
        assert_eq!(Sequence::parse(&sequence.to_string()), Some(sequence));
    }
}
