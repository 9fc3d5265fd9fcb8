//! Where the reading of configurations differs from 4.3.0 on purpose.

use std::path::Path;
use std::time::Duration;

use pollvisor::config::error::ConfigError;
use pollvisor::config::limits::Limits;
use pollvisor::config::load::{self, LoadRequest, Purpose};
use pollvisor::config::supervisorctl::ClientRequest;
use pollvisor::config::supervisord::Overrides;
use pollvisor::config::{Address, Config, LogFile};

use super::system::TestSystem;

fn read(text: &str) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("s.conf"), text).unwrap();
    TestSystem::Strict.load(directory.path().to_str().unwrap(), "s.conf")
}

#[test]
fn a_missing_directory_of_a_program_log_is_left_to_the_spawn() {
    let config = read("[supervisord]\n[program:a]\ncommand=a\nstdout_logfile=/no/where/x.log\n");
    assert_eq!(
        config.unwrap().groups[0].processes[0].stdout.logfile,
        LogFile::Path("/no/where/x.log".to_owned())
    );
    let error = read("[supervisord]\nlogfile=/no/where/x.log\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "The directory named as part of the path /no/where/x.log does not exist"
    );
}

#[test]
fn of_two_groups_with_one_name_the_first_to_start_stays() {
    let text = "[supervisord]\n[program:g]\ncommand=one\n[program:b]\ncommand=b\n\
                [group:g]\nprograms=b\n";
    let config = read(text).unwrap();
    assert_eq!(config.groups.len(), 1);
    assert_eq!(config.groups[0].processes[0].command, "b");
    assert_eq!(config.origins[0].section, "group:g");
    assert_eq!(
        config.warnings,
        ["[program:g] is left out: [group:g] already makes a group named g"]
    );
}

#[test]
fn of_two_processes_with_one_name_the_last_definition_stays() {
    let text = "[supervisord]\n[program:a]\ncommand=a\nprocess_name=x\n\
                [program:b]\ncommand=b\nprocess_name=x\n[group:g]\nprograms=a,b\n";
    let config = read(text).unwrap();
    assert_eq!(config.groups[0].processes.len(), 1);
    assert_eq!(config.groups[0].processes[0].command, "b");
    assert_eq!(
        config.warnings,
        ["[group:g] has more than one process named x: the last definition counts"]
    );
}

#[test]
fn plug_ins_are_left_out_with_a_warning() {
    let text = "[supervisord]\n\
                [rpcinterface:x]\nsupervisor.rpcinterface_factory=plug.in:make\n\
                [ctlplugin:y]\nsupervisor.ctl_factory=plug.in:make\n";
    let config = read(text).unwrap();
    assert_eq!(
        config.warnings,
        [
            "[rpcinterface:x] is left out: plug.in:make cannot be loaded, for Python plug-ins are not available",
            "[ctlplugin:y] is left out: Python plug-ins are not available, supervisorctl does without it",
        ]
    );
}

#[test]
fn a_fastcgi_program_keeps_its_socket_in_a_group() {
    let config = read(
        "[supervisord]\n[program:p]\ncommand=p\n\
         [fcgi-program:f]\ncommand=f\nnumprocs=2\nprocess_name=f%(process_num)d\n\
         socket=unix:///tmp/%(program_name)s.sock\nsocket_mode=0770\nsocket_backlog=5\n\
         [group:g]\nprograms=p,f\n",
    )
    .unwrap();
    let group = &config.groups[0];
    let urls: Vec<Option<String>> = group
        .processes
        .iter()
        .map(|process| group.socket_of(process).map(|socket| socket.address.url()))
        .collect();
    let url = || Some("unix:///tmp/f.sock".to_owned());
    assert_eq!(urls, [None, url(), url()]);
    assert_eq!(group.processes[1].socket.as_ref().unwrap().backlog, Some(5));
    assert!(config.warnings.is_empty());
}

