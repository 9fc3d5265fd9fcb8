//! The `.env` beside a Procfile: `NAME=VALUE`, perhaps after `export`. Single quotes around a value
//! keep it as it is; between double quotes `\n` is a new line, and a backslash takes the next
//! character as it is. Nothing is expanded, and a `#` in a value is a part of it, as with foreman.

/// The variables in order, of a name given twice the last; the error is the number of the first
/// line that sets none.
pub fn read(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut variables: Vec<(String, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let assignment = match line.strip_prefix("export") {
            Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
            _ => line,
        };
        let parts = assignment
            .split_once('=')
            .filter(|(name, _)| is_variable(name));
        let (name, value) = parts.ok_or(index + 1)?;
        variables.retain(|(other, _)| other != name);
        variables.push((name.to_owned(), unquoted(value)));
    }
    Ok(variables)
}

fn is_variable(name: &str) -> bool {
    let is_fitting = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_fitting)
}

fn unquoted(value: &str) -> String {
    let between = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(kept) = between('\'') {
        return kept.to_owned();
    }
    let Some(quoted) = between('"') else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        match (c, c == '\\') {
            (c, false) => text.push(c),
            _ => match characters.next() {
                Some('n') => text.push('\n'),
                Some(escaped) => text.push(escaped),
                None => {}
            },
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables() {
        for (text, expected) in [
            ("", Ok("")),
            ("A=1\nB_2=x y\n", Ok("A=1;B_2=x y;")),
            (
                "# all\n\n  A=1  \r\nexport B=2\nexport\tC=3",
                Ok("A=1;B=2;C=3;"),
            ),
            ("A=", Ok("A=;")),
            ("A=\"\"", Ok("A=;")),
            ("A=\"", Ok("A=\";")),
            ("A='a \\n \"b\" $C'", Ok("A=a \\n \"b\" $C;")),
            ("A=\"a\\nb \\\"c\\\" \\\\ \\d\"", Ok("A=a\nb \"c\" \\ d;")),
            ("A=x # y", Ok("A=x # y;")),
            ("A=b=c", Ok("A=b=c;")),
            ("A=\"x\" y", Ok("A=\"x\" y;")),
            ("A=1\nB=2\nA=3", Ok("B=2;A=3;")),
            ("exportA=1", Ok("exportA=1;")),
            ("A=1\nnothing", Err(2)),
            ("=1", Err(1)),
            ("A B=1", Err(1)),
            ("A = 1", Err(1)),
        ] {
            let found = read(text).map(|variables| {
                let told = |(name, value)| format!("{name}={value};");
                variables.into_iter().map(told).collect::<String>()
            });
            assert_eq!(found, expected.map(str::to_owned), "{text:?}");
        }
    }
}
