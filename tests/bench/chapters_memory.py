"""What memory a supervisor takes, and what it does when there is nothing to do."""

import os
import signal
import socket
import subprocess
import threading
import time

from figures import AtMost
from report import Row
from chapters_output import Writers
from runner import rounds
from standing import REST, Standing, Together
from world import Missing, processor_ns, program, wait_for, wake_ups


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
    rows.append(rings(cast))
    return rows


def rings(cast):
    """The same with what the programs have written last in memory: as much as there is room for."""
    taken = {}
    for subject in cast.ours[:2]:
        try:
            writers = Writers(subject, 0, RINGS, RING, RING, more="stdout_logfile=NONE\nstdout_ring=%d\n" % RING)
        except Missing as why:
            taken[subject.name] = str(why)
            continue
        try:
            for pid in writers.pids:
                os.kill(pid, signal.SIGUSR1)
            for _ in writers.pids:
                writers.wrote.next()
            time.sleep(REST)
            taken[subject.name] = megabytes(writers.standing)
        finally:
            writers.end()
    name = "private dirty memory of all that supervises, %d programs with %d KB of output in memory for each" % (RINGS, RING >> 10)
    # What they held while they grew is not given back: at most half as much again.
    return Row(name, "MB", taken, [AtMost("musl", 1.5 * RINGS * RING / 1e6)])


def ask(cast, together):
    """Has those answer who speak XML-RPC."""
    for one in together.standing.values():
        if one.subject in cast.ours + [cast.original]:
            one.rpc().getState()


def megabytes(one):
    """Private dirty memory of what supervises."""
    return one.memory() * 1024 / 1e6


# How many programs have a ring, and how many bytes are in it.
RINGS = 100
RING = 65536

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
    rows.append(checks(cast))
    return rows


# Programs with a check, and the seconds from one of each to its next: a thousand a minute.
CHECKED = 100
PERIOD = 6
CHECKED_PROGRAMS = """\
[program:h]
command={mark} FOLDER/told
numprocs={count}
process_name=%(program_name)s%(process_num)04d
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
liveness_check=http://127.0.0.1:{port}/
liveness_check_period={period}
"""


def checks(cast):
    """What a thousand checks a minute cost a supervisor that has nothing else to do: each a connection to an HTTP
    server on this machine, a request and its answer."""
    seconds = PERIOD * max(2, rounds(5))
    taken = {}
    with socket.create_server(("127.0.0.1", 0), backlog=CHECKED) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        text = CHECKED_PROGRAMS.format(mark=program("mark"), count=CHECKED, port=server.getsockname()[1], period=PERIOD)
        for subject in cast.ours[:2]:
            try:
                standing = Standing(subject, 0, extra=text, minfds=0)
            except Missing as why:
                taken[subject.name] = str(why)
                continue
            try:
                standing.wait_until_it_answers()
                wait_for("health", lambda: all(one["health"] == "healthy" for one in standing.rpc().getAllProcessInfo()))
                # From then on the checks of each are made at its own time in a period.
                time.sleep(PERIOD)
                before = processor_ns(standing.pid)
                time.sleep(seconds)
                taken[subject.name] = (processor_ns(standing.pid) - before) / seconds / 1e7
            finally:
                standing.end()
    name = "processor time for %d HTTP checks a minute" % (CHECKED * 60 // PERIOD)
    return Row(name, "% of a core", taken, [AtMost(who, 1) for who in ("musl", "glibc")])


def answer(server):
    """Says to everybody that all is well."""
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


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
