//! What is told about a server that does not serve.

use super::*;

fn origin(address: AddressOrigin, path: Option<&str>) -> Origin {
    let request = ClientRequest {
        path: path.map(str::to_owned),
        environment: Vec::new(),
        launch_directory: "/".to_owned(),
    };
    Origin {
        address,
        request: Some(request),
        ..Origin::default()
    }
}

fn facts(origin: &Origin, endpoint: Endpoint, pid_file: PidFile) -> Facts<'_> {
    Facts {
        origin,
        url: "unix:///run/s".to_owned(),
        shown: "unix:///run/s",
        endpoint,
        pid_file,
        listens_at: vec!["unix:///run/s".to_owned()],
    }
}

#[test]
fn the_paragraph_says_what_is_there_and_what_to_do() {
    let socket = || "/run/s".to_owned();
    let pid_file = || "/run/p".to_owned();
    let origin = origin(AddressOrigin::File, Some("/etc/s.conf"));
    let facts = |endpoint, pid_file| facts(&origin, endpoint, pid_file);
    for (facts, expected) in [
        (
            facts(Endpoint::NoSocket(socket()), PidFile::Missing(pid_file())),
            "There is no socket /run/s.\n  supervisord does not seem to run: there is no pid \
             file /run/p.\n  Start it with: supervisord -c /etc/s.conf\n",
        ),
        (
            facts(
                Endpoint::DeadSocket(socket()),
                PidFile::Stale(pid_file(), 7),
            ),
            "The socket /run/s is there, but nobody listens at it any more.\n  supervisord \
             does not seem to run: /run/p names process 7, which is none.\n  Start it with: \
             supervisord -c /etc/s.conf\n",
        ),
        (
            Facts {
                listens_at: vec!["http://localhost:9001".to_owned()],
                ..facts(Endpoint::NoSocket(socket()), PidFile::Runs(pid_file(), 7))
            },
            "There is no socket /run/s.\n  supervisord seems to run, as process 7 according \
             to /run/p.\n  supervisord is told to listen at http://localhost:9001: try -s \
             http://localhost:9001\n",
        ),
        (
            facts(
                Endpoint::ClosedSocket {
                    path: socket(),
                    owner: Some("root, group adm, mode 0770".to_owned()),
                    user: "bob".to_owned(),
                },
                PidFile::Unknown,
            ),
            "The socket /run/s belongs to root, group adm, mode 0770; bob may not use it.\n  \
             Run supervisorctl as a user who may, or set chmod and chown in \
             [unix_http_server].\n",
        ),
    ] {
        let head = "supervisorctl: no supervisord can be reached at unix:///run/s \
                    (serverurl in /etc/s.conf)\n  ";
        assert_eq!(facts.text(), format!("{head}{expected}"));
    }
}

#[test]
fn it_says_where_the_address_comes_from() {
    use AddressOrigin::{File, Open, Option, Usual};
    for (address, file, expected) in [
        (Option, None, "from the option -s"),
        (Open, Some("f"), "from the command open"),
        (File, Some("f"), "serverurl in f"),
        (Usual, Some("f"), "the usual address: f has no serverurl"),
        (
            Usual,
            None,
            "the usual address: no configuration file was found",
        ),
    ] {
        let origin = origin(address, file).of_address();
        assert_eq!(origin, expected);
    }
}

#[test]
fn refused_credentials_are_told_with_where_they_come_from() {
    use CredentialOrigin::{Environment, File, Nowhere, Option, Typed};
    let url = "http://h:1";
    for (username, password, file, head, sources) in [
        (
            File,
            File,
            Some("f"),
            "refuses the user bob with this password",
            "Here the user name comes from username in f and the password comes from password in f.",
        ),
        (
            Option,
            Environment,
            Some("f"),
            "refuses the user bob with this password",
            "Here the user name comes from the option -u and the password comes from \
             SUPERVISORCTL_PASSWORD.",
        ),
        (
            Typed,
            Typed,
            None,
            "refuses the user bob with this password",
            "Here the user name was typed and the password was typed.",
        ),
        (
            Option,
            Nowhere,
            Some("f"),
            "wants a password for the user bob",
            "Here the user name comes from the option -u and no password is set.",
        ),
        (
            Nowhere,
            Nowhere,
            None,
            "wants a user name and a password, and has got none",
            "Here no user name is set and no password is set.",
        ),
    ] {
        let origin = Origin {
            username,
            password,
            ..origin(AddressOrigin::Option, file)
        };
        let text = explain_refusal(&origin, url, Some("bob"));
        let lines: Vec<&str> = text.lines().collect();
        let expected =
            format!("supervisorctl: the supervisord at http://h:1 (from the option -s) {head}");
        assert_eq!(lines[..2], [expected.as_str(), &format!("  {sources}")]);
        assert!(lines[2].contains("[inet_http_server]"), "{text}");
    }
}
