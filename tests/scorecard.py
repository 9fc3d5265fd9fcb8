"""What the first process of a container has to do: pollvisor beside tini, dumb-init and Supervisor 4.3.0, each as
PID 1 of namespaces of its own. `make scorecard` writes the table into README.md.

    scorecard.py SUPERVISORD PEERS ORIGINAL [README]

SUPERVISORD is our binary, PEERS the folder with tini and dumb-init (tests/bench/deps.sh), ORIGINAL that of 4.3.0.
Without README the table is printed.
"""

import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BEGIN = "<!-- scorecard: made by `make scorecard`; what stands between these two lines is overwritten -->"
END = "<!-- end of scorecard -->"

# How long something may take that takes a moment.
LIMIT = 8
# What `docker stop` gives.
STOP_LIMIT = 10

CONFIGURATION = """\
[supervisord]
nodaemon=true
silent=true
pidfile=%(here)s/pid
logfile={log}
logfile_maxbytes=0
[program:main]
command={command}
startsecs=0
startretries=0
autorestart=false
stopasgroup=true
stopwaitsecs=3
stdout_logfile=NONE
stderr_logfile=NONE
{keys}"""


class Subject:
    def __init__(self, name, words, keys=None):
        self.name, self.words, self.keys = name, words, keys

    def command(self, place, command, has_proc):
        """Its words with the main program, whose words are given; what it reads is written into the place."""
        if self.keys is None:
            return self.words + command
        # /dev/stdout leads through /proc.
        log = "/dev/stdout" if has_proc else "/dev/null"
        text = CONFIGURATION.format(log=log, command=" ".join(command), keys=self.keys)
        (place / "s.conf").write_text(text)
        return self.words + ["-c", str(place / "s.conf")]


class Container:
    """A first process in namespaces of its own. What is prepared stands in `setup`, for a shell, and what becomes the
    first process in `wrapper`."""

    def __init__(self, subject, script, setup="", wrapper="", has_proc=True, name="main.sh"):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="scorecard"))
        os.chmod(self.place, 0o777)
        main = self.place / "main.sh"
        main.write_text("#!/bin/sh\n" + script + "\n")
        main.chmod(0o755)
        words = subject.command(self.place, [str(self.place / name)], has_proc)
        unshare = ["unshare"] + (["--map-root-user"] if os.getuid() else [])
        unshare += ["--fork", "--kill-child", "--pid", "--mount", "--mount-proc"]
        shell = "set -e\ncd %s\n%s\nexec %s \"$@\"" % (self.place, setup, wrapper)
        self.output = open(self.place / "output", "wb")
        # Who is another user opens it by the name /dev/stdout.
        os.chmod(self.place / "output", 0o666)
        self.outer = subprocess.Popen(
            unshare + ["sh", "-c", shell, "sh"] + words, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, cwd="/"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.outer.kill()
        self.outer.wait()
        self.output.close()
        shutil.rmtree(self.place, ignore_errors=True)

    def has(self, name, limit=LIMIT):
        """Whether the main program makes a file of that name in time."""
        return until(lambda: (self.place / name).exists(), limit)

    def first(self):
        """The pid of the first process, as it is out here."""
        text = pathlib.Path("/proc/%d/task/%d/children" % (self.outer.pid, self.outer.pid)).read_text()
        return int(text.split()[0])

    def kill(self, number):
        os.kill(self.first(), number)

    def status(self, limit=LIMIT):
        """The status that it ends with, or None."""
        try:
            status = self.outer.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        return status if status >= 0 else 128 - status

    def children(self):
        """The states of the children of the first process."""
        first = self.first()
        states = []
        for child in pathlib.Path("/proc/%d/task/%d/children" % (first, first)).read_text().split():
            try:
                states.append(pathlib.Path("/proc/%s/stat" % child).read_text().rsplit(")")[-1].split()[0])
            except OSError:
                pass
        return states


def until(condition, limit):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


# What a main program waits in: a shell that hears signals at once.
STAY = ": > ready\nwhile :; do sleep 1 & wait $!; done"


def zombies(subject):
    """A thousand processes that end after their parents have."""
    orphans = "for a in 1 2 3 4 5 6 7 8 9 10; do (for b in 1 2 3 4 5 6 7 8 9 10; do (for c in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2 & done); done); done\n"
    with Container(subject, orphans + STAY) as container:
        if not container.has("ready", 20):
            return "no start"
        is_clean = until(lambda: len(container.children()) == 1, LIMIT)
        return "yes" if is_clean else "no: %d after %d s" % (container.children().count("Z"), LIMIT)


def forwarded(subject):
    """Which signals that the first process is sent reach the main program as they are."""
    names = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "WINCH")
    reached = []
    for name in names:
        script = "trap ': > heard; exit 0' %s\n%s" % (name, STAY)
        with Container(subject, script) as container:
            if not container.has("ready"):
                return "no start"
            container.kill(getattr(signal, "SIG" + name))
            if container.has("heard", 1):
                reached.append(name)
    return "all" if len(reached) == len(names) else ", ".join(reached)


