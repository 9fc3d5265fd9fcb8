//! Real programs under configurations as images have them: nginx with php-fpm, redis, cron, workers
//! of a queue; gunicorn with Celery's worker. Started, checked, killed, restarted, and ended by the
//! end of an essential one.

use super::support::{Ctl, DEADLINE, Dir, Kind, Scene, kill, wait_for, wait_until};
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Gives the programs a file system in which no file of the machine is theirs: cron would run the
/// machine's jobs. What is further is their configuration.
const APART: &str = "\
set -e
for folder in /run /var/spool/cron /etc/cron.d; do
  [ ! -d $folder ] || mount -t tmpfs tmpfs $folder
done
mkdir -p /var/spool/cron/crontabs
[ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab
exec \"$@\"
";

/// A program of Debian; the name of php-fpm's has its version at the end.
pub fn program(name: &str) -> PathBuf {
    let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
    let entries = folders
        .iter()
        .flat_map(std::fs::read_dir)
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| {
            let found = entry.file_name();
            let rest = found.to_str().and_then(|found| found.strip_prefix(name));
            rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
        .pop()
        .unwrap_or_else(|| panic!("{name} is missing: run `make test`, which installs it"))
}

/// A program of the environment with packages from PyPI.
pub fn from_pypi(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/real-programs/bin");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{name} is missing: run `make test`, which installs it"
    );
    path
}

/// Starts supervisord with all programs, and waits until they are up.
fn start(dir: Dir, configuration: &str) -> Scene {
    const WRAPPER: &[&str] = &[
        "unshare",
        "--mount",
        "--map-root-user",
        "sh",
        "-c",
        APART,
        "sh",
    ];
    const AS_ROOT: &[&str] = &["unshare", "--mount", "sh", "-c", APART, "sh"];
    let wrapper = match nix::unistd::getuid().is_root() {
        true => AS_ROOT,
        false => WRAPPER,
    };
    let scene = Scene::start_as(dir, configuration, |launch| launch.wrapper = wrapper);
    scene.wait_all("RUNNING");
    scene
}

/// What a client of a socket is answered.
fn asked(scene: &Scene, socket: &str, request: &str) -> Option<String> {
    let mut stream = UnixStream::connect(scene.dir.join(socket)).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).ok()?;
    answer.truncate(length);
    String::from_utf8(answer).ok()
}

/// Waits until a web server answers with this text in it.
fn answers(scene: &Scene, socket: &str, text: &str) {
    let request = "GET /index.php HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let mut last = None;
    let is_answered = wait_until(DEADLINE, || {
        last = asked(scene, socket, request);
        last.as_ref().is_some_and(|answer| answer.contains(text))
    });
    assert!(is_answered, "{last:?}\n{}", scene.log());
}

/// Kills a process, and waits until another has its place and all are well again.
fn comes_back(scene: &Scene, name: &str) {
    let before = scene.pid(name);
    kill(before, libc::SIGKILL);
    let is_replaced = || {
        let info = scene.info(name);
        let pid = info.int_of("pid");
        pid != 0 && pid != i64::from(before) && info.text_of("statename") == "RUNNING"
    };
    assert!(wait_until(DEADLINE, is_replaced), "{name}\n{}", scene.log());
    is_healthy(scene);
}

fn is_healthy(scene: &Scene) {
    let end = Ctl::new(Kind::Ours, &scene.dir).run(&["healthcheck"]);
    assert_eq!((end.stdout.as_str(), end.status), ("", Some(0)), "{end:?}");
}

/// The order in which programs were stopped.
fn stopped(log: &str) -> Vec<&str> {
    let lines = log.lines().filter_map(|line| line.split_once(" stopped: "));
    let names = lines.filter_map(|(_, rest)| rest.split(' ').next());
    names.collect()
}

/// As a Dockerfile of a PHP application has it; the queue's workers are as Laravel shows them.
const WEB: &str = "\
[program:redis]
command=REDIS %(here)s/redis.conf
priority=1
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true

[program:php-fpm]
command=PHP_FPM --nodaemonize --fpm-config %(here)s/php-fpm.conf
autorestart=true
priority=5
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
stderr_logfile=/dev/stderr
stderr_logfile_maxbytes=0
stopsignal=QUIT

