"""The peers, where `make bench-deps` or the machine has them: runit, s6, daemontools, dinit and monit."""

import os
import shutil
import signal

from subjects import Subject
from world import ENVIRONMENT, ROOT

UNPACKED = os.path.join(ROOT, "target", "peers")
HINT = "%s is missing: make bench-deps, where Debian has it"


class Peer(Subject):
    """A peer whose tools are in target/peers or on the machine's path."""

    tools = ()

    def environment(self):
        folders = [os.path.join(UNPACKED, name) for name in ("usr/bin", "bin", "usr/sbin", "sbin")]
        libraries = [os.path.join(UNPACKED, "usr/lib", name) for name in sorted(listed(os.path.join(UNPACKED, "usr/lib")))]
        libraries += [path.replace("/usr/lib/", "/lib/") for path in libraries]
        environment = dict(ENVIRONMENT, PATH=":".join(folders + [os.environ.get("PATH", ""), ENVIRONMENT["PATH"]]))
        if libraries:
            environment["LD_LIBRARY_PATH"] = ":".join(libraries)
        return environment

    def tool(self, name):
        """The path of one of its tools, or None."""
        return shutil.which(name, path=self.environment()["PATH"])

    def missing(self):
        for name in self.tools:
            if not self.tool(name):
                return HINT % self.name
        return None


def listed(path):
    """What is in a folder; nothing where there is none."""
    return os.listdir(path) if os.path.isdir(path) else []


class Folders(Peer):
    """The families where each service is a folder with a script `run`."""

    def services(self, place, count):
        """The folders of all services."""
        return [os.path.join(place, "services", "p%04d" % number) for number in range(count)]

    def prepare(self, place, count, command):
        for path in self.services(place, count):
            os.makedirs(path)
            run = os.path.join(path, "run")
            with open(run, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\nexec %s\n" % " ".join(command))
            os.chmod(run, 0o755)

    def command(self, place, count, command):
        return [self.tool(self.tools[0]), os.path.join(place, "services")]


class Runit(Folders):
    """runsvdir with a runsv for each service. It has no signal that waits for the services."""

    name, tools, stop_signal = "runit", ("runsvdir", "runsv", "sv"), None

    def control(self, place, count):
        return [self.tool("sv"), "status"] + self.services(place, count)


class S6(Folders):
    """s6-svscan with an s6-supervise for each service."""

    name, tools = "s6", ("s6-svscan", "s6-supervise", "s6-svstat")

    def command(self, place, count, command):
        return [self.tool("s6-svscan"), "-c", str(count + 50), os.path.join(place, "services")]

    def control(self, place, count):
        """s6-svstat shows one service."""
        return [self.tool("s6-svstat")] + self.services(place, 1) if count == 1 else None


class Daemontools(Folders):
    """svscan with a supervise for each service."""

    name, tools, stop_signal = "daemontools", ("svscan", "supervise", "svstat"), None

    def control(self, place, count):
        return [self.tool("svstat")] + self.services(place, count)


class Dinit(Peer):
    """One process, like us."""

    name, tools = "dinit", ("dinit", "dinitctl")

    def prepare(self, place, count, command):
        services = os.path.join(place, "services")
        os.makedirs(services)
        for number in range(count):
            with open(os.path.join(services, "p%04d" % number), "w", encoding="utf-8") as file:
                file.write("type = process\ncommand = %s\n" % " ".join(command))
                file.write("smooth-recovery = true\nrestart-delay = 0\nrestart-limit-interval = 0\n")
        with open(os.path.join(services, "boot"), "w", encoding="utf-8") as file:
            file.write("type = internal\n")
            file.writelines("waits-for: p%04d\n" % number for number in range(count))

    def command(self, place, count, command):
        own = ["-u", "-q", "-p", os.path.join(place, "s")]
        return [self.tool("dinit")] + own + ["-d", os.path.join(place, "services"), "boot"]

    def control(self, place, _count):
        return [self.tool("dinitctl"), "-p", os.path.join(place, "s"), "list"]


class Monit(Peer):
    """For one program alone: it starts a hundred one after the other in 20 s. It looks after processes by their pid files, every second here, and does not hold them as children; a shell
    starts each into the background."""

    name, tools, stop_signal = "monit", ("monit",), signal.SIGTERM

    def prepare(self, place, count, command):
        path = os.path.join(place, "monitrc")
        with open(path, "w", encoding="utf-8") as file:
            file.write("set daemon 1\nset pidfile {0}/pid\nset idfile {0}/id\nset statefile {0}/state\n".format(place))
            file.write("set httpd unixsocket {0}/s allow localhost\n".format(place))
            for number in range(count):
                pid = "%s/p%04d.pid" % (place, number)
                start = "/bin/sh -c '%s & echo $! >%s'" % (" ".join(command), pid)
                file.write('check process p%04d with pidfile %s\n  start program = "%s"\n' % (number, pid, start))
        os.chmod(path, 0o600)

    def command(self, place, count, command):
        return [self.tool("monit"), "-I", "-c", os.path.join(place, "monitrc")]

    def control(self, place, _count):
        return [self.tool("monit"), "-c", os.path.join(place, "monitrc"), "summary"]


PEERS = [Runit(), S6(), Daemontools(), Dinit(), Monit()]
