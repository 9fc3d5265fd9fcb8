//! What the configuration holds that not every client is to know: values of variables, and
//! secrets wherever they stand.

use super::support::{Address, Outcome, Rpc, Scene, usual_configuration};
use pollvisor::text::base64;

const SERVER: &str = "\
[unix_http_server:both]
file=%(here)s/both
username=boss
password=all
readonly_username=eye
readonly_password=look
";

/// What differs, as a client with that name and password is told.
fn difference(scene: &Scene, user: &str) -> Outcome {
    let user = format!("Basic {}", base64::encode(user.as_bytes()));
    let rpc = Rpc::new(Address::Unix(scene.dir.join("both"))).with_authorization(&user);
    rpc.call("supervisor.getConfigDifference", &[])
}

fn configuration(variables: &str, command: &str) -> String {
    format!(
        "environment=MAIN_TOKEN=\"of-all\"\n{SERVER}[program:web]\ncommand=/bin/sleep {command}\n\
         environment={variables}\n"
    )
}

#[test]
fn who_could_only_look_was_told_new_values_of_variables_and_secrets_in_other_keys() {
    let old = "URL=\"db://me:old-one@host/x\",WEB_KEY=\"old-key\",PLAIN=\"old-plain\"";
    let new = "URL=\"db://me:new-one@host/x\",WEB_KEY=\"new-key\",PLAIN=\"new-plain\"";
    let scene = Scene::start(&configuration(old, "600"));
    scene.wait_all("RUNNING");
    let more = "pre_start_hook=/bin/echo new-key %(ENV_MAIN_TOKEN)s a://b:third@c:1/d\n";
    let command = "600 old-key old-key of-all";
    let changed = configuration(new, command);
    let changed = usual_configuration(&format!("{changed}{more}"));
    scene.dir.write("supervisord.conf", changed);
    for (user, shows_values) in [("eye:look", false), ("boss:all", true)] {
        let told = difference(&scene, user).answer().to_string();
        for secret in ["one", "-key", "of-all", "third"] {
            assert!(!told.contains(secret), "{user}, {secret}: {told}");
        }
        for shown in [
            "PLAIN",
            "WEB_KEY",
            "URL",
            "/bin/sleep 600 *** *** ***",
            "/bin/echo *** *** a://b:***@c:1/d",
        ] {
            assert!(told.contains(shown), "{user}, {shown}: {told}");
        }
        for value in ["old-plain", "new-plain", "db://me:***@host/x"] {
            assert_eq!(told.contains(value), shows_values, "{user}: {told}");
        }
    }
}

#[test]
fn an_error_in_the_files_told_clients_the_password_in_a_url() {
    let scene = Scene::start(&configuration("A=\"1\"", "600"));
    let wrong = "liveness_check=http://me:word@127.0.0.1/of-all\n";
    let changed = configuration("A=\"1\"", "600");
    let changed = usual_configuration(&format!("{changed}{wrong}"));
    scene.dir.write("supervisord.conf", changed);
    for user in ["eye:look", "boss:all"] {
        let Outcome::Fault(_, text) = difference(&scene, user) else {
            panic!("the files have an error");
        };
        assert!(text.contains("'http://me:***@127.0.0.1/***'"), "{text}");
    }
}