[program:nginx]
command=NGINX -p %(here)s -c nginx.conf -e stderr -g \"daemon off;\"
autorestart=unexpected
priority=10
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true
stopsignal=QUIT
exit_supervisord=true

[program:cron]
command=CRON -f
autostart=true
autorestart=true
priority=20

[program:laravel-worker]
process_name=%(program_name)s_%(process_num)02d
command=%(here)s/artisan queue:work redis --sleep=3 --tries=3 --max-time=3600
autostart=true
autorestart=true
stopasgroup=true
killasgroup=true
numprocs=3
redirect_stderr=true
stdout_logfile=%(here)s/worker.log
stopwaitsecs=3600
";

/// Ends when its job is done, and has always one.
const ARTISAN: &str = "\
trap 'is_over=1' TERM INT
while [ -z \"$is_over\" ]; do
  echo \"Processing: App\\\\Jobs\\\\Mail $*\"
  sleep 0.2
  echo \"Processed:  App\\\\Jobs\\\\Mail\"
done
: > \"$0.$$.ended\"
";

const NGINX: &str = "\
USER
worker_processes 1;
pid nginx.pid;
events { worker_connections 32; }
http {
  access_log /dev/stdout;
  client_body_temp_path temp/b; proxy_temp_path temp/p; fastcgi_temp_path temp/f;
  uwsgi_temp_path temp/u; scgi_temp_path temp/s;
  server {
    listen unix:DIR/web.sock;
    location / {
      fastcgi_pass unix:DIR/php.sock;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param SCRIPT_FILENAME DIR/index.php;
    }
  }
}
";

const PHP_FPM: &str = "\
[global]
error_log = /dev/stderr
[www]
USER
listen = DIR/php.sock
listen.mode = 0666
pm = static
pm.max_children = 1
";

/// Files are the same for root and for anybody else but for who serves.
fn written(dir: &Dir, name: &str, text: &str, user: &str) {
    let user = match nix::unistd::getuid().is_root() {
        true => user,
        false => "",
    };
    let here = dir.path().display().to_string();
    dir.write(name, text.replace("DIR", &here).replace("USER", user));
}

#[test]
fn an_image_with_nginx_php_redis_cron_and_workers_lives_and_ends_as_it_should() {
    let dir = Dir::new();
    written(&dir, "nginx.conf", NGINX, "user www-data;");
    written(&dir, "php-fpm.conf", PHP_FPM, "user = www-data");
    written(&dir, "index.php", "<?php echo 'php says ', 6 * 7;", "");
    written(
        &dir,
        "redis.conf",
        "port 0\nunixsocket DIR/redis.sock\nsave \"\"\nappendonly no\ndaemonize no\ndir DIR\n",
        "",
    );
    std::fs::create_dir(dir.join("temp")).unwrap();
    std::fs::set_permissions(dir.join("temp"), Permissions::from_mode(0o777)).unwrap();
    dir.script("artisan", ARTISAN);
    let mut configuration = WEB.to_owned();
    for (word, name) in [
        ("REDIS", "redis-server"),
        ("PHP_FPM", "php-fpm"),
        ("NGINX", "nginx"),
        ("CRON", "cron"),
    ] {
        let path = program(name).display().to_string();
        configuration = configuration.replace(&format!("={word} "), &format!("={path} "));
    }
    let mut scene = start(dir, &configuration);
    is_healthy(&scene);
    answers(&scene, "web.sock", "php says 42");
    let pong = wait_for(DEADLINE, || asked(&scene, "redis.sock", "PING\r\n"));
    assert_eq!(pong.as_deref(), Some("+PONG\r\n"));
    for name in ["redis", "cron", "laravel-worker:laravel-worker_01"] {
        comes_back(&scene, name);
    }
    // What a master leaves when it is killed is nobody's: it is told to go.
    kill(scene.pid("php-fpm"), libc::SIGTERM);
    scene.wait_log("exited: php-fpm");
    answers(&scene, "web.sock", "php says 42");
    scene.wait("php-fpm", "RUNNING");
    // One that is down is told, and by its name.
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    assert_eq!(ctl.run(&["stop", "cron"]).status, Some(0));
    let end = ctl.run(&["healthcheck"]);
    assert!(end.stdout.starts_with("cron: STOPPED ("), "{end:?}");
    assert_eq!((end.stdout.lines().count(), end.status), (1, Some(1)));
    assert_eq!(ctl.run(&["start", "cron"]).status, Some(0));
    is_healthy(&scene);
    // It ends by itself, and all with it: the last first, and each with the time that it takes.
    kill(scene.pid("nginx"), libc::SIGQUIT);
    let status = scene.daemon.wait(DEADLINE);
    let log = scene.log();
    assert_eq!(status, Some(0), "{log}");
    assert!(
        log.contains(" INFO nginx has ended (exit status 0), and exit_supervisord=true: "),
        "{log}"
    );
    let order = stopped(&log);
    let order = &order[order.len() - 6..];
    assert!(
        order[..3]
            .iter()
            .all(|name| name.starts_with("laravel-worker_0")),
        "{order:?}"
    );
    assert_eq!(order[3..], ["cron", "php-fpm", "redis"], "{log}");
    assert!(!log.contains("killing"), "{log}");
    let ended = std::fs::read_dir(scene.dir.path()).unwrap();
    let is_ended = |name: &str| name.starts_with("artisan.") && name.ends_with(".ended");
    let names = ended.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| is_ended(name)).count(), 3);
    let output = scene.daemon.stdout();
    for line in ["ready to accept connections", "GET /index.php HTTP/1.0"] {
        assert!(output.contains(line), "{line}: {output}");
    }
}