#[test]
fn a_bad_socket_in_a_group_makes_a_plain_program_with_a_warning() {
    for (keys, reason) in [
        ("", "[fcgi-program:f] section requires a \"socket\" line"),
        (
            "socket=junk\n",
            "('Bad socket format %s', 'junk') in [fcgi-program:f] socket",
        ),
        (
            "socket=unix:///s\nsocket_mode=9\n",
            "Invalid socket_mode value 9",
        ),
        (
            "socket=unix:///s\nsocket_owner=no-such\n",
            "Invalid socket_owner value no-such",
        ),
        (
            "socket=%(nothing)s\n",
            "Format string '%(nothing)s' for 'fcgi-program:f.socket' contains names ('nothing')",
        ),
    ] {
        let text =
            format!("[supervisord]\n[fcgi-program:f]\ncommand=f\n{keys}[group:g]\nprograms=f\n");
        let config = read(&text).unwrap();
        assert_eq!(config.groups[0].processes[0].socket, None);
        let warning = config.warnings.join("\n");
        let (head, told) = warning.split_once(": ").unwrap();
        assert_eq!(
            head,
            "[fcgi-program:f] is a plain program in [group:g], its socket is left out"
        );
        assert!(told.starts_with(reason), "{told}");
    }
}

#[test]
fn a_fastcgi_program_in_two_groups_has_its_socket_in_the_first() {
    let config = read(
        "[supervisord]\n[fcgi-program:f]\ncommand=f\nsocket=tcp://h:1\n\
         [group:a]\nprograms=f,f\n[group:b]\nprograms=f\n",
    )
    .unwrap();
    let has_socket = |index: usize| config.groups[index].processes[0].socket.is_some();
    assert!(has_socket(0) && !has_socket(1));
    assert_eq!(
        config.warnings,
        [
            "[group:a] has more than one process named f: the last definition counts",
            "[fcgi-program:f] is a plain program in [group:b], its socket is left out: \
             another group has it already",
        ]
    );
}

#[test]
fn a_bare_conversion_is_an_error_instead_of_a_dump_of_all_names() {
    let error = read("[supervisord]\nidentifier=%s\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "Format string '%s' for 'supervisord.identifier' is badly formatted: %s without a name"
    );
}

#[test]
fn numbers_of_processes_beyond_reason_are_refused() {
    let text =
        "[supervisord]\n[program:a]\ncommand=a\nprocess_name=%(process_num)d\nnumprocs=100001\n";
    let error = read(text).unwrap_err().to_string();
    assert!(
        error.starts_with("numprocs is 100001, but one section can have 100000 at most in section"),
        "{error}"
    );
}

fn request(directory: &Path, purpose: Purpose) -> LoadRequest {
    LoadRequest {
        path: "s.conf".to_owned(),
        overrides: Overrides::default(),
        environment: Vec::new(),
        launch_directory: directory.to_str().unwrap().to_owned(),
        purpose,
    }
}

#[test]
fn relative_files_stay_where_the_program_was_started() {
    let directory = tempfile::tempdir().unwrap();
    let text = "[supervisord]\nlogfile=s.log\nuser=no-such-user\n[DEFAULT]\nx=1\n\
                [inet_http_server]\nport=1\n[rpcinterface:supervisor]\n\
                supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";
    std::fs::write(directory.path().join("s.conf"), text).unwrap();
    // The test does not run in that directory, as a daemon that has gone elsewhere does not.
    let config = load::load(&request(directory.path(), Purpose::Reread)).unwrap();
    let place = directory.path().to_str().unwrap();
    assert_eq!(
        config.supervisord.pidfile,
        Some(format!("{place}/supervisord.pid"))
    );
    // The user and the RPC interfaces matter to a start only.
    let error = load::load(&request(directory.path(), Purpose::Start)).unwrap_err();
    assert_eq!(error.to_string(), "Invalid user name no-such-user");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let told = || {
        load::load(&request(directory.path(), Purpose::Start))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(told(), "could not find config file s.conf");
    std::fs::create_dir(directory.path().join("s.conf")).unwrap();
    assert_eq!(told(), "could not read config file s.conf: Is a directory");
}

#[test]
fn the_command_line_goes_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("s.conf"),
        "[supervisord]\nminfds=1\nidentifier=f\n",
    )
    .unwrap();
    let mut request = request(directory.path(), Purpose::Start);
    request.overrides.identifier = Some("c".to_owned());
    request.overrides.logfile = Some(String::new());
    request.overrides.user = Some("0".to_owned());
    let config = load::load(&request).unwrap();
    assert_eq!(config.supervisord.identifier, "c");
    assert_eq!(config.supervisord.minfds, 1);
    assert_eq!(config.user.and_then(|user| user.gid), Some(0));
}

