"""How fast the output of children is taken, and what that costs."""

import os
import shutil
import signal
import subprocess
import time

from figures import AtLeast, AtLeastTimes, AtMostTimes, median
from report import Row
from runner import QUICK, rounds, turned
from standing import Lines, Standing
from world import CHILDREN_OF_OURS, Missing, end_orphans, folder, processor_ns, program, wait_for

# A program that writes when it is told to, in a section of its own.
WRITER = """\
[program:w]
command={flood} FOLDER/wrote {size} {block} {pause} {line}
numprocs={count}
process_name=%(program_name)s%(process_num)04d
startsecs=0
redirect_stderr=true
stdout_logfile=FOLDER/%(program_name)s%(process_num)04d.log
stdout_logfile_maxbytes=0
"""
BLOCK = 65536
LINE = 200
# The least MB/s of what a child writes in such lines.
FORMATS = {"prefix": 300, "json": 150}
SMALL = 80


class Writers:
    """A supervisor with so many idle programs and some that write when they are told to, with a pause of so many
    microseconds after each write."""

    def __init__(self, subject, idle, writers, size, block, pause=0, line=None, more=""):
        self.count, self.size = writers, size
        # What is in the logs for each byte that was written.
        self.growth = 1
        text = WRITER.format(flood=program("flood"), size=size, block=block, pause=pause, line=line or block, count=writers)
        # The FIFO has to be there before the writers are: they are started when it is.
        text = text.replace("startsecs=0\n", "startsecs=0\nautostart=false\n") + more
        self.standing = Standing(subject, idle, extra=text, minfds=3 * (idle + writers) + 200)
        self.pid, self.folder = self.standing.pid, self.standing.folder
        try:
            self.wrote = Lines(os.path.join(self.folder, "wrote"))
            self.standing.wait_until_it_answers()
            self.standing.rpc().startProcessGroup("w")
            self.pids = [int(self.wrote.next()[0]) for _ in range(writers)]
        except Exception:
            self.standing.end()
            raise

    def logs(self):
        """Where the output comes to."""
        return [os.path.join(self.folder, "w%04d.log" % number) for number in range(self.count)]

    def logged(self):
        """How many bytes are in the logs."""
        return sum(os.path.getsize(path) for path in self.logs())

    def measure_growth(self):
        """A round after which it is known how much lines grow by their format."""
        self.round()
        wait_for("the end of the output", lambda: (self.logged(), time.sleep(0.2))[0] == self.logged())
        self.growth = self.logged() / self.size / self.count

    def round(self):
        """All write at once. Seconds until all of it was in the logs, and the daemon's processor time for it."""
        for path in self.logs():
            if os.path.exists(path):
                os.truncate(path, 0)
        time.sleep(0.1)
        before = processor_ns(self.pid)
        for pid in self.pids:
            os.kill(pid, signal.SIGUSR1)
        told = [self.wrote.next() for _ in self.pids]
        wait_for("the last of the output", lambda: self.logged() >= self.size * self.count * self.growth)
        if self.count == 1:
            # What is still in the pipe then is a part in a thousand.
            seconds = (int(told[0][2]) - int(told[0][1])) / 1e9
        else:
            seconds = (time.monotonic_ns() - min(int(words[1]) for words in told)) / 1e9
        return seconds, (processor_ns(self.pid) - before) / 1e9

    def end(self):
        self.standing.end()
        self.wrote.close()


