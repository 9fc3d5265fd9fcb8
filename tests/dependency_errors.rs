//! Dependencies that cannot be: each is told with its place and what to write.

use super::dependencies::{ctl, program};
use super::support::{DEADLINE, Daemon, Dir, Kind, Outcome, Scene, usual_configuration};

/// What supervisord says about a configuration that it does not take.
fn refused(configuration: &str) -> String {
    let dir = Dir::new();
    dir.write("supervisord.conf", usual_configuration(configuration));
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    assert_eq!(daemon.wait(DEADLINE), Some(2), "{configuration}");
    let path = format!("{}/", dir.path().display());
    daemon.stderr().replace(&path, "")
}

/// The line of a key, as messages tell it.
fn line_of(configuration: &str, key: &str) -> String {
    let whole = usual_configuration(configuration);
    let line = whole.lines().position(|line| line.starts_with(key));
    format!("supervisord.conf:{}", line.unwrap() + 1)
}

#[test]
fn a_circle_is_told_with_all_its_members() {
    for count in [1, 2, 3, 40] {
        let mut configuration = String::new();
        let mut expected = "depends_on goes in a circle: ".to_owned();
        for place in 0..count {
            let key = format!("depends_on=p{}?,", (place + 1) % count);
            configuration += &program(&format!("p{place}"), &key);
            let line = line_of(&configuration, &key);
            expected += &format!("p{place} ({line}) needs ");
        }
        expected += "p0";
        let told = refused(&configuration);
        assert!(told.contains(&expected), "{expected}\n{told}");
        assert!(told.contains("take one of these out"), "{told}");
    }
}

#[test]
fn names_and_conditions_that_cannot_be_are_told_with_the_nearest_right_ones() {
    let forever = program("forever", "autorestart=true");
    let group = "[group:app]\nprograms=a,b\ndepends_on=d\n";
    let members = format!("{group}{}{}", program("a", ""), program("b", ""));
    for (configuration, expected) in [
        (
            program("api", "depends_on=databse") + &program("database", ""),
            &[
                "[program:api] depends_on unknown",
                "did you mean \"database\"?",
            ][..],
        ),
        (
            program("api", "depends_on=app:c") + &members.replace("depends_on=d\n", ""),
            &[
                "[program:api] depends on unknown program or group app:c",
                "did you mean \"app:a\"?",
            ],
        ),
        (
            members.clone(),
            &["[group:app] depends on unknown program or group d"],
        ),
        (
            program("api", "depends_on=forever(exited)") + &forever,
            &[
                "[program:api] waits for forever(exited), which can never hold: \
                 [program:forever] has autorestart=true",
                "write forever(running), or autorestart=unexpected in [program:forever]",
            ],
        ),
        (
            program("api", "depends_on=job(running)")
                + "[program:job]\ncommand=/bin/true\ntype=oneshot\n",
            &[
                "[program:api] waits for job(running)",
                "[program:job] has type=oneshot",
                "write job(exited)",
            ],
        ),
        (
            program("api", "depends_on=db(healthy)") + &program("db", ""),
            &["[program:api] waits for db(healthy)", "no liveness check"],
        ),
        (
            program("api", "depends_on=db(runing)") + &program("db", ""),
            &["Invalid depends_on value 'db(runing)'", "write db(running)"],
        ),
        (
            program("api", "depends_timeout=2 minutes"),
            &["Invalid depends_timeout value '2 minutes'", "write 2m"],
        ),
    ] {
        let told = refused(&configuration);
        for text in expected {
            let text = text.replace("depends_on unknown", "depends on unknown");
            assert!(told.contains(&text), "{text}\n{told}");
        }
        let key = match configuration.contains("depends_on") {
            true => "depends_on",
            false => "depends_timeout",
        };
        assert!(told.contains(&line_of(&configuration, key)), "{told}");
    }
    // The place of what is in the way.
    let configuration = program("api", "depends_on=forever(exited)") + &forever;
    let place = line_of(&configuration, "autorestart=true");
    assert!(refused(&configuration).contains(&format!("autorestart=true ({place})")));
}

#[test]
fn a_reread_told_neither_the_place_of_an_error_nor_what_to_write() {
    let scene = Scene::start(&program("api", ""));
    let unknown = program("api", "depends_on=databse") + &program("database", "");
    let circle = program("a", "depends_on=b") + &program("b", "depends_on=a");
    for (configuration, key, text, advice) in [
        (
            &unknown,
            "depends_on=databse",
            "[program:api] depends on unknown program or group databse",
            "did you mean \"database\"?",
        ),
        (
            &circle,
            "depends_on=b",
            "depends_on goes in a circle: a (",
            "take one of these out of what the one before it depends on",
        ),
    ] {
        let whole = usual_configuration(configuration);
        scene.dir.write("supervisord.conf", whole);
        let place = scene.dir.path().join(line_of(configuration, key));
        let end = format!(" ({}: {advice})", place.display());
        let told = |said: &str| {
            let line = said.lines().find(|line| line.contains(text));
            line.is_some_and(|line| line.contains(&end))
        };
        let Outcome::Fault(92, fault) = scene.call("reloadConfig", &[]) else {
            panic!("{configuration} was read");
        };
        assert!(told(&fault), "{fault}");
        assert!(told(&scene.log()), "{}", scene.log());
        for line in ["reread", "reload"] {
            let finished = ctl(&scene, line);
            assert!(told(&finished.stdout), "{line}: {finished:?}");
        }
    }
    // What 4.3.0 says of its own keys stays as it is.
    let broken = program("api", "autostart=perhaps");
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&broken));
    let Outcome::Fault(92, fault) = scene.call("reloadConfig", &[]) else {
        panic!("{broken} was read");
    };
    assert!(!fault.contains("write true or false"), "{fault}");
    scene.stop();
}
