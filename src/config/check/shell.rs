//! Words in a command that a shell would act on, where no shell runs it: the program gets
//! them as they are. What may be meant so is no such word.

/// One word of a command, with what of it stands outside quotes.
#[derive(Debug, Default)]
struct Word {
    /// Without quotes.
    text: String,
    /// Outside all quotes; what is quoted or escaped is a blank.
    bare: String,
    /// Outside `'`; what is in them or escaped is a blank.
    expandable: String,
}

/// These run what an argument says, or hand it to who does.
const SCRIPTED: [&str; 31] = [
    "sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "csh", "tcsh", "busybox", "su", "runuser",
    "sudo", "ssh", "docker", "podman", "kubectl", "watch", "xargs", "parallel", "perl", "python",
    "python2", "python3", "ruby", "node", "php", "awk", "gawk", "expect", "envsubst",
];

/// Commands that only a shell has.
const BUILTINS: [&str; 8] = [
    "cd", "source", ".", "export", "exec", "set", "ulimit", "umask",
];

/// The first word of that kind, as it is to be shown: never more than a name or a path.
pub fn shell_word(command: &str) -> Option<String> {
    let words = words(command);
    let first = words.first()?;
    if let Some((name, _)) = first.bare.split_once('=')
        && is_name(name)
    {
        return Some(format!("{name}="));
    }
    if BUILTINS.contains(&first.bare.as_str()) {
        return Some(first.bare.clone());
    }
    let mut is_scripted = false;
    let mut before = "";
    for word in &words {
        if !is_script_option(before) {
            let found = operator(&word.bare)
                .or_else(|| variable(word, is_scripted))
                .or_else(|| glob(word, before));
            if found.is_some() {
                return found;
            }
        }
        let name = word.text.rsplit('/').next().unwrap_or_default();
        is_scripted |= SCRIPTED.contains(&name);
        before = &word.text;
    }
    None
}

/// Reads as a command line is read; quotes that do not end are told elsewhere.
fn words(command: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let mut characters = command.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, c) if c.is_ascii_whitespace() => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                let word = word.get_or_insert_default();
                word.text.extend(characters.next());
                word.bare.push(' ');
                word.expandable.push(' ');
            }
            (quote, c) => {
                let word = word.get_or_insert_default();
                word.text.push(c);
                word.bare.push(if quote.is_none() { c } else { ' ' });
                word.expandable
                    .push(if quote == Some('\'') { ' ' } else { c });
            }
        }
    }
    words.extend(word);
    words
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Such as `-c`, `-lc` and `-e`: a script follows.
fn is_script_option(word: &str) -> bool {
    let letters = word.strip_prefix('-').unwrap_or_default();
    let is_short = !letters.is_empty() && letters.chars().all(|c| c.is_ascii_lowercase());
    (is_short && letters.len() <= 4 && letters.ends_with(['c', 'e']))
        || matches!(word, "--command" | "--eval" | "--exec")
}

/// A redirection, or what stands between two commands.
fn operator(bare: &str) -> Option<String> {
    if matches!(bare, "&&" | "||" | "|" | "|&" | "&" | ";" | ";;" | "<") {
        return Some(bare.to_owned());
    }
    for joint in ["&&", "||"] {
        if bare.contains(joint) {
            return Some(joint.to_owned());
        }
    }
    if bare.len() > 1 && bare.ends_with(';') {
        return Some(";".to_owned());
    }
    let redirection = bare.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
    if redirection.starts_with('>') {
        let end = redirection.trim_start_matches(['>', '&', '|']);
        let kind = bare.strip_suffix(end).unwrap_or(bare);
        let target = end.chars().all(|c| c.is_ascii_digit());
        return Some(if target { bare } else { kind }.to_owned());
    }
    for within in [">/", ">>", ">&", "</", "<<"] {
        if bare.contains(within) {
            return Some(within.trim_end_matches('/').to_owned());
        }
    }
    None
}

