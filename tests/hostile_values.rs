//! Values of a configuration that hold control characters, such as texts for variables that are
//! not set: they are text in descriptions, on the pages and in the log.

use super::support::{Ctl, Kind, Scene, is_plain_text};

/// What a terminal, a page and a log are to show as it is written here, and not to do.
const TEXT: &str = "\u{1b}]0;title\u{7}\u{9b}2J\u{202e}<b>\u{7f}";

#[test]
fn a_text_for_a_variable_acted_where_it_was_shown() {
    let scene = Scene::start(&format!(
        "[program:command]\ncommand=/no/such/%(ENV_NOT_SET:-{TEXT})s\nstartretries=0\n\
         [program:alternative]\ncommand=/no/such/%(ENV_PATH:+{TEXT})s\nstartretries=0\n\
         [program:directory]\ncommand=cat\nstartretries=0\ndirectory=/no/such/%(ENV_NOT_SET:-{TEXT})s\n\
         [program:named]\ncommand=cat\nstartretries=0\ndirectory=/no/such\n\
         process_name=n{TEXT}\n"
    ));
    scene.wait_all("FATAL");
    for info in scene.all() {
        for member in ["description", "spawnerr"] {
            let text = info.text_of(member);
            assert!(is_plain_text(&text), "{text:?}");
            assert!(!text.is_empty());
        }
        if info.text_of("group") == "command" {
            let shown = "/no/such/\\x1b]0;title\\x07\\x9b2J\\u202e<b>\\x7f";
            assert!(info.text_of("spawnerr").contains(shown), "{info}");
        }
    }
    for path in ["/", "/index.html?processname=all"] {
        let page = scene.rpc.get(path).body;
        assert!(!page.contains("<b>"), "{page}");
        assert!(page.contains("&lt;b&gt;"), "{page}");
        assert!(
            !page.contains(['\u{1b}', '\u{7}', '\u{7f}', '\u{9b}']),
            "{page:?}"
        );
    }
    assert!(is_plain_text(&scene.log().replace('\n', "")));
    for line in ["status", "status --json", "avail", "start all"] {
        let words: Vec<&str> = line.split(' ').collect();
        let end = Ctl::new(Kind::Ours, &scene.dir).run(&words);
        let told = format!("{}{}", end.stdout, end.stderr).replace('\n', "");
        assert!(is_plain_text(&told), "{line}: {told:?}");
    }
    scene.stop();
}
