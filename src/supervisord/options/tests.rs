use super::*;
use crate::config::load::RealSystem;

fn read(line: &str) -> Result<Request, String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    parse(&words, "/", &RealSystem).map_err(|error| error.to_string())
}

fn overrides(line: &str) -> Overrides {
    match read(line) {
        Ok(Request::Run(arguments)) => arguments.overrides,
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_go_over_the_file() {
    let line = "-nskt -u bob -m 077 -d /tmp -l /tmp/x.log -y 1KB -z 3 -e DEBUG -j x.pid \
                -i id -q /tmp -a 5 --minprocs 6 --profile_options calls";
    let expected = Overrides {
        minfds: Some(5),
        minprocs: Some(6),
        directory: Some("/tmp".to_owned()),
        user: Some("bob".to_owned()),
        umask: Some(0o77),
        logfile: Some("/tmp/x.log".to_owned()),
        logfile_maxbytes: Some(1024),
        logfile_backups: Some(3),
        loglevel: Some(crate::log_level::Level::Debug),
        pidfile: Some("x.pid".to_owned()),
        identifier: Some("id".to_owned()),
        childlogdir: Some("/tmp".to_owned()),
        nodaemon: true,
        silent: true,
        nocleanup: true,
        strip_ansi: true,
        ..Overrides::default()
    };
    assert_eq!(overrides(line), expected);
    assert_eq!(overrides(""), Overrides::default());
}

#[test]
fn help_and_version_act_at_once() {
    assert_eq!(read("-n -h -n"), Ok(Request::Help));
    assert_eq!(read("-?"), Ok(Request::Help));
    assert_eq!(read("--vers -e nope"), Ok(Request::Version));
    assert_eq!(read("--version-full -e nope"), Ok(Request::VersionFull));
    let error = read("--version-full=x").unwrap_err();
    assert!(
        error.starts_with("--version-full=x is not known"),
        "{error}"
    );
}

#[test]
fn inspections_take_no_prefix_from_the_options_of_4_3_0() {
    let inspection = |line: &str| match read(line) {
        Ok(Request::Inspect(inspection, _)) => inspection,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        inspection("--check -n"),
        Inspection::Check { strict: false }
    );
    assert_eq!(
        inspection("--check=strict"),
        Inspection::Check { strict: true }
    );
    let dump = |redacted| Inspection::Dump { redacted };
    assert_eq!(inspection("-n --dump-config"), dump(false));
    assert_eq!(inspection("--redact --dump-config"), dump(true));
    let refused = "--redact hides secrets in what --dump-config prints: give both".to_owned();
    for line in ["--redact", "--redact --check", "-n --redact"] {
        assert_eq!(read(line), Err(refused.clone()), "{line}");
    }
    assert!(read("--dump-config --redact=x").is_err());
    assert_eq!(
        overrides("--ch /tmp --d /tmp").directory.as_deref(),
        Some("/tmp")
    );
    assert_eq!(read("--che"), Err("option --che not recognized".to_owned()));
    assert!(
        read("--check=lax")
            .unwrap_err()
            .contains("--check=lax is not known")
    );
    assert!(read("--check strict").unwrap_err().contains("positional"));
}

#[test]
fn commands_stay_in_the_foreground() {
    let over = overrides("-s -- sh -c x --run");
    assert_eq!(over.commands.main, ["sh", "-c", "x", "--run"]);
    assert!(over.nodaemon && over.silent);
    let over = overrides("--run=web=x=y --run w-2=z -c f --procfile a/../Procfile");
    let run = over.commands.run.iter();
    let told: Vec<String> = run
        .map(|named| format!("{}|{}", named.name, named.command))
        .collect();
    assert_eq!(told, ["web|x=y", "w-2|z"]);
    assert_eq!(over.commands.procfile.as_deref(), Some("/Procfile"));
    assert!(over.nodaemon && !over.silent);
    // Nothing after it is as if it were not there, for the entry point of an image.
    assert_eq!(overrides("--"), Overrides::default());
    assert_eq!(read("-h -- x"), Ok(Request::Help));
    for line in ["--run x", "--run =x", "--run a.b=x", "--run a=", "--run=a"] {
        let error = read(line).unwrap_err();
        assert!(
            error.starts_with("--run needs a name of letters"),
            "{error}"
        );
    }
    let twice = "conflicting command line option '--procfile'".to_owned();
    assert_eq!(read("--procfile a --procfile b"), Err(twice));
    assert_eq!(
        read("--ru a=b"),
        Err("option --ru not recognized".to_owned())
    );
}

#[test]
fn errors_are_told_in_the_originals_words_and_order() {
    for (line, message) in [
        (
            "-h extra two",
            "positional arguments are not supported: ['extra', 'two']",
        ),
        ("-e x --nosuch", "option --nosuch not recognized"),
        (
            "--nodaemon=1",
            "option --nodaemon must not have an argument",
        ),
        ("--no", "option --no not a unique prefix"),
        ("-c", "option -c requires argument"),
        (
            "-c a --configuration b",
            "conflicting command line option '--configuration'",
        ),
        ("-n -n", "conflicting command line option '-n'"),
        (
            "-e nope -e info",
            "invalid value for -e 'nope': bad logging level name 'nope'",
        ),
        (
            "-e info --loglevel nope",
            "invalid value for --loglevel 'nope': bad logging level name 'nope'",
        ),
        (
            "-a x",
            "invalid value for -a 'x': invalid literal for int() with base 10: 'x'",
        ),
        (
            "-y 1.5MB",
            "invalid value for -y '1.5MB': invalid literal for int() with base 10: '1.5'",
        ),
        (
            "-m 9",
            "invalid value for -m '9': 9 can not be converted to an octal type",
        ),
        (
            "-d /nope",
            "invalid value for -d '/nope': /nope is not an existing directory",
        ),
        (
            "-l /nope/x",
            "invalid value for -l '/nope/x': The directory named as part of the path /nope/x does not exist",
        ),
    ] {
        assert_eq!(read(line), Err(message.to_owned()), "{line}");
    }
}

#[test]
fn every_option_is_in_the_usage_text() {
    let text = usage("PROG");
    for spec in SPECS {
        let found = spec.long.is_none_or(|long| {
            [" ", "["]
                .iter()
                .any(|end| text.contains(&format!("--{long}{end}")))
        });
        assert!(found, "{:?}", spec.key);
    }
    assert!(text.ends_with("\n\n"));
}
