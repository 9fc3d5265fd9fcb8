//! Listeners in the languages that people write them in, each with its own way to read
//! so much as `len` says, told of what is not ASCII.

use super::super::support::{Dir, Kind, Scene, Value};
use super::{send, wait_text};

/// A listener: it adds each payload and a mark to the file of its name.
struct Sample {
    name: &'static str,
    command: &'static str,
    script: &'static str,
    /// The line that it needs in its section, if any.
    key: &'static str,
    /// Counts as Python does, also beyond the first 65,536 characters.
    counts_code_points: bool,
}

const SAMPLES: &[Sample] = &[
    Sample {
        name: "python",
        command: "python3 -S",
        script: r#"
import sys
while True:
    sys.stdout.write('READY\n')
    sys.stdout.flush()
    line = sys.stdin.readline()
    headers = dict(token.split(':') for token in line.split())
    payload = sys.stdin.read(int(headers['len']))
    with open('python.got', 'a', encoding='utf-8', newline='') as file:
        file.write(payload + '\n=\n')
    sys.stdout.write('RESULT 2\nOK')
    sys.stdout.flush()
"#,
        key: "",
        counts_code_points: true,
    },
    Sample {
        name: "childutils",
        command: "ORIGINAL",
        script: r#"
import sys
from supervisor import childutils
while True:
    headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
    with open('childutils.got', 'a', encoding='utf-8', newline='') as file:
        file.write(payload + '\n=\n')
    childutils.listener.ok(sys.stdout)
"#,
        key: "",
        counts_code_points: true,
    },
    Sample {
        name: "python_bytes",
        command: "python3 -S",
        script: r#"
import os, sys
while True:
    os.write(1, b'READY\n')
    line = sys.stdin.buffer.readline()
    payload = sys.stdin.buffer.read(int(line.split(b'len:')[1]))
    with open('python_bytes.got', 'ab') as file:
        file.write(payload + b'\n=\n')
    os.write(1, b'RESULT 2\nOK')
"#,
        key: "payload_length=bytes",
        counts_code_points: true,
    },
    Sample {
        name: "node",
        command: "node",
        script: r#"
const fs = require('fs');
let unread = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
    unread += text;
    for (;;) {
        const end = unread.indexOf('\n');
        if (end < 0) return;
        const length = Number(/ len:(\d+)$/.exec(unread.slice(0, end))[1]);
        if (unread.length < end + 1 + length) return;
        const payload = unread.slice(end + 1, end + 1 + length);
        unread = unread.slice(end + 1 + length);
        fs.appendFileSync('node.got', payload + '\n=\n');
        process.stdout.write('RESULT 2\nOKREADY\n');
    }
});
process.stdout.write('READY\n');
"#,
        key: "",
        counts_code_points: false,
    },
    Sample {
        name: "node_bytes",
        command: "node",
        script: r#"
const fs = require('fs');
let unread = Buffer.alloc(0);
process.stdin.on('data', (bytes) => {
    unread = Buffer.concat([unread, bytes]);
    for (;;) {
        const end = unread.indexOf('\n');
        if (end < 0) return;
        const length = Number(/ len:(\d+)$/.exec(unread.subarray(0, end).toString())[1]);
        if (unread.length < end + 1 + length) return;
        fs.appendFileSync('node_bytes.got', unread.subarray(end + 1, end + 1 + length));
        fs.appendFileSync('node_bytes.got', '\n=\n');
        unread = unread.subarray(end + 1 + length);
        process.stdout.write('RESULT 2\nOKREADY\n');
    }
});
process.stdout.write('READY\n');
"#,
        key: "payload_length=bytes",
        counts_code_points: true,
    },
    Sample {
        name: "bash",
        command: "bash",
        script: r#"
export LC_ALL=C.UTF-8
printf 'READY\n'
while read -r header; do
    IFS= read -r -N "${header##*len:}" payload
    printf '%s\n=\n' "$payload" >>bash.got
    printf 'RESULT 2\nOKREADY\n'
done
"#,
        key: "",
        counts_code_points: true,
    },
    Sample {
        name: "sh",
        command: "sh",
        script: r#"
printf 'READY\n'
while read -r header; do
    dd bs=1 count="${header##*len:}" 2>/dev/null >>sh.got
    printf '\n=\n' >>sh.got
    printf 'RESULT 2\nOKREADY\n'
done
"#,
        key: "payload_length=bytes",
        counts_code_points: true,
    },
];

fn section(dir: &Dir, sample: &Sample) -> String {
    let original = Kind::Original.program("python", &dir.bin());
    let command = match sample.command {
        "ORIGINAL" => original.display().to_string(),
        command => command.to_owned(),
    };
    let name = sample.name;
    dir.write(&format!("{name}.script"), sample.script);
    // Names of programs and payloads are the same in every locale but one.
    format!(
        "[eventlistener:{name}]\ncommand={command} %(here)s/{name}.script\ndirectory=%(here)s\nstartsecs=0\n\
         environment=PYTHONUTF8=\"1\"\nevents=REMOTE_COMMUNICATION,PROCESS_LOG\nstdout_logfile=NONE\n\
         stderr_logfile=%(here)s/{name}.err\n{}\n",
        sample.key
    )
}

#[test]
fn listeners_in_seven_ways_of_reading_were_stopped_by_the_first_payload_that_is_not_ascii() {
    let dir = Dir::new();
    let mut sections: String = SAMPLES.iter().map(|sample| section(&dir, sample)).collect();
    let speaker = "[program:spr\u{e4}che]\ncommand=/bin/cat\nstartsecs=0\nstdout_events_enabled=true\nstdout_logfile=NONE\n";
    sections += speaker;
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    let pid = scene.pid("spr\u{e4}che");
    let plane = "\u{1f40d} and e\u{301}";
    let texts = [
        "plain",
        "caf\u{e9}",
        "\u{20ac} 100\nzwei Zeilen",
        "\u{65e5}\u{672c}\u{8a9e}",
        "",
    ];
    for text in texts {
        send(&scene, "kind", text);
    }
    let line = "\u{17d}ivjo, sv\u{11b}te";
    let parameters = [
        Value::text("spr\u{e4}che"),
        Value::text(&format!("{line}\n")),
    ];
    scene.call("sendProcessStdin", &parameters).answer();
    let mut expected: String = texts
        .iter()
        .map(|text| format!("type:kind\n{text}\n=\n"))
        .collect();
    expected += &format!(
        "processname:spr\u{e4}che groupname:spr\u{e4}che pid:{pid} channel:stdout\n{line}\n\n=\n"
    );
    for sample in SAMPLES {
        wait_text(&scene, &format!("{}.got", sample.name), &expected);
    }
    // Units of 16 bits are what some count, who are one behind from here on.
    send(&scene, "kind", plane);
    send(&scene, "end", "");
    expected += &format!("type:kind\n{plane}\n=\ntype:end\n\n=\n");
    for sample in SAMPLES.iter().filter(|sample| sample.counts_code_points) {
        wait_text(&scene, &format!("{}.got", sample.name), &expected);
    }
    assert!(!scene.log().contains("UNKNOWN"), "{}", scene.log());
    assert!(!scene.log().contains("rejected"), "{}", scene.log());
    scene.stop();
}