def stops(subject):
    """Whether SIGTERM and SIGINT to the first process reach the main program as a stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with Container(subject, "trap ': > heard; exit 0' TERM INT\n" + STAY) as container:
            if not container.has("ready"):
                return "no start"
            container.kill(number)
            if not container.has("heard", 4):
                return "no"
    return "yes"


def ending(script, expected, name="main.sh"):
    def look(subject):
        with Container(subject, script, name=name) as container:
            status = container.status(5)
        if status is None:
            return "no: it stays"
        return "yes" if status in expected else "no: %d" % status

    return look


def left_over(subject):
    """Whether what the main program left behind is told to stop, too, before everything is killed."""
    helper = "(trap ': > told; exit 0' TERM; : > there; while :; do sleep 0.1; done) &\n"
    # Its own end takes a moment, in which the other can do what it is told.
    script = helper + "trap 'sleep 1; exit 0' TERM\nwhile ! [ -e there ]; do sleep 0.1; done\n" + STAY
    with Container(subject, script) as container:
        if not container.has("ready"):
            return "no start"
        container.kill(signal.SIGTERM)
        return "yes" if container.has("told", 4) else "no"


def starts(setup="", wrapper="", has_proc=True):
    """Whether it works in such a container: the main program runs, and ends when it is told."""

    def look(subject):
        script = "trap ': > heard; exit 0' TERM\n" + STAY
        with Container(subject, script, setup, wrapper, has_proc) as container:
            if not container.has("ready"):
                return "no"
            container.kill(signal.SIGTERM)
            is_over = container.has("heard") and container.status() is not None
            return "yes" if is_over else "no stop"

    return look


def stop_of_the_deaf(subject):
    """Whether a main program that is deaf to SIGTERM is gone before the engine kills everything."""
    with Container(subject, "trap '' TERM INT\n" + STAY) as container:
        if not container.has("ready"):
            return "no start"
        begin = time.monotonic()
        container.kill(signal.SIGTERM)
        status = container.status(STOP_LIMIT)
        return "no" if status is None else "yes, after %d s" % round(time.monotonic() - begin)


READ_ONLY = 'mount --bind "$PWD" "$PWD"; mount -o remount,bind,ro /; cd "$PWD"; ! touch /written 2>/dev/null'
# In a user namespace of one's own there is only one user.
STRANGER = "env -u HOME" + ("" if os.getuid() else " setpriv --reuid=12345 --regid=12345 --clear-groups")

ROWS = [
    ("collects 1000 orphans that ended", zombies),
    ("SIGTERM and SIGINT stop the program", stops),
    ("signals that reach the program as they are", forwarded),
    ("ends with status 3 of the program", ending("exit 3", (3,))),
    ("ends with 137 when it was killed", ending("kill -KILL $$", (137,))),
    ("ends with an error when it cannot start", ending("", range(1, 256), name="missing")),
    ("what the program left behind is told to stop", left_over),
    ("a root that cannot be written to", starts(READ_ONLY)),
    ("no /proc", starts("mount -t tmpfs tmpfs /proc", has_proc=False)),
    ("a uid that nobody has, and no home", starts(wrapper=STRANGER)),
    ("a deaf program is gone in the 10 s of docker stop", stop_of_the_deaf),
]


def table(subjects):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        cells = [[pool.submit(look, subject) for subject in subjects] for _, look in ROWS]
        rows = [[text] + [cell.result() for cell in line] for (text, _), line in zip(ROWS, cells)]
    rows.insert(0, ["As PID 1"] + [subject.name for subject in subjects])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["| %s |" % " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    lines.insert(1, "|%s|" % "|".join("-" * (width + 2) for width in widths))
    return "\n".join(lines) + "\n"


def main(ours, peers, original, readme=None):
    def peer(name):
        unpacked = os.path.abspath(peers + "/usr/bin/" + name)
        return unpacked if os.path.exists(unpacked) else shutil.which(name) or sys.exit(name + " is missing: run make scorecard")

    subjects = [
        Subject("pollvisor", [os.path.abspath(ours)], "exit_supervisord=true\n"),
        Subject("tini -g", [peer("tini"), "-g", "--"]),
        Subject("dumb-init", [peer("dumb-init"), "--"]),
        Subject("Supervisor 4.3.0", [os.path.abspath(original) + "/bin/supervisord"], ""),
    ]
    text = table(subjects)
    if readme is None:
        print(text, end="")
        return
    page = pathlib.Path(readme)
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(before + BEGIN + "\n" + text + END + after)


if __name__ == "__main__":
    main(*sys.argv[1:])