/// A variable, or a command in the place of its output.
fn variable(word: &Word, is_scripted: bool) -> Option<String> {
    // In quotes it may be a part of a script.
    let text = match is_scripted {
        true => &word.bare,
        false => &word.expandable,
    };
    if text.contains('`') {
        return Some("`".to_owned());
    }
    text.match_indices('$').find_map(|(at, _)| {
        let rest = text.get(at + 1..)?;
        let (open, name, close) = match rest.strip_prefix('{') {
            Some(rest) => ("{", rest, "}"),
            None if rest.starts_with('(') => return Some("$(".to_owned()),
            None => ("", rest, ""),
        };
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = name.get(..end.unwrap_or(name.len()))?;
        is_name(name).then(|| format!("${open}{name}{close}"))
    })
}

/// A pattern of file names, or a home directory. What belongs to an option, names all hosts or
/// is a path of classes may be meant so.
fn glob(word: &Word, before: &str) -> Option<String> {
    let bare = word.bare.as_str();
    if bare == "~" || bare.starts_with("~/") {
        return Some("~".to_owned());
    }
    let is_of_option = before.starts_with('-');
    let is_of_classes = is_of_option && (before.ends_with("cp") || before.contains("class"));
    let is_path = bare.contains('/');
    let is_other = bare.starts_with('-')
        || bare.starts_with("*/")
        || bare.contains([':', '=', '@', '(', '|', '^', '\\'])
        || is_of_classes
        || (is_of_option && !is_path);
    (bare.contains('*') && !is_other).then(|| word.text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_act_on_is_found() {
        for (command, word) in [
            ("/bin/echo $HOME", "$HOME"),
            ("/bin/echo ${HOME}/x", "${HOME}"),
            ("/bin/echo \"$HOME is home\"", "$HOME"),
            ("java -jar b11d-${VERSION}-standalone.jar", "${VERSION}"),
            ("echo $(date)", "$("),
            ("echo `date`", "`"),
            ("cat a > b", ">"),
            ("cat a >b", ">"),
            ("cat a >> b", ">>"),
            ("cat a 2>&1", "2>&1"),
            ("cat a 2> /dev/null", "2>"),
            ("cat a &> /dev/null", "&>"),
            ("cat a>/dev/null", ">"),
            ("cat < a", "<"),
            ("a && b", "&&"),
            ("a&&b", "&&"),
            ("a || b", "||"),
            ("a | b", "|"),
            ("a &", "&"),
            ("a; b", ";"),
            ("cat /var/log/*.log", "/var/log/*.log"),
            ("tail -f /var/log/*.log", "/var/log/*.log"),
            ("ls *", "*"),
            ("ls *.txt", "*.txt"),
            ("~/bin/run", "~"),
            ("run ~/data", "~"),
            ("FOO=1 run", "FOO="),
            ("cd /srv", "cd"),
            ("exec run", "exec"),
            ("bash -c cd /srv && run", "&&"),
            ("bash run.sh $HOME", "$HOME"),
            ("bash -c 'run' > log", ">"),
        ] {
            assert_eq!(shell_word(command).as_deref(), Some(word), "{command}");
        }
    }

    #[test]
    fn what_is_meant_so_is_not() {
        for command in [
            "",
            "/bin/cat",
            "bash -c 'a && b > c | d *; e $F'",
            "bash -lc \"cd /srv && exec run $HOME\"",
            "/bin/sh -ec \"run ${X} `date`\"",
            "sh -c $SCRIPT",
            "su -s /bin/sh user -c \"cd x && y\"",
            "ssh host \"cd x && echo $HOME\"",
            "python -c \"print('$x')\"",
            "perl -e 'print $x'",
            "awk \"{print $1, $NF}\" file",
            "echo '$HOME'",
            "echo \\$HOME \"\\$HOME\"",
            "echo 'a > b' \"c | d\"",
            "grep ^a$ file",
            "gunicorn -b *:8000 app",
            "gunicorn --forwarded-allow-ips=* app",
            "uvicorn --forwarded-allow-ips * app",
            "java -cp /app/lib/* Main",
            "java -classpath /app/lib/*:/app Main",
            "java -Xmx1g -cp '/app/lib/*' Main",
            "cron */5",
            "curl http://h/?a=1&b=2",
            "celery -A app worker -Q a,b --pool=x -n w@%%h",
            "run --expression=a>5",
            "run %(ENV_HOME)s/x",
            "nginx -g \"daemon off;\"",
            "run a~b x~",
            "xterm -title '*** Exit ***'",
        ] {
            assert_eq!(shell_word(command), None, "{command}");
        }
    }
}
