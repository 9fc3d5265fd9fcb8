"""A supervisor that stands: started with its programs, looked at and asked things, and ended."""

import os
import select
import shutil
import socket
import subprocess
import time
import xmlrpc.client
from http.client import HTTPConnection

from subjects import must_be_there
from world import CHILDREN_OF_OURS, Missing, end_orphans, executable, family, folder, memory, program, wait_for


# In seconds: what a request or the coming of a tracer has begun is over by then.
REST = 3


class Lines:
    """The lines that come through a FIFO, which the bench opens for writing, too, so that nobody waits."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR)
        self.rest = b""

    def next(self, seconds=60):
        """The words of the next line."""
        while b"\n" not in self.rest:
            if not select.select([self.descriptor], [], [], seconds)[0]:
                raise Missing("nothing was told within %d s" % seconds)
            self.rest += os.read(self.descriptor, 1 << 16)
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode().split()

    def close(self):
        os.close(self.descriptor)


class UnixConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        return UnixConnection(self.path)


class Standing:
    """A supervisor with so many programs that all run; where it is given a limit of descriptors (soft:hard), as many
    as run. `**more` goes to the subject's `prepare`; FOLDER in it is the folder of this one."""

    def __init__(self, subject, count, limit=None, **more):
        must_be_there(subject)
        self.subject, self.count = subject, count
        self.folder = folder()
        self.told = Lines(os.path.join(self.folder, "told"))
        words = [program("mark"), self.told.path]
        more = {key: value.replace("FOLDER", self.folder) if isinstance(value, str) else value for key, value in more.items()}
        subject.prepare(self.folder, count, words, **more)
        self.log = open(os.path.join(self.folder, "said"), "w")
        self.process = subprocess.Popen(
            (["prlimit", "--nofile=%s" % limit, "--"] if limit else []) + subject.command(self.folder, count, words),
            env=subject.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.pid = self.process.pid
        CHILDREN_OF_OURS.add(self.pid)
        self.began = []
        try:
            for _ in range(count):
                self.began.append(self.told.next(5 if limit else 60))
        except Missing:
            if limit:
                return
            self.end()
            raise Missing("%s does not run %d programs in time" % (subject.name, count)) from None

    def pids(self):
        """The programs' pids as they told them first."""
        return [int(words[0]) for words in self.began]

    def supervisors(self):
        """All processes that supervise: what stems from the daemon and is none of the bench's programs."""
        supervised = {"", program("mark"), program("flood"), program("listener")}
        return [pid for pid in family(self.pid) if executable(pid) not in supervised]

    def memory(self):
        """Private dirty memory of what supervises, in KiB."""
        return memory(self.supervisors())

    def socket(self):
        """Where it is asked by XML-RPC."""
        return os.path.join(self.folder, "s")

    def rpc(self):
        """A client's face of supervisor.*."""
        return xmlrpc.client.ServerProxy("http://localhost", UnixTransport(self.socket())).supervisor

    def calls(self, method, seconds, *parameters):
        """How often in a second a client without pauses is answered, and how often it was."""
        words = [program("calls"), self.socket(), "supervisor." + method, str(seconds)] + list(parameters)
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Missing("%s: %s" % (method, done.stderr.strip()))
        rate, count = done.stdout.split()
        return float(rate), int(count)

    def wait_until_it_answers(self):
        """Its socket is there later than its programs."""
        wait_for("an answer", lambda: os.path.exists(self.socket()))

    def end(self):
        """Ends it and all that stems from it, at once: how long an orderly end takes is measured elsewhere."""
        self.process.kill()
        self.process.wait()
        CHILDREN_OF_OURS.discard(self.pid)
        end_orphans()
        self.told.close()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Together:
    """Several that stand at once, by the names of their subjects; those that do not come are named with a reason."""

    def __init__(self, subjects, count, **more):
        self.standing, self.reasons = {}, {}
        for subject in subjects:
            try:
                self.standing[subject.name] = Standing(subject, count, **more)
            except Missing as why:
                self.reasons[subject.name] = str(why)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.standing.values():
            one.end()

    def settle(self, seconds=2):
        """Time to finish what starting leaves to do."""
        time.sleep(seconds)

    def rest(self):
        """Time to come to rest."""
        time.sleep(REST)

    def each(self, look):
        """What a function of a standing one gives, by name; with the reasons of those that are not there."""
        return {**{name: look(one) for name, one in self.standing.items()}, **self.reasons}
