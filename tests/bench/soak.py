"""`make soak`: restarts, requests, rotation and events for a while; is the memory of the daemon a flat line?

    python3 -B tests/bench/soak.py [--minutes N] [--build NAME]

Samples private dirty memory and descriptors, fits a straight line to the later half of each (until then
buffers find their size), and ends with 1 where one rises by more than it may.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from chapters_doors import LISTENER
from figures import growth
from report import markdown, write_file
from standing import Lines, Standing
from subjects import must_be_there, ours
from world import TARGET, Missing, become_the_reaper, compile_programs, descriptors, machine, memory, program

PROGRAMS = 50
# Twenty children that write some 80 KB a second each into logs that roll over at 256 KB.
CHATTER = """\
[program:w]
command={flood} FOLDER/wrote 40000 80 1000
numprocs=20
process_name=%(program_name)s%(process_num)04d
startsecs=0
autostart=false
stdout_logfile=FOLDER/%(program_name)s%(process_num)04d.log
stdout_logfile_maxbytes=256KB
stdout_logfile_backups=3
"""
# The part of its value by which a line may rise over the whole time.
ALLOWED = 0.05
NAMES = ("private dirty memory, KB", "descriptors")


class Work:
    """What goes on: each turn kills programs, asks, lets children write and causes events."""

    def __init__(self, one):
        self.one = one
        self.heard = Lines(os.path.join(one.folder, "heard"))
        self.wrote = Lines(os.path.join(one.folder, "wrote"))
        one.wait_until_it_answers()
        one.rpc().startProcess("l")
        one.rpc().startProcessGroup("w")
        self.writers = [int(self.wrote.next()[0]) for _ in range(20)]
        self.pids = one.pids()
        self.turns = 0

    def turn(self):
        """A second or so."""
        rpc = self.one.rpc()
        for pid in self.writers:
            os.kill(pid, signal.SIGUSR1)
        for index in random.sample(range(len(self.pids)), 5):
            os.kill(self.pids[index], signal.SIGKILL)
            self.pids[index] = int(self.one.told.next(20)[0])
        for _ in range(20):
            rpc.getAllProcessInfo()
            rpc.tailProcessStdoutLog("w:w%04d" % random.randrange(20), 0, 4096)
            rpc.sendRemoteCommEvent("soak", "turn%d" % self.turns)
        rpc.stopProcess("p:p0000")
        rpc.startProcess("p:p0000")
        self.pids[0] = int(self.one.told.next(20)[0])
        if self.turns % 30 == 29:
            os.kill(self.one.pid, signal.SIGUSR2)
            rpc.clearProcessLogs("w:w0000")
            self.one.calls("getAllProcessInfo", 0.2)
        for _ in self.writers:
            self.wrote.next()
        # The listener's FIFO is not to fill up: it is read until the last of this turn's calls was told of.
        while self.heard.next(20)[3] != "turn%d" % self.turns:
            pass
        self.turns += 1

    def close(self):
        self.heard.close()
        self.wrote.close()


def sample(one):
    """Private dirty memory in KB, and descriptors."""
    return memory([one.pid]) * 1.024, descriptors(one.pid)


def run(one, minutes):
    """Points (seconds, values): one a second or so, and some 60 at most."""
    work = Work(one)
    points = []
    begin = time.monotonic()
    end = begin + minutes * 60
    between = max(1.0, minutes)
    try:
        while time.monotonic() < end:
            work.turn()
            now = time.monotonic() - begin
            if not points or now - points[-1][0] >= between:
                # What connections of this turn leave open is closed by then.
                time.sleep(0.2)
                points.append((now, sample(one)))
                print("%6.0f s %6d turns  %8.0f KB dirty %5d descriptors" % ((now, work.turns) + points[-1][1]), flush=True)
    finally:
        work.close()
    return points


def own_copy(build):
    """The build from a file of its own: who else runs it has no share in the figures."""
    subject = ours()[build]
    must_be_there(subject)
    path = os.path.join(TARGET, "soak", "supervisord")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy2(subject.path, path)
    os.sync()
    subject.path = path
    return subject


def main():
    parser = argparse.ArgumentParser(prog="soak.py")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--build", default="glibc", choices=["musl", "glibc", "dynamic", "tiny"])
    options = parser.parse_args()
    compile_programs()
    become_the_reaper()
    text = CHATTER.format(flood=program("flood")) + LISTENER.format(listener=program("listener"))
    try:
        one = Standing(own_copy(options.build), PROGRAMS, extra=text)
    except Missing as why:
        raise SystemExit(str(why))
    try:
        points = run(one, options.minutes)
    finally:
        one.end()
    later = points[len(points) // 2 :]
    if len(later) < 3:
        raise SystemExit("too short a time to tell")
    rows, flat = [], True
    for index, name in enumerate(NAMES):
        rise = growth([(at, values[index]) for at, values in later])
        flat = flat and rise <= ALLOWED
        rows.append([name, "%.0f" % later[0][1][index], "%.0f" % later[-1][1][index], "%+.1f %%" % (rise * 100), "yes" if rise <= ALLOWED else "no"])
    table = markdown(["what", "at half-time", "at the end", "rise of the line", "flat"], rows)
    title = "Soak of %g minutes, %s build, %s, %s\n\n" % (options.minutes, options.build, time.strftime("%Y-%m-%d", time.gmtime()), machine())
    print("\n" + title + table)
    write_file(os.path.join(TARGET, "soak.md"), title + table)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
