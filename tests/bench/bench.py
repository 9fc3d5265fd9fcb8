"""What `make bench` measures: this program beside Supervisor 4.3.0.

Each measurement is taken from both in turn, several times; medians are shown with
their ratio. Only what this script started is ended.
"""

import argparse
import os
import random
import re
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from http.client import HTTPConnection

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8"}

COMMON = """\
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
minfds=4096
[program:p]
command=/bin/cat
process_name=p%(process_num)03d
startsecs=0
autorestart=true
stdout_logfile=NONE
stderr_logfile=NONE
"""

# A listener that tells through a pipe when it has read what.
LISTENER = """\
import os, sys, time
told = open('told', 'w', buffering=1)
os.write(1, b'READY\\n')
while True:
    header = sys.stdin.buffer.readline()
    payload = sys.stdin.buffer.read(int(header.rsplit(b':', 1)[1]))
    now = time.monotonic_ns()
    told.write('%d %s\\n' % (now, payload.split()[-1].decode()))
    os.write(1, b'RESULT 2\\nOKREADY\\n')
"""

LISTENING = """\
[eventlistener:l]
command=%(python)s -IS %%(here)s/listener.py
directory=%%(here)s
events=REMOTE_COMMUNICATION,PROCESS_STATE_EXITED
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
"""


class UnixConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


class UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        return UnixConnection(self.path)


