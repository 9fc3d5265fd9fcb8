"""Cost grows with what happens, not with what is configured; and memory comes back."""

import os
import signal
import subprocess
import time

from chapters_doors import LISTENER
from chapters_life import launch_once
from chapters_output import SMALL, Writers
from figures import AtLeast, AtMostTimes
from report import Row
from runner import interleaved, on_one_processor, rounds
from standing import Lines, Standing
from world import Missing, processor_ns, program

COUNTS = (10, 100, 1000, 5000)
LINES = 200


def scale(cast):
    """The processor time of one restart, one line of output and one getProcessInfo beside so many programs."""
    rows = []
    for subject in cast.ours[:2]:
        # The daemons as well: whether a writer is beside its daemon or on the other processor counts for half a line.
        rows += on_one_processor(lambda one=subject: costs(one))
    return rows + limits(cast)


def costs(subject):
    """The three rows of one build."""
    standing, reasons = {}, {}
    try:
        for count in COUNTS:
            try:
                standing[str(count)] = Writers(subject, count, 1, SMALL * LINES, SMALL, 200)
            except Missing as why:
                reasons[str(count)] = str(why)
        time.sleep(1)
        pids = {name: one.standing.pids()[0] for name, one in standing.items()}

        def restart(name):
            one = standing[name].standing
            before = processor_ns(one.pid)
            for _ in range(10):
                os.kill(pids[name], signal.SIGKILL)
                pids[name] = int(one.told.next(20)[0])
                # The successor is told of before the daemon has done with the matter.
                time.sleep(0.01)
            return (processor_ns(one.pid) - before) / 10 / 1e3

        def line(name):
            return standing[name].round()[1] / LINES * 1e6

        def ask(name):
            one = standing[name].standing
            before = processor_ns(one.pid)
            _, calls = one.calls("getProcessInfo", 0.3, "p:p0005")
            return (processor_ns(one.pid) - before) / calls / 1e3

        rows = []
        for what, look in (("restart", restart), ("line of output", line), ("getProcessInfo", ask)):
            values = interleaved(rounds(11), look, list(standing))
            values.update(reasons)
            targets = [AtMostTimes(str(count), 1.2, "10") for count in COUNTS[1:]]
            rows.append(Row("%s beside so many programs: processor time, %s" % (what, subject.name), "µs", values, targets))
        return rows
    finally:
        for one in standing.values():
            one.end()


def limits(cast):
    """Five thousand programs; and what becomes of a thousand where the limit of descriptors is low."""
    by_name = {one.name: one for one in cast.ours[:2] + cast.peer("dinit") + [cast.floor]}
    values = interleaved(1, lambda name: launch_once(by_name[name], 5000)[0] / 1000, list(by_name))
    targets = [AtMostTimes(name, 1, "dinit") for name in ("musl", "glibc")]
    rows = [Row("launch to all of 5000 programs executed", "s", values, targets)]
    if subprocess.run(["sh", "-c", "command -v prlimit"], stdout=subprocess.DEVNULL).returncode != 0:
        return rows
    for text, limit, holds in (("1024, which may be raised", "1024:20000", True), ("1024, which may not", "1024:1024", False)):
        note = ""
        try:
            one = Standing(cast.glibc, 1000, limit=limit, minfds=0)
            try:
                found = {"glibc": len(one.began)}
                with open(os.path.join(one.folder, "said"), encoding="utf-8", errors="replace") as said:
                    lines = [words for words in said if "descriptor" in words or "open files" in words]
                note = "it says: " + lines[0].strip() if lines else "it says nothing of descriptors"
            finally:
                one.end()
        except Missing as why:
            found = {"glibc": str(why)}
        targets = [AtLeast("glibc", 1000)] if holds else []
        rows.append(Row("programs of 1000 that run, minfds not set, limit of descriptors %s" % text, "", found, targets, note))
    return rows


BIG = 50 << 20
BIG_LOG = """\
[program:big]
command=/bin/cat
autostart=false
stdout_logfile=FOLDER/big.log
stdout_logfile_maxbytes=0
"""


def comes_back(cast):
    """Private dirty memory with 1000 programs before and after what takes much of it for a while."""
    found = {}
    steps = []
    for subject in cast.ours[:2]:
        try:
            one = Standing(subject, 1000, extra=BIG_LOG + LISTENER.format(listener=program("listener")))
        except Missing as why:
            found[subject.name] = str(why)
            continue
        try:
            found[subject.name] = after_each(one, steps)
        finally:
            one.end()
    rows = []
    for index, step in enumerate(steps):
        values = {name: taken if isinstance(taken, str) else taken[index] for name, taken in found.items()}
        targets = []
        for name, taken in found.items():
            if index and not isinstance(taken, str):
                values[name + " before"] = taken[0]
                targets.append(AtMostTimes(name, 1.2, name + " before"))
        rows.append(Row("private dirty memory with 1000 programs, " + step, "MB", values, targets))
    return rows


def after_each(one, steps):
    """MB before, and after each step; their names are put into `steps`."""
    heard = Lines(os.path.join(one.folder, "heard"))
    one.wait_until_it_answers()
    one.rpc().startProcess("l")
    with open(os.path.join(one.folder, "big.log"), "wb") as log:
        log.write(b"a line of a log of no particular interest, with some <marks> & more\n" * (BIG // 67))
    time.sleep(2)
    taken = []

    def take(name):
        time.sleep(0.5)
        taken.append(one.memory() * 1024 / 1e6)
        if len(steps) < len(taken):
            steps.append(name)

    take("before")
    one.calls("getAllProcessInfo", 1)
    take("after getAllProcessInfo, again and again")
    if len(one.rpc().readProcessStdoutLog("big", 0, 0)) < BIG // 2:
        raise Missing("the log of 50 MB is not read whole")
    take("after 50 MB of a log were read")
    one.calls("sendRemoteCommEvent", 2, "bench", "word")
    heard.next()
    take("after a flood of events")
    for _ in range(rounds(10)):
        os.kill(one.pid, signal.SIGHUP)
        for _ in range(one.count):
            one.told.next()
    one.wait_until_it_answers()
    take("after ten reloads")
    heard.close()
    return taken
