"""Requests and events: how many calls are answered, how soon a listener is told."""

import os
import random
import select
import signal
import socket
import statistics
import time

from figures import AtLeastTimes, AtMost, median
from report import Row
from runner import interleaved, on_one_processor, rounds
from standing import Lines, Standing, Together
from world import Missing, program


def calls(cast):
    """Calls a second of one client that keeps its connection, with everything on one processor."""
    return on_one_processor(lambda: calls_on_it(cast))


def calls_on_it(cast):
    rows = []
    for count, methods in ((1, [("getPID", 5)]), (100, [("getPID", 15), ("getAllProcessInfo", 25)])):
        with Together(cast.ours[:2] + [cast.original], count) as together:
            together.settle(1)
            for one in together.standing.values():
                one.wait_until_it_answers()
            for method, times in methods:
                values = interleaved(
                    rounds(7), lambda name: together.standing[name].calls(method, 0.7)[0], list(together.standing)
                )
                values.update(together.reasons)
                targets = [AtLeastTimes(name, times, "4.3.0") for name in ("musl", "glibc")]
                name = "%s with %d program%s, one connection" % (method, count, "s" if count > 1 else "")
                rows.append(Row(name, "/s", values, targets))
            if count == 100:
                values = interleaved(rounds(7), lambda name: page(together.standing[name]), list(together.standing))
                values.update(together.reasons)
                rows.append(Row("status page with 100 programs", "ms", values))
    return rows


def page(one):
    """Milliseconds of a request for the status page over a connection of its own, the mean of a few."""
    taken = []
    for _ in range(5):
        text = b""
        with socket.socket(socket.AF_UNIX) as connection:
            begin = time.monotonic()
            connection.connect(one.socket())
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while piece := connection.recv(1 << 20):
                text += piece
            taken.append((time.monotonic() - begin) * 1000)
        if not text.startswith(b"HTTP/1.1 200 ") or b"p0000" not in text:
            raise Missing("the status page is not there")
    return statistics.mean(taken)


LISTENER = """\
[eventlistener:l]
command={listener} FOLDER/heard
events=REMOTE_COMMUNICATION,PROCESS_STATE_EXITED,TICK_5
startsecs=0
autostart=false
stdout_logfile=NONE
stderr_logfile=NONE
"""


class Listened:
    """A supervisor with one program and a listener that is ready."""

    def __init__(self, subject):
        self.standing = Standing(subject, 1, extra=LISTENER.format(listener=program("listener")))
        try:
            self.heard = Lines(os.path.join(self.standing.folder, "heard"))
            self.standing.wait_until_it_answers()
            self.standing.rpc().startProcess("l")
        except Exception:
            self.standing.end()
            raise
        self.pid = self.standing.pids()[0]
        self.ticks = []

    def forget(self):
        """Ticks that came while it was held say nothing."""
        self.heard.rest = b""
        while select.select([self.heard.descriptor], [], [], 0)[0]:
            os.read(self.heard.descriptor, 1 << 16)
        self.ticks = []

    def next(self):
        """The next event: the monotonic clock when it had been read in nanoseconds, its name, its last word. Of a
        tick the delay after the second that it stands for is kept, in milliseconds."""
        monotonic, wall, name, last = self.heard.next(20)
        if name == "TICK_5":
            self.ticks.append(int(wall) / 1e6 - int(last.split(":")[1]) * 1000)
        return int(monotonic), name, last

    def wait(self, event, word):
        """When the listener had read that."""
        while True:
            monotonic, name, last = self.next()
            if name == event and last == word:
                return monotonic

    def tick(self, wanted):
        """The median delay of so many ticks."""
        time.sleep(0.5)
        self.forget()
        while len(self.ticks) < wanted:
            self.next()
        return median(self.ticks)

    def request(self, word):
        """Milliseconds from the call that causes an event to the listener's read of it."""
        rpc = self.standing.rpc()
        begin = time.monotonic_ns()
        rpc.sendRemoteCommEvent("bench", word)
        return (self.wait("REMOTE_COMMUNICATION", word) - begin) / 1e6

    def child(self):
        """Milliseconds from the SIGKILL of the program to the listener's read of its end."""
        time.sleep(random.random())
        begin = time.monotonic_ns()
        os.kill(self.pid, signal.SIGKILL)
        read = self.wait("PROCESS_STATE_EXITED", "pid:%d" % self.pid)
        self.pid = int(self.standing.told.next(20)[0])
        return (read - begin) / 1e6

    def end(self):
        self.standing.end()
        self.heard.close()


def alone(name, listened, measurement):
    """What is measured of one while the others are held: all ticks come in the same moment, and there are two cores."""
    others = [one.standing.pid for other, one in listened.items() if other != name]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        return measurement(listened[name])
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def events(cast):
    """From what causes an event to its read by a listener that is ready."""
    listened, reasons = {}, {}
    try:
        for subject in cast.ours[:2] + [cast.original]:
            try:
                listened[subject.name] = Listened(subject)
            except Missing as why:
                reasons[subject.name] = str(why)
        time.sleep(1)
        names = list(listened)
        requests = interleaved(rounds(100), lambda name: listened[name].request("n%d" % random.getrandbits(40)), names)
        children = interleaved(rounds(15), lambda name: listened[name].child(), names)
        ticks = {name: alone(name, listened, lambda one: one.tick(rounds(4))) for name in names}
    finally:
        for one in listened.values():
            one.end()
    targets = [AtMost("musl", 1), AtMost("glibc", 1)]
    return [
        Row("event caused by %s, to the listener's read" % what, "ms", {**values, **reasons}, targets)
        for what, values in (("a child", children), ("a timer", ticks), ("a request", requests))
    ]

