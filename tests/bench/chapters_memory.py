"""What memory a supervisor takes, and what it does when there is nothing to do."""

import os
import signal
import subprocess
import time

from figures import AtMost
from report import Row
from runner import rounds
from standing import Together
from world import wake_ups


def measure(cast):
    """Private dirty memory of everything that supervises, at rest, with 1, 100 and 1000 programs."""
    rows = []
    everybody = cast.ours + [cast.original] + cast.peers + [cast.floor]
    crowd = [one for one in everybody if one.name != "monit"]
    for count, who in ((1, everybody), (100, crowd), (1000, cast.ours + [cast.original] + cast.peer("dinit") + [cast.floor])):
        with Together(who, count) as together:
            together.settle()
            ask(cast, together)
            together.rest()
            taken = together.each(megabytes)
        measure_name = "private dirty memory of all that supervises, %d program%s" % (count, "s" if count > 1 else "")
        rows.append(Row(measure_name, "MB", taken, TARGETS.get(count, ())))
    return rows


def ask(cast, together):
    """Has those answer who speak XML-RPC."""
    for one in together.standing.values():
        if one.subject in cast.ours + [cast.original]:
            one.rpc().getState()


def megabytes(one):
    """Private dirty memory of what supervises."""
    return one.memory() * 1024 / 1e6


TARGETS = {
    1: [AtMost("musl", 0.15)],
    1000: [AtMost("musl", 2)],
}


def idle(cast):
    """System calls (counted by strace) and wake-ups (the kernel's count, without strace) of idle supervisors."""
    rows = []
    seconds = max(5, rounds(20))
    who = cast.ours + [cast.original] + cast.peers + [cast.floor]
    with Together(who, 1) as together:
        together.rest()
        supervisors = {name: one.supervisors() for name, one in together.standing.items()}
        before = {name: wake_ups(pids) for name, pids in supervisors.items()}
        time.sleep(seconds)
        woken = {name: (wake_ups(pids) - before[name]) / seconds for name, pids in supervisors.items()}
        rows.append(Row("wake-ups a second when idle", "/s", {**woken, **together.reasons}, [AtMost("musl", 0), AtMost("glibc", 0)]))
        try:
            calls = system_calls(supervisors, together, seconds)
        except FileNotFoundError:
            calls = {name: "strace is missing: apt-get install strace" for name in supervisors}
        rows.insert(0, Row("system calls a second when idle", "/s", {**calls, **together.reasons}, [AtMost("musl", 0), AtMost("glibc", 0)]))
    return rows


def system_calls(supervisors, together, seconds):
    """By name, how many calls a second all processes of a supervisor make. The tracer's coming wakes a process once,
    so that the count begins when it has come to rest again."""
    tracers = {}
    for name, pids in supervisors.items():
        out = os.path.join(together.standing[name].folder, "calls")
        words = ["strace", "-q", "-f", "-ttt", "-o", out] + [word for pid in pids for word in ("-p", str(pid))]
        tracers[name] = (out, subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    together.rest()
    begin = time.time()
    time.sleep(seconds)
    end = time.time()
    counts = {}
    for name, (out, tracer) in tracers.items():
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        with open(out) as file:
            stamps = [float(line.split()[1]) for line in file if "resumed" not in line]
        counts[name] = sum(begin <= stamp < end for stamp in stamps) / seconds
    return counts