#[test]
fn the_search_looks_beside_the_program_first() {
    assert_eq!(
        load::search_paths("/opt/x/bin/supervisord"),
        [
            "/opt/x/etc/supervisord.conf",
            "/opt/x/supervisord.conf",
            "supervisord.conf",
            "etc/supervisord.conf",
            "/etc/supervisord.conf",
            "/etc/supervisor/supervisord.conf",
        ]
    );
    let [first, second, ..] = load::search_paths("bin/supervisord");
    assert_eq!(
        [first, second],
        ["etc/supervisord.conf", "supervisord.conf"]
    );
    let error = ConfigError::no_file(&["a".to_owned(), "b".to_owned()]);
    assert_eq!(
        error.to_string(),
        "No config file found at default paths (a, b); use the -c option to specify a config file at a different path"
    );
}

#[test]
fn the_client_needs_no_other_section() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_str().unwrap();
    let read = |text: &str| {
        std::fs::write(directory.path().join("c.conf"), text).unwrap();
        load::load_client(&ClientRequest {
            path: Some("c.conf".to_owned()),
            environment: vec![("P".to_owned(), "secret".to_owned())],
            launch_directory: place.to_owned(),
        })
    };
    let text = "[supervisorctl]\nserverurl=unix://%(here)s/a/../s.sock\nusername=u\n\
                password=%(ENV_P)s\nprompt=me%%\nhistory_file=h\n\
                [ctlplugin:x]\nsupervisor.ctl_factory=plug.in:make\n[program:bad]\ncommand=%(no)s\n";
    let client = read(text).unwrap();
    assert_eq!(client.serverurl, format!("unix://{place}/s.sock"));
    assert_eq!(client.password.as_deref(), Some("secret"));
    assert_eq!(client.prompt, "me%");
    assert_eq!(client.history_file, Some(format!("{place}/h")));
    assert_eq!(client.warnings.len(), 1);
    assert!(!format!("{client:?}").contains("secret"));

    let defaults = read("[supervisorctl]\n").unwrap();
    assert_eq!(defaults.serverurl, "http://localhost:9001");
    assert_eq!(defaults, Default::default());

    for (text, message) in [
        (
            "[supervisord]\n",
            ".ini file does not include supervisorctl section",
        ),
        (
            "[supervisorctl]\nprompt=%(here)s\n",
            "Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here') which cannot be expanded. Available names: ENV_P",
        ),
        (
            "[supervisorctl]\n[ctlplugin:x]\n",
            "section [ctlplugin:x] does not specify a supervisor.ctl_factory",
        ),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_user_may_come_with_a_group_and_a_socket_with_a_group_alone() {
    let config = read(
        "[supervisord]\nuser=root:0\n[program:a]\ncommand=a\nuser=0:root\n\
         [unix_http_server]\nfile=/s\nchown=:root\n",
    )
    .unwrap();
    assert_eq!(config.user.and_then(|user| user.gid), Some(0));
    let process = &config.groups[0].processes[0];
    assert_eq!((process.uid, process.gid), (Some(0), Some(0)));
    let Address::Unix {
        owner: Some(owner), ..
    } = &config.servers[0].address
    else {
        panic!("{:?}", config.servers)
    };
    assert_eq!((owner.uid, owner.gid), (None, Some(0)));

    for (text, message) in [
        (
            "[supervisord]\nuser=root:no-such\n",
            "Invalid group name no-such in section 'supervisord' (file: 's.conf')",
        ),
        (
            "[supervisord]\nuser=no-such:root\n",
            "Invalid user name no-such",
        ),
        (
            "[supervisord]\n[program:a]\ncommand=a\nuser=root:4000000000\n",
            "Invalid group id 4000000000 in section 'program:a' (file: 's.conf')",
        ),
        (
            "[supervisord]\n[program:a]\ncommand=a\nuser=:root\n",
            "Invalid user name  in section 'program:a' (file: 's.conf')",
        ),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn an_empty_user_name_beside_a_password_is_an_error_instead_of_an_open_door() {
    let server = |keys: &str| format!("[supervisord]\n[unix_http_server]\nfile=/s\n{keys}");
    let text = "Section [unix_http_server] has a password and an empty username: set both, or \
                neither for a server without authentication";
    let error = read(&server("username=\npassword=secret\n")).unwrap_err();
    assert_eq!(error.to_string(), text);
    assert_eq!(error.section(), Some("unix_http_server"));
    let place = error.location().unwrap();
    assert_eq!((place.file.as_str(), place.line), ("s.conf", 4));
    let config = read(&server("username=\npassword=\n")).unwrap();
    assert_eq!(config.servers[0].credentials, None);
    let config = read(&server("username=u\npassword=\n")).unwrap();
    assert!(config.servers[0].credentials.is_some());
    let half = read(&server("username=\n")).unwrap_err().to_string();
    assert!(half.contains("incomplete authentication"), "{half}");
}

#[test]
fn servers_have_keys_that_4_3_0_does_not_know() {
    let server = |keys: &str| format!("[supervisord]\n[inet_http_server]\nport=9001\n{keys}");
    let config = read(&server(
        "username=u\npassword={SHA256}5E884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8\n\
         require_authentication=true\nallowed_hosts= Boss.example. , boss,[2001:DB8::1],\nheader_maxbytes=1KB\n\
         unauthenticated_body_maxbytes=0\nbody_maxbytes=2MB\nxml_maxdepth=16\n\
         multicall_maxcalls=1\nmax_connections=2\nidle_timeout=3\nrequest_timeout=4\n",
    ))
    .unwrap();
    let server_read = &config.servers[0];
    assert!(server_read.require_authentication);
    assert_eq!(
        server_read.allowed_hosts,
        ["boss.example", "boss", "[2001:db8::1]"]
    );
    assert_eq!(
        server_read.limits,
        Limits {
            header: 1024,
            unauthenticated_body: 0,
            body: 2 << 20,
            depth: 16,
            calls: 1,
            connections: 2,
            idle: Duration::from_secs(3),
            request: Duration::from_secs(4),
        }
    );
    for (line, message) in [
        (
            "require_authentication=true",
            "Section [inet_http_server] requires authentication and has no username and password",
        ),
        (
            "header_maxbytes=1",
            "Invalid header_maxbytes value 1: it can be from 1024 to 16777216",
        ),
        (
            "unauthenticated_body_maxbytes=-1",
            "Invalid unauthenticated_body_maxbytes value -1: it can be from 0 to 1073741824",
        ),
        (
            "body_maxbytes=2GB",
            "Invalid body_maxbytes value 2147483648: it can be from 1024 to 1073741824",
        ),
        (
            "xml_maxdepth=5000",
            "Invalid xml_maxdepth value 5000: it can be from 16 to 4096",
        ),
        (
            "multicall_maxcalls=0",
            "Invalid multicall_maxcalls value 0: it can be from 1 to 1000000",
        ),
        (
            "max_connections=1",
            "Invalid max_connections value 1: it can be from 2 to 10000",
        ),
        (
            "idle_timeout=0",
            "Invalid idle_timeout value 0: it can be from 1 to 316224000",
        ),
        (
            "request_timeout=0",
            "Invalid request_timeout value 0: it can be from 1 to 316224000",
        ),
        ("allowed_hosts=a,[::1", "Invalid allowed_hosts value [::1"),
        ("allowed_hosts=[web1]", "Invalid allowed_hosts value [web1]"),
        (
            "allowed_hosts=a,http://b",
            "Invalid allowed_hosts value http://b",
        ),
        (
            "password={SHA256}abc\nusername=u",
            "Section [inet_http_server] has a password that begins with {SHA256}: the 64 \
             hexadecimal digits of a SHA-256 must follow",
        ),
    ] {
        let error = read(&server(&format!("{line}\n"))).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(
            error.location().map(|location| location.line),
            Some(4),
            "{line}"
        );
    }
}