class LineWriter(Writers):
    """One that writes lines, as many at a time as a pipe takes, into a log of that format."""

    def __init__(self, subject, form, size):
        block = BLOCK // LINE * LINE
        super().__init__(subject, 0, 1, size // block * block, block, line=LINE, more="stdout_logfile_format=%s\n" % form)
        self.measure_growth()


class SystemCalls(Writers):
    """The same with only the system calls in the supervisor's place, programs/capture.c."""

    def __init__(self, writers, size, block, pause):
        self.count, self.size, self.growth = writers, size, 1
        self.folder = folder()
        self.wrote = Lines(os.path.join(self.folder, "wrote"))
        words = [program("capture"), str(writers), self.folder, program("flood"), self.wrote.path, str(size), str(block), str(pause)]
        self.process = subprocess.Popen(words)
        self.pid = self.process.pid
        CHILDREN_OF_OURS.add(self.pid)
        try:
            self.pids = [int(self.wrote.next()[0]) for _ in range(writers)]
        except Missing:
            self.end()
            raise

    def end(self):
        self.process.kill()
        self.process.wait()
        CHILDREN_OF_OURS.discard(self.pid)
        end_orphans()
        self.wrote.close()
        shutil.rmtree(self.folder, ignore_errors=True)


IDLE = (0, 500, 5000)


def one(cast):
    """One child that writes blocks of 64 KiB into a pipe, its log a file: alone and beside idle programs."""
    megabytes = 64 if QUICK else 512
    values = {idle: {} for idle in IDLE}
    for subject in cast.ours[:2] + [cast.original]:
        for idle, found in beside(subject, IDLE if subject is not cast.original else IDLE[:2], megabytes).items():
            values[idle][subject.name] = found
    values[0]["cat"] = cat(megabytes << 20)
    rows = []
    for idle, found in values.items():
        targets = [AtLeastTimes(name, 1, "4.3.0") for name in ("musl", "glibc")] if idle == 0 else []
        if idle:
            # Held to the figures alone, which stand in the row as if they were another's.
            for name in ("musl", "glibc"):
                alone = values[0].get(name)
                found["%s alone" % name] = alone
                targets.append(AtLeastTimes(name, 0.95, "%s alone" % name))
        where = "alone" if idle == 0 else "beside %d idle programs" % idle
        rows.append(Row("capture of one child's output, %s" % where, "MB/s", found, targets))
    return rows


def formats(cast):
    """The same child with lines in its blocks, and a log that is written line by line: bytes of the child a second."""
    megabytes = 64 if QUICK else 256
    rows = []
    for form, least in FORMATS.items():
        found = {}
        for subject in cast.ours[:2]:
            try:
                writer = LineWriter(subject, form, megabytes << 20)
            except Missing as why:
                found[subject.name] = str(why)
                continue
            try:
                found[subject.name] = median([writer.size / writer.round()[0] / 1e6 for _ in range(rounds(7))])
            finally:
                writer.end()
        name = "capture of one child's output, lines of %d bytes, format %s" % (LINE, form)
        rows.append(Row(name, "MB/s", found, [AtLeast(who, least) for who in ("musl", "glibc")]))
    return rows


def beside(subject, numbers, megabytes):
    """MB/s by the number of idle programs. All of them stand at once and take turns."""
    standing, found = {}, {}
    try:
        for idle in numbers:
            # 4.3.0 takes long beside many.
            size = (megabytes if idle == 0 or subject.name != "4.3.0" else 64) << 20
            try:
                standing[idle] = Writers(subject, idle, 1, size, BLOCK)
            except Missing as why:
                found[idle] = str(why)
        for writers in standing.values():
            writers.round()
        taken = {idle: [] for idle in standing}
        for turn in range(rounds(9)):
            for idle in turned(list(standing), turn):
                taken[idle].append(standing[idle].size / standing[idle].round()[0] / 1e6)
        return {**{idle: median(values) for idle, values in taken.items()}, **found}
    finally:
        for writers in standing.values():
            writers.end()


def cat(size):
    """MB/s of the same writer with cat in the supervisor's place."""
    place = folder()
    try:
        wrote = Lines(os.path.join(place, "wrote"))
        taken = []
        for _ in range(rounds(7)):
            with open(os.path.join(place, "log"), "wb") as log:
                writer = subprocess.Popen([program("flood"), wrote.path, str(size), str(BLOCK)], stdout=subprocess.PIPE)
                reader = subprocess.Popen(["cat"], stdin=writer.stdout, stdout=log)
                writer.stdout.close()
                wrote.next()
                writer.send_signal(signal.SIGUSR1)
                words = wrote.next()
                writer.kill()
                writer.wait()
                reader.wait()
            taken.append(size / (int(words[2]) - int(words[1])) * 1e3)
        wrote.close()
        return median(taken)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def small(cast):
    """A hundred children that write lines of 80 bytes all at once: as fast as they can, whereby their pipes fill and
    whoever reads takes much at a time, and at a pace at which each line is a matter of its own."""
    return crowd(cast, "", 2000 if QUICK else 10000, 0) + crowd(cast, ", each with pauses of 10 ms", 50 if QUICK else 200, 10000)


def crowd(cast, how, lines, pause):
    """The rows of one such pace."""
    size = SMALL * lines
    rates, costs = {}, {}
    writers = {}
    try:
        makers = {one.name: lambda one=one: Writers(one, 0, 100, size, SMALL, pause) for one in cast.ours[:2] + [cast.original]}
        makers["floor"] = lambda: SystemCalls(100, size, SMALL, pause)
        for name, make in makers.items():
            try:
                writers[name] = make()
            except Missing as why:
                rates[name] = costs[name] = str(why)
        taken = {name: [] for name in writers}
        for turn in range(rounds(5)):
            for name in turned(list(writers), turn):
                taken[name].append(writers[name].round())
        for name, found in taken.items():
            rates[name] = median([size * 100 / seconds / 1e6 for seconds, _ in found])
            costs[name] = median([processor / (size * 100) * 1e9 for _, processor in found])
    finally:
        for group in writers.values():
            group.end()
    name = "writes of 80 bytes by 100 children at once" + how
    rate = Row(name, "MB/s", rates, [AtLeastTimes(who, 3, "4.3.0") for who in ("musl", "glibc")])
    cost = Row(name + ": processor time", "ns/byte", costs, [AtMostTimes(who, 1 / 3, "4.3.0") for who in ("musl", "glibc")])
    # At a pace that the children keep, everybody takes the same.
    return [cost] if pause else [rate, cost]
