//! Read-only access to the web interface: every page can be read, and no form or link changes
//! anything.

use super::readonly::{BOSS, EYE, MONITOR, NOBODY, WRONG, scene};
use super::support::Page;

/// Every route, by what asks for it.
const ROUTES: &[(&str, u16)] = &[
    ("GET /logtail/nobody", 404),
    ("GET /logtail/web", 200),
    ("GET /mainlogtail", 200),
    ("GET /events", 200),
    ("GET /", 200),
    ("HEAD /index.html", 200),
    ("GET /tail.html?processname=web", 200),
    ("GET /mainlog.html", 200),
    ("GET /ok.html", 200),
    ("GET /log.txt?processname=web", 200),
    ("GET /mainlog.txt", 200),
    ("GET /stylesheets/supervisor.css", 200),
    ("GET /images/icon.svg", 200),
    ("GET /nothing", 404),
];

#[test]
fn every_route_is_for_those_who_may_look() {
    let scene = scene();
    std::thread::scope(|threads| {
        for (request, _) in ROUTES {
            let scene = &scene;
            threads.spawn(move || assert_eq!(WRONG.status(scene, request), 401, "{request}"));
        }
        for (request, status) in ROUTES {
            assert_eq!(NOBODY.status(&scene, request), 401, "{request}");
            for way in [EYE, MONITOR, BOSS] {
                assert_eq!(way.status(&scene, request), *status, "{request} {}", way.1);
            }
        }
    });
    scene.stop();
}

#[test]
fn pages_without_the_right_to_act_have_no_buttons() {
    let scene = scene();
    for path in [
        "/",
        "/tail.html?processname=web",
        "/tail.html?processname=down",
        "/mainlog.html",
    ] {
        let acts = |page: &Page| {
            [
                "method=post",
                "method=\"post\"",
                "name=token",
                "=\"action\"",
                "=action",
            ]
            .iter()
            .any(|part| page.body.contains(part))
        };
        assert!(
            acts(&BOSS.get(&scene, path)) || path.ends_with("down"),
            "{path}"
        );
        for way in [EYE, MONITOR] {
            let page = way.get(&scene, path);
            assert_eq!(page.status, 200);
            assert!(!acts(&page), "{path} {}", page.body);
        }
    }
    let page = EYE.get(&scene, "/");
    assert!(page.body.contains("This access is for looking only"));
    scene.stop();
}

#[test]
fn a_form_changes_nothing_even_with_the_token_of_another() {
    let scene = scene();
    let page = BOSS.get(&scene, "/");
    let all = page.token("id=\"all\"").to_owned();
    let web = page.token("name=processname value=\"web\"").to_owned();
    let before = scene.log();
    for (action, name, token) in [
        ("startall", "", &all),
        ("stopall", "", &all),
        ("restartall", "", &all),
        ("clearall", "", &all),
        ("clearfatal", "", &all),
        ("clearmainlog", "", &all),
        ("startgroup", "groupname=web&", &web),
        ("stopgroup", "groupname=web&", &web),
        ("restartgroup", "groupname=web&", &web),
        ("rollgroup", "groupname=web&", &web),
        ("start", "processname=down&", &web),
        ("stop", "processname=web&", &web),
        ("restart", "processname=web&", &web),
        ("clearlog", "processname=web&", &web),
        ("clearstdout", "processname=web&", &web),
        ("clearstderr", "processname=web&", &web),
    ] {
        for way in [EYE, MONITOR] {
            let form = format!("{name}token={token}&action={action}");
            for path in [
                "/",
                "/index.html",
                "/tail.html?processname=web",
                "/mainlog.html",
            ] {
                let page = way.post(&scene, path, &form);
                assert_eq!(page.status, 403, "{action} {path}");
                assert!(page.body.contains("for looking only"), "{}", page.body);
            }
            let link = format!("/?{name}action={action}");
            assert_eq!(way.get(&scene, &link).status, 403, "{link}");
        }
    }
    assert_eq!(NOBODY.post(&scene, "/", "action=stopall").status, 401);
    // To load the page again changes nothing.
    assert_eq!(EYE.post(&scene, "/", "action=refresh").status, 303);
    let log = scene.log();
    let added = log.strip_prefix(&before).unwrap();
    assert!(!added.contains(" INFO "), "{added}");
    assert!(added.contains("for looking only"), "{added}");
    scene.stop();
}
