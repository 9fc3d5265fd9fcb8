"""Who is measured: this program in its builds, Supervisor 4.3.0, and the floor. The peers are in peers.py."""

import os
import signal

from world import ENVIRONMENT, ROOT, TARGET, Missing, program

SUPERVISORD = """\
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s
[supervisord]
logfile=%(here)s/main.log
pidfile=%(here)s/main.pid
childlogdir=%(here)s
"""

PROGRAM = """\
[program:{name}]
command={command}
numprocs={count}
process_name=%(program_name)s%(process_num)04d
startsecs=0
autorestart=true
stdout_logfile=NONE
stderr_logfile=NONE
"""


class Subject:
    """Somebody who supervises. `count` programs that are all the same command (a list of words) are run in a folder."""

    name = ""
    # Asks it to end with everything that it runs and is over when that is done; None where it has no such signal.
    stop_signal = signal.SIGTERM

    def missing(self):
        """Why it cannot be measured here, or nothing."""
        return None

    def environment(self):
        """What it is run with."""
        return ENVIRONMENT

    def prepare(self, place, count, command):
        """Writes what it reads into the folder."""

    def command(self, place, count, command):
        """How it is run in the foreground."""
        raise NotImplementedError

    def control(self, _place, _count):
        """The command that shows all programs, or None."""
        return None


class Supervisord(Subject):
    """This program or the original: both read the same file."""

    def __init__(self, name, path, hint):
        self.name, self.path, self.hint = name, path, hint

    def missing(self):
        return None if os.path.exists(self.path) else self.hint

    def prepare(self, place, count, command, extra="", minfds=None):
        """With a text to follow the configuration, and `minfds` other than what the programs need."""
        self.write(place, PROGRAM.format(name="p", command=" ".join(command), count=count) + extra, count, minfds)

    def prepare_groups(self, place, count, command, extra="", needs=None):
        """Each program in a group of its own; `needs` gives the number of the one that one needs."""
        one = PROGRAM.replace("numprocs={count}\nprocess_name=%(program_name)s%(process_num)04d\n", "")
        text = ""
        for number in range(count):
            text += one.format(name="p%04d" % number, command=" ".join(command))
            if needs and number:
                text += "depends_on=p%04d\n" % needs(number)
        self.write(place, text + extra, count, None)

    def write(self, place, text, count, minfds):
        # 4.3.0 does not raise the limit by itself.
        minfds = max(1024, 3 * count + 200) if minfds is None else minfds
        own = "minfds=%d\n" % minfds if minfds else ""
        with open(os.path.join(place, "c.conf"), "w", encoding="utf-8") as file:
            file.write(SUPERVISORD + own + text)

    def command(self, place, count, command):
        return [self.path, "-n", "-c", os.path.join(place, "c.conf")]

    def supervisorctl(self):
        """The client that belongs to it."""
        return os.path.join(os.path.dirname(self.path), "supervisorctl")

    def control(self, place, _count):
        return [self.supervisorctl(), "-c", os.path.join(place, "c.conf"), "status"]


class Floor(Subject):
    """Only the system calls, programs/floor.c."""

    name = "floor"

    def command(self, place, count, command):
        return [program("floor"), str(count)] + command


OURS = ["musl", "glibc", "dynamic"]
SMALL = "no source of the library of Rust 1.92 or later: rustup component add rust-src"
MUSL = "no build with musl: rustup target add x86_64-unknown-linux-musl, or make static-musl"


def ours():
    """Our builds by name; make's target bench-builds puts them there."""
    found = {}
    hints = {"musl": MUSL, "glibc": "make static", "dynamic": "make", "small-musl": MUSL + "; or " + SMALL, "small-glibc": SMALL, "tiny": MUSL}
    for name, hint in hints.items():
        found[name] = Supervisord(name, os.path.join(TARGET, name, "supervisord"), hint)
    return found


def original(home):
    """Supervisor 4.3.0."""
    path = os.path.join(os.path.abspath(home), "bin", "supervisord")
    return Supervisord("4.3.0", path, "Supervisor 4.3.0 is missing: make %s" % os.path.relpath(path, ROOT))


def must_be_there(subject):
    """Raises Missing where it is not."""
    why = subject.missing()
    if why:
        raise Missing(why)
