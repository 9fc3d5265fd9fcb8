//! The lines of a Procfile, `NAME: COMMAND`. Empty lines and those that begin with `#` say
//! nothing. foreman passes over every line that it does not know; here that is an error.

use super::{Named, is_name};

/// The commands in order; the error is the number of the first line that is none.
pub fn read(text: &str) -> Result<Vec<Named>, usize> {
    let mut commands = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts = line.split_once(':').map(|(name, rest)| (name, rest.trim()));
        match parts {
            Some((name, command)) if is_name(name) && !command.is_empty() => commands.push(Named {
                name: name.to_owned(),
                command: command.to_owned(),
                line: index + 1,
            }),
            _ => return Err(index + 1),
        }
    }
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procfiles() {
        for (text, expected) in [
            ("", Ok("")),
            ("web: bin/web -p $PORT\n", Ok("1 web|bin/web -p $PORT;")),
            (
                "web:x\r\n\r\nworker_2:   y z  \r\n",
                Ok("1 web|x;3 worker_2|y z;"),
            ),
            (
                "# all\n\nrelease-1: a: b # c\n",
                Ok("3 release-1|a: b # c;"),
            ),
            ("  \na: b", Ok("2 a|b;")),
            ("web: x\nweb", Err(2)),
            ("web:", Err(1)),
            ("web:  \n", Err(1)),
            (": x", Err(1)),
            (" web: x", Err(1)),
            ("web.1: x", Err(1)),
            ("web : x", Err(1)),
            ("échec: x", Err(1)),
        ] {
            let found = read(text).map(|commands| {
                let told =
                    |named: Named| format!("{} {}|{};", named.line, named.name, named.command);
                commands.into_iter().map(told).collect::<String>()
            });
            assert_eq!(found, expected.map(str::to_owned), "{text:?}");
        }
    }
}
