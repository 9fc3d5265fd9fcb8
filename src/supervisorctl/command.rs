//! The grammar of a command line, at the prompt and in one shot alike: one
//! word of letters, digits and underscores, then the argument text. There is
//! no quoting, and no blank is needed after the word.

/// What a typed line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Nothing but white space.
    Empty,
    /// A known command and its argument text without white space around it.
    Command(Command, &'a str),
    /// No command begins so: the whole line without white space around it.
    Unknown(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Add,
    Avail,
    Clear,
    ClearFatal,
    Completion,
    Debug,
    Disable,
    Enable,
    EndOfInput,
    Exit,
    Explain,
    Fg,
    Graph,
    Healthcheck,
    Help,
    Maintail,
    Open,
    Pid,
    Quit,
    Reload,
    Remove,
    Reopen,
    Reread,
    Restart,
    Result,
    Rotate,
    Scale,
    Shutdown,
    Signal,
    Start,
    Status,
    Stop,
    Tail,
    Update,
    Upgrade,
    Version,
    Wait,
}

/// Every word and its command.
const WORDS: &[(&str, Command)] = &[
    ("add", Command::Add),
    ("avail", Command::Avail),
    ("clear", Command::Clear),
    ("clearfatal", Command::ClearFatal),
    ("completion", Command::Completion),
    ("debug", Command::Debug),
    ("disable", Command::Disable),
    ("enable", Command::Enable),
    ("EOF", Command::EndOfInput),
    ("exit", Command::Exit),
    ("explain", Command::Explain),
    ("fg", Command::Fg),
    ("graph", Command::Graph),
    ("healthcheck", Command::Healthcheck),
    ("help", Command::Help),
    ("maintail", Command::Maintail),
    ("open", Command::Open),
    ("pid", Command::Pid),
    ("quit", Command::Quit),
    ("reload", Command::Reload),
    ("remove", Command::Remove),
    ("reopen", Command::Reopen),
    ("reread", Command::Reread),
    ("restart", Command::Restart),
    ("result", Command::Result),
    ("rotate", Command::Rotate),
    ("scale", Command::Scale),
    ("shutdown", Command::Shutdown),
    ("signal", Command::Signal),
    ("start", Command::Start),
    ("status", Command::Status),
    ("stop", Command::Stop),
    ("tail", Command::Tail),
    ("update", Command::Update),
    ("upgrade", Command::Upgrade),
    ("version", Command::Version),
    ("wait", Command::Wait),
];

impl Command {
    /// The word that is typed for it.
    pub fn word(self) -> &'static str {
        let mut words = WORDS.iter();
        let found = words.find(|(_, command)| *command == self);
        found.map_or("", |(word, _)| word)
    }

    /// Whether 4.3.0 does not have it.
    pub fn is_addition(self) -> bool {
        use Command as C;
        matches!(
            self,
            C::ClearFatal
                | C::Completion
                | C::Debug
                | C::Disable
                | C::Enable
                | C::Explain
                | C::Graph
                | C::Healthcheck
                | C::Reopen
                | C::Result
                | C::Rotate
                | C::Scale
                | C::Upgrade
                | C::Wait
        )
    }

    /// Whether no words may follow.
    pub fn takes_nothing(self) -> bool {
        use Command::{Avail, ClearFatal, Reload, Reread, Shutdown, Upgrade, Version};
        matches!(
            self,
            Avail | ClearFatal | Reload | Reread | Shutdown | Upgrade | Version
        )
    }

    /// Whether at least one name must follow.
    pub fn requires_process(self) -> bool {
        use Command::{Clear, Disable, Enable, Explain, Restart, Start, Stop, Wait};
        matches!(
            self,
            Clear | Disable | Enable | Explain | Restart | Start | Stop | Wait
        )
    }

    /// Whether the server is first asked which version it has. `status` and `healthcheck`
    /// do so too, but have exit statuses of their own for it.
    pub fn asks_for_version(self) -> bool {
        use Command as C;
        matches!(
            self,
            C::Clear
                | C::ClearFatal
                | C::Debug
                | C::Disable
                | C::Enable
                | C::Explain
                | C::Fg
                | C::Graph
                | C::Maintail
                | C::Pid
                | C::Reopen
                | C::Restart
                | C::Result
                | C::Rotate
                | C::Scale
                | C::Signal
                | C::Start
                | C::Stop
                | C::Tail
                | C::Upgrade
                | C::Version
        )
    }
}

/// The command that a word stands for.
pub fn known(word: &str) -> Option<Command> {
    let known = WORDS.iter().find(|(known, _)| *known == word);
    known.map(|(_, command)| *command)
}

/// The commands that `help` lists, in alphabetical order.
pub fn listed() -> impl Iterator<Item = Command> {
    WORDS
        .iter()
        .map(|(_, command)| *command)
        .filter(|command| !matches!(command, Command::Help | Command::EndOfInput))
}

/// The word that a line begins with; it may be empty.
pub fn word(line: &str) -> &str {
    let end = line
        .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

/// Reads a line. The word ends at the first character that cannot be part of
/// one: `tail-f x` is `tail -f x`.
pub fn parse(line: &str) -> Line<'_> {
    let line = line.trim();
    if line.is_empty() {
        return Line::Empty;
    }
    if let Some(topic) = line.strip_prefix('?') {
        return Line::Command(Command::Help, topic.trim());
    }
    let word = word(line);
    let argument = line.get(word.len()..).unwrap_or_default();
    match known(word) {
        Some(command) => Line::Command(command, argument.trim()),
        None => Line::Unknown(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_ends_where_it_must_and_the_rest_is_the_argument() {
        for (line, command, argument) in [
            ("status", Command::Status, ""),
            (" \tstatus  web ", Command::Status, "web"),
            ("tail-f x", Command::Tail, "-f x"),
            ("pid;pid", Command::Pid, ";pid"),
            ("status,cat", Command::Status, ",cat"),
            ("?start", Command::Help, "start"),
            ("?", Command::Help, ""),
            ("help  help", Command::Help, "help"),
            ("EOF", Command::EndOfInput, ""),
        ] {
            assert_eq!(parse(line), Line::Command(command, argument), "{line}");
        }
    }

    #[test]
    fn other_lines_are_unknown_as_a_whole() {
        for line in ["STATUS", "!ls", "#x", "kill x", "start_all", "stätus"] {
            assert_eq!(parse(&format!(" {line} ")), Line::Unknown(line), "{line}");
        }
        assert_eq!(parse(" \t"), Line::Empty);
    }
}