/// As the pages of gunicorn and Celery show it.
const PYTHON: &str = "\
[program:gunicorn]
command=GUNICORN --workers 2 --bind unix:%(here)s/web.sock --pid %(here)s/gunicorn.pid application:app
directory=%(here)s
autostart=true
autorestart=unexpected
exitcodes=0
redirect_stderr=true
stdout_logfile=%(here)s/gunicorn.log
exit_supervisord=true
[program:celery]
command=CELERY -A jobs worker --loglevel=INFO --concurrency=1 --without-mingle --without-gossip
directory=%(here)s
autostart=true
autorestart=true
startsecs=1
stopwaitsecs=600
killasgroup=true
priority=998
redirect_stderr=true
stdout_logfile=%(here)s/celery.log
";

const APPLICATION: &str = "\
def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'python says 42']
";

const JOBS: &str = "\
from celery import Celery
app = Celery('jobs', broker='memory://', backend='cache+memory://')
@app.task
def add(a, b):
    return a + b
";

fn log_shows(scene: &Scene, name: &str, text: &str, times: usize) {
    let count = || {
        scene
            .dir
            .read(name)
            .unwrap_or_default()
            .matches(text)
            .count()
    };
    assert!(
        wait_until(DEADLINE, || count() >= times),
        "{text}: {:?}",
        scene.dir.read(name)
    );
}

#[test]
fn an_image_with_gunicorn_and_celery_lives_and_ends_with_the_status_of_its_server() {
    let dir = Dir::new();
    dir.write("application.py", APPLICATION);
    dir.write("jobs.py", JOBS);
    let mut configuration = PYTHON.to_owned();
    for (word, name) in [("GUNICORN", "gunicorn"), ("CELERY", "celery")] {
        let path = from_pypi(name).display().to_string();
        configuration = configuration.replace(&format!("={word} "), &format!("={path} "));
    }
    let mut scene = start(dir, &configuration);
    is_healthy(&scene);
    answers(&scene, "web.sock", "python says 42");
    log_shows(&scene, "celery.log", " ready.", 1);
    // Its pool notices that it is gone.
    comes_back(&scene, "celery");
    log_shows(&scene, "celery.log", " ready.", 2);
    comes_back(&scene, "gunicorn");
    answers(&scene, "web.sock", "python says 42");
    // It ends as it does when it is told to, and that is expected.
    kill(scene.pid("gunicorn"), libc::SIGTERM);
    let status = scene.daemon.wait(DEADLINE);
    let log = scene.log();
    assert_eq!(status, Some(0), "{log}");
    assert!(
        log.contains("gunicorn has ended (exit status 0), and exit_supervisord=true"),
        "{log}"
    );
    assert_eq!(stopped(&log), ["celery"]);
    assert!(!log.contains("killing"), "{log}");
    log_shows(&scene, "celery.log", "Warm shutdown", 1);
}
