//! Reading a log by windows of so many bytes, as clients do that copy it.

use super::support::{Dir, Scene, Value};

/// A program that writes nothing by itself, and what its logs hold.
fn scene(content: &[u8]) -> Scene {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.out\nstderr_logfile=%(here)s/p.err\n",
    );
    scene.wait("p", "RUNNING");
    scene.dir.write("p.out", content);
    scene.dir.write("p.err", content);
    scene
}

fn read(scene: &Scene, method: &str, offset: i64, length: i64) -> String {
    let window = [Value::Int(offset), Value::Int(length)];
    let of_process = [&[Value::text("p")], &window[..]].concat();
    let parameters = match method {
        "readLog" | "readMainLog" => &window[..],
        _ => &of_process,
    };
    match scene.call(method, parameters).answer() {
        Value::Text(text) => text,
        other => panic!("a text was expected, not {other}"),
    }
}

/// A text, where to go on, and whether there was more.
fn tail(scene: &Scene, method: &str, offset: i64, length: i64) -> (String, i64, bool) {
    let parameters = [Value::text("p"), Value::Int(offset), Value::Int(length)];
    match scene.call(method, &parameters).answer() {
        Value::Array(parts) => match &parts[..] {
            [Value::Text(text), Value::Int(offset), Value::Bool(more)] => {
                (text.clone(), *offset, *more)
            }
            _ => panic!("three values were expected, not {parts:?}"),
        },
        other => panic!("an array was expected, not {other}"),
    }
}

const TEXT: &str = "café\n€ 5, 日本語, 😀😀\nnaïve é";

#[test]
fn windows_that_cut_characters_lost_them() {
    let scene = scene(TEXT.as_bytes());
    let first = read(&scene, "readProcessStdoutLog", 0, 4);
    let second = read(&scene, "readProcessStdoutLog", 4, 4);
    assert_eq!((&first[..], &second[..]), ("café", "\n€"));
    for method in [
        "readProcessStdoutLog",
        "readProcessStderrLog",
        "readProcessLog",
    ] {
        for size in [1, 2, 3, 4, 5, 7, 16, 100] {
            let mut copy = String::new();
            for offset in (0..TEXT.len()).step_by(size) {
                let part = read(&scene, method, offset as i64, size as i64);
                assert!(size < 4 || !part.is_empty() || offset + size > TEXT.len());
                copy.push_str(&part);
            }
            assert_eq!(copy, TEXT, "{method} by {size}");
        }
        // A client may as well count the bytes that came.
        let (mut copy, mut offset) = (String::new(), 0);
        while offset < TEXT.len() {
            let part = read(&scene, method, offset as i64, 4);
            offset += part.len();
            copy.push_str(&part);
        }
        assert_eq!(copy, TEXT, "{method}");
        // The last bytes, without the rest of a character that begins before them.
        for (last, expected) in [(1, ""), (2, "é"), (5, "ve é"), (6, "ve é"), (7, "ïve é")] {
            let end = read(&scene, method, -last, 0);
            assert_eq!(end, expected, "{method} {last}");
        }
    }
    scene.stop();
}

#[test]
fn the_main_log_was_cut_like_any_other() {
    let dir = Dir::new();
    let name = "é€😀".repeat(10);
    let scene = Scene::start_as(
        dir,
        &format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\n"),
        |_| {},
    );
    scene.wait(&name, "RUNNING");
    let whole = read(&scene, "readLog", 0, 0);
    assert!(whole.contains(&name));
    for method in ["readLog", "readMainLog"] {
        for size in [4, 5, 6, 7] {
            let offsets = (0..whole.len()).step_by(size);
            let parts = offsets.map(|offset| {
                let length = size.min(whole.len() - offset);
                read(&scene, method, offset as i64, length as i64)
            });
            assert_eq!(parts.collect::<String>(), whole, "{method} by {size}");
        }
    }
    scene.stop();
}

#[test]
fn a_window_of_a_long_log_was_cut_as_well() {
    let unit = "日本語😀é\n";
    let text = unit.repeat(60_000);
    let scene = scene(text.as_bytes());
    let size = 300_001;
    let offsets = (0..text.len()).step_by(size);
    let copy: String = offsets
        .map(|offset| read(&scene, "readProcessStdoutLog", offset as i64, size as i64))
        .collect();
    assert!(copy == text);
    let (end, next, more) = tail(&scene, "tailProcessStderrLog", 0, size as i64);
    assert_eq!((next, more), (text.len() as i64, true));
    assert!(text.ends_with(&end) && end.len() > size - 4);
    scene.stop();
}

#[test]
fn what_tail_tells_to_go_on_at_was_within_a_character() {
    let scene = scene("café".as_bytes());
    for (method, log) in [
        ("tailProcessStdoutLog", "p.out"),
        ("tailProcessLog", "p.out"),
        ("tailProcessStderrLog", "p.err"),
    ] {
        let tail = |offset, length| tail(&scene, method, offset, length);
        scene.dir.write(log, "café");
        assert_eq!(tail(0, 1), (String::new(), 5, true));
        assert_eq!(tail(0, 2), ("é".to_owned(), 5, true));
        assert_eq!(tail(0, 100), ("café".to_owned(), 5, false));
        assert_eq!(tail(5, 100), (String::new(), 5, false));
        // Half of a character has been written.
        scene.dir.write(log, b"caf\xc3");
        assert_eq!(tail(0, 100), ("caf".to_owned(), 3, false));
        assert_eq!(tail(3, 100), (String::new(), 3, false));
        assert_eq!(tail(0, 0), (String::new(), 3, true));
        // What is no character never becomes one.
        scene.dir.write(log, b"caf\xff");
        assert_eq!(tail(0, 100), ("caf\u{fffd}".to_owned(), 4, false));
        scene.dir.write(log, b"\xa9\xa9caf");
        assert_eq!(tail(0, 4), ("\u{fffd}caf".to_owned(), 5, true));
    }
    scene.stop();
}

#[test]
fn the_page_of_a_log_keeps_bytes_that_are_no_text() {
    let scene = scene(b"");
    let mut content = vec![b'x'; 10];
    content.extend_from_slice("€".as_bytes());
    content.extend_from_slice(&[b'y'; 1022]);
    scene.dir.write("p.out", &content);
    let page = scene.rpc.get("/tail.html?processname=p&limit=1024").body;
    assert!(
        page.contains(&format!(">\n{}</pre>", "y".repeat(1022))),
        "{page}"
    );
    content.truncate(10);
    content.push(0xa9);
    content.extend_from_slice(&[b'y'; 1023]);
    scene.dir.write("p.out", &content);
    let page = scene.rpc.get("/tail.html?processname=p&limit=1024").body;
    let text = format!("\u{fffd}{}", "y".repeat(1023));
    assert!(page.contains(&text), "{page}");
    scene.stop();
}