class Daemon:
    """A supervisord with a number of quiet programs, in a directory of its own, and
    with an event listener if that is asked for."""

    def __init__(self, supervisord, programs, listens=False):
        self.programs = programs + listens
        self.folder = tempfile.mkdtemp(prefix="pvbench")
        with open(os.path.join(self.folder, "c.conf"), "w") as file:
            file.write(COMMON + "numprocs=%d\n" % programs)
            if listens:
                file.write(LISTENING % {"python": sys.executable})
        if listens:
            with open(os.path.join(self.folder, "listener.py"), "w") as file:
                file.write(LISTENER)
            told = os.path.join(self.folder, "told")
            os.mkfifo(told)
            # Open for writing, too, so that neither side waits for the other.
            self.told = os.fdopen(os.open(told, os.O_RDWR), "r")
        self.begin = time.monotonic()
        self.process = subprocess.Popen(
            [supervisord, "-n", "-c", os.path.join(self.folder, "c.conf")],
            env=ENVIRONMENT,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.until_all_run = self.wait_until_all_run()

    def rpc(self):
        path = os.path.join(self.folder, "s")
        return xmlrpc.client.ServerProxy("http://localhost", transport=UnixTransport(path)).supervisor

    def wait_until_all_run(self):
        """Seconds from the launch until every program is RUNNING."""
        wanted = "entered RUNNING state"
        log = os.path.join(self.folder, "main.log")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise SystemExit("supervisord ended at once")
            try:
                with open(log) as file:
                    if file.read().count(wanted) >= self.programs:
                        return time.monotonic() - self.begin
            except FileNotFoundError:
                pass
            time.sleep(0.002)
        raise SystemExit("the programs do not run in time")

    def children(self):
        path = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        with open(path) as file:
            return [int(word) for word in file.read().split()]

    def memory(self):
        """RSS, PSS and private dirty memory in KiB."""
        with open("/proc/%d/smaps_rollup" % self.process.pid) as file:
            text = file.read()
        return [int(re.search(key + r":\s+(\d+)", text).group(1)) for key in ("Rss", "Pss", "Private_Dirty")]

    def restart_seconds(self):
        """From the SIGKILL of the one program until there is another one."""
        old = self.children()[0]
        # A program is only killed when it has become itself and lived a moment.
        time.sleep(0.2)
        begin = time.monotonic()
        os.kill(old, signal.SIGKILL)
        while not [pid for pid in self.children() if pid != old]:
            if time.monotonic() > begin + 10:
                raise SystemExit("the program is not started again")
        return time.monotonic() - begin

    def wait_told(self, what):
        """When the listener has read that, in seconds as time.monotonic() has them."""
        while True:
            if not select.select([self.told], [], [], 10)[0]:
                raise SystemExit("the listener is not told of " + what)
            at, told = self.told.readline().split()
            if told == what:
                return int(at) / 1e9

    def call_to_read_seconds(self, what):
        """From a client's call of sendRemoteCommEvent to the listener's read."""
        begin = time.monotonic()
        self.rpc().sendRemoteCommEvent("bench", what)
        return self.wait_told(what) - begin

    def exit_to_read_seconds(self):
        """From the SIGKILL of the one program to the listener's read of its end."""
        pid = self.rpc().getProcessInfo("p:p000")["pid"]
        while os.readlink("/proc/%d/exe" % pid) == os.readlink("/proc/%d/exe" % self.process.pid):
            time.sleep(0.001)
        # Whatever moment of the second it is in which 4.3.0 sleeps.
        time.sleep(random.random())
        begin = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        told = self.wait_told("pid:%d" % pid)
        while self.rpc().getProcessInfo("p:p000")["pid"] in (0, pid):
            time.sleep(0.01)
        return told - begin

    def status_seconds(self, supervisorctl):
        begin = time.monotonic()
        subprocess.run(
            [supervisorctl, "-c", os.path.join(self.folder, "c.conf"), "status"],
            env=ENVIRONMENT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.monotonic() - begin

    def call_rate(self, client, method, seconds):
        """How often in a second a client without pauses is answered."""
        words = [client, os.path.join(self.folder, "s"), method, str(seconds)]
        return float(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)

    def page_seconds(self):
        """From a request for the status page to its last byte, over a connection of its own. The
        plain socket costs both the same little; a client library would cost more than our page."""
        page = b""
        with socket.socket(socket.AF_UNIX) as connection:
            begin = time.monotonic()
            connection.connect(os.path.join(self.folder, "s"))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while piece := connection.recv(1 << 20):
                page += piece
            seconds = time.monotonic() - begin
        assert page.startswith(b"HTTP/1.1 200 ") and b"p000" in page
        return seconds

    def calls(self, seconds):
        """System calls within some seconds, seen by strace. Its coming wakes the
        process once, so the count begins a second later."""
        out = os.path.join(self.folder, "calls")
        tracer = subprocess.Popen(
            ["strace", "-q", "-f", "-ttt", "-o", out, "-p", str(self.process.pid)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(1)
        begin = time.time()
        time.sleep(seconds)
        end = time.time()
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        with open(out) as file:
            stamps = [float(line.split()[1]) for line in file if "resumed" not in line]
        return sum(begin <= stamp < end for stamp in stamps)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder)


def show(name, ours, original, unit, digits=1):
    """One line: both values and how many times less ours is."""
    ratio = "%.1f" % (original / ours) if ours else "-"
    print("%-44s %12.*f %12.*f %-4s %8s" % (name, digits, ours, digits, original, unit, ratio), flush=True)


def show_rate(name, ours, original):
    """One line: calls answered in a second, and how many times more ours are."""
    ratio = "%.1f" % (ours / original)
    print("%-44s %12.1f %12.1f %-4s %8s" % (name, ours, original, "/s", ratio), flush=True)


def interleaved(rounds, measure):
    """Medians of a measurement taken in turn from both; `measure` takes an index."""
    taken = ([], [])
    for _ in range(rounds):
        for which in (0, 1):
            taken[which].append(measure(which))
    return [statistics.median(values) for values in taken]


def show_delays(name, delays):
    """Median and 99th percentile of delays in seconds, ours and 4.3.0's."""
    for label, at in (("median", 0.5), ("99th percentile", 0.99)):
        values = [sorted(taken)[int(at * (len(taken) - 1))] * 1000 for taken in delays]
        show("%s, %s" % (name, label), *values, "ms", 2)


def measure_events(daemons, calls, exits):
    """From what happens to the read of a listener that is ready."""
    pair = [Daemon(path, 1, listens=True) for path in daemons]
    try:
        time.sleep(1)
        delays = ([], [])
        for number in range(calls):
            for which, daemon in enumerate(pair):
                delays[which].append(daemon.call_to_read_seconds("n%d" % number))
        show_delays("call to listener's read", delays)
        delays = ([], [])
        for _ in range(exits):
            for which, daemon in enumerate(pair):
                delays[which].append(daemon.exit_to_read_seconds())
        show_delays("exit to listener's read", delays)
    finally:
        for daemon in pair:
            daemon.end()


def on_one_processor(measure, *arguments):
    """Measures with everything on one processor: with two, a client and a daemon that do nothing
    but wait for each other mostly measure how long an idle processor takes to wake up."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(all_of_them)})
    try:
        measure(*arguments)
    finally:
        os.sched_setaffinity(0, all_of_them)


def measure_calls(daemons, folder):
    """How many calls are answered in a second over one connection that is kept."""
    client = os.path.join(folder, "calls")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "calls.c")
    subprocess.run(["cc", "-O2", "-o", client, source], check=True)
    for programs, methods in (
        (1, ["getPID"]),
        (100, ["getPID", "getAllProcessInfo"]),
        (1000, ["getAllProcessInfo"]),
    ):
        pair = [Daemon(path, programs) for path in daemons]
        try:
            time.sleep(2)
            for method in methods:
                rates = interleaved(5, lambda which: pair[which].call_rate(client, "supervisor." + method, 2))
                show_rate("%s, %d programs" % (method, programs), *rates)
        finally:
            for daemon in pair:
                daemon.end()


def measure_pages(daemons):
    """The status page with 100 programs; with 1000 for ours alone, which must not hold the loop."""
    pair = [Daemon(path, 100) for path in daemons]
    try:
        pages = interleaved(11, lambda which: statistics.mean(pair[which].page_seconds() for _ in range(10)) * 1000)
        show("status page, 100 programs", *pages, "ms")
    finally:
        for daemon in pair:
            daemon.end()
    large = Daemon(daemons[0], 1000)
    try:
        seconds = statistics.median(large.page_seconds() for _ in range(21))
        print("%-44s %12.2f %12s %-4s" % ("status page, 1000 programs", seconds * 1000, "", "ms"))
    finally:
        large.end()


def measure_status(daemons, clients, rounds):
    """One-shot status as a whole process: with 1 program and with 100, side by side. 4.3.0's
    supervisord answers both clients, then ours does."""
    for programs in (1, 100):
        for name, path in (("4.3.0's", daemons[1]), ("our", daemons[0])):
            daemon = Daemon(path, programs)
            try:
                status = interleaved(rounds, lambda which: daemon.status_seconds(clients[which]) * 1000)
                show("status of %d on %s supervisord" % (programs, name), *status, "ms", 2)
            finally:
                daemon.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True, help="our binary")
    parser.add_argument("--static", help="our static binary; it is measured when it is there")
    parser.add_argument("--original", required=True, help="the folder with the programs of 4.3.0")
    parser.add_argument("--idle-seconds", type=int, default=60)
    parser.add_argument("--events", type=int, default=1000, help="how many events are sent")
    options = parser.parse_args()

    binary = os.path.abspath(options.static if options.static and os.path.exists(options.static) else options.ours)
    links = tempfile.mkdtemp(prefix="pvlinks")
    for name in ("supervisord", "supervisorctl"):
        os.symlink(binary, os.path.join(links, name))
    folders = (links, os.path.abspath(options.original))
    daemons = [os.path.join(folder, "supervisord") for folder in folders]
    clients = [os.path.join(folder, "supervisorctl") for folder in folders]

    print("%-44s %12s %12s %-4s %8s" % ("", "ours", "4.3.0", "", "ratio"))
    for programs in (1, 100):
        def start(which):
            daemon = Daemon(daemons[which], programs)
            seconds = daemon.until_all_run
            daemon.end()
            return seconds * 1000

        show("launch to RUNNING, %d programs" % programs, *interleaved(5, start), "ms")
        pair = [Daemon(path, programs) for path in daemons]
        try:
            for daemon in pair:
                daemon.rpc().getAllProcessInfo()
            time.sleep(2)
            memory = [daemon.memory() for daemon in pair]
            for index, name in enumerate(("RSS", "PSS", "private dirty")):
                show("%s, %d programs" % (name, programs), memory[0][index], memory[1][index], "KiB", 0)
            status = interleaved(11, lambda which: pair[which].status_seconds(clients[which]) * 1000)
            show("supervisorctl status, %d programs" % programs, *status, "ms")
            if programs == 1:
                restart = interleaved(21, lambda which: pair[which].restart_seconds() * 1000)
                show("SIGKILL to the next life (median)", *restart, "ms")
            else:
                calls = [daemon.calls(options.idle_seconds) for daemon in pair]
                show("system calls in %d idle seconds" % options.idle_seconds, *calls, "", 0)
        finally:
            for daemon in pair:
                daemon.end()
    on_one_processor(measure_calls, daemons, links)
    on_one_processor(measure_pages, daemons)
    measure_status(daemons, clients, 21)
    measure_events(daemons, options.events, 30)
    print("%-44s %12d KiB" % ("size of %s" % os.path.relpath(binary), os.path.getsize(binary) // 1024))
    shutil.rmtree(links)


if __name__ == "__main__":
    main()
