use super::*;

fn told<T: std::fmt::Debug>(result: Result<T, ValueError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn readiness_is_a_word_a_descriptor_or_a_text() {
    let key = &Checks::KEYS[0];
    for (text, readiness, dumped) in [
        ("notify", Readiness::Notify, "notify"),
        (" Check ", Readiness::Check, "check"),
        ("fd:3", Readiness::Descriptor(3), "fd:3"),
        ("fd: 1023", Readiness::Descriptor(1023), "fd:1023"),
        (
            "log: Listening on: 80 ",
            Readiness::Log("Listening on: 80".into()),
            "log:Listening on: 80",
        ),
    ] {
        assert_eq!(Readiness::parse(text, key), Ok(readiness.clone()), "{text}");
        assert_eq!(readiness.dumped(), Json::String(dumped.to_owned()));
    }
    let form = "it is notify, fd:3, log: and a text, or check";
    for (text, near) in [
        ("fd:2", "write fd:3"),
        ("fd:-1", "write fd:3"),
        ("fd:5000", "write fd:1023"),
        ("fd:x", form),
        ("fd", form),
        ("log:", form),
        ("log", form),
        ("notify:x", form),
        ("ready", form),
        ("", form),
    ] {
        let message = format!("Invalid readiness value '{text}' ({near})");
        assert_eq!(told(Readiness::parse(text, key)), message);
    }
}

#[test]
fn what_follows_a_failure_is_a_word_or_a_command() {
    let key = &Checks::KEYS[14];
    assert_eq!(key.name, "liveness_check_failure_action");
    for (text, action) in [
        ("restart", FailureAction::Restart),
        (" STOP ", FailureAction::Stop),
        ("none", FailureAction::None),
        (
            "/bin/page me",
            FailureAction::Command("/bin/page me".into()),
        ),
    ] {
        let parsed = FailureAction::parse(text, key);
        assert_eq!(parsed.as_ref(), Ok(&action));
        let word = text.trim_matches(is_space).to_lowercase();
        assert_eq!(action.dumped(), Json::String(word));
    }
    assert_eq!(
        told(FailureAction::parse(" ", key)),
        "Invalid liveness_check_failure_action value ' ' (it is restart, stop, none or a command)"
    );
}
