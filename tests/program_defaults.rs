//! `[program-default]` and texts for variables that are not set, as the programs find them.

use super::support::{DEADLINE, Dir, Scene, wait_for};

/// What a program wrote into a file, a line.
fn line(scene: &Scene, name: &str) -> String {
    let text = wait_for(DEADLINE, || {
        scene.dir.read(name).filter(|text| text.ends_with('\n'))
    });
    text.unwrap_or_else(|| panic!("{name} is missing:\n{}", scene.log()))
}

/// A command that writes what it finds into a file.
fn tells(name: &str) -> String {
    format!(
        "command=/bin/sh -c 'echo \"${{A-none}} ${{B-none}} ${{C-none}} ${{PWD##*/}}\" > %(here)s/{name}; exec cat'\n"
    )
}

#[test]
fn programs_have_the_keys_of_program_default_below_their_own() {
    let dir = Dir::new();
    for folder in ["all", "mine"] {
        std::fs::create_dir(dir.join(folder)).unwrap();
    }
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program-default]\ndirectory=%(here)s/all\nstartsecs=0\n\
             environment=A=\"all\",B=\"all\"\n\
             [program:plain]\n{}\
             [program:own]\n{}environment=B=\"own\",C=\"own\"\ndirectory=%(here)s/mine\n\
             [fcgi-program:fcgi]\nsocket=unix://%(here)s/f.sock\n{}\
             [eventlistener:listener]\nevents=TICK_3600\ndirectory=%(here)s\nstartsecs=0\n{}",
            tells("plain"),
            tells("own"),
            tells("fcgi"),
            tells("listener")
        ),
        |_| {},
    );
    assert_eq!(line(&scene, "plain"), "all all none all\n");
    assert_eq!(line(&scene, "own"), "all own own mine\n");
    assert_eq!(line(&scene, "fcgi"), "all all none all\n");
    assert!(line(&scene, "listener").starts_with("none none none "));
    scene.stop();
}

#[test]
fn a_variable_that_is_not_set_has_its_text_and_one_that_is_set_its_alternative() {
    let text = "[program:p]\nstartsecs=0\n\
                command=/bin/sh -c 'echo \"%(ENV_NOT_SET:-a b)s|%(ENV_SET:-no)s|%(ENV_EMPTY:-empty)s|%(ENV_SET:+yes)s|%(ENV_NOT_SET:+no)s|$V\" > %(here)s/told; exec cat'\n\
                environment=V=\"%(ENV_NOT_SET:-text)s\"\n";
    let scene = Scene::start_as(Dir::new(), text, |launch| {
        launch.environment = &[("SET", "value"), ("EMPTY", "")];
    });
    assert_eq!(line(&scene, "told"), "a b|value|empty|yes||text\n");
    // Without one it is the error that it was, and what runs is kept.
    let wrong = super::support::usual_configuration("[program:p]\ncommand=%(ENV_NOT_SET)s\n");
    scene.dir.write("supervisord.conf", wrong);
    match scene.call("reloadConfig", &[]) {
        super::support::Outcome::Fault(92, text) => {
            assert!(
                text.contains("contains names ('ENV_NOT_SET') which cannot be expanded"),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
    scene.stop();
}

#[test]
fn a_process_that_was_up_has_all_its_tries_again() {
    // It fails once before it is up, each time.
    let scene = Scene::start(
        "[program:p]\nstartsecs=1\nstartretries=1\nautorestart=true\nbackoffincrement=10ms\n\
         command=/bin/sh -c 'if test -e %(here)s/failed; then rm %(here)s/failed; exec sleep 3600; fi; \
         : > %(here)s/failed; exit 1'\n",
    );
    for life in 1..=3 {
        scene.wait("p", "RUNNING");
        let log = scene.log();
        assert_eq!(
            log.matches("exited: p (exit status 1; not expected)")
                .count(),
            life,
            "{log}"
        );
        super::support::kill(scene.pid("p"), libc::SIGKILL);
        let fails = || scene.log().matches("exited: p (exit status 1; ").count() > life;
        assert!(
            super::support::wait_until(DEADLINE, fails),
            "{}",
            scene.log()
        );
    }
    scene.stop();
}
