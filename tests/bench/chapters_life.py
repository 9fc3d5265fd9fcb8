"""From the start of a supervisor to its programs, from a killed program to its successor, and to the end of all."""

import os
import shutil
import signal
import subprocess
import time

from figures import AtMost, AtMostTimes, median
from report import Row
from runner import interleaved, rounds, turned
from standing import Together
from subjects import must_be_there
from world import ENVIRONMENT, Missing, folder, program, wait_for


def launch_once(subject, count, stop=False, becomes=(), groups=False, **more):
    """Milliseconds from its start until so many programs were executed, and from SIGTERM until it has ended."""
    must_be_there(subject)
    if stop and subject.stop_signal is None:
        raise Missing("it has no signal that ends its services and waits for them")
    place = folder()
    try:
        told = os.path.join(place, "told")
        os.mkfifo(told)
        words = [program("mark"), told] + list(becomes)
        prepare = subject.prepare_groups if groups else subject.prepare
        prepare(place, count, words, **more)
        number = str(int(subject.stop_signal)) if stop else "0"
        with open(os.path.join(place, "said"), "w") as said:
            done = subprocess.run(
                [program("launch"), told, str(count), number] + subject.command(place, count, words),
                env=subject.environment(),
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        if done.returncode != 0:
            raise Missing("%s does not run %d programs in time" % (subject.name, count))
        # What was printed last is launch's; a supervisor may have said something itself.
        return [int(word) / 1e6 for word in done.stdout.split()[-2:]]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def launch(cast):
    """From the start to all programs executed."""
    rows = []
    everybody = cast.ours + [cast.original] + cast.peers + [cast.floor]
    crowd = [one for one in everybody if one.name != "monit"]
    large = cast.ours[:2] + [cast.original] + cast.peer("s6", "dinit") + [cast.floor]
    for count, who, turns, slow_turns in ((1, everybody, 21, 5), (100, crowd, 11, 2), (500, large, 7, 1)):
        by_name = {subject.name: subject for subject in who}
        values = interleaved(
            rounds(turns), lambda name: launch_once(by_name[name], count)[0], list(by_name), ("4.3.0", "runit"), slow_turns
        )
        if count == 1:
            rows.append(Row("launch to the one program executed", "ms", values, [AtMost("musl", 6), AtMost("glibc", 6)]))
        else:
            targets = [AtMostTimes(name, 1, "dinit") for name in ("musl", "glibc")]
            rows.append(Row("launch to all of %d programs executed" % count, "ms", values, targets))
    return rows + dependent(cast)


# In milliseconds: the most that a step of what depends on each other may cost beyond the sum of the longest path, and
# when after its start a program with startsecs=0 is RUNNING.
STEP, INSTANT = 2, 10


def dependent(cast):
    """From the start to all programs executed that wait for each other."""
    by_name = {one.name: one for one in cast.ours[:2]}
    rows = []
    for text, count, path, needs in (
        ("a chain of 50 programs, each when the one before is RUNNING", 50, 49, lambda number: number - 1),
        ("a fan of 500 programs when the first is RUNNING", 501, 1, lambda number: 0),
    ):
        values = interleaved(rounds(11), lambda name: launch_once(by_name[name], count, groups=True, needs=needs)[0], list(by_name))
        targets = [AtMost(name, INSTANT * path + STEP * count) for name in by_name]
        rows.append(Row("launch of %s, to all executed" % text, "ms", values, targets))
    return rows


def restart(cast):
    """From the SIGKILL of a program to its successor executed, alone and beside a thousand."""
    who = cast.ours + [cast.original] + [peer for peer in cast.peers if peer.name != "monit"] + [cast.floor]
    alone = [AtMostTimes(name, 1, "dinit") for name in ("musl", "glibc")]
    beside = [AtMost(name, 2.5) for name in ("musl", "glibc")]
    return [
        Row("killed program to its successor executed", "ms", successors(who, 1), alone),
        Row("killed program to its successor executed, beside 1000", "ms", successors(cast.ours[:2], 1000), beside),
    ]


def successors(who, count):
    """The medians by name. Each life lasts more than a second, as some peers wait for that; 4.3.0 sees it when a second
    of its loop is over."""
    with Together(who, count) as together:
        pids = {name: one.pids()[0] for name, one in together.standing.items()}

        def once(name):
            began = time.monotonic_ns()
            os.kill(pids[name], signal.SIGKILL)
            pid, stamp = together.standing[name].told.next(20)
            pids[name] = int(pid)
            return (int(stamp) - began) / 1e6

        taken = {name: [] for name in pids}
        for turn in range(rounds(21)):
            time.sleep(1.1)
            for name in turned(list(pids), turn):
                if name != "4.3.0" or turn < 7:
                    taken[name].append(once(name))
    return {**{name: median(found) for name, found in taken.items()}, **together.reasons}


STOPPED = "".join("[program:q%02d]\ncommand=/bin/cat\nautostart=false\n" % number for number in range(20))


def stop(cast):
    """From SIGTERM to the end: 1000 programs that became sleep(1), and one beside 20 groups that are stopped."""
    rows = []
    sleep = (shutil.which("sleep"), "1000000")
    both = cast.ours[:2] + [cast.original]
    for text, groups in (("one group", False), ("1000 groups", True)):
        by_name = {one.name: one for one in both + ([] if groups else cast.peer("dinit") + [cast.floor])}
        values = interleaved(
            rounds(3),
            lambda name: launch_once(by_name[name], 1000, stop=True, becomes=sleep, groups=groups and name != "floor")[1] / 1000,
            list(by_name),
            ("4.3.0",),
        )
        targets = [AtMost("musl", 0.4), AtMost("glibc", 0.4)]
        rows.append(Row("stop of 1000 programs (sleep), %s" % text, "s", values, targets))
    by_name = {one.name: one for one in both}
    values = interleaved(
        rounds(11), lambda name: launch_once(by_name[name], 1, stop=True, extra=STOPPED)[1], list(by_name), ("4.3.0",)
    )
    targets = [AtMost("musl", 20), AtMost("glibc", 20)]
    rows.append(Row("shutdown with 20 stopped groups and one running", "ms", values, targets))
    return rows


def times(words, turns, environment):
    """Milliseconds of a command from its start to its end, so many times."""
    done = subprocess.run([program("times"), str(turns)] + words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Missing(done.stderr.strip() or "it failed")
    return [int(word) / 1e6 for word in done.stdout.split()]


def control(cast):
    """The command that shows all programs, as a whole process; `supervisord -v`, and what any process costs."""
    rows = []
    for count in (1, 100):
        who = cast.ours + [cast.original] + (cast.peers if count == 1 else cast.peer("runit", "daemontools", "dinit"))
        with Together(who, count) as together:
            for name, one in together.standing.items():
                if one.subject in cast.ours + [cast.original]:
                    one.wait_until_it_answers()
                if name == "monit":
                    wait_for("monit's socket", lambda: os.path.exists(one.socket()))

            def once(name):
                one = together.standing[name]
                words = one.subject.control(one.folder, count)
                turns = 1 if name in ("4.3.0", "monit") else 9
                return median(times(words, turns, one.subject.environment()))

            values = interleaved(rounds(15), once, list(together.standing), ("4.3.0",), 7)
            values.update(together.reasons)
        limit = 1.2 if count == 1 else 2
        name = "one-shot control command, %d program%s" % (count, "s" if count > 1 else "")
        rows.append(Row(name, "ms", values, [AtMost("musl", limit), AtMost("glibc", limit)]))
    by_name = {one.name: one for one in cast.ours + [cast.original] if not one.missing()}

    def version(name):
        turns = 1 if name == "4.3.0" else 25
        return median(times([by_name[name].path, "-v"], turns, ENVIRONMENT))

    values = interleaved(rounds(11), version, list(by_name))
    rows.append(Row("supervisord -v", "ms", values, [AtMost("musl", 1), AtMost("glibc", 1)]))
    for name, words in (("a static C program that does nothing", [program("nothing")]), ("/bin/true", ["/bin/true"])):
        rows.append(Row(name, "ms", {"floor": median(times(words, 9 * rounds(15), ENVIRONMENT))}))
    return rows
