"""What the bench needs of the machine: folders, its own small programs, and what /proc tells of processes."""

import ctypes
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.path.join(ROOT, "target", "bench")
PROGRAMS = os.path.join(TARGET, "programs")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/", "LC_ALL": "C.UTF-8"}

PR_SET_CHILD_SUBREAPER = 36
CHILDREN_OF_OURS = set()


class Missing(Exception):
    """Something cannot be measured here; the text says what is missing and how to get it."""


def program(name):
    """The path of one of the bench's own programs."""
    return os.path.join(PROGRAMS, name)


def compile_programs():
    """Compiles programs/*.c: static where the machine has a static libc, so that they cost little beside what is
    measured."""
    if not shutil.which("cc"):
        raise SystemExit("the bench needs a C compiler: apt-get install gcc libc6-dev")
    os.makedirs(PROGRAMS, exist_ok=True)
    for source in sorted(os.listdir(os.path.join(HERE, "programs"))):
        path = os.path.join(HERE, "programs", source)
        words = ["cc", "-O2", "-Wall", "-Wextra", "-o", program(source[:-2]), path]
        if subprocess.run(words[:1] + ["-static"] + words[1:], stderr=subprocess.DEVNULL).returncode != 0:
            subprocess.run(words, check=True)


def become_the_reaper():
    """What daemons leave behind becomes a child of the bench, which can end it without touching anything else."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def folder():
    """A new folder of few letters, as paths of sockets have to be short."""
    return tempfile.mkdtemp(prefix="pv")


def children(pid):
    """The processes that this one's main thread has forked and that live or are not waited for."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def family(pid):
    """A process and all that stem from it."""
    found = [pid]
    for one in found:
        found.extend(children(one))
    return found


def end_orphans():
    """Ends what daemons that have ended left to the bench, by and by with what stems from it."""
    while True:
        orphans = [pid for pid in children(os.getpid()) if pid not in CHILDREN_OF_OURS]
        if not orphans:
            return
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            os.waitpid(pid, 0)


def executable(pid):
    """What a process runs, or an empty text where it has ended."""
    try:
        return os.readlink("/proc/%d/exe" % pid)
    except OSError:
        return ""


def memory(pids):
    """Private dirty memory of processes together, in KiB."""
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            total += int(re.search(r"Private_Dirty:\s+(\d+)", file.read()).group(1))
    return total


def processor_ns(pid):
    """How long a process was on a processor, in nanoseconds."""
    with open("/proc/%d/schedstat" % pid) as file:
        return int(file.read().split()[0])


def wake_ups(pids):
    """How often processes have gone to sleep of their own accord."""
    total = 0
    for pid in pids:
        with open("/proc/%d/status" % pid) as file:
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M).group(1))
    return total


def descriptors(pid):
    """How many descriptors a process has open."""
    return len(os.listdir("/proc/%d/fd" % pid))


def wait_for(what, condition, seconds=60):
    """Polls until the condition gives something true, and gives that."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Missing("%s did not happen within %d s" % (what, seconds))
        time.sleep(0.002)


def machine():
    """One line on the machine: processor, cores that may be used, memory, kernel."""
    model = platform.machine()
    with open("/proc/cpuinfo") as file:
        found = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.M)
    if found:
        model = found.group(1).strip()
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    cores = len(os.sched_getaffinity(0))
    return "%s, %d cores, %.0f GB, Linux %s" % (model, cores, gigabytes, platform.release())
